// The past: what happened to a key, what it held, putting it back, making it unrecoverable, and backups of all of it.
//
// What reads much of the log is done elsewhere where the door can wait (errands.h).
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> stave_backup_command(Call& call);
Result<void> stave_getat_command(Call& call);
Result<void> stave_history_command(Call& call);
Result<void> stave_purge_command(Call& call);
Result<void> stave_revert_command(Call& call);

inline constexpr Command kHistoryCommands[] = {
    {.name = "STAVE.BACKUP",
     .arity = exactly(2),
     .flags = kAdmin | kNoScript,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) in the bytes of the log that are not in the backup yet.",
     .syntax = "directory | STATUS",
     .help =
         "Backs everything up into a directory of the server's machine, or adds what is new to a backup there; STATUS "
         "tells what became of the last one and when the next is due (a directory of that name is ./STATUS).",
     .run = stave_backup_command},
    {.name = "STAVE.GETAT",
     .arity = exactly(4),
     .keys = key_at(1),
     .needs = Needs::kNothing,
     .flags = kReadOnly,
     .group = "generic",
     .since = "0.2",
     .cost = "A read for each later version of the key; a search of the log when it was deleted since.",
     .syntax = "key <LSN lsn | TIME time>",
     .help = "Returns the value that a key had at a point of the past; of a collection, all that was in it.",
     .run = stave_getat_command,
     .key_flags = "RO access"},
    {.name = "STAVE.HISTORY",
     .arity = between(2, 4),
     .keys = key_at(1),
     .needs = Needs::kNothing,
     .flags = kReadOnly,
     .group = "generic",
     .since = "0.2",
     .cost = "A read for each version of the key; a search of the log for what was before it was created.",
     .syntax = "key [COUNT count]",
     .help = "Lists what happened to a key, newest first: LSN, time, kind, size and expiry of each version.",
     .run = stave_history_command,
     .key_flags = "RO access"},
    {.name = "STAVE.PURGE",
     .arity = at_least(2),
     .keys = keys_from(1, -1, 1),
     .needs = Needs::kNothing,
     .flags = kAdmin | kNoScript,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) in the bytes of the log.",
     .syntax = "key [key ...]",
     .help = "Removes from the store's files all that keys held and hold no more, and every other past with it.",
     .run = stave_purge_command,
     .key_flags = "RW delete"},
    {.name = "STAVE.REVERT",
     .arity = exactly(4),
     .keys = key_at(1),
     .needs = Needs::kNothing,
     .flags = kWrite | kGrows,
     .group = "generic",
     .since = "0.2",
     .cost = "As STAVE.GETAT.",
     .syntax = "key <LSN lsn | TIME time>",
     .help = "Makes a key what it was at a point of the past; returns 1, or 0 when it was like that already.",
     .run = stave_revert_command,
     .key_flags = "RW access update"},
};

}  // namespace stave::commands
