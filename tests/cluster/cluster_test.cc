// Several nodes, a network that breaks, power that fails, leaders that change, in schedules that seeds steer.
// STAVE_CLUSTERS says how many.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cluster.h"

namespace stave::cluster {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

thread_local std::uint64_t seed_at_hand = 0;

// An assertion ends the process; the seed must not go with it. One of a thread of the nodes' own has none.
void tell_seed(int) {
  char text[64];
  const int length =
      std::snprintf(text, sizeof text, "STAVE_SEED=%llu\n", static_cast<unsigned long long>(seed_at_hand));
  static_cast<void>(!::write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
  std::signal(SIGABRT, SIG_DFL);
}

void add(Counts& all, const Counts& one) {
  all.writes += one.writes;
  all.promised += one.promised;
  all.takeovers += one.takeovers;
  all.handovers += one.handovers;
  all.power_cuts += one.power_cuts;
  all.cuts += one.cuts;
  all.copies += one.copies;
  all.views += one.views;
  all.waived += one.waived;
}

// STAVE_SEED=<seed> begins with that schedule; STAVE_CLUSTERS=1 runs it alone.
TEST(Cluster, loses_nothing_that_was_promised_and_comes_to_one_log) {
  const std::uint64_t schedules = number_from("STAVE_CLUSTERS", 80);
  const std::uint64_t first = number_from("STAVE_SEED", 1);
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::string failure;
  Counts all;
  std::signal(SIGABRT, tell_seed);
  const auto work = [&] {
    for (std::uint64_t i = next++; i < schedules && !failed; i = next++) {
      const std::uint64_t seed = first + i;
      seed_at_hand = seed;
      Cluster cluster(seed);
      const auto begun = std::chrono::steady_clock::now();
      const bool good = cluster.run();
      const auto ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count();
      if (std::getenv("STAVE_TELL") != nullptr)
        std::printf("seed %llu: %lld ms\n", static_cast<unsigned long long>(seed), static_cast<long long>(ms));
      if (std::getenv("STAVE_TELL") != nullptr && ms > 5000) std::printf("slow %s\n", cluster.log().c_str());
      const std::lock_guard lock(mutex);
      add(all, cluster.counts());
      if (!good && !failed.exchange(true))
        failure = "STAVE_SEED=" + std::to_string(seed) + ": " + cluster.failure() + "\n" + cluster.log();
    }
  };
  // They mostly wait, for connections to be tried again.
  const std::size_t at_once = static_cast<std::size_t>(number_from("STAVE_AT_ONCE", 12));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < at_once; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(failed) << failure;
  std::printf(
      "%llu schedules: %llu writes, %llu promised, %llu takeovers, %llu handovers, %llu power cuts, %llu logs cut, "
      "%llu "
      "copies, %llu views, %llu waived\n",
      static_cast<unsigned long long>(schedules), static_cast<unsigned long long>(all.writes),
      static_cast<unsigned long long>(all.promised), static_cast<unsigned long long>(all.takeovers),
      static_cast<unsigned long long>(all.handovers), static_cast<unsigned long long>(all.power_cuts),
      static_cast<unsigned long long>(all.cuts), static_cast<unsigned long long>(all.copies),
      static_cast<unsigned long long>(all.views), static_cast<unsigned long long>(all.waived));
  if (schedules >= 80 && !failed) {
    EXPECT_GT(all.promised, 0u);
    EXPECT_GT(all.takeovers, 0u);
    EXPECT_GT(all.handovers, 0u);
    EXPECT_GT(all.cuts, 0u);
  }
}

}  // namespace
}  // namespace stave::cluster
