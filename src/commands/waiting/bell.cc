#include "commands/waiting/bell.h"

#include <utility>

#include "base/assert.h"
#include "commands/waiting/waiter.h"

namespace stave::commands {

void Bell::ring(std::shared_ptr<Waiter> ended) noexcept {
  STAVE_ASSERT(ended != nullptr);
  base::MutexLock lock(mutex_);
  Waiter* const newest = ended.get();
  STAVE_ASSERT(newest->next_ended_ == nullptr && newest != last_);
  if (last_ == nullptr) {
    first_ = std::move(ended);
  } else {
    last_->next_ended_ = std::move(ended);
  }
  last_ = newest;
  const bool rung_before = rung_.exchange(true, std::memory_order_relaxed);
  // Its own thread comes here by itself before it sleeps.
  if (!rung_before && std::this_thread::get_id() != owner_) wake_();
}

void Bell::drain(base::FunctionRef<void(Session&)> show) {
  std::shared_ptr<Waiter> waiter;
  {
    base::MutexLock lock(mutex_);
    waiter = std::move(first_);
    first_ = nullptr;
    last_ = nullptr;
    rung_.store(false, std::memory_order_relaxed);
  }
  while (waiter != nullptr) {
    std::shared_ptr<Waiter> next = std::exchange(waiter->next_ended_, nullptr);
    if (Session* const session = waiter->session_) show(*session);
    waiter = std::move(next);
  }
}

}  // namespace stave::commands
