#include "doors/http/values.h"

#include <charconv>

#include "commands/type_names.h"
#include "doors/http/times.h"
#include "store/collection.h"

namespace stave::http {

using store::KeyRef;
using store::Transaction;
using store::ValueView;

Problem bad_parameter(std::string detail) {
  return {.status = 400, .code = "invalid_parameter", .detail = std::move(detail), .retryable = false, .members = {}};
}

Problem no_such_key() {
  return {.status = 404, .code = "not_found", .detail = "there is no such key", .retryable = false, .members = {}};
}

Problem wrong_type(store::ValueType held, store::ValueType wanted) {
  return {.status = 409,
          .code = "wrong_type",
          .detail = "the key holds a " + std::string(commands::type_name(held)) + ", not a " +
                    std::string(commands::type_name(wanted)),
          .retryable = false,
          .members = {}};
}

Problem precondition_failed(const Preconditions& conditions, Lsn version) {
  const std::string now = version == kNoLsn ? "null" : '"' + std::to_string(raw(version)) + '"';
  return {.status = 412,
          .code = "precondition_failed",
          .detail = std::string(conditions.why_failed(version)),
          .retryable = false,
          .members = ",\"version\":" + now};
}

Response answer_refused(Refused refused) {
  Response response = answer_problem(std::move(refused.problem));
  response.pending = refused.pending;
  return response;
}

// --- parameters -------------------------------------------------------------------------------

Outcomes<bool> flag_param(const Exchange& exchange, std::string_view name) {
  const std::string* const text = exchange.param(name);
  if (text == nullptr || *text == "false" || *text == "0") return false;
  if (*text == "true" || *text == "1" || text->empty()) return true;
  return std::unexpected(bad_parameter(std::string(name) + " must be true or false"));
}

Outcomes<std::size_t> count_param(const Exchange& exchange, std::string_view name, std::size_t initial,
                                  std::size_t most) {
  const std::string* const text = exchange.param(name);
  if (text == nullptr) return initial;
  std::size_t value = 0;
  const auto [stop, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (problem != std::errc{} || stop != text->data() + text->size() || value == 0 || value > most)
    return std::unexpected(bad_parameter(std::string(name) + " must be a number from 1 to " + std::to_string(most)));
  return value;
}

Outcomes<Preconditions> preconditions_of(const Exchange& exchange) {
  auto conditions =
      Preconditions::parse(exchange.request.header(Header::kIfMatch), exchange.request.header(Header::kIfNoneMatch));
  if (conditions) return std::move(*conditions);
  return std::unexpected(Problem{.status = 400,
                                 .code = "invalid_precondition",
                                 .detail = "If-Match and If-None-Match take * or versions in double quotes",
                                 .retryable = false,
                                 .members = {}});
}

Outcomes<ExpiryWish> expiry_wish(const std::string* ttl, const std::string* expires_at, bool sliding, bool keep,
                                 store::StoreClock& time) {
  ExpiryWish wish{.given = ttl != nullptr || expires_at != nullptr, .keep = keep};
  if ((ttl != nullptr) + (expires_at != nullptr) + (keep ? 1 : 0) > 1)
    return std::unexpected(bad_parameter("only one of ttl, expires_at and keep_ttl can be given"));
  if (sliding && ttl == nullptr) return std::unexpected(bad_parameter("sliding needs a ttl"));
  if (ttl != nullptr) {
    const auto span = parse_span_ms(*ttl);
    const UnixMs now = time.now();
    if (!span || *span > kUnixMsMax - raw(now))
      return std::unexpected(bad_parameter("ttl must be a time such as 500ms, 60s, 5m, 1h or 7d"));
    wish.expiry = {.at = now + *span, .sliding_ms = sliding ? *span : 0};
  } else if (expires_at != nullptr) {
    const auto at = parse_moment(*expires_at);
    if (!at || raw(*at) == 0)
      return std::unexpected(bad_parameter("expires_at must be Unix time in seconds, or such as 2030-01-02T03:04:05Z"));
    wish.expiry = {.at = time.from_wall(*at)};
  }
  return wish;
}

Outcomes<ExpiryWish> expiry_wish(const Exchange& exchange) {
  const auto sliding = flag_param(exchange, "sliding");
  if (!sliding) return std::unexpected(sliding.error());
  const auto keep = flag_param(exchange, "keep_ttl");
  if (!keep) return std::unexpected(keep.error());
  return expiry_wish(exchange.param("ttl"), exchange.param("expires_at"), *sliding, *keep, exchange.engine().time());
}

// --- values -----------------------------------------------------------------------------------

std::string_view type_of(const ValueView& value) noexcept {
  return value.json ? kJsonType : kBytesType;
}

void describe(Response& response, const store::StoreClock& time, const ValueView& value) {
  response.version = value.version;
  const Expiry expiry = store::own_expiry(value);
  if (!expiry.never()) response.add_header("Stave-Expires-At", rfc3339(time.to_wall(expiry.at)));
}

std::expected<Stored, Refused> store_value(const Exchange& exchange, KeyRef key, std::string_view value, bool json,
                                           const Preconditions& conditions, const ExpiryWish& wish,
                                           const keyspace::Block* block) {
  Transaction transaction(exchange.engine(), key);
  const auto refuse = [&](Problem problem) {
    transaction.rollback();
    return std::unexpected(Refused{std::move(problem), transaction.observed()});
  };
  const auto held = wish.keep ? store::find_with_expiry(transaction, key) : transaction.find(key, store::Access::kMeta);
  const Lsn version = held ? held->version : kNoLsn;
  if (conditions.judge(version, false) != Preconditions::Verdict::kGoOn)
    return refuse(precondition_failed(conditions, version));
  const Expiry expiry = wish.keep ? (held ? store::own_expiry(*held) : Expiry{}) : wish.expiry;
  Stored stored{.created = !held};
  // A deadline that has passed: stored and gone, for nobody could ever read it.
  if (expiry.passed(transaction.now())) {
    transaction.erase(key);
  } else if (auto done = transaction.put(key, value, expiry, store::string_type(json), block); !done) {
    return refuse(problem_of(done.error()));
  }
  auto pending = transaction.commit(exchange.sync);
  if (!pending) return refuse(problem_of(pending.error()));
  stored.version = transaction.version();
  stored.pending = *pending;
  return stored;
}

}  // namespace stave::http
