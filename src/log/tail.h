// The tail of the log in memory: a ring buffer that many threads fill at once, without a lock.
//
// A writer claims a slot and leaves in it the tail it saw, reserves its range by moving the tail, encodes in
// place and clears the slot. Everything before min(tail, slots) is complete, and that is always the end of a batch.
// The ring holds what lies between `released` and the tail.
// The tail moves by compare-and-swap, not by fetch-and-add, because a reservation must not happen at all when
// the disk has no room prepared for it: who was admitted is never refused later.
// Must not know: files, records.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/assert.h"
#include "base/ring_memory.h"

namespace stave::log {

/// What a batch is for. Who stands later in this list may use room that those before may not.
enum class Use : std::uint8_t {
  kWrite,     ///< Takes room and gives none.
  kRelocate,  ///< What is alive is written again, so that a segment can go.
  kRemove,    ///< Makes garbage: deletes, expiries, flushes.
  kTrim,      ///< Lets segments go at once.
};
inline constexpr std::size_t kUses = 4;

class Tail {
 public:
  Tail(base::RingMemory memory, std::uint64_t start) noexcept;

  /// For each use, where the last of its batches has to end.
  using Limits = std::array<std::uint64_t, kUses>;

  struct Reservation {
    std::uint64_t start;
    std::size_t slot;
  };

  /// Reserves `size` bytes (not more than the ring), unless they would end behind the limit or need ring space that has
  /// not been written yet. Every reservation is followed by `publish`. Threads: any.
  std::optional<Reservation> try_reserve(std::uint64_t size, Use use = Use::kWrite) noexcept;
  /// The reserved bytes are complete.
  void publish(const Reservation& reservation) noexcept;
  /// Where `position` lies in memory; at least capacity() bytes from there on are contiguous.
  [[nodiscard]] std::byte* at(std::uint64_t position) const noexcept { return memory_.data() + (position & mask_); }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return memory_.size(); }

  [[nodiscard]] std::uint64_t end() const noexcept { return tail_.load(std::memory_order_acquire); }
  /// Everything before it is complete.
  [[nodiscard]] std::uint64_t complete() const noexcept;
  /// Waits, spinning, until everything before `position` (not behind end()) is complete; returns complete().
  [[nodiscard]] std::uint64_t wait_complete(std::uint64_t position) const noexcept;

  [[nodiscard]] std::uint64_t released() const noexcept { return released_.load(std::memory_order_acquire); }
  /// The ring's bytes before `position` may be overwritten. The flusher only.
  void release(std::uint64_t position) noexcept;

  [[nodiscard]] std::uint64_t limit(Use use = Use::kWrite) const noexcept {
    return limits_[static_cast<std::size_t>(use)].load(std::memory_order_relaxed);
  }
  /// No reservation ends behind the limit of its use; they rise in the order of the uses.
  void set_limits(const Limits& limits) noexcept {
    for (std::size_t use = 0; use < kUses; ++use) {
      STAVE_ASSERT(use == 0 || limits[use - 1] <= limits[use]);
      limits_[use].store(limits[use], std::memory_order_seq_cst);
    }
  }
  void set_limit(std::uint64_t limit) noexcept { set_limits({limit, limit, limit, limit}); }
  /// Returns when every writer that may not have seen the limit set before this call has published.
  void wait_for_writers() const noexcept;
  /// Moves the tail past what does not go through the ring, which is empty. The flusher only, with the limit at zero
  /// and no writers.
  void skip_to(std::uint64_t position) noexcept;

 private:
  static constexpr std::size_t kSlots = 64;
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> seen{0};
  };

  std::size_t claim(std::uint64_t seen) noexcept;

  base::RingMemory memory_;
  std::uint64_t mask_;
  alignas(64) std::atomic<std::uint64_t> tail_;
  alignas(64) std::array<std::atomic<std::uint64_t>, kUses> limits_{};
  std::atomic<std::uint64_t> released_;
  std::array<Slot, kSlots> slots_;
};

}  // namespace stave::log
