// A leader's followers: who they are, how far they have got, and the threads that send them the log.
//
// Promises: the store never waits for a follower and holds no memory that grows with how far one is behind: each has a
// thread of its own that reads what was written from the log's files; what a follower has yet to read stays in the log,
// up to `Upkeep::keep_bytes_max`, also for a while after it was lost, so that it can come back. What is counted for
// WAIT is what followers have said of their own disks. Must not know: sockets, what the log's records mean.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "replication/frame.h"
#include "replication/hello.h"
#include "replication/link.h"
#include "store/engine.h"
#include "store/upkeep.h"

namespace stave::replication {

/// What is told of one follower.
struct FollowerInfo {
  std::string address;  ///< Of its connection, "host:port".
  int port = 0;         ///< Where it listens.
  Lsn sent = kNoLsn;
  Lsn written = kNoLsn;  ///< With its operating system.
  Lsn durable = kNoLsn;
  std::uint64_t heard_ns = 0;  ///< When it was last heard of, on the monotonic clock.
  std::uint64_t lag_ms = 0;    ///< For how long it has not had all of the log.
};

/// Threads: any.
class Followers {
 public:
  /// `tell`: a line for the operator.
  Followers(store::Engine& engine, std::function<void(const std::string&)> tell);
  /// As `stop`.
  ~Followers();
  Followers(const Followers&) = delete;
  Followers& operator=(const Followers&) = delete;

  /// Serves whoever is at the other end, on a thread of its own, until one of the two ends it, or `allowed`, asked now
  /// and then on that thread, says that it may not go on; null: it may.
  void serve(std::unique_ptr<Link> link, std::function<bool()> allowed = {}) STAVE_EXCLUDES(mutex_);
  /// Lets all of them go and joins their threads; nobody is served any more. Idempotent.
  void stop() STAVE_EXCLUDES(mutex_);

  [[nodiscard]] std::vector<FollowerInfo> list() const STAVE_EXCLUDES(mutex_);
  /// How many are connected.
  [[nodiscard]] std::size_t size() const noexcept { return connected_.load(std::memory_order_relaxed); }
  /// How many have, as they say themselves, everything before `lsn` written, or durable.
  [[nodiscard]] std::size_t with_written(Lsn lsn) const STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t with_durable(Lsn lsn) const STAVE_EXCLUDES(mutex_);
  /// What somebody waits for: that so many have everything before `lsn` written, or durable; but no longer than until
  /// `deadline_ns` (0: for ever), nor when nobody is connected any more.
  struct Wish {
    Lsn lsn = kNoLsn;
    std::size_t count = 0;
    bool durable = false;
    std::uint64_t deadline_ns = 0;
  };
  /// Calls `then`, once, when that is over; here and now if it is. It must be quick.
  void when(const Wish& wish, std::function<void()> then) STAVE_EXCLUDES(mutex_);

  /// How long what a follower needs is kept after it was lost.
  static constexpr std::uint64_t kKeptNs = 3'600'000'000'000;

 private:
  class Shipper;
  /// A follower that was here, and what it has yet to read.
  struct Kept {
    log::NodeId node{};
    std::unique_ptr<store::Upkeep::Keep> keep;
    bool connected = false;
    std::uint64_t left_ns = 0;
  };
  struct Waiter {
    Wish wish;
    std::function<void()> then;
  };

  void reap() STAVE_REQUIRES(mutex_);
  /// Calls those whose wait is over.
  void look_at_waiters() STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool over(const Wish& wish, std::uint64_t now_ns) const STAVE_REQUIRES(mutex_);
  [[nodiscard]] std::size_t count(Lsn lsn, bool durable) const STAVE_REQUIRES(mutex_);
  Kept& kept_for(const log::NodeId& node, Lsn from) STAVE_REQUIRES(mutex_);

  store::Engine& engine_;
  const std::function<void(const std::string&)> tell_;
  std::atomic<std::size_t> connected_{0};
  std::atomic<bool> waited_for_{false};
  mutable base::Mutex mutex_;
  bool stopping_ STAVE_GUARDED_BY(mutex_) = false;
  std::list<std::unique_ptr<Shipper>> shippers_ STAVE_GUARDED_BY(mutex_);
  std::list<Kept> kept_ STAVE_GUARDED_BY(mutex_);
  std::list<Waiter> waiters_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::replication
