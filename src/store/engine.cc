// What the rest of the engine leans on: waiting for the disk, time, expiry, housekeeping, figures.
#include "store/engine.h"

#include <algorithm>

#include "base/thread.h"
#include "base/try.h"
#include "store/compression.h"
#include "store/fetcher.h"
#include "store/upkeep.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

// --- durability --------------------------------------------------------------------------------------

Pending Engine::pending_for_write(Lsn end, Sync sync) const noexcept {
  const Sync policy = sync == Sync::kDefault ? sync_policy() : sync;
  if (policy == Sync::kAlways) return {.durable = end};
  return {.written = end};
}

Result<void> Engine::wait(const Pending& pending) {
  if (pending.durable > log_->durable()) STAVE_TRY(log_->wait_durable(pending.durable));
  if (pending.written > log_->written()) STAVE_TRY(log_->wait_written(pending.written));
  return {};
}

Result<void> Engine::sync() {
  return log_->wait_durable(log_->tail());
}

Result<void> Engine::checkpoint() {
  return upkeep_->checkpoint();
}
Result<CleanReport> Engine::clean() {
  return upkeep_->clean();
}

// --- time and expiry ---------------------------------------------------------------------------------

UnixMs Engine::now() noexcept {
  const std::int64_t wall = raw(clock_->wall());
  std::int64_t last = last_wall_ms_.load(std::memory_order_relaxed);
  while (wall > last && !last_wall_ms_.compare_exchange_weak(last, wall, std::memory_order_relaxed)) {
  }
  return UnixMs{std::max(wall, last)};
}

// Reads are not logged one by one. The exact deadline is kept in memory; the log hears of it once per eighth of the
// period (when the deadline enters a new eighth), so that a restart finds one that is at most an eighth early.
void Engine::refresh_sliding(Entry entry, KeyRef key, UnixMs time) {
  const Expiry old = entry.expiry();
  const Expiry fresh{.at = time + old.sliding_ms, .sliding_ms = old.sliding_ms};
  if (fresh.at <= old.at) return;
  entry.set_deadline(fresh.at);
  const std::int64_t quantum = std::max<std::int64_t>(old.sliding_ms / 8, 1);
  if (raw(fresh.at) / quantum == raw(old.at) / quantum) return;
  const log::RecordSpec record{.kind = log::RecordKind::kRefresh,
                               .database = static_cast<std::uint8_t>(key.database),
                               .time = time,
                               .expiry = fresh,
                               .prev = entry.address(),
                               .key = key.key};
  Lsn lsn = kNoLsn;
  // A log that refuses (full disk, read-only) only makes the deadline after a restart an earlier one.
  static_cast<void>(log_->append(std::span(&record, 1), std::span(&lsn, 1)));
}

void Engine::note_deadline(UnixMs at) noexcept {
  if (raw(at) == 0) return;
  std::int64_t earliest = earliest_deadline_.load(std::memory_order_relaxed);
  while (raw(at) < earliest &&
         !earliest_deadline_.compare_exchange_weak(earliest, raw(at), std::memory_order_relaxed)) {
  }
}

// Removes what is due, a bounded step; true when there is more to do at once.
bool Engine::expire_due() {
  if (!active_expiry_.load(std::memory_order_relaxed)) return false;
  const UnixMs time = now();
  if (earliest_deadline_.load(std::memory_order_relaxed) > raw(time)) return false;
  // Writers may lower it while the shards are visited; what is found below can only lower it further.
  earliest_deadline_.store(kNoDeadline, std::memory_order_relaxed);
  bool more = false;
  for (ShardId id = 0; id < keyspace_.shard_count(); ++id) {
    if (keyspace_.shard(id).next_deadline() <= time) more |= expire_shard(id, time);
    const UnixMs next = keyspace_.shard(id).next_deadline();
    if (raw(next) != kNoDeadline) note_deadline(next);
  }
  return more;
}

bool Engine::expire_shard(ShardId id, UnixMs time) {
  constexpr std::size_t kStep = 64;
  Shard& shard = keyspace_.shard(id);
  std::vector<std::string> keys;
  base::ShortLock lock(shard.mutex());
  shard.collect_due(time, kStep, keys);
  if (keys.empty()) return false;
  const std::size_t gone = remove_logged(id, keys, log::RecordKind::kExpire);
  expired_keys_.fetch_add(gone, std::memory_order_relaxed);
  // Refused: the keys stay, unseen by anybody, until the log takes writes again.
  return gone == kStep;
}

std::size_t Engine::remove_logged(ShardId id, const std::vector<std::string>& keys, log::RecordKind why) {
  const auto database = static_cast<std::uint8_t>(id / keyspace_.shards_per_database());
  Shard& shard = keyspace_.shard(id);
  const UnixMs time = now();
  std::vector<log::RecordSpec> batch;
  for (const std::string& key : keys) {
    const Entry entry = shard.find(keyspace_.hash(key), key);
    batch.push_back(
        {.kind = why, .database = database, .time = time, .prev = entry ? entry.address() : kNoLsn, .key = key});
  }
  std::vector<Lsn> lsns(batch.size());
  auto end = log_->append(batch, lsns);
  if (!end) return 0;
  for (const std::string& key : keys) shard.erase(keyspace_.hash(key), key);
  shard.set_removal_mark(*end);
  return keys.size();
}

// --- housekeeping ------------------------------------------------------------------------------------

std::uint64_t Engine::tick() {
  const bool more = expire_due();
  budget_.measure_process();
  if (!options_.background) upkeep_->tick();
  const std::uint64_t log_ns = log_->tick(clock_->monotonic_ns(), now());
  return more ? 0 : log_ns;
}

void Engine::housekeeping() {
  base::enter_thread("stave-keeper");
  constexpr std::int64_t kSleepMaxMs = 100;
  for (;;) {
    const auto log_ms = static_cast<std::int64_t>(std::min<std::uint64_t>(tick(), 1'000'000'000) / 1'000'000);
    const std::int64_t earliest = earliest_deadline_.load(std::memory_order_relaxed);
    const std::int64_t expiry_ms = earliest == kNoDeadline ? kSleepMaxMs : earliest - raw(now());
    std::vector<std::shared_ptr<Shard>> dead;
    {
      base::MutexLock lock(housekeeping_mutex_);
      if (stopping_) return;
      if (graveyard_.empty())
        housekeeping_wake_.wait_for_ms(housekeeping_mutex_,
                                       std::clamp<std::int64_t>(std::min(log_ms, expiry_ms), 1, kSleepMaxMs));
      dead.swap(graveyard_);
    }
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

void Engine::train_compression() {
  if (compression_->training_due()) static_cast<void>(compression_->train());
}

EngineStats Engine::stats() {
  EngineStats stats;
  stats.log = log_->stats();
  for (int database = 0; database < options_.databases; ++database) stats.memory += keyspace_.memory(database);
  stats.memory.slack += keyspace_.free_block_bytes();
  stats.memory_buffers = options_.log_buffer_bytes;
  stats.expired_keys = expired_keys_.load(std::memory_order_relaxed);
  stats.budget = budget_.stats();
  stats.checkpoints = upkeep_->checkpoint_stats();
  stats.cleaner = upkeep_->cleaner_stats();
  stats.fetched_values = fetched_values_.load(std::memory_order_relaxed);
  stats.warmed_values = warmed_values_.load(std::memory_order_relaxed);
  stats.warming = warming_.load(std::memory_order_relaxed);
  stats.recovered_keys = recovered_keys_;
  stats.recovery = recovery_;
  stats.recovery_ns = recovery_ns_;
  stats.opened = opened_;
  return stats;
}

}  // namespace stave::store
