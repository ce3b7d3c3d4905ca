// One thread of the server: an epoll loop over its own connections, running their commands itself.
//
// A round: hear what is ready; read, run and answer each connection in turn, bounded; then once for all of them hand
// the log to the operating system, or ask for a sync without waiting for it; send what is safe. While the disk works
// the thread goes on with other input, and is woken when the log has advanced.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "doors/resp/connection.h"
#include "doors/resp/listener.h"

namespace stave::resp {

class IoThread {
 public:
  /// Gives a fresh connection to the thread that shall serve it.
  using Place = std::function<void(Accepted)>;

  IoThread(Shared& shared, int number);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  /// Makes this thread accept. Before `start`.
  Result<void> listen(std::vector<std::unique_ptr<Listener>> listeners, Place place);
  Result<void> start();
  /// Serves the connection. Threads: any.
  void adopt(Accepted accepted);
  /// Finishes what is running, makes it durable, sends it, and ends. Returns at once; `join` waits.
  void stop() noexcept;
  void join();
  [[nodiscard]] std::size_t connections() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  static constexpr int kEventsMax = 256;
  /// Small answers of one round leave together at its end: a client that serves many connections is then woken once and
  /// finds them all. Large ones do not wait for each other.
  static constexpr std::uint64_t kAnswerBytes = 8 << 10;
  static constexpr std::uint64_t kPatienceNsMin = 5'000;
  static constexpr std::uint64_t kPatienceNsMax = 50'000;
  static constexpr std::uint64_t kTickNs = 500'000'000;
  /// With syncs at least this long, they are gathered for (see `ask_for_sync`), for so long at most.
  static constexpr std::uint64_t kGatherFromNs = 1'500'000;
  static constexpr std::uint64_t kGatherNsMax = 4'000'000;
  static constexpr std::uint64_t kFarewellNs = 1'000'000'000;

  void run();
  int wait(std::array<epoll_event, kEventsMax>& events);
  int wait_ms();
  void handle(const epoll_event& event);
  void handle_wake();
  /// Wakes the thread to attend to the connection, of this thread. Threads: any, while the connection is registered.
  void call(Connection& connection) STAVE_EXCLUDES(called_mutex_);
  void attend_called() STAVE_EXCLUDES(called_mutex_);
  /// It is about to end: nobody can call it from now on.
  void forget_called(Connection& connection) STAVE_EXCLUDES(called_mutex_);
  void take_in(Accepted accepted);
  /// Room for `count` connections on every list: to be put on one must not fail when memory runs out.
  void make_places(std::size_t count) STAVE_EXCLUDES(called_mutex_);
  /// Closes a connection that was counted and is not served.
  void turn_away(int descriptor) noexcept;
  /// Whoever lies in the inbox, or comes later, is turned away.
  void close_inbox() STAVE_EXCLUDES(inbox_mutex_);
  /// After anything has happened to a connection: sends, and puts it on the lists where it belongs.
  void settle(Connection& connection);
  void settle_answered();
  void run_lists();
  /// Hands the messages that have come to those who listen.
  void deliver();
  /// Ends the waits whose time is up, and goes on with the calls whose wait has ended.
  void end_waits();
  /// Lets go of answers, at most one write and one sync request for all connections.
  void release_held();
  void ask_for_sync();
  /// Whether the log has got further with anything that answers wait for.
  [[nodiscard]] bool log_has_news() const noexcept;
  void let_go();
  void fail_held(const Error& error);
  /// Withdraws answers that have waited for followers for too long.
  void give_up_on_followers();
  /// Closes those of this thread's clients that take most, while all clients take more than they may.
  void evict_clients();
  void tick();
  void reap();
  void say_farewell();
  void wake() noexcept;
  void log_advanced() noexcept;

  Shared& shared_;
  int number_;
  int epoll_ = -1;
  int wake_ = -1;
  std::uint64_t listener_handle_ = 0;
  std::uint64_t replica_listener_ = 0;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> waits_for_log_{false};  ///< Whether `wake_` must be written when the log advances.
  std::atomic<std::size_t> count_{0};
  base::Mutex inbox_mutex_;
  std::vector<Accepted> inbox_ STAVE_GUARDED_BY(inbox_mutex_);
  bool inbox_open_ STAVE_GUARDED_BY(inbox_mutex_) = true;
  base::Mutex called_mutex_;
  std::vector<Connection*> called_ STAVE_GUARDED_BY(called_mutex_);

  commands::Post post_;
  commands::Bell bell_;
  /// Those whose calls wait for a limited time, the one whose time is up first in front.
  struct Earlier {
    bool operator()(const ByDeadline& a, const ByDeadline& b) const noexcept { return a.deadline_ns < b.deadline_ns; }
  };
  boost::intrusive::multiset<ByDeadline, boost::intrusive::compare<Earlier>,
                             boost::intrusive::constant_time_size<false>>
      deadlines_;

  // The thread's own.
  Workbench bench_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Place place_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> held_;
  std::vector<Connection*> answered_;  ///< Ran in this round and not settled yet.
  std::uint64_t answered_bytes_ = 0;
  std::uint64_t patience_ns_ = 0;  ///< How long to look for events before sleeping.
  std::vector<Connection*> runnable_;
  std::vector<Connection*> parked_;
  std::vector<Connection*> turn_;  ///< Scratch of `run_lists`.
  std::vector<Connection*> doomed_;
  std::vector<Connection*> attended_;  ///< Scratch of `attend_called`.
  Lsn seen_durable_ = kNoLsn;
  Lsn seen_written_ = kNoLsn;
  std::uint64_t seen_replicas_ = 0;
  bool wants_replicas_ = false;  ///< Any answer waited for followers, ever.
  Lsn wanted_written_ = kNoLsn;
  Lsn wanted_durable_ = kNoLsn;
  Lsn asked_durable_ = kNoLsn;
  std::uint64_t asked_ns_ = 0;
  std::uint64_t sync_ns_ = 0;  ///< How long a sync takes, from asking to hearing, smoothed.
  std::uint64_t gather_until_ns_ = 0;
  std::size_t returning_ = 0;  ///< Clients the last sync released that have not come back yet.
  bool held_anew_ = false;
  bool failure_told_ = false;
  bool clock_needed_ = false;
  std::uint64_t next_tick_ns_ = 0;
};

}  // namespace stave::resp
