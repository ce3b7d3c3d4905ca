// Lists of the heaviest: which were added most often?
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> topk_add_command(Call& call);
Result<void> topk_count_command(Call& call);
Result<void> topk_incrby_command(Call& call);
Result<void> topk_info_command(Call& call);
Result<void> topk_list_command(Call& call);
Result<void> topk_query_command(Call& call);
Result<void> topk_reserve_command(Call& call);

inline constexpr Command kTopCommands[] = {
    {.name = "TOPK.ADD",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "topk",
     .since = "0.2",
     .cost = "O(N*(D+K)), N the number of items, D of rows, K of those listed",
     .syntax = "key item [item ...]",
     .help = "Adds items to a list of the heaviest; returns which one each expelled.",
     .run = topk_add_command},
    {.name = "TOPK.COUNT",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "topk",
     .since = "0.2",
     .cost = "O(N*(D+K)), N the number of items, D of rows, K of those listed",
     .syntax = "key item [item ...]",
     .help = "Returns about how often items were added.",
     .run = topk_count_command},
    {.name = "TOPK.INCRBY",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "topk",
     .since = "0.2",
     .cost = "O(N*(D+K)), N the number of items, D of rows, K of those listed",
     .syntax = "key item increment [item increment ...]",
     .help = "Adds items several times each; returns which one each expelled.",
     .run = topk_incrby_command},
    {.name = "TOPK.INFO",
     .arity = exactly(2),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "topk",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key",
     .help = "Describes a list of the heaviest.",
     .run = topk_info_command},
    {.name = "TOPK.LIST",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "topk",
     .since = "0.2",
     .cost = "O(K*log(K)), K the number of those listed",
     .syntax = "key [WITHCOUNT]",
     .help = "Returns the items that were added most often, the heaviest first.",
     .run = topk_list_command},
    {.name = "TOPK.QUERY",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "topk",
     .since = "0.2",
     .cost = "O(N*K), N the number of items, K of those listed",
     .syntax = "key item [item ...]",
     .help = "Tells of items whether they are listed.",
     .run = topk_query_command},
    {.name = "TOPK.RESERVE",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "topk",
     .since = "0.2",
     .cost = "O(N), N the bytes",
     .syntax = "key topk [width depth decay]",
     .help = "Makes a list of so many items that were added most often.",
     .run = topk_reserve_command},
};

}  // namespace stave::commands
