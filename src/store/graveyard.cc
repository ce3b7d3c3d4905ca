#include "store/graveyard.h"

#include <utility>

#include "base/assert.h"

namespace stave::store {

namespace {

std::uint64_t bytes_of(keyspace::Shard& shard) {
  base::ShortLock lock(shard.mutex());
  return shard.memory().total();
}

}  // namespace

void Graveyard::bury(Contents contents) noexcept {
  std::uint64_t bytes = 0;
  for (const auto& shard : contents) {
    STAVE_ASSERT(shard != nullptr);
    bytes += bytes_of(*shard);
  }
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  base::MutexLock lock(mutex_);
  contents_.splice(contents_.end(), contents);
}

std::size_t Graveyard::size() const {
  base::MutexLock lock(mutex_);
  return contents_.size();
}

bool Graveyard::step() {
  std::shared_ptr<keyspace::Shard> dead;
  bool more = false;
  {
    base::MutexLock lock(mutex_);
    if (contents_.empty()) return false;
    dead = std::move(contents_.back());
    contents_.pop_back();
    more = !contents_.empty();
  }
  const std::uint64_t bytes = bytes_of(*dead);
  dead.reset();
  const std::uint64_t before = bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  STAVE_ASSERT(before >= bytes);
  return more;
}

}  // namespace stave::store
