// Appending: reserve, encode into the ring, publish; and the slow ways round when the ring or the disk has no room.
#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "log/link.h"
#include "log/log_impl.h"

namespace stave::log {

namespace {
constexpr std::size_t kBatchRecordsMax = 1u << 20;
constexpr std::uint64_t kBatchBytesMax = 0xffff'ffff;
constexpr std::uint64_t kFullRetryNs = 100'000'000;

Use use_of_record(const RecordSpec& record) noexcept {
  if (record.kind == RecordKind::kTrim) return Use::kTrim;
  if (traits(record.kind).removes_key || record.kind == RecordKind::kFlush) return Use::kRemove;
  return record.version != kNoLsn ? Use::kRelocate : Use::kWrite;
}
}  // namespace

// Deletes and the like make garbage of more than they take; a record that keeps its version is one the cleaner moves.
Use LogImpl::use_of(std::span<const RecordSpec> batch) noexcept {
  Use use = Use::kTrim;
  for (const RecordSpec& record : batch) use = std::min(use, use_of_record(record));
  return use;
}

Result<void> LogImpl::refusal() const {
  switch (state_.load(std::memory_order_acquire)) {
    case State::kOpen: return {};
    case State::kClosing: return fail(ErrorCode::kAborted, "the log is closed");
    case State::kFailed: break;
  }
  base::MutexLock lock(failure_mutex_);
  // Given up by somebody who has said why.
  if (failure_->code() == ErrorCode::kConflict) return fail(ErrorCode::kReadOnly, failure_->describe());
  return fail(ErrorCode::kReadOnly, "an earlier disk error made the log read-only: " + failure_->describe());
}

Result<void> LogImpl::writable() const {
  if (state_.load(std::memory_order_relaxed) != State::kOpen) return refusal();
  if (following_.load(std::memory_order_relaxed)) [[unlikely]]
    return follows();
  if (!full_.load(std::memory_order_acquire)) return {};
  base::MutexLock lock(failure_mutex_);
  return fail(shortage_->clone());
}

void LogImpl::note_full(const Error& why) {
  STAVE_ASSERT(why.code() == ErrorCode::kNoSpace);
  base::MutexLock lock(failure_mutex_);
  shortage_ = why.clone();
  full_.store(true, std::memory_order_release);
}

// Throws nothing: whoever appends has changed something that is to be undone when this fails.
Result<Lsn> LogImpl::append(std::span<const RecordSpec> batch, std::span<Lsn> lsns) {
  if (following_.load(std::memory_order_relaxed)) [[unlikely]]
    return follows();
  return append_or_place(batch, lsns, nullptr);
}

Result<Lsn> LogImpl::append(std::span<const RecordSpec> batch, std::span<Lsn> lsns, Unwritten& later) {
  STAVE_ASSERT(!later);
  if (following_.load(std::memory_order_relaxed)) [[unlikely]]
    return follows();
  return append_or_place(batch, lsns, &later);
}

Result<Lsn> LogImpl::append_or_place(std::span<const RecordSpec> batch, std::span<Lsn> lsns, Unwritten* later) try {
  STAVE_ASSERT(!batch.empty() && lsns.size() >= batch.size());
  if (batch.size() > kBatchRecordsMax) return fail(ErrorCode::kTooLarge, "a batch holds at most 1,048,576 records");
  std::uint64_t size = 0;
  for (const RecordSpec& record : batch) {
    if (record.key.size() > kKeyBytesMax) return fail(ErrorCode::kTooLarge, "a key is longer than the log can hold");
    size += encoded_size(record);
  }
  if (size > ring_batch_max_) [[unlikely]] {
    if (size > kBatchBytesMax) return fail(ErrorCode::kTooLarge, "a batch is longer than 4 GiB");
    return later != nullptr ? place_for_later(batch, lsns, size, *later) : append_beside(batch, lsns, size);
  }
  Use use = Use::kWrite;
  for (bool first = true;; first = false) {
    if (const auto reserved = tail_.try_reserve(size, use)) [[likely]] {
      if (batch.size() == 1) [[likely]] {
        STAVE_ASSERT(batch[0].prev_in_batch < 0);
        lsns[0] = Lsn{reserved->start};
        encode(batch[0], kCommit, lsns[0], seed_, tail_.at(reserved->start));
      } else {
        encode_batch(batch, lsns, *reserved, size);
      }
      tail_.publish(*reserved);
      const std::uint64_t end = reserved->start + size;
      if (((reserved->start ^ end) & ~(tail_.capacity() / 4 - 1)) != 0) [[unlikely]]
        nudge();
      return Lsn{end};
    }
    // Only now does it matter what the batch is for.
    if (first) use = use_of(batch);
    STAVE_TRY(make_way(size, use));
  }
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

void LogImpl::encode_batch(std::span<const RecordSpec> batch, std::span<Lsn> lsns, const Tail::Reservation& at,
                           std::uint64_t size) noexcept {
  std::uint64_t position = at.start;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::uint8_t commit = i + 1 == batch.size() ? kCommit : 0;
    encode_linked(batch, i, lsns,
                  [&](const RecordSpec& record) { encode(record, commit, Lsn{position}, seed_, tail_.at(position)); });
    lsns[i] = Lsn{position};
    position += encoded_size(batch[i]);
  }
  STAVE_ASSERT(position == at.start + size);
}

// A quarter of the ring has been filled since the last nudge: somebody should write it out before it is full.
// The batch is in the log: that this cannot be done changes nothing.
void LogImpl::nudge() try {
  if (background_ && flusher_.wake()) return;
  if (!write_mutex_.try_lock()) return;
  const base::MutexLock lock(write_mutex_, std::adopt_lock);
  // A failure is latched; the next append reports it.
  (void)write_out(tail_.complete());
} catch (const std::bad_alloc&) {
  // Somebody does it later.
}

Result<void> LogImpl::make_way(std::uint64_t size, Use use) {
  STAVE_TRY(refusal());
  const std::uint64_t end = tail_.end() + size;
  if (end > tail_.limit(use)) return make_room(end, use);
  // The ring is full: write out, or wait for the one who does.
  base::MutexLock lock(write_mutex_);
  if (end <= placed() + tail_.capacity()) return {};
  const std::uint64_t needed = end - tail_.capacity();
  auto done = write_out(tail_.wait_complete(std::min(needed, tail_.end())));
  if (!done) return refusal();
  return {};
}

Result<void> LogImpl::make_room(std::uint64_t end, Use use) {
  if (tail_.limit(use) == 0) {
    // Closed for a moment by whoever holds the write lock; or for good, and then the next try says why.
    base::MutexLock lock(write_mutex_);
    if (tail_.limit(use) == 0) return refusal();
    return {};
  }
  if (end > kLsnMax) return fail(ErrorCode::kNoSpace, "the log's addresses are used up");
  // The disk is that far behind: then nobody's memory of what could be lost should grow.
  if (unsettled_.load(std::memory_order_relaxed) >= kUnsettledMax && !sync_written(Settle::kAll)) return refusal();
  const bool writes = use == Use::kWrite;
  if (writes && full_.load(std::memory_order_relaxed)) {
    // Asking a full disk at every append would cost a system call each.
    const std::uint64_t now = clock_.monotonic_ns();
    if (now < full_retry_ns_.load(std::memory_order_relaxed)) return writable();
    full_retry_ns_.store(now + kFullRetryNs, std::memory_order_relaxed);
  }
  auto prepared = space_.prepare(end, use);
  if (!prepared && prepared.error().code() == ErrorCode::kNoSpace && unsettled_.load(std::memory_order_relaxed) != 0) {
    // What segments were given and did not need comes back when they are settled.
    if (!sync_written(Settle::kAll)) return refusal();
    prepared = space_.prepare(end, use);
  }
  if (!prepared) {
    if (prepared.error().code() != ErrorCode::kNoSpace) {
      latch(std::move(prepared).error());
      return refusal();
    }
    if (writes) {
      full_retry_ns_.store(clock_.monotonic_ns() + kFullRetryNs, std::memory_order_relaxed);
      // For all of them, so that what one writer was told is what the next one and whoever asks is told.
      space_.stop_writers();
      note_full(prepared.error());
    }
    return fail(std::move(prepared).error());
  }
  if (*prepared && writes) full_.store(false, std::memory_order_relaxed);
  if (end <= tail_.limit(use)) return {};
  if (!*prepared || space_.has_spare()) {
    // What is left is to go over into the spare.
    base::MutexLock lock(write_mutex_);
    if (end > tail_.limit(use) && !write_out(tail_.complete())) return refusal();
  }
  return {};
}

}  // namespace stave::log
