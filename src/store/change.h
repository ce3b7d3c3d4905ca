// What one record of the log does to the index: for who replays the log when a store is opened, and for who takes it
// over from a leader while others read.
//
// Must not know: where the record comes from, who waits for it, batches.
#pragma once

#include "base/mutex.h"
#include "keyspace/keyspace.h"
#include "log/record.h"
#include "store/replay_lanes.h"

namespace stave::store {

class Engine;

/// The database, as the engine numbers it, that a record is about. Errors: kInvalidArgument: the store has none such.
Result<int> database_of_record(Engine& engine, const log::RecordView& record);

/// What a record with a key says of it. `hash` is the key's; the views are the record's. Errors: kInvalidArgument (a
/// database that the store does not have), kCorrupt (it contradicts itself), kUnsupported (a kind of the future).
Result<Change> change_of(Engine& engine, const log::RecordView& record, std::uint64_t hash);

/// Does it. `record`: that of which the change was made, when its value is wanted in memory, as far as the budget has
/// room; null: values stay in the log. Errors: kCorrupt (the key does not hold what the record changes), kNoMemory;
/// throws std::bad_alloc.
Result<void> apply_change(Engine& engine, const Change& change, const log::RecordView* record, keyspace::Shard& shard)
    STAVE_REQUIRES(shard.mutex());

}  // namespace stave::store
