// OBJECT: how a value is kept.
#pragma once

#include "commands/help.h"
#include "commands/table.h"

namespace stave::commands {

Result<void> object_encoding_command(Call& call);
Result<void> object_freq_command(Call& call);
Result<void> object_idletime_command(Call& call);
Result<void> object_refcount_command(Call& call);

inline constexpr Command kObjectSubcommands[] = {
    {.name = "ENCODING",
     .arity = exactly(3),
     .keys = key_at(2),
     .flags = kReadOnly | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1); a look at no more elements than the options for these names say",
     .syntax = "key",
     .help = "Returns the name of the form in which Redis would keep the value of a key.",
     .run = object_encoding_command,
     .tips = "nondeterministic_output",
     .key_flags = "RO"},
    {.name = "FREQ",
     .arity = exactly(3),
     .keys = key_at(2),
     .needs = Needs::kNothing,
     .flags = kReadOnly | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key",
     .help = "Returns how hot a key is, 0 to 7, under a maxmemory-policy that goes by frequency.",
     .run = object_freq_command,
     .tips = "nondeterministic_output"},
    help_row("generic", answer_help),
    {.name = "IDLETIME",
     .arity = exactly(3),
     .keys = key_at(2),
     .needs = Needs::kNothing,
     .flags = kReadOnly | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key",
     .help = "Is refused: what is kept is how often a key was used lately, and not when.",
     .run = object_idletime_command,
     .tips = "nondeterministic_output"},
    {.name = "REFCOUNT",
     .arity = exactly(3),
     .keys = key_at(2),
     .needs = Needs::kNothing,
     .flags = kReadOnly | kTogether,
     .group = "generic",
     .since = "0.1",
     .cost = "O(1)",
     .syntax = "key",
     .help = "Returns 1: no two keys share a value.",
     .run = object_refcount_command,
     .tips = "nondeterministic_output"},
};

inline constexpr Command kObjectCommands[] = {
    {.name = "OBJECT",
     .arity = at_least(2),
     .group = "generic",
     .since = "0.1",
     .cost = "Depends on the subcommand.",
     .syntax = "subcommand [argument ...]",
     .help = "Looks at how the value of a key is kept.",
     .subcommands = kObjectSubcommands},
};

}  // namespace stave::commands
