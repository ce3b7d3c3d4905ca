// MODULE: there are none, which clients that look for some are told in the form they expect.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> module_list_command(Call& call);

inline constexpr Command kModuleSubcommands[] = {
    help_row("server", answer_help),
    {.name = "LIST",
     .arity = exactly(2),
     .flags = kAdmin | kNoScript,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .help = "Returns nothing: what Redis has modules for is built in, or not there.",
     .run = module_list_command,
     .tips = "nondeterministic_output_order"},
};

inline constexpr Command kModuleCommands[] = {
    {.name = "MODULE",
     .arity = at_least(2),
     .group = "server",
     .since = "0.2",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "For clients that ask which modules are loaded.",
     .subcommands = kModuleSubcommands},
};

}  // namespace stave::commands
