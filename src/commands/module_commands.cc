#include "commands/module_commands.h"

namespace stave::commands {

Result<void> module_list_command(Call& call) {
  call.reply().array(0);
  return {};
}

}  // namespace stave::commands
