// A follower's index, kept as its leader's log says while others read.
//
// Whole batches come in the order of the log, each with the LSNs that its records have there. Promises: a batch is in
// this store's log, at the same LSNs, before anybody can see what it did, and is seen at one instant; what one record
// does is what it would do if the store were opened anew (change.h). Must not know: where batches come from.
#pragma once

#include <span>
#include <vector>

#include "keyspace/keyspace.h"
#include "log/log.h"
#include "store/engine.h"
#include "store/replay_lanes.h"
#include "store/world.h"

namespace stave::store {

/// Threads: one.
class Applier {
 public:
  /// Of an engine that follows.
  explicit Applier(Engine& engine) noexcept : engine_(engine) {}

  /// Takes one whole batch over. Errors: kUnsupported (a kind of record of the future), kInvalidArgument (a database
  /// that the store does not have), kConflict (it does not begin where the log ends), kCorrupt, kNoSpace, kNoMemory,
  /// kReadOnly: nothing was changed. When it is in the log and could not be applied, the log takes nothing more: the
  /// store has to be opened again. Cost: as of writing the keys, less what deciding takes.
  Result<void> add(std::span<const log::RecordView> batch);

 private:
  Result<void> prepare(std::span<const log::RecordView> batch);
  Result<void> apply_keys(std::span<const log::RecordView> batch);
  Result<void> apply_upheaval(std::span<const log::RecordView> batch);
  void note_marks(std::span<const log::RecordView> batch);

  Engine& engine_;
  log::TakenOver copy_;
  struct Step {
    Change change;
    const log::RecordView* record;
    keyspace::ShardId shard;
  };
  std::vector<Step> steps_;  ///< Of the records with keys.
  std::vector<World::Upheaval> upheavals_;
};

}  // namespace stave::store
