// Members of a sorted set whose places (geo_commands.h) lie in an area.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> georadius_command(Call& call);
Result<void> georadius_ro_command(Call& call);
Result<void> georadiusbymember_command(Call& call);
Result<void> georadiusbymember_ro_command(Call& call);
Result<void> geosearch_command(Call& call);
Result<void> geosearchstore_command(Call& call);

inline constexpr Command kGeoSearchCommands[] = {
    {.name = "GEORADIUS",
     .arity = at_least(6),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kMovableKeys | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(N+log(M)), N members near the area, M in the set",
     .syntax = "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] "
               "[ASC | DESC] [STORE key | STOREDIST key]",
     .help = "Returns or stores the members within a circle; GEOSEARCH came in its place.",
     .run = georadius_command},
    {.name = "GEORADIUSBYMEMBER",
     .arity = at_least(5),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kMovableKeys | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(N+log(M)), N members near the area, M in the set",
     .syntax = "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] "
               "[ASC | DESC] [STORE key | STOREDIST key]",
     .help = "Returns or stores the members within a circle around one of them; GEOSEARCH came in its place.",
     .run = georadiusbymember_command},
    {.name = "GEORADIUSBYMEMBER_RO",
     .arity = at_least(5),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(N+log(M)), N members near the area, M in the set",
     .syntax = "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] "
               "[ASC | DESC]",
     .help = "Returns the members within a circle around one of them.",
     .run = georadiusbymember_ro_command},
    {.name = "GEORADIUS_RO",
     .arity = at_least(6),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(N+log(M)), N members near the area, M in the set",
     .syntax = "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] "
               "[ASC | DESC]",
     .help = "Returns the members within a circle.",
     .run = georadius_ro_command},
    {.name = "GEOSEARCH",
     .arity = at_least(7),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(N+log(M)), N members near the area, M in the set",
     .syntax = "key [FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius <M | KM | FT | MI> | BYBOX "
               "width height <M | KM | FT | MI> | BYPOLYGON num-vertices longitude latitude [longitude latitude ...]> "
               "[ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
     .help = "Returns the members within a circle, a box or a polygon.",
     .run = geosearch_command},
    {.name = "GEOSEARCHSTORE",
     .arity = at_least(8),
     .keys = keys_from(1, 2, 1),
     .needs = Needs::kOtherKeys,
     .flags = kWrite | kGrows | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(N+log(M)), N members near the area, M in the set",
     .syntax = "destination source [FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius <M | KM | FT | "
               "MI> | BYBOX width height <M | KM | FT | MI> | BYPOLYGON num-vertices longitude latitude [longitude "
               "latitude ...]> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
     .help = "Stores the members within a circle, a box or a polygon as another sorted set.",
     .run = geosearchstore_command,
     .key_flags = "OW update | RO access"},
};

}  // namespace stave::commands
