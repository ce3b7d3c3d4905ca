// Elements of one sorted set in their order: by rank, by score, by member, and stored as another.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> zrange_command(Call& call);
Result<void> zrangebylex_command(Call& call);
Result<void> zrangebyscore_command(Call& call);
Result<void> zrangestore_command(Call& call);
Result<void> zrevrange_command(Call& call);
Result<void> zrevrangebylex_command(Call& call);
Result<void> zrevrangebyscore_command(Call& call);

inline constexpr Command kSortedSetRangeCommands[] = {
    {.name = "ZRANGE",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being returned",
     .syntax = "key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]",
     .help = "Returns the elements in a range of ranks, scores or members.",
     .run = zrange_command},
    {.name = "ZRANGEBYLEX",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being returned",
     .syntax = "key min max [LIMIT offset count]",
     .help = "Returns the members, all of one score, in a range of their bytes.",
     .run = zrangebylex_command},
    {.name = "ZRANGEBYSCORE",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being returned",
     .syntax = "key min max [WITHSCORES] [LIMIT offset count]",
     .help = "Returns the elements with scores in a range.",
     .run = zrangebyscore_command},
    {.name = "ZRANGESTORE",
     .arity = at_least(5),
     .keys = keys_from(1, 2, 1),
     .needs = Needs::kOtherKeys,
     .flags = kWrite | kGrows | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being stored",
     .syntax = "destination source start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count]",
     .help = "Stores the elements in a range of one sorted set as another, and returns how many they are.",
     .run = zrangestore_command,
     .key_flags = "OW update | RO access"},
    {.name = "ZREVRANGE",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being returned",
     .syntax = "key start stop [WITHSCORES]",
     .help = "Returns the elements in a range of ranks, from the highest score down.",
     .run = zrevrange_command},
    {.name = "ZREVRANGEBYLEX",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being returned",
     .syntax = "key max min [LIMIT offset count]",
     .help = "Returns the members, all of one score, in a range of their bytes, last first.",
     .run = zrevrangebylex_command},
    {.name = "ZREVRANGEBYSCORE",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)+M), M elements being returned",
     .syntax = "key max min [WITHSCORES] [LIMIT offset count]",
     .help = "Returns the elements with scores in a range, from the highest down.",
     .run = zrevrangebyscore_command},
};

}  // namespace stave::commands
