// Elements that leave a sorted set: named, or in a range.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> zrem_command(Call& call);
Result<void> zremrangebylex_command(Call& call);
Result<void> zremrangebyrank_command(Call& call);
Result<void> zremrangebyscore_command(Call& call);

inline constexpr Command kSortedSetRemoveCommands[] = {
    {.name = "ZREM",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)) for each member",
     .syntax = "key member [member ...]",
     .help = "Removes members and returns how many there were.",
     .run = zrem_command,
     .key_flags = "RW delete"},
    {.name = "ZREMRANGEBYLEX",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kWrite | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being removed",
     .syntax = "key min max",
     .help = "Removes the members, all of one score, in a range of their bytes, and returns how many there were.",
     .run = zremrangebylex_command,
     .key_flags = "RW delete"},
    {.name = "ZREMRANGEBYRANK",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kWrite | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being removed",
     .syntax = "key start stop",
     .help = "Removes the elements in a range of ranks and returns how many there were.",
     .run = zremrangebyrank_command,
     .key_flags = "RW delete"},
    {.name = "ZREMRANGEBYSCORE",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kWrite | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being removed",
     .syntax = "key min max",
     .help = "Removes the elements with scores in a range and returns how many there were.",
     .run = zremrangebyscore_command,
     .key_flags = "RW delete"},
};

}  // namespace stave::commands
