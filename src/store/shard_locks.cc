#include "store/shard_locks.h"

#include <algorithm>

#include "base/assert.h"

namespace stave::store {

using keyspace::ShardId;

void ShardLocks::add(ShardId id) {
  STAVE_ASSERT(!locked_ && id < keyspace_.shard_count());
  ids_.push_back(id);
}

void ShardLocks::add_databases(int first, int last) {
  STAVE_ASSERT(0 <= first && first <= last && last < keyspace_.databases());
  const auto per = static_cast<ShardId>(keyspace_.shards_per_database());
  const ShardId end = (static_cast<ShardId>(last) + 1) * per;
  reserve(ids_.size() + end - static_cast<ShardId>(first) * per);
  for (ShardId id = static_cast<ShardId>(first) * per; id < end; ++id) add(id);
}

void ShardLocks::lock() noexcept {
  STAVE_ASSERT(!locked_);
  if (!std::is_sorted(ids_.begin(), ids_.end())) std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  for (const ShardId id : ids_) keyspace_.shard(id).mutex().lock();
  locked_ = true;
}

void ShardLocks::unlock() noexcept {
  if (!std::exchange(locked_, false)) return;
  for (const ShardId id : ids_) keyspace_.shard(id).mutex().unlock();
}

bool ShardLocks::extend(ShardId id) {
  STAVE_ASSERT(locked_ && id < keyspace_.shard_count());
  ids_.reserve(ids_.size() + 1);
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
  STAVE_ASSERT(at == ids_.end() || *at != id);
  base::ShortMutex& mutex = keyspace_.shard(id).mutex();
  if (at == ids_.end()) {
    mutex.lock();
  } else if (!mutex.try_lock()) {
    return false;
  }
  ids_.insert(at, id);
  return true;
}

bool ShardLocks::holds(ShardId id) const noexcept {
  return locked_ && std::binary_search(ids_.begin(), ids_.end(), id);
}

void ShardLocks::assert_held(ShardId id, keyspace::Shard& shard) const noexcept {
  STAVE_ASSERT(holds(id) && &keyspace_.shard(id) == &shard);
}

}  // namespace stave::store
