// Moments and spans of time as HTTP's users write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stave/units.h"

namespace stave::http {

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(UnixMs at);
/// "1994-11-06T08:49:37.250Z"
std::string rfc3339(UnixMs at);
/// Unix seconds with up to three decimals, milliseconds (what would be more than 10^11 seconds), or "1994-11-06T08:49:37Z", with up to three decimals; nullopt for anything
/// else.
std::optional<UnixMs> parse_moment(std::string_view text);
/// Milliseconds of "500ms", "60s", "5m", "1h", "7d"; a bare number is seconds. nullopt for anything else, or zero.
std::optional<std::int64_t> parse_span_ms(std::string_view text);

}  // namespace stave::http
