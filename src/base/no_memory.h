// The one answer to an allocation that failed.
//
// Containers throw std::bad_alloc; Stave's callers are told by values. So what they call is a function-try-block that
// ends in `return base::no_memory();`, and what must not throw at all in the middle of something says so itself.
#pragma once

#include <new>

#include "stave/error.h"

namespace stave::base {

/// Needs no memory itself.
inline std::unexpected<Error> no_memory() noexcept {
  return fail(ErrorCode::kNoMemory, "there is no memory for this");
}

}  // namespace stave::base
