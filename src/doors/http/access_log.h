// One line for each request, for people or for programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "doors/http/config.h"
#include "stave/units.h"

namespace stave::http {

struct AccessEntry {
  std::string method;
  std::string target;
  std::string request_id;
  std::string user_agent;
  int status = 0;
  std::uint64_t bytes = 0;     ///< Of the answer's content.
  std::uint64_t began_ns = 0;  ///< When the request's first byte was read.
};

/// Appends the entry's line. `took_us`: until the answer could leave, the wait for the disk included.
void append_access_line(std::string& out, AccessLog form, const AccessEntry& entry, std::string_view client, UnixMs now,
                        std::uint64_t took_us);

}  // namespace stave::http
