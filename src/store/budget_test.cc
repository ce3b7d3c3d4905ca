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

// --- a small limit ---------------------------------------------------------------------------------------------------

class SmallLimit : public ::testing::Test {
 protected:
  void open(std::uint64_t limit, std::size_t shards, std::size_t log_buffer) {
    Options options;
    options.file_system = files.get();
    options.clock = &clock;
    options.background = false;
    options.log_buffer_bytes = log_buffer;
    options.shards = shards;
    options.sync = Sync::kOs;
    options.packing = Packing::kNone;
    options.max_memory_bytes = limit;
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  std::uint64_t used() { return engine->budget().used(); }

  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  std::unique_ptr<Engine> engine;
};

// Each shard may leave gaps, and takes memory in chunks: with as many shards as here that was all there is, and writes
// were refused because of keys that took a third of it.
TEST_F(SmallLimit, is_not_used_up_by_gaps_in_many_shards) {
  constexpr std::uint64_t kLimit = 8 * kMiB;
  open(kLimit, 64, 64 << 10);
  std::uint64_t number = 0;
  for (int i = 0; i < 60'000; ++i) {
    number = number * 6364136223846793005u + 1442695040888963407u;
    const auto pending = engine->put({0, "key:" + std::to_string(i)}, std::string(20 + (number >> 33) % 900, 'v'), {});
    ASSERT_TRUE(pending) << i << ": " << used() << " of " << kLimit;
    ASSERT_TRUE(engine->wait(*pending));
    if (i % 100 == 0) engine->tick();
  }
  EXPECT_LE(used(), kLimit + kLimit / 20);
  const keyspace::MemoryUse use = engine->stats().memory;
  EXPECT_GT(use.spilled, 50'000u);
}

// What was just written is in the log's buffer only, so it cannot leave memory; to write it out takes no time.
TEST_F(SmallLimit, is_no_reason_to_refuse_while_records_are_only_to_be_written) {
  constexpr std::uint64_t kLimit = 6 * kMiB;
  open(kLimit, 1, 4 * kMiB);
  for (int i = 0; i < 30'000; ++i)
    ASSERT_TRUE(engine->put({0, "key:" + std::to_string(i)}, std::string(500, 'v'), {})) << i << ": " << used();
  EXPECT_LE(used(), kLimit + kLimit / 20);
}

TEST_F(SmallLimit, is_told_when_the_keys_alone_take_it) {
  open(4 * kMiB, 4, 64 << 10);
  Result<Pending> pending;
  int keys = 0;
  for (; keys < 1'000'000; ++keys) {
    pending = engine->put({0, "key:" + std::to_string(keys)}, std::string(20, 'v'), {});
    if (!pending) break;
    ASSERT_TRUE(engine->wait(*pending));
  }
  ASSERT_FALSE(pending);
  EXPECT_EQ(pending.error().code(), ErrorCode::kNoMemory);
  EXPECT_GT(keys, 40'000);
  // As soon as there is room again, it goes on.
  ASSERT_TRUE(engine->flush(0));
  EXPECT_TRUE(engine->put({0, "key"}, "v", {}));
}

// --- a limit that is lowered -----------------------------------------------------------------------------------------

/// A store without threads: what is done by the way is done when the test says so.
class LoweredBudget : public ::testing::Test {
 protected:
  static constexpr std::size_t kValueBytes = 200;
  /// What one step may look at, at the very most.
  static constexpr std::uint64_t kLooksPerStep = 2 * Budget::kStepEntries;

  void SetUp() override {
    Options options;
    options.file_system = files.get();
    options.clock = &clock;
    options.background = false;
    options.log_buffer_bytes = 64 << 10;
    options.shards = 4;
    options.sync = Sync::kOs;
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
    for (int i = 0; i < kKeys; ++i) put(i);
    ASSERT_TRUE(engine->sync());
  }
  void put(int i) {
    const auto pending = engine->put({0, "key:" + std::to_string(i)}, std::string(kValueBytes, 'v'), {});
    ASSERT_TRUE(pending) << pending.error().describe();
    ASSERT_TRUE(engine->wait(*pending));
  }
  std::uint64_t used() { return engine->budget().used(); }
  std::uint64_t looked_at() { return engine->budget().stats().looked_at; }
  void lower(MemoryPolicy policy) {
    full = used();
    limit = full / 2;
    engine->budget().set(limit, policy);
    EXPECT_EQ(looked_at(), 0u) << "whoever lowers it waits for nothing";
  }

  static constexpr int kKeys = 100'000;
  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  std::unique_ptr<Engine> engine;
  std::uint64_t full = 0;
  std::uint64_t limit = 0;
};

// The next write once took out everything that was too much, and everybody else queued behind it: a quarter of a second
// for a million small keys.
TEST_F(LoweredBudget, costs_a_write_some_steps_and_is_reached_by_the_way) {
  for (const MemoryPolicy policy : {MemoryPolicy::kSpill, MemoryPolicy::kAllKeysLru}) {
    if (policy != MemoryPolicy::kSpill) {
      engine->budget().set(0, policy);
      for (int i = 0; i < kKeys; ++i) put(i);
    }
    const std::uint64_t before = looked_at();
    full = used();
    limit = policy == MemoryPolicy::kSpill ? full / 2 : full * 3 / 4;
    engine->budget().set(limit, policy);
    EXPECT_EQ(looked_at(), before) << "whoever lowers it waits for nothing";
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t looked = looked_at();
      put(i);
      ASSERT_LE(looked_at() - looked, Budget::kStepsPerWrite * kLooksPerStep) << i << ": " << used() << " of " << full;
    }
    ASSERT_GT(used(), limit);
    for (int ticks = 0; used() > limit; ++ticks) {
      ASSERT_LT(ticks, 10'000);
      const std::uint64_t looked = looked_at();
      engine->tick();
      ASSERT_LE(looked_at() - looked, Budget::kStepsMax * kLooksPerStep);
    }
    const std::uint64_t looked = looked_at();
    engine->tick();
    EXPECT_EQ(looked_at(), looked) << "there is room, and nobody looks for more";
  }
}

TEST_F(LoweredBudget, holds_writers_that_nobody_helps) {
  lower(MemoryPolicy::kSpill);
  std::uint64_t most = 0;
  for (int i = 0; i < 2 * kKeys; ++i) {
    const std::uint64_t looked = looked_at();
    put(kKeys + i % (kKeys / 2));
    ASSERT_LE(looked_at() - looked, Budget::kStepsMax * kLooksPerStep);
    most = std::max(most, used());
  }
  EXPECT_LE(most, full + full / 20) << "it did not grow on the way down";
  EXPECT_LE(used(), limit + limit / 10) << "and they have come there by themselves";
}

// --- what is being freed ---------------------------------------------------------------------------------------------

TEST_F(LoweredBudget, does_not_take_out_what_gives_way_to_what_is_being_freed) {
  const std::uint64_t small = used();
  constexpr std::uint64_t kLarge = 32 * kMiB;
  ASSERT_TRUE(engine->put({0, "large"}, std::string(kLarge, 'l'), {}));
  engine->budget().set(used() + kMiB, MemoryPolicy::kSpill);
  const std::uint64_t held = engine->keyspace().held_bytes();
  ASSERT_TRUE(engine->put({0, "large"}, "small", {}));
  EXPECT_GT(engine->keyspace().held_bytes(), held - kMiB) << "nobody has freed it yet";
  EXPECT_LT(used(), small + kMiB) << "but it counts no more";
  engine->budget().set(small + 2 * kMiB, MemoryPolicy::kSpill);
  for (int i = 0; i < 100; ++i) put(kKeys + i);
  EXPECT_EQ(looked_at(), 0u);
  // Some megabytes at a time.
  for (std::uint64_t before = engine->keyspace().held_bytes(); engine->keyspace().dying_bytes() != 0;) {
    engine->tick();
    const std::uint64_t now = engine->keyspace().held_bytes();
    ASSERT_LT(now, before);
    ASSERT_LE(before - now, keyspace::SystemChunkSource::kFreedAtOnce);
    before = now;
  }
  EXPECT_LT(engine->keyspace().held_bytes(), held - kLarge + kMiB);
}

TEST_F(LoweredBudget, the_next_large_value_pays_when_too_much_waits_to_be_freed) {
  constexpr std::uint64_t kLarge = 16 * kMiB;
  const std::string value(kLarge, 'l');
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(engine->put({0, "large"}, value, {}));
    ASSERT_LE(engine->keyspace().dying_bytes(), keyspace::SystemChunkSource::kDyingMax + kLarge + kMiB) << i;
  }
}

TEST_F(LoweredBudget, a_flush_counts_no_more_at_once_and_is_freed_by_and_by) {
  const std::uint64_t held = engine->keyspace().held_bytes();
  ASSERT_TRUE(engine->flush_all());
  EXPECT_EQ(engine->keyspace().held_bytes(), held);
  EXPECT_LT(used(), held / 4);
  int steps = 0;
  for (; engine->tick() == 0; ++steps) ASSERT_LT(steps, 100);
  EXPECT_GE(steps, 3) << "a shard at a time";
  EXPECT_LT(engine->keyspace().held_bytes(), held / 4);
  EXPECT_LT(used(), held / 4);
}

}  // namespace
}  // namespace stave::store
