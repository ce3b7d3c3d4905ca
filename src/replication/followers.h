// A leader's followers: who they are, how far they have got, and the threads that send them the log.
//
// Promises: the store never waits for a follower and holds no memory that grows with how far one is behind: each has a
// thread of its own that reads what was written from the log's files; what a follower has yet to read stays in the log,
// up to `Upkeep::keep_bytes_max`, also for a while after it was lost, so that it can come back. What is counted for
// WAIT, and for answers that wait for followers (store/replicas.h), is what followers have said of their own disks. Who
// follows itself hands on what it has, and nothing else. Must not know: sockets, what the log's records mean.
#pragma once

#include <atomic>
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
  log::NodeId node{};
  std::string address;  ///< Of its connection, "host:port".
  std::string host;     ///< Where it is served: as it says, or where its connection comes from.
  int port = 0;
  Lsn sent = kNoLsn;
  Lsn written = kNoLsn;  ///< With its operating system.
  Lsn durable = kNoLsn;
  std::uint64_t heard_ns = 0;  ///< When it was last heard of, on the monotonic clock.
  std::uint64_t lag_ms = 0;    ///< For how long it has not had all of the log.
};

/// That a follower is to lead from now on.
struct HandOver {
  enum class Step : std::uint8_t {
    kTold,  ///< It is about to be told; whoever hears nothing more does not know whether it leads.
    kTaken,
    kRefused,
  };
  Lsn end = kNoLsn;                ///< Of the log: not before it has as much on its disk.
  bool anyway = false;             ///< It need not have.
  std::function<void(Step)> done;  ///< On the follower's thread; quick.
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
  /// `deadline_ns` (0: for ever).
  struct Wish {
    Lsn lsn = kNoLsn;
    std::size_t count = 0;
    bool durable = false;
    std::uint64_t deadline_ns = 0;
  };
  /// Calls `then`, once, when that is over; here and now if it is; not at all once `whose` is gone. It must be quick.
  void when(const Wish& wish, std::weak_ptr<void> whose, std::function<void()> then) STAVE_EXCLUDES(mutex_);
  /// One that was not heard of for so long does not count as being there for a write; 0: it does while it is connected.
  void set_silence_ms(std::int64_t ms) noexcept { silence_ms_.store(ms, std::memory_order_relaxed); }

  /// So many bytes a second are sent to each follower at most; 0: as many as it takes.
  void set_rate(std::uint64_t bytes_per_second) noexcept { rate_.store(bytes_per_second, std::memory_order_relaxed); }
  /// From now on followers sync what they take over, whatever their own policy: somebody waits for their disks.
  void want_durable() noexcept { durable_wanted_.store(true, std::memory_order_relaxed); }

  /// Whom this store follows itself, once that is known: it is not served in turn.
  void set_upstream(const log::NodeId& node) STAVE_EXCLUDES(mutex_);
  /// Tells that follower to lead, once it may. Errors: kNotFound: it is not connected.
  Result<void> hand_over(const log::NodeId& node, HandOver what) STAVE_EXCLUDES(mutex_);
  /// It need not any more. False: it was told already.
  bool keep_leading(const log::NodeId& node) STAVE_EXCLUDES(mutex_);

  /// How long what a follower needs is kept after it was lost.
  static constexpr std::uint64_t kKeptNs = 3'600'000'000'000;

 private:
  class Shipper;
  class Resting;
  /// A follower that was here, and what it has yet to read.
  struct Kept {
    log::NodeId node{};
    std::unique_ptr<store::Upkeep::Keep> keep;
    bool connected = false;
    std::uint64_t left_ns = 0;
  };
  struct Waiter {
    Wish wish;
    std::weak_ptr<void> whose;
    std::function<void()> then;
  };

  /// Whether whoever says to be that machine may be a follower of this store. Errors: kConflict.
  Result<void> may_serve(const log::NodeId& node) const STAVE_EXCLUDES(mutex_);
  /// The thread that ends waits whose time is up, and forgets followers that did not come back.
  void keep() STAVE_EXCLUDES(mutex_);
  void start_keeper() STAVE_REQUIRES(mutex_);
  void reap() STAVE_REQUIRES(mutex_);
  [[nodiscard]] std::int64_t milliseconds_to_rest(std::uint64_t now_ns) const STAVE_REQUIRES(mutex_);
  /// After any of them has said anything, has come or has left: says how far they are, and ends waits.
  void look_at_followers() noexcept STAVE_EXCLUDES(mutex_);
  void look_at_waiters() STAVE_EXCLUDES(mutex_);
  /// A link whose thread is to be woken when more of the log is written.
  void begin_to_wait(Link& link) STAVE_EXCLUDES(nudge_mutex_);
  void end_wait(Link& link) noexcept STAVE_EXCLUDES(nudge_mutex_);
  void nudge() noexcept STAVE_EXCLUDES(nudge_mutex_);
  [[nodiscard]] bool over(const Wish& wish, std::uint64_t now_ns) const STAVE_REQUIRES(mutex_);
  [[nodiscard]] std::size_t count(Lsn lsn, bool durable) const STAVE_REQUIRES(mutex_);
  Kept& kept_for(const log::NodeId& node, Lsn from) STAVE_REQUIRES(mutex_);

  store::Engine& engine_;
  const std::function<void(const std::string&)> tell_;
  std::atomic<std::size_t> connected_{0};
  std::atomic<bool> waited_for_{false};
  std::atomic<std::int64_t> silence_ms_{0};
  std::atomic<bool> durable_wanted_{false};
  std::atomic<std::uint64_t> rate_{0};
  base::Mutex nudge_mutex_;  ///< The last to be taken: whoever writes the log takes it with the log's own locks held.
  std::vector<Link*> resting_ STAVE_GUARDED_BY(nudge_mutex_);
  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  std::thread keeper_ STAVE_GUARDED_BY(mutex_);
  log::NodeId upstream_ STAVE_GUARDED_BY(mutex_){};
  bool stopping_ STAVE_GUARDED_BY(mutex_) = false;
  std::list<std::unique_ptr<Shipper>> shippers_ STAVE_GUARDED_BY(mutex_);
  std::list<Kept> kept_ STAVE_GUARDED_BY(mutex_);
  std::list<Waiter> waiters_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::replication
