// Sorted sets as maps: members that have a place on the earth, which is their score.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> geoadd_command(Call& call);
Result<void> geodist_command(Call& call);
Result<void> geohash_command(Call& call);
Result<void> geopos_command(Call& call);

inline constexpr Command kGeoCommands[] = {
    {.name = "GEOADD",
     .arity = at_least(5),
     .keys = key_at(1),
     .flags = kWrite | kGrows | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(log(N)) for each member",
     .syntax = "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]",
     .help = "Adds members with their places to a sorted set, or gives those that are there their new places.",
     .run = geoadd_command},
    {.name = "GEODIST",
     .arity = at_least(4),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "key member1 member2 [M | KM | FT | MI]",
     .help = "Returns the distance between two members.",
     .run = geodist_command},
    {.name = "GEOHASH",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(1) for each member",
     .syntax = "key [member [member ...]]",
     .help = "Returns the places of members as standard geohashes.",
     .run = geohash_command},
    {.name = "GEOPOS",
     .arity = at_least(2),
     .keys = key_at(1),
     .flags = kReadOnly | kTogether,
     .group = "geo",
     .since = "0.2",
     .cost = "O(1) for each member",
     .syntax = "key [member [member ...]]",
     .help = "Returns the longitudes and latitudes of members.",
     .run = geopos_command},
};

}  // namespace stave::commands
