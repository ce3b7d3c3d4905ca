#include "types/string/bit_field.h"

#include <limits>

#include "base/assert.h"
#include "types/string/bitmap.h"
#include "types/string/number.h"

namespace stave::types::bitmap {

namespace {

constexpr unsigned kWordBits = 64;

/// The lower bits of `value`, read as a field of that type.
std::int64_t truncated(std::uint64_t value, FieldType type) noexcept {
  const unsigned spare = kWordBits - type.bits;
  if (type.is_signed) return static_cast<std::int64_t>(value << spare) >> spare;
  return static_cast<std::int64_t>(value << spare >> spare);
}

enum class Fit : std::uint8_t { kFits, kTooLarge, kTooSmall };

// The differences wrap, as Redis' do: what is set whole may be so far out of bounds that they change their sign.
Fit fit_signed(std::int64_t value, std::int64_t increment, unsigned bits) noexcept {
  const std::int64_t max = std::numeric_limits<std::int64_t>::max() >> (kWordBits - bits);
  const std::int64_t min = -max - 1;
  const auto above = static_cast<std::int64_t>(static_cast<std::uint64_t>(max) - static_cast<std::uint64_t>(value));
  const auto below = static_cast<std::int64_t>(static_cast<std::uint64_t>(min) - static_cast<std::uint64_t>(value));
  const bool whole_word = bits == kWordBits;
  if (value > max || (!whole_word && increment > above) || (value >= 0 && increment > 0 && increment > above))
    return Fit::kTooLarge;
  if (value < min || (!whole_word && increment < below) || (value < 0 && increment < 0 && increment < below))
    return Fit::kTooSmall;
  return Fit::kFits;
}

Fit fit_unsigned(std::uint64_t value, std::int64_t increment, unsigned bits) noexcept {
  const std::uint64_t max = (std::uint64_t{1} << bits) - 1;
  if (value > max) return Fit::kTooLarge;
  if (increment > 0 && static_cast<std::uint64_t>(increment) > max - value) return Fit::kTooLarge;
  if (increment < 0 && std::uint64_t{0} - static_cast<std::uint64_t>(increment) > value) return Fit::kTooSmall;
  return Fit::kFits;
}

}  // namespace

std::optional<FieldType> parse_field_type(std::string_view text) noexcept {
  if (text.empty() || (text[0] != 'i' && text[0] != 'u')) return std::nullopt;
  const bool is_signed = text[0] == 'i';
  const auto bits = parse_integer(text.substr(1));
  if (!bits || *bits < 1 || *bits > (is_signed ? 64 : 63)) return std::nullopt;
  return FieldType{is_signed, static_cast<unsigned>(*bits)};
}

std::int64_t get_field(std::string_view bytes, std::uint64_t at, FieldType type) noexcept {
  STAVE_ASSERT(type.bits >= 1 && type.bits <= kWordBits);
  // A field touches nine bytes at most.
  __extension__ unsigned __int128 window = 0;
  const std::uint64_t first = at / 8;
  constexpr unsigned kBytes = 9;
  for (unsigned i = 0; i < kBytes; ++i)
    window = window << 8 | (first + i < bytes.size() ? static_cast<unsigned char>(bytes[first + i]) : 0u);
  const unsigned behind = kBytes * 8 - static_cast<unsigned>(at % 8) - type.bits;
  return truncated(static_cast<std::uint64_t>(window >> behind), type);
}

void set_field(char* bytes, std::uint64_t at, FieldType type, std::int64_t value) noexcept {
  for (unsigned i = 0; i < type.bits; ++i)
    set(bytes, at + i, (static_cast<std::uint64_t>(value) >> (type.bits - 1 - i) & 1) != 0);
}

std::optional<std::int64_t> add_to_field(std::int64_t value, std::int64_t increment, FieldType type,
                                         Overflow overflow) noexcept {
  const auto raw_value = static_cast<std::uint64_t>(value);
  const std::uint64_t sum = raw_value + static_cast<std::uint64_t>(increment);
  const Fit fit =
      type.is_signed ? fit_signed(value, increment, type.bits) : fit_unsigned(raw_value, increment, type.bits);
  if (fit == Fit::kFits) return static_cast<std::int64_t>(sum);
  switch (overflow) {
    case Overflow::kFail: return std::nullopt;
    case Overflow::kWrap: return truncated(sum, type);
    case Overflow::kSaturate: break;
  }
  const unsigned value_bits = type.is_signed ? type.bits - 1 : type.bits;
  const auto max = static_cast<std::int64_t>((std::uint64_t{1} << value_bits) - 1);
  if (fit == Fit::kTooLarge) return max;
  return type.is_signed ? -max - 1 : 0;
}

}  // namespace stave::types::bitmap
