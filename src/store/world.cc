#include "store/world.h"

#include <algorithm>
#include <span>

#include "base/assert.h"
#include "base/interleave.h"
#include "base/try.h"
#include "store/snapshot.h"

namespace stave::store {

using keyspace::Shard;
using keyspace::ShardId;

namespace {

void lock_all(keyspace::Keyspace& keyspace, std::span<const ShardId> shards) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  for (const ShardId id : shards) keyspace.shard(id).mutex().lock();
}

void unlock_all(keyspace::Keyspace& keyspace, std::span<const ShardId> shards) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  for (const ShardId id : shards) keyspace.shard(id).mutex().unlock();
}

}  // namespace

std::vector<ShardId> World::shards_of(int first, int last) const {
  const auto per = static_cast<ShardId>(keyspace_.shards_per_database());
  std::vector<ShardId> ids;
  for (ShardId id = static_cast<ShardId>(first) * per; id < (static_cast<ShardId>(last) + 1) * per; ++id)
    ids.push_back(id);
  return ids;
}

Result<Lsn> World::flush(int first, int last) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  STAVE_ASSERT(0 <= first && first <= last && last < keyspace_.databases());
  const auto ids = shards_of(first, last);
  std::vector<log::RecordSpec> batch;
  for (int database = first; database <= last; ++database)
    batch.push_back(
        {.kind = log::RecordKind::kFlush, .database = static_cast<std::uint8_t>(database), .time = time_.now()});
  std::vector<Lsn> lsns(batch.size());
  Contents contents;
  lock_all(keyspace_, ids);
  auto end = log_->append(batch, lsns);
  if (end) {
    base::interleave::yield_point("flush: logged, not counted");
    changes_.fetch_add(1, std::memory_order_acq_rel);
    for (const ShardId id : ids) {
      Shard& shard = keyspace_.shard(id);
      if (shard.size() != 0) {
        contents.push_back(shard.take_contents());
        tell([&](SnapshotWalk& walk) { walk.inherit(id, *end, contents.back()); });
      }
      shard.set_removal_mark(*end);
    }
  }
  unlock_all(keyspace_, ids);
  if (end) bury_(std::move(contents));
  return end;
}

Result<Lsn> World::swap(int first, int second) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  STAVE_ASSERT(first != second);
  const auto low = shards_of(std::min(first, second), std::min(first, second));
  const auto high = shards_of(std::max(first, second), std::max(first, second));
  const char other = static_cast<char>(second);
  const log::RecordSpec record{.kind = log::RecordKind::kSwap,
                               .database = static_cast<std::uint8_t>(first),
                               .time = time_.now(),
                               .payload = std::string_view(&other, 1)};
  Lsn lsn = kNoLsn;
  lock_all(keyspace_, low);
  lock_all(keyspace_, high);
  auto end = log_->append(std::span(&record, 1), std::span(&lsn, 1));
  if (end) {
    base::interleave::yield_point("swap: logged, not counted");
    // Counted before anything moves: who finds a shard emptied by this, without locking it, then finds it counted.
    changes_.fetch_add(1, std::memory_order_acq_rel);
    base::interleave::yield_point("swap: counted, nothing moved");
    for (std::size_t i = 0; i < low.size(); ++i) {
      keyspace_.shard(low[i]).swap_contents(keyspace_.shard(high[i]));
      base::interleave::yield_point("swap: a shard moved");
    }
    mark_.store(raw(*end), std::memory_order_release);
    tell([&](SnapshotWalk& walk) { walk.swapped(first, second, lsn); });
  }
  unlock_all(keyspace_, high);
  unlock_all(keyspace_, low);
  return end;
}

// --- walks -----------------------------------------------------------------------------------------------------------

void World::join(SnapshotWalk& walk, base::FunctionRef<void()> begin) {
  base::MutexLock lock(walks_mutex_);
  begin();
  walks_.push_back(&walk);
}

void World::leave(SnapshotWalk& walk) {
  base::MutexLock lock(walks_mutex_);
  std::erase(walks_, &walk);
}

bool World::walked() const {
  base::MutexLock lock(walks_mutex_);
  return !walks_.empty();
}

void World::tell(base::FunctionRef<void(SnapshotWalk&)> tell) {
  base::MutexLock lock(walks_mutex_);
  for (SnapshotWalk* walk : walks_) tell(*walk);
}

}  // namespace stave::store
