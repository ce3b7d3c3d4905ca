// "host:port" in its two parts.
#pragma once

#include <string>
#include <utility>

namespace stave::commands {

/// Without a port it is 0.
inline std::pair<std::string, std::string> split_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return {address, "0"};
  return {address.substr(0, colon), address.substr(colon + 1)};
}

}  // namespace stave::commands
