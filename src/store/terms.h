// The history of leaders of this store's log, and what part this machine has in it.
//
// A log that several machines have is the work of one leader after the other. What they need to find out where their
// copies agree is the history of terms, which is in the log as records, but these go with old segments and an image
// does not tell them: so it is kept in `NODE`, which is saved before anybody hears of a term. Promises: no number is
// taken twice, whatever crashed in between; a lower term than one that was heard of is refused, also after a restart. A
// store that was never in a group has no history and no file. Must not know: connections, who is to lead.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "log/log.h"
#include "store/node_state.h"

namespace stave::store {

/// Threads: any, once the store is open.
class Terms {
 public:
  Terms(FileSystem& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  /// Reads `NODE`, if there is one. Before the log is opened. Errors: as `load_node`.
  Result<void> load() STAVE_EXCLUDES(mutex_);
  /// A record of the log that is replayed: nothing is saved. Errors: kCorrupt (no greater number than one before it).
  Result<void> saw(const log::RecordView& record) STAVE_EXCLUDES(mutex_);
  /// The same of one that is about to be taken over: the term is saved when this returns. Errors: also those of the
  /// file.
  Result<void> learn(const log::RecordView& record) STAVE_EXCLUDES(mutex_, change_mutex_);
  /// Where the log ends, once it is known: what was known of terms behind that is forgotten.
  void settle(Lsn end) STAVE_EXCLUDES(mutex_);

  /// Whether the store is, or was, part of a group.
  [[nodiscard]] bool any() const STAVE_EXCLUDES(mutex_);
  [[nodiscard]] NodeState state() const STAVE_EXCLUDES(mutex_);
  /// Number of the term that the log is in; 0: none has begun.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_.load(std::memory_order_acquire); }
  /// The greatest number that was heard of.
  [[nodiscard]] std::uint64_t promised() const noexcept { return promised_.load(std::memory_order_acquire); }
  /// Whether a store that ends at `end` is whole.
  [[nodiscard]] bool whole(Lsn end) const STAVE_EXCLUDES(mutex_);
  /// Whether who leads now has to begin a term first: the last one is another's, or the log may have lost its end.
  [[nodiscard]] bool must_begin(bool clean) const STAVE_EXCLUDES(mutex_);

  /// Begins the next term, with this machine as the leader: its record is in the log and durable, and known. Errors:
  /// those of the log and of the file; whether the term has begun is then unknown, but its number is spent.
  Result<void> begin(log::Log& log, UnixMs now) STAVE_EXCLUDES(mutex_, change_mutex_);
  /// Changes what is saved besides terms, durably. Errors: those of the file; nothing was changed.
  template <class Change>
  Result<void> change(Change&& change) STAVE_EXCLUDES(mutex_, change_mutex_) {
    base::MutexLock one(change_mutex_);
    NodeState next = state();
    change(next);
    return adopt(std::move(next));
  }

 private:
  /// Whether the record says anything new, which `state` then knows.
  static Result<bool> take_in(const log::RecordView& record, NodeState& state);
  Result<void> adopt(NodeState next) STAVE_REQUIRES(change_mutex_) STAVE_EXCLUDES(mutex_);

  FileSystem& files_;
  const std::string directory_;
  base::Mutex change_mutex_;  ///< One changes the file at a time. Taken before the other.
  mutable base::Mutex mutex_;
  NodeState state_ STAVE_GUARDED_BY(mutex_);
  bool known_ STAVE_GUARDED_BY(mutex_) = false;  ///< There is a file.
  std::atomic<std::uint64_t> number_{0};
  std::atomic<std::uint64_t> promised_{0};
  void publish() STAVE_REQUIRES(mutex_);
};

}  // namespace stave::store
