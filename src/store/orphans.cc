#include "store/orphans.h"

#include <algorithm>
#include <new>
#include <string>
#include <vector>

#include "base/interleave.h"
#include "base/try.h"
#include "store/collection.h"
#include "store/engine.h"
#include "store/expiry.h"
#include "store/look_entries.h"
#include "store/own_values.h"
#include "store/pages.h"

namespace stave::store {

using base::interleave::yield_point;
using keyspace::Entry;
using keyspace::Shard;
using keyspace::ShardId;

namespace {

std::unexpected<Error> closing() {
  return fail(ErrorCode::kAborted, "the store is closing");
}

/// A root whose value is in the log only.
struct Spilled {
  std::string key;
  Lsn address = kNoLsn;
};

}  // namespace

// --- what is known to be abandoned ----------------------------------------------------------------------------------

Orphans::Pages Orphans::left_by(Entry entry) noexcept {
  if (!is_root(entry.type())) [[likely]]
    return {};
  if (!entry.resident()) {
    note();
    return {};
  }
  const auto end = page_end(shown_type(entry.type()), entry.value());
  if (end) return {.identity = identity_of(entry.value()), .end = *end};
  note();
  return {};
}

void Orphans::abandon(const Pages& pages) noexcept {
  if (pages.identity == kNoLsn || pages.next >= pages.end) [[likely]]
    return;
  base::MutexLock lock(mutex_);
  try {
    if (abandoned_.size() == kAbandonedMax) return note();
    abandoned_.push_back(pages);
    waiting_.store(abandoned_.size(), std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    note();
  }
}

bool Orphans::remove_some(keyspace::Keyspace& keyspace, Deadlines& deadlines) noexcept {
  std::size_t looked = 0;
  while (looked < kLookEntries) {
    yield_point("orphans: next abandoned");
    Pages pages;
    {
      base::MutexLock lock(mutex_);
      if (abandoned_.empty()) return false;
      pages = abandoned_.back();
      abandoned_.pop_back();
      waiting_.store(abandoned_.size(), std::memory_order_relaxed);
    }
    try {
      looked += remove_some_of(pages, keyspace, deadlines);
      abandon(pages);  // what is left of them
    } catch (const std::bad_alloc&) {
      note();
      return false;
    }
  }
  return waiting();
}

std::size_t Orphans::remove_some_of(Pages& pages, keyspace::Keyspace& keyspace, Deadlines& deadlines) {
  const int database = pages_database(keyspace);
  const PageKey first(pages.identity, pages.next);
  const ShardId id = keyspace.shard_id(database, keyspace.hash(first.view()), first.view());
  const types::PageId until = std::min(pages.end, pages.next + kLookEntries);
  std::vector<std::string> keys;
  keys.reserve(until - pages.next);
  Shard& shard = keyspace.shard(id);
  base::ShortLock lock(shard.mutex());
  for (types::PageId page = pages.next; page != until; ++page) {
    const PageKey key(pages.identity, page);
    if (shard.find(keyspace.hash(key.view()), key.view())) keys.emplace_back(key.view());
  }
  const auto looked = static_cast<std::size_t>(until - pages.next);
  pages.next = until;
  if (!keys.empty() && deadlines.remove_logged(id, keys, log::RecordKind::kDelete) == 0) {
    // The log takes nothing now: they are left to a sweep.
    note();
    pages.next = pages.end;
  }
  return looked;
}

void Orphans::given(Lsn identity) noexcept {
  // Sequentially consistent, as is its being set: one of the two sees the other (see above).
  if (marking_.load()) add(identity);
}

void Orphans::add(Lsn identity) {
  base::MutexLock lock(mutex_);
  try {
    alive_.insert(raw(identity));
  } catch (const std::bad_alloc&) {
    incomplete_ = true;
  }
}

bool Orphans::alive(Lsn identity) const {
  base::MutexLock lock(mutex_);
  return incomplete_ || alive_.contains(raw(identity));
}

// --- roots -----------------------------------------------------------------------------------------------------------

Result<void> Orphans::mark(Engine& engine, const std::atomic<bool>& stop) {
  keyspace::Keyspace& keyspace = engine.keyspace();
  base::Breaks breaks(engine.options().background);
  const auto end =
      static_cast<ShardId>(static_cast<std::size_t>(pages_database(keyspace)) * keyspace.shards_per_database());
  std::vector<Spilled> spilled;
  std::string value;
  for (ShardId id = 0; id < end; ++id) {
    Shard& shard = keyspace.shard(id);
    for (std::uint64_t position = 0; position < Shard::kScanEnd;) {
      if (stop.load(std::memory_order_relaxed)) return closing();
      breaks.step();
      yield_point("orphans: next stretch of roots");
      spilled.clear();
      base::ShortLock lock(shard.mutex());
      const std::uint64_t here = position;
      position = shard.scan(position, kLookEntries, [&](Entry entry) {
        if (!is_root(entry.type())) return;
        if (entry.resident()) {
          add(identity_of(entry.value()));
        } else {
          spilled.push_back({std::string(entry.key()), entry.value_record()});
        }
      });
      STAVE_ASSERT(position > here);
      // Under the lock, so that the record stays the newest; roots are few and short.
      for (const Spilled& root : spilled) {
        STAVE_TRY(engine.residence().load(root.address, root.key, value));
        add(identity_of(value));
      }
    }
  }
  return {};
}

// --- pages -----------------------------------------------------------------------------------------------------------

Result<std::uint64_t> Orphans::sweep(Engine& engine, const std::atomic<bool>& stop) try {
  keyspace::Keyspace& keyspace = engine.keyspace();
  noted_.store(false, std::memory_order_relaxed);
  struct Marking {
    explicit Marking(Orphans& of) noexcept : orphans(of) {}
    ~Marking() {
      orphans.marking_.store(false);
      base::MutexLock lock(orphans.mutex_);
      orphans.alive_ = {};
      orphans.incomplete_ = false;
      if (!done) orphans.note();
    }
    Orphans& orphans;
    bool done = false;
  } marking(*this);
  const std::uint64_t changes = engine.world().changes();
  const Lsn begun = engine.new_identity();
  marking_.store(true);
  yield_point("orphans: begun");
  STAVE_TRY(mark(engine, stop));
  if (changes != engine.world().changes())
    return fail(ErrorCode::kBusy, "whole databases changed places while roots were looked for");
  const int database = pages_database(keyspace);
  const auto first = static_cast<ShardId>(static_cast<std::size_t>(database) * keyspace.shards_per_database());
  std::uint64_t removed = 0;
  std::vector<std::string> garbage;
  base::Breaks breaks(engine.options().background);
  for (ShardId id = first; id < keyspace.shard_count(); ++id) {
    Shard& shard = keyspace.shard(id);
    for (std::uint64_t position = 0; position < Shard::kScanEnd;) {
      if (stop.load(std::memory_order_relaxed)) return closing();
      breaks.step();
      yield_point("orphans: next stretch of pages");
      garbage.clear();
      {
        base::ShortLock lock(shard.mutex());
        position = shard.scan(position, kLookEntries, [&](Entry entry) {
          const Lsn identity = PageKey::identity_of(entry.key());
          if (raw(identity) >= kOwnIdentities && identity < begun && !alive(identity))
            garbage.emplace_back(entry.key());
        });
      }
      if (garbage.empty()) continue;
      std::vector<KeyRef> keys;
      for (const std::string& key : garbage) keys.push_back({database, key});
      Transaction transaction(engine, keys);
      transaction.excuse();
      for (const KeyRef& key : keys) transaction.erase(key);
      STAVE_TRY(transaction.commit(Sync::kOs));
      removed += keys.size();
    }
  }
  marking.done = true;
  return removed;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kNoMemory, "there is no memory to look for pages that no root names");
}

}  // namespace stave::store
