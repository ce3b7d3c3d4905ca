// A few threads that do what nobody wants to wait for: jobs in the order they came, several side by side.
//
// Promises: every job is run once; threads start as jobs come and are joined by `stop`; when there is no thread to be
// had, and after `stop`, the caller does the work. Must not know: what the jobs are.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/thread.h"

namespace stave::base {

class Workers {
 public:
  /// `name` and `priority` of the threads, as for `enter_thread`; at most `threads_max` of them.
  Workers(std::string name, std::size_t threads_max, Priority priority = Priority::kNormal)
      : name_(std::move(name)), threads_max_(threads_max), priority_(priority) {}
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Threads: any, jobs included.
  void run(std::function<void()> job) STAVE_EXCLUDES(mutex_);
  /// Whether any job is running or waiting.
  [[nodiscard]] bool busy() const STAVE_EXCLUDES(mutex_);
  /// Finishes what was asked for and joins the threads. Idempotent; not from a job.
  void stop() STAVE_EXCLUDES(mutex_);

 private:
  void work() STAVE_EXCLUDES(mutex_);
  bool start_thread() STAVE_REQUIRES(mutex_);

  const std::string name_;
  const std::size_t threads_max_;
  const Priority priority_;
  mutable Mutex mutex_;
  ConditionVariable wake_;
  std::deque<std::function<void()>> queue_ STAVE_GUARDED_BY(mutex_);
  std::size_t working_ STAVE_GUARDED_BY(mutex_) = 0;
  bool stopping_ STAVE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ STAVE_GUARDED_BY(mutex_);
};

}  // namespace stave::base
