// What the process takes of the machine's memory.
//
// Must not know: who allocated it.
#pragma once

#include <cstdint>

#include "stave/error.h"

namespace stave::base {

/// Bytes that the process has for itself: heap, stacks, mappings without a file. Cost: some 20 us. Errors:
/// kUnsupported: the system does not tell, or a sanitizer's own memory would be counted.
Result<std::uint64_t> own_memory();

}  // namespace stave::base
