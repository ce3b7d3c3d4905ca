// Assertions are for our own bugs, stay on in release, and end the process before it can write something wrong.
// Input and the disk never earn an assertion: they earn an Error.
#pragma once

namespace stave::base {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}

#define STAVE_ASSERT(expression)                                                         \
  do {                                                                                   \
    if (!(expression)) [[unlikely]]                                                      \
      ::stave::base::assertion_failed(#expression, __FILE__, __LINE__);                  \
  } while (false)
