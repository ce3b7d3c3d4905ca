#include "store/history.h"

#include "base/try.h"
#include "packing/compression.h"
#include "store/collection.h"
#include "store/history_lineage.h"
#include "store/past_fields.h"
#include "store/past_pages.h"
#include "store/same_content.h"
#include "store/transact.h"
#include "store/transaction.h"

namespace stave {

std::string_view to_string(KeyVersion::Kind kind) noexcept {
  switch (kind) {
    case KeyVersion::Kind::kSet: return "set";
    case KeyVersion::Kind::kSetJson: return "set_json";
    case KeyVersion::Kind::kSetHash: return "set_hash";
    case KeyVersion::Kind::kSetList: return "set_list";
    case KeyVersion::Kind::kSetSet: return "set_set";
    case KeyVersion::Kind::kSetSortedSet: return "set_sorted_set";
    case KeyVersion::Kind::kSetSketch: return "set_sketch";
    case KeyVersion::Kind::kSetStream: return "set_stream";
    case KeyVersion::Kind::kSetExpiry: return "set_expiry";
    case KeyVersion::Kind::kDelete: return "delete";
    case KeyVersion::Kind::kExpire: return "expire";
    case KeyVersion::Kind::kEvict: return "evict";
    case KeyVersion::Kind::kFlush: return "flush";
  }
  return "unknown";
}

namespace store {

namespace {

bool reached(const Point& point, Lsn lsn, UnixMs time) noexcept {
  if (const Lsn* at = std::get_if<Lsn>(&point)) return lsn <= *at;
  return time <= std::get<UnixMs>(point);
}

// A sliding deadline was put off by reads, which the log does not tell: it is over when the log says so.
bool passed_at(const Point& point, const Expiry& expiry) noexcept {
  const UnixMs* at = std::get_if<UnixMs>(&point);
  return at != nullptr && expiry.sliding_ms == 0 && expiry.passed(*at);
}

}  // namespace

Result<std::vector<KeyVersion>> History::versions(KeyRef key, std::size_t count, Pending& pending) try {
  Lineage lineage(engine_, key);
  pending.merge(engine_.observe(lineage.end()));
  std::vector<KeyVersion> found;
  std::string value;
  while (found.size() < count) {
    STAVE_ASSIGN(const std::optional<Lineage::Event> event, lineage.next());
    if (!event) break;
    KeyVersion version{.version = event->version, .time = event->time, .kind = event->kind};
    if (is_alive(event->kind)) {
      version.expiry = engine_.time().shown(event->expiry);
      STAVE_ASSIGN(const std::optional<std::uint64_t> size, lineage.size(*event, value));
      // Its value has been dropped with the segment that held it, and so has everything before.
      if (!size) break;
      version.size = *size;
    }
    found.push_back(version);
  }
  return found;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to list what happened to the key");
}

Result<std::optional<PastValue>> History::value_at(KeyRef key, Point point, Pending& pending) try {
  Lineage lineage(engine_, key);
  pending.merge(engine_.observe(lineage.end()));
  bool newest = true;
  for (;; newest = false) {
    STAVE_ASSIGN(const std::optional<Lineage::Event> event, lineage.next());
    if (!event) break;
    if (!reached(point, event->version, event->time)) continue;
    if (!is_alive(event->kind) || passed_at(point, event->expiry)) return std::nullopt;
    PastValue past{.expiry = event->expiry, .version = event->version, .time = event->time};
    // What the key holds now may have been read since, which puts a sliding deadline off.
    if (newest && lineage.expiry_now() && past.expiry.sliding_ms != 0) past.expiry = *lineage.expiry_now();
    auto loaded = lineage.load(*event, past.value, past.type);
    if (loaded && is_root(past.type)) {
      STAVE_ASSIGN(past.value, past_collection(engine_, past.type, past.value, event->version));
      past.type = shown_type(past.type);
      return past;
    }
    if (loaded) {
      const UnixMs* const at = std::get_if<UnixMs>(&point);
      if (at != nullptr && !leave_expired_out(past.type, past.value, *at)) return std::nullopt;
      return past;
    }
    if (loaded.error().code() != ErrorCode::kNotFound) return fail(std::move(loaded).error());
    return fail(ErrorCode::kNotFound, "the value that the key had then has been dropped from the log");
  }
  if (lineage.known_from() == kNoLsn) return std::nullopt;
  STAVE_ASSIGN(const UnixMs since, lineage.known_since());
  if (reached(point, lineage.known_from(), since)) return std::nullopt;
  return fail(ErrorCode::kNotFound, "the log reaches back to LSN " + std::to_string(raw(lineage.known_from())) +
                                        ", time " + std::to_string(raw(since)) + " only, as far as this key goes");
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to look at the past of the key");
}

namespace {

/// A sliding deadline is put off by every use, and by the write that brings it back.
bool same_expiry(const Expiry& one, const Expiry& other) noexcept {
  return one.sliding_ms != 0 ? one.sliding_ms == other.sliding_ms : one == other;
}

/// Whether the key, of which `now` was found, holds just that. Errors: what it holds cannot be read.
Result<bool> holds(Transaction& transaction, KeyRef key, const ValueView& now, ValueType type, std::string_view value,
                   const Expiry& expiry) {
  if (now.type != shown_type(type) || now.json != (type == ValueType::kJson) || !same_expiry(now.expiry, expiry))
    return false;
  if (!now.paged && now.size != value.size()) return false;
  const std::optional<ValueView> held = transaction.find(key, Access::kPeek);
  if (!held || !held->here) {
    if (const Error* const why = transaction.failure()) return fail(why->clone());
    return false;
  }
  if (!held->paged) return same_content(type, held->value, value);
  STAVE_ASSIGN(const std::string joined, joined_form(transaction, *held));
  return same_content(type, joined, value);
}

bool unreachable_past(const Error& error) noexcept {
  return error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kIo || error.code() == ErrorCode::kNotFound;
}

}  // namespace

Result<History::Reverted> History::revert(KeyRef key, Point point, Pending& pending, Sync sync) try {
  STAVE_ASSIGN(const std::optional<PastValue> past, value_at(key, point, pending));
  const KeyRef keys[] = {key};
  std::vector<keyspace::ShardId> more;
  bool compare = true;
  for (int restarts = 0;;) {
    Transaction transaction(engine_, keys, more);
    auto reverted = revert(transaction, key, past, compare, sync, pending);
    if (transaction.wanted()) {
      more = shards_to_start_again(transaction, restarts++);
      continue;
    }
    pending.merge(transaction.observed());
    if (reverted || !compare || !unreachable_past(reverted.error())) return reverted;
    // What cannot be read any more is not what it was: it is replaced.
    compare = false;
  }
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to bring the key's past back");
}

Result<History::Reverted> History::revert(Transaction& transaction, KeyRef key, const std::optional<PastValue>& past,
                                          bool compare, Sync sync, Pending& pending) {
  Reverted reverted{.present = past.has_value()};
  if (past) {
    const std::optional<ValueView> now = transaction.find(key, Access::kMeta);
    const BroughtBack back = bring_back(past->type, past->value, past->expiry, transaction.now());
    const std::string_view value = back.value ? std::string_view(*back.value) : past->value;
    bool same = now && now->version == past->version && !back.value;
    if (now && !same && compare) {
      STAVE_ASSIGN(same, holds(transaction, key, *now, past->type, value, back.expiry));
    }
    reverted.changed = !same;
    if (reverted.changed) STAVE_TRY(put_form(transaction, key, past->type, value, back.expiry));
  } else {
    reverted.changed = transaction.erase(key);
  }
  if (transaction.wanted()) return fail(ErrorCode::kConflict, "the transaction must start again");
  STAVE_ASSIGN(const Pending written, transaction.commit(sync));
  pending.merge(written);
  if (reverted.changed) reverted.version = transaction.version();
  return reverted;
}

}  // namespace store
}  // namespace stave
