#include "commands/errands.h"

#include <utility>

#include "base/assert.h"

namespace stave::commands {

void Errand::run() {
  work();
  std::function<void()> then;
  {
    base::MutexLock lock(mutex_);
    STAVE_ASSERT(!done_);
    done_ = true;
    then.swap(then_);
  }
  if (then) then();
}

bool Errand::done() const {
  base::MutexLock lock(mutex_);
  return done_;
}

void Errand::on_done(std::function<void()> then) {
  {
    base::MutexLock lock(mutex_);
    if (!done_) {
      then_ = std::move(then);
      return;
    }
  }
  then();
}

}  // namespace stave::commands
