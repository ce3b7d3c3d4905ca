// Whole databases.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> dbsize_command(Call& call);
Result<void> flushall_command(Call& call);
Result<void> flushdb_command(Call& call);
Result<void> swapdb_command(Call& call);

inline constexpr Command kDatabaseCommands[] = {
    {.name = "DBSIZE",
     .arity = exactly(1),
     .flags = kReadOnly | kFast | kKeyspace | kTogether | kWholeDatabase,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the number of keys of the database.",
     .run = dbsize_command,
     .tips = "request_policy:all_shards response_policy:agg_sum"},
    {.name = "FLUSHALL",
     .arity = at_least(1),
     .flags = kWrite | kDangerous | kKeyspace | kTogether | kAllDatabases,
     .group = "server",
     .since = "0.1",
     .cost = "O(1), memory is freed afterwards",
     .syntax = "[ASYNC | SYNC]",
     .help = "Removes all keys of all databases.",
     .run = flushall_command,
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {.name = "FLUSHDB",
     .arity = at_least(1),
     .flags = kWrite | kDangerous | kKeyspace | kTogether | kWholeDatabase,
     .group = "server",
     .since = "0.1",
     .cost = "O(1), memory is freed afterwards",
     .syntax = "[ASYNC | SYNC]",
     .help = "Removes all keys of the database.",
     .run = flushdb_command,
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {.name = "SWAPDB",
     .arity = exactly(3),
     .flags = kWrite | kFast | kDangerous | kKeyspace,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "index1 index2",
     .help = "Lets two databases change places.",
     .run = swapdb_command},
};

}  // namespace stave::commands
