// The crash promise with several writers at once, group commit included: each thread counts upwards in keys of its own,
// in pairs written by one transaction. After the power cut every counter stands between what was acknowledged to its
// thread and what the thread last began, and both keys of a pair are equal.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/random.h"
#include "crash/crash_support.h"
#include "store/transaction.h"

namespace stave::crash {
namespace {

using sim::SimFileSystem;
using store::Engine;
using store::KeyRef;
using store::Transaction;

constexpr std::size_t kThreads = 4;

struct Counter {
  std::atomic<int> begun{0};
  std::atomic<int> acknowledged{0};
};

void count_up(Engine& engine, std::size_t thread, Counter& counter) {
  const std::string left = "left" + std::to_string(thread);
  const std::string right = "right" + std::to_string(thread);
  const std::string single = "single" + std::to_string(thread);
  const KeyRef keys[] = {{0, left}, {1, right}};
  for (int i = 1; i < 10'000; ++i) {
    counter.begun.store(i);
    const std::string value = std::to_string(i);
    Transaction txn(engine, keys);
    if (!txn.put(keys[0], value, {}) || !txn.put(keys[1], value, {})) return;
    auto pending = txn.commit();
    if (!pending || !engine.wait(*pending)) return;
    auto alone = engine.put({0, single}, value, {});
    if (!alone || !engine.wait(*alone)) return;
    counter.acknowledged.store(i);
  }
}

int number_of(const Contents& contents, const std::string& key) {
  const auto found = contents.find(key);
  return found == contents.end() ? 0 : std::stoi(found->second.first);
}

TEST(CrashPromise, holds_for_concurrent_writers_and_their_group_commits) {
  const std::uint64_t wanted = states_wanted(1'400);
  std::uint64_t states = 0;
  for (std::uint64_t seed = first_seed(); states < wanted; ++seed) {
    base::Random random(seed);
    ManualClock clock;
    SimFileSystem disk(seed);
    Options options = small_options(disk, clock);
    options.background = true;
    auto engine = Engine::open("/store", options);
    ASSERT_TRUE(engine) << engine.error().describe();
    disk.crash_at(disk.operations() + 5 + random.below(400));
    std::array<Counter, kThreads> counters;
    std::array<std::thread, kThreads> threads;
    for (std::size_t i = 0; i < kThreads; ++i)
      threads[i] = std::thread(count_up, std::ref(**engine), i, std::ref(counters[i]));
    for (auto& thread : threads) thread.join();
    engine->reset();
    for (const auto mode : sim::kCrashModes) {
      const std::uint64_t crash_seed = random.next();
      SimFileSystem left = disk.after_crash(mode, crash_seed);
      ++states;
      auto found = Engine::open("/store", small_options(left, clock));
      ASSERT_TRUE(found) << "seed " << seed << " " << to_string(mode) << " " << crash_seed << ": "
                         << found.error().describe();
      const Contents contents = contents_of(**found);
      for (std::size_t i = 0; i < kThreads; ++i) {
        const std::string n = std::to_string(i);
        const int pair = number_of(contents, "0:left" + n);
        const int single = number_of(contents, "0:single" + n);
        EXPECT_EQ(pair, number_of(contents, "1:right" + n))
            << "half a batch; seed " << seed << " " << to_string(mode) << " " << crash_seed;
        EXPECT_GE(pair, counters[i].acknowledged)
            << "lost; seed " << seed << " " << to_string(mode) << " " << crash_seed;
        EXPECT_GE(single, counters[i].acknowledged)
            << "lost; seed " << seed << " " << to_string(mode) << " " << crash_seed;
        EXPECT_LE(pair, counters[i].begun);
        EXPECT_LE(single, pair) << "out of order; seed " << seed << " " << to_string(mode) << " " << crash_seed;
      }
      ASSERT_FALSE(::testing::Test::HasFailure());
    }
  }
  std::cout << states << " states\n";
}

}  // namespace
}  // namespace stave::crash
