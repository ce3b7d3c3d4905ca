// The order in which threads get on, in the hands of a test.
//
// What goes wrong between two steps of a piece of work shows only when somebody else gets in between, and threads do so
// when they like. So work that others go on beside names the moments at which it may be interrupted, and a test that
// runs all of them in one thread (testing/interleaver.h) decides at each moment who goes on. Locks that are taken then
// give way to the test instead of blocking its only thread. Without a test a moment costs one load.
//
// Promises: nothing happens unless a scheduler is installed on this very thread. A moment may be named while a shard is
// held, never while the log holds anything of its own. Must not know: who schedules, or why.
#pragma once

namespace stave::base::interleave {

/// What a test installs.
class Scheduler {
 public:
  /// The caller may be interrupted here; `at` names the moment.
  virtual void yield(const char* at) noexcept = 0;
  /// The caller cannot go on before somebody else has; it will look again when this returns.
  virtual void blocked(const char* on) noexcept = 0;

 protected:
  Scheduler() = default;
  ~Scheduler() = default;
  Scheduler(const Scheduler&) = default;
  Scheduler& operator=(const Scheduler&) = default;
};

namespace detail {
extern constinit thread_local Scheduler* installed;
}

/// The scheduler of this thread; null outside of tests.
inline Scheduler* scheduler() noexcept {
  return detail::installed;
}

/// A moment at which others may go on.
inline void yield_point(const char* at) noexcept {
  if (Scheduler* const here = scheduler()) [[unlikely]]
    here->yield(at);
}

/// Installs a scheduler on this thread for as long as it lives.
class Installed {
 public:
  explicit Installed(Scheduler& scheduler) noexcept : before_(detail::installed) { detail::installed = &scheduler; }
  ~Installed() { detail::installed = before_; }
  Installed(const Installed&) = delete;
  Installed& operator=(const Installed&) = delete;

 private:
  Scheduler* before_;
};

}  // namespace stave::base::interleave
