// HyperLogLogs: how many different texts were added, about, in at most 12 KiB. A string of the very bytes that Redis
// makes of the same calls.
//
// 16 bytes of header ("HYLL", encoding, the count when it was last asked for), then 16,384 registers of 6 bits (dense),
// or runs of equal ones (sparse) as long as there are few. The hash is MurmurHash64A with Redis' seed. The estimate is
// Otmar Ertl's (arXiv:1702.01284); standard error 0.81%. Promises: bytes that others made are checked before they are
// used, and refused when they break a rule. Throws std::bad_alloc where it says `std::string&`. Must not know: keys,
// commands. Threads: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stave::types::hyperloglog {

inline constexpr std::size_t kRegisters = 16384;
inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kDenseBytes = kHeaderBytes + kRegisters * 6 / 8;

/// Whether the string says that it is one, and has the length for it. What is in a sparse one is not looked at.
[[nodiscard]] bool is_one(std::string_view value) noexcept;
/// Of one, as of all below.
[[nodiscard]] bool is_sparse(std::string_view value) noexcept;
/// One to which nothing was added.
[[nodiscard]] std::string make();

/// What a text does: the register it goes to, and the least that this has then.
struct Mark {
  std::uint32_t index = 0;
  std::uint8_t rank = 0;
};
[[nodiscard]] Mark mark_of(std::string_view text) noexcept;

enum class Added : std::uint8_t { kNothing, kChanged, kCorrupt };
/// Whether `add` would change a register. Never kCorrupt of a dense one.
[[nodiscard]] Added would_add(std::string_view value, Mark mark) noexcept;
/// A sparse one that would be longer than `sparse_max` bytes becomes dense. After kCorrupt the value is of no use.
[[nodiscard]] Added add(std::string& value, Mark mark, std::size_t sparse_max);
/// A sparse one becomes dense. False: it is corrupt.
[[nodiscard]] bool make_dense(std::string& value);

// A dense one of which only parts are at hand.

/// Whether a value of that length that begins with these bytes, kHeaderBytes at least, is one.
[[nodiscard]] bool is_dense(std::string_view header, std::uint64_t size) noexcept;
/// Where the register of a mark lies.
struct Place {
  std::size_t at = 0;
  std::size_t bytes = 0;  ///< One or two.
};
[[nodiscard]] Place place_of(Mark mark) noexcept;
/// The register in these bytes is at least what the mark says afterwards; whether it was less.
bool raise(char* bytes, Mark mark) noexcept;

/// The count that was noted since the last change; like `forget_count` also of the first kHeaderBytes alone.
[[nodiscard]] std::optional<std::uint64_t> noted_count(std::string_view value) noexcept;
void note_count(std::string& value, std::uint64_t count) noexcept;
void forget_count(std::string& value) noexcept;
/// Counts anew. nullopt: it is corrupt. Cost: looks at all registers.
[[nodiscard]] std::optional<std::uint64_t> count(std::string_view value) noexcept;

/// The registers of several, of each the greatest.
class Union {
 public:
  /// False: it is corrupt.
  [[nodiscard]] bool take(std::string_view value) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] const std::array<std::uint8_t, kRegisters>& registers() const noexcept { return registers_; }

 private:
  std::array<std::uint8_t, kRegisters> registers_{};
};

/// The runs of a sparse one as a text for people: "z:100 v:3,1 Z:16283". nullopt: it is corrupt.
[[nodiscard]] std::optional<std::string> describe(std::string_view value);

}  // namespace stave::types::hyperloglog
