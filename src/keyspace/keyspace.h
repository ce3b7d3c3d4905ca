// All databases: `databases × shards` shards, one secret hash, one order in which to lock.
//
// A key's shard is chosen by bits of its hash, so the same key has the same shard number in every database. The last
// database is the store's own: there keys that begin alike lie in one shard.
// Whoever needs several shards locks them by ascending `ShardId`: no deadlock. Must not know: the log, commands.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "keyspace/chunk_source.h"
#include "keyspace/shard.h"

namespace stave::keyspace {

/// Position of a shard in the global lock order: database * shards + number.
using ShardId = std::uint32_t;

class Keyspace {
 public:
  /// `shards`: a power of two up to 4096. `key` must be secret and random in production.
  Keyspace(int databases, std::size_t shards, const base::HashKey& key);
  ~Keyspace();

  [[nodiscard]] std::uint64_t hash(std::string_view key) const noexcept { return base::sip_hash(key_, key); }
  [[nodiscard]] ShardId shard_id(int database, std::uint64_t hash) const noexcept {
    return static_cast<ShardId>(static_cast<std::size_t>(database) * shards_per_database_ +
                                (static_cast<std::size_t>(hash >> 8) & shard_mask_));
  }
  /// The same for any key, also of the last database: there the shard is chosen by the key's first bytes, so that what
  /// belongs together is locked at once.
  [[nodiscard]] ShardId shard_id(int database, std::uint64_t hash, std::string_view key) const noexcept {
    return shard_id(database, database == databases_ - 1 ? together_hash(hash, key) : hash);
  }
  static constexpr std::size_t kTogetherBytes = 6;
  /// A hash with whose bits `shard_id` chooses a shard of the last database.
  [[nodiscard]] static std::uint64_t together_hash(std::uint64_t hash, std::string_view key) noexcept {
    if (key.size() < kTogetherBytes) return hash;
    return base::load48(reinterpret_cast<const std::byte*>(key.data())) * 0x9e3779b97f4a7c15u >> 20;
  }
  [[nodiscard]] Shard& shard(ShardId id) noexcept { return *shards_[id]; }
  [[nodiscard]] const Shard& shard(ShardId id) const noexcept { return *shards_[id]; }
  /// Where a key of that hash lies.
  [[nodiscard]] Shard& shard_of(int database, std::uint64_t hash) noexcept { return shard(shard_id(database, hash)); }
  [[nodiscard]] Shard& shard_of(int database, std::uint64_t hash, std::string_view key) noexcept {
    return shard(shard_id(database, hash, key));
  }
  [[nodiscard]] int databases() const noexcept { return databases_; }
  [[nodiscard]] std::size_t shards_per_database() const noexcept { return shards_per_database_; }
  [[nodiscard]] std::size_t shard_count() const noexcept { return shards_.size(); }

  /// No key expires before this; it may be early, never late. Takes no lock.
  [[nodiscard]] UnixMs next_deadline() const noexcept { return hint_.get(); }
  /// Looks at all shards for the next deadline, after what was due is gone. Takes no lock.
  void find_next_deadline() noexcept;

  /// Entries of a database, expired ones included until they are collected. Relaxed; takes no lock.
  [[nodiscard]] std::uint64_t size(int database) const noexcept;
  /// Bytes that all shards hold, entries' slack included. Relaxed; takes no lock.
  [[nodiscard]] std::uint64_t held_bytes() const noexcept { return chunks_->held_bytes(); }
  /// Bytes of what is held that were given back and are being freed. Relaxed; takes no lock.
  [[nodiscard]] std::uint64_t dying_bytes() const noexcept { return chunks_->dying_bytes(); }
  /// Frees a step of that, some tenths of a millisecond; false when nothing is left.
  bool free_some() noexcept { return chunks_->free_some(); }
  /// Bytes between large values, of what is held. Relaxed; takes no lock.
  [[nodiscard]] std::uint64_t free_block_bytes() const noexcept { return chunks_->free_block_bytes(); }
  /// Where the memory of all shards comes from.
  [[nodiscard]] ChunkSource& source() noexcept { return *chunks_; }
  [[nodiscard]] const base::HashKey& hash_key() const noexcept { return key_; }
  /// Only while there is no entry: an image was made with this key.
  void set_hash_key(const base::HashKey& key) noexcept { key_ = key; }
  /// Entries of all databases. Relaxed; takes no lock.
  [[nodiscard]] std::uint64_t keys() const noexcept;
  /// Sums over a database; locks its shards one by one.
  [[nodiscard]] MemoryUse memory(int database) const;

 private:
  base::HashKey key_;
  int databases_;
  std::size_t shards_per_database_;
  std::size_t shard_mask_;
  DeadlineHint hint_;
  std::unique_ptr<SystemChunkSource> chunks_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace stave::keyspace
