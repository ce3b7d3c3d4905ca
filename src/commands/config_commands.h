// CONFIG: the options of whoever hosts the store, and the few that the commands themselves have.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> config_get_command(Call& call);
Result<void> config_resetstat_command(Call& call);
Result<void> config_rewrite_command(Call& call);
Result<void> config_set_command(Call& call);

inline constexpr std::uint32_t kConfigFlags = kAdmin | kNoScript | kLoading | kStale | kAfterCommit;

inline constexpr Command kConfigSubcommands[] = {
    {.name = "GET",
     .arity = at_least(3),
     .flags = kConfigFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of options",
     .syntax = "pattern [pattern ...]",
     .help = "Returns the options whose names match, and their values.",
     .run = config_get_command},
    help_row("server", answer_help),
    {.name = "RESETSTAT",
     .arity = exactly(2),
     .flags = kConfigFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Sets the counters that INFO shows back to zero.",
     .run = config_resetstat_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = "REWRITE",
     .arity = exactly(2),
     .flags = kConfigFlags,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Writes the options as they are now back to the configuration file.",
     .run = config_rewrite_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = "SET",
     .arity = at_least(4),
     .flags = kConfigFlags | kSecret,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of options",
     .syntax = "option value [option value ...]",
     .help = "Sets options, all or none.",
     .run = config_set_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
};

inline constexpr Command kConfigCommands[] = {
    {.name = "CONFIG",
     .arity = at_least(2),
     .group = "server",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Reads and sets options.",
     .subcommands = kConfigSubcommands},
};

}  // namespace stave::commands
