// DUMP and RESTORE: a value as bytes that another store, or redis-server, takes.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> dump_command(Call& call);
Result<void> restore_command(Call& call);

inline constexpr Command kDumpCommands[] = {
    {.name = "DUMP",
     .arity = exactly(2),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(N) in the length of the value",
     .syntax = "key",
     .help = "Returns the value of a key in a form that RESTORE, here or in redis-server, takes.",
     .run = dump_command,
     .tips = "nondeterministic_output"},
    {.name = "RESTORE",
     .arity = at_least(4),
     .keys = key_at(1),
     .needs = Needs::kNothing,
     .flags = kWrite | kGrows | kDangerous | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(N) in the length of the value",
     .syntax = "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]",
     .help = "Creates a key from what DUMP returned.",
     .run = restore_command},
};

}  // namespace stave::commands
