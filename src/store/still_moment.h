// Time that stands still for a while on one thread: a batch of commands is run as of one moment, as one command is.
//
// A reading of the clock costs as much as half a lookup, and nobody can tell apart what came in at once. So whoever
// runs a batch makes a `StillMoment` after it has received all of it; the store's time on this thread is then the one
// that is asked for first, until it is told to go on. Promises: it is never earlier than what anybody saw before this
// was made or told to go on, so whoever is answered and then asks again finds time no earlier; other threads, and other
// stores on this one, hear nothing of it. Must not know: what a batch is. Who makes one lets time go on after whatever
// takes long.
#pragma once

#include "stave/units.h"

namespace stave::store {

class StoreClock;

class StillMoment {
 public:
  /// `clock` outlives it. One at a time on a thread, for one clock.
  explicit StillMoment(const StoreClock& clock) noexcept;
  ~StillMoment();
  StillMoment(const StillMoment&) = delete;
  StillMoment& operator=(const StillMoment&) = delete;

  /// The next who asks reads the clock. Cost: a store.
  void go_on() noexcept;

 private:
  friend class StoreClock;
  struct Here {
    const StoreClock* clock = nullptr;  ///< Whose time stands still on this thread; null: nobody's.
    UnixMs moment{0};                   ///< Zero: nobody has asked yet.
  };
  static constinit thread_local Here here;
};

}  // namespace stave::store
