#include "store/mutations.h"

#include <algorithm>
#include <bit>
#include <list>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/try.h"
#include "log/value_address.h"
#include "packing/compression.h"
#include "packing/difference.h"
#include "store/patches.h"

namespace stave::store {

using keyspace::Block;
using keyspace::Detached;
using keyspace::Entry;
using keyspace::EntrySpec;
using keyspace::Shard;

namespace {

/// Below this many a search from the end beats an index.
constexpr std::size_t kIndexFrom = 16;

std::unexpected<Error> no_memory() {
  return fail(ErrorCode::kNoMemory, "there is no memory for this change");
}

/// Whether an entry that expires like `a` has room for `b`.
bool same_form(const Expiry& a, const Expiry& b) noexcept {
  return a.never() == b.never() && (a.never() || (a.sliding_ms != 0) == (b.sliding_ms != 0));
}

}  // namespace

// --- prepare ---------------------------------------------------------------------------------------------------------

/// Makes sure that one more mutation can be noted without memory.
bool Mutations::prepare() noexcept try {
  if (list_.size() == list_.capacity()) list_.reserve(2 * list_.size());
  if (list_.size() >= kIndexFrom && 2 * (list_.size() + 1) > index_.size()) make_index();
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void Mutations::make_index() {
  std::vector<std::int32_t> index(std::bit_ceil(4 * (list_.size() + 1)), -1);
  for (std::size_t i = 0; i < list_.size(); ++i)
    list_[i].next = std::exchange(index[list_[i].hash & (index.size() - 1)], static_cast<std::int32_t>(i));
  index_ = std::move(index);
}

std::int32_t Mutations::newest(KeyRef key, const Place& at) const noexcept {
  if (list_.empty()) return -1;
  const auto is_it = [&](const Mutation& m) { return m.hash == at.hash && m.shard == at.id && m.key.key == key.key; };
  if (index_.empty()) {
    for (std::size_t i = list_.size(); i > 0; --i)
      if (is_it(list_[i - 1])) return static_cast<std::int32_t>(i - 1);
    return -1;
  }
  std::int32_t i = index_[at.hash & (index_.size() - 1)];
  while (i >= 0 && !is_it(list_[static_cast<std::size_t>(i)])) i = list_[static_cast<std::size_t>(i)].next;
  return i;
}

/// Notes a mutation, after `prepare`. `was`: the key before it.
Mutations::Mutation& Mutations::add(KeyRef key, const Place& at, const Was& was) noexcept {
  const std::int32_t earlier = newest(key, at);
  if (earlier >= 0) list_[static_cast<std::size_t>(earlier)].entry = {};
  const auto number = static_cast<std::int32_t>(list_.size());
  STAVE_ASSERT(list_.size() < list_.capacity());
  list_.push_back({.key = key,
                   .hash = at.hash,
                   .shard = at.id,
                   .existed = was.existed,
                   .earlier = earlier,
                   .prev = was.record,
                   .expiry = was.expiry});
  Mutation& added = list_.back();
  if (!index_.empty()) added.next = std::exchange(index_[at.hash & (index_.size() - 1)], number);
  return added;
}

/// As `add`, but what was done to the key before is of no interest to the log any more.
Mutations::Mutation& Mutations::add_whole(KeyRef key, const Place& at, const Was& was) noexcept {
  const std::int32_t last = newest(key, at);
  if (last < 0) return add(key, at, was);
  Mutation& mutation = list_[static_cast<std::size_t>(last)];
  for (std::int32_t i = mutation.earlier; i >= 0; i = list_[static_cast<std::size_t>(i)].earlier)
    list_[static_cast<std::size_t>(i)].silent = true;
  return mutation;
}

/// Makes sure that what takes these edits back can be noted without memory.
bool Mutations::prepare_undo(base::Edits edits) noexcept try {
  std::size_t out = 0;
  for (const base::Edit& edit : edits) out += edit.out;
  const auto room = [](auto& in, std::size_t more) {
    if (in.capacity() - in.size() < more) in.reserve(std::max(2 * in.size(), in.size() + more));
  };
  room(undos_, edits.size());
  room(taken_out_, out);
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

/// `value`: before the edits.
void Mutations::note_undo(std::int32_t number, std::string_view value, base::Edits edits, bool made) noexcept {
  Mutation& mutation = list_[static_cast<std::size_t>(number)];
  std::size_t shift = 0;
  for (const base::Edit& edit : edits) {
    undos_.push_back({.mutation = number,
                      .earlier = mutation.undos,
                      .first = &edit == edits.data(),
                      .made = made,
                      .at = static_cast<std::uint32_t>(edit.at + shift),
                      .size = static_cast<std::uint32_t>(edit.in.size()),
                      .bytes_at = static_cast<std::uint32_t>(taken_out_.size()),
                      .bytes = static_cast<std::uint32_t>(edit.out)});
    const char* const out = value.data() + edit.at;
    taken_out_.insert(taken_out_.end(), out, out + edit.out);
    shift += edit.in.size() - edit.out;
  }
  mutation.undos = static_cast<std::int32_t>(undos_.size());
}

/// Those of the call that ends there.
Mutations::Undos Mutations::undos_before(std::int32_t end) const noexcept {
  const auto behind = static_cast<std::size_t>(end);
  std::size_t begin = behind - 1;
  while (!undos_[begin].first) --begin;
  return Undos(undos_.data(), undos_.size()).subspan(begin, behind - begin);
}

Mutations::EditList Mutations::takes_back(Undos undos) const noexcept {
  EditList edits;
  for (const Undo& undo : undos)
    edits.push_back({.at = undo.at, .out = undo.size, .in = {taken_out_.data() + undo.bytes_at, undo.bytes}});
  return edits;
}

/// The edits themselves. `value`: as they left it.
Mutations::EditList Mutations::made_by(Undos undos, std::string_view value) const noexcept {
  EditList edits;
  std::size_t shift = 0;
  for (const Undo& undo : undos) {
    edits.push_back({.at = undo.at - shift, .out = undo.bytes, .in = value.substr(undo.at, undo.size)});
    shift += std::size_t{undo.size} - undo.bytes;
  }
  return edits;
}

/// `previous` is what the key held until now: to be kept for the undo, unless it came after what that needs.
void Mutations::take_over(Mutation& mutation, const Place& at, Detached previous) noexcept {
  locks_.assume_held(*at.shard);
  if (previous.empty()) return;
  if (mutation.existed && mutation.before.empty()) {
    mutation.before = previous;
  } else {
    at.shard->discard(previous);
  }
}

// --- the changes -----------------------------------------------------------------------------------------------------

Result<void> Mutations::put(KeyRef key, const Place& at, EntrySpec spec) {
  locks_.assert_held(at.id, *at.shard);
  const Entry before = at.shard->find(at.hash, key.key);
  // A root stays as long as it was, and its shard's key nearly always stays what it was.
  if (before && is_root(spec.type) && before.type() == spec.type && before.value_size() == spec.value.size() &&
      spec.expiry.never()) {
    const base::Edit all{.at = 0, .out = spec.value.size(), .in = spec.value};
    if (may_edit(key, at, before, std::span(&all, 1))) {
      STAVE_TRY(edit(key, at, before, std::span(&all, 1)));
      return {};
    }
  }
  if (!prepare()) return no_memory();
  const Was was(before);
  // Until it has a record of its own it shows where the one before lies.
  spec.address = was.record;
  Detached previous;
  STAVE_ASSIGN(const Entry fresh, at.shard->exchange(at.hash, key.key, spec, previous));
  STAVE_ASSERT(previous.empty() != was.existed);
  Mutation& mutation = add_whole(key, at, was);
  mutation.effect = Effect::kValue;
  mutation.entry = fresh;
  mutation.changed = Mutation::Changed::kOften;
  take_over(mutation, at, previous);
  ++made_;
  return {};
}

bool Mutations::may_edit(KeyRef key, const Place& at, Entry entry, base::Edits edits) const noexcept {
  if (edits.empty() || edits.size() > kEditsMax) return false;
  if (!entry.resident() || entry.has_expiry() || entry.value_size() >= Block::kBytesMin) return false;
  if (base::edited_size(edits, entry.value_size()) >= Block::kBytesMin) return false;
  const std::int32_t last = newest(key, at);
  if (last < 0) return true;
  const Mutation& mutation = list_[static_cast<std::size_t>(last)];
  return mutation.effect == Effect::kValue && mutation.earlier < 0;
}

// What was taken out is noted as long as the entry is the one that the key had before: from then on that one is kept,
// with the edits that were made to it. Of the call that makes another entry it is noted too, for its record.
Result<Entry> Mutations::edit(KeyRef key, const Place& at, Entry entry, base::Edits edits) {
  locks_.assume_held(*at.shard);
  STAVE_ASSERT(!entry.detached() && !entry.has_expiry() && edits.size() <= kEditsMax);
  if (!prepare() || !prepare_undo(edits)) return no_memory();
  const bool fits = Shard::edits_fit(entry, edits);
  std::int32_t number = newest(key, at);
  STAVE_ASSERT(number < 0 || list_[static_cast<std::size_t>(number)].effect == Effect::kValue);
  const Was was(entry);
  const std::string_view before = entry.value();
  Detached previous;
  Entry edited = entry;
  if (!fits) {
    STAVE_ASSIGN(edited, at.shard->exchange_edited(at.hash, entry, edits, previous));
  }
  if (number < 0) {
    number = static_cast<std::int32_t>(list_.size());
    add(key, at, was).effect = Effect::kValue;
  }
  Mutation& mutation = list_[static_cast<std::size_t>(number)];
  if (mutation.existed && mutation.before.empty()) note_undo(number, before, edits, fits);
  if (fits) at.shard->edit(entry, edits);
  mutation.changed =
      mutation.changed == Mutation::Changed::kNot ? Mutation::Changed::kByEdits : Mutation::Changed::kOften;
  mutation.entry = edited;
  take_over(mutation, at, previous);
  ++made_;
  return edited;
}

Result<void> Mutations::remove(KeyRef key, const Place& at, log::RecordKind why) {
  locks_.assert_held(at.id, *at.shard);
  if (!prepare()) return no_memory();
  const Was was(at.shard->find(at.hash, key.key));
  const Detached previous = at.shard->detach(at.hash, key.key);
  STAVE_ASSERT(was.existed && !previous.empty());
  Mutation& mutation = add_whole(key, at, was);
  mutation.effect = Effect::kRemoved;
  mutation.entry = {};
  mutation.removal = why;
  mutation.changed = Mutation::Changed::kOften;
  take_over(mutation, at, previous);
  ++made_;
  return {};
}

Result<void> Mutations::set_expiry(KeyRef key, const Place& at, Expiry expiry, bool apart) {
  locks_.assert_held(at.id, *at.shard);
  if (!prepare()) return no_memory();
  const Entry entry = at.shard->find(at.hash, key.key);
  STAVE_ASSERT(entry);
  const Was was(entry);
  STAVE_ASSIGN(const Detached previous, change_expiry(at, entry, expiry));
  ++made_;
  const std::int32_t last = newest(key, at);
  if (last >= 0 && !apart) {
    Mutation& mutation = list_[static_cast<std::size_t>(last)];
    STAVE_ASSERT(mutation.effect != Effect::kRemoved);
    mutation.entry = {};
    take_over(mutation, at, previous);
    return {};
  }
  Mutation& mutation = add(key, at, was);
  mutation.effect = Effect::kExpiry;
  take_over(mutation, at, previous);
  return {};
}

/// In place when the entry has room for it. Otherwise another entry takes its place, and the old one is handed out,
/// because that is an undo that needs no memory.
Result<Detached> Mutations::change_expiry(const Place& at, Entry entry, Expiry expiry) {
  locks_.assume_held(*at.shard);
  Detached previous;
  if (same_form(entry.expiry(), expiry)) {
    STAVE_ASSERT(at.shard->set_expiry(at.hash, entry, expiry).has_value());
    return previous;
  }
  EntrySpec spec{.type = entry.type(),
                 .expiry = expiry,
                 .address = entry.address(),
                 .version = entry.version(),
                 .spilled = !entry.resident(),
                 .spilled_size = entry.value_size()};
  Block block;
  if (entry.resident()) {
    spec.value = entry.value();
    // A large value is shared, not copied.
    if (entry.out_of_line() && entry.value_size() >= Block::kBytesMin) {
      block = Block::share(entry.block());
      spec.block = &block;
    }
  }
  // A patched value has no expiry: it is a page.
  STAVE_ASSERT(entry.patches() == 0);
  const bool delta = entry.delta();
  STAVE_ASSIGN(Entry fresh, at.shard->exchange(at.hash, entry.key(), spec, previous));
  fresh.set_delta(delta);
  STAVE_ASSERT(!previous.empty() && fresh.version() == spec.version);
  return previous;
}

// --- the end ---------------------------------------------------------------------------------------------------------

/// What the mutation's key holds now. An entry that a transaction made stays where it is until its key is changed
/// again.
Entry Mutations::entry_of(const Mutation& mutation) const noexcept {
  if (mutation.entry) [[likely]]
    return mutation.entry;
  Shard& shard = shard_of(mutation);
  locks_.assume_held(shard);
  return shard.find(mutation.hash, mutation.key.key);
}

/// What the log is to know of the mutation; nothing when it has no record.
std::optional<log::RecordSpec> Mutations::describe(const Mutation& mutation) const noexcept {
  if (mutation.silent) return std::nullopt;
  const Entry entry = entry_of(mutation);
  log::RecordSpec record{.database = number_of(keyspace_, mutation.key.database), .key = mutation.key.key};
  switch (mutation.effect) {
    case Effect::kRemoved:
      STAVE_ASSERT(!entry);
      if (came_and_went(mutation)) return std::nullopt;
      record.kind = mutation.removal;
      break;
    case Effect::kValue:
      STAVE_ASSERT(entry && entry.resident());
      record.kind = kind_of(entry.type());
      record.payload = entry.value();
      break;
    case Effect::kExpiry:
      STAVE_ASSERT(entry);
      record.kind = log::RecordKind::kSetExpiry;
      break;
  }
  if (entry) record.expiry = entry.expiry();
  return record;
}

/// Whether the key was not there before the first mutation.
bool Mutations::came_and_went(const Mutation& mutation) const noexcept {
  const Mutation* first = &mutation;
  while (first->earlier >= 0) first = &list_[static_cast<std::size_t>(first->earlier)];
  return !first->existed;
}

/// Whether the value that the mutation changes is written by a record before it in the same batch.
bool Mutations::value_in_batch(const Mutation& mutation) const noexcept {
  for (std::int32_t i = mutation.earlier; i >= 0; i = list_[static_cast<std::size_t>(i)].earlier) {
    const Mutation& before = list_[static_cast<std::size_t>(i)];
    if (before.effect == Effect::kValue && before.record >= 0) return true;
  }
  return false;
}

/// What the mutation's record names as the one before it.
void Mutations::link(const Mutation& mutation, log::RecordSpec& record) const noexcept {
  record.prev = mutation.prev;
  for (std::int32_t i = mutation.earlier; i >= 0; i = list_[static_cast<std::size_t>(i)].earlier) {
    const Mutation& before = list_[static_cast<std::size_t>(i)];
    record.prev = before.prev;
    if (before.record < 0) continue;  // has none, so it is the one before that
    record.prev_in_batch = before.record;
    return;
  }
}

/// Whether the value, which `record` has whole, is logged as its difference from the one before: then the payload is
/// appended to `into`. Only pages are, so far: they have no expiry, and nobody asks for the history of one.
bool Mutations::patch(Mutation& mutation, const log::RecordSpec& record, std::string& into) const {
  mutation.patches = 0;
  if (record.kind != log::RecordKind::kPage || record.payload.size() < kPatchedBytesMin) return false;
  if (!mutation.existed || mutation.earlier >= 0) return false;
  Shard& shard = shard_of(mutation);
  locks_.assume_held(shard);
  // Until it is logged, an entry that was changed where it lies shows what it showed before, but for the value.
  const Entry before = mutation.before.empty() ? mutation.entry : shard.view(mutation.before);
  if (!before || !before.resident() || before.type() != ValueType::kPage) return false;
  STAVE_ASSERT(!before.has_expiry() && before.newest_record() == mutation.prev);
  const unsigned patches = patches_after(before.patches(), before.version(), record.payload.size());
  if (patches == 0) return false;
  const std::size_t begin = into.size();
  into.resize(begin + log::kPatchAddressBytes);
  base::store48(into.data() + begin, raw(before.address()));
  const std::size_t most = record.payload.size() / kPatchPart;
  bool fits = false;
  if (mutation.changed == Mutation::Changed::kByEdits) {
    const Undos undos = undos_before(mutation.undos);
    std::size_t size = record.payload.size();
    for (const Undo& undo : undos) size = size + undo.bytes - undo.size;
    fits = packing::difference_of(made_by(undos, record.payload), size, most, into);
  } else if (mutation.undos == 0) {
    fits = packing::difference(before.value(), record.payload, most, into);
  } else {
    const std::string_view value = mutation.before.empty() ? record.payload : before.value();
    fits = packing::difference(value_before(mutation, value), record.payload, most, into);
  }
  if (!fits) {
    into.resize(begin);
    return false;
  }
  mutation.whole = before.address();
  mutation.patches = patches;
  return true;
}

/// What the key of the mutation held before all of its edits. `value`: with those that were made where it lay.
std::string Mutations::value_before(const Mutation& mutation, std::string_view value) const {
  std::size_t size = value.size();
  std::size_t most = size;
  const auto visit_made = [&](auto visit) {
    for (std::int32_t end = mutation.undos; end != 0;) {
      const Undos undos = undos_before(end);
      end = undos.front().earlier;
      if (undos.front().made) visit(undos);
    }
  };
  visit_made([&](Undos undos) {
    for (const Undo& undo : undos) size = size + undo.bytes - undo.size;
    most = std::max(most, size);
  });
  std::string before(value);
  before.resize(most);
  size = value.size();
  visit_made([&](Undos undos) {
    const EditList back = takes_back(undos);
    base::edit_in_place(before.data(), size, back);
    size = base::edited_size(back, size);
  });
  before.resize(size);
  return before;
}

Result<Mutations::Logged> Mutations::log(log::Log& log, packing::Compression& compression, UnixMs now) try {
  Logged logged;
  boost::container::small_vector<log::RecordSpec, 4> batch;
  boost::container::small_vector<const Mutation*, 4> of;
  std::list<std::string> packed;
  std::string patches;
  boost::container::small_vector<std::size_t, 4> patch_ends;
  std::uint64_t bytes = 0;
  batch.reserve(list_.size());
  of.reserve(list_.size());
  for (Mutation& mutation : list_) {
    mutation.record = -1;
    auto record = describe(mutation);
    if (!record) continue;
    record->time = now;
    link(mutation, *record);
    if (mutation.effect == Effect::kExpiry && !value_in_batch(mutation)) {
      // In the same batch it is at `prev`, or behind that.
      Shard& shard = shard_of(mutation);
      locks_.assume_held(shard);
      const Entry entry = shard.find(mutation.hash, mutation.key.key);
      record->payload = packed.emplace_back(log::ValueAddress(entry.address()).payload());
    } else if (mutation.effect == Effect::kValue && patch(mutation, *record, patches)) {
      record->kind = log::RecordKind::kPatch;
      record->payload = std::string_view(patches).substr(patch_ends.empty() ? 0 : patch_ends.back());
      patch_ends.push_back(patches.size());
    } else if (mutation.effect == Effect::kValue) {
      compression.sample(record->payload);
      if (const auto smaller = compression.pack(record->payload)) {
        // The next one packs into the same scratch.
        record->payload = list_.size() == 1 ? *smaller : packed.emplace_back(*smaller);
        record->compressed = true;
      }
    }
    mutation.record = static_cast<std::int32_t>(batch.size());
    bytes += log::encoded_size(*record);
    batch.push_back(*record);
    of.push_back(&mutation);
  }
  if (batch.empty()) {
    forget();
    return logged;
  }
  // Where they lie is known now.
  std::size_t patch_begin = 0;
  auto patch_end = patch_ends.begin();
  for (log::RecordSpec& record : batch) {
    if (record.kind != log::RecordKind::kPatch) continue;
    record.payload = std::string_view(patches).substr(patch_begin, *patch_end - patch_begin);
    patch_begin = *patch_end++;
  }
  if (bytes > log.ring_batch_max()) logged.large = hold(batch, of);
  boost::container::small_vector<Lsn, 4> lsns(batch.size());
  if (logged.large) {
    STAVE_ASSIGN(logged.end, logged.large->append(log));
    std::ranges::copy(logged.large->lsns(), lsns.begin());
  } else {
    STAVE_ASSIGN(logged.end, log.append(batch, lsns));
  }
  logged.last = lsns.back();
  STAVE_ASSERT(logged.last < logged.end);
  for (std::size_t i = 0; i < of.size(); ++i) {
    STAVE_ASSERT(batch[i].prev == kNoLsn || batch[i].prev < lsns[i]);
    written(*of[i], lsns[i], logged.end);
  }
  forget();
  return logged;
} catch (const std::bad_alloc&) {
  return no_memory();
}

/// The batch held fast, so that it can be written when the shards were let go.
std::shared_ptr<LargeBatch> Mutations::hold(std::span<const log::RecordSpec> batch,
                                            std::span<const Mutation* const> of) const {
  std::vector<Block> blocks(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (of[i]->effect != Effect::kValue || batch[i].compressed || batch[i].kind == log::RecordKind::kPatch) continue;
    if (batch[i].payload.size() < Block::kBytesMin) continue;
    Shard& shard = shard_of(*of[i]);
    locks_.assume_held(shard);
    const Entry entry = shard.find(of[i]->hash, of[i]->key.key);
    STAVE_ASSERT(entry.out_of_line() && entry.value().data() == batch[i].payload.data());
    blocks[i] = Block::share(entry.block());
  }
  return LargeBatch::make(batch, blocks);
}

/// The mutation's record stands at `lsn`, in a batch that ends at `end`.
void Mutations::written(const Mutation& mutation, Lsn lsn, Lsn end) noexcept {
  Shard& shard = shard_of(mutation);
  locks_.assume_held(shard);
  if (mutation.effect == Effect::kRemoved) {
    STAVE_ASSERT(shard.removal_mark() <= end);
    return shard.set_removal_mark(end);
  }
  Entry entry = entry_of(mutation);
  STAVE_ASSERT(entry && entry.holds(mutation.key.key) && !entry.detached() && entry.version() < lsn);
  if (mutation.effect == Effect::kExpiry) {
    entry.set_changed_expiry(lsn);
  } else if (mutation.patches != 0) {
    entry.set_patched(mutation.whole, lsn, mutation.patches);
  } else {
    entry.set_written(lsn);
  }
  STAVE_ASSERT(entry.version() == lsn);
}

/// What was kept for the undo is not needed any more.
void Mutations::forget() noexcept {
  for (const Mutation& mutation : list_) {
    locks_.assume_held(shard_of(mutation));
    shard_of(mutation).discard(mutation.before);
  }
  clear();
}

void Mutations::clear() noexcept {
  list_.clear();
  index_.clear();
  undos_.clear();
  taken_out_.clear();
}

void Mutations::undo() noexcept {
  for (auto mutation = list_.rbegin(); mutation != list_.rend(); ++mutation) undo_one(*mutation);
  undo_edits();
  clear();
}

/// Those that were made to entries which are back in their places, the last first.
void Mutations::undo_edits() noexcept {
  for (std::size_t end = undos_.size(); end != 0;) {
    const Undos undos = undos_before(static_cast<std::int32_t>(end));
    end -= undos.size();
    if (!undos.front().made) continue;
    const Mutation& mutation = list_[static_cast<std::size_t>(undos.front().mutation)];
    Shard& shard = shard_of(mutation);
    locks_.assume_held(shard);
    shard.edit(shard.find(mutation.hash, mutation.key.key), takes_back(undos));
  }
}

void Mutations::undo_one(const Mutation& mutation) noexcept {
  Shard& shard = shard_of(mutation);
  locks_.assume_held(shard);
  if (!mutation.existed) {
    shard.erase(mutation.hash, mutation.key.key);
    return;
  }
  shard.restore(mutation.hash, mutation.before);
  const Entry entry = shard.find(mutation.hash, mutation.key.key);
  STAVE_ASSERT(entry);
  // Of the same form, for another one would have put the entry aside: so this takes no memory.
  STAVE_ASSERT(same_form(entry.expiry(), mutation.expiry));
  if (entry.expiry() != mutation.expiry)
    STAVE_ASSERT(shard.set_expiry(mutation.hash, entry, mutation.expiry).has_value());
  STAVE_ASSERT(entry.newest_record() == mutation.prev);
}

}  // namespace stave::store
