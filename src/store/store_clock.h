// The time of a store, and how it stands to the wall clock. What users have to know of it: docs/time.md.
//
// Store time goes on with the clock that counts how long the machine has been running, its sleep included, from the
// wall time at the opening or from the newest moment that the log speaks of, whichever is later. Promises: it never
// goes back; it never jumps, however the wall clock is set; small corrections of the wall clock are followed, at a
// hundredth of the pace of time; a larger difference is kept as an offset, told, and reckoned with wherever a moment of
// the wall clock comes in or goes out. Must not know: what time is used for.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/mutex.h"
#include "stave/clock.h"
#include "stave/units.h"

namespace stave::store {

/// Threads: any, but for `saw` and `begin`.
class StoreClock {
 public:
  /// A wall clock that is further off than this has jumped. A leap second that is told to the clock by a step of one
  /// second is less.
  static constexpr std::int64_t kFollowedMsMax = 1500;
  /// Not worth a correction: two clocks that are read one after the other, in whole milliseconds.
  static constexpr std::int64_t kIgnoredMsMax = 2;
  /// Corrections make store time faster or slower by this part at most.
  static constexpr std::int64_t kPacePart = 100;

  /// `clock` outlives it.
  explicit StoreClock(Clock& clock) noexcept;

  [[nodiscard]] UnixMs now() noexcept;

  /// The log or an image speaks of that moment: it is not in the future. Only while the store is opened, on one thread.
  void saw(UnixMs moment) noexcept;
  /// The store has been read. Compares with the wall clock; see `take_news`.
  void begin() STAVE_EXCLUDES(mutex_);

  /// Compares with the wall clock. Call it now and then.
  void look() STAVE_EXCLUDES(mutex_);
  /// What an operator should know since the last call, as a sentence; empty: nothing.
  [[nodiscard]] std::string take_news() STAVE_EXCLUDES(mutex_);

  /// The moment at which the wall clock will show `wall` if nobody sets it. Moments before 1970 stay as they are, and
  /// so does the latest that there is.
  [[nodiscard]] UnixMs from_wall(UnixMs wall) noexcept STAVE_EXCLUDES(mutex_);
  /// What the wall clock shows, showed or will show at `moment`. Undoes `from_wall` as long as nobody sets it.
  [[nodiscard]] UnixMs to_wall(UnixMs moment) const noexcept;
  /// An expiry as somebody outside should see it.
  [[nodiscard]] Expiry shown(Expiry expiry) const noexcept {
    if (!expiry.never()) expiry.at = to_wall(expiry.at);
    return expiry;
  }

  /// How far store time is ahead of the wall clock, or behind it when negative; 0: they are the same but for a small
  /// correction under way.
  [[nodiscard]] std::int64_t offset_ms() const noexcept { return offset_ms_.load(std::memory_order_relaxed); }
  /// How often the wall clock jumped since the store was opened.
  [[nodiscard]] std::uint64_t jumps() const noexcept { return jumps_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] std::int64_t elapsed_us() const noexcept;
  void compare() STAVE_REQUIRES(mutex_);
  void jumped(std::int64_t by_ms, std::int64_t ahead_ms) STAVE_REQUIRES(mutex_);
  void set_offset(std::int64_t ahead_ms) STAVE_REQUIRES(mutex_);

  Clock& clock_;
  /// Store time less what has elapsed, in microseconds.
  std::atomic<std::int64_t> shift_us_;
  /// The latest that was told: a correction must not show as time that goes back.
  std::atomic<std::int64_t> last_ms_{0};
  std::atomic<std::int64_t> offset_ms_{0};
  std::atomic<std::uint64_t> jumps_{0};

  base::Mutex mutex_;
  /// Until when corrections have used up what their pace allows.
  std::int64_t corrected_us_ STAVE_GUARDED_BY(mutex_);
  /// What is to be told: how far the wall clock was set, and how far it was behind the log; 0: nothing.
  std::int64_t set_by_ms_ STAVE_GUARDED_BY(mutex_) = 0;
  std::int64_t found_behind_ms_ STAVE_GUARDED_BY(mutex_) = 0;
};

}  // namespace stave::store
