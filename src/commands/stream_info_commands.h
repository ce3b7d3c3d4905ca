// XINFO: what is known of a stream, its groups and their consumers.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> xinfo_consumers_command(Call& call);
Result<void> xinfo_groups_command(Call& call);
Result<void> xinfo_stream_command(Call& call);

inline constexpr Command kXinfoSubcommands[] = {
    {.name = "CONSUMERS",
     .arity = exactly(4),
     .keys = key_at(2),
     .flags = kReadOnly | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of consumers",
     .syntax = "key group",
     .help = "Returns of each consumer of a group how much it has pending, and since when it was not heard of.",
     .run = xinfo_consumers_command,
     .tips = "nondeterministic_output"},
    {.name = "GROUPS",
     .arity = exactly(3),
     .keys = key_at(2),
     .flags = kReadOnly | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of groups",
     .syntax = "key",
     .help = "Returns of each group of a stream how far it is, how much it has pending and how much is to come.",
     .run = xinfo_groups_command},
    help_row("stream", answer_help),
    {.name = "STREAM",
     .arity = at_least(3),
     .keys = key_at(2),
     .flags = kReadOnly | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(1); FULL: O(N) in the number of entries, groups and consumers returned",
     .syntax = "key [FULL [COUNT count]]",
     .help = "Returns what is known of a stream; FULL: with entries, groups, consumers and what they have pending.",
     .run = xinfo_stream_command},
};

inline constexpr Command kStreamInfoCommands[] = {
    {.name = "XINFO",
     .arity = at_least(2),
     .keys = no_keys(),
     .flags = kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Tells what is known of streams.",
     .subcommands = kXinfoSubcommands},
};

}  // namespace stave::commands
