// Whether anybody waits for the shards that a transaction has locked.
//
// A slow script asks, so as not to keep a thread that serves others. A hint: it may say that somebody waits who has
// just got through, and never misses one that waits for longer. Must not know: scripts.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <type_traits>

#include "base/mutex.h"
#include "store/transaction.h"

namespace stave::commands::script {

/// A ShortMutex is its state (base/mutex.h): 2, while whoever unlocks it has to wake somebody.
[[nodiscard]] inline bool is_waited_for(const base::ShortMutex& mutex) noexcept {
  using State = std::atomic<std::uint32_t>;
  static_assert(std::is_standard_layout_v<base::ShortMutex> && sizeof(base::ShortMutex) == sizeof(State));
  // An object of a standard-layout class and its first member can be had by each other's address.
  return reinterpret_cast<const State*>(&mutex)->load(std::memory_order_relaxed) == 2;
}

/// Cost: looks at each locked shard.
[[nodiscard]] inline bool somebody_waits(const store::Transaction& transaction) noexcept {
  keyspace::Keyspace& keyspace = transaction.engine().keyspace();
  return std::ranges::any_of(transaction.shards(),
                             [&](keyspace::ShardId id) { return is_waited_for(keyspace.shard(id).mutex()); });
}

}  // namespace stave::commands::script
