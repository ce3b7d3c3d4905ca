// Ending segments: sealing the active one early, and removing the oldest ones.
#include <algorithm>

#include "base/try.h"
#include "log/log_impl.h"

namespace stave::log {

std::vector<SegmentInfo> LogImpl::segments() const {
  // Read before the list: what is written later may lie in a segment that the list does not have.
  const Lsn written_now = written();
  const std::uint64_t active_bytes = space_.active_file_bytes();
  std::vector<SegmentInfo> all;
  for (const Catalog::Range& range : catalog_.ranges())
    all.push_back({Lsn{range.base}, Lsn{range.end}, kSegmentHeaderBytes + (range.end - range.base), true});
  SegmentInfo& active = all.back();
  active.end = std::max(active.base, written_now);
  active.file_bytes = active_bytes;
  active.sealed = false;
  return all;
}

Result<std::uint64_t> LogImpl::drop_before(Lsn lsn) {
  base::MutexLock lock(drop_mutex_);
  STAVE_TRY(refusal());
  STAVE_TRY(wait_durable(tail()));
  std::uint64_t freed = 0;
  for (const Catalog::Range& range : catalog_.ranges()) {
    if (range.end > raw(lsn)) break;
    STAVE_TRY(drop_first(range));
    freed += kSegmentHeaderBytes + (range.end - range.base);
  }
  return freed;
}

Result<void> LogImpl::drop_first(const Catalog::Range& segment) {
  auto removed = files_.remove(join_path(directory_, segment_name(Lsn{segment.base})));
  // Not there: an earlier try did it and was told that it had failed.
  if (!removed && removed.error().code() != ErrorCode::kNotFound) return removed;
  // Without this the next one could be gone after a crash, and this one be back.
  auto synced = files_.sync_directory(directory_);
  if (!synced) return latch(std::move(synced).error());
  catalog_.forget_first(segment.base);
  return {};
}

// Without a pause for writers, as far as what was admitted already fits into the spare.
Result<void> LogImpl::roll_gently() {
  auto spare = space_.ensure_spare();
  if (!spare) {
    if (spare.error().code() != ErrorCode::kNoSpace) return latch(std::move(spare).error());
    return spare;
  }
  if (!space_.limit_for_roll_at(tail_.written()))
    return fail(ErrorCode::kBusy, "more has been appended than the next segment has room for yet");
  return roll_active();
}

Result<void> LogImpl::roll() {
  base::MutexLock lock(write_mutex_);
  STAVE_TRY(refusal());
  STAVE_TRY(write_out(tail_.complete()));
  if (tail_.written() == active_base_) return {};
  auto rolled = roll_gently();
  if (rolled || rolled.error().code() != ErrorCode::kBusy) return rolled;
  // A moment without writers: then there is nothing that would have to fit.
  space_.close_gate();
  auto done = write_out(tail_.end());
  if (done && tail_.written() != active_base_) done = roll_active();
  space_.open_gate();
  return done;
}

}  // namespace stave::log
