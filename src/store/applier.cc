#include "store/applier.h"

#include <new>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "store/change.h"
#include "store/shard_locks.h"
#include "store/terms.h"
#include "store/upkeep.h"

namespace stave::store {

using keyspace::Shard;

Result<void> Applier::add(std::span<const log::RecordView> batch) try {
  STAVE_ASSERT(!batch.empty() && batch.back().commit() && engine_.follows());
  STAVE_TRY(prepare(batch));
  if (!upheavals_.empty()) {
    STAVE_TRY(apply_upheaval(batch));
  } else {
    STAVE_TRY(apply_keys(batch));
  }
  note_marks(batch);
  return {};
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

// Everything that can be found to be wrong with the batch is, before any of it counts.
Result<void> Applier::prepare(std::span<const log::RecordView> batch) {
  steps_.clear();
  upheavals_.clear();
  keyspace::Keyspace& keyspace = engine_.keyspace();
  for (const log::RecordView& record : batch) {
    if (!log::traits(record.kind).known)
      return fail(ErrorCode::kUnsupported, "the leader's log holds a kind of record (" +
                                               std::to_string(static_cast<int>(record.kind)) +
                                               ") that this version does not know; use a newer Stave here");
    engine_.time().saw(record.time);
    if (log::has_key(record.kind)) {
      const std::uint64_t hash = keyspace.hash(record.key);
      STAVE_ASSIGN(const Change change, change_of(engine_, record, hash));
      steps_.push_back({change, &record, keyspace.shard_id(change.database, hash, record.key)});
      keyspace.shard(steps_.back().shard).prefetch_bucket(hash);
    } else if (record.kind == log::RecordKind::kFlush) {
      STAVE_ASSIGN(const int database, database_of_record(engine_, record));
      upheavals_.push_back({.first = database, .second = -1, .lsn = record.lsn});
    } else if (record.kind == log::RecordKind::kSwap) {
      STAVE_ASSIGN(const int database, database_of_record(engine_, record));
      const int other = record.payload.empty() ? -1 : static_cast<unsigned char>(record.payload[0]);
      if (other < 0 || other >= engine_.options().databases)
        return fail(ErrorCode::kCorrupt, "a swap record names no database of this store");
      upheavals_.push_back({.first = database, .second = other, .lsn = record.lsn});
    } else if (record.kind == log::RecordKind::kTerm) {
      STAVE_TRY(engine_.terms().learn(record));
    }
  }
  // No writer makes such a batch: whole databases are changed by themselves.
  if (!upheavals_.empty() && !steps_.empty())
    return fail(ErrorCode::kUnsupported,
                "the leader's log holds a batch of keys and of whole databases; use a newer Stave here");
  return {};
}

Result<void> Applier::apply_upheaval(std::span<const log::RecordView> batch) {
  auto done = engine_.world().take_over(upheavals_, [&] { return engine_.log().append_at(batch, copy_); });
  copy_.write();
  if (!done) return fail(std::move(done).error());
  return {};
}

Result<void> Applier::apply_keys(std::span<const log::RecordView> batch) {
  ShardLocks locks(engine_.keyspace());
  locks.reserve(steps_.size());
  for (const Step& step : steps_) locks.add(step.shard);
  locks.lock();
  // Under the locks: who looks at a shard and at the log's end finds in the one what the other has.
  STAVE_ASSIGN(const Lsn end, engine_.log().append_at(batch, copy_));
  const auto applied = [&]() -> Result<void> {
    try {
      for (const Step& step : steps_) {
        Shard& shard = engine_.keyspace().shard(step.shard);
        locks.assume_held(shard);
        STAVE_TRY(apply_change(engine_, step.change, step.record, shard));
        if (log::traits(step.change.kind).removes_key) shard.set_removal_mark(end);
      }
      return {};
    } catch (const std::bad_alloc&) {
      return base::no_memory();
    }
  }();
  locks.unlock();
  copy_.write();
  if (!applied) {
    // The log has what the index has not: nobody is to build on that.
    engine_.log().give_up(applied.error().clone());
    return fail(applied.error().clone());
  }
  engine_.budget().settle();
  return {};
}

void Applier::note_marks(std::span<const log::RecordView> batch) {
  for (const log::RecordView& record : batch)
    if (record.kind == log::RecordKind::kTrim && record.payload.size() == sizeof(std::uint64_t))
      engine_.upkeep().note_boundary(
          Lsn{base::load<std::uint64_t>(reinterpret_cast<const std::byte*>(record.payload.data()))});
}

}  // namespace stave::store
