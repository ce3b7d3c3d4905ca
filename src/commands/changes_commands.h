// Change streams: what happened in the store behind a position, consumers that have a name, and waiting for a position.
//
// docs/changes.md says what is told and what is promised.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> stave_changes_command(Call& call);
Result<void> stave_consumer_ack_command(Call& call);
Result<void> stave_consumer_create_command(Call& call);
Result<void> stave_consumer_drop_command(Call& call);
Result<void> stave_consumer_list_command(Call& call);
Result<void> stave_lastlsn_command(Call& call);
Result<void> stave_waitlsn_command(Call& call);

inline constexpr Command kConsumerSubcommands[] = {
    {.name = "ACK",
     .arity = exactly(4),
     .flags = kWrite | kNoScript,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "name lsn",
     .help = "Notes that a consumer is done with every change up to a position; returns the position known then.",
     .run = stave_consumer_ack_command},
    {.name = "CREATE",
     .arity = between(3, 5),
     .flags = kWrite | kNoScript,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) in the number of consumers",
     .syntax = "name [FROM <lsn | - | $>]",
     .help = "Makes a consumer of the store's changes, which begins at a position, or with what comes from now on.",
     .run = stave_consumer_create_command},
    {.name = "DROP",
     .arity = exactly(3),
     .flags = kWrite | kNoScript,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "name",
     .help = "Removes a consumer: 1, or 0 when there was none. The log is kept for it no longer.",
     .run = stave_consumer_drop_command},
    help_row("server", answer_help),
    {.name = "LIST",
     .arity = exactly(2),
     .flags = kReadOnly | kNoScript,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) in the number of consumers",
     .help =
         "Lists the consumers: position, how far behind the end it is, and whether the log still reaches back to it.",
     .run = stave_consumer_list_command},
};

inline constexpr Command kChangesCommands[] = {
    {.name = "STAVE.CHANGES",
     .arity = at_least(3),
     .flags = kReadOnly | kBlocking | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(N) in the bytes of the log from the position on that are looked at.",
     .syntax =
         "<FROM <lsn | - | $> | CONSUMER name> [COUNT count] [BLOCK milliseconds] [PREFIX prefix | MATCH pattern] "
         "[TYPE type] [DB index] [VALUES]",
     .help = "Returns the changes behind a position, in order, and the position to go on from; - is the oldest, $ now.",
     .run = stave_changes_command},
    {.name = "STAVE.CONSUMER",
     .arity = at_least(2),
     .group = "server",
     .since = "0.2",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Named readers of the store's changes.",
     .subcommands = kConsumerSubcommands},
    {.name = "STAVE.LASTLSN",
     .arity = exactly(1),
     .flags = kFast | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "",
     .help = "Returns a position that has everything this session wrote; 0 when it wrote nothing.",
     .run = stave_lastlsn_command},
    {.name = "STAVE.WAITLSN",
     .arity = exactly(3),
     .flags = kBlocking | kAfterCommit,
     .group = "server",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "lsn milliseconds",
     .help =
         "Answers 1 once this node has everything up to a position, or 0 when time is up; 0 milliseconds: for ever.",
     .run = stave_waitlsn_command},
};

}  // namespace stave::commands
