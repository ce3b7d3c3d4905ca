// Names for threads, so that `top -H` and a core dump say who is who.
#pragma once

#include <string_view>

namespace stave::base {

/// Names the calling thread. The system keeps the first 15 bytes.
void set_thread_name(std::string_view name) noexcept;

}  // namespace stave::base
