// What is done on the side: the flusher's round, what `tick` finds due, closing.
#include <algorithm>
#include <new>

#include "base/assert.h"
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

void LogImpl::set_written_listener(std::function<void()> listener) {
  base::MutexLock lock(write_mutex_);
  written_listener_ = std::move(listener);
}

void LogImpl::remove_listener(std::uint64_t handle) {
  flusher_.remove_listener(handle);
}

// What was asked for, but not past a large batch that is being written: its writer wakes the thread again.
void LogImpl::sync_requested() {
  for (;;) {
    const std::uint64_t position =
        std::min(requested_.load(std::memory_order_acquire), first_beside_.load(std::memory_order_acquire));
    if (position <= durable_.load(std::memory_order_acquire) || !wait_durable(Lsn{position})) return;
  }
}

bool LogImpl::flusher_round() {
  if (requested_.load(std::memory_order_acquire) > durable_.load(std::memory_order_acquire)) {
    sync_requested();
  } else if (state_.load(std::memory_order_acquire) == State::kOpen && tail_.end() > placed()) {
    // Failures are latched by whoever meets them.
    (void)write_out_now();
  }
  // Room first, then what waits for the disk.
  if (background_) prepare_ahead();
  settle_all();
  if (written_.load(std::memory_order_acquire) - durable_.load(std::memory_order_acquire) > kDirtyBytesMax)
    (void)sync_written(Settle::kNeeded);
  if (background_) sync_ahead();
  const std::uint64_t durable = durable_.load(std::memory_order_acquire);
  const bool failed = state_.load(std::memory_order_acquire) == State::kFailed;
  const bool beside = beside_news_.exchange(false, std::memory_order_acquire);
  const bool written = written_news_.exchange(false, std::memory_order_acquire) || beside;
  const bool news = written || durable != announced_ || failed != announced_failure_;
  announced_ = durable;
  announced_failure_ = failed;
  return news;
}

// Says beside the newest segment that it was there, so that it is missed when somebody removes it. Nobody waits for the
// mark and nothing hangs on it: where it cannot be made, the next segment gets one, or the next opening makes it.
void LogImpl::mark_newest() {
  if (marked_.load(std::memory_order_relaxed) == named_.load(std::memory_order_acquire) || !mark_mutex_.try_lock())
    return;
  const base::MutexLock lock(mark_mutex_, std::adopt_lock);
  // Both under the lock: somebody else may have marked a later one meanwhile.
  const std::uint64_t before = marked_.load(std::memory_order_relaxed);
  const std::uint64_t newest = named_.load(std::memory_order_acquire);
  STAVE_ASSERT(before <= newest);
  if (before == newest) return;
  try {
    const auto made = files_.open(join_path(directory_, newest_name(Lsn{newest})), OpenMode::kCreate);
    const bool there = made || made.error().code() == ErrorCode::kConflict;
    if (there && before != 0) static_cast<void>(files_.remove(join_path(directory_, newest_name(Lsn{before}))));
  } catch (const std::bad_alloc&) {
    return;  // the next round tries again
  }
  marked_.store(newest, std::memory_order_relaxed);
}

// One step of preparing what the next writes need.
void LogImpl::prepare_ahead() {
  if (state_.load(std::memory_order_acquire) != State::kOpen) return;
  mark_newest();
  auto done = space_.prepare(tail_.end() + std::min(segment_bytes_, kAheadBytes), Use::kWrite);
  if (done) {
    full_.store(false, std::memory_order_relaxed);
  } else if (done.error().code() != ErrorCode::kNoSpace) {
    latch(std::move(done).error());
  } else if (const std::uint64_t limit = tail_.limit(); limit != 0 && limit <= tail_.end()) {
    note_full(done.error());  // nobody was refused yet, and everybody would be
  }
}

void LogImpl::sync_ahead() {
  base::MutexLock lock(ahead_mutex_);
  if (state_.load(std::memory_order_acquire) != State::kOpen) return;
  auto done = space_.sync_ahead();
  if (!done) latch(std::move(done).error());
}

void LogImpl::settle_all() {
  if (unsettled_.load(std::memory_order_relaxed) != 0 && state_.load(std::memory_order_acquire) == State::kOpen)
    (void)sync_written(Settle::kAll);
}

void LogImpl::roll_by_age(UnixMs wall) {
  if (segment_age_ms_ <= 0) return;
  base::MutexLock lock(write_mutex_);
  if (!active_since_ || wall - *active_since_ < segment_age_ms_) return;
  if (!write_out(tail_.complete()) || placed() == active_base_) return;
  if (!active_since_ || wall - *active_since_ < segment_age_ms_) return;
  // Too much admitted already, or no room: the next tick tries again. Anything else is latched.
  (void)roll_gently(Use::kWrite);
}

std::uint64_t LogImpl::tick(std::uint64_t now_ns, UnixMs wall) {
  if (state_.load(std::memory_order_acquire) != State::kOpen) return kIdleTickNs;
  base::MutexLock lock(tick_mutex_);
  // A write may be one tick older than the tick that first saw it, and the next tick may be too late.
  const std::uint64_t sync_due_ns = sync_interval_ns_ - std::min(sync_interval_ns_ / 2, 2 * kIdleTickNs);
  const bool lingering = tail_.end() > placed();
  if (lingering) (void)write_out_now();
  if (tail_.end() == durable_.load(std::memory_order_acquire)) {
    unsynced_since_ns_ = 0;
  } else if (unsynced_since_ns_ == 0) {
    unsynced_since_ns_ = now_ns;
  } else if (interval_sync_.load(std::memory_order_relaxed) && now_ns - unsynced_since_ns_ >= sync_due_ns) {
    unsynced_since_ns_ = 0;
    // What lies behind a large batch that is being written has to wait for it; this thread does not.
    (void)wait_durable(Lsn{std::min(tail_.end(), first_beside_.load(std::memory_order_acquire))});
  }
  roll_by_age(wall);
  prepare_ahead();
  if (!background_) settle_all();
  sync_ahead();
  return std::min(lingering ? kBusyTickNs : kIdleTickNs, std::max<std::uint64_t>(sync_interval_ns_ / 4, 1));
}

Result<void> LogImpl::write_close_mark(UnixMs now) {
  const std::uint64_t at = placed();
  // The mark says that everything before it is on disk.
  STAVE_ASSERT(durable_.load(std::memory_order_acquire) == at && at == tail_.end());
  const RecordSpec mark{.kind = RecordKind::kClose, .time = now};
  std::array<std::byte, Space::kCloseBytes> bytes{};
  const std::size_t size = encoded_size(mark);
  STAVE_ASSERT(size <= bytes.size());
  encode(mark, kCommit | kAfterSync, Lsn{at}, seed_, bytes.data());
  STAVE_TRY(write_to(*active_, active_base_, std::span(bytes).first(size), at));
  tail_.skip_to(at + size);
  advance_written();
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
  STAVE_TRY(write_out_patiently(tail_.end()));
  {
    base::MutexLock lock(write_mutex_);
    STAVE_TRY(sync_written(Settle::kAll));
    // A follower's log has the records of its leader's and no others.
    if (!following_.load(std::memory_order_relaxed)) {
      STAVE_TRY(write_close_mark(now));
      STAVE_TRY(sync_written(Settle::kAll));
    }
    STAVE_ASSERT(durable_.load(std::memory_order_acquire) == tail_.end());
    File& file = *active_;
    const std::uint64_t size = kSegmentHeaderBytes + (placed() - active_base_);
    auto trimmed = patience_.run([&] { return file.truncate(size); });
    if (!trimmed) return latch(std::move(trimmed).error());
  }
  mark_newest();
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
