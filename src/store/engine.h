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
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "base/function_ref.h"
#include "base/mutex.h"
#include "base/workers.h"
#include "keyspace/keyspace.h"
#include "log/follows.h"
#include "log/log.h"
#include "stave/options.h"
#include "store/budget.h"
#include "store/change_watch.h"
#include "store/directory_claim.h"
#include "store/expiry.h"
#include "store/graveyard.h"
#include "store/large_batch.h"
#include "store/mirror.h"
#include "store/orphans.h"
#include "store/replicas.h"
#include "store/reports.h"
#include "store/residence.h"
#include "store/store_clock.h"
#include "store/terms.h"
#include "store/value.h"
#include "store/world.h"

namespace stave::packing {
class Compression;
}

namespace stave::store {

/// What an answer must wait for before it may leave the process. Grows by `merge`; zero: nothing.
struct Pending {
  Lsn durable = kNoLsn;  ///< On disk up to here (sync = always).
  Lsn written =
      kNoLsn;  ///< With the operating system up to here (sync = interval or os), so that kill -9 loses nothing.
  Lsn replicated = kNoLsn;     ///< On the disks of `replicas` followers up to here.
  std::uint32_t replicas = 0;  ///< 0: nothing is waited for.
  void merge(const Pending& other) noexcept {
    if (other.durable > durable) durable = other.durable;
    if (other.written > written) written = other.written;
    if (other.replicas != 0) [[unlikely]]
      require(other.replicated, other.replicas);
  }
  /// That so many followers have everything before `end`, too. Of two such conditions the stricter half of each holds.
  void require(Lsn end, std::uint32_t count) noexcept {
    if (end > replicated) replicated = end;
    if (count > replicas) replicas = count;
  }
  /// End of what is waited for on this machine.
  [[nodiscard]] Lsn end() const noexcept { return durable > written ? durable : written; }
  [[nodiscard]] bool empty() const noexcept { return durable == kNoLsn && written == kNoLsn && replicas == 0; }
};

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
  std::uint64_t buried = 0;          ///< Parts of deleted databases that are still to be freed.
  std::uint64_t recovered_keys = 0;  ///< Taken from an image of the index.
  log::RecoveryReport recovery;
  std::uint64_t recovery_ns = 0;
  UnixMs opened{0};
  std::int64_t clock_offset_ms = 0;  ///< How far the store's time is ahead of the wall clock.
  std::uint64_t clock_jumps = 0;     ///< Of the wall clock, since open.
};

/// How a store is opened that is to follow another one (docs/replication.md).
struct Following {
  /// Which store is to be created in a directory that holds none: the leader's.
  std::optional<log::StartAt::Birth> birth;
};
/// How a store is opened that is to mirror a master of another make (mirror.h).
struct Mirroring {};

class Transaction;
class Fetcher;
class ImageReader;
class RecoveryProgress;
class Upkeep;

class Engine {
 public:
  /// Opens or creates the store in `directory`. Errors: as `stave::Store::open`.
  /// A copy that follows another store stays one, and refuses writes, until `lead`. Also kConflict: it is half a copy.
  static Result<std::unique_ptr<Engine>> open(const std::string& directory, const Options& options);
  /// The same, but it decides nothing by itself: it changes only as `Applier` says, refuses every write (kReadOnly),
  /// and removes, cleans and trains nothing, until `lead`. It may be half a copy.
  static Result<std::unique_ptr<Engine>> open(const std::string& directory, const Options& options,
                                              const Following& following);
  /// The same as the first, but it mirrors a master from the start: see `mirrors`.
  static Result<std::unique_ptr<Engine>> open(const std::string& directory, const Options& options, Mirroring);
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
  /// `version`, when given, receives the new version. `block`: as in Transaction::put. Errors: kTooLarge, kReadOnly,
  /// kNoSpace, kNoMemory: nothing changed.
  Result<Pending> put(KeyRef key, std::string_view value, Expiry expiry, Sync sync = Sync::kDefault,
                      Lsn* version = nullptr, const keyspace::Block* block = nullptr);
  /// Sets several strings that never expire, at one instant and in one batch of the log: the short way of a Transaction
  /// that only puts. `value(i)` is that of the i-th key. kNot: nothing was changed, and it is to be done by a
  /// Transaction: a key is named twice or watched, a value or the batch is large, or the budget has no room. `pending`:
  /// what telling of it waits for. Errors: as `put`. Cost: one look at each key. Threads: any.
  Result<Updated> put_all(std::span<const KeyRef> keys, base::FunctionRef<std::string_view(std::size_t)> value,
                          Sync sync, Pending& pending);
  /// Shows `decide` what `key` holds, under the shard's lock, and does at once what it says: the short way for commands
  /// that look at one key and change it. `decide` is called once or, with kNot, perhaps not at all; it is quick and
  /// calls nothing of the engine. kNot: nothing was changed, and it is to be done by a Transaction: the value is not in
  /// memory, or large, or the budget has no room. `pending`: what telling of it waits for, also of an error. Errors:
  /// those of `decide`; kTooLarge, kReadOnly, kNoSpace, kNoMemory: nothing changed. Threads: any.
  using DecideFn = base::FunctionRef<Result<Update>(const ValueView*, UnixMs now)>;
  Result<Updated> update(KeyRef key, Access access, DecideFn decide, Sync sync, Pending& pending);
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
  [[nodiscard]] bool must_fetch(std::span<const KeyRef> keys) { return residence_.must_fetch(keys); }
  /// Whether there is any sense in asking `must_fetch`: one relaxed load.
  [[nodiscard]] bool may_fetch() const noexcept { return residence_.ever_spilled(); }
  /// Brings the values of `keys` into memory on a thread of the engine, then calls `done` there. For doors whose
  /// threads must not wait; whoever reads afterwards finds the values, or else reads them itself. `done` must be quick.
  /// The keys are copied.
  void fetch(std::span<const KeyRef> keys, std::function<void()> done);
  /// Runs `work` soon on a thread of the engine, where it may wait for the disk (`scan_values`, `read`), so that the
  /// caller need not. It must not throw. `close` waits for it.
  void aside(std::function<void()> work);
  /// Writes a large batch that was appended: on a thread of its own, because the caller may be one that serves many; in
  /// place without background work, or when there is no memory for that.
  void write_later(std::shared_ptr<LargeBatch> batch) noexcept;

  // --- everything else goes through Transaction (transaction.h) ---------------------------------

  // --- whole databases --------------------------------------------------------------------------

  /// Removes every key of a database, at one instant. Its memory is freed afterwards, in the background if there is
  /// one.
  Result<Pending> flush(int database, Sync sync = Sync::kDefault);
  Result<Pending> flush_all(Sync sync = Sync::kDefault);
  /// Two databases change places, at one instant.
  Result<Pending> swap(int first, int second, Sync sync = Sync::kDefault);
  /// Number of keys at one instant, which is never in the midst of a transaction; expired ones count until they are
  /// collected (some milliseconds). Locks all shards of the database. What an answer that tells it waits for:
  /// `observe_all`, asked afterwards.
  [[nodiscard]] std::uint64_t count_keys(int database);
  /// About the same at the cost of one look at each shard: a transaction that is going on counts in part, so nobody is
  /// to be told this.
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
  std::optional<std::uint64_t> memory_of(KeyRef key, Pending& pending);
  /// How often it was used lately, 0 to keyspace::Entry::kHeatMax; nullopt when it is absent. Leaves no trace.
  std::optional<unsigned> heat_of(KeyRef key, Pending& pending);

  // --- durability -------------------------------------------------------------------------------

  /// Blocks until `pending` is fulfilled as far as this machine can do that: nobody waits here for followers.
  Result<void> wait(const Pending& pending);
  /// Whether `pending` is fulfilled now.
  [[nodiscard]] bool fulfilled(const Pending& pending) const noexcept {
    return on_disk(pending) && replicas_.holds(pending.replicated, pending.replicas);
  }
  /// Whether it is but for followers.
  [[nodiscard]] bool on_disk(const Pending& pending) const noexcept {
    return pending.durable <= log_->durable() && pending.written <= log_->written();
  }
  /// Everything so far on disk, whatever the policy.
  Result<void> sync();
  [[nodiscard]] log::Log& log() noexcept { return *log_; }
  /// What an answer after a write that ended at `end` waits for, by policy.
  [[nodiscard]] Pending pending_for_write(Lsn end, Sync sync) const noexcept;
  /// What an answer waits for that tells of everything so far and cannot say of which keys.
  [[nodiscard]] Pending observe_all() const noexcept { return observe(log_->tail()); }

  // --- the life of the log ----------------------------------------------------------------------

  /// Whether the store's directory is still the one it was opened in; for whoever makes or removes a file in it by its
  /// name. Errors: kConflict, and from then on the log takes nothing more; what `Log::health` says. Cost: three
  /// questions to the file system. Threads: any.
  Result<void> still_ours() STAVE_EXCLUDES(claim_mutex_);

  /// Writes an image of the index now, so that the next restart is quick. Waits for one in progress and then writes
  /// another. Errors: kIo, kNoSpace, kBusy (whole databases kept changing places); the older images are still there.
  Result<void> checkpoint();
  /// Gives back the space of everything overwritten and deleted, as far as retention allows; waits until it is done.
  Result<CleanReport> clean();
  /// Memory: what is counted, the limit, what gives way.
  [[nodiscard]] Budget& budget() noexcept { return budget_; }
  /// Live settings of checkpoints, cleaning and retention.
  [[nodiscard]] Upkeep& upkeep() noexcept { return *upkeep_; }
  [[nodiscard]] packing::Compression& compression() noexcept { return *compression_; }
  /// Bytes of the log that are alive, estimated from the index and from how well values pack.
  [[nodiscard]] std::uint64_t live_log_bytes() const noexcept;
  /// Trains a dictionary when enough was seen. Some hundred milliseconds of one thread, at most.
  void train_compression();

  // --- time, limits, state ----------------------------------------------------------------------

  /// The store's time, which never goes back nor jumps: entries, records and transactions speak of it. A moment that
  /// a client names or is shown is one of the wall clock: see `StoreClock::from_wall` and `shown`.
  UnixMs now() noexcept { return time_.now(); }
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
  /// What no collection of this store had before. Threads: any.
  [[nodiscard]] Lsn new_identity() noexcept;
  /// One that is in use, while the store is opened.
  void saw_identity(Lsn identity) noexcept;
  /// Errors: kTooLarge with the sentence that says which limit.
  Result<void> check_limits(std::string_view key, std::size_t value_bytes) const;
  [[nodiscard]] EngineStats stats();
  /// Whether expired keys are removed by themselves (DEBUG SET-ACTIVE-EXPIRE); they are never shown either way.
  void set_active_expiry(bool on) noexcept { deadlines_.set_active(on); }
  /// Housekeeping, one bounded step each: expiry, memory, what is to be freed, log. Returns nanoseconds until it is
  /// wanted again. For stores opened without a background thread.
  std::uint64_t tick();

  // --- one log on several machines ----------------------------------------------------------------

  /// Whether it decides nothing by itself: one relaxed load.
  [[nodiscard]] bool follows() const noexcept { return follows_.load(std::memory_order_relaxed); }
  /// From now on it leads: a new term begins. Nobody applies anything any more. Errors: those of `Terms::begin`, and it
  /// follows as before; kConflict: it is half a copy. Idempotent.
  Result<void> lead();
  [[nodiscard]] Terms& terms() noexcept { return terms_; }
  /// Whether it keeps what a master of another make says: it removes nothing by itself, and refuses the writes of every
  /// thread without a pass (mirror.h). One relaxed load.
  [[nodiscard]] bool mirrors() const noexcept { return mirrors_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool refuses_writes() const noexcept { return mirrors() && !MirrorPass::held(); }
  /// From now on it is an ordinary store, or a mirror. Threads: any.
  void set_mirrors(bool yes) noexcept;
  /// What followers have, and how many of them answers wait for.
  [[nodiscard]] Replicas& replicas() noexcept { return replicas_; }
  [[nodiscard]] const Replicas& replicas() const noexcept { return replicas_; }

  // --- its parts, for the rest of the store ------------------------------------------------------

  [[nodiscard]] keyspace::Keyspace& keyspace() noexcept { return keyspace_; }
  [[nodiscard]] StoreClock& time() noexcept { return time_; }
  [[nodiscard]] const StoreClock& time() const noexcept { return time_; }
  [[nodiscard]] World& world() noexcept { return world_; }
  [[nodiscard]] Deadlines& deadlines() noexcept { return deadlines_; }
  [[nodiscard]] Residence& residence() noexcept { return residence_; }
  [[nodiscard]] Orphans& orphans() noexcept { return orphans_; }
  /// Who acts on changes of keys, and of which.
  [[nodiscard]] ChangeWatch& change_watch() noexcept { return change_watch_; }
  /// What an answer that shows something waits for which the record that ends at `end` made so; whole databases that
  /// changed places included.
  [[nodiscard]] Pending observe(Lsn end) const noexcept;
  [[nodiscard]] UnixMs opened() const noexcept { return opened_; }

 private:
  Engine(const Options& options, std::string directory);
  static Result<std::unique_ptr<Engine>> open_as(const std::string& directory, const Options& options,
                                                 const Following* following);
  Result<void> start();
  Result<void> take_part();
  void set_follows(bool yes) noexcept;
  void set_decides() noexcept;
  Result<void> recover();
  Result<void> find_and_recover();
  Result<void> open_log(log::StartAt start, const ImageReader* image);
  Result<void> load_image(const ImageReader& image);
  void make_room_for(const ImageReader& image);
  Result<void> load_blocks(const ImageReader& image, std::size_t part, std::size_t parts);
  void forget_everything();

  /// Shows the entry. False, and nothing was shown, when its value is needed and neither in memory nor `loaded`.
  bool show_entry(keyspace::Shard& shard, std::uint64_t hash, KeyRef key, Access access, const Loaded* loaded,
                  base::FunctionRef<void(const ValueView*)> show, Pending& pending) STAVE_REQUIRES(shard.mutex());
  /// Shows the entry of a key that is alive, under its shard's lock, and says what telling of it, or of there being
  /// none, waits for.
  void look_at(KeyRef key, Pending& pending, base::FunctionRef<void(keyspace::Entry)> look);
  Result<keyspace::Entry> writable_entry(keyspace::Shard& shard, const KeyRef& key, keyspace::Entry entry, UnixMs time)
      STAVE_REQUIRES(shard.mutex());
  /// The key, whose entry is `entry` or null, holds `value` as `record` says, which is logged at `lsn`. Returns the
  /// end.
  Result<Lsn> set_logged(keyspace::Shard& shard, const KeyRef& key, keyspace::Entry entry, log::RecordSpec& record,
                         std::string_view value, Lsn& lsn, log::Unwritten& later) STAVE_REQUIRES(shard.mutex());
  Result<Lsn> erase_logged(keyspace::Shard& shard, const KeyRef& key, keyspace::Entry entry, UnixMs time)
      STAVE_REQUIRES(shard.mutex());
  Result<Pending> put_apart(KeyRef key, std::string_view value, Expiry expiry, Sync sync, Lsn* version,
                            const keyspace::Block* block);
  Result<Pending> put_large(KeyRef key, std::string_view value, Expiry expiry, Sync sync, Lsn* version,
                            const keyspace::Block* block);
  Result<Pending> read_spilled(std::span<const KeyRef> keys, Access access,
                               base::FunctionRef<void(std::size_t, const ValueView*)> show);
  Result<Pending> read_in_pages(std::span<const KeyRef> keys, Access access,
                                base::FunctionRef<void(std::size_t, const ValueView*)> show);
  void bury(World::Contents contents);
  void housekeeping();
  void tell_news_of_time();
  /// Asks, at most once in a second, whether the directory is still the store's.
  void check_claim(std::uint64_t now_ns);
  void tell_of_slow_syncs(std::uint64_t now_ns);
  void tell_of_disk();

  Options options_;
  std::string directory_;
  FileSystem* file_system_;
  Clock* clock_;
  base::Mutex claim_mutex_;
  DirectoryClaim claim_ STAVE_GUARDED_BY(claim_mutex_);
  std::uint64_t claim_checked_ns_ = 0;    ///< When `claim_` was asked last.
  enum class Disk : std::uint8_t { kWell, kLow, kFull, kFailed };
  Disk disk_ = Disk::kWell;  ///< As it was told.
  std::atomic<bool> claim_lost_{false};
  std::uint64_t slow_syncs_ = 0;          ///< How many there were, as far as was looked,
  std::uint64_t slow_syncs_told_ns_ = 0;  ///< and when it was told last.
  keyspace::Keyspace keyspace_;
  std::unique_ptr<log::Log> log_;
  Terms terms_;
  Replicas replicas_;
  std::optional<Following> following_;  ///< How it was opened.
  std::atomic<bool> follows_{false};
  std::atomic<bool> mirrors_{false};
  std::atomic<Sync> sync_;
  ChangeWatch change_watch_;
  // The parts see each other as far as each one's constructor says.
  StoreClock time_;
  Graveyard graveyard_;
  Orphans orphans_;
  World world_;
  Deadlines deadlines_;
  Budget budget_;
  std::unique_ptr<packing::Compression> compression_;
  Residence residence_;
  std::unique_ptr<Fetcher> fetcher_;
  /// Not the fetcher's, whose threads may wait for what these write.
  base::Workers large_writers_{"stave-large", 2};
  std::unique_ptr<Upkeep> upkeep_;
  RecoveryProgress* progress_ = nullptr;  ///< While recovering.
  std::uint64_t recovered_keys_ = 0;
  bool values_to_warm_ = false;  ///< Recovery left values in the log that may fit into memory.
  log::RecoveryReport recovery_;
  std::uint64_t recovery_ns_ = 0;
  UnixMs opened_{0};
  std::atomic<std::uint64_t> newest_identity_{0};

  base::Mutex housekeeping_mutex_;
  base::ConditionVariable housekeeping_wake_;
  bool stopping_ STAVE_GUARDED_BY(housekeeping_mutex_) = false;
  bool woken_ STAVE_GUARDED_BY(housekeeping_mutex_) = false;
  std::thread thread_;
  bool closed_ = false;
};

}  // namespace stave::store
