// Values that are in the log and not in memory: reading them for somebody, keeping them, fetching them ahead.
#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "base/try.h"
#include "store/compression.h"
#include "store/engine.h"
#include "store/fetcher.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

Result<void> Engine::value_of(const log::RecordView& record, std::string& value) {
  if (!record.compressed()) {
    value.assign(record.payload);
    return {};
  }
  // The value is all that `unpack` puts there.
  STAVE_TRY(compression_->unpack(record.payload, value));
  return {};
}

// The record that holds the value: the one at `address`, or one that it changed the expiry of.
Result<log::RecordView> Engine::read_value(Lsn address, std::vector<std::byte>& buffer, log::Log::PlaceFn place) {
  for (;;) {
    STAVE_ASSIGN(const log::RecordView record, log_->read(address, buffer, place));
    if (record.kind == log::RecordKind::kString || record.kind == log::RecordKind::kJson) return record;
    if (!log::is_delta(record.kind) || record.prev == kNoLsn || record.prev >= address) break;
    address = record.prev;
  }
  return fail(ErrorCode::kCorrupt, "the record at LSN " + std::to_string(raw(address)) +
                                       " should hold a value and does not; `stave doctor` can examine the directory");
}

namespace {

/// What a thread reads records into; what a large one made of it is given back.
class ReadBuffer {
 public:
  ReadBuffer() = default;
  ~ReadBuffer() {
    constexpr std::size_t kKeptBytes = 1u << 20;
    if (bytes().capacity() > kKeptBytes) std::vector<std::byte>().swap(bytes());
  }
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;
  std::vector<std::byte>& bytes() noexcept {
    thread_local std::vector<std::byte> bytes;
    return bytes;
  }
};

std::unexpected<Error> no_memory_to_read() {
  return fail(ErrorCode::kNoMemory, "there is no memory to read the value from the log");
}

}  // namespace

Result<void> Engine::load_value(Lsn address, LoadedValue& value) try {
  ReadBuffer buffer;
  value.block = {};
  STAVE_ASSIGN(const log::RecordView record, read_value(address, buffer.bytes(), [&](std::size_t bytes) {
                 value.block = keyspace::Block::make(keyspace_.source(), bytes);
                 return value.block.data();
               }));
  if (value.block) return {};
  return value_of(record, value.text);
} catch (const std::bad_alloc&) {
  return no_memory_to_read();
}

Result<void> Engine::load_value(Lsn address, std::string& value, ValueType* type) try {
  ReadBuffer buffer;
  STAVE_ASSIGN(const log::RecordView record, read_value(address, buffer.bytes(), [&](std::size_t bytes) {
                 value.resize(bytes);
                 return reinterpret_cast<std::byte*>(value.data());
               }));
  if (type != nullptr) *type = type_of(record.kind);
  if (record.payload.data() == value.data()) return {};
  return value_of(record, value);
} catch (const std::bad_alloc&) {
  return no_memory_to_read();
}

// A value comes back for good when there is room, or when it is asked for again before the hand of the budget came by:
// one reading of everything must not drive out what is used all the time.
void Engine::keep_resident(Shard& shard, std::uint64_t hash, Entry entry, const LoadedValue& value) {
  const std::string_view bytes = value.view();
  if (bytes.size() != entry.value_size()) return;
  // A block that was read into is counted already.
  if (!budget_.has_room(value.block ? 0 : bytes.size()) &&
      (budget_.policy() != MemoryPolicy::kSpill || entry.heat() == 0))
    return;
  // Without memory it stays where it is, and is shown all the same.
  static_cast<void>(shard.fill(hash, entry, bytes, value.block ? &value.block : nullptr));
}

bool Engine::must_fetch(std::span<const KeyRef> keys) {
  if (!ever_spilled_.load(std::memory_order_relaxed)) [[likely]]
    return false;
  for (const KeyRef& key : keys) {
    const std::uint64_t hash = hash_of(key);
    Shard& shard = shard_of(key.database, hash);
    if (shard.spilled() == 0) continue;
    base::ShortLock lock(shard.mutex());
    const Entry entry = shard.find(hash, key.key);
    if (entry && !entry.resident()) return true;
  }
  return false;
}

// What is missing is read with no shard held; then it is looked again whether that is still what the keys hold. Writers
// can make that go on for ever, in theory: each round means that somebody else got on.
Result<Pending> Engine::read_spilled(std::span<const KeyRef> keys, Access access,
                                     base::FunctionRef<void(std::size_t, const ValueView*)> show)
    STAVE_NO_THREAD_SAFETY_ANALYSIS {
  struct Probe {
    std::uint64_t hash;
    Shard* shard;
    Lsn wanted = kNoLsn;
    Loaded loaded;
  };
  std::vector<Probe> probes(keys.size());
  boost::container::small_vector<ShardId, 32> ids(keys.size(), boost::container::default_init);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    probes[i].hash = hash_of(keys[i]);
    ids[i] = keyspace_.shard_id(keys[i].database, probes[i].hash);
    probes[i].shard = &keyspace_.shard(ids[i]);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  for (;;) {
    lock_all(ids);
    bool complete = true;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Entry entry = probes[i].shard->find(probes[i].hash, keys[i].key);
      probes[i].wanted = kNoLsn;
      if (!entry || entry.resident() || probes[i].loaded.address == entry.address()) continue;
      probes[i].wanted = entry.address();
      complete = false;
    }
    if (complete) break;
    unlock_all(ids);
    for (Probe& probe : probes) {
      if (probe.wanted == kNoLsn) continue;
      auto loaded = load_value(probe.wanted, probe.loaded.value);
      if (loaded) {
        probe.loaded.address = probe.wanted;
        fetched_values_.fetch_add(1, std::memory_order_relaxed);
        continue;
      }
      // The cleaner may have moved the record and dropped the segment since it was looked up.
      lock_all(ids);
      const KeyRef key = keys[static_cast<std::size_t>(&probe - probes.data())];
      const Entry entry = probe.shard->find(probe.hash, key.key);
      const bool moved = !entry || entry.resident() || entry.address() != probe.wanted;
      unlock_all(ids);
      if (!moved) return fail(std::move(loaded).error());
    }
  }
  Pending pending;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    show_entry(
        *probes[i].shard, probes[i].hash, keys[i], access, &probes[i].loaded,
        [&](const ValueView* view) { show(i, view); }, pending);
  }
  unlock_all(ids);
  budget_.settle();
  return pending;
}

void Engine::fetch(std::span<const KeyRef> keys, std::function<void()> done) {
  fetcher_->fetch(keys, std::move(done));
}

void Engine::aside(std::function<void()> work) {
  fetcher_->run(std::move(work));
}

}  // namespace stave::store
