#include "commands/operator_log.h"

#include <string>

#include "commands/environment.h"
#include "commands/session.h"

namespace stave::commands {

void tell_operator(Call& call, std::string_view what) {
  const auto& notice = call.engine().options().notice;
  if (!notice || call.environment().host().trusts_paths()) return;
  const ClientInfo client = call.session().info();
  notice(std::string(what) + " by " + (client.address.empty() ? "a request over HTTP" : client.address) + " (client " +
         std::to_string(client.id) + ").");
}

}  // namespace stave::commands
