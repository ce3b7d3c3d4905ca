#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace stave::base {
void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "stave: assertion failed: %s (%s:%d). Nothing more was written; please report this.\n", expression, file, line);
  std::abort();
}
}  // namespace stave::base
