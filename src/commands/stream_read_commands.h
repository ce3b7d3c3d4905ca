// Reading what came to streams: everything behind an id, or what a group has not been given yet.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> xread_command(Call& call);
Result<void> xreadgroup_command(Call& call);

inline constexpr Command kStreamReadCommands[] = {
    {.name = "XREAD",
     .arity = at_least(4),
     .keys = keys_of_streams(1),
     .flags = kReadOnly | kMovableKeys | kBlocking | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of entries returned",
     .syntax =
         "[COUNT count] [MAXCOUNT maxcount] [MAXSIZE maxsize] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
     .help =
         "Returns the entries of streams behind an id each; $ is the last one so far, + asks for the last entry alone.",
     .run = xread_command},
    {.name = "XREADGROUP",
     .arity = at_least(7),
     .keys = keys_of_streams(4),
     .flags = kWrite | kMovableKeys | kBlocking | kTogether,
     .group = "stream",
     .since = "0.2",
     .cost = "O(N) in the number of entries returned",
     .syntax = "GROUP group consumer [COUNT count] [MAXCOUNT maxcount] [MAXSIZE maxsize] [BLOCK milliseconds] "
               "[CLAIM min-idle-time] [NOACK] STREAMS key [key ...] id [id ...]",
     .help =
         "Returns what a group has not been given yet (>) and notes to whom it was, or what a consumer has pending.",
     .run = xreadgroup_command,
     .key_flags = "RW access update"},
};

}  // namespace stave::commands
