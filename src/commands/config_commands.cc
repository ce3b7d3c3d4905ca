#include "commands/config_commands.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/client_registry.h"
#include "commands/encoding_limits.h"
#include "commands/glob.h"
#include "commands/latency_monitor.h"
#include "commands/policy_names.h"
#include "commands/resolve.h"
#include "commands/slow_log.h"
#include "commands/statistics.h"
#include "commands/users.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

using OptionList = std::vector<std::pair<std::string, std::string>>;

constexpr std::int64_t kNumberMax = std::numeric_limits<std::int64_t>::max();

/// An option of the commands themselves.
struct OwnOption {
  std::string_view name;
  std::int64_t least;
  std::int64_t most;
  bool bytes;  ///< Takes "1kb".
  std::int64_t (*get)(Environment&);
  void (*set)(Environment&, std::int64_t);
};

constexpr std::array kThresholds = {
    OwnOption{"acllog-max-len", 0, kNumberMax, false,
              [](Environment& e) { return static_cast<std::int64_t>(e.users().log.capacity()); },
              [](Environment& e, std::int64_t value) { e.users().log.set_capacity(static_cast<std::size_t>(value)); }},
    OwnOption{"commandlog-execution-slower-than", -1, kNumberMax, false,
              [](Environment& e) { return e.slow_log().threshold_us(); },
              [](Environment& e, std::int64_t value) { e.slow_log().set_threshold_us(value); }},
    OwnOption{"commandlog-request-larger-than", -1, kNumberMax, false,
              [](Environment& e) { return e.large_requests().threshold_us(); },
              [](Environment& e, std::int64_t value) { e.large_requests().set_threshold_us(value); }},
    OwnOption{"commandlog-reply-larger-than", -1, kNumberMax, false,
              [](Environment& e) { return e.large_replies().threshold_us(); },
              [](Environment& e, std::int64_t value) { e.large_replies().set_threshold_us(value); }},
    OwnOption{"commandlog-slow-execution-max-len", 0, kNumberMax, false,
              [](Environment& e) { return static_cast<std::int64_t>(e.slow_log().capacity()); },
              [](Environment& e, std::int64_t value) { e.slow_log().set_capacity(static_cast<std::size_t>(value)); }},
    OwnOption{
        "commandlog-large-request-max-len", 0, kNumberMax, false,
        [](Environment& e) { return static_cast<std::int64_t>(e.large_requests().capacity()); },
        [](Environment& e, std::int64_t value) { e.large_requests().set_capacity(static_cast<std::size_t>(value)); }},
    OwnOption{
        "commandlog-large-reply-max-len", 0, kNumberMax, false,
        [](Environment& e) { return static_cast<std::int64_t>(e.large_replies().capacity()); },
        [](Environment& e, std::int64_t value) { e.large_replies().set_capacity(static_cast<std::size_t>(value)); }},
    OwnOption{"latency-monitor-threshold", 0, kNumberMax, false,
              [](Environment& e) { return e.latency().threshold_ms(); },
              [](Environment& e, std::int64_t value) { e.latency().set_threshold_ms(value); }},
    OwnOption{"slowlog-log-slower-than", -1, kNumberMax, false,
              [](Environment& e) { return e.slow_log().threshold_us(); },
              [](Environment& e, std::int64_t value) { e.slow_log().set_threshold_us(value); }},
    OwnOption{"slowlog-max-len", 0, kNumberMax, false,
              [](Environment& e) { return static_cast<std::int64_t>(e.slow_log().capacity()); },
              [](Environment& e, std::int64_t value) { e.slow_log().set_capacity(static_cast<std::size_t>(value)); }},
};

template <std::size_t I>
constexpr OwnOption encoding_option(std::string_view name) {
  constexpr const EncodingOption& kOption = kEncodingOptions[I];
  return {name,
          kOption.least,
          kOption.most,
          kOption.bytes,
          [](Environment& e) { return e.encoding_limits().get(kEncodingOptions[I].limit); },
          [](Environment& e, std::int64_t value) { e.encoding_limits().set(kEncodingOptions[I].limit, value); }};
}

// Under each name that it has.
constexpr auto kEncodings = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::array{encoding_option<I>(kEncodingOptions[I].name)...,
                    encoding_option<I>(kEncodingOptions[I].old_name)...};
}(std::make_index_sequence<kEncodingOptions.size()>());

template <class Visit>
void for_each_own(Visit visit) {
  for (const OwnOption& option : kThresholds) visit(option);
  for (const OwnOption& option : kEncodings)
    if (!option.name.empty()) visit(option);
}

const OwnOption* find_own(std::string_view name) {
  const OwnOption* found = nullptr;
  for_each_own([&](const OwnOption& option) {
    if (same_word(option.name, name)) found = &option;
  });
  return found;
}

/// "64", "1kb", "1k": powers of 1024 and of 1000. nullopt for anything else and what does not fit.
std::optional<std::int64_t> parse_bytes(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = types::parse_integer(text.substr(0, digits));
  if (!number) return std::nullopt;
  struct Unit {
    std::string_view name;
    std::int64_t factor;
  };
  static constexpr std::array kUnits = {Unit{"", 1},           Unit{"b", 1},       Unit{"k", 1000},
                                        Unit{"kb", 1 << 10},   Unit{"m", 1000000}, Unit{"mb", 1 << 20},
                                        Unit{"g", 1000000000}, Unit{"gb", 1 << 30}};
  for (const Unit& unit : kUnits)
    if (same_word(unit.name, text.substr(digits))) return types::checked_multiply(*number, unit.factor);
  return std::nullopt;
}

/// What tools ask for, wherever the store runs. A host that knows better has the last word.
OptionList facts(Environment& environment) {
  const Options& options = environment.engine().options();
  const Sync sync = environment.engine().sync_policy();
  return {{"appendfsync", sync == Sync::kAlways     ? "always"
                          : sync == Sync::kInterval ? "everysec"
                                                    : "no"},
          {"appendonly", "yes"},
          {"databases", std::to_string(options.databases)},
          {"maxmemory", std::to_string(environment.engine().budget().max())},
          {"maxmemory-policy", std::string(redis_policy_name(environment.engine().budget().policy()))},
          {"stave-maxmemory-policy", std::string(policy_name(environment.engine().budget().policy()))},
          {"proto-max-bulk-len", std::to_string(options.value_bytes_max)},
          {"save", ""}};
}

OptionList all_options(Environment& environment) {
  OptionList all = environment.host().config();
  const auto add = [&](std::string_view name, std::string value) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const auto& option) { return same_word(option.first, name); });
    if (!known) all.emplace_back(name, std::move(value));
  };
  for (auto& [name, value] : facts(environment)) add(name, std::move(value));
  for_each_own([&](const OwnOption& own) { add(own.name, std::to_string(own.get(environment))); });
  std::sort(all.begin(), all.end());
  return all;
}

Result<void> set_option(Environment& environment, std::string_view name, std::string_view value) {
  const OwnOption* own = find_own(name);
  if (own == nullptr) return environment.host().set_config(name, value);
  const auto number = own->bytes ? parse_bytes(value) : types::parse_integer(value);
  if (!number)
    return fail(ErrorCode::kInvalidArgument,
                own->bytes ? "argument must be a memory value" : "argument couldn't be parsed into an integer");
  if (*number < own->least || *number > own->most)
    return fail(ErrorCode::kInvalidArgument, "argument must be between " + std::to_string(own->least) + " and " +
                                                 std::to_string(own->most) + " inclusive");
  own->set(environment, *number);
  return {};
}

/// The name under which an option shows the value that it has, and not what clients of Redis understand.
std::string_view own_name(std::string_view name) {
  return same_word(name, "maxmemory-policy") ? "stave-maxmemory-policy" : name;
}

std::unexpected<Error> set_failed(std::string_view name, std::string_view why) {
  return answer_error("ERR CONFIG SET failed (possibly related to argument '" + quoted(name) + "') - " +
                      std::string(why));
}

}  // namespace

Result<void> config_get_command(Call& call) {
  OptionList found;
  for (auto& option : all_options(call.environment())) {
    for (std::size_t i = 2; i < call.size(); ++i) {
      if (!glob_match(call[i], option.first, true)) continue;
      found.push_back(std::move(option));
      break;
    }
  }
  call.reply().map(found.size());
  for (const auto& [name, value] : found) {
    call.reply().bulk(name);
    call.reply().bulk(value);
  }
  return {};
}

Result<void> config_set_command(Call& call) {
  if (call.size() % 2 != 0) return syntax_error();
  Environment& environment = call.environment();
  const OptionList before = all_options(environment);
  const auto known = [&](std::string_view name) {
    return std::find_if(before.begin(), before.end(),
                        [&](const auto& option) { return same_word(option.first, name); });
  };
  for (std::size_t i = 2; i < call.size(); i += 2) {
    if (known(call[i]) == before.end())
      return answer_error("ERR Unknown option or number of arguments for CONFIG SET - '" + quoted(call[i]) + "'");
    for (std::size_t j = 2; j < i; j += 2)
      if (same_word(call[i], call[j])) return set_failed(call[i], "duplicate parameter");
  }
  // The password comes last: it alone cannot be put back, for CONFIG GET does not tell it.
  std::vector<std::size_t> order;
  for (std::size_t i = 2; i < call.size(); i += 2) order.push_back(i);
  std::partition(order.begin(), order.end(), [&](std::size_t i) { return !call.is(i, "requirepass"); });
  for (std::size_t done = 0; done < order.size(); ++done) {
    const std::size_t i = order[done];
    auto set = set_option(environment, call[i], call[i + 1]);
    if (set && done + 1 == order.size()) {
      set = environment.host().settle_config();
      if (!set) ++done;
    }
    if (set) continue;
    // What was set before this one goes back; those values were good a moment ago.
    for (std::size_t j = 0; j < done; ++j)
      static_cast<void>(set_option(environment, call[order[j]], known(own_name(call[order[j]]))->second));
    if (set.error().code() == ErrorCode::kNotFound) return set_failed(call[i], "can't set immutable config");
    return set_failed(call[i], set.error().message());
  }
  call.reply().status("OK");
  return {};
}

Result<void> config_resetstat_command(Call& call) {
  call.environment().statistics().reset(call.environment().clients());
  call.environment().clients().reset_total();
  call.environment().users().log.reset_counters();
  call.environment().host().reset_statistics();
  // This one was counted before and is timed behind: it is the first of what is counted from now on.
  if (const Command* const row = resolve(call.arguments()).row)
    call.environment().statistics().add_calls(row_index(*row), 1);
  call.reply().status("OK");
  return {};
}

Result<void> config_rewrite_command(Call& call) {
  STAVE_TRY(call.environment().host().rewrite_config());
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
