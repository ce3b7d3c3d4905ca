#include "store/snapshot.h"

#include <algorithm>
#include <span>

#include "base/assert.h"
#include "base/interleave.h"
#include "base/try.h"
#include "store/look_entries.h"

namespace stave::store {

using base::interleave::yield_point;
using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

namespace {
/// Larger values are read from the log rather than copied under the lock; so is what goes beyond the second.
constexpr std::size_t kCopiedMax = 32u << 10;
constexpr std::size_t kCopiedTotal = 256u << 10;
}  // namespace

SnapshotWalk::SnapshotWalk(Engine& engine)
    : engine_(engine),
      stretches_(engine.keyspace().shard_count()),
      pages_(engine),
      breaks_(engine.options().background),
      inherited_(engine.keyspace().shard_count()) {
  for (int database = 0; database < engine.keyspace().databases(); ++database) place_of_.push_back(database);
  // A flush or swap either is before the cut, or is told to the walk.
  engine_.world().join(*this, [this] {
    cut_ = engine_.log().tail();
    time_ = engine_.now();
  });
}

SnapshotWalk::~SnapshotWalk() {
  engine_.world().leave(*this);
}

void SnapshotWalk::inherit(ShardId id, Lsn flush, const std::shared_ptr<Shard>& contents) {
  if (flush <= cut_) return;
  STAVE_ASSERT(contents != nullptr);
  base::MutexLock lock(mutex_);
  const auto per = static_cast<ShardId>(engine_.keyspace().shards_per_database());
  for (std::size_t origin = 0; origin < place_of_.size(); ++origin) {
    if (place_of_[origin] != static_cast<int>(id / per)) continue;
    auto& slot = inherited_[origin * per + id % per];
    // Only the first flush takes away what was there at the cut.
    if (slot == nullptr) slot = contents;
  }
}

void SnapshotWalk::swapped(int first, int second, Lsn swap) {
  if (swap < cut_) return;
  base::MutexLock lock(mutex_);
  for (int& place : place_of_) {
    if (place == first) {
      place = second;
    } else if (place == second) {
      place = first;
    }
  }
}

Result<SnapshotReport> SnapshotWalk::run(Show show) try {
  report_.cut = cut_;
  report_.time = time_;
  for (ShardId origin = 0; origin < stretches_.size(); ++origin) STAVE_TRY(walk_shard(origin, show));
  STAVE_TRY(read_log(show));
  STAVE_TRY(show_collections(show));
  return report_;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for the snapshot");
}

// --- what has not changed --------------------------------------------------------------------------------------------

Result<void> SnapshotWalk::walk_shard(ShardId origin, Show show) {
  const int database = static_cast<int>(origin / engine_.keyspace().shards_per_database());
  for (std::uint64_t position = 0; position < Shard::kScanEnd;) {
    found_count_ = 0;
    breaks_.step();
    yield_point("snapshot: next stretch");
    position = look(origin, position);
    STAVE_ASSERT(stretches_[origin].back().position < position);
    for (const Found& found : std::span(found_).first(found_count_)) STAVE_TRY(show_item(database, found, show));
  }
  return {};
}

SnapshotWalk::Place SnapshotWalk::place(ShardId origin) const {
  base::MutexLock lock(mutex_);
  const auto per = static_cast<ShardId>(engine_.keyspace().shards_per_database());
  return {static_cast<ShardId>(place_of_[origin / per]) * per + origin % per, inherited_[origin]};
}

std::uint64_t SnapshotWalk::look(ShardId origin, std::uint64_t position) {
  for (;;) {
    const Place before = place(origin);
    yield_point("snapshot: a shard found, not yet locked");
    if (before.inherited != nullptr) {
      // Nobody else changes it any more; the lock is for the analysis, and free.
      base::ShortLock lock(before.inherited->mutex());
      stretches_[origin].push_back({position, Lsn{kLsnMax}});
      return collect(*before.inherited, position);
    }
    Shard& shard = engine_.keyspace().shard(before.id);
    base::ShortLock lock(shard.mutex());
    // Whoever flushes or swaps needs this lock, so what is true now stays true while it is held.
    const Place now = place(origin);
    if (now.id != before.id || now.inherited != nullptr) continue;
    stretches_[origin].push_back({position, engine_.log().tail()});
    return collect(shard, position);
  }
}

std::uint64_t SnapshotWalk::collect(Shard& shard, std::uint64_t position) {
  std::size_t copied = 0;
  return shard.scan(position, kLookEntries, [&](Entry entry) {
    if (entry.version() >= cut_) return;
    const Expiry expiry = entry.expiry();
    if (expiry.passed(time_)) return;
    if (found_count_ == found_.size()) found_.emplace_back();
    Found& found = found_[found_count_++];
    found.address = kNoLsn;
    found.key.assign(entry.key());
    found.type = entry.type();
    found.expiry = expiry;
    found.version = entry.version();
    // Of a page only the place is noted.
    if (entry.type() == ValueType::kPage) {
      found.address = entry.value_record();
    } else if (entry.resident() && entry.value_size() <= kCopiedMax && copied < kCopiedTotal) {
      found.value.assign(entry.value());
      copied += found.value.size();
    } else {
      found.address = entry.value_record();
    }
  });
}

Result<void> SnapshotWalk::show_item(int database, const Found& found, Show show) {
  breaks_.step();
  yield_point("snapshot: next item");
  // No segment is dropped while a walk goes on, so an address once seen stays readable.
  if (database == pages_database(engine_.keyspace())) {
    pages_.add(found.key, found.address);
    return {};
  }
  ValueType type = found.type;
  if (found.address != kNoLsn) STAVE_TRY(engine_.residence().load(found.address, found.key, value_, &type));
  const std::string_view value = found.address != kNoLsn ? std::string_view(value_) : std::string_view(found.value);
  if (is_root(type)) {
    roots_.push_back({.database = database,
                      .key = found.key,
                      .value = std::string(value),
                      .type = type,
                      .expiry = found.expiry,
                      .version = found.version});
    return {};
  }
  ++report_.keys;
  return show({.database = database,
               .key = found.key,
               .type = shown_type(type),
               .json = type == ValueType::kJson,
               .value = value,
               .expiry = found.expiry,
               .version = found.version});
}

Result<void> SnapshotWalk::show_collections(Show show) {
  pages_.sort();
  for (const Root& root : roots_) {
    breaks_.step();
    yield_point("snapshot: next collection");
    STAVE_ASSIGN(const std::string value, pages_.compact_form(root.type, root.value));
    ++report_.keys;
    STAVE_TRY(show({.database = root.database,
                    .key = root.key,
                    .type = shown_type(root.type),
                    .json = false,
                    .value = value,
                    .expiry = root.expiry,
                    .version = root.version}));
  }
  return {};
}

// --- what has changed ------------------------------------------------------------------------------------------------

Lsn SnapshotWalk::as_of(int database, std::uint64_t hash, std::string_view key) const {
  const auto& stretches = stretches_[engine_.keyspace().shard_id(database, hash, key)];
  const auto after = std::ranges::upper_bound(stretches, hash >> 32, {}, &Stretch::position);
  return after == stretches.begin() ? kNoLsn : std::prev(after)->as_of;
}

Result<void> SnapshotWalk::read_log(Show show) {
  Lsn end = cut_;
  for (const auto& stretches : stretches_)
    for (const Stretch& stretch : stretches)
      if (stretch.as_of != Lsn{kLsnMax}) end = std::max(end, stretch.as_of);
  // An inherited shard changed until it was flushed, and that was before this moment.
  bool any_inherited = false;
  yield_point("snapshot: all shards seen");
  {
    base::MutexLock lock(mutex_);
    any_inherited = std::ranges::any_of(inherited_, [](const auto& shard) { return shard != nullptr; });
  }
  if (any_inherited) end = std::max(end, engine_.log().tail());
  if (end == cut_) return {};
  STAVE_TRY(engine_.log().wait_written(end));
  std::vector<int> origins;
  for (int database = 0; database < engine_.keyspace().databases(); ++database) origins.push_back(database);
  return engine_.log().scan(cut_, end, [&](std::span<const log::RecordView> run) -> Result<void> {
    for (const log::RecordView& record : run) {
      breaks_.step();
      STAVE_TRY(look_at_record(record, origins, show));
    }
    return {};
  });
}

// Whether what the key held was over at the cut, though nobody had collected it yet: `next` is the record that replaced
// it. A sliding key lives longer than its record says when it was read. But who finds it dead collects it, and then the
// log tells when it died; whatever else replaces one replaces a living one, which lived at the cut, for the dead do not
// come back.
bool SnapshotWalk::was_dead(const log::RecordView& held, const log::RecordView& next) const noexcept {
  if (!held.expiry.passed(time_)) return false;
  if (held.expiry.sliding_ms == 0) return true;
  return next.kind == log::RecordKind::kExpire && next.expiry.passed(time_);
}

// `origins`: which database of the cut each one is at the time of the record.
Result<void> SnapshotWalk::look_at_record(const log::RecordView& record, std::vector<int>& origins, Show show) {
  if (record.kind == log::RecordKind::kSwap) {
    std::swap(origins[record.database], origins[static_cast<unsigned char>(record.payload[0])]);
    return {};
  }
  if (record.relocated()) {
    relocations_ = true;
    return {};
  }
  if (record.prev == kNoLsn || !log::traits(record.kind).sets_version) return {};
  // Replaced something that had been replaced behind the cut already, unless the cleaner had only moved that.
  if (record.prev >= cut_ && !relocations_) return {};
  const int database = origins[static_cast<std::size_t>(database_of(engine_.keyspace(), record.database))];
  if (record.lsn >= as_of(database, engine_.keyspace().hash(record.key), record.key)) return {};
  STAVE_ASSIGN(const log::RecordView held, engine_.log().read(record.prev, buffer_));
  if (held.version >= cut_ || was_dead(held, record)) return {};
  Found found{.key = std::string(record.key), .expiry = held.expiry, .version = held.version, .address = record.prev};
  // Reads had put a sliding deadline off, by less than a whole period from the cut on.
  if (held.expiry.passed(time_)) {
    found.expiry.at = time_ + held.expiry.sliding_ms;
    if (!record.expiry.never() && record.kind == log::RecordKind::kExpire)
      found.expiry.at = std::min(found.expiry.at, record.expiry.at);
  }
  STAVE_ASSERT(!found.expiry.passed(time_) && found.version < cut_);
  ++report_.from_log;
  return show_item(database, found, show);
}

}  // namespace stave::store
