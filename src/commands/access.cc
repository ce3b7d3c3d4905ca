#include "commands/access.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "commands/auth_backoff.h"
#include "commands/channels.h"
#include "commands/client_list.h"
#include "commands/environment.h"
#include "commands/hot_keys.h"
#include "commands/monitors.h"
#include "commands/notices/notices.h"
#include "commands/session.h"
#include "commands/table.h"

namespace stave::commands {
namespace {

/// Of what a client has sent, so much is kept in the log of denials.
constexpr std::size_t kShownBytes = 256;
constexpr std::string_view kNoAuthentication = "NOAUTH Authentication required.";

/// Whether somebody wants to hear of its calls.
bool watched(Session& session) noexcept {
  Environment& environment = session.environment();
  return environment.monitors().any() || environment.notices().on() || environment.hot_keys().on();
}

/// Who it is as the users are now; and, when there is nothing to look at, that there is not.
void refresh(Session& session) {
  Session::Identity& own = session.identity;
  Users& users = session.environment().users();
  for (;;) {
    const std::uint64_t version = users.version();
    if (!own.owner && own.version != version && own.user != nullptr) own.user = users.find(own.user->name);
    own.version = version;
    const bool known = own.authenticated || users.open();
    const bool plain = own.owner || (known && own.user != nullptr && own.user->allows_everything());
    session.set_plain(plain && !watched(session));
    // Whoever changed the users, or began to watch, after that has set it back; before that it shows here.
    if (users.version() == version && (!plain || !watched(session) || !session.plain())) return;
  }
}

AclReason reason_of(Denied why) noexcept {
  switch (why) {
    case Denied::kKey: return AclReason::kKey;
    case Denied::kChannel: return AclReason::kChannel;
    case Denied::kDatabase: return AclReason::kDatabase;
    default: return AclReason::kCommand;
  }
}

void note(Session& session, AclReason reason, AclContext context, std::string object, std::string user) {
  Environment& environment = session.environment();
  const UnixMs now = environment.engine().now();
  object.resize(std::min(object.size(), kShownBytes));
  user.resize(std::min(user.size(), kShownBytes));
  environment.users().log.add({.reason = reason,
                               .context = context,
                               .object = std::move(object),
                               .user = std::move(user),
                               .client = client_line(session.info(), environment.engine().clock().monotonic_ns()),
                               .created = now,
                               .updated = now});
}

std::string object_of(const Command& row, Arguments arguments, const Denial& denial, int database) {
  if (denial.why == Denied::kCommand) return full_name(row);
  if (denial.argument == 0) return std::to_string(database);
  return std::string(arguments[denial.argument].substr(0, kShownBytes));
}

std::string_view changed_reason(Denied why) noexcept {
  switch (why) {
    case Denied::kKey: return "no permission to touch the specified keys";
    case Denied::kChannel: return "no permission to access one of the channels used as arguments";
    case Denied::kDatabase: return "no permission to access the database";
    default: return "no permission to execute the command or subcommand";
  }
}

void show_user(Session& session) {
  const std::string_view name = session.identity.user != nullptr ? session.identity.user->name : std::string_view();
  session.update_info([&](ClientInfo& info) { info.user = name; });
}

}  // namespace

void become(Session& session, Users::User user) {
  STAVE_ASSERT(user != nullptr);
  session.identity = {.user = std::move(user), .version = 0, .authenticated = true, .owner = false};
  show_user(session);
  refresh(session);
}

void become_anybody(Session& session) {
  Users& users = session.environment().users();
  session.identity = {.user = users.find("default"), .version = 0, .authenticated = users.open(), .owner = false};
  show_user(session);
  refresh(session);
}

void become_owner(Session& session) {
  session.identity = {.user = nullptr, .version = 0, .authenticated = true, .owner = true};
  refresh(session);
}

bool must_authenticate(Session& session) {
  if (session.plain()) return false;
  const Session::Identity& own = session.identity;
  return !own.owner && !own.authenticated && !session.environment().users().open();
}

std::optional<std::string> user_name(const Session& session) {
  const Users::User& user = session.identity.user;
  return user == nullptr ? std::nullopt : std::optional(user->name);
}

bool authenticate(Session& session, std::string_view name, std::string_view password, std::string_view object) {
  // A door lets who guesses wait; what EXEC runs never waits, so there it is not even looked at.
  AuthBackoff& backoff = session.environment().auth_backoff();
  const std::uint64_t now_ns = session.environment().engine().clock().monotonic_ns();
  const std::string address = session.executing ? session.info().address : std::string();
  const std::string_view host = host_of(address);
  const bool waits = session.executing && backoff.wait_until_ns(host) > now_ns;
  Users::User user = waits ? nullptr : session.environment().users().authenticate(name, password);
  if (user != nullptr) {
    become(session, std::move(user));
    return true;
  }
  ++session.identity.failures;
  if (session.executing) backoff.failed(host, now_ns);
  note(session, AclReason::kAuth, session.executing ? AclContext::kMulti : AclContext::kTopLevel, std::string(object),
       std::string(name));
  return false;
}

std::string why_not_allowed(Session& session, const Command& row, Arguments arguments, AclContext context) {
  refresh(session);
  if (session.plain()) return {};
  if ((row.flags & kNoAuth) != 0 || session.identity.owner) return {};
  if (must_authenticate(session)) return std::string(kNoAuthentication);
  const Users::User user = session.identity.user;
  if (user == nullptr) return std::string(kNoAuthentication);  // deleted a moment ago
  const Denial denial = user->check(row, arguments, session.database());
  if (denial.allowed()) return {};
  if (session.in_multi || session.executing) context = context == AclContext::kTopLevel ? AclContext::kMulti : context;
  note(session, reason_of(denial.why), context, object_of(row, arguments, denial, session.database()), user->name);
  if (session.executing && context == AclContext::kMulti)
    return "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This "
           "command is no longer allowed for the following reason: " +
           std::string(changed_reason(denial.why));
  return "NOPERM " + denial_text(*user, row, arguments, denial, false);
}

bool is_allowed(Session& session, const Command& row, Arguments arguments) {
  if (session.plain()) return true;
  refresh(session);
  if (session.plain() || session.identity.owner) return true;
  const Users::User user = session.identity.user;
  return user != nullptr && !must_authenticate(session) && user->check(row, arguments, session.database()).allowed();
}

bool is_allowed_every_key(Session& session, const Command& row, Arguments arguments, bool reads, bool writes) {
  if (session.plain() || session.identity.owner) return true;
  const Users::User user = session.identity.user;
  return user != nullptr && user->allows_every_key(row, arguments, reads, writes);
}

bool may_use_database(Session& session, int database) {
  if (session.plain() || session.identity.owner) return true;
  const Users::User user = session.identity.user;
  return user != nullptr && std::ranges::any_of(user->selectors, [&](const AclSelector& selector) {
           return selector.allows_database(database);
         });
}

bool may_go_on_listening(Session& session) {
  if (session.subscriptions == nullptr) return true;
  refresh(session);
  if (session.plain() || session.identity.owner) return true;
  const Users::User user = session.identity.user;
  if (user == nullptr) return false;
  for (const ChannelKind kind : {ChannelKind::kChannel, ChannelKind::kPattern, ChannelKind::kShard})
    for (const std::string& name : session.subscriptions->of(kind))
      if (!user->allows_channel(name, kind == ChannelKind::kPattern)) return false;
  return true;
}

std::string denial_text(const AclUser& user, const Command& row, Arguments arguments, const Denial& denial,
                        bool verbose) {
  const auto named = [&](std::string_view what) {
    return "User " + user.name + " has no permissions to access the '" + std::string(arguments[denial.argument]) +
           "' " + std::string(what);
  };
  switch (denial.why) {
    case Denied::kKey: return verbose ? named("key") : "No permissions to access a key";
    case Denied::kChannel: return verbose ? named("channel") : "No permissions to access a channel";
    case Denied::kDatabase:
      return verbose && denial.argument != 0 ? named("database") : "No permissions to access database";
    default: break;
  }
  return "User " + user.name + " has no permissions to run the '" + full_name(row) + "' command";
}

}  // namespace stave::commands
