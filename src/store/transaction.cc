#include "store/transaction.h"

#include <algorithm>
#include <new>

#include "base/assert.h"
#include "base/try.h"
#include "store/collection.h"
#include "store/pages.h"
#include "types/string/paged.h"

namespace stave::store {

using keyspace::Entry;
using keyspace::EntrySpec;
using keyspace::ShardId;

Transaction::Transaction(Engine& engine, std::span<const KeyRef> keys, std::span<const ShardId> more)
    : engine_(engine),
      now_(engine.now()),
      // What has expired here is there until the master says that it is not.
      for_master_(engine.mirrors() && MirrorPass::held()),
      locks_(engine.keyspace()),
      mutations_(engine.keyspace(), locks_) {
  // Before any shard is held: making room needs them.
  if (auto admitted = engine_.budget().admit(); !admitted) refusal_ = std::move(admitted).error();
  locks_.reserve(keys.size() + more.size());
  for (const KeyRef& key : keys) {
    const std::uint64_t hash = hash_of(engine_.keyspace(), key);
    const ShardId id = engine_.keyspace().shard_id(key.database, hash, key.key);
    engine_.keyspace().shard(id).prefetch_bucket(hash);
    locks_.add(id);
  }
  for (const ShardId id : more) locks_.add(id);
  if (const ChangeWatch& watch = engine_.change_watch(); watch.noting()) [[unlikely]]
    if (watch.listener() != nullptr) notes_ = watch.listener()->notes();
  locks_.lock();
}

Transaction::~Transaction() {
  rollback();
}

/// Without a shard when it cannot be had.
Place Transaction::place(KeyRef key) noexcept {
  const std::uint64_t hash = hash_of(engine_.keyspace(), key);
  const ShardId id = engine_.keyspace().shard_id(key.database, hash, key.key);
  if (!locks_.holds(id) && !reach(id)) [[unlikely]]
    return {.hash = hash, .id = id, .shard = nullptr};
  if (wanted_) [[unlikely]]
    return {.hash = hash, .id = id, .shard = nullptr};
  return {.hash = hash, .id = id, .shard = &engine_.keyspace().shard(id)};
}

Place Transaction::place_of(KeyRef key) const noexcept {
  const std::uint64_t hash = hash_of(engine_.keyspace(), key);
  const ShardId id = engine_.keyspace().shard_id(key.database, hash, key.key);
  return {.hash = hash, .id = id, .shard = &engine_.keyspace().shard(id)};
}

bool Transaction::holds(KeyRef key) const noexcept {
  return locks_.holds(place_of(key).id);
}

bool Transaction::has_changed(KeyRef key) const noexcept {
  return mutations_.has(key, place_of(key));
}

void Transaction::visit_watched(base::FunctionRef<void(KeyRef)> show) const {
  const ChangeWatch& watch = engine_.change_watch();
  for (std::size_t i = 0; i < mutations_.entries(); ++i)
    if (const KeyRef key = mutations_.changed_key(i); watch.watches(key.hash)) show(key);
  for (const KeyRef& key : announced_) show(key);
}

/// The shard of a key that was not named.
bool Transaction::reach(ShardId id) noexcept try {
  STAVE_ASSERT(locks_.locked());
  if (wanted_) return false;
  if (!locks_.extend(id)) wanted_ = id;
  return !wanted_;
} catch (const std::bad_alloc&) {
  if (!failure_) failure_ = Error(ErrorCode::kNoMemory, "there is no memory for this transaction");
  return false;
}

bool Transaction::hold(std::span<const ShardId> shards) noexcept {
  for (const ShardId id : shards)
    if (!locks_.holds(id) && !reach(id)) return false;
  return true;
}

/// Why a key's place cannot be had.
Error Transaction::why_not() const noexcept {
  if (failure_ && !wanted_) return failure_->clone();
  return Error(ErrorCode::kConflict, "the transaction uses a key that it did not name and must start again");
}

/// The key's entry, expired or not, and noted that it was looked at.
Entry Transaction::look(const Place& at, KeyRef key) noexcept {
  locks_.assume_held(*at.shard);
  const Entry entry = at.shard->find(at.hash, key.key);
  observed_.merge(engine_.observe(entry ? entry.version() + 1 : at.shard->removal_mark()));
  return entry;
}

std::optional<ValueView> Transaction::find(KeyRef key, Access access) {
  Spot spot;
  return find(key, access, spot);
}

std::optional<ValueView> Transaction::find(KeyRef key, Access access, Spot& spot) {
  const Place at = place(key);
  if (at.shard == nullptr) [[unlikely]]
    return std::nullopt;
  locks_.assume_held(*at.shard);
  Entry entry = look(at, key);
  if (!entry || passed(entry)) return std::nullopt;
  const LoadedValue* loaded = nullptr;
  const bool joins = entry.type() == ValueType::kPagedString && !takes_root(access);
  if (!entry.resident() && (needs_value(access) || joins)) [[unlikely]] {
    loaded = load(at, entry);
    entry = at.shard->find(at.hash, key.key);
  }
  ValueView view = view_of(entry, joins ? as_root(access) : access, loaded);
  if (joins) [[unlikely]] {
    const auto joined = string_in_pages(view, needs_value(access));
    if (!joined) return std::nullopt;
    view = *joined;
  }
  if (entry.has_expiry()) {
    if (touches(access) && entry.expiry().sliding_ms != 0) refresh(at, entry, key);
    view.expiry = entry.expiry();
  }
  if (touches(access)) entry.touch();
  if (entry.resident()) spot = {.place = at, .entry = entry};
  return view;
}

Result<void> Transaction::edit(KeyRef key, Spot& spot, base::Edits edits) {
  STAVE_ASSERT(!is_root(spot.entry.type()));
  STAVE_TRY(engine_.check_limits(key.key, base::edited_size(edits, spot.entry.value_size())));
  if (refuses()) [[unlikely]]
    return fail(refusal_->clone());
  locks_.assume_held(*spot.place.shard);
  STAVE_ASSIGN(spot.entry, mutations_.edit(key, spot.place, spot.entry, edits));
  return {};
}

std::uint64_t Transaction::memory_of(KeyRef key) {
  const Place at = place(key);
  if (at.shard == nullptr) [[unlikely]]
    return 0;
  locks_.assume_held(*at.shard);
  const Entry entry = look(at, key);
  return entry && !passed(entry) ? entry.memory_bytes() : 0;
}

std::optional<unsigned> Transaction::heat_of(KeyRef key) {
  const Place at = place(key);
  if (at.shard == nullptr) [[unlikely]]
    return std::nullopt;
  locks_.assume_held(*at.shard);
  const Entry entry = look(at, key);
  return entry && !passed(entry) ? std::optional(entry.heat()) : std::nullopt;
}

/// To use is to put off. What this transaction changed is logged by its commit, if that comes.
void Transaction::refresh(const Place& at, Entry entry, KeyRef key) {
  if (!mutations_.has(key, at)) return engine_.deadlines().refresh(entry, key, now_);
  if (const UnixMs fresh = now_ + entry.expiry().sliding_ms; fresh > entry.expiry().at) entry.set_deadline(fresh);
}

// With the shards held: right, but slow. Doors fetch ahead (Engine::fetch), so it is rare. What cannot be read cannot
// be decided upon either: the transaction is lost, and commit says why. An entry's address stays that of a record that
// can be read until the transaction is committed, so a value is found whatever was done to its key's expiry.
const LoadedValue* Transaction::load(const Place& at, Entry entry) noexcept {
  locks_.assume_held(*at.shard);
  static const LoadedValue kNothing;
  const Lsn address = entry.value_record();
  for (const FromLog& known : loaded_)
    if (known.address == address) return &known.value;
  const auto lost = [&](Error&& why) {
    if (!failure_) failure_ = std::move(why);
    return &kNothing;
  };
  try {
    FromLog& read = loaded_.emplace_back();
    if (auto done = engine_.residence().load(address, entry.key(), read.value); !done) {
      loaded_.pop_back();
      return lost(std::move(done).error());
    }
    read.address = address;
    engine_.residence().count_fetched();
    engine_.residence().keep(*at.shard, at.hash, entry, read.value);
    return &read.value;
  } catch (const std::bad_alloc&) {
    return lost(Error(ErrorCode::kNoMemory, "there is no memory to read the value from the log"));
  }
}

/// A string in pages, of which `root` was found, as any string: with its bytes, if they are needed. Nothing: a shard
/// could not be had.
std::optional<ValueView> Transaction::string_in_pages(const ValueView& root, bool needed) {
  ValueView view{.type = ValueType::kString, .version = root.version, .here = false};
  if (!root.here) return view;  // it could not be read, and the commit says so
  // The view may end with the first page that is read.
  const std::string kept(root.value);
  view.size = types::text::Paged::size_of(root_of(kept));
  if (!needed) return view;
  const LoadedValue* const joined = join(kept);
  if (wanted_) return std::nullopt;
  if (joined == nullptr) return view;
  view.value = joined->view();
  view.block = joined->block.data();
  view.here = true;
  return view;
}

/// All bytes of a string in pages, kept until the transaction is over or changes something. Null: they could not be
/// had.
const LoadedValue* Transaction::join(std::string_view paged) {
  const Lsn identity = identity_of(paged);
  const auto known = std::ranges::find(joined_, identity, &Joined::identity);
  if (known != joined_.end() && known->made == mutations_.made()) return &known->value;
  try {
    Joined& joined = known != joined_.end() ? *known : joined_.emplace_back();
    joined = {.identity = identity, .made = mutations_.made(), .value = {}};
    if (auto done = join_string(*this, paged, joined.value); !done) {
      joined.identity = kNoLsn;
      fail_commit(std::move(done).error());
      return nullptr;
    }
    return &joined.value;
  } catch (const std::bad_alloc&) {
    fail_commit(Error(ErrorCode::kNoMemory, "there is no memory to put the value together"));
    return nullptr;
  }
}

Result<void> Transaction::put(KeyRef key, std::string_view value, Expiry expiry, ValueType type,
                              const keyspace::Block* block) {
  STAVE_TRY(engine_.check_limits(key.key, value.size()));
  if (refuses()) [[unlikely]]
    return fail(refusal_->clone());
  if (expiry.sliding_ms != 0) expiry.at = now_ + expiry.sliding_ms;
  const Place at = place(key);
  if (at.shard == nullptr) [[unlikely]]
    return fail(why_not());
  locks_.assume_held(*at.shard);
  if (notes_ != nullptr) [[unlikely]]
    note_change(KeyChange::What::kPut, key, at.shard->find(at.hash, key.key), type, expiry);
  if (const Entry before = at.shard->find(at.hash, key.key)) {
    if (is_root(before.type()) &&
        !(is_root(type) && before.resident() && identity_of(before.value()) == identity_of(value)))
      note_leaving(before);
    if (!mutations_.has(key, at) && Deadlines::passed_untold(before, now())) [[unlikely]]
      STAVE_TRY(engine_.deadlines().collect(at.id, key.key));
  }
  if (is_root(type)) {
    engine_.residence().note_type(type);
    engine_.orphans().given(identity_of(value));
    STAVE_TRY(note_given(identity_of(value)));
  }
  return mutations_.put(key, at, {.type = type, .value = value, .block = block, .expiry = expiry});
}

bool Transaction::erase(KeyRef key) {
  const Place at = place(key);
  if (at.shard == nullptr) [[unlikely]]
    return false;
  const Entry entry = look(at, key);
  if (!entry || passed(entry)) return false;
  note_leaving(entry);
  if (notes_ != nullptr) [[unlikely]]
    note_change(KeyChange::What::kErased, key, entry, entry.type(), {});
  if (auto done = mutations_.remove(key, at, log::RecordKind::kDelete); !done && !failure_)
    failure_ = std::move(done).error();
  return true;
}

Result<void> Transaction::set_expiry(KeyRef key, Expiry expiry) {
  const Place at = place(key);
  if (at.shard == nullptr) [[unlikely]]
    return fail(why_not());
  const Entry entry = look(at, key);
  if (!entry || passed(entry)) return fail(ErrorCode::kNotFound, "no such key");
  const bool gone = expiry.passed(now());
  if (notes_ != nullptr) [[unlikely]]
    note_change(gone ? KeyChange::What::kErased : KeyChange::What::kExpiry, key, entry, entry.type(), expiry);
  if (gone) {
    note_leaving(entry);
    return mutations_.remove(key, at, log::RecordKind::kExpire);
  }
  return mutations_.set_expiry(key, at, expiry);
}

Result<Pending> Transaction::commit(Sync sync) {
  STAVE_ASSERT(locks_.locked());
  if (!engine_.change_watch().any()) [[likely]]
    return log_changes(sync);
  const bool asked = ask_who_watches();
  auto done = log_changes(sync);
  if (asked) engine_.change_watch().handler()->after_commit();
  return done;
}

/// Lets those act who watch what was changed. False: there is nobody.
bool Transaction::ask_who_watches() noexcept {
  ChangeHandler* const handler = engine_.change_watch().handler();
  if (handler == nullptr || wanted_ || failure_ || (mutations_.empty() && announced_.empty())) return false;
  sequel_ = handler->before_commit(*this);
  return true;
}

Result<Pending> Transaction::log_changes(Sync sync) {
  if (wanted_ || failure_) [[unlikely]] {
    rollback();
    return fail(why_not());
  }
  Pending pending = observed_;
  Lsn end = kNoLsn;
  std::shared_ptr<LargeBatch> large;
  if (!mutations_.empty()) {
    if (engine_.refuses_writes()) [[unlikely]] {
      rollback();
      return fail(ErrorCode::kReadOnly, log::kFollowsSentence);
    }
    auto logged = mutations_.log(engine_.log(), engine_.compression(), now_);
    if (!logged) [[unlikely]] {
      rollback();
      return fail(std::move(logged).error());
    }
    if (logged->end != kNoLsn) {
      version_ = logged->last;
      end = logged->end;
      pending.merge(engine_.pending_for_write(logged->end, sync));
      large = std::move(logged->large);
    }
  }
  if (notes_ != nullptr) [[unlikely]]
    notes_->logged(pending);
  locks_.unlock();
  abandon_pages();
  if (large) [[unlikely]]
    engine_.write_later(std::move(large));
  if (sequel_ != nullptr) [[unlikely]]
    sequel_->committed(end, observed_);
  return pending;
}

void Transaction::start_over() noexcept {
  STAVE_ASSERT(locks_.locked());
  mutations_.undo();
  if (notes_ != nullptr) notes_->forget();
  excused_ = false;
  left_.clear();
  given_.clear();
}

/// The entry's value is replaced or removed.
void Transaction::note_leaving(Entry entry) noexcept {
  if (!is_root(entry.type())) [[likely]]
    return;
  try {
    left_.push_back(engine_.orphans().left_by(entry));
  } catch (const std::bad_alloc&) {
    engine_.orphans().note();
  }
}

/// Pages are the store's own; what a collection in pages holds shows by its root.
void Transaction::note_change(KeyChange::What what, KeyRef key, Entry before, ValueType type,
                              const Expiry& after) noexcept {
  if (type == ValueType::kPage) return;
  bool noted = true;
  if (before && passed(before)) {
    // A sliding deadline that passed is told of when the key is collected, in a moment.
    if (mutations_.has(key, place_of(key)) || !Deadlines::passed_untold(before, now()))
      noted = notes_->note({.key = key, .what = KeyChange::What::kExpired, .existed = true, .type = before.type()});
    before = {};
  }
  noted = noted && notes_->note({.key = key,
                                 .what = what,
                                 .existed = static_cast<bool>(before),
                                 .type = type,
                                 .before = before ? before.expiry() : Expiry{},
                                 .after = after});
  if (!noted) fail_commit(Error(ErrorCode::kNoMemory, "there is no memory to note this change"));
}

/// A key gets the root of that identity.
Result<void> Transaction::note_given(Lsn identity) try {
  given_.push_back(identity);
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory for this change");
}

/// Committed: what no key was given instead is nobody's. What came and went within the transaction a sweep finds.
void Transaction::abandon_pages() noexcept {
  if (left_.empty()) [[likely]]
    return;
  std::ranges::sort(given_);
  for (const Orphans::Pages& pages : left_) {
    if (std::ranges::binary_search(given_, pages.identity)) {
      engine_.orphans().note();
    } else {
      engine_.orphans().abandon(pages);
    }
  }
}

void Transaction::rollback() noexcept {
  if (!locks_.locked()) return;
  mutations_.undo();
  if (notes_ != nullptr) notes_->forget();
  locks_.unlock();
  sequel_ = nullptr;
}

}  // namespace stave::store
