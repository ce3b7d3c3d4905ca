#include "store/history_lineage.h"
#include "store/pages.h"

#include <algorithm>

#include "base/assert.h"
#include "base/interleave.h"
#include "base/try.h"
#include "packing/compression.h"
#include "types/string/paged.h"

namespace stave::store {

using log::RecordKind;
using log::RecordView;

namespace {

KeyVersion::Kind version_kind_of(RecordKind kind) noexcept {
  switch (kind) {
    case RecordKind::kJson: return KeyVersion::Kind::kSetJson;
    case RecordKind::kHash:
    case RecordKind::kPagedHash: return KeyVersion::Kind::kSetHash;
    case RecordKind::kList:
    case RecordKind::kPagedList: return KeyVersion::Kind::kSetList;
    case RecordKind::kSet:
    case RecordKind::kPagedSet: return KeyVersion::Kind::kSetSet;
    case RecordKind::kSortedSet:
    case RecordKind::kPagedSortedSet: return KeyVersion::Kind::kSetSortedSet;
    case RecordKind::kSketch:
    case RecordKind::kPagedSketch: return KeyVersion::Kind::kSetSketch;
    case RecordKind::kStream:
    case RecordKind::kPagedStream: return KeyVersion::Kind::kSetStream;
    case RecordKind::kSetExpiry: return KeyVersion::Kind::kSetExpiry;
    case RecordKind::kDelete: return KeyVersion::Kind::kDelete;
    case RecordKind::kExpire: return KeyVersion::Kind::kExpire;
    case RecordKind::kEvict: return KeyVersion::Kind::kEvict;
    case RecordKind::kString:
    case RecordKind::kPagedString:
    case RecordKind::kPatch:
    case RecordKind::kPage: return KeyVersion::Kind::kSet;
    case RecordKind::kFlush: return KeyVersion::Kind::kFlush;
    case RecordKind::kRefresh:
    case RecordKind::kSwap:
    case RecordKind::kClose:
    case RecordKind::kTrim:
    case RecordKind::kTerm:
    case RecordKind::kLost: break;
  }
  STAVE_ASSERT(false && "not in any key's history");
  return KeyVersion::Kind::kSet;
}

bool is_event(RecordKind kind) noexcept {
  return log::traits(kind).in_history;
}

bool missing(const Error& error) noexcept {
  return error.code() == ErrorCode::kNotFound;
}

}  // namespace

/// Something in a segment that concerns the key, or all keys.
struct History::Lineage::Seen {
  RecordKind kind{};
  int database = 0;
  int other = 0;  ///< Of a swap.
  Lsn lsn = kNoLsn;
  UnixMs time{0};
  bool alive = false;
};

History::Lineage::Lineage(Engine& engine, KeyRef key)
    : engine_(engine),
      key_{key.database, key.key, hash_of(engine.keyspace(), key)},
      pin_(engine.upkeep()),
      database_(number_of(engine.keyspace(), key.database)) {
  keyspace::Shard& shard = engine_.keyspace().shard_of(key_.database, key_.hash, key_.key);
  {
    base::ShortLock lock(shard.mutex());
    // Under the lock: every change of the key, and every swap or flush that it saw, is before this.
    end_ = engine_.log().tail();
    if (const keyspace::Entry entry = shard.find(key_.hash, key_.key)) {
      next_ = entry.newest_record();
      expiry_now_ = entry.has_expiry() ? entry.expiry() : Expiry{};
    }
  }
  below_ = end_;
  first_ = engine_.log().stats().first;
}

Result<std::optional<History::Lineage::Event>> History::Lineage::next() {
  if (ended_) return std::nullopt;
  if (next_ == kNoLsn) {
    STAVE_ASSIGN(const bool found, search());
    if (!found) return std::nullopt;
  }
  if (flush_) return std::exchange(flush_, std::nullopt);
  return follow();
}

// The record at `next_`, which is of the key. When the cleaner moved it and the original is still there, the original
// tells more: a moved record stands for value and expiry, whichever of them was the last to change.
Result<std::optional<History::Lineage::Event>> History::Lineage::follow() {
  base::interleave::yield_point("history: next record");
  auto record = engine_.log().read(next_, buffer_);
  if (!record) {
    if (!missing(record.error())) return fail(std::move(record).error());
    give_up(below_, known_since_);
    return std::nullopt;
  }
  if (record->key != key_.key || !is_event(record->kind))
    return fail(ErrorCode::kCorrupt, "the record at LSN " + std::to_string(raw(next_)) +
                                         " should be of this key and is not; `stave doctor` can examine the directory");
  STAVE_ASSIGN(Event event, event_of(*record, next_));
  int database = record->database;
  if (record->relocated() && record->version >= first_) {
    auto original = engine_.log().read(record->version, buffer_);
    if (original && original->key == key_.key && is_event(original->kind)) {
      STAVE_ASSIGN(event, event_of(*original, next_));
      database = original->database;
    } else if (!original && !missing(original.error())) {
      return fail(std::move(original).error());
    }
  }
  below_ = event.version;
  next_ = event.prev;
  database_ = database;
  known_since_ = event.time;
  return event;
}

Result<History::Lineage::Event> History::Lineage::event_of(const RecordView& record, Lsn holder) {
  std::optional<std::uint64_t> size;
  if (!log::is_delta(record.kind)) {
    size = record.payload.size();
    if (record.compressed()) {
      STAVE_ASSIGN(size, packing::Compression::raw_size(record.payload));
    }
  }
  // Of a string that of its bytes, in pages or not; what is in its root must be read, if that is packed.
  if (record.kind == RecordKind::kPagedString) {
    std::string unpacked;
    STAVE_TRY(engine_.residence().value_of(record, unpacked));
    if (unpacked.size() > kIdentityBytes) size = types::text::Paged::size_of(root_of(unpacked));
  }
  return Event{.kind = version_kind_of(record.kind),
               .version = record.version,
               .holder = holder,
               .prev = record.prev,
               .time = record.time,
               .expiry = record.expiry,
               .size = size};
}

void History::Lineage::give_up(Lsn from, std::optional<UnixMs> since) {
  ended_ = true;
  known_from_ = first_ == log::kFirstLsn && from <= first_ ? kNoLsn : from;
  known_since_ = since;
}

// Backwards to the newest record of the key before `below_`; sets `next_`. False: there is none.
Result<bool> History::Lineage::search() {
  STAVE_TRY(engine_.log().wait_written(end_));
  const std::vector<log::SegmentInfo> segments = engine_.log().segments();
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if (segment->base >= below_) continue;
    base::interleave::yield_point("history: next segment");
    STAVE_ASSIGN(const std::vector<Seen> seen, look_through(*segment));
    if (judge(seen)) return true;
    below_ = segment->base;
  }
  if (flush_ && first_ != log::kFirstLsn) {
    // It may have been there until then, by a record that has been dropped.
    give_up(flush_->version, flush_->time);
  } else if (below_ < first_) {
    give_up(below_, known_since_);
  } else {
    give_up(first_, std::nullopt);
  }
  flush_.reset();
  return false;
}

Result<std::vector<History::Lineage::Seen>> History::Lineage::look_through(const log::SegmentInfo& segment) try {
  std::vector<Seen> seen;
  const auto look = [&](std::span<const RecordView> run) -> Result<void> {
    for (const RecordView& record : run) {
      if (record.lsn >= below_) return {};
      const bool swap = record.kind == RecordKind::kSwap && !record.payload.empty();
      if (!swap && record.kind != RecordKind::kFlush && (!is_event(record.kind) || record.key != key_.key)) continue;
      seen.push_back({.kind = record.kind,
                      .database = record.database,
                      .other = swap ? static_cast<unsigned char>(record.payload[0]) : 0,
                      .lsn = record.lsn,
                      .time = record.time,
                      .alive = record.kind != RecordKind::kFlush && !swap && is_alive(version_kind_of(record.kind))});
    }
    return {};
  };
  STAVE_TRY(engine_.log().scan(segment.base, segment.end, look));
  return seen;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to search the log");
}

// True when what was found leads on: `next_` is set, and `flush_` if that removed it.
bool History::Lineage::judge(const std::vector<Seen>& seen) {
  for (auto it = seen.rbegin(); it != seen.rend(); ++it) {
    if (it->kind == RecordKind::kSwap) {
      if (it->database == database_) {
        database_ = it->other;
      } else if (it->other == database_) {
        database_ = it->database;
      }
      continue;
    }
    if (it->database != database_) continue;
    if (it->kind == RecordKind::kFlush) {
      // Of several, the oldest is the one that found something to remove.
      flush_ = Event{.kind = KeyVersion::Kind::kFlush, .version = it->lsn, .time = it->time};
      continue;
    }
    if (!it->alive) flush_.reset();
    next_ = it->lsn;
    return true;
  }
  return false;
}

Result<UnixMs> History::Lineage::known_since() {
  if (known_since_) return *known_since_;
  // The oldest record that lies where it was written first.
  std::optional<UnixMs> oldest;
  for (const log::SegmentInfo& segment : engine_.log().segments()) {
    const auto look = [&](std::span<const RecordView> run) -> Result<void> {
      for (const RecordView& record : run) {
        if (record.relocated()) continue;
        oldest = record.time;
        return fail(ErrorCode::kAborted, "found");
      }
      return {};
    };
    if (auto done = engine_.log().scan(segment.base, segment.end, look); !done && !oldest)
      return fail(std::move(done).error());
    if (oldest) break;
  }
  known_since_ = oldest.value_or(engine_.now());
  return *known_since_;
}

Result<void> History::Lineage::load(const Event& event, std::string& value, ValueType& type) {
  const auto load = [&](Lsn address) { return engine_.residence().load(address, key_.key, value, &type); };
  if (event.kind != KeyVersion::Kind::kSetExpiry) return load(event.holder);
  // The original leads to the value, unless that has been dropped: then it was moved, together with the expiry.
  auto loaded = load(event.version);
  if (!loaded && missing(loaded.error()) && event.holder != event.version) return load(event.holder);
  return loaded;
}

Result<std::optional<std::uint64_t>> History::Lineage::size(const Event& event, std::string& scratch) {
  if (event.size) return event.size;
  ValueType type{};
  auto loaded = load(event, scratch, type);
  if (loaded) return scratch.size();
  if (missing(loaded.error())) return std::nullopt;
  return fail(std::move(loaded).error());
}

}  // namespace stave::store
