#include "base/thread.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>

namespace stave::base {

void set_thread_name(std::string_view name) noexcept {
  char buffer[16] = {};
  std::memcpy(buffer, name.data(), std::min(name.size(), sizeof buffer - 1));
  ::pthread_setname_np(::pthread_self(), buffer);  // a name is a courtesy: a refusal changes nothing
}

}  // namespace stave::base
