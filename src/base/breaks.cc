#include "base/breaks.h"

#include <thread>

namespace stave::base {

namespace {
/// Shorter than any system's time slice, and long enough that giving way (a microsecond) costs next to nothing.
constexpr std::uint64_t kStretchNs = 100'000;
}  // namespace

bool Breaks::due() const noexcept {
  return wanted_ && clock_.monotonic_ns() - since_ns_ >= kStretchNs;
}

void Breaks::step() noexcept {
  if (!due()) return;
  std::this_thread::yield();
  since_ns_ = clock_.monotonic_ns();
}

}  // namespace stave::base
