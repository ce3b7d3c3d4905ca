// Several sorted sets, or sets, made into one: their union, intersection and difference.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> zdiff_command(Call& call);
Result<void> zdiffstore_command(Call& call);
Result<void> zinter_command(Call& call);
Result<void> zintercard_command(Call& call);
Result<void> zinterstore_command(Call& call);
Result<void> zunion_command(Call& call);
Result<void> zunionstore_command(Call& call);

inline constexpr Command kSortedSetAggregateCommands[] = {
    {.name = "ZDIFF",
     .arity = at_least(3),
     .keys = counted_keys_at(1),
     .flags = kReadOnly | kMovableKeys | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(N)+O(M*log(M)), N elements being read and M being the result",
     .syntax = "numkeys key [key ...] [WITHSCORES]",
     .help = "Returns the elements of the first sorted set that are in none of the others.",
     .run = zdiff_command},
    {.name = "ZDIFFSTORE",
     .arity = at_least(4),
     .keys = key_and_counted_keys_at(1),
     .needs = Needs::kOtherKeys,
     .flags = kWrite | kGrows | kMovableKeys | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(N)+O(M*log(M)), N elements being read and M being the result",
     .syntax = "destination numkeys key [key ...]",
     .help =
         "Stores the elements of the first sorted set that are in none of the others, and returns how many they are.",
     .run = zdiffstore_command,
     .key_flags = "OW update | RO access"},
    {.name = "ZINTER",
     .arity = at_least(3),
     .keys = counted_keys_at(1),
     .flags = kReadOnly | kMovableKeys | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(N)+O(M*log(M)), N elements being read and M being the result",
     .syntax = "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>] [WITHSCORES]",
     .help = "Returns the elements that are in all of several sorted sets.",
     .run = zinter_command},
    {.name = "ZINTERCARD",
     .arity = at_least(3),
     .keys = counted_keys_at(1),
     .flags = kReadOnly | kMovableKeys | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(N), N elements being read",
     .syntax = "numkeys key [key ...] [LIMIT limit]",
     .help = "Returns how many elements are in all of several sorted sets, counting up to a limit.",
     .run = zintercard_command},
    {.name = "ZINTERSTORE",
     .arity = at_least(4),
     .keys = key_and_counted_keys_at(1),
     .needs = Needs::kOtherKeys,
     .flags = kWrite | kGrows | kMovableKeys | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(N)+O(M*log(M)), N elements being read and M being the result",
     .syntax = "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>]",
     .help = "Stores the elements that are in all of several sorted sets, and returns how many they are.",
     .run = zinterstore_command,
     .key_flags = "OW update | RO access"},
    {.name = "ZUNION",
     .arity = at_least(3),
     .keys = counted_keys_at(1),
     .flags = kReadOnly | kMovableKeys | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(N)+O(M*log(M)), N elements being read and M being the result",
     .syntax = "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>] [WITHSCORES]",
     .help = "Returns the elements that are in any of several sorted sets.",
     .run = zunion_command},
    {.name = "ZUNIONSTORE",
     .arity = at_least(4),
     .keys = key_and_counted_keys_at(1),
     .needs = Needs::kOtherKeys,
     .flags = kWrite | kGrows | kMovableKeys | kTogether,
     .group = "sorted-set",
     .since = "0.2",
     .cost = "O(N)+O(M*log(M)), N elements being read and M being the result",
     .syntax = "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX | COUNT>]",
     .help = "Stores the elements that are in any of several sorted sets, and returns how many they are.",
     .run = zunionstore_command,
     .key_flags = "OW update | RO access"},
};

}  // namespace stave::commands
