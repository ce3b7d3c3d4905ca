// Sorted sets, waited for: what pops do, when there is something to be had (waiting/wait.h).
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> bzmpop_command(Call& call);
Result<void> bzpopmax_command(Call& call);
Result<void> bzpopmin_command(Call& call);

inline constexpr Command kBlockingSortedSetCommands[] = {
    {.name = "BZMPOP",
     .arity = at_least(5),
     .keys = counted_keys_at(2),
     .flags = kWrite | kMovableKeys | kBlocking | kTogether,
     .group = "sorted-set",
     .since = "0.4",
     .cost = "O(K)+O(M*log(N)), K keys being given and M elements taken",
     .syntax = "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]",
     .help = "As ZMPOP, but waits until there is one of the sorted sets, or the time is up.",
     .run = bzmpop_command,
     .key_flags = "RW access delete"},
    {.name = "BZPOPMAX",
     .arity = at_least(3),
     .keys = keys_from(1, -2, 1),
     .flags = kWrite | kFast | kBlocking | kTogether,
     .group = "sorted-set",
     .since = "0.4",
     .cost = "O(log(N))",
     .syntax = "key [key ...] timeout",
     .help = "Takes the element with the highest score of the first sorted set that there is, and waits for one.",
     .run = bzpopmax_command,
     .key_flags = "RW access delete"},
    {.name = "BZPOPMIN",
     .arity = at_least(3),
     .keys = keys_from(1, -2, 1),
     .flags = kWrite | kFast | kBlocking | kTogether,
     .group = "sorted-set",
     .since = "0.4",
     .cost = "O(log(N))",
     .syntax = "key [key ...] timeout",
     .help = "Takes the element with the lowest score of the first sorted set that there is, and waits for one.",
     .run = bzpopmin_command,
     .key_flags = "RW access delete"},
};

}  // namespace stave::commands
