// Deadlines of keys: refreshed when they slide, and what has passed removed and logged.
//
// Promises: a key whose deadline has passed is removed promptly, a bounded step under one shard's lock at a time, and
// logged as expired; nothing is done while no deadline is near. Must not know: who reads a key, what an answer waits
// for, threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "keyspace/keyspace.h"
#include "log/log.h"
#include "store/change_watch.h"
#include "store/orphans.h"
#include "store/store_clock.h"
#include "store/value.h"

namespace stave::store {

/// Threads: any.
class Deadlines {
 public:
  /// `watch`: where it is asked who wants to hear of what leaves.
  Deadlines(keyspace::Keyspace& keyspace, StoreClock& time, Orphans& orphans, const ChangeWatch& watch) noexcept
      : keyspace_(keyspace), time_(time), orphans_(orphans), watch_(watch) {}
  /// Before the first key is removed.
  void attach(log::Log& log) noexcept { log_ = &log; }

  /// A use of a key that is kept alive by being used: puts its deadline off. Its shard is held.
  void refresh(keyspace::Entry entry, KeyRef key, UnixMs now);
  /// Removes what is due, a bounded step; true when there is more to do at once.
  bool expire_due();
  /// Until then `expire_due` has nothing to do; keyspace::kNoDeadline: nothing expires, or nothing is to be removed.
  [[nodiscard]] UnixMs next() const noexcept;

  /// Logs that `keys` of the shard, which is locked, are gone, and removes them. Returns how many; 0 when the log
  /// refuses. Who wants to hear of it does, and may act at the next `end_of_leaving`.
  std::size_t remove_logged(keyspace::ShardId id, const std::vector<std::string>& keys,
                            log::RecordKind why) STAVE_NO_THREAD_SAFETY_ANALYSIS;

  /// Lets those act who heard of keys that left. No shard is held.
  void end_of_leaving() noexcept;

  /// Whether the key died as no record tells: its deadline slid, and has passed. Who overwrites such a key collects it
  /// first, so that the log says that, and when, it had died, which the record it held does not.
  [[nodiscard]] static bool passed_untold(keyspace::Entry entry, UnixMs now) noexcept;
  /// Logs that such a key, whose shard is locked, is gone, and removes it. Errors: those of a write.
  Result<void> collect(keyspace::ShardId id, std::string_view key) STAVE_NO_THREAD_SAFETY_ANALYSIS;

  /// Who follows puts no deadline off and removes nothing: its leader does, and its log says so. Expired keys are not
  /// shown meanwhile.
  void set_follows(bool yes) noexcept { follows_.store(yes, std::memory_order_relaxed); }
  /// Whether expired keys are removed by themselves (DEBUG SET-ACTIVE-EXPIRE); they are never shown either way.
  void set_active(bool on) noexcept { active_.store(on, std::memory_order_relaxed); }
  /// Keys that were removed because of their deadline.
  [[nodiscard]] std::uint64_t expired_keys() const noexcept { return expired_keys_.load(std::memory_order_relaxed); }

 private:
  bool expire_shard(keyspace::ShardId id, UnixMs now);
  void tell(keyspace::ShardId id, std::string_view key, bool evicted, Lsn end) noexcept;

  keyspace::Keyspace& keyspace_;
  StoreClock& time_;
  Orphans& orphans_;
  const ChangeWatch& watch_;
  log::Log* log_ = nullptr;
  std::atomic<bool> active_{true};
  std::atomic<bool> follows_{false};
  /// A log that refuses is not asked again before.
  std::atomic<std::int64_t> refused_until_{0};
  std::atomic<std::uint64_t> expired_keys_{0};
};

}  // namespace stave::store
