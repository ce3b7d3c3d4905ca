#include "commands/save_points.h"

#include <algorithm>

#include "types/string/number.h"

namespace stave::commands {

std::optional<std::vector<SavePoint>> parse_save_points(std::string_view text) {
  std::vector<std::int64_t> numbers;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) break;
    const std::size_t end = std::min(text.find(' '), text.size());
    const auto number = types::parse_integer(text.substr(0, end));
    if (!number || *number < 1) return std::nullopt;
    numbers.push_back(*number);
    text.remove_prefix(end);
  }
  if (numbers.size() % 2 != 0) return std::nullopt;
  std::vector<SavePoint> points;
  for (std::size_t i = 0; i < numbers.size(); i += 2)
    points.push_back({.seconds = numbers[i], .changes = static_cast<std::uint64_t>(numbers[i + 1])});
  return points;
}

std::string to_text(const std::vector<SavePoint>& points) {
  std::string text;
  for (const SavePoint& point : points) {
    if (!text.empty()) text += ' ';
    text += std::to_string(point.seconds) + " " + std::to_string(point.changes);
  }
  return text;
}

bool is_plain_file_name(std::string_view text) noexcept {
  constexpr std::size_t kBytesMax = 200;
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return !text.empty() && text.size() <= kBytesMax && text.front() != '.' && !text.ends_with(".partial") &&
         text.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace stave::commands
