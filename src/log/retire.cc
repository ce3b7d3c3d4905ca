// Ending segments: sealing the active one early, and removing the oldest ones.
#include <algorithm>

#include "base/assert.h"
#include "base/try.h"
#include "log/log_impl.h"

namespace stave::log {

std::vector<SegmentInfo> LogImpl::segments() const {
  // Read before the list: what is written later may lie in a segment that the list does not have.
  const std::uint64_t named = named_.load(std::memory_order_acquire);
  std::uint64_t written = written_.load(std::memory_order_acquire);
  STAVE_ASSERT(named <= written);
  const std::uint64_t active_bytes = space_.active_file_bytes();
  std::vector<Catalog::Range> ranges = catalog_.ranges();
  while (ranges.front().base > written) {
    // So much has been written and dropped in between.
    written = written_.load(std::memory_order_acquire);
    ranges = catalog_.ranges();
  }
  std::vector<SegmentInfo> all;
  for (const Catalog::Range& range : ranges) {
    // Begun behind a large batch that is still being written.
    if (range.base > written) break;
    const std::uint64_t end = std::min(range.end, written);
    all.push_back({Lsn{range.base}, Lsn{end}, kSegmentHeaderBytes + (end - range.base), range.end <= named});
  }
  STAVE_ASSERT(!all.empty() && !all.back().sealed);
  if (all.size() == ranges.size()) all.back().file_bytes = active_bytes;
  return all;
}

Result<std::uint64_t> LogImpl::drop_before(Lsn lsn) {
  base::MutexLock lock(drop_mutex_);
  STAVE_TRY(refusal());
  STAVE_TRY(wait_durable(tail()));
  STAVE_TRY(sync_written(Settle::kAll));
  const std::uint64_t sealed = named_.load(std::memory_order_acquire);
  std::uint64_t freed = 0;
  for (const Catalog::Range& range : catalog_.ranges()) {
    if (range.end > std::min(raw(lsn), sealed)) break;
    STAVE_TRY(drop_first(range));
    freed += kSegmentHeaderBytes + (range.end - range.base);
  }
  // Writers that were refused need not wait for the next tick.
  if (freed != 0 && full_.load(std::memory_order_relaxed)) prepare_ahead();
  return freed;
}

Result<void> LogImpl::drop_first(const Catalog::Range& segment) {
  auto removed = files_.remove(join_path(directory_, segment_name(Lsn{segment.base})));
  // Not there: an earlier try did it and was told that it had failed.
  if (!removed && removed.error().code() != ErrorCode::kNotFound) return removed;
  // Without this the next one could be gone after a crash, and this one be back.
  auto synced = names_->sync();
  if (!synced) return latch(std::move(synced).error());
  catalog_.forget_first(segment.base);
  space_.set_sealed(catalog_.size() > 1);
  return {};
}

// Without a pause for writers, as far as what was admitted already fits into the spare.
Result<void> LogImpl::roll_gently(Use use) {
  auto spare = space_.ensure_spare(use);
  if (!spare) {
    if (spare.error().code() != ErrorCode::kNoSpace) return latch(std::move(spare).error());
    return spare;
  }
  if (!space_.limit_for_roll_at(placed()))
    return fail(ErrorCode::kBusy, "more has been appended than the next segment has room for yet");
  return roll_active();
}

Result<void> LogImpl::roll() {
  std::uint64_t sealed_to = 0;
  {
    base::MutexLock lock(write_mutex_);
    STAVE_TRY(refusal());
    STAVE_TRY(write_out(tail_.complete()));
    if (placed() != active_base_) {
      // Somebody wants to clean: that may use the reserve.
      auto rolled = roll_gently(Use::kRelocate);
      if (!rolled && rolled.error().code() != ErrorCode::kBusy) return rolled;
      if (!rolled) {
        // A moment without writers: then there is nothing that would have to fit.
        space_.close_gate();
        rolled = write_out(tail_.end());
        if (rolled && placed() != active_base_) rolled = roll_active();
        space_.open_gate();
        STAVE_TRY(std::move(rolled));
      }
    }
    sealed_to = active_base_;
  }
  STAVE_TRY(wait_written(Lsn{sealed_to}));
  return sync_written(Settle::kAll);
}

}  // namespace stave::log
