#include "keyspace/shard.h"

#include <cstring>
#include <new>

#include "base/assert.h"

namespace stave::keyspace {

namespace {

/// Larger entries keep their values in a block of its own: pages hold too few of them to be filled well.
constexpr std::size_t kInlineEntryMax = 1020;

EntryShape shape_of(std::string_view key, std::size_t value_size, Expiry expiry) noexcept {
  EntryShape shape{.key_size = key.size(),
                   .value_size = value_size,
                   .expiring = !expiry.never(),
                   .sliding = !expiry.never() && expiry.sliding_ms != 0};
  shape.out_of_line = value_size > EntryShape::kPointerBytes && shape.bytes() > kInlineEntryMax;
  return shape;
}

void copy(std::byte* to, std::string_view from) noexcept {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

std::unexpected<Error> no_memory() {
  return fail(ErrorCode::kNoMemory, "there is no memory for this entry");
}

}  // namespace

std::uint64_t Entry::memory_bytes() const noexcept {
  const EntryShape s = shape();
  return Arena::rounded(s.bytes()) + (s.out_of_line ? ChunkSource::footprint(s.value_size) : 0);
}

MemoryUse& MemoryUse::operator+=(const MemoryUse& other) noexcept {
  keys += other.keys;
  expiring += other.expiring;
  entries += other.entries;
  slack += other.slack;
  table += other.table;
  expiries += other.expiries;
  return *this;
}

Shard::~Shard() {
  release_contents();
}

void Shard::release_contents() noexcept {
  // Chunks go back whole; only what lies outside of them must be looked for.
  if (arena_.has_blocks()) {
    table_.for_each(arena_, [&](Ref ref) {
      const EntryShape shape = arena_.entry(ref).shape();
      if (shape.out_of_line) arena_.release_block(arena_.entry(ref).block(), shape.value_size);
      if (shape.bytes() > kSlotBytesMax) arena_.release(ref, shape.bytes());
    });
  }
  table_.release_buckets(arena_.source());
  expiries_.release(arena_.source());
}

// --- making and unmaking entries -------------------------------------------------------------------------------------

Ref Shard::build(const EntryShape& shape, std::string_view key, const EntrySpec& spec) noexcept {
  std::byte* block = nullptr;
  if (shape.out_of_line) {
    block = arena_.allocate_block(shape.value_size);
    if (block == nullptr) return kNoRef;
  }
  const std::size_t key_offset = shape.key_offset();
  const std::size_t value_offset = key_offset + key.size();
  const Ref ref = arena_.allocate(value_offset + (shape.out_of_line ? EntryShape::kPointerBytes : shape.value_size));
  if (ref == kNoRef) [[unlikely]] {
    if (block != nullptr) arena_.release_block(block, shape.value_size);
    return kNoRef;
  }
  Entry entry = arena_.entry(ref);
  entry.init(shape, spec.type, spec.address);
  if (shape.expiring) entry.set_expiry(spec.expiry);
  copy(entry.data() + key_offset, key);
  if (shape.out_of_line) entry.set_block(block);
  copy(shape.out_of_line ? block : entry.data() + value_offset, spec.value);
  return ref;
}

/// As `build`, and in the queue when it has an expiry.
Ref Shard::build_expiring(const EntryShape& shape, std::string_view key, const EntrySpec& spec) noexcept {
  if (!shape.expiring) return build(shape, key, spec);
  if (!expiries_.reserve(arena_.source())) return kNoRef;
  const Ref ref = build(shape, key, spec);
  if (ref == kNoRef) {
    expiries_.trim(arena_.source());
  } else {
    expiries_.add(ref, arena_);
  }
  return ref;
}

/// Frees the memory of an entry that the table no longer refers to.
void Shard::release_entry(Ref ref) noexcept {
  const Entry entry = arena_.entry(ref);
  const EntryShape shape = entry.shape();
  if (shape.expiring) expiries_.remove(entry.queue_slot(), arena_);
  if (shape.out_of_line) arena_.release_block(entry.block(), shape.value_size);
  arena_.release(ref, shape.bytes());
}

void Shard::remove(const Table::Slot& slot) noexcept {
  const Ref ref = *slot.ref;
  table_.erase(slot, arena_);
  release_entry(ref);
}

/// A new entry of `key` in table and queue, whatever else there may be of that key; kNoRef without memory.
Ref Shard::insert(std::uint64_t hash, std::string_view key, const EntrySpec& spec) noexcept {
  const Ref ref = build_expiring(shape_of(key, spec.value.size(), spec.expiry), key, spec);
  if (ref == kNoRef) return kNoRef;
  if (!table_.insert(hash, ref, arena_)) {
    release_entry(ref);
    return kNoRef;
  }
  count(1);
  return ref;
}

// --- puts ------------------------------------------------------------------------------------------------------------

void Shard::write_same_shape(Entry entry, const EntrySpec& spec) noexcept {
  copy(entry.out_of_line() ? entry.block() : entry.value_bytes(), spec.value);
  entry.set_content(spec.type, spec.address);
  if (!entry.has_expiry()) return;
  entry.set_expiry(spec.expiry);
  expiries_.update(entry.queue_slot(), arena_);
}

/// Writes another shape over an entry when it takes a slot of the same size. False when it does not, or when the expiry
/// needs memory that is not there; then nothing changed.
bool Shard::rewrite_in_slot(Entry entry, Ref ref, const EntryShape& shape, std::string_view key,
                            const EntrySpec& spec) noexcept {
  const EntryShape before = entry.shape();
  if (shape.out_of_line || before.out_of_line) return false;
  if (shape.bytes() > kSlotBytesMax || before.bytes() > kSlotBytesMax) return false;
  if (size_class(shape.bytes()) != size_class(before.bytes())) return false;
  if (shape.expiring && !before.expiring && !expiries_.reserve(arena_.source())) return false;
  const std::uint32_t queue_slot = before.expiring ? entry.queue_slot() : 0;
  if (before.expiring && !shape.expiring) expiries_.remove(queue_slot, arena_);
  const unsigned heat = entry.heat();
  entry.init(shape, spec.type, spec.address);
  entry.set_heat(heat);
  if (shape.expiring) entry.set_expiry(spec.expiry);
  copy(entry.key_bytes(), key);
  copy(entry.value_bytes(), spec.value);
  if (shape.expiring && before.expiring) {
    entry.set_queue_slot(queue_slot);
    expiries_.update(queue_slot, arena_);
  } else if (shape.expiring) {
    expiries_.add(ref, arena_);
  }
  return true;
}

Result<Entry> Shard::put(std::uint64_t hash, std::string_view key, const EntrySpec& spec) {
  table_.migrate(arena_, *key_);
  const Table::Slot slot = find_slot(hash, key);
  if (!slot) {
    const Ref ref = insert(hash, key, spec);
    if (ref == kNoRef) [[unlikely]]
      return no_memory();
    return arena_.entry(ref);
  }
  const Ref old = *slot.ref;
  const Entry entry = arena_.entry(old);
  const EntryShape before = entry.shape();
  EntryShape shape = shape_of(key, spec.value.size(), spec.expiry);
  // A value of the same size stays where it is, also when it would be put elsewhere today: this cannot fail.
  if (shape.value_size == before.value_size) shape.out_of_line = before.out_of_line;
  if (shape == before) {
    write_same_shape(entry, spec);
    return entry;
  }
  if (rewrite_in_slot(entry, old, shape, key, spec)) return entry;
  const Ref ref = build_expiring(shape, key, spec);
  if (ref == kNoRef) [[unlikely]]
    return no_memory();
  Entry fresh = arena_.entry(ref);
  fresh.set_heat(entry.heat());
  *slot.ref = ref;
  release_entry(old);
  return fresh;
}

// --- leaving and coming back -----------------------------------------------------------------------------------------

// A detached entry stays in its slot and in the queue, marked so that nobody finds it: that is why it can come back
// without memory, whatever happened to the shard in between.

Result<Entry> Shard::exchange(std::uint64_t hash, std::string_view key, const EntrySpec& spec, Detached& previous) {
  previous = {};
  table_.migrate(arena_, *key_);
  const Table::Slot slot = find_slot(hash, key);
  const Ref old = slot ? *slot.ref : kNoRef;
  const Ref ref = insert(hash, key, spec);
  if (ref == kNoRef) [[unlikely]]
    return no_memory();
  Entry fresh = arena_.entry(ref);
  if (old != kNoRef) {
    Entry entry = arena_.entry(old);
    fresh.set_heat(entry.heat());
    entry.set_detached(true);
    count(-1);
    previous = {old, hash};
  }
  return fresh;
}

bool Shard::erase(std::uint64_t hash, std::string_view key) {
  table_.migrate(arena_, *key_);
  const Table::Slot slot = find_slot(hash, key);
  if (!slot) return false;
  remove(slot);
  count(-1);
  return true;
}

Detached Shard::detach(std::uint64_t hash, std::string_view key) {
  const Table::Slot slot = find_slot(hash, key);
  if (!slot) return {};
  Entry entry = arena_.entry(*slot.ref);
  entry.set_detached(true);
  count(-1);
  return {*slot.ref, hash};
}

void Shard::restore(std::uint64_t hash, Detached previous) {
  if (previous.empty()) return;
  Entry entry = arena_.entry(previous.ref);
  STAVE_ASSERT(entry.detached());
  static_cast<void>(erase(hash, entry.key()));
  entry.set_detached(false);
  count(1);
}

void Shard::discard(Detached previous) {
  if (previous.empty()) return;
  table_.migrate(arena_, *key_);
  const Table::Slot slot = table_.find(previous.hash, arena_, [&](Ref ref) { return ref == previous.ref; });
  STAVE_ASSERT(slot && arena_.entry(previous.ref).detached());
  remove(slot);
}

// --- expiry ----------------------------------------------------------------------------------------------------------

Result<Entry> Shard::set_expiry(std::uint64_t hash, Entry entry, Expiry expiry) {
  table_.migrate(arena_, *key_);
  const EntryShape before = entry.shape();
  EntryShape shape = before;
  shape.expiring = !expiry.never();
  shape.sliding = shape.expiring && expiry.sliding_ms != 0;
  if (shape == before) {
    if (!shape.expiring) return entry;
    entry.set_expiry(expiry);
    expiries_.update(entry.queue_slot(), arena_);
    return entry;
  }
  const Table::Slot slot = find_slot(hash, entry.key());
  STAVE_ASSERT(slot && arena_.entry(*slot.ref).data() == entry.data());
  const bool enters_queue = shape.expiring && !before.expiring;
  if (enters_queue && !expiries_.reserve(arena_.source())) return no_memory();
  const Ref ref = arena_.allocate(shape.bytes());
  if (ref == kNoRef) {
    if (enters_queue) expiries_.trim(arena_.source());
    return no_memory();
  }
  Entry fresh = arena_.entry(ref);
  fresh.init_like(entry, shape);
  // Key and value (or the address of its block) follow each other in both.
  std::memcpy(fresh.key_bytes(), entry.key_bytes(), shape.bytes() - shape.key_offset());
  if (shape.expiring) fresh.set_expiry(expiry);
  if (enters_queue) {
    expiries_.add(ref, arena_);
  } else if (shape.expiring) {
    fresh.set_queue_slot(entry.queue_slot());
    expiries_.moved(entry.queue_slot(), ref);
    expiries_.update(entry.queue_slot(), arena_);
  } else {
    expiries_.remove(entry.queue_slot(), arena_);
  }
  arena_.release(std::exchange(*slot.ref, ref), before.bytes());
  return fresh;
}

void Shard::collect_due(UnixMs now, std::size_t max, std::vector<std::string>& keys) {
  expiries_.collect(now, max, arena_, keys);
}

// --- the whole -------------------------------------------------------------------------------------------------------

Entry Shard::random_entry(std::uint64_t random) const noexcept {
  if (const Ref ref = table_.random_ref(random, arena_); ref != kNoRef && !arena_.entry(ref).detached())
    return arena_.entry(ref);
  // Hardly anything there: the next entry in the order of hashes, from a random place on.
  Entry found;
  const auto take_first = [&](Entry entry) {
    if (!found) found = entry;
  };
  const std::uint64_t start = random >> 32;
  for (std::uint64_t at = start; !found && at < kScanEnd;) at = scan(at, 1, take_first);
  for (std::uint64_t at = 0; !found && at < start;) at = scan(at, 1, take_first);
  return found;
}

MemoryUse Shard::memory() const {
  return {.keys = size(),
          .expiring = expiries_.size(),
          .entries = arena_.used_bytes() - table_.node_bytes(),
          .slack = arena_.held_bytes() - arena_.used_bytes(),
          .table = table_.bucket_bytes() + table_.node_bytes(),
          .expiries = expiries_.bytes()};
}

std::unique_ptr<Shard> Shard::take_contents() {
  std::unique_ptr<Shard> taken(new (std::nothrow) Shard(*key_, arena_.source()));
  if (taken) {
    swap_contents(*taken);
    return taken;
  }
  Shard here(*key_, arena_.source());
  swap_contents(here);
  return nullptr;
}

void Shard::swap_contents(Shard& other) {
  table_.swap(other.table_);
  arena_.swap(other.arena_);
  expiries_.swap(other.expiries_);
  const std::uint64_t size = size_.load(std::memory_order_relaxed);
  size_.store(other.size_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  other.size_.store(size, std::memory_order_relaxed);
}

}  // namespace stave::keyspace
