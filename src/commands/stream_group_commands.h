// Groups of consumers of a stream: made, moved and removed, what is acknowledged, and what is not.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> xack_command(Call& call);
Result<void> xgroup_create_command(Call& call);
Result<void> xgroup_createconsumer_command(Call& call);
Result<void> xgroup_delconsumer_command(Call& call);
Result<void> xgroup_destroy_command(Call& call);
Result<void> xgroup_setid_command(Call& call);
Result<void> xpending_command(Call& call);

inline constexpr Command kXgroupSubcommands[] = {
    {.name = "CREATE",
     .arity = at_least(5),
     .keys = key_at(2),
     .flags = kWrite | kGrows | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]",
     .help = "Creates a group of a stream that is to be given what comes behind an id.",
     .run = xgroup_create_command,
     .key_flags = "RW insert"},
    {.name = "CREATECONSUMER",
     .arity = exactly(5),
     .keys = key_at(2),
     .flags = kWrite | kGrows | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key group consumer",
     .help = "Creates a consumer of a group; returns whether there was none of that name.",
     .run = xgroup_createconsumer_command,
     .key_flags = "RW insert"},
    {.name = "DELCONSUMER",
     .arity = exactly(5),
     .keys = key_at(2),
     .flags = kWrite | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of entries the consumer has pending",
     .syntax = "key group consumer",
     .help = "Removes a consumer and what it has pending; returns how much that was.",
     .run = xgroup_delconsumer_command,
     .key_flags = "RW delete"},
    {.name = "DESTROY",
     .arity = exactly(4),
     .keys = key_at(2),
     .flags = kWrite | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of entries pending, whole pages at once",
     .syntax = "key group",
     .help = "Removes a group with its consumers and what they have pending; returns whether it was there.",
     .run = xgroup_destroy_command,
     .key_flags = "RW delete"},
    help_row("stream", answer_help),
    {.name = "SETID",
     .arity = at_least(5),
     .keys = key_at(2),
     .flags = kWrite | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key group <id | $> [ENTRIESREAD entries-read]",
     .help = "Sets behind which id a group is to be given what comes.",
     .run = xgroup_setid_command,
     .key_flags = "RW update"},
};

inline constexpr Command kStreamGroupCommands[] = {
    {.name = "XACK",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of ids given",
     .syntax = "key group id [id ...]",
     .help = "Acknowledges entries that a group was given; returns how many it had pending.",
     .run = xack_command,
     .key_flags = "RW delete"},
    {.name = "XGROUP",
     .arity = at_least(2),
     .keys = no_keys(),
     .flags = kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Manages groups of consumers of a stream.",
     .subcommands = kXgroupSubcommands},
    {.name = "XPENDING",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of entries returned, or looked at with IDLE; a summary: in the number of consumers",
     .syntax = "key group [[IDLE min-idle-time] start end count [consumer]]",
     .help = "Returns what a group was given and has not acknowledged: a summary, or one by one.",
     .run = xpending_command,
     .tips = "nondeterministic_output"},
};

}  // namespace stave::commands
