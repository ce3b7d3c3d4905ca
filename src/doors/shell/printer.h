// Replies as text for people, for JSON tools, and for pipes.
//
// Plain: as redis-cli on a terminal ("(integer) 1", "(error) …", nested arrays numbered), but strings without quotes
// and flat arrays one element per line. Raw: the bytes and nothing else. JSON: one document per reply; bytes that are
// not UTF-8 become {"base64": …}. Pure functions. Must not know: where a reply came from, where the text goes.
#pragma once

#include <string>
#include <string_view>

#include "stave/reply.h"

namespace stave::shell {

enum class Format : std::uint8_t { kPlain, kRaw, kJson };

struct Style {
  Format format = Format::kPlain;
  /// Bytes that could steer a terminal are escaped (plain format only).
  bool terminal = false;
};

/// The text of a reply, its last line end included.
[[nodiscard]] std::string print(const Reply& reply, const Style& style);

}  // namespace stave::shell
