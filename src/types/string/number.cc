#include "types/string/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/assert.h"

namespace stave::types {

namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

template <class Integer>
std::optional<Integer> parse_canonical(std::string_view text) noexcept {
  if (text == "0") return Integer{0};
  const std::size_t first = !text.empty() && text[0] == '-' ? 1 : 0;
  if (first == text.size() || !is_digit(text[first]) || text[first] == '0') return std::nullopt;
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

char* put(char* to, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// Longer texts cannot be a number anybody meant, and reading one costs time.
constexpr std::size_t kFloatTextMax = 5 * 1024;

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) noexcept {
  return parse_canonical<std::int64_t>(text);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) noexcept {
  return parse_canonical<std::uint64_t>(text);
}

std::optional<long double> parse_float(std::string_view text) {
  if (text.empty() || text.size() >= kFloatTextMax) return std::nullopt;
  bool negative = false;
  if (text[0] == '+' || text[0] == '-') {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  // from_chars knows neither '+' nor "0x"; a second sign must not slip through to it.
  if (text.empty() || text[0] == '-' || text[0] == '+') return std::nullopt;
  auto format = std::chars_format::general;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    format = std::chars_format::hex;
    text.remove_prefix(2);
    if (text[0] == '-') return std::nullopt;
  }
  // GCC 12's from_chars looks for a terminating zero behind the end that it was given, and stored bytes have none.
  std::array<char, kFloatTextMax + 1> copy;
  STAVE_ASSERT(text.size() < copy.size());
  std::memcpy(copy.data(), text.data(), text.size());
  copy[text.size()] = '\0';
  const char* const behind = copy.data() + text.size();
  long double value = 0;
  const auto [end, error] = std::from_chars(copy.data(), behind, value, format);
  if (error != std::errc{} || end != behind || std::isnan(value)) return std::nullopt;
  return negative ? -value : value;
}

std::string format_float(long double value) {
  // The largest long double has 4933 digits before the point.
  std::array<char, 5 * 1024> buffer;
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, 17);
  STAVE_ASSERT(error == std::errc{} && std::isfinite(value));
  std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  if (text.find('.') != std::string_view::npos) {
    while (text.ends_with('0')) text.remove_suffix(1);
    if (text.ends_with('.')) text.remove_suffix(1);
  }
  if (text == "-0") text = "0";
  return std::string(text);
}

std::size_t format_double(double value, char* to) noexcept {
  if (std::isnan(value)) return static_cast<std::size_t>(put(to, "nan") - to);
  if (std::isinf(value)) return static_cast<std::size_t>(put(to, value < 0 ? "-inf" : "inf") - to);
  if (value == 0) return static_cast<std::size_t>(put(to, std::signbit(value) ? "-0" : "0") - to);
  // Shortest digits as d.ddde+xx, then laid out: "%.17g" would not be shortest, std::to_chars alone lays out otherwise.
  char scientific[40];
  const char* const end =
      std::to_chars(scientific, scientific + sizeof scientific, std::abs(value), std::chars_format::scientific).ptr;
  char digits[24];
  int count = 0;
  const char* p = scientific;
  for (; *p != 'e'; ++p)
    if (*p != '.') digits[count++] = *p;
  STAVE_ASSERT(count > 0 && count <= std::numeric_limits<double>::max_digits10);
  int exponent = 0;
  std::from_chars(p[1] == '+' ? p + 2 : p + 1, end, exponent);
  const int scale = exponent - count + 1;  // value = digits * 10^scale
  const int magnitude = std::abs(exponent);
  char* const begin = to;
  if (value < 0) *to++ = '-';
  if (scale >= 0 && magnitude < count + 7) {  // an integer
    to = put(to, {digits, static_cast<std::size_t>(count)});
    std::memset(to, '0', static_cast<std::size_t>(scale));
    return static_cast<std::size_t>(to + scale - begin);
  }
  if (scale < 0 && (scale > -7 || magnitude < 4)) {  // a decimal fraction
    const int whole = count + scale;
    if (whole <= 0) {
      to = put(to, "0.");
      std::memset(to, '0', static_cast<std::size_t>(-whole));
      to = put(to - whole, {digits, static_cast<std::size_t>(count)});
    } else {
      to = put(to, {digits, static_cast<std::size_t>(whole)});
      *to++ = '.';
      to = put(to, {digits + whole, static_cast<std::size_t>(count - whole)});
    }
    return static_cast<std::size_t>(to - begin);
  }
  *to++ = digits[0];
  if (count > 1) {
    *to++ = '.';
    to = put(to, {digits + 1, static_cast<std::size_t>(count - 1)});
  }
  *to++ = 'e';
  *to++ = exponent < 0 ? '-' : '+';
  return static_cast<std::size_t>(std::to_chars(to, to + 4, magnitude).ptr - begin);
}

Digits::Digits(std::int64_t value) noexcept {
  const auto [end, error] = std::to_chars(text_, text_ + sizeof text_, value);
  STAVE_ASSERT(error == std::errc{});
  size_ = static_cast<std::size_t>(end - text_);
}

}  // namespace stave::types
