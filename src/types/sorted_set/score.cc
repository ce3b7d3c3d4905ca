#include "types/sorted_set/score.h"

#include <cerrno>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/assert.h"

namespace stave::types::sorted_set {

namespace {

constexpr bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Longer texts cannot be a number anybody meant, and reading one costs time.
constexpr std::size_t kTextMax = 5 * 1024;

struct Read {
  double value = 0;
  std::size_t size = 0;  ///< How much of the text it is.
  bool out_of_range = false;
};

// std::from_chars tells neither which way a number is out of range nor what strtod makes of it.
Read read(const std::string& text) {
  static const locale_t plain = ::newlocale(LC_ALL_MASK, "C", nullptr);
  STAVE_ASSERT(plain != nullptr);
  char* end = nullptr;
  errno = 0;
  Read read;
  read.value = ::strtod_l(text.c_str(), &end, plain);
  read.size = static_cast<std::size_t>(end - text.c_str());
  read.out_of_range = errno == ERANGE && (std::isinf(read.value) || read.value == 0);
  // No negative zero.
  read.value += 0.0;
  return read;
}

}  // namespace

std::optional<double> parse_score(std::string_view text) {
  if (text.empty() || text.size() >= kTextMax || is_space(text[0])) return std::nullopt;
  const Read score = read(std::string(text));
  if (score.size != text.size() || score.out_of_range || std::isnan(score.value)) return std::nullopt;
  return score.value;
}

std::optional<double> parse_bound(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  if (text.size() >= kTextMax) return std::nullopt;
  const Read bound = read(std::string(text));
  if (bound.size != text.size() || std::isnan(bound.value)) return std::nullopt;
  return bound.value;
}

}  // namespace stave::types::sorted_set
