// Memory that runs out when a test wants it to: the Nth allocation of this thread fails, once or from then on.
//
// A program that uses it gets its own `operator new`, and by the linker's `--wrap` (`stave_fails_allocations` in CMake)
// its own malloc, posix_memalign and map_memory in all that is linked statically: so the index's chunks and blocks fail
// like everything else. Promises: what is not asked to fail is passed on; other threads never notice. Must not know:
// what is tested.
#pragma once

#include <cstdint>

namespace stave::sim {

/// While it lives, allocations of this thread are counted, and fail as asked. One at a time on a thread.
class FailingAllocation {
 public:
  enum class How : std::uint8_t {
    kOnce,     ///< Only the Nth.
    kForGood,  ///< The Nth and all that follow.
  };
  /// `nth` from 1 on; 0 only counts.
  explicit FailingAllocation(std::uint64_t nth, How how = How::kOnce) noexcept;
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  /// Allocations so far, refused ones included.
  [[nodiscard]] std::uint64_t seen() const noexcept;
  /// Whether any was refused.
  [[nodiscard]] bool hit() const noexcept;

  /// For what allocates without `operator new` and without malloc: counts one; true: refuse it.
  [[nodiscard]] static bool refuse() noexcept;
};

/// For a moment in which nothing is counted: the test's own work between two steps.
class AllocationsPass {
 public:
  AllocationsPass() noexcept;
  ~AllocationsPass();
  AllocationsPass(const AllocationsPass&) = delete;
  AllocationsPass& operator=(const AllocationsPass&) = delete;

 private:
  bool was_on_;
};

}  // namespace stave::sim
