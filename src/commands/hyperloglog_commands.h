// HyperLogLogs: strings that count different texts.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> pfadd_command(Call& call);
Result<void> pfcount_command(Call& call);
Result<void> pfdebug_command(Call& call);
Result<void> pfmerge_command(Call& call);
Result<void> pfselftest_command(Call& call);

inline constexpr Command kHyperLogLogCommands[] = {
    {.name = "PFADD",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kFast | kTogether,
     .group = "hyperloglog",
     .since = "0.2",
     .cost = "O(1) for each element",
     .syntax = "key [element [element ...]]",
     .help = "Adds elements to a HyperLogLog; returns whether its count may have changed.",
     .run = pfadd_command},
    {.name = "PFCOUNT",
     .arity = at_least(2),
     .keys = keys_from(1, -1, 1),
     .flags = kReadOnly | kTogether,
     .group = "hyperloglog",
     .since = "0.2",
     .cost = "O(1) for one key whose count is known, else O(N) in the keys",
     .syntax = "key [key ...]",
     .help = "Returns about how many different elements were added to one or several HyperLogLogs together.",
     .run = pfcount_command,
     .key_flags = "RW access"},
    {.name = "PFDEBUG",
     .arity = exactly(3),
     .keys = key_at(2),
     .flags = kWrite | kGrows | kAdmin | kDangerous | kTogether,
     .group = "hyperloglog",
     .since = "0.2",
     .cost = "O(N)",
     .syntax = "<GETREG | DECODE | ENCODING | TODENSE> key",
     .help = "Shows what a HyperLogLog consists of, for tests.",
     .run = pfdebug_command,
     .key_flags = "RW access update"},
    {.name = "PFMERGE",
     .arity = at_least(2),
     .keys = keys_from(1, -1, 1),
     .flags = kWrite | kGrows | kTogether,
     .group = "hyperloglog",
     .since = "0.2",
     .cost = "O(N) in the keys",
     .syntax = "destkey [sourcekey [sourcekey ...]]",
     .help = "Adds to a HyperLogLog what was added to others.",
     .run = pfmerge_command,
     .key_flags = "RW access update | RO access"},
    {.name = "PFSELFTEST",
     .arity = exactly(1),
     .keys = no_keys(),
     .flags = kReadOnly | kAdmin | kDangerous | kTogether,
     .group = "hyperloglog",
     .since = "0.2",
     .cost = "O(1), some milliseconds",
     .syntax = "",
     .help = "Compares the two forms of HyperLogLogs with each other and with what was added.",
     .run = pfselftest_command},
};

}  // namespace stave::commands
