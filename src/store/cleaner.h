// The cleaner: gives back the space of what was overwritten and deleted.
//
// Strictly oldest first: what is alive in the oldest segment is appended again at the tail (same version, same time),
// then a trim record says that nothing before the next segment is needed for the present state. So the log is always
// one contiguous piece: a delete, a flush or a swap is older than everything it could be forgotten before. One round of
// the log costs at most what is alive, so that the bytes written again stay below 1 / (amplification - 1) of those
// written by users. A segment that cannot be read from end to end is gone about the other way round: what is alive in
// it is looked for in the index, and read record by record. Promises: safe at every crash point; writers wait for it no
// longer than for each other; the record of a key that changes meanwhile is left alone; a segment is never called done
// while anything alive in it could not be moved. Must not know: when files may go (Upkeep), commands.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/breaks.h"
#include "store/engine.h"

namespace stave::store {

class Cleaner {
 public:
  /// `gently`: gives way to threads that want the processor. `pause(bytes)` is called after that many more bytes were
  /// read, to slow it down.
  Cleaner(Engine& engine, bool gently, const std::atomic<bool>& stop, base::FunctionRef<void(std::uint64_t)> pause)
      : engine_(engine), stop_(stop), pause_(pause), breaks_(gently) {}

  struct Done {
    std::uint64_t scanned_bytes = 0;
    std::uint64_t relocated_bytes = 0;
    std::uint64_t relocated_records = 0;
    bool by_index = false;  ///< It could not be read from end to end.
  };
  /// A key whose value lies in a record that cannot be read.
  struct Loss {
    int database = 0;
    std::string key;
    Lsn address = kNoLsn;
  };
  /// Writes what is alive in the segment again and then says so in the log. Errors: kReadOnly, kNoSpace, kIo, kCorrupt,
  /// kAborted (`stop`): the segment is then still needed. kCorrupt: because of `losses`, and nothing else alive is left
  /// in it.
  Result<void> clean(const log::SegmentInfo& segment);
  [[nodiscard]] const Done& done() const noexcept { return done_; }
  [[nodiscard]] const std::vector<Loss>& losses() const noexcept { return losses_; }

 private:
  Result<void> go_through(const log::SegmentInfo& segment);
  Result<void> look_at(const log::RecordView& record, std::uint64_t hash);
  /// True when the record was alive.
  Result<bool> look_everywhere(std::uint64_t hash, const log::RecordView& record);
  Result<bool> relocate(keyspace::ShardId id, std::uint64_t hash, const log::RecordView& record);
  /// With the entry's shard held.
  Result<void> write_again(keyspace::ShardId id, keyspace::Entry entry, const log::RecordView& record,
                           std::string_view payload, bool compressed);
  Result<void> go_by_index(const log::SegmentInfo& segment);
  Result<void> look_through(keyspace::ShardId id, const log::SegmentInfo& segment);
  Result<void> fetch(keyspace::ShardId id, const Loss& wanted);
  Result<void> say_so(const log::SegmentInfo& segment);

  Engine& engine_;
  const std::atomic<bool>& stop_;
  base::FunctionRef<void(std::uint64_t)> pause_;
  base::Breaks breaks_;
  Done done_;
  std::vector<Loss> losses_;
  std::vector<std::byte> buffer_;
  std::string value_;
};

}  // namespace stave::store
