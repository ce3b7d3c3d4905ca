// INFO: what goes on in the store, for people and for monitoring tools.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> info_command(Call& call);

inline constexpr Command kInfoCommands[] = {
    {.name = "INFO",
     .arity = at_least(1),
     .flags = kLoading | kStale | kDangerous | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(N) in the number of connections",
     .syntax = "[section [section ...]]",
     .help = "Returns facts and counters about the store and the process it runs in.",
     .run = info_command,
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
};

}  // namespace stave::commands
