#include "commands/geo_arguments.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "commands/errors.h"
#include "commands/sorted_set_arguments.h"
#include "types/sorted_set/score.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

std::string fixed_digits(double value, int digits) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // The largest double has 309 digits before the point.
  std::array<char, 340> text;
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, digits);
  STAVE_ASSERT(error == std::errc{});
  return {text.data(), end};
}

/// A double of RESP3; as a text with as many digits as Redis gives.
void answer_coordinate(Sink& reply, double degrees) {
  if (reply.protocol() == 2) {
    reply.bulk(types::format_float(degrees));
  } else {
    reply.real(degrees);
  }
}

}  // namespace

Result<types::geo::Point> point_argument(const Call& call, std::size_t i) {
  types::geo::Point point;
  STAVE_ASSIGN(point.longitude, score_argument(call, i));
  STAVE_ASSIGN(point.latitude, score_argument(call, i + 1));
  constexpr int kDigits = 6;
  if (!types::geo::is_valid(point))
    return answer_error("ERR invalid longitude,latitude pair " + fixed_digits(point.longitude, kDigits) + "," +
                        fixed_digits(point.latitude, kDigits));
  return point;
}

Result<double> unit_argument(const Call& call, std::size_t i) {
  if (call.is(i, "m")) return 1.0;
  if (call.is(i, "km")) return 1000.0;
  if (call.is(i, "ft")) return 0.3048;
  if (call.is(i, "mi")) return 1609.34;
  return answer_error("ERR unsupported unit provided. please use M, KM, FT, MI");
}

Result<double> length_argument(const Call& call, std::size_t i, std::string message) {
  const auto length = types::sorted_set::parse_score(call[i]);
  if (!length) return answer_error(std::move(message));
  return *length;
}

void answer_distance(Sink& reply, double distance) {
  constexpr int kDigits = 4;
  reply.bulk(fixed_digits(distance, kDigits));
}

void answer_point(Sink& reply, const types::geo::Point& point) {
  reply.array(2);
  answer_coordinate(reply, point.longitude);
  answer_coordinate(reply, point.latitude);
}

}  // namespace stave::commands
