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
  std::uint64_t monotonic_ns() override {
    const timespec t = now(CLOCK_MONOTONIC);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
  }

 private:
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
