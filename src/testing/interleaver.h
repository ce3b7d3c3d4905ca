// Tasks that take turns on one thread, in an order that a seed decides.
//
// Each task has a stack of its own and goes on until it comes to a moment that the code under test names
// (base/interleave.h), or to a lock that another task holds; there the seed says who goes on. So every order that
// threads might find is found by some seed, and found again by the same one. Promises: equal seeds and equal tasks give
// equal orders; when all tasks wait for each other, `run` says so. Must not know: what the tasks do. Not for builds
// with ThreadSanitizer or AddressSanitizer, which do not know these stacks.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/interleave.h"
#include "base/random.h"

namespace stave::testing {

class Interleaver final : public base::interleave::Scheduler {
 public:
  explicit Interleaver(std::uint64_t seed);
  ~Interleaver();

  /// `name` outlives this. The task must not throw.
  void add(const char* name, std::function<void()> task);
  /// Runs all tasks to their ends; false: those that are left wait for each other, and will for ever. What they hold is
  /// then lost with them.
  [[nodiscard]] bool run();
  /// The order in which the tasks went on, one moment a line; of a long run, its end.
  [[nodiscard]] std::string trace() const;
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

  void yield(const char* at) noexcept override;
  void blocked(const char* on) noexcept override;

 private:
  enum class State : std::uint8_t { kReady, kBlocked, kDone };
  struct Stack;
  struct Task;
  struct Moment {
    const Task* task;
    const char* at;
    bool blocked;
  };
  [[nodiscard]] std::size_t pick(bool& any);
  void resume(Task& task);
  void leave(const char* at, State state) noexcept;
  void wake_others() noexcept;
  static void enter(unsigned high, unsigned low);

  base::Random random_;
  unsigned stay_;  ///< The task at hand goes on so many times out of sixteen.
  std::vector<std::unique_ptr<Task>> tasks_;
  Task* running_ = nullptr;
  std::jmp_buf home_;
  std::vector<Moment> moments_;
  std::uint64_t turns_ = 0;
};

}  // namespace stave::testing
