#include "store/transaction.h"

#include <algorithm>

#include "base/assert.h"
#include "base/try.h"
#include "packing/compression.h"

namespace stave::store {

using keyspace::Detached;
using keyspace::Entry;
using keyspace::EntrySpec;
using keyspace::Shard;
using keyspace::ShardId;

namespace {
/// Below this many changes a search from the front beats a map.
constexpr std::size_t kIndexFrom = 16;
}  // namespace

Transaction::Transaction(Engine& engine, std::span<const KeyRef> keys)
    : engine_(engine), now_(engine.now()), locks_(engine.keyspace()) {
  // Before any shard is held: making room needs them.
  if (auto admitted = engine_.budget().admit(); !admitted) refusal_ = std::move(admitted).error();
  locks_.reserve(keys.size());
  for (const KeyRef& key : keys) {
    const std::uint64_t hash = hash_of(engine_.keyspace(), key);
    const ShardId id = engine_.keyspace().shard_id(key.database, hash);
    engine_.keyspace().shard(id).prefetch_bucket(hash);
    locks_.add(id);
  }
  locks_.lock();
}

Transaction::~Transaction() {
  rollback();
}

Transaction::Place Transaction::place(KeyRef key) const {
  const std::uint64_t hash = hash_of(engine_.keyspace(), key);
  const ShardId id = engine_.keyspace().shard_id(key.database, hash);
  STAVE_ASSERT(locks_.holds(id));
  return {hash, id, engine_.keyspace().shard(id)};
}

// The entry, unless its time is up: to a transaction an expired key is an absent one that may be overwritten.
Entry Transaction::live(const Place& at, KeyRef key) const {
  locks_.assume_held(at.shard);
  const Entry entry = at.shard.find(at.hash, key.key);
  if (entry && entry.has_expiry() && entry.expiry().passed(now_)) return {};
  return entry;
}

std::optional<ValueView> Transaction::find(KeyRef key, Access access) {
  const Place at = place(key);
  locks_.assume_held(at.shard);
  Entry entry = at.shard.find(at.hash, key.key);
  if (!entry) {
    observed_.merge(engine_.observe(at.shard.removal_mark()));
    return std::nullopt;
  }
  observed_.merge(engine_.observe(entry.version() + 1));
  if (entry.has_expiry() && entry.expiry().passed(now_)) return std::nullopt;
  const LoadedValue* loaded = nullptr;
  if (!entry.resident() && needs_value(access)) [[unlikely]] {
    loaded = load(at, key);
    entry = at.shard.find(at.hash, key.key);
  }
  ValueView view = view_of(entry, loaded);
  if (entry.has_expiry()) {
    if (touches(access) && entry.expiry().sliding_ms != 0) engine_.deadlines().refresh(entry, key, now_);
    view.expiry = entry.expiry();
  }
  if (touches(access)) entry.touch();
  return view;
}

// With the shards held: right, but slow. Doors fetch ahead (Engine::fetch), so it is rare. What cannot be read cannot
// be decided upon either: the transaction is lost, and commit says why.
const LoadedValue* Transaction::load(const Place& at, KeyRef key) {
  locks_.assume_held(at.shard);
  const Entry entry = at.shard.find(at.hash, key.key);
  LoadedValue& value = loaded_.emplace_back();
  if (auto done = engine_.residence().load(entry.address(), value); !done) {
    if (!failure_) failure_ = std::move(done).error();
    value = {};
    return &value;
  }
  engine_.residence().count_fetched();
  engine_.residence().keep(at.shard, at.hash, entry, value);
  return &value;
}

Transaction::Change* Transaction::change_of(KeyRef key, const Place& at) {
  const auto is_it = [&](const Change& c) { return c.hash == at.hash && c.shard == at.id && c.key.key == key.key; };
  if (changes_.size() < kIndexFrom) {
    const auto found = std::find_if(changes_.begin(), changes_.end(), is_it);
    return found == changes_.end() ? nullptr : &*found;
  }
  const auto found = index_.find(at.hash);
  if (found == index_.end()) return nullptr;
  for (const std::size_t i : found->second)
    if (is_it(changes_[i])) return &changes_[i];
  return nullptr;
}

Transaction::Change& Transaction::add_change(KeyRef key, const Place& at) {
  changes_.push_back({.key = key, .hash = at.hash, .shard = at.id});
  if (changes_.size() == kIndexFrom) {
    for (std::size_t i = 0; i < changes_.size(); ++i) index_[changes_[i].hash].push_back(i);
  } else if (changes_.size() > kIndexFrom) {
    index_[at.hash].push_back(changes_.size() - 1);
  }
  return changes_.back();
}

Result<void> Transaction::put(KeyRef key, std::string_view value, Expiry expiry, bool json,
                              const keyspace::Block* block) {
  STAVE_TRY(engine_.check_limits(key.key, value.size()));
  if (refusal_) [[unlikely]]
    return fail(refusal_->clone());
  if (expiry.sliding_ms != 0) expiry.at = now_ + expiry.sliding_ms;
  const Place at = place(key);
  locks_.assume_held(at.shard);
  const Entry before = at.shard.find(at.hash, key.key);
  const Lsn address = before ? before.address() : kNoLsn;
  const Expiry old_expiry = before && before.has_expiry() ? before.expiry() : Expiry{};
  const EntrySpec spec{.type = json ? ValueType::kJson : ValueType::kString,
                       .value = value,
                       .block = block,
                       .expiry = expiry,
                       .address = address};
  Detached previous;
  STAVE_TRY(at.shard.exchange(at.hash, key.key, spec, previous));
  if (Change* change = change_of(key, at)) {
    if (change->was == Change::Was::kExpired) {
      // What is to be restored is the old entry, with the expiry it had before the transaction.
      change->was = Change::Was::kHeld;
      change->previous = previous;
      return {};
    }
    if (!previous.empty()) at.shard.discard(previous);
    return {};
  }
  Change& change = add_change(key, at);
  change.was = previous.empty() ? Change::Was::kAbsent : Change::Was::kHeld;
  change.previous = previous;
  change.expiry = old_expiry;
  change.address = address;
  return {};
}

void Transaction::erase_entry(KeyRef key, const Place& at, log::RecordKind kind) {
  locks_.assume_held(at.shard);
  const Entry before = at.shard.find(at.hash, key.key);
  const Lsn address = before.address();
  const Expiry old_expiry = before.has_expiry() ? before.expiry() : Expiry{};
  const Detached previous = at.shard.detach(at.hash, key.key);
  if (Change* change = change_of(key, at)) {
    change->removal = kind;
    if (change->was == Change::Was::kExpired) {
      change->was = Change::Was::kHeld;
      change->previous = previous;
    } else {
      at.shard.discard(previous);
    }
    return;
  }
  Change& change = add_change(key, at);
  change.was = Change::Was::kHeld;
  change.previous = previous;
  change.expiry = old_expiry;
  change.address = address;
  change.removal = kind;
}

bool Transaction::erase(KeyRef key) {
  const Place at = place(key);
  locks_.assume_held(at.shard);
  if (!live(at, key)) return false;
  erase_entry(key, at, log::RecordKind::kDelete);
  return true;
}

Result<void> Transaction::set_expiry(KeyRef key, Expiry expiry) {
  const Place at = place(key);
  locks_.assume_held(at.shard);
  Entry entry = live(at, key);
  if (!entry) return fail(ErrorCode::kNotFound, "no such key");
  if (expiry.passed(now_)) {
    erase_entry(key, at, log::RecordKind::kExpire);
    return {};
  }
  const Lsn address = entry.address();
  const Expiry old_expiry = entry.has_expiry() ? entry.expiry() : Expiry{};
  STAVE_TRY(at.shard.set_expiry(at.hash, entry, expiry));
  if (change_of(key, at) != nullptr) return {};
  Change& change = add_change(key, at);
  change.was = Change::Was::kExpired;
  change.expiry = old_expiry;
  change.address = address;
  return {};
}

// --- the end -----------------------------------------------------------------------------------------

Result<Pending> Transaction::commit(Sync sync) {
  STAVE_ASSERT(locks_.locked());
  if (failure_) [[unlikely]] {
    rollback();
    return fail(failure_->clone());
  }
  if (changes_.empty()) {
    locks_.unlock();
    return observed_;
  }
  auto pending = log_changes(sync);
  if (!pending) {
    rollback();
    return pending;
  }
  locks_.unlock();
  pending->merge(observed_);
  return pending;
}

Result<Pending> Transaction::log_changes(Sync sync) {
  boost::container::small_vector<log::RecordSpec, 4> batch;
  boost::container::small_vector<Change*, 4> logged;
  std::list<std::string> packed;
  UnixMs earliest{0};
  for (Change& change : changes_) {
    Shard& shard = engine_.keyspace().shard(change.shard);
    locks_.assume_held(shard);
    const Entry entry = shard.find(change.hash, change.key.key);
    log::RecordSpec record{.kind = change.removal,
                           .database = static_cast<std::uint8_t>(change.key.database),
                           .time = now_,
                           .prev = change.address,
                           .key = change.key.key};
    if (entry) {
      record.kind = change.was == Change::Was::kExpired ? log::RecordKind::kSetExpiry : kind_of(entry.type());
      if (entry.has_expiry()) record.expiry = entry.expiry();
      if (change.was != Change::Was::kExpired) {
        record.payload = entry.value();
        engine_.compression().sample(record.payload);
        if (const auto smaller = engine_.compression().pack(record.payload)) {
          record.payload = packed.emplace_back(*smaller);
          record.compressed = true;
        }
      }
      if (!record.expiry.never() && (raw(earliest) == 0 || record.expiry.at < earliest)) earliest = record.expiry.at;
    } else if (change.was == Change::Was::kAbsent) {
      continue;  // Came and went within the transaction: nothing happened.
    }
    batch.push_back(record);
    logged.push_back(&change);
  }
  Pending pending;
  if (!batch.empty()) {
    boost::container::small_vector<Lsn, 4> lsns(batch.size());
    STAVE_ASSIGN(const Lsn end, engine_.log().append(batch, lsns));
    for (std::size_t i = 0; i < logged.size(); ++i) {
      Shard& shard = engine_.keyspace().shard(logged[i]->shard);
      locks_.assume_held(shard);
      Entry entry = shard.find(logged[i]->hash, logged[i]->key.key);
      if (entry && logged[i]->was == Change::Was::kExpired) {
        entry.set_changed_expiry(lsns[i]);
      } else if (entry) {
        entry.set_written(lsns[i]);
      } else {
        shard.set_removal_mark(end);
      }
    }
    version_ = lsns.back();
    pending = engine_.pending_for_write(end, sync);
  }
  for (const Change& change : changes_) {
    Shard& shard = engine_.keyspace().shard(change.shard);
    locks_.assume_held(shard);
    shard.discard(change.previous);
  }
  engine_.deadlines().note(earliest);
  return pending;
}

void Transaction::rollback() noexcept {
  if (!locks_.locked()) return;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) undo(*change);
  changes_.clear();
  locks_.unlock();
}

void Transaction::undo(const Change& change) noexcept {
  Shard& shard = engine_.keyspace().shard(change.shard);
  locks_.assume_held(shard);
  switch (change.was) {
    case Change::Was::kAbsent: shard.erase(change.hash, change.key.key); return;
    case Change::Was::kHeld: shard.restore(change.hash, change.previous); break;
    case Change::Was::kExpired: break;
  }
  Entry entry = shard.find(change.hash, change.key.key);
  const Expiry held = entry.has_expiry() ? entry.expiry() : Expiry{};
  // The room that the entry had before was freed under this very lock, so taking it again cannot fail; should it, dying
  // here is right: nothing was logged, and a restart shows the state before the transaction.
  if (held != change.expiry) STAVE_ASSERT(shard.set_expiry(change.hash, entry, change.expiry).has_value());
}

}  // namespace stave::store
