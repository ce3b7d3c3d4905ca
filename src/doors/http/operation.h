// Operations on keys as data: what a batch, a PATCH and a transaction are made of, whatever they were spelled in.
//
// Promises: `run_operations` does all or none, at one instant. Must not know: JSON, Protocol Buffers, HTTP's headers.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commands/kept_value.h"
#include "doors/http/conditions.h"
#include "doors/http/values.h"
#include "store/engine.h"

namespace stave::http {

struct Operation {
  enum class Kind : std::uint8_t {
    kSet,
    kGet,
    kDelete,
    kIncrement,       ///< By a whole number.
    kIncrementFloat,  ///< By any other.
    kAppend,
    kExpire,  ///< Only the expiry changes.
    kCheck,   ///< Only the preconditions count.
  };
  Kind kind = Kind::kGet;
  std::string key;
  std::string value;         ///< Of kSet and kAppend.
  bool json = false;         ///< Of kSet: the value was checked to be JSON.
  std::int64_t by = 0;       ///< Of kIncrement.
  long double by_float = 0;  ///< Of kIncrementFloat.
  ExpiryWish expiry;         ///< Of kSet and kExpire; of the others only when given.
  Preconditions conditions;
};

/// Whether what the key holds is needed for it.
bool reads_value(Operation::Kind kind) noexcept;

struct OperationResult {
  enum class Status : std::uint8_t { kCreated, kReplaced, kDeleted, kFound, kAbsent };
  Status status = Status::kAbsent;
  bool changed = false;
  Lsn version = kNoLsn;                      ///< After a change it is that of the whole batch's last; kNoLsn: absent.
  std::optional<commands::KeptValue> value;  ///< Of kGet, and the result of the increments.
  bool json = false;
  std::uint64_t length = 0;  ///< Of kAppend.
  Expiry expiry{};
};
/// "created", "replaced", "deleted", "found", "absent".
std::string_view status_name(OperationResult::Status status) noexcept;

struct OperationsRefused {
  std::size_t index = 0;
  Problem problem;
  store::Pending pending;
};
struct OperationsDone {
  std::vector<OperationResult> results;
  store::Pending pending;
  std::uint64_t value_bytes = 0;  ///< Of all values in the results.
  store::BufferShare counted;     ///< What the results take.
};

/// Runs all operations, in their order, at one instant, or none of them: also when what they show is more than
/// `answer_bytes_max`, or there is no memory for it.
std::expected<OperationsDone, OperationsRefused> run_operations(store::Engine& engine, int database,
                                                                std::span<const Operation> operations, Sync sync,
                                                                std::uint64_t answer_bytes_max);

}  // namespace stave::http
