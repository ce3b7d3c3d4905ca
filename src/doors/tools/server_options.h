// The server that a tool is to talk to: its options, and the connection made of them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "doors/tools/targets.h"
#include "stave/client.h"

namespace stave::tools {

/// Adds `--connect`, `--user` and `--password`; returns the first. `help` says what a server is for here.
CLI::Option* add_server_options(CLI::App& app, ServerLogin& login, const std::string& help);
/// The password of the environment, unless one was given. After parsing.
void complete_login(ServerLogin& login);
/// Connects and authenticates. Waits as long as an answer takes. Errors: as Client::connect; kInvalidArgument: no
/// address.
Result<Client> connect_to(const ServerLogin& login);

}  // namespace stave::tools
