#include "commands/put_item.h"

#include <string>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/collection.h"
#include "store/collection.h"
#include "store/foreign_value.h"
#include "store/transaction.h"

namespace stave::commands {

namespace {

Result<void> put_collection(store::Transaction& transaction, store::KeyRef key, const exchange::Item& item,
                            const Expiry& expiry) {
  store::StoreClock& time = transaction.engine().time();
  const auto type = static_cast<store::ValueType>(item.kind);
  Expiry own = exchange::own_expiry(item);
  if (!own.never()) own.at = time.from_wall(own.at);
  const auto adopted = store::adopted_value(time, transaction.now(), type, item.value, own);
  if (!adopted) return store::put_form(transaction, key, type, item.value, expiry);
  if (!adopted->value.empty() && !adopted->expiry.passed(transaction.now()))
    return store::put_form(transaction, key, type, adopted->value, adopted->expiry);
  transaction.erase(key);  // its time was up while it came here
  return {};
}

}  // namespace

Result<void> put_item(store::Engine& engine, const exchange::Item& item, Sync sync) {
  STAVE_ASSERT(item.database >= 0);
  if (item.database >= engine.options().databases)
    return fail(ErrorCode::kInvalidArgument,
                "database " + std::to_string(item.database) + " is wanted, and there are " +
                    std::to_string(engine.options().databases) + " here; open it with more");
  Expiry expiry = item.expiry;
  expiry.at = engine.time().from_wall(expiry.at);
  const store::KeyRef key{item.database, item.key};
  if (item.kind == exchange::Kind::kString) {
    STAVE_TRY(engine.put(key, item.value, expiry, sync));
    return {};
  }
  store::Transaction transaction(engine, key);
  STAVE_TRY(put_collection(transaction, key, item, expiry));
  STAVE_TRY(transaction.commit(sync));
  return {};
}

}  // namespace stave::commands
