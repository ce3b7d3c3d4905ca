// The page docs/reference/commands.md, made from the table. A test compares the two.
#pragma once

#include <string>

namespace stave::commands {

std::string command_reference();

}  // namespace stave::commands
