// A key's past: GET /db/{key}/history, and GET /db/{key} with `at` or `at_lsn`.
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "doors/http/collections.h"
#include "doors/http/handlers.h"
#include "doors/http/json_text.h"
#include "doors/http/times.h"
#include "doors/http/values.h"
#include "store/history.h"
#include "types/string/number.h"

namespace stave::http {

namespace {

constexpr std::size_t kVersionsInitial = 100;
constexpr std::size_t kVersionsMax = 10'000;

/// The log does not reach back so far: what was asked for is not absent, it is gone.
Problem problem_of_past(const Error& error) {
  if (error.code() != ErrorCode::kNotFound) return problem_of(error);
  return {.status = 410, .code = "history_gone", .detail = error.message(), .retryable = false, .members = {}};
}

/// Something that reads the log on a thread that may, and an answer made of what it found. `Found` is kept by both.
template <class Found>
class ReadPast final : public Work {
 public:
  ReadPast(std::shared_ptr<Found> found, Response (*answer)(Found& found))
      : found_(std::move(found)), answer_(answer) {}

  bool step(Response& response) override {
    if (!std::exchange(begun_, true)) {
      response.first = done_aside(found_->engine, [found = found_] { found->run(); });
      return false;
    }
    response = found_->failure ? answer_problem(problem_of_past(*found_->failure)) : answer_(*found_);
    response.pending = found_->pending;
    return true;
  }

 private:
  std::shared_ptr<Found> found_;
  Response (*answer_)(Found& found);
  bool begun_ = false;
};

struct Asked {
  store::Engine& engine;
  int database;
  std::string key;
  store::Pending pending{};
  std::optional<Error> failure{};

  explicit Asked(const Exchange& exchange)
      : engine(exchange.engine()), database(exchange.database), key(exchange.key) {}
  [[nodiscard]] store::KeyRef ref() const noexcept { return {database, key}; }
};

struct Versions : Asked {
  std::size_t count;
  std::vector<KeyVersion> found{};

  Versions(const Exchange& exchange, std::size_t most) : Asked(exchange), count(most) {}
  void run() {
    auto versions = store::History(engine).versions(ref(), count, pending);
    if (versions) {
      found = std::move(*versions);
    } else {
      failure.emplace(std::move(versions).error());
    }
  }
};

Response show_versions(Versions& versions) {
  const store::StoreClock& time = versions.engine.time();
  std::string body = "{\"versions\":[";
  for (const KeyVersion& version : versions.found) {
    body += body.ends_with('[') ? "\n" : ",\n";
    body += "{\"version\":\"" + std::to_string(raw(version.version)) + "\",\"time\":\"" +
            rfc3339(time.to_wall(version.time)) + "\",\"kind\":" + json_string(to_string(version.kind)) +
            ",\"size\":" + std::to_string(version.size) + ",\"expires_at\":";
    body += version.expiry.never() ? "null" : "\"" + rfc3339(time.to_wall(version.expiry.at)) + "\"";
    body += '}';
  }
  body += "\n]}\n";
  return answer_json(200, std::move(body));
}

struct Past : Asked {
  Point point;
  bool content;
  Draft::Options options;
  std::optional<store::PastValue> value{};

  Past(const Exchange& exchange, Point at)
      : Asked(exchange),
        point(at),
        content(exchange.request.verb != Verb::kHead),
        options{.meter = &exchange.engine().budget(), .bytes_max = exchange.hub.config.answer_bytes_max} {}
  void run() {
    auto past = store::History(engine).value_at(ref(), point, pending);
    if (past) {
      value = std::move(*past);
    } else {
      failure.emplace(std::move(past).error());
    }
  }
};

Response show_past(Past& past) {
  if (!past.value) {
    Problem problem = no_such_key();
    problem.detail = "the key was not there then";
    return answer_problem(std::move(problem));
  }
  const store::StoreClock& time = past.engine.time();
  Response response;
  response.version = past.value->version;
  response.add_header("Stave-Time", rfc3339(time.to_wall(past.value->time)));
  if (!past.value->expiry.never())
    response.add_header("Stave-Expires-At", rfc3339(time.to_wall(past.value->expiry.at)));
  std::string& value = past.value->value;
  if (past.value->type == store::string_type(false) || past.value->type == store::string_type(true)) {
    if (value.size() > past.options.bytes_max) return answer_problem(answer_too_large(past.options.bytes_max));
    response.type = past.value->type == store::string_type(true) ? kJsonType : kBytesType;
    if (past.content) {
      response.body = std::move(value);
    } else {
      response.length = value.size();
    }
    return response;
  }
  store::ValueView held{.type = past.value->type, .value = value, .size = value.size()};
  CopiedCollection collection;
  // As it was when it was given: fields whose time was up since were there.
  collection.take(held, past.value->time);
  Draft out(past.options);
  if (auto problem = draft_document(collection, {}, out, response)) return answer_problem(std::move(*problem));
  while (!out.write_some()) {
  }
  if (!out.good()) return answer_problem(problem_of(out, out.bytes_max(), false));
  response.type = kJsonType;
  std::string body = out.take();
  if (past.content) {
    response.body = std::move(body);
  } else {
    response.length = body.size();
  }
  return response;
}

}  // namespace

Response list_versions(Exchange& exchange) {
  const auto limit = count_param(exchange, "limit", kVersionsInitial, kVersionsMax);
  if (!limit) return answer_problem(limit.error());
  return begin_work(std::make_unique<ReadPast<Versions>>(std::make_shared<Versions>(exchange, *limit), show_versions));
}

Response get_past(Exchange& exchange) {
  const std::string* const at = exchange.param("at");
  const std::string* const at_lsn = exchange.param("at_lsn");
  if (at != nullptr && at_lsn != nullptr) return answer_problem(bad_parameter("at and at_lsn exclude each other"));
  for (const char* const other : {"limit", "cursor", "format"})
    if (exchange.param(other) != nullptr)
      return answer_problem(bad_parameter(std::string(other) + " is about what is there now, not about the past"));
  Point point = Lsn{0};
  if (at != nullptr) {
    const auto moment = parse_moment(*at);
    if (!moment)
      return answer_problem(bad_parameter("at must be a time: 1700000000.250 (seconds), or 2026-11-21T14:05:00Z"));
    point = exchange.engine().time().from_wall(*moment);
  } else {
    const auto lsn = types::parse_unsigned(*at_lsn);
    if (!lsn) return answer_problem(bad_parameter("at_lsn must be an LSN, as /history and ETag have them"));
    point = Lsn{*lsn};
  }
  return begin_work(std::make_unique<ReadPast<Past>>(std::make_shared<Past>(exchange, point), show_past));
}

}  // namespace stave::http
