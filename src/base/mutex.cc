#include "base/mutex.h"

#include <chrono>

#include "base/interleave.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace stave::base {

namespace {
void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
}  // namespace

void Mutex::lock_slow() {
  if (auto* const scheduler = interleave::scheduler()) [[unlikely]] {
    const char* on = "a mutex";
    for (; !mutex_.try_lock(); on = "the same mutex") scheduler->blocked(on);
    return;
  }
  mutex_.lock();
}

void ShortMutex::lock_slow() {
  if (auto* const scheduler = interleave::scheduler()) [[unlikely]] {
    const char* on = "a short mutex";
    for (; !try_lock(); on = "the same mutex") scheduler->blocked(on);
    return;
  }
  // The holder needs some hundred nanoseconds; a sleep and a wake-up cost ten thousand.
  for (int spin = 0; spin < 64; ++spin) {
    if (state_.load(std::memory_order_relaxed) == 0 && try_lock()) return;
    relax();
  }
  while (state_.exchange(2, std::memory_order_acquire) != 0) state_.wait(2, std::memory_order_relaxed);
}

void ConditionVariable::wait(Mutex& mutex) {
  if (auto* const scheduler = interleave::scheduler()) [[unlikely]] {
    mutex.unlock();
    scheduler->blocked("a condition");
    mutex.lock();
    return;
  }
  std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
  condition_.wait(lock);
  lock.release();
}

bool ConditionVariable::wait_for_ms(Mutex& mutex, std::int64_t timeout_ms) {
  if (auto* const scheduler = interleave::scheduler()) [[unlikely]] {
    // Whoever decides about the order decides about time as well: others went on, and it went by.
    mutex.unlock();
    scheduler->yield("a timed wait");
    mutex.lock();
    return false;
  }
  std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
  const auto status = condition_.wait_for(lock, std::chrono::milliseconds(timeout_ms));
  lock.release();
  return status == std::cv_status::no_timeout;
}

}  // namespace stave::base
