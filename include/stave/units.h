// Types instead of bare integers, for the quantities that must not be mixed up.
#pragma once

#include <compare>
#include <cstdint>

namespace stave {

/// A position in the log: bytes since the store was born. It is an address, an order and a version at once.
/// 48 bits are stored on disk and in memory (256 TiB of writes in a store's life). Zero means "none".
enum class Lsn : std::uint64_t {};
inline constexpr Lsn kNoLsn{0};
inline constexpr std::uint64_t kLsnMax = (std::uint64_t{1} << 48) - 1;

constexpr std::uint64_t raw(Lsn lsn) noexcept { return static_cast<std::uint64_t>(lsn); }
constexpr Lsn operator+(Lsn lsn, std::uint64_t bytes) noexcept { return Lsn{raw(lsn) + bytes}; }
constexpr std::uint64_t operator-(Lsn a, Lsn b) noexcept { return raw(a) - raw(b); }

/// Wall time, milliseconds since 1970-01-01 UTC. 48 bits on disk.
enum class UnixMs : std::int64_t {};
inline constexpr std::int64_t kUnixMsMax = (std::int64_t{1} << 47) - 1;
constexpr std::int64_t raw(UnixMs t) noexcept { return static_cast<std::int64_t>(t); }
constexpr UnixMs operator+(UnixMs t, std::int64_t ms) noexcept { return UnixMs{raw(t) + ms}; }
constexpr std::int64_t operator-(UnixMs a, UnixMs b) noexcept { return raw(a) - raw(b); }

/// When a key dies, and whether reading it puts that off. `at` zero: never.
struct Expiry {
  UnixMs at{0};
  /// Milliseconds of life granted anew by each access; zero for a fixed deadline.
  std::int64_t sliding_ms = 0;

  [[nodiscard]] constexpr bool never() const noexcept { return raw(at) == 0; }
  [[nodiscard]] constexpr bool passed(UnixMs now) const noexcept { return !never() && at <= now; }
  friend constexpr bool operator==(const Expiry&, const Expiry&) = default;
};

}  // namespace stave
