// Small things about ASCII that parsing and answering need: case, joining. Locale plays no part.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace stave::commands {

constexpr char to_upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}
constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Whether the two are the same but for the case of ASCII letters.
constexpr bool same_word(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_upper(a[i]) != to_upper(b[i])) return false;
  return true;
}

/// What an error line quotes of an argument: up to the first NUL, at most 128 bytes.
inline std::string quoted(std::string_view argument) {
  constexpr std::size_t kShown = 128;
  return std::string(argument.substr(0, argument.find('\0')).substr(0, kShown));
}

inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = to_lower(c);
  return result;
}
inline std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = to_upper(c);
  return result;
}

}  // namespace stave::commands
