#include "store/expiry.h"

#include <algorithm>
#include <new>
#include <span>

#include "base/interleave.h"
#include "base/try.h"
#include "log/value_address.h"
#include "store/change_notes.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

// Reads are not logged one by one. The exact deadline is kept in memory; the log hears of it once per eighth of the
// period (when the deadline enters a new eighth), so that a restart finds one that is at most an eighth early.
void Deadlines::refresh(Entry entry, KeyRef key, UnixMs time) {
  if (follows_.load(std::memory_order_relaxed)) [[unlikely]]
    return;
  const Expiry old = entry.expiry();
  const Expiry fresh{.at = time + old.sliding_ms, .sliding_ms = old.sliding_ms};
  if (fresh.at <= old.at) return;
  entry.set_deadline(fresh.at);
  const std::int64_t quantum = std::max<std::int64_t>(old.sliding_ms / 8, 1);
  if (raw(fresh.at) / quantum == raw(old.at) / quantum) return;
  const log::ValueAddress where(entry.address());
  const log::RecordSpec record{.kind = log::RecordKind::kRefresh,
                               .database = number_of(keyspace_, key.database),
                               .time = time,
                               .expiry = fresh,
                               .prev = entry.newest_record(),
                               .key = key.key,
                               .payload = where.payload()};
  Lsn lsn = kNoLsn;
  // A log that refuses (full disk, read-only) only makes the deadline after a restart an earlier one.
  static_cast<void>(log_->append(std::span(&record, 1), std::span(&lsn, 1)));
}

UnixMs Deadlines::next() const noexcept {
  if (!active_.load(std::memory_order_relaxed) || follows_.load(std::memory_order_relaxed))
    return keyspace::kNoDeadline;
  return std::max(keyspace_.next_deadline(), UnixMs{refused_until_.load(std::memory_order_relaxed)});
}

bool Deadlines::expire_due() {
  const UnixMs time = time_.now();
  if (next() > time) return false;
  bool more = false;
  for (ShardId id = 0; id < keyspace_.shard_count(); ++id) {
    base::interleave::yield_point("expiry: next shard");
    if (keyspace_.shard(id).next_deadline() <= time) more |= expire_shard(id, time);
  }
  keyspace_.find_next_deadline();
  return more;
}

bool Deadlines::expire_shard(ShardId id, UnixMs time) try {
  constexpr std::size_t kStep = 64;
  constexpr std::int64_t kRefusedMs = 100;
  Shard& shard = keyspace_.shard(id);
  std::vector<std::string> keys;
  base::ShortLock lock(shard.mutex());
  shard.collect_due(time, kStep, keys);
  if (keys.empty()) return false;
  const std::size_t gone = remove_logged(id, keys, log::RecordKind::kExpire);
  expired_keys_.fetch_add(gone, std::memory_order_relaxed);
  // Refused: the keys stay, unseen by anybody, until the log takes writes again.
  if (gone == 0) refused_until_.store(raw(time) + kRefusedMs, std::memory_order_relaxed);
  return gone == kStep;
} catch (const std::bad_alloc&) {
  return false;  // likewise
}

std::size_t Deadlines::remove_logged(ShardId id, const std::vector<std::string>& keys, log::RecordKind why) {
  const auto database = number_of(keyspace_, static_cast<int>(id / keyspace_.shards_per_database()));
  Shard& shard = keyspace_.shard(id);
  const UnixMs time = time_.now();
  std::vector<log::RecordSpec> batch;
  std::vector<Orphans::Pages> left;
  for (const std::string& key : keys) {
    const Entry entry = shard.find(keyspace_.hash(key), key);
    log::RecordSpec record{.kind = why, .database = database, .time = time, .key = key};
    if (entry) {
      const Expiry expiry = entry.expiry();
      record.prev = entry.newest_record();
      if (is_root(entry.type())) left.push_back(orphans_.left_by(entry));
      // Whoever takes what has expired takes what is no longer there.
      if (expiry.passed(time)) record.kind = log::RecordKind::kExpire;
      // Reads put a sliding deadline off without a trace: without this nobody could tell when it was.
      if (record.kind == log::RecordKind::kExpire && expiry.sliding_ms != 0) record.expiry = {.at = expiry.at};
    }
    batch.push_back(record);
  }
  std::vector<Lsn> lsns(batch.size());
  auto end = log_->append(batch, lsns);
  if (!end) return 0;
  for (const std::string& key : keys) shard.erase(keyspace_.hash(key), key);
  shard.set_removal_mark(*end);
  if (watch_.any()) [[unlikely]]
    for (const log::RecordSpec& record : batch) tell(id, record.key, record.kind == log::RecordKind::kEvict, *end);
  for (const Orphans::Pages& pages : left) orphans_.abandon(pages);
  return keys.size();
}

// Under the lock: whoever makes the key anew is told of later.
void Deadlines::tell(ShardId id, std::string_view key, bool evicted, Lsn end) noexcept {
  const auto database = static_cast<int>(id / keyspace_.shards_per_database());
  if (database == pages_database(keyspace_) || watch_.listener() == nullptr) return;
  if (const std::uint64_t hash = keyspace_.hash(key); watch_.wants(hash))
    watch_.listener()->left({.database = database, .key = key, .hash = hash}, evicted, end);
}

void Deadlines::end_of_leaving() noexcept {
  if (watch_.any() && watch_.listener() != nullptr) [[unlikely]]
    watch_.listener()->after_leaving();
}

bool Deadlines::passed_untold(Entry entry, UnixMs time) noexcept {
  if (!entry.has_expiry()) return false;
  const Expiry expiry = entry.expiry();
  return expiry.sliding_ms != 0 && expiry.passed(time);
}

Result<void> Deadlines::collect(ShardId id, std::string_view key) try {
  STAVE_TRY(log_->writable());
  if (remove_logged(id, {std::string(key)}, log::RecordKind::kExpire) == 0)
    return fail(ErrorCode::kNoSpace, "the log has no room to tell that the key had expired");
  expired_keys_.fetch_add(1, std::memory_order_relaxed);
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to tell that the key had expired");
}

}  // namespace stave::store
