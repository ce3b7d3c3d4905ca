#include "commands/script/run.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <new>

#include "base/assert.h"
#include "commands/access.h"
#include "commands/channels.h"
#include "commands/connection_commands.h"
#include "commands/dispatch.h"
#include "commands/errors.h"
#include "commands/glob.h"
#include "commands/nanoseconds.h"
#include "commands/pubsub_commands.h"
#include "commands/script/contention.h"
#include "commands/script/scripts.h"
#include "commands/script/values.h"
#include "commands/together.h"

namespace stave::commands::script {
namespace {

/// What a script is answered for which Lua had no memory, its own share or the machine's. It is undone.
constexpr std::string_view kLuaMemory = "OOM there is not enough memory for the script, and nothing of it was done";
/// So often a slow script begins again for somebody who waits for its shards.
constexpr int kYieldsMax = 8;
/// A script that has run for so long is a slow one.
constexpr std::uint64_t kQuickNs = 5'000'000;
constexpr int kAttemptsMax = 16;

constexpr std::string_view kUndone = "ERR the script was undone";
constexpr std::string_view kTooLong =
    "ERR the script ran for longer than busy-reply-threshold in a transaction, and all of that was undone";

/// As Redis hands numbers to commands.
std::string_view spell_number(double number, char (&text)[40]) noexcept {
  constexpr double kExact = 4503599627370496.0;  // 2^52
  const int size = number > -kExact && number < kExact && number == std::trunc(number)
                       ? std::snprintf(text, sizeof text, "%lld", static_cast<long long>(number))
                       : std::snprintf(text, sizeof text, "%.17g", number);
  return {text, static_cast<std::size_t>(size)};
}

int entry(lua_State* lua) {
  Machine::of(lua).run->enter(lua);
  return 0;
}

/// Makes of whatever was raised a table that says where.
int note_where(lua_State* lua) {
  lua_Debug where{};
  bool known = lua_getstack(lua, 1, &where) != 0 && lua_getinfo(lua, "Sl", &where) != 0;
  if (known && std::string_view(where.what) == "C")
    known = lua_getstack(lua, 2, &where) != 0 && lua_getinfo(lua, "Sl", &where) != 0;
  if (!lua_istable(lua, 1)) {
    std::size_t size = 0;
    const char* text = lua_tolstring(lua, 1, &size);
    std::string line = "ERR ";
    line += text != nullptr ? std::string_view(text, size) : std::string_view(luaL_typename(lua, 1));
    push_error(lua, line);
  } else {
    lua_settop(lua, 1);
  }
  if (known) {
    lua_pushliteral(lua, "source");
    lua_pushstring(lua, where.source);
    lua_rawset(lua, -3);
    lua_pushliteral(lua, "line");
    lua_pushnumber(lua, where.currentline);
    lua_rawset(lua, -3);
  }
  return 1;
}

int make_functions(lua_State* lua) {
  Machine& machine = Machine::of(lua);
  lua_pushcfunction(lua, note_where);
  machine.error_handler = luaL_ref(lua, LUA_REGISTRYINDEX);
  lua_pushcfunction(lua, entry);
  machine.entry_function = luaL_ref(lua, LUA_REGISTRYINDEX);
  return 0;
}

void push_list(lua_State* lua, Arguments words) {
  lua_createtable(lua, static_cast<int>(words.size()), 0);
  int i = 0;
  for (const std::string_view word : words) {
    lua_pushlstring(lua, word.data(), word.size());
    lua_rawseti(lua, -2, ++i);
  }
}

/// Whether a command that is no part of the store's data may be called all the same: it takes no shard.
bool is_harmless(const Command& row) noexcept {
  if (row.run == select_command) return true;
  if ((row.flags & kAfterCommit) == 0) return false;
  if ((row.flags & kPubSub) != 0) return true;
  if (row.name == "WAIT" || row.name == "WAITAOF") return true;  // time is up at once
  const Command* const container = container_of(row);
  return row.name == "COMMAND" || (container != nullptr && container->name == "COMMAND");
}

bool publishes(const Command& row) noexcept {
  return row.run == publish_command || row.run == spublish_command;
}

std::uint64_t count_listeners(Channels& channels, std::string_view channel, bool sharded) {
  if (sharded) return channels.listeners(ChannelKind::kShard, channel);
  std::uint64_t count = channels.listeners(ChannelKind::kChannel, channel);
  for (const std::string& pattern : channels.names(ChannelKind::kPattern, nullptr))
    if (glob_match(pattern, channel)) count += channels.listeners(ChannelKind::kPattern, pattern);
  return count;
}

/// Why its user may not make this call, in Redis' words; empty: it may.
std::string why_denied(Session& session, const Command& row, Arguments words) {
  const std::string why = why_not_allowed(session, row, words, AclContext::kLua);
  if (why.empty()) return why;
  constexpr std::string_view kCode = "NOPERM ";
  return "ERR ACL failure in script: " + (why.starts_with(kCode) ? why.substr(kCode.size()) : why);
}

}  // namespace

Interruption* interruption_of(lua_State* lua) noexcept {
  return Machine::of(lua).interruption;
}

void add_shards(Session& session, const Command& row, Arguments words, int database, Shards& shards) {
  const keyspace::Keyspace& keyspace = session.environment().engine().keyspace();
  visit_keys(row, words,
             [&](std::size_t i) { shards.push_back(keyspace.shard_id(database, keyspace.hash(words[i]), words[i])); });
  lock_whole(session, row, database, shards);
}

Run::Run(Machine& machine, Session& session, const Script& script, Mode mode, Slow* slow) noexcept
    : machine_(machine), session_(session), script_(script), mode_(mode), slow_(slow) {
  interruption_.look = [](void* run) { static_cast<Run*>(run)->look(); };
  interruption_.context = this;
}

End Run::attempt(store::Transaction& transaction) {
  transaction_ = &transaction;
  failed_.clear();
  const int database = session_.database();
  End end = End::kAgain;
  for (int i = 0; i < kAttemptsMax && end == End::kAgain; ++i) {
    if (i > 0) transaction.start_over();
    end = attempt_once();
    if (session_.database() != database) session_.select(database);
  }
  if (end != End::kAgain) return end;
  answer_error_line(kUndone);
  return End::kUndone;
}

void Run::answer_error_line(std::string_view line) {
  machine_.result.rewind();
  machine_.result.begin_answer();
  machine_.result.error(line);
}

End Run::attempt_once() {
  lua_State* const lua = machine_.lua();
  if (!interruption_.why.empty()) watch_instructions(lua);
  interruption_.why = {};
  end_ = End::kDone;
  protocol_ = 2;
  calls_ = 0;
  if (mode_ != Mode::kWithin) session_.afterwards.clear();
  machine_.json = {};
  machine_.result.rewind();
  machine_.result.begin_answer();
  if (machine_.entry_function == LUA_NOREF && lua_cpcall(lua, make_functions, nullptr) != 0) {
    machine_.entry_function = LUA_NOREF;
    answer_error_line(kNoMemory);
    return End::kUndone;
  }
  machine_.run = this;
  machine_.interruption = &interruption_;
  lua_settop(lua, 0);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, machine_.entry_function);
  const int status = lua_pcall(lua, 0, 0, 0);
  machine_.run = nullptr;
  machine_.interruption = nullptr;
  if (!interruption_.why.empty()) watch_instructions(lua);
  if (status == LUA_ERRMEM && end_ == End::kDone) {
    end_ = End::kUndone;
    answer_error_line(kLuaMemory);
  } else if (status != 0 && end_ == End::kDone) {
    // In the middle of the answer, most likely.
    std::string line = "ERR Error running script " + std::string(script_.name) + ", ";
    line += lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "execution failure";
    answer_error_line(line);
  }
  if (end_ == End::kDone && machine_.result.full()) {
    answer_error_line("ERR the answer of the script is larger than the limit");
    if (machine_.result.full()) end_ = End::kUndone;  // not even that can be said
  }
  if (end_ == End::kUndone && (machine_.result.full() || machine_.result.error_line().empty()))
    answer_error_line(interruption_.why.empty() ? kUndone : interruption_.why);
  return end_;
}

void Run::enter(lua_State* lua) {
  lua_rawgeti(lua, LUA_REGISTRYINDEX, machine_.error_handler);
  int status = 0;
  if (script_.source != nullptr) {
    push_list(lua, script_.keys);
    machine_.set_global("KEYS");
    push_list(lua, script_.arguments);
    machine_.set_global("ARGV");
    if (!machine_.push_compiled(script_.source)) {
      lua_error(lua);
      return;
    }
    status = lua_pcall(lua, 0, 1, -2);
  } else {
    if (const std::string why = push_function(machine_, script_.function); !why.empty())
      return machine_.result.error(why);
    machine_.forget_lists();
    push_list(lua, script_.keys);
    push_list(lua, script_.arguments);
    status = lua_pcall(lua, 2, 1, -4);
  }
  if (end_ != End::kDone && end_ != End::kUndone) return;
  if (status == LUA_ERRMEM && end_ == End::kDone) {
    end_ = End::kUndone;
    answer_error_line(kLuaMemory);
  } else if (status != 0) {
    write_error(lua);
  } else {
    write_value(lua, protocol_, machine_.result);
  }
}

/// What was raised is on top of the stack.
void Run::write_error(lua_State* lua) {
  AnswerTape& result = machine_.result;
  std::string line;
  if (!lua_istable(lua, -1)) {
    line = "ERR Error running script " + std::string(script_.name) + ", ";
    line += lua_isstring(lua, -1) != 0 ? lua_tostring(lua, -1) : "execution failure";
    return result.error(line);
  }
  lua_getfield(lua, -1, "err");
  line = lua_isstring(lua, -1) != 0 ? lua_tostring(lua, -1) : "ERR unknown error";
  lua_pop(lua, 1);
  lua_getfield(lua, -1, "source");
  lua_getfield(lua, -2, "line");
  if (lua_isstring(lua, -1) != 0 && lua_isstring(lua, -2) != 0) {
    line += " script: " + std::string(script_.name) + ", on " + lua_tostring(lua, -2) + ":";
    line += std::string(lua_tostring(lua, -1)) + ".";
  }
  result.error(line);
}

// --- interruptions ---------------------------------------------------------------------------------------------------

void Run::interrupt(End end, std::string_view why) noexcept {
  end_ = end;
  interruption_.why = why;
}

void Run::look() noexcept {
  store::Engine& engine = session_.environment().engine();
  SlowScripts& slow_scripts = session_.environment().scripts().slow();
  const std::uint64_t now_ns = engine.clock().monotonic_ns();
  if (started_ns_ == 0) started_ns_ = now_ns;
  const auto limit_ns = static_cast<std::uint64_t>(slow_scripts.threshold_ms()) * kNsPerMs;
  const bool overdue = limit_ns != 0 && now_ns - started_ns_ >= limit_ns;
  switch (mode_) {
    case Mode::kQuick:
      if (now_ns - started_ns_ >= kQuickNs) interrupt(End::kSlow, kUndone);
      break;
    case Mode::kWithin:
      if (overdue) interrupt(End::kUndone, kTooLong);
      break;
    case Mode::kSlow:
      if (slow_->killed.load(std::memory_order_relaxed)) {
        interrupt(End::kUndone, script_.source != nullptr ? "ERR Script killed by user with SCRIPT KILL."
                                                          : "ERR Script killed by user with FUNCTION KILL.");
      } else if (overdue && !slow_scripts.is_overdue(*slow_)) {
        slow_scripts.set_overdue(*slow_);
      } else if (yields_ < kYieldsMax && somebody_waits(*transaction_)) {
        // One that looked before the shards were named, and would wait until the script is done. It goes first.
        ++yields_;
        interrupt(End::kHeldUp, kUndone);
      }
      break;
  }
}

// --- redis.call ------------------------------------------------------------------------------------------------------

std::string_view Run::why_not(const Resolved& resolved) const noexcept {
  if (!resolved.runs())
    return resolved.refusal == Resolved::Refusal::kArity ? "ERR Wrong number of args calling Redis command from script"
                                                         : "ERR Unknown Redis command called from script";
  const Command& row = *resolved.row;
  if ((row.flags & kNoScript) != 0 || ((row.flags & kTogether) == 0 && !is_harmless(row)))
    return "ERR This Redis command is not allowed from script";
  if (script_.read_only && ((row.flags & kWrite) != 0 || publishes(row)))
    return "ERR Write commands are not allowed from read-only scripts.";
  return {};
}

/// The strings stay on the stack, and with it where they are.
bool Run::read_words(lua_State* lua, Words& words) const {
  const int count = lua_gettop(lua);
  for (int i = 1; i <= count; ++i) {
    const int type = lua_type(lua, i);
    if (type == LUA_TNUMBER) {
      char text[40];
      const std::string_view digits = spell_number(lua_tonumber(lua, i), text);
      lua_pushlstring(lua, digits.data(), digits.size());
      lua_replace(lua, i);
    } else if (type != LUA_TSTRING) {
      return false;
    }
    std::size_t size = 0;
    const char* const bytes = lua_tolstring(lua, i, &size);
    words.emplace_back(bytes, size);
  }
  return true;
}

/// The transaction remembers keys by their bytes, which must stay: those of the call that brought the script do, and
/// those of Lua do not.
void Run::keep_keys(const Command& row, Words& words) {
  constexpr std::size_t kCompared = 16;
  visit_keys(row, Arguments(words.data(), words.size()), [&](std::size_t i) {
    const Arguments declared = script_.keys.first(std::min(kCompared, script_.keys.size()));
    const auto known = std::ranges::find(declared, words[i]);
    words[i] = known != declared.end() ? *known : transaction_->keep(words[i]);
  });
}

/// Whether the keys of the call can be had without waiting for a slow script; a slow one names them to the others.
bool Run::may_go_on(const Command& row, Arguments words) {
  const bool whole = (row.flags & (kWholeDatabase | kAllDatabases)) != 0;
  const bool others = session_.environment().scripts_are_slow();
  if (!whole && mode_ != Mode::kSlow && !others) [[likely]]
    return true;
  Shards shards;
  add_shards(session_, row, words, session_.database(), shards);
  const Shards all = whole ? shards : Shards();
  SlowScripts& slow_scripts = session_.environment().scripts().slow();
  if (mode_ == Mode::kSlow) {
    std::erase_if(shards, [&](keyspace::ShardId id) { return std::ranges::find(known_, id) != known_.end(); });
    if (!shards.empty()) {
      if (!slow_scripts.extend(*slow_, shards)) {
        missing_.insert(missing_.end(), shards.begin(), shards.end());
        interrupt(End::kHeldUp, kUndone);
        return false;
      }
      known_.insert(known_.end(), shards.begin(), shards.end());
      slow_scripts.let_others_notice();
    }
  } else if (others && slow_scripts.state_of(shards) != SlowScripts::State::kFree) {
    missing_ = shards;
    interrupt(mode_ == Mode::kWithin ? End::kUndone : End::kHeldUp, kBusyScript);
    return false;
  }
  if (!whole || transaction_->hold(all)) return true;
  if (transaction_->wanted()) {
    interrupt(End::kLost, kUndone);
  } else {
    interrupt(End::kUndone, kNoMemory);
  }
  return false;
}

// What is published is so once everything has happened; how many will hear it is what it would be now.
bool Run::publish(lua_State* lua, const Command& row, Arguments words) {
  if (!publishes(row)) return false;
  auto& afterwards = session_.afterwards;
  afterwards.emplace_back(words.begin(), words.end());
  const auto count = count_listeners(session_.environment().channels(), words[1], row.run == spublish_command);
  LuaSink(lua, protocol_).integer(static_cast<std::int64_t>(count));
  return true;
}

void Run::dispatch_call(lua_State* lua, const Resolved& resolved, Arguments words, AnswerTape& tape) {
  const std::uint64_t number = calls_++;
  tape.rewind();
  tape.begin_answer();
  const auto known = std::ranges::find(failed_, number, [](const auto& failed) { return failed.first; });
  if (known != failed_.end()) return tape.error(known->second);
  const Command& row = *resolved.row;
  const std::uint64_t changes = transaction_->changes();
  const bool was_closing = session_.closing();
  if ((script_.flags & kAllowOom) != 0) transaction_->excuse();
  dispatch(session_, resolved, words, tape);
  if (transaction_->wanted()) {
    interrupt(End::kLost, kUndone);
  } else if (session_.closing() && !was_closing) {
    interrupt(End::kUndone, kNoMemory);
  } else {
    if (tape.full()) {
      tape.rewind();
      tape.begin_answer();
      tape.error("ERR the answer is larger than a script may hold");
      if (tape.full()) return interrupt(End::kUndone, kNoMemory);
    }
    // Half of a script that had no memory for the rest is worse than nothing of it.
    if (transaction_->changed() && tape.error_line().starts_with("OOM ")) return interrupt(End::kUndone, kNoMemory);
    const bool changed = transaction_->changes() != changes;
    if (changed && !tape.error_line().empty()) {
      if (mode_ == Mode::kWithin) {
        session_.undo_together = true;
        why_ = tape.error_line();
        interrupt(End::kUndone, why_);
      } else {
        failed_.emplace_back(number, tape.error_line());
        interrupt(End::kAgain, kUndone);
      }
    }
    if (slow_ != nullptr && (row.flags & kWrite) != 0) slow_->wrote.store(true, std::memory_order_relaxed);
  }
  stay_interrupted(lua);
}

int Run::call(lua_State* lua, bool raise) {
  const auto refuse = [&](std::string_view line) {
    lua_settop(lua, 0);
    push_error(lua, line);
    if (raise) lua_error(lua);
    return 1;
  };
  stay_interrupted(lua);
  if (lua_gettop(lua) == 0) return refuse("ERR Please specify at least one argument for this redis lib call");
  try {
    Words words;
    if (!read_words(lua, words)) return refuse("ERR Lua redis lib command arguments must be strings or integers");
    const Resolved resolved = resolve(Arguments(words.data(), words.size()));
    if (has_too_many(resolved, Arguments(words.data(), words.size())))
      return refuse(refusal_line(resolved, Arguments(words.data(), words.size())));
    if (const std::string_view why = why_not(resolved); !why.empty()) return refuse(why);
    const Command& row = *resolved.row;
    if (!session_.plain()) [[unlikely]] {
      const std::string why = why_denied(session_, row, Arguments(words.data(), words.size()));
      if (!why.empty()) return refuse(why);
    }
    if (!may_go_on(row, Arguments(words.data(), words.size()))) stay_interrupted(lua);
    keep_keys(row, words);
    const Arguments arguments(words.data(), words.size());
    if (publish(lua, row, arguments)) return 1;
    AnswerTape& tape = protocol_ == 2 ? machine_.answers2 : machine_.answers3;
    dispatch_call(lua, resolved, arguments, tape);
    if (tape.full()) {
      interrupt(End::kUndone, kNoMemory);
      stay_interrupted(lua);
      return 0;
    }
    const bool failed = !tape.error_line().empty();
    LuaSink sink(lua, protocol_);
    tape.play(0, sink);
    if (failed && raise) lua_error(lua);
    return 1;
  } catch (const std::bad_alloc&) {
    interrupt(End::kUndone, kNoMemory);
  }
  stay_interrupted(lua);
  return 0;
}

}  // namespace stave::commands::script
