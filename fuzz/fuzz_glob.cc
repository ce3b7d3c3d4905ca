// The glob matcher agrees with a plain table on patterns of `*`, `?` and literals, and needs no more than linear time
// on any (the fuzzer's time-out sees to that).
#include <vector>

#include "commands/glob.h"
#include "input.h"

namespace {

/// reach[t] after p pattern bytes: whether they match the first t bytes of the text.
bool plain_match(std::string_view pattern, std::string_view text) {
  std::vector<bool> reach(text.size() + 1, false);
  reach[0] = true;
  for (const char p : pattern) {
    if (p == '*') {
      for (std::size_t t = 1; t <= text.size(); ++t) reach[t] = reach[t] || reach[t - 1];
      continue;
    }
    for (std::size_t t = text.size(); t > 0; --t) reach[t] = reach[t - 1] && (p == '?' || p == text[t - 1]);
    reach[0] = false;
  }
  return reach[text.size()];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  stave::fuzz::Input input(data, size);
  const std::size_t pattern_size = input.number<std::uint8_t>();
  const std::string_view pattern = input.bytes(pattern_size);
  const std::string_view text = input.rest();
  const bool matches = stave::commands::glob_match(pattern, text);
  const bool folded = stave::commands::glob_match(pattern, text, true);
  if (pattern.find_first_of("[\\") == std::string_view::npos) {
    stave::fuzz::require(matches == plain_match(pattern, text));
    // Not so of classes: folding moves the ends of a range, and turns what [^a] lets pass.
    stave::fuzz::require(folded || !matches);
  }
  return 0;
}
