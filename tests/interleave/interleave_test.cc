// Background work beside writers, in every order that a seed can find. STAVE_SCHEDULES says how many.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "world.h"

namespace stave::interleaving {
namespace {

constexpr std::uint64_t kSchedulesPerWorld = 40;

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

thread_local std::uint64_t world_at_hand = 0;

// An assertion ends the process; the seed must not go with it.
void tell_seed(int) {
  char text[64];
  const int length =
      std::snprintf(text, sizeof text, "STAVE_SEED=%llu\n", static_cast<unsigned long long>(world_at_hand));
  static_cast<void>(!::write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
  std::signal(SIGABRT, SIG_DFL);
}

// One world after the other, each from a seed of its own: STAVE_SEED=<seed> begins with the one that failed.
TEST(Interleaving, background_work_beside_writers_never_shows_or_leaves_anything_else) {
  const std::uint64_t schedules = number_from("STAVE_SCHEDULES", 200'000);
  const std::uint64_t first = number_from("STAVE_SEED", 1);
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> turns{0};
  std::atomic<bool> failed{false};
  std::mutex failure_mutex;
  std::string failure;
  std::signal(SIGABRT, tell_seed);
  const auto work = [&] {
    while (!failed && done < schedules) {
      const std::uint64_t seed = first + next++;
      world_at_hand = seed;
      World world(seed);
      for (std::uint64_t i = 0; i < kSchedulesPerWorld && !failed; ++i) {
        const bool good = world.run_schedule();
        ++done;
        if (good) continue;
        const std::lock_guard lock(failure_mutex);
        if (!failed.exchange(true))
          failure = "STAVE_SEED=" + std::to_string(seed) + ", schedule " + std::to_string(i + 1) +
                    " of its world, the " + std::to_string(done.load()) + "th of all: " + world.failure();
      }
      turns += world.turns();
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::max(1u, std::thread::hardware_concurrency()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(failed) << failure;
  std::printf("%llu schedules, %llu turns\n", static_cast<unsigned long long>(done.load()),
              static_cast<unsigned long long>(turns.load()));
}

}  // namespace
}  // namespace stave::interleaving
