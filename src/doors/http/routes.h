// The route table: one constexpr row for each thing that can be asked. It routes, checks parameters and content types,
// becomes /openapi.json and /docs, and is what docs/http.md is checked against.
//
// A path is literal but for `{key}`, which stands for the rest: percent-decoded, slashes included; the rest ends before
// the first segment that is `fields`, `items`, `members` or `scores` as it is written. Behind such a word one more name
// stands for the rest likewise: an element of what the key holds. `{channel}` is the rest of its path, whatever it is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "doors/http/request.h"
#include "doors/http/response.h"

namespace stave::http {

struct Exchange;
using Handler = Response (*)(Exchange&);

enum class ParamIn : std::uint8_t { kPath, kQuery, kHeader };
struct Param {
  std::string_view name;
  ParamIn in = ParamIn::kQuery;
  std::string_view type = "string";  ///< As in JSON Schema.
  bool required = false;
  std::string_view help;
};

/// A request body that a route takes.
struct BodyKind {
  std::string_view type;    ///< Media type.
  std::string_view schema;  ///< Name of a schema of openapi.cc; empty: any bytes.
};

struct Outcome {
  int status = 200;
  std::string_view help;
  std::string_view type;    ///< Media type; empty: no content.
  std::string_view schema;  ///< Empty: any bytes.
};

enum RouteFlag : std::uint8_t {
  kOpen = 1,       ///< Answered without the token.
  kValueBody = 2,  ///< The body is a value, not a document: another limit.
  kAnyType = 4,    ///< Content-Type is not looked at.
  kChanges = 8,    ///< Changes the store.
  kDatabase = 16,  ///< Takes `db` and, when it changes something, `durability`.
};

struct Route {
  Verb verb = Verb::kGet;
  std::string_view path;
  std::string_view name;     ///< operationId.
  std::string_view group;    ///< "keys", "fields", …, "collection", "commands", "short forms", "platform".
  std::string_view summary;  ///< One sentence.
  std::span<const Param> params;
  std::span<const BodyKind> bodies;
  std::span<const Outcome> outcomes;
  unsigned flags = 0;
  Handler run = nullptr;

  [[nodiscard]] bool has(RouteFlag flag) const noexcept { return (flags & flag) != 0; }
};

/// All rows, in the order of the documentation.
std::span<const Route> route_table() noexcept;

struct Match {
  const Route* route = nullptr;             ///< nullptr: there is no such path, or not for this verb.
  std::string_view key;                     ///< Still encoded.
  std::optional<std::string_view> element;  ///< Of the key; likewise.
  bool path_known = false;
  bool head = false;  ///< A HEAD answered by the GET of the path.
};
Match find_route(Verb verb, std::string_view path) noexcept;
/// "GET, HEAD, PUT": what may be asked of a path; empty for an unknown one.
std::string allowed_verbs(std::string_view path);

/// The parameters that several routes share are kept once; these are all of a route's.
std::span<const Param> shared_params(const Route& route) noexcept;

}  // namespace stave::http
