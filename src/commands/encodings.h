// How Redis would keep a value: the names that OBJECT ENCODING answers.
//
// Stave keeps values in forms of its own; these names are for clients and tools that look at them. A name follows from
// what the value is now, so it goes back when a collection shrinks. Promises: looks at no more elements than the limits
// name. Must not know: how a value is kept, beyond the readers of the types.
#pragma once

#include <string_view>

#include "commands/encoding_limits.h"
#include "commands/part.h"

namespace stave::commands {

/// `held`: what `part` found under `key`, with its value. Errors: those of reading it.
Result<std::string_view> encoding_name(Part& part, store::KeyRef key, const store::ValueView& held,
                                       const EncodingLimits& limits);

}  // namespace stave::commands
