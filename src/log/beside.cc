// Batches too large for the ring: each gets its place in the log like any other, and is written there beside the ring,
// from where its payloads lie, while everybody else goes on. Only what is acknowledged in order waits for it.
#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/try.h"
#include "log/link.h"
#include "log/log_impl.h"

namespace stave::log {

namespace {
/// Records are gathered in a block of this size, or of the ring's largest batch when that is less. The payload of one
/// that does not fit is written from where it lies, in slices of the same size.
constexpr std::size_t kGatherBytes = 1u << 20;

std::size_t head_size(const RecordSpec& record) {
  return encoded_size(record) - record.payload.size();
}
}  // namespace

/// A large batch between its place and its bytes. All memory is taken before it has the place: then only the disk can
/// fail it.
class LogImpl::BesideWork final : public Unwritten::Work {
 public:
  BesideWork(LogImpl& log, std::unique_ptr<std::byte[]> block, std::size_t block_bytes) noexcept
      : log_(log), block_(std::move(block)), block_bytes_(block_bytes) {}

  void write(std::span<const RecordSpec> batch, std::span<Lsn> lsns) noexcept override {
    static_cast<void>(finish(batch, lsns));
  }
  Result<void> finish(std::span<const RecordSpec> batch, std::span<Lsn> lsns) {
    return log_.finish_beside(batch, lsns, place, std::span(block_.get(), block_bytes_));
  }

  Beside place;

 private:
  LogImpl& log_;
  std::unique_ptr<std::byte[]> block_;
  std::size_t block_bytes_;
};

Result<Lsn> LogImpl::append_beside(std::span<const RecordSpec> batch, std::span<Lsn> lsns, std::uint64_t size) {
  STAVE_ASSIGN(const std::unique_ptr<BesideWork> work, begin_beside(batch, size));
  if (auto done = work->finish(batch, lsns); !done) {
    if (done.error().code() == ErrorCode::kReadOnly) return fail(std::move(done).error());
    return fail(ErrorCode::kIo,
                "the disk failed; whether the batch was written is unknown: " + done.error().describe());
  }
  return Lsn{work->place.end};
}

Result<Lsn> LogImpl::place_for_later(std::span<const RecordSpec> batch, std::span<Lsn> lsns, std::uint64_t size,
                                     Unwritten& later) {
  STAVE_ASSIGN(std::unique_ptr<BesideWork> work, begin_beside(batch, size));
  std::uint64_t position = work->place.start;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    lsns[i] = Lsn{position};
    position += encoded_size(batch[i]);
  }
  STAVE_ASSERT(position == work->place.end);
  later = Unwritten(std::move(work));
  return Lsn{position};
}

Result<std::unique_ptr<LogImpl::BesideWork>> LogImpl::begin_beside(std::span<const RecordSpec> batch,
                                                                   std::uint64_t size) {
  STAVE_TRY(refusal());
  std::size_t block_bytes = std::min<std::uint64_t>(kGatherBytes, ring_batch_max_);
  for (const RecordSpec& record : batch) block_bytes = std::max(block_bytes, head_size(record));
  auto work =
      std::make_unique<BesideWork>(*this, std::make_unique_for_overwrite<std::byte[]>(block_bytes), block_bytes);
  base::MutexLock lock(write_mutex_);
  STAVE_ASSIGN(work->place, place_beside(size, batch.front().time, use_of(batch)));
  return work;
}

Result<void> LogImpl::finish_beside(std::span<const RecordSpec> batch, std::span<Lsn> lsns, const Beside& place,
                                    std::span<std::byte> block) {
  auto done = [&]() -> Result<void> {
    try {
      return write_beside(batch, lsns, place, block);
    } catch (const std::bad_alloc&) {
      return latch(Error(ErrorCode::kNoMemory, "no memory to write a large batch, which has its place already"));
    }
  }();
  end_beside(place, done.has_value());
  return done;
}

Result<void> LogImpl::note_prepared(Result<void> step) {
  if (!step && step.error().code() != ErrorCode::kNoSpace) return latch(std::move(step).error());
  return step;
}

// Makes the active segment one that takes a batch at `start`, with room for it.
Result<void> LogImpl::make_room_at(std::uint64_t start, std::uint64_t size, Use use) {
  if (start + size > kLsnMax) return fail(ErrorCode::kNoSpace, "the log's addresses are used up");
  if (roll_due()) {
    STAVE_TRY(note_prepared(space_.ensure_spare(use)));
    STAVE_TRY(roll_active());
  }
  return note_prepared(space_.extend_active(start + size, use));
}

Result<LogImpl::Beside> LogImpl::place_beside(std::uint64_t size, UnixMs time, Use use) {
  STAVE_TRY(refusal());
  // Most of the work is done while the gate is open.
  STAVE_TRY(write_out(tail_.complete()));
  STAVE_TRY(make_room_at(tail_.end(), size, use));
  if (tail_.end() + size >= active_base_ + segment_bytes_) {
    // Who comes behind it begins the next segment. Without room for one they wait for it, as ever.
    auto spare = note_prepared(space_.ensure_spare(use));
    if (!spare && spare.error().code() != ErrorCode::kNoSpace) return fail(std::move(spare).error());
  }
  beside_.reserve(beside_.size() + 1);
  space_.close_gate();
  auto place = place_at_end(size, time, use);
  space_.open_gate();
  return place;
}

// With the gate closed: what was appended meanwhile is written, the ring is empty, and the tail moves past the batch.
Result<LogImpl::Beside> LogImpl::place_at_end(std::uint64_t size, UnixMs time, Use use) {
  STAVE_TRY(write_out(tail_.end()));
  const std::uint64_t start = placed();
  STAVE_ASSERT(start == tail_.end());
  STAVE_TRY(make_room_at(start, size, use));
  if (!active_since_) active_since_ = time;
  STAVE_ASSERT(space_.covers(start, start + size));
  const Beside place{start, start + size, active_, active_base_};
  STAVE_ASSERT(start >= active_base_ && start < active_base_ + segment_bytes_);
  STAVE_ASSERT(beside_.empty() || beside_.back().end <= start);
  beside_.push_back(place);
  tail_.skip_to(place.end);
  advance_written();
  STAVE_TRY(roll_if_due());
  return place;
}

Result<void> LogImpl::write_beside(std::span<const RecordSpec> batch, std::span<Lsn> lsns, const Beside& place,
                                   std::span<std::byte> block) {
  const auto write_block = [&](std::uint64_t at, std::uint64_t end) {
    return write_to(*place.file, place.segment_base, block.first(end - at), at);
  };
  std::uint64_t position = place.start;
  std::uint64_t block_at = place.start;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const std::size_t bytes = encoded_size(batch[i]);
    const bool apart = bytes > block.size();
    if (position - block_at + (apart ? head_size(batch[i]) : bytes) > block.size()) {
      STAVE_TRY(write_block(block_at, position));
      block_at = position;
    }
    std::uint8_t flags = i + 1 == batch.size() ? kCommit : 0;
    if (i == 0 && durable_.load(std::memory_order_acquire) == place.start) flags |= kAfterSync;
    std::byte* const into = block.data() + (position - block_at);
    lsns[i] = Lsn{position};
    if (apart) {
      encode_linked(batch, i, lsns,
                    [&](const RecordSpec& record) { encode_head(record, flags, Lsn{position}, seed_, into); });
      const std::uint64_t payload_at = position + head_size(batch[i]);
      STAVE_TRY(write_block(block_at, payload_at));
      STAVE_TRY(write_payload(place, batch[i].payload, payload_at, block.size()));
      block_at = position + bytes;
    } else {
      encode_linked(batch, i, lsns,
                    [&](const RecordSpec& record) { encode(record, flags, Lsn{position}, seed_, into); });
    }
    position += bytes;
  }
  if (position != block_at) STAVE_TRY(write_block(block_at, position));
  STAVE_ASSERT(position == place.end);
  return {};
}

Result<void> LogImpl::write_payload(const Beside& place, std::string_view payload, std::uint64_t at,
                                    std::size_t slice_bytes) {
  STAVE_ASSERT(at + payload.size() <= place.end);
  auto bytes = std::as_bytes(std::span(payload));
  while (!bytes.empty()) {
    // For one that would be written in vain.
    if (state_.load(std::memory_order_acquire) == State::kFailed) return refusal();
    const auto slice = bytes.first(std::min(bytes.size(), slice_bytes));
    STAVE_TRY(write_to(*place.file, place.segment_base, slice, at));
    at += slice.size();
    bytes = bytes.subspan(slice.size());
  }
  return {};
}

void LogImpl::end_beside(const Beside& place, bool written) {
  {
    base::MutexLock lock(write_mutex_);
    if (written) {
      const auto found = std::ranges::find(beside_, place.start, &Beside::start);
      STAVE_ASSERT(found != beside_.end());
      beside_.erase(found);
      advance_written();
    } else {
      // It stays: nothing behind it will ever count.
      STAVE_ASSERT(state_.load(std::memory_order_acquire) == State::kFailed);
    }
    beside_ended_.notify_all();
  }
  // The flusher thread was asked for what lies behind it, and did not wait; nor did those who listen.
  beside_news_.store(true, std::memory_order_release);
  if (flusher_.has_listeners() || requested_.load(std::memory_order_acquire) > durable_.load(std::memory_order_acquire))
    flusher_.wake();
}

bool LogImpl::is_beside(std::uint64_t position) const {
  return std::ranges::any_of(
      beside_, [position](const Beside& place) { return position >= place.start && position < place.end; });
}

}  // namespace stave::log
