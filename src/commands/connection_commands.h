// The session itself: who it is, which database it works on, which protocol it speaks.
#pragma once

#include <string_view>

#include "commands/table.h"

namespace stave::commands {

Result<void> auth_command(Call& call);
Result<void> echo_command(Call& call);
Result<void> hello_command(Call& call);
Result<void> ping_command(Call& call);
Result<void> quit_command(Call& call);
Result<void> reset_command(Call& call);
Result<void> select_command(Call& call);

/// Gives the session's client a name. Errors: characters that would break CLIENT LIST.
Result<void> set_client_name(Call& call, std::string_view name);

inline constexpr Command kConnectionCommands[] = {
    {.name = "AUTH",
     .arity = at_least(2),
     .flags = kFast | kNoAuth | kNoScript | kLoading | kStale | kSecret | kAfterCommit,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "[username] password",
     .help = "Proves that the caller may use the store.",
     .run = auth_command},
    {.name = "ECHO",
     .arity = exactly(2),
     .flags = kFast | kLoading | kStale | kTogether,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "message",
     .help = "Returns its argument.",
     .run = echo_command},
    {.name = "HELLO",
     .arity = at_least(1),
     .flags = kFast | kNoAuth | kNoScript | kLoading | kStale | kSecret,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "[protover [AUTH username password] [SETNAME clientname]]",
     .help = "Chooses the version of the protocol, optionally with AUTH, and returns facts about the server.",
     .run = hello_command},
    {.name = "PING",
     .arity = between(1, 2),
     .flags = kFast | kLoading | kStale | kTogether,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "[message]",
     .help = "Returns PONG, or its argument.",
     .run = ping_command,
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {.name = "QUIT",
     .arity = at_least(1),
     .flags = kFast | kNoAuth | kNoScript | kLoading | kStale | kNotQueued,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Ends the connection after the answer.",
     .run = quit_command},
    {.name = "RESET",
     .arity = exactly(1),
     .flags = kFast | kNoAuth | kNoScript | kLoading | kStale | kNotQueued,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Brings the session back to the state of a new connection.",
     .run = reset_command},
    {.name = "SELECT",
     .arity = exactly(2),
     .flags = kFast | kLoading | kStale,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "index",
     .help = "Chooses the database that later commands work on.",
     .run = select_command},
};

}  // namespace stave::commands
