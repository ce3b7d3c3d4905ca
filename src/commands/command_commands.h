// COMMAND: the table itself, for clients, proxies and shells.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> command_command(Call& call);
Result<void> command_count_command(Call& call);
Result<void> command_docs_command(Call& call);
Result<void> command_getkeys_command(Call& call);
Result<void> command_getkeysandflags_command(Call& call);
Result<void> command_info_command(Call& call);
Result<void> command_list_command(Call& call);

inline constexpr Command kCommandSubcommands[] = {
    {.name = "COUNT",
     .arity = exactly(2),
     .flags = kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the number of commands.",
     .run = command_count_command},
    {.name = "DOCS",
     .arity = at_least(2),
     .flags = kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of commands",
     .syntax = "[command-name [command-name ...]]",
     .help = "Returns what commands do and what arguments they take.",
     .run = command_docs_command,
     .tips = "nondeterministic_output_order"},
    {.name = "GETKEYS",
     .arity = at_least(4),
     .flags = kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of arguments",
     .syntax = "command [argument ...]",
     .help = "Returns the keys of a whole command.",
     .run = command_getkeys_command},
    {.name = "GETKEYSANDFLAGS",
     .arity = at_least(4),
     .flags = kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of arguments",
     .syntax = "command [argument ...]",
     .help = "Returns the keys of a whole command and what is done with them.",
     .run = command_getkeysandflags_command},
    help_row("server", answer_help),
    {.name = "INFO",
     .arity = at_least(2),
     .flags = kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of commands",
     .syntax = "[command-name [command-name ...]]",
     .help = "Returns facts about commands, for programs.",
     .run = command_info_command,
     .tips = "nondeterministic_output_order"},
    {.name = "LIST",
     .arity = at_least(2),
     .flags = kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of commands",
     .syntax = "[FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]",
     .help = "Returns the names of commands.",
     .run = command_list_command,
     .tips = "nondeterministic_output_order"},
};

inline constexpr Command kCommandCommands[] = {
    {.name = "COMMAND",
     .arity = at_least(1),
     .flags = kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of commands",
     .syntax = "[subcommand [argument ...]]",
     .help = "Returns facts about all commands, for programs.",
     .run = command_command,
     .subcommands = kCommandSubcommands,
     .tips = "nondeterministic_output_order"},
};

}  // namespace stave::commands
