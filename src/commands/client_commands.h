// CLIENT: who is connected, and what they may be told to do.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> client_getname_command(Call& call);
Result<void> client_getredir_command(Call& call);
Result<void> client_id_command(Call& call);
Result<void> client_info_command(Call& call);
Result<void> client_kill_command(Call& call);
Result<void> client_list_command(Call& call);
Result<void> client_no_evict_command(Call& call);
Result<void> client_no_touch_command(Call& call);
Result<void> client_pause_command(Call& call);
Result<void> client_reply_command(Call& call);
Result<void> client_setinfo_command(Call& call);
Result<void> client_setname_command(Call& call);
Result<void> client_trackinginfo_command(Call& call);
Result<void> client_unblock_command(Call& call);
Result<void> client_unpause_command(Call& call);

inline constexpr std::uint32_t kClientFlags = kNoScript | kLoading | kStale | kAfterCommit;

inline constexpr Command kClientSubcommands[] = {
    {.name = "GETNAME",
     .arity = exactly(2),
     .flags = kClientFlags,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the name of this connection.",
     .run = client_getname_command},
    {.name = "GETREDIR",
     .arity = exactly(2),
     .flags = kClientFlags,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns -1: invalidation messages are not sent, so they go nowhere else either.",
     .run = client_getredir_command},
    help_row("connection", answer_help),
    {.name = "ID",
     .arity = exactly(2),
     .flags = kClientFlags,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the number of this connection.",
     .run = client_id_command},
    {.name = "INFO",
     .arity = exactly(2),
     .flags = kClientFlags,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns facts about this connection.",
     .run = client_info_command,
     .tips = "nondeterministic_output"},
    {.name = "KILL",
     .arity = at_least(3),
     .flags = kClientFlags | kAdmin,
     .group = "connection",
     .since = "0.1",
     .cost = "O(N) in the number of connections",
     .syntax =
         "ip:port | <[ID client-id [client-id ...]] | [TYPE NORMAL | MASTER | REPLICA | PUBSUB] | [USER username] | "
         "[ADDR ip:port] | [LADDR ip:port] | [SKIPME YES | NO] | [MAXAGE maxage] ...>",
     .help = "Ends the connections that pass all filters.",
     .run = client_kill_command},
    {.name = "LIST",
     .arity = at_least(2),
     .flags = kClientFlags | kAdmin,
     .group = "connection",
     .since = "0.1",
     .cost = "O(N) in the number of connections",
     .syntax =
         "[TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]] [USER username] [ADDR ip:port] "
         "[LADDR ip:port] [SKIPME YES | NO] [MAXAGE maxage]",
     .help = "Returns facts about the connections that pass all filters, one line each.",
     .run = client_list_command,
     .tips = "nondeterministic_output"},
    {.name = "NO-EVICT",
     .arity = exactly(3),
     .flags = kClientFlags | kAdmin,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "ON | OFF",
     .help = "Protects this connection from being dropped for want of memory.",
     .run = client_no_evict_command},
    {.name = "NO-TOUCH",
     .arity = exactly(3),
     .flags = kClientFlags,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "ON | OFF",
     .help = "Lets this connection's reads leave no trace: they do not put off a sliding expiry.",
     .run = client_no_touch_command},
    {.name = "PAUSE",
     .arity = between(3, 4),
     .flags = kClientFlags | kAdmin,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "timeout [WRITE | ALL]",
     .help = "Lets the commands of all connections, or only their writes, wait for some milliseconds.",
     .run = client_pause_command},
    {.name = "REPLY",
     .arity = exactly(3),
     .flags = kNoScript | kLoading | kStale,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "ON | OFF | SKIP",
     .help = "Chooses whether this connection's commands are answered.",
     .run = client_reply_command},
    {.name = "SETINFO",
     .arity = exactly(4),
     .flags = kClientFlags,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "LIB-NAME libname | LIB-VER libver",
     .help = "Tells which client library this connection uses.",
     .run = client_setinfo_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = "SETNAME",
     .arity = exactly(3),
     .flags = kClientFlags,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "connection-name",
     .help = "Gives this connection a name.",
     .run = client_setname_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = "TRACKINGINFO",
     .arity = exactly(2),
     .flags = kClientFlags,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns that invalidation messages are off.",
     .run = client_trackinginfo_command},
    {.name = "UNBLOCK",
     .arity = between(3, 4),
     .flags = kClientFlags | kAdmin,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "client-id [TIMEOUT | ERROR]",
     .help = "Ends the waiting of a connection in a blocking command; returns whether it was waiting in one.",
     .run = client_unblock_command},
    {.name = "UNPAUSE",
     .arity = exactly(2),
     .flags = kClientFlags | kAdmin,
     .group = "connection",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Ends what CLIENT PAUSE began.",
     .run = client_unpause_command},
};

inline constexpr Command kClientCommands[] = {
    {.name = "CLIENT",
     .arity = at_least(2),
     .group = "connection",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Looks at connections and manages them.",
     .subcommands = kClientSubcommands},
};

}  // namespace stave::commands
