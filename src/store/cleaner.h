// The cleaner: gives back the space of what was overwritten and deleted.
//
// Strictly oldest first: what is alive in the oldest segment is appended again at the tail (same version, same time),
// then a trim record says that nothing before the next segment is needed for the present state. So the log is always
// one contiguous piece: a delete, a flush or a swap is older than everything it could be forgotten before. One round of
// the log costs at most what is alive, so that the bytes written again stay below 1 / (amplification - 1) of those
// written by users. Promises: safe at every crash point; writers wait for it no longer than for each other; the record
// of a key that changes meanwhile is left alone. Must not know: when files may go (Upkeep), commands.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>

#include "store/engine.h"

namespace stave::store {

class Cleaner {
 public:
  explicit Cleaner(Engine& engine) : engine_(engine) {}

  struct Done {
    std::uint64_t scanned_bytes = 0;
    std::uint64_t relocated_bytes = 0;
    std::uint64_t relocated_records = 0;
  };
  /// Writes what is alive in the segment again and then says so in the log. `gently`: gives way to threads that want
  /// the processor. `pause(bytes)` is called after that many more bytes were read, to slow it down. Errors: kReadOnly,
  /// kNoSpace, kIo, kCorrupt, kAborted (`stop`): the segment is then still needed.
  Result<Done> clean(const log::SegmentInfo& segment, bool gently, const std::atomic<bool>& stop,
                     base::FunctionRef<void(std::uint64_t)> pause);

 private:
  Result<void> look_at(const log::RecordView& record, Done& done);
  /// True when the record was alive.
  Result<bool> look_everywhere(std::uint64_t hash, const log::RecordView& record, Done& done);
  Result<bool> relocate(keyspace::ShardId id, std::uint64_t hash, const log::RecordView& record, Done& done);
  Result<void> relocate_whole(keyspace::ShardId id, std::uint64_t hash, const log::RecordView& record, Done& done);
  /// Under the lock of the entry's shard.
  Result<void> append(keyspace::Shard& shard, keyspace::Entry entry, log::RecordSpec spec, Done& done)
      STAVE_REQUIRES(shard.mutex());

  Engine& engine_;
};

}  // namespace stave::store
