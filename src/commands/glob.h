// Patterns of KEYS, SCAN and CONFIG GET: `*`, `?`, `[a-c]`, `[^a]`, and `\` before a character meant literally.
//
// Promises: time at most length of pattern × length of text, whatever the two are; no allocation. Must not know: keys,
// sinks.
#pragma once

#include <string_view>

namespace stave::commands {

/// Whether the pattern matches the whole text. Bytes, not characters. A class that is never closed ends with the
/// pattern.
bool glob_match(std::string_view pattern, std::string_view text, bool ignore_case = false) noexcept;

}  // namespace stave::commands
