#include "doors/http/times.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "base/assert.h"

namespace stave::http {
namespace {

using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::int64_t kDayMs = 86'400'000;

struct Civil {
  year_month_day date;
  unsigned weekday;
  std::int64_t ms_of_day;
};

Civil civil(UnixMs at) noexcept {
  const sys_days day = std::chrono::floor<days>(std::chrono::sys_time<milliseconds>(milliseconds(raw(at))));
  const std::int64_t ms_of_day = raw(at) - day.time_since_epoch().count() * kDayMs;
  STAVE_ASSERT(ms_of_day >= 0 && ms_of_day < kDayMs);
  return {day, std::chrono::weekday(day).c_encoding(), ms_of_day};
}

/// Takes exactly `count` digits off `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t count) noexcept {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// ".25" as 250; 0 when there is none.
std::optional<int> take_fraction(std::string_view& text) noexcept {
  if (!take(text, '.')) return 0;
  int value = 0;
  int scale = 100;
  std::size_t count = 0;
  for (; count < text.size() && text[count] >= '0' && text[count] <= '9'; ++count) {
    value += (text[count] - '0') * scale;
    scale /= 10;
  }
  if (count == 0 || count > 3) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

std::optional<std::int64_t> take_number(std::string_view& text) noexcept {
  std::int64_t value = 0;
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return value;
}

std::optional<UnixMs> parse_civil(std::string_view text) {
  const auto y = take_digits(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto mo = take_digits(text, 2);
  if (!mo || !take(text, '-')) return std::nullopt;
  const auto d = take_digits(text, 2);
  if (!d || !(take(text, 'T') || take(text, 't'))) return std::nullopt;
  const auto h = take_digits(text, 2);
  if (!h || !take(text, ':')) return std::nullopt;
  const auto mi = take_digits(text, 2);
  if (!mi || !take(text, ':')) return std::nullopt;
  const auto s = take_digits(text, 2);
  const auto fraction = s ? take_fraction(text) : std::nullopt;
  if (!fraction || !(take(text, 'Z') || take(text, 'z')) || !text.empty()) return std::nullopt;
  const year_month_day date{std::chrono::year(*y), std::chrono::month(static_cast<unsigned>(*mo)),
                            std::chrono::day(static_cast<unsigned>(*d))};
  if (!date.ok() || *h > 23 || *mi > 59 || *s > 59) return std::nullopt;
  const std::int64_t day = sys_days(date).time_since_epoch().count();
  return UnixMs{day * kDayMs + ((*h * 60 + *mi) * 60 + *s) * std::int64_t{1000} + *fraction};
}

}  // namespace

std::string http_date(UnixMs at) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil c = civil(at);
  const auto seconds = static_cast<int>(c.ms_of_day / 1000);
  std::array<char, 64> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT", kDays.at(c.weekday),
                    static_cast<unsigned>(c.date.day()), kMonths.at(static_cast<unsigned>(c.date.month()) - 1),
                    static_cast<int>(c.date.year()), seconds / 3600, seconds / 60 % 60, seconds % 60);
  STAVE_ASSERT(size > 0 && static_cast<std::size_t>(size) < text.size());
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string rfc3339(UnixMs at) {
  const Civil c = civil(at);
  const auto seconds = static_cast<int>(c.ms_of_day / 1000);
  std::array<char, 64> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(c.date.year()),
                    static_cast<unsigned>(c.date.month()), static_cast<unsigned>(c.date.day()), seconds / 3600,
                    seconds / 60 % 60, seconds % 60, static_cast<int>(c.ms_of_day % 1000));
  STAVE_ASSERT(size > 0 && static_cast<std::size_t>(size) < text.size());
  return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<UnixMs> parse_moment(std::string_view text) {
  if (text.find('-', 1) != std::string_view::npos) return parse_civil(text);
  const auto seconds = take_number(text);
  const auto fraction = seconds ? take_fraction(text) : std::nullopt;
  if (!fraction || !text.empty()) return std::nullopt;
  // So many seconds end in the year 5138, and so many milliseconds began in 1973: nobody means the other.
  constexpr std::int64_t kMillisecondsFrom = 100'000'000'000;
  if (*seconds >= kMillisecondsFrom && *fraction == 0) return UnixMs{std::min<std::int64_t>(*seconds, kUnixMsMax)};
  if (*seconds > kUnixMsMax / 1000) return std::nullopt;
  return UnixMs{*seconds * 1000 + *fraction};
}

std::optional<std::int64_t> parse_span_ms(std::string_view text) {
  const auto amount = take_number(text);
  if (!amount || *amount == 0) return std::nullopt;
  std::int64_t unit = 0;
  if (text.empty() || text == "s") unit = 1000;
  if (text == "ms") unit = 1;
  if (text == "m") unit = 60'000;
  if (text == "h") unit = 3'600'000;
  if (text == "d") unit = kDayMs;
  std::int64_t span = 0;
  if (unit == 0 || __builtin_mul_overflow(*amount, unit, &span) || span > kUnixMsMax) return std::nullopt;
  return span;
}

}  // namespace stave::http
