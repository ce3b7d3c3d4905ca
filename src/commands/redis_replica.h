// What a Redis sends to its replicas, applied to this store: commands as calls of a session, snapshots key by key.
//
// Promises: those of replication::RedisTarget. A batch of commands and the position behind them are one transaction, so
// a crash leaves both or neither. What cannot be part of one (FUNCTION, flushes of large databases, PUBLISH) can be
// done again without harm, and is, if a crash comes between; SWAPDB, which cannot, leaves a note first by which it is
// known whether it has happened. Must not know: connections.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "commands/environment.h"
#include "commands/session.h"
#include "replication/redis_target.h"

namespace stave::commands {

/// One thread, that of who follows, which holds a store::MirrorPass.
class RedisReplica final : public replication::RedisTarget {
 public:
  /// The environment outlives it.
  explicit RedisReplica(Environment& environment);

  Result<void> check(const replication::SnapshotBytes& bytes) override;
  Result<void> load(File& file, const std::function<bool()>& alive) override;
  Result<std::optional<replication::RedisPosition>> position(std::string_view lineage) override;
  Result<void> put_position(std::string_view lineage, const replication::RedisPosition& position) override;
  Result<void> apply(std::string_view lineage, std::span<const replication::RedisUnit> units,
                     replication::RedisPosition& at) override;
  Result<void> settle() override;

 private:
  struct Swap;
  Result<void> apply_together(std::string_view lineage, std::span<const replication::RedisUnit> units,
                              replication::RedisPosition& at);
  Result<void> apply_alone(std::string_view lineage, const replication::RedisUnit& unit,
                           replication::RedisPosition& at);
  Result<void> apply_swap(std::string_view lineage, const replication::RedisCall& call,
                          const replication::RedisUnit& unit, replication::RedisPosition& at);
  Result<void> run_by_itself(const replication::RedisCall& call);
  Result<void> run_function(const replication::RedisCall& call);
  Result<bool> has_swapped(const Swap& swap);
  Result<void> put_own(std::string_view value);

  Environment& environment_;
  Session session_;
  store::Pending pending_;
};

}  // namespace stave::commands
