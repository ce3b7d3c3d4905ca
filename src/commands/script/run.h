// A script from its call to its answer: one transaction of the store, in which redis.call dispatches commands.
//
// Promises: what a script has done is seen all at once and is one batch in the log, also when it ends with an error
// (then what it did before stays); a command of it that fails half-way has done nothing. Its declared keys are locked
// before it begins; another key's shard is taken when it can be had in order, else the script is undone and begins
// again with that shard. A script that is not done soon is undone and begins again as a slow one, which others need not
// wait for (slow_scripts.h), on a thread of its own when its session may leave. Must not know: sockets.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands/call.h"
#include "commands/script/function_library.h"
#include "commands/script/machine.h"
#include "commands/script/sandbox.h"
#include "commands/script/script_source.h"
#include "commands/script/slow_scripts.h"

namespace stave::commands::script {

inline constexpr std::string_view kNoMemory = "OOM command not allowed when used memory > 'maxmemory'.";

/// What is to be run, and how. The bytes belong to the caller.
struct Script {
  std::shared_ptr<const Source> source;  ///< Of EVAL; null: it is a function.
  FoundFunction function;                ///< Of FCALL.
  std::string_view name;                 ///< SHA-1, or the function's.
  std::uint32_t flags = 0;
  bool plain = true;       ///< No flags were declared.
  bool read_only = false;  ///< By one of the commands that end in _RO, or by its flags.
  Arguments call;
  Arguments keys;
  Arguments arguments;
};

/// Runs the script, whose source is compiled here first, and answers; or sets the session's errand.
Result<void> run_script(Call& call, const Script& script);
/// What the session's scripts have published, once what they did has happened.
void run_afterwards(Session& session);
/// Whether the call has to wait for a slow script, or is refused because of one: then the session's errand is set, or
/// the answer is out. Asked before every call when `Environment::scripts_are_slow`, or an errand is set.
bool held_up_by_script(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply);
/// Waits until no slow script has any of the shards, or returns what is answered while one that is overdue has. Empty:
/// they are free. For doors that read keys themselves.
std::string_view wait_for_scripts(Environment& environment, std::span<const keyspace::ShardId> shards);
/// Compiles the source. The line of the error; empty: it is all right.
std::string compile(Machine& machine, const std::shared_ptr<const Source>& source);

/// How one attempt has ended.
enum class End : std::uint8_t {
  kDone,    ///< The answer, an error perhaps, is on the tape.
  kUndone,  ///< The same, but whatever was done is to be undone.
  kLost,    ///< The transaction is: it wants another shard.
  kAgain,   ///< A command has failed half-way: everything again, but for that.
  kSlow,    ///< It takes too long for a quick one.
  kHeldUp,  ///< By a slow script.
};

/// One script in one or several attempts.
class Run {
 public:
  enum class Mode : std::uint8_t { kQuick, kSlow, kWithin };

  /// `slow`: of a slow one, else null. All must outlive the run.
  Run(Machine& machine, Session& session, const Script& script, Mode mode, Slow* slow) noexcept;

  /// Runs it in `transaction`, whose shards are locked, again as long as commands fail half-way.
  End attempt(store::Transaction& transaction);
  /// A slow one begins, with these shards named.
  void begin(const Shards& shards) {
    known_ = shards;
    missing_.clear();
  }
  /// Shards that it needs besides, after kHeldUp.
  [[nodiscard]] const Shards& missing() const noexcept { return missing_; }

  // For what scripts call (api.cc).

  /// redis.call: the command on Lua's stack, all of it. Leaves its result. `raise`: an error is one of the script.
  int call(lua_State* lua, bool raise);
  void set_protocol(int protocol) noexcept { protocol_ = protocol; }
  [[nodiscard]] Session& session() noexcept { return session_; }

  /// Called protected: runs the script once, and writes its answer.
  void enter(lua_State* lua);
  void look() noexcept;

 private:
  using Words = boost::container::small_vector<std::string_view, 16>;

  End attempt_once();
  void answer_error_line(std::string_view line);
  void interrupt(End end, std::string_view why) noexcept;
  std::string_view why_not(const Resolved& resolved) const noexcept;
  bool read_words(lua_State* lua, Words& words) const;
  bool may_go_on(const Command& row, Arguments words);
  void keep_keys(const Command& row, Words& words);
  bool publish(lua_State* lua, const Command& row, Arguments words);
  void dispatch_call(lua_State* lua, const Resolved& resolved, Arguments words, AnswerTape& tape);
  void write_error(lua_State* lua);

  Machine& machine_;
  Session& session_;
  const Script& script_;
  Mode mode_;
  Slow* slow_;
  store::Transaction* transaction_ = nullptr;
  Interruption interruption_;
  End end_ = End::kDone;
  int protocol_ = 2;
  std::uint64_t started_ns_ = 0;
  std::uint64_t calls_ = 0;
  int yields_ = 0;  ///< How often it began again for somebody who waits.
  /// Which calls have failed half-way, and with what.
  std::vector<std::pair<std::uint64_t, std::string>> failed_;
  Shards known_;  ///< Of a slow one: what it has named to others.
  Shards missing_;
  std::string why_;
};

/// The shards of the keys that a call names, or of all that it uses as a whole.
void add_shards(Session& session, const Command& row, Arguments words, int database, Shards& shards);

}  // namespace stave::commands::script
