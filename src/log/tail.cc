#include "log/tail.h"

#include <algorithm>
#include <bit>
#include <thread>
#include <utility>

#include "base/assert.h"

namespace stave::log {

Tail::Tail(base::RingMemory memory, std::uint64_t start) noexcept
    : memory_(std::move(memory)), mask_(memory_.size() - 1), tail_(start), released_(start) {
  STAVE_ASSERT(std::has_single_bit(memory_.size()));
  // A slot that holds zero is free.
  STAVE_ASSERT(start != 0);
}

std::size_t Tail::claim(std::uint64_t seen) noexcept {
  // Threads' ids are addresses; their middle bits, stirred, spread them over the slots.
  static_assert(sizeof(std::thread::id) == sizeof(std::uint64_t));
  const auto id = std::bit_cast<std::uint64_t>(std::this_thread::get_id());
  std::size_t slot = (id * 0x9e3779b97f4a7c15ull) >> 58;
  for (std::size_t tried = 1;; ++tried) {
    std::uint64_t free = 0;
    // Sequentially consistent, like the loads and stores it is paired with: see complete() and wait_for_writers().
    if (slots_[slot].seen.compare_exchange_strong(free, seen, std::memory_order_seq_cst)) return slot;
    slot = (slot + 1) % kSlots;
    if (tried % kSlots == 0) std::this_thread::yield();
  }
}

std::optional<Tail::Reservation> Tail::try_reserve(std::uint64_t size, Use use) noexcept {
  STAVE_ASSERT(size != 0 && size <= capacity());
  const auto& limit = limits_[static_cast<std::size_t>(use)];
  std::uint64_t start = tail_.load(std::memory_order_relaxed);
  // The slot holds a tail not later than the reservation that follows, which is all that complete() needs.
  const Reservation refused{0, claim(start)};
  for (;;) {
    const std::uint64_t end = start + size;
    // Read after the claim: whoever lowers the limit and then finds this slot empty knows that it was seen.
    if (end > limit.load(std::memory_order_seq_cst) || end > released_.load(std::memory_order_acquire) + capacity())
        [[unlikely]] {
      publish(refused);
      return std::nullopt;
    }
    if (tail_.compare_exchange_weak(start, end, std::memory_order_seq_cst)) return Reservation{start, refused.slot};
  }
}

void Tail::publish(const Reservation& reservation) noexcept {
  std::atomic<std::uint64_t>& seen = slots_[reservation.slot].seen;
  STAVE_ASSERT(seen.load(std::memory_order_relaxed) != 0);
  seen.store(0, std::memory_order_release);
}

void Tail::release(std::uint64_t position) noexcept {
  STAVE_ASSERT(position >= released_.load(std::memory_order_relaxed));
  STAVE_ASSERT(position <= tail_.load(std::memory_order_relaxed));
  released_.store(position, std::memory_order_release);
}

std::uint64_t Tail::complete() const noexcept {
  // A writer stores its slot before it moves the tail. So whoever moved the tail before this load is still in
  // its slot, or has published.
  std::uint64_t safe = tail_.load(std::memory_order_seq_cst);
  for (const Slot& slot : slots_) {
    const std::uint64_t seen = slot.seen.load(std::memory_order_seq_cst);
    if (seen != 0) safe = std::min(safe, seen);
  }
  return safe;
}

std::uint64_t Tail::wait_complete(std::uint64_t position) const noexcept {
  for (int spin = 0;; ++spin) {
    const std::uint64_t safe = complete();
    if (safe >= position) return safe;
    // Encoding takes some hundred nanoseconds, unless its thread was put to sleep in the middle.
    if (spin >= 16) std::this_thread::yield();
  }
}

void Tail::wait_for_writers() const noexcept {
  for (const Slot& slot : slots_) {
    const std::uint64_t first = slot.seen.load(std::memory_order_seq_cst);
    if (first == 0) continue;
    while (slot.seen.load(std::memory_order_seq_cst) == first) std::this_thread::yield();
  }
}

void Tail::skip_to(std::uint64_t position) noexcept {
  STAVE_ASSERT(limit(Use::kTrim) == 0);
  STAVE_ASSERT(released_.load(std::memory_order_relaxed) == tail_.load(std::memory_order_relaxed));
  STAVE_ASSERT(position > tail_.load(std::memory_order_relaxed));
  tail_.store(position, std::memory_order_seq_cst);
  released_.store(position, std::memory_order_release);
}

}  // namespace stave::log
