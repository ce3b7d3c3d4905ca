// Changes of whole databases, and what others have to know of them.
//
// A flush empties databases and a swap exchanges two, each at one instant, under the locks of all their shards.
// Promises: logged before anybody can see it; who reads anything afterwards finds the mark of it; a walk through the
// store hears of it while the shards are still held; who goes from shard to shard finds by `changes` that they may not
// belong together. Must not know: what answers wait for, threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "base/mutex.h"
#include "keyspace/keyspace.h"
#include "log/log.h"
#include "store/graveyard.h"
#include "store/store_clock.h"

namespace stave::store {

class ShardLocks;
class SnapshotWalk;

/// Threads: any.
class World {
 public:
  /// A list: handing it on needs no memory.
  using Contents = Graveyard::Contents;
  /// `bury` gets what a flush took out, to be freed; it is called with nothing held.
  World(keyspace::Keyspace& keyspace, StoreClock& time, std::function<void(Contents)> bury)
      : keyspace_(keyspace), time_(time), bury_(std::move(bury)) {}
  /// Before the first change.
  void attach(log::Log& log) noexcept { log_ = &log; }

  /// Removes every key of the databases `first` to `last`; returns where its record ends. Errors: the log's, and
  /// nothing was changed.
  Result<Lsn> flush(int first, int last) STAVE_EXCLUDES(walks_mutex_);
  /// Two databases change places; they must differ. Otherwise as `flush`.
  Result<Lsn> swap(int first, int second) STAVE_EXCLUDES(walks_mutex_);

  /// For who follows, of a batch that another log has and that `append` takes over: what of it concerns whole
  /// databases, as `flush` and `swap` do it, one after the other. The shards of all databases that are named are
  /// locked. Errors: those of `append`, and nothing was changed; kNoMemory.
  struct Upheaval {
    int first = 0;
    int second = -1;  ///< With which it changes places; -1: it is emptied.
    Lsn lsn = kNoLsn;
  };
  Result<Lsn> take_over(std::span<const Upheaval> upheavals, base::FunctionRef<Result<Lsn>()> append)
      STAVE_EXCLUDES(walks_mutex_);

  /// End of the newest record that moved whole databases: whoever reads anything waits for it.
  [[nodiscard]] Lsn mark() const noexcept { return Lsn{mark_.load(std::memory_order_acquire)}; }
  /// Grows with every flush and swap: who walks the shards one by one must notice.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_.load(std::memory_order_acquire); }
  /// How many of `changes` are over. Who looks at shards without locking them asks for this before, and for `changes`
  /// afterwards: while one moves on between the two, or before both, they differ.
  [[nodiscard]] std::uint64_t changes_ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  /// The shards of the databases `first` to `last`, in the order in which they are locked.
  [[nodiscard]] std::vector<keyspace::ShardId> shards_of(int first, int last) const;

  /// From now on `walk` hears of flushes and swaps. `begin` is called at an instant at which none is under way.
  void join(SnapshotWalk& walk, base::FunctionRef<void()> begin) STAVE_EXCLUDES(walks_mutex_);
  void leave(SnapshotWalk& walk) STAVE_EXCLUDES(walks_mutex_);
  /// Whether anybody walks: then the log must be kept.
  [[nodiscard]] bool walked() const STAVE_EXCLUDES(walks_mutex_);

 private:
  /// Counted from before anything moves until everything has.
  class Moving;

  void tell(base::FunctionRef<void(SnapshotWalk&)> tell) STAVE_EXCLUDES(walks_mutex_);
  /// What the contents of those shards that hold any move into: behind an append nothing may fail.
  [[nodiscard]] Contents places_for(std::span<const keyspace::ShardId> ids) const;
  /// Logged: the shards, which are locked, give their contents to the places from `taken` on.
  void empty(const ShardLocks& locks, std::span<const keyspace::ShardId> ids, Lsn end, Contents::iterator& taken);
  /// Logged at `lsn`, up to `end`: two databases, whose shards are locked, change places.
  void exchange(int first, int second, Lsn lsn, Lsn end) STAVE_NO_THREAD_SAFETY_ANALYSIS;

  keyspace::Keyspace& keyspace_;
  StoreClock& time_;
  std::function<void(Contents)> bury_;
  log::Log* log_ = nullptr;
  std::atomic<std::uint64_t> mark_{0};
  std::atomic<std::uint64_t> changes_{0};
  std::atomic<std::uint64_t> ended_{0};
  mutable base::Mutex walks_mutex_;
  std::vector<SnapshotWalk*> walks_ STAVE_GUARDED_BY(walks_mutex_);
};

}  // namespace stave::store
