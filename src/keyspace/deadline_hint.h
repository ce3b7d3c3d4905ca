// When somebody should look for keys that are due: never later than the first deadline of any shard.
//
// Each shard knows its own first deadline, and that is the truth; this only spares looking at thousands of shards to
// find that nothing is due. Promises: a shard whose first deadline gets earlier has lowered the hint when the call that
// made it so returns, whatever the call was for; so no deadline is forgotten while somebody looks at the shards one by
// one and raises it. Must not know: shards, keys, time. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "stave/units.h"

namespace stave::keyspace {

/// Later than every deadline.
inline constexpr UnixMs kNoDeadline{std::numeric_limits<std::int64_t>::max()};

class DeadlineHint {
 public:
  [[nodiscard]] UnixMs get() const noexcept { return UnixMs{at_.load(std::memory_order_relaxed)}; }

  /// A deadline has come to be. Call it after the shard shows it, by a sequentially consistent store: then either this
  /// sees that the hint was raised, or who raised it sees the deadline.
  void lower(UnixMs at) noexcept {
    std::int64_t known = at_.load(std::memory_order_seq_cst);
    while (raw(at) < known && !at_.compare_exchange_weak(known, raw(at), std::memory_order_seq_cst)) {
    }
  }
  /// Before the first deadlines of all shards are read, by sequentially consistent loads, and given to `lower`.
  void raise() noexcept { at_.exchange(raw(kNoDeadline), std::memory_order_seq_cst); }

 private:
  std::atomic<std::int64_t> at_{raw(kNoDeadline)};
};

}  // namespace stave::keyspace
