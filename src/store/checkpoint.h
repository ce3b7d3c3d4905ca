// Writing images of the index and knowing which there are.
//
// A checkpoint looks at the shards one after the other, a few entries under each lock; see image.h for how the log
// makes up for what changes meanwhile. Promises: a name ending in `.image` stands for a whole image whose log is
// durable as far as the image knows it; the two newest are kept, and older ones until one of these was read back whole
// (image_shelf.h). Must not know: when it is time for one.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "store/image.h"
#include "store/image_shelf.h"
#include "store/reports.h"

namespace stave::store {

class Engine;

class Checkpoint {
 public:
  explicit Checkpoint(Engine& engine);

  /// Takes over the images that recovery found.
  void adopt(ImageShelf::Found found) STAVE_EXCLUDES(mutex_);

  /// Writes an image. `needs`: no entry has a record before it, now or until this returns. Errors: kBusy (whole
  /// databases changed places all the time), kIo, kNoSpace, kNoMemory, kAborted (the engine is closing). One call at a
  /// time.
  Result<void> write(Lsn needs, const std::atomic<bool>& stop) STAVE_EXCLUDES(mutex_);
  /// Where the log is read from after the newest image; kNoLsn when there is none.
  [[nodiscard]] Lsn newest_from() const { return shelf_.newest().from; }
  /// Removes all images but the newest one that is good. One call at a time, and none beside `write`.
  Result<void> keep_newest_only(const std::atomic<bool>& stop);
  [[nodiscard]] CheckpointStats stats() const STAVE_EXCLUDES(mutex_);

 private:
  Result<bool> try_write(Lsn needs, const std::atomic<bool>& stop);
  [[nodiscard]] ImageHeader header(Lsn needs) const;
  [[nodiscard]] Result<void> check_room() const STAVE_EXCLUDES(mutex_);
  void remove_drafts();
  Result<void> walk(ImageWriter& writer, const std::atomic<bool>& stop);
  Result<void> trim(std::size_t keep, const std::atomic<bool>& stop);

  Engine& engine_;
  ImageShelf shelf_;
  std::atomic<std::uint64_t> keys_done_{0};
  mutable base::Mutex mutex_;
  CheckpointStats stats_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::store
