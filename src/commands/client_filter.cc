#include "commands/client_filter.h"

#include <string>

#include "base/try.h"
#include "commands/errors.h"
#include "commands/users.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

/// Errors: no such type.
Result<ClientType> client_type(std::string_view name) {
  if (same_word(name, "normal")) return ClientType::kNormal;
  if (same_word(name, "pubsub")) return ClientType::kPubSub;
  for (const std::string_view other : {"master", "primary", "replica", "slave"})
    if (same_word(name, other)) return ClientType::kNone;
  return answer_error("ERR Unknown client type '" + quoted(name) + "'");
}

bool is_of(const ClientInfo& client, ClientType type) noexcept {
  switch (type) {
    case ClientType::kAny: return true;
    case ClientType::kNormal: return !client.listens();
    case ClientType::kPubSub: return client.listens();
    case ClientType::kNone: break;
  }
  return false;
}

/// As many numbers as there are from argument `i` on, one at least; returns where they end.
Result<std::size_t> read_ids(Call& call, std::size_t i, std::set<std::uint64_t>& ids) {
  const bool lists = call.is(1, "LIST");
  const std::size_t first = i;
  for (; i < call.size(); ++i) {
    const auto id = types::parse_integer(call[i]);
    if (id && *id > 0) {
      ids.insert(static_cast<std::uint64_t>(*id));
    } else if (i == first || id) {
      return answer_error(lists ? "ERR Invalid client ID" : "ERR client-id should be greater than 0");
    } else {
      break;  // the next filter's name
    }
  }
  return i;
}

}  // namespace

bool ClientFilter::passes(const ClientInfo& client, std::uint64_t now_ns) const noexcept {
  constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
  const std::uint64_t age = now_ns < client.created_ns ? 0 : (now_ns - client.created_ns) / kNsPerSecond;
  return is_of(client, type) && (ids.empty() || ids.contains(client.id)) && (!address || client.address == *address) &&
         (!local_address || client.local_address == *local_address) && (!user || client.user == *user) &&
         (!age_seconds || age >= *age_seconds);
}

Result<ClientFilter> client_filter(Call& call, bool skip_me) {
  ClientFilter filter;
  filter.skip_me = skip_me;
  std::size_t i = 2;
  while (i < call.size()) {
    if (i + 1 >= call.size()) return syntax_error();
    const std::string_view value = call[i + 1];
    if (call.is(i, "ID")) {
      STAVE_ASSIGN(i, read_ids(call, i + 1, filter.ids));
      continue;
    }
    if (call.is(i, "TYPE")) {
      STAVE_ASSIGN(filter.type, client_type(value));
    } else if (call.is(i, "ADDR")) {
      filter.address = value;
    } else if (call.is(i, "LADDR")) {
      filter.local_address = value;
    } else if (call.is(i, "USER")) {
      if (call.environment().users().find(value) == nullptr)
        return answer_error("ERR No such user '" + quoted(value) + "'");
      filter.user = value;
    } else if (call.is(i, "MAXAGE")) {
      const auto seconds = types::parse_integer(value);
      if (!seconds) return answer_error("ERR maxage is not an integer or out of range");
      if (*seconds <= 0) return answer_error("ERR maxage should be greater than 0");
      filter.age_seconds = static_cast<std::uint64_t>(*seconds);
    } else if (call.is(i, "SKIPME") && (same_word(value, "yes") || same_word(value, "no"))) {
      filter.skip_me = same_word(value, "yes");
    } else {
      return syntax_error();
    }
    i += 2;
  }
  return filter;
}

}  // namespace stave::commands
