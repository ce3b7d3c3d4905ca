// What those who read the log along have in common: how far they may read, being told when there is more, threads that
// read for who must not wait.
//
// Promises: who waits costs no thread and no time, and writers one load while nobody waits; however often something is
// written, those who wait are woken a thousand times in a second at most, and read all of it at once. One thread,
// `stave-changes`, begins with the first who waits, and up to two `stave-follows` with the first who reads aside; all
// are joined by `stop`. Must not know: what a change is. Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/workers.h"
#include "store/engine.h"

namespace stave::store {

class ChangeFeed {
 public:
  enum class Woken : std::uint8_t {
    kNews,
    kTimeUp,
    kTold,     ///< By `wake`.
    kRefused,  ///< Likewise: it is to be told so.
    kStopped,
  };
  using Then = std::function<void(Woken)>;

  /// Throws std::bad_alloc.
  explicit ChangeFeed(Engine& engine) : engine_(engine) {}
  ~ChangeFeed() { stop(); }
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  /// The store has its log, which ends there: everything in it may be told.
  void begin(Lsn end) noexcept { told_.store(raw(end), std::memory_order_relaxed); }
  /// Where a batch ends before which everything may be told: as safe as the store's policy says, on so many followers
  /// too as it asks for, which is what its writers were told. What followers lose takes
  /// nothing back.
  [[nodiscard]] Lsn horizon() const noexcept;

  /// Calls `then`, once, when `horizon` is past that, or at `deadline_ns` of the monotonic clock (0: never), or because
  /// of `wake` or `stop`; here and now if it is so already. It must be quick. `tag`: whom `wake` means; 0: nobody.
  void when(Lsn past, std::uint64_t deadline_ns, std::uint64_t tag, Then then) STAVE_EXCLUDES(mutex_);
  /// The same for who may stand still.
  Woken wait(Lsn past, std::uint64_t deadline_ns, std::uint64_t tag = 0) STAVE_EXCLUDES(mutex_);
  /// Ends the waits of that tag. False: there are none.
  bool wake(std::uint64_t tag, Woken how) STAVE_EXCLUDES(mutex_);
  /// Runs `work`, which may wait for the disk, on a thread that gives way to those of the store's users.
  void aside(std::function<void()> work) { readers_.run(std::move(work)); }

  /// Remembers that the record at `place` is of the batch that begins at `batch` (kNoLsn: it is the first of one), and
  /// tells. So who comes back there need not find it out.
  void note_place(Lsn place, Lsn batch) noexcept STAVE_EXCLUDES(places_mutex_);
  [[nodiscard]] std::optional<Lsn> batch_at(Lsn place) const noexcept STAVE_EXCLUDES(places_mutex_);

  /// How many wait.
  [[nodiscard]] std::size_t waiting() const STAVE_EXCLUDES(mutex_);
  /// Lets all of them go and joins the threads. Nobody waits any more. Idempotent.
  void stop() STAVE_EXCLUDES(mutex_);

 private:
  struct Waiter {
    Lsn past = kNoLsn;
    std::uint64_t deadline_ns = 0;
    std::uint64_t tag = 0;
    Then then;
  };
  struct Ended {
    Then then;
    Woken how;
  };
  struct Place {
    Lsn at = kNoLsn;
    Lsn batch = kNoLsn;
  };
  static constexpr std::size_t kPlaces = 1024;
  static constexpr std::size_t place_of(Lsn at) noexcept { return (raw(at) * 0x9e37'79b9'7f4a'7c15 >> 32) % kPlaces; }

  void run() STAVE_EXCLUDES(mutex_);
  void log_advanced() noexcept STAVE_EXCLUDES(mutex_);
  /// The log tells from now on.
  void hear_of_log() STAVE_EXCLUDES(listener_mutex_);
  void start() STAVE_REQUIRES(mutex_);
  /// Those whose wait is over, taken out.
  std::vector<Ended> take_ended(std::uint64_t now_ns) STAVE_REQUIRES(mutex_);
  [[nodiscard]] std::int64_t rest_ms(std::uint64_t now_ns) const STAVE_REQUIRES(mutex_);

  Engine& engine_;
  mutable std::atomic<std::uint64_t> told_{0};  ///< The furthest horizon that anybody was told.
  base::Workers readers_{"stave-follows", 2, base::Priority::kBackground};
  std::atomic<bool> wants_news_{false};  ///< Somebody waits, and no news have come since that was looked at.
  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  bool news_ STAVE_GUARDED_BY(mutex_) = false;
  bool stopping_ STAVE_GUARDED_BY(mutex_) = false;
  std::vector<Waiter> waiters_ STAVE_GUARDED_BY(mutex_);
  std::thread thread_ STAVE_GUARDED_BY(mutex_);
  base::Mutex listener_mutex_;  ///< Nobody holds the other one when it is taken: the log's own comes between.
  std::uint64_t listener_ STAVE_GUARDED_BY(listener_mutex_) = 0;
  std::uint64_t replica_listener_ STAVE_GUARDED_BY(listener_mutex_) = 0;
  mutable base::Mutex places_mutex_;
  std::array<Place, kPlaces> places_ STAVE_GUARDED_BY(places_mutex_){};
};

}  // namespace stave::store
