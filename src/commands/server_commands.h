// The process and its curiosities: time, debugging, the end, and a picture.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> debug_object_command(Call& call);
Result<void> debug_set_active_expire_command(Call& call);
Result<void> debug_sleep_command(Call& call);
Result<void> lolwut_command(Call& call);
Result<void> shutdown_command(Call& call);
Result<void> time_command(Call& call);

inline constexpr std::uint32_t kDebugFlags = kAdmin | kNoScript | kLoading | kStale;

inline constexpr Command kDebugSubcommands[] = {
    help_row("server", answer_help),
    {.name = "OBJECT",
     .arity = exactly(3),
     .keys = key_at(2),
     .flags = kDebugFlags | kReadOnly,
     .group = "server",
     .since = "0.1",
     .cost = "As OBJECT ENCODING.",
     .syntax = "key",
     .help = "Returns how the value of a key is kept, on one line.",
     .run = debug_object_command},
    {.name = "SET-ACTIVE-EXPIRE",
     .arity = exactly(3),
     .flags = kDebugFlags | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "0 | 1",
     .help = "Chooses whether expired keys are removed by themselves; they are never shown either way.",
     .run = debug_set_active_expire_command},
    {.name = "SLEEP",
     .arity = exactly(3),
     .flags = kDebugFlags | kBlocking,
     .group = "server",
     .since = "0.1",
     .cost = "As long as asked for.",
     .syntax = "seconds",
     .help = "Lets the thread that runs the command sleep.",
     .run = debug_sleep_command},
};

inline constexpr Command kServerCommands[] = {
    {.name = "DEBUG",
     .arity = at_least(2),
     .flags = kDebugFlags,
     .group = "server",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Helps to test.",
     .subcommands = kDebugSubcommands},
    {.name = "LOLWUT",
     .arity = at_least(1),
     .flags = kReadOnly | kFast | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "[VERSION version]",
     .help = "Shows what staves are for.",
     .run = lolwut_command},
    {.name = "SHUTDOWN",
     .arity = at_least(1),
     .flags = kAdmin | kNoScript | kLoading | kStale,
     .group = "server",
     .since = "0.1",
     .cost = "One flush of the log.",
     .syntax = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
     .help = "Ends the server in good order; everything acknowledged is on disk, with any option.",
     .run = shutdown_command},
    {.name = "TIME",
     .arity = exactly(1),
     .flags = kFast | kLoading | kStale | kTogether,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the time of the wall clock: seconds and microseconds.",
     .run = time_command,
     .tips = "nondeterministic_output"},
};

}  // namespace stave::commands
