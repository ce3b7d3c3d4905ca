// A transaction: the shards of its keys locked in order, changes applied at once and undone unless committed.
//
// Promises: nobody sees a change before `commit`, and then sees all of them; commit logs one batch; a transaction that
// is destroyed, or whose commit fails, leaves everything as it was. Hold it briefly: its shards are closed to everyone
// else. Only keys named at construction may be used. One thread.
#pragma once

#include <boost/container/small_vector.hpp>
#include <list>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>

#include "store/engine.h"
#include "store/shard_locks.h"

namespace stave::store {

class Transaction {
 public:
  /// Locks the shards of `keys`. The bytes of the keys must outlive the transaction.
  Transaction(Engine& engine, std::span<const KeyRef> keys);
  Transaction(Engine& engine, KeyRef key) : Transaction(engine, std::span(&key, 1)) {}
  /// Rolls back what was not committed.
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// The one time of this transaction.
  [[nodiscard]] UnixMs now() const noexcept { return now_; }
  /// What the key holds, this transaction's own changes included; nullopt when absent or expired.
  /// The view ends with the next change of the same transaction. A value that has to be read from the log and cannot be
  /// shows as empty, and `commit` then fails.
  std::optional<ValueView> find(KeyRef key, Access access = Access::kPeek);
  /// What will be put takes no more memory than is given back: it is not refused for want of room in the budget.
  void excuse() noexcept { refusal_.reset(); }
  /// Sets the key whole. To write is to use: a sliding `expiry` begins anew. The value's bytes may be those of another
  /// key of the same transaction. Errors: kTooLarge, kNoMemory. `json`: the caller had the value checked to be JSON,
  /// and whoever reads it is told so. `block`: the value lies in it already, and the key takes a share of it (see
  /// Engine::block_writer).
  Result<void> put(KeyRef key, std::string_view value, Expiry expiry, bool json = false,
                   const keyspace::Block* block = nullptr);
  /// Removes the key; false when it was not there.
  bool erase(KeyRef key);
  /// Replaces the expiry of an existing key (never(): it lives on). A deadline that has passed erases the key.
  /// Errors: kNotFound, kNoMemory.
  Result<void> set_expiry(KeyRef key, Expiry expiry);

  /// Logs and publishes all changes and unlocks; returns what the answer must wait for (also when nothing was changed:
  /// what was seen). After an error everything is as it was before the transaction. Call at most once.
  Result<Pending> commit(Sync sync = Sync::kDefault);
  /// Undoes everything and unlocks; the destructor's work, earlier.
  void rollback() noexcept;
  /// LSN of the last record that commit wrote: the version of the key changed last.
  [[nodiscard]] Lsn version() const noexcept { return version_; }
  /// Whether anything was changed so far.
  [[nodiscard]] bool changed() const noexcept { return !changes_.empty(); }

 private:
  /// What one key was before this transaction, and thus how to undo it.
  struct Change {
    KeyRef key;
    std::uint64_t hash = 0;
    keyspace::ShardId shard = 0;
    enum class Was : std::uint8_t {
      kAbsent,   ///< Undo: erase.
      kHeld,     ///< Undo: restore `previous`.
      kExpired,  ///< The same entry with another expiry. Undo: put `expiry` back.
    } was = Was::kAbsent;
    keyspace::Detached previous;
    Expiry expiry{};
    Lsn address = kNoLsn;  ///< Of what it was; the `prev` of the record.
    log::RecordKind removal = log::RecordKind::kDelete;
  };
  struct Place {
    std::uint64_t hash;
    keyspace::ShardId id;
    keyspace::Shard& shard;
  };

  Place place(KeyRef key) const;
  const LoadedValue* load(const Place& at, KeyRef key);
  [[nodiscard]] keyspace::Entry live(const Place& at, KeyRef key) const;
  Change* change_of(KeyRef key, const Place& at);
  Change& add_change(KeyRef key, const Place& at);
  void erase_entry(KeyRef key, const Place& at, log::RecordKind kind);
  Result<Pending> log_changes(Sync sync);
  void undo(const Change& change) noexcept;

  Engine& engine_;
  UnixMs now_;
  std::optional<Error> refusal_;  ///< Why nothing may be put: no room in the budget.
  std::optional<Error> failure_;  ///< A value could not be read.
  std::list<LoadedValue> loaded_;
  Pending observed_;
  Lsn version_ = kNoLsn;
  ShardLocks locks_;
  boost::container::small_vector<Change, 4> changes_;
  /// Where each key's change is; kept once there are so many that searching them one by one would be slow.
  std::unordered_map<std::uint64_t, boost::container::small_vector<std::size_t, 1>> index_;
};

}  // namespace stave::store
