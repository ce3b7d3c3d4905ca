#include "keyspace/keyspace.h"

namespace stave::keyspace {

Keyspace::Keyspace(int databases, std::size_t shards, const base::HashKey& key)
    : key_(key),
      databases_(databases),
      shards_per_database_(shards),
      shard_mask_(shards - 1),
      chunks_(std::make_unique<SystemChunkSource>()) {
  shards_.reserve(static_cast<std::size_t>(databases) * shards);
  for (std::size_t i = 0; i < static_cast<std::size_t>(databases) * shards; ++i)
    shards_.push_back(std::make_unique<Shard>(key_, *chunks_, &hint_));
}

Keyspace::~Keyspace() = default;

void Keyspace::find_next_deadline() noexcept {
  hint_.raise();
  for (const auto& shard : shards_) hint_.lower(shard->next_deadline());
}

std::uint64_t Keyspace::size(int database) const noexcept {
  std::uint64_t keys = 0;
  const std::size_t first = static_cast<std::size_t>(database) * shards_per_database_;
  for (std::size_t i = first; i < first + shards_per_database_; ++i) keys += shards_[i]->size();
  return keys;
}

std::uint64_t Keyspace::keys() const noexcept {
  std::uint64_t keys = 0;
  for (const auto& shard : shards_) keys += shard->size();
  return keys;
}

MemoryUse Keyspace::memory(int database) const {
  MemoryUse use;
  const std::size_t first = static_cast<std::size_t>(database) * shards_per_database_;
  for (std::size_t i = first; i < first + shards_per_database_; ++i) {
    Shard& shard = *shards_[i];
    base::ShortLock lock(shard.mutex());
    use += shard.memory();
  }
  return use;
}

}  // namespace stave::keyspace
