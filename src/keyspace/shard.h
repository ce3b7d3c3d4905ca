// One shard of the index: a hash table of entries, their expiries and the memory they lie in, under one short lock.
//
// Promises: a lookup that misses costs one cache line, one that hits two; growth and shrinking go a step at a time
// (no call ever moves more than a few buckets); `scan` returns every entry that is there from its first call to its
// last; a failed allocation changes nothing; memory() adds up to what the shard really holds. Must not know: the log,
// records, commands, time (a `now` is passed in where it matters).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/edit.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "keyspace/arena.h"
#include "keyspace/block.h"
#include "keyspace/entry.h"
#include "keyspace/expiry_queue.h"
#include "keyspace/table.h"
#include "stave/error.h"
#include "stave/units.h"

namespace stave::keyspace {

/// What a new entry is made of.
struct EntrySpec {
  ValueType type = ValueType::kString;
  std::string_view value;
  /// Of a large value that lies in a block already: the entry takes a share of it instead of a copy. Its bytes are
  /// `value`, Block::kBytesMin at least.
  const Block* block = nullptr;
  Expiry expiry{};
  Lsn address = kNoLsn;
  /// Where the record was written first, when the cleaner has moved it since; kNoLsn: the address.
  Lsn version = kNoLsn;
  /// The value is in the log only; `value` is empty and this is its length.
  bool spilled = false;
  std::size_t spilled_size = 0;
  bool delta = false;    ///< See Entry::delta; then `version` is later than `address`.
  unsigned patches = 0;  ///< See Entry::patches; then `delta`.
  unsigned heat = 0;
};

/// An entry that left the table but keeps its memory, so that a transaction can bring it back.
/// Handed to exactly one of `restore` or `discard`.
struct Detached {
  Ref ref = kNoRef;
  std::uint64_t hash = 0;
  [[nodiscard]] bool empty() const noexcept { return ref == kNoRef; }
};

/// Bytes by purpose. All include the allocator's rounding.
struct MemoryUse {
  std::uint64_t keys = 0;      ///< Number of entries.
  std::uint64_t expiring = 0;  ///< Of these, how many have an expiry.
  std::uint64_t spilled = 0;   ///< Of these, how many have their value in the log only.
  std::uint64_t data = 0;      ///< Bytes of all keys and values, spilled ones included.
  std::uint64_t entries = 0;   ///< Bytes of live entries, large values included.
  std::uint64_t slack = 0;     ///< Bytes the arena holds beyond live entries.
  std::uint64_t table = 0;     ///< Bytes of buckets.
  std::uint64_t expiries = 0;  ///< Bytes of the expiry queue.
  [[nodiscard]] std::uint64_t total() const noexcept { return entries + slack + table + expiries; }
  MemoryUse& operator+=(const MemoryUse& other) noexcept;
};

class alignas(64) Shard {
 public:
  /// `key` hashes every key of the keyspace (the table needs it when it grows). `hint`, if there is one, hears when the
  /// first deadline gets earlier. All outlive the shard.
  Shard(const base::HashKey& key, ChunkSource& chunks, DeadlineHint* hint = nullptr) noexcept
      : arena_(chunks), expiries_(hint), key_(&key) {}
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  base::ShortMutex& mutex() STAVE_RETURN_CAPABILITY(mutex_) { return mutex_; }

  /// Brings the bucket of `hash` towards the cache. Needs no lock and may be late or wrong; it never faults.
  void prefetch_bucket(std::uint64_t hash) const noexcept { table_.prefetch_bucket(hash); }
  /// Brings the entries that may match towards the cache.
  void prefetch_entry(std::uint64_t hash) const noexcept STAVE_REQUIRES(mutex_) { table_.prefetch_entry(hash, arena_); }

  /// The entry of `key`, or a null Entry. Expired entries are returned like any other: callers ask `expiry()`.
  /// The Entry is valid until the next call that adds or changes an entry of this shard.
  Entry find(std::uint64_t hash, std::string_view key) const noexcept STAVE_REQUIRES(mutex_);

  /// Inserts the key or replaces what it holds, in place where it fits. Errors: kNoMemory (nothing changed); impossible
  /// when the key holds a value of just this size, less than Block::kBytesMin, and an expiry of the same kind (none,
  /// fixed, sliding).
  /// `key` and `spec.value` must not lie in the entry that is replaced.
  Result<Entry> put(std::uint64_t hash, std::string_view key, const EntrySpec& spec) STAVE_REQUIRES(mutex_);
  /// Whether `spec` can be written over the entry, a resident string, where it lies: then `write_over` cannot fail.
  [[nodiscard]] bool fits_over(Entry entry, const EntrySpec& spec) const noexcept STAVE_REQUIRES(mutex_);
  void write_over(Entry entry, std::string_view key, const EntrySpec& spec) STAVE_REQUIRES(mutex_);
  /// Whether these edits of its value can be made to the entry where it lies: a resident one whose value, if it lies
  /// out of line, keeps its size. Then `edit` cannot fail, nor can what takes the edits back.
  [[nodiscard]] static bool edits_fit(Entry entry, base::Edits edits) noexcept;
  /// Nothing but the value changes.
  void edit(Entry entry, base::Edits edits) STAVE_REQUIRES(mutex_);
  /// As `exchange`, for edits that do not fit, of a resident entry without expiry; both values are smaller than
  /// Block::kBytesMin.
  Result<Entry> exchange_edited(std::uint64_t hash, Entry entry, base::Edits edits, Detached& previous)
      STAVE_REQUIRES(mutex_);
  /// Like `put`, but what the key held is handed out (empty when it held nothing).
  Result<Entry> exchange(std::uint64_t hash, std::string_view key, const EntrySpec& spec, Detached& previous)
      STAVE_REQUIRES(mutex_);
  /// Removes the key; false when it is not there.
  bool erase(std::uint64_t hash, std::string_view key) STAVE_REQUIRES(mutex_);
  /// Removes the key, keeping its memory for `restore`; empty when it is not there.
  Detached detach(std::uint64_t hash, std::string_view key) STAVE_REQUIRES(mutex_);
  /// Puts a detached entry back, in place of whatever its key holds now. Never fails: it kept its slot all the time.
  void restore(std::uint64_t hash, Detached previous) STAVE_REQUIRES(mutex_);
  /// Frees a detached entry for good.
  void discard(Detached previous) STAVE_REQUIRES(mutex_);
  /// The detached entry, to look at.
  Entry view(const Detached& detached) const noexcept STAVE_REQUIRES(mutex_);

  /// Replaces the expiry (never() removes it). May move the entry: use the returned one. Errors: kNoMemory.
  Result<Entry> set_expiry(std::uint64_t hash, Entry entry, Expiry expiry) STAVE_REQUIRES(mutex_);

  /// Puts an entry where there is none of that key, which is not checked: an image being loaded. False: no memory.
  [[nodiscard]] bool load(std::uint64_t hash, std::string_view key, const EntrySpec& spec) STAVE_REQUIRES(mutex_) {
    table_.migrate(arena_, *key_);
    const Ref ref = insert(hash, key, spec);
    if (ref == kNoRef) return false;
    Entry entry = arena_.entry(ref);
    entry.set_delta(spec.delta);
    entry.set_patches(spec.patches);
    entry.set_heat(spec.heat);
    STAVE_ASSERT(entry.consistent());
    return true;
  }
  /// Makes room for `keys` keys in all, for who knows how many will come: the index then need not grow on the way
  /// there. Without memory for that it grows step by step as ever.
  void reserve(std::uint64_t keys) STAVE_REQUIRES(mutex_) { table_.reserve(keys, arena_); }
  /// Whether the next new key makes the index grow.
  [[nodiscard]] bool full() const STAVE_REQUIRES(mutex_) { return table_.full(); }
  /// Gives back what was reserved for keys that did not come. Cost: up to that of inserting every key again.
  void trim() STAVE_REQUIRES(mutex_) { table_.trim(arena_, *key_); }
  /// Takes the value out of memory; its record must be in the log, written. False (nothing changed) when that would
  /// save nothing or there is no memory for the smaller entry. `entry` and views of it end.
  bool spill(std::uint64_t hash, Entry entry) STAVE_REQUIRES(mutex_);
  /// Puts the value back beside a spilled entry's key. A null Entry, and nothing changed, when there is no memory.
  /// `block`: as in EntrySpec.
  Entry fill(std::uint64_t hash, Entry entry, std::string_view value, const Block* block = nullptr)
      STAVE_REQUIRES(mutex_);
  /// Moves the entry out of a page that is mostly empty, and a large value likewise, so that the page may empty. False
  /// when all stays.
  bool tidy(std::uint64_t hash, Entry entry) STAVE_REQUIRES(mutex_);

  /// Earliest deadline in this shard; kNoDeadline when nothing expires. It may be early (a key was overwritten), never
  /// late. Threads: any, without the lock; sequentially consistent.
  [[nodiscard]] UnixMs next_deadline() const noexcept { return expiries_.next_deadline(); }
  /// Appends up to `max` keys whose expiry has passed at `now` to `keys`; the caller logs and erases them.
  void collect_due(UnixMs now, std::size_t max, std::vector<std::string>& keys) STAVE_REQUIRES(mutex_);

  /// Visits at least one bucket from hash position `from` on, until about `count` entries were seen; returns the
  /// position to go on from, or kScanEnd. Positions survive growth, shrinking and swaps. An entry may be seen twice,
  /// one that stays is never missed. `visit` must not change the shard.
  static constexpr std::uint64_t kScanEnd = std::uint64_t{1} << 32;
  template <class Visit>
  std::uint64_t scan(std::uint64_t from, std::size_t count, Visit&& visit) const STAVE_REQUIRES(mutex_) {
    return table_.scan(from, count, arena_, [&](Ref ref) {
      if (const Entry entry = arena_.entry(ref); !entry.detached()) visit(entry);
    });
  }

  /// A random entry, near enough to uniform; null when the shard is empty. `random` is 64 random bits.
  Entry random_entry(std::uint64_t random) const noexcept STAVE_REQUIRES(mutex_);

  /// Number of entries. Threads: any, without the lock. Who sees what a change made of it also sees what its thread did
  /// before that change.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_.load(std::memory_order_acquire); }
  /// Number of entries whose value is in the log only. As `size`.
  [[nodiscard]] std::uint64_t spilled() const noexcept { return spilled_.load(std::memory_order_relaxed); }
  /// Bytes of keys and values, spilled ones included. As `size`.
  [[nodiscard]] std::uint64_t data_bytes() const noexcept { return data_.load(std::memory_order_relaxed); }
  [[nodiscard]] MemoryUse memory() const STAVE_REQUIRES(mutex_);

  /// Dies unless everything that the shard counts is there, and each of its parts knows the others' places. Cost: looks
  /// at every entry. For tests.
  void check() const STAVE_REQUIRES(mutex_);

  /// Where the newest removal of any key of this shard ends in the log: a reader who finds nothing waits for it.
  [[nodiscard]] Lsn removal_mark() const noexcept STAVE_REQUIRES(mutex_) { return removal_mark_; }
  void set_removal_mark(Lsn end) noexcept STAVE_REQUIRES(mutex_) {
    STAVE_ASSERT(end >= removal_mark_);  // a transaction may remove several keys
    removal_mark_ = end;
  }

  /// Empties the shard and hands its memory out; freeing it (slow when there are many large values) is the caller's,
  /// without the lock. Null when there is not even memory for that: then it was freed here.
  [[nodiscard]] std::unique_ptr<Shard> take_contents() STAVE_REQUIRES(mutex_);
  /// Exchanges all entries with `other`, in constant time.
  void swap_contents(Shard& other) STAVE_NO_THREAD_SAFETY_ANALYSIS;

 private:
  static constexpr std::size_t kCacheLine = 64;

  [[nodiscard]] Table::Slot find_slot(std::uint64_t hash, std::string_view key) const noexcept STAVE_REQUIRES(mutex_);
  [[nodiscard]] Ref build(const EntryShape& shape, std::string_view key, const EntrySpec& spec) noexcept;
  [[nodiscard]] Ref build_expiring(const EntryShape& shape, std::string_view key, const EntrySpec& spec) noexcept;
  [[nodiscard]] Ref insert(std::uint64_t hash, std::string_view key, const EntrySpec& spec) noexcept;
  [[nodiscard]] std::byte* take_block(std::string_view value, const Block* block) noexcept;
  void drop_block(std::byte* at, std::size_t bytes) noexcept;
  [[nodiscard]] bool write_same_shape(Entry entry, const EntrySpec& spec) noexcept;
  [[nodiscard]] bool rewrite_in_slot(Entry entry, Ref ref, const EntryShape& shape, std::string_view key,
                                     const EntrySpec& spec) noexcept;
  void release_entry(Ref ref) noexcept;
  void remove(const Table::Slot& slot) noexcept;
  void release_contents() noexcept;
  Entry reshape(std::uint64_t hash, Entry entry, const EntryShape& shape, std::string_view value,
                const Block* block = nullptr) STAVE_REQUIRES(mutex_);
  void replace_ref(const Table::Slot& slot, Ref fresh) noexcept;
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t change) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + change, std::memory_order_release);
  }
  void count(std::int64_t change) noexcept {
    STAVE_ASSERT(change > 0 || size() != 0);
    add(size_, static_cast<std::uint64_t>(change));
  }
  /// Accounts for what an entry of that shape brings; `taken`: what it takes away.
  void count_shape(const EntryShape& shape) noexcept {
    add(data_, shape.key_size + shape.value_size);
    if (shape.spilled) add(spilled_, 1);
  }
  void count_taken(const EntryShape& shape) noexcept {
    STAVE_ASSERT(data_bytes() >= shape.key_size + shape.value_size && (!shape.spilled || spilled() != 0));
    add(data_, 0 - (shape.key_size + shape.value_size));
    if (shape.spilled) add(spilled_, 0 - std::uint64_t{1});
  }

  // What a lookup reads comes first. None of it is annotated as guarded: table, queue and size are read in part without
  // the lock, through atomics.
  base::ShortMutex mutex_;
  Table table_;
  Arena arena_;
  std::atomic<std::uint64_t> size_ = 0;  ///< Detached entries not counted.
  std::atomic<std::uint64_t> data_ = 0;
  std::atomic<std::uint64_t> spilled_ = 0;
  ExpiryQueue expiries_;
  Lsn removal_mark_ = kNoLsn;
  const base::HashKey* key_;
};

inline Table::Slot Shard::find_slot(std::uint64_t hash, std::string_view key) const noexcept {
  return table_.find(hash, arena_, [&](Ref ref) {
    const Entry entry = arena_.entry(ref);
    // The value is hardly ever in the line where the entry begins, and where it is only that line can tell.
    __builtin_prefetch(entry.data() + kCacheLine);
    return entry.holds(key) && !entry.detached();
  });
}

inline Entry Shard::find(std::uint64_t hash, std::string_view key) const noexcept {
  const Table::Slot slot = find_slot(hash, key);
  return slot ? arena_.entry(*slot.ref) : Entry{};
}

inline Entry Shard::view(const Detached& detached) const noexcept {
  return detached.empty() ? Entry{} : arena_.entry(detached.ref);
}

}  // namespace stave::keyspace
