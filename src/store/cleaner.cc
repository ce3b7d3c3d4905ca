#include "store/cleaner.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <span>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/interleave.h"
#include "base/try.h"
#include "packing/compression.h"
#include "store/look_entries.h"

namespace stave::store {

using base::interleave::yield_point;
using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

namespace {

/// What a run of records will look for is on its way to the cache by the time it is looked for: one after the other,
/// each would wait for memory.
class Ahead {
 public:
  Ahead(Engine& engine, std::span<const log::RecordView> run) noexcept : engine_(engine), run_(run) {}

  /// The hash of record `i`'s key; to be asked for one after the other.
  std::uint64_t hash(std::size_t i) noexcept {
    for (; called_ < run_.size() && called_ <= i + kBuckets; ++called_)
      hashes_[called_ % kWindow] = engine_.prefetch_bucket({database(called_), run_[called_].key});
    if (const std::size_t soon = i + kEntries; soon < run_.size())
      engine_.prefetch_entry(database(soon), hashes_[soon % kWindow]);
    STAVE_ASSERT(i < called_ && called_ - i <= kWindow);
    return hashes_[i % kWindow];
  }

 private:
  static constexpr std::size_t kBuckets = 12;
  static constexpr std::size_t kEntries = 6;
  static constexpr std::size_t kWindow = 16;

  /// Some database, if that of the record is not there.
  [[nodiscard]] int database(std::size_t i) const noexcept {
    return std::min(database_of(engine_.keyspace(), run_[i].database), pages_database(engine_.keyspace()));
  }

  Engine& engine_;
  std::span<const log::RecordView> run_;
  std::array<std::uint64_t, kWindow> hashes_{};
  std::size_t called_ = 0;
};

/// Without the lock. A shard without entries may be one whose only entry a transaction has taken out and will put back:
/// its bytes are counted all the time, and a key that is not empty has some.
bool surely_without(const Shard& shard, std::string_view key) noexcept {
  if (key.empty() || shard.size() != 0 || shard.data_bytes() != 0) return false;
  std::atomic_thread_fence(std::memory_order_acquire);  // what emptied it is seen before databases are asked about
  return true;
}

bool unreadable(const Error& error) noexcept {
  return error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kIo;
}

}  // namespace

Result<void> Cleaner::clean(const log::SegmentInfo& segment) {
  STAVE_ASSERT(segment.sealed && segment.base < segment.end);
  auto gone = go_through(segment);
  if (!gone && unreadable(gone.error()) && engine_.log().health()) gone = go_by_index(segment);
  STAVE_TRY(std::move(gone));
  yield_point("cleaner: segment done, not yet said");
  return say_so(segment);
}

Result<void> Cleaner::say_so(const log::SegmentInfo& segment) {
  char boundary[8];
  base::store(reinterpret_cast<std::byte*>(boundary), raw(segment.end));
  const log::RecordSpec trim{
      .kind = log::RecordKind::kTrim, .time = engine_.now(), .payload = std::string_view(boundary, sizeof boundary)};
  Lsn lsn = kNoLsn;
  STAVE_TRY(engine_.log().append(std::span(&trim, 1), std::span(&lsn, 1)));
  return {};
}

// --- record by record ------------------------------------------------------------------------------------------------

Result<void> Cleaner::go_through(const log::SegmentInfo& segment) {
  return engine_.log().scan(segment.base, segment.end, [&](std::span<const log::RecordView> run) -> Result<void> {
    std::uint64_t bytes = 0;
    Ahead ahead(engine_, run);
    for (std::size_t i = 0; i < run.size(); ++i) {
      bytes += run[i].length;
      breaks_.step();
      STAVE_TRY(look_at(run[i], ahead.hash(i)));
    }
    done_.scanned_bytes += bytes;
    if (stop_.load(std::memory_order_relaxed)) return fail(ErrorCode::kAborted, "the store is closing");
    pause_(bytes);
    return {};
  });
}

Result<void> Cleaner::look_at(const log::RecordView& record, std::uint64_t hash) {
  const log::KindTraits& kind = log::traits(record.kind);
  if (!kind.may_live) return {};
  if (!kind.known)
    return fail(ErrorCode::kUnsupported, "the log holds a kind of record (" +
                                             std::to_string(static_cast<int>(record.kind)) +
                                             ") that this version does not know; nothing is cleaned");
  for (;;) {
    const std::uint64_t changes = engine_.world().changes_ended();
    yield_point("cleaner: next record");
    STAVE_ASSIGN(const bool found, look_everywhere(hash, record));
    // Databases that changed places while we went from one to the next may have slipped past; also such as had begun to
    // before, for empty shards are not locked.
    if (found || changes == engine_.world().changes()) return {};
  }
}

Result<bool> Cleaner::look_everywhere(std::uint64_t hash, const log::RecordView& record) {
  const int home = database_of(engine_.keyspace(), record.database);
  if (home >= engine_.keyspace().databases())
    return fail(ErrorCode::kCorrupt, "the log holds a record of database " + std::to_string(record.database) +
                                         ", which this store does not have; nothing is cleaned");
  STAVE_ASSIGN(bool found, relocate(engine_.keyspace().shard_id(home, hash, record.key), hash, record));
  // Databases may have changed places since. An address is never found twice. Most records are not alive, and most
  // databases empty: only the one shard that could hold the key is asked.
  for (int database = 0; !found && database < engine_.keyspace().databases(); ++database) {
    const ShardId id = engine_.keyspace().shard_id(database, hash, record.key);
    yield_point("cleaner: next database");
    if (database == home || surely_without(engine_.keyspace().shard(id), record.key)) continue;
    STAVE_ASSIGN(found, relocate(id, hash, record));
  }
  return found;
}

// True when the record was alive here, and so is nowhere else. What is known of the key, later changes of its expiry or
// of parts of its value included, is one record again.
Result<bool> Cleaner::relocate(ShardId id, std::uint64_t hash, const log::RecordView& record) {
  Shard& shard = engine_.keyspace().shard(id);
  for (Lsn read = kNoLsn;;) {
    {
      base::ShortLock lock(shard.mutex());
      const Entry entry = shard.find(hash, record.key);
      if (!entry || entry.address() != record.lsn) return false;
      STAVE_ASSERT(entry.consistent());
      if (entry.patches() == 0) {
        STAVE_TRY(write_again(id, entry, record, record.payload, record.compressed()));
        return true;
      }
      if (entry.resident() || entry.value_record() == read) {
        const std::string_view value = entry.resident() ? entry.value() : std::string_view(value_);
        const auto packed = engine_.compression().pack(value);
        STAVE_TRY(write_again(id, entry, record, packed.value_or(value), packed.has_value()));
        return true;
      }
      read = entry.value_record();
    }
    yield_point("cleaner: a value in pieces, to be read");
    STAVE_TRY(engine_.residence().load(read, record.key, value_));
  }
}

Result<void> Cleaner::write_again(ShardId id, Entry entry, const log::RecordView& record, std::string_view payload,
                                  bool compressed) {
  const log::RecordSpec spec{
      .kind = record.kind,
      .database = number_of(engine_.keyspace(), static_cast<int>(id / engine_.keyspace().shards_per_database())),
      .time = record.time,
      .expiry = entry.expiry(),
      .prev = record.prev,
      .key = record.key,
      .payload = payload,
      .version = entry.version(),
      .compressed = compressed};
  Lsn lsn = kNoLsn;
  auto end = engine_.log().append(std::span(&spec, 1), std::span(&lsn, 1));
  if (!end) return fail(std::move(end).error());
  entry.set_moved(lsn);
  done_.relocated_bytes += log::encoded_size(spec);
  ++done_.relocated_records;
  return {};
}

// --- by the index ----------------------------------------------------------------------------------------------------

Result<void> Cleaner::go_by_index(const log::SegmentInfo& segment) {
  done_.by_index = true;
  for (std::uint64_t changes = ~std::uint64_t{0};;) {
    const std::uint64_t before = engine_.world().changes();
    if (before == changes) break;
    changes = before;
    losses_.clear();
    for (ShardId id = 0; id < engine_.keyspace().shard_count(); ++id) STAVE_TRY(look_through(id, segment));
  }
  if (losses_.empty()) return {};
  const Loss& first = losses_.front();
  return fail(ErrorCode::kCorrupt,
              "the value of " + std::to_string(losses_.size()) +
                  " keys can no longer be read, of which the first is '" + first.key + "' in database " +
                  std::to_string(first.database) + " at LSN " + std::to_string(raw(first.address)) +
                  "; nothing is cleaned until they are overwritten or deleted, or `stave doctor --repair` has given "
                  "them up");
}

Result<void> Cleaner::look_through(ShardId id, const log::SegmentInfo& segment) {
  Shard& shard = engine_.keyspace().shard(id);
  const int database = static_cast<int>(id / engine_.keyspace().shards_per_database());
  std::vector<Loss> alive;
  for (std::uint64_t position = 0; position < Shard::kScanEnd;) {
    if (stop_.load(std::memory_order_relaxed)) return fail(ErrorCode::kAborted, "the store is closing");
    breaks_.step();
    yield_point("cleaner: next stretch of the index");
    alive.clear();
    {
      base::ShortLock lock(shard.mutex());
      position = shard.scan(position, kLookEntries, [&](Entry entry) {
        if (entry.address() >= segment.base && entry.address() < segment.end)
          alive.push_back({database, std::string(entry.key()), entry.address()});
      });
    }
    for (const Loss& wanted : alive) STAVE_TRY(fetch(id, wanted));
  }
  return {};
}

Result<void> Cleaner::fetch(ShardId id, const Loss& wanted) {
  const auto record = engine_.log().read(wanted.address, buffer_);
  const bool good = record && record->key == wanted.key && log::is_value(record->kind);
  if (!good) {
    if (!record && !unreadable(record.error())) return fail(record.error().clone());
    losses_.push_back(wanted);
    return {};
  }
  done_.scanned_bytes += record->length;
  pause_(record->length);
  // Its changes since may be what cannot be read.
  auto moved = relocate(id, engine_.keyspace().hash(record->key), *record);
  if (moved) return {};
  if (!unreadable(moved.error()) || !engine_.log().health()) return fail(std::move(moved).error());
  losses_.push_back(wanted);
  return {};
}

}  // namespace stave::store
