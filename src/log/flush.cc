// From the ring to the disk: writing out, rolling segments, syncing, and what happens when one of them fails.
#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "log/log_impl.h"

namespace stave::log {

std::unexpected<Error> LogImpl::latch(Error&& error) {
  Error copy = error.clone();
  {
    base::MutexLock lock(failure_mutex_);
    if (!failure_) failure_ = std::move(error);
    state_.store(State::kFailed, std::memory_order_release);
  }
  space_.shut();
  if (flusher_.has_listeners()) flusher_.wake();
  return std::unexpected<Error>(std::move(copy));
}

Result<void> LogImpl::health() const {
  base::MutexLock lock(failure_mutex_);
  if (!failure_) return {};
  return std::unexpected<Error>(failure_->clone());
}

Result<void> LogImpl::write_to_active(std::span<const std::byte> bytes, std::uint64_t at) {
  writes_.fetch_add(1, std::memory_order_relaxed);
  auto done = active_->write_at(kSegmentHeaderBytes + (at - active_base_), bytes);
  if (!done) return latch(std::move(done).error());
  return {};
}

// The end of the first batch that ends at `threshold` or behind it. `from` is the beginning of a batch in the ring.
std::uint64_t LogImpl::first_boundary(std::uint64_t from, std::uint64_t threshold) const {
  for (std::uint64_t at = from;;) {
    const std::byte* record = tail_.at(at);
    at += base::load<std::uint32_t>(record);
    const bool commit = (static_cast<std::uint8_t>(record[5]) & kCommit) != 0;
    if (commit && at >= threshold) return at;
  }
}

Result<void> LogImpl::write_out(std::uint64_t target) {
  for (std::uint64_t at = tail_.written(); at < target; at = tail_.written()) {
    if (state_.load(std::memory_order_acquire) == State::kFailed) return refusal();
    if (roll_due()) STAVE_TRY(roll_active());
    const std::uint64_t threshold = active_base_ + segment_bytes_;
    const std::uint64_t end = target <= threshold ? target : first_boundary(at, threshold);
    std::byte* const first = tail_.at(at);
    if (!active_since_) active_since_ = encoded_time(first);
    if (durable_.load(std::memory_order_acquire) == at)
      add_flag({first, base::load<std::uint32_t>(first)}, kAfterSync, Lsn{at}, seed_);
    STAVE_TRY(write_to_active({first, end - at}, at));
    tail_.set_written(end);
  }
  return roll_if_due();
}

// As soon as the segment is full, and not with the next batch: then what was admitted always has its room ahead of it.
Result<void> LogImpl::roll_if_due() {
  if (state_.load(std::memory_order_acquire) == State::kFailed || !roll_due() || !space_.has_spare()) return {};
  return roll_active();
}

Result<void> LogImpl::roll_active() {
  // The old segment is durable before a later one exists: that is what a later segment proves.
  STAVE_TRY(sync_written());
  auto rolled = [this]() STAVE_REQUIRES(write_mutex_) -> Result<void> {
    try {
      return replace_active();
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kNoMemory, "no memory to go over to the next segment");
    }
  }();
  if (!rolled) return latch(std::move(rolled).error());
  base::MutexLock lock(sync_mutex_);
  sync_file_ = active_;
  return {};
}

Result<void> LogImpl::replace_active() {
  const std::uint64_t end = tail_.written();
  STAVE_TRY(active_->truncate(kSegmentHeaderBytes + (end - active_base_)));
  STAVE_ASSIGN(active_, space_.roll({identity_.store_id, Lsn{end}, salt_, clock_.wall()}));
  active_base_ = end;
  active_since_.reset();
  catalog_.add(end, seed_, active_);
  return {};
}

Result<void> LogImpl::sync_written() {
  base::MutexLock lock(sync_mutex_);
  if (state_.load(std::memory_order_acquire) == State::kFailed) return refusal();
  // Read before the file is used: a roll needs this lock before anything goes into another file.
  const std::uint64_t written = tail_.written();
  if (durable_.load(std::memory_order_acquire) >= written) return {};
  syncs_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t began_ns = clock_.monotonic_ns();
  auto done = sync_file_->sync_data();
  if (!done) return latch(std::move(done).error());
  count_sync(clock_.monotonic_ns() - began_ns);
  durable_.store(written, std::memory_order_release);
  if (flusher_.has_listeners()) flusher_.wake();
  return {};
}

void LogImpl::count_sync(std::uint64_t ns) noexcept {
  sync_ns_.fetch_add(ns, std::memory_order_relaxed);
  const auto bucket = std::min(static_cast<std::size_t>(std::bit_width(ns)), sync_counts_.size() - 1);
  sync_counts_[bucket].fetch_add(1, std::memory_order_relaxed);
}

Result<void> LogImpl::write_out_now() {
  base::MutexLock lock(write_mutex_);
  return write_out(tail_.complete());
}

Result<void> LogImpl::flush(std::uint64_t target) {
  {
    base::MutexLock lock(write_mutex_);
    STAVE_TRY(write_out(target));
  }
  return sync_written();
}

Result<void> LogImpl::wait_durable(Lsn lsn) {
  const std::uint64_t position = std::min(raw(lsn), tail_.end());
  if (durable_.load(std::memory_order_acquire) >= position) return {};
  group_.wait(position);
  if (durable_.load(std::memory_order_acquire) >= position) return {};
  base::MutexLock lock(failure_mutex_);
  return fail(Error(ErrorCode::kIo, "the disk failed; whether this was written is unknown: " + failure_->describe())
                  .with_errno(failure_->system_errno()));
}

Result<void> LogImpl::wait_written(Lsn lsn) {
  const std::uint64_t position = std::min(raw(lsn), tail_.end());
  if (tail_.written() >= position) return {};
  const std::uint64_t complete = tail_.wait_complete(position);
  base::MutexLock lock(write_mutex_);
  if (tail_.written() >= position) return {};
  return write_out(complete);
}

}  // namespace stave::log
