// The hash table of one shard: cache-line buckets of one-byte tags beside 32-bit references to entries.
//
// Promises: a lookup reads one bucket, and rarely a small overflow node, before it reads an entry; the table grows and
// shrinks bucket by bucket (`migrate`), a lookup knowing which of the two tables to ask; buckets stand in the order of
// the high 32 bits of the hash, at every size, which is what scans count in.
// Must not know: values, expiries, locks. Threads: one at a time, but for `prefetch_bucket` and `size`.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/bytes.h"
#include "base/hash.h"
#include "keyspace/arena.h"
#include "keyspace/entry.h"

namespace stave::keyspace {

class Table {
 public:
  static constexpr std::size_t kBucketSlots = 12;
  static constexpr std::size_t kNodeSlots = 5;

  struct alignas(64) Bucket {
    std::uint8_t tags[kBucketSlots];  ///< Low byte of the hash; 0: the slot is empty.
    Ref overflow;                     ///< First node of what does not fit.
    Ref refs[kBucketSlots];
  };
  /// Overflow, in a slot of the arena.
  struct alignas(32) Node {
    std::uint8_t tags[kNodeSlots];
    std::uint8_t unused[3];
    Ref next;
    Ref refs[kNodeSlots];
  };
  static_assert(sizeof(Bucket) == 64 && sizeof(Node) == 32);

  /// Where a reference stands. Valid until the table changes.
  struct Slot {
    Bucket* home = nullptr;
    std::uint8_t* tag = nullptr;
    Ref* ref = nullptr;
    explicit operator bool() const noexcept { return ref != nullptr; }
  };

  Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  /// Frees the buckets; overflow nodes go with the arena.
  void release_buckets(ChunkSource& source) noexcept;

  /// The first slot with the tag of `hash`, in its home bucket, that `match(Ref)` accepts.
  template <class Match>
  Slot find(std::uint64_t hash, const Arena& arena, Match&& match) const noexcept;
  /// False when there is no memory; then nothing changed.
  [[nodiscard]] bool insert(std::uint64_t hash, Ref ref, Arena& arena) noexcept;
  void erase(const Slot& slot, Arena& arena) noexcept;

  /// Goes on with a change of size, a few buckets; to be called by every mutation. Ends early when memory is short.
  void migrate(Arena& arena, const base::HashKey& key) noexcept {
    if (old_.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      migrate_step(arena, key);
  }
  [[nodiscard]] bool migrating() const noexcept { return old_.load(std::memory_order_relaxed) != nullptr; }
  /// Whether the next key that comes makes the table grow, and nobody has made room yet.
  [[nodiscard]] bool full() const noexcept {
    return used_ >= count_.load(std::memory_order_relaxed) * kLoadMax && !migrating();
  }
  /// Makes room for `keys` in one go, for who knows how many will come; what is there moves over step by step as ever.
  /// Nothing happens when there is room already, when the table is changing its size, or without memory.
  void reserve(std::uint64_t keys, Arena& arena) noexcept;
  /// Gives back, at once, the room for keys that were expected and did not come. Cost: that of moving every key.
  void trim(Arena& arena, const base::HashKey& key) noexcept;

  /// As Shard::scan; `visit(Ref)`.
  template <class Visit>
  std::uint64_t scan(std::uint64_t from, std::size_t count, const Arena& arena, Visit&& visit) const;
  /// Calls `visit(Ref)` for everything.
  template <class Visit>
  void for_each(const Arena& arena, Visit&& visit) const {
    for (std::uint64_t at = 0; at < kPositions;) at = scan(at, ~std::size_t{0}, arena, visit);
  }
  /// A slot chosen by `random`, nearly uniformly; kNoRef when a few tries found none.
  [[nodiscard]] Ref random_ref(std::uint64_t random, const Arena& arena) const noexcept;

  void prefetch_bucket(std::uint64_t hash) const noexcept;
  void prefetch_entry(std::uint64_t hash, const Arena& arena) const noexcept;

  /// Slots in use, those of detached entries included.
  [[nodiscard]] std::uint64_t used() const noexcept { return used_; }
  /// Bytes of buckets, rounding included, and of overflow nodes.
  [[nodiscard]] std::uint64_t bucket_bytes() const noexcept;
  [[nodiscard]] std::uint64_t node_bytes() const noexcept { return nodes_ * sizeof(Node); }

  void swap(Table& other) noexcept;

 private:
  static constexpr std::uint64_t kPositions = std::uint64_t{1} << 32;
  static constexpr std::uint32_t kBucketsPerChunk = ChunkSource::kChunkBytes / sizeof(Bucket);
  static constexpr std::uint32_t kBucketsMax = std::uint32_t{1} << 31;
  /// Mean slots per bucket at which the table grows, and under which it shrinks.
  static constexpr std::uint64_t kLoadMax = 13;
  static constexpr std::uint64_t kLoadMin = 3;
  /// Mean slots per bucket of a table that was made for its keys: the middle of what growth leaves behind.
  static constexpr std::uint64_t kLoadMade = 11;
  static constexpr int kBucketsPerStep = 2;

  static std::uint64_t position(std::uint64_t hash) noexcept { return hash >> 32; }
  static std::uint8_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint8_t>(hash);
    return tag == 0 ? 1 : tag;
  }
  /// The bucket, out of `count`, of a position.
  static std::uint32_t index_of(std::uint64_t position, std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>((position * count) >> 32);
  }
  /// The first position of a bucket.
  static std::uint64_t start_of(std::uint64_t index, std::uint32_t count) noexcept {
    return ((index << 32) + count - 1) / count;
  }
  /// A bit for each slot with that tag.
  static unsigned matches(const Bucket& bucket, std::uint8_t tag) noexcept;

  /// The bucket where a position belongs now, and the first position beyond what it holds.
  [[nodiscard]] Bucket* home_of(std::uint64_t position) const noexcept;
  [[nodiscard]] std::uint64_t end_of_home(std::uint64_t position) const noexcept;
  [[nodiscard]] static Node& node(Ref ref, const Arena& arena) noexcept {
    return *reinterpret_cast<Node*>(arena.at(ref));
  }
  template <class Visit>
  static void visit_bucket(const Bucket& bucket, const Arena& arena, Visit&& visit);

  [[nodiscard]] bool place(Bucket& bucket, std::uint8_t tag, Ref ref, Arena& arena) noexcept;
  void pull_up(Bucket& bucket, Arena& arena) noexcept;
  void drop_nodes(Bucket& bucket, Arena& arena) noexcept;

  void grow_if_due(std::uint64_t random, Arena& arena) noexcept;
  void shrink_if_due(Arena& arena) noexcept;
  static std::uint32_t whole_chunks(std::uint64_t buckets) noexcept;
  static std::uint32_t made_for(std::uint64_t keys) noexcept;
  bool start_resize(std::uint32_t count, ChunkSource& source) noexcept;
  void migrate_step(Arena& arena, const base::HashKey& key) noexcept;
  [[nodiscard]] bool migrate_bucket(std::uint32_t index, Arena& arena, const base::HashKey& key) noexcept;
  void prefetch_migration(const Arena& arena) const noexcept;
  void finish_resize(ChunkSource& source) noexcept;
  static Bucket* allocate_buckets(std::uint32_t count, ChunkSource& source) noexcept;
  static void free_buckets(Bucket* at, std::uint32_t first, std::uint32_t count, ChunkSource& source) noexcept;

  // Written under the shard's lock; read without it by prefetch_bucket, to which a mixture of old and new does no harm.
  std::atomic<Bucket*> buckets_ = nullptr;
  std::atomic<Bucket*> old_ = nullptr;  ///< While migrating: the table whose buckets from cursor_ on are still in use.
  std::atomic<std::uint32_t> count_ = 0;
  std::atomic<std::uint32_t> old_count_ = 0;
  std::atomic<std::uint32_t> cursor_ = 0;
  std::uint32_t ready_ = 0;  ///< Buckets of buckets_ that were emptied; the rest is raw while migrating.
  std::uint64_t used_ = 0;
  std::uint64_t nodes_ = 0;
};

// --- inline ----------------------------------------------------------------------------------------------------------

inline unsigned Table::matches(const Bucket& bucket, std::uint8_t tag) noexcept {
#if defined(__SSE2__)
  const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(&bucket));
  const __m128i wanted = _mm_set1_epi8(static_cast<char>(tag));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(tags, wanted))) & 0xfffu;
#else
  unsigned found = 0;
  for (std::size_t i = 0; i < kBucketSlots; ++i) found |= static_cast<unsigned>(bucket.tags[i] == tag) << i;
  return found;
#endif
}

inline Table::Bucket* Table::home_of(std::uint64_t position) const noexcept {
  if (Bucket* const old = old_.load(std::memory_order_relaxed); old != nullptr) [[unlikely]] {
    const std::uint32_t index = index_of(position, old_count_.load(std::memory_order_relaxed));
    if (index >= cursor_.load(std::memory_order_relaxed)) return old + index;
  }
  return buckets_.load(std::memory_order_relaxed) + index_of(position, count_.load(std::memory_order_relaxed));
}

template <class Match>
Table::Slot Table::find(std::uint64_t hash, const Arena& arena, Match&& match) const noexcept {
  if (used_ == 0) return {};
  Bucket* const home = home_of(position(hash));
  const std::uint8_t tag = tag_of(hash);
  for (unsigned found = matches(*home, tag); found != 0; found &= found - 1) {
    const int i = std::countr_zero(found);
    if (match(home->refs[i])) return {home, &home->tags[i], &home->refs[i]};
  }
  for (Ref next = home->overflow; next != kNoRef;) {
    Node& n = node(next, arena);
    for (std::size_t i = 0; i < kNodeSlots; ++i)
      if (n.tags[i] == tag && match(n.refs[i])) return {home, &n.tags[i], &n.refs[i]};
    next = n.next;
  }
  return {};
}

template <class Visit>
void Table::visit_bucket(const Bucket& bucket, const Arena& arena, Visit&& visit) {
  for (std::size_t i = 0; i < kBucketSlots; ++i)
    if (bucket.tags[i] != 0) visit(bucket.refs[i], bucket.tags[i]);
  for (Ref next = bucket.overflow; next != kNoRef;) {
    const Node& n = node(next, arena);
    for (std::size_t i = 0; i < kNodeSlots; ++i)
      if (n.tags[i] != 0) visit(n.refs[i], n.tags[i]);
    next = n.next;
  }
}

template <class Visit>
std::uint64_t Table::scan(std::uint64_t from, std::size_t count, const Arena& arena, Visit&& visit) const {
  if (used_ == 0) return kPositions;
  std::size_t seen = 0;
  while (from < kPositions) {
    const Bucket& bucket = *home_of(from);
    visit_bucket(bucket, arena, [&](Ref ref, std::uint8_t) { __builtin_prefetch(arena.at(ref)); });
    visit_bucket(bucket, arena, [&](Ref ref, std::uint8_t) {
      ++seen;
      visit(ref);
    });
    from = end_of_home(from);
    if (seen >= count) break;
  }
  return from;
}

/// Only computes an address: the table may be freed by somebody else at any time.
inline void Table::prefetch_bucket(std::uint64_t hash) const noexcept {
  const Bucket* base = buckets_.load(std::memory_order_relaxed);
  std::uint32_t index = index_of(position(hash), count_.load(std::memory_order_relaxed));
  if (const Bucket* const old = old_.load(std::memory_order_relaxed); old != nullptr) [[unlikely]] {
    const std::uint32_t old_index = index_of(position(hash), old_count_.load(std::memory_order_relaxed));
    if (old_index >= cursor_.load(std::memory_order_relaxed)) {
      base = old;
      index = old_index;
    }
  }
  const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(base) + std::uintptr_t{index} * sizeof(Bucket);
  __builtin_prefetch(reinterpret_cast<const void*>(at));
}

inline void Table::prefetch_entry(std::uint64_t hash, const Arena& arena) const noexcept {
  if (used_ == 0) return;
  const Bucket* const home = home_of(position(hash));
  unsigned found = matches(*home, tag_of(hash));
  if (found == 0 && home->overflow != kNoRef) __builtin_prefetch(arena.at(home->overflow));
  for (; found != 0; found &= found - 1) {
    const std::byte* const at = arena.at(home->refs[std::countr_zero(found)]);
    __builtin_prefetch(at);
    __builtin_prefetch(at + 64);
  }
}

}  // namespace stave::keyspace
