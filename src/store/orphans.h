// Pages that no root names any more: noticed when a root goes, found and removed in the background.
//
// DEL, an overwriting SET, an expiry, FLUSHDB take a root and leave its pages: that is why they cost nothing. A sweep
// looks at all roots, then at all pages, and removes those whose identity no root has. Promises: a page that a root
// names is never removed, whatever writers do meanwhile; what a crash left over goes too; nothing is done while nothing
// may have been orphaned. Must not know: what is in a page. Threads: any; one sweep at a time.
//
// Why no living page is taken for garbage: identities are given out in ascending order, and only those from before the
// sweep began are looked at. A root that stays where it is all the time is met. One that is given to a key meanwhile
// (RENAME, MOVE, every change of the collection) is told by `given`, under the lock of its key's shard and before that
// is let go: either its shard was not looked at yet then, or the sweep had begun, and hears of it. Whole databases that
// change places end the sweep, and it is done again.
#pragma once

#include <atomic>
#include <cstdint>
#include <unordered_set>

#include "base/breaks.h"
#include "base/mutex.h"
#include "keyspace/entry.h"
#include "stave/error.h"
#include "stave/units.h"

namespace stave::store {

class Engine;

class Orphans {
 public:
  /// A root may have gone. Cheap.
  void note() noexcept { noted_.store(true, std::memory_order_relaxed); }
  /// The same when the entry is one; its value is replaced or removed.
  void note(keyspace::Entry entry) noexcept;
  /// A key gets the root of that identity. Its shard is locked.
  void given(Lsn identity) noexcept;
  /// Whether there is any sense in a sweep.
  [[nodiscard]] bool noted() const noexcept { return noted_.load(std::memory_order_relaxed); }

  /// Removes what is garbage. Returns how many pages. Errors: kAborted (the engine is closing), those of a write;
  /// kBusy: databases changed places, try again; kNoMemory; kIo, kCorrupt (a root cannot be read, so nothing is
  /// removed).
  Result<std::uint64_t> sweep(Engine& engine, const std::atomic<bool>& stop) STAVE_EXCLUDES(mutex_);

 private:
  Result<void> mark(Engine& engine, const std::atomic<bool>& stop);
  [[nodiscard]] bool alive(Lsn identity) const STAVE_EXCLUDES(mutex_);
  void add(Lsn identity) STAVE_EXCLUDES(mutex_);

  std::atomic<bool> noted_{false};
  std::atomic<bool> marking_{false};
  mutable base::Mutex mutex_;
  std::unordered_set<std::uint64_t> alive_ STAVE_GUARDED_BY(mutex_);
  /// There was no memory to note one.
  bool incomplete_ STAVE_GUARDED_BY(mutex_) = false;
};

}  // namespace stave::store
