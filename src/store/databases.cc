// Whole databases: flush, swap, scan, a random key.
#include <algorithm>

#include "base/random.h"
#include "base/try.h"
#include "store/engine.h"
#include "store/snapshot.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

std::vector<ShardId> Engine::shards_of(int first_database, int last_database) const {
  const auto per = static_cast<ShardId>(keyspace_.shards_per_database());
  std::vector<ShardId> ids;
  for (ShardId id = static_cast<ShardId>(first_database) * per; id < (static_cast<ShardId>(last_database) + 1) * per;
       ++id)
    ids.push_back(id);
  return ids;
}

Result<Pending> Engine::flush(int database, Sync sync) {
  return flush_range(database, database, sync);
}
Result<Pending> Engine::flush_all(Sync sync) {
  return flush_range(0, options_.databases - 1, sync);
}

Result<Pending> Engine::flush_range(int first, int last, Sync sync) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  const auto ids = shards_of(first, last);
  std::vector<log::RecordSpec> batch;
  for (int database = first; database <= last; ++database)
    batch.push_back({.kind = log::RecordKind::kFlush, .database = static_cast<std::uint8_t>(database), .time = now()});
  std::vector<Lsn> lsns(batch.size());
  std::vector<std::shared_ptr<Shard>> contents;
  lock_all(ids);
  auto end = log_->append(batch, lsns);
  if (end) {
    world_changes_.fetch_add(1, std::memory_order_acq_rel);
    for (const ShardId id : ids) {
      Shard& shard = keyspace_.shard(id);
      if (shard.size() != 0) {
        contents.push_back(shard.take_contents());
        tell_walks([&](SnapshotWalk& walk) { walk.inherit(id, *end, contents.back()); });
      }
      shard.set_removal_mark(*end);
    }
  }
  unlock_all(ids);
  if (!end) return fail(std::move(end).error());
  bury(std::move(contents));
  return pending_for_write(*end, sync);
}

void Engine::tell_walks(base::FunctionRef<void(SnapshotWalk&)> tell) {
  base::MutexLock lock(walks_mutex_);
  for (SnapshotWalk* walk : walks_) tell(*walk);
}

void Engine::bury(std::vector<std::shared_ptr<Shard>> contents) {
  if (!thread_.joinable()) return;  // freed here and now
  base::MutexLock lock(housekeeping_mutex_);
  for (auto& shard : contents) graveyard_.push_back(std::move(shard));
  housekeeping_wake_.notify_one();
}

Result<Pending> Engine::swap(int first, int second, Sync sync) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  if (first == second) return Pending{};
  const auto low = shards_of(std::min(first, second), std::min(first, second));
  const auto high = shards_of(std::max(first, second), std::max(first, second));
  const char other = static_cast<char>(second);
  const log::RecordSpec record{.kind = log::RecordKind::kSwap,
                               .database = static_cast<std::uint8_t>(first),
                               .time = now(),
                               .payload = std::string_view(&other, 1)};
  Lsn lsn = kNoLsn;
  lock_all(low);
  lock_all(high);
  auto end = log_->append(std::span(&record, 1), std::span(&lsn, 1));
  if (end) {
    for (std::size_t i = 0; i < low.size(); ++i) keyspace_.shard(low[i]).swap_contents(keyspace_.shard(high[i]));
    world_mark_.store(raw(*end), std::memory_order_release);
    world_changes_.fetch_add(1, std::memory_order_acq_rel);
    tell_walks([&](SnapshotWalk& walk) { walk.swapped(first, second, lsn); });
  }
  unlock_all(high);
  unlock_all(low);
  if (!end) return fail(std::move(end).error());
  return pending_for_write(*end, sync);
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
                                          Pending& pending) {
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
  Shard& shard = shard_of(key.database, hash);
  base::ShortLock lock(shard.mutex());
  const Entry entry = shard.find(hash, key.key);
  if (!entry || (entry.has_expiry() && entry.expiry().passed(now()))) return std::nullopt;
  return entry.memory_bytes();
}

std::optional<unsigned> Engine::heat_of(KeyRef key) {
  const std::uint64_t hash = keyspace_.hash(key.key);
  Shard& shard = shard_of(key.database, hash);
  base::ShortLock lock(shard.mutex());
  const Entry entry = shard.find(hash, key.key);
  if (!entry || (entry.has_expiry() && entry.expiry().passed(now()))) return std::nullopt;
  return entry.heat();
}

}  // namespace stave::store
