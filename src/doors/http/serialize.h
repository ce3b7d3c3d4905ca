// Answers as bytes: the status line and the headers that every answer has.
#pragma once

#include <string>
#include <string_view>

#include "doors/http/response.h"

namespace stave::http {

struct HeadContext {
  int version = 11;
  bool keep_alive = true;
  std::string_view date;
  std::string_view request_id;
};

/// Appends the head of the answer, the empty line included.
void append_head(std::string& out, const Response& response, const HeadContext& context);
/// Whether a status may come with content at all.
constexpr bool has_content(int status) noexcept {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace stave::http
