// Appending: reserve, encode into the ring, publish; and the slow ways round when the ring or the disk has no room.
#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/try.h"
#include "log/log_impl.h"

namespace stave::log {

namespace {
constexpr std::size_t kBatchRecordsMax = 1u << 20;
constexpr std::uint64_t kBatchBytesMax = 0xffff'ffff;
constexpr std::uint64_t kFullRetryNs = 100'000'000;
/// Of a batch too large for the ring, records are gathered in a block of this size, or of the ring's largest batch when
/// that is less. The payload of one that does not fit is written from where it lies, in slices of the same size.
constexpr std::size_t kOversizeBlock = 1u << 20;

std::size_t head_size(const RecordSpec& record) {
  return encoded_size(record) - record.payload.size();
}

/// The batch's record `i`, of which those before have got their addresses: as it is encoded at `lsn`.
void encode_linked(std::span<const RecordSpec> batch, std::size_t i, std::span<const Lsn> lsns, auto&& encode) {
  const std::int32_t to = batch[i].prev_in_batch;
  if (to < 0) [[likely]]
    return encode(batch[i]);
  STAVE_ASSERT(static_cast<std::size_t>(to) < i);
  RecordSpec linked = batch[i];
  linked.prev = lsns[static_cast<std::size_t>(to)];
  linked.prev_in_batch = -1;
  encode(linked);
}
}  // namespace

Result<void> LogImpl::refusal() const {
  switch (state_.load(std::memory_order_acquire)) {
    case State::kOpen: return {};
    case State::kClosing: return fail(ErrorCode::kAborted, "the log is closed");
    case State::kFailed: break;
  }
  base::MutexLock lock(failure_mutex_);
  return fail(ErrorCode::kReadOnly, "an earlier disk error made the log read-only: " + failure_->describe());
}

Result<void> LogImpl::writable() const {
  if (state_.load(std::memory_order_relaxed) != State::kOpen) return refusal();
  if (full_.load(std::memory_order_relaxed))
    return fail(Error(ErrorCode::kNoSpace, "the disk is full; writes resume once there is room").with_file(directory_));
  return {};
}

Result<Lsn> LogImpl::append(std::span<const RecordSpec> batch, std::span<Lsn> lsns) {
  STAVE_ASSERT(!batch.empty() && lsns.size() >= batch.size());
  if (batch.size() > kBatchRecordsMax) return fail(ErrorCode::kTooLarge, "a batch holds at most 1,048,576 records");
  std::uint64_t size = 0;
  for (const RecordSpec& record : batch) {
    if (record.key.size() > kKeyBytesMax) return fail(ErrorCode::kTooLarge, "a key is longer than the log can hold");
    size += encoded_size(record);
  }
  if (size > ring_batch_max_) [[unlikely]] {
    if (size > kBatchBytesMax) return fail(ErrorCode::kTooLarge, "a batch is longer than 4 GiB");
    return append_oversize(batch, lsns, size);
  }
  for (;;) {
    if (const auto reserved = tail_.try_reserve(size)) [[likely]] {
      encode_batch(batch, lsns, *reserved);
      tail_.publish(*reserved);
      const std::uint64_t end = reserved->start + size;
      if (((reserved->start ^ end) & ~(tail_.capacity() / 4 - 1)) != 0) [[unlikely]]
        nudge();
      return Lsn{end};
    }
    STAVE_TRY(make_way(size));
  }
}

void LogImpl::encode_batch(std::span<const RecordSpec> batch, std::span<Lsn> lsns,
                           const Tail::Reservation& at) noexcept {
  std::uint64_t position = at.start;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::uint8_t commit = i + 1 == batch.size() ? kCommit : 0;
    encode_linked(batch, i, lsns,
                  [&](const RecordSpec& record) { encode(record, commit, Lsn{position}, seed_, tail_.at(position)); });
    lsns[i] = Lsn{position};
    position += encoded_size(batch[i]);
  }
}

// A quarter of the ring has been filled since the last nudge: somebody should write it out before it is full.
void LogImpl::nudge() {
  if (background_ && flusher_.wake()) return;
  if (!write_mutex_.try_lock()) return;
  // A failure is latched; the next append reports it.
  (void)write_out(tail_.complete());
  write_mutex_.unlock();
}

Result<void> LogImpl::make_way(std::uint64_t size) {
  STAVE_TRY(refusal());
  const std::uint64_t end = tail_.end() + size;
  if (end > tail_.limit()) return make_room(end);
  // The ring is full: write out, or wait for the one who does.
  base::MutexLock lock(write_mutex_);
  if (end <= tail_.written() + tail_.capacity()) return {};
  const std::uint64_t needed = end - tail_.capacity();
  auto done = write_out(tail_.wait_complete(std::min(needed, tail_.end())));
  if (!done) return refusal();
  return {};
}

Result<void> LogImpl::make_room(std::uint64_t end) {
  if (tail_.limit() == 0) {
    // Closed for a moment by whoever holds the write lock; or for good, and then the next try says why.
    base::MutexLock lock(write_mutex_);
    if (tail_.limit() == 0) return refusal();
    return {};
  }
  if (end > kLsnMax) return fail(ErrorCode::kNoSpace, "the log's addresses are used up");
  if (space_.starved()) {
    // Asking a full disk at every append would cost a system call each.
    const std::uint64_t now = clock_.monotonic_ns();
    if (now < full_retry_ns_.load(std::memory_order_relaxed)) {
      full_.store(true, std::memory_order_relaxed);
      return writable();
    }
    full_retry_ns_.store(now + kFullRetryNs, std::memory_order_relaxed);
  }
  auto prepared = space_.prepare(end);
  if (!prepared) {
    if (prepared.error().code() != ErrorCode::kNoSpace) {
      latch(std::move(prepared).error());
      return refusal();
    }
    full_retry_ns_.store(clock_.monotonic_ns() + kFullRetryNs, std::memory_order_relaxed);
    full_.store(true, std::memory_order_relaxed);
    return fail(std::move(prepared).error());
  }
  if (*prepared) full_.store(false, std::memory_order_relaxed);
  if (end <= tail_.limit()) return {};
  if (!*prepared || space_.has_spare()) {
    // What is left is to go over into the spare.
    base::MutexLock lock(write_mutex_);
    if (end > tail_.limit() && !write_out(tail_.complete())) return refusal();
  }
  return {};
}

Result<Lsn> LogImpl::append_oversize(std::span<const RecordSpec> batch, std::span<Lsn> lsns, std::uint64_t size) {
  STAVE_TRY(refusal());
  base::MutexLock lock(write_mutex_);
  STAVE_TRY(refusal());
  space_.close_gate();
  auto done = write_oversize(batch, lsns, size);
  const Lsn end{tail_.end()};
  space_.open_gate();
  if (done) return end;
  const ErrorCode code = done.error().code();
  if (code == ErrorCode::kReadOnly) return fail(std::move(done).error());
  if (state_.load(std::memory_order_acquire) == State::kFailed)
    return fail(ErrorCode::kIo,
                "the disk failed; whether the batch was written is unknown: " + done.error().describe());
  if (code == ErrorCode::kNoSpace) full_.store(true, std::memory_order_relaxed);
  return fail(std::move(done).error());
}

// With the gate closed and everything before it written, the batch goes straight into the file.
Result<void> LogImpl::write_oversize(std::span<const RecordSpec> batch, std::span<Lsn> lsns, std::uint64_t size) {
  STAVE_TRY(write_out(tail_.end()));
  const auto prepared = [&](Result<void> step) -> Result<void> {
    if (!step && step.error().code() != ErrorCode::kNoSpace) return latch(std::move(step).error());
    return step;
  };
  if (roll_due()) {
    STAVE_TRY(prepared(space_.ensure_spare()));
    STAVE_TRY(roll_active());
  }
  const std::uint64_t start = tail_.written();
  STAVE_TRY(prepared(space_.extend_active(start + size)));

  const std::size_t slice_bytes = std::min<std::uint64_t>(kOversizeBlock, ring_batch_max_);
  std::size_t block_bytes = slice_bytes;
  for (const RecordSpec& record : batch) block_bytes = std::max(block_bytes, head_size(record));
  const std::unique_ptr<std::byte[]> block(new (std::nothrow) std::byte[block_bytes]);
  if (block == nullptr) return fail(ErrorCode::kNoMemory, "no memory to encode a large batch");
  if (!active_since_) active_since_ = batch.front().time;

  std::uint64_t position = start;
  std::uint64_t block_at = start;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::size_t bytes = encoded_size(batch[i]);
    const bool apart = bytes > block_bytes;
    if (position - block_at + (apart ? head_size(batch[i]) : bytes) > block_bytes) {
      STAVE_TRY(write_to_active({block.get(), position - block_at}, block_at));
      block_at = position;
    }
    std::uint8_t flags = i + 1 == batch.size() ? kCommit : 0;
    if (i == 0 && durable_.load(std::memory_order_acquire) == start) flags |= kAfterSync;
    std::byte* const into = block.get() + (position - block_at);
    lsns[i] = Lsn{position};
    if (apart) {
      encode_linked(batch, i, lsns,
                    [&](const RecordSpec& record) { encode_head(record, flags, Lsn{position}, seed_, into); });
      const std::uint64_t payload_at = position + head_size(batch[i]);
      STAVE_TRY(write_to_active({block.get(), payload_at - block_at}, block_at));
      STAVE_TRY(write_payload(batch[i].payload, payload_at, slice_bytes));
      block_at = position + bytes;
    } else {
      encode_linked(batch, i, lsns,
                    [&](const RecordSpec& record) { encode(record, flags, Lsn{position}, seed_, into); });
    }
    position += bytes;
  }
  if (position != block_at) STAVE_TRY(write_to_active({block.get(), position - block_at}, block_at));
  tail_.skip_to(position);
  return {};
}

Result<void> LogImpl::write_payload(std::string_view payload, std::uint64_t at, std::size_t slice_bytes) {
  auto bytes = std::as_bytes(std::span(payload));
  while (!bytes.empty()) {
    const auto slice = bytes.first(std::min(bytes.size(), slice_bytes));
    STAVE_TRY(write_to_active(slice, at));
    at += slice.size();
    bytes = bytes.subspan(slice.size());
  }
  return {};
}

}  // namespace stave::log
