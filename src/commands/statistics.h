// What the commands have done so far: calls, time, failures, by row; errors by code word. For INFO and LATENCY
// HISTOGRAM.
//
// Calls are exact. Times of fast commands are measured once in `CallCounters::kSampling` calls and scaled up; times of
// all others are measured always. Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"

namespace stave::commands {

class ClientRegistry;

/// Counts of durations by power of two: bucket i holds those below 2^i nanoseconds that bucket i - 1 does not.
struct Histogram {
  static constexpr std::size_t kBuckets = 48;
  std::array<std::uint64_t, kBuckets> counts{};

  [[nodiscard]] std::uint64_t total() const noexcept;
  /// Upper bound of the bucket in which the given share (0 to 1) of all durations is reached, in nanoseconds.
  [[nodiscard]] std::uint64_t quantile_ns(double share) const noexcept;
};

struct RowStatistics {
  std::uint64_t calls = 0;
  std::uint64_t total_ns = 0;  ///< Scaled up from what was measured.
  std::uint64_t timed_ns = 0;  ///< What was measured, as it was: of the calls in the histogram.
  std::uint64_t rejected = 0;  ///< Refused before they ran.
  std::uint64_t failed = 0;    ///< Ran and answered an error.
  Histogram histogram;         ///< Of the measured calls.
};

class CommandStatistics {
 public:
  explicit CommandStatistics(std::size_t rows);
  ~CommandStatistics();

  void add_calls(std::size_t row, std::uint64_t calls) noexcept;
  /// One measured call stands for `weight` calls.
  void add_time(std::size_t row, std::uint64_t ns, std::uint64_t weight) noexcept;
  void add_rejected(std::size_t row) noexcept;
  void add_failed(std::size_t row) noexcept;
  /// `line`: the answer; its first word is counted.
  void add_error(std::string_view line);
  void add_lookups(std::uint64_t hits, std::uint64_t misses) noexcept;

  /// All rows, by number, with what `clients` have not handed over yet.
  [[nodiscard]] std::vector<RowStatistics> rows(ClientRegistry& clients) const;
  [[nodiscard]] std::map<std::string, std::uint64_t> errors() const;
  [[nodiscard]] std::uint64_t error_count() const noexcept { return error_count_.load(std::memory_order_relaxed); }
  struct Lookups {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };
  [[nodiscard]] Lookups lookups(ClientRegistry& clients) const;
  /// Sum of all rows' calls.
  [[nodiscard]] std::uint64_t calls(ClientRegistry& clients) const;
  /// Calls of commands that write and did not fail: about how many changes were made. Back to 0 by `reset`.
  [[nodiscard]] std::uint64_t changes(ClientRegistry& clients) const;
  /// Zeroes everything, the sessions' own counts included.
  void reset(ClientRegistry& clients);

 private:
  struct Row;
  std::size_t rows_count_;
  std::unique_ptr<Row[]> rows_;
  std::atomic<std::uint64_t> hits_{0};
  std::atomic<std::uint64_t> misses_{0};
  std::atomic<std::uint64_t> error_count_{0};
  mutable base::Mutex errors_mutex_;
  std::map<std::string, std::uint64_t, std::less<>> errors_ STAVE_GUARDED_BY(errors_mutex_);
};

}  // namespace stave::commands
