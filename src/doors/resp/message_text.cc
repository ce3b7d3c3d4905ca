#include "doors/resp/message_text.h"

#include "base/assert.h"

namespace stave::resp {
namespace {

void append_bulk(std::string& text, std::string_view bytes) {
  text.append("$").append(std::to_string(bytes.size())).append("\r\n").append(bytes).append("\r\n");
}

std::string write(const commands::Message& message, const std::string* pattern, int protocol) {
  std::string text(protocol == 2 ? "*" : ">");
  text += pattern != nullptr ? "4\r\n" : "3\r\n";
  append_bulk(text, pattern != nullptr ? "pmessage" : message.sharded ? "smessage" : "message");
  if (pattern != nullptr) append_bulk(text, *pattern);
  append_bulk(text, message.channel);
  append_bulk(text, message.payload);
  return text;
}

}  // namespace

std::string invalidation_text(const commands::Invalidation& what, int protocol, bool subscribes) {
  std::string text;
  if (what.broken != 0) {
    if (protocol == 2) return text;
    text = ">2\r\n";
    append_bulk(text, "tracking-redir-broken");
    return text.append(":").append(std::to_string(what.broken)).append("\r\n");
  }
  if (protocol == 2) {
    // Whoever does not listen would take it for an answer.
    if (!subscribes) return text;
    text = "*3\r\n";
    append_bulk(text, "message");
    append_bulk(text, "__redis__:invalidate");
  } else {
    text = ">2\r\n";
    append_bulk(text, "invalidate");
  }
  if (what.keys.empty()) return text.append(protocol == 2 ? "*-1\r\n" : "_\r\n");
  text.append("*").append(std::to_string(what.keys.size())).append("\r\n");
  for (const std::string& key : what.keys) append_bulk(text, key);
  return text;
}

std::string_view MessageText::of(const commands::Message& message, const std::string* pattern, int protocol) {
  STAVE_ASSERT(protocol == 2 || protocol == 3);
  if (&message != message_ || pattern != pattern_) {
    for (std::string& text : texts_) text.clear();
    message_ = &message;
    pattern_ = pattern;
  }
  std::string& text = texts_[static_cast<std::size_t>(protocol - 2)];
  if (text.empty()) text = write(message, pattern, protocol);
  return text;
}

}  // namespace stave::resp
