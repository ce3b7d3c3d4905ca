#include "doors/http/rights.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"
#include "commands/access.h"
#include "commands/table.h"
#include "commands/text.h"

namespace stave::http {
namespace {

/// Whatever a key holds.
constexpr std::string_view kReadAny = "GET HGETALL LRANGE SMEMBERS ZRANGE";

struct Needed {
  std::string_view route;
  std::string_view commands;
};

constexpr Needed kNeeded[] = {
    {"getKey", kReadAny},
    {"headKey", kReadAny},
    {"putKey", "SET"},
    {"postKey", "SET"},
    {"listVersions", "STAVE.HISTORY"},
    {"deleteKey", "DEL"},
    {"patchKey", ""},  // its operation is checked
    {"listFields", "HGETALL"},
    {"patchFields", "HSET HDEL"},
    {"getField", "HGET"},
    {"putField", "HSET"},
    {"deleteField", "HDEL"},
    {"listItems", "LRANGE"},
    {"pushItems", "RPUSH LPUSH"},
    {"popItems", "LPOP RPOP"},
    {"getItem", "LINDEX"},
    {"putItem", "LSET"},
    {"listMembers", "SMEMBERS"},
    {"patchMembers", "SADD SREM"},
    {"getMember", "SISMEMBER"},
    {"putMember", "SADD"},
    {"deleteMember", "SREM"},
    {"listScores", "ZRANGE"},
    {"patchScores", "ZADD ZREM"},
    {"getScore", "ZSCORE ZRANK"},
    {"putScore", "ZADD"},
    {"deleteScore", "ZREM"},
    {"listKeys", "SCAN"},
    {"deleteKeys", "SCAN DEL"},
    {"batch", ""},  // its operations are checked
    {"shortGet", kReadAny},
    {"shortSet", "SET"},
    {"shortDelete", "DEL"},
    {"shortKeys", "SCAN"},
    {"command", ""},  // checked when they are dispatched; likewise the next
    {"upstashCommand", ""},
    {"pipeline", ""},
    {"transaction", ""},
    {"upstashTransaction", ""},
    {"metrics", "INFO"},
    {"streamChanges", "STAVE.CHANGES"},
    {"subscribe", ""},  // checked with the names that are listened to
    {"publish", "PUBLISH"},
};

template <class Visit>
void for_each_word(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    visit(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Problem forbidden(std::string detail) {
  return {.status = 403, .code = "forbidden", .detail = std::move(detail), .retryable = false, .members = {}};
}

/// Whether the command may be run on the key, or, with `every`, on any. A call of it is made up.
std::optional<Problem> check(const Exchange& exchange, std::string_view name, std::string_view key, bool every) {
  commands::Session& session = exchange.session();
  const commands::Command* const row = commands::find_command(name);
  STAVE_ASSERT(row != nullptr);
  std::vector<std::string_view> words(static_cast<std::size_t>(std::max(row->arity.least, 2)));
  words[0] = name;
  words[1] = key;
  if (row->arity.least == 1) words.resize(1);
  if (session.database() != exchange.database) session.select(exchange.database);
  if (const std::string why = commands::why_not_allowed(session, *row, words); !why.empty())
    return forbidden(why.substr(why.find(' ') + 1));
  const bool writes = (row->flags & commands::kWrite) != 0;
  if (every && !commands::is_allowed_every_key(session, *row, words, !writes, writes))
    return forbidden("the keys are known only once they are found, and this user may not use all of them");
  return std::nullopt;
}

std::string_view command_of(Operation::Kind kind) noexcept {
  using Kind = Operation::Kind;
  switch (kind) {
    case Kind::kSet: return "SET";
    case Kind::kGet: return "GET";
    case Kind::kDelete: return "DEL";
    case Kind::kIncrement: return "INCRBY";
    case Kind::kIncrementFloat: return "INCRBYFLOAT";
    case Kind::kAppend: return "APPEND";
    case Kind::kExpire: return "EXPIRE";
    case Kind::kCheck: break;
  }
  return "EXISTS";
}

}  // namespace

std::optional<std::string_view> commands_of(const Route& route) noexcept {
  const auto* const found = std::ranges::find(kNeeded, route.name, &Needed::route);
  return found == std::end(kNeeded) ? std::nullopt : std::optional(found->commands);
}

std::optional<Problem> check_rights(const Exchange& exchange) {
  if (exchange.session_or_null == nullptr || exchange.session().plain()) return std::nullopt;
  const auto needed = commands_of(exchange.route);
  if (!needed) return forbidden("this user may not do this");
  const std::string* const named = exchange.param("key");
  const std::string_view key = exchange.key.empty() && named != nullptr ? *named : exchange.key;
  // Which keys pass a filter, nobody knows before.
  const bool every = exchange.route.name == "deleteKeys" ||
                     (exchange.param("values") != nullptr && exchange.route.name != "streamChanges");
  std::optional<Problem> problem;
  const auto one = [&](std::string_view name) {
    if (!problem) problem = check(exchange, name, key, every && name != "SCAN");
  };
  for_each_word(*needed, one);
  if (exchange.route.name == "listKeys" && every) for_each_word(kReadAny, one);
  if (exchange.param("at") != nullptr || exchange.param("at_lsn") != nullptr) one("STAVE.GETAT");
  return problem;
}

std::optional<Problem> check_rights(const Exchange& exchange, std::span<const Operation> operations) {
  if (exchange.session().plain()) return std::nullopt;
  for (const Operation& operation : operations)
    if (auto problem = check(exchange, command_of(operation.kind), operation.key, false)) {
      problem->members = ",\"index\":" + std::to_string(&operation - operations.data());
      return problem;
    }
  return std::nullopt;
}

}  // namespace stave::http
