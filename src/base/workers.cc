#include "base/workers.h"

#include <new>
#include <system_error>

#include "base/assert.h"

namespace stave::base {

void Workers::run(std::function<void()> job) {
  STAVE_ASSERT(job != nullptr);
  {
    MutexLock lock(mutex_);
    const bool all_taken = working_ + queue_.size() >= threads_.size();
    STAVE_ASSERT(threads_.size() <= threads_max_ && (!stopping_ || threads_.empty()));
    if (!stopping_ && ((all_taken && start_thread()) || !threads_.empty())) {
      try {
        queue_.push_back(std::move(job));
        wake_.notify_one();
        return;
      } catch (const std::bad_alloc&) {
        // The job is as it was; the caller does it.
      }
    }
  }
  job();
}

bool Workers::start_thread() try {
  if (threads_.size() >= threads_max_) return false;
  threads_.reserve(threads_max_);  // Now, for a thread that runs must have its place.
  threads_.push_back(base::start_thread([this] { work(); }));
  return true;
} catch (const std::system_error&) {
  return false;
} catch (const std::bad_alloc&) {
  return false;
}

bool Workers::busy() const {
  MutexLock lock(mutex_);
  return working_ != 0 || !queue_.empty();
}

void Workers::work() {
  enter_thread(name_, priority_);
  MutexLock lock(mutex_);
  for (;;) {
    while (queue_.empty() && !stopping_) wake_.wait(mutex_);
    if (queue_.empty()) return;
    std::function<void()> job = std::move(queue_.front());
    queue_.pop_front();
    ++working_;
    mutex_.unlock();
    job();
    job = nullptr;
    mutex_.lock();
    STAVE_ASSERT(working_ != 0);
    --working_;
  }
}

void Workers::stop() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace stave::base
