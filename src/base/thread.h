// What every thread of ours does first: take a name, so that `top -H` and a core dump say who is who, and leave signals
// alone.
#pragma once

#include <string_view>

namespace stave::base {

/// Names the calling thread (the system keeps the first 15 bytes) and blocks all signals in it: they belong to the
/// program's own threads, whose waiting they are meant to end.
void enter_thread(std::string_view name) noexcept;

}  // namespace stave::base
