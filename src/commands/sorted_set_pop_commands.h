// Elements taken from the ends of sorted sets.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> zmpop_command(Call& call);
Result<void> zpopmax_command(Call& call);
Result<void> zpopmin_command(Call& call);

inline constexpr Command kSortedSetPopCommands[] = {
    {.name = "ZMPOP",
     .arity = at_least(4),
     .keys = counted_keys_at(1),
     .flags = kWrite | kMovableKeys | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(K)+O(M*log(N)), K keys being given and M elements taken",
     .syntax = "numkeys key [key ...] <MIN | MAX> [COUNT count]",
     .help = "Takes elements from an end of the first sorted set that there is.",
     .run = zmpop_command,
     .key_flags = "RW access delete"},
    {.name = "ZPOPMAX",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)*M), M elements being taken",
     .syntax = "key [count]",
     .help = "Takes the elements with the highest scores.",
     .run = zpopmax_command,
     .key_flags = "RW access delete"},
    {.name = "ZPOPMIN",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(log(N)*M), M elements being taken",
     .syntax = "key [count]",
     .help = "Takes the elements with the lowest scores.",
     .run = zpopmin_command,
     .key_flags = "RW access delete"},
};

}  // namespace stave::commands
