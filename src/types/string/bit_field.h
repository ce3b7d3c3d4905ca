// Integers of any width at any place of a row of bits (bitmap.h): read, written, and what happens when a result does
// not fit.
//
// Promises: the arithmetic is that of Redis, wrapping included. Must not know: keys, commands. Threads: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stave::types::bitmap {

/// Signed: 1 to 64 bits. Unsigned: 1 to 63.
struct FieldType {
  bool is_signed = false;
  unsigned bits = 0;
};
/// "i16", "u8"; nullopt for anything else.
[[nodiscard]] std::optional<FieldType> parse_field_type(std::string_view text) noexcept;

/// What is done about a result that does not fit.
enum class Overflow : std::uint8_t { kWrap, kSaturate, kFail };

/// The field that begins at bit `at`; what lies behind the end is zeros. Of an unsigned one never negative.
[[nodiscard]] std::int64_t get_field(std::string_view bytes, std::uint64_t at, FieldType type) noexcept;
/// Writes the lower bits of `value`, all of which lie within the bytes.
void set_field(char* bytes, std::uint64_t at, FieldType type, std::int64_t value) noexcept;
/// `value` plus `increment` as a field of that type holds it; nullopt: it does not fit, and that is a failure. For a
/// value to be set whole, `value` is what was asked for and `increment` 0.
[[nodiscard]] std::optional<std::int64_t> add_to_field(std::int64_t value, std::int64_t increment, FieldType type,
                                                       Overflow overflow) noexcept;

}  // namespace stave::types::bitmap
