#include "stave/clock.h"

#include <ctime>

namespace stave {

namespace {

class SystemClock final : public Clock {
 public:
  UnixMs wall() override {
    const timespec t = now(CLOCK_REALTIME);
    return UnixMs{std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000};
  }
  std::uint64_t monotonic_ns() override { return nanoseconds(now(CLOCK_MONOTONIC)); }
  std::uint64_t elapsed_ns() override { return nanoseconds(now(CLOCK_BOOTTIME)); }

 private:
  static std::uint64_t nanoseconds(const timespec& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
  }
  static timespec now(clockid_t which) {
    timespec t{};
    ::clock_gettime(which, &t);
    return t;
  }
};

}  // namespace

Clock& Clock::system() {
  static Clock& clock = *new SystemClock;  // never destroyed: threads may ask the time while the process ends
  return clock;
}

}  // namespace stave
