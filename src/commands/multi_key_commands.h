// Many strings at one instant.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> mget_command(Call& call);
Result<void> mset_command(Call& call);
Result<void> msetex_command(Call& call);
Result<void> msetnx_command(Call& call);

inline constexpr Command kMultiKeyCommands[] = {
    {.name = "MGET",
     .arity = at_least(2),
     .keys = keys_from(1, -1, 1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(N) in the number of keys",
     .syntax = "key [key ...]",
     .help = "Returns the values of several keys, all as of one instant.",
     .run = mget_command,
     .tips = "request_policy:multi_shard"},
    {.name = "MSET",
     .arity = at_least(3),
     .keys = keys_from(1, -1, 2),
     .needs = Needs::kNothing,
     .flags = kWrite | kGrows | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(N) in the number of keys",
     .syntax = "key value [key value ...]",
     .help = "Sets several keys at one instant, all or none.",
     .run = mset_command,
     .tips = "request_policy:multi_shard response_policy:all_succeeded",
     .key_flags = "OW update"},
    {.name = "MSETEX",
     .arity = at_least(4),
     .keys = counted_pairs_at(1),
     .needs = Needs::kNothing,
     .flags = kWrite | kGrows | kMovableKeys | kTogether,
     .group = "string",
     .since = "0.2",
     .cost = "O(N) in the number of keys",
     .syntax = "numkeys key value [key value ...] [NX | XX] [EX seconds [SLIDING] | PX milliseconds [SLIDING] | EXAT "
               "unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
     .help = "Sets several keys and their expiry at one instant, if none of them exists, or all do; returns 1 or 0.",
     .run = msetex_command,
     .tips = "request_policy:multi_shard",
     .key_flags = "OW update"},
    {.name = "MSETNX",
     .arity = at_least(3),
     .keys = keys_from(1, -1, 2),
     .needs = Needs::kNothing,
     .flags = kWrite | kGrows | kTogether,
     .group = "string",
     .since = "0.1",
     .cost = "O(N) in the number of keys",
     .syntax = "key value [key value ...]",
     .help = "Sets several keys at one instant unless any of them exists.",
     .run = msetnx_command,
     .key_flags = "OW update"},
};

}  // namespace stave::commands
