// What flushes took out of the store, until its memory is freed.
//
// To free millions of entries takes long, and a flush should not. Promises: what is buried is freed by `step`, a
// shard's contents at a time; how much memory is on its way back is known, so that nothing else gives way for it. Must
// not know: who flushes, threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>

#include "base/mutex.h"
#include "keyspace/shard.h"

namespace stave::store {

/// Threads: any.
class Graveyard {
 public:
  /// A list: handing it over needs no memory.
  using Contents = std::list<std::shared_ptr<keyspace::Shard>>;

  void bury(Contents contents) noexcept STAVE_EXCLUDES(mutex_);
  /// Frees the contents of one shard, unless somebody else still reads them: then that one does. False when nothing is
  /// left.
  bool step() STAVE_EXCLUDES(mutex_);
  /// Parts of databases that were not freed yet.
  [[nodiscard]] std::size_t size() const STAVE_EXCLUDES(mutex_);
  /// Bytes that are on their way back. A relaxed reading.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  mutable base::Mutex mutex_;
  Contents contents_ STAVE_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace stave::store
