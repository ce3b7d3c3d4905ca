// Arguments that name places and lengths, and how coordinates and distances are answered.
#pragma once

#include <cstddef>
#include <string>

#include "commands/call.h"
#include "commands/sink.h"
#include "stave/error.h"
#include "types/geo/point.h"

namespace stave::commands {

/// Arguments `i` and the next: longitude and latitude. Errors: not a float, "invalid longitude,latitude pair".
Result<types::geo::Point> point_argument(const Call& call, std::size_t i);
/// Argument `i`: how many metres the unit has. Errors: "unsupported unit provided".
Result<double> unit_argument(const Call& call, std::size_t i);
/// Argument `i` as a number. Errors: `message`.
Result<double> length_argument(const Call& call, std::size_t i, std::string message);

/// With four digits behind the point.
void answer_distance(Sink& reply, double distance);
void answer_point(Sink& reply, const types::geo::Point& point);

}  // namespace stave::commands
