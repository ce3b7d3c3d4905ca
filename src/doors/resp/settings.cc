#include "doors/resp/settings.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <span>

#include "base/assert.h"
#include "base/nearest_word.h"
#include "base/try.h"
#include "commands/notices/notices.h"
#include "commands/save_points.h"
#include "doors/resp/secret.h"

namespace stave::resp {
namespace {

constexpr std::string_view kMask = "********";
constexpr std::string_view kUserLine = "user";
constexpr std::size_t kSync = option_id("sync");

/// One option with two spellings, Redis', or its older one, being the second. Choices stand in the same order in both
/// rows.
struct Twins {
  std::size_t own;
  std::size_t redis;
};
constexpr Twins kTwins[] = {{kSync, option_id("appendfsync")},
                            {option_id("snapshot-file"), option_id("dbfilename")},
                            {option_id("slowlog-log-slower-than"), option_id("commandlog-execution-slower-than")},
                            {option_id("slowlog-max-len"), option_id("commandlog-slow-execution-max-len")},
                            {option_id("hash-max-listpack-entries"), option_id("hash-max-ziplist-entries")},
                            {option_id("hash-max-listpack-value"), option_id("hash-max-ziplist-value")},
                            {option_id("list-max-listpack-size"), option_id("list-max-ziplist-size")},
                            {option_id("zset-max-listpack-entries"), option_id("zset-max-ziplist-entries")},
                            {option_id("zset-max-listpack-value"), option_id("zset-max-ziplist-value")},
                            {option_id("busy-reply-threshold"), option_id("lua-time-limit")}};

const Twins* twins_of(std::size_t id) noexcept {
  for (const Twins& twins : kTwins)
    if (id == twins.own || id == twins.redis) return &twins;
  return nullptr;
}

bool is_secret(const Option& option) noexcept {
  return option.type == OptionType::kSecret || option.type == OptionType::kSecretText;
}

constexpr std::size_t kOutputLimits = option_id("client-output-buffer-limit");
/// A class of clients in Redis' option, and the options that its three numbers are here.
struct OutputClass {
  std::string_view name;
  std::array<std::size_t, 3> ids;
};
constexpr OutputClass kOutputClasses[] = {
    {"normal",
     {option_id("output-buffer-hard-limit"), option_id("output-buffer-soft-limit"),
      option_id("output-buffer-soft-time")}},
    {"pubsub",
     {option_id("pubsub-output-buffer-hard-limit"), option_id("pubsub-output-buffer-soft-limit"),
      option_id("pubsub-output-buffer-soft-time")}}};

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end != 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), lower);
  return copy;
}

struct Suffix {
  std::string_view name;
  std::int64_t factor;
};
constexpr Suffix kByteSuffixes[] = {{"", 1},          {"b", 1},      {"k", 1000},          {"kb", 1024},
                                    {"m", 1'000'000}, {"mb", kMega}, {"g", 1'000'000'000}, {"gb", kGiga}};
// In microseconds.
constexpr Suffix kTimeSuffixes[] = {{"us", 1},         {"ms", 1000},         {"s", 1'000'000},
                                    {"m", 60'000'000}, {"h", 3'600'000'000}, {"d", 86'400'000'000}};

std::int64_t unit_microseconds(const Option& option) noexcept {
  if (option.unit == "microseconds") return 1;
  return option.unit == "milliseconds" ? 1000 : 1'000'000;
}

/// A whole number with an optional suffix; nullopt when it is anything else or does not fit.
std::optional<std::int64_t> read_number(const Option& option, std::string_view text) {
  std::int64_t value = 0;
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;
  const std::string suffix = lowered({stop, static_cast<std::size_t>(text.data() + text.size() - stop)});
  if (suffix.empty()) return value;
  if (option.type == OptionType::kInteger) return std::nullopt;
  const bool bytes = option.type == OptionType::kBytes;
  const auto suffixes = bytes ? std::span<const Suffix>(kByteSuffixes) : std::span<const Suffix>(kTimeSuffixes);
  for (const Suffix& known : suffixes) {
    if (known.name != suffix) continue;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(value, known.factor, &product)) return std::nullopt;
    const std::int64_t unit = bytes ? 1 : unit_microseconds(option);
    if (product % unit != 0) return std::nullopt;
    return product / unit;
  }
  return std::nullopt;
}

constexpr std::int64_t kThousand = 1000;

/// A number with up to three decimals, in thousandths; nullopt when it is anything else or does not fit.
std::optional<std::int64_t> read_ratio(std::string_view text) {
  std::int64_t whole = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, whole);
  constexpr std::int64_t kWholeMax = 1'000'000;
  if (problem != std::errc{} || text.front() == '-' || whole > kWholeMax) return std::nullopt;
  std::int64_t value = whole * kThousand;
  if (stop == end) return value;
  std::string_view decimals(stop, static_cast<std::size_t>(end - stop));
  if (decimals.front() != '.' || decimals.size() < 2 || decimals.size() > 4) return std::nullopt;
  std::int64_t weight = kThousand / 10;
  for (const char c : decimals.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value += (c - '0') * weight;
    weight /= 10;
  }
  return value;
}

/// The shortest text that `read_ratio` takes for the number.
std::string ratio_text(std::int64_t thousandths) {
  std::string text = std::to_string(thousandths / kThousand);
  if (thousandths % kThousand == 0) return text;
  std::string decimals = std::to_string(kThousand + thousandths % kThousand).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + "." + decimals;
}

std::string expectation(const Option& option) {
  const std::string range = "from " + std::to_string(option.least) + " to " + std::to_string(option.most);
  switch (option.type) {
    case OptionType::kInteger: return "a whole number " + range;
    case OptionType::kBytes: return "a size such as 64mb, " + range + " bytes";
    case OptionType::kDuration:
      return "a time such as 500ms, 30s or 1h, in whole " + std::string(option.unit) + " " + range;
    case OptionType::kRatio:
      return "0, or a number with at most three decimals from " + ratio_text(option.least) + " to " +
             ratio_text(option.most);
    case OptionType::kFlag: return "yes or no";
    case OptionType::kChoice: return "one of: " + std::string(option.choices);
    case OptionType::kFileName: return "a plain file name: letters, digits, '.', '-', '_', not beginning with '.'";
    case OptionType::kEvents: return "letters of AKEg$lshzxetdmn, or empty";
    case OptionType::kSavePoints: return "pairs of seconds and changes such as \"900 1 300 100\", or empty";
    case OptionType::kText:
    case OptionType::kSecret:
    case OptionType::kSecretText: break;
  }
  return "a text without line breaks";
}

/// The place of `word` among the blank-separated `choices`; -1 when it is not there.
std::int64_t place_of(std::string_view word, std::string_view choices) noexcept {
  for (std::int64_t place = 0; !choices.empty(); ++place) {
    const std::size_t end = std::min(choices.find(' '), choices.size());
    if (choices.substr(0, end) == word) return place;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return -1;
}

std::string_view nth_choice(std::string_view choices, std::int64_t place) noexcept {
  STAVE_ASSERT(place >= 0 && place <= std::ranges::count(choices, ' '));
  for (; place > 0; --place) choices.remove_prefix(choices.find(' ') + 1);
  return choices.substr(0, choices.find(' '));
}

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// `name value` of a configuration line; an empty name for a comment or an empty line.
std::pair<std::string, std::string> split_line(std::string_view line) {
  line = trimmed(line);
  if (line.empty() || line.front() == '#') return {};
  const std::size_t gap = std::min(line.find_first_of(" \t"), line.size());
  std::string_view value = trimmed(line.substr(gap));
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
    value.remove_prefix(1);
    value.remove_suffix(1);
  }
  return {lowered(line.substr(0, gap)), std::string(value)};
}

/// Calls `take` for each line, without its end.
template <class Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

Settings::Settings() {
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    auto value = read(kOptions[i], kOptions[i].initial);
    STAVE_ASSERT(value.has_value());
    if (value) values_[i] = std::move(*value);
    values_[i].set = false;
  }
}

const Option* Settings::find(std::string_view name) noexcept {
  const auto same = [&](const Option& option) { return std::ranges::equal(option.name, name, {}, {}, lower); };
  const auto* const found = std::ranges::find_if(kOptions, same);
  return found == std::end(kOptions) ? nullptr : found;
}

Result<Settings::Value> Settings::read(const Option& option, std::string_view text) {
  const auto refuse = [&] {
    std::string sentence(option.name);
    // A secret must not come back in an error, which may be logged.
    if (!is_secret(option)) sentence += " cannot be \"" + std::string(text) + "\"";
    return stave::fail(ErrorCode::kInvalidArgument, sentence + "; it must be " + expectation(option));
  };
  Value value{.set = true};
  switch (option.type) {
    case OptionType::kInteger:
    case OptionType::kBytes:
    case OptionType::kDuration: {
      const auto number = read_number(option, text);
      if (!number || *number < option.least || *number > option.most) return refuse();
      value.number = *number;
      break;
    }
    case OptionType::kRatio: {
      const auto number = text.empty() ? std::nullopt : read_ratio(text);
      if (!number || (*number != 0 && (*number < option.least || *number > option.most))) return refuse();
      value.number = *number;
      break;
    }
    case OptionType::kFlag:
      if (lowered(text) != "yes" && lowered(text) != "no") return refuse();
      value.number = lowered(text) == "yes" ? 1 : 0;
      break;
    case OptionType::kChoice:
      value.number = place_of(lowered(text), option.choices);
      if (value.number < 0 || text.empty()) return refuse();
      value.text = lowered(text);
      break;
    case OptionType::kFileName:
      if (!commands::is_plain_file_name(text)) return refuse();
      value.text = text;
      break;
    case OptionType::kEvents: {
      const auto classes = commands::parse_event_classes(text);
      if (!classes) return refuse();
      value.text = commands::event_letters(*classes);
      break;
    }
    case OptionType::kSavePoints: {
      const auto points = commands::parse_save_points(text);
      if (!points) return refuse();
      value.text = commands::to_text(*points);
      break;
    }
    case OptionType::kSecretText:
    case OptionType::kText:
      if (text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return refuse();
      value.text = text;
      break;
    case OptionType::kSecret:
      if (!text.empty()) value.text = hash_password(text);
      break;
  }
  return value;
}

// Each limit is taken into the bounds that it has here.
Result<void> Settings::set_output_limits(std::string_view text) {
  const auto words = split_words(text);
  std::array<std::int64_t, kOptionCount> wanted{};
  std::vector<std::size_t> ids;
  const auto refuse = [&] {
    return stave::fail(
        ErrorCode::kInvalidArgument,
        "client-output-buffer-limit is groups of a class (normal, replica, pubsub), a hard limit, a soft "
        "limit and seconds, such as \"normal 256mb 64mb 60\"");
  };
  if (words.empty() || words.size() % 4 != 0) return refuse();
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const std::string kind = lowered(words[i]);
    const auto* const known = std::ranges::find(kOutputClasses, kind, &OutputClass::name);
    const bool ignored = kind == "slave" || kind == "replica";
    if (known == std::end(kOutputClasses) && !ignored) return refuse();
    for (std::size_t j = 0; j < 3; ++j) {
      const std::size_t id = (ignored ? kOutputClasses[0] : *known).ids[j];
      const Option& option = kOptions[id];
      auto number = read_number(option, words[i + 1 + j]);
      if (!number || *number < 0) return refuse();
      if (ignored) continue;
      // No limit at all there is not.
      if (j == 0 && *number == 0 && option.least > 0) number = option.most;
      wanted[id] = std::clamp(*number, option.least, option.most);
      ids.push_back(id);
    }
  }
  for (const std::size_t id : ids) {
    values_[id].number = wanted[id];
    values_[id].set = true;
  }
  return {};
}

std::string Settings::output_limits() const {
  std::string text;
  for (const OutputClass& kind : kOutputClasses) {
    text += text.empty() ? "" : " slave 0 0 0 ";
    text += kind.name;
    for (const std::size_t id : kind.ids) text += " " + std::to_string(values_[id].number);
  }
  return text;
}

Result<void> Settings::set(std::string_view name, std::string_view value) {
  const Option* const option = find(name);
  if (option == nullptr)
    return stave::fail(ErrorCode::kNotFound,
                       "there is no option \"" + std::string(name) + "\"" + base::did_you_mean(name, option_names()));
  const auto id = static_cast<std::size_t>(option - kOptions);
  if (id == kOutputLimits) return set_output_limits(value);
  // As clients and tools of Redis write it.
  if (id == option_id("loglevel") && lowered(value) == "info") value = "notice";
  STAVE_ASSIGN(Value parsed, read(*option, value));
  if (option->change == Change::kFixed) {
    if (parsed.number != values_[id].number || parsed.text != values_[id].text)
      return stave::fail(ErrorCode::kInvalidArgument,
                         std::string(name) + " is always \"" + shown(id) + "\": " + std::string(option->help));
    return {};
  }
  if (const Twins* const twins = twins_of(id)) {
    for (const std::size_t twin : {twins->own, twins->redis}) {
      const Option& row = kOptions[twin];
      values_[twin].number = parsed.number;
      values_[twin].text =
          row.type == OptionType::kChoice ? std::string(nth_choice(row.choices, parsed.number)) : parsed.text;
    }
    values_[twins->own].set = true;
    return {};
  }
  values_[id] = std::move(parsed);
  return {};
}

Result<void> Settings::change(std::string_view name, std::string_view value) {
  const Option* const option = find(name);
  if (option != nullptr && option->change == Change::kRestart) {
    STAVE_TRY(read(*option, value));
    return stave::fail(ErrorCode::kUnsupported, std::string(name) + " is only read at the start");
  }
  if (option != nullptr && is_secret(*option) && value == kMask) return {};
  return set(name, value);
}

void Settings::note(std::size_t id, std::int64_t number) noexcept {
  if (values_[id].number == number) return;
  values_[id].number = number;
  values_[id].set = true;
  if (const Twins* const twins = twins_of(id)) {
    STAVE_ASSERT(id == twins->own);
    values_[twins->redis].number = number;
  }
}

Result<void> Settings::load(std::string_view file_name, std::string_view text) {
  int number = 0;
  Result<void> outcome;
  std::string points;
  for_each_line(text, [&](std::string_view line) {
    ++number;
    if (!outcome) return;
    auto [name, value] = split_line(line);
    if (name.empty()) return;
    if (name == kUserLine) {
      user_lines_.append(name).append(" ").append(value).append("\n");
      return;
    }
    // Redis' files name one pair a line; an empty one forgets those before.
    if (name == kOptions[option_id("save")].name) {
      points = value.empty() || points.empty() ? value : points + " " + value;
      value = points;
    }
    if (auto taken = set(name, value); !taken)
      outcome = stave::fail(taken.error().code(), std::string(file_name) + ", line " + std::to_string(number) + ": " +
                                                      taken.error().message());
  });
  return outcome;
}

Result<void> Settings::load_environment(const std::function<const char*(const char*)>& variable) {
  const auto take = [&](const Option& option, const std::string& name) -> Result<bool> {
    const char* const value = variable(name.c_str());
    if (value == nullptr) return false;
    // What Kubernetes gives all pods for a Service that is called `stave`, `http` or the like is no setting.
    if (name.ends_with("_PORT") && std::string_view(value).starts_with("tcp://")) return false;
    if (auto taken = set(option.name, value); !taken)
      return stave::fail(taken.error().code(), "environment variable " + name + ": " + taken.error().message());
    return true;
  };
  bool password = false;
  for (const Option& option : kOptions) {
    if (option.change == Change::kFixed) continue;
    std::string name(option.name);
    for (char& c : name) c = c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    std::vector<std::string> names = {"STAVE_" + name};
    if (option.name == "requirepass") names.emplace_back("STAVE_PASSWORD");
    if (option.name == "port" || option.name == "http-port" || option.name == "dir") names.push_back(name);
    if (option.name == "dir") names.emplace_back("FILENAME");
    for (const std::string& each : names) {
      STAVE_ASSIGN(const bool taken, take(option, each));
      if (!taken) continue;
      password = password || option.name == "requirepass";
      break;
    }
  }
  if (!password && variable("REQUIREPASS") != nullptr)
    return stave::fail(ErrorCode::kUnsupported, "environment variable REQUIREPASS is not read; write STAVE_PASSWORD");
  return {};
}

std::string Settings::written(std::size_t id) const {
  if (id == kOutputLimits) return output_limits();
  const Value& value = values_[id];
  switch (kOptions[id].type) {
    case OptionType::kFlag: return value.number != 0 ? "yes" : "no";
    case OptionType::kRatio: return ratio_text(value.number);
    case OptionType::kChoice:
    case OptionType::kText:
    case OptionType::kFileName:
    case OptionType::kSavePoints:
    case OptionType::kEvents:
    case OptionType::kSecret:
    case OptionType::kSecretText: return value.text;
    default: return std::to_string(value.number);
  }
}

std::string Settings::shown(std::size_t id) const {
  if (is_secret(kOptions[id])) return values_[id].text.empty() ? "" : std::string(kMask);
  return written(id);
}

std::vector<std::pair<std::string, std::string>> Settings::all() const {
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(kOptionCount);
  for (std::size_t i = 0; i < kOptionCount; ++i) pairs.emplace_back(kOptions[i].name, shown(i));
  return pairs;
}

std::string Settings::rewritten(std::string_view text, std::string_view users) const {
  std::array<bool, kOptionCount> done{};
  std::string out;
  const auto put = [&](std::size_t id) {
    const std::string value = written(id);
    out += kOptions[id].name;
    out += value.empty() ? " \"\"" : " " + value;
    out += '\n';
    done[id] = true;
    if (const Twins* const twins = twins_of(id)) done[twins->own] = true;
  };
  for_each_line(text, [&](std::string_view line) {
    const auto [name, value] = split_line(line);
    if (name == kUserLine) return;
    const Option* const option = name.empty() ? nullptr : find(name);
    if (option == nullptr) {
      out.append(line);
      out += '\n';
      return;
    }
    const auto id = static_cast<std::size_t>(option - kOptions);
    if (!done[id]) put(id);
  });
  for (std::size_t i = 0; i < kOptionCount; ++i)
    if (values_[i].set && !done[i]) put(i);
  out += users;
  return out;
}

Sync Settings::sync() const noexcept {
  constexpr Sync kPolicies[] = {Sync::kAlways, Sync::kInterval, Sync::kOs};
  return kPolicies[number(kSync)];
}

MemoryPolicy Settings::memory_policy() const noexcept {
  return static_cast<MemoryPolicy>(number(option_id("maxmemory-policy")));
}

Packing Settings::packing() const noexcept {
  return static_cast<Packing>(number(option_id("compression")));
}

double Settings::ratio(std::size_t id) const noexcept {
  return static_cast<double>(number(id)) / static_cast<double>(kThousand);
}

Result<Options> Settings::store_options() const {
  Options options;
  options.sync = sync();
  options.sync_interval_ms = number(option_id("sync-interval"));
  options.segment_bytes = static_cast<std::uint64_t>(number(option_id("segment-size")));
  options.segment_age_ms = number(option_id("segment-age"));
  options.log_buffer_bytes = static_cast<std::size_t>(number(option_id("log-buffer")));
  options.databases = static_cast<int>(number(option_id("databases")));
  options.key_bytes_max = static_cast<std::size_t>(number(option_id("key-max-bytes")));
  options.value_bytes_max = static_cast<std::size_t>(number(option_id("proto-max-bulk-len")));
  options.disk_reserve_bytes = static_cast<std::uint64_t>(number(option_id("disk-reserve")));
  options.max_memory_bytes = size(option_id("maxmemory"));
  options.memory_policy = memory_policy();
  options.packing = packing();
  options.packing_level = static_cast<int>(number(option_id("compression-level")));
  options.max_space_amplification = ratio(option_id("max-space-amplification"));
  options.clean_bytes_per_second = size(option_id("clean-rate"));
  options.checkpoint_bytes = size(option_id("checkpoint-bytes"));
  options.checkpoint_interval_ms = number(option_id("checkpoint-interval"));
  options.history_ms = number(option_id("history-age"));
  options.history_bytes = size(option_id("history-bytes"));
  if (!std::has_single_bit(options.log_buffer_bytes))
    return stave::fail(ErrorCode::kInvalidArgument, "log-buffer must be a power of two, such as 4mb");
  return options;
}

std::pair<std::string, std::string> split_conf_line(std::string_view line) {
  return split_line(line);
}

std::vector<std::string_view> option_names() {
  std::vector<std::string_view> names;
  for (const Option& option : kOptions) names.push_back(option.name);
  return names;
}

std::string options_reference() {
  std::string page =
      "# Options of the server\n\n"
      "Generated by `stave options` from `src/doors/resp/options_table.h`; do not edit.\n\n"
      "Later sources win: default, configuration file (`--config FILE`, lines `name value`), environment\n"
      "(`STAVE_PORT`, `STAVE_SYNC_INTERVAL`: upper case, `_` for `-`; `PORT`, `HTTP_PORT`, `DIR` and `FILENAME`, "
      "another\n"
      "name of `DIR`, do without the prefix; `STAVE_PASSWORD` is `requirepass`), flags (`--port 6379`).\n"
      "Sizes: `100`, `64kb`, `1gb` (powers of 1024), `1k`, `1m`, `1g` (powers of 1000). Times: `250us`, `500ms`, "
      "`30s`, `5m`,\n"
      "`1h`, `7d`; a bare number is in the unit given. *Live* options can be changed by `CONFIG SET`; *fixed* ones are "
      "there\n"
      "for clients that ask.\n\n"
      "|option|default|unit|bounds|change|meaning|\n|-|-|-|-|-|-|\n";
  for (const Option& option : kOptions) {
    std::string bounds;
    if (option.type == OptionType::kChoice) {
      bounds = option.choices;
    } else if (option.type == OptionType::kFlag) {
      bounds = "yes no";
    } else if (option.type == OptionType::kRatio) {
      bounds = "0, " + ratio_text(option.least) + " to " + ratio_text(option.most);
    } else if (option.most > option.least) {
      bounds = std::to_string(option.least) + " to " + std::to_string(option.most);
    }
    const char* const change = option.change == Change::kLive    ? "live"
                               : option.change == Change::kFixed ? "fixed"
                                                                 : "restart";
    page += "|`" + std::string(option.name) + "`|" +
            (option.initial.empty() ? "" : "`" + std::string(option.initial) + "`") + "|" + std::string(option.unit) +
            "|" + bounds + "|" + change + "|" + std::string(option.help) + "|\n";
  }
  return page;
}

}  // namespace stave::resp
