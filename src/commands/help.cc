#include "commands/help.h"

#include "base/assert.h"

namespace stave::commands {

Result<void> answer_help(Call& call) {
  const Command* container = find_command(call[0]);
  STAVE_ASSERT(container != nullptr && !container->subcommands.empty());
  Sink& reply = call.reply();
  reply.array(1 + 2 * container->subcommands.size());
  reply.status(std::string(container->name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const Command& sub : container->subcommands) {
    std::string line(sub.name);
    if (!sub.syntax.empty()) line.append(" ").append(sub.syntax);
    reply.status(line);
    reply.status("    " + std::string(sub.help));
  }
  return {};
}

}  // namespace stave::commands
