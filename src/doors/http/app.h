// A request decided and answered, without a socket in sight.
//
// Promises: everything that can be refused by its head is refused before a byte of the body is taken; a page of another
// origin can change nothing unless it is allowed to. A handler runs to its end on the calling thread and waits for
// nothing; what its answer has to wait for is in the answer.
#pragma once

#include <optional>

#include "commands/session.h"
#include "doors/http/hub.h"
#include "doors/http/percent.h"
#include "doors/http/request.h"
#include "doors/http/request_reader.h"
#include "doors/http/response.h"
#include "doors/http/routes.h"

namespace stave::http {

/// One request with everything its handler may look at.
struct Exchange {
  Request& request;
  Hub& hub;
  const Route& route;
  /// Null on routes that do not need the store (kOpen), which are answered while it is not open yet.
  commands::Session* session_or_null = nullptr;
  Query query;
  std::string key;      ///< Of `{key}`, decoded.
  std::string element;  ///< Of what stands behind it: `{field}`, `{member}`, `{index}`.
  int database = 0;
  Sync sync = Sync::kDefault;
  std::uint32_t replicas = 0;  ///< So many followers are to have what it writes, if that is more than is asked of all.
  bool may_fetch = true;  ///< Values that are in the log only are asked for once (see Response::first).

  [[nodiscard]] commands::Session& session() const noexcept { return *session_or_null; }
  [[nodiscard]] store::Engine& engine() const noexcept { return session_or_null->environment().engine(); }
  [[nodiscard]] store::KeyRef key_ref() const noexcept { return {database, key}; }
  [[nodiscard]] const std::string* param(std::string_view name) const noexcept { return query.find(name); }
};

/// What becomes of a request whose head is read.
struct Admission {
  Match match;
  BodyPlan body;
  std::optional<Response> refusal;
};

/// Who asks: its user, and how the guessing of passwords goes.
struct Caller {
  std::string host;      ///< The address without the port.
  bool trusted = false;  ///< Has shown a password, and no wrong one since.
  /// Of the request being answered; null: it says nothing, and nothing is needed.
  std::shared_ptr<const commands::AclUser> user = nullptr;
  bool entered = false;  ///< The session is that user's.
};

class App {
 public:
  explicit App(Hub& hub) : hub_(hub) {}

  /// Looks at the head alone.
  [[nodiscard]] Admission admit(const Request& request, Caller& caller) const;
  /// Answers the whole request. `session`: null while recovering, or when the route is open.
  /// `fetched`: what it asked for (Response::first) was brought; it is not asked for again.
  [[nodiscard]] Response answer(Request& request, const Match& match, commands::Session* session,
                                bool fetched = false) const;
  /// Makes the session that of the caller of this request.
  void enter(commands::Session& session, Caller& caller) const;
  /// What every answer of the app gets, refusals included: CORS, compression, the tag of its version.
  void finish(const Request& request, Response& response) const;

 private:
  [[nodiscard]] std::optional<Problem> check_origin(const Request& request, const Route& route) const;
  [[nodiscard]] std::optional<Problem> check_token(const Request& request, Caller& caller,
                                                   commands::Environment& environment) const;
  [[nodiscard]] std::optional<Problem> check_body(const Request& request, const Route& route, BodyPlan& plan) const;
  [[nodiscard]] bool origin_allowed(const Request& request) const;
  [[nodiscard]] Response answer_options(const Request& request) const;

  Hub& hub_;
};

/// Reads `db`, `durability` and the parameters' names. nullopt: all is well.
std::optional<Problem> read_parameters(Exchange& exchange, int databases);

}  // namespace stave::http
