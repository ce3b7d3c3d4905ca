#include "doors/http/serialize.h"

#include "base/assert.h"

namespace stave::http {

void append_head(std::string& out, const Response& response, const HeadContext& context) {
  STAVE_ASSERT(response.status >= 200 && response.status < 600);
  STAVE_ASSERT(response.headers.empty() || response.headers.ends_with("\r\n"));
  out += context.version == 10 ? "HTTP/1.0 " : "HTTP/1.1 ";
  out += std::to_string(response.status);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\nDate: ";
  out += context.date;
  if (has_content(response.status)) {
    if (!response.type.empty()) out.append("\r\nContent-Type: ").append(response.type);
    if (response.stream == nullptr) {
      out += "\r\nContent-Length: " + std::to_string(response.content_length());
    } else if (context.version != 10) {
      out += "\r\nTransfer-Encoding: chunked";
    }
  }
  out.append("\r\nX-Request-Id: ").append(context.request_id);
  if (!context.keep_alive) {
    out += "\r\nConnection: close";
  } else if (context.version == 10) {
    out += "\r\nConnection: keep-alive";
  }
  out += "\r\n";
  out += response.headers;
  out += "X-Content-Type-Options: nosniff\r\n\r\n";
}

}  // namespace stave::http
