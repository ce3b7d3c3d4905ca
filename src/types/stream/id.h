// The name of an entry of a stream: a time in milliseconds and a number within it, ordered by both.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace stave::types::stream {

struct Id {
  std::uint64_t ms = 0;
  std::uint64_t seq = 0;

  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

inline constexpr Id kIdMin{};
inline constexpr Id kIdMax{.ms = std::numeric_limits<std::uint64_t>::max(),
                           .seq = std::numeric_limits<std::uint64_t>::max()};

/// The next one; nullopt: it is the last.
constexpr std::optional<Id> next_id(const Id& id) noexcept {
  if (id.seq != kIdMax.seq) return Id{.ms = id.ms, .seq = id.seq + 1};
  if (id.ms != kIdMax.ms) return Id{.ms = id.ms + 1, .seq = 0};
  return std::nullopt;
}
/// The one before; nullopt: it is the first.
constexpr std::optional<Id> previous_id(const Id& id) noexcept {
  if (id.seq != 0) return Id{.ms = id.ms, .seq = id.seq - 1};
  if (id.ms != 0) return Id{.ms = id.ms - 1, .seq = kIdMax.seq};
  return std::nullopt;
}

/// Its sixteen bytes, whose order is that of the ids: big-endian.
inline constexpr std::size_t kIdBytes = 16;
void put_id(char* to, const Id& id) noexcept;
Id get_id(const char* from) noexcept;
std::string id_bytes(const Id& id);

/// "1526919030474-55"
class IdText {
 public:
  explicit IdText(const Id& id) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }

 private:
  char text_[41];
  std::uint8_t size_ = 0;
};

/// "ms-seq", or "ms" alone, which leaves `seq` to `missing_seq`. nullopt: neither.
std::optional<Id> parse_id(std::string_view text, std::uint64_t missing_seq) noexcept;

}  // namespace stave::types::stream
