// What is on disk: choosing it, and waiting for it.
//
// Nothing here blocks a thread: a command names what its answer must wait for, and the door lets the answer go when it
// is so.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> stave_commit_command(Call& call);
Result<void> stave_sync_command(Call& call);
Result<void> wait_command(Call& call);
Result<void> waitaof_command(Call& call);

inline constexpr Command kDurabilityCommands[] = {
    {.name = "STAVE.COMMIT",
     .arity = exactly(1),
     .flags = kBlocking | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "One flush of the log.",
     .syntax = "",
     .help = "Answers when everything written so far, by whomever, is on disk.",
     .run = stave_commit_command},
    {.name = "STAVE.SYNC",
     .arity = between(1, 4),
     .flags = kFast | kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "[ALWAYS | INTERVAL | OS | DEFAULT] [REPLICAS count]",
     .help = "Sets what this session's later writes wait for before they are answered, or returns it: this server's "
             "disk, and those of so many followers.",
     .run = stave_sync_command},
    {.name = "WAIT",
     .arity = exactly(3),
     .flags = kBlocking | kAfterCommit,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "numreplicas timeout",
     .help = "Answers when so many followers have this session's writes, or time is up, with how many do.",
     .run = wait_command,
     .tips = "request_policy:all_shards response_policy:agg_min"},
    {.name = "WAITAOF",
     .arity = exactly(4),
     .flags = kBlocking | kAfterCommit,
     .group = "generic",
     .since = "0.1",
     .cost = "One flush of the log.",
     .syntax = "numlocal numreplicas timeout",
     .help = "Answers when this session's writes are on disk, here and on so many followers.",
     .run = waitaof_command,
     .tips = "request_policy:all_shards response_policy:agg_min"},
};

}  // namespace stave::commands
