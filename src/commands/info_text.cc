#include "commands/info_text.h"

#include <array>
#include <charconv>

#include "base/assert.h"

namespace stave::commands {

std::string fixed(double value, int digits) {
  std::array<char, 64> text;
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  STAVE_ASSERT(error == std::errc{});
  return {text.data(), end};
}

std::string human(std::uint64_t bytes) {
  constexpr std::array kUnits = {"B", "K", "M", "G", "T", "P", "E"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return (unit == 0 ? std::to_string(bytes) : fixed(value, 2)) + kUnits[unit];
}

}  // namespace stave::commands
