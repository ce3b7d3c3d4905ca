// SORT: the elements of a list, a set or a sorted set in another order, or what belongs to them.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> sort_command(Call& call);
Result<void> sort_ro_command(Call& call);

inline constexpr Command kSortCommands[] = {
    {.name = "SORT",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kMovableKeys | kDangerous | kTogether,
     .group = "generic",
     .since = "0.2",
     .cost = "O(N+M*log(N)), N the number of elements, M of those returned",
     .syntax = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA] "
               "[STORE destination]",
     .help = "Returns the elements of a list, a set or a sorted set in order, or stores them as a list.",
     .run = sort_command},
    {.name = "SORT_RO",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kReadOnly | kMovableKeys | kDangerous | kTogether,
     .group = "generic",
     .since = "0.2",
     .cost = "O(N+M*log(N)), N the number of elements, M of those returned",
     .syntax = "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]",
     .help = "Returns the elements of a list, a set or a sorted set in order.",
     .run = sort_ro_command},
};

}  // namespace stave::commands
