// A whole value as an answer: a string as GET answers it, a collection as its type's reading command does: HGETALL,
// LRANGE 0 -1, SMEMBERS, ZRANGE 0 -1 WITHSCORES. Must not know: keys, when the value was held.
#pragma once

#include <string_view>

#include "commands/sink.h"
#include "store/value.h"

namespace stave::commands {

/// `bytes`: a string's own, or the compact form of a collection. Holds nothing: takes as long as the value is large.
void answer_whole_value(Sink& reply, store::ValueType type, std::string_view bytes);

}  // namespace stave::commands
