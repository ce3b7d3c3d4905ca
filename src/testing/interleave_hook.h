// One thing that happens at one named moment of somebody else's work: the smallest of all schedules, for a test that
// knows which one it wants.
#pragma once

#include <cstdlib>
#include <functional>
#include <string_view>
#include <utility>

#include "base/interleave.h"

namespace stave::testing {

/// Installed for as long as it lives. Calls `what` the first time the moment `at` comes; within it no moment counts.
class InterleaveHook final : public base::interleave::Scheduler {
 public:
  InterleaveHook(std::string_view at, std::function<void()> what)
      : at_(at), what_(std::move(what)), installed_(*this) {}
  [[nodiscard]] bool ran() const noexcept { return ran_; }

  void yield(const char* at) noexcept override {
    if (ran_ || at != at_) return;
    ran_ = true;
    what_();
  }
  // Nobody else could let go of it.
  void blocked(const char*) noexcept override { std::abort(); }

 private:
  std::string_view at_;
  std::function<void()> what_;
  bool ran_ = false;
  base::interleave::Installed installed_;
};

}  // namespace stave::testing
