// A row of the table in the two shapes in which COMMAND answers it.
#pragma once

#include <string_view>
#include <vector>

#include "commands/sink.h"
#include "commands/table.h"

namespace stave::commands {

/// Name, arity, flags, key positions, access categories, tips, key specifications, subcommands.
void answer_command_info(Sink& reply, const Command& row);
/// A map of summary, since, group, complexity, arguments, subcommands.
void answer_command_docs(Sink& reply, const Command& row);
/// What a command does with its first key, or with the others ("RO", "access").
std::vector<std::string_view> key_flags(const Command& row, bool first);

}  // namespace stave::commands
