// The engine: log and keyspace made into one durable store. Everything above (library, commands, doors) goes through
// it.
//
// Promises: every change is logged before anybody can see it and is seen by everybody at once; a transaction is whole
// or nothing, in memory and on disk; every call that shows or makes something returns what its answer must wait for
// before it leaves the process (see `Pending`); time never runs backwards inside a store. Must not know: commands,
// protocols, sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/function_ref.h"
#include "base/mutex.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "stave/options.h"
#include "store/budget.h"
#include "store/reports.h"

namespace stave::store {

using keyspace::ValueType;

/// A key and the database it lies in. The bytes belong to the caller.
struct KeyRef {
  int database = 0;
  std::string_view key;
  /// The engine's hash of the key, for who has it from `prefetch_bucket`; 0: not known.
  std::uint64_t hash = 0;
};

/// The type as everybody above the store knows it.
constexpr ValueType shown_type(ValueType type) noexcept {
  return type == ValueType::kJson ? ValueType::kString : type;
}

/// Which kind of record gives a key a value of that type, and back.
constexpr log::RecordKind kind_of(ValueType type) noexcept {
  return type == ValueType::kJson ? log::RecordKind::kJson : log::RecordKind::kString;
}
constexpr ValueType type_of(log::RecordKind kind) noexcept {
  return kind == log::RecordKind::kJson ? ValueType::kJson : ValueType::kString;
}

/// What a key holds, seen under its shard's lock. Views end with the callback or the next change.
struct ValueView {
  ValueType type{};
  std::string_view value;  ///< A string's bytes.
  Expiry expiry{};
  Lsn version = kNoLsn;        ///< LSN of the record that made it so.
  bool json = false;           ///< A string whose writer had it checked to be JSON.
  std::size_t size = 0;        ///< Of the value, whether it is here or not.
  bool here = true;            ///< Whether `value` is there: always, unless it was not asked for.
  std::byte* block = nullptr;  ///< Where a large value lies; see `share`.

  /// A share of the memory of a large value: its bytes are those of `value` and stay for as long as the share is kept,
  /// whatever becomes of the key; the engine must live as long. Null for a small value, which is to be copied.
  [[nodiscard]] keyspace::Block share() const noexcept {
    return block == nullptr ? keyspace::Block{} : keyspace::Block::share(block);
  }
};

/// A value read from the log.
struct LoadedValue {
  std::string text;
  keyspace::Block block;  ///< Of a large one, instead of `text`: ready to become the value of its entry.
  [[nodiscard]] std::string_view view() const noexcept { return block ? block.view() : std::string_view(text); }
};

/// What an answer must wait for before it may leave the process. Grows by `merge`; zero: nothing.
struct Pending {
  Lsn durable = kNoLsn;  ///< On disk up to here (sync = always).
  Lsn written =
      kNoLsn;  ///< With the operating system up to here (sync = interval or os), so that kill -9 loses nothing.
  void merge(const Pending& other) noexcept {
    if (other.durable > durable) durable = other.durable;
    if (other.written > written) written = other.written;
  }
  [[nodiscard]] bool empty() const noexcept { return durable == kNoLsn && written == kNoLsn; }
};

/// How to look at a key.
enum class Access : std::uint8_t {
  kMeta,       ///< Leaves no trace and needs no value, which may be missing (see ValueView::here): TTL, EXISTS.
  kTouchMeta,  ///< A use that needs no value: TOUCH, STRLEN.
  kPeek,       ///< Leaves no trace: OBJECT ENCODING.
  kTouch,      ///< A use: refreshes a sliding expiry and the entry's heat.
};
constexpr bool touches(Access access) noexcept {
  return access == Access::kTouch || access == Access::kTouchMeta;
}
constexpr Access without_value(Access access) noexcept {
  return touches(access) ? Access::kTouchMeta : Access::kMeta;
}
constexpr bool needs_value(Access access) noexcept {
  return access == Access::kTouch || access == Access::kPeek;
}

struct EngineStats {
  log::LogStats log;
  keyspace::MemoryUse memory;
  std::uint64_t memory_buffers = 0;  ///< Log buffer and other fixed cost.
  std::uint64_t expired_keys = 0;    ///< Since open; likewise below.
  BudgetStats budget;
  CheckpointStats checkpoints;
  CleanerStats cleaner;
  std::uint64_t fetched_values = 0;  ///< Read from the log because they were not in memory.
  std::uint64_t warmed_values = 0;   ///< Brought back after a restart, before anybody asked.
  bool warming = false;
  std::uint64_t recovered_keys = 0;  ///< Taken from an image of the index.
  log::RecoveryReport recovery;
  std::uint64_t recovery_ns = 0;
  UnixMs opened{0};
};

class Transaction;
class Fetcher;
class ImageReader;
class Compression;
class RecoveryProgress;
class SnapshotWalk;
class Upkeep;

class Engine {
 public:
  /// Opens or creates the store in `directory`. Errors: as `stave::Store::open`.
  static Result<std::unique_ptr<Engine>> open(const std::string& directory, const Options& options);
  /// Closes as `close` does, if that was not done.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Makes everything durable, marks the clean end, stops the threads and releases the directory. Idempotent.
  /// No other call may run or follow.
  Result<void> close();

  // --- one key: the hot paths -------------------------------------------------------------------

  /// Shows what `key` holds (nullptr: nothing) to `show`, once, under the shard's lock: be quick, call nothing of the
  /// engine. A value that is in the log only is read first, which waits for the disk (see `fetch`). Errors, only of
  /// that: kCorrupt, kIo, kNoMemory; nothing was shown. Threads: any.
  Result<Pending> read(KeyRef key, Access access, base::FunctionRef<void(const ValueView*)> show);
  /// Like `read` for many keys at one instant (all their shards are held), with prefetching. `show(i, value)`.
  Result<Pending> read_many(std::span<const KeyRef> keys, Access access,
                            base::FunctionRef<void(std::size_t, const ValueView*)> show);
  /// Sets a string whole, whatever was there. `expiry` replaces the old one (never() removes it).
  /// `end`, when given, receives the new version. Errors: kTooLarge, kReadOnly, kNoSpace, kNoMemory: nothing changed.
  Result<Pending> put(KeyRef key, std::string_view value, Expiry expiry, Sync sync = Sync::kDefault,
                      Lsn* version = nullptr);
  /// For a large value that is still being received: what it is gathered in, `Transaction::put` takes as it is.
  [[nodiscard]] keyspace::BlockWriter block_writer() noexcept { return keyspace::BlockWriter(keyspace_.source()); }
  /// Brings the bucket of `key` towards the cache, without waiting; returns the key's hash, which spares others the
  /// work.
  std::uint64_t prefetch_bucket(KeyRef key) noexcept;
  /// Brings the entries of that hash towards the cache; useful some hundred nanoseconds after the bucket was called
  /// for.
  void prefetch_entry(int database, std::uint64_t hash) noexcept;

  // --- values that are in the log only ----------------------------------------------------------

  /// Whether any value of `keys` would have to be read from the disk. One relaxed load while nothing was ever spilled.
  [[nodiscard]] bool must_fetch(std::span<const KeyRef> keys);
  /// Whether there is any sense in asking `must_fetch`: one relaxed load.
  [[nodiscard]] bool may_fetch() const noexcept { return ever_spilled_.load(std::memory_order_relaxed); }
  /// Brings the values of `keys` into memory on a thread of the engine, then calls `done` there. For doors whose
  /// threads must not wait; whoever reads afterwards finds the values, or else reads them itself. `done` must be quick.
  /// The keys are copied.
  void fetch(std::span<const KeyRef> keys, std::function<void()> done);
  /// Runs `work` soon on a thread of the engine, where it may wait for the disk (`scan_values`, `read`), so that the
  /// caller need not. It must not throw. `close` waits for it.
  void aside(std::function<void()> work);

  // --- everything else goes through Transaction (transaction.h) ---------------------------------

  // --- whole databases --------------------------------------------------------------------------

  /// Removes every key of a database, at one instant. Its memory is freed afterwards, in the background if there is
  /// one.
  Result<Pending> flush(int database, Sync sync = Sync::kDefault);
  Result<Pending> flush_all(Sync sync = Sync::kDefault);
  /// Two databases change places, at one instant.
  Result<Pending> swap(int first, int second, Sync sync = Sync::kDefault);
  /// Number of keys; expired ones count until they are collected (some milliseconds).
  [[nodiscard]] std::uint64_t size(int database) const noexcept { return keyspace_.size(database); }
  /// Where a database's memory is, and how many of its keys expire. Locks its shards one by one.
  [[nodiscard]] keyspace::MemoryUse memory(int database) const { return keyspace_.memory(database); }

  /// Visits keys of a database from `cursor` (0 starts) until about `count` were seen; returns the cursor to go on
  /// from, 0 at the end. Guarantees of `Shard::scan`. Expired keys are left out. `visit` runs under a shard's lock. As
  /// with Access::kMeta, a value may be missing.
  std::uint64_t scan(int database, std::uint64_t cursor, std::size_t count,
                     base::FunctionRef<void(std::string_view key, const ValueView&)> visit, Pending& pending);
  /// The same with values, those that are in the log only included; `visit` is called for these without a lock. Errors:
  /// as `read`.
  Result<std::uint64_t> scan_values(int database, std::uint64_t cursor, std::size_t count,
                                    base::FunctionRef<void(std::string_view key, const ValueView&)> visit,
                                    Pending& pending);
  /// A random live key; nullopt when there is none.
  std::optional<std::string> random_key(int database, Pending& pending);
  /// Bytes that the key and its value take in memory; nullopt when it is absent.
  std::optional<std::uint64_t> memory_of(KeyRef key);
  /// How often it was used lately, 0 to keyspace::Entry::kHeatMax; nullopt when it is absent. Leaves no trace.
  std::optional<unsigned> heat_of(KeyRef key);

  // --- durability -------------------------------------------------------------------------------

  /// Blocks until `pending` is fulfilled.
  Result<void> wait(const Pending& pending);
  /// Whether `pending` is fulfilled now.
  [[nodiscard]] bool fulfilled(const Pending& pending) const noexcept {
    return pending.durable <= log_->durable() && pending.written <= log_->written();
  }
  /// Everything so far on disk, whatever the policy.
  Result<void> sync();
  [[nodiscard]] log::Log& log() noexcept { return *log_; }
  /// What an answer after a write that ended at `end` waits for, by policy.
  [[nodiscard]] Pending pending_for_write(Lsn end, Sync sync) const noexcept;

  // --- the life of the log ----------------------------------------------------------------------

  /// Writes an image of the index now, so that the next restart is quick. Waits for one in progress and then writes
  /// another. Errors: kIo, kNoSpace, kBusy (whole databases kept changing places); the older images are still there.
  Result<void> checkpoint();
  /// Gives back the space of everything overwritten and deleted, as far as retention allows; waits until it is done.
  Result<CleanReport> clean();
  /// Memory: what is counted, the limit, what gives way.
  [[nodiscard]] Budget& budget() noexcept { return budget_; }
  /// Live settings of checkpoints, cleaning and retention.
  [[nodiscard]] Upkeep& upkeep() noexcept { return *upkeep_; }
  [[nodiscard]] Compression& compression() noexcept { return *compression_; }
  /// Bytes of the log that are alive, estimated from the index and from how well values pack.
  [[nodiscard]] std::uint64_t live_log_bytes() const noexcept;
  /// Trains a dictionary when enough was seen. Some hundred milliseconds of one thread, at most.
  void train_compression();

  // --- time, limits, state ----------------------------------------------------------------------

  /// The store's wall time: never goes back.
  UnixMs now() noexcept;
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] Clock& clock() noexcept { return *clock_; }
  [[nodiscard]] FileSystem& file_system() noexcept { return *file_system_; }
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  /// Changes the store's policy at once, for all later writes. Not kDefault.
  void set_sync(Sync sync) noexcept {
    sync_.store(sync, std::memory_order_relaxed);
    log_->set_sync(sync);
  }
  [[nodiscard]] Sync sync_policy() const noexcept { return sync_.load(std::memory_order_relaxed); }
  /// Errors: kTooLarge with the sentence that says which limit.
  Result<void> check_limits(std::string_view key, std::size_t value_bytes) const;
  [[nodiscard]] EngineStats stats();
  /// Whether expired keys are removed by themselves (DEBUG SET-ACTIVE-EXPIRE); they are never shown either way.
  void set_active_expiry(bool on) noexcept { active_expiry_.store(on, std::memory_order_relaxed); }
  /// Housekeeping, one bounded step each: expiry, log. Returns nanoseconds until it is wanted again.
  /// For stores opened without a background thread.
  std::uint64_t tick();

 private:
  friend class Transaction;
  friend class Budget;
  friend class Checkpoint;
  friend class Cleaner;
  friend class Fetcher;
  friend class History;
  friend class Replay;
  friend class SnapshotWalk;
  friend class Upkeep;
  friend class WarmUp;
  using ShardIds = std::span<const keyspace::ShardId>;
  static constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

  Engine(const Options& options, std::string directory);
  Result<void> start();
  Result<void> recover();
  Result<void> find_and_recover();
  Result<void> open_log(const log::StartAt& start, const ImageReader* image);
  Result<void> load_image(const ImageReader& image);
  void make_room_for(const ImageReader& image);
  Result<void> load_blocks(const ImageReader& image, std::size_t part, std::size_t parts);
  void forget_everything();

  /// What a reader of a record at `address`, or of a shard last changed by a removal ending at `mark`, waits for.
  [[nodiscard]] Pending observe(Lsn end) const noexcept;
  [[nodiscard]] std::uint64_t hash_of(const KeyRef& key) const noexcept {
    return key.hash != 0 ? key.hash : keyspace_.hash(key.key);
  }
  [[nodiscard]] keyspace::Shard& shard_of(int database, std::uint64_t hash) noexcept {
    return keyspace_.shard(keyspace_.shard_id(database, hash));
  }
  /// A value read from the log: the record it was read from, so that it can be told whether it is still the value.
  struct Loaded {
    Lsn address = kNoLsn;
    LoadedValue value;
  };
  /// Shows the entry. False, and nothing was shown, when its value is needed and neither in memory nor `loaded`.
  bool show_entry(keyspace::Shard& shard, std::uint64_t hash, KeyRef key, Access access, const Loaded* loaded,
                  base::FunctionRef<void(const ValueView*)> show, Pending& pending) STAVE_REQUIRES(shard.mutex());
  Result<Pending> read_spilled(std::span<const KeyRef> keys, Access access,
                               base::FunctionRef<void(std::size_t, const ValueView*)> show);
  /// The value that the record at `address` gave its key. Errors: kNotFound (the log has dropped it), kCorrupt, kIo.
  Result<void> load_value(Lsn address, LoadedValue& value);
  Result<void> load_value(Lsn address, std::string& value, ValueType* type = nullptr);
  Result<log::RecordView> read_value(Lsn address, std::vector<std::byte>& buffer, log::Log::PlaceFn place);
  /// The same of a record at hand.
  Result<void> value_of(const log::RecordView& record, std::string& value);
  /// The value again in memory beside its key, if there is room or it is in demand.
  void keep_resident(keyspace::Shard& shard, std::uint64_t hash, keyspace::Entry entry, const LoadedValue& value)
      STAVE_REQUIRES(shard.mutex());
  /// `loaded`: null, or the value of an entry that is not in memory.
  ValueView view_of(keyspace::Entry entry, const LoadedValue* loaded) const;
  void refresh_sliding(keyspace::Entry entry, KeyRef key, UnixMs now);
  void lock_all(ShardIds shards) STAVE_NO_THREAD_SAFETY_ANALYSIS;
  void unlock_all(ShardIds shards) STAVE_NO_THREAD_SAFETY_ANALYSIS;
  [[nodiscard]] std::vector<keyspace::ShardId> shards_of(int first_database, int last_database) const;
  Result<Pending> flush_range(int first, int last, Sync sync);

  void note_deadline(UnixMs at) noexcept;
  bool expire_due();
  bool expire_shard(keyspace::ShardId id, UnixMs now);
  /// Logs that `keys` of the shard, which is locked, are gone, and removes them. Returns how many; 0 when the log
  /// refuses.
  std::size_t remove_logged(keyspace::ShardId id, const std::vector<std::string>& keys,
                            log::RecordKind why) STAVE_NO_THREAD_SAFETY_ANALYSIS;
  void bury(std::vector<std::shared_ptr<keyspace::Shard>> contents);
  void tell_walks(base::FunctionRef<void(SnapshotWalk&)> tell) STAVE_EXCLUDES(walks_mutex_);
  void housekeeping();

  Options options_;
  std::string directory_;
  FileSystem* file_system_;
  Clock* clock_;
  std::unique_ptr<DirectoryLock> lock_;
  keyspace::Keyspace keyspace_;
  std::unique_ptr<log::Log> log_;
  std::atomic<Sync> sync_;
  std::atomic<bool> active_expiry_{true};
  std::atomic<std::int64_t> last_wall_ms_{0};
  /// End of the newest record that moved whole databases: whoever reads anything waits for it.
  std::atomic<std::uint64_t> world_mark_{0};
  /// No key of the store expires before this; lowered by writers, raised by `expire_due`.
  std::atomic<std::int64_t> earliest_deadline_{kNoDeadline};
  std::atomic<std::uint64_t> expired_keys_{0};
  std::atomic<std::uint64_t> fetched_values_{0};
  std::atomic<std::uint64_t> warmed_values_{0};
  std::atomic<bool> warming_{false};
  /// Once a value was taken out of memory: until then nobody has to look.
  std::atomic<bool> ever_spilled_{false};
  /// Counts flushes and swaps: who walks the shards one by one must notice.
  std::atomic<std::uint64_t> world_changes_{0};
  Budget budget_{*this};
  std::unique_ptr<Compression> compression_;
  std::unique_ptr<Fetcher> fetcher_;
  std::unique_ptr<Upkeep> upkeep_;
  base::Mutex walks_mutex_;
  std::vector<SnapshotWalk*> walks_ STAVE_GUARDED_BY(walks_mutex_);
  RecoveryProgress* progress_ = nullptr;  ///< While recovering.
  std::uint64_t recovered_keys_ = 0;
  bool values_to_warm_ = false;  ///< Recovery left values in the log that may fit into memory.
  log::RecoveryReport recovery_;
  std::uint64_t recovery_ns_ = 0;
  UnixMs opened_{0};

  base::Mutex housekeeping_mutex_;
  base::ConditionVariable housekeeping_wake_;
  bool stopping_ STAVE_GUARDED_BY(housekeeping_mutex_) = false;
  std::vector<std::shared_ptr<keyspace::Shard>> graveyard_ STAVE_GUARDED_BY(housekeeping_mutex_);
  std::thread thread_;
  bool closed_ = false;
};

}  // namespace stave::store
