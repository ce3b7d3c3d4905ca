// Walking over the keys of a database.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> keys_command(Call& call);
Result<void> scan_command(Call& call);

inline constexpr Command kScanCommands[] = {
    {.name = "KEYS",
     .arity = exactly(2),
     .flags = kReadOnly | kDangerous | kTogether | kWholeDatabase,
     .group = "generic",
     .since = "0.1",
     .cost = "O(N) in the number of keys of the database",
     .syntax = "pattern",
     .help = "Returns all keys that match a pattern, in order.",
     .run = keys_command,
     .tips = "request_policy:all_shards nondeterministic_output_order"},
    {.name = "SCAN",
     .arity = at_least(2),
     .flags = kReadOnly | kTogether | kWholeDatabase,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1) for every call, O(N) for a whole walk",
     .syntax = "cursor [MATCH pattern] [COUNT count] [TYPE type]",
     .help = "Returns some keys and a cursor to go on from; every key that stays is shown in a whole walk.",
     .run = scan_command,
     .tips = "nondeterministic_output request_policy:special"},
};

}  // namespace stave::commands
