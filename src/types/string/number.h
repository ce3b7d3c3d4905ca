// Strings that are numbers: which spellings count as one, and how a result is spelled. The same for the library and
// every command.
//
// An integer has exactly one spelling ("-?[1-9][0-9]*" or "0", within 64 bits), so a value that reads as an integer can
// be rebuilt from it byte for byte. A float is read as C's strtold reads it and written without exponent or trailing
// zeros; a double is written in as few digits as tell it. Promises: independent of the process's locale. Must not know:
// keys, commands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stave::types {

/// The integer that `text` spells; nullopt for anything but the one canonical spelling.
std::optional<std::int64_t> parse_integer(std::string_view text) noexcept;
/// Like `parse_integer`, for unsigned 64-bit values.
std::optional<std::uint64_t> parse_unsigned(std::string_view text) noexcept;

/// The float that `text` spells: decimal, hexadecimal or infinite, with any sign, nothing before or after. nullopt for
/// NaN, overflow and anything else.
std::optional<long double> parse_float(std::string_view text);
/// 17 digits after the point, then without trailing zeros: the form INCRBYFLOAT stores. `value` is finite.
std::string format_float(long double value);
/// The shortest digits that read back as `value`, laid out as Redis 7.2 does. Needs 32 bytes; returns the length.
std::size_t format_double(double value, char* to) noexcept;

/// Decimal digits of an integer, without an allocation.
class Digits {
 public:
  explicit Digits(std::int64_t value) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {text_, size_}; }

 private:
  char text_[24];
  std::size_t size_;
};

/// `a + b`; nullopt when it does not fit.
constexpr std::optional<std::int64_t> checked_add(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}
/// `a * b`; nullopt when it does not fit.
constexpr std::optional<std::int64_t> checked_multiply(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

}  // namespace stave::types
