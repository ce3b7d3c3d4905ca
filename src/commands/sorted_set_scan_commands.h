// Walking over the elements of a sorted set in pieces.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> zscan_command(Call& call);

inline constexpr Command kSortedSetScanCommands[] = {
    {.name = "ZSCAN",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(1) for every call, O(N) for a whole walk",
     .syntax = "key cursor [MATCH pattern] [COUNT count] [NOSCORES]",
     .help = "Returns some elements and a cursor to go on from; every member that stays is shown in a whole walk.",
     .run = zscan_command,
     .tips = "nondeterministic_output"},
};

}  // namespace stave::commands
