#include "commands/connection_commands.h"

#include <algorithm>
#include <string>

#include "base/try.h"
#include "commands/access.h"
#include "commands/arguments.h"
#include "commands/version.h"
#include "types/string/number.h"

namespace stave::commands {

namespace {

Result<void> prove(Call& call, std::string_view user, std::string_view password) {
  if (!authenticate(call.session(), user, password, call[0]))
    return answer_error("WRONGPASS invalid username-password pair or user is disabled.");
  return {};
}

void answer_hello(Call& call) {
  Sink& reply = call.reply();
  reply.map(7);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(kRedisVersion);
  reply.bulk("proto");
  reply.integer(call.session().protocol());
  reply.bulk("id");
  reply.integer(static_cast<std::int64_t>(call.session().id()));
  reply.bulk("mode");
  reply.bulk("standalone");
  reply.bulk("role");
  reply.bulk("master");
  reply.bulk("modules");
  reply.array(0);
}

}  // namespace

Result<void> set_client_name(Call& call, std::string_view name) {
  if (std::any_of(name.begin(), name.end(), [](char c) { return c < '!' || c > '~'; }))
    return answer_error("ERR Client names cannot contain spaces, newlines or special characters.");
  call.session().update_info([&](ClientInfo& info) { info.name = name; });
  return {};
}

Result<void> auth_command(Call& call) {
  if (call.size() > 3) return syntax_error();
  if (call.size() == 2 && call.environment().users().find("default")->no_password)
    return answer_error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
        "configuration "
        "is correct?");
  STAVE_TRY(prove(call, call.size() == 3 ? call[1] : "default", call[call.size() - 1]));
  call.reply().status("OK");
  return {};
}

Result<void> hello_command(Call& call) {
  std::int64_t version = 0;
  if (call.size() > 1) {
    const auto given = types::parse_integer(call[1]);
    if (!given) return answer_error("ERR Protocol version is not an integer or out of range");
    if (*given < 2 || *given > 3) return answer_error("NOPROTO unsupported protocol version");
    version = *given;
  }
  for (std::size_t i = 2; i < call.size(); ++i) {
    const std::size_t more = call.size() - 1 - i;
    if (call.is(i, "AUTH") && more >= 2) {
      STAVE_TRY(prove(call, call[i + 1], call[i + 2]));
      i += 2;
    } else if (call.is(i, "SETNAME") && more >= 1) {
      STAVE_TRY(set_client_name(call, call[i + 1]));
      ++i;
    } else {
      return answer_error("ERR Syntax error in HELLO option '" + quoted(call[i]) + "'");
    }
  }
  if (must_authenticate(call.session()))
    return answer_error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
        "<pass> "
        "option can be used to authenticate the client and select the RESP protocol version at the same time");
  if (version != 0) call.session().set_protocol(static_cast<int>(version));
  answer_hello(call);
  return {};
}

Result<void> ping_command(Call& call) {
  if (call.session().listening && call.session().protocol() == 2) {
    // Among messages, it has their form.
    call.reply().array(2);
    call.reply().bulk("pong");
    call.reply().bulk(call.size() == 1 ? std::string_view{} : call[1]);
    return {};
  }
  if (call.size() == 1) {
    call.reply().status("PONG");
  } else {
    call.reply().bulk(call[1]);
  }
  return {};
}

Result<void> echo_command(Call& call) {
  call.reply().bulk(call[1]);
  return {};
}

Result<void> quit_command(Call& call) {
  call.session().set_closing();
  call.reply().status("OK");
  return {};
}

Result<void> reset_command(Call& call) {
  call.session().reset();
  call.reply().status("RESET");
  return {};
}

Result<void> select_command(Call& call) {
  STAVE_ASSIGN(const int database, database_argument(call, 1));
  call.session().select(database);
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
