// INCREX: a counter with bounds and a lifetime, in one step.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> increx_command(Call& call);

inline constexpr Command kIncrexCommands[] = {
    {.name = "INCREX",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "string",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key [BYFLOAT float | BYINT increment] [LBOUND lowerbound] [UBOUND upperbound] [SATURATE] [EX seconds "
               "[SLIDING] | PX milliseconds [SLIDING] | EXAT unix-time-seconds | PXAT unix-time-milliseconds | "
               "PERSIST] [ENX]",
     .help = "Adds to the number that a key holds, within bounds, and sets its expiry; returns the new number and "
             "what was added.",
     .run = increx_command,
     .key_flags = "RW access update"},
};

}  // namespace stave::commands
