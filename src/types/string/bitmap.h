// Strings as rows of bits: bit 0 is the highest of the first byte. What lies behind the end is zeros.
//
// Promises: counting takes what the processor has (AVX2 where there is some, asked once), with the same answer without
// it. Nothing allocates but `combine`, which throws std::bad_alloc. Must not know: keys, commands, how a range is
// spelled. Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace stave::types::bitmap {

/// The bit at `at`; beyond the end: false.
[[nodiscard]] inline bool get(std::string_view bytes, std::uint64_t at) noexcept {
  const std::uint64_t byte = at / 8;
  return byte < bytes.size() && (static_cast<unsigned char>(bytes[byte]) >> (7 - at % 8) & 1) != 0;
}
/// Sets the bit at `at`, which is there.
inline void set(char* bytes, std::uint64_t at, bool bit) noexcept {
  const auto mask = static_cast<unsigned char>(1u << (7 - at % 8));
  const auto old = static_cast<unsigned char>(bytes[at / 8]);
  bytes[at / 8] = static_cast<char>(bit ? old | mask : old & ~mask);
}

/// How many bits are set. Cost: what reading the bytes takes.
[[nodiscard]] std::uint64_t count(std::string_view bytes) noexcept;
/// The same by the one or the other way; the fast one only where `has_fast_count()`.
[[nodiscard]] std::uint64_t count_portably(std::string_view bytes) noexcept;
[[nodiscard]] std::uint64_t count_fast(std::string_view bytes) noexcept;
[[nodiscard]] bool has_fast_count() noexcept;

/// Bits from `from` on up to the one before `to`; both within the bytes.
[[nodiscard]] std::uint64_t count(std::string_view bytes, std::uint64_t from, std::uint64_t to) noexcept;
/// The first of these that is `bit`; nullopt when there is none.
[[nodiscard]] std::optional<std::uint64_t> find(std::string_view bytes, bool bit, std::uint64_t from,
                                                std::uint64_t to) noexcept;

enum class Operation : std::uint8_t {
  kAnd,
  kOr,
  kXor,
  kNot,    ///< Of one.
  kDiff,   ///< Set in the first and in none of the others.
  kDiff1,  ///< Set in one of the others, but not in the first.
  kAndOr,  ///< Set in the first and in one of the others.
  kOne,    ///< Set in exactly one.
};
/// `into`: the operation on all of `sources`, of which there is one at least, as long as the longest of them.
void combine(Operation operation, std::span<const std::string_view> sources, std::string& into);

}  // namespace stave::types::bitmap
