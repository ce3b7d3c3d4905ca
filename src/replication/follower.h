// The thread that keeps this store as its leader's log says.
//
// It connects, says what it has, takes what comes over, and says how far it has got; when the connection breaks it
// begins again, where it was. Promises: nothing is applied that is not in this store's log before, and nothing is said
// to be durable that is not; a lower term than one that was heard of is refused. What it cannot do while the store is
// open (cutting the log, beginning with nothing) it asks for. Must not know: sockets, who serves the store.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "replication/frame.h"
#include "replication/hello.h"
#include "replication/link.h"
#include "store/engine.h"

namespace stave::replication {

struct RedisCarry;

/// What has to be done with the store while nobody has it open.
struct Rebuild {
  enum class What : std::uint8_t {
    kNothing,
    kReopen,  ///< Only opened again.
    kCut,     ///< Its log is to end at `at`.
    kAnew,    ///< Everything is to go, and to come from the leader again; what is behind `at`, if given, is kept.
  };
  What what = What::kNothing;
  Lsn at = kNoLsn;
  std::shared_ptr<RedisCarry> redis = nullptr;  ///< A connection that outlives it (redis_follower.h).
};

struct FollowerStatus {
  std::string leader;
  bool connected = false;      ///< The log comes.
  std::string trouble;         ///< Why it does not, for people; empty: it does, or it was not tried yet.
  Lsn end = kNoLsn;            ///< Of this store's log.
  Lsn leader_end = kNoLsn;     ///< Of the leader's, as far as it was heard of.
  std::uint64_t heard_ns = 0;  ///< When the leader was last heard of, on the monotonic clock; 0: never.
  std::uint64_t lag_ms = 0;    ///< For how long this store has not had everything.
  bool whole = false;          ///< It is no half copy.
};

/// Threads: any; `run` has one of its own.
class Follower {
 public:
  struct Config {
    std::string leader;  ///< "host:port"
    std::string host;    ///< Where this store is served; empty: where it connects from.
    std::uint16_t port = 0;
    Dial dial;
    /// A line for the operator.
    std::function<void(const std::string&)> tell;
    /// The store has to be closed for it; called once, and then nothing is done any more.
    std::function<void(const Rebuild&)> rebuild;
    /// Who leads, as soon as it has said so; may be empty.
    std::function<void(const log::NodeId& leader)> met = {};
    /// The leader hands over: this store is to lead. Called on the follower's thread, which then ends; empty: it
    /// refuses.
    std::function<Result<void>()> take_over = {};
  };
  Follower(store::Engine& engine, Config config);
  /// As `stop`.
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  void start();
  /// Ends what it does and joins its thread. What was taken over is in the log.
  void stop() STAVE_EXCLUDES(mutex_);
  [[nodiscard]] FollowerStatus status() const STAVE_EXCLUDES(mutex_);
  /// Connects, follows, and returns when the connection has ended. For `run`, and for tests without a thread. Errors:
  /// why it ended.
  Result<void> follow_once() STAVE_EXCLUDES(mutex_);

 private:
  void run();
  Result<Welcome> greet(Link& link, FrameReader& reader);
  Result<void> follow(Link& link, FrameReader& reader, Lsn from);
  Result<void> take(const Frame& frame, class Course& course);
  Result<void> acknowledge(Link& link, bool drained);
  /// The leader has said that this store is to lead.
  Result<void> take_over(Link& link, const Frame& frame);
  void note(std::string trouble, bool connected) STAVE_EXCLUDES(mutex_);
  void note_end(Lsn leader_end) STAVE_EXCLUDES(mutex_);
  void ask_for(const Rebuild& rebuild);

  store::Engine& engine_;
  const Config config_;
  std::atomic<bool> stopping_{false};
  bool rebuilding_ = false;  ///< The thread's own; likewise below.
  bool leads_ = false;
  bool must_sync_ = false;  ///< As the leader's last frame said.
  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  Link* link_ STAVE_GUARDED_BY(mutex_) = nullptr;
  bool connected_ STAVE_GUARDED_BY(mutex_) = false;
  std::string trouble_ STAVE_GUARDED_BY(mutex_);
  Lsn leader_end_ STAVE_GUARDED_BY(mutex_) = kNoLsn;
  std::uint64_t heard_ns_ STAVE_GUARDED_BY(mutex_) = 0;
  std::uint64_t caught_up_ns_ STAVE_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

/// The first frame that a leader answers with, if it is a welcome. Errors: its refusal (kConflict), those of the link.
Result<Welcome> receive_welcome(FrameReader& reader);

}  // namespace stave::replication
