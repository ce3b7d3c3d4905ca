// The library door: a durable key-value store in this process.
//
//     auto store = stave::Store::open("./data");
//     if (!store) return report(store.error());
//     (*store)->set("user:1", "Alice");
//
// Promises: what a call returned success for is as durable as its `Sync` says (default: on disk); nobody is shown a
// value that a crash could take back; a transaction is whole or nothing. Threads: any number may use one Store. One
// process owns a directory at a time. Nothing is thrown and nothing is printed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stave/archive.h"
#include "stave/collections.h"
#include "stave/cursor.h"
#include "stave/error.h"
#include "stave/history.h"
#include "stave/options.h"
#include "stave/reply.h"
#include "stave/ttl.h"
#include "stave/units.h"
#include "stave/write_batch.h"

namespace stave {

namespace store {
class Engine;
}

struct ReadOptions {
  int database = 0;
};

struct WriteOptions {
  int database = 0;
  Ttl ttl{};
  /// How durable before the call returns.
  Sync sync = Sync::kDefault;
};

/// A value with what a caller needs to change it safely.
struct Versioned {
  std::string value;
  Lsn version = kNoLsn;
  Expiry expiry{};
};

/// What must hold for a conditional set to happen.
struct Condition {
  enum class Kind : std::uint8_t { kAbsent, kPresent, kVersion, kValue };
  Kind kind;
  Lsn version = kNoLsn;
  std::string_view value{};

  static constexpr Condition absent() { return {Kind::kAbsent}; }
  static constexpr Condition present() { return {Kind::kPresent}; }
  static constexpr Condition version_is(Lsn v) { return {Kind::kVersion, v}; }
  static constexpr Condition value_is(std::string_view v) { return {Kind::kValue, kNoLsn, v}; }
};

/// Numbers about a store, at one moment.
struct Stats {
  std::uint64_t keys = 0;
  std::uint64_t memory_bytes = 0;  ///< Accounted: entries, tables, buffers.
  std::uint64_t log_bytes = 0;     ///< On disk.
  std::uint64_t segments = 0;
  std::uint64_t syncs = 0;
  Lsn tail{};
  Lsn durable{};
  std::uint64_t expired_keys = 0;
  std::uint64_t recovered_records = 0;
  std::uint64_t recovered_torn_bytes = 0;
  bool read_only = false;
  bool full = false;
};

/// The view of a store inside `Store::transact`: reads see the transaction's own writes. Valid only during the call.
class Txn {
 public:
  virtual ~Txn() = default;
  /// Errors of all: kWrongType; kConflict: a key that was not named in `transact` is in use, and the function will run
  /// again with it, whatever it returns now. The bytes of keys and values need not outlive the call.
  virtual Result<std::optional<std::string>> get(std::string_view key) = 0;
  virtual Result<void> set(std::string_view key, std::string_view value, Ttl ttl = {}) = 0;
  virtual Result<bool> remove(std::string_view key) = 0;
  /// Adds to the number in `key` (absent counts as 0) and returns the sum. Errors: kNotANumber, kOverflow.
  virtual Result<std::int64_t> increment(std::string_view key, std::int64_t by = 1) = 0;

  // Collections: what each does, and its errors, as of the store's call of that name.

  virtual Result<bool> hash_set(std::string_view key, std::string_view field, std::string_view value) = 0;
  virtual Result<std::optional<std::string>> hash_get(std::string_view key, std::string_view field) = 0;
  virtual Result<std::vector<HashField>> hash_get_all(std::string_view key) = 0;
  virtual Result<bool> hash_remove(std::string_view key, std::string_view field) = 0;
  virtual Result<std::uint64_t> hash_size(std::string_view key) = 0;

  virtual Result<std::uint64_t> list_push(std::string_view key, ListEnd end, std::string_view element) = 0;
  virtual Result<std::optional<std::string>> list_pop(std::string_view key, ListEnd end) = 0;
  virtual Result<std::vector<std::string>> list_range(std::string_view key, std::int64_t from, std::int64_t to) = 0;
  virtual Result<std::uint64_t> list_size(std::string_view key) = 0;

  virtual Result<bool> set_add(std::string_view key, std::string_view member) = 0;
  virtual Result<bool> set_remove(std::string_view key, std::string_view member) = 0;
  virtual Result<bool> set_contains(std::string_view key, std::string_view member) = 0;
  virtual Result<std::vector<std::string>> set_members(std::string_view key) = 0;
  virtual Result<std::uint64_t> set_size(std::string_view key) = 0;

  virtual Result<bool> sorted_set_add(std::string_view key, std::string_view member, double score) = 0;
  virtual Result<bool> sorted_set_remove(std::string_view key, std::string_view member) = 0;
  virtual Result<std::optional<double>> sorted_set_score(std::string_view key, std::string_view member) = 0;
  virtual Result<std::optional<std::uint64_t>> sorted_set_rank(std::string_view key, std::string_view member,
                                                               Order order = Order::kAscending) = 0;
  virtual Result<std::vector<ScoredMember>> sorted_set_range(std::string_view key, std::int64_t from, std::int64_t to,
                                                             Order order = Order::kAscending) = 0;
  virtual Result<std::vector<ScoredMember>> sorted_set_range_by_score(std::string_view key, const ScoreRange& range,
                                                                      std::uint64_t count_max = UINT64_MAX,
                                                                      Order order = Order::kAscending) = 0;
  virtual Result<std::uint64_t> sorted_set_size(std::string_view key) = 0;

  /// As the store's calls of these names. A version is that of what was there before the transaction; what it has
  /// changed itself has none that could be compared yet.
  virtual Result<bool> exists(std::string_view key) = 0;
  virtual Result<std::optional<Versioned>> get_versioned(std::string_view key) = 0;
  virtual Result<std::uint64_t> append(std::string_view key, std::string_view suffix) = 0;
  /// Sets if the condition holds; false when it does not.
  virtual Result<bool> set_if(std::string_view key, std::string_view value, const Condition& condition,
                              Ttl ttl = {}) = 0;
  /// False when the key is absent.
  virtual Result<bool> expire(std::string_view key, Ttl ttl) = 0;
};

class Session;

class Store {
 public:
  /// Opens the store in `directory`, recovering what is there. ":memory:": a store that has no directory, is empty and
  /// ends with this object; everything else is the same, its log in memory included (so it takes the room of both).
  /// Errors: kBusy (in use by another process), kCorrupt (names file and offset), kUnsupported (newer format),
  /// kPermission, kNotFound (absent and !create_if_missing), kInvalidArgument (options).
  static Result<std::unique_ptr<Store>> open(std::string_view directory, const Options& options = {});
  /// Closes, if `close` was not called.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// Puts everything on disk and releases the directory. No other call may run or follow.
  Result<void> close();

  // Errors of the calls below, unless said otherwise: kTooLarge, kWrongType, kReadOnly, kNoSpace, kNoMemory: nothing
  // changed; kIo from the wait for the disk: the write is visible but whether it is on disk is unknown.

  /// The value, or nullopt. Cost: two cache misses and a copy.
  Result<std::optional<std::string>> get(std::string_view key, const ReadOptions& options = {});
  /// The same into `out`, whose capacity is reused; false when absent.
  Result<bool> get_into(std::string_view key, std::string& out, const ReadOptions& options = {});
  /// The value with its version and expiry.
  Result<std::optional<Versioned>> get_versioned(std::string_view key, const ReadOptions& options = {});
  /// All values at one instant, in the order of the keys.
  Result<std::vector<std::optional<std::string>>> multi_get(std::span<const std::string_view> keys,
                                                            const ReadOptions& options = {});
  /// The same into `out`, whose strings' capacity is reused.
  Result<void> multi_get_into(std::span<const std::string_view> keys, std::vector<std::optional<std::string>>& out,
                              const ReadOptions& options = {});
  /// Bytes `from` to `to`, both included; negative ones count from the end, as in Redis' GETRANGE. Absent: empty.
  Result<std::string> get_range(std::string_view key, std::int64_t from, std::int64_t to,
                                const ReadOptions& options = {});
  Result<bool> exists(std::string_view key, const ReadOptions& options = {});

  /// Returns the new version.
  Result<Lsn> set(std::string_view key, std::string_view value, const WriteOptions& options = {});
  /// Sets if `condition` holds; nullopt when it does not, and then nothing changed.
  Result<std::optional<Lsn>> set_if(std::string_view key, std::string_view value, const Condition& condition,
                                    const WriteOptions& options = {});
  /// All or none, at one instant and in one batch of the log. Returns where that batch ends.
  Result<Lsn> multi_set(std::span<const std::pair<std::string_view, std::string_view>> pairs,
                        const WriteOptions& options = {});
  /// False when it was not there.
  Result<bool> remove(std::string_view key, const WriteOptions& options = {});
  /// All or none; returns how many were there.
  Result<std::uint64_t> multi_remove(std::span<const std::string_view> keys, const WriteOptions& options = {});
  /// Adds to the number in `key` (absent counts as 0); the expiry stays. Errors: kNotANumber, kOverflow.
  Result<std::int64_t> increment(std::string_view key, std::int64_t by = 1, const WriteOptions& options = {});
  /// Appends; the expiry stays. Returns the new length.
  Result<std::uint64_t> append(std::string_view key, std::string_view suffix, const WriteOptions& options = {});
  /// Overwrites from `offset`, filling a gap with zero bytes. Returns the new length.
  Result<std::uint64_t> set_range(std::string_view key, std::uint64_t offset, std::string_view bytes,
                                  const WriteOptions& options = {});

  // Collections. A key that is absent reads as an empty one, and the first element makes it; its last element takes it
  // away. Its expiry stays (`WriteOptions::ttl` is not used; see `expire`). Limits: an element may have
  // Options::value_bytes_max bytes. Errors besides those above: kWrongType: the key holds another type; kTooLarge: over
  // a limit; kCorrupt: a piece of the collection cannot be read. Calls that take several elements do all or none, at
  // one instant. Cost: of an element named O(1) in hashes and sets, O(log n) by place, score or rank; a change writes
  // the piece it is in, some hundred bytes. What shows everything copies it.

  /// Sets a field. True: it is new; false: it was there, and has the new value.
  Result<bool> hash_set(std::string_view key, std::string_view field, std::string_view value,
                        const WriteOptions& options = {});
  /// Sets several; the last one of a name counts. Returns how many are new.
  Result<std::uint64_t> hash_set(std::string_view key, std::span<const FieldValue> fields,
                                 const WriteOptions& options = {});
  /// The value of a field; nullopt when the field, or the key, is absent.
  Result<std::optional<std::string>> hash_get(std::string_view key, std::string_view field,
                                              const ReadOptions& options = {});
  /// All fields, as of one instant, in no order to rely on.
  Result<std::vector<HashField>> hash_get_all(std::string_view key, const ReadOptions& options = {});
  /// False when it was not there.
  Result<bool> hash_remove(std::string_view key, std::string_view field, const WriteOptions& options = {});
  /// Returns how many were there.
  Result<std::uint64_t> hash_remove(std::string_view key, std::span<const std::string_view> fields,
                                    const WriteOptions& options = {});
  /// Number of fields.
  Result<std::uint64_t> hash_size(std::string_view key, const ReadOptions& options = {});

  /// Adds an element at an end. Returns the new length.
  Result<std::uint64_t> list_push(std::string_view key, ListEnd end, std::string_view element,
                                  const WriteOptions& options = {});
  /// Adds several, one after the other: at the front the last one comes to be the first. Returns the new length.
  Result<std::uint64_t> list_push(std::string_view key, ListEnd end, std::span<const std::string_view> elements,
                                  const WriteOptions& options = {});
  /// Takes an element from an end; nullopt when there is none.
  Result<std::optional<std::string>> list_pop(std::string_view key, ListEnd end, const WriteOptions& options = {});
  /// The elements of the places `from` to `to`, both included, from 0; negative ones count from the end (-1: the last).
  /// Places that are not there are left out.
  Result<std::vector<std::string>> list_range(std::string_view key, std::int64_t from, std::int64_t to,
                                              const ReadOptions& options = {});
  /// Number of elements.
  Result<std::uint64_t> list_size(std::string_view key, const ReadOptions& options = {});

  /// True: the member is new.
  Result<bool> set_add(std::string_view key, std::string_view member, const WriteOptions& options = {});
  /// Returns how many are new.
  Result<std::uint64_t> set_add(std::string_view key, std::span<const std::string_view> members,
                                const WriteOptions& options = {});
  /// False when it was not there.
  Result<bool> set_remove(std::string_view key, std::string_view member, const WriteOptions& options = {});
  /// Returns how many were there.
  Result<std::uint64_t> set_remove(std::string_view key, std::span<const std::string_view> members,
                                   const WriteOptions& options = {});
  Result<bool> set_contains(std::string_view key, std::string_view member, const ReadOptions& options = {});
  /// All members, as of one instant, in no order to rely on.
  Result<std::vector<std::string>> set_members(std::string_view key, const ReadOptions& options = {});
  /// Number of members.
  Result<std::uint64_t> set_size(std::string_view key, const ReadOptions& options = {});

  // Scores are doubles, infinities included; -0 is 0. A rank is a place in the order, from 0.

  /// Gives a member a score. True: it is new. Errors: kInvalidArgument: the score is not a number.
  Result<bool> sorted_set_add(std::string_view key, std::string_view member, double score,
                              const WriteOptions& options = {});
  /// Gives several members theirs; the last one of a name counts. Returns how many are new.
  Result<std::uint64_t> sorted_set_add(std::string_view key, std::span<const MemberScore> members,
                                       const WriteOptions& options = {});
  /// False when it was not there.
  Result<bool> sorted_set_remove(std::string_view key, std::string_view member, const WriteOptions& options = {});
  /// Returns how many were there.
  Result<std::uint64_t> sorted_set_remove(std::string_view key, std::span<const std::string_view> members,
                                          const WriteOptions& options = {});
  /// The member's score; nullopt when the member, or the key, is absent. Likewise its rank.
  Result<std::optional<double>> sorted_set_score(std::string_view key, std::string_view member,
                                                 const ReadOptions& options = {});
  Result<std::optional<std::uint64_t>> sorted_set_rank(std::string_view key, std::string_view member,
                                                       Order order = Order::kAscending,
                                                       const ReadOptions& options = {});
  /// The members of the ranks `from` to `to`, as `list_range` takes them; with kDescending rank 0 is the greatest.
  Result<std::vector<ScoredMember>> sorted_set_range(std::string_view key, std::int64_t from, std::int64_t to,
                                                     Order order = Order::kAscending, const ReadOptions& options = {});
  /// The first `count_max` members with a score in `range`. Errors: kInvalidArgument: a bound is not a number.
  Result<std::vector<ScoredMember>> sorted_set_range_by_score(std::string_view key, const ScoreRange& range,
                                                              std::uint64_t count_max = UINT64_MAX,
                                                              Order order = Order::kAscending,
                                                              const ReadOptions& options = {});
  /// Number of members.
  Result<std::uint64_t> sorted_set_size(std::string_view key, const ReadOptions& options = {});

  /// Gives an existing key an expiry (Ttl::none() takes it away); false when the key is absent.
  Result<bool> expire(std::string_view key, Ttl ttl, const WriteOptions& options = {});
  /// Its expiry (never() when it has none); nullopt when the key is absent. Does not count as an access.
  Result<std::optional<Expiry>> expiry(std::string_view key, const ReadOptions& options = {});

  /// Calls `visit` for some keys matching the glob `pattern` (empty: all) and returns the cursor to go on from, 0 at
  /// the end. Every key that is there from the first call to the last is seen at least once. `visit` may call the
  /// store.
  Result<std::uint64_t> scan(std::uint64_t cursor, std::string_view pattern, std::size_t count,
                             const std::function<void(std::string_view key, std::string_view value)>& visit,
                             const ReadOptions& options = {});
  /// All keys that match, sorted.
  Result<std::vector<std::string>> keys(std::string_view pattern = {}, const ReadOptions& options = {});
  /// Shows every key that begins with `prefix` (empty: all) and its value (of a collection: nothing), in no order,
  /// until `visit` returns false. Nothing is held meanwhile: `visit` may call the store, and may take its time. What is
  /// there from the first to the last is shown, mostly once; what comes or goes meanwhile may be. Returns how many were
  /// shown. Cost: a walk over all keys of the database, and a read for each that is shown, one value in memory at a
  /// time. Showing is no use: it puts no sliding expiry off.
  Result<std::uint64_t> for_each(std::string_view prefix,
                                 const std::function<bool(std::string_view key, std::string_view value)>& visit,
                                 const ReadOptions& options = {});
  /// The same for those who ask for one key after the other. The cursor must end before the store.
  [[nodiscard]] Cursor cursor(std::string_view prefix = {}, const ReadOptions& options = {});
  /// Number of keys, as of one moment and as durable as any value that is read. Errors: kInvalidArgument (no such
  /// database), kIo. Not from within `transact`, like every other call.
  Result<std::uint64_t> size(int database = 0);
  Result<void> flush(int database, Sync sync = Sync::kDefault);
  Result<void> flush_all(Sync sync = Sync::kDefault);

  /// Runs `work` with `keys` locked: nobody sees anything of it until it returned success, and then all of it. When it
  /// returns an error everything is undone and the error is handed back. It may use other keys than `keys` as well, but
  /// then it may run several times, each on what was there before the first; so it must leave no traces elsewhere. Be
  /// quick; call nothing else of the store inside. Returns where its batch ends in the log.
  Result<Lsn> transact(std::span<const std::string_view> keys, const std::function<Result<void>(Txn&)>& work,
                       const WriteOptions& options = {});

  /// Does all that the batch says, in its order, or nothing; nobody sees a part of it. `options.ttl` is for the keys
  /// that it sets without an expiry of their own. The batch stays as it is. Returns where it ends in the log. Errors
  /// besides those of its steps: what the batch could not take in (`WriteBatch::failure`).
  Result<Lsn> write(const WriteBatch& batch, const WriteOptions& options = {});

  // The past: as far back as the log reaches (Options::history_ms, history_bytes). Errors of all: kCorrupt, kIo.

  /// What happened to the key, newest first, at most `count` entries.
  Result<std::vector<KeyVersion>> history(std::string_view key, std::size_t count = 100,
                                          const ReadOptions& options = {});
  /// What the key held at `point`; nullopt when it was absent. Errors: kNotFound: the log does not reach back so far;
  /// kWrongType: it held no string.
  Result<std::optional<Versioned>> get_at(std::string_view key, Point point, const ReadOptions& options = {});
  /// Makes the key what it was at `point`, absent included, by a new change, whose version is returned; nullopt: it was
  /// like that already. Of `options` the expiry is not used: it comes back too, unless it has passed. Errors: as
  /// `get_at`, and those of a write.
  Result<std::optional<Lsn>> revert(std::string_view key, Point point, const WriteOptions& options = {});
  /// Copies everything so far, history included, into the backup in `directory`, which is made, or added to when it is
  /// an earlier backup of this store. Returns the LSN up to which the backup goes. Writers go on meanwhile. Errors:
  /// kConflict (there is something else in the directory), kCorrupt, kIo, kNoSpace; kUnsupported: a store in memory has
  /// no files.
  Result<Lsn> backup(std::string_view directory);
  /// Makes a new store in `target`, which must be missing or empty, out of a backup or of the directory of a store,
  /// which is only read, whoever is at work there. Errors: kNotFound (no store or backup there), kConflict (the target
  /// is not empty; backup and log do not belong together), kInvalidArgument (nothing reaches to the point), kCorrupt,
  /// kUnsupported, kIo, kNoSpace.
  static Result<RestoreSummary> restore(std::string_view source, std::string_view target,
                                        const RestoreOptions& options = {});

  // Files of a whole data set (docs/reference/snapshot-files.md). They lie in the system's files, or in
  // `Options::file_system`, relative names below the process's directory.

  /// Writes everything as it is at this moment, while writers go on, in constant memory. The file takes its name when
  /// it is whole and on disk; before that an older one of the name stays. One at a time; another call waits. Errors:
  /// kIo, kNoSpace, kPermission, kNotFound (no such directory), kCorrupt (a value cannot be read), kUnsupported
  /// (kBinary1 cannot hold what there is).
  Result<SnapshotSummary> snapshot(std::string_view path, SnapshotFormat format = SnapshotFormat::kByName);
  /// Puts what is in a snapshot file, or in an RDB file of Redis, into the store, beside what is there; keys of the
  /// same name are replaced. Found out by its content. On disk when it returns; no step of it is undone: after an error
  /// what came before is there. Errors: kNotFound (no such file), kCorrupt (names the offset), kUnsupported (no known
  /// format), kInvalidArgument (a database that this store does not have), and those of a write.
  Result<LoadSummary> load(std::string_view path);

  /// Everything written so far on disk, whatever the policy.
  Result<void> sync();
  [[nodiscard]] Stats stats();
  /// One bounded step of housekeeping, for stores opened with `background = false`.
  void tick();
  /// A session for `execute`: any command of the table, in process. The store must outlive it.
  [[nodiscard]] std::unique_ptr<Session> session();

  /// For the layers inside this library.
  [[nodiscard]] store::Engine& engine() noexcept;

 private:
  friend class Session;
  friend class Cursor;
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stave
