// A transaction: the shards of its keys locked in order, changes applied at once and undone unless committed.
//
// Promises: nobody sees a change before `commit`, and then sees all of them; commit logs one batch; a transaction that is
// destroyed, or whose commit fails, leaves everything as it was. Hold it briefly: its shards are closed to everyone else.
// Only keys named at construction may be used. One thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "store/engine.h"

namespace stave::store {

class Transaction {
 public:
  /// Locks the shards of `keys` (at most 1M). The bytes of the keys must outlive the transaction.
  Transaction(Engine& engine, std::span<const KeyRef> keys);
  Transaction(Engine& engine, KeyRef key) : Transaction(engine, std::span(&key, 1)) {}
  /// Locks every shard of every database: for transactions whose keys cannot be named beforehand.
  struct Everything {};
  Transaction(Engine& engine, Everything);
  /// Rolls back what was not committed.
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// The one time of this transaction.
  [[nodiscard]] UnixMs now() const noexcept { return now_; }
  /// What the key holds, this transaction's own changes included; nullopt when absent or expired.
  /// The view ends with the next change of the same transaction.
  std::optional<ValueView> find(KeyRef key, Access access = Access::kPeek);
  /// Sets the key whole. Errors: kTooLarge, kNoMemory.
  Result<void> put(KeyRef key, std::string_view value, Expiry expiry);
  /// Removes the key; false when it was not there.
  bool erase(KeyRef key);
  /// Replaces the expiry of an existing key (never(): it lives on). A deadline that has passed erases the key. Errors: kNotFound, kNoMemory.
  Result<void> set_expiry(KeyRef key, Expiry expiry);

  /// Logs and publishes all changes and unlocks; returns what the answer must wait for (also when nothing was changed: what
  /// was seen). After an error everything is as it was before the transaction. Call at most once.
  Result<Pending> commit(Sync sync = Sync::kDefault);
  /// Undoes everything and unlocks; the destructor's work, earlier.
  void rollback() noexcept;

 private:
  struct Change;
  Engine& engine_;
  UnixMs now_;
  bool open_ = true;
  Lsn observed_ = kNoLsn;
  std::vector<keyspace::ShardId> shards_;
  std::vector<Change> changes_;
};

}  // namespace stave::store
