// Transactions of several calls: MULTI, EXEC, DISCARD, and what a transaction depends on: WATCH, UNWATCH.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> discard_command(Call& call);
Result<void> exec_command(Call& call);
Result<void> multi_command(Call& call);
Result<void> unwatch_command(Call& call);
Result<void> watch_command(Call& call);

inline constexpr std::uint32_t kMultiFlags = kFast | kNoScript | kLoading | kStale;

inline constexpr Command kMultiCommands[] = {
    {.name = "DISCARD",
     .arity = exactly(1),
     .flags = kMultiFlags | kNotQueued,
     .group = "transactions",
     .since = "0.3",
     .cost = "O(N) in the number of queued commands",
     .syntax = "",
     .help = "Forgets the commands that were queued since MULTI, and what is watched.",
     .run = discard_command},
    {.name = "EXEC",
     .arity = exactly(1),
     .flags = kNoScript | kLoading | kStale | kNotQueued,
     .group = "transactions",
     .since = "0.3",
     .cost = "Depends on the queued commands.",
     .syntax = "",
     .help = "Runs the commands that were queued since MULTI as one transaction, unless a watched key was changed.",
     .run = exec_command},
    {.name = "MULTI",
     .arity = between(1, 2),
     .flags = kMultiFlags | kNotQueued,
     .group = "transactions",
     .since = "0.3",
     .cost = "O(1)",
     .syntax = "[ROLLBACK]",
     .help = "Lets the commands that follow be queued for EXEC; with ROLLBACK, an error of one will undo all.",
     .run = multi_command},
    {.name = "UNWATCH",
     .arity = exactly(1),
     .flags = kMultiFlags | kAfterCommit,
     .group = "transactions",
     .since = "0.3",
     .cost = "O(N) in the number of watched keys",
     .syntax = "",
     .help = "Forgets what is watched.",
     .run = unwatch_command},
    {.name = "WATCH",
     .arity = at_least(2),
     .keys = keys_from(1, -1, 1),
     .needs = Needs::kNothing,
     .flags = kMultiFlags | kNotQueued,
     .group = "transactions",
     .since = "0.3",
     .cost = "O(N) in the number of keys",
     .syntax = "key [key ...]",
     .help = "Lets the next EXEC do nothing if one of the keys was changed meanwhile.",
     .run = watch_command,
     .key_flags = "RO"},
};

}  // namespace stave::commands
