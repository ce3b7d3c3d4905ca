// A message of a channel as bytes of RESP: written once for all who hear it in the same form.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "commands/channels.h"
#include "commands/notices/tracking.h"

namespace stave::resp {

class MessageText {
 public:
  /// `pattern`: by which it is heard; null: by its channel. Valid until the next call for another message or pattern.
  std::string_view of(const commands::Message& message, const std::string* pattern, int protocol);

 private:
  const commands::Message* message_ = nullptr;
  const std::string* pattern_ = nullptr;
  std::array<std::string, 2> texts_;  ///< Of protocol 2 and 3; empty: not written yet.
};

/// What a client is told of its copies, as the session's protocol has it; empty: it cannot be told. `subscribes`: it
/// listens to channels.
std::string invalidation_text(const commands::Invalidation& what, int protocol, bool subscribes);

}  // namespace stave::resp
