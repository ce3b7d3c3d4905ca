// What a server is in the group that shares its store, asked and told.
//
// A server has a `replication::Group`; an embedded store has none, and can only stop following. Must not know: sockets.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> failover_command(Call& call);
Result<void> replicaof_command(Call& call);
Result<void> role_command(Call& call);
Result<void> stave_follow_command(Call& call);

inline constexpr Command kReplicationCommands[] = {
    {.name = "FAILOVER",
     .arity = at_least(1),
     .flags = kAdmin | kNoScript | kStale,
     .group = "server",
     .since = "0.2",
     .cost = "O(1); writers wait until a follower has everything.",
     .syntax = "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]",
     .help = "Lets a follower lead that has everything, and follows it; clients are disconnected.",
     .run = failover_command},
    {.name = "REPLICAOF",
     .arity = exactly(3),
     .flags = kAdmin | kNoScript | kStale | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(1); the store is opened again when it is to follow.",
     .syntax = "host port | NO ONE",
     .help = "Makes the server follow a leader, or lead from now on.",
     .run = replicaof_command},
    {.name = "ROLE",
     .arity = exactly(1),
     .flags = kFast | kNoScript | kLoading | kStale,
     .group = "server",
     .since = "0.2",
     .cost = "O(number of followers)",
     .syntax = "",
     .help = "Whether the server leads and who follows it, or whom it follows and how far it has got.",
     .run = role_command},
    {.name = "SLAVEOF",
     .arity = exactly(3),
     .flags = kAdmin | kNoScript | kStale | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "As REPLICAOF.",
     .syntax = "host port | NO ONE",
     .help = "Redis' older name for REPLICAOF.",
     .run = replicaof_command},
    {.name = "STAVE.FOLLOW",
     .arity = exactly(2),
     .flags = kAdmin | kNoScript,
     .group = "server",
     .since = "0.2",
     .cost = "A thread for as long as the connection lasts.",
     .syntax = "protocol",
     .help = "For followers: makes the connection a stream of the leader's log, in frames.",
     .run = stave_follow_command},
};

}  // namespace stave::commands
