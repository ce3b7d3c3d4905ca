// Pages that no root names any more: noticed when a root goes, removed in the background.
//
// DEL, an overwriting SET, an expiry, an eviction take a root and leave its pages: that is why they cost nothing. Who
// takes a root that is in memory *abandons* its pages, once that is logged: which these are the root says, so they can
// be removed piece by piece, by whoever needs room first. What is left is found by a sweep, which looks at all roots,
// then at all pages, and removes those whose identity no root has: of roots whose value was in the log only, of flushed
// databases, of a crash. Promises: a page that a root names is never removed, whatever writers do meanwhile; nothing is
// done while nothing may have been orphaned. Must not know: what is in a page. Threads: any; one sweep at a time.
//
// Why an abandoned page is nobody's: an identity is one key's only, so once the change is logged that takes it from its
// key and gives it to no other one, no key has it, and none will ever have it again.
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
#include <vector>

#include "base/breaks.h"
#include "base/mutex.h"
#include "keyspace/entry.h"
#include "keyspace/keyspace.h"
#include "stave/error.h"
#include "stave/units.h"
#include "types/pages.h"

namespace stave::store {

class Deadlines;
class Engine;

class Orphans {
 public:
  /// Pages of one collection: those from `next` on, up to the one before `end`, as far as they are there.
  struct Pages {
    Lsn identity = kNoLsn;  ///< kNoLsn: none.
    types::PageId next = 0;
    types::PageId end = 0;
  };
  /// Pages that no root names may be left, and nobody knows which: for a sweep. Cheap.
  void note() noexcept { noted_.store(true, std::memory_order_relaxed); }
  /// What the entry leaves when its value is replaced or removed: to be abandoned once that is logged. Where only a
  /// sweep can tell, that is noted.
  [[nodiscard]] Pages left_by(keyspace::Entry entry) noexcept;
  /// The root of these is gone for good. Its shard may be locked. Cheap.
  void abandon(const Pages& pages) noexcept STAVE_EXCLUDES(mutex_);
  /// Whether `remove_some` has something to do. One relaxed load.
  [[nodiscard]] bool waiting() const noexcept { return waiting_.load(std::memory_order_relaxed) != 0; }
  /// Removes some of the abandoned pages, a bounded step under one shard's lock; false when none are left. No shard is
  /// held.
  bool remove_some(keyspace::Keyspace& keyspace, Deadlines& deadlines) noexcept STAVE_EXCLUDES(mutex_);
  /// A key gets the root of that identity. Its shard is locked.
  void given(Lsn identity) noexcept;
  /// Whether there is any sense in a sweep.
  [[nodiscard]] bool noted() const noexcept { return noted_.load(std::memory_order_relaxed); }

  /// Removes what is garbage. Returns how many pages. Errors: kAborted (the engine is closing), those of a write;
  /// kBusy: databases changed places, try again; kNoMemory; kIo, kCorrupt (a root cannot be read, so nothing is
  /// removed).
  Result<std::uint64_t> sweep(Engine& engine, const std::atomic<bool>& stop) STAVE_EXCLUDES(mutex_);

 private:
  /// So many collections wait to be removed at most; the others' pages are left to a sweep.
  static constexpr std::size_t kAbandonedMax = 1u << 16;

  std::size_t remove_some_of(Pages& pages, keyspace::Keyspace& keyspace, Deadlines& deadlines);
  Result<void> mark(Engine& engine, const std::atomic<bool>& stop);
  [[nodiscard]] bool alive(Lsn identity) const STAVE_EXCLUDES(mutex_);
  void add(Lsn identity) STAVE_EXCLUDES(mutex_);

  std::atomic<bool> noted_{false};
  std::atomic<bool> marking_{false};
  std::atomic<std::size_t> waiting_{0};  ///< How many are abandoned.
  mutable base::Mutex mutex_;
  std::vector<Pages> abandoned_ STAVE_GUARDED_BY(mutex_);
  std::unordered_set<std::uint64_t> alive_ STAVE_GUARDED_BY(mutex_);
  /// There was no memory to note one.
  bool incomplete_ STAVE_GUARDED_BY(mutex_) = false;
};

}  // namespace stave::store
