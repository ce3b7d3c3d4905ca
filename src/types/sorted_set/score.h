// Scores as texts: which spellings count as one.
//
// Both are read as C's strtod reads them: decimal, hexadecimal or infinite, with any sign. Promises: independent of the
// process's locale; never NaN, and never a negative zero. Must not know: commands, keys. How a score is answered:
// format_double (types/string/number.h).
#pragma once

#include <optional>
#include <string_view>

namespace stave::types::sorted_set {

/// The score that `text` spells, nothing before or after; nullopt for NaN, for what is too large or too small for a
/// double, and for anything else.
std::optional<double> parse_score(std::string_view text);
/// The same of an end of a range, which need not be a score: what is too large is infinite, blanks before it and
/// anything from a zero byte on are passed over, and no text is zero.
std::optional<double> parse_bound(std::string_view text);

}  // namespace stave::types::sorted_set
