#include "commands/dispatch.h"

#include <new>
#include <string>

#include "commands/errors.h"
#include "commands/latency_monitor.h"
#include "commands/null_sink.h"
#include "commands/slow_log.h"
#include "commands/statistics.h"

namespace stave::commands {

namespace {

// Thresholds below this are those of somebody who looks for microseconds: then every command is timed.
constexpr std::int64_t kTimeAllBelowUs = 1000;
constexpr std::uint64_t kNsPerUs = 1000;

bool times_everything(Environment& environment) noexcept {
  const std::int64_t slow_us = environment.slow_log().threshold_us();
  return (slow_us >= 0 && slow_us < kTimeAllBelowUs) || environment.latency().threshold_ms() != 0;
}

std::string unknown_command(Arguments arguments) {
  constexpr std::size_t kShown = 128;
  std::string text = "ERR unknown command '";
  text += quoted(arguments[0]);
  text += "', with args beginning with: ";
  std::string shown;
  for (std::size_t i = 1; i < arguments.size() && shown.size() < kShown; ++i) {
    const std::string_view argument = arguments[i].substr(0, arguments[i].find('\0'));
    shown += '\'';
    shown += argument.substr(0, kShown + 1 - shown.size());
    shown += "' ";
  }
  return text + shown;
}

// A subcommand that takes a few arguments more or less tells of too many in its own words.
std::string wrong_arity(const Command& row, Arguments arguments) {
  const Command* container = container_of(row);
  if (container != nullptr && row.arity.most != row.arity.least && row.arity.most != -1 &&
      static_cast<int>(arguments.size()) > row.arity.most)
    return "ERR unknown subcommand or wrong number of arguments for '" + quoted(arguments[1]) + "'. Try " +
           std::string(container->name) + " HELP.";
  return "ERR wrong number of arguments for '" + full_name(row) + "' command";
}

bool arity_fits(const Command& row, std::size_t size) noexcept {
  const auto count = static_cast<int>(size);
  return count >= row.arity.least && (row.arity.most == -1 || count <= row.arity.most);
}

/// The row to run, or why there is none.
struct Resolved {
  const Command* row = nullptr;
  std::string refusal;  ///< Empty when the row is to be run.
};

Resolved resolve(Session& session, Arguments arguments) {
  const Command* row = find_command(arguments[0]);
  if (row == nullptr) return {nullptr, unknown_command(arguments)};
  if (!row->subcommands.empty() && arguments.size() > 1) {
    const Command* sub = find_subcommand(*row, arguments[1]);
    if (sub == nullptr)
      return {row, "ERR unknown subcommand '" + quoted(arguments[1]) + "'. Try " + std::string(row->name) + " HELP."};
    row = sub;
  }
  if (!arity_fits(*row, arguments.size()) || row->run == nullptr) return {row, wrong_arity(*row, arguments)};
  if (!session.authenticated() && (row->flags & kNoAuth) == 0 && session.environment().host().password_required())
    return {row, "NOAUTH Authentication required."};
  return {row, {}};
}

void refuse(Session& session, const Resolved& resolved, Sink& reply) {
  CommandStatistics& statistics = session.environment().statistics();
  if (resolved.row != nullptr) statistics.add_rejected(row_index(*resolved.row));
  statistics.add_error(resolved.refusal);
  reply.error(resolved.refusal);
}

bool count_call(Session& session, std::size_t row) noexcept {
  bool sampled = false;
  CallCounters& counters = session.counters();
  if (!counters.count(row, sampled)) {
    counters.evict(
        row, [&](std::size_t old, std::uint64_t calls) { session.environment().statistics().add_calls(old, calls); });
    counters.count(row, sampled);
  }
  return sampled;
}

void note_slow(Session& session, const Command& row, Arguments arguments, std::uint64_t ns) {
  Environment& environment = session.environment();
  const auto us = static_cast<std::int64_t>(ns / kNsPerUs);
  SlowLog& log = environment.slow_log();
  if (const std::int64_t threshold = log.threshold_us();
      threshold >= 0 && us >= threshold && (row.flags & kSecret) == 0) {
    const ClientInfo client = session.info();
    log.add({.id = 0,
             .at = environment.engine().now(),
             .microseconds = us,
             .arguments = SlowLog::shorten(arguments),
             .client_address = client.address,
             .client_name = client.name});
  }
  if (environment.latency().threshold_ms() != 0)
    environment.latency().add((row.flags & kFast) != 0 ? "fast-command" : "command", ns, environment.engine().now());
}

void answer_failure(Session& session, const Command& row, const Error& error, Sink& reply) {
  const std::string line = spell_error(error);
  CommandStatistics& statistics = session.environment().statistics();
  statistics.add_failed(row_index(row));
  statistics.add_error(line);
  reply.error(line);
}

void run(Session& session, const Command& row, Arguments arguments, Sink& reply) {
  Environment& environment = session.environment();
  const std::size_t index = row_index(row);
  // A call that comes back from an errand was counted when it left.
  const bool sampled = session.errand == nullptr && count_call(session, index);
  session.set_last_row(row);
  Call call(session, arguments, reply);
  // What is always timed stands for itself; of the others one call in `kSampling` is timed and stands for all of them.
  const bool exact = (row.flags & kFast) == 0 || times_everything(environment);
  if (exact || sampled) call.start_watch();
  if (auto done = row.run(call); !done) [[unlikely]]
    answer_failure(session, row, done.error(), reply);
  // One that has left is not over yet, and its thread's time is not spent on it.
  if (call.watch_started_ns() == 0 || session.errand != nullptr) [[likely]]
    return;
  const std::uint64_t now_ns = environment.engine().clock().monotonic_ns();
  const std::uint64_t ns = now_ns - call.watch_started_ns();
  session.set_active(now_ns);
  if (exact || sampled) environment.statistics().add_time(index, ns, exact ? 1 : CallCounters::kSampling);
  note_slow(session, row, arguments, ns);
}

[[gnu::noinline]] void answer_slowly(Session& session, Arguments arguments, Sink& reply) {
  const Resolved resolved = resolve(session, arguments);
  if (resolved.refusal.empty()) {
    run(session, *resolved.row, arguments, reply);
  } else {
    refuse(session, resolved, reply);
  }
}

void answer(Session& session, Arguments arguments, Sink& reply) {
  // A plain command with the right number of arguments: nearly all of them.
  const Command* row = find_command(arguments[0]);
  if (row != nullptr && row->subcommands.empty() && arity_fits(*row, arguments.size()) && session.authenticated())
      [[likely]] {
    run(session, *row, arguments, reply);
  } else {
    answer_slowly(session, arguments, reply);
  }
}

// CLIENT REPLY OFF and SKIP. Turning replies on again is the one command that is answered.
[[gnu::noinline]] void answer_muted(Session& session, Arguments arguments, Sink& reply) {
  if (session.reply_mode == ReplyMode::kSkipNext) session.reply_mode = ReplyMode::kSkip;
  const bool skipping = session.reply_mode == ReplyMode::kSkip;
  NullSink silence(session.protocol());
  answer(session, arguments, silence);
  if (skipping) {
    if (session.reply_mode == ReplyMode::kSkip) session.reply_mode = ReplyMode::kOn;
  } else if (session.reply_mode == ReplyMode::kOn) {
    reply.status("OK");
  }
}

}  // namespace

void dispatch(Session& session, Arguments arguments, Sink& reply) {
  if (arguments.empty()) {
    reply.error("ERR empty command");
    return;
  }
  try {
    if (session.reply_mode == ReplyMode::kOn) [[likely]] {
      answer(session, arguments, reply);
    } else {
      answer_muted(session, arguments, reply);
    }
  } catch (const std::bad_alloc&) {
    // Handlers allocate before they answer, but a sink may run out in the middle of an answer: nothing sensible can
    // follow.
    session.set_closing();
    reply.error("OOM command not allowed when used memory > 'maxmemory'.");
  }
}

bool must_pause(Session& session, Arguments arguments) noexcept {
  const Pause pause = session.environment().pause();
  if (pause.until_ns == 0) return false;
  const Command* row = find_row(arguments);
  if (row == nullptr) return false;
  // CLIENT stays open, or nobody could end a pause.
  if (const Command* container = container_of(*row); container != nullptr && container->name == "CLIENT") return false;
  return !pause.writes_only || (row->flags & kWrite) != 0;
}

std::uint64_t prefetch(Session& session, Arguments arguments) noexcept {
  if (arguments.size() < 2) return 0;
  const Command* row = find_command(arguments[0]);
  if (row == nullptr || row->keys.step == 0) return 0;
  // Only a first argument: who passes the hash on knows the key by that.
  if (row->keys.first != 1) return 0;
  return session.environment().engine().prefetch_bucket({session.database(), arguments[1]});
}

void keys_needed(Session& session, Arguments arguments, std::vector<store::KeyRef>& keys) {
  const Command* row = arguments.empty() ? nullptr : find_row(arguments);
  if (row == nullptr || row->keys.step == 0 || (row->flags & (kNoTouch | kBlind)) != 0) return;
  if (row->name == "SET" && arguments.size() == 3) return;
  const auto size = static_cast<std::ptrdiff_t>(arguments.size());
  const std::ptrdiff_t last = row->keys.last < 0 ? size + row->keys.last : row->keys.last;
  for (std::ptrdiff_t i = row->keys.first; i <= last && i < size; i += row->keys.step)
    keys.push_back({session.database(), arguments[static_cast<std::size_t>(i)]});
}

}  // namespace stave::commands
