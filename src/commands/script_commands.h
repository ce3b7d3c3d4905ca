// Scripts: EVAL and its kin, and the cache that they are kept in.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> eval_command(Call& call);
Result<void> eval_ro_command(Call& call);
Result<void> evalsha_command(Call& call);
Result<void> evalsha_ro_command(Call& call);
Result<void> script_exists_command(Call& call);
Result<void> script_flush_command(Call& call);
Result<void> script_kill_command(Call& call);
Result<void> script_load_command(Call& call);
Result<void> script_show_command(Call& call);

inline constexpr std::uint32_t kEvalFlags = kNoScript | kStale | kMovableKeys | kTogether;
inline constexpr std::uint32_t kScriptFlags = kNoScript | kAfterCommit;

inline constexpr Command kScriptSubcommands[] = {
    {.name = "EXISTS",
     .arity = at_least(3),
     .flags = kScriptFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the number of scripts",
     .syntax = "sha1 [sha1 ...]",
     .help = "Tells of each script whether EVALSHA would find it.",
     .run = script_exists_command,
     .tips = "request_policy:all_shards response_policy:agg_logical_and"},
    {.name = "FLUSH",
     .arity = at_least(2),
     .flags = kScriptFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the number of scripts",
     .syntax = "[ASYNC | SYNC]",
     .help = "Forgets all scripts.",
     .run = script_flush_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    help_row("scripting", answer_help),
    {.name = "KILL",
     .arity = exactly(2),
     .flags = kNoScript | kAfterCommit,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "",
     .help = "Ends the scripts that take long and have written nothing yet.",
     .run = script_kill_command,
     .tips = "request_policy:all_shards response_policy:one_succeeded"},
    {.name = "LOAD",
     .arity = exactly(3),
     .flags = kStale | kScriptFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(N) in the length of the script",
     .syntax = "script",
     .help = "Keeps a script for EVALSHA, and returns its SHA1.",
     .run = script_load_command,
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = "SHOW",
     .arity = exactly(3),
     .flags = kScriptFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "O(1)",
     .syntax = "sha1",
     .help = "Returns the text of a script.",
     .run = script_show_command},
};

inline constexpr Command kScriptCommands[] = {
    {.name = "EVAL",
     .arity = at_least(3),
     .keys = counted_keys_at(2),
     .flags = kEvalFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "Depends on the script.",
     .syntax = "script numkeys [key [key ...]] [arg [arg ...]]",
     .help = "Runs a script in Lua as one transaction.",
     .run = eval_command,
     .key_flags = "RW access update"},
    {.name = "EVALSHA",
     .arity = at_least(3),
     .keys = counted_keys_at(2),
     .flags = kEvalFlags,
     .group = "scripting",
     .since = "0.2",
     .cost = "Depends on the script.",
     .syntax = "sha1 numkeys [key [key ...]] [arg [arg ...]]",
     .help = "Runs a script that was sent before, by its SHA1.",
     .run = evalsha_command,
     .key_flags = "RW access update"},
    {.name = "EVALSHA_RO",
     .arity = at_least(3),
     .keys = counted_keys_at(2),
     .flags = kEvalFlags | kReadOnly,
     .group = "scripting",
     .since = "0.2",
     .cost = "Depends on the script.",
     .syntax = "sha1 numkeys [key [key ...]] [arg [arg ...]]",
     .help = "Like EVALSHA, and the script may not write.",
     .run = evalsha_ro_command,
     .key_flags = "RO access"},
    {.name = "EVAL_RO",
     .arity = at_least(3),
     .keys = counted_keys_at(2),
     .flags = kEvalFlags | kReadOnly,
     .group = "scripting",
     .since = "0.2",
     .cost = "Depends on the script.",
     .syntax = "script numkeys [key [key ...]] [arg [arg ...]]",
     .help = "Like EVAL, and the script may not write.",
     .run = eval_ro_command,
     .key_flags = "RO access"},
    {.name = "SCRIPT",
     .arity = at_least(2),
     .group = "scripting",
     .since = "0.2",
     .cost = "Depends on the subcommand.",
     .syntax = "",
     .help = "About the scripts that are kept.",
     .subcommands = kScriptSubcommands},
};

}  // namespace stave::commands
