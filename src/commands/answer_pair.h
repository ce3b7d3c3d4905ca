// A name and a number of an answer that is a map.
#pragma once

#include <cstdint>
#include <string_view>

#include "commands/sink.h"

namespace stave::commands {

inline void answer_pair(Sink& reply, std::string_view name, std::uint64_t value) {
  reply.bulk(name);
  reply.integer(static_cast<std::int64_t>(value));
}

}  // namespace stave::commands
