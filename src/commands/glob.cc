#include "commands/glob.h"

#include <cstddef>
#include <utility>

#include "base/assert.h"
#include "commands/text.h"

namespace stave::commands {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// One element of a pattern, held against one character.
class GlobElement {
 public:
  GlobElement(std::string_view pattern, bool ignore_case) noexcept : pattern_(pattern), ignore_case_(ignore_case) {}

  /// Whether the element at `at` matches `c`; `at` moves behind the element either way.
  bool matches(std::size_t& at, char c) const noexcept {
    STAVE_ASSERT(at < pattern_.size());
    switch (pattern_[at]) {
      case '?': ++at; return true;
      case '[': return matches_class(++at, c);
      case '\\':
        if (at + 1 < pattern_.size()) ++at;
        break;
      default: break;
    }
    return fold(pattern_[at++]) == fold(c);
  }

 private:
  [[nodiscard]] unsigned char fold(char c) const noexcept {
    return static_cast<unsigned char>(ignore_case_ ? to_lower(c) : c);
  }

  // `at` stands behind the '['.
  bool matches_class(std::size_t& at, char c) const noexcept {
    const bool negated = at < pattern_.size() && pattern_[at] == '^';
    if (negated) ++at;
    bool found = false;
    for (; at < pattern_.size() && pattern_[at] != ']'; ++at) {
      if (pattern_[at] == '\\' && at + 1 < pattern_.size()) {
        found |= pattern_[++at] == c;
      } else if (at + 2 < pattern_.size() && pattern_[at + 1] == '-') {
        unsigned char low = fold(pattern_[at]);
        unsigned char high = fold(pattern_[at + 2]);
        if (low > high) std::swap(low, high);
        found |= low <= fold(c) && fold(c) <= high;
        at += 2;
      } else {
        found |= fold(pattern_[at]) == fold(c);
      }
    }
    if (at < pattern_.size()) ++at;
    STAVE_ASSERT(at <= pattern_.size());
    return found != negated;
  }

  std::string_view pattern_;
  bool ignore_case_;
};

}  // namespace

// When an element fails, only the last star needs to be tried with one more character: what earlier stars took
// can stay, because whatever a later star could match, it can match from there as well. Hence no recursion.
bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case) noexcept {
  const GlobElement element(pattern, ignore_case);
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = kNone;   // position behind the last star
  std::size_t star_text = 0;  // where in the text what follows it was last tried
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      if (p == pattern.size()) return true;
      continue;
    }
    std::size_t next = p;
    if (p < pattern.size() && element.matches(next, text[t])) {
      p = next;
      ++t;
      continue;
    }
    if (star == kNone) return false;
    p = star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  STAVE_ASSERT(p <= pattern.size() && t >= text.size());
  return p == pattern.size();
}

}  // namespace stave::commands
