// What is done on the side: the flusher's round, what `tick` finds due, closing.
#include <algorithm>

#include "base/try.h"
#include "log/log_impl.h"

namespace stave::log {

namespace {
constexpr std::uint64_t kAheadBytes = 16u << 20;
/// Unsynced bytes at which the flusher syncs whatever the policy, so that no later sync has to wait for all of them.
constexpr std::uint64_t kDirtyBytesMax = 16u << 20;
constexpr std::uint64_t kBusyTickNs = 5'000'000;
constexpr std::uint64_t kIdleTickNs = 20'000'000;
}  // namespace

void LogImpl::request_sync(Lsn lsn) {
  const std::uint64_t position = std::min(raw(lsn), tail_.end());
  std::uint64_t seen = requested_.load(std::memory_order_relaxed);
  do {
    // Whoever asked for more has woken the thread, or is about to.
    if (seen >= position) return;
  } while (!requested_.compare_exchange_weak(seen, position, std::memory_order_acq_rel));
  // Without a thread the caller does it; the failure is latched and everybody hears of it.
  if (!flusher_.wake()) (void)wait_durable(lsn);
}

std::uint64_t LogImpl::add_listener(std::function<void()> listener) {
  return flusher_.add_listener(std::move(listener));
}

void LogImpl::remove_listener(std::uint64_t handle) {
  flusher_.remove_listener(handle);
}

bool LogImpl::flusher_round() {
  const std::uint64_t requested = requested_.load(std::memory_order_acquire);
  if (requested > durable_.load(std::memory_order_acquire)) {
    (void)wait_durable(Lsn{requested});
  } else if (state_.load(std::memory_order_acquire) == State::kOpen) {
    // Failures are latched by whoever meets them.
    if (tail_.end() > tail_.written()) (void)write_out_now();
    if (tail_.written() - durable_.load(std::memory_order_acquire) > kDirtyBytesMax) (void)sync_written();
  }
  if (background_) prepare_ahead();
  const std::uint64_t durable = durable_.load(std::memory_order_acquire);
  const bool failed = state_.load(std::memory_order_acquire) == State::kFailed;
  const bool news = durable != announced_ || failed != announced_failure_;
  announced_ = durable;
  announced_failure_ = failed;
  return news;
}

// One step of preparing what the next writes need.
void LogImpl::prepare_ahead() {
  if (state_.load(std::memory_order_acquire) != State::kOpen) return;
  const std::uint64_t wanted = tail_.end() + std::min(segment_bytes_, kAheadBytes);
  auto done = space_.prepare(wanted);
  if (done) {
    full_.store(false, std::memory_order_relaxed);
  } else if (done.error().code() != ErrorCode::kNoSpace) {
    latch(std::move(done).error());
  }
}

void LogImpl::roll_by_age(UnixMs wall) {
  if (segment_age_ms_ <= 0) return;
  base::MutexLock lock(write_mutex_);
  if (!active_since_ || wall - *active_since_ < segment_age_ms_) return;
  if (!write_out(tail_.complete()) || tail_.written() == active_base_) return;
  if (!active_since_ || wall - *active_since_ < segment_age_ms_) return;
  // Too much admitted already, or no room: the next tick tries again. Anything else is latched.
  (void)roll_gently();
}

std::uint64_t LogImpl::tick(std::uint64_t now_ns, UnixMs wall) {
  if (state_.load(std::memory_order_acquire) != State::kOpen) return kIdleTickNs;
  base::MutexLock lock(tick_mutex_);
  // A write may be one tick older than the tick that first saw it, and the next tick may be too late.
  const std::uint64_t sync_due_ns = sync_interval_ns_ - std::min(sync_interval_ns_ / 2, 2 * kIdleTickNs);
  const bool lingering = tail_.end() > tail_.written();
  if (lingering) (void)write_out_now();
  if (tail_.end() == durable_.load(std::memory_order_acquire)) {
    unsynced_since_ns_ = 0;
  } else if (unsynced_since_ns_ == 0) {
    unsynced_since_ns_ = now_ns;
  } else if (interval_sync_.load(std::memory_order_relaxed) && now_ns - unsynced_since_ns_ >= sync_due_ns) {
    unsynced_since_ns_ = 0;
    (void)wait_durable(Lsn{tail_.end()});
  }
  roll_by_age(wall);
  prepare_ahead();
  return std::min(lingering ? kBusyTickNs : kIdleTickNs, std::max<std::uint64_t>(sync_interval_ns_ / 4, 1));
}

Result<void> LogImpl::write_close_mark(UnixMs now) {
  const std::uint64_t at = tail_.written();
  const RecordSpec mark{.kind = RecordKind::kClose, .time = now};
  std::array<std::byte, Space::kCloseBytes> bytes{};
  const std::size_t size = encoded_size(mark);
  encode(mark, kCommit | kAfterSync, Lsn{at}, seed_, bytes.data());
  STAVE_TRY(write_to_active(std::span(bytes).first(size), at));
  tail_.skip_to(at + size);
  return {};
}

Result<void> LogImpl::close(UnixMs now) {
  State open = State::kOpen;
  if (!state_.compare_exchange_strong(open, State::kClosing)) {
    if (open == State::kClosing) return {};
    flusher_.stop();
    return refusal();
  }
  space_.shut();
  tail_.wait_for_writers();
  flusher_.stop();
  {
    base::MutexLock lock(write_mutex_);
    STAVE_TRY(write_out(tail_.end()));
    // The mark says that everything before it is on disk, so it is there first.
    STAVE_TRY(sync_written());
    STAVE_TRY(write_close_mark(now));
    STAVE_TRY(sync_written());
    auto trimmed = active_->truncate(kSegmentHeaderBytes + (tail_.written() - active_base_));
    if (!trimmed) return latch(std::move(trimmed).error());
  }
  return space_.remove_spare();
}

LogStats LogImpl::stats() const {
  LogStats stats;
  stats.first = Lsn{catalog_.first()};
  stats.durable = durable();
  stats.written = written();
  stats.tail = tail();
  stats.segments = catalog_.size();
  stats.bytes_on_disk = catalog_.sealed_bytes() + space_.active_file_bytes();
  stats.syncs = syncs_.load(std::memory_order_relaxed);
  stats.sync_ns = sync_ns_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < sync_counts_.size(); ++i)
    stats.sync_counts[i] = sync_counts_[i].load(std::memory_order_relaxed);
  stats.writes = writes_.load(std::memory_order_relaxed);
  stats.read_only = state_.load(std::memory_order_relaxed) == State::kFailed;
  stats.full = full_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace stave::log
