#include "store/change.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "base/try.h"
#include "log/value_address.h"
#include "packing/compression.h"
#include "packing/difference.h"
#include "store/engine.h"
#include "store/pages.h"
#include "store/patches.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::Shard;

Result<int> database_of_record(Engine& engine, const log::RecordView& record) {
  const int database = database_of(engine.keyspace(), record.database);
  if (database < engine.keyspace().databases()) return database;
  return fail(ErrorCode::kInvalidArgument,
              "the store holds keys of database " + std::to_string(record.database) + "; open it with more databases");
}

Result<Change> change_of(Engine& engine, const log::RecordView& record, std::uint64_t hash) {
  STAVE_ASSIGN(const int database, database_of_record(engine, record));
  if (log::is_value(record.kind)) STAVE_TRY(check_place(record.database, type_of(record.kind), record.key));
  std::size_t value_size = 0;
  if (log::is_value(record.kind)) {
    value_size = record.payload.size();
    if (record.compressed()) {
      STAVE_ASSIGN(value_size, packing::Compression::raw_size(record.payload));
    }
  }
  if (record.kind == log::RecordKind::kPatch) {
    STAVE_ASSIGN(value_size, packing::difference_size(log::patch_difference(record)));
  }
  const bool delta = log::is_delta(record.kind);
  const Lsn where = delta && !record.payload.empty() ? log::value_address(record) : kNoLsn;
  return Change{.hash = hash,
                .key = record.key,
                .kind = record.kind,
                .database = static_cast<std::uint8_t>(database),
                .value_size = static_cast<std::uint32_t>(value_size),
                .expiry = record.expiry,
                .lsn = record.lsn,
                .version = delta ? where : record.version};
}

namespace {

Result<void> apply_value(Engine& engine, const Change& change, const log::RecordView* record, Shard& shard)
    STAVE_REQUIRES(shard.mutex()) {
  if (change.kind == log::RecordKind::kPage) engine.saw_identity(PageKey::identity_of(change.key));
  keyspace::EntrySpec spec{
      .type = type_of(change.kind), .expiry = change.expiry, .address = change.lsn, .version = change.version};
  engine.residence().note_type(spec.type);
  std::string scratch;
  if (record == nullptr || !engine.budget().has_room(change.value_size)) {
    spec.spilled = true;
    spec.spilled_size = change.value_size;
    if (record != nullptr) engine.residence().note_spilled();
  } else if (record->compressed()) {
    STAVE_ASSIGN(spec.value, engine.compression().unpack(record->payload, scratch));
  } else {
    spec.value = record->payload;
  }
  STAVE_TRY(shard.put(change.hash, change.key, spec));
  return {};
}

Result<void> apply_expiry(const Change& change, Shard& shard) STAVE_REQUIRES(shard.mutex()) {
  Entry entry = shard.find(change.hash, change.key);
  // A refresh may be logged for a key that a later-numbered delete of the same instant removed: nothing to do.
  if (!entry) return {};
  if (change.version != kNoLsn && entry.address() != change.version)
    return fail(ErrorCode::kCorrupt,
                "the record at LSN " + std::to_string(raw(change.lsn)) + " changes the expiry of a value at LSN " +
                    std::to_string(raw(change.version)) + ", but the key's value is the one at LSN " +
                    std::to_string(raw(entry.address())) + "; `stave doctor` can examine the directory");
  STAVE_ASSIGN(entry, shard.set_expiry(change.hash, entry, change.expiry));
  if (log::traits(change.kind).sets_version) entry.set_changed_expiry(change.lsn);
  return {};
}

Result<void> apply_patch(Engine& engine, const Change& change, const log::RecordView* record, Shard& shard)
    STAVE_REQUIRES(shard.mutex()) {
  const Entry entry = shard.find(change.hash, change.key);
  // The value was written again since, and the log begins between the two: it is still to come.
  if (!entry) return {};
  const auto contradiction = [&](const std::string& what) {
    return fail(ErrorCode::kCorrupt, "the record at LSN " + std::to_string(raw(change.lsn)) +
                                         " changes a part of a value at LSN " + std::to_string(raw(change.version)) +
                                         ", but " + what + "; `stave doctor` can examine the directory");
  };
  if (change.version == kNoLsn || entry.address() != change.version)
    return contradiction("the key's value is the one at LSN " + std::to_string(raw(entry.address())));
  if (entry.has_expiry()) return contradiction("the key expires");
  const unsigned patches = std::max(1u, patches_after(entry.patches(), entry.version(), change.value_size));
  keyspace::EntrySpec spec{.type = entry.type(), .address = entry.address()};
  std::string value;
  if (record != nullptr && entry.resident() && engine.budget().has_room(change.value_size)) {
    STAVE_TRY(packing::apply_difference(entry.value(), log::patch_difference(*record), value));
    spec.value = value;
  } else {
    spec.spilled = true;
    spec.spilled_size = change.value_size;
    if (record != nullptr) engine.residence().note_spilled();
  }
  STAVE_ASSIGN(Entry fresh, shard.put(change.hash, change.key, spec));
  fresh.set_patched(change.version, change.lsn, patches);
  return {};
}

}  // namespace

Result<void> apply_change(Engine& engine, const Change& change, const log::RecordView* record, Shard& shard) {
  switch (change.kind) {
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
    case log::RecordKind::kPagedSketch: return apply_value(engine, change, record, shard);
    case log::RecordKind::kDelete:
    case log::RecordKind::kExpire:
    case log::RecordKind::kEvict: shard.erase(change.hash, change.key); return {};
    case log::RecordKind::kSetExpiry:
    case log::RecordKind::kRefresh: return apply_expiry(change, shard);
    case log::RecordKind::kPatch: return apply_patch(engine, change, record, shard);
    case log::RecordKind::kFlush:
    case log::RecordKind::kSwap:
    case log::RecordKind::kClose:
    case log::RecordKind::kTrim:
    case log::RecordKind::kTerm:
    case log::RecordKind::kLost:
      STAVE_ASSERT(false && "a record without a key has gone the way of those with one");
      break;
  }
  return fail(Error(ErrorCode::kUnsupported, "the log holds a kind of record (" +
                                                 std::to_string(static_cast<int>(change.kind)) +
                                                 ") that this version does not know; open it with a newer Stave"));
}

}  // namespace stave::store
