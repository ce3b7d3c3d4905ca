#include "commands/operator_log.h"

#include <functional>
#include <new>
#include <string>

#include "commands/environment.h"
#include "commands/session.h"

namespace stave::commands {

namespace {

void tell(Call& call, const std::function<void(std::string_view)>& notice, std::string_view what) noexcept try {
  if (!notice || call.environment().host().trusts_paths()) return;
  const ClientInfo client = call.session().info();
  notice(std::string(what) + " by " + (client.address.empty() ? "a request over HTTP" : client.address) + " (client " +
         std::to_string(client.id) + ").");
} catch (const std::bad_alloc&) {
  // It was done, and is answered; only the line is missing.
}

}  // namespace

void tell_operator(Call& call, std::string_view what) noexcept {
  tell(call, call.engine().options().notice, what);
}

void inform_operator(Call& call, std::string_view what) noexcept {
  tell(call, call.engine().options().information, what);
}

}  // namespace stave::commands
