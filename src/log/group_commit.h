// Group commit: of all who wait for the disk, one does the work for everybody.
//
// The first to come leads a round: it fixes how far the round goes, writes and syncs. Whoever comes meanwhile is either
// covered by that round or waits for the next, which one of them will lead. Two conditions keep the two apart, so
// nobody is woken in vain. Must not know: files, what writing means.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>

#include "base/mutex.h"

namespace stave::log {

class GroupCommit {
 public:
  struct Hooks {
    /// Waits until everything before the argument is complete in memory; returns how far it is complete. Quick.
    std::function<std::uint64_t(std::uint64_t)> complete;
    /// Makes everything before the argument durable, or latches a failure.
    std::function<void(std::uint64_t)> flush;
    /// Whether everything before the argument is durable, or never will be.
    std::function<bool(std::uint64_t)> settled;
  };
  explicit GroupCommit(Hooks hooks) : hooks_(std::move(hooks)) {}

  /// Returns when `position` is settled.
  void wait(std::uint64_t position) STAVE_EXCLUDES(mutex_);

 private:
  struct Waiting {
    base::ConditionVariable condition;
    std::size_t count = 0;
  };
  void gather() STAVE_REQUIRES(mutex_);
  void lead() STAVE_REQUIRES(mutex_);

  const Hooks hooks_;
  base::Mutex mutex_;
  bool leading_ STAVE_GUARDED_BY(mutex_) = false;
  std::uint64_t round_ STAVE_GUARDED_BY(mutex_) = 0;
  std::uint64_t wanted_ STAVE_GUARDED_BY(mutex_) = 0;        ///< Furthest position anybody asked for.
  std::uint64_t target_ STAVE_GUARDED_BY(mutex_) = 0;        ///< How far the round in progress goes.
  std::size_t expected_ STAVE_GUARDED_BY(mutex_) = 1;        ///< How many took part when the last round ended.
  std::array<Waiting, 2> waiting_ STAVE_GUARDED_BY(mutex_);  ///< By round, odd and even.
};

}  // namespace stave::log
