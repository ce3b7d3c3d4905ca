// The HELP subcommand, made from the rows it lists.
#pragma once

#include "commands/call.h"
#include "commands/table.h"

namespace stave::commands {

/// Answers the lines of `<container> HELP`; the container is the call's own command.
Result<void> answer_help(Call& call);

/// A row for HELP, the same in every container.
constexpr Command help_row(std::string_view group, Handler run) {
  return {.name = "HELP",
          .arity = exactly(2),
          .flags = kLoading | kStale | kAfterCommit,
          .group = group,
          .since = "0.1",
          .cost = "O(1)",
          .syntax = "",
          .help = "Prints this help.",
          .run = run};
}

}  // namespace stave::commands
