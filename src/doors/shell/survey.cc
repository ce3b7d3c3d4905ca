#include "doors/shell/survey.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>
#include <vector>

#include "base/try.h"
#include "doors/shell/text.h"
#include "stave/clock.h"

namespace stave::shell {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr std::size_t kShownBytes = 120;

/// One answer that is no error. Errors: the server's, as a sentence.
Result<Reply> ask(Target& target, std::span<const std::string_view> words) {
  STAVE_ASSIGN(Reply reply, target.execute(words));
  if (reply.is_error()) return fail(to_error(reply));
  return reply;
}

Result<Reply> ask(Target& target, std::initializer_list<std::string_view> words) {
  return ask(target, std::span(words.begin(), words.size()));
}

/// A name as a terminal may show it.
std::string shown(std::string_view name) {
  return printable(name.substr(0, kShownBytes), false) + (name.size() > kShownBytes ? "…" : "");
}

void rest(std::int64_t ms) {
  constexpr std::int64_t kMost = 86'400'000;
  ::poll(nullptr, 0, static_cast<int>(std::min(ms, kMost)));
}

/// Goes through all keys of the database; `visit` gets up to some hundreds of names at a time.
template <class Visit>
Result<void> scan(Target& target, const std::string& pattern, Visit&& visit) {
  std::string cursor = "0";
  do {
    std::vector<std::string_view> words{"SCAN", cursor, "COUNT", "500"};
    if (!pattern.empty()) words.insert(words.end(), {"MATCH", pattern});
    STAVE_ASSIGN(Reply reply, ask(target, words));
    if (reply.elements.size() != 2) return fail(ErrorCode::kUnsupported, "SCAN answered what no server should");
    cursor = std::move(reply.elements[0].text);
    std::vector<std::string> names;
    for (Reply& name : reply.elements[1].elements) names.push_back(std::move(name.text));
    STAVE_TRY(visit(names));
  } while (cursor != "0");
  return {};
}

// --- the largest keys ------------------------------------------------------------------------------------------------

struct SizeOf {
  std::string_view type;
  std::string_view command;
  std::string_view unit;
};
constexpr std::array<SizeOf, 6> kSizes = {{{"string", "STRLEN", "bytes"},
                                           {"list", "LLEN", "elements"},
                                           {"set", "SCARD", "members"},
                                           {"zset", "ZCARD", "members"},
                                           {"hash", "HLEN", "fields"},
                                           {"stream", "XLEN", "entries"}}};

struct OfType {
  std::string_view unit;
  std::uint64_t keys = 0;
  std::uint64_t total = 0;
  std::uint64_t most = 0;
  std::string largest;
};

class Sizes {
 public:
  Sizes(Target& target, const SurveySettings& settings) : target_(target), settings_(settings) {}

  Result<void> run() {
    STAVE_TRY(scan(target_, settings_.pattern, [&](const std::vector<std::string>& names) { return look(names); }));
    show();
    return {};
  }

 private:
  Result<void> look(const std::vector<std::string>& names) {
    std::vector<std::vector<std::string_view>> calls;
    for (const std::string& name : names) calls.push_back({"TYPE", name});
    STAVE_ASSIGN(const std::vector<Reply> types, target_.execute_all(calls));
    calls.clear();
    for (std::size_t i = 0; i < names.size(); ++i) calls.push_back(size_call(types[i].text, names[i]));
    STAVE_ASSIGN(const std::vector<Reply> sizes, target_.execute_all(calls));
    // Keys that went, or changed their type, between the two have no size.
    for (std::size_t i = 0; i < names.size(); ++i)
      if (sizes[i].kind == Reply::Kind::kInteger && types[i].text != "none")
        add(types[i].text, names[i], static_cast<std::uint64_t>(sizes[i].integer));
    return {};
  }
  [[nodiscard]] std::vector<std::string_view> size_call(std::string_view type, std::string_view name) const {
    if (settings_.what == Survey::kMemoryKeys) return {"MEMORY", "USAGE", name};
    for (const SizeOf& size : kSizes)
      if (size.type == type) return {size.command, name};
    return {"MEMORY", "USAGE", name};
  }
  void add(const std::string& type, const std::string& name, std::uint64_t size) {
    OfType& of = types_[type];
    if (of.unit.empty()) of.unit = unit_of(type);
    ++of.keys;
    of.total += size;
    ++keys_;
    name_bytes_ += name.size();
    if (of.keys > 1 && size <= of.most) return;
    of.most = size;
    of.largest = name;
    if (settings_.terminal)
      std::printf("Largest %-8s so far: %s with %llu %.*s\n", type.c_str(), shown(name).c_str(),
                  static_cast<unsigned long long>(size), static_cast<int>(of.unit.size()), of.unit.data());
  }
  [[nodiscard]] std::string_view unit_of(std::string_view type) const {
    if (settings_.what == Survey::kMemoryKeys) return "bytes";
    for (const SizeOf& size : kSizes)
      if (size.type == type) return size.unit;
    return "bytes";
  }
  void show() const {
    std::printf("%llu keys, their names %llu bytes.\n", static_cast<unsigned long long>(keys_),
                static_cast<unsigned long long>(name_bytes_));
    for (const auto& [type, of] : types_)
      std::printf("%-10s %12llu keys %14llu %s, %.2f each; largest: %s with %llu\n", type.c_str(),
                  static_cast<unsigned long long>(of.keys), static_cast<unsigned long long>(of.total),
                  std::string(of.unit).c_str(), static_cast<double>(of.total) / static_cast<double>(of.keys),
                  shown(of.largest).c_str(), static_cast<unsigned long long>(of.most));
  }

  Target& target_;
  const SurveySettings& settings_;
  std::map<std::string, OfType> types_;
  std::uint64_t keys_ = 0;
  std::uint64_t name_bytes_ = 0;
};

Result<void> show_names(Target& target, const SurveySettings& settings) {
  return scan(target, settings.pattern, [&](const std::vector<std::string>& names) -> Result<void> {
    for (const std::string& name : names) {
      const std::string line = (settings.terminal ? printable(name, false) : name) + "\n";
      std::fwrite(line.data(), 1, line.size(), stdout);
    }
    return {};
  });
}

// --- hot keys --------------------------------------------------------------------------------------------------------

const Reply* field_of(const Reply& report, std::string_view name) {
  for (std::size_t i = 0; i + 1 < report.elements.size(); i += 2)
    if (report.elements[i].text == name) return &report.elements[i + 1];
  return nullptr;
}

void show_heaviest(const Reply& report, std::string_view list, std::string_view all, std::string_view unit) {
  const Reply* const keys = field_of(report, list);
  const Reply* const total = field_of(report, all);
  if (keys == nullptr || total == nullptr) return;
  std::printf("By %s, of %lld in all:\n", std::string(unit).c_str(), static_cast<long long>(total->integer));
  const double whole = static_cast<double>(std::max<std::int64_t>(total->integer, 1));
  for (std::size_t i = 0; i + 1 < keys->elements.size(); i += 2)
    std::printf("  %5.1f %%  %s\n", 100 * static_cast<double>(keys->elements[i + 1].integer) / whole,
                shown(keys->elements[i].text).c_str());
}

// One that somebody else began is looked at and left alone.
Result<void> show_hot_keys(Target& target, const SurveySettings& settings) {
  constexpr std::int64_t kUsualMs = 5'000;
  const std::string_view start[] = {"HOTKEYS", "START", "METRICS", "2", "CPU", "NET", "COUNT", "16"};
  STAVE_ASSIGN(const Reply started, target.execute(start));
  const bool own = !started.is_error();
  if (!own && started.text.find("in progress") == std::string::npos) return fail(to_error(started));
  if (own) rest(settings.interval_ms != 0 ? settings.interval_ms : kUsualMs);
  auto found = ask(target, {"HOTKEYS", "GET"});
  if (own) {
    STAVE_TRY(ask(target, {"HOTKEYS", "STOP"}));
    STAVE_TRY(ask(target, {"HOTKEYS", "RESET"}));
  }
  STAVE_ASSIGN(const Reply report, std::move(found));
  if (report.elements.empty()) return fail(ErrorCode::kConflict, "somebody else reset the tracking meanwhile");
  show_heaviest(report.elements[0], "by-cpu-time-us", "all-commands-all-slots-us", "microseconds");
  show_heaviest(report.elements[0], "by-net-bytes", "net-bytes-all-commands-all-slots", "bytes");
  return {};
}

// --- from moment to moment -------------------------------------------------------------------------------------------

Result<void> show_latency(Target& target, const SurveySettings& settings) {
  constexpr std::int64_t kUsualMs = 1'000;
  constexpr std::int64_t kBetweenMs = 10;
  Clock& clock = Clock::system();
  const auto length_ns =
      static_cast<std::uint64_t>(settings.interval_ms != 0 ? settings.interval_ms : kUsualMs) * kNsPerMs;
  for (std::int64_t row = 0; settings.count == 0 || row < settings.count; ++row) {
    std::vector<std::uint64_t> took;
    const std::uint64_t begun = clock.monotonic_ns();
    do {
      const std::uint64_t asked = clock.monotonic_ns();
      STAVE_TRY(ask(target, {"PING"}));
      took.push_back(clock.monotonic_ns() - asked);
      rest(kBetweenMs);
    } while (clock.monotonic_ns() - begun < length_ns);
    std::ranges::sort(took);
    std::uint64_t total = 0;
    for (const std::uint64_t ns : took) total += ns;
    const auto ms = [](std::uint64_t ns) { return static_cast<double>(ns) / static_cast<double>(kNsPerMs); };
    std::printf("min %.3f ms, mean %.3f ms, 99%% within %.3f ms, max %.3f ms (%zu answers)\n", ms(took.front()),
                ms(total / took.size()), ms(took[(took.size() - 1) * 99 / 100]), ms(took.back()), took.size());
    std::fflush(stdout);
    if (settings.count == 0 && !settings.terminal) break;
  }
  return {};
}

/// The number behind `name:` in INFO's text; 0 when there is none.
std::uint64_t number_in(std::string_view info, std::string_view name) {
  const std::string key = "\n" + std::string(name) + ":";
  const auto at = info.find(key);
  std::uint64_t number = 0;
  if (at != std::string_view::npos) std::from_chars(info.data() + at + key.size(), info.data() + info.size(), number);
  return number;
}

std::uint64_t keys_in(std::string_view info) {
  std::uint64_t keys = 0;
  for (auto at = info.find(":keys="); at != std::string_view::npos; at = info.find(":keys=", at + 1)) {
    std::uint64_t some = 0;
    std::from_chars(info.data() + at + 6, info.data() + info.size(), some);
    keys += some;
  }
  return keys;
}

Result<void> show_statistics(Target& target, const SurveySettings& settings) {
  constexpr std::int64_t kUsualMs = 1'000;
  constexpr std::int64_t kHeadEvery = 20;
  const std::int64_t every_ms = settings.interval_ms != 0 ? settings.interval_ms : kUsualMs;
  std::optional<std::uint64_t> before;
  for (std::int64_t row = 0; settings.count == 0 || row < settings.count; ++row) {
    if (row != 0) rest(every_ms);
    STAVE_ASSIGN(const Reply reply, ask(target, {"INFO"}));
    const std::string_view info = reply.text;
    const std::uint64_t calls = number_in(info, "total_commands_processed");
    const std::uint64_t rate =
        before && calls >= *before ? (calls - *before) * 1000 / static_cast<std::uint64_t>(every_ms) : 0;
    before = calls;
    if (row % kHeadEvery == 0)
      std::printf("%12s %14s %8s %8s %16s %10s %14s\n", "keys", "memory", "clients", "waiting", "commands", "a second",
                  "written");
    std::printf("%12llu %14llu %8llu %8llu %16llu %10llu %14llu\n", static_cast<unsigned long long>(keys_in(info)),
                static_cast<unsigned long long>(number_in(info, "used_memory")),
                static_cast<unsigned long long>(number_in(info, "connected_clients")),
                static_cast<unsigned long long>(number_in(info, "blocked_clients")),
                static_cast<unsigned long long>(calls), static_cast<unsigned long long>(rate),
                static_cast<unsigned long long>(number_in(info, "stave_log_tail")));
    std::fflush(stdout);
    if (settings.count == 0 && !settings.terminal) break;
  }
  return {};
}

Result<void> look(Target& target, const SurveySettings& settings) {
  switch (settings.what) {
    case Survey::kBigKeys:
    case Survey::kMemoryKeys: return Sizes(target, settings).run();
    case Survey::kHotKeys: return show_hot_keys(target, settings);
    case Survey::kNames: return show_names(target, settings);
    case Survey::kLatency: return show_latency(target, settings);
    case Survey::kStatistics: return show_statistics(target, settings);
    case Survey::kNone: break;
  }
  return {};
}

}  // namespace

int run_survey(Target& target, const SurveySettings& settings) {
  auto done = look(target, settings);
  std::fflush(stdout);
  if (done) done = target.finish(false);
  if (done) return 0;
  std::fprintf(stderr, "stave shell: %s\n", done.error().describe().c_str());
  return 1;
}

}  // namespace stave::shell
