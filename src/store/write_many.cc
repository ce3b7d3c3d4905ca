// Several keys set at once: the rule of every change (mutations.h) for what only puts, without its lists.
#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <list>
#include <string>

#include "base/assert.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "packing/compression.h"
#include "store/engine.h"
#include "store/shard_locks.h"

namespace stave::store {

using keyspace::Block;
using keyspace::Detached;
using keyspace::Entry;
using keyspace::EntrySpec;
using keyspace::Shard;
using keyspace::ShardId;

namespace {

/// So many keys are looked through for one that is named twice by comparing each with each.
constexpr std::size_t kComparedMax = 24;

/// One key of a batch.
struct Setting {
  std::uint64_t hash = 0;
  Shard* shard = nullptr;
  Entry entry;        ///< What the key holds: what is written over, or what took its place already.
  Detached previous;  ///< What it held, when something else took its place.
  Orphans::Pages left;
  bool over = false;  ///< The value lies where the one before does: once it is logged.
};

using Settings = boost::container::small_vector<Setting, 16>;

/// Whether two keys have one hash, as they have when they are the same.
bool any_twice(const Settings& settings) {
  if (settings.size() <= kComparedMax) {
    for (std::size_t i = 1; i < settings.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (settings[i].hash == settings[j].hash) return true;
    return false;
  }
  boost::container::small_vector<std::uint64_t, 64> hashes;
  hashes.reserve(settings.size());
  for (const Setting& setting : settings) hashes.push_back(setting.hash);
  std::ranges::sort(hashes);
  return std::ranges::adjacent_find(hashes) != hashes.end();
}

/// The records of a batch, and the bytes of those that were packed.
struct Batch {
  boost::container::small_vector<log::RecordSpec, 16> records;
  boost::container::small_vector<Lsn, 16> lsns;
  std::list<std::string> packed;
};

/// Makes the records of the keys. False: one of the values is large, or all of them are.
bool describe(Batch& batch, std::span<const KeyRef> keys, base::FunctionRef<std::string_view(std::size_t)> value,
              UnixMs time, packing::Compression& compression, std::uint64_t bytes_max) {
  std::uint64_t bytes = 0;
  batch.records.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    log::RecordSpec record{.kind = kind_of(ValueType::kString),
                           .database = static_cast<std::uint8_t>(keys[i].database),
                           .time = time,
                           .key = keys[i].key,
                           .payload = value(i)};
    if (record.payload.size() >= Block::kBytesMin) return false;
    compression.sample(record.payload);
    if (const auto smaller = compression.pack(record.payload)) {
      record.payload = batch.packed.emplace_back(*smaller);
      record.compressed = true;
    }
    bytes += log::encoded_size(record);
    batch.records.push_back(record);
  }
  batch.lsns.resize(keys.size());
  return bytes <= bytes_max;
}

EntrySpec spec_of(std::string_view value, Lsn address) noexcept {
  return {.type = ValueType::kString, .value = value, .address = address};
}

}  // namespace

Result<Updated> Engine::put_all(std::span<const KeyRef> keys, base::FunctionRef<std::string_view(std::size_t)> value,
                                Sync sync, Pending& pending) try {
  STAVE_ASSERT(!keys.empty());
  for (std::size_t i = 0; i < keys.size(); ++i) STAVE_TRY(check_limits(keys[i].key, value(i).size()));
  if (refuses_writes()) [[unlikely]]
    return fail(ErrorCode::kReadOnly, log::kFollowsSentence);
  if (!budget_.admit()) [[unlikely]]
    return Updated::kNot;  // a transaction says why
  Settings settings(keys.size());
  ShardLocks locks(keyspace_);
  locks.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::uint64_t hash = hash_of(keyspace_, keys[i]);
    const ShardId id = keyspace_.shard_id(keys[i].database, hash, keys[i].key);
    settings[i].hash = hash;
    settings[i].shard = &keyspace_.shard(id);
    settings[i].shard->prefetch_bucket(hash);
    locks.add(id);
  }
  Batch batch;
  const UnixMs time = now();
  if (any_twice(settings) || !describe(batch, keys, value, time, *compression_, log_->ring_batch_max()))
    return Updated::kNot;

  locks.lock();
  for (const Setting& setting : settings) {
    locks.assume_held(*setting.shard);
    setting.shard->prefetch_entry(setting.hash);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Setting& setting = settings[i];
    locks.assume_held(*setting.shard);
    if (change_watch_.wants(setting.hash)) [[unlikely]]
      return Updated::kNot;  // who watches acts in a transaction
    setting.entry = setting.shard->find(setting.hash, keys[i].key);
    if (!setting.entry) continue;
    if (Deadlines::passed_untold(setting.entry, time)) [[unlikely]]
      return Updated::kNot;  // its end is told of first
    batch.records[i].prev = setting.entry.newest_record();
    setting.left = orphans_.left_by(setting.entry);
    setting.over = setting.shard->fits_over(setting.entry, spec_of(value(i), kNoLsn));
  }

  // Whatever needs memory comes first, and is taken back when the log refuses.
  const auto undo = [&](std::size_t made) {
    while (made > 0) {
      const Setting& setting = settings[--made];
      locks.assume_held(*setting.shard);
      if (setting.over) continue;
      if (setting.previous.empty()) {
        setting.shard->erase(setting.hash, keys[made].key);
      } else {
        setting.shard->restore(setting.hash, setting.previous);
      }
    }
  };
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Setting& setting = settings[i];
    if (setting.over) continue;
    locks.assume_held(*setting.shard);
    const Lsn before = setting.entry ? setting.entry.newest_record() : kNoLsn;
    auto placed = setting.shard->exchange(setting.hash, keys[i].key, spec_of(value(i), before), setting.previous);
    if (!placed) [[unlikely]] {
      undo(i);
      return fail(std::move(placed).error());
    }
    setting.entry = *placed;
  }
  const auto end = log_->append(batch.records, batch.lsns);
  if (!end) [[unlikely]] {
    undo(keys.size());
    return fail(end.error().clone());
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Setting& setting = settings[i];
    locks.assume_held(*setting.shard);
    STAVE_ASSERT(setting.entry.holds(keys[i].key) && batch.records[i].prev <= batch.lsns[i]);
    if (setting.over) {
      setting.shard->write_over(setting.entry, keys[i].key, spec_of(value(i), batch.lsns[i]));
    } else {
      setting.entry.set_written(batch.lsns[i]);
      if (!setting.previous.empty()) setting.shard->discard(setting.previous);
    }
    orphans_.abandon(setting.left);
  }
  pending.merge(pending_for_write(*end, sync));
  return Updated::kChanged;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

}  // namespace stave::store
