#include "doors/tools/place.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

#include "base/iso_time.h"

namespace stave::tools {

namespace {

std::optional<std::uint64_t> whole_number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "", ".2", ".25" or ".250" as milliseconds.
std::optional<std::int64_t> fraction(std::string_view text) {
  if (text.empty()) return 0;
  if (text.size() < 2 || text.size() > 4 || text[0] != '.') return std::nullopt;
  std::string digits(text.substr(1));
  digits.resize(3, '0');
  const auto value = whole_number(digits, 10);
  if (!value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<UnixMs> unix_seconds(std::string_view text) {
  const auto dot = std::min(text.find('.'), text.size());
  const auto seconds = whole_number(text.substr(0, dot), 10);
  const auto ms = fraction(text.substr(dot));
  if (!seconds || !ms || *seconds > static_cast<std::uint64_t>(kUnixMsMax) / 1000) return std::nullopt;
  return UnixMs{static_cast<std::int64_t>(*seconds) * 1000 + *ms};
}

/// "2026-11-21", alone or with "T14:05:00", a fraction and "Z" behind it.
std::optional<UnixMs> calendar(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  constexpr std::size_t kDate = 10;
  const bool date_only = text.size() == kDate;
  if (!date_only && (text.size() <= kForm.size() || text.back() != 'Z')) return std::nullopt;
  for (std::size_t i = 0; i < (date_only ? kDate : kForm.size()); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return std::nullopt;
  }
  const auto part = [&](std::size_t at, std::size_t count) {
    return static_cast<int>(whole_number(text.substr(at, count), 10).value_or(0));
  };
  using namespace std::chrono;
  const year_month_day day{year{part(0, 4)}, month{static_cast<unsigned>(part(5, 2))},
                           std::chrono::day{static_cast<unsigned>(part(8, 2))}};
  if (!day.ok()) return std::nullopt;
  std::int64_t ms = duration_cast<milliseconds>(sys_days(day).time_since_epoch()).count();
  if (date_only) return UnixMs{ms};
  if (part(11, 2) > 23 || part(14, 2) > 59 || part(17, 2) > 59) return std::nullopt;
  const auto rest = fraction(text.substr(kForm.size(), text.size() - kForm.size() - 1));
  if (!rest) return std::nullopt;
  ms += (part(11, 2) * 3600 + part(14, 2) * 60 + part(17, 2)) * std::int64_t{1000} + *rest;
  return UnixMs{ms};
}

}  // namespace

std::optional<Place> parse_place(std::string_view text) {
  if (text.starts_with("0x")) {
    const auto lsn = whole_number(text.substr(2), 16);
    return lsn && *lsn <= kLsnMax ? std::optional<Place>(Lsn{*lsn}) : std::nullopt;
  }
  if (const auto lsn = whole_number(text, 10)) return *lsn <= kLsnMax ? std::optional<Place>(Lsn{*lsn}) : std::nullopt;
  const auto moment = text.starts_with('@') ? unix_seconds(text.substr(1)) : calendar(text);
  return moment ? std::optional<Place>(*moment) : std::nullopt;
}

std::optional<UnixMs> parse_moment(std::string_view text) {
  if (const auto ms = whole_number(text, 10))
    return *ms <= static_cast<std::uint64_t>(kUnixMsMax) ? std::optional(UnixMs{static_cast<std::int64_t>(*ms)})
                                                         : std::nullopt;
  const auto place = parse_place(text);
  if (!place || !std::holds_alternative<UnixMs>(*place)) return std::nullopt;
  return std::get<UnixMs>(*place);
}

std::string moment_text(UnixMs at) {
  return base::iso_text(at);
}

}  // namespace stave::tools
