#include "doors/resp/log_format.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/iso_time.h"

namespace stave::resp {

namespace {

void append_escaped(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (byte < 0x20) {
      out.append("\\u00").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    } else {
      out += c;
    }
  }
}

std::string_view name_of(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug: return "debug";
    case spdlog::level::info: return "info";
    case spdlog::level::warn: return "warning";
    default: return "error";
  }
}

class JsonLines final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& into) override {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(message.time.time_since_epoch());
    std::string line = "{\"time\":\"" + base::iso_text(UnixMs{since.count()}) + "\",\"level\":\"";
    line.append(name_of(message.level)).append("\",\"message\":\"");
    append_escaped(line, {message.payload.data(), message.payload.size()});
    line += "\"}\n";
    into.append(line.data(), line.data() + line.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override { return json_lines(); }
};

}  // namespace

std::unique_ptr<spdlog::formatter> json_lines() {
  return std::make_unique<JsonLines>();
}

}  // namespace stave::resp
