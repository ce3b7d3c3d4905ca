// `Store::transact`: the caller's function between the locks and the commit.
#include <algorithm>

#include "doors/library/store_impl.h"
#include "types/string/number.h"

namespace stave {

using store::KeyRef;
using store::Pending;
using store::Transaction;

namespace {

/// What the caller's function sees. Keeps it to the keys that are locked.
class LockedKeys final : public Txn {
 public:
  using Resolve = base::FunctionRef<Result<Expiry>(const Ttl&, const Expiry&)>;

  LockedKeys(Transaction& transaction, std::span<const KeyRef> sorted, int database, Resolve resolve)
      : transaction_(transaction), sorted_(sorted), database_(database), resolve_(resolve) {}

  Result<std::optional<std::string>> get(std::string_view key) override {
    STAVE_TRY(check(key));
    const auto now = transaction_.find({database_, key}, store::Access::kTouch);
    STAVE_ASSIGN(const std::string_view text, library::text_of(now));
    if (!now) return std::nullopt;
    return std::string(text);
  }

  Result<void> set(std::string_view key, std::string_view value, Ttl ttl) override {
    STAVE_TRY(check(key));
    Expiry kept;
    if (ttl.kind == Ttl::Kind::kKeep) {
      if (const auto now = transaction_.find({database_, key})) kept = now->expiry;
    }
    STAVE_ASSIGN(const Expiry expiry, resolve_(ttl, kept));
    if (!expiry.passed(transaction_.now())) return transaction_.put({database_, key}, value, expiry);
    transaction_.erase({database_, key});
    return {};
  }

  Result<bool> remove(std::string_view key) override {
    STAVE_TRY(check(key));
    return transaction_.erase({database_, key});
  }

  Result<std::int64_t> increment(std::string_view key, std::int64_t by) override {
    STAVE_TRY(check(key));
    const auto now = transaction_.find({database_, key});
    STAVE_ASSIGN(const std::int64_t sum, library::sum_of(now, by));
    STAVE_TRY(transaction_.put({database_, key}, types::Digits(sum).view(), now ? now->expiry : Expiry{}));
    return sum;
  }

 private:
  Result<void> check(std::string_view key) const {
    const auto less = [](const KeyRef& ref, std::string_view wanted) { return ref.key < wanted; };
    const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), key, less);
    if (at != sorted_.end() && at->key == key) return {};
    return fail(ErrorCode::kInvalidArgument, "the transaction does not name this key");
  }

  Transaction& transaction_;
  std::span<const KeyRef> sorted_;
  int database_;
  Resolve resolve_;
};

}  // namespace

Result<Lsn> Store::transact(std::span<const std::string_view> keys, const std::function<Result<void>(Txn&)>& work,
                            const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  std::vector<KeyRef> refs;
  refs.reserve(keys.size());
  for (const auto key : keys) refs.push_back({options.database, key});
  std::sort(refs.begin(), refs.end(), [](const KeyRef& a, const KeyRef& b) { return a.key < b.key; });

  Transaction transaction(*impl_->engine, refs);
  const auto resolve = [&](const Ttl& ttl, const Expiry& kept) { return impl_->resolve(ttl, transaction.now(), kept); };
  LockedKeys locked(transaction, refs, options.database, resolve);
  // An exception of the caller's own passes through; the transaction's destructor has undone everything by then.
  if (auto done = work(locked); !done) {
    // The function may have told somebody what it saw, so even its failure waits until that is on disk.
    const Pending seen = impl_->engine->pending_for_write(impl_->engine->log().tail(), Sync::kDefault);
    transaction.rollback();
    STAVE_TRY(impl_->settle(seen));
    return fail(std::move(done).error());
  }
  STAVE_ASSIGN(const Pending pending, transaction.commit(options.sync));
  STAVE_TRY(impl_->settle(pending));
  return library::batch_end(pending);
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

}  // namespace stave
