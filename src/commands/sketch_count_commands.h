// Count-min sketches: how often was this added?
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> cms_incrby_command(Call& call);
Result<void> cms_info_command(Call& call);
Result<void> cms_initbydim_command(Call& call);
Result<void> cms_initbyprob_command(Call& call);
Result<void> cms_merge_command(Call& call);
Result<void> cms_query_command(Call& call);

inline constexpr Command kCountMinCommands[] = {
    {.name = "CMS.INCRBY",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "cms",
     .since = "0.2",
     .cost = "O(N*D), N the number of items, D of rows",
     .syntax = "key item increment [item increment ...]",
     .help = "Adds to the counts of items; returns what they are about then.",
     .run = cms_incrby_command},
    {.name = "CMS.INFO",
     .arity = exactly(2),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "cms",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key",
     .help = "Describes a count-min sketch.",
     .run = cms_info_command},
    {.name = "CMS.INITBYDIM",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "cms",
     .since = "0.2",
     .cost = "O(N), N the bytes",
     .syntax = "key width depth",
     .help = "Makes a count-min sketch of so many counters in so many rows.",
     .run = cms_initbydim_command},
    {.name = "CMS.INITBYPROB",
     .arity = exactly(4),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "cms",
     .since = "0.2",
     .cost = "O(N), N the bytes",
     .syntax = "key error probability",
     .help = "Makes a count-min sketch whose counts are too large by more than that part of all, with that chance.",
     .run = cms_initbyprob_command},
    {.name = "CMS.MERGE",
     .arity = at_least(4),
     .keys = key_and_counted_keys_at(1),
     .flags = kWrite | kGrows | kMovableKeys | kTogether,
     .group = "cms",
     .since = "0.2",
     .cost = "O(N*K), N the bytes, K the number of sources",
     .syntax = "destination numkeys source [source ...] [WEIGHTS weight [weight ...]]",
     .help = "Makes a count-min sketch the sum of several of its shape.",
     .run = cms_merge_command,
     .key_flags = "RW update | RO access"},
    {.name = "CMS.QUERY",
     .arity = at_least(3),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "cms",
     .since = "0.2",
     .cost = "O(N*D), N the number of items, D of rows",
     .syntax = "key item [item ...]",
     .help = "Returns about how often items were counted.",
     .run = cms_query_command},
};

}  // namespace stave::commands
