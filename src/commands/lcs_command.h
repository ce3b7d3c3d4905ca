// LCS: the longest common subsequence of two strings.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> lcs_command(Call& call);

inline constexpr Command kLcsCommands[] = {
    {.name = "LCS",
     .arity = at_least(3),
     .keys = keys_from(1, 2, 1),
     .flags = kReadOnly | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(N*M) in the lengths of the two values",
     .syntax = "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
     .help = "Returns the longest common subsequence of the values of two keys, its length, or where it lies.",
     .run = lcs_command},
};

}  // namespace stave::commands
