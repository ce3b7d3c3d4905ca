// The images of the index that a store has: which is the newest, which are known to be good, and which may go.
//
// An image is known to be good once somebody has read all of it back from the disk. Promises: an older image goes only
// while a newer one stays that is known to be good, so that what rotted unseen never replaces what is whole; an image
// that turns out to be rotten no longer counts, and goes too as soon as a good one is there. Must not know: what is in
// an image, when one is written. Threads: any for the questions; one at a time for the changes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/mutex.h"
#include "stave/file_system.h"
#include "stave/units.h"

namespace stave::store {

class ImageShelf {
 public:
  struct Image {
    Lsn from = kNoLsn;
    UnixMs created{0};
    bool known_good = false;
  };
  /// What recovery found.
  struct Found {
    std::vector<Image> kept;  ///< Newest first.
    std::vector<Lsn> rotten;  ///< Of no use to anybody.
  };

  ImageShelf(FileSystem& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  /// What is in the directory, newest first.
  static Result<std::vector<Lsn>> list(FileSystem& files, const std::string& directory);

  void adopt(Found found) STAVE_EXCLUDES(mutex_);
  /// A new one, which has its name. The newest, or one that has taken the place of the newest.
  void add(const Image& image) STAVE_EXCLUDES(mutex_);
  /// Removes all but the `keep` newest, and those that are rotten. `verify` reads an image back; success: it is good.
  /// Errors: of removing; those of `verify` that say nothing about the image (kAborted, kBusy, kNoMemory). Then, and
  /// when none of the newest is good, the older ones stay.
  Result<void> trim(std::size_t keep, base::FunctionRef<Result<void>(const std::string& path)> verify,
                    const std::function<void(std::string_view)>& notice) STAVE_EXCLUDES(mutex_);

  /// Of the newest; `from` is kNoLsn when there is none.
  [[nodiscard]] Image newest() const STAVE_EXCLUDES(mutex_);

 private:
  [[nodiscard]] std::string path_of(Lsn from) const;
  /// Makes sure that one of the `keep` newest is good. False: none is, or there is none.
  Result<bool> find_good(std::size_t keep, base::FunctionRef<Result<void>(const std::string& path)> verify,
                         const std::function<void(std::string_view)>& notice) STAVE_EXCLUDES(mutex_);
  Result<void> remove(Lsn from);

  FileSystem& files_;
  const std::string directory_;
  mutable base::Mutex mutex_;
  std::vector<Image> images_ STAVE_GUARDED_BY(mutex_);  ///< Newest first.
  std::vector<Lsn> rotten_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::store
