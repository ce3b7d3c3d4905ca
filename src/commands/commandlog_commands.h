// COMMANDLOG: the commands that took long, that were large, or whose answers were (Valkey 8.1).
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> commandlog_get_command(Call& call);
Result<void> commandlog_len_command(Call& call);
Result<void> commandlog_reset_command(Call& call);

inline constexpr Command kCommandLogSubcommands[] = {
    {.name = "GET",
     .arity = exactly(4),
     .flags = kAdmin | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of entries",
     .syntax = "count <SLOW | LARGE-REQUEST | LARGE-REPLY>",
     .help = "Returns the newest entries: number, time, microseconds or bytes, arguments, client's address and name.",
     .run = commandlog_get_command,
     .tips = "request_policy:all_nodes nondeterministic_output"},
    help_row("server", answer_help),
    {.name = "LEN",
     .arity = exactly(3),
     .flags = kAdmin | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "SLOW | LARGE-REQUEST | LARGE-REPLY",
     .help = "Returns the number of entries.",
     .run = commandlog_len_command,
     .tips = "request_policy:all_nodes response_policy:agg_sum nondeterministic_output"},
    {.name = "RESET",
     .arity = exactly(3),
     .flags = kAdmin | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of entries",
     .syntax = "SLOW | LARGE-REQUEST | LARGE-REPLY",
     .help = "Removes all entries.",
     .run = commandlog_reset_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
};

inline constexpr Command kCommandLogCommands[] = {
    {.name = "COMMANDLOG",
     .arity = at_least(2),
     .group = "server",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Shows the commands that took long or were large.",
     .subcommands = kCommandLogSubcommands},
};

}  // namespace stave::commands
