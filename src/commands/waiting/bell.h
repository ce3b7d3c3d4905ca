// How one thread of a door hears that calls of its connections need not wait any longer.
//
// Promises: to ring takes no memory and wakes the thread only when it does not ring itself and was not rung already; a
// call that ended is shown once, to the thread, unless its session has gone. Must not know: sockets.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "base/function_ref.h"
#include "base/mutex.h"

namespace stave::commands {

class Session;
class Waiter;

class Bell {
 public:
  /// `wake` is called on any thread. The bell must outlive the sessions that have it.
  explicit Bell(std::function<void()> wake) : wake_(std::move(wake)) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  /// The calling thread is the one that drains it. Before the first call waits.
  void attend() noexcept { owner_ = std::this_thread::get_id(); }
  /// Whether there is anything to drain: one relaxed load.
  [[nodiscard]] bool rung() const noexcept { return rung_.load(std::memory_order_relaxed); }
  /// Shows the sessions whose calls are to be presented again, in the order in which they ended. The owner only.
  void drain(base::FunctionRef<void(Session&)> show) STAVE_EXCLUDES(mutex_);
  /// The call has ended. Threads: any.
  void ring(std::shared_ptr<Waiter> ended) noexcept STAVE_EXCLUDES(mutex_);

 private:
  std::function<void()> wake_;
  std::thread::id owner_;
  std::atomic<bool> rung_{false};
  base::Mutex mutex_;
  /// A chain through the waiters.
  std::shared_ptr<Waiter> first_ STAVE_GUARDED_BY(mutex_);
  Waiter* last_ STAVE_GUARDED_BY(mutex_) = nullptr;
};

}  // namespace stave::commands
