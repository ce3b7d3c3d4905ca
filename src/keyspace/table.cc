#include "keyspace/table.h"

#include <cstring>
#include <new>
#include <utility>

#include "base/assert.h"

namespace stave::keyspace {

// --- slots -----------------------------------------------------------------------------------------------------------

bool Table::insert(std::uint64_t hash, Ref ref, Arena& arena) noexcept {
  if (used_ == 0 && buckets_.load(std::memory_order_relaxed) == nullptr) {
    Bucket* const first = allocate_buckets(1, arena.source());
    if (first == nullptr) return false;
    std::memset(static_cast<void*>(first), 0, sizeof *first);
    ready_ = 1;
    count_.store(1, std::memory_order_relaxed);
    buckets_.store(first, std::memory_order_relaxed);
  }
  if (!place(*home_of(position(hash)), tag_of(hash), ref, arena)) {
    if (used_ == 0) release_buckets(arena.source());
    return false;
  }
  ++used_;
  grow_if_due(hash >> 16, arena);
  return true;
}

bool Table::place(Bucket& bucket, std::uint8_t tag, Ref ref, Arena& arena) noexcept {
  if (const unsigned empty = matches(bucket, 0); empty != 0) {
    const int i = std::countr_zero(empty);
    bucket.tags[i] = tag;
    bucket.refs[i] = ref;
    return true;
  }
  for (Ref next = bucket.overflow; next != kNoRef;) {
    Node& n = node(next, arena);
    for (std::size_t i = 0; i < kNodeSlots; ++i) {
      if (n.tags[i] != 0) continue;
      n.tags[i] = tag;
      n.refs[i] = ref;
      return true;
    }
    next = n.next;
  }
  const Ref added = arena.allocate(sizeof(Node));
  if (added == kNoRef) return false;
  Node* const n = new (arena.at(added)) Node{};
  n->tags[0] = tag;
  n->refs[0] = ref;
  n->next = bucket.overflow;
  bucket.overflow = added;
  ++nodes_;
  return true;
}

void Table::erase(const Slot& slot, Arena& arena) noexcept {
  *slot.tag = 0;
  *slot.ref = kNoRef;
  --used_;
  if (slot.home->overflow != kNoRef) pull_up(*slot.home, arena);
  if (used_ == 0) {
    release_buckets(arena.source());
  } else {
    shrink_if_due(arena);
  }
}

/// Fills an empty slot of the bucket from its overflow, and frees a node that has nothing left.
void Table::pull_up(Bucket& bucket, Arena& arena) noexcept {
  const unsigned empty = matches(bucket, 0);
  bool filled = empty == 0;
  Ref* link = &bucket.overflow;
  while (*link != kNoRef) {
    Node& n = node(*link, arena);
    bool occupied = false;
    for (std::size_t i = 0; i < kNodeSlots; ++i) {
      if (n.tags[i] == 0) continue;
      if (filled) {
        occupied = true;
        break;
      }
      const int to = std::countr_zero(empty);
      bucket.tags[to] = std::exchange(n.tags[i], std::uint8_t{0});
      bucket.refs[to] = std::exchange(n.refs[i], kNoRef);
      filled = true;
    }
    if (occupied) {
      link = &n.next;
      continue;
    }
    const Ref gone = std::exchange(*link, n.next);
    arena.release(gone, sizeof(Node));
    --nodes_;
  }
}

void Table::drop_nodes(Bucket& bucket, Arena& arena) noexcept {
  while (bucket.overflow != kNoRef) {
    const Ref gone = std::exchange(bucket.overflow, node(bucket.overflow, arena).next);
    arena.release(gone, sizeof(Node));
    --nodes_;
  }
}

// --- size ------------------------------------------------------------------------------------------------------------

Table::Bucket* Table::allocate_buckets(std::uint32_t count, ChunkSource& source) noexcept {
  std::byte* const at = count < kBucketsPerChunk ? source.allocate(count * sizeof(Bucket), alignof(Bucket))
                                                 : source.take(count / kBucketsPerChunk);
  return reinterpret_cast<Bucket*>(at);
}

/// Frees all, or for a table of chunks what is left from `first` (a multiple of a chunk) on.
void Table::free_buckets(Bucket* at, std::uint32_t first, std::uint32_t count, ChunkSource& source) noexcept {
  if (count < kBucketsPerChunk) {
    source.release(reinterpret_cast<std::byte*>(at), count * sizeof(Bucket));
  } else if (first < count) {
    source.give(reinterpret_cast<std::byte*>(at + first), (count - first) / kBucketsPerChunk);
  }
}

void Table::release_buckets(ChunkSource& source) noexcept {
  if (migrating()) finish_resize(source);
  Bucket* const buckets = buckets_.load(std::memory_order_relaxed);
  if (buckets == nullptr) return;
  const std::uint32_t count = count_.load(std::memory_order_relaxed);
  buckets_.store(nullptr, std::memory_order_relaxed);
  count_.store(0, std::memory_order_relaxed);
  ready_ = 0;
  free_buckets(buckets, 0, count, source);
}

/// A number of buckets that can be had: any below a chunk, then whole chunks.
std::uint32_t Table::whole_chunks(std::uint64_t buckets) noexcept {
  if (buckets < kBucketsPerChunk) return static_cast<std::uint32_t>(buckets);
  const std::uint64_t chunks = (buckets + kBucketsPerChunk / 2) / kBucketsPerChunk;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(chunks * kBucketsPerChunk, kBucketsMax));
}

/// Buckets of a table that is made for so many keys.
std::uint32_t Table::made_for(std::uint64_t keys) noexcept {
  const std::uint64_t buckets = keys / kLoadMade + 1;
  return whole_chunks(buckets < kBucketsPerChunk ? buckets : buckets + kBucketsPerChunk / 2 - 1);
}

void Table::reserve(std::uint64_t keys, Arena& arena) noexcept {
  const std::uint32_t count = count_.load(std::memory_order_relaxed);
  const std::uint32_t wanted = made_for(keys);
  if (migrating() || wanted <= count) return;
  if (count != 0) {
    static_cast<void>(start_resize(wanted, arena.source()));
    return;
  }
  Bucket* const fresh = allocate_buckets(wanted, arena.source());
  if (fresh == nullptr) return;
  std::memset(static_cast<void*>(fresh), 0, wanted * sizeof *fresh);
  ready_ = wanted;
  count_.store(wanted, std::memory_order_relaxed);
  buckets_.store(fresh, std::memory_order_relaxed);
}

void Table::trim(Arena& arena, const base::HashKey& key) noexcept {
  const auto finish = [&] {
    // Ends early without memory, and then goes on when keys come and go.
    for (std::uint32_t before = ~0u; migrating() && before != cursor_.load(std::memory_order_relaxed);) {
      before = cursor_.load(std::memory_order_relaxed);
      migrate_step(arena, key);
    }
  };
  finish();
  if (migrating()) return;
  const std::uint32_t wanted = made_for(used_);
  // As roomy as growth might have left it is no reason to move everything.
  if (count_.load(std::memory_order_relaxed) <= wanted + wanted / 2) return;
  if (used_ == 0) {
    release_buckets(arena.source());
  } else if (start_resize(wanted, arena.source())) {
    finish();
  }
}

/// Growth is by about a half; by how much exactly is left to chance, so that the shards of a keyspace, which
/// fill evenly, drift apart and do not all grow at once.
void Table::grow_if_due(std::uint64_t random, Arena& arena) noexcept {
  constexpr std::uint32_t kDoublingBelow = 32;
  const std::uint32_t count = count_.load(std::memory_order_relaxed);
  if (used_ <= count * kLoadMax || count >= kBucketsMax || migrating()) return;
  std::uint64_t wanted = std::uint64_t{count} * 2;
  if (count >= kDoublingBelow) wanted = count + std::uint64_t{count} * (112 + random % 33) / 256;
  const std::uint32_t rounded = std::max(whole_chunks(wanted), count + 1);
  static_cast<void>(
      start_resize(count < kBucketsPerChunk ? rounded : std::max(rounded, count + kBucketsPerChunk), arena.source()));
}

/// Not when keys come: who made room for them knows that they will be more.
void Table::shrink_if_due(Arena& arena) noexcept {
  const std::uint32_t count = count_.load(std::memory_order_relaxed);
  if (used_ >= count * kLoadMin || count <= 1 || migrating()) return;
  const std::uint64_t wanted = std::max<std::uint64_t>(used_ * 2 / (kLoadMin + kLoadMax), 1);
  if (const std::uint32_t rounded = whole_chunks(wanted); rounded < count)
    static_cast<void>(start_resize(rounded, arena.source()));
}

/// Without memory for it the table stays as it is, with longer chains, until a later mutation tries again.
bool Table::start_resize(std::uint32_t count, ChunkSource& source) noexcept {
  Bucket* const fresh = allocate_buckets(count, source);
  if (fresh == nullptr) return false;
  old_count_.store(count_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  cursor_.store(0, std::memory_order_relaxed);
  old_.store(buckets_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  count_.store(count, std::memory_order_relaxed);
  buckets_.store(fresh, std::memory_order_relaxed);
  ready_ = 0;
  return true;
}

void Table::migrate_step(Arena& arena, const base::HashKey& key) noexcept {
  const std::uint32_t old_count = old_count_.load(std::memory_order_relaxed);
  for (int i = 0; i < kBucketsPerStep; ++i) {
    const std::uint32_t index = cursor_.load(std::memory_order_relaxed);
    if (!migrate_bucket(index, arena, key)) return;
    cursor_.store(index + 1, std::memory_order_relaxed);
    if (index + 1 == old_count) {
      finish_resize(arena.source());
      return;
    }
    // The chunks behind the cursor are done with.
    if (old_count >= kBucketsPerChunk && (index + 1) % kBucketsPerChunk == 0)
      arena.source().give(
          reinterpret_cast<std::byte*>(old_.load(std::memory_order_relaxed) + (index + 1 - kBucketsPerChunk)), 1);
  }
  prefetch_migration(arena);
}

/// Moves one bucket of the old table; false when memory for an overflow node is missing, and then nothing has moved.
bool Table::migrate_bucket(std::uint32_t index, Arena& arena, const base::HashKey& key) noexcept {
  Bucket& from = old_.load(std::memory_order_relaxed)[index];
  Bucket* const buckets = buckets_.load(std::memory_order_relaxed);
  const std::uint32_t count = count_.load(std::memory_order_relaxed);
  // Positions only rise, so new buckets are emptied just ahead of the first entry: no pause to clear a whole table.
  const std::uint64_t last = start_of(std::uint64_t{index} + 1, old_count_.load(std::memory_order_relaxed)) - 1;
  const std::uint32_t needed = index_of(last, count) + 1;
  if (needed > ready_) {
    std::memset(static_cast<void*>(buckets + ready_), 0, (needed - ready_) * sizeof(Bucket));
    ready_ = needed;
  }
  const auto home = [&](Ref ref) -> Bucket& {
    return buckets[index_of(position(base::sip_hash(key, arena.entry(ref).key())), count)];
  };
  std::size_t moved = 0;
  bool short_of_memory = false;
  visit_bucket(from, arena, [&](Ref ref, std::uint8_t tag) {
    if (short_of_memory) return;
    if (place(home(ref), tag, ref, arena)) {
      ++moved;
    } else {
      short_of_memory = true;
    }
  });
  if (!short_of_memory) {
    drop_nodes(from, arena);
    return true;
  }
  visit_bucket(from, arena, [&](Ref ref, std::uint8_t tag) {
    if (moved == 0) return;
    --moved;
    Bucket& to = home(ref);
    const auto undo = [&](std::uint8_t& its_tag, Ref& its_ref) {
      if (its_tag != tag || its_ref != ref) return;
      its_tag = 0;
      its_ref = kNoRef;
    };
    for (std::size_t i = 0; i < kBucketSlots; ++i) undo(to.tags[i], to.refs[i]);
    for (Ref next = to.overflow; next != kNoRef; next = node(next, arena).next)
      for (std::size_t i = 0; i < kNodeSlots; ++i) undo(node(next, arena).tags[i], node(next, arena).refs[i]);
    pull_up(to, arena);
  });
  return false;
}

/// What the next step reads: the entries of its first bucket, and the buckets after that.
void Table::prefetch_migration(const Arena& arena) const noexcept {
  const std::uint32_t cursor = cursor_.load(std::memory_order_relaxed);
  const std::uint32_t end = old_count_.load(std::memory_order_relaxed);
  const Bucket* const old = old_.load(std::memory_order_relaxed);
  for (std::uint32_t i = cursor; i < std::min<std::uint64_t>(std::uint64_t{cursor} + kBucketsPerStep, end); ++i)
    for (std::size_t slot = 0; slot < kBucketSlots; ++slot)
      if (old[i].tags[slot] != 0) __builtin_prefetch(arena.at(old[i].refs[slot]));
  for (std::uint32_t i = cursor; i < std::min<std::uint64_t>(std::uint64_t{cursor} + kBucketsPerStep, end); ++i)
    if (i + kBucketsPerStep < end) __builtin_prefetch(old + i + kBucketsPerStep);
}

void Table::finish_resize(ChunkSource& source) noexcept {
  Bucket* const old = old_.load(std::memory_order_relaxed);
  const std::uint32_t count = old_count_.load(std::memory_order_relaxed);
  const std::uint32_t given = cursor_.load(std::memory_order_relaxed) / kBucketsPerChunk * kBucketsPerChunk;
  old_.store(nullptr, std::memory_order_relaxed);
  old_count_.store(0, std::memory_order_relaxed);
  // The last chunk is not given by a step, which ends here instead.
  const std::uint32_t first = given == count ? count - std::min(count, kBucketsPerChunk) : given;
  free_buckets(old, first, count, source);
}

std::uint64_t Table::bucket_bytes() const noexcept {
  const auto bytes = [](std::uint32_t count, std::uint32_t given) -> std::uint64_t {
    if (count == 0) return 0;
    if (count < kBucketsPerChunk) return ChunkSource::footprint(count * sizeof(Bucket));
    return std::uint64_t{count - given / kBucketsPerChunk * kBucketsPerChunk} * sizeof(Bucket);
  };
  return bytes(count_.load(std::memory_order_relaxed), 0) +
         bytes(old_count_.load(std::memory_order_relaxed), migrating() ? cursor_.load(std::memory_order_relaxed) : 0);
}

// --- scans and chance ------------------------------------------------------------------------------------------------

std::uint64_t Table::end_of_home(std::uint64_t position) const noexcept {
  const std::uint32_t count = count_.load(std::memory_order_relaxed);
  if (!migrating()) return start_of(std::uint64_t{index_of(position, count)} + 1, count);
  const std::uint32_t old_count = old_count_.load(std::memory_order_relaxed);
  const std::uint32_t cursor = cursor_.load(std::memory_order_relaxed);
  const std::uint32_t old_index = index_of(position, old_count);
  if (old_index >= cursor) return start_of(std::uint64_t{old_index} + 1, old_count);
  // A new bucket may reach beyond the cursor; what lies there is still in the old table.
  return std::min(start_of(std::uint64_t{index_of(position, count)} + 1, count), start_of(cursor, old_count));
}

Ref Table::random_ref(std::uint64_t random, const Arena& arena) const noexcept {
  if (used_ == 0) return kNoRef;
  // Throwing darts at (bucket, slot) until one hits is uniform. Slots beyond the first nodes are too rare to matter.
  constexpr int kTries = 64;
  constexpr std::size_t kSlots = kBucketSlots + kNodeSlots;
  for (int i = 0; i < kTries; ++i) {
    random = random * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull;
    const std::uint64_t dart = random ^ (random >> 29);
    const Bucket& bucket = *home_of(dart >> 32);
    const std::size_t slot = ((dart & 0xffff) * kSlots) >> 16;
    if (slot < kBucketSlots) {
      if (bucket.tags[slot] != 0) return bucket.refs[slot];
    } else if (bucket.overflow != kNoRef) {
      const Node& n = node(bucket.overflow, arena);
      if (n.tags[slot - kBucketSlots] != 0) return n.refs[slot - kBucketSlots];
    }
  }
  return kNoRef;
}

void Table::swap(Table& other) noexcept {
  const auto exchange = []<class T>(std::atomic<T>& a, std::atomic<T>& b) {
    const T value = a.load(std::memory_order_relaxed);
    a.store(b.load(std::memory_order_relaxed), std::memory_order_relaxed);
    b.store(value, std::memory_order_relaxed);
  };
  exchange(buckets_, other.buckets_);
  exchange(old_, other.old_);
  exchange(count_, other.count_);
  exchange(old_count_, other.old_count_);
  exchange(cursor_, other.cursor_);
  std::swap(ready_, other.ready_);
  std::swap(used_, other.used_);
  std::swap(nodes_, other.nodes_);
}

}  // namespace stave::keyspace
