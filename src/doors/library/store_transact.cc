// `Store::transact`: the caller's function between the locks and the commit.
#include "doors/library/txn.h"
#include "store/transact.h"

namespace stave {

using store::Pending;
using store::Transaction;

Result<Lsn> Store::transact(std::span<const std::string_view> keys, const std::function<Result<void>(Txn&)>& work,
                            const WriteOptions& options) try {
  STAVE_TRY(impl_->check_database(options.database));
  if (!work) return fail(ErrorCode::kInvalidArgument, "there is no function to run in the transaction");
  for (const auto key : keys) STAVE_TRY(library::check_key_size(key.size()));
  library::KnownKeys known(keys, options.database);
  // An exception of the caller's own passes through; the transaction's destructor has undone everything by then.
  const auto run = [&](Transaction& transaction) -> Result<void> {
    const auto resolve = [&](const Ttl& ttl, const Expiry& kept) {
      return impl_->resolve(ttl, transaction.now(), kept);
    };
    library::Inside inside(*impl_->engine, transaction, known, resolve);
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
