// The hot paths of reading: one key, and many at one instant.
#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <unordered_map>

#include "base/assert.h"
#include "base/interleave.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "store/engine.h"
#include "store/shard_locks.h"
#include "store/transact.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

Pending Engine::observe(Lsn end) const noexcept {
  end = std::max(end, world_.mark());
  Pending pending;
  if (sync_policy() == Sync::kAlways) {
    pending.durable = end > log_->durable() ? end : kNoLsn;
  } else {
    pending.written = end > log_->written() ? end : kNoLsn;
  }
  if (const std::uint32_t count = replicas_.durable(); count != 0 && !follows() && !replicas_.holds(end, count))
    [[unlikely]]
    pending.require(end, count);
  return pending;
}

bool Engine::show_entry(Shard& shard, std::uint64_t hash, KeyRef key, Access access, const Loaded* loaded,
                        base::FunctionRef<void(const ValueView*)> show, Pending& pending) {
  Entry entry = shard.find(hash, key.key);
  if (!entry) {
    show(nullptr);
    pending.merge(observe(shard.removal_mark()));
    return true;
  }
  // `durable` and `written` are ends of batches, so a record is covered as soon as its first byte is. The version and
  // not the address: nobody waits for a record that the cleaner only moved.
  const Lsn end = entry.version() + 1;
  UnixMs time{0};
  if (entry.has_expiry()) [[unlikely]] {
    time = now();
    if (entry.expiry().passed(time)) {
      show(nullptr);
      pending.merge(observe(std::max(end, shard.removal_mark())));
      return true;
    }
  }
  const LoadedValue* value = nullptr;
  if (!shows(entry, access)) [[unlikely]] {
    if (loaded == nullptr || loaded->address != entry.value_record()) return false;
    value = &loaded->value;
    residence_.keep(shard, hash, entry, *value);
    entry = shard.find(hash, key.key);
  }
  ValueView view = view_of(entry, access, value);
  if (entry.has_expiry()) [[unlikely]] {
    if (touches(access) && entry.expiry().sliding_ms != 0) deadlines_.refresh(entry, key, time);
    view.expiry = entry.expiry();
  }
  if (touches(access)) entry.touch();
  show(&view);
  pending.merge(observe(end));
  return true;
}

Result<Pending> Engine::read(KeyRef key, Access access, base::FunctionRef<void(const ValueView*)> show) {
  key.hash = hash_of(keyspace_, key);
  Shard& shard = keyspace_.shard_of(key.database, key.hash);
  {
    Pending pending;
    base::ShortLock lock(shard.mutex());
    if (show_entry(shard, key.hash, key, access, nullptr, show, pending)) [[likely]]
      return pending;
  }
  return read_spilled(std::span(&key, 1), access, [&](std::size_t, const ValueView* view) { show(view); });
}

Result<Pending> Engine::read_many(std::span<const KeyRef> keys, Access access,
                                  base::FunctionRef<void(std::size_t, const ValueView*)> show) {
  // Everything is shown at one instant, so it must be known before that nothing has to be waited for.
  if (needs_value(access) && residence_.must_fetch(keys)) [[unlikely]]
    return read_spilled(keys, access, show);
  struct Probe {
    std::uint64_t hash;
    Shard* shard;
  };
  boost::container::small_vector<Probe, 32> probes;
  ShardLocks locks(keyspace_);
  // What `show` throws passes through; what is needed here is had before anything is shown.
  try {
    probes.resize(keys.size(), boost::container::default_init);
    locks.reserve(keys.size());
  } catch (const std::bad_alloc&) {
    return base::no_memory();
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::uint64_t hash = hash_of(keyspace_, keys[i]);
    const ShardId id = keyspace_.shard_id(keys[i].database, hash);
    probes[i] = {hash, &keyspace_.shard(id)};
    probes[i].shard->prefetch_bucket(hash);
    locks.add(id);
  }
  locks.lock();
  Pending pending;
  bool all_here = true;
  if ((needs_value(access) && residence_.ever_spilled()) || residence_.ever_in_pages()) [[unlikely]] {
    for (std::size_t i = 0; i < keys.size() && all_here; ++i) {
      locks.assume_held(*probes[i].shard);
      const Entry entry = probes[i].shard->find(probes[i].hash, keys[i].key);
      all_here = !entry || shows(entry, access);
    }
  }
  constexpr std::size_t kWindow = 16;
  for (std::size_t begin = 0; all_here && begin < keys.size(); begin += kWindow) {
    const std::size_t end = std::min(begin + kWindow, keys.size());
    for (std::size_t i = begin; i < end; ++i) {
      locks.assume_held(*probes[i].shard);
      probes[i].shard->prefetch_entry(probes[i].hash);
    }
    for (std::size_t i = begin; i < end; ++i) {
      locks.assume_held(*probes[i].shard);
      show_entry(
          *probes[i].shard, probes[i].hash, keys[i], access, nullptr, [&](const ValueView* view) { show(i, view); },
          pending);
    }
  }
  locks.unlock();
  if (!all_here) [[unlikely]]
    return read_spilled(keys, access, show);
  return pending;
}

namespace {

std::unexpected<Error> too_much_at_once() {
  return fail(
      ErrorCode::kTooLarge,
      "the values asked for at once are on the disk and together larger than 'maxmemory' leaves room for; ask for "
      "fewer at a time");
}

}  // namespace

// What is missing is read with no shard held; then it is looked again whether that is still what the keys hold. Writers
// can make that go on for ever, in theory: each round means that somebody else got on.
Result<Pending> Engine::read_spilled(std::span<const KeyRef> keys, Access access,
                                     base::FunctionRef<void(std::size_t, const ValueView*)> show) {
  struct Probe {
    std::uint64_t hash;
    Shard* shard;
    Lsn wanted = kNoLsn;
    std::uint64_t size = 0;
    std::size_t holder = 0;  ///< The probe whose `loaded` is this one's: of a key that is named twice, the first.
    Loaded loaded;
  };
  std::vector<Probe> probes;
  std::unordered_map<std::uint64_t, std::size_t> holders;  // by the address of the record
  ShardLocks locks(keyspace_);
  try {
    probes.resize(keys.size());
    locks.reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      probes[i].hash = hash_of(keyspace_, keys[i]);
      const ShardId id = keyspace_.shard_id(keys[i].database, probes[i].hash);
      probes[i].shard = &keyspace_.shard(id);
      locks.add(id);
    }
    for (;;) {
      locks.lock();
      bool complete = true;
      bool in_pages = false;
      holders.clear();
      for (std::size_t i = 0; i < keys.size(); ++i) {
        locks.assume_held(*probes[i].shard);
        const Entry entry = probes[i].shard->find(probes[i].hash, keys[i].key);
        probes[i].wanted = kNoLsn;
        probes[i].holder = i;
        in_pages = in_pages || (entry && entry.type() == ValueType::kPagedString && !shows(entry, access));
        if (!entry || entry.resident()) continue;
        probes[i].holder = holders.try_emplace(raw(entry.value_record()), i).first->second;
        if (probes[i].holder != i || probes[i].loaded.address == entry.value_record()) continue;
        probes[i].wanted = entry.value_record();
        probes[i].size = entry.value_size();
        complete = false;
      }
      if (in_pages) [[unlikely]] {
        locks.unlock();
        return read_in_pages(keys, access, show);
      }
      if (complete) break;
      locks.unlock();
      std::uint64_t brought = 0;
      for (Probe& probe : probes) {
        if (probe.wanted != kNoLsn) probe.loaded = {};  // what was read before is not the value any more
        brought += probe.loaded.value.view().size();
      }
      for (Probe& probe : probes) {
        if (probe.wanted == kNoLsn) continue;
        if (!budget_.may_bring(brought, probe.size)) return too_much_at_once();
        brought += probe.size;
        base::interleave::yield_point("read: a value known to be in the log only");
        const KeyRef key = keys[static_cast<std::size_t>(&probe - probes.data())];
        auto loaded = residence_.load(probe.wanted, key.key, probe.loaded.value);
        if (loaded) {
          probe.loaded.address = probe.wanted;
          residence_.count_fetched();
          continue;
        }
        // The cleaner may have moved the record and dropped the segment since it was looked up.
        base::ShortLock lock(probe.shard->mutex());
        const Entry entry = probe.shard->find(probe.hash, key.key);
        const bool moved = !entry || entry.resident() || entry.value_record() != probe.wanted;
        if (!moved) return fail(std::move(loaded).error());
      }
    }
  } catch (const std::bad_alloc&) {
    return base::no_memory();  // nothing was shown yet
  }
  Pending pending;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    locks.assume_held(*probes[i].shard);
    show_entry(
        *probes[i].shard, probes[i].hash, keys[i], access, &probes[probes[i].holder].loaded,
        [&](const ValueView* view) { show(i, view); }, pending);
  }
  locks.unlock();
  budget_.settle();
  return pending;
}

// Strings in pages are put together in a transaction, which has their pages' shards, too.
Result<Pending> Engine::read_in_pages(std::span<const KeyRef> keys, Access access,
                                      base::FunctionRef<void(std::size_t, const ValueView*)> show) {
  std::vector<std::optional<ValueView>> found;
  std::vector<ShardId> more;
  for (int restarts = 0;;) {
    std::optional<Transaction> transaction;
    // What `show` throws passes through.
    try {
      found.resize(keys.size());
      transaction.emplace(*this, keys, more);
      for (std::size_t i = 0; i < keys.size(); ++i) found[i] = transaction->find(keys[i], access);
      if (transaction->wanted()) {
        more = shards_to_start_again(*transaction, restarts++);
        continue;
      }
    } catch (const std::bad_alloc&) {
      return base::no_memory();
    }
    if (const Error* const why = transaction->failure()) return fail(why->clone());
    for (std::size_t i = 0; i < keys.size(); ++i) show(i, found[i] ? &*found[i] : nullptr);
    const Pending pending = transaction->observed();
    transaction.reset();
    budget_.settle();
    return pending;
  }
}

Result<void> Engine::check_limits(std::string_view key, std::size_t value_bytes) const try {
  if (key.size() > options_.key_bytes_max)
    return fail(ErrorCode::kTooLarge,
                "key exceeds maximum allowed size (" + std::to_string(options_.key_bytes_max) + " bytes)");
  if (value_bytes > options_.value_bytes_max)
    return fail(ErrorCode::kTooLarge, "string exceeds maximum allowed size (proto-max-bulk-len)");
  return {};
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

std::uint64_t Engine::prefetch_bucket(KeyRef key) noexcept {
  const std::uint64_t hash = hash_of(keyspace_, key);
  keyspace_.shard_of(key.database, hash).prefetch_bucket(hash);
  return hash;
}

void Engine::prefetch_entry(int database, std::uint64_t hash) noexcept {
  Shard& shard = keyspace_.shard_of(database, hash);
  // A shard that is busy is not worth waiting for: this is only a hint.
  if (!shard.mutex().try_lock()) return;
  const base::ShortLock lock(shard.mutex(), std::adopt_lock);
  shard.prefetch_entry(hash);
}

}  // namespace stave::store
