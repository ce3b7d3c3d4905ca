// What the rest of the engine leans on: waiting for the disk, fetching, housekeeping, figures.
#include "store/engine.h"

#include <algorithm>
#include <numeric>

#include "base/no_memory.h"
#include "base/thread.h"
#include "base/try.h"
#include "packing/compression.h"
#include "store/fetcher.h"
#include "store/upkeep.h"

namespace stave::store {

using keyspace::Shard;
using keyspace::ShardId;

// --- durability --------------------------------------------------------------------------------------

Pending Engine::pending_for_write(Lsn end, Sync sync) const noexcept {
  const Sync policy = sync == Sync::kDefault ? sync_policy() : sync;
  Pending pending;
  (policy == Sync::kAlways ? pending.durable : pending.written) = end;
  if (const std::uint32_t count = replicas_.durable(); count != 0 && !follows()) [[unlikely]]
    pending.require(end, count);
  return pending;
}

Result<void> Engine::wait(const Pending& pending) try {
  if (pending.durable > log_->durable()) STAVE_TRY(log_->wait_durable(pending.durable));
  if (pending.written > log_->written()) STAVE_TRY(log_->wait_written(pending.written));
  return {};
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

Result<void> Engine::sync() try { return log_->wait_durable(log_->tail()); } catch (const std::bad_alloc&) {
  return base::no_memory();
}

Result<void> Engine::checkpoint() try { return upkeep_->checkpoint(); } catch (const std::bad_alloc&) {
  return base::no_memory();
}
Result<CleanReport> Engine::clean() try { return upkeep_->clean(); } catch (const std::bad_alloc&) {
  return base::no_memory();
}

// --- values that are in the log only -----------------------------------------------------------------

void Engine::fetch(std::span<const KeyRef> keys, std::function<void()> done) {
  fetcher_->fetch(keys, std::move(done));
}

void Engine::aside(std::function<void()> work) {
  fetcher_->run(std::move(work));
}

void Engine::write_later(std::shared_ptr<LargeBatch> batch) noexcept {
  if (!options_.background) return batch->write();
  try {
    large_writers_.run([batch] { batch->write(); });
  } catch (const std::bad_alloc&) {
    batch->write();
  }
}

// --- housekeeping ------------------------------------------------------------------------------------

void Engine::tell_news_of_time() {
  if (const std::string news = time_.take_news(); !news.empty() && options_.notice) options_.notice(news);
}

std::uint64_t Engine::tick() try {
  time_.look();
  tell_news_of_time();
  bool more = deadlines_.expire_due();
  budget_.measure_process();
  if (!follows()) more |= orphans_.remove_some(keyspace_, deadlines_);
  more |= budget_.relieve();
  deadlines_.end_of_leaving();
  more |= graveyard_.step();
  more |= keyspace_.free_some();
  const std::uint64_t now_ns = clock_->monotonic_ns();
  check_claim(now_ns);
  if (!options_.background) upkeep_->tick();
  const std::uint64_t log_ns = log_->tick(now_ns, now());
  return more ? 0 : log_ns;
} catch (const std::bad_alloc&) {
  return 0;  // what could not be done is done the next time
}

void Engine::check_claim(std::uint64_t now_ns) {
  constexpr std::uint64_t kEveryNs = 1'000'000'000;
  if (now_ns - claim_checked_ns_ < kEveryNs) return;
  claim_checked_ns_ = now_ns;
  tell_of_disk();
  if (!log_->health()) return;
  static_cast<void>(still_ours());  // what follows from it is done
  tell_of_slow_syncs(now_ns);
}

// Clients are told with every write that is refused; whoever runs the store, once.
void Engine::tell_of_disk() {
  if (!options_.notice) return;
  Disk found = Disk::kWell;
  std::string why;
  if (const auto well = log_->health(); !well) {
    found = Disk::kFailed;
    why = well.error().describe();
  } else if (const auto open = log_->writable(); !open && open.error().code() == ErrorCode::kNoSpace) {
    found = Disk::kFull;
    why = "writes are refused: " + open.error().describe();
  } else if (const auto room = log_->room(); !room) {
    found = Disk::kLow;
    why = "the disk is nearly full, and soon writes will be refused: " + room.error().describe();
  }
  const Disk before = std::exchange(disk_, found);
  if (found == before) return;
  // Another store in its place was told when it was found out.
  if (found == Disk::kFailed && claim_lost_.load(std::memory_order_relaxed)) return;
  if (found == Disk::kWell) why = "the disk has room again, and takes all writes";
  options_.notice(why);
}

// Who waits for the disk sees slow answers and nothing else; this says whose fault it is.
void Engine::tell_of_slow_syncs(std::uint64_t now_ns) {
  constexpr std::size_t kSlowFrom = 31;  // 2^30 ns: a second
  constexpr std::uint64_t kEveryNs = 10'000'000'000;
  if (!options_.notice || (slow_syncs_ != 0 && now_ns - slow_syncs_told_ns_ < kEveryNs)) return;
  const log::DurationCounts counts = log_->stats().sync_counts;
  const std::uint64_t slow = std::accumulate(counts.begin() + kSlowFrom, counts.end(), std::uint64_t{0});
  const std::uint64_t fresh = slow - std::exchange(slow_syncs_, slow);
  if (fresh == 0) return;
  slow_syncs_told_ns_ = now_ns;
  options_.notice((fresh == 1 ? "a sync" : std::to_string(fresh) + " syncs") +
                  " of the log took more than a second; durable writes waited for it. Look at the disk and at who else "
                  "uses it");
}

Result<void> Engine::still_ours() {
  STAVE_TRY(log_->health());
  base::MutexLock lock(claim_mutex_);
  auto ours = claim_.check();
  if (ours) return {};
  claim_lost_.store(true, std::memory_order_relaxed);
  if (options_.notice) options_.notice(ours.error().describe());
  log_->give_up(ours.error().clone());
  return ours;
}

void Engine::housekeeping() {
  base::enter_thread("stave-keeper");
  constexpr std::int64_t kSleepMaxMs = 100;
  for (;;) {
    const auto log_ms = static_cast<std::int64_t>(std::min<std::uint64_t>(tick(), 1'000'000'000) / 1'000'000);
    const UnixMs next = deadlines_.next();
    const std::int64_t expiry_ms = next == keyspace::kNoDeadline ? kSleepMaxMs : next - now();
    base::MutexLock lock(housekeeping_mutex_);
    if (stopping_) return;
    if (!woken_)
      housekeeping_wake_.wait_for_ms(housekeeping_mutex_,
                                     std::clamp<std::int64_t>(std::min(log_ms, expiry_ms), 1, kSleepMaxMs));
    woken_ = false;
  }
}

std::uint64_t Engine::live_log_bytes() const noexcept {
  std::uint64_t data = 0;
  std::uint64_t keys = 0;
  for (ShardId id = 0; id < keyspace_.shard_count(); ++id) {
    data += keyspace_.shard(id).data_bytes();
    keys += keyspace_.shard(id).size();
  }
  return static_cast<std::uint64_t>(static_cast<double>(data + keys * log::kRecordHeaderBytes) *
                                    upkeep_->stored_ratio());
}

void Engine::saw_identity(Lsn identity) noexcept {
  std::uint64_t newest = newest_identity_.load(std::memory_order_relaxed);
  while (newest < raw(identity) &&
         !newest_identity_.compare_exchange_weak(newest, raw(identity), std::memory_order_relaxed)) {
  }
}

Lsn Engine::new_identity() noexcept {
  std::uint64_t newest = newest_identity_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    next = std::max(newest + 1, raw(log_->tail()));
  } while (!newest_identity_.compare_exchange_weak(newest, next, std::memory_order_relaxed));
  return Lsn{next};
}

void Engine::train_compression() {
  if (!follows() && compression_->training_due() && still_ours()) static_cast<void>(compression_->train());
}

EngineStats Engine::stats() {
  EngineStats stats;
  stats.log = log_->stats();
  for (int database = 0; database < keyspace_.databases(); ++database) {
    keyspace::MemoryUse use = keyspace_.memory(database);
    if (database == pages_database(keyspace_)) use.keys = 0;  // pages are part of keys, and none themselves
    stats.memory += use;
  }
  stats.memory.slack += keyspace_.free_block_bytes();
  stats.memory_buffers = options_.log_buffer_bytes;
  stats.expired_keys = deadlines_.expired_keys();
  stats.budget = budget_.stats();
  stats.checkpoints = upkeep_->checkpoint_stats();
  stats.cleaner = upkeep_->cleaner_stats();
  stats.fetched_values = residence_.fetched();
  stats.warmed_values = residence_.warmed();
  stats.warming = upkeep_->warming();
  stats.buried = graveyard_.size();
  stats.recovered_keys = recovered_keys_;
  stats.recovery = recovery_;
  stats.recovery_ns = recovery_ns_;
  stats.opened = opened_;
  stats.clock_offset_ms = time_.offset_ms();
  stats.clock_jumps = time_.jumps();
  return stats;
}

}  // namespace stave::store
