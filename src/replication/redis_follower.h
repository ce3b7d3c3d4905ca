// The thread that keeps this store as a Redis, or Valkey, says.
//
// It comes as a replica: asks to go on where it is, and applies commands in their order; or takes a snapshot, which
// goes to a file and is checked as it comes, and when it has passed asks for the store to be opened again, so that
// nobody sees it half loaded. The connection outlives that. Promises: what the store had stays until a whole snapshot
// has passed its checks; every command is applied once, whatever breaks (redis_target.h); what cannot be applied stops
// it with a sentence, and nothing is left out. Memory is bounded whatever comes. Must not know: sockets, commands.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "replication/link.h"
#include "replication/redis_state.h"
#include "replication/redis_target.h"
#include "replication/redis_wire.h"
#include "store/engine.h"

namespace stave::replication {

/// A connection on which a snapshot has come, and what came behind it.
struct RedisCarry {
  std::unique_ptr<Link> link;
  std::string behind;
  std::uint64_t full_syncs = 0;
  std::uint64_t begun_ns = 0;  ///< When the snapshot was asked for, on the monotonic clock.
};

struct RedisStatus {
  std::string master;
  bool connected = false;               ///< Commands come.
  bool receiving = false;               ///< A snapshot does.
  bool loading = false;                 ///< One is being loaded.
  bool stopped = false;                 ///< It has given up, for `trouble`.
  std::string trouble;                  ///< Why it is not connected; empty: it is, or it was not tried yet.
  RedisPosition position;               ///< What is applied.
  std::uint64_t received = 0;           ///< Of the stream, in bytes, applied or not.
  std::uint64_t snapshot_bytes = 0;     ///< Of the one that comes, so far.
  std::uint64_t snapshot_expected = 0;  ///< 0: unknown.
  std::uint64_t applied = 0;            ///< Commands, since the store was opened.
  std::uint64_t full_syncs = 0;         ///< Since the store was opened; likewise below.
  std::uint64_t partial_syncs = 0;
  std::uint64_t heard_ns = 0;  ///< When the master was last heard of, on the monotonic clock; 0: never.
  std::uint64_t lag_ms = 0;    ///< For how long this store has not had everything that it heard of.
  bool whole = false;          ///< There is something to serve.
};

/// Threads: any; `run` has one of its own.
class RedisFollower {
 public:
  struct Config {
    std::uint16_t port = 0;  ///< Where this store is served.
    Dial dial;               ///< Connects and authenticates, and says nothing else.
    std::function<void(const std::string&)> tell;
    /// The store is to be opened again; called once, and then nothing is done any more.
    std::function<void(std::shared_ptr<RedisCarry>)> reopen;
    std::shared_ptr<RedisCarry> carried;  ///< Of who was there before it was opened again; may be null.
  };
  RedisFollower(store::Engine& engine, RedisState state, RedisTarget& target, Config config);
  /// As `stop`.
  ~RedisFollower();
  RedisFollower(const RedisFollower&) = delete;
  RedisFollower& operator=(const RedisFollower&) = delete;

  void start();
  /// Ends what it does and joins its thread. What was applied is in the log.
  void stop() STAVE_EXCLUDES(mutex_);
  [[nodiscard]] RedisStatus status() const STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool whole() const noexcept { return whole_.load(std::memory_order_acquire); }

 private:
  struct Connection;
  void run();
  Result<void> follow_once();
  Result<void> finish_loading();
  Result<void> connect(Connection& connection);
  Result<void> greet(Connection& connection);
  Result<void> receive_snapshot(Connection& connection, const PsyncAnswer& answer);
  Result<void> store_snapshot(Connection& connection, const SnapshotFrame& frame);
  Result<void> stream(Connection& connection);
  Result<void> apply(Connection& connection, RedisStream& stream);
  Result<void> acknowledge(Connection& connection);
  Result<void> save(const RedisState& state);
  void note(std::string trouble, bool connected) STAVE_EXCLUDES(mutex_);
  template <class Change>
  void show(Change&& change) STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }
  void rest(std::int64_t ms) STAVE_EXCLUDES(mutex_);

  store::Engine& engine_;
  RedisTarget& target_;
  const Config config_;
  RedisState state_;        ///< The thread's own, likewise below.
  RedisPosition position_;  ///< Nowhere while it has no replid.
  bool reopening_ = false;
  std::uint64_t acknowledged_ns_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> whole_{false};
  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  Link* link_ STAVE_GUARDED_BY(mutex_) = nullptr;
  RedisStatus status_ STAVE_GUARDED_BY(mutex_);
  std::uint64_t caught_up_ns_ STAVE_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace stave::replication
