// Work of commands that takes long (a snapshot, an image, a cleaning), for doors whose threads must not stand still.
//
// A handler calls `at_length` with the work. In a session that may leave, the work goes to a thread of `Errands` and
// nothing is answered: `Session::errand` is set, the door lets other connections go on, and presents the same call
// again when the errand is done (earlier does no harm); then `at_length` returns what came of it. In any other session
// the work is done at once. Promises: an errand is run once and outlives the session that asked for it; the threads
// start with the first errand and are joined by `stop`. Must not know: what the work is, sockets.
#pragma once

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/mutex.h"
#include "base/no_memory.h"
#include "base/workers.h"
#include "commands/call.h"
#include "commands/session.h"

namespace stave::commands {

class Errand {
 public:
  virtual ~Errand() = default;
  /// Does the work, then calls whoever wants to know.
  void run() STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool done() const STAVE_EXCLUDES(mutex_);
  /// Calls `then`, which must be quick, once the work is done: on the errand's thread, or here and now if it is.
  /// Replaces an earlier one.
  void on_done(std::function<void()> then) STAVE_EXCLUDES(mutex_);

 protected:
  virtual void work() = 0;

 private:
  mutable base::Mutex mutex_;
  bool done_ STAVE_GUARDED_BY(mutex_) = false;
  std::function<void()> then_ STAVE_GUARDED_BY(mutex_);
};

template <class T>
class ErrandFor final : public Errand {
 public:
  explicit ErrandFor(std::function<Result<T>()> work) : work_(std::move(work)) {}
  /// What came of it. Once, after `done`.
  Result<T> take() {
    STAVE_ASSERT(result_.has_value());
    return std::move(*result_);
  }

 protected:
  void work() override {
    try {
      result_.emplace(work_());
    } catch (const std::bad_alloc&) {
      result_.emplace(base::no_memory());  // as the command itself would have been answered
    }
  }

 private:
  std::function<Result<T>()> work_;
  std::optional<Result<T>> result_;
};

class Errands {
 public:
  /// Has it run soon on another thread; on the caller's when there is none to be had.
  void start(std::shared_ptr<Errand> errand) {
    STAVE_ASSERT(errand != nullptr);
    workers_.run([errand = std::move(errand)] { errand->run(); });
  }
  /// Whether any is running or waiting.
  [[nodiscard]] bool busy() const { return workers_.busy(); }
  /// Finishes what was begun and joins the threads.
  void stop() { workers_.stop(); }

 private:
  /// A few may go on side by side; whoever comes later waits for one of them.
  static constexpr std::size_t kThreads = 4;

  base::Workers workers_{"stave-errand", kThreads, base::Priority::kBackground};
};

/// What `work` returns; nullopt when it was sent away: then the handler answers nothing. `work` must not refer to the
/// call or its session.
template <class T>
Result<std::optional<T>> at_length(Call& call, std::function<Result<T>()> work) {
  Session& session = call.session();
  if (session.errand != nullptr) {
    if (!session.errand->done()) return std::optional<T>();
    const auto back = std::dynamic_pointer_cast<ErrandFor<T>>(std::exchange(session.errand, nullptr));
    STAVE_ASSERT(back != nullptr);
    auto result = back->take();
    if (!result) return fail(std::move(result).error());
    return std::optional<T>(std::move(*result));
  }
  if (!session.may_leave || session.reply_mode != ReplyMode::kOn) {
    auto result = work();
    if (!result) return fail(std::move(result).error());
    return std::optional<T>(std::move(*result));
  }
  // Set once it is under way: the door waits for what is set, and without memory to start it nothing would ever come.
  const auto errand = std::make_shared<ErrandFor<T>>(std::move(work));
  session.environment().errands().start(errand);
  session.errand = errand;
  return std::optional<T>();
}

}  // namespace stave::commands
