#include "store/own_values.h"

#include "base/try.h"
#include "store/pages.h"
#include "store/transaction.h"

namespace stave::store {

OwnKey::OwnKey(const keyspace::Keyspace& keyspace, OwnValue which) noexcept
    : key_(Lsn{static_cast<std::uint64_t>(which)}, 0), database_(pages_database(keyspace)) {}

Result<std::optional<std::string>> read_own(Engine& engine, OwnValue which) {
  const OwnKey key(engine.keyspace(), which);
  const KeyRef ref = key.ref();
  Transaction transaction(engine, ref);
  std::optional<std::string> value;
  if (const auto held = transaction.find(ref)) {
    value.emplace(held->value);
  }
  if (const Error* failure = transaction.failure()) return fail(failure->clone());
  return value;
}

bool has_own(Engine& engine) {
  const auto there = [&](OwnValue which) {
    const OwnKey key(engine.keyspace(), which);
    Transaction transaction(engine, key.ref());
    return transaction.find(key.ref(), Access::kMeta).has_value();
  };
  return there(OwnValue::kFunctions) || there(OwnValue::kConsumers) || there(OwnValue::kMasterPosition);
}

Result<Pending> write_own(Engine& engine, OwnValue which, std::string_view value, Sync sync) {
  const OwnKey key(engine.keyspace(), which);
  const KeyRef ref = key.ref();
  Transaction transaction(engine, ref);
  if (value.empty()) {
    transaction.erase(ref);
  } else {
    STAVE_TRY(transaction.put(ref, value, {}, ValueType::kPage));
  }
  return transaction.commit(sync);
}

}  // namespace stave::store
