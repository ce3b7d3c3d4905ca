#include "commands/dispatch.h"

#include <new>
#include <string>

#include "base/assert.h"
#include "commands/access.h"
#include "commands/errors.h"
#include "commands/hot_keys.h"
#include "commands/latency_monitor.h"
#include "commands/monitors.h"
#include "commands/multi.h"
#include "commands/multi_commands.h"
#include "commands/nanoseconds.h"
#include "commands/notices/event_rules.h"
#include "commands/notices/notices.h"
#include "commands/notices/tracking.h"
#include "commands/null_sink.h"
#include "commands/pause_rules.h"
#include "commands/pubsub_commands.h"
#include "commands/script/run.h"
#include "commands/slow_log.h"
#include "commands/statistics.h"
#include "commands/waiting/waiting.h"

namespace stave::commands {

namespace {

// Thresholds below this are those of somebody who looks for microseconds: then every command is timed.
constexpr std::int64_t kTimeAllBelowUs = 1000;

bool times_everything(Environment& environment) noexcept {
  const std::int64_t slow_us = environment.slow_log().threshold_us();
  return (slow_us >= 0 && slow_us < kTimeAllBelowUs) || environment.latency().threshold_ms() != 0;
}

void refuse(Session& session, const Command* row, std::string_view line, Sink& reply) {
  if (session.waiter != nullptr) [[unlikely]] {
    // It waited, and may not come back: since then access was taken away.
    session.environment().waiting().leave(*session.waiter);
    session.waiter = nullptr;
    session.show_waiting(false);
  }
  CommandStatistics& statistics = session.environment().statistics();
  if (row != nullptr) statistics.add_rejected(row_index(*row));
  statistics.add_error(line);
  reply.error(line);
}

bool count_call(Session& session, std::size_t row) noexcept {
  bool sampled = false;
  CallCounters& counters = session.counters();
  if (!counters.count(row, sampled)) {
    counters.evict(
        row, [&](std::size_t old, std::uint64_t calls) { session.environment().statistics().add_calls(old, calls); });
    const bool counted = counters.count(row, sampled);
    STAVE_ASSERT(counted);
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

// A part was lost: nothing was changed, and nothing was answered yet.
[[gnu::noinline]] Result<void> run_again(Session& session, const Command& row, Call& call) {
  constexpr int kTriesMax = 1000;
  Restart& restart = session.restart;
  Result<void> done;
  while (restart.wanted && restart.count < kTriesMax) {
    restart.wanted = false;
    ++restart.count;
    done = row.run(call);
  }
  const bool lost = restart.wanted;
  restart = {};
  if (lost) return fail(ErrorCode::kNoMemory, "there is no memory for this transaction");
  return done;
}

// Once in the way of calls that nothing is asked about, and once in the way of the others.
[[gnu::always_inline]] inline bool run(Session& session, const Command& row, Arguments arguments, Sink& reply) {
  Environment& environment = session.environment();
  STAVE_ASSERT(row.run != nullptr);
  const std::size_t index = row_index(row);
  // A call that comes back was counted when it left.
  const bool sampled = !session.away() && count_call(session, index);
  session.set_last_row(row);
  Call call(session, arguments, reply);
  // One reading of the clock ends a command and begins the next.
  const std::uint64_t chain_ns = session.take_chain();
  // What is always timed stands for itself; of the others one call in `kSampling` is timed and stands for all of them.
  const bool exact = !is_quick(row) || times_everything(environment);
  if (exact || sampled) call.start_watch(chain_ns);
  auto done = row.run(call);
  if (session.restart.wanted) [[unlikely]]
    done = run_again(session, row, call);
  if (!done) [[unlikely]]
    answer_failure(session, row, done.error(), reply);
  // One that has left is not over yet, and its thread's time is not spent on it.
  if (call.watch_started_ns() == 0 || session.away()) [[likely]]
    return done.has_value();
  const std::uint64_t now_ns = environment.engine().clock().monotonic_ns();
  const std::uint64_t ns = now_ns - call.watch_started_ns();
  session.set_active(now_ns);
  session.end_timed(now_ns, ns);
  if (exact || sampled) environment.statistics().add_time(index, ns, exact ? 1 : CallCounters::kSampling);
  note_slow(session, row, arguments, ns);
  return done.has_value();
}

/// What CLIENT CACHING said held for this call, or for this transaction.
void end_read(Session& session, const Command& row, Arguments arguments) {
  session.environment().tracking().after_read(session, row, arguments);
  const Command* const container = container_of(row);
  const bool goes_on = session.in_multi || session.executing || session.shared != nullptr;
  if (!goes_on && (container == nullptr || container->name != "CLIENT")) session.tracking->caching = false;
}

/// What those hear who watch keys: of one of several calls that is what it changed in their transaction, of another
/// that was said when it was committed.
void tell_of_call(Session& session, const Command& row, Arguments arguments) {
  if (session.away()) return;
  if (session.shared != nullptr) explain_call(*session.shared, session, row, arguments);
  const bool explained = (session.remarks & kExplained) != 0;
  session.remarks = 0;
  if (session.tracking != nullptr) end_read(session, row, arguments);
  if (Notices& notices = session.environment().notices(); notices.classes() != 0)
    notices.tell_rest(session, row, arguments, explained);
}

/// As `run`, while somebody asks which keys cost most. Of a call that waits nothing is told: it cost no time.
bool run_weighed(Session& session, const Command& row, Arguments arguments, Sink& reply) {
  Clock& clock = session.environment().engine().clock();
  const std::uint64_t began_ns = clock.monotonic_ns();
  const std::uint64_t written = reply.written();
  const bool done = run(session, row, arguments, reply);
  if (!session.away())
    session.environment().hot_keys().add(
        session, row, arguments,
        {.ns = clock.monotonic_ns() - began_ns, .bytes = call_bytes(arguments) + (reply.written() - written)});
  return done;
}

/// For sessions that may not do everything, and while somebody watches.
[[gnu::noinline]] void answer_closely(Session& session, const Command& row, Arguments arguments, Sink& reply) {
  if (const std::string why = why_not_allowed(session, row, arguments); !why.empty()) {
    session.errand.reset();  // rights may be lost while it was done
    return refuse(session, &row, why, reply);
  }
  if (session.tracking != nullptr) session.environment().tracking().before_read(session, row, arguments);
  session.remarks = 0;  // what calls said that failed, or that nobody asked about, is not this one's
  const bool weighed = session.environment().hot_keys().on();
  if (weighed ? run_weighed(session, row, arguments, reply) : run(session, row, arguments, reply))
    tell_of_call(session, row, arguments);
  // What is part of a transaction is shown once that has happened (multi.cc).
  if (session.errand == nullptr && session.waiter == nullptr && session.shared == nullptr)
    session.environment().monitors().show(session, row, arguments);
}

/// Who follows is written to by its leader only (what gets by here is refused by the log), and who leads not while a
/// write could not reach as many followers as it is to. Empty: it may be run. A call that comes back was.
std::string_view why_not_written(Session& session, const Command& row) noexcept {
  if ((row.flags & kWrite) == 0) return {};
  const store::Engine& engine = session.environment().engine();
  if (engine.follows() || engine.refuses_writes()) [[unlikely]]
    return kReadOnlyReplica;
  if (engine.replicas().lacking(session.replicas()) && !session.away()) [[unlikely]]
    return kNoReplicas;
  return {};
}

void answer(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply) {
  if (!resolved.runs()) [[unlikely]] {
    refuse(session, resolved.row, refusal_line(resolved, arguments), reply);
  } else if (const std::string_view why = why_not_written(session, *resolved.row); !why.empty()) [[unlikely]] {
    refuse(session, resolved.row, why, reply);
  } else if (!session.plain()) [[unlikely]] {
    answer_closely(session, *resolved.row, arguments, reply);
  } else {
    run(session, *resolved.row, arguments, reply);
  }
}

// What is not run now is queued, or refused for the whole of the transaction.
void answer_in_multi(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply) {
  // To who knows no ROLLBACK, a word behind MULTI is one too many.
  if (resolved.runs() && resolved.row->run == multi_command && arguments.size() > 1 &&
      !same_word(arguments[1], "ROLLBACK")) {
    session.multi->aborted = true;
    return refuse(session, resolved.row, "ERR wrong number of arguments for 'multi' command", reply);
  }
  if (resolved.runs() && (resolved.row->flags & kNotQueued) != 0) return answer(session, resolved, arguments, reply);
  if (!resolved.runs() && resolved.row != nullptr && resolved.row->run == exec_command) {
    forget_multi(session);
    constexpr std::string_view kCode = "ERR ";
    return refuse(
        session, resolved.row,
        "EXECABORT Transaction discarded because of: " + refusal_line(resolved, arguments).substr(kCode.size()), reply);
  }
  std::string line;
  if (!resolved.runs() && !has_too_many(resolved, arguments)) {
    line = refusal_line(resolved, arguments);
  } else if (!session.plain() && !(line = why_not_allowed(session, *resolved.row, arguments)).empty()) {
  } else if (const std::string_view why = why_not_queued(session, *resolved.row); !why.empty()) {
    line = why;
  } else if (const std::string_view vain = why_not_written(session, *resolved.row); !vain.empty()) {
    line = vain;
  } else if ((resolved.row->flags & kGrows) != 0 && !session.environment().engine().budget().admit()) {
    line = "OOM command not allowed when used memory > 'maxmemory'.";
  } else if (queue_call(session, resolved, arguments)) {
    return reply.status("QUEUED");
  } else {
    line = "OOM there is no room to queue so much: see client-query-buffer-limit and maxmemory";
  }
  session.multi->aborted = true;
  refuse(session, resolved.row, line, reply);
}

/// With the older protocol, who listens may do little else. What EXEC runs was allowed when it was queued.
void refuse_while_listening(Session& session, const Command& row, Sink& reply) {
  std::string line = "Can't execute '" + full_name(row) +
                     "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
  const bool ends = session.in_multi && row.run == exec_command;
  if (ends) {
    forget_multi(session);
  } else if (session.in_multi) {
    session.multi->aborted = true;
  }
  refuse(session, &row, (ends ? "EXECABORT Transaction discarded because of: " : "ERR ") + line, reply);
}

void answer_or_queue(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply) {
  const bool restricted = session.listening && session.protocol() == 2 && !session.executing;
  if (restricted && resolved.runs() && !allowed_while_listening(*resolved.row))
    return refuse_while_listening(session, *resolved.row, reply);
  if (session.in_multi) return answer_in_multi(session, resolved, arguments, reply);
  answer(session, resolved, arguments, reply);
}

// CLIENT REPLY OFF and SKIP. Turning replies on again is the one command that is answered.
void answer_muted(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply) {
  const ReplyMode before = session.reply_mode;
  if (session.reply_mode == ReplyMode::kSkipNext) session.reply_mode = ReplyMode::kSkip;
  const bool skipping = session.reply_mode == ReplyMode::kSkip;
  NullSink silence(session.protocol());
  // What a subscription is told is no reply: it comes as messages do.
  const bool heard = !session.in_multi && resolved.runs() && is_subscribing(*resolved.row);
  answer_or_queue(session, resolved, arguments, heard ? reply : silence);
  if (session.away()) {
    session.reply_mode = before;
    return;
  }
  if (skipping) {
    if (session.reply_mode == ReplyMode::kSkip) session.reply_mode = ReplyMode::kOn;
  } else if (session.reply_mode == ReplyMode::kOn) {
    reply.status("OK");
  }
}

/// For sessions in which not every command is run and answered.
[[gnu::noinline]] void answer_specially(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply) {
  if (session.reply_mode == ReplyMode::kOn) return answer_or_queue(session, resolved, arguments, reply);
  answer_muted(session, resolved, arguments, reply);
}

}  // namespace

bool has_too_many(const Resolved& resolved, Arguments arguments) noexcept {
  return resolved.refusal == Resolved::Refusal::kArity && resolved.row->run != nullptr &&
         resolved.row->arity.most != resolved.row->arity.least &&
         static_cast<int>(arguments.size()) >= resolved.row->arity.least;
}

void dispatch(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply) {
  if (arguments.empty()) [[unlikely]] {
    reply.error(refusal_line(resolved, arguments));
    return;
  }
  try {
    if (session.environment().scripts_are_slow() || session.errand != nullptr) [[unlikely]]
      if (script::held_up_by_script(session, resolved, arguments, reply)) return;
    if (session.reply_mode == ReplyMode::kOn && !session.in_multi && !session.listening) [[likely]] {
      answer(session, resolved, arguments, reply);
    } else {
      answer_specially(session, resolved, arguments, reply);
    }
  } catch (const std::bad_alloc&) {
    // Handlers allocate before they answer, but a sink may run out in the middle of an answer: nothing sensible can
    // follow.
    session.set_closing();
    reply.error("OOM command not allowed when used memory > 'maxmemory'.");
  }
}

void dispatch(Session& session, Arguments arguments, Sink& reply) {
  dispatch(session, resolve(arguments), arguments, reply);
}

bool must_pause(Session& session, const Resolved& resolved, Arguments arguments) {
  const Pause pause = session.environment().pause();
  if (pause.until_ns == 0 || !resolved.runs()) return false;
  // CLIENT stays open, or nobody could end a pause.
  if (const Command* container = container_of(*resolved.row); container != nullptr && container->name == "CLIENT")
    return false;
  if (!pause.writes_only) return true;
  // What is queued writes nothing yet, and EXEC as much as it was told to.
  if (session.in_multi) return resolved.row->run == exec_command && session.multi->writes;
  return may_change(session.environment(), *resolved.row, arguments);
}

std::uint64_t prefetch(Session& session, const Resolved& resolved, Arguments arguments) noexcept {
  // Only a first argument: who passes the hash on knows the key by that.
  if (!resolved.runs() || resolved.row->keys.first != 1) return 0;
  STAVE_ASSERT(arguments.size() > 1);
  return session.environment().engine().prefetch_bucket({session.database(), arguments[1]});
}

namespace {

void add_needed(const Command& row, Arguments arguments, int database, std::vector<store::KeyRef>& keys) {
  if (row.keys.none() || row.needs == Needs::kNothing || (row.needs_if != nullptr && !row.needs_if(arguments))) return;
  bool first = true;
  visit_keys(row, arguments, [&](std::size_t i) {
    if (row.needs == Needs::kEveryKey || first == (row.needs == Needs::kFirstKey))
      keys.push_back({database, arguments[i]});
    first = false;
  });
}

}  // namespace

void keys_needed(Session& session, const Resolved& resolved, Arguments arguments, std::vector<store::KeyRef>& keys) {
  if (!resolved.runs()) return;
  if (!session.in_multi) [[likely]]
    return add_needed(*resolved.row, arguments, session.database(), keys);
  // What is queued needs nothing until EXEC runs all of it.
  if (resolved.row->run != exec_command) return;
  const QueuedCalls& calls = session.multi->calls;
  for (std::size_t i = 0; i < calls.size(); ++i) add_needed(calls.row(i), calls.arguments(i), calls.database(i), keys);
}

}  // namespace stave::commands
