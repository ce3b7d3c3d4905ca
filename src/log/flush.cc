// From the ring to the disk: writing out, syncing, and what happens when one of them fails.
#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "log/log_impl.h"
#include "log/written_news.h"

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

Result<void> LogImpl::write_to(File& file, std::uint64_t segment_base, std::span<const std::byte> bytes,
                               std::uint64_t at) {
  STAVE_ASSERT(at >= segment_base);
  writes_.fetch_add(1, std::memory_order_relaxed);
  auto done = patience_.run([&] { return file.write_at(kSegmentHeaderBytes + (at - segment_base), bytes); });
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
  STAVE_ASSERT(target <= tail_.end());
  for (std::uint64_t at = placed(); at < target; at = placed()) {
    if (state_.load(std::memory_order_acquire) == State::kFailed) return refusal();
    if (roll_due()) STAVE_TRY(roll_active());
    const std::uint64_t threshold = active_base_ + segment_bytes_;
    const std::uint64_t end = target <= threshold ? target : first_boundary(at, threshold);
    STAVE_ASSERT(at < end && end <= target);
    STAVE_ASSERT(space_.covers(at, end));
    std::byte* const first = tail_.at(at);
    if (!active_since_) active_since_ = encoded_time(first);
    if (durable_.load(std::memory_order_acquire) == at)
      add_flag({first, base::load<std::uint32_t>(first)}, kAfterSync, Lsn{at}, seed_);
    STAVE_TRY(write_to(*active_, active_base_, {first, end - at}, at));
    tail_.release(end);
    advance_written();
  }
  return roll_if_due();
}

void LogImpl::advance_written() {
  const std::uint64_t first_beside = beside_.empty() ? kNever : beside_.front().start;
  const std::uint64_t written = std::min(first_beside, placed());
  STAVE_ASSERT(durable_.load(std::memory_order_acquire) <= written);
  STAVE_ASSERT(written_.load(std::memory_order_relaxed) <= written);
  STAVE_ASSERT(placed() <= tail_.end());
  first_beside_.store(first_beside, std::memory_order_release);
  // One of the two sees what the other did: whoever asks to be told looks again afterwards.
  const bool news = written_.exchange(written, std::memory_order_seq_cst) != written;
  if (written_listener_) written_listener_();
  if (news && written_wanted_.load(std::memory_order_seq_cst) && written_wanted_.exchange(false)) {
    written_news_.store(true, std::memory_order_release);
    flusher_.wake();
  }
}

Lsn LogImpl::tell_of_written() noexcept {
  written_wanted_.store(true, std::memory_order_seq_cst);
  return Lsn{written_.load(std::memory_order_seq_cst)};
}

Lsn tell_of_written(Log& log) noexcept {
  return static_cast<LogImpl&>(log).tell_of_written();
}

Result<void> LogImpl::await_written(std::uint64_t position) {
  STAVE_ASSERT(position <= placed());
  while (written_.load(std::memory_order_relaxed) < position) {
    if (state_.load(std::memory_order_acquire) == State::kFailed) return refusal();
    // Its writer says so when it is done, and also when it failed.
    STAVE_ASSERT(!beside_.empty());
    beside_ended_.wait(write_mutex_);
  }
  return {};
}

std::uint64_t LogImpl::within_reach(std::uint64_t position) const noexcept {
  const std::uint64_t complete = tail_.wait_complete(position);
  const std::uint64_t before_beside = std::min(complete, first_beside_.load(std::memory_order_acquire));
  return durable_.load(std::memory_order_acquire) < before_beside ? before_beside : complete;
}

Result<void> LogImpl::sync(File& file) {
  syncs_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t began_ns = clock_.monotonic_ns();
  auto done = file.sync_data();
  if (!done) return latch(std::move(done).error());
  count_sync(clock_.monotonic_ns() - began_ns);
  return {};
}

void LogImpl::advance_durable(std::uint64_t position) {
  STAVE_ASSERT(position >= durable_.load(std::memory_order_relaxed));
  STAVE_ASSERT(position <= written_.load(std::memory_order_acquire));
  durable_.store(position, std::memory_order_release);
  if (flusher_.has_listeners()) flusher_.wake();
}

Result<void> LogImpl::sync_written(Settle settle) {
  base::MutexLock lock(sync_mutex_);
  if (state_.load(std::memory_order_acquire) == State::kFailed) return refusal();
  // Read before the files are used: what is written later may lie in a segment that was begun later.
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  STAVE_TRY(settle_rolls(settle == Settle::kAll ? written + 1 : written));
  if (durable_.load(std::memory_order_acquire) >= written) return {};
  STAVE_TRY(sync(*sync_file_));
  advance_durable(written);
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

// For those who cannot be told of a shortage: what they appended is in the log, whatever becomes of it.
Result<void> LogImpl::write_out_patiently(std::uint64_t target) {
  auto done = patience_.run([this, target]() -> Result<void> {
    base::MutexLock lock(write_mutex_);
    STAVE_TRY(write_out(target));
    return await_written(target);
  });
  if (!done && state_.load(std::memory_order_acquire) != State::kFailed) return latch(std::move(done).error());
  return done;
}

Result<void> LogImpl::flush(std::uint64_t target) {
  STAVE_TRY(write_out_patiently(target));
  return sync_written(Settle::kNeeded);
}

Result<void> LogImpl::wait_durable(Lsn lsn) {
  const std::uint64_t position = std::min(raw(lsn), tail_.end());
  if (durable_.load(std::memory_order_acquire) >= position) return {};
  group_.wait(position);
  if (durable_.load(std::memory_order_acquire) >= position) return {};
  base::MutexLock lock(failure_mutex_);
  STAVE_ASSERT(failure_.has_value());
  return fail(Error(ErrorCode::kIo, "the disk failed; whether this was written is unknown: " + failure_->describe())
                  .with_errno(failure_->system_errno()));
}

Result<void> LogImpl::wait_written(Lsn lsn) {
  const std::uint64_t position = std::min(raw(lsn), tail_.end());
  if (written_.load(std::memory_order_acquire) >= position) return {};
  const std::uint64_t complete = tail_.wait_complete(position);
  base::MutexLock lock(write_mutex_);
  if (written_.load(std::memory_order_acquire) >= position) return {};
  STAVE_TRY(write_out(complete));
  return await_written(position);
}

Result<void> LogImpl::write_out_before(Lsn lsn) {
  const std::uint64_t position = std::min(raw(lsn), tail_.end());
  if (placed() >= position) return {};
  const std::uint64_t complete = tail_.wait_complete(position);
  base::MutexLock lock(write_mutex_);
  return placed() >= position ? Result<void>{} : write_out(complete);
}

}  // namespace stave::log
