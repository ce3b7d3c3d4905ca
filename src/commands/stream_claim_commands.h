// Entries that one consumer was given and another takes over.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> xautoclaim_command(Call& call);
Result<void> xclaim_command(Call& call);
Result<void> xnack_command(Call& call);

inline constexpr Command kStreamClaimCommands[] = {
    {.name = "XAUTOCLAIM",
     .arity = at_least(6),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(1) when COUNT is small",
     .syntax = "key group consumer min-idle-time start [COUNT count] [JUSTID]",
     .help = "Takes over what has been pending for long, from an id on; returns where to go on, entries, and ids gone.",
     .run = xautoclaim_command,
     .tips = "nondeterministic_output",
     .key_flags = "RW access delete"},
    {.name = "XCLAIM",
     .arity = at_least(6),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of ids given",
     .syntax = "key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] "
               "[RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
     .help = "Takes over entries that have been pending for long, or makes them pending; returns them.",
     .run = xclaim_command,
     .tips = "nondeterministic_output",
     .key_flags = "RW access update"},
    {.name = "XNACK",
     .arity = at_least(7),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of ids given",
     .syntax = "key group <SILENT | FAIL | FATAL> IDS numids id [id ...] [RETRYCOUNT count] [FORCE]",
     .help = "Gives entries that are pending back to their group, for anyone to take over; returns how many.",
     .run = xnack_command,
     .key_flags = "RW update"},
};

}  // namespace stave::commands
