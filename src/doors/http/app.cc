#include "doors/http/app.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <new>
#include <utility>

#include "base/assert.h"
#include "base/encoding.h"
#include "commands/access.h"
#include "commands/auth_backoff.h"
#include "commands/host.h"
#include "commands/text.h"
#include "doors/http/busy.h"
#include "doors/http/conditions.h"
#include "doors/http/gzip.h"
#include "doors/http/json_text.h"
#include "doors/http/rights.h"
#include "replication/group.h"

namespace stave::http {
namespace {

/// Less is not worth a header line; more would keep the thread from others.
constexpr std::size_t kCompressFrom = 1024;
constexpr std::size_t kCompressMax = 1024 * 1024;
constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::size_t kCompressValueMax = 256 * 1024;

Problem refusal(int status, std::string_view code, std::string detail) {
  return {.status = status, .code = code, .detail = std::move(detail), .retryable = false, .members = {}};
}

std::string_view without_port(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(0, std::min(host.find(']'), host.size() - 1) + 1);
  return host.substr(0, host.rfind(':'));
}

bool is_loopback_name(std::string_view host) noexcept {
  host = without_port(host);
  return host == "localhost" || host == "[::1]" || host.ends_with(".localhost") ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

/// "example.org:8080" of "http://example.org:8080".
std::string_view authority_of(std::string_view origin) noexcept {
  const std::size_t at = origin.find("://");
  return at == std::string_view::npos ? origin : origin.substr(at + 3);
}

std::string types_of(const Route& route) {
  std::string text;
  for (const BodyKind& kind : route.bodies) text += (text.empty() ? "" : " or ") + std::string(kind.type);
  return text;
}

struct Credentials {
  std::string user;
  std::string password;
  bool bearer = true;
};

/// Of an Authorization header; nullopt: it has none that are known here. A bearer's token is the password of `default`.
std::optional<Credentials> credentials_of(std::string_view header) {
  constexpr std::string_view kBearer = "bearer ";
  constexpr std::string_view kBasic = "basic ";
  if (header.size() > kBearer.size() && commands::same_word(header.substr(0, kBearer.size()), kBearer))
    return Credentials{"default", std::string(header.substr(kBearer.size()))};
  if (header.size() <= kBasic.size() || !commands::same_word(header.substr(0, kBasic.size()), kBasic))
    return std::nullopt;
  const auto text = base::from_base64(header.substr(kBasic.size()));
  const std::size_t colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  // Without a name it is the password of the store, as a token is.
  return Credentials{colon == 0 ? "default" : text->substr(0, colon), text->substr(colon + 1), false};
}

bool knows(const Route& route, std::string_view name) noexcept {
  const auto is_it = [&](const Param& param) { return param.in == ParamIn::kQuery && param.name == name; };
  return std::ranges::any_of(route.params, is_it) || std::ranges::any_of(shared_params(route), is_it);
}

}  // namespace

// --- the head ---------------------------------------------------------------------------------

Admission App::admit(const Request& request, Caller& caller) const {
  Admission admission;
  const auto refuse = [&](Problem problem) {
    admission.refusal = answer_problem(std::move(problem));
    return std::move(admission);
  };
  if (!request.target.starts_with('/') && !(request.verb == Verb::kOptions && request.target == "*"))
    return refuse(refusal(400, "malformed_request", "the target must begin with a slash"));
  admission.match = find_route(request.verb, request.path());
  if (request.verb == Verb::kOptions) return admission;
  const Route* const route = admission.match.route;
  if (route == nullptr) {
    if (!admission.match.path_known)
      return refuse(refusal(404, "no_such_path", "there is nothing at this path; GET /docs tells what there is"));
    admission.refusal = answer_problem(
        refusal(request.verb == Verb::kOther ? 501 : 405, "method_not_allowed", "this cannot be done to this path"));
    admission.refusal->add_header("Allow", allowed_verbs(request.path()));
    return admission;
  }
  if (auto problem = check_origin(request, *route)) return refuse(std::move(*problem));
  if (!route->has(kOpen)) {
    commands::Environment* const environment = hub_.environment.load(std::memory_order_acquire);
    if (environment == nullptr) {
      Problem problem = refusal(503, "recovering", "the store is being opened");
      problem.retryable = true;
      return refuse(std::move(problem));
    }
    if (auto problem = check_token(request, caller, *environment)) {
      const bool unknown = problem->status == 401;
      admission = refuse(std::move(*problem));
      if (unknown)
        admission.refusal->add_header("WWW-Authenticate",
                                      "Bearer realm=\"stave\", Basic realm=\"stave\", charset=\"UTF-8\"");
      return admission;
    }
  }
  if (auto problem = check_body(request, *route, admission.body)) return refuse(std::move(*problem));
  return admission;
}

std::optional<Problem> App::check_origin(const Request& request, const Route& route) const {
  const std::string& host = request.header(Header::kHost);
  if (hub_.config.loopback_hosts_only && !route.has(kOpen) && !host.empty() && !is_loopback_name(host))
    return refusal(
        421, "host_not_allowed",
        "without a password the store answers only to localhost and 127.0.0.1; set requirepass to use other names");
  const std::string& origin = request.header(Header::kOrigin);
  if (!origin.empty()) {
    if (route.has(kOpen) || origin_allowed(request)) return std::nullopt;
    return refusal(403, "origin_not_allowed", "pages of " + origin + " are not in http-cors-origins");
  }
  // What a page makes a browser load (an image, a form) comes without Origin but, from browsers of today, not without
  // this.
  const std::string& site = request.header(Header::kFetchSite);
  if (route.has(kChanges) && (site == "cross-site" || site == "same-site"))
    return refusal(403, "origin_not_allowed", "a page of another site must not change the store");
  return std::nullopt;
}

bool App::origin_allowed(const Request& request) const {
  const std::string& origin = request.header(Header::kOrigin);
  if (authority_of(origin) == request.header(Header::kHost)) return true;
  const auto& allowed = hub_.config.cors_origins;
  return std::ranges::any_of(allowed, [&](const std::string& one) { return one == "*" || one == origin; });
}

std::optional<Problem> App::check_token(const Request& request, Caller& caller,
                                        commands::Environment& environment) const {
  commands::Users& users = environment.users();
  const auto given = credentials_of(request.header(Header::kAuthorization));
  // Where nothing is needed a token says nothing; a name does.
  if (users.open() && (!given || given->bearer)) {
    if (std::exchange(caller.user, nullptr) != nullptr) caller.entered = false;
    return std::nullopt;
  }
  if (!given) {
    Problem problem = refusal(401, "unauthorized",
                              "say Authorization: Bearer, and the password of the store, or Basic, with a user's");
    problem.members = ",\"error\":\"Unauthorized\"";
    return problem;
  }
  commands::AuthBackoff& backoff = environment.auth_backoff();
  const std::uint64_t now_ns = hub_.clock.monotonic_ns();
  // Whoever guesses from that address must wait, right or wrong, but who has shown the password before does not guess.
  if (const std::uint64_t until_ns = caller.trusted ? 0 : backoff.wait_until_ns(caller.host); until_ns > now_ns) {
    Problem problem = refusal(429, "too_many_attempts", "too many wrong tokens came from this address; wait a moment");
    problem.retryable = true;
    problem.retry_after_s = static_cast<int>((until_ns - now_ns + kSecondNs - 1) / kSecondNs);
    return problem;
  }
  if (auto user = users.authenticate(given->user, given->password)) {
    if (!std::exchange(caller.trusted, true)) backoff.succeeded(caller.host);
    if (std::exchange(caller.user, user) != user) caller.entered = false;
    return std::nullopt;
  }
  caller.trusted = false;
  if (backoff.failed(caller.host, now_ns))
    hub_.log.warn("Wrong credentials came from {}; more from there are told at most every 10 s.", caller.host);
  Problem problem = refusal(401, "unauthorized", given->bearer ? "the token is wrong" : "name or password is wrong");
  problem.members = ",\"error\":\"Unauthorized\"";
  return problem;
}

std::optional<Problem> App::check_body(const Request& request, const Route& route, BodyPlan& plan) const {
  const std::string& expect = request.header(Header::kExpect);
  if (!expect.empty() && !commands::same_word(expect, "100-continue"))
    return refusal(417, "expectation_failed", "the only expectation known here is 100-continue");
  plan.bytes_max = route.has(kValueBody) ? hub_.config.body_bytes_max : hub_.config.json_bytes_max;
  if (route.bodies.empty()) {
    plan.keep = false;  // a body that means nothing is read over, up to a limit
    plan.bytes_max = std::min<std::uint64_t>(plan.bytes_max, 64 * 1024);
  }
  if (request.content_length.value_or(0) > plan.bytes_max)
    return refusal(413, "too_large", "the body may have " + std::to_string(plan.bytes_max) + " bytes");
  if (route.bodies.empty()) return std::nullopt;
  const std::string& encoding = request.header(Header::kContentEncoding);
  if (!encoding.empty() && !commands::same_word(encoding, "identity"))
    return refusal(415, "unsupported_encoding", "bodies are taken as they are, without a Content-Encoding");
  if (route.has(kAnyType)) return std::nullopt;
  const std::string type = media_type(request.header(Header::kContentType));
  if (std::ranges::none_of(route.bodies, [&](const BodyKind& kind) { return kind.type == type; }))
    return refusal(415, "unsupported_type", "Content-Type must be " + types_of(route));
  plan.check_json = route.has(kValueBody) && type == kJsonType;
  if (commands::Environment* const environment = hub_.environment.load(std::memory_order_acquire);
      environment != nullptr && route.has(kValueBody))
    plan.large.emplace(environment->engine().block_writer());
  return std::nullopt;
}

// --- the answer -------------------------------------------------------------------------------

/// The number in "replicas:1".
std::optional<std::uint32_t> replicas_named(std::string_view durability) {
  constexpr std::string_view kReplicas = "replicas:";
  if (!durability.starts_with(kReplicas)) return std::nullopt;
  durability.remove_prefix(kReplicas.size());
  std::uint32_t count = 0;
  const auto [stop, problem] = std::from_chars(durability.data(), durability.data() + durability.size(), count);
  if (problem != std::errc{} || stop != durability.data() + durability.size()) return std::nullopt;
  if (count < 1 || count > store::Replicas::kMost) return std::nullopt;
  return count;
}

/// Before anything is changed: whether as many followers are there as it is to reach. Commands see to that themselves.
std::optional<Problem> check_replicas(const Exchange& exchange) {
  if (!exchange.route.has(kChanges) || !exchange.route.has(kDatabase) || exchange.route.group == "commands")
    return std::nullopt;
  const store::Engine& engine = exchange.engine();
  if (engine.follows() || !engine.replicas().lacking(exchange.replicas)) return std::nullopt;
  return refusal(503, "no_replicas", "too few followers are there for a write that is to reach them; nothing was done");
}

std::optional<Problem> read_parameters(Exchange& exchange, int databases) {
  const std::string_view text = exchange.request.query();
  if (text.empty()) return std::nullopt;
  auto query = Query::parse(text);
  if (!query) return refusal(400, "malformed_query", "the query has a broken escape, or a name twice");
  for (const auto& [name, value] : query->all())
    if (!knows(exchange.route, name))
      return refusal(400, "unknown_parameter", "there is no parameter '" + name + "' here");
  exchange.query = std::move(*query);
  if (const std::string* db = exchange.param("db")) {
    const auto [stop, problem] = std::from_chars(db->data(), db->data() + db->size(), exchange.database);
    if (problem != std::errc{} || stop != db->data() + db->size() || exchange.database < 0 ||
        exchange.database >= databases)
      return refusal(400, "no_such_database", "db must be a number from 0 to " + std::to_string(databases - 1));
  }
  if (const std::string* durability = exchange.param("durability")) {
    if (*durability == "always") {
      exchange.sync = Sync::kAlways;
    } else if (*durability == "interval") {
      exchange.sync = Sync::kInterval;
    } else if (*durability == "os") {
      exchange.sync = Sync::kOs;
    } else if (const auto replicas = replicas_named(*durability)) {
      exchange.replicas = *replicas;
    } else {
      return refusal(400, "invalid_parameter",
                     "durability must be always, interval, os or replicas:N with N from 1 to " +
                         std::to_string(store::Replicas::kMost));
    }
  }
  return std::nullopt;
}

void App::enter(commands::Session& session, Caller& caller) const {
  if (std::exchange(caller.entered, true)) return;
  if (caller.user != nullptr) {
    commands::become(session, caller.user);
  } else {
    commands::become_anybody(session);
  }
}

Response App::answer(Request& request, const Match& match, commands::Session* session, bool fetched) const {
  if (request.verb == Verb::kOptions) return answer_options(request);
  STAVE_ASSERT(match.route != nullptr && (session != nullptr || match.route->has(kOpen)));
  Exchange exchange{.request = request, .hub = hub_, .route = *match.route, .session_or_null = session};
  exchange.may_fetch = !fetched;
  const int databases = session == nullptr ? 1 : session->environment().engine().options().databases;
  if (auto problem = read_parameters(exchange, databases)) return answer_problem(std::move(*problem));
  if (!match.key.empty()) {
    auto key = percent_decode(match.key);
    if (!key) return answer_problem(refusal(400, "malformed_key", "the key has a broken escape: % is written %25"));
    exchange.key = std::move(*key);
  }
  if (match.element) {
    auto element = percent_decode(*match.element);
    if (!element)
      return answer_problem(
          refusal(400, "malformed_key", "what stands behind the key has a broken escape: % is written %25"));
    exchange.element = std::move(*element);
  }
  if (auto problem = check_rights(exchange)) return answer_problem(std::move(*problem));
  if (auto problem = check_scripts(exchange)) return answer_problem(std::move(*problem));
  if (auto problem = check_replicas(exchange)) return answer_problem(std::move(*problem));
  if (replication::Group* const group = exchange.replicas == 0 ? nullptr : session->environment().group())
    group->followers().want_durable();
  try {
    Response response = match.route->run(exchange);
    if (exchange.replicas != 0 && response.pending.end() != kNoLsn)
      response.pending.require(response.pending.end(), exchange.replicas);
    return response;
  } catch (const std::bad_alloc&) {
    return answer_error(Error(ErrorCode::kNoMemory, "there is no memory for this request"));
  }
}

Response App::answer_options(const Request& request) const {
  Response response;
  response.status = 204;
  const std::string verbs =
      request.target == "*" ? "GET, HEAD, PUT, POST, DELETE, PATCH, OPTIONS" : allowed_verbs(request.path());
  if (verbs.empty()) return answer_problem(refusal(404, "no_such_path", "there is nothing at this path"));
  response.add_header("Allow", verbs);
  if (!request.header(Header::kWantedMethod).empty() && !request.header(Header::kOrigin).empty() &&
      origin_allowed(request)) {
    response.add_header("Access-Control-Allow-Methods", verbs);
    response.add_header(
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, If-Match, If-None-Match, If-Range, Last-Event-ID, Range, Upstash-Encoding, "
        "X-Request-Id");
    response.add_header("Access-Control-Max-Age", "600");
  }
  return response;
}

void App::finish(const Request& request, Response& response) const {
  if (!hub_.config.cors_origins.empty()) {
    response.add_header("Vary", "Origin");
    const std::string& origin = request.header(Header::kOrigin);
    if (!origin.empty() && origin_allowed(request)) {
      response.add_header("Access-Control-Allow-Origin", origin);
      response.add_header("Access-Control-Expose-Headers",
                          "ETag, Stave-Cursor, Stave-Expires-At, Stave-LSN, X-Request-Id");
    }
  }
  bool compressed = false;
  const std::string& coding = request.header(Header::kAcceptEncoding);
  if (!coding.empty() && response.status == 200 && !response.length && response.content_length() >= kCompressFrom &&
      (!response.shared || response.content_length() <= kCompressValueMax) &&
      response.content_length() <= kCompressMax && accepts(coding, "gzip")) {
    std::string packed = gzip(response.content());
    if (!packed.empty()) {
      response.body = std::move(packed);
      response.page = {};
      response.shared.reset();
      response.add_header("Content-Encoding", "gzip");
      compressed = true;
    }
  }
  if (!coding.empty() && response.status == 200) response.add_header("Vary", "Accept-Encoding");
  // A position that has all that the answer tells (STAVE.WAITLSN, GET /changes).
  if (const Lsn end = std::max(response.pending.durable, response.pending.written); end != kNoLsn)
    response.add_header("Stave-LSN", std::to_string(raw(end) - 1));
  if (response.version != kNoLsn)
    response.add_header("ETag", compressed ? compressed_tag(response.version) : entity_tag(response.version));
}

}  // namespace stave::http
