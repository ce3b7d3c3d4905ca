// Long work that nobody waits for, done in short stretches.
//
// A thread that computes for long keeps its processor until the system takes it away: after a whole time slice, several
// milliseconds, and perhaps in the middle of a critical section. Whoever needs the processor or the lock waits so long.
// A thread that gives way of its own accord, at moments when it holds nothing, is hardly ever interrupted elsewhere,
// and nobody waits for it longer than one stretch. Nothing is lost when nobody else wants the processor. Must not know:
// what the work is.
#pragma once

#include <cstdint>

#include "stave/clock.h"

namespace stave::base {

/// One per piece of work, used by the thread that does it.
class Breaks {
 public:
  /// `wanted`: false for work that somebody waits for, or that has no thread of its own; then `step` does nothing.
  /// The clock is the system's whatever a store was given: it is real processors that are shared.
  explicit Breaks(bool wanted, Clock& clock = Clock::system()) noexcept
      : wanted_(wanted), clock_(clock), since_ns_(wanted ? clock.monotonic_ns() : 0) {}
  /// A moment at which the thread may be interrupted: it holds no lock. Cheap; steps should take some microseconds.
  void step() noexcept;
  /// Whether the stretch has been long enough, so that the next `step` gives way and begins another.
  [[nodiscard]] bool due() const noexcept;

 private:
  bool wanted_;
  Clock& clock_;
  std::uint64_t since_ns_ = 0;  ///< When this stretch began.
};

}  // namespace stave::base
