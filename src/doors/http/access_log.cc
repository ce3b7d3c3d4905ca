#include "doors/http/access_log.h"

#include "doors/http/json_text.h"
#include "doors/http/times.h"

namespace stave::http {

void append_access_line(std::string& out, AccessLog form, const AccessEntry& entry, std::string_view client, UnixMs now,
                        std::uint64_t took_us) {
  const std::string status = std::to_string(entry.status);
  const std::string bytes = std::to_string(entry.bytes);
  const std::string took = std::to_string(took_us);
  if (form == AccessLog::kJson) {
    out.append("{\"time\":\"").append(rfc3339(now)).append("\",\"client\":");
    append_json_string(out, client);
    out += ",\"method\":";
    append_json_string(out, entry.method);
    out += ",\"target\":";
    append_json_string(out, entry.target);
    out.append(",\"status\":").append(status).append(",\"bytes\":").append(bytes).append(",\"us\":").append(took);
    out += ",\"request_id\":";
    append_json_string(out, entry.request_id);
    out += ",\"user_agent\":";
    append_json_string(out, entry.user_agent);
    out += "}\n";
    return;
  }
  // What a client sends may hold anything: quoted as JSON quotes, it stays on its line.
  out.append(rfc3339(now)).append(" ").append(client).append(" ");
  append_json_string(out, entry.method + " " + entry.target);
  out.append(" ").append(status).append(" ").append(bytes).append(" ").append(took).append("us ");
  append_json_string(out, entry.request_id);
  out += '\n';
}

}  // namespace stave::http
