// What a store holds, whole, and whether anybody holds one of its shards: what the tests of failing allocations
// compare.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "store/engine.h"

namespace stave::store {

/// (database, key) -> (value, deadline, sliding period).
using State = std::map<std::pair<int, std::string>, std::tuple<std::string, std::int64_t, std::int64_t>>;

inline State state_of(Engine& engine) {
  State state;
  for (int database = 0; database < engine.options().databases; ++database) {
    Pending pending;
    std::uint64_t cursor = 0;
    do {
      const auto next = engine.scan_values(
          database, cursor, 100,
          [&](std::string_view key, const ValueView& view) {
            state[{database, std::string(key)}] = {std::string(view.value), raw(view.expiry.at),
                                                   view.expiry.sliding_ms};
          },
          pending);
      EXPECT_TRUE(next) << next.error().describe();
      if (!next) return state;
      cursor = *next;
    } while (cursor != 0);
  }
  return state;
}

/// Asked by the thread that made the call: it would hold what it left locked.
[[nodiscard]] inline bool all_unlocked(Engine& engine) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  keyspace::Keyspace& keyspace = engine.keyspace();
  for (keyspace::ShardId id = 0; id < keyspace.shard_count(); ++id) {
    if (!keyspace.shard(id).mutex().try_lock()) return false;
    keyspace.shard(id).mutex().unlock();
  }
  return true;
}

}  // namespace stave::store
