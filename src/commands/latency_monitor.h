// Latency events: for each kind of event that took longer than a threshold, the newest samples. Off until a threshold
// is set.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "stave/units.h"

namespace stave::commands {

struct LatencySample {
  std::int64_t unix_seconds = 0;
  std::int64_t milliseconds = 0;
};

struct LatencyEvent {
  std::string name;
  std::int64_t worst_ms = 0;
  std::vector<LatencySample> samples;  ///< Oldest first; never empty.
};

/// Threads: any.
class LatencyMonitor {
 public:
  static constexpr std::size_t kSamplesMax = 160;

  /// Milliseconds from which on an event is kept; 0: none is.
  [[nodiscard]] std::int64_t threshold_ms() const noexcept { return threshold_ms_.load(std::memory_order_relaxed); }
  void set_threshold_ms(std::int64_t ms) noexcept { threshold_ms_.store(ms, std::memory_order_relaxed); }
  /// Keeps the event if it is over the threshold. Several in one second are one sample, the worst.
  void add(std::string_view event, std::uint64_t duration_ns, UnixMs now);
  [[nodiscard]] std::vector<LatencyEvent> events() const;
  /// Forgets one kind of event, or all when the name is empty; returns how many kinds.
  std::size_t reset(std::string_view event);

 private:
  std::atomic<std::int64_t> threshold_ms_{0};
  mutable base::Mutex mutex_;
  std::map<std::string, LatencyEvent, std::less<>> events_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::commands
