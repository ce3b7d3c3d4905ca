// The life of the log and its copies: images of the index, cleaning, snapshot files.
//
// What takes long is done elsewhere where the door can wait (errands.h); the answer comes when it is done.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> bgrewriteaof_command(Call& call);
Result<void> bgsave_command(Call& call);
Result<void> lastsave_command(Call& call);
Result<void> save_command(Call& call);
Result<void> snapshot_command(Call& call);
Result<void> stave_checkpoint_command(Call& call);
Result<void> stave_clean_command(Call& call);

inline constexpr std::uint32_t kLifeFlags = kAdmin | kNoScript;

inline constexpr Command kLifeCommands[] = {
    {.name = "BGREWRITEAOF",
     .arity = exactly(1),
     .flags = kLifeFlags | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(1); the cleaning reads the log in the background.",
     .syntax = "",
     .help = "Redis' name for STAVE.CLEAN.",
     .run = bgrewriteaof_command},
    {.name = "BGSAVE",
     .arity = between(1, 2),
     .flags = kLifeFlags | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(1); the snapshot reads everything in the background.",
     .syntax = "[SCHEDULE]",
     .help = "Begins to write a snapshot to snapshot-file.",
     .run = bgsave_command},
    {.name = "LASTSAVE",
     .arity = exactly(1),
     .flags = kFast | kLoading | kStale | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the Unix time of the last good snapshot, or of the start when there is none.",
     .run = lastsave_command,
     .tips = "nondeterministic_output"},
    {.name = "SAVE",
     .arity = exactly(1),
     .flags = kLifeFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) with N the number of keys.",
     .syntax = "",
     .help =
         "Writes a snapshot to snapshot-file and answers when it is on disk; other connections are served meanwhile.",
     .run = save_command},
    {.name = "SNAPSHOT",
     .arity = between(1, 3),
     .flags = kLifeFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) with N the number of keys.",
     .syntax = "[name] [JSON | BINARY | NDJSON]",
     .help = "Writes everything as it is at one moment to a file in snapshot-dir and answers when it is on disk.",
     .run = snapshot_command},
    {.name = "STAVE.CHECKPOINT",
     .arity = exactly(1),
     .flags = kLifeFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) with N the number of keys.",
     .syntax = "",
     .help = "Writes an image of the index, from which the next start begins, and returns what it took.",
     .run = stave_checkpoint_command},
    {.name = "STAVE.CLEAN",
     .arity = between(1, 2),
     .flags = kLifeFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(1); with WAIT, O(N) with N the bytes of the log.",
     .syntax = "[WAIT]",
     .help = "Gives back the space of everything overwritten and deleted; with WAIT, answers when done, with figures.",
     .run = stave_clean_command},
};

}  // namespace stave::commands
