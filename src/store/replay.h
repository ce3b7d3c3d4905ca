// The records of the log, one after the other, made into the index when a store is opened.
//
// A short stretch of the log is replayed by the thread that reads it, values and all, within the memory budget. So is
// any in an engine without threads. A longer one is read by one thread and applied by several, each to shards of its
// own (replay_lanes.h); values then stay in the log, as after an image, and come back when asked for or with the
// warm-up. Records of one shard are applied in the order of the log either way; what concerns whole databases waits
// until everything before it is applied. Promises: both ways end in the same keys, values, versions and expiries;
// nothing of this runs on after an error. Must not know: files, images' blocks, what comes after recovery.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "log/log.h"
#include "store/engine.h"
#include "store/image.h"
#include "store/replay_lanes.h"

namespace stave::store {

/// Threads: one, before anybody else has the engine.
class Replay {
 public:
  struct Plan {
    const ImageReader* image = nullptr;    ///< What it knows is passed over.
    RecoveryProgress* progress = nullptr;  ///< Is told what was read.
    Lsn begin = kNoLsn;                    ///< Where the records begin and where they end, more or less: by
    Lsn end = kNoLsn;                      ///< that it is judged how much room to make.
    std::size_t threads = 0;               ///< That apply; 0: the caller's own does.
  };
  /// Throws std::bad_alloc.
  Replay(Engine& engine, const Plan& plan);

  /// Takes a run of whole batches. Errors: kInvalidArgument (a database the store does not have), kCorrupt,
  /// kUnsupported (a kind of the future), kNoMemory; of this run or of one before. Throws std::bad_alloc.
  Result<void> add(std::span<const log::RecordView> run);
  /// Everything is in the index when this returns. Errors: as `add`.
  Result<void> finish();

 private:
  /// When a shard's table was last made larger.
  struct Growth {
    std::uint64_t keys = 0;
    Lsn at = kNoLsn;
  };
  static constexpr std::size_t kWindow = 32;

  Result<void> take(const log::RecordView& record);
  Result<void> take_without_key(const log::RecordView& record);
  [[nodiscard]] bool known(const log::RecordView& record, std::uint64_t hash) const noexcept;
  /// Everything taken so far is applied.
  Result<void> settle();
  Result<void> apply_batch(std::span<const Change> batch);
  /// `records`: those the changes were made of, when their values are wanted in memory.
  Result<void> apply(std::span<const Change* const> window, const log::RecordView* const* records);
  Result<void> apply_one(const Change& change, const log::RecordView* record);
  void make_way(const Change& change, keyspace::Shard& shard);
  [[nodiscard]] std::size_t lane_of(const Change& change) const noexcept;

  Engine& engine_;
  const Plan plan_;
  std::optional<ImageKnowledge> knowledge_;
  std::vector<Growth> growth_;  ///< By shard.
  /// Without threads: what is applied together next.
  std::array<Change, kWindow> window_;
  std::array<const log::RecordView*, kWindow> records_{};
  std::size_t windowed_ = 0;
  std::optional<ReplayLanes> lanes_;  // last: its threads use what is above
};

}  // namespace stave::store
