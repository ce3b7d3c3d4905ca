// The clock as a seam: whoever passes time in can test an expiry without waiting for it.
#pragma once

#include <atomic>
#include <cstdint>

#include "stave/units.h"

namespace stave {

/// Source of time. Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time. May jump either way; a store's time does not (docs/time.md).
  virtual UnixMs wall() = 0;
  /// Nanoseconds on a clock that never goes back, for time-outs and latencies.
  virtual std::uint64_t monotonic_ns() = 0;
  /// The same, but the time that the machine slept counts: by it a store's time goes on.
  virtual std::uint64_t elapsed_ns() { return monotonic_ns(); }

  /// The system's clock. Static storage; never destroyed.
  static Clock& system();
};

/// A clock that only moves when told to.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixMs start = UnixMs{1'700'000'000'000}) : wall_ms_(raw(start)) {}
  UnixMs wall() override { return UnixMs{wall_ms_.load(std::memory_order_relaxed)}; }
  std::uint64_t monotonic_ns() override { return mono_ns_.load(std::memory_order_relaxed); }
  std::uint64_t elapsed_ns() override { return monotonic_ns() + slept_ns_.load(std::memory_order_relaxed); }
  /// Moves all clocks forward.
  void advance_ms(std::int64_t ms) {
    wall_ms_.fetch_add(ms, std::memory_order_relaxed);
    mono_ns_.fetch_add(static_cast<std::uint64_t>(ms) * 1'000'000, std::memory_order_relaxed);
  }
  /// The machine sleeps: only the monotonic clock stands still.
  void sleep_ms(std::int64_t ms) {
    wall_ms_.fetch_add(ms, std::memory_order_relaxed);
    slept_ns_.fetch_add(static_cast<std::uint64_t>(ms) * 1'000'000, std::memory_order_relaxed);
  }
  /// Moves the wall clock alone, either way, as an administrator or NTP would.
  void set_wall(UnixMs t) { wall_ms_.store(raw(t), std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> wall_ms_;
  std::atomic<std::uint64_t> mono_ns_{1};
  std::atomic<std::uint64_t> slept_ns_{0};
};

}  // namespace stave
