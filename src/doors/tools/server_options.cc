#include "doors/tools/server_options.h"

#include <cstdlib>

#include "base/try.h"
#include "doors/client/address.h"

namespace stave::tools {

CLI::Option* add_server_options(CLI::App& app, ServerLogin& login, const std::string& help) {
  CLI::Option* const connect = app.add_option("--connect", login.address, help)->type_name("HOST:PORT");
  app.add_option("--user", login.user, "User for the server's AUTH");
  app.add_option("--password", login.password, "Password for the server (better: environment STAVE_PASSWORD)");
  return connect;
}

void complete_login(ServerLogin& login) {
  const char* const password = std::getenv("STAVE_PASSWORD");
  if (login.password.empty() && password != nullptr) login.password = password;
}

Result<Client> connect_to(const ServerLogin& login) {
  STAVE_ASSIGN(const client::ServerAddress address, client::parse_address(login.address));
  ClientOptions options;
  options.user = login.user;
  options.password = login.password;
  options.timeout_ms = 0;
  return Client::connect(address.host, address.port, options);
}

}  // namespace stave::tools
