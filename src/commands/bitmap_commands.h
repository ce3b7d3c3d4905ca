// Strings as rows of bits.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> bitcount_command(Call& call);
Result<void> bitop_command(Call& call);
Result<void> bitpos_command(Call& call);
Result<void> getbit_command(Call& call);
Result<void> setbit_command(Call& call);

inline constexpr Command kBitmapCommands[] = {
    {.name = "BITCOUNT",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "bitmap",
     .since = "0.2",
     .cost = "O(N)",
     .syntax = "key [start [end [BYTE | BIT]]]",
     .help = "Counts the bits that are set in a string, or in a part of it.",
     .run = bitcount_command},
    {.name = "BITOP",
     .arity = at_least(4),
     .keys = keys_from(2, -1, 1),
     .needs = Needs::kOtherKeys,
     .flags = kWrite | kGrows | kTogether,
     .group = "bitmap",
     .since = "0.2",
     .cost = "O(N)",
     .syntax = "<AND | OR | XOR | NOT | DIFF | DIFF1 | ANDOR | ONE> destkey key [key ...]",
     .help = "Combines strings bit by bit and stores the result; returns its length.",
     .run = bitop_command,
     .key_flags = "OW update | RO access"},
    {.name = "BITPOS",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "bitmap",
     .since = "0.2",
     .cost = "O(N)",
     .syntax = "key bit [start [end [BYTE | BIT]]]",
     .help = "Returns the place of the first bit that is set, or clear, in a string or in a part of it.",
     .run = bitpos_command},
    {.name = "GETBIT",
     .arity = exactly(3),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "bitmap",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key offset",
     .help = "Returns a bit of a string; those behind its end are 0.",
     .run = getbit_command},
    {.name = "SETBIT",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "bitmap",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key offset value",
     .help = "Sets or clears a bit of a string, which grows as needed; returns what it was.",
     .run = setbit_command,
     .key_flags = "RW access update"},
};

}  // namespace stave::commands
