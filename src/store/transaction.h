// A transaction: the shards of its keys locked in order, changes applied at once and undone unless committed.
//
// Promises: nobody sees a change before `commit`, and then sees all of them; commit logs one batch; a transaction that
// is destroyed, or whose commit fails, leaves everything as it was. Hold it briefly: its shards are closed to everyone
// else. Keys that were not named at construction may be used too, but their shards may not be to be had in the middle;
// then the transaction is lost and must start again (`transact`, transact.h, does that). One thread.
#pragma once

#include <boost/container/small_vector.hpp>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/edit.h"
#include "base/function_ref.h"
#include "store/change_notes.h"
#include "store/engine.h"
#include "store/mutations.h"
#include "store/shard_locks.h"

namespace stave::store {

class Transaction {
 public:
  /// Locks the shards of `keys`, and `more`. The bytes of the keys must outlive the transaction, here and in all calls.
  /// Throws std::bad_alloc; nothing else does.
  Transaction(Engine& engine, std::span<const KeyRef> keys, std::span<const keyspace::ShardId> more = {});
  Transaction(Engine& engine, KeyRef key) : Transaction(engine, std::span(&key, 1)) {}
  /// Rolls back what was not committed.
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// The one time of this transaction, by which it is decided what has expired; zero for who writes for a master
  /// (mirror.h): nothing has.
  [[nodiscard]] UnixMs now() const noexcept { return for_master_ ? UnixMs{0} : now_; }
  /// When it is: what its records say, and what lasts from now on counts from.
  [[nodiscard]] UnixMs made_at() const noexcept { return now_; }
  /// What the key holds, this transaction's own changes included; nullopt when absent or expired.
  /// The view ends with the next change of the same transaction. A value that has to be read from the log and cannot be
  /// shows as empty, and `commit` then fails.
  std::optional<ValueView> find(KeyRef key, Access access = Access::kPeek);
  /// Where `find` found a key, for who comes back to it before anybody changes or removes it: good until then.
  struct Spot {
    Place place{};
    keyspace::Entry entry{};
  };
  /// The same, and where; no spot when the value is not in memory.
  std::optional<ValueView> find(KeyRef key, Access access, Spot& spot);
  /// Whether `edit` can change the value.
  [[nodiscard]] bool may_edit(KeyRef key, const Spot& spot, base::Edits edits) const noexcept {
    return mutations_.may_edit(key, spot.place, spot.entry, edits);
  }
  /// Changes parts of the value, which is no root; then the spot is where it is now. Errors: as of `put`.
  Result<void> edit(KeyRef key, Spot& spot, base::Edits edits);
  /// Bytes that the key and its value take in memory; 0 when it is absent.
  [[nodiscard]] std::uint64_t memory_of(KeyRef key);
  /// What will be put takes no more memory than is given back: it is not refused for want of room in the budget.
  void excuse() noexcept { excused_ = true; }
  /// Whoever was excused is done.
  void end_excuse() noexcept { excused_ = false; }
  /// Whether what is put now would be refused.
  [[nodiscard]] bool refuses() const noexcept { return refusal_.has_value() && !excused_; }
  /// How often the key was used lately, as of `Engine::heat_of`; nullopt when it is absent.
  [[nodiscard]] std::optional<unsigned> heat_of(KeyRef key);

  // Whole databases, all of whose shards are locked (`more`, and `World::shards_of`), as this transaction left them.

  /// As `Engine::count_keys`.
  [[nodiscard]] std::uint64_t count_keys(int database);
  /// As `Engine::scan`.
  std::uint64_t scan(int database, std::uint64_t cursor, std::size_t count,
                     base::FunctionRef<void(std::string_view key, const ValueView&)> visit);
  /// As `Engine::random_key`.
  [[nodiscard]] std::optional<std::string> random_key(int database);

  /// Sets the key whole. To write is to use: a sliding `expiry` begins anew. The value's bytes may be those of another
  /// key of the same transaction. Errors: kTooLarge, kNoMemory. `type`: kJson, when the caller had the value checked to
  /// be JSON, and whoever reads it is told so; of a collection, the value is its compact form. `block`: the value lies
  /// in it already, and the key takes a share of it (see Engine::block_writer).
  Result<void> put(KeyRef key, std::string_view value, Expiry expiry, ValueType type = ValueType::kString,
                   const keyspace::Block* block = nullptr);
  /// Removes the key; false when it was not there. Without memory for that `commit` fails.
  bool erase(KeyRef key);
  /// Replaces the expiry of an existing key (never(): it lives on). A deadline that has passed erases the key.
  /// Errors: kNotFound, kNoMemory.
  Result<void> set_expiry(KeyRef key, Expiry expiry);

  /// Logs and publishes all changes and unlocks; returns what the answer must wait for (also when nothing was changed:
  /// what was seen). After an error everything is as it was before the transaction. Call at most once.
  Result<Pending> commit(Sync sync = Sync::kDefault);
  /// Undoes everything and unlocks; the destructor's work, earlier.
  void rollback() noexcept;
  /// Undoes everything and goes on with the same locks and the same time.
  void start_over() noexcept;
  /// LSN of the last record that commit wrote: the version of the key changed last.
  [[nodiscard]] Lsn version() const noexcept { return version_; }
  /// Whether anything was changed so far.
  [[nodiscard]] bool changed() const noexcept { return !mutations_.empty(); }
  /// Grows with every change that is made.
  [[nodiscard]] std::uint64_t changes() const noexcept { return mutations_.made(); }
  /// What an answer waits for that tells of anything that was looked at so far.
  [[nodiscard]] const Pending& observed() const noexcept { return observed_; }
  /// The shard of an unnamed key that could not be had. From then on the transaction does nothing, every key looks
  /// absent, and what can fail does with kConflict: it is to start again with that shard.
  [[nodiscard]] std::optional<keyspace::ShardId> wanted() const noexcept { return wanted_; }
  /// Whoever runs it does so again when it was lost, up to its commit's failure for that: then those who watch keys
  /// that it changes may use others in it (change_watch.h).
  void allow_starting_again() noexcept { starts_again_ = true; }
  [[nodiscard]] bool may_start_again() const noexcept { return starts_again_; }
  /// At its commit these keys, whose bytes stay, count as changed for who watches them.
  void announce(std::span<const KeyRef> keys) noexcept { announced_ = keys; }
  /// Shows the keys that were changed, or announced, and may be watched, in that order; one may be shown twice. Nothing
  /// is to be changed meanwhile.
  void visit_watched(base::FunctionRef<void(KeyRef)> show) const;
  /// Whether the key's shard is locked here.
  [[nodiscard]] bool holds(KeyRef key) const noexcept;
  /// Whether anything was done to the key, whose shard is locked here.
  [[nodiscard]] bool has_changed(KeyRef key) const noexcept;
  /// It can be committed no more.
  void fail_commit(Error why) noexcept {
    if (!failure_) failure_ = std::move(why);
  }
  /// Locks more shards, as those of keys that were not named. False: the transaction is lost.
  [[nodiscard]] bool hold(std::span<const keyspace::ShardId> shards) noexcept;
  /// Why it cannot be committed; null: so far it can.
  [[nodiscard]] const Error* failure() const noexcept { return failure_ ? &*failure_ : nullptr; }
  /// Where its changes are noted; null: nobody wants that.
  [[nodiscard]] ChangeNotes* notes() const noexcept { return notes_.get(); }
  /// A copy of these bytes, for a key of which nobody else holds them, until the transaction is destroyed. Throws
  /// std::bad_alloc.
  [[nodiscard]] std::string_view keep(std::string_view bytes) { return kept_.emplace_back(bytes); }
  [[nodiscard]] Engine& engine() const noexcept { return engine_; }
  /// For what works in a transaction or in a part of one alike.
  [[nodiscard]] Transaction& transaction() noexcept { return *this; }
  /// The shards that are locked.
  [[nodiscard]] std::span<const keyspace::ShardId> shards() const noexcept { return locks_.ids(); }

 private:
  /// A value that was read from the log, and where it lies there.
  struct FromLog {
    Lsn address = kNoLsn;
    LoadedValue value;
  };

  /// A string in pages put together: of that identity, after so many changes.
  struct Joined {
    Lsn identity = kNoLsn;
    std::uint64_t made = 0;
    LoadedValue value;
  };

  [[nodiscard]] std::optional<ValueView> string_in_pages(const ValueView& root, bool needed);
  [[nodiscard]] const LoadedValue* join(std::string_view paged);
  void note_leaving(keyspace::Entry entry) noexcept;
  void note_change(KeyChange::What what, KeyRef key, keyspace::Entry before, ValueType type,
                   const Expiry& after) noexcept;
  Result<void> note_given(Lsn identity);
  void abandon_pages() noexcept;
  Place place(KeyRef key) noexcept;
  [[nodiscard]] Place place_of(KeyRef key) const noexcept;
  [[nodiscard]] bool ask_who_watches() noexcept;
  Result<Pending> log_changes(Sync sync);
  bool reach(keyspace::ShardId id) noexcept;
  [[nodiscard]] Error why_not() const noexcept;
  const LoadedValue* load(const Place& at, keyspace::Entry entry) noexcept;
  void refresh(const Place& at, keyspace::Entry entry, KeyRef key);
  [[nodiscard]] keyspace::Entry look(const Place& at, KeyRef key) noexcept;
  [[nodiscard]] bool passed(keyspace::Entry entry) const noexcept {
    return entry.has_expiry() && entry.expiry().passed(now());
  }

  Engine& engine_;
  UnixMs now_;
  std::optional<Error> refusal_;  ///< Why nothing may be put: no room in the budget.
  bool excused_ = false;          ///< It may, all the same.
  std::optional<Error> failure_;  ///< Why it cannot be committed: a value could not be read, or there is no memory.
  std::optional<keyspace::ShardId> wanted_;
  std::list<FromLog> loaded_;
  std::list<Joined> joined_;
  std::list<std::string> kept_;
  /// Of the roots that were taken from their keys, and the roots that were given to some.
  boost::container::small_vector<Orphans::Pages, 1> left_;
  boost::container::small_vector<Lsn, 2> given_;
  Pending observed_;
  Lsn version_ = kNoLsn;
  bool starts_again_ = false;
  bool for_master_ = false;  ///< Nothing has expired for it.
  std::span<const KeyRef> announced_;
  std::unique_ptr<ChangeNotes> notes_;
  std::unique_ptr<Sequel> sequel_;  ///< What was changed for it names keys by its bytes.
  ShardLocks locks_;
  Mutations mutations_;
};

}  // namespace stave::store
