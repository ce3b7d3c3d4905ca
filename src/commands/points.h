// A point of the past as people write it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "commands/call.h"
#include "stave/history.h"

namespace stave::commands {

/// "2026-11-21", "2026-11-21T14:05", "2026-11-21T14:05:00", "2026-11-21T14:05:00.250", each with or without a "Z": UTC.
/// nullopt for anything else.
std::optional<UnixMs> parse_iso_time(std::string_view text) noexcept;

/// Arguments `i` and `i + 1`, which must be the last: `LSN n`, or `TIME t` with milliseconds since 1970 or as above.
/// Errors: a syntax error; a number or a time that is none.
Result<Point> point_arguments(const Call& call, std::size_t i);

}  // namespace stave::commands
