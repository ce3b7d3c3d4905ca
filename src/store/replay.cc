#include "store/replay.h"

#include <algorithm>
#include <bit>
#include <string>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "store/change.h"
#include "store/pages.h"
#include "store/recovery_progress.h"
#include "store/upkeep.h"

namespace stave::store {

using keyspace::Shard;
using keyspace::ShardId;

Replay::Replay(Engine& engine, const Plan& plan)
    : engine_(engine), plan_(plan), growth_(engine.keyspace().shard_count(), Growth{.keys = 0, .at = plan.begin}) {
  if (plan.image != nullptr) knowledge_.emplace(*plan.image);
  if (plan.threads == 0) return;
  engine_.residence().note_spilled();
  lanes_.emplace(plan.threads, [this](std::span<const Change> changes) { return apply_batch(changes); });
}

Result<void> Replay::add(std::span<const log::RecordView> run) {
  std::uint64_t bytes = 0;
  for (const log::RecordView& record : run) bytes += record.length;
  plan_.progress->add(bytes, run.size());
  for (const log::RecordView& record : run) STAVE_TRY(take(record));
  if (lanes_) return {};
  STAVE_TRY(settle());
  // Values that found room make some for the keys that came since.
  engine_.budget().settle();
  return {};
}

Result<void> Replay::finish() STAVE_NO_THREAD_SAFETY_ANALYSIS {
  STAVE_TRY(settle());
  for (ShardId id = 0; id < growth_.size(); ++id)
    if (growth_[id].keys != 0) engine_.keyspace().shard(id).trim();
  return {};
}

// --- on the thread that reads ----------------------------------------------------------------------------------------

bool Replay::known(const log::RecordView& record, std::uint64_t hash) const noexcept {
  return knowledge_ && record.lsn < knowledge_->newest() &&
         record.lsn < knowledge_->as_of(record.database, hash, record.key);
}

Result<void> Replay::take(const log::RecordView& record) {
  engine_.time().saw(record.time);
  const bool keyed = log::has_key(record.kind);
  const std::uint64_t hash = keyed ? engine_.keyspace().hash(record.key) : 0;
  if (keyed && known(record, hash)) return {};
  if (!keyed) return take_without_key(record);
  STAVE_ASSIGN(const Change change, change_of(engine_, record, hash));
  if (lanes_) return lanes_->add(lane_of(change), change);
  window_[windowed_] = change;
  records_[windowed_] = &record;
  return ++windowed_ == kWindow ? settle() : Result<void>{};
}

/// Neighbouring shards are of one lane, those of all databases that have the same number too.
std::size_t Replay::lane_of(const Change& change) const noexcept {
  const std::size_t shards = engine_.keyspace().shards_per_database();
  const std::size_t number = engine_.keyspace().shard_id(change.database, change.hash, change.key) % shards;
  return number * lanes_->size() >> std::countr_zero(shards);
}

Result<void> Replay::settle() {
  if (lanes_) return lanes_->drain();
  std::array<const Change*, kWindow> order;
  for (std::size_t i = 0; i < windowed_; ++i) order[i] = &window_[i];
  return apply(std::span(order).first(std::exchange(windowed_, 0)), records_.data());
}

Result<void> Replay::take_without_key(const log::RecordView& record) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  keyspace::Keyspace& keyspace = engine_.keyspace();
  STAVE_ASSIGN(const int database, database_of_record(engine_, record));
  switch (record.kind) {
    case log::RecordKind::kFlush:
      STAVE_TRY(settle());
      for (const ShardId id : engine_.world().shards_of(database, database))
        static_cast<void>(keyspace.shard(id).take_contents());
      return {};
    case log::RecordKind::kSwap: {
      const int other = record.payload.empty() ? -1 : static_cast<unsigned char>(record.payload[0]);
      if (other < 0 || other >= engine_.options().databases)
        return fail(ErrorCode::kCorrupt, "a swap record names no database of this store");
      STAVE_TRY(settle());
      const auto first = engine_.world().shards_of(database, database);
      const auto second = engine_.world().shards_of(other, other);
      for (std::size_t i = 0; i < first.size(); ++i) keyspace.shard(first[i]).swap_contents(keyspace.shard(second[i]));
      return {};
    }
    case log::RecordKind::kTrim:
      if (record.payload.size() == sizeof(std::uint64_t))
        engine_.upkeep().note_boundary(
            Lsn{base::load<std::uint64_t>(reinterpret_cast<const std::byte*>(record.payload.data()))});
      return {};
    case log::RecordKind::kTerm: return engine_.terms().saw(record);
    case log::RecordKind::kClose:
    case log::RecordKind::kLost: return {};
    case log::RecordKind::kDelete:
    case log::RecordKind::kExpire:
    case log::RecordKind::kEvict:
    case log::RecordKind::kSetExpiry:
    case log::RecordKind::kPatch:
    case log::RecordKind::kRefresh:
    case log::RecordKind::kString:
    case log::RecordKind::kJson:
    case log::RecordKind::kHash:
    case log::RecordKind::kList:
    case log::RecordKind::kSet:
    case log::RecordKind::kSortedSet:
    case log::RecordKind::kStream:
    case log::RecordKind::kPage:
    case log::RecordKind::kPagedHash:
    case log::RecordKind::kPagedList:
    case log::RecordKind::kPagedSet:
    case log::RecordKind::kPagedSortedSet:
    case log::RecordKind::kPagedStream:
    case log::RecordKind::kPagedString:
    case log::RecordKind::kSketch:
    case log::RecordKind::kPagedSketch: break;
  }
  STAVE_ASSERT(false && "a record with a key has gone the way of those without");
  return {};
}

// --- on whichever thread applies -------------------------------------------------------------------------------------

// Every shard has one thread, and nobody else has the engine: the locks guard nothing yet.

// A batch is gone through shard by shard, so that what a shard touches all the time stays in the nearest cache.
Result<void> Replay::apply_batch(std::span<const Change> batch) {
  constexpr std::size_t kGroups = 256;
  const auto group_of = [&](const Change& change) {
    return engine_.keyspace().shard_id(change.database, change.hash, change.key) % kGroups;
  };
  std::array<std::uint16_t, kGroups + 1> at{};
  for (const Change& change : batch) ++at[group_of(change) + 1];
  for (std::size_t i = 1; i <= kGroups; ++i) at[i] = static_cast<std::uint16_t>(at[i] + at[i - 1]);
  std::array<const Change*, ReplayLanes::kBatchChanges> order;
  for (const Change& change : batch) order[at[group_of(change)]++] = &change;
  for (std::size_t begin = 0; begin < batch.size(); begin += kWindow)
    STAVE_TRY(apply(std::span(order).subspan(begin, std::min(kWindow, batch.size() - begin)), nullptr));
  return {};
}

Result<void> Replay::apply(std::span<const Change* const> window,
                           const log::RecordView* const* records) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  // Three passes, so that the cache misses of the keys overlap instead of adding up.
  for (const Change* change : window)
    engine_.keyspace().shard_of(change->database, change->hash, change->key).prefetch_bucket(change->hash);
  for (const Change* change : window)
    engine_.keyspace().shard_of(change->database, change->hash, change->key).prefetch_entry(change->hash);
  for (std::size_t i = 0; i < window.size(); ++i)
    STAVE_TRY(apply_one(*window[i], records == nullptr ? nullptr : records[i]));
  return {};
}

Result<void> Replay::apply_one(const Change& change, const log::RecordView* record) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  Shard& shard = engine_.keyspace().shard_of(change.database, change.hash, change.key);
  if (shard.full() && log::is_value(change.kind)) [[unlikely]]
    make_way(change, shard);
  return apply_change(engine_, change, record, shard);
}

/// A table that is full grows to what the shard will hold at the end, if keys keep coming as they did since it grew
/// last; but no more than eightfold, for what comes may be the same keys again, and not at the cost of the budget.
void Replay::make_way(const Change& change, Shard& shard) STAVE_NO_THREAD_SAFETY_ANALYSIS {
  constexpr std::uint64_t kLeap = 8;
  constexpr std::uint64_t kBytesPerKey = 6;
  Growth& last = growth_[engine_.keyspace().shard_id(change.database, change.hash, change.key)];
  const std::uint64_t keys = shard.size();
  if (keys <= last.keys || change.lsn <= last.at) last = {.keys = 0, .at = plan_.begin};
  const auto came = static_cast<double>(keys - last.keys);
  const auto read = static_cast<double>(raw(change.lsn) - raw(last.at) + 1);
  const auto left = static_cast<double>(raw(std::max(plan_.end, change.lsn)) - raw(change.lsn));
  const double more = std::min(came * left / read, static_cast<double>((kLeap - 1) * keys));
  if (const auto wanted = keys + static_cast<std::uint64_t>(more); engine_.budget().has_room(wanted * kBytesPerKey))
    shard.reserve(wanted);
  last = {.keys = keys, .at = change.lsn};
}

}  // namespace stave::store
