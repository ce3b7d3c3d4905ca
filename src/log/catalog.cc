#include "log/catalog.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/system_error.h"
#include "base/try.h"

namespace stave::log {

void Catalog::reserve_one() {
  base::MutexLock lock(mutex_);
  if (segments_.size() == segments_.capacity()) segments_.reserve(2 * segments_.size() + 1);
}

void Catalog::add(std::uint64_t base, std::uint64_t seed, std::shared_ptr<File> file, bool begun) {
  base::MutexLock lock(mutex_);
  STAVE_ASSERT(segments_.empty() || base > segments_.back().base);
  STAVE_ASSERT(!begun || file != nullptr);
  if (file != nullptr) ++open_files_;
  segments_.push_back({base, seed, std::move(file), begun});
  limit_open_files(segments_.size() - 1);
}

void Catalog::note_named(std::uint64_t base) {
  base::MutexLock lock(mutex_);
  const auto segment = std::ranges::lower_bound(segments_, base, {}, &Segment::base);
  STAVE_ASSERT(segment != segments_.end() && segment->base == base && segment->begun);
  segment->begun = false;
}

Result<Catalog::Place> Catalog::find(std::uint64_t position) {
  base::MutexLock lock(mutex_);
  auto after = std::ranges::upper_bound(segments_, position, {}, &Segment::base);
  if (after == segments_.begin()) return fail(ErrorCode::kNotFound, "no segment holds this address");
  Segment& segment = *std::prev(after);
  Place place;
  place.path = join_path(directory_, segment.begun ? begun_name(Lsn{segment.base}) : segment_name(Lsn{segment.base}));
  place.base = segment.base;
  place.end = after == segments_.end() ? std::numeric_limits<std::uint64_t>::max() : after->base;
  place.seed = segment.seed;
  if (segment.file == nullptr) {
    const auto number = static_cast<std::size_t>(&segment - segments_.data());
    STAVE_ASSIGN(segment.file, open_file(place.path, number));
    ++open_files_;
    limit_open_files(number);
  }
  place.file = segment.file;
  return place;
}

Result<std::shared_ptr<File>> Catalog::open_file(const std::string& path, std::size_t keep) {
  for (;;) {
    auto file = files_.open(path, OpenMode::kRead);
    if (file) return std::shared_ptr<File>(std::move(*file));
    // Somebody else has taken all descriptors. Ours are enough to go on with.
    if (!base::is_shortage(file.error()) || !close_one(keep)) return fail(std::move(file).error());
  }
}

void Catalog::limit_open_files(std::size_t keep) {
  while (open_files_ > open_files_max_ && close_one(keep)) {
  }
}

bool Catalog::close_one(std::size_t keep) {
  // Any file but the one in use and the newest may go; whoever still reads from it keeps it open.
  for (std::size_t tried = 0; tried < segments_.size(); ++tried) {
    hand_ = (hand_ + 1) % segments_.size();
    Segment& segment = segments_[hand_];
    if (hand_ == keep || hand_ + 1 == segments_.size() || segment.file == nullptr || segment.begun) continue;
    segment.file = nullptr;
    STAVE_ASSERT(open_files_ > 0);
    --open_files_;
    return true;
  }
  return false;
}

std::vector<Catalog::Range> Catalog::ranges() const {
  base::MutexLock lock(mutex_);
  std::vector<Range> all;
  all.reserve(segments_.size());
  for (const Segment& segment : segments_) {
    if (!all.empty()) all.back().end = segment.base;
    all.push_back({segment.base, std::numeric_limits<std::uint64_t>::max()});
  }
  return all;
}

void Catalog::forget_first(std::uint64_t base) {
  base::MutexLock lock(mutex_);
  STAVE_ASSERT(segments_.size() > 1 && segments_.front().base == base);
  if (segments_.front().file != nullptr) --open_files_;
  segments_.erase(segments_.begin());
}

std::uint64_t Catalog::first() const {
  base::MutexLock lock(mutex_);
  return segments_.empty() ? 0 : segments_.front().base;
}

std::size_t Catalog::size() const {
  base::MutexLock lock(mutex_);
  return segments_.size();
}

std::uint64_t Catalog::sealed_bytes() const {
  base::MutexLock lock(mutex_);
  if (segments_.empty()) return 0;
  return segments_.back().base - segments_.front().base + (segments_.size() - 1) * kSegmentHeaderBytes;
}

}  // namespace stave::log
