#include "store/budget.h"

#include <gtest/gtest.h>

#include <string>

#include "stave/file_system.h"
#include "store/engine.h"

namespace stave::store {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

/// A store without threads, and a process that takes what the test says.
class ProcessBudget : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options;
    options.file_system = files.get();
    options.clock = &clock;
    options.background = false;
    options.log_buffer_bytes = 64 << 10;
    options.shards = 1;
    options.sync = Sync::kOs;
    options.max_memory_bytes = 8 * kMiB;
    options.process_memory = [this] { return process; };
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  void tick(int times = 1) {
    for (int i = 0; i < times; ++i) {
      clock.advance_ms(100);
      engine->tick();
    }
  }
  std::uint64_t used() { return engine->stats().budget.used; }
  /// The process takes that much more than the keyspace does.
  void take_besides(std::uint64_t bytes) {
    const BudgetStats budget = engine->stats().budget;
    process = budget.used - budget.outside - (64 << 10) + kAtFirst + bytes;
  }

  static constexpr std::uint64_t kAtFirst = 3 * kMiB;
  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  std::uint64_t process = kAtFirst;
  std::unique_ptr<Engine> engine;
};

TEST_F(ProcessBudget, counts_what_the_process_grows_by_besides_the_keyspace) {
  tick(10);
  EXPECT_EQ(used(), 64u << 10) << "what it took before the store was opened does not count";
  ASSERT_TRUE(engine->put({0, "k"}, std::string(100, 'v'), {}));
  const std::uint64_t before = used();
  take_besides(2 * kMiB);
  tick(10);
  EXPECT_EQ(used(), before + 2 * kMiB);
  EXPECT_EQ(engine->stats().budget.outside, 2 * kMiB);
  take_besides(0);
  tick();
  EXPECT_EQ(used(), before);
}

TEST_F(ProcessBudget, overlooks_what_is_gone_at_once) {
  tick(10);
  take_besides(100 * kMiB);
  tick();
  take_besides(0);
  tick();
  EXPECT_EQ(engine->stats().budget.outside, 0u);
}

TEST_F(ProcessBudget, values_make_room_for_it) {
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(engine->put({0, "k" + std::to_string(i)}, std::string(1000, 'v'), {}));
  EXPECT_EQ(engine->stats().memory.spilled, 0u);
  const std::uint64_t before = used();
  take_besides(4 * kMiB);
  const std::uint64_t taken = process;
  tick(7);
  EXPECT_EQ(used(), before) << "it may be gone in a moment";
  // What leaves memory does so for the process, too.
  for (int i = 0; i < 20; ++i) {
    tick();
    const BudgetStats budget = engine->stats().budget;
    process = taken - (before - (budget.used - budget.outside));
  }
  EXPECT_EQ(engine->stats().budget.outside, 4 * kMiB);
  EXPECT_LE(used(), 8 * kMiB + 8 * kMiB / 20);
  EXPECT_GT(engine->stats().memory.spilled, 1000u);
}

TEST_F(ProcessBudget, buffers_count_and_are_not_counted_twice) {
  tick(10);
  const std::uint64_t before = used();
  ASSERT_TRUE(engine->budget().take_buffer(kMiB));
  EXPECT_EQ(used(), before + kMiB);
  EXPECT_EQ(engine->stats().budget.buffers, kMiB);
  process += kMiB;  // it is the process's memory, too
  tick(10);
  EXPECT_EQ(used(), before + kMiB);
  engine->budget().give_buffer(kMiB);
  process -= kMiB;
  tick(10);
  EXPECT_EQ(used(), before);
}

TEST_F(ProcessBudget, values_make_way_for_buffers) {
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(engine->put({0, "k" + std::to_string(i)}, std::string(1000, 'v'), {}));
  EXPECT_EQ(engine->stats().memory.spilled, 0u);
  ASSERT_TRUE(engine->budget().take_buffer(6 * kMiB));
  for (int i = 0; i < 20; ++i) engine->budget().settle();
  EXPECT_LE(used(), 8 * kMiB + 8 * kMiB / 20);
  EXPECT_GT(engine->stats().memory.spilled, 1000u);
  engine->budget().give_buffer(6 * kMiB);
}

TEST_F(ProcessBudget, all_buffers_together_are_bounded_and_a_refused_one_leaves_no_trace) {
  Budget& budget = engine->budget();
  budget.set(64 * kMiB, MemoryPolicy::kSpill);
  std::uint64_t taken = 0;
  while (budget.take_buffer(kMiB)) taken += kMiB;
  EXPECT_LE(used(), 64 * kMiB) << "what room there is, is theirs";
  EXPECT_GE(taken, 60 * kMiB);
  EXPECT_EQ(engine->stats().budget.buffers, taken);
  EXPECT_EQ(engine->stats().budget.refused_buffers, 1u);
  budget.give_buffer(taken - kMiB);
  // With everything else full a part of the limit is still to be had.
  process = kAtFirst + 100 * kMiB;
  tick(10);
  std::uint64_t granted = kMiB;
  while (budget.take_buffer(kMiB)) granted += kMiB;
  EXPECT_EQ(granted, 16 * kMiB);
  budget.give_buffer(granted);
  EXPECT_EQ(engine->stats().budget.buffers, 0u);
}

TEST_F(ProcessBudget, knows_no_bound_without_a_limit) {
  Budget& budget = engine->budget();
  budget.set(0, MemoryPolicy::kSpill);
  ASSERT_TRUE(budget.take_buffer(1ull << 40));
  budget.give_buffer(1ull << 40);
}

}  // namespace
}  // namespace stave::store
