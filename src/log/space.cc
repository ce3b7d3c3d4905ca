#include "log/space.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/try.h"

namespace stave::log {

namespace {
/// One step of preparing: some milliseconds of writing at most.
constexpr std::uint64_t kStepBytes = 4u << 20;
/// The first room of a segment that is needed at once.
constexpr std::uint64_t kFirstStepBytes = 1u << 20;
constexpr std::size_t kZeroBytes = 256u << 10;
}  // namespace

std::uint64_t Space::usable(std::uint64_t prepared) const noexcept {
  return std::min(prepared - std::min(prepared, kCloseBytes), config_.segment_bytes);
}

std::uint64_t Space::limit() const {
  // What starts before `base + segment_bytes` fits as soon as the overrun is prepared as well. The spare begins where
  // the active segment ends: there or later; so it reaches at least this far.
  std::uint64_t end = active_base_ + usable(active_prepared_);
  if (active_prepared_ >= goal() && spare_ != nullptr) end += usable(spare_prepared_);
  return std::min({end, cap_, kLsnMax});
}

void Space::publish() {
  tail_.set_limit(gate_closed_ || shut_ ? 0 : limit());
}

void Space::adopt(std::shared_ptr<File> file, std::uint64_t base, std::uint64_t prepared) {
  base::MutexLock lock(mutex_);
  active_ = std::move(file);
  active_base_ = base;
  active_prepared_ = prepared;
  publish();
}

Result<void> Space::check_reserve() {
  const auto free = config_.files->free_bytes(config_.directory);
  // A file system that cannot tell is asked by writing to it.
  if (free && *free < config_.reserve_bytes) {
    return fail(Error(ErrorCode::kNoSpace, "the disk has less room left than the reserve (" + std::to_string(*free) +
                                               " of " + std::to_string(config_.reserve_bytes) +
                                               " bytes); writes resume once there is more")
                    .with_file(config_.directory));
  }
  return {};
}

Result<void> Space::fill(File& file, std::uint64_t from, std::uint64_t to) {
  STAVE_TRY(file.allocate(kSegmentHeaderBytes + to));
  if (!config_.zero_fill) return {};
  if (zeros_.empty()) zeros_.resize(kZeroBytes);
  for (std::uint64_t at = from; at < to; at += kZeroBytes) {
    const std::size_t bytes = std::min<std::uint64_t>(kZeroBytes, to - at);
    STAVE_TRY(file.write_at(kSegmentHeaderBytes + at, std::span(zeros_).first(bytes)));
  }
  return {};
}

Result<void> Space::create_spare() {
  if (spare_ != nullptr) return {};
  STAVE_ASSIGN(spare_, create_afresh(*config_.files, join_path(config_.directory, kSpareName)));
  spare_prepared_ = 0;
  has_spare_.store(true, std::memory_order_release);
  return {};
}

Result<void> Space::step() {
  STAVE_TRY(check_reserve());
  if (active_ != nullptr && active_prepared_ < goal()) {
    const std::uint64_t bytes = active_prepared_ == 0 ? kFirstStepBytes : kStepBytes;
    const std::uint64_t to = std::min(goal(), active_prepared_ + bytes);
    STAVE_TRY(fill(*active_, active_prepared_, to));
    active_prepared_ = to;
  } else {
    STAVE_TRY(create_spare());
    const std::uint64_t to = std::min(goal(), spare_prepared_ + kStepBytes);
    STAVE_TRY(fill(*spare_, spare_prepared_, to));
    // The zeros reach the disk now, not with the first sync of the segment.
    if (config_.zero_fill) {
      auto synced = spare_->sync_data();
      // Not a shortage, whatever the system calls it: a sync is never tried again.
      if (!synced) return fail(ErrorCode::kIo, "the next segment cannot be synced: " + synced.error().describe());
    }
    spare_prepared_ = to;
  }
  return {};
}

Result<bool> Space::prepare(std::uint64_t wanted) {
  base::MutexLock lock(mutex_);
  if (shut_ || limit() >= wanted) return false;
  if (active_prepared_ >= goal() && spare_ != nullptr && spare_prepared_ >= goal()) return false;
  STAVE_TRY(note_outcome(step()));
  publish();
  return true;
}

Result<void> Space::extend_active(std::uint64_t end) {
  base::MutexLock lock(mutex_);
  const std::uint64_t needed = end - active_base_ + kCloseBytes;
  if (needed <= active_prepared_) return {};
  STAVE_TRY(note_outcome(stretch_active(needed)));
  publish();
  return {};
}

Result<void> Space::stretch_active(std::uint64_t needed) {
  STAVE_TRY(check_reserve());
  STAVE_TRY(active_->allocate(kSegmentHeaderBytes + needed));
  active_prepared_ = needed;
  return {};
}

Result<void> Space::ensure_spare() {
  base::MutexLock lock(mutex_);
  if (spare_ != nullptr && spare_prepared_ > 0) return {};
  return note_outcome(first_step_of_spare());
}

Result<void> Space::first_step_of_spare() {
  STAVE_TRY(create_spare());
  STAVE_TRY(check_reserve());
  const std::uint64_t to = std::min(goal(), kFirstStepBytes);
  STAVE_TRY(fill(*spare_, 0, to));
  spare_prepared_ = to;
  return {};
}

// Whatever is lacking, blocks or file descriptors or memory: nothing was lost by not preparing, and it may be there
// later.
Result<void> Space::note_outcome(Result<void> step) {
  const auto lacking = [](ErrorCode code) {
    return code == ErrorCode::kNoSpace || code == ErrorCode::kBusy || code == ErrorCode::kNoMemory;
  };
  const bool starved = !step && lacking(step.error().code());
  starved_.store(starved, std::memory_order_relaxed);
  if (!starved || step.error().code() == ErrorCode::kNoSpace) return step;
  return fail(ErrorCode::kNoSpace, "the next segment cannot be prepared: " + step.error().describe());
}

Result<std::shared_ptr<File>> Space::roll(const SegmentHeader& header) {
  base::MutexLock lock(mutex_);
  STAVE_ASSERT(spare_ != nullptr);
  // In this order: a segment that has its name is whole, and it has its name before anything in it counts.
  STAVE_TRY(spare_->write_at(0, encode_segment_header(header)));
  STAVE_TRY(spare_->sync_data());
  STAVE_TRY(config_.files->rename(join_path(config_.directory, kSpareName),
                                  join_path(config_.directory, segment_name(header.base))));
  STAVE_TRY(config_.files->sync_directory(config_.directory));
  active_ = std::move(spare_);
  active_base_ = raw(header.base);
  active_prepared_ = std::exchange(spare_prepared_, 0);
  cap_ = kNoCap;
  has_spare_.store(false, std::memory_order_release);
  publish();
  return active_;
}

bool Space::limit_for_roll_at(std::uint64_t base) {
  std::uint64_t lowered = 0;
  {
    base::MutexLock lock(mutex_);
    if (spare_ == nullptr || gate_closed_) return false;
    lowered = base + usable(spare_prepared_);
    cap_ = lowered;
    publish();
  }
  tail_.wait_for_writers();
  if (tail_.end() <= lowered) return true;
  base::MutexLock lock(mutex_);
  cap_ = kNoCap;
  publish();
  return false;
}

void Space::close_gate() {
  {
    base::MutexLock lock(mutex_);
    gate_closed_ = true;
    publish();
  }
  tail_.wait_for_writers();
}

void Space::open_gate() {
  base::MutexLock lock(mutex_);
  gate_closed_ = false;
  publish();
}

void Space::shut() {
  base::MutexLock lock(mutex_);
  shut_ = true;
  publish();
}

std::uint64_t Space::active_file_bytes() const {
  base::MutexLock lock(mutex_);
  return kSegmentHeaderBytes + active_prepared_;
}

Result<void> Space::remove_spare() {
  base::MutexLock lock(mutex_);
  if (spare_ == nullptr) return {};
  spare_ = nullptr;
  has_spare_.store(false, std::memory_order_release);
  return config_.files->remove(join_path(config_.directory, kSpareName));
}

}  // namespace stave::log
