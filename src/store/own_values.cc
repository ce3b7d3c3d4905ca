#include "store/own_values.h"

#include "base/try.h"
#include "store/pages.h"
#include "store/transaction.h"

namespace stave::store {
namespace {

PageKey key_of(OwnValue which) noexcept {
  return {Lsn{static_cast<std::uint64_t>(which)}, 0};
}

}  // namespace

Result<std::optional<std::string>> read_own(Engine& engine, OwnValue which) {
  const PageKey key = key_of(which);
  const KeyRef ref{pages_database(engine.keyspace()), key.view()};
  Transaction transaction(engine, ref);
  std::optional<std::string> value;
  if (const auto held = transaction.find(ref)) {
    value.emplace(held->value);
  }
  if (const Error* failure = transaction.failure()) return fail(failure->clone());
  return value;
}

bool has_own(Engine& engine) {
  for (const OwnValue which : {OwnValue::kFunctions, OwnValue::kConsumers}) {
    const PageKey key = key_of(which);
    const KeyRef ref{pages_database(engine.keyspace()), key.view()};
    Transaction transaction(engine, ref);
    if (transaction.find(ref, Access::kMeta)) return true;
  }
  return false;
}

Result<Pending> write_own(Engine& engine, OwnValue which, std::string_view value, Sync sync) {
  const PageKey key = key_of(which);
  const KeyRef ref{pages_database(engine.keyspace()), key.view()};
  Transaction transaction(engine, ref);
  if (value.empty()) {
    transaction.erase(ref);
  } else {
    STAVE_TRY(transaction.put(ref, value, {}, ValueType::kPage));
  }
  return transaction.commit(sync);
}

}  // namespace stave::store
