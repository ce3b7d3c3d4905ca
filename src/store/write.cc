// The hot paths of writing: one key set, or looked at and changed in one step.
//
// The rule of every change (mutations.h) without its lists: memory first, then the record, then what cannot fail.
#include <cstring>
#include <optional>

#include "base/assert.h"
#include "base/no_memory.h"
#include "base/try.h"
#include "packing/compression.h"
#include "store/engine.h"
#include "store/transaction.h"

namespace stave::store {

using keyspace::Block;
using keyspace::Detached;
using keyspace::Entry;
using keyspace::EntrySpec;
using keyspace::Shard;

namespace {

log::RecordSpec record_of(ValueType type, const KeyRef& key, UnixMs time, const Expiry& expiry, std::string_view value,
                          const std::optional<std::string_view>& packed) noexcept {
  return {.kind = kind_of(type),
          .database = static_cast<std::uint8_t>(key.database),
          .time = time,
          .expiry = expiry,
          .key = key.key,
          .payload = packed ? *packed : value,
          .compressed = packed.has_value()};
}

}  // namespace

// Nothing throws between the change and its undo: the shard does not, nor does the log.
Result<Pending> Engine::put(KeyRef key, std::string_view value, Expiry expiry, Sync sync, Lsn* version,
                            const Block* block) try {
  if (key.key.size() > options_.key_bytes_max || value.size() > options_.value_bytes_max) [[unlikely]]
    STAVE_TRY(check_limits(key.key, value.size()));
  if (value.size() >= Block::kMappedFrom) [[unlikely]]
    return put_large(key, value, expiry, sync, version, block);
  key.hash = hash_of(keyspace_, key);
  Shard& shard = keyspace_.shard_of(key.database, key.hash);
  shard.prefetch_bucket(key.hash);
  STAVE_TRY(budget_.admit());
  const std::optional<std::string_view> packed = compression_->pack(value);
  compression_->sample(value);
  const UnixMs time = now();
  log::RecordSpec record = record_of(ValueType::kString, key, time, expiry, value, packed);
  log::Unwritten later;
  Lsn lsn = kNoLsn;
  Lsn end = kNoLsn;
  bool watched = false;
  {
    base::ShortLock lock(shard.mutex());
    watched = change_watch_.wants(key.hash);
    if (!watched) [[likely]] {
      Entry entry = shard.find(key.hash, key.key);
      if (entry && entry.has_expiry()) [[unlikely]] {
        STAVE_ASSIGN(entry, writable_entry(shard, key, entry, time));
      }
      STAVE_ASSIGN(end, set_logged(shard, key, entry, record, value, lsn, later));
    }
  }
  if (watched) [[unlikely]]
    return put_apart(key, value, expiry, sync, version, nullptr);
  if (later) [[unlikely]]
    later.write(std::span(&record, 1), std::span(&lsn, 1));
  if (version != nullptr) *version = lsn;
  return pending_for_write(end, sync);
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

// Copied before the shard is locked, and written after it was let go.
Result<Pending> Engine::put_large(KeyRef key, std::string_view value, Expiry expiry, Sync sync, Lsn* version,
                                  const Block* given) {
  STAVE_TRY(budget_.admit());
  Block block;
  if (given != nullptr) {
    block = *given;
  } else {
    block = Block::make(keyspace_.source(), value.size());
    if (!block) return base::no_memory();
    std::memcpy(block.data(), value.data(), value.size());
  }
  STAVE_ASSERT(block.size() == value.size());
  return put_apart(key, block.view(), expiry, sync, version, &block);
}

// In a transaction, of what was admitted; a block counts already.
Result<Pending> Engine::put_apart(KeyRef key, std::string_view value, Expiry expiry, Sync sync, Lsn* version,
                                  const Block* block) {
  Transaction transaction(*this, key);
  transaction.excuse();
  STAVE_TRY(transaction.put(key, value, expiry, ValueType::kString, block));
  STAVE_ASSIGN(const Pending pending, transaction.commit(sync));
  if (version != nullptr) *version = transaction.version();
  return pending;
}

Result<Updated> Engine::update(KeyRef key, Access access, DecideFn decide, Sync sync, Pending& pending) try {
  if (key.key.size() > options_.key_bytes_max) [[unlikely]]
    STAVE_TRY(check_limits(key.key, 0));
  key.hash = hash_of(keyspace_, key);
  Shard& shard = keyspace_.shard_of(key.database, key.hash);
  shard.prefetch_bucket(key.hash);
  if (!budget_.admit()) [[unlikely]]
    return Updated::kNot;  // whether that is an error depends on what is to be done
  const UnixMs time = now();
  base::ShortLock lock(shard.mutex());
  if (change_watch_.wants(key.hash)) [[unlikely]]
    return Updated::kNot;
  Entry entry = shard.find(key.hash, key.key);
  const Lsn seen = entry ? entry.version() + 1 : shard.removal_mark();
  const bool passed = entry && entry.has_expiry() && entry.expiry().passed(time);
  if (entry && !passed && (!shows(entry, access) || (needs_value(access) && entry.value_size() >= Block::kBytesMin)))
      [[unlikely]]
    return Updated::kNot;
  pending.merge(observe(seen));
  Result<Update> update = [&] {
    if (!entry || passed) return decide(nullptr, time);
    ValueView view = view_of(entry, access, nullptr);
    view.expiry = entry.expiry();
    return decide(&view, time);
  }();
  if (!update) return fail(std::move(update).error());
  if (update->what == Update::What::kNothing) return Updated::kSeen;
  if (update->value.size() >= Block::kBytesMin) [[unlikely]]
    return Updated::kNot;
  if (update->value.size() > options_.value_bytes_max) [[unlikely]]
    STAVE_TRY(check_limits(key.key, update->value.size()));
  if (entry && entry.has_expiry()) [[unlikely]] {
    STAVE_ASSIGN(entry, writable_entry(shard, key, entry, time));
  }
  if (update->what == Update::What::kErase) {
    // Nothing to erase: what is seen of a key that has expired is not there.
    if (!entry || passed) return Updated::kSeen;
    STAVE_ASSIGN(const Lsn end, erase_logged(shard, key, entry, time));
    pending.merge(pending_for_write(end, sync));
    return Updated::kChanged;
  }
  if (update->expiry.sliding_ms != 0) update->expiry.at = time + update->expiry.sliding_ms;
  compression_->sample(update->value);
  const std::optional<std::string_view> packed = compression_->pack(update->value);
  log::RecordSpec record = record_of(update->type, key, time, update->expiry, update->value, packed);
  log::Unwritten later;
  Lsn lsn = kNoLsn;
  STAVE_ASSIGN(const Lsn end, set_logged(shard, key, entry, record, update->value, lsn, later));
  STAVE_ASSERT(!later);  // not so large
  pending.merge(pending_for_write(end, sync));
  return Updated::kChanged;
} catch (const std::bad_alloc&) {
  return base::no_memory();
}

// One that died as no record tells is told of first.
Result<Entry> Engine::writable_entry(Shard& shard, const KeyRef& key, Entry entry, UnixMs time) {
  STAVE_ASSERT(&shard == &keyspace_.shard_of(key.database, key.hash));
  if (!entry || !Deadlines::passed_untold(entry, time)) [[likely]]
    return entry;
  STAVE_TRY(deadlines_.collect(keyspace_.shard_id(key.database, key.hash), key.key));
  return Entry{};
}

// What fits where the old value lies cannot fail after it was logged. Everything else takes its memory first, so that a
// write that is refused by the log or by memory leaves nothing behind in either.
Result<Lsn> Engine::set_logged(Shard& shard, const KeyRef& key, Entry entry, log::RecordSpec& record,
                               std::string_view value, Lsn& lsn, log::Unwritten& later) {
  if (refuses_writes()) [[unlikely]]
    return fail(ErrorCode::kReadOnly, log::kFollowsSentence);
  EntrySpec spec{.type = type_of(record.kind), .value = value, .expiry = record.expiry, .address = kNoLsn};
  Orphans::Pages left;
  if (entry) {
    record.prev = entry.newest_record();
    left = orphans_.left_by(entry);
  }
  if (entry && shard.fits_over(entry, spec)) {
    STAVE_ASSIGN(const Lsn end, log_->append(std::span(&record, 1), std::span(&lsn, 1)));
    spec.address = lsn;
    shard.write_over(entry, key.key, spec);
    orphans_.abandon(left);
    return end;
  }
  Detached previous;
  STAVE_ASSIGN(Entry placed, shard.exchange(key.hash, key.key, spec, previous));
  auto end = log_->append(std::span(&record, 1), std::span(&lsn, 1), later);
  if (!end) [[unlikely]] {
    if (previous.empty()) {
      shard.erase(key.hash, key.key);
    } else {
      shard.restore(key.hash, previous);
    }
    return end;
  }
  placed.set_written(lsn);
  if (!previous.empty()) shard.discard(previous);
  orphans_.abandon(left);
  return end;
}

Result<Lsn> Engine::erase_logged(Shard& shard, const KeyRef& key, Entry entry, UnixMs time) {
  if (refuses_writes()) [[unlikely]]
    return fail(ErrorCode::kReadOnly, log::kFollowsSentence);
  const log::RecordSpec record{.kind = log::RecordKind::kDelete,
                               .database = static_cast<std::uint8_t>(key.database),
                               .time = time,
                               .prev = entry.newest_record(),
                               .key = key.key};
  Lsn lsn = kNoLsn;
  const Orphans::Pages left = orphans_.left_by(entry);
  // To remove takes no memory.
  STAVE_ASSIGN(const Lsn end, log_->append(std::span(&record, 1), std::span(&lsn, 1)));
  const bool erased = shard.erase(key.hash, key.key);
  STAVE_ASSERT(erased && shard.removal_mark() <= end);
  shard.set_removal_mark(end);
  orphans_.abandon(left);
  return end;
}

}  // namespace stave::store
