#include "doors/http/operation.h"

#include <cmath>

#include "base/assert.h"
#include "store/collection.h"
#include "store/transaction.h"
#include "types/string/number.h"

namespace stave::http {

using store::KeyRef;
using store::Transaction;
using store::ValueType;
using store::ValueView;

namespace {

using Kind = Operation::Kind;
using Status = OperationResult::Status;

Problem conflict(std::string_view code, std::string detail) {
  return {.status = 409, .code = code, .detail = std::move(detail), .retryable = false, .members = {}};
}

store::Access access_of(Kind kind) noexcept {
  if (kind == Kind::kGet) return store::Access::kTouch;
  // No number is as long as a string in pages, which is not put together for that.
  if (kind == Kind::kIncrement || kind == Kind::kIncrementFloat) return store::Access::kPeekRoot;
  return reads_value(kind) ? store::Access::kPeek : store::Access::kMeta;
}

/// One operation within its transaction.
class Run {
 public:
  Run(Transaction& transaction, const store::Engine& engine, int database, const Operation& operation)
      : transaction_(transaction), engine_(engine), operation_(operation), key_{database, operation.key} {}

  Outcomes<OperationResult> operator()() {
    held_ = transaction_.find(key_, access_of(operation_.kind));
    if (held_ && !held_->here && store::expiry_in_value(*held_)) held_ = transaction_.find(key_, store::Access::kPeek);
    // What this very batch made has no version yet: it is there, and has none that anybody could name.
    constexpr Lsn kUnnamed{kLsnMax};
    const Lsn version = !held_ ? kNoLsn : held_->version == kNoLsn ? kUnnamed : held_->version;
    if (operation_.conditions.judge(version, false) != Preconditions::Verdict::kGoOn)
      return std::unexpected(precondition_failed(operation_.conditions, version));
    result_.version = version == kUnnamed ? kNoLsn : version;
    result_.status = held_ ? Status::kFound : Status::kAbsent;
    if (held_) result_.expiry = shown(store::own_expiry(*held_));
    switch (operation_.kind) {
      case Kind::kSet: return set(operation_.value, operation_.json);
      case Kind::kGet: return get();
      case Kind::kDelete: return erase();
      case Kind::kIncrement: return increment();
      case Kind::kIncrementFloat: return increment_float();
      case Kind::kAppend: return append();
      case Kind::kExpire: return expire();
      case Kind::kCheck: break;
    }
    return std::move(result_);
  }

 private:
  /// What is to be the expiry of what is written: the one wished for, or for a change of a part the one it has.
  [[nodiscard]] Expiry expiry() const {
    if (operation_.expiry.given) return operation_.expiry.expiry;
    const bool keep = operation_.expiry.keep || operation_.kind != Kind::kSet;
    return keep && held_ ? store::own_expiry(*held_) : Expiry{};
  }

  [[nodiscard]] Expiry shown(const Expiry& held) const noexcept { return engine_.time().shown(held); }

  Outcomes<OperationResult> set(std::string_view value, bool json) {
    const Expiry until = expiry();
    const bool there = held_.has_value();
    if (until.passed(transaction_.now())) {
      transaction_.erase(key_);
    } else if (auto done = transaction_.put(key_, value, until, store::string_type(json)); !done) {
      return std::unexpected(problem_of(done.error()));
    }
    result_.status = there ? Status::kReplaced : Status::kCreated;
    result_.changed = true;
    result_.expiry = shown(until);
    return std::move(result_);
  }

  [[nodiscard]] std::optional<Problem> not_a_string() const {
    if (!held_ || held_->type == ValueType::kString) return std::nullopt;
    return wrong_type(held_->type);
  }

  Outcomes<OperationResult> get() {
    if (auto problem = not_a_string()) return std::unexpected(std::move(*problem));
    if (held_) {
      result_.value.emplace(*held_);
      result_.json = held_->json;
    }
    return std::move(result_);
  }

  Outcomes<OperationResult> erase() {
    if (transaction_.erase(key_)) {
      result_.status = Status::kDeleted;
      result_.version = kNoLsn;
    }
    return std::move(result_);
  }

  template <class Number>
  [[nodiscard]] std::optional<Number> parsed(std::optional<Number> (*parse)(std::string_view)) const {
    return held_->paged ? std::nullopt : parse(held_->value);
  }

  Outcomes<OperationResult> increment() {
    if (auto problem = not_a_string()) return std::unexpected(std::move(*problem));
    const auto number = held_ ? parsed(types::parse_integer) : std::optional<std::int64_t>(0);
    if (!number) return std::unexpected(conflict("not_a_number", "the value is not a whole number"));
    const auto sum = types::checked_add(*number, operation_.by);
    if (!sum) return std::unexpected(conflict("overflow", "the sum does not fit 64 bits"));
    result_.value.emplace(std::string(types::Digits(*sum).view()));
    return set(result_.value->view(), false);
  }

  Outcomes<OperationResult> increment_float() {
    if (auto problem = not_a_string()) return std::unexpected(std::move(*problem));
    const auto number = held_ ? parsed(types::parse_float) : std::optional<long double>(0);
    if (!number) return std::unexpected(conflict("not_a_number", "the value is not a number"));
    const long double sum = *number + operation_.by_float;
    if (!std::isfinite(sum)) return std::unexpected(conflict("overflow", "the sum is not a finite number"));
    result_.value = types::format_float(sum);
    return set(result_.value->view(), false);
  }

  Outcomes<OperationResult> append() {
    if (auto problem = not_a_string()) return std::unexpected(std::move(*problem));
    const std::string_view old = held_ ? held_->value : std::string_view{};
    result_.length = old.size() + operation_.value.size();
    if (auto fits = engine_.check_limits(key_.key, result_.length); !fits)
      return std::unexpected(problem_of(fits.error()));
    std::string whole;
    whole.reserve(result_.length);
    whole.append(old).append(operation_.value);
    return set(whole, false);
  }

  Outcomes<OperationResult> expire() {
    if (!held_) return std::unexpected(no_such_key());
    result_.expiry = shown(operation_.expiry.expiry);
    if (auto done = store::set_own_expiry(transaction_, key_, *held_, operation_.expiry.expiry); !done)
      return std::unexpected(problem_of(done.error()));
    result_.changed = true;
    return std::move(result_);
  }

  Transaction& transaction_;
  const store::Engine& engine_;
  const Operation& operation_;
  KeyRef key_;
  std::optional<ValueView> held_;
  OperationResult result_;
};

/// Adds a value to what the answer shows. A problem: that is too much.
std::optional<Problem> count_value(const commands::KeptValue& value, std::uint64_t most, OperationsDone& done) {
  done.value_bytes += value.size();
  if (done.value_bytes > most) return answer_too_large(most);
  const std::uint64_t copied = value.shared().block ? 0 : value.size();
  if (!done.counted.resize(done.counted.bytes() + copied)) return no_memory_for_answer();
  return std::nullopt;
}

}  // namespace

bool reads_value(Kind kind) noexcept {
  return kind == Kind::kGet || kind == Kind::kIncrement || kind == Kind::kIncrementFloat || kind == Kind::kAppend;
}

std::string_view status_name(Status status) noexcept {
  constexpr std::string_view kNames[] = {"created", "replaced", "deleted", "found", "absent"};
  STAVE_ASSERT(static_cast<std::size_t>(status) < std::size(kNames));
  return kNames[static_cast<std::size_t>(status)];
}

std::expected<OperationsDone, OperationsRefused> run_operations(store::Engine& engine, int database,
                                                                std::span<const Operation> operations, Sync sync,
                                                                std::uint64_t answer_bytes_max) {
  std::vector<KeyRef> keys;
  keys.reserve(operations.size());
  for (const Operation& operation : operations) keys.push_back({database, operation.key});
  OperationsDone done;
  done.counted = store::BufferShare(&engine.budget());
  done.results.reserve(operations.size());
  Transaction transaction(engine, keys);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    auto result = Run(transaction, engine, database, operations[i])();
    if (result && result->value) {
      if (auto problem = count_value(*result->value, answer_bytes_max, done)) result = std::unexpected(*problem);
    }
    if (!result) {
      transaction.rollback();
      // What it was refused for was seen: the answer waits until that is as durable as the policy says.
      return std::unexpected(OperationsRefused{i, std::move(result.error()), transaction.observed()});
    }
    done.results.push_back(std::move(*result));
  }
  auto pending = transaction.commit(sync);
  if (!pending) return std::unexpected(OperationsRefused{0, problem_of(pending.error()), transaction.observed()});
  done.pending = *pending;
  STAVE_ASSERT(done.results.size() == operations.size());
  for (OperationResult& result : done.results)
    if (result.changed || (result.status == Status::kFound && result.version == kNoLsn))
      result.version = transaction.version();
  return done;
}

}  // namespace stave::http
