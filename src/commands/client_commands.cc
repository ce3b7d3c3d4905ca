#include "commands/client_commands.h"

#include <algorithm>
#include <string>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/client_filter.h"
#include "commands/client_list.h"
#include "commands/client_registry.h"
#include "commands/connection_commands.h"
#include "commands/waiting/waiting.h"
#include "store/upkeep.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

/// ON or OFF in argument `i`.
Result<bool> on_or_off(const Call& call, std::size_t i) {
  if (call.is(i, "ON")) return true;
  if (call.is(i, "OFF")) return false;
  return syntax_error();
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
  STAVE_ASSIGN(const ClientFilter filter, client_filter(call, false));
  const std::uint64_t now_ns = call.engine().clock().monotonic_ns();
  call.reply().verbatim("txt", lines(call, [&](const ClientInfo& client) {
                          return filter.passes(client, now_ns) && (!filter.skip_me || client.id != call.session().id());
                        }));
  return {};
}

Result<void> client_kill_command(Call& call) {
  ClientFilter filter;
  const bool by_address = call.size() == 3;
  if (by_address) {
    filter.address = call[2];
  } else {
    STAVE_ASSIGN(filter, client_filter(call, true));
  }
  const std::uint64_t now_ns = call.engine().clock().monotonic_ns();
  std::int64_t killed = 0;
  call.environment().clients().visit([&](Session& session) {
    if (!filter.passes(session.info(), now_ns)) return;
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
  if (!by_address) {
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
  // Of two pauses the stricter one holds, until the later end, as in Redis: who asked first relies on it.
  const Pause before = call.environment().pause();
  call.environment().set_pause({.until_ns = std::max(before.until_ns, call.engine().clock().monotonic_ns() + ns),
                                .writes_only = writes_only && (before.until_ns == 0 || before.writes_only)});
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
  const auto client = static_cast<std::uint64_t>(std::max<std::int64_t>(id, 0));
  using Woken = store::ChangeFeed::Woken;
  const bool waited = id > 0 && (call.environment().waiting().end_of(client, how) ||
                                 call.engine().upkeep().change_feed().wake(
                                     client, how == WaitEnd::kUnblocked ? Woken::kRefused : Woken::kTold));
  call.reply().integer(waited ? 1 : 0);
  return {};
}

}  // namespace stave::commands
