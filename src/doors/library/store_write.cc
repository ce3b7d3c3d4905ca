// Changing one key or several. `set` without an expiry goes straight to the engine; the rest are short transactions.
#include <algorithm>
#include <limits>

#include "doors/library/store_impl.h"
#include "types/string/number.h"

namespace stave {

using store::KeyRef;
using store::Pending;
using store::Transaction;
using store::ValueType;

namespace {

/// Puts the value, or, when its time is up already, removes the key: nobody could ever read it.
Result<void> put(Transaction& transaction, KeyRef key, std::string_view value, const Expiry& expiry) {
  if (!expiry.passed(transaction.now())) return transaction.put(key, value, expiry);
  transaction.erase(key);
  return {};
}

bool holds(const Condition& condition, const std::optional<store::ValueView>& now) {
  switch (condition.kind) {
    case Condition::Kind::kAbsent: return !now;
    case Condition::Kind::kPresent: return now.has_value();
    case Condition::Kind::kVersion: return now && now->version == condition.version;
    case Condition::Kind::kValue: return now && now->type == ValueType::kString && now->value == condition.value;
  }
  return false;
}

}  // namespace

Result<Lsn> Store::set(std::string_view key, std::string_view value, const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  if (options.ttl.kind == Ttl::Kind::kNone) [[likely]] {
    Lsn version = kNoLsn;
    STAVE_ASSIGN(const Pending pending,
                 impl_->engine->put({options.database, key}, value, Expiry{}, options.sync, &version));
    STAVE_TRY(impl_->settle(pending));
    return version;
  }
  const KeyRef ref{options.database, key};
  Transaction transaction(*impl_->engine, ref);
  const auto now = transaction.find(ref);
  STAVE_ASSIGN(const Expiry expiry, impl_->resolve(options.ttl, transaction.now(), now ? now->expiry : Expiry{}));
  STAVE_TRY(put(transaction, ref, value, expiry));
  STAVE_ASSIGN(const Pending pending, transaction.commit(options.sync));
  STAVE_TRY(impl_->settle(pending));
  return transaction.version();
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::optional<Lsn>> Store::set_if(std::string_view key, std::string_view value, const Condition& condition,
                                         const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  const KeyRef ref{options.database, key};
  Transaction transaction(*impl_->engine, ref);
  const auto now = transaction.find(ref);
  STAVE_ASSIGN(const Expiry expiry, impl_->resolve(options.ttl, transaction.now(), now ? now->expiry : Expiry{}));
  const bool change = holds(condition, now);
  if (change) STAVE_TRY(put(transaction, ref, value, expiry));
  STAVE_ASSIGN(const Pending pending, transaction.commit(options.sync));
  STAVE_TRY(impl_->settle(pending));
  if (!change) return std::nullopt;
  return transaction.version();
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<Lsn> Store::multi_set(std::span<const std::pair<std::string_view, std::string_view>> pairs,
                             const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  std::vector<KeyRef> refs;
  refs.reserve(pairs.size());
  for (const auto& [key, value] : pairs) refs.push_back({options.database, key});
  Transaction transaction(*impl_->engine, refs);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Expiry kept;
    if (options.ttl.kind == Ttl::Kind::kKeep) {
      if (const auto now = transaction.find(refs[i])) kept = now->expiry;
    }
    STAVE_ASSIGN(const Expiry expiry, impl_->resolve(options.ttl, transaction.now(), kept));
    STAVE_TRY(put(transaction, refs[i], pairs[i].second, expiry));
  }
  STAVE_ASSIGN(const Pending pending, transaction.commit(options.sync));
  STAVE_TRY(impl_->settle(pending));
  return library::batch_end(pending);
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<bool> Store::remove(std::string_view key, const WriteOptions& options) {
  STAVE_ASSIGN(const std::uint64_t removed, multi_remove(std::span(&key, 1), options));
  return removed != 0;
}

Result<std::uint64_t> Store::multi_remove(std::span<const std::string_view> keys, const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  std::vector<KeyRef> refs;
  refs.reserve(keys.size());
  for (const auto key : keys) refs.push_back({options.database, key});
  Transaction transaction(*impl_->engine, refs);
  std::uint64_t removed = 0;
  for (const auto& ref : refs) removed += transaction.erase(ref) ? 1 : 0;
  STAVE_ASSIGN(const Pending pending, transaction.commit(options.sync));
  STAVE_TRY(impl_->settle(pending));
  return removed;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::int64_t> Store::increment(std::string_view key, std::int64_t by, const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  const KeyRef ref{options.database, key};
  Transaction transaction(*impl_->engine, ref);
  const auto now = transaction.find(ref);
  STAVE_ASSIGN(const std::int64_t sum, library::sum_of(now, by));
  STAVE_TRY(transaction.put(ref, types::Digits(sum).view(), now ? now->expiry : Expiry{}));
  STAVE_ASSIGN(const Pending pending, transaction.commit(options.sync));
  STAVE_TRY(impl_->settle(pending));
  return sum;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::uint64_t> Store::append(std::string_view key, std::string_view suffix, const WriteOptions& options) {
  // An offset that no value can have stands for "the end".
  return set_range(key, std::numeric_limits<std::uint64_t>::max(), suffix, options);
}

Result<std::uint64_t> Store::set_range(std::string_view key, std::uint64_t offset, std::string_view bytes,
                                       const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  const KeyRef ref{options.database, key};
  Transaction transaction(*impl_->engine, ref);
  const auto now = transaction.find(ref);
  STAVE_ASSIGN(const std::string_view old, library::text_of(now));
  const bool at_end = offset == std::numeric_limits<std::uint64_t>::max();
  if (at_end) offset = old.size();
  std::uint64_t size = old.size();
  if (!bytes.empty() || (at_end && !now)) {
    std::uint64_t end = 0;
    if (__builtin_add_overflow(offset, bytes.size(), &end)) end = std::numeric_limits<std::uint64_t>::max();
    size = std::max<std::uint64_t>(size, end);
    // Checked before anything is allocated.
    STAVE_TRY(impl_->engine->check_limits(key, size));
    std::string whole;
    whole.reserve(size);
    whole.assign(old);
    whole.resize(size);
    bytes.copy(whole.data() + offset, bytes.size());
    STAVE_TRY(transaction.put(ref, whole, now ? now->expiry : Expiry{}));
  }
  STAVE_ASSIGN(const Pending pending, transaction.commit(options.sync));
  STAVE_TRY(impl_->settle(pending));
  return size;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<bool> Store::expire(std::string_view key, Ttl ttl, const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  const KeyRef ref{options.database, key};
  Transaction transaction(*impl_->engine, ref);
  const auto now = transaction.find(ref);
  STAVE_ASSIGN(const Expiry expiry, impl_->resolve(ttl, transaction.now(), now ? now->expiry : Expiry{}));
  const bool present = now.has_value();
  if (present && expiry != now->expiry) STAVE_TRY(transaction.set_expiry(ref, expiry));
  STAVE_ASSIGN(const Pending pending, transaction.commit(options.sync));
  STAVE_TRY(impl_->settle(pending));
  return present;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<void> Store::flush(int database, Sync sync) {
  STAVE_TRY(impl_->check_database(database));
  STAVE_ASSIGN(const Pending pending, impl_->engine->flush(database, sync));
  return impl_->settle(pending);
}

Result<void> Store::flush_all(Sync sync) {
  STAVE_ASSIGN(const Pending pending, impl_->engine->flush_all(sync));
  return impl_->settle(pending);
}

}  // namespace stave
