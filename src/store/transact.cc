#include "store/transact.h"

#include <vector>

#include "base/assert.h"

namespace stave::store {

using keyspace::ShardId;

namespace {

/// So often a transaction starts again with one more shard; then with all of its databases.
constexpr int kRestartsMax = 4;

/// All shards of the databases that `shards` belong to.
std::vector<ShardId> whole_databases(const keyspace::Keyspace& keyspace, std::span<const ShardId> shards) {
  const auto per = static_cast<ShardId>(keyspace.shards_per_database());
  std::vector<bool> met(static_cast<std::size_t>(keyspace.databases()), false);
  for (const ShardId id : shards) met[id / per] = true;
  std::vector<ShardId> all;
  for (ShardId id = 0; id < keyspace.shard_count(); ++id)
    if (met[id / per]) all.push_back(id);
  return all;
}

}  // namespace

std::vector<ShardId> shards_to_start_again(Transaction& lost, int restarts) {
  STAVE_ASSERT(lost.wanted());
  // All that it reached so far as well: it will want them again.
  std::vector<ShardId> next(lost.shards().begin(), lost.shards().end());
  next.push_back(*lost.wanted());
  lost.rollback();
  if (restarts >= kRestartsMax) next = whole_databases(lost.engine().keyspace(), next);
  return next;
}

Result<Pending> transact(Engine& engine, std::span<const KeyRef> keys,
                         base::FunctionRef<Result<void>(Transaction&)> work, Sync sync, Pending& observed) {
  std::vector<ShardId> more;
  for (int restarts = 0;; ++restarts) {
    Transaction transaction(engine, keys, more);
    transaction.allow_starting_again();
    auto done = work(transaction);
    Result<Pending> committed;
    if (done && !transaction.wanted()) committed = transaction.commit(sync);
    if (transaction.wanted()) {
      std::vector<ShardId> next = shards_to_start_again(transaction, restarts);
      STAVE_ASSERT(next.size() > more.size());
      more = std::move(next);
      continue;
    }
    if (done) return committed;
    observed = transaction.observed();
    transaction.rollback();
    return fail(std::move(done).error());
  }
}

}  // namespace stave::store
