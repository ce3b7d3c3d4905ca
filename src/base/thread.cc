#include "base/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace stave::base {

namespace {
/// Steps of "niceness" below the rest of the program: a tenth of the processor when two want it.
constexpr int kBackgroundSteps = 10;

void stand_back() noexcept {
  // The program's own thread says where the user wants it; ours may have been started by any other. On Linux the
  // priority is each thread's.
  const int usual = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid()));
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), std::min(usual + kBackgroundSteps, 19));
}
}  // namespace

SignalsHeld::SignalsHeld() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

SignalsHeld::~SignalsHeld() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void enter_thread(std::string_view name, Priority priority) noexcept {
  STAVE_ASSERT(!name.empty());
  char buffer[16] = {};
  std::memcpy(buffer, name.data(), std::min(name.size(), sizeof buffer - 1));
  ::pthread_setname_np(::pthread_self(), buffer);  // a name is a courtesy: a refusal changes nothing
  if (priority == Priority::kBackground) stand_back();
}

}  // namespace stave::base
