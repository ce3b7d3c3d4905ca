// `Store::transact`: the caller's function between the locks and the commit.
#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "doors/library/store_impl.h"
#include "store/transact.h"
#include "types/string/number.h"

namespace stave {

using store::KeyRef;
using store::Pending;
using store::Transaction;

namespace {

/// The keys of a call of `transact`, in memory that stays for as long as it runs: the caller's for those that were
/// named, a copy of the others.
class KnownKeys {
 public:
  KnownKeys(std::span<const std::string_view> named, int database) : database_(database) {
    named_.reserve(named.size());
    for (const auto key : named) named_.push_back({database, key});
    std::sort(named_.begin(), named_.end(), [](const KeyRef& a, const KeyRef& b) { return a.key < b.key; });
  }

  [[nodiscard]] std::span<const KeyRef> named() const noexcept { return named_; }

  KeyRef operator[](std::string_view key) {
    const auto less = [](const KeyRef& ref, std::string_view wanted) { return ref.key < wanted; };
    const auto at = std::lower_bound(named_.begin(), named_.end(), key, less);
    if (at != named_.end() && at->key == key) return *at;
    auto other = others_.find(key);
    if (other == others_.end()) other = others_.emplace(key).first;
    return {database_, *other};
  }

 private:
  int database_;
  std::vector<KeyRef> named_;
  std::set<std::string, std::less<>> others_;
};

/// What the caller's function sees.
class Inside final : public Txn {
 public:
  using Resolve = base::FunctionRef<Result<Expiry>(const Ttl&, const Expiry&)>;

  Inside(Transaction& transaction, KnownKeys& keys, Resolve resolve)
      : transaction_(transaction), keys_(keys), resolve_(resolve) {}

  Result<std::optional<std::string>> get(std::string_view key) override {
    STAVE_TRY(library::check_key_size(key.size()));
    const auto now = transaction_.find(keys_[key], store::Access::kTouch);
    STAVE_TRY(still_good());
    STAVE_ASSIGN(const std::string_view text, library::text_of(now));
    if (!now) return std::nullopt;
    return std::string(text);
  }

  Result<void> set(std::string_view key, std::string_view value, Ttl ttl) override {
    STAVE_TRY(library::check_key_size(key.size()));
    const KeyRef ref = keys_[key];
    Expiry kept;
    if (ttl.kind == Ttl::Kind::kKeep) {
      if (const auto now = transaction_.find(ref, store::Access::kMeta)) kept = now->expiry;
      STAVE_TRY(still_good());
    }
    STAVE_ASSIGN(const Expiry expiry, resolve_(ttl, kept));
    if (!expiry.passed(transaction_.now())) return transaction_.put(ref, value, expiry);
    transaction_.erase(ref);
    return still_good();
  }

  Result<bool> remove(std::string_view key) override {
    STAVE_TRY(library::check_key_size(key.size()));
    const bool was_there = transaction_.erase(keys_[key]);
    STAVE_TRY(still_good());
    return was_there;
  }

  Result<std::int64_t> increment(std::string_view key, std::int64_t by) override {
    STAVE_TRY(library::check_key_size(key.size()));
    const KeyRef ref = keys_[key];
    const auto now = transaction_.find(ref);
    STAVE_TRY(still_good());
    STAVE_ASSIGN(const std::int64_t sum, library::sum_of(now, by));
    STAVE_TRY(transaction_.put(ref, types::Digits(sum).view(), now ? now->expiry : Expiry{}));
    return sum;
  }

 private:
  [[nodiscard]] Result<void> still_good() const {
    if (!transaction_.wanted()) [[likely]]
      return {};
    return fail(ErrorCode::kConflict, "a key that was not named is in use; the transaction starts again with it");
  }

  Transaction& transaction_;
  KnownKeys& keys_;
  Resolve resolve_;
};

}  // namespace

Result<Lsn> Store::transact(std::span<const std::string_view> keys, const std::function<Result<void>(Txn&)>& work,
                            const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  if (!work) return fail(ErrorCode::kInvalidArgument, "there is no function to run in the transaction");
  for (const auto key : keys) STAVE_TRY(library::check_key_size(key.size()));
  KnownKeys known(keys, options.database);
  // An exception of the caller's own passes through; the transaction's destructor has undone everything by then.
  const auto run = [&](Transaction& transaction) -> Result<void> {
    const auto resolve = [&](const Ttl& ttl, const Expiry& kept) {
      return impl_->resolve(ttl, transaction.now(), kept);
    };
    Inside inside(transaction, known, resolve);
    return work(inside);
  };
  Pending seen;
  auto pending = store::transact(*impl_->engine, known.named(), run, options.sync, seen);
  // The function may have told somebody what it saw, so even its failure waits until that is on disk.
  STAVE_TRY(impl_->settle(pending ? *pending : seen));
  if (!pending) return fail(std::move(pending).error());
  return library::batch_end(*pending);
} catch (const std::bad_alloc&) {
  return library::no_memory();
}

}  // namespace stave
