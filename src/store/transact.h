// A function between the locks and the commit of a transaction, also when it uses keys that it did not name.
//
// Promises: the function may run several times, each time on what was there before the first, with more shards locked;
// only the last run counts. It ends: after a few restarts all shards of the databases met are taken at once. Must not
// know: what the function does.
#pragma once

#include <span>
#include <vector>

#include "base/function_ref.h"
#include "store/transaction.h"

namespace stave::store {

/// Which shards a transaction that was lost (`Transaction::wanted`) is to lock from the start when it starts again for
/// the `restarts`-th time (from 0 on); undoes it. Throws std::bad_alloc.
std::vector<keyspace::ShardId> shards_to_start_again(Transaction& lost, int restarts);

/// Runs `work` with the shards of `keys` locked, and commits what it did. An error of `work` undoes everything and is
/// handed back, and `observed` is what telling it waits for. What `work` gets from a transaction that is lost
/// (`Transaction::wanted`) does not matter, nor what it then returns: it runs again. Errors besides: those of
/// `Transaction::commit`. Throws std::bad_alloc, and what `work` throws; nothing was changed.
Result<Pending> transact(Engine& engine, std::span<const KeyRef> keys,
                         base::FunctionRef<Result<void>(Transaction&)> work, Sync sync, Pending& observed);

}  // namespace stave::store
