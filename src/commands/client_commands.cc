#include "commands/client_commands.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/client_list.h"
#include "commands/client_registry.h"
#include "commands/connection_commands.h"
#include "commands/waiting/waiting.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

/// ON or OFF in argument `i`.
Result<bool> on_or_off(const Call& call, std::size_t i) {
  if (call.is(i, "ON")) return true;
  if (call.is(i, "OFF")) return false;
  return syntax_error();
}

/// Of which type clients are asked for. Replicas there are none.
enum class ClientType : std::uint8_t { kAny, kNormal, kPubSub, kNone };

/// Errors: no such type.
Result<ClientType> client_type(std::string_view name) {
  if (same_word(name, "normal")) return ClientType::kNormal;
  if (same_word(name, "pubsub")) return ClientType::kPubSub;
  for (const std::string_view other : {"master", "replica", "slave"})
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

struct KillFilter {
  std::optional<std::uint64_t> id;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  std::optional<std::string_view> user;
  ClientType type = ClientType::kAny;
  bool skip_me = true;

  [[nodiscard]] bool passes(const ClientInfo& client) const {
    return is_of(client, type) && (!id || client.id == *id) && (!address || client.address == *address) &&
           (!local_address || client.local_address == *local_address) && (!user || client.user == *user);
  }
};

Result<KillFilter> parse_kill(Call& call) {
  KillFilter filter;
  if (call.size() == 3) {
    filter.address = call[2];
    filter.skip_me = false;
    return filter;
  }
  for (std::size_t i = 2; i < call.size(); i += 2) {
    if (i + 1 >= call.size()) return syntax_error();
    const std::string_view value = call[i + 1];
    if (call.is(i, "ID")) {
      const auto id = types::parse_integer(value);
      if (!id || *id < 1) return answer_error("ERR client-id should be greater than 0");
      filter.id = static_cast<std::uint64_t>(*id);
    } else if (call.is(i, "TYPE")) {
      STAVE_ASSIGN(filter.type, client_type(value));
    } else if (call.is(i, "ADDR")) {
      filter.address = value;
    } else if (call.is(i, "LADDR")) {
      filter.local_address = value;
    } else if (call.is(i, "USER")) {
      if (value != "default") return answer_error("ERR No such user '" + quoted(value) + "'");
      filter.user = value;
    } else if (call.is(i, "SKIPME") && (same_word(value, "yes") || same_word(value, "no"))) {
      filter.skip_me = same_word(value, "yes");
    } else {
      return syntax_error();
    }
  }
  return filter;
}

std::string lines(Call& call, base::FunctionRef<bool(const ClientInfo&)> wanted) {
  const std::uint64_t now_ns = call.engine().clock().monotonic_ns();
  std::string text;
  call.environment().clients().visit([&](Session& session) {
    const ClientInfo client = session.info();
    if (wanted(client)) text.append(client_line(client, now_ns)).append("\n");
  });
  return text;
}

}  // namespace

Result<void> client_id_command(Call& call) {
  call.reply().integer(static_cast<std::int64_t>(call.session().id()));
  return {};
}

Result<void> client_info_command(Call& call) {
  call.reply().verbatim("txt", client_line(call.session().info(), call.engine().clock().monotonic_ns()) + "\n");
  return {};
}

Result<void> client_list_command(Call& call) {
  ClientType type = ClientType::kAny;
  std::set<std::uint64_t> ids;
  if (call.size() == 4 && call.is(2, "TYPE")) {
    STAVE_ASSIGN(type, client_type(call[3]));
  } else if (call.size() > 3 && call.is(2, "ID")) {
    for (std::size_t i = 3; i < call.size(); ++i) {
      const auto id = types::parse_integer(call[i]);
      if (!id) return answer_error("ERR Invalid client ID");
      ids.insert(static_cast<std::uint64_t>(*id));
    }
  } else if (call.size() != 2) {
    return syntax_error();
  }
  call.reply().verbatim("txt", lines(call, [&](const ClientInfo& client) {
                          return is_of(client, type) && (ids.empty() || ids.contains(client.id));
                        }));
  return {};
}

Result<void> client_kill_command(Call& call) {
  STAVE_ASSIGN(const KillFilter filter, parse_kill(call));
  std::int64_t killed = 0;
  call.environment().clients().visit([&](Session& session) {
    if (!filter.passes(session.info())) return;
    if (&session == &call.session()) {
      if (filter.skip_me) return;
      session.set_closing();
    } else if (session.control() != nullptr) {
      session.control()->close(false);
    } else {
      return;  // a session inside the process has no connection to end
    }
    ++killed;
  });
  if (call.size() > 3) {
    call.reply().integer(killed);
  } else if (killed == 0) {
    return answer_error("ERR No such client");
  } else {
    call.reply().status("OK");
  }
  return {};
}

Result<void> client_setname_command(Call& call) {
  STAVE_TRY(set_client_name(call, call[2]));
  call.reply().status("OK");
  return {};
}

Result<void> client_getname_command(Call& call) {
  const std::string name = call.session().info().name;
  if (name.empty()) {
    call.reply().null();
  } else {
    call.reply().bulk(name);
  }
  return {};
}

Result<void> client_setinfo_command(Call& call) {
  const bool is_name = call.is(2, "LIB-NAME");
  if (!is_name && !call.is(2, "LIB-VER")) return answer_error("ERR Unrecognized option '" + quoted(call[2]) + "'");
  const std::string_view value = call[3];
  if (std::any_of(value.begin(), value.end(), [](char c) { return c < '!' || c > '~'; }))
    return answer_error("ERR " + std::string(is_name ? "lib-name" : "lib-ver") +
                        " cannot contain spaces, newlines or special characters.");
  call.session().update_info([&](ClientInfo& info) { (is_name ? info.library_name : info.library_version) = value; });
  call.reply().status("OK");
  return {};
}

Result<void> client_reply_command(Call& call) {
  Session& session = call.session();
  if (call.is(2, "ON")) {
    session.reply_mode = ReplyMode::kOn;
    call.reply().status("OK");
  } else if (call.is(2, "OFF")) {
    session.reply_mode = ReplyMode::kOff;
  } else if (call.is(2, "SKIP")) {
    if (session.reply_mode != ReplyMode::kOff) session.reply_mode = ReplyMode::kSkipNext;
  } else {
    return syntax_error();
  }
  return {};
}

Result<void> client_no_evict_command(Call& call) {
  STAVE_ASSIGN(const bool on, on_or_off(call, 2));
  call.session().update_info([&](ClientInfo& info) { info.no_evict = on; });
  call.reply().status("OK");
  return {};
}

Result<void> client_no_touch_command(Call& call) {
  STAVE_ASSIGN(const bool on, on_or_off(call, 2));
  call.session().set_no_touch(on);
  call.session().update_info([&](ClientInfo& info) { info.no_touch = on; });
  call.reply().status("OK");
  return {};
}

Result<void> client_pause_command(Call& call) {
  constexpr std::int64_t kPauseMaxMs = 10LL * 365 * 24 * 3600 * 1000;
  bool writes_only = false;
  if (call.size() == 4) {
    writes_only = call.is(3, "WRITE");
    if (!writes_only && !call.is(3, "ALL")) return answer_error("ERR CLIENT PAUSE mode must be WRITE or ALL");
  }
  const auto ms = types::parse_integer(call[2]);
  if (!ms) return answer_error("ERR timeout is not an integer or out of range");
  if (*ms < 0) return answer_error("ERR timeout is negative");
  const auto ns = static_cast<std::uint64_t>(std::min(*ms, kPauseMaxMs)) * 1'000'000;
  call.environment().set_pause({.until_ns = call.engine().clock().monotonic_ns() + ns, .writes_only = writes_only});
  call.reply().status("OK");
  return {};
}

Result<void> client_unpause_command(Call& call) {
  call.environment().set_pause({});
  call.reply().status("OK");
  return {};
}

Result<void> client_unblock_command(Call& call) {
  if (call.size() == 4 && !call.is(3, "TIMEOUT") && !call.is(3, "ERROR"))
    return answer_error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  STAVE_ASSIGN(const std::int64_t id, integer_argument(call, 2));
  const auto how = call.size() == 4 && call.is(3, "ERROR") ? WaitEnd::kUnblocked : WaitEnd::kTimedOut;
  const bool waited = id > 0 && call.environment().waiting().end_of(static_cast<std::uint64_t>(id), how);
  call.reply().integer(waited ? 1 : 0);
  return {};
}

Result<void> client_getredir_command(Call& call) {
  call.reply().integer(-1);
  return {};
}

Result<void> client_trackinginfo_command(Call& call) {
  Sink& reply = call.reply();
  reply.map(3);
  reply.bulk("flags");
  reply.set(1);
  reply.bulk("off");
  reply.bulk("redirect");
  reply.integer(-1);
  reply.bulk("prefixes");
  reply.array(0);
  return {};
}

}  // namespace stave::commands
