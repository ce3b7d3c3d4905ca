// The slow log: the commands that took longer than a threshold, newest first, a bounded number of them. The same class
// keeps those that were large, or whose answers were: then its numbers are bytes instead of microseconds.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "stave/units.h"

namespace stave::commands {

struct SlowEntry {
  std::uint64_t id = 0;
  UnixMs at{0};
  std::int64_t microseconds = 0;
  std::vector<std::string> arguments;  ///< Shortened; what was left out is said.
  std::string client_address;
  std::string client_name;
};

/// Threads: any.
class SlowLog {
 public:
  static constexpr std::int64_t kThresholdDefaultUs = 10'000;
  /// Of the logs of large calls and answers, in bytes.
  static constexpr std::int64_t kLargeDefault = 1'048'576;

  explicit SlowLog(std::int64_t threshold = kThresholdDefaultUs) noexcept : threshold_us_(threshold) {}

  /// Microseconds from which on a command counts as slow; 0: all do, negative: none does.
  [[nodiscard]] std::int64_t threshold_us() const noexcept { return threshold_us_.load(std::memory_order_relaxed); }
  void set_threshold_us(std::int64_t us) noexcept { threshold_us_.store(us, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t capacity() const;
  void set_capacity(std::size_t entries);

  /// Gives the entry its number and keeps it.
  void add(SlowEntry entry);
  /// The newest `count`, newest first.
  [[nodiscard]] std::vector<SlowEntry> newest(std::size_t count) const;
  [[nodiscard]] std::size_t size() const;
  void clear();

  /// At most 32 arguments of at most 128 bytes each, and a remark in place of the rest.
  static std::vector<std::string> shorten(std::span<const std::string_view> arguments);

 private:
  std::atomic<std::int64_t> threshold_us_;
  mutable base::Mutex mutex_;
  std::size_t capacity_ STAVE_GUARDED_BY(mutex_) = 128;
  std::uint64_t next_id_ STAVE_GUARDED_BY(mutex_) = 0;
  std::deque<SlowEntry> entries_ STAVE_GUARDED_BY(mutex_);  ///< Newest first.
};

}  // namespace stave::commands
