// MONITOR: every command of everybody, as it is run.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> monitor_command(Call& call);

inline constexpr Command kMonitorCommands[] = {
    {.name = "MONITOR",
     .arity = exactly(1),
     .flags = kAdmin | kNoScript | kLoading | kStale,
     .group = "server",
     .since = "0.1",
     .cost = "O(1) for each command that anybody runs",
     .syntax = "",
     .help = "Shows this connection every command that is run, passwords and administrators' commands excepted."
             " RESET ends it.",
     .run = monitor_command},
};

}  // namespace stave::commands
