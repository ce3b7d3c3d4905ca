// Going over to the next segment without waiting for the disk, and making that durable afterwards.
//
// A segment that was begun is written to at once, under a name that says so. Whoever syncs the log settles it: what
// lies before it is synced, then it, then it gets its own name, then the directory is synced. Nothing in it is
// acknowledged as durable before. So a segment that has its own name has its header, and proves that all before it was
// durable.
#include <algorithm>
#include <cerrno>
#include <iterator>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/try.h"
#include "log/log_impl.h"

namespace stave::log {

// As soon as the segment is full, and not with the next batch: then what was admitted always has its room ahead of it.
// Without memory for it the next batch does.
Result<void> LogImpl::roll_if_due() {
  if (state_.load(std::memory_order_acquire) == State::kFailed || !roll_due() || !space_.has_spare()) return {};
  auto rolled = roll_active();
  if (!rolled && rolled.error().code() == ErrorCode::kNoMemory) return {};
  return rolled;
}

Result<void> LogImpl::roll_active() {
  try {
    auto rolled = replace_active();
    if (!rolled) return latch(std::move(rolled).error());
    return {};
  } catch (const std::bad_alloc&) {
    // Nothing has changed, so nothing is latched: there may be memory the next time.
    return fail(Error(ErrorCode::kNoMemory, "no memory to go over to the next segment").with_errno(ENOMEM));
  }
}

Result<void> LogImpl::replace_active() {
  const std::uint64_t end = placed();
  STAVE_ASSERT(end > active_base_);
  // What must be kept of it has its memory first: behind the roll nothing may fail.
  std::list<Roll> begun;
  begun.push_back({.old_base = active_base_,
                   .base = end,
                   .file = nullptr,
                   .begun_path = join_path(directory_, begun_name(Lsn{end})),
                   .path = join_path(directory_, segment_name(Lsn{end}))});
  catalog_.reserve_one();
  STAVE_ASSIGN(active_, space_.roll({identity_.store_id, Lsn{end}, salt_, clock_.wall()}));
  begun.front().file = active_;
  active_base_ = end;
  active_since_.reset();
  catalog_.add(end, seed_, active_, true);
  space_.set_sealed(true);
  {
    base::MutexLock lock(rolls_mutex_);
    STAVE_ASSERT(rolls_.empty() || rolls_.back().base == begun.front().old_base);
    rolls_.splice(rolls_.end(), begun);
    unsettled_.store(rolls_.size(), std::memory_order_relaxed);
  }
  if (background_) flusher_.wake();
  return {};
}

LogImpl::Roll* LogImpl::first_unsettled(std::uint64_t limit) {
  base::MutexLock lock(rolls_mutex_);
  return rolls_.empty() || rolls_.front().base >= limit ? nullptr : &rolls_.front();
}

Result<void> LogImpl::settle_rolls(std::uint64_t limit) {
  while (const Roll* roll = first_unsettled(limit)) {
    STAVE_TRY(settle(*roll));
    base::MutexLock lock(rolls_mutex_);
    rolls_.pop_front();
    unsettled_.store(rolls_.size(), std::memory_order_relaxed);
  }
  return {};
}

// How far its segment is written now: what a sync that begins afterwards covers.
std::uint64_t LogImpl::covered_by(const Roll& roll) {
  // In this order: a segment that begins before `written` has been noted.
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  base::MutexLock lock(rolls_mutex_);
  STAVE_ASSERT(!rolls_.empty() && rolls_.front().base == roll.base);
  return rolls_.size() == 1 ? written : std::min(written, std::next(rolls_.begin())->base);
}

Result<void> LogImpl::settle(const Roll& roll) {
  STAVE_ASSERT(named_.load(std::memory_order_relaxed) == roll.old_base);
  STAVE_ASSERT(roll.base <= written_.load(std::memory_order_acquire));
  if (durable_.load(std::memory_order_acquire) < roll.base) {
    STAVE_TRY(sync(*sync_file_));
    advance_durable(roll.base);
  }
  STAVE_ASSERT(durable_.load(std::memory_order_acquire) == roll.base);
  File& file = *sync_file_;
  // A step of preparing that began before the roll would make the file longer again.
  space_.let_go();
  auto trimmed = patience_.run([&] { return file.truncate(kSegmentHeaderBytes + (roll.base - roll.old_base)); });
  if (!trimmed) return latch(std::move(trimmed).error());
  {
    // Two syncs of one file at the same time, and only one of them would hear of an error.
    base::MutexLock lock(ahead_mutex_);
  }
  if (state_.load(std::memory_order_acquire) == State::kFailed) return refusal();
  const std::uint64_t covered = covered_by(roll);
  STAVE_TRY(sync(*roll.file));
  auto named = patience_.run([&] { return files_.rename(roll.begun_path, roll.path); });
  if (named) named = names_->sync();
  if (!named) return latch(std::move(named).error());
  catalog_.note_named(roll.base);
  named_.store(roll.base, std::memory_order_release);
  sync_file_ = roll.file;
  advance_durable(covered);
  return {};
}

}  // namespace stave::log
