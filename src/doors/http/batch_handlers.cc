// POST /db/_batch and PATCH /db/{key}: operations spelled in JSON.
#include "base/assert.h"
#include "doors/http/busy.h"
#include "doors/http/document.h"
#include "doors/http/handlers.h"
#include "doors/http/json_text.h"
#include "doors/http/operation.h"
#include "doors/http/protobuf.h"
#include "doors/http/rights.h"
#include "doors/http/times.h"

namespace stave::http {
namespace {

namespace json = boost::json;
using Kind = Operation::Kind;

constexpr std::size_t kOperationsMax = 10'000;

struct KindName {
  std::string_view name;
  Kind kind;
};
constexpr KindName kKinds[] = {
    {"set", Kind::kSet},       {"get", Kind::kGet},       {"delete", Kind::kDelete}, {"increment", Kind::kIncrement},
    {"append", Kind::kAppend}, {"expire", Kind::kExpire}, {"check", Kind::kCheck}};

/// `name` as text, or `name_base64` decoded. nullopt: neither. Problems: both, or broken base64.
Outcomes<std::optional<std::string>> bytes_member(const json::object& object, const std::string& name) {
  auto text = text_member(object, name);
  const auto encoded = text_member(object, name + "_base64");
  if (!encoded) return text;
  if (text) return std::unexpected(bad_document("only one of " + name + " and " + name + "_base64 can be given"));
  auto decoded = from_base64(*encoded);
  if (!decoded) return std::unexpected(bad_document(name + "_base64 is not base64"));
  return std::optional(std::move(*decoded));
}

bool true_member(const json::object& object, std::string_view name) {
  const json::value* const member = object.if_contains({name.data(), name.size()});
  return member != nullptr && member->is_bool() && member->get_bool();
}

/// "123" and "*" as an If-Match takes them.
std::string as_tags(const std::string& text) {
  return text == "*" || text.starts_with('"') ? text : '"' + text + '"';
}

std::optional<Problem> take_number(const json::value& by, Operation& operation) {
  operation.kind = Kind::kIncrement;
  if (by.is_int64()) {
    operation.by = by.get_int64();
  } else if (by.is_double()) {
    operation.kind = Kind::kIncrementFloat;
    operation.by_float = static_cast<long double>(by.get_double());
  } else {
    return bad_document("an increment is a number of 64 bits");
  }
  return std::nullopt;
}

std::optional<Problem> take_value(const json::object& object, Operation& operation) {
  auto value = bytes_member(object, "value");
  if (!value) return std::move(value.error());
  const json::value* const document = object.if_contains("json");
  if (value->has_value() == (document != nullptr))
    return bad_document("one of value, value_base64 and json must be given");
  if (document != nullptr) {
    operation.value = json::serialize(*document);
    operation.json = true;
  } else {
    operation.value = std::move(**value);
  }
  return std::nullopt;
}

std::optional<Problem> take_terms(const json::object& object, store::StoreClock& time, Operation& operation) {
  const auto ttl = object.if_contains("ttl") != nullptr ? as_argument(object.at("ttl")) : std::nullopt;
  const auto at = object.if_contains("expires_at") != nullptr ? as_argument(object.at("expires_at")) : std::nullopt;
  auto wish = expiry_wish(ttl ? &*ttl : nullptr, at ? &*at : nullptr, true_member(object, "sliding"),
                          true_member(object, "keep_ttl"), time);
  if (!wish) return std::move(wish.error());
  operation.expiry = *wish;
  const auto match = text_member(object, "if_match");
  const auto none = text_member(object, "if_none_match");
  auto conditions = Preconditions::parse(match ? as_tags(*match) : "", none ? as_tags(*none) : "");
  if (!conditions) return bad_document("if_match and if_none_match take \"*\" or a version");
  operation.conditions = std::move(*conditions);
  return std::nullopt;
}

Outcomes<Operation> read_operation(const json::value& value, store::StoreClock& time) {
  const json::object* const object = value.if_object();
  if (object == nullptr) return std::unexpected(bad_document("an operation is an object"));
  Operation operation;
  const auto name = text_member(*object, "op");
  const KindName* known = nullptr;
  for (const KindName& kind : kKinds)
    if (name && *name == kind.name) known = &kind;
  if (known == nullptr)
    return std::unexpected(bad_document("op must be set, get, delete, increment, append, expire or check"));
  operation.kind = known->kind;
  auto key = bytes_member(*object, "key");
  if (!key) return std::unexpected(std::move(key.error()));
  if (!*key) return std::unexpected(bad_document("an operation names its key"));
  operation.key = std::move(**key);
  if (auto problem = take_terms(*object, time, operation)) return std::unexpected(std::move(*problem));
  std::optional<Problem> problem;
  if (operation.kind == Kind::kSet || operation.kind == Kind::kAppend) problem = take_value(*object, operation);
  if (operation.kind == Kind::kAppend) operation.json = false;
  if (operation.kind == Kind::kIncrement)
    problem = take_number(object->contains("by") ? object->at("by") : json::value(1), operation);
  if (problem) return std::unexpected(std::move(*problem));
  return operation;
}

Outcomes<std::vector<Operation>> read_batch(std::string_view text, store::StoreClock& time) {
  auto document = parse_document(text);
  if (!document) return std::unexpected(std::move(document.error()));
  const json::array* list = document->if_array();
  if (const json::object* object = document->if_object(); object != nullptr && object->contains("operations"))
    list = object->at("operations").if_array();
  if (list == nullptr) return std::unexpected(bad_document("a batch is {\"operations\": [ … ]}"));
  if (list->size() > kOperationsMax)
    return std::unexpected(bad_document("a batch may have " + std::to_string(kOperationsMax) + " operations"));
  std::vector<Operation> operations;
  operations.reserve(list->size());
  for (const json::value& value : *list) {
    auto operation = read_operation(value, time);
    if (!operation) {
      operation.error().members += ",\"index\":" + std::to_string(operations.size());
      return std::unexpected(std::move(operation.error()));
    }
    operations.push_back(std::move(*operation));
  }
  return operations;
}

std::string version_member(Lsn version) {
  return version == kNoLsn ? ",\"version\":null" : ",\"version\":\"" + std::to_string(raw(version)) + '"';
}

Draft write_results(std::span<const Operation> operations, std::span<const OperationResult> results,
                    const Draft::Options& options) {
  STAVE_ASSERT(operations.size() == results.size());
  Draft out(options);
  out.text("{\"results\":[");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const OperationResult& result = results[i];
    out.text(i == 0 ? "\n{\"status\":\"" : ",\n{\"status\":\"");
    out.text(status_name(result.status));
    out.text("\"" + version_member(result.version));
    if (result.value) {
      out.text(",");
      out.string(*result.value, "value");
    }
    if (operations[i].kind == Kind::kAppend) out.text(",\"length\":" + std::to_string(result.length));
    if (!result.expiry.never()) out.text(",\"expires_at\":\"" + rfc3339(result.expiry.at) + '"');
    out.text("}");
  }
  out.text("\n]}\n");
  return out;
}

/// A message holds its values once and is then written, which is once more.
Response answer_message(std::span<const Operation> operations, OperationsDone& done) {
  if (!done.counted.resize(done.counted.bytes() + 2 * done.value_bytes)) {
    Problem problem = no_memory_for_answer();
    problem.detail += "; what was asked for was done";
    return answer_problem(std::move(problem));
  }
  Response response;
  response.type = kProtobufType;
  response.body = encode_results(operations, done.results);
  return response;
}

/// Values that are in the log only are brought first: a transaction would wait for them with its locks held.
std::optional<Response> fetch_first(const Exchange& exchange, std::span<const Operation> operations) {
  if (!exchange.may_fetch) return std::nullopt;
  std::vector<store::KeyRef> keys;
  for (const Operation& operation : operations)
    if (reads_value(operation.kind)) keys.push_back({exchange.database, operation.key});
  if (keys.empty() || !exchange.engine().must_fetch(keys)) return std::nullopt;
  return answer_after_fetch(exchange.engine(), keys);
}

}  // namespace

Response run_batch(Exchange& exchange) {
  const Request& request = exchange.request;
  const bool message_in = media_type(request.header(Header::kContentType)) == kProtobufType;
  // Who sends a message and does not say what it takes, takes a message.
  const std::string& accept = request.header(Header::kAccept);
  const bool message_out = accepts(accept, kProtobufType) || (message_in && !accepts(accept, kJsonType));
  store::StoreClock& time = exchange.engine().time();
  auto operations = message_in ? decode_batch(request.body, time, kOperationsMax) : read_batch(request.body, time);
  if (!operations) return answer_problem(std::move(operations.error()));
  if (auto problem = check_rights(exchange, *operations)) return answer_problem(std::move(*problem));
  if (auto problem = check_scripts(exchange, *operations)) return answer_problem(std::move(*problem));
  if (auto later = fetch_first(exchange, *operations)) return std::move(*later);
  const std::uint64_t bytes_max = exchange.hub.config.answer_bytes_max;
  auto done = run_operations(exchange.engine(), exchange.database, *operations, exchange.sync, bytes_max);
  if (!done) {
    done.error().problem.members += ",\"index\":" + std::to_string(done.error().index);
    return answer_refused({std::move(done.error().problem), done.error().pending});
  }
  if (exchange.replicas != 0 && done->pending.end() != kNoLsn)
    done->pending.require(done->pending.end(), exchange.replicas);
  if (message_out) {
    Response response = answer_message(*operations, *done);
    response.pending = done->pending;
    return response;
  }
  // Six bytes of JSON may stand for one of a value. What is done is not to be refused for that.
  constexpr std::uint64_t kLongestEscape = 6;
  constexpr std::uint64_t kFrameBytes = 256;
  Draft draft = write_results(*operations, done->results,
                              {.meter = &exchange.engine().budget(),
                               .bytes_max = kLongestEscape * bytes_max + kFrameBytes * (operations->size() + 1)});
  done->results.clear();
  return begin_work(
      write_draft(std::move(draft), done->pending, [](Draft& written) { return answer_json(200, written.take()); }));
}

Response patch_key(Exchange& exchange) {
  auto conditions = preconditions_of(exchange);
  if (!conditions) return answer_problem(std::move(conditions.error()));
  const auto wish = expiry_wish(exchange);
  if (!wish) return answer_problem(wish.error());
  auto document = parse_document(exchange.request.body);
  if (!document) return answer_problem(std::move(document.error()));
  const json::object* const object = document->if_object();
  Operation operation{.key = exchange.key, .value = {}, .expiry = *wish, .conditions = std::move(*conditions)};
  auto appended = bytes_member(object == nullptr ? json::object() : *object, "append");
  if (!appended) return answer_problem(std::move(appended.error()));
  const json::value* const by = object == nullptr ? nullptr : object->if_contains("increment");
  if (object == nullptr || object->size() != 1 || (by == nullptr && !*appended))
    return answer_problem(
        bad_document("a patch is {\"increment\": 5}, {\"append\": \"text\"} or {\"append_base64\": \"…\"}"));
  if (by != nullptr) {
    if (auto problem = take_number(*by, operation)) return answer_problem(std::move(*problem));
  } else {
    operation.kind = Kind::kAppend;
    operation.value = std::move(**appended);
  }
  if (auto problem = check_rights(exchange, std::span(&operation, 1))) return answer_problem(std::move(*problem));
  if (auto later = fetch_first(exchange, std::span(&operation, 1))) return std::move(*later);
  auto done = run_operations(exchange.engine(), exchange.database, std::span(&operation, 1), exchange.sync,
                             exchange.hub.config.answer_bytes_max);
  if (!done) return answer_refused({std::move(done.error().problem), done.error().pending});
  const OperationResult& result = done->results[0];
  std::string body = by != nullptr ? "{\"value\":" + std::string(result.value->view())
                                   : "{\"length\":" + std::to_string(result.length);
  body += version_member(result.version);
  Response response = answer_json(result.status == OperationResult::Status::kCreated ? 201 : 200, body + "}\n");
  response.version = result.version;
  response.pending = done->pending;
  return response;
}

}  // namespace stave::http
