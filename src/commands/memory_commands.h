// MEMORY: where the bytes are.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> memory_doctor_command(Call& call);
Result<void> memory_malloc_stats_command(Call& call);
Result<void> memory_purge_command(Call& call);
Result<void> memory_stats_command(Call& call);
Result<void> memory_usage_command(Call& call);

inline constexpr Command kMemorySubcommands[] = {
    {.name = "DOCTOR",
     .arity = exactly(2),
     .flags = kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns what the figures say, for a person.",
     .run = memory_doctor_command,
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
    help_row("server", answer_help),
    {.name = "MALLOC-STATS",
     .arity = exactly(2),
     .flags = kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns the figures of the memory in which entries lie.",
     .run = memory_malloc_stats_command,
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
    {.name = "PURGE",
     .arity = exactly(2),
     .flags = kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Does nothing: memory goes back to the system by itself.",
     .run = memory_purge_command,
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {.name = "STATS",
     .arity = exactly(2),
     .flags = kAfterCommit,
     .group = "server",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns where the bytes are.",
     .run = memory_stats_command,
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
    {.name = "USAGE",
     .arity = at_least(3),
     .keys = key_at(2),
     .needs = Needs::kNothing,
     .flags = kReadOnly | kTogether,
     .group = "server",
     .since = "0.1",
     .cost = "O(1); of a large collection O(N) in the number of its pages",
     .syntax = "key [SAMPLES count]",
     .help = "Returns how many bytes a key and its value take.",
     .run = memory_usage_command},
};

inline constexpr Command kMemoryCommands[] = {
    {.name = "MEMORY",
     .arity = at_least(2),
     .group = "server",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Shows where the bytes are.",
     .subcommands = kMemorySubcommands},
};

}  // namespace stave::commands
