#include "store/image_shelf.h"

#include <algorithm>

#include "base/assert.h"
#include "base/try.h"
#include "log/segment.h"
#include "store/image.h"

namespace stave::store {

namespace {

/// Whether the error is about the image, and not about who wanted to read it.
bool condemns(ErrorCode code) noexcept {
  return code == ErrorCode::kCorrupt || code == ErrorCode::kIo || code == ErrorCode::kNotFound;
}

}  // namespace

std::string ImageShelf::path_of(Lsn from) const {
  return log::join_path(directory_, image_name(from));
}

Result<std::vector<Lsn>> ImageShelf::list(FileSystem& files, const std::string& directory) {
  STAVE_ASSIGN(const std::vector<std::string> names, files.list(directory));
  std::vector<Lsn> images;
  for (const std::string& name : names)
    if (const auto from = parse_image_name(name)) images.push_back(*from);
  std::ranges::sort(images, std::greater{});
  return images;
}

void ImageShelf::adopt(Found found) {
  base::MutexLock lock(mutex_);
  STAVE_ASSERT(images_.empty() && rotten_.empty());
  STAVE_ASSERT(std::ranges::is_sorted(found.kept, std::greater{}, &Image::from));
  images_ = std::move(found.kept);
  rotten_ = std::move(found.rotten);
}

void ImageShelf::add(const Image& image) {
  base::MutexLock lock(mutex_);
  STAVE_ASSERT(image.from != kNoLsn && (images_.empty() || images_.front().from <= image.from));
  std::erase(rotten_, image.from);
  if (!images_.empty() && images_.front().from == image.from) images_.erase(images_.begin());
  images_.insert(images_.begin(), image);
}

ImageShelf::Image ImageShelf::newest() const {
  base::MutexLock lock(mutex_);
  return images_.empty() ? Image{} : images_.front();
}

Result<bool> ImageShelf::find_good(std::size_t keep, base::FunctionRef<Result<void>(const std::string& path)> verify,
                                   const std::function<void(std::string_view)>& notice) {
  for (;;) {
    Lsn doubtful = kNoLsn;
    {
      base::MutexLock lock(mutex_);
      const std::size_t staying = std::min(keep, images_.size());
      for (std::size_t i = 0; i < staying; ++i) {
        if (images_[i].known_good) return true;
      }
      if (staying == 0) return false;
      doubtful = images_.front().from;
    }
    auto read = verify(path_of(doubtful));
    if (!read && !condemns(read.error().code())) return fail(std::move(read).error());
    base::MutexLock lock(mutex_);
    STAVE_ASSERT(!images_.empty() && images_.front().from == doubtful);
    if (read) {
      images_.front().known_good = true;
      return true;
    }
    if (notice)
      notice("an index image turned out to be damaged, and the one before it is kept: " + read.error().describe());
    rotten_.push_back(doubtful);
    images_.erase(images_.begin());
  }
}

Result<void> ImageShelf::remove(Lsn from) {
  auto removed = files_.remove(path_of(from));
  if (!removed && removed.error().code() != ErrorCode::kNotFound) return removed;
  return {};
}

Result<void> ImageShelf::trim(std::size_t keep, base::FunctionRef<Result<void>(const std::string& path)> verify,
                              const std::function<void(std::string_view)>& notice) {
  STAVE_ASSERT(keep != 0);
  {
    base::MutexLock lock(mutex_);
    if (images_.size() <= keep && rotten_.empty()) return {};
  }
  STAVE_ASSIGN(const bool good, find_good(keep, verify, notice));
  if (!good) return {};
  for (;;) {
    Lsn going = kNoLsn;
    {
      base::MutexLock lock(mutex_);
      if (images_.size() > keep) {
        going = images_.back().from;
        // Of those that stay, one is whole.
        STAVE_ASSERT(std::ranges::any_of(images_.begin(), images_.begin() + static_cast<std::ptrdiff_t>(keep),
                                         &Image::known_good));
      } else if (!rotten_.empty()) {
        going = rotten_.back();
      } else {
        return {};
      }
    }
    STAVE_TRY(remove(going));
    base::MutexLock lock(mutex_);
    std::erase_if(images_, [&](const Image& image) { return image.from == going; });
    std::erase(rotten_, going);
  }
}

}  // namespace stave::store
