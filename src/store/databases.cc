// Whole databases: flush, swap, scan, a random key.
#include <algorithm>

#include "base/no_memory.h"
#include "base/random.h"
#include "base/try.h"
#include "store/engine.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

Result<Pending> Engine::flush(int database, Sync sync) {
  STAVE_ASSIGN(const Lsn end, world_.flush(database, database));
  return pending_for_write(end, sync);
}

Result<Pending> Engine::flush_all(Sync sync) {
  STAVE_ASSIGN(const Lsn end, world_.flush(0, options_.databases - 1));
  return pending_for_write(end, sync);
}

Result<Pending> Engine::swap(int first, int second, Sync sync) {
  if (first == second) return Pending{};
  STAVE_ASSIGN(const Lsn end, world_.swap(first, second));
  return pending_for_write(end, sync);
}

void Engine::bury(World::Contents contents) {
  if (!thread_.joinable()) return;  // freed here and now
  base::MutexLock lock(housekeeping_mutex_);
  graveyard_.splice(graveyard_.end(), contents);
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
    if (shard.size() != 0 && position < Shard::kScanEnd) {
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
    if (shard.size() == 0) continue;
    base::ShortLock lock(shard.mutex());
    for (int draw = 0; draw < 8; ++draw) {
      const Entry entry = shard.random_entry(base::thread_random());
      if (!entry) break;
      if (entry.has_expiry() && entry.expiry().passed(now())) continue;
      pending.merge(observe(entry.version() + 1));
      return std::string(entry.key());
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Engine::memory_of(KeyRef key) {
  const std::uint64_t hash = keyspace_.hash(key.key);
  Shard& shard = keyspace_.shard_of(key.database, hash);
  base::ShortLock lock(shard.mutex());
  const Entry entry = shard.find(hash, key.key);
  if (!entry || (entry.has_expiry() && entry.expiry().passed(now()))) return std::nullopt;
  return entry.memory_bytes();
}

std::optional<unsigned> Engine::heat_of(KeyRef key) {
  const std::uint64_t hash = keyspace_.hash(key.key);
  Shard& shard = keyspace_.shard_of(key.database, hash);
  base::ShortLock lock(shard.mutex());
  const Entry entry = shard.find(hash, key.key);
  if (!entry || (entry.has_expiry() && entry.expiry().passed(now()))) return std::nullopt;
  return entry.heat();
}

}  // namespace stave::store
