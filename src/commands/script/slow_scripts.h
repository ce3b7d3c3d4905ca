// Scripts that take long: who else would need their keys is told to wait, then that the server is busy, and anybody may
// end them.
//
// A script that was not done within some milliseconds is undone and begins again as a slow one (run.h). Before it locks
// its shards it names them here; so nobody's thread waits for them: `dispatch` asks first, lets the connection rest
// until the script is done or has run for the threshold, and answers BUSY from then on. Promises: a script is ended by
// `kill` only as long as it has written nothing; whoever waits is called when there is something new. Must not know:
// Lua, how scripts are run. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "commands/errands.h"
#include "keyspace/keyspace.h"
#include "stave/error.h"

namespace stave::commands::script {

/// What others are told.
inline constexpr std::string_view kBusyScript =
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
inline constexpr std::string_view kBusyFunction =
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";

using Shards = std::vector<keyspace::ShardId>;

/// One slow script. What is not atomic is the registry's.
struct Slow {
  std::string name;               ///< Its SHA-1, or the function's.
  std::vector<std::string> call;  ///< As it was sent, for FUNCTION STATS.
  bool eval = true;               ///< Not a function.
  std::uint64_t started_ns = 0;
  std::atomic<bool> wrote{false};
  std::atomic<bool> killed{false};
  bool overdue = false;  ///< It has run for the threshold.
  Shards shards;         ///< Sorted.
};

class SlowScripts {
 public:
  /// `flag` says whether there is any: what dispatch looks at.
  explicit SlowScripts(std::atomic<int>& flag) noexcept : flag_(flag) {}

  /// How long a script may run before others are told that the server is busy; 0: as long as it likes.
  [[nodiscard]] std::int64_t threshold_ms() const noexcept { return threshold_ms_.load(std::memory_order_relaxed); }
  void set_threshold_ms(std::int64_t ms) noexcept { threshold_ms_.store(ms, std::memory_order_relaxed); }

  /// Whose shards these are; of several one that is overdue. Null: they are free.
  enum class State : std::uint8_t { kFree, kTaken, kOverdueEval, kOverdueFunction };
  [[nodiscard]] State state_of(std::span<const keyspace::ShardId> shards) const STAVE_EXCLUDES(mutex_);

  /// Names the script and `shards`, once nobody else has any of them; waits for that. False: somebody has, and is
  /// overdue, or everything is being stopped.
  [[nodiscard]] bool enter(const std::shared_ptr<Slow>& slow, const Shards& shards) STAVE_EXCLUDES(mutex_);
  /// Some more, if nobody else has them. False: somebody has.
  [[nodiscard]] bool extend(Slow& slow, const Shards& more) STAVE_EXCLUDES(mutex_);
  void leave(const std::shared_ptr<Slow>& slow) STAVE_EXCLUDES(mutex_);
  void set_overdue(Slow& slow) STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool is_overdue(const Slow& slow) const STAVE_EXCLUDES(mutex_);
  /// Lets those who looked before the last shards were named get through with what they want of them.
  void let_others_notice() STAVE_EXCLUDES(mutex_);

  /// Done when something has changed: one of the scripts is over or overdue. For connections that rest.
  std::shared_ptr<Errand> errand() STAVE_EXCLUDES(mutex_);
  /// Whether it is one of those.
  [[nodiscard]] static bool is_waiting(const Errand& errand) noexcept;
  /// Waits for the same, here.
  void wait() STAVE_EXCLUDES(mutex_);

  /// Ends the scripts that have written nothing, or says why there is none. `eval`: SCRIPT KILL, not FUNCTION KILL.
  Result<void> kill(bool eval) STAVE_EXCLUDES(mutex_);
  /// The script that has run longest, by a copy of what is known.
  struct Shown {
    std::string name;
    std::vector<std::string> call;
    std::uint64_t started_ns = 0;
    bool eval = true;
  };
  [[nodiscard]] std::optional<Shown> longest() const STAVE_EXCLUDES(mutex_);
  /// Ends all of them, and lets none begin.
  void stop() STAVE_EXCLUDES(mutex_);

 private:
  [[nodiscard]] const Slow* owner(std::span<const keyspace::ShardId> shards, const Slow* but) const
      STAVE_REQUIRES(mutex_);
  void tell() STAVE_EXCLUDES(mutex_);

  std::atomic<int>& flag_;
  std::atomic<std::int64_t> threshold_ms_{5000};
  mutable base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::uint64_t changes_ STAVE_GUARDED_BY(mutex_) = 0;
  bool stopping_ STAVE_GUARDED_BY(mutex_) = false;
  std::list<std::shared_ptr<Slow>> running_ STAVE_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Errand>> waiting_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::commands::script
