// The time of a store.
//
// Promises: it never goes back, neither while the store is open nor behind anything that its log or an image speaks of.
// Must not know: what time is used for.
#pragma once

#include <atomic>
#include <cstdint>

#include "stave/clock.h"
#include "stave/units.h"

namespace stave::store {

/// Threads: any.
class StoreClock {
 public:
  /// `clock` outlives it.
  explicit StoreClock(Clock& clock) noexcept : clock_(clock) {}

  [[nodiscard]] UnixMs now() noexcept;
  /// The log or an image speaks of that moment: it is not in the future.
  void saw(UnixMs moment) noexcept;

 private:
  Clock& clock_;
  std::atomic<std::int64_t> last_ms_{0};
};

}  // namespace stave::store
