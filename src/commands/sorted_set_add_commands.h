// Elements that come into a sorted set, and scores that change.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> zadd_command(Call& call);
Result<void> zincrby_command(Call& call);

inline constexpr Command kSortedSetAddCommands[] = {
    {.name = "ZADD",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)) for each element",
     .syntax = "key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]",
     .help = "Adds elements to a sorted set, or gives those that are there their new scores.",
     .run = zadd_command},
    {.name = "ZINCRBY",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N))",
     .syntax = "key increment member",
     .help = "Adds a number to the score of an element; an absent one counts as 0.",
     .run = zincrby_command,
     .key_flags = "RW access update"},
};

}  // namespace stave::commands
