#include "commands/hot_keys_commands.h"

#include <span>
#include <string>
#include <string_view>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/call.h"
#include "commands/environment.h"
#include "commands/hot_keys.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

std::int64_t as_integer(std::uint64_t n) noexcept {
  return static_cast<std::int64_t>(n);
}

Result<std::uint64_t> number_at(Call& call, std::size_t i, std::uint64_t least, std::uint64_t most,
                                std::string_view complaint) {
  if (i < call.size()) {
    const auto n = types::parse_integer(call[i]);
    if (n && *n >= 0 && static_cast<std::uint64_t>(*n) >= least && static_cast<std::uint64_t>(*n) <= most)
      return static_cast<std::uint64_t>(*n);
  }
  return answer_error(std::string(complaint));
}

/// METRICS count metric [metric ...], from argument 2 on. Sets `next` behind it. Names that are not known are passed
/// over, as Redis does, so that clients may ask for what later servers measure.
Result<HotKeys::Wish> metrics_of(Call& call, std::size_t& next) {
  if (!call.is(2, "METRICS")) return answer_error("ERR METRICS parameter is required");
  STAVE_ASSIGN(const std::uint64_t count,
               number_at(call, 3, 1, call.size(), "ERR METRICS count must be positive and fit what follows"));
  if (count > call.size() - 4) return answer_error("ERR METRICS count does not match number of metric types provided");
  HotKeys::Wish wish;
  for (next = 4; next < 4 + count; ++next) {
    const bool time = call.is(next, "CPU");
    const bool bytes = call.is(next, "NET");
    if ((time && wish.time) || (bytes && wish.bytes))
      return answer_error(time ? "ERR METRICS CPU defined more than once" : "ERR METRICS NET defined more than once");
    wish.time |= time;
    wish.bytes |= bytes;
  }
  if (!wish.time && !wish.bytes) return answer_error("ERR METRICS no valid metrics passed. Supported: CPU, NET");
  return wish;
}

void answer_pairs(Sink& reply, std::string_view name, const std::vector<std::pair<std::string, std::uint64_t>>& pairs) {
  reply.bulk(name);
  reply.array(2 * pairs.size());
  for (const auto& [key, weight] : pairs) {
    reply.bulk(key);
    reply.integer(as_integer(weight));
  }
}

void answer_report(Sink& reply, const HotKeys::Report& report) {
  const auto field = [&](std::string_view name, std::uint64_t value) {
    reply.bulk(name);
    reply.integer(as_integer(value));
  };
  constexpr std::size_t kAlways = 7;
  reply.array(1);  // Redis has room for several nodes here
  reply.map(kAlways + (report.wish.time ? 3 : 0) + (report.wish.bytes ? 2 : 0));
  field("tracking-active", report.active ? 1 : 0);
  field("sample-ratio", report.wish.one_in);
  reply.bulk("selected-slots");
  reply.array(0);
  field("all-commands-all-slots-us", report.all_us);
  field("net-bytes-all-commands-all-slots", report.all_bytes);
  field("collection-start-time-unix-ms", static_cast<std::uint64_t>(raw(report.started)));
  field("collection-duration-ms", report.lasted_ms);
  if (report.wish.time) {
    field("total-cpu-time-user-ms", report.user_ms);
    field("total-cpu-time-sys-ms", report.system_ms);
  }
  if (report.wish.bytes) field("total-net-bytes", report.all_bytes);
  if (report.wish.time) answer_pairs(reply, "by-cpu-time-us", report.by_us);
  if (report.wish.bytes) answer_pairs(reply, "by-net-bytes", report.by_bytes);
}

}  // namespace

Result<void> hotkeys_start_command(Call& call) {
  std::size_t i = 0;
  STAVE_ASSIGN(HotKeys::Wish wish, metrics_of(call, i));
  for (; i < call.size(); i += 2) {
    if (call.is(i, "COUNT")) {
      STAVE_ASSIGN(wish.count, number_at(call, i + 1, 1, HotKeys::kCountMax, "ERR COUNT must be between 1 and 64"));
    } else if (call.is(i, "DURATION")) {
      STAVE_ASSIGN(wish.seconds, number_at(call, i + 1, 1, 1'000'000, "ERR DURATION must be between 1 and 1000000"));
    } else if (call.is(i, "SAMPLE")) {
      STAVE_ASSIGN(wish.one_in, number_at(call, i + 1, 1, 1'000'000'000, "ERR SAMPLE ratio must be positive"));
    } else if (call.is(i, "SLOTS")) {
      return answer_error("ERR SLOTS parameter cannot be used in non-cluster mode");
    } else {
      return answer_error("ERR syntax error");
    }
  }
  if (!call.environment().hot_keys().start(call.session(), wish))
    return answer_error("ERR hotkey tracking session already in progress");
  call.reply().status("OK");
  return {};
}

Result<void> hotkeys_stop_command(Call& call) {
  if (!call.environment().hot_keys().stop(call.session())) {
    call.reply().null();
    return {};
  }
  call.reply().status("OK");
  return {};
}

Result<void> hotkeys_reset_command(Call& call) {
  if (!call.environment().hot_keys().reset(call.session()))
    return answer_error("ERR hotkey tracking session in progress, stop tracking first");
  call.reply().status("OK");
  return {};
}

Result<void> hotkeys_get_command(Call& call) {
  HotKeys& hot = call.environment().hot_keys();
  Sink& reply = call.reply();
  if (const auto report = hot.report(call.session()); report != nullptr) {
    answer_report(reply, *report);
    return {};
  }
  const std::vector<HotKeys::Rate> rates = hot.rates(call.session());
  reply.array(rates.size());
  for (const HotKeys::Rate& rate : rates) {
    reply.map(3);
    reply.bulk("key");
    reply.bulk(rate.key);
    reply.bulk("db");
    reply.integer(rate.database);
    reply.bulk("qps");
    reply.integer(as_integer(rate.per_second));
  }
  return {};
}

}  // namespace stave::commands
