// Lists, several keys at once: elements that go from one list to another, and the first list of several that has any.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> lmove_command(Call& call);
Result<void> lmovem_command(Call& call);
Result<void> lmpop_command(Call& call);
Result<void> rpoplpush_command(Call& call);

inline constexpr Command kListMoveCommands[] = {
    {.name = "LMOVE",
     .arity = exactly(5),
     .keys = keys_from(1, 2, 1),
     .flags = kWrite | kGrows | kTogether,
     .group = "list",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT>",
     .help = "Takes an element from an end of a list, puts it to an end of another or of the same, and returns it.",
     .run = lmove_command,
     .key_flags = "RW access delete | RW insert"},
    {.name = "LMOVEM",
     .arity = at_least(5),
     .keys = keys_from(1, 2, 1),
     .flags = kWrite | kGrows | kTogether,
     .group = "list",
     .since = "0.2",
     .cost = "O(N) in the number of elements moved",
     .syntax = "source destination <LEFT | RIGHT> <LEFT | RIGHT> [<COUNT count | EXACTLY count> <OBO | BULK>]",
     .help = "Moves several elements from a list to another, one by one or in the order they had, and returns them.",
     .run = lmovem_command,
     .key_flags = "RW access delete | RW insert"},
    {.name = "LMPOP",
     .arity = at_least(4),
     .keys = counted_keys_at(1),
     .flags = kWrite | kMovableKeys | kTogether,
     .group = "list",
     .since = "0.2",
     .cost = "O(N+M), N the number of keys, M of the elements removed",
     .syntax = "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]",
     .help = "Removes and returns elements of the first of several lists that has any.",
     .run = lmpop_command,
     .key_flags = "RW access delete"},
    {.name = "RPOPLPUSH",
     .arity = exactly(3),
     .keys = keys_from(1, 2, 1),
     .flags = kWrite | kGrows | kTogether,
     .group = "list",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "source destination",
     .help = "Takes the last element of a list, puts it before the first of another or of the same, and returns it.",
     .run = rpoplpush_command,
     .key_flags = "RW access delete | RW insert"},
};

}  // namespace stave::commands
