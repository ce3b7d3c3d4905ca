// Which segment holds which part of the log, and their open files, for reading back.
//
// Must not know: records, writing. Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/descriptor_budget.h"
#include "base/mutex.h"
#include "log/segment.h"

namespace stave::log {

class Catalog {
 public:
  Catalog(FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)), open_files_max_(base::files_kept_open()) {}

  struct Place {
    std::shared_ptr<File> file;
    std::string path;
    std::uint64_t base = 0;
    std::uint64_t end = 0;  ///< Where the next segment begins; the greatest number for the newest segment.
    std::uint64_t seed = 0;
  };

  /// Has the memory for one more segment, so that the next `add` needs none.
  void reserve_one() STAVE_EXCLUDES(mutex_);
  /// Adds the newest segment. `file` may be null: it is opened when it is needed. One that was only `begun` has its
  /// file and keeps it open until it has its own name.
  void add(std::uint64_t base, std::uint64_t seed, std::shared_ptr<File> file, bool begun) STAVE_EXCLUDES(mutex_);
  /// The segment that begins at `base` has its own name now.
  void note_named(std::uint64_t base) STAVE_EXCLUDES(mutex_);
  /// The segment that holds `position`. For want of descriptors files that are open for others are closed. Errors:
  /// kNotFound, kIo; kBusy: there are no descriptors.
  Result<Place> find(std::uint64_t position) STAVE_EXCLUDES(mutex_);
  struct Range {
    std::uint64_t base = 0;
    std::uint64_t end = 0;  ///< As in Place.
  };
  /// All segments, oldest first.
  [[nodiscard]] std::vector<Range> ranges() const STAVE_EXCLUDES(mutex_);
  /// Forgets the oldest segment, which begins at `base`; whoever reads from its file keeps it.
  void forget_first(std::uint64_t base) STAVE_EXCLUDES(mutex_);

  [[nodiscard]] std::uint64_t first() const STAVE_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t size() const STAVE_EXCLUDES(mutex_);
  /// File bytes of all segments but the newest.
  [[nodiscard]] std::uint64_t sealed_bytes() const STAVE_EXCLUDES(mutex_);

 private:
  struct Segment {
    std::uint64_t base;
    std::uint64_t seed;
    std::shared_ptr<File> file;
    bool begun;
  };
  void limit_open_files(std::size_t keep) STAVE_REQUIRES(mutex_);
  Result<std::shared_ptr<File>> open_file(const std::string& path, std::size_t keep) STAVE_REQUIRES(mutex_);
  /// Closes a file that nobody has used for long; false when there is none.
  bool close_one(std::size_t keep) STAVE_REQUIRES(mutex_);

  FileSystem& files_;
  const std::string directory_;
  const std::size_t open_files_max_;
  mutable base::Mutex mutex_;
  std::vector<Segment> segments_ STAVE_GUARDED_BY(mutex_);
  std::size_t open_files_ STAVE_GUARDED_BY(mutex_) = 0;
  std::size_t hand_ STAVE_GUARDED_BY(mutex_) = 0;  ///< Where the search for a file to close goes on.
};

}  // namespace stave::log
