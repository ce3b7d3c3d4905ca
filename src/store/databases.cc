// Whole databases: flush, swap, scan, a random key; the last two also within a transaction.
#include <algorithm>

#include "base/no_memory.h"
#include "base/random.h"
#include "base/try.h"
#include "store/engine.h"
#include "store/own_values.h"
#include "store/shard_locks.h"
#include "store/transaction.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

Result<Pending> Engine::flush(int database, Sync sync) {
  if (refuses_writes()) [[unlikely]]
    return fail(ErrorCode::kReadOnly, log::kFollowsSentence);
  STAVE_ASSIGN(const Lsn end, world_.flush(database, database));
  return pending_for_write(end, sync);
}

Result<Pending> Engine::flush_all(Sync sync) {
  if (refuses_writes()) [[unlikely]]
    return fail(ErrorCode::kReadOnly, log::kFollowsSentence);
  // Pages of collections go at once, too, unless values of the store's own lie among them: then they become orphans.
  const bool own = has_own(*this);
  STAVE_ASSIGN(const Lsn end, world_.flush(0, pages_database(keyspace_) - (own ? 1 : 0)));
  if (own) orphans_.note();
  return pending_for_write(end, sync);
}

Result<Pending> Engine::swap(int first, int second, Sync sync) {
  if (first == second) return Pending{};
  if (refuses_writes()) [[unlikely]]
    return fail(ErrorCode::kReadOnly, log::kFollowsSentence);
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

namespace {

/// A cursor is the shard's number above 33 bits of position in the order of hashes, which growth does not disturb.
constexpr int kPositionBits = 33;

/// Shows what is alive in `shard` from `position` on, until `count` were seen. Returns where to go on.
std::uint64_t scan_shard(Shard& shard, std::uint64_t position, std::size_t count, UnixMs now, std::size_t& seen,
                         Lsn& newest, base::FunctionRef<void(std::string_view, const ValueView&)> visit)
    STAVE_REQUIRES(shard.mutex()) {
  newest = shard.removal_mark();
  return shard.scan(position, count - seen, [&](Entry entry) {
    ++seen;
    newest = std::max(newest, entry.version() + 1);
    const Expiry expiry = entry.has_expiry() ? entry.expiry() : Expiry{};
    if (expiry.passed(now)) return;
    ValueView view = view_of(entry, Access::kMeta, nullptr);
    view.expiry = expiry;
    visit(entry.key(), view);
  });
}

/// Goes through the shards of a database. `scan(shard, position, seen)` returns where to go on in that shard.
std::uint64_t scan_shards(keyspace::Keyspace& keyspace, int database, std::uint64_t cursor, std::size_t count,
                          base::FunctionRef<std::uint64_t(ShardId, std::uint64_t, std::size_t&)> scan) {
  const std::size_t shards = keyspace.shards_per_database();
  std::size_t number = cursor >> kPositionBits;
  std::uint64_t position = cursor & ((std::uint64_t{1} << kPositionBits) - 1);
  std::size_t seen = 0;
  while (number < shards && seen < count) {
    const auto id = static_cast<ShardId>(static_cast<std::size_t>(database) * shards + number);
    position = position < Shard::kScanEnd ? scan(id, position, seen) : Shard::kScanEnd;
    if (position >= Shard::kScanEnd) {
      ++number;
      position = 0;
    }
  }
  return number >= shards ? 0 : (static_cast<std::uint64_t>(number) << kPositionBits) | position;
}

}  // namespace

std::uint64_t Engine::scan(int database, std::uint64_t cursor, std::size_t count,
                           base::FunctionRef<void(std::string_view, const ValueView&)> visit, Pending& pending) {
  count = std::max<std::size_t>(count, 1);
  const UnixMs time = now();
  return scan_shards(keyspace_, database, cursor, count, [&](ShardId id, std::uint64_t position, std::size_t& seen) {
    Shard& shard = keyspace_.shard(id);
    // An empty shard too: only under its lock is it certain that it is, and since which removal.
    base::ShortLock lock(shard.mutex());
    Lsn newest = kNoLsn;
    const std::uint64_t next = scan_shard(shard, position, count, time, seen, newest, visit);
    pending.merge(observe(newest));
    return next;
  });
}

std::uint64_t Transaction::scan(int database, std::uint64_t cursor, std::size_t count,
                                base::FunctionRef<void(std::string_view, const ValueView&)> visit) {
  count = std::max<std::size_t>(count, 1);
  keyspace::Keyspace& keyspace = engine_.keyspace();
  return scan_shards(keyspace, database, cursor, count, [&](ShardId id, std::uint64_t position, std::size_t& seen) {
    Shard& shard = keyspace.shard(id);
    locks_.assert_held(id, shard);
    Lsn newest = kNoLsn;
    const std::uint64_t next = scan_shard(shard, position, count, now(), seen, newest, visit);
    observed_.merge(engine_.observe(newest));
    return next;
  });
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

namespace {

/// Shards hold about equally many keys, so: a random shard, then a random entry of it. A few tries, because the first
/// may be empty or the entry expired; then the shards in turn, so that the last key of a database is found for certain.
std::optional<std::string> draw_key(keyspace::Keyspace& keyspace, int database,
                                    base::FunctionRef<std::optional<std::string>(ShardId)> draw) {
  constexpr std::size_t kTries = 16;
  const std::size_t shards = keyspace.shards_per_database();
  const std::uint64_t seed = base::thread_random();
  for (std::size_t attempt = 0; attempt < shards + kTries; ++attempt) {
    const std::uint64_t dice = attempt < kTries ? base::thread_random() : seed + attempt;
    if (auto key = draw(static_cast<ShardId>(static_cast<std::size_t>(database) * shards + dice % shards))) return key;
  }
  return std::nullopt;
}

/// `newest`: where the records end that tell of what was drawn, and of what was passed over.
std::optional<std::string> draw_from(Shard& shard, UnixMs now, Lsn& newest) STAVE_REQUIRES(shard.mutex()) {
  constexpr int kDraws = 8;
  newest = shard.removal_mark();
  for (int i = 0; i < kDraws; ++i) {
    const Entry entry = shard.random_entry(base::thread_random());
    if (!entry) break;
    newest = std::max(newest, entry.version() + 1);
    if (entry.has_expiry() && entry.expiry().passed(now)) continue;
    return std::string(entry.key());
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> Engine::random_key(int database, Pending& pending) {
  return draw_key(keyspace_, database, [&](ShardId id) {
    Shard& shard = keyspace_.shard(id);
    base::ShortLock lock(shard.mutex());
    Lsn newest = kNoLsn;
    auto key = draw_from(shard, now(), newest);
    pending.merge(observe(newest));
    return key;
  });
}

std::optional<std::string> Transaction::random_key(int database) {
  return draw_key(engine_.keyspace(), database, [&](ShardId id) {
    Shard& shard = engine_.keyspace().shard(id);
    locks_.assert_held(id, shard);
    Lsn newest = kNoLsn;
    auto key = draw_from(shard, now(), newest);
    observed_.merge(engine_.observe(newest));
    return key;
  });
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

std::uint64_t Transaction::count_keys(int database) {
  const std::size_t shards = engine_.keyspace().shards_per_database();
  std::uint64_t keys = 0;
  for (std::size_t i = 0; i < shards; ++i) {
    const auto id = static_cast<ShardId>(static_cast<std::size_t>(database) * shards + i);
    locks_.assert_held(id, engine_.keyspace().shard(id));
    keys += engine_.keyspace().shard(id).size();
  }
  // The number tells of writes that may still be on their way to the disk, and nobody knows of which.
  observed_.merge(engine_.observe_all());
  return keys;
}

}  // namespace stave::store
