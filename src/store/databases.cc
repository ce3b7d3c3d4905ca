// Whole databases: flush, swap, scan, a random key.
#include <algorithm>

#include "base/no_memory.h"
#include "base/random.h"
#include "base/try.h"
#include "store/engine.h"
#include "store/shard_locks.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

Result<Pending> Engine::flush(int database, Sync sync) {
  STAVE_ASSIGN(const Lsn end, world_.flush(database, database));
  return pending_for_write(end, sync);
}

Result<Pending> Engine::flush_all(Sync sync) {
  STAVE_ASSIGN(const Lsn end, world_.flush(0, pages_database(keyspace_)));
  return pending_for_write(end, sync);
}

Result<Pending> Engine::swap(int first, int second, Sync sync) {
  if (first == second) return Pending{};
  STAVE_ASSIGN(const Lsn end, world_.swap(first, second));
  return pending_for_write(end, sync);
}

void Engine::bury(World::Contents contents) {
  graveyard_.bury(std::move(contents));
  orphans_.note();
  base::MutexLock lock(housekeeping_mutex_);
  woken_ = true;
  housekeeping_wake_.notify_one();
}

std::uint64_t Engine::scan(int database, std::uint64_t cursor, std::size_t count,
                           base::FunctionRef<void(std::string_view, const ValueView&)> visit, Pending& pending) {
  // A cursor is the shard's number above 33 bits of position in the order of hashes, which growth does not disturb.
  constexpr int kPositionBits = 33;
  const std::size_t shards = keyspace_.shards_per_database();
  std::size_t number = cursor >> kPositionBits;
  std::uint64_t position = cursor & ((std::uint64_t{1} << kPositionBits) - 1);
  std::size_t seen = 0;
  const UnixMs time = now();
  while (number < shards && seen < std::max<std::size_t>(count, 1)) {
    Shard& shard = keyspace_.shard(static_cast<ShardId>(static_cast<std::size_t>(database) * shards + number));
    if (position < Shard::kScanEnd) {
      // An empty shard too: only under its lock is it certain that it is, and since which removal.
      base::ShortLock lock(shard.mutex());
      Lsn newest = shard.removal_mark();
      position = shard.scan(position, count - seen, [&](Entry entry) {
        ++seen;
        newest = std::max(newest, entry.version() + 1);
        const Expiry expiry = entry.has_expiry() ? entry.expiry() : Expiry{};
        if (expiry.passed(time)) return;
        ValueView view = view_of(entry, nullptr);
        view.expiry = expiry;
        visit(entry.key(), view);
      });
      pending.merge(observe(newest));
    } else {
      position = Shard::kScanEnd;
    }
    if (position >= Shard::kScanEnd) {
      ++number;
      position = 0;
    }
  }
  return number >= shards ? 0 : (static_cast<std::uint64_t>(number) << kPositionBits) | position;
}

Result<std::uint64_t> Engine::scan_values(int database, std::uint64_t cursor, std::size_t count,
                                          base::FunctionRef<void(std::string_view, const ValueView&)> visit,
                                          Pending& pending) try {
  std::vector<std::string> absent;
  const std::uint64_t next = scan(
      database, cursor, count,
      [&](std::string_view key, const ValueView& view) {
        if (view.here) {
          visit(key, view);
        } else {
          absent.emplace_back(key);
        }
      },
      pending);
  for (const std::string& key : absent) {
    STAVE_ASSIGN(const Pending seen, read({database, key}, Access::kPeek, [&](const ValueView* view) {
                   if (view != nullptr) visit(key, *view);
                 }));
    pending.merge(seen);
  }
  return next;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

std::optional<std::string> Engine::random_key(int database, Pending& pending) {
  const std::size_t shards = keyspace_.shards_per_database();
  // Shards hold about equally many keys, so: a random shard, then a random entry of it. A few tries, because the first
  // may be empty or the entry expired; then the shards in turn, so that the last key of a database is found for
  // certain.
  const std::uint64_t seed = base::thread_random();
  for (std::size_t attempt = 0; attempt < shards + 16; ++attempt) {
    const std::uint64_t dice = attempt < 16 ? base::thread_random() : seed + attempt;
    Shard& shard = keyspace_.shard(static_cast<ShardId>(static_cast<std::size_t>(database) * shards + dice % shards));
    base::ShortLock lock(shard.mutex());
    // What was passed over tells something as well: that nothing was there.
    pending.merge(observe(shard.removal_mark()));
    for (int draw = 0; draw < 8; ++draw) {
      const Entry entry = shard.random_entry(base::thread_random());
      if (!entry) break;
      pending.merge(observe(entry.version() + 1));
      if (entry.has_expiry() && entry.expiry().passed(now())) continue;
      return std::string(entry.key());
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Engine::memory_of(KeyRef key, Pending& pending) {
  std::optional<std::uint64_t> bytes;
  look_at(key, pending, [&](Entry entry) { bytes = entry.memory_bytes(); });
  return bytes;
}

std::optional<unsigned> Engine::heat_of(KeyRef key, Pending& pending) {
  std::optional<unsigned> heat;
  look_at(key, pending, [&](Entry entry) { heat = entry.heat(); });
  return heat;
}

void Engine::look_at(KeyRef key, Pending& pending, base::FunctionRef<void(Entry)> look) {
  const std::uint64_t hash = hash_of(keyspace_, key);
  Shard& shard = keyspace_.shard_of(key.database, hash);
  base::ShortLock lock(shard.mutex());
  const Entry entry = shard.find(hash, key.key);
  pending.merge(observe(entry ? entry.version() + 1 : shard.removal_mark()));
  if (entry && !(entry.has_expiry() && entry.expiry().passed(now()))) look(entry);
}

std::uint64_t Engine::count_keys(int database) {
  ShardLocks locks(keyspace_);
  locks.add_databases(database, database);
  locks.lock();
  std::uint64_t keys = 0;
  for (const ShardId id : locks.ids()) keys += keyspace_.shard(id).size();
  return keys;
}

}  // namespace stave::store
