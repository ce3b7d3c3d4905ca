// What a process is in the group that shares its store: leader or follower, and how it becomes the other.
//
// A follower becomes a leader while it serves (`lead`). The other way, and whenever a copy has to lose some of what it
// has, the store must be closed first: then `prepare` does it, and the process opens the store again. Promises: a store
// with data of its own is never given up for a copy of another one; what is cut from a log is kept in a file. Must not
// know: sockets, commands.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "replication/follower.h"
#include "replication/followers.h"
#include "replication/handover.h"
#include "replication/redis_follower.h"
#include "stave/options.h"
#include "store/engine.h"

namespace stave::replication {

/// How to open the store.
struct Part {
  bool follows = false;
  std::string leader;
  store::Following following;
  std::optional<RedisState> redis = std::nullopt;  ///< It follows a Redis; then none of the above.
};

/// What answers at an address.
enum class Peer : std::uint8_t { kStave, kRedis };
/// Asks it. Errors: those of the network; kPermission.
using Identify = std::function<Result<Peer>(const std::string& address)>;

struct Preparation {
  std::string directory;
  Options options;   ///< As the store is opened with.
  std::string told;  ///< Whom to follow, as the start says: "host:port"; empty: nothing.
  Rebuild rebuild;   ///< What the last `Group` asked for.
  std::string host;  ///< Where the store is to be served; empty: where it connects from.
  std::uint16_t port = 0;
  Dial dial;
  std::function<bool()> stopping;                       ///< Whether to give up; looked at often.
  std::function<void(std::int64_t milliseconds)> rest;  ///< Waits so long, or until `stopping`.
  std::function<void(const std::string&)> tell;         ///< A line for the operator.
  Identify identify = nullptr;                          ///< Null: whoever answers is a Stave.
};

/// Does what has to be done with the directory before the store in it is opened, and waits for the leader of a
/// directory that holds nothing yet. Errors: kConflict (the store there has data of its own), kAborted (`stopping`),
/// those of the files.
Result<Part> prepare(const Preparation& preparation);
/// The same for who follows no Redis.
Result<Part> prepare_copy(const Preparation& preparation);
/// Of a store that begins to follow a Redis.
RedisState new_redis_state(const std::string& master, const std::string& told, bool has_store);

/// Threads: any.
class Group {
 public:
  struct Config {
    std::string leader;  ///< Whom to follow; empty: nobody.
    std::string host;    ///< Where the store is served; empty: where it connects from.
    std::uint16_t port = 0;
    Dial dial;
    std::function<void(const std::string&)> tell;
    /// The store is to be closed, prepared and opened again, soon. Any thread.
    std::function<void()> reopen;
    /// A follower that is further behind is not ready; 0: it always is. Milliseconds.
    std::int64_t max_lag_ms = 0;
    std::optional<RedisState> redis = std::nullopt;  ///< Which Redis to follow, and what has become of that.
    std::shared_ptr<RedisCarry> carried = nullptr;   ///< What the last `Group` left for this one.
    Dial dial_redis = nullptr;                       ///< Connects and authenticates.
    Identify identify = nullptr;                     ///< Null: whoever is followed is a Stave.
  };
  /// What whoever serves the store does for the group; set before `start`, each may be empty.
  struct Hooks {
    /// Writers wait, at the doors that can make them, or go on.
    std::function<void(bool on)> pause;
    /// It leads now, because its leader wanted it to. On the follower's thread.
    std::function<void()> led;
  };
  Group(store::Engine& engine, Config config);
  /// As `stop`.
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// Where what a Redis sends goes; it must outlive `stop`. Before `start`.
  void set_redis_target(RedisTarget& target) noexcept { redis_target_ = &target; }
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  /// Begins to follow, if that is its part.
  void start();
  /// Lets followers and leader go; joins all threads. Before the engine is closed. Idempotent.
  void stop();

  [[nodiscard]] bool follows() const noexcept { return engine_.follows(); }
  [[nodiscard]] Followers& followers() noexcept { return followers_; }
  /// nullopt: it follows nobody.
  [[nodiscard]] std::optional<FollowerStatus> following() const STAVE_EXCLUDES(mutex_);
  /// nullopt: it follows no Redis.
  [[nodiscard]] std::optional<RedisStatus> redis() const STAVE_EXCLUDES(mutex_);
  /// Whether what a follower shows is as new as it is to be; a leader is always ready. `why`: if not.
  [[nodiscard]] bool ready(std::string& why) const STAVE_EXCLUDES(mutex_);
  void set_max_lag_ms(std::int64_t ms) noexcept { max_lag_ms_.store(ms, std::memory_order_relaxed); }
  /// Whether there is something to serve.
  [[nodiscard]] bool whole() const STAVE_EXCLUDES(mutex_);

  /// From now on this store leads (REPLICAOF NO ONE). Errors: as Engine::lead.
  Result<void> lead() STAVE_EXCLUDES(mutex_);
  /// From now on it follows `leader`, "host:port": the store is closed and opened again for it. Of a Redis the copy
  /// takes the place of what there is once it is here. Errors: kConflict
  /// (a Stave, and it has data of its own and was never in a group), those of the file.
  Result<void> follow(const std::string& leader, Peer peer) STAVE_EXCLUDES(mutex_);
  /// What answers there; one that does not answer is taken for a Stave until it does. Errors: kPermission.
  [[nodiscard]] Result<Peer> identify(const std::string& leader) const;
  /// Lets a follower lead, and follows it; returns once that is begun. Errors: kConflict: this store follows itself,
  /// nobody follows it, or not the one that is named; kBusy: it is going on already.
  Result<void> fail_over(const FailOver& wish) STAVE_EXCLUDES(mutex_);
  /// Leads on, if a handing over is going on. Errors: kNotFound: none is.
  Result<void> abort_fail_over() STAVE_EXCLUDES(mutex_);
  [[nodiscard]] Handover::State fail_over_state() const STAVE_EXCLUDES(mutex_);
  /// What has to be done before the store is opened again; asked once `reopen` was called and the store is closed.
  [[nodiscard]] Rebuild wanted() const STAVE_EXCLUDES(mutex_);

 private:
  Result<void> take_over() STAVE_EXCLUDES(mutex_);
  Result<void> follow_stave(const std::string& leader) STAVE_EXCLUDES(mutex_);
  Result<void> follow_redis(const std::string& master) STAVE_EXCLUDES(mutex_);
  void start_redis() STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool redis_ready(std::string& why) const STAVE_EXCLUDES(mutex_);
  Result<void> end_redis() STAVE_EXCLUDES(mutex_);
  Result<void> forget_redis() STAVE_EXCLUDES(mutex_);
  Result<std::unique_ptr<Link>> dial(const std::string& leader) STAVE_EXCLUDES(mutex_);
  [[nodiscard]] Result<void> check_open() const STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::shared_ptr<RedisFollower> redis_follower() const STAVE_EXCLUDES(mutex_);
  void reopen(const Rebuild& rebuild) STAVE_EXCLUDES(mutex_);

  store::Engine& engine_;
  const Config config_;
  Hooks hooks_;
  RedisTarget* redis_target_ = nullptr;
  std::atomic<std::int64_t> max_lag_ms_;
  Followers followers_;
  mutable base::Mutex mutex_;
  Rebuild wanted_ STAVE_GUARDED_BY(mutex_);
  std::shared_ptr<Follower> follower_ STAVE_GUARDED_BY(mutex_);
  std::shared_ptr<RedisFollower> redis_ STAVE_GUARDED_BY(mutex_);
  std::shared_ptr<Handover> handover_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::replication
