// The shards that somebody holds at once: a set, locked in the one order that all keep to.
//
// Promises: memory is taken before the first lock; locks are taken by ascending id, so that nobody waits in a circle; a
// shard is given back by `unlock` or by the destructor, also when something is thrown meanwhile. Must not know: keys,
// the log. Threads: one.
//
// The set is known at run time only, which Clang's analysis cannot follow: it is told of a shard by `assert_held`,
// which also looks whether that is so.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <span>

#include "base/assert.h"
#include "base/mutex.h"
#include "keyspace/keyspace.h"

namespace stave::store {

class ShardLocks {
 public:
  explicit ShardLocks(keyspace::Keyspace& keyspace) noexcept : keyspace_(keyspace) {}
  ~ShardLocks() { unlock(); }
  ShardLocks(const ShardLocks&) = delete;
  ShardLocks& operator=(const ShardLocks&) = delete;

  /// Room for so many, and then what is to be locked, in any order and more than once. Before `lock`. Throws
  /// std::bad_alloc; the set is as it was.
  void reserve(std::size_t count) { ids_.reserve(count); }
  void add(keyspace::ShardId id);
  /// All shards of the databases from `first` to `last`.
  void add_databases(int first, int last);

  /// Waits for every shard of the set.
  void lock() noexcept STAVE_NO_THREAD_SAFETY_ANALYSIS;
  /// The set stays and may be locked again. Nothing when it is not locked.
  void unlock() noexcept STAVE_NO_THREAD_SAFETY_ANALYSIS;
  [[nodiscard]] bool locked() const noexcept { return locked_; }

  /// One more while the set is locked. One above all that are held is waited for; another is taken when nobody has it.
  /// False: somebody has it, and nothing changed: to wait for it here could be to wait in a circle. Throws
  /// std::bad_alloc; nothing changed.
  [[nodiscard]] bool extend(keyspace::ShardId id) STAVE_NO_THREAD_SAFETY_ANALYSIS;

  /// By ascending id, once `lock` was called.
  [[nodiscard]] std::span<const keyspace::ShardId> ids() const noexcept { return {ids_.data(), ids_.size()}; }
  /// Whether the shard is locked here.
  [[nodiscard]] bool holds(keyspace::ShardId id) const noexcept;
  /// Dies unless the shard is locked here; from then on the analysis knows.
  void assert_held(keyspace::ShardId id, keyspace::Shard& shard) const noexcept STAVE_ASSERT_CAPABILITY(shard.mutex());
  /// The same for a shard that is known to be of the set: looks only whether that is locked.
  void assume_held(keyspace::Shard& shard) const noexcept STAVE_ASSERT_CAPABILITY(shard.mutex()) {
    static_cast<void>(shard);  // for the analysis
    STAVE_ASSERT(locked_);
  }

 private:
  keyspace::Keyspace& keyspace_;
  boost::container::small_vector<keyspace::ShardId, 16> ids_;
  bool locked_ = false;
};

}  // namespace stave::store
