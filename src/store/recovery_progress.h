// How far the opening of a store has come, told to whoever waits for it once it takes longer than a second.
//
// Threads: `add` and `add_keys` any; the rest one.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "stave/clock.h"

namespace stave::store {

class RecoveryProgress {
 public:
  using Notice = std::function<void(std::string_view)>;
  /// Both must outlive it. `notice` may be empty.
  RecoveryProgress(Clock& clock, const Notice& notice);

  /// A new part of the work begins, of `total` bytes (0: unknown).
  void begin(std::string_view what, std::uint64_t total) noexcept;
  /// So much more was read. Cost: two relaxed additions; at times the clock is read.
  void add(std::uint64_t bytes, std::uint64_t keys) noexcept;

 private:
  static constexpr std::uint64_t kEveryNs = 1'000'000'000;
  static constexpr std::uint64_t kLookEveryBytes = 1u << 20;
  void tell(std::uint64_t now_ns);

  Clock& clock_;
  const Notice& notice_;
  std::string_view what_;
  std::uint64_t total_ = 0;
  std::uint64_t begun_ns_ = 0;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> keys_{0};
  std::atomic<std::uint64_t> look_at_{kLookEveryBytes};
  std::atomic<std::uint64_t> next_ns_;
};

}  // namespace stave::store
