// A server's address as a person types it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stave/error.h"

namespace stave::client {

struct ServerAddress {
  std::string host;
  std::uint16_t port = 6379;
};

/// "host:port", "host", ":port", "[::1]:6379". Errors: kInvalidArgument.
Result<ServerAddress> parse_address(std::string_view text);

}  // namespace stave::client
