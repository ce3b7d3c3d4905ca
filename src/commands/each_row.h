// All rows of the table of commands, those of subcommands too.
#pragma once

#include "commands/table.h"

namespace stave::commands {

template <class Visit>
void for_each_row(Visit&& visit) {
  for (const Command& row : command_table()) {
    visit(row);
    for (const Command& sub : row.subcommands) visit(sub);
  }
}

}  // namespace stave::commands
