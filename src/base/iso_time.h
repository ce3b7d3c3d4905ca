// A moment as people and programs write it everywhere: ISO 8601, in UTC, to the millisecond.
#pragma once

#include <string>

#include "stave/units.h"

namespace stave::base {

/// "2026-11-21T14:05:00.250Z"
std::string iso_text(UnixMs at);

}  // namespace stave::base
