#include "store/expiry.h"

#include <algorithm>
#include <span>

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

// Reads are not logged one by one. The exact deadline is kept in memory; the log hears of it once per eighth of the
// period (when the deadline enters a new eighth), so that a restart finds one that is at most an eighth early.
void Deadlines::refresh(Entry entry, KeyRef key, UnixMs time) {
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

void Deadlines::note(UnixMs at) noexcept {
  if (raw(at) == 0) return;
  std::int64_t earliest = earliest_.load(std::memory_order_relaxed);
  while (raw(at) < earliest && !earliest_.compare_exchange_weak(earliest, raw(at), std::memory_order_relaxed)) {
  }
}

bool Deadlines::expire_due() {
  if (!active_.load(std::memory_order_relaxed)) return false;
  const UnixMs time = time_.now();
  if (earliest_.load(std::memory_order_relaxed) > raw(time)) return false;
  // Writers may lower it while the shards are visited; what is found below can only lower it further.
  earliest_.store(kNever, std::memory_order_relaxed);
  bool more = false;
  for (ShardId id = 0; id < keyspace_.shard_count(); ++id) {
    if (keyspace_.shard(id).next_deadline() <= time) more |= expire_shard(id, time);
    const UnixMs next = keyspace_.shard(id).next_deadline();
    if (raw(next) != kNever) note(next);
  }
  return more;
}

bool Deadlines::expire_shard(ShardId id, UnixMs time) try {
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
} catch (const std::bad_alloc&) {
  return false;  // likewise
}

std::size_t Deadlines::remove_logged(ShardId id, const std::vector<std::string>& keys, log::RecordKind why) {
  const auto database = static_cast<std::uint8_t>(id / keyspace_.shards_per_database());
  Shard& shard = keyspace_.shard(id);
  const UnixMs time = time_.now();
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

}  // namespace stave::store
