// SLOWLOG: the commands that took long.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

class Sink;
class SlowLog;

/// The newest `count` entries, or with -1 all.
void answer_entries(Sink& reply, const SlowLog& log, std::int64_t count);
Result<void> slowlog_get_command(Call& call);
Result<void> slowlog_len_command(Call& call);
Result<void> slowlog_reset_command(Call& call);

inline constexpr Command kSlowLogSubcommands[] = {
    {.name = "GET",
     .arity = between(2, 3),
     .flags = kAdmin | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of entries",
     .syntax = "[count]",
     .help = "Returns the newest entries: number, time, microseconds, arguments, client's address and name.",
     .run = slowlog_get_command,
     .tips = "request_policy:all_nodes nondeterministic_output"},
    help_row("server", answer_help),
    {.name = "LEN",
     .arity = exactly(2),
     .flags = kAdmin | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the number of entries.",
     .run = slowlog_len_command,
     .tips = "request_policy:all_nodes response_policy:agg_sum nondeterministic_output"},
    {.name = "RESET",
     .arity = exactly(2),
     .flags = kAdmin | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of entries",
     .syntax = "",
     .help = "Removes all entries.",
     .run = slowlog_reset_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
};

inline constexpr Command kSlowLogCommands[] = {
    {.name = "SLOWLOG",
     .arity = at_least(2),
     .group = "server",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Shows the commands that took long.",
     .subcommands = kSlowLogSubcommands},
};

}  // namespace stave::commands
