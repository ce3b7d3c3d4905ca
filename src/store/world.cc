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

World::Contents World::places_for(std::span<const ShardId> ids) const {
  Contents contents;
  for (const ShardId id : ids)
    if (keyspace_.shard(id).size() != 0)
      contents.push_back(std::make_shared<Shard>(keyspace_.hash_key(), keyspace_.source()));
  return contents;
}

void World::empty(const ShardLocks& locks, std::span<const ShardId> ids, Lsn end, Contents::iterator& taken) {
  for (const ShardId id : ids) {
    Shard& shard = keyspace_.shard(id);
    locks.assume_held(shard);
    if (shard.size() != 0) {
      shard.swap_contents(**taken);
      tell([&](SnapshotWalk& walk) { walk.inherit(id, end, *taken); });
      ++taken;
    }
    shard.set_removal_mark(end);
  }
}

void World::exchange(int first, int second, Lsn lsn, Lsn end) {
  const auto lower =
      static_cast<ShardId>(std::min(first, second)) * static_cast<ShardId>(keyspace_.shards_per_database());
  const auto higher =
      static_cast<ShardId>(std::max(first, second)) * static_cast<ShardId>(keyspace_.shards_per_database());
  for (ShardId i = 0; i < keyspace_.shards_per_database(); ++i) {
    keyspace_.shard(lower + i).swap_contents(keyspace_.shard(higher + i));
    base::interleave::yield_point("swap: a shard moved");
  }
  mark_.store(raw(end), std::memory_order_release);
  tell([&](SnapshotWalk& walk) { walk.swapped(first, second, lsn); });
}

Result<Lsn> World::flush(int first, int last) try {
  STAVE_ASSERT(0 <= first && first <= last && last < keyspace_.databases());
  std::vector<log::RecordSpec> batch;
  for (int database = first; database <= last; ++database)
    batch.push_back({.kind = log::RecordKind::kFlush, .database = number_of(keyspace_, database), .time = time_.now()});
  std::vector<Lsn> lsns(batch.size());
  ShardLocks locks(keyspace_);
  locks.add_databases(first, last);
  locks.lock();
  Contents contents = places_for(locks.ids());
  STAVE_ASSIGN(const Lsn end, log_->append(batch, lsns));
  base::interleave::yield_point("flush: logged, not counted");
  const Moving moving(*this);
  auto taken = contents.begin();
  empty(locks, locks.ids(), end, taken);
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
  exchange(first, second, lsn, end);
  return end;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

Result<Lsn> World::take_over(std::span<const Upheaval> upheavals, base::FunctionRef<Result<Lsn>()> append) try {
  STAVE_ASSERT(!upheavals.empty());
  ShardLocks locks(keyspace_);
  for (const Upheaval& upheaval : upheavals) {
    locks.add_databases(upheaval.first, upheaval.first);
    if (upheaval.second >= 0) locks.add_databases(upheaval.second, upheaval.second);
  }
  locks.lock();
  // One database may take several contents out, when others came into it in between.
  std::vector<Contents> places;
  for (const Upheaval& upheaval : upheavals) {
    places.emplace_back();
    if (upheaval.second < 0)
      for (std::size_t i = 0; i < keyspace_.shards_per_database(); ++i)
        places.back().push_back(std::make_shared<Shard>(keyspace_.hash_key(), keyspace_.source()));
  }
  STAVE_ASSIGN(const Lsn end, append());
  const Moving moving(*this);
  Contents contents;
  for (std::size_t i = 0; i < upheavals.size(); ++i) {
    const Upheaval& upheaval = upheavals[i];
    if (upheaval.second >= 0) {
      if (upheaval.second != upheaval.first) exchange(upheaval.first, upheaval.second, upheaval.lsn, end);
      continue;
    }
    auto taken = places[i].begin();
    empty(locks, shards_of(upheaval.first, upheaval.first), end, taken);
    places[i].erase(taken, places[i].end());
    contents.splice(contents.end(), places[i]);
  }
  locks.unlock();
  bury_(std::move(contents));
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
