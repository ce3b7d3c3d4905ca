#include "commands/latency_monitor.h"

#include <algorithm>

#include "base/assert.h"

namespace stave::commands {

void LatencyMonitor::add(std::string_view event, std::uint64_t duration_ns, UnixMs now) {
  const auto ms = static_cast<std::int64_t>(duration_ns / 1'000'000);
  const std::int64_t threshold = threshold_ms();
  if (threshold == 0 || ms < threshold) return;
  const LatencySample sample{.unix_seconds = raw(now) / 1000, .milliseconds = ms};
  base::MutexLock lock(mutex_);
  auto found = events_.find(event);
  if (found == events_.end()) {
    found = events_.emplace(event, LatencyEvent{.name = std::string(event), .worst_ms = 0, .samples = {}}).first;
  }
  LatencyEvent& kept = found->second;
  kept.worst_ms = std::max(kept.worst_ms, ms);
  if (!kept.samples.empty() && kept.samples.back().unix_seconds == sample.unix_seconds) {
    kept.samples.back().milliseconds = std::max(kept.samples.back().milliseconds, ms);
    return;
  }
  if (kept.samples.size() == kSamplesMax) kept.samples.erase(kept.samples.begin());
  kept.samples.push_back(sample);
  STAVE_ASSERT(kept.samples.size() <= kSamplesMax && kept.worst_ms >= ms);
}

std::vector<LatencyEvent> LatencyMonitor::events() const {
  base::MutexLock lock(mutex_);
  std::vector<LatencyEvent> all;
  all.reserve(events_.size());
  for (const auto& [name, event] : events_) all.push_back(event);
  return all;
}

std::size_t LatencyMonitor::reset(std::string_view event) {
  base::MutexLock lock(mutex_);
  if (event.empty()) {
    const std::size_t count = events_.size();
    events_.clear();
    return count;
  }
  const auto found = events_.find(event);
  if (found == events_.end()) return 0;
  events_.erase(found);
  return 1;
}

}  // namespace stave::commands
