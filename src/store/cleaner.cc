#include "store/cleaner.h"

#include "base/breaks.h"
#include "base/bytes.h"
#include "base/interleave.h"
#include "base/try.h"
#include "packing/compression.h"

namespace stave::store {

using base::interleave::yield_point;
using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

Result<Cleaner::Done> Cleaner::clean(const log::SegmentInfo& segment, bool gently, const std::atomic<bool>& stop,
                                     base::FunctionRef<void(std::uint64_t)> pause) {
  Done done;
  base::Breaks breaks(gently);
  const auto look = [&](std::span<const log::RecordView> run) -> Result<void> {
    std::uint64_t bytes = 0;
    for (const log::RecordView& record : run) {
      bytes += record.length;
      breaks.step();
      STAVE_TRY(look_at(record, done));
    }
    done.scanned_bytes += bytes;
    if (stop.load(std::memory_order_relaxed)) return fail(ErrorCode::kAborted, "the store is closing");
    pause(bytes);
    return {};
  };
  STAVE_TRY(engine_.log().scan(segment.base, segment.end, look));
  yield_point("cleaner: segment done, not yet said");
  char boundary[8];
  base::store(reinterpret_cast<std::byte*>(boundary), raw(segment.end));
  const log::RecordSpec trim{
      .kind = log::RecordKind::kTrim, .time = engine_.now(), .payload = std::string_view(boundary, sizeof boundary)};
  Lsn lsn = kNoLsn;
  STAVE_TRY(engine_.log().append(std::span(&trim, 1), std::span(&lsn, 1)));
  return done;
}

Result<void> Cleaner::look_at(const log::RecordView& record, Done& done) {
  const log::KindTraits& kind = log::traits(record.kind);
  if (!kind.may_live) return {};
  if (!kind.known)
    return fail(ErrorCode::kUnsupported, "the log holds a kind of record (" +
                                             std::to_string(static_cast<int>(record.kind)) +
                                             ") that this version does not know; nothing is cleaned");
  const std::uint64_t hash = engine_.keyspace().hash(record.key);
  for (;;) {
    const std::uint64_t changes = engine_.world().changes();
    yield_point("cleaner: next record");
    STAVE_ASSIGN(const bool found, look_everywhere(hash, record, done));
    // Databases that changed places while we went from one to the next may have slipped past.
    if (found || changes == engine_.world().changes()) return {};
  }
}

Result<bool> Cleaner::look_everywhere(std::uint64_t hash, const log::RecordView& record, Done& done) {
  STAVE_ASSIGN(bool found, relocate(engine_.keyspace().shard_id(record.database, hash), hash, record, done));
  // Databases may have changed places since. An address is never found twice. Most records are not alive, and most
  // databases empty: only the one shard that could hold the key is asked.
  for (int database = 0; !found && database < engine_.keyspace().databases(); ++database) {
    const ShardId id = engine_.keyspace().shard_id(database, hash);
    yield_point("cleaner: next database");
    if (database == record.database || engine_.keyspace().shard(id).size() == 0) continue;
    STAVE_ASSIGN(found, relocate(id, hash, record, done));
  }
  return found;
}

// True when the record was alive here, and so is nowhere else.
Result<bool> Cleaner::relocate(ShardId id, std::uint64_t hash, const log::RecordView& record, Done& done) {
  Shard& shard = engine_.keyspace().shard(id);
  {
    base::ShortLock lock(shard.mutex());
    const Entry entry = shard.find(hash, record.key);
    if (!entry || entry.address() < record.lsn) return false;
    if (!entry.delta()) {
      if (entry.address() != record.lsn) return false;
      STAVE_TRY(append(shard, entry,
                       {.kind = record.kind,
                        .database = static_cast<std::uint8_t>(id / engine_.keyspace().shards_per_database()),
                        .time = record.time,
                        .expiry = entry.expiry(),
                        .prev = record.prev,
                        .key = record.key,
                        .payload = record.payload,
                        .version = entry.version(),
                        .compressed = record.compressed()},
                       done));
      return true;
    }
  }
  // The newest record of the key is a change of expiry, whose value lies deeper: perhaps here, perhaps not.
  STAVE_TRY(relocate_whole(id, hash, record, done));
  return false;
}

// Expiry and value become one record again.
Result<void> Cleaner::relocate_whole(ShardId id, std::uint64_t hash, const log::RecordView& record, Done& done) {
  Shard& shard = engine_.keyspace().shard(id);
  LoadedValue value;
  Lsn loaded = kNoLsn;
  for (;;) {
    {
      base::ShortLock lock(shard.mutex());
      const Entry entry = shard.find(hash, record.key);
      // Written anew meanwhile, or gone: nothing hangs on the old records any more.
      if (!entry || !entry.delta()) return {};
      if (loaded == entry.address()) {
        const auto packed = engine_.compression().pack(value.view());
        return append(shard, entry,
                      {.kind = kind_of(entry.type()),
                       .database = static_cast<std::uint8_t>(id / engine_.keyspace().shards_per_database()),
                       .time = record.time,
                       .expiry = entry.expiry(),
                       .prev = record.prev,
                       .key = record.key,
                       .payload = packed ? *packed : value.view(),
                       .version = entry.version(),
                       .compressed = packed.has_value()},
                      done);
      }
      loaded = entry.address();
    }
    yield_point("cleaner: about to read a value");
    STAVE_TRY(engine_.residence().load(loaded, value));
  }
}

Result<void> Cleaner::append(Shard&, Entry entry, log::RecordSpec spec, Done& done) {
  Lsn lsn = kNoLsn;
  auto end = engine_.log().append(std::span(&spec, 1), std::span(&lsn, 1));
  if (!end) return fail(std::move(end).error());
  entry.set_moved(lsn);
  done.relocated_bytes += log::encoded_size(spec);
  ++done.relocated_records;
  return {};
}

}  // namespace stave::store
