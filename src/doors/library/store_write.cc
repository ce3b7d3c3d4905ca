// Changing one key or several. `set` without an expiry goes straight to the engine; the rest are short transactions.
#include <algorithm>

#include "base/assert.h"
#include "doors/library/store_impl.h"
#include "store/collection.h"
#include "types/string/number.h"

namespace stave {

using store::KeyRef;
using store::Pending;
using store::Transaction;

namespace {

/// Puts the value, or, when its time is up already, removes the key: nobody could ever read it.
Result<void> put(Transaction& transaction, KeyRef key, std::string_view value, const Expiry& expiry) {
  if (!expiry.passed(transaction.now())) return transaction.put(key, value, expiry);
  transaction.erase(key);
  return {};
}

/// What KEEP keeps. Nothing is looked at for anything else.
Expiry kept_expiry(Transaction& transaction, KeyRef key, const Ttl& ttl) {
  if (ttl.kind != Ttl::Kind::kKeep) return {};
  const auto now = transaction.find(key, store::Access::kMeta);
  return now ? now->expiry : Expiry{};
}

}  // namespace

Result<Lsn> Store::set(std::string_view key, std::string_view value, const WriteOptions& options) try {
  STAVE_TRY(impl_->check_key(options.database, key));
  if (options.ttl.kind == Ttl::Kind::kNone) [[likely]] {
    Lsn version = kNoLsn;
    STAVE_ASSIGN(const Pending pending,
                 impl_->engine->put({options.database, key}, value, Expiry{}, options.sync, &version));
    STAVE_TRY(impl_->settle(pending));
    return version;
  }
  const KeyRef ref{options.database, key};
  STAVE_ASSIGN(const auto done,
               impl_->transact(std::span(&ref, 1), options.sync, [&](Transaction& transaction) -> Result<bool> {
                 const Expiry kept = kept_expiry(transaction, ref, options.ttl);
                 STAVE_ASSIGN(const Expiry expiry, impl_->resolve(options.ttl, transaction.now(), kept));
                 STAVE_TRY(put(transaction, ref, value, expiry));
                 return true;
               }));
  return done.version;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::optional<Lsn>> Store::set_if(std::string_view key, std::string_view value, const Condition& condition,
                                         const WriteOptions& options) try {
  STAVE_TRY(impl_->check_key(options.database, key));
  const KeyRef ref{options.database, key};
  STAVE_ASSIGN(const auto done,
               impl_->transact(std::span(&ref, 1), options.sync, [&](Transaction& transaction) -> Result<bool> {
                 const auto now = transaction.find(ref, library::access_for(condition));
                 const Expiry kept = now ? now->expiry : Expiry{};
                 STAVE_ASSIGN(const Expiry expiry, impl_->resolve(options.ttl, transaction.now(), kept));
                 const bool change = library::holds(condition, now);
                 if (change) STAVE_TRY(put(transaction, ref, value, expiry));
                 return change;
               }));
  if (!done.value) return std::nullopt;
  return done.version;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<Lsn> Store::multi_set(std::span<const std::pair<std::string_view, std::string_view>> pairs,
                             const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  std::vector<KeyRef> refs;
  refs.reserve(pairs.size());
  for (const auto& [key, value] : pairs) {
    STAVE_TRY(library::check_key_size(key.size()));
    refs.push_back({options.database, key});
  }
  STAVE_ASSIGN(const auto done, impl_->transact(refs, options.sync, [&](Transaction& transaction) -> Result<bool> {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const Expiry kept = kept_expiry(transaction, refs[i], options.ttl);
      STAVE_ASSIGN(const Expiry expiry, impl_->resolve(options.ttl, transaction.now(), kept));
      STAVE_TRY(put(transaction, refs[i], pairs[i].second, expiry));
    }
    return true;
  }));
  return done.end;
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
  for (const auto key : keys) {
    STAVE_TRY(library::check_key_size(key.size()));
    refs.push_back({options.database, key});
  }
  STAVE_ASSIGN(const auto done,
               impl_->transact(refs, options.sync, [&](Transaction& transaction) -> Result<std::uint64_t> {
                 std::uint64_t removed = 0;
                 for (const auto& ref : refs) removed += transaction.erase(ref) ? 1 : 0;
                 return removed;
               }));
  return done.value;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::int64_t> Store::increment(std::string_view key, std::int64_t by, const WriteOptions& options) try {
  STAVE_TRY(impl_->check_key(options.database, key));
  const KeyRef ref{options.database, key};
  STAVE_ASSIGN(const auto done,
               impl_->transact(std::span(&ref, 1), options.sync, [&](Transaction& transaction) -> Result<std::int64_t> {
                 const auto now = transaction.find(ref);
                 STAVE_ASSIGN(const std::int64_t sum, library::sum_of(now, by));
                 STAVE_TRY(transaction.put(ref, types::Digits(sum).view(), now ? now->expiry : Expiry{}));
                 return sum;
               }));
  return done.value;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::uint64_t> Store::Impl::write_at(std::optional<std::uint64_t> where, std::string_view key,
                                            std::string_view bytes, const WriteOptions& options) try {
  STAVE_TRY(check_key(options.database, key));
  const KeyRef ref{options.database, key};
  STAVE_ASSIGN(const auto done, transact(std::span(&ref, 1), options.sync, [&](Transaction& transaction) {
                 return library::write_range(*engine, transaction, ref, where, bytes);
               }));
  return done.value;
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

Result<std::uint64_t> Store::append(std::string_view key, std::string_view suffix, const WriteOptions& options) {
  return impl_->write_at(std::nullopt, key, suffix, options);
}

Result<std::uint64_t> Store::set_range(std::string_view key, std::uint64_t offset, std::string_view bytes,
                                       const WriteOptions& options) {
  return impl_->write_at(offset, key, bytes, options);
}

Result<bool> Store::expire(std::string_view key, Ttl ttl, const WriteOptions& options) try {
  STAVE_TRY(impl_->check_key(options.database, key));
  const KeyRef ref{options.database, key};
  STAVE_ASSIGN(const auto done,
               impl_->transact(std::span(&ref, 1), options.sync, [&](Transaction& transaction) -> Result<bool> {
                 const auto now = store::find_with_expiry(transaction, ref);
                 const Expiry kept = now ? store::own_expiry(*now) : Expiry{};
                 STAVE_ASSIGN(const Expiry expiry, impl_->resolve(ttl, transaction.now(), kept));
                 if (now && expiry != kept) STAVE_TRY(store::set_own_expiry(transaction, ref, *now, expiry));
                 return now.has_value();
               }));
  return done.value;
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
