#include "commands/monitor_commands.h"

#include "commands/call.h"
#include "commands/errors.h"
#include "commands/monitors.h"

namespace stave::commands {

Result<void> monitor_command(Call& call) {
  Session& session = call.session();
  if (session.control() == nullptr || session.post == nullptr)
    return answer_error("ERR lines come over a connection of the Redis protocol only, and this is none");
  call.environment().monitors().add(session);
  session.update_info([](ClientInfo& info) { info.monitors = true; });
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
