// Fields of a hash a piece at a time, and by chance.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> hrandfield_command(Call& call);
Result<void> hscan_command(Call& call);

inline constexpr Command kHashScanCommands[] = {
    {.name = "HRANDFIELD",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "hash",
     .since = "0.2",
     .cost = "O(N) in the number of fields that are asked for",
     .syntax = "key [count [WITHVALUES]]",
     .help = "Returns random fields of a hash: different ones, or with a negative count perhaps the same ones again.",
     .run = hrandfield_command,
     .tips = "nondeterministic_output"},
    {.name = "HSCAN",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "hash",
     .since = "0.2",
     .cost = "O(1) for every call, O(N) for a whole walk",
     .syntax = "key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
     .help = "Returns some fields of a hash and a cursor to go on from; every field that stays is shown in a whole "
             "walk.",
     .run = hscan_command,
     .tips = "nondeterministic_output"},
};

}  // namespace stave::commands
