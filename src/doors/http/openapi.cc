#include "doors/http/openapi.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "commands/text.h"
#include "doors/http/json_text.h"
#include "doors/http/routes.h"

namespace stave::http {
namespace {

struct Schema {
  std::string_view name;
  std::string_view json;
};

#define STAVE_VERSION_SCHEMA R"({"type":["string","null"],"description":"Version of the key, as in its ETag."})"
/// Bytes: text, or what is not UTF-8 in base64. A score: a number, but for the infinities.
#define STAVE_ELEMENT_SCHEMA \
  R"({"anyOf":[{"type":"string"},{"type":"object","required":["base64"],"properties":{"base64":{"type":"string"}}}]})"
#define STAVE_SCORE_SCHEMA R"({"anyOf":[{"type":"number"},{"enum":["inf","-inf"]}]})"
#define STAVE_CURSOR_SCHEMA R"({"type":["string","null"],"description":"For the next page; null at the end."})"

constexpr Schema kSchemas[] = {
    {"Json", R"({"description":"Any JSON document."})"},
    {"Problem",
     R"({"type":"object","required":["type","title","status","code","detail","retryable"],"properties":{)"
     R"("type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},)"
     R"("code":{"type":"string","description":"Stable, for programs."},"detail":{"type":"string"},)"
     R"("retryable":{"type":"boolean","description":"Whether the same request may succeed later."},)"
     R"("error":{"type":"string","description":"A command's error line."},)"
     R"("index":{"type":"integer","description":"Which operation of a batch."},)"
     R"("version":{"type":["string","null"],"description":"The current version, when a precondition failed."}}})"},
    {"Patch", R"({"type":"object","minProperties":1,"maxProperties":1,"additionalProperties":false,"properties":{)"
              R"("increment":{"type":"number"},"append":{"type":"string"},)"
              R"("append_base64":{"type":"string","contentEncoding":"base64"}}})"},
    {"Patched",
     R"({"type":"object","required":["version"],"properties":{"value":{"type":"number"},"length":{"type":"integer"},"version":)" STAVE_VERSION_SCHEMA
     R"(}})"},
    {"Stored",
     R"({"type":"object","required":["created","version"],"properties":{"created":{"type":"boolean"},"version":)" STAVE_VERSION_SCHEMA
     R"(}})"},
    {"Deleted", R"({"type":"object","required":["deleted"],"properties":{"deleted":{"type":"integer"}}})"},
    {"Published", R"({"type":"object","required":["receivers"],"properties":{"receivers":{"type":"integer"}}})"},
    {"Keys",
     R"({"type":"array","items":{"anyOf":[{"type":"string"},{"type":"object","required":["base64"],"properties":{"base64":{"type":"string"}}}]}})"},
    {"Page",
     R"({"type":"object","required":["keys","cursor"],"properties":{"keys":{"type":"array","items":{"type":"object",)"
     R"("required":["type","version","size","content_type"],"properties":{"key":{"type":"string"},)"
     R"("key_base64":{"type":"string","description":"Instead of key, when it is not text."},"type":{"type":"string"},)"
     R"("version":{"type":"string"},"size":{"type":"integer"},"content_type":{"type":"string"},)"
     R"("expires_at":{"type":"string","format":"date-time"},"value":{"type":"string"},)"
     R"("value_base64":{"type":"string","description":"Instead of value, when it is not text."}}}},)"
     R"("cursor":{"type":["string","null"],"description":"For the next page; null at the end."}}})"},
    {"Versions",
     R"({"type":"object","required":["versions"],"properties":{"versions":{"type":"array","items":{"type":"object",)"
     R"("required":["version","time","kind","size","expires_at"],"properties":{"version":{"type":"string"},)"
     R"("time":{"type":"string","format":"date-time"},"kind":{"type":"string"},"size":{"type":"integer",)"
     R"("description":"Of the value from then on."},"expires_at":{"type":["string","null"],"format":"date-time"}}}}}})"},
    {"Fields",
     R"({"type":"object","required":["fields","size","cursor"],"properties":{"fields":{"type":"array","items":{"type":"object","properties":{)"
     R"("field":{"type":"string"},"field_base64":{"type":"string","description":"Instead of field, when it is not text."},)"
     R"("value":{"type":"string"},"value_base64":{"type":"string","description":"Instead of value, when it is not text."}}}},)"
     R"("size":{"type":"integer","description":"Of the whole hash."},"cursor":)" STAVE_CURSOR_SCHEMA R"(}})"},
    {"FieldsPatch",
     R"({"type":"object","description":"A merge patch: a field and its new value; null removes it.","additionalProperties":{"anyOf":[)"
     R"({"type":["string","number","boolean","null"]},{"type":"object","required":["base64"],"properties":{"base64":{"type":"string"}}}]}})"},
    {"Items",
     R"({"type":"object","required":["items","offset","size"],"properties":{"items":{"type":"array","items":)" STAVE_ELEMENT_SCHEMA
     R"(},"offset":{"type":"integer"},"size":{"type":"integer","description":"Of the whole list."}}})"},
    {"ItemsPush",
     R"({"type":"object","required":["items"],"properties":{"items":{"type":"array","items":)" STAVE_ELEMENT_SCHEMA
     R"(}}})"},
    {"ItemsPushed",
     R"({"type":"object","required":["size","version"],"properties":{"size":{"type":"integer"},"version":)" STAVE_VERSION_SCHEMA
     R"(}})"},
    {"ItemsPopped",
     R"({"type":"object","required":["items","size","version"],"properties":{"items":{"type":"array","items":)" STAVE_ELEMENT_SCHEMA
     R"(},"size":{"type":"integer","description":"What is left."},"version":)" STAVE_VERSION_SCHEMA R"(}})"},
    {"Members",
     R"({"type":"object","required":["members","size","cursor"],"properties":{"members":{"type":"array","items":)" STAVE_ELEMENT_SCHEMA
     R"(},"size":{"type":"integer","description":"Of the whole set."},"cursor":)" STAVE_CURSOR_SCHEMA R"(}})"},
    {"MembersPatch",
     R"({"type":"object","minProperties":1,"additionalProperties":false,"properties":{"add":{"type":"array","items":)" STAVE_ELEMENT_SCHEMA
     R"(},"remove":{"type":"array","items":)" STAVE_ELEMENT_SCHEMA R"(}}})"},
    {"Scores",
     R"({"type":"object","required":["scores","matching","size"],"properties":{"scores":{"type":"array","items":{"type":"array","prefixItems":[)" STAVE_ELEMENT_SCHEMA
     "," STAVE_SCORE_SCHEMA
     R"(]}},"matching":{"type":"integer","description":"How many have such a score."},"size":{"type":"integer","description":"Of the whole sorted set."}}})"},
    {"ScoresPatch",
     R"({"type":"object","description":"A merge patch: a member and its score; null removes it.","additionalProperties":{"anyOf":[)" STAVE_SCORE_SCHEMA
     R"(,{"type":"null"}]}})"},
    {"Score",
     R"({"anyOf":[{"type":"number"},{"enum":["inf","-inf"]},{"type":"object","required":["score"],"properties":{"score":)" STAVE_SCORE_SCHEMA
     R"(}}]})"},
    {"ScoreAndRank", R"({"type":"object","required":["score","rank"],"properties":{"score":)" STAVE_SCORE_SCHEMA
                     R"(,"rank":{"type":"integer"}}})"},
    {"ElementsPatched",
     R"({"type":"object","required":["added","removed","size","version"],"properties":{"added":{"type":"integer"},"removed":{"type":"integer"},)"
     R"("size":{"type":"integer","description":"Of the whole collection."},"version":)" STAVE_VERSION_SCHEMA R"(}})"},
    {"Batch",
     R"({"type":"object","required":["operations"],"properties":{"operations":{"type":"array","maxItems":10000,"items":{"type":"object",)"
     R"("required":["op"],"properties":{"op":{"enum":["set","get","delete","increment","append","expire","check"]},)"
     R"("key":{"type":"string"},"key_base64":{"type":"string"},"value":{"type":"string"},"value_base64":{"type":"string"},)"
     R"("json":{"description":"Instead of value: a document, stored as application/json."},"by":{"type":"number","default":1},)"
     R"("ttl":{"type":["string","number"]},"expires_at":{"type":["string","number"]},"sliding":{"type":"boolean"},"keep_ttl":{"type":"boolean"},)"
     R"("if_match":{"type":"string"},"if_none_match":{"type":"string"}}}}}})"},
    {"BatchResult",
     R"({"type":"object","required":["results"],"properties":{"results":{"type":"array","items":{"type":"object","required":["status","version"],)"
     R"("properties":{"status":{"enum":["created","replaced","deleted","found","absent"]},"version":)" STAVE_VERSION_SCHEMA
     R"(,"value":{"type":"string"},"value_base64":{"type":"string"},"length":{"type":"integer"},)"
     R"("expires_at":{"type":"string","format":"date-time"}}}}}})"},
    {"Command",
     R"({"type":"array","minItems":1,"items":{"type":["string","number","boolean"]},"examples":[["SET","key","value"]]})"},
    {"Commands", R"({"type":"array","items":{"$ref":"#/components/schemas/Command"}})"},
    {"CommandResult", R"({"type":"object","properties":{"result":{},"error":{"type":"string"}}})"},
    {"CommandResults", R"({"type":"array","items":{"$ref":"#/components/schemas/CommandResult"}})"},
    {"Status",
     R"({"type":"object","required":["status"],"properties":{"status":{"type":"string"},"reason":{"type":"string"},"detail":{"type":"string"}}})"},
    {"Version",
     R"({"type":"object","required":["name","version","api"],"properties":{"name":{"type":"string"},"version":{"type":"string"},"api":{"type":"string"}}})"},
};
#undef STAVE_VERSION_SCHEMA
#undef STAVE_ELEMENT_SCHEMA
#undef STAVE_SCORE_SCHEMA
#undef STAVE_CURSOR_SCHEMA

std::string_view place(ParamIn in) noexcept {
  constexpr std::string_view kPlaces[] = {"path", "query", "header"};
  STAVE_ASSERT(static_cast<std::size_t>(in) < std::size(kPlaces));
  return kPlaces[static_cast<std::size_t>(in)];
}

std::string content(std::string_view type, std::string_view schema) {
  std::string text = "{" + json_string(type) + ":{";
  if (!schema.empty()) text += "\"schema\":{\"$ref\":\"#/components/schemas/" + std::string(schema) + "\"}";
  return text + "}}";
}

void append_params(std::string& out, const Route& route) {
  out += ",\"parameters\":[";
  const auto append = [&](const Param& param) {
    if (out.back() != '[') out += ',';
    out += "{\"name\":" + json_string(param.name) + ",\"in\":" + json_string(place(param.in)) +
           ",\"required\":" + (param.required ? "true" : "false") + ",\"description\":" + json_string(param.help) +
           ",\"schema\":{\"type\":" + json_string(param.type) + "}}";
  };
  for (const Param& param : route.params) append(param);
  for (const Param& param : shared_params(route)) append(param);
  out += ']';
}

void append_outcomes(std::string& out, const Route& route) {
  out += ",\"responses\":{";
  for (std::size_t i = 0; i < route.outcomes.size(); ++i) {
    const Outcome& outcome = route.outcomes[i];
    // Several representations under one status are one response with several types.
    if (i > 0 && route.outcomes[i - 1].status == outcome.status) continue;
    if (i > 0) out += ',';
    out += '"' + std::to_string(outcome.status) + "\":{\"description\":" + json_string(outcome.help);
    std::string types;
    for (const Outcome& same : route.outcomes) {
      if (same.status != outcome.status || same.type.empty()) continue;
      const std::string one = content(same.type, same.schema);
      types += (types.empty() ? "" : ",") + one.substr(1, one.size() - 2);
    }
    if (!types.empty()) out += ",\"content\":{" + types + "}";
    out += '}';
  }
  out += '}';
}

void append_operation(std::string& out, const Route& route) {
  out += json_string(commands::lower(verb_name(route.verb))) + ":{\"operationId\":" + json_string(route.name) +
         ",\"tags\":[" + json_string(route.group) + "],\"summary\":" + json_string(route.summary);
  append_params(out, route);
  if (!route.bodies.empty()) {
    std::string types;
    for (const BodyKind& body : route.bodies) {
      const std::string one = content(body.type, body.schema);
      types += (types.empty() ? "" : ",") + one.substr(1, one.size() - 2);
    }
    out += ",\"requestBody\":{\"required\":true,\"content\":{" + types + "}}";
  }
  append_outcomes(out, route);
  if (route.has(kOpen)) out += ",\"security\":[]";
  out += '}';
}

std::string escaped(std::string_view text) {
  std::string out;
  bool code = false;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '`':
        out += code ? "</code>" : "<code>";
        code = !code;
        break;
      default: out += c;
    }
  }
  return out;
}

constexpr std::string_view kStyle =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 "
    "1rem;color:#1a1a1a;background:#fff}"
    "h2{margin-top:2.5rem;border-bottom:1px solid "
    "#ccc}h3{margin-top:2rem}code,.path{font-family:ui-monospace,monospace}"
    ".verb{display:inline-block;min-width:4.5rem;font-weight:600;color:#0a58a8}table{border-collapse:collapse;width:"
    "100%}"
    "td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #eee}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}h2{border-color:#444}td,th{border-color:#"
    "2a2a2a}.verb{color:#6cb6ff}}";

void append_route_page(std::string& out, const Route& route) {
  out += "<h3 id=\"" + std::string(route.name) + "\"><span class=\"verb\">" + std::string(verb_name(route.verb)) +
         "</span> <span class=\"path\">" + escaped(route.path) + "</span></h3><p>" + escaped(route.summary) + "</p>";
  if (!route.bodies.empty()) {
    out += "<p>Body: ";
    for (const BodyKind& body : route.bodies)
      out += (&body == route.bodies.data() ? "<code>" : " or <code>") + std::string(body.type) + "</code>";
    out += ".</p>";
  }
  const auto row = [&](std::string_view first, std::string_view second, std::string_view third) {
    out += "<tr><td><code>" + escaped(first) + "</code></td><td>" + escaped(second) + "</td><td>" + escaped(third) +
           "</td></tr>";
  };
  out += "<table>";
  for (const Param& param : route.params) row(param.name, place(param.in), param.help);
  for (const Param& param : shared_params(route)) row(param.name, place(param.in), param.help);
  for (const Outcome& outcome : route.outcomes) row(std::to_string(outcome.status), outcome.type, outcome.help);
  out += "</table>";
}

}  // namespace

std::string openapi_document(std::string_view version) {
  std::string out =
      R"({"openapi":"3.1.0","info":{"title":"Stave","description":"A durable key-value store over HTTP. A 2xx means: on disk.","version":)" +
      json_string(version) + R"(},"security":[{"token":[]},{}],"paths":{)";
  std::vector<std::string_view> paths;
  for (const Route& route : route_table())
    if (std::ranges::find(paths, route.path) == paths.end()) paths.push_back(route.path);
  for (const std::string_view path : paths) {
    if (path != paths.front()) out += ',';
    out += json_string(path) + ":{";
    for (const Route& route : route_table()) {
      if (route.path != path) continue;
      if (out.back() != '{') out += ',';
      append_operation(out, route);
    }
    out += '}';
  }
  out +=
      R"(},"components":{"securitySchemes":{"token":{"type":"http","scheme":"bearer","description":"The store's password."}},"schemas":{)";
  for (const Schema& schema : kSchemas) {
    if (&schema != kSchemas) out += ',';
    out += json_string(schema.name) + ":" + std::string(schema.json);
  }
  return out + "}}}\n";
}

std::string documentation_page(std::string_view version) {
  std::string out =
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Stave over HTTP</title>"
      "<meta name=\"viewport\" content=\"width=device-width\"><style>" +
      std::string(kStyle) + "</style></head><body><h1>Stave over HTTP</h1><p>Version " + escaped(version) +
      ". A 2xx means: on disk. Errors are <code>application/problem+json</code> with a stable "
      "<code>code</code>. If the store has a password, say <code>Authorization: Bearer</code> and the "
      "password. For programs: <a href=\"/openapi.json\">/openapi.json</a>.</p>";
  std::string_view group;
  for (const Route& route : route_table()) {
    if (route.group != group) out += "<h2>" + escaped(route.group) + "</h2>";
    group = route.group;
    append_route_page(out, route);
  }
  return out + "</body></html>\n";
}

}  // namespace stave::http
