// Answers made smaller for clients that say they take gzip.
#pragma once

#include <string>
#include <string_view>

namespace stave::http {

/// `bytes` in gzip's format; empty when that would not be smaller. The cheapest level: a server's time is dear.
std::string gzip(std::string_view bytes);

}  // namespace stave::http
