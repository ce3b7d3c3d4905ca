#include "log/flusher.h"

#include <system_error>

#include "base/thread.h"

namespace stave::log {

bool Flusher::wake() {
  base::MutexLock lock(mutex_);
  if (stopping_) return false;
  if (!thread_.joinable()) {
    try {
      thread_ = base::start_thread([this] { run(); });
    } catch (const std::system_error&) {
      return false;
    }
  }
  if (!woken_) {
    woken_ = true;
    condition_.notify_one();
  }
  return true;
}

void Flusher::stop() {
  std::thread thread;
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    condition_.notify_one();
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
}

void Flusher::run() {
  base::enter_thread("stave-log");
  for (;;) {
    {
      base::MutexLock lock(mutex_);
      while (!woken_ && !stopping_) condition_.wait(mutex_);
      if (!woken_) return;
      woken_ = false;
    }
    if (work_()) tell();
  }
}

void Flusher::tell() {
  base::MutexLock lock(listeners_mutex_);
  for (const auto& [handle, listener] : listeners_) listener();
}

std::uint64_t Flusher::add_listener(std::function<void()> listener) {
  base::MutexLock lock(listeners_mutex_);
  listeners_.emplace_back(next_handle_, std::move(listener));
  listener_count_.store(listeners_.size(), std::memory_order_relaxed);
  return next_handle_++;
}

void Flusher::remove_listener(std::uint64_t handle) {
  base::MutexLock lock(listeners_mutex_);
  std::erase_if(listeners_, [handle](const auto& entry) { return entry.first == handle; });
  listener_count_.store(listeners_.size(), std::memory_order_relaxed);
}

}  // namespace stave::log
