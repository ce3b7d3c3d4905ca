#include "store/warm_up.h"

#include <array>

#include "base/interleave.h"
#include "base/try.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;

std::optional<unsigned> WarmUp::coldest_that_fits() {
  const std::uint64_t limit = engine_.budget().max();
  if (limit == 0) return 0u;
  std::array<std::uint64_t, Entry::kHeatMax + 1> bytes{};
  for (keyspace::ShardId id = 0; id < engine_.keyspace().shard_count(); ++id) {
    Shard& shard = engine_.keyspace().shard(id);
    for (std::uint64_t position = 0; position < Shard::kScanEnd;) {
      base::ShortLock lock(shard.mutex());
      position = shard.scan(position, 128, [&](Entry entry) {
        if (!entry.resident()) bytes[entry.heat()] += entry.value_size();
      });
    }
  }
  std::uint64_t room = limit - std::min(limit, engine_.budget().used());
  std::uint64_t wanted = 0;
  unsigned coldest = Entry::kHeatMax;
  for (unsigned heat = Entry::kHeatMax;; --heat) {
    if (bytes[heat] > room) break;
    room -= bytes[heat];
    wanted += bytes[heat];
    coldest = heat;
    if (heat == 0) break;
  }
  if (wanted == 0) return std::nullopt;
  return coldest;
}

Result<void> WarmUp::run(const std::atomic<bool>& stop) {
  const std::optional<unsigned> coldest = coldest_that_fits();
  if (!coldest) return {};
  const Lsn end = engine_.log().written();
  for (const log::SegmentInfo& segment : engine_.log().segments()) {
    if (stop.load(std::memory_order_relaxed) || segment.base >= end) break;
    // A segment that is dropped meanwhile had nothing in it that is alive; what is damaged is met by whoever asks for
    // it.
    auto done = engine_.log().scan(segment.base, std::min(segment.end, end),
                                   [&](std::span<const log::RecordView> run) -> Result<void> {
                                     if (stop.load(std::memory_order_relaxed))
                                       return fail(ErrorCode::kAborted, "the store is closing");
                                     for (const log::RecordView& record : run) bring(record, *coldest);
                                     return {};
                                   });
    if (!done && done.error().code() != ErrorCode::kNotFound && done.error().code() != ErrorCode::kCorrupt) return done;
  }
  return {};
}

void WarmUp::bring(const log::RecordView& record, unsigned coldest) {
  if (!log::is_value(record.kind) && record.kind != log::RecordKind::kPatch) return;
  const std::uint64_t hash = engine_.keyspace().hash(record.key);
  const auto wanted = [&](Entry entry) {
    return entry && !entry.resident() && entry.value_record() == record.lsn && entry.heat() >= coldest &&
           engine_.budget().has_room(entry.value_size());
  };
  base::interleave::yield_point("warm-up: next record");
  const int database = database_of(engine_.keyspace(), record.database);
  if (database >= engine_.keyspace().databases()) return;
  Shard& shard = engine_.keyspace().shard_of(database, hash, record.key);
  {
    base::ShortLock lock(shard.mutex());
    if (!wanted(shard.find(hash, record.key))) return;
  }
  base::interleave::yield_point("warm-up: a value wanted");
  const bool patch = record.kind == log::RecordKind::kPatch;
  if (patch && !engine_.residence().load(record.lsn, record.key, value_)) return;
  if (record.compressed() && !engine_.residence().value_of(record, value_)) return;
  const std::string_view value = patch || record.compressed() ? std::string_view(value_) : record.payload;
  base::ShortLock lock(shard.mutex());
  const Entry entry = shard.find(hash, record.key);
  if (!wanted(entry) || entry.value_size() != value.size()) return;
  if (shard.fill(hash, entry, value)) engine_.residence().count_warmed();
}

}  // namespace stave::store
