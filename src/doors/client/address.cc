#include "doors/client/address.h"

#include <charconv>

namespace stave::client {

Result<ServerAddress> parse_address(std::string_view text) {
  ServerAddress address;
  std::string_view host = text;
  std::string_view port;
  const auto colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  // Several colons without brackets are an IPv6 address without a port.
  if (colon != std::string_view::npos && (bracketed ? text[colon - 1] == ']' : text.find(':') == colon)) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size() || address.port == 0)
      return fail(ErrorCode::kInvalidArgument, "not a port: " + std::string(port));
  }
  if (bracketed) {
    if (!host.ends_with(']')) return fail(ErrorCode::kInvalidArgument, "not an address: " + std::string(text));
    host = host.substr(1, host.size() - 2);
  }
  address.host = host.empty() ? "127.0.0.1" : std::string(host);
  return address;
}

}  // namespace stave::client
