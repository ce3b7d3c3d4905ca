// HOTKEYS: which keys cost most (Redis 8.6; while nothing was started, GET answers as Valkey 9.2).
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> hotkeys_get_command(Call& call);
Result<void> hotkeys_reset_command(Call& call);
Result<void> hotkeys_start_command(Call& call);
Result<void> hotkeys_stop_command(Call& call);

inline constexpr Command kHotKeysSubcommands[] = {
    {.name = "GET",
     .arity = exactly(2),
     .flags = kAdmin | kNoScript | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) in the number of keys",
     .syntax = "",
     .help = "Returns what the tracking found so far; while nothing was started, the most called keys of the last "
             "window (hotkeys-top-k), the most called first.",
     .run = hotkeys_get_command,
     .tips = "nondeterministic_output"},
    help_row("server", answer_help),
    {.name = "RESET",
     .arity = exactly(2),
     .flags = kAdmin | kNoScript | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "",
     .help = "Forgets what was found.",
     .run = hotkeys_reset_command},
    {.name = "START",
     .arity = at_least(3),
     .flags = kAdmin | kNoScript | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) in the number of connections",
     .syntax = "METRICS count [CPU] [NET] [COUNT k] [DURATION seconds] [SAMPLE ratio]",
     .help = "Begins to track which keys take most time and most bytes.",
     .run = hotkeys_start_command},
    {.name = "STOP",
     .arity = exactly(2),
     .flags = kAdmin | kNoScript | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "",
     .help = "Ends the tracking and keeps what it found.",
     .run = hotkeys_stop_command},
};

inline constexpr Command kHotKeysCommands[] = {
    {.name = "HOTKEYS",
     .arity = at_least(2),
     .group = "server",
     .since = "0.2",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Shows the keys that cost most.",
     .subcommands = kHotKeysSubcommands},
};

}  // namespace stave::commands
