// Where what a Redis sends goes: what whoever follows one needs of those who know commands and snapshots.
//
// The room of replication lies below the commands and cannot name them; they implement this. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "replication/redis_state.h"
#include "replication/redis_wire.h"
#include "stave/error.h"
#include "stave/file_system.h"

namespace stave::replication {

/// Bytes of a snapshot, up to `into.size()` of them; 0 only at the end.
using SnapshotBytes = std::function<Result<std::size_t>(std::span<std::byte> into)>;

class RedisTarget {
 public:
  virtual ~RedisTarget() = default;

  /// Reads a snapshot whole and changes nothing. Errors: kCorrupt; kUnsupported, kTooLarge, kInvalidArgument: there is
  /// something in it that has no place here, by name; those of `bytes`.
  virtual Result<void> check(const SnapshotBytes& bytes) = 0;
  /// Puts one that was checked in the place of everything that there is, libraries of functions included. `alive` is
  /// called often; false: stop. Errors: those of writes; kAborted. Whatever came of it, it can be done again.
  virtual Result<void> load(File& file, const std::function<bool()>& alive) = 0;

  /// How far it has got under that lineage; nullopt: nowhere.
  virtual Result<std::optional<RedisPosition>> position(std::string_view lineage) = 0;
  /// Says so without a command. Errors: those of a write.
  virtual Result<void> put_position(std::string_view lineage, const RedisPosition& position) = 0;

  /// Applies units in their order, each once whatever crashes: the position is in the batch of what it counts. `at` is
  /// where it has got to, also after an error. Errors: kUnsupported: a command that cannot be applied, named, and
  /// nothing of its unit was; kBusy: not now; those of writes.
  virtual Result<void> apply(std::string_view lineage, std::span<const RedisUnit> units, RedisPosition& at) = 0;
  /// Returns when all that was applied is as safe as the store's policy says.
  virtual Result<void> settle() = 0;
};

}  // namespace stave::replication
