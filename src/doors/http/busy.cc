#include "doors/http/busy.h"

#include <string>
#include <vector>

#include "commands/script/run.h"
#include "store/value.h"

namespace stave::http {
namespace {

using Shards = std::vector<keyspace::ShardId>;

keyspace::ShardId shard_of(const Exchange& exchange, std::string_view key) {
  const keyspace::Keyspace& keyspace = exchange.engine().keyspace();
  return keyspace.shard_id(exchange.database, keyspace.hash(key), key);
}

std::optional<Problem> check(const Exchange& exchange, const Shards& shards) {
  const std::string_view line = commands::script::wait_for_scripts(exchange.session().environment(), shards);
  if (line.empty()) return std::nullopt;
  return Problem{.status = 503,
                 .code = "busy",
                 .detail = std::string(line.substr(line.find(' ') + 1)),
                 .retryable = true,
                 .members = {}};
}

bool script_is_slow(const Exchange& exchange) noexcept {
  return exchange.session_or_null != nullptr && exchange.session().environment().scripts_are_slow();
}

}  // namespace

std::optional<Problem> check_scripts(const Exchange& exchange) {
  if (!script_is_slow(exchange)) [[likely]]
    return std::nullopt;
  const std::string* const named = exchange.param("key");
  const std::string_view key = exchange.key.empty() && named != nullptr ? *named : exchange.key;
  if (!key.empty()) return check(exchange, {shard_of(exchange, key)});
  const std::string_view route = exchange.route.name;
  if (route != "listKeys" && route != "deleteKeys" && route != "shortKeys") return std::nullopt;
  return check(exchange, exchange.engine().world().shards_of(exchange.database, exchange.database));
}

std::optional<Problem> check_scripts(const Exchange& exchange, std::span<const Operation> operations) {
  if (!script_is_slow(exchange)) [[likely]]
    return std::nullopt;
  Shards shards;
  for (const Operation& operation : operations) shards.push_back(shard_of(exchange, operation.key));
  return check(exchange, shards);
}

}  // namespace stave::http
