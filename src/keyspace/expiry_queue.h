// Which entry of a shard is due next: a heap of deadlines, four children to a node, whose items and entries know each
// other's place.
//
// Promises: one 12-byte item per expiring entry, and never a stale one, as each change finds its item through the
// entry; nothing for entries that do not expire; no pause to grow (the heap lies in small blocks). A deadline that was
// put off in the entry alone (`Entry::set_deadline`) is noticed when the old one comes. Must not know: the table, keys,
// the time of day. Threads: one at a time, but for `next_deadline`.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "keyspace/arena.h"
#include "keyspace/deadline_hint.h"
#include "keyspace/entry.h"
#include "stave/units.h"

namespace stave::keyspace {

class ExpiryQueue {
 public:
  /// `hint`, which may be null and outlives it, hears of first deadlines that get earlier.
  explicit ExpiryQueue(DeadlineHint* hint = nullptr) noexcept : hint_(hint) {}
  ExpiryQueue(const ExpiryQueue&) = delete;
  ExpiryQueue& operator=(const ExpiryQueue&) = delete;
  /// Frees everything, for whoever no longer needs the entries.
  void release(ChunkSource& source) noexcept;

  /// Makes sure that the next `add` has room; false when there is no memory.
  [[nodiscard]] bool reserve(ChunkSource& source) noexcept;
  /// Gives back what `reserve` took, when nothing was added, and what is no longer needed.
  void trim(ChunkSource& source) noexcept;
  /// Adds an entry by its deadline, after `reserve`.
  void add(Ref ref, Arena& arena) noexcept;
  void remove(std::uint32_t slot, Arena& arena) noexcept;
  /// The entry's deadline has changed.
  void update(std::uint32_t slot, Arena& arena) noexcept;
  /// The entry lies elsewhere now.
  void moved(std::uint32_t slot, Ref ref) noexcept { item(slot).ref = ref; }

  [[nodiscard]] UnixMs next_deadline() const noexcept { return UnixMs{next_.load(std::memory_order_seq_cst)}; }
  /// Appends up to `max` keys that are due, leaving their items: who erases an entry removes its item. Detached entries
  /// are passed over.
  void collect(UnixMs now, std::size_t max, Arena& arena, std::vector<std::string>& keys);

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept;

  /// Whether the item of `slot` is that of the entry `ref`.
  [[nodiscard]] bool holds(std::uint32_t slot, Ref ref) const noexcept { return slot < size_ && item(slot).ref == ref; }
  /// Dies unless the heap is one and every item and its entry know each other. Cost: looks at every item. For tests.
  void check(const Arena& arena) const noexcept;

  void swap(ExpiryQueue& other) noexcept;

 private:
  /// 12 bytes: a deadline in two halves, so that the item needs no gap.
  struct Item {
    std::uint32_t low;
    std::uint32_t high;
    Ref ref;
    [[nodiscard]] std::int64_t deadline() const noexcept {
      return static_cast<std::int64_t>(std::uint64_t{high} << 32 | low);
    }
  };
  struct Collection;
  static constexpr std::uint32_t kItemsPerBlock = 256;
  static constexpr std::uint32_t kChildren = 4;

  [[nodiscard]] Item& item(std::uint32_t slot) const noexcept {
    return blocks_[slot / kItemsPerBlock][slot % kItemsPerBlock];
  }
  static Item make_item(UnixMs deadline, Ref ref) noexcept;
  void put(std::uint32_t slot, const Item& item, Arena& arena) noexcept;
  void sift_up(std::uint32_t slot, Item item, Arena& arena) noexcept;
  void sift_down(std::uint32_t slot, Item item, Arena& arena) noexcept;
  void settle(std::uint32_t slot, const Item& item, Arena& arena) noexcept;
  void publish() noexcept;
  [[nodiscard]] bool grow_directory(ChunkSource& source) noexcept;
  void collect_below(std::uint32_t slot, Collection& collection);

  std::atomic<std::int64_t> next_ = raw(kNoDeadline);
  DeadlineHint* const hint_;  ///< Stays where it is when contents are swapped.
  Item** blocks_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t block_count_ = 0;
  std::uint32_t directory_size_ = 0;
};

}  // namespace stave::keyspace
