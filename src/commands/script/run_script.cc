// From a call to its answer: the attempts of a script, quick ones first, then slow ones.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "commands/database_commands.h"
#include "commands/dispatch.h"
#include "commands/errors.h"
#include "commands/info_commands.h"
#include "commands/memory_commands.h"
#include "commands/multi.h"
#include "commands/multi_commands.h"
#include "commands/null_sink.h"
#include "commands/script/run.h"
#include "commands/script/scripts.h"
#include "store/transact.h"

namespace stave::commands::script {
namespace {

/// While a script runs in the session it answers whatever CLIENT REPLY says, nothing of it leaves, and what its
/// commands would wait for by themselves is part of what the whole waits for.
class Inside {
 public:
  explicit Inside(Session& session) noexcept
      : session_(session),
        mode_(std::exchange(session.reply_mode, ReplyMode::kOn)),
        may_leave_(std::exchange(session.may_leave, false)),
        received_(std::exchange(session.received, {})),
        pending_(session.take_pending()),
        listening_(std::exchange(session.listening, false)) {}
  ~Inside() {
    session_.reply_mode = mode_;
    session_.may_leave = may_leave_;
    session_.received = received_;
    session_.listening = listening_;
    static_cast<void>(session_.take_pending());
    session_.wait_for(pending_);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  Session& session_;
  ReplyMode mode_;
  bool may_leave_;
  std::span<const keyspace::Block> received_;
  store::Pending pending_;
  bool listening_;
};

/// While it lives, the session's commands work in `transaction`.
class Sharing {
 public:
  Sharing(Session& session, store::Transaction& transaction) noexcept : session_(session) {
    STAVE_ASSERT(session_.shared == nullptr);
    session_.shared = &transaction;
  }
  ~Sharing() { session_.shared = nullptr; }
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;

 private:
  Session& session_;
};

std::vector<store::KeyRef> refs_of(const Session& session, Arguments keys) {
  std::vector<store::KeyRef> refs;
  refs.reserve(keys.size());
  for (const std::string_view key : keys) refs.push_back({session.database(), key});
  return refs;
}

/// Of all that a call uses, queued calls included when it ends MULTI.
/// Whether it counts, or moves, the keys of databases that it does not say it does.
bool looks_everywhere(const Command& row) noexcept {
  return row.run == info_command || row.run == memory_stats_command || row.run == swapdb_command;
}

void add_all_shards(Session& session, const Resolved& resolved, Arguments arguments, Shards& shards) {
  const Command& row = *resolved.row;
  if (session.in_multi && row.run != exec_command) return;
  if (row.run != exec_command) {
    add_shards(session, row, arguments, session.database(), shards);
    if (looks_everywhere(row)) shards = session.environment().engine().world().shards_of(0, session.databases() - 1);
    return;
  }
  if (session.multi == nullptr) return;
  const QueuedCalls& calls = session.multi->calls;
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (looks_everywhere(calls.row(i))) {
      shards = session.environment().engine().world().shards_of(0, session.databases() - 1);
    } else {
      add_shards(session, calls.row(i), calls.arguments(i), calls.database(i), shards);
    }
  const keyspace::Keyspace& keyspace = session.environment().engine().keyspace();
  for (const Watched& watched : session.multi->watched)
    shards.push_back(keyspace.shard_id(watched.database, keyspace.hash(watched.key), watched.key));
}

Shards shards_of(Session& session, Arguments keys) {
  const keyspace::Keyspace& keyspace = session.environment().engine().keyspace();
  Shards shards;
  for (const std::string_view key : keys)
    shards.push_back(keyspace.shard_id(session.database(), keyspace.hash(key), key));
  return shards;
}

/// Why a script with flags is not run at all; empty: it is.
std::string_view why_not(const Script& script, const store::Transaction& transaction) noexcept {
  if (!script.plain && (script.flags & (kAllowOom | kNoWrites)) == 0 && transaction.refuses())
    return "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'";
  return {};
}

/// How an attempt went.
struct Outcome {
  End end = End::kDone;
  store::Pending pending = {};
  bool changed = false;
  Shards shards = {};        ///< To begin with again.
  std::string refusal = {};  ///< Instead of what is on the tape; empty: that.
};

/// One attempt in a transaction of its own.
Outcome attempt(Session& session, const Script& script, Run& run, const Shards& more, int restarts) {
  const auto keys = refs_of(session, script.keys);
  store::Transaction transaction(session.environment().engine(), keys, more);
  transaction.allow_starting_again();
  if (const std::string_view why = why_not(script, transaction); !why.empty())
    return {.end = End::kUndone, .refusal = std::string(why)};
  Outcome outcome;
  {
    const Inside inside(session);
    const Sharing sharing(session, transaction);
    outcome.end = run.attempt(transaction);
  }
  outcome.pending = transaction.observed();
  switch (outcome.end) {
    case End::kLost: outcome.shards = store::shards_to_start_again(transaction, restarts); return outcome;
    case End::kHeldUp:
    case End::kSlow:
    case End::kAgain:
    case End::kUndone: transaction.rollback(); return outcome;
    case End::kDone: break;
  }
  outcome.changed = transaction.changed();
  auto pending = transaction.commit(session.sync());
  if (transaction.wanted()) {
    // By those who watch what was changed.
    outcome.end = End::kLost;
    outcome.shards = store::shards_to_start_again(transaction, restarts);
  } else if (pending) {
    outcome.pending = *pending;
  } else {
    outcome.end = End::kUndone;
    outcome.refusal = spell_error(pending.error());
  }
  return outcome;
}

/// The script is over: its answer goes to `reply`, and what it has published to everybody.
void finish(Session& session, const Machine& machine, const Outcome& outcome, Sink& reply) {
  session.wait_for(outcome.pending);
  if (outcome.changed) session.wrote(outcome.pending);
  if (outcome.end == End::kDone) run_afterwards(session);
  session.afterwards.clear();
  if (!outcome.refusal.empty()) return reply.error(outcome.refusal);
  if (machine.result.full()) return reply.error(kNoMemory);
  machine.result.play(0, reply);
}

// --- slow ones -------------------------------------------------------------------------------------------------------

/// Begins again and again until it is done, with its shards named to everybody beforehand.
void run_slowly(Session& session, Machine& machine, const Script& script, Sink& reply) {
  store::Engine& engine = session.environment().engine();
  SlowScripts& slow_scripts = session.environment().scripts().slow();
  const auto slow = std::make_shared<Slow>();
  slow->name = script.name;
  slow->eval = script.source != nullptr;
  slow->call.assign(script.call.begin(), script.call.end());
  slow->started_ns = engine.clock().monotonic_ns();
  Shards shards = shards_of(session, script.keys);
  Run run(machine, session, script, Run::Mode::kSlow, slow.get());
  struct Leaving {
    ~Leaving() { slow_scripts.leave(slow); }
    SlowScripts& slow_scripts;
    const std::shared_ptr<Slow>& slow;
  } const leaving{slow_scripts, slow};
  for (int restarts = 0;; ++restarts) {
    // All of them at once, or two could wait for each other.
    slow_scripts.leave(slow);
    slow->shards.clear();
    slow->wrote.store(false, std::memory_order_relaxed);
    if (!slow_scripts.enter(slow, shards)) return reply.error(kBusyScript);
    slow_scripts.let_others_notice();
    run.begin(shards);
    const Outcome outcome = attempt(session, script, run, shards, restarts);
    if (outcome.end == End::kDone || outcome.end == End::kUndone) return finish(session, machine, outcome, reply);
    shards.insert(shards.end(), outcome.shards.begin(), outcome.shards.end());
    shards.insert(shards.end(), run.missing().begin(), run.missing().end());
    std::ranges::sort(shards);
    shards.erase(std::ranges::unique(shards).begin(), shards.end());
  }
}

/// A slow script on a thread of its own, in a session of its own, with copies of all that belongs to who asked.
class SlowErrand final : public Errand {
 public:
  SlowErrand(Session& session, const Script& script)
      : environment_(session.environment()),
        info_(session.info()),
        identity_(session.identity),
        sync_(session.sync()),
        replicas_(session.replicas()),
        script_(script),
        call_(script.call.begin(), script.call.end()),
        answer_(&session.environment().engine().budget(), session.answer_bytes_max, session.protocol()) {
    info_.id = 0;
    info_.database = session.database();
    info_.protocol = session.protocol();
    views_.assign(call_.begin(), call_.end());
    script_.call = views_;
    // Keys and arguments end the call.
    const std::size_t first = views_.size() - script.keys.size() - script.arguments.size();
    script_.keys = Arguments(views_).subspan(first, script.keys.size());
    script_.arguments = Arguments(views_).subspan(first + script.keys.size());
    name_ = script.name;
    script_.name = name_;
  }

  void hand_out(Session& session, Sink& reply) {
    session.wait_for(pending_);
    session.last_write = std::max(session.last_write, last_write_);
    if (answer_.full()) return reply.error(kNoMemory);
    answer_.play(0, reply);
  }

 protected:
  void work() override {
    answer_.begin_answer();
    try {
      run_script();
    } catch (const std::bad_alloc&) {
      answer_.rewind();
      answer_.begin_answer();
      answer_.error(kNoMemory);
    }
  }

 private:
  void run_script() {
    Session session(environment_, info_, nullptr);
    session.identity = identity_;
    session.identity.version = 0;  // what its user may do is looked up when it is asked for
    session.set_plain(false);
    session.set_sync(sync_);
    session.set_replicas(replicas_);
    const Borrowed machine(environment_.scripts());
    if (!machine) return answer_.error(kNoMemory);
    if (const std::string why = compile(*machine, script_.source); !why.empty()) return answer_.error(why);
    run_slowly(session, *machine, script_, answer_);
    pending_ = session.take_pending();
    last_write_ = session.last_write;
  }

  Environment& environment_;
  ClientInfo info_;
  Session::Identity identity_;  ///< It may do what that user may.
  Sync sync_;
  std::uint32_t replicas_;
  Script script_;
  std::vector<std::string> call_;
  std::vector<std::string_view> views_;
  std::string name_;
  AnswerTape answer_;
  store::Pending pending_;
  Lsn last_write_ = kNoLsn;
};

void begin_slowly(Call& call, Machine& machine, const Script& script) {
  Session& session = call.session();
  if (!session.may_leave || session.reply_mode != ReplyMode::kOn)
    return run_slowly(session, machine, script, call.reply());
  const auto errand = std::make_shared<SlowErrand>(session, script);
  session.environment().scripts().workers().run([errand] { errand->run(); });
  session.errand = errand;
}

// --- quick ones ------------------------------------------------------------------------------------------------------

/// True: the answer is out, or the connection rests. False: again.
bool wait_for_slow(Call& call, const Run& run) {
  SlowScripts& slow_scripts = call.environment().scripts().slow();
  switch (slow_scripts.state_of(run.missing())) {
    case SlowScripts::State::kFree: return false;
    case SlowScripts::State::kOverdueEval: call.reply().error(kBusyScript); return true;
    case SlowScripts::State::kOverdueFunction: call.reply().error(kBusyFunction); return true;
    case SlowScripts::State::kTaken: break;
  }
  if (call.session().may_leave && call.session().reply_mode == ReplyMode::kOn) {
    call.session().errand = slow_scripts.errand();
    return true;
  }
  slow_scripts.wait();
  return false;
}

void run_alone(Call& call, Machine& machine, const Script& script) {
  Session& session = call.session();
  Shards more;
  Run run(machine, session, script, Run::Mode::kQuick, nullptr);
  for (int restarts = 0;; ++restarts) {
    Outcome outcome = attempt(session, script, run, more, restarts);
    switch (outcome.end) {
      case End::kAgain:
      case End::kUndone:
      case End::kDone: return finish(session, machine, outcome, call.reply());
      case End::kLost: more = std::move(outcome.shards); break;
      case End::kSlow: return begin_slowly(call, machine, script);
      case End::kHeldUp:
        if (wait_for_slow(call, run)) return;
        break;
    }
  }
}

/// One of several commands that are run together: what it did is theirs, and when they are undone, so is it.
void run_within(Call& call, Machine& machine, const Script& script) {
  Session& session = call.session();
  store::Transaction& transaction = *session.shared;
  if (const std::string_view why = why_not(script, transaction); !why.empty()) return call.reply().error(why);
  Run run(machine, session, script, Run::Mode::kWithin, nullptr);
  End end = End::kDone;
  {
    const Inside inside(session);
    end = run.attempt(transaction);
  }
  if (end != End::kDone) session.undo_together = true;
  if (transaction.wanted()) return call.reply().null();  // nobody will hear that
  if (machine.result.full()) return call.reply().error(kNoMemory);
  machine.result.play(0, call.reply());
}

int compile_entry(lua_State* lua) {
  auto* const source = static_cast<const std::shared_ptr<const Source>*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  if (!Machine::of(lua).push_compiled(*source)) lua_error(lua);
  return 0;
}

}  // namespace

std::string compile(Machine& machine, const std::shared_ptr<const Source>& source) {
  if (source == nullptr || machine.knows(*source)) [[likely]]
    return {};
  lua_State* const lua = machine.lua();
  const int status = lua_cpcall(lua, compile_entry, const_cast<std::shared_ptr<const Source>*>(&source));
  if (status == 0) return {};
  // What the compiler raises is raised again, and then its kind is in its words only.
  const bool no_memory = lua_isstring(lua, -1) == 0 || std::string_view(lua_tostring(lua, -1)) == "not enough memory";
  if (status == LUA_ERRMEM || no_memory) {
    lua_settop(lua, 0);
    return "OOM there is not enough memory to compile the script";
  }
  std::string line = "ERR Error compiling script (new function): ";
  line += lua_tostring(lua, -1);
  lua_settop(lua, 0);
  return line;
}

void run_afterwards(Session& session) {
  const auto published = std::exchange(session.afterwards, {});
  NullSink silence(session.protocol());
  for (const auto& words : published) {
    const std::vector<std::string_view> views(words.begin(), words.end());
    dispatch(session, views, silence);
  }
}

Result<void> run_script(Call& call, const Script& script) {
  Session& session = call.session();
  if (session.errand != nullptr) {
    if (!session.errand->done()) return {};
    const auto back = std::dynamic_pointer_cast<SlowErrand>(std::exchange(session.errand, nullptr));
    STAVE_ASSERT(back != nullptr);
    back->hand_out(session, call.reply());
    return {};
  }
  const Borrowed machine(session.environment().scripts());
  if (!machine) return answer_error(std::string(kNoMemory));
  if (std::string why = compile(*machine, script.source); !why.empty()) return answer_error(std::move(why));
  if (session.shared != nullptr) {
    run_within(call, *machine, script);
  } else {
    run_alone(call, *machine, script);
  }
  return {};
}

std::string_view wait_for_scripts(Environment& environment, std::span<const keyspace::ShardId> shards) {
  SlowScripts& slow_scripts = environment.scripts().slow();
  for (;;) {
    switch (slow_scripts.state_of(shards)) {
      case SlowScripts::State::kFree: return {};
      case SlowScripts::State::kOverdueEval: return kBusyScript;
      case SlowScripts::State::kOverdueFunction: return kBusyFunction;
      case SlowScripts::State::kTaken: slow_scripts.wait();
    }
  }
}

bool held_up_by_script(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply) {
  if (session.errand != nullptr) {
    if (!SlowScripts::is_waiting(*session.errand)) return false;
    if (!session.errand->done()) return true;
    session.errand = nullptr;
  }
  if (session.shared != nullptr || !resolved.runs()) return false;
  SlowScripts& slow_scripts = session.environment().scripts().slow();
  Shards shards;
  add_all_shards(session, resolved, arguments, shards);
  for (;;) {
    switch (slow_scripts.state_of(shards)) {
      case SlowScripts::State::kFree: return false;
      case SlowScripts::State::kOverdueEval: return reply.error(kBusyScript), true;
      case SlowScripts::State::kOverdueFunction: return reply.error(kBusyFunction), true;
      case SlowScripts::State::kTaken: break;
    }
    if (session.may_leave && session.reply_mode == ReplyMode::kOn) {
      session.errand = slow_scripts.errand();
      return true;
    }
    slow_scripts.wait();
  }
}

}  // namespace stave::commands::script
