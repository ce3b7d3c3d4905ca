// Who a session is, and what it may do: the check that every call passes, whatever way it came.
//
// Promises: a session that may do everything and that nobody watches pays one relaxed load (Session::plain); of the
// others every call is looked at, by the users as they are at this moment. What is denied is in the log of denials.
// Threads: the session's own, but for what says otherwise.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "commands/acl_log.h"
#include "commands/resolve.h"
#include "commands/users.h"

namespace stave::commands {

class Session;

/// The session is this user's from now on, as after AUTH.
void become(Session& session, Users::User user);
/// The session is what a new connection is: `default`, once that needs no password or the session has shown it.
void become_anybody(Session& session);
/// The session may do everything and is nobody's: that of who runs in this process.
void become_owner(Session& session);

/// Whether it has to prove first who it is.
[[nodiscard]] bool must_authenticate(Session& session);
/// Its user's name; nullopt: it is the owner's, or its user is gone.
[[nodiscard]] std::optional<std::string> user_name(const Session& session);

/// Tries a name and a password. False: they do not fit, and that was noted. `object`: the command, for the log.
[[nodiscard]] bool authenticate(Session& session, std::string_view name, std::string_view password,
                                std::string_view object);

/// Why the session may not run this call, as the line to answer; empty: it may. The arguments fit the row. Ask when the
/// session is not plain, and for calls that a script makes (`context` kLua).
[[nodiscard]] std::string why_not_allowed(Session& session, const Command& row, Arguments arguments,
                                          AclContext context = AclContext::kTopLevel);
/// The same without a trace: nothing is logged or counted (redis.acl_check_cmd).
[[nodiscard]] bool is_allowed(Session& session, const Command& row, Arguments arguments);
/// Whether a call that it may run may look at, or write, any key: for commands that find their keys while they run.
[[nodiscard]] bool is_allowed_every_key(Session& session, const Command& row, Arguments arguments, bool reads,
                                        bool writes);
/// Whether it may use that database for anything at all.
[[nodiscard]] bool may_use_database(Session& session, int database);
/// Whether it may still listen to all that it listens to.
[[nodiscard]] bool may_go_on_listening(Session& session);

/// "User bob has no permissions to run the 'get' command". `verbose`: with the key or channel.
[[nodiscard]] std::string denial_text(const AclUser& user, const Command& row, Arguments arguments,
                                      const Denial& denial, bool verbose);

}  // namespace stave::commands
