// How many file descriptors there are, and who may have how many of them.
//
// The doors of a process share one budget, however many they are, and the rest stays with the store: clients that
// connect and sit there must never keep it from going over to its next segment. Must not know: sockets, segments.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"

namespace stave::base {

/// What the doors take a descriptor from for each connection, and give it back to. Threads: any.
class DescriptorBudget {
 public:
  explicit DescriptorBudget(std::int64_t most) noexcept : most_(most) {}
  DescriptorBudget(const DescriptorBudget&) = delete;
  DescriptorBudget& operator=(const DescriptorBudget&) = delete;

  /// False, and nothing was taken, when all are in use.
  [[nodiscard]] bool take() noexcept {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < most_) return true;
    taken_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  void give_back(std::int64_t count = 1) noexcept {
    const std::int64_t before = taken_.fetch_sub(count, std::memory_order_relaxed);
    STAVE_ASSERT(count >= 0 && before >= count);
  }
  [[nodiscard]] std::int64_t most() const noexcept { return most_; }

 private:
  const std::int64_t most_;
  std::atomic<std::int64_t> taken_{0};
};

/// Raises the process's limit as far as `wanted` connections need and the system allows; returns how many connections
/// fit beside what the store keeps.
std::int64_t descriptors_for_doors(std::int64_t wanted) noexcept;
/// How many files a store may hold open for no other reason than to read from them again.
std::size_t files_kept_open() noexcept;

/// The same two by a given limit of the process.
std::uint64_t doors_share(std::uint64_t limit) noexcept;
std::uint64_t files_share(std::uint64_t limit) noexcept;

}  // namespace stave::base
