// A leader hands over to one of its followers: FAILOVER.
//
// Writers wait, the follower gets everything, is told to lead, and is followed. Promises: unless it is forced, nothing
// that was acknowledged is lost; there is never a moment at which both may write: this store takes nothing from before
// the follower is told until it is known that it does not lead. What is not known (the connection broke in between) is
// found out by asking. Must not know: commands, doors.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "replication/followers.h"

namespace stave::replication {

struct FailOver {
  std::string host;  ///< Of the follower that is to lead; empty: whichever has everything first.
  int port = 0;
  bool force = false;            ///< When time is up it leads although it has not everything.
  std::uint64_t timeout_ms = 0;  ///< 0: for as long as it takes.
};

/// Threads: any; one of its own.
class Handover {
 public:
  enum class State : std::uint8_t {
    kNone,
    kWaiting,  ///< For a follower to have everything.
    kHanding,  ///< It is being told.
  };
  struct Config {
    Dial dial;
    std::function<void(const std::string&)> tell;
    std::function<void(bool on)> pause;  ///< May be empty.
    /// From now on the store follows that one, "host:port".
    std::function<Result<void>(const std::string&)> follow;
  };
  Handover(store::Engine& engine, Followers& followers, Config config);
  /// As `stop`.
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  /// Once. Errors: kConflict: nobody follows, or not the one that is named; and nothing was begun.
  Result<void> start(const FailOver& wish);
  /// Leads on, soon. False: nothing goes on. Where it is not known whether the follower leads it may, from then on,
  /// too.
  bool give_up();
  /// Ends it as it stands, and joins its thread. Idempotent.
  void stop();
  [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_acquire); }

 private:
  struct Target {
    log::NodeId node{};
    std::string address;  ///< "host:port", where it is served.
  };
  void run() noexcept;
  /// Returns why it did not come to it.
  Result<void> hand_over();
  [[nodiscard]] bool late() const;
  [[nodiscard]] bool given_up() const noexcept { return aborted_.load() || stopping_.load(); }
  [[nodiscard]] std::optional<Target> choose(Lsn end, bool anyway) const;
  [[nodiscard]] bool connected(const Target& target) const;
  /// Nothing is appended to the log once this has returned.
  Result<void> close_log();
  Result<Target> await_target(Lsn& end, bool& anyway);
  Result<void> tell(const Target& target, Lsn end, bool anyway);
  /// Whether it leads now; nullopt: that is not known.
  std::optional<bool> leads(const Target& target) const;
  void rest() STAVE_EXCLUDES(mutex_);

  store::Engine& engine_;
  Followers& followers_;
  const Config config_;
  FailOver wish_;
  std::uint64_t until_ns_ = 0;
  bool closed_ = false;  ///< The log takes nothing. The thread's own.
  std::atomic<State> state_{State::kNone};
  std::atomic<bool> aborted_{false};
  std::atomic<bool> stopping_{false};
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  std::thread thread_;
};

}  // namespace stave::replication
