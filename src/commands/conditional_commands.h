// Deleting a string only when it is, or is not, what the caller thinks, and the digest by which that can be said.
#pragma once

#include "commands/table.h"

namespace stave::commands {

Result<void> delex_command(Call& call);
Result<void> delifeq_command(Call& call);
Result<void> digest_command(Call& call);

/// DELEX: whether there is a condition.
bool delex_needs_value(std::span<const std::string_view> arguments) noexcept;

inline constexpr Command kConditionalCommands[] = {
    {.name = "DELEX",
     .arity = between(2, 4),
     .keys = key_at(1),
     .needs_if = delex_needs_value,
     .flags = kWrite | kFast | kTogether,
     .group = "string",
     .since = "0.2",
     .cost = "O(1); O(N) in the length of the value to compare it or to make its digest",
     .syntax = "key [IFEQ comparison-value | IFNE comparison-value | IFDEQ digest | IFDNE digest]",
     .help = "Removes a key, if a condition on its value, or on the digest of that, holds; returns 1 or 0.",
     .run = delex_command},
    {.name = "DELIFEQ",
     .arity = exactly(3),
     .keys = key_at(1),
     .flags = kWrite | kFast | kTogether,
     .group = "string",
     .since = "0.2",
     .cost = "O(N) in the length of the value",
     .syntax = "key value",
     .help = "Removes a key if it holds that value; returns 1 or 0.",
     .run = delifeq_command},
    {.name = "DIGEST",
     .arity = exactly(2),
     .keys = key_at(1),
     .flags = kReadOnly | kFast | kTogether,
     .group = "string",
     .since = "0.2",
     .cost = "O(N) in the length of the value",
     .syntax = "key",
     .help = "Returns the digest of the value of a key: XXH3-64 in 16 hexadecimal digits.",
     .run = digest_command},
};

}  // namespace stave::commands
