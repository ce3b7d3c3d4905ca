// One sorted set looked at: how many, which score, which rank, any element.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> zcard_command(Call& call);
Result<void> zcount_command(Call& call);
Result<void> zlexcount_command(Call& call);
Result<void> zmscore_command(Call& call);
Result<void> zrandmember_command(Call& call);
Result<void> zrank_command(Call& call);
Result<void> zrevrank_command(Call& call);
Result<void> zscore_command(Call& call);

inline constexpr Command kSortedSetReadCommands[] = {
    {.name = "ZCARD",
     .arity = exactly(2),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key",
     .help = "Returns how many elements a sorted set has; an absent one has none.",
     .run = zcard_command,
     .key_flags = "RO"},
    {.name = "ZCOUNT",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N))",
     .syntax = "key min max",
     .help = "Returns how many elements have scores in a range.",
     .run = zcount_command},
    {.name = "ZLEXCOUNT",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N))",
     .syntax = "key min max",
     .help = "Returns how many members, all of one score, lie in a range of their bytes.",
     .run = zlexcount_command},
    {.name = "ZMSCORE",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(1) for each member",
     .syntax = "key member [member ...]",
     .help = "Returns the scores of members, null for those that are not there.",
     .run = zmscore_command},
    {.name = "ZRANDMEMBER",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)) for each element",
     .syntax = "key [count [WITHSCORES]]",
     .help = "Returns a random member, several different ones, or (a negative count) so many whichever they are.",
     .run = zrandmember_command,
     .tips = "nondeterministic_output"},
    {.name = "ZRANK",
     .arity = between(3, 4),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N))",
     .syntax = "key member [WITHSCORE]",
     .help = "Returns the rank of a member, from 0 for the lowest score, and the score if asked for.",
     .run = zrank_command},
    {.name = "ZREVRANK",
     .arity = between(3, 4),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N))",
     .syntax = "key member [WITHSCORE]",
     .help = "Returns the rank of a member, from 0 for the highest score, and the score if asked for.",
     .run = zrevrank_command},
    {.name = "ZSCORE",
     .arity = exactly(3),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key member",
     .help = "Returns the score of a member, null when it is not there.",
     .run = zscore_command},
};

}  // namespace stave::commands
