// A place in the log as a person names it: an LSN, or a moment.
//
// Must not know: files.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "stave/units.h"

namespace stave::tools {

using Place = std::variant<Lsn, UnixMs>;

/// "123456" and "0x1e240" are LSNs; "2026-11-21", "2026-11-21T14:05:00Z", "2026-11-21T14:05:00.250Z" and
/// "@1795269900.25" (seconds since 1970) are moments, in UTC. nullopt for anything else.
std::optional<Place> parse_place(std::string_view text);

/// The same, but a number alone is a moment: milliseconds since 1970.
std::optional<UnixMs> parse_moment(std::string_view text);

/// "2026-11-21T14:05:00.250Z"
std::string moment_text(UnixMs at);

}  // namespace stave::tools
