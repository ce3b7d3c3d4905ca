#include "base/thread.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstring>

namespace stave::base {

void enter_thread(std::string_view name) noexcept {
  char buffer[16] = {};
  std::memcpy(buffer, name.data(), std::min(name.size(), sizeof buffer - 1));
  ::pthread_setname_np(::pthread_self(), buffer);  // a name is a courtesy: a refusal changes nothing
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace stave::base
