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
  // Threads are real, so what waits for them may be slower on a busy machine than a schedule allows for.
  const std::uint64_t schedules = number_from("STAVE_CLUSTERS", 0);
  if (schedules == 0) GTEST_SKIP() << "a campaign of make soak; STAVE_CLUSTERS says how many schedules";
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
      const bool good = cluster.run();
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

// Found by schedule 54: a follower that was told to lead lost its disk on the way, refused, and led after its restart.
TEST(Cluster, whose_power_fails_while_it_takes_over_leads_in_a_term_of_its_own_or_follows_still) {
  bool ran_through = false;
  for (std::uint64_t at = 1; !ran_through; ++at) {
    Network network(2, at);
    Node one(network, {.number = 0, .seed = at});
    Node other(network, {.number = 1, .seed = at + 1});
    ASSERT_TRUE(one.start(-1));
    ASSERT_TRUE(other.start(0));
    for (int i = 0; i < 5000 && !other.whole(); ++i) rest_ms(1);
    one.stop();
    other.disk().crash_at(other.disk().operations() + at);
    ran_through = other.group().lead().has_value() && !other.disk().crashed();
    for (const sim::CrashMode mode : sim::kCrashModes) {
      sim::SimFileSystem left = other.disk().after_crash(mode, at);
      const auto state = store::load_node(left, "/store");
      ASSERT_TRUE(state && *state);
      if ((*state)->follows) continue;
      EXPECT_EQ((*state)->terms.back().leader, (*state)->id) << at << " " << sim::to_string(mode);
      EXPECT_EQ((*state)->terms.back().number, (*state)->promised);
    }
    if (!ran_through) {
      EXPECT_TRUE(other.disk().crashed());
    }
  }
}

}  // namespace
}  // namespace stave::cluster
