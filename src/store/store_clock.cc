#include "store/store_clock.h"

#include <algorithm>

namespace stave::store {

UnixMs StoreClock::now() noexcept {
  const std::int64_t wall = raw(clock_.wall());
  std::int64_t last = last_ms_.load(std::memory_order_relaxed);
  while (wall > last && !last_ms_.compare_exchange_weak(last, wall, std::memory_order_relaxed)) {
  }
  return UnixMs{std::max(wall, last)};
}

void StoreClock::saw(UnixMs moment) noexcept {
  if (raw(moment) > last_ms_.load(std::memory_order_relaxed)) last_ms_.store(raw(moment), std::memory_order_relaxed);
}

}  // namespace stave::store
