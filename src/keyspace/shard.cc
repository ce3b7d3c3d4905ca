#include "keyspace/shard.h"

#include <cstring>
#include <new>

#include "base/assert.h"

namespace stave::keyspace {

namespace {

/// Larger entries keep their values in a block of its own: pages hold too few of them to be filled well.
constexpr std::size_t kInlineEntryMax = 1020;

void place_value(EntryShape& shape) noexcept {
  shape.out_of_line = false;
  shape.out_of_line = !shape.spilled && shape.value_size > EntryShape::kPointerBytes && shape.bytes() > kInlineEntryMax;
}

EntryShape shape_of(std::string_view key, const EntrySpec& spec) noexcept {
  EntryShape shape{.key_size = key.size(),
                   .value_size = spec.spilled ? spec.spilled_size : spec.value.size(),
                   .expiring = !spec.expiry.never(),
                   .sliding = !spec.expiry.never() && spec.expiry.sliding_ms != 0,
                   .spilled = spec.spilled};
  place_value(shape);
  return shape;
}

/// Whether `spec`, which is no spilled value, takes the very bytes of the entry: the common case, and cheaper to ask
/// than to compare shapes. Both without expiry.
bool lies_alike(Entry entry, const EntrySpec& spec) noexcept {
  return entry.value_size() == spec.value.size() && entry.resident() && !entry.out_of_line() && !entry.has_expiry() &&
         spec.expiry.never() && !spec.spilled;
}

Lsn version_of(const EntrySpec& spec) noexcept {
  return spec.version != kNoLsn ? spec.version : spec.address;
}

/// Whether a value out of line lies in a Block, which others may hold too, or in one of the arena's, which it may move.
bool is_counted(std::size_t value_size) noexcept {
  return value_size >= Block::kBytesMin;
}

std::size_t shared_footprint(std::byte* at) noexcept {
  Block block = Block::adopt(at);
  const std::size_t bytes = block.footprint();
  static_cast<void>(block.release());
  return bytes;
}

void copy(std::byte* to, std::string_view from) noexcept {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

void swap_counters(std::atomic<std::uint64_t>& a, std::atomic<std::uint64_t>& b) noexcept {
  const std::uint64_t of_a = a.load(std::memory_order_relaxed);
  a.store(b.load(std::memory_order_relaxed), std::memory_order_release);
  b.store(of_a, std::memory_order_release);
}

std::unexpected<Error> no_memory() {
  return fail(ErrorCode::kNoMemory, "there is no memory for this entry");
}

}  // namespace

std::uint64_t Entry::memory_bytes() const noexcept {
  const EntryShape s = shape();
  std::uint64_t bytes = Arena::rounded(s.bytes());
  if (s.out_of_line)
    bytes += is_counted(s.value_size) ? shared_footprint(block()) : ChunkSource::footprint(s.value_size);
  return bytes;
}

MemoryUse& MemoryUse::operator+=(const MemoryUse& other) noexcept {
  keys += other.keys;
  expiring += other.expiring;
  spilled += other.spilled;
  data += other.data;
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
      if (shape.out_of_line) drop_block(arena_.entry(ref).block(), shape.value_size);
      if (shape.bytes() > kSlotBytesMax) arena_.release(ref, shape.bytes());
    });
  }
  table_.release_buckets(arena_.source());
  expiries_.release(arena_.source());
}

// --- making and unmaking entries -------------------------------------------------------------------------------------

/// Memory out of line that holds `value`; nullptr when there is none.
std::byte* Shard::take_block(std::string_view value, const Block* given) noexcept {
  if (!is_counted(value.size())) {
    std::byte* const at = arena_.allocate_block(value.size());
    if (at != nullptr) copy(at, value);
    return at;
  }
  Block block;
  if (given != nullptr) {
    STAVE_ASSERT(given->view().data() == value.data() && given->size() == value.size());
    block = *given;
    block.settle();
  } else {
    block = Block::make(arena_.source(), value.size());
    if (!block) return nullptr;
    copy(block.data(), value);
  }
  arena_.count_block(block.footprint());
  return block.release();
}

void Shard::drop_block(std::byte* at, std::size_t bytes) noexcept {
  if (!is_counted(bytes)) return arena_.release_block(at, bytes);
  const Block block = Block::adopt(at);
  arena_.discount_block(block.footprint());
}

Ref Shard::build(const EntryShape& shape, std::string_view key, const EntrySpec& spec) noexcept {
  std::byte* block = nullptr;
  if (shape.out_of_line) {
    block = take_block(spec.value, spec.block);
    if (block == nullptr) return kNoRef;
  }
  const std::size_t key_offset = shape.key_offset();
  const std::size_t value_offset = key_offset + key.size();
  const Ref ref = arena_.allocate(shape.bytes());
  if (ref == kNoRef) [[unlikely]] {
    if (block != nullptr) drop_block(block, shape.value_size);
    return kNoRef;
  }
  Entry entry = arena_.entry(ref);
  entry.init(shape, spec.type, spec.address, version_of(spec));
  if (shape.expiring) entry.set_expiry(spec.expiry);
  copy(entry.data() + key_offset, key);
  if (shape.out_of_line) {
    entry.set_block(block);
  } else {
    copy(entry.data() + value_offset, spec.value);
  }
  count_shape(shape);
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
  count_taken(shape);
  if (shape.expiring) expiries_.remove(entry.queue_slot(), arena_);
  if (shape.out_of_line) drop_block(entry.block(), shape.value_size);
  arena_.release(ref, shape.bytes());
}

void Shard::remove(const Table::Slot& slot) noexcept {
  const Ref ref = *slot.ref;
  table_.erase(slot, arena_);
  release_entry(ref);
}

/// A new entry of `key` in table and queue, whatever else there may be of that key; kNoRef without memory.
Ref Shard::insert(std::uint64_t hash, std::string_view key, const EntrySpec& spec) noexcept {
  const Ref ref = build_expiring(shape_of(key, spec), key, spec);
  if (ref == kNoRef) return kNoRef;
  if (!table_.insert(hash, ref, arena_)) {
    release_entry(ref);
    return kNoRef;
  }
  count(1);
  return ref;
}

// --- puts ------------------------------------------------------------------------------------------------------------

/// False, and nothing changed, when a large value needs memory that is not there.
bool Shard::write_same_shape(Entry entry, const EntrySpec& spec) noexcept {
  if (entry.out_of_line() && is_counted(spec.value.size())) {
    // Somebody may be reading the old block, so the value gets another.
    std::byte* const block = take_block(spec.value, spec.block);
    if (block == nullptr) return false;
    drop_block(entry.block(), spec.value.size());
    entry.set_block(block);
  } else {
    copy(entry.out_of_line() ? entry.block() : entry.value_bytes(), spec.value);
  }
  entry.set_content(spec.type, spec.address, version_of(spec));
  if (!entry.has_expiry()) return true;
  entry.set_expiry(spec.expiry);
  expiries_.update(entry.queue_slot(), arena_);
  return true;
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
  count_taken(before);
  count_shape(shape);
  entry.init(shape, spec.type, spec.address, version_of(spec));
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

bool Shard::fits_over(Entry entry, const EntrySpec& spec) const noexcept {
  if (lies_alike(entry, spec)) [[likely]]
    return true;
  const EntryShape before = entry.shape();
  const EntryShape shape = shape_of(entry.key(), spec);
  if (before.spilled || before.out_of_line || shape.spilled || shape.out_of_line) return false;
  if (shape == before) return true;
  // Another shape in a slot of the same size, but without a new place in the queue, which might need memory.
  if (shape.expiring && !before.expiring) return false;
  return shape.bytes() <= kSlotBytesMax && before.bytes() <= kSlotBytesMax &&
         size_class(shape.bytes()) == size_class(before.bytes());
}

void Shard::write_over(Entry entry, std::string_view key, const EntrySpec& spec) {
  STAVE_ASSERT(!entry.detached());
  table_.migrate(arena_, *key_);
  if (lies_alike(entry, spec)) [[likely]] {
    copy(entry.value_bytes(), spec.value);
    return entry.set_content(spec.type, spec.address, version_of(spec));
  }
  STAVE_ASSERT(entry.holds(key));
  const EntryShape shape = shape_of(key, spec);
  const bool written =
      shape == entry.shape() ? write_same_shape(entry, spec) : rewrite_in_slot(entry, kNoRef, shape, key, spec);
  STAVE_ASSERT(written);
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
  EntryShape shape = shape_of(key, spec);
  // A value of the same size stays where it is, also when it would be put elsewhere today: this cannot fail.
  if (shape.value_size == before.value_size && shape.spilled == before.spilled) shape.out_of_line = before.out_of_line;
  if (shape == before) {
    if (!write_same_shape(entry, spec)) return no_memory();
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

bool Shard::edits_fit(Entry entry, base::Edits edits) noexcept {
  const EntryShape before = entry.shape();
  if (before.spilled) return false;
  EntryShape shape = before;
  shape.value_size = base::edited_size(edits, before.value_size);
  if (shape.value_size == before.value_size) return !before.out_of_line || !is_counted(before.value_size);
  if (before.out_of_line || shape.bytes() > kInlineEntryMax) return false;
  return EntryShape::length_bytes(shape.value_size) == EntryShape::length_bytes(before.value_size) &&
         size_class(shape.bytes()) == size_class(before.bytes());
}

void Shard::edit(Entry entry, base::Edits edits) {
  STAVE_ASSERT(!entry.detached() && edits_fit(entry, edits));
  table_.migrate(arena_, *key_);
  const std::size_t before = entry.value_size();
  const std::size_t after = base::edited_size(edits, before);
  char* const value = reinterpret_cast<char*>(entry.out_of_line() ? entry.block() : entry.value_bytes());
  base::edit_in_place(value, before, edits);
  if (after == before) return;
  entry.set_value_size(after);
  add(data_, after - before);
}

Result<Entry> Shard::exchange_edited(std::uint64_t hash, Entry entry, base::Edits edits, Detached& previous) {
  previous = {};
  table_.migrate(arena_, *key_);
  const Table::Slot slot = find_slot(hash, entry.key());
  STAVE_ASSERT(slot && arena_.entry(*slot.ref).data() == entry.data());
  const Ref old = *slot.ref;
  EntryShape shape = entry.shape();
  STAVE_ASSERT(!shape.spilled && !shape.expiring && !is_counted(shape.value_size));
  shape.value_size = base::edited_size(edits, shape.value_size);
  STAVE_ASSERT(!is_counted(shape.value_size));
  place_value(shape);
  std::byte* block = nullptr;
  if (shape.out_of_line) {
    block = arena_.allocate_block(shape.value_size);
    if (block == nullptr) return no_memory();
  }
  const Ref ref = arena_.allocate(shape.bytes());
  if (ref == kNoRef) [[unlikely]] {
    if (block != nullptr) arena_.release_block(block, shape.value_size);
    return no_memory();
  }
  Entry fresh = arena_.entry(ref);
  fresh.init_like(entry, shape);
  copy(fresh.key_bytes(), entry.key());
  if (shape.out_of_line) fresh.set_block(block);
  base::copy_edited(entry.value(), edits, reinterpret_cast<char*>(shape.out_of_line ? block : fresh.value_bytes()));
  count_shape(shape);
  if (!table_.insert(hash, ref, arena_)) {
    release_entry(ref);
    return no_memory();
  }
  entry.set_detached(true);
  previous = {old, hash};
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

// --- in memory, in the log -------------------------------------------------------------------------------------------

/// The table's reference goes over to `fresh`, which holds the same key and expiry; the old entry is freed.
void Shard::replace_ref(const Table::Slot& slot, Ref fresh) noexcept {
  const Ref old = std::exchange(*slot.ref, fresh);
  const Entry gone = arena_.entry(old);
  const EntryShape shape = gone.shape();
  if (shape.expiring) {
    arena_.entry(fresh).set_queue_slot(gone.queue_slot());
    expiries_.moved(gone.queue_slot(), fresh);
  }
  arena_.release(old, shape.bytes());
}

/// The same entry in another shape of the same expiry; a value that is in both is moved. Null without memory.
Entry Shard::reshape(std::uint64_t hash, Entry entry, const EntryShape& shape, std::string_view value,
                     const Block* given) {
  const EntryShape before = entry.shape();
  const Table::Slot slot = find_slot(hash, entry.key());
  STAVE_ASSERT(slot && arena_.entry(*slot.ref).data() == entry.data());
  const bool keeps_block = before.out_of_line && shape.out_of_line;
  std::byte* block = keeps_block ? entry.block() : nullptr;
  if (shape.out_of_line && !keeps_block) {
    block = take_block(value, given);
    if (block == nullptr) return {};
  }
  const Ref ref = arena_.allocate(shape.bytes());
  if (ref == kNoRef) {
    if (block != nullptr && !keeps_block) drop_block(block, shape.value_size);
    return {};
  }
  Entry fresh = arena_.entry(ref);
  fresh.init_like(entry, shape);
  if (shape.expiring) fresh.set_expiry(entry.expiry());
  copy(fresh.key_bytes(), entry.key());
  if (shape.out_of_line) {
    fresh.set_block(block);
  } else if (!shape.spilled) {
    copy(fresh.value_bytes(), value);
  }
  count_shape(shape);
  count_taken(before);
  if (before.out_of_line && !keeps_block) drop_block(entry.block(), before.value_size);
  replace_ref(slot, ref);
  return fresh;
}

bool Shard::spill(std::uint64_t hash, Entry entry) {
  EntryShape shape = entry.shape();
  if (shape.spilled) return false;
  const std::uint64_t bytes = entry.memory_bytes();
  shape.spilled = true;
  shape.out_of_line = false;
  if (Arena::rounded(shape.bytes()) >= bytes) return false;
  return static_cast<bool>(reshape(hash, entry, shape, {}));
}

Entry Shard::fill(std::uint64_t hash, Entry entry, std::string_view value, const Block* block) {
  EntryShape shape = entry.shape();
  STAVE_ASSERT(shape.spilled && shape.value_size == value.size());
  shape.spilled = false;
  place_value(shape);
  return reshape(hash, entry, shape, value, block);
}

bool Shard::tidy(std::uint64_t hash, Entry entry) {
  const EntryShape shape = entry.shape();
  bool moved = false;
  if (shape.out_of_line && !is_counted(shape.value_size)) {  // what others may hold stays where it is
    std::byte* const block = arena_.move_block_denser(entry.block(), shape.value_size);
    moved = block != entry.block();
    entry.set_block(block);
  }
  arena_.give_spare();
  if (shape.bytes() > kSlotBytesMax) return moved;
  const Table::Slot slot = find_slot(hash, entry.key());
  STAVE_ASSERT(slot && arena_.entry(*slot.ref).data() == entry.data());
  const Ref ref = arena_.allocate_denser(*slot.ref);
  if (ref == kNoRef) return moved;
  std::memcpy(arena_.at(ref), entry.data(), shape.bytes());
  replace_ref(slot, ref);
  return true;
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
          .spilled = spilled(),
          .data = data_bytes(),
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
  swap_counters(size_, other.size_);
  swap_counters(data_, other.data_);
  swap_counters(spilled_, other.spilled_);
}

}  // namespace stave::keyspace
