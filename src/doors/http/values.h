// What the handlers of keys share: how a value is stored and removed under preconditions, which expiry was asked for,
// how a found value is described.
#pragma once

#include <expected>
#include <string_view>

#include "doors/http/app.h"
#include "doors/http/conditions.h"
#include "store/transaction.h"

namespace stave::http {

template <class T>
using Outcomes = std::expected<T, Problem>;

/// The expiry that a request asks for. Sliding deadlines begin when the write happens.
struct ExpiryWish {
  bool given = false;
  bool keep = false;
  Expiry expiry{};
};
/// Reads `ttl`, `expires_at`, `sliding` and `keep_ttl`.
Outcomes<ExpiryWish> expiry_wish(const Exchange& exchange);
/// The same from the texts themselves; null: not given.
Outcomes<ExpiryWish> expiry_wish(const std::string* ttl, const std::string* expires_at, bool sliding, bool keep,
                                 store::StoreClock& time);
/// "true"/"1"/"" or "false"/"0"; absent is false.
Outcomes<bool> flag_param(const Exchange& exchange, std::string_view name);
/// A count from 1 to `most`; `initial` when absent.
Outcomes<std::size_t> count_param(const Exchange& exchange, std::string_view name, std::size_t initial,
                                  std::size_t most);
Outcomes<Preconditions> preconditions_of(const Exchange& exchange);

Problem bad_parameter(std::string detail);
Problem no_such_key();
/// `wanted`: what it should have been.
Problem wrong_type(store::ValueType held, store::ValueType wanted = store::ValueType::kString);
/// `version` kNoLsn: the key is absent.
Problem precondition_failed(const Preconditions& conditions, Lsn version);

struct Stored {
  bool created = false;
  Lsn version = kNoLsn;
  store::Pending pending;
};
/// A problem that shows what the key held has to wait for the disk like any answer.
struct Refused {
  Problem problem;
  store::Pending pending;
};
Response answer_refused(Refused refused);

/// Stores a value whole under the exchange's preconditions. `block`: as in Transaction::put.
std::expected<Stored, Refused> store_value(const Exchange& exchange, store::KeyRef key, std::string_view value,
                                           bool json, const Preconditions& conditions, const ExpiryWish& wish,
                                           const keyspace::Block* block = nullptr);

/// The headers that describe a found value: its tag, its deadline.
void describe(Response& response, const store::StoreClock& time, const store::ValueView& value);
/// application/json or application/octet-stream.
std::string_view type_of(const store::ValueView& value) noexcept;

}  // namespace stave::http
