#include "store/world.h"

#include <algorithm>
#include <span>

#include "base/assert.h"
#include "base/interleave.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "store/shard_locks.h"
#include "store/snapshot.h"

namespace stave::store {

using keyspace::Shard;
using keyspace::ShardId;

std::vector<ShardId> World::shards_of(int first, int last) const {
  const auto per = static_cast<ShardId>(keyspace_.shards_per_database());
  std::vector<ShardId> ids;
  for (ShardId id = static_cast<ShardId>(first) * per; id < (static_cast<ShardId>(last) + 1) * per; ++id)
    ids.push_back(id);
  return ids;
}

class World::Moving {
 public:
  explicit Moving(World& world) noexcept : world_(world) { world_.changes_.fetch_add(1, std::memory_order_acq_rel); }
  ~Moving() { world_.ended_.fetch_add(1, std::memory_order_acq_rel); }
  Moving(const Moving&) = delete;
  Moving& operator=(const Moving&) = delete;

 private:
  World& world_;
};

Result<Lsn> World::flush(int first, int last) try {
  STAVE_ASSERT(0 <= first && first <= last && last < keyspace_.databases());
  std::vector<log::RecordSpec> batch;
  for (int database = first; database <= last; ++database)
    batch.push_back({.kind = log::RecordKind::kFlush, .database = number_of(keyspace_, database), .time = time_.now()});
  std::vector<Lsn> lsns(batch.size());
  ShardLocks locks(keyspace_);
  locks.add_databases(first, last);
  locks.lock();
  // What each shard's contents move into: behind the append nothing may fail.
  Contents contents;
  for (const ShardId id : locks.ids())
    if (keyspace_.shard(id).size() != 0)
      contents.push_back(std::make_shared<Shard>(keyspace_.hash_key(), keyspace_.source()));
  STAVE_ASSIGN(const Lsn end, log_->append(batch, lsns));
  base::interleave::yield_point("flush: logged, not counted");
  const Moving moving(*this);
  auto taken = contents.begin();
  for (const ShardId id : locks.ids()) {
    Shard& shard = keyspace_.shard(id);
    locks.assume_held(shard);
    if (shard.size() != 0) {
      STAVE_ASSERT(taken != contents.end());
      shard.swap_contents(**taken);
      tell([&](SnapshotWalk& walk) { walk.inherit(id, end, *taken); });
      ++taken;
    }
    shard.set_removal_mark(end);
  }
  STAVE_ASSERT(taken == contents.end());
  locks.unlock();
  bury_(std::move(contents));
  return end;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

Result<Lsn> World::swap(int first, int second) try {
  STAVE_ASSERT(first != second);
  ShardLocks locks(keyspace_);
  locks.add_databases(first, first);
  locks.add_databases(second, second);
  const char other = static_cast<char>(second);
  const log::RecordSpec record{.kind = log::RecordKind::kSwap,
                               .database = static_cast<std::uint8_t>(first),
                               .time = time_.now(),
                               .payload = std::string_view(&other, 1)};
  Lsn lsn = kNoLsn;
  locks.lock();
  STAVE_ASSIGN(const Lsn end, log_->append(std::span(&record, 1), std::span(&lsn, 1)));
  base::interleave::yield_point("swap: logged, not counted");
  // Counted before anything moves: who finds a shard emptied by this, without locking it, then finds it counted.
  const Moving moving(*this);
  base::interleave::yield_point("swap: counted, nothing moved");
  const auto lower = locks.ids().first(keyspace_.shards_per_database());
  const auto higher = locks.ids().last(lower.size());
  for (std::size_t i = 0; i < lower.size(); ++i) {
    keyspace_.shard(lower[i]).swap_contents(keyspace_.shard(higher[i]));
    base::interleave::yield_point("swap: a shard moved");
  }
  mark_.store(raw(end), std::memory_order_release);
  tell([&](SnapshotWalk& walk) { walk.swapped(first, second, lsn); });
  return end;
} catch (const std::bad_alloc&) {
  return base::no_memory();
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
