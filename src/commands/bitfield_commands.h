// Strings as rows of integers of any width.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> bitfield_command(Call& call);
Result<void> bitfield_ro_command(Call& call);

inline constexpr Command kBitfieldCommands[] = {
    {.name = "BITFIELD",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "bitmap",
     .since = "0.2",
     .cost = "O(1) for each operation",
     .syntax = "key [<GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY "
               "encoding offset increment>> ...]",
     .help = "Reads and changes integers of any width in a string, which grows as needed.",
     .run = bitfield_command,
     .key_flags = "RW access update"},
    {.name = "BITFIELD_RO",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "bitmap",
     .since = "0.2",
     .cost = "O(1) for each operation",
     .syntax = "key [GET encoding offset ...]",
     .help = "Reads integers of any width in a string.",
     .run = bitfield_ro_command},
};

}  // namespace stave::commands
