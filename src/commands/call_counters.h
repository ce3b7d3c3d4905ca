// How often a session ran which command: counted by the session alone, without an atomic read-modify-write, and added
// to the statistics of all when a slot is needed for another row or when somebody asks.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/mutex.h"

namespace stave::commands {

class CallCounters {
 public:
  static constexpr std::size_t kSlots = 8;
  static constexpr std::uint64_t kSampling = 64;

  /// Counts a call of row `row`. False when the slot belongs to another row: call `evict`, then again.
  /// `sampled` says whether this call is one to be timed. Threads: the session's.
  bool count(std::size_t row, bool& sampled) noexcept {
    Slot& slot = slots_[row % kSlots];
    if (slot.row.load(std::memory_order_relaxed) != row) [[unlikely]]
      return false;
    const std::uint64_t calls = slot.calls.load(std::memory_order_relaxed);
    slot.calls.store(calls + 1, std::memory_order_relaxed);
    sampled = calls % kSampling == 0;
    return true;
  }
  /// Hands what the slot of `row` holds to `take(row, calls)` and gives the slot to `row`. Threads: the session's.
  template <class Take>
  void evict(std::size_t row, Take&& take) noexcept {
    base::ShortLock lock(mutex_);
    Slot& slot = slots_[row % kSlots];
    give(slot, take);
    slot.row.store(row, std::memory_order_relaxed);
    slot.calls.store(0, std::memory_order_relaxed);
  }
  /// Shows what was not handed over yet. Threads: any.
  template <class Show>
  void show(Show&& visit) const noexcept {
    base::ShortLock lock(mutex_);
    for (const Slot& slot : slots_) give(slot, visit);
  }

  void count_hit() noexcept { bump(hits_); }
  void count_miss() noexcept { bump(misses_); }
  void count_lookups(std::uint64_t hits, std::uint64_t misses) noexcept {
    hits_.store(hits_.load(std::memory_order_relaxed) + hits, std::memory_order_relaxed);
    misses_.store(misses_.load(std::memory_order_relaxed) + misses, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t hits() const noexcept { return hits_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t misses() const noexcept { return misses_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
  struct Slot {
    std::atomic<std::size_t> row{kNobody};
    std::atomic<std::uint64_t> calls{0};
  };
  template <class Take>
  static void give(const Slot& slot, Take&& take) {
    const std::size_t row = slot.row.load(std::memory_order_relaxed);
    if (row != kNobody) take(row, slot.calls.load(std::memory_order_relaxed));
  }
  static void bump(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  mutable base::ShortMutex mutex_;
  std::array<Slot, kSlots> slots_;
  std::atomic<std::uint64_t> hits_{0};
  std::atomic<std::uint64_t> misses_{0};
};

}  // namespace stave::commands
