// Functions: libraries of scripts that the store keeps, and calls of what they register.
#pragma once

#include "commands/help.h"
#include "commands/script_commands.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> fcall_command(Call& call);
Result<void> fcall_ro_command(Call& call);
Result<void> function_delete_command(Call& call);
Result<void> function_dump_command(Call& call);
Result<void> function_flush_command(Call& call);
Result<void> function_kill_command(Call& call);
Result<void> function_list_command(Call& call);
Result<void> function_load_command(Call& call);
Result<void> function_restore_command(Call& call);
Result<void> function_stats_command(Call& call);

inline constexpr std::uint32_t kFunctionWriteFlags = kNoScript | kWrite | kAfterCommit;

inline constexpr Command kFunctionSubcommands[] = {
    {.name = "DELETE",
     .arity = exactly(3),
     .flags = kFunctionWriteFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the size of all libraries",
     .syntax = "library-name",
     .help = "Removes a library and its functions.",
     .run = function_delete_command,
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {.name = "DUMP",
     .arity = exactly(2),
     .flags = kNoScript | kAfterCommit,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the size of all libraries",
     .syntax = "",
     .help = "Returns all libraries as one payload for FUNCTION RESTORE.",
     .run = function_dump_command},
    {.name = "FLUSH",
     .arity = between(2, 3),
     .flags = kFunctionWriteFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the number of functions",
     .syntax = "[ASYNC | SYNC]",
     .help = "Removes all libraries.",
     .run = function_flush_command,
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    help_row("scripting", answer_help),
    {.name = "KILL",
     .arity = exactly(2),
     .flags = kNoScript | kAfterCommit,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "",
     .help = "Ends the functions that take long and have written nothing yet.",
     .run = function_kill_command,
     .tips = "request_policy:all_shards response_policy:one_succeeded"},
    {.name = "LIST",
     .arity = at_least(2),
     .flags = kNoScript | kAfterCommit,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the number of functions",
     .syntax = "[LIBRARYNAME library-name-pattern] [WITHCODE]",
     .help = "Returns the libraries with their functions.",
     .run = function_list_command,
     .tips = "nondeterministic_output_order"},
    {.name = "LOAD",
     .arity = at_least(3),
     .flags = kFunctionWriteFlags | kGrows,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the size of all libraries",
     .syntax = "[REPLACE] function-code",
     .help = "Loads a library, keeps it in the store, and returns its name.",
     .run = function_load_command,
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {.name = "RESTORE",
     .arity = between(3, 4),
     .flags = kFunctionWriteFlags | kGrows,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the size of all libraries",
     .syntax = "serialized-value [FLUSH | APPEND | REPLACE]",
     .help = "Loads the libraries of a payload.",
     .run = function_restore_command,
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {.name = "STATS",
     .arity = exactly(2),
     .flags = kNoScript | kAfterCommit,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "",
     .help = "Tells how many functions there are, and which script takes long.",
     .run = function_stats_command,
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
};

inline constexpr Command kFunctionCommands[] = {
    {.name = "FCALL",
     .arity = at_least(3),
     .keys = counted_keys_at(2),
     .flags = kEvalFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "Depends on the function.",
     .syntax = "function numkeys [key [key ...]] [arg [arg ...]]",
     .help = "Calls a function of a library as one transaction.",
     .run = fcall_command,
     .key_flags = "RW access update"},
    {.name = "FCALL_RO",
     .arity = at_least(3),
     .keys = counted_keys_at(2),
     .flags = kEvalFlags | kReadOnly,
     .group = "scripting",
     .since = "0.2",
     .cost = "Depends on the function.",
     .syntax = "function numkeys [key [key ...]] [arg [arg ...]]",
     .help = "Like FCALL, of functions that do not write.",
     .run = fcall_ro_command,
     .key_flags = "RO access"},
    {.name = "FUNCTION",
     .arity = at_least(2),
     .group = "scripting",
     .since = "0.2",
     .cost = "Depends on the subcommand.",
     .syntax = "",
     .help = "About the libraries of functions.",
     .subcommands = kFunctionSubcommands},
};

}  // namespace stave::commands
