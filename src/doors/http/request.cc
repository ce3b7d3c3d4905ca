#include "doors/http/request.h"

#include <algorithm>

#include "commands/text.h"
#include "doors/http/header_text.h"

namespace stave::http {
namespace {

bool quality_is_zero(std::string_view parameters) noexcept {
  const std::size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return false;
  const std::string_view value = trimmed(parameters.substr(at + 2, parameters.find(';', at) - at - 2));
  return !value.empty() && value.find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

std::string_view verb_name(Verb verb) noexcept {
  constexpr std::string_view kNames[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "?"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Verb::kOther) + 1);
  return kNames[static_cast<std::size_t>(verb)];
}

void Request::clear() {
  constexpr std::size_t kKeptBytes = 16 * 1024;
  verb = Verb::kGet;
  target.clear();
  version = 11;
  keep_alive = true;
  chunked = false;
  content_length.reset();
  large_body = {};
  if (body.capacity() > kKeptBytes) {
    std::string().swap(body);
  } else {
    body.clear();
  }
  for (std::size_t i = 0; i < kHeaderCount; ++i)
    if ((present >> i & 1) != 0) headers[i].clear();
  present = 0;
}

std::string media_type(std::string_view header) {
  return commands::lower(trimmed(header.substr(0, header.find(';'))));
}

bool accepts(std::string_view header, std::string_view wanted) {
  while (!header.empty()) {
    const std::string_view element = header.substr(0, header.find(','));
    header.remove_prefix(std::min(element.size() + 1, header.size()));
    const std::size_t parameters = std::min(element.find(';'), element.size());
    if (commands::same_word(trimmed(element.substr(0, parameters)), wanted))
      return !quality_is_zero(element.substr(parameters));
  }
  return false;
}

}  // namespace stave::http
