// Keys that go to another name or another database.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> copy_command(Call& call);
Result<void> move_command(Call& call);
Result<void> rename_command(Call& call);
Result<void> renamenx_command(Call& call);

inline constexpr Command kMoveCommands[] = {
    {.name = "COPY",
     .arity = at_least(3),
     .keys = keys_from(1, 2, 1),
     .needs = Needs::kFirstKey,
     .flags = kWrite | kGrows | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(N) in the length of the value",
     .syntax = "source destination [DB destination-db] [REPLACE]",
     .help = "Copies the value and the expiry of a key to another key.",
     .run = copy_command,
     .key_flags = "RO access | OW update"},
    {.name = "MOVE",
     .arity = exactly(3),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key db",
     .help = "Moves a key to another database unless the key exists there.",
     .run = move_command,
     .key_flags = "RW access delete"},
    {.name = "RENAME",
     .arity = exactly(3),
     .keys = keys_from(1, 2, 1),
     .needs = Needs::kFirstKey,
     .flags = kWrite | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key newkey",
     .help = "Gives a key another name, replacing what had that name.",
     .run = rename_command,
     .key_flags = "RW access delete | OW update"},
    {.name = "RENAMENX",
     .arity = exactly(3),
     .keys = keys_from(1, 2, 1),
     .needs = Needs::kFirstKey,
     .flags = kWrite | kFast | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key newkey",
     .help = "Gives a key another name unless that name is taken.",
     .run = renamenx_command,
     .key_flags = "RW access delete | OW update"},
};

}  // namespace stave::commands
