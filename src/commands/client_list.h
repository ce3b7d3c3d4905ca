// A connection as a line of CLIENT LIST.
#pragma once

#include <cstdint>
#include <string>

#include "commands/session.h"

namespace stave::commands {

/// Without a line feed.
std::string client_line(const ClientInfo& client, std::uint64_t now_ns);

}  // namespace stave::commands
