// Reading a log from outside: nothing is locked and nothing is written, and the store may be at work meanwhile.
//
// Promises: only whole batches, each record verified; a log that is being written is followed without ever showing
// half a batch. What is shown may not be durable yet. Must not know: keys' meaning, the index, how a log is repaired.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "log/log.h"
#include "log/scan.h"

namespace stave::log {

/// Threads: one.
class LogReader {
 public:
  /// Errors: kNotFound (no store there), kCorrupt, kUnsupported, kIo.
  static Result<LogReader> open(FileSystem& files, std::string directory);

  [[nodiscard]] const Identity& identity() const noexcept { return identity_; }

  /// The first batch that begins at or behind `lsn`; the end of the log when there is none. Cost: up to one segment
  /// is read. Errors: kCorrupt (file and offset), kIo.
  Result<Lsn> seek(Lsn lsn);
  /// A batch before which no record is as new as `time`, not counting those that the cleaner moved. It goes by the
  /// times in which segments were made first. Cost and errors: as above.
  Result<Lsn> seek(UnixMs time);

  /// Hands out the whole batches that are there from `position` on, which must be the end of one, as far as the
  /// segment that holds it goes; returns the end of the last, or `position` when nothing has been added. Errors:
  /// kNotFound (the segment has been dropped, or the log was cut back), kCorrupt (file and offset), kIo, whatever
  /// `visit` returns.
  Result<Lsn> read(Lsn position, const ReplayFn& visit);

 private:
  struct Segment {
    std::unique_ptr<File> file;
    std::string path;
    SegmentHeader header;
    std::uint64_t end = 0;  ///< Base of the next one, or where the file ends.
    bool open = false;      ///< Nothing proves yet that all of it was ever there.
    [[nodiscard]] SegmentSource source(const Identity& identity) const;
  };
  LogReader(FileSystem& files, std::string directory, const Identity& identity)
      : files_(files), directory_(std::move(directory)), identity_(identity) {}
  Result<Segment> segment_of(Lsn position);
  /// `next`: the segment behind it, if there is one.
  Result<Segment> open_one(Lsn base, const SegmentFile* next);
  Result<void> check_stop(const Segment& segment, const ScanResult& scanned);

  FileSystem& files_;
  std::string directory_;
  Identity identity_;
  Scanner scanner_;
};

}  // namespace stave::log
