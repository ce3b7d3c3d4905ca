// Strings that are numbers: counting up and down.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> decr_command(Call& call);
Result<void> decrby_command(Call& call);
Result<void> incr_command(Call& call);
Result<void> incrby_command(Call& call);
Result<void> incrbyfloat_command(Call& call);

inline constexpr Command kStringNumberCommands[] = {
    {.name = "DECR",
     .arity = exactly(2),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key",
     .help = "Takes one off the integer value of a key; an absent key counts as 0.",
     .run = decr_command,
     .key_flags = "RW access update"},
    {.name = "DECRBY",
     .arity = exactly(3),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key decrement",
     .help = "Takes a number off the integer value of a key; an absent key counts as 0.",
     .run = decrby_command,
     .key_flags = "RW access update"},
    {.name = "INCR",
     .arity = exactly(2),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key",
     .help = "Adds one to the integer value of a key; an absent key counts as 0.",
     .run = incr_command,
     .key_flags = "RW access update"},
    {.name = "INCRBY",
     .arity = exactly(3),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key increment",
     .help = "Adds a number to the integer value of a key; an absent key counts as 0.",
     .run = incrby_command,
     .key_flags = "RW access update"},
    {.name = "INCRBYFLOAT",
     .arity = exactly(3),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key increment",
     .help = "Adds a number to the floating-point value of a key; an absent key counts as 0.",
     .run = incrbyfloat_command,
     .key_flags = "RW access update"},
};

}  // namespace stave::commands
