#include "commands/acl_commands.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/try.h"
#include "commands/access.h"
#include "commands/access_categories.h"
#include "commands/arguments.h"
#include "commands/client_registry.h"
#include "commands/resolve.h"
#include "commands/users.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

/// Ends the connections of users that are gone. The caller's own ends after its answer.
void close_sessions_of(Call& call, const std::vector<std::string>& names) {
  call.environment().clients().visit([&](Session& other) {
    if (std::ranges::find(names, other.info().user) == names.end()) return;
    if (&other == &call.session()) {
      // Its user was found gone already, or will be before the next call.
      other.set_closing();
    } else if (other.control() != nullptr) {
      other.control()->close(false);
    }
  });
}

/// Who listens and may not any longer is cut off: a user's connections, or all when `name` is null.
void look_at_listeners(Call& call, const std::string_view* name) {
  call.environment().clients().visit([&](Session& other) {
    const ClientInfo info = other.info();
    if (&other == &call.session() || other.control() == nullptr || !info.listens()) return;
    if (name == nullptr || info.user == *name) other.control()->look_at_rights();
  });
  if (!may_go_on_listening(call.session())) call.session().set_closing();
}

void answer_selector(Sink& reply, const AclSelector& selector) {
  reply.bulk("commands");
  reply.bulk(selector.commands());
  reply.bulk("keys");
  reply.bulk(selector.keys());
  reply.bulk("channels");
  reply.bulk(selector.channels());
  reply.bulk("databases");
  reply.bulk(selector.databases());
}
constexpr std::size_t kSelectorPairs = 4;

}  // namespace

Result<void> acl_cat_command(Call& call) {
  Sink& reply = call.reply();
  if (call.size() == 2) {
    reply.array(category_names().size());
    for (const std::string_view name : category_names()) reply.bulk(name);
    return {};
  }
  const std::uint32_t category = category_bit(call[2]);
  if (category == 0) return answer_error("ERR Unknown category '" + quoted(call[2]) + "'");
  std::vector<std::string> names;
  for (const Command& row : command_table()) {
    if ((categories_of(row) & category) != 0) names.push_back(full_name(row));
    for (const Command& sub : row.subcommands)
      if ((categories_of(sub) & category) != 0) names.push_back(full_name(sub));
  }
  reply.array(names.size());
  for (const std::string& name : names) reply.bulk(name);
  return {};
}

Result<void> acl_deluser_command(Call& call) {
  std::vector<std::string> gone;
  for (std::size_t i = 2; i < call.size(); ++i)
    if (call[i] == "default") return answer_error("ERR The 'default' user cannot be removed");
  for (std::size_t i = 2; i < call.size(); ++i)
    if (call.environment().users().remove(call[i])) gone.emplace_back(call[i]);
  close_sessions_of(call, gone);
  call.reply().integer(static_cast<std::int64_t>(gone.size()));
  return {};
}

Result<void> acl_dryrun_command(Call& call) {
  const Users::User user = call.environment().users().find(call[2]);
  if (user == nullptr) return answer_error("ERR User '" + quoted(call[2]) + "' not found");
  const Arguments inner = call.arguments().subspan(3);
  const Resolved resolved = resolve(inner);
  if (resolved.row == nullptr || resolved.refusal == Resolved::Refusal::kUnknownSubcommand)
    return answer_error("ERR Command '" + quoted(call[3]) + "' not found");
  if (!resolved.runs())
    return answer_error("ERR wrong number of arguments for '" + full_name(*resolved.row) + "' command");
  const Denial denial = user->check(*resolved.row, inner, call.session().database());
  if (denial.allowed()) {
    call.reply().status("OK");
  } else {
    call.reply().bulk(denial_text(*user, *resolved.row, inner, denial, true));
  }
  return {};
}

Result<void> acl_genpass_command(Call& call) {
  constexpr std::int64_t kBitsMax = 4096;
  std::int64_t bits = 256;
  if (call.size() == 3) {
    STAVE_ASSIGN(bits, integer_argument(call, 2));
    if (bits <= 0 || bits > kBitsMax)
      return answer_error(
          "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096");
  }
  const auto digits = static_cast<std::size_t>((bits + 3) / 4);
  std::vector<std::byte> bytes((digits + 1) / 2);
  base::system_entropy(bytes);
  std::string text;
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<std::size_t>(byte) >> 4];
    text += "0123456789abcdef"[std::to_integer<std::size_t>(byte) & 15];
  }
  text.resize(digits);
  call.reply().bulk(text);
  return {};
}

Result<void> acl_getuser_command(Call& call) {
  const Users::User user = call.environment().users().find(call[2]);
  Sink& reply = call.reply();
  if (user == nullptr) {
    reply.null();
    return {};
  }
  reply.map(2 + kSelectorPairs + 1);
  reply.bulk("flags");
  const auto flags = user->flags();
  reply.set(flags.size());
  for (const std::string_view flag : flags) reply.bulk(flag);
  reply.bulk("passwords");
  reply.array(user->passwords.size());
  for (const std::string& hash : user->passwords) reply.bulk(hash);
  answer_selector(reply, user->selectors.front());
  reply.bulk("selectors");
  reply.array(user->selectors.size() - 1);
  for (std::size_t i = 1; i < user->selectors.size(); ++i) {
    reply.map(kSelectorPairs);
    answer_selector(reply, user->selectors[i]);
  }
  return {};
}

Result<void> acl_list_command(Call& call) {
  const auto users = call.environment().users().all();
  call.reply().array(users.size());
  for (const Users::User& user : users) call.reply().bulk("user " + user->name + " " + user->describe());
  return {};
}

Result<void> acl_users_command(Call& call) {
  const auto users = call.environment().users().all();
  call.reply().array(users.size());
  for (const Users::User& user : users) call.reply().bulk(user->name);
  return {};
}

Result<void> acl_whoami_command(Call& call) {
  const auto name = user_name(call.session());
  call.reply().bulk(name ? *name : "default");
  return {};
}

Result<void> acl_setuser_command(Call& call) {
  const std::string_view name = call[2];
  if (auto done = call.environment().users().set(name, call.arguments().subspan(3)); !done)
    return answer_error("ERR " + done.error().message());
  look_at_listeners(call, &name);
  call.reply().status("OK");
  return {};
}

Result<void> acl_load_command(Call& call) {
  Users& users = call.environment().users();
  std::vector<std::string> before;
  for (const Users::User& user : users.all()) before.push_back(user->name);
  if (auto done = call.environment().host().load_users(); !done) return answer_error("ERR " + done.error().message());
  std::erase_if(before, [&](const std::string& name) { return users.find(name) != nullptr; });
  close_sessions_of(call, before);
  look_at_listeners(call, nullptr);
  call.reply().status("OK");
  return {};
}

Result<void> acl_save_command(Call& call) {
  if (auto done = call.environment().host().save_users(); !done) return answer_error("ERR " + done.error().message());
  call.reply().status("OK");
  return {};
}

Result<void> acl_log_command(Call& call) {
  AclLog& log = call.environment().users().log;
  std::int64_t count = 10;
  if (call.size() == 3 && call.is(2, "RESET")) {
    log.clear();
    call.reply().status("OK");
    return {};
  }
  if (call.size() == 3) {
    STAVE_ASSIGN(count, integer_argument(call, 2));
  }
  const auto entries = log.newest(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
  const UnixMs now = call.engine().now();
  Sink& reply = call.reply();
  reply.array(entries.size());
  const auto text = [&](std::string_view name, std::string_view value) {
    reply.bulk(name);
    reply.bulk(value);
  };
  const auto number = [&](std::string_view name, std::int64_t value) {
    reply.bulk(name);
    reply.integer(value);
  };
  for (const AclLogEntry& entry : entries) {
    reply.map(10);
    number("count", static_cast<std::int64_t>(entry.count));
    text("reason", name_of(entry.reason));
    text("context", name_of(entry.context));
    text("object", entry.object);
    text("username", entry.user);
    reply.bulk("age-seconds");
    reply.real(static_cast<double>(raw(now) - raw(entry.updated)) / 1000);
    text("client-info", entry.client);
    number("entry-id", static_cast<std::int64_t>(entry.id));
    number("timestamp-created", raw(entry.created));
    number("timestamp-last-updated", raw(entry.updated));
  }
  return {};
}

}  // namespace stave::commands
