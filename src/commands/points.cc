#include "commands/points.h"

#include <charconv>
#include <chrono>

#include "base/try.h"
#include "commands/arguments.h"

namespace stave::commands {

namespace {

/// Exactly `digits` digits from the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t digits) noexcept {
  int value = 0;
  if (text.size() < digits) return std::nullopt;
  for (const char digit : text.substr(0, digits)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char wanted) noexcept {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> take_day(std::string_view& text) noexcept {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

/// "14:05", "14:05:00", "14:05:00.250"
std::optional<std::chrono::milliseconds> take_time(std::string_view& text) noexcept {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  std::chrono::milliseconds time = std::chrono::hours{*hour} + std::chrono::minutes{*minute};
  if (!take(text, ':')) return time;
  const auto second = take_number(text, 2);
  if (!second || *second > 59) return std::nullopt;
  time += std::chrono::seconds{*second};
  if (!take(text, '.')) return time;
  const auto ms = take_number(text, 3);
  if (!ms) return std::nullopt;
  return time + std::chrono::milliseconds{*ms};
}

}  // namespace

std::optional<UnixMs> parse_iso_time(std::string_view text) noexcept {
  const auto day = take_day(text);
  if (!day) return std::nullopt;
  std::chrono::milliseconds time = day->time_since_epoch();
  if (take(text, 'T')) {
    const auto clock = take_time(text);
    if (!clock) return std::nullopt;
    time += *clock;
  }
  take(text, 'Z');
  if (!text.empty() || time.count() < 0) return std::nullopt;
  return UnixMs{time.count()};
}

Result<Point> point_arguments(const Call& call, std::size_t i) {
  if (call.size() != i + 2) return syntax_error();
  if (call.is(i, "LSN")) {
    STAVE_ASSIGN(const std::int64_t lsn, integer_argument(call, i + 1));
    if (lsn < 0) return answer_error("ERR an LSN is not negative");
    return Point(Lsn{static_cast<std::uint64_t>(lsn)});
  }
  if (!call.is(i, "TIME")) return syntax_error();
  if (const auto moment = parse_iso_time(call[i + 1])) return Point(*moment);
  auto ms = integer_argument(call, i + 1);
  if (!ms || *ms < 0)
    return answer_error("ERR a time is milliseconds since 1970, or as 2026-11-21T14:05:00.250Z, in UTC");
  return Point(UnixMs{*ms});
}

}  // namespace stave::commands
