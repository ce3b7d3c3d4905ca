// SENTINEL: what clients made for Redis Sentinel ask it, answered by each server about its own group.
//
// So they find the leader with and without Sentinels: the addresses that they are given may be those of the servers. A
// server knows one group, by the name that group-name says. Must not know: how anybody fails over.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> sentinel_master_address_command(Call& call);
Result<void> sentinel_master_command(Call& call);
Result<void> sentinel_masters_command(Call& call);
Result<void> sentinel_replicas_command(Call& call);
Result<void> sentinel_sentinels_command(Call& call);

inline constexpr std::uint32_t kSentinelFlags = kNoScript | kLoading | kStale;

inline constexpr Command kSentinelSubcommands[] = {
    {.name = "GET-MASTER-ADDR-BY-NAME",
     .arity = exactly(3),
     .flags = kSentinelFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "name",
     .help = "Host and port of the group's leader, as far as this server knows; nothing for another name.",
     .run = sentinel_master_address_command},
    help_row("server", answer_help),
    {.name = "MASTER",
     .arity = exactly(3),
     .flags = kSentinelFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "name",
     .help = "What Sentinel tells of a leader, of the group's.",
     .run = sentinel_master_command},
    {.name = "MASTERS",
     .arity = exactly(2),
     .flags = kSentinelFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .help = "The same for the one group there is.",
     .run = sentinel_masters_command},
    {.name = "REPLICAS",
     .arity = exactly(3),
     .flags = kSentinelFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(number of followers)",
     .syntax = "name",
     .help = "The followers that are connected to this server, or itself if it follows.",
     .run = sentinel_replicas_command},
    {.name = "SENTINELS",
     .arity = exactly(3),
     .flags = kSentinelFlags,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "name",
     .help = "Nobody: whoever asks has found one that answers.",
     .run = sentinel_sentinels_command},
    {.name = "SLAVES",
     .arity = exactly(3),
     .flags = kSentinelFlags,
     .group = "server",
     .since = "0.2",
     .cost = "As REPLICAS.",
     .syntax = "name",
     .help = "Redis' older name for REPLICAS.",
     .run = sentinel_replicas_command},
};

inline constexpr Command kSentinelCommands[] = {
    {.name = "SENTINEL",
     .arity = at_least(2),
     .group = "server",
     .since = "0.2",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "For clients that ask Redis Sentinel who leads: the group of this server.",
     .subcommands = kSentinelSubcommands},
};

}  // namespace stave::commands
