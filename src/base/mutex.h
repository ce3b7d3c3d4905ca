// Locks that the compiler checks: Clang's thread-safety annotations on a small mutex.
//
// `Mutex` is for state that may be held for long; `ShortMutex` is one word, spins briefly and then sleeps, for
// critical sections of well under a microsecond (a shard, a reservation). Neither is recursive. On the thread of a test
// that decides who goes on (interleave.h) all of them give way to it instead of blocking.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#if defined(__clang__)
#define STAVE_ANNOTATE_(x) __attribute__((x))
#else
#define STAVE_ANNOTATE_(x)
#endif
#define STAVE_CAPABILITY(x) STAVE_ANNOTATE_(capability(x))
#define STAVE_SCOPED_CAPABILITY STAVE_ANNOTATE_(scoped_lockable)
#define STAVE_GUARDED_BY(x) STAVE_ANNOTATE_(guarded_by(x))
#define STAVE_PT_GUARDED_BY(x) STAVE_ANNOTATE_(pt_guarded_by(x))
#define STAVE_REQUIRES(...) STAVE_ANNOTATE_(requires_capability(__VA_ARGS__))
#define STAVE_EXCLUDES(...) STAVE_ANNOTATE_(locks_excluded(__VA_ARGS__))
#define STAVE_ACQUIRE(...) STAVE_ANNOTATE_(acquire_capability(__VA_ARGS__))
#define STAVE_TRY_ACQUIRE(...) STAVE_ANNOTATE_(try_acquire_capability(__VA_ARGS__))
#define STAVE_RELEASE(...) STAVE_ANNOTATE_(release_capability(__VA_ARGS__))
#define STAVE_ASSERT_CAPABILITY(x) STAVE_ANNOTATE_(assert_capability(x))
#define STAVE_RETURN_CAPABILITY(x) STAVE_ANNOTATE_(lock_returned(x))
#define STAVE_NO_THREAD_SAFETY_ANALYSIS STAVE_ANNOTATE_(no_thread_safety_analysis)

namespace stave::base {

class STAVE_CAPABILITY("mutex") Mutex {
 public:
  void lock() STAVE_ACQUIRE() {
    if (!mutex_.try_lock()) lock_slow();
  }
  void unlock() STAVE_RELEASE() { mutex_.unlock(); }
  bool try_lock() STAVE_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class ConditionVariable;
  void lock_slow() STAVE_NO_THREAD_SAFETY_ANALYSIS;  // the lock itself cannot be analysed
  std::mutex mutex_;
};

/// Spin a little, then sleep. Three states: 0 free, 1 held, 2 held with sleepers (after Drepper, "Futexes are
/// tricky", 2011).
class STAVE_CAPABILITY("mutex") ShortMutex {
 public:
  void lock() STAVE_ACQUIRE() {
    std::uint32_t expected = 0;
    if (state_.compare_exchange_strong(expected, 1, std::memory_order_acquire, std::memory_order_relaxed)) [[likely]]
      return;
    lock_slow();
  }
  bool try_lock() STAVE_TRY_ACQUIRE(true) {
    std::uint32_t expected = 0;
    return state_.compare_exchange_strong(expected, 1, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() STAVE_RELEASE() {
    if (state_.exchange(0, std::memory_order_release) == 2) [[unlikely]]
      state_.notify_one();
  }

 private:
  void lock_slow() STAVE_NO_THREAD_SAFETY_ANALYSIS;  // the lock itself cannot be analysed
  std::atomic<std::uint32_t> state_{0};
};

template <class M>
class STAVE_SCOPED_CAPABILITY Guard {
 public:
  explicit Guard(M& mutex) STAVE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  /// Takes over a mutex that the caller has locked, as after `try_lock`.
  Guard(M& mutex, std::adopt_lock_t) STAVE_REQUIRES(mutex) : mutex_(mutex) {}
  ~Guard() STAVE_RELEASE() { mutex_.unlock(); }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  M& mutex_;
};
using MutexLock = Guard<Mutex>;
using ShortLock = Guard<ShortMutex>;

/// Waits on a `Mutex`. Time-outs are real time: code under test waits for conditions, not for clocks.
class ConditionVariable {
 public:
  /// May return without a reason: callers look again.
  void wait(Mutex& mutex) STAVE_REQUIRES(mutex);
  /// Returns false when `timeout_ms` went by.
  bool wait_for_ms(Mutex& mutex, std::int64_t timeout_ms) STAVE_REQUIRES(mutex);
  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace stave::base
