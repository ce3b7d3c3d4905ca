// Lists, waited for: what pops and moves do, when there is something to be had (waiting/wait.h).
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> blmove_command(Call& call);
Result<void> blmpop_command(Call& call);
Result<void> blpop_command(Call& call);
Result<void> brpop_command(Call& call);
Result<void> brpoplpush_command(Call& call);

inline constexpr Command kBlockingListCommands[] = {
    {.name = "BLMOVE",
     .arity = exactly(6),
     .keys = keys_from(1, 2, 1),
     .flags = kWrite | kGrows | kBlocking | kTogether,
     .group = "list",
     .since = "0.4",
     .cost = "O(1)",
     .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout",
     .help = "As LMOVE, but waits until there is an element, or the time is up.",
     .run = blmove_command,
     .key_flags = "RW access delete | RW insert"},
    {.name = "BLMPOP",
     .arity = at_least(5),
     .keys = counted_keys_at(2),
     .flags = kWrite | kMovableKeys | kBlocking | kTogether,
     .group = "list",
     .since = "0.4",
     .cost = "O(N+M), N the number of keys, M of the elements removed",
     .syntax = "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
     .help = "As LMPOP, but waits until one of the lists has elements, or the time is up.",
     .run = blmpop_command,
     .key_flags = "RW access delete"},
    {.name = "BLPOP",
     .arity = at_least(3),
     .keys = keys_from(1, -2, 1),
     .flags = kWrite | kBlocking | kTogether,
     .group = "list",
     .since = "0.4",
     .cost = "O(N) in the number of keys",
     .syntax = "key [key ...] timeout",
     .help = "Takes the first element of the first list that has any, and waits for one until the time is up.",
     .run = blpop_command,
     .key_flags = "RW access delete"},
    {.name = "BRPOP",
     .arity = at_least(3),
     .keys = keys_from(1, -2, 1),
     .flags = kWrite | kBlocking | kTogether,
     .group = "list",
     .since = "0.4",
     .cost = "O(N) in the number of keys",
     .syntax = "key [key ...] timeout",
     .help = "Takes the last element of the first list that has any, and waits for one until the time is up.",
     .run = brpop_command,
     .key_flags = "RW access delete"},
    {.name = "BRPOPLPUSH",
     .arity = exactly(4),
     .keys = keys_from(1, 2, 1),
     .flags = kWrite | kGrows | kBlocking | kTogether,
     .group = "list",
     .since = "0.4",
     .cost = "O(1)",
     .syntax = "source destination timeout",
     .help = "As RPOPLPUSH, but waits until there is an element, or the time is up.",
     .run = brpoplpush_command,
     .key_flags = "RW access delete | RW insert"},
};

}  // namespace stave::commands
