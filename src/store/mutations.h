// What one transaction has done to the index, in order: each change is made in memory at once, with its undo in hand,
// and becomes a record when the transaction is committed.
//
// The one place that keeps the rule of every change. *Prepare*: all memory that the change and its undo need is taken
// first, and what cannot be had leaves everything as it was. *Append*: all records go into the log as one batch.
// *Apply*: what is left to do behind the append cannot fail. *Undo* needs no memory either.
// A mutation is whole (the key holds another value, or none) or a delta (it holds the same with a change, of which only
// the change is logged). Whole ones of one key fold into the last of them: nobody will ever ask what a key held in the
// middle of a batch. A delta names the record of the mutation before it, in the same batch where there is one.
// A whole one whose maker knows what it changes is made where the value lies, if it fits there: then the undo in hand
// is what the edits took out. Nobody but the owner of the lock sees a value between two records of it. Must not know:
// commands, budgets, durability; which shards are locked it is told. Threads: one.
#pragma once

#include <boost/container/small_vector.hpp>
#include <boost/container/static_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/edit.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "store/large_batch.h"
#include "store/shard_locks.h"
#include "store/value.h"

namespace stave::packing {
class Compression;
}

namespace stave::store {

/// Where a key lies.
struct Place {
  std::uint64_t hash = 0;
  keyspace::ShardId id = 0;
  keyspace::Shard* shard = nullptr;
};

class Mutations {
 public:
  enum class Effect : std::uint8_t {
    kValue,    ///< Whole: another value. Its record is made of what the key holds in the end.
    kRemoved,  ///< Whole: the key is gone.
    kExpiry,   ///< A delta: another expiry.
  };

  Mutations(keyspace::Keyspace& keyspace, const ShardLocks& locks) noexcept : keyspace_(keyspace), locks_(locks) {}
  Mutations(const Mutations&) = delete;
  Mutations& operator=(const Mutations&) = delete;

  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  /// How many were made so far, undone ones included.
  [[nodiscard]] std::uint64_t made() const noexcept { return made_; }
  /// The keys that were changed so far, each at least once, with their hashes: from 0 to below `entries`.
  [[nodiscard]] std::size_t entries() const noexcept { return list_.size(); }
  [[nodiscard]] KeyRef changed_key(std::size_t i) const noexcept {
    KeyRef key = list_[i].key;
    key.hash = list_[i].hash;
    return key;
  }
  /// Whether anything was done to the key.
  [[nodiscard]] bool has(KeyRef key, const Place& at) const noexcept { return newest(key, at) >= 0; }

  // The shard of each key is locked. The bytes of the keys outlive this. Errors: kNoMemory, and nothing changed.

  /// The key holds what `spec` says, but for its address.
  Result<void> put(KeyRef key, const Place& at, keyspace::EntrySpec spec);
  /// Edits of one call at most.
  static constexpr std::size_t kEditsMax = 4;
  /// Whether the value of that entry, the key's, can be changed by `edit`: it is in memory, without expiry and not
  /// large, and nothing was done to the key yet but that it was given values.
  [[nodiscard]] bool may_edit(KeyRef key, const Place& at, keyspace::Entry entry, base::Edits edits) const noexcept;
  /// Makes the edits to that value; returns the entry, which may be another one now.
  Result<keyspace::Entry> edit(KeyRef key, const Place& at, keyspace::Entry entry, base::Edits edits);
  /// The key, which is there, is gone; `why` is the kind of its record.
  Result<void> remove(KeyRef key, const Place& at, log::RecordKind why);
  /// The key, which is there, has another expiry. `apart`: as a record of its own also when the key was changed before.
  Result<void> set_expiry(KeyRef key, const Place& at, Expiry expiry, bool apart = false);

  struct Logged {
    Lsn end = kNoLsn;   ///< Of the batch; kNoLsn: nothing had to be logged.
    Lsn last = kNoLsn;  ///< The batch's last record.
    /// What is left to be written, once the shards were let go.
    std::shared_ptr<LargeBatch> large;
  };
  /// Logs everything as one batch, and forgets how to undo it. Errors: kNoMemory, those of the log; then nothing was
  /// logged, and all can still be undone.
  Result<Logged> log(log::Log& log, packing::Compression& compression, UnixMs now);
  /// Everything as it was, the last change first.
  void undo() noexcept;

 private:
  /// One change of one key.
  struct Mutation {
    KeyRef key;
    std::uint64_t hash = 0;
    keyspace::ShardId shard = 0;
    Effect effect = Effect::kValue;
    log::RecordKind removal = log::RecordKind::kDelete;
    bool existed = false;       ///< Whether the key was there before.
    bool silent = false;        ///< Has no record: something later replaced it, or the key came and went.
    std::int32_t earlier = -1;  ///< The mutation of the same key before this one.
    std::int32_t next = -1;     ///< Of the same bucket of the index.
    std::int32_t record = -1;   ///< Its place in the batch.
    /// What the key holds now, for who need not look it up: of the key's newest mutation, when that put it there.
    keyspace::Entry entry{};
    Lsn prev = kNoLsn;  ///< The key's newest record when there is no earlier mutation.
    /// Undo: the entry as it was, and the expiry it had. Empty: the entry stayed, with another expiry at most.
    keyspace::Detached before;
    Expiry expiry{};
    /// How often the value was changed, as far as it matters: what one call of `edit` did is all that there is to log.
    enum class Changed : std::uint8_t { kNot, kByEdits, kOften } changed = Changed::kNot;
    std::int32_t undos = 0;  ///< Where those of its last call in `undos_` end; 0: there are none.
    /// Logged as a patch of the value before: where that lies whole, and what the entry is to say of its patches.
    Lsn whole = kNoLsn;
    unsigned patches = 0;
  };
  /// A key before a change.
  struct Was {
    explicit Was(keyspace::Entry entry) noexcept
        : existed(static_cast<bool>(entry)),
          record(entry ? entry.newest_record() : kNoLsn),
          expiry(entry ? entry.expiry() : Expiry{}) {}
    bool existed;
    Lsn record;  ///< The newest of the key.
    Expiry expiry;
  };

  /// What takes an edit back: `size` bytes at `at` in the value as it was afterwards give way to those that were there.
  struct Undo {
    std::int32_t mutation = 0;
    std::int32_t earlier = 0;  ///< Where the undos of the call before that of the same key end; 0: there is none.
    bool first = false;        ///< Of its call.
    bool made = false;         ///< Where the value lay; not so when another entry was made of it.
    std::uint32_t at = 0;
    std::uint32_t size = 0;
    std::uint32_t bytes_at = 0;  ///< In `taken_out_`.
    std::uint32_t bytes = 0;
  };
  /// Of one call.
  using Undos = std::span<const Undo>;
  using EditList = boost::container::static_vector<base::Edit, kEditsMax>;

  [[nodiscard]] bool prepare() noexcept;
  [[nodiscard]] bool prepare_undo(base::Edits edits) noexcept;
  void note_undo(std::int32_t mutation, std::string_view value, base::Edits edits, bool made) noexcept;
  [[nodiscard]] Undos undos_before(std::int32_t end) const noexcept;
  [[nodiscard]] EditList takes_back(Undos undos) const noexcept;
  [[nodiscard]] EditList made_by(Undos undos, std::string_view value) const noexcept;
  void undo_edits() noexcept;
  [[nodiscard]] std::string value_before(const Mutation& mutation, std::string_view value) const;
  void make_index();
  [[nodiscard]] std::int32_t newest(KeyRef key, const Place& at) const noexcept;
  Mutation& add(KeyRef key, const Place& at, const Was& was) noexcept;
  Mutation& add_whole(KeyRef key, const Place& at, const Was& was) noexcept;
  void take_over(Mutation& mutation, const Place& at, keyspace::Detached previous) noexcept;
  Result<keyspace::Detached> change_expiry(const Place& at, keyspace::Entry entry, Expiry expiry);
  [[nodiscard]] std::optional<log::RecordSpec> describe(const Mutation& mutation) const noexcept;
  [[nodiscard]] bool came_and_went(const Mutation& mutation) const noexcept;
  [[nodiscard]] bool value_in_batch(const Mutation& mutation) const noexcept;
  void link(const Mutation& mutation, log::RecordSpec& record) const noexcept;
  [[nodiscard]] bool patch(Mutation& mutation, const log::RecordSpec& record, std::string& into) const;
  [[nodiscard]] std::shared_ptr<LargeBatch> hold(std::span<const log::RecordSpec> batch,
                                                 std::span<const Mutation* const> of) const;
  void written(const Mutation& mutation, Lsn lsn, Lsn end) noexcept;
  void forget() noexcept;
  void clear() noexcept;
  void undo_one(const Mutation& mutation) noexcept;
  [[nodiscard]] keyspace::Entry entry_of(const Mutation& mutation) const noexcept;
  [[nodiscard]] keyspace::Shard& shard_of(const Mutation& mutation) const noexcept {
    return keyspace_.shard(mutation.shard);
  }

  keyspace::Keyspace& keyspace_;
  const ShardLocks& locks_;
  boost::container::small_vector<Mutation, 4> list_;
  /// Where each key's newest mutation is, by hash; made once there are so many that searching them one by one is slow.
  std::vector<std::int32_t> index_;
  /// In the order in which they were made.
  boost::container::small_vector<Undo, 12> undos_;
  boost::container::small_vector<char, 256> taken_out_;
  std::uint64_t made_ = 0;
};

}  // namespace stave::store
