// The log's one thread: works when woken, then tells whoever listens. Started on first use, joined by `stop`.
//
// Must not know: what the work is.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace stave::log {

class Flusher {
 public:
  /// `work` is called on the thread after each wake-up; it returns whether the listeners should hear of it.
  explicit Flusher(std::function<bool()> work) : work_(std::move(work)) {}
  ~Flusher() { stop(); }
  Flusher(const Flusher&) = delete;
  Flusher& operator=(const Flusher&) = delete;

  /// Has the work done soon, once for any number of calls before it begins. False when there is no thread to be had.
  bool wake() STAVE_EXCLUDES(mutex_);
  /// Lets work in progress end and joins the thread. `wake` does nothing afterwards.
  void stop() STAVE_EXCLUDES(mutex_);

  std::uint64_t add_listener(std::function<void()> listener) STAVE_EXCLUDES(listeners_mutex_);
  void remove_listener(std::uint64_t handle) STAVE_EXCLUDES(listeners_mutex_);
  [[nodiscard]] bool has_listeners() const noexcept { return listener_count_.load(std::memory_order_relaxed) != 0; }

 private:
  void run() STAVE_EXCLUDES(mutex_);
  void tell() STAVE_EXCLUDES(listeners_mutex_);

  const std::function<bool()> work_;
  base::Mutex mutex_;
  base::ConditionVariable condition_;
  bool woken_ STAVE_GUARDED_BY(mutex_) = false;
  bool stopping_ STAVE_GUARDED_BY(mutex_) = false;
  std::thread thread_ STAVE_GUARDED_BY(mutex_);

  base::Mutex listeners_mutex_;
  std::vector<std::pair<std::uint64_t, std::function<void()>>> listeners_ STAVE_GUARDED_BY(listeners_mutex_);
  std::uint64_t next_handle_ STAVE_GUARDED_BY(listeners_mutex_) = 1;
  std::atomic<std::size_t> listener_count_{0};
};

}  // namespace stave::log
