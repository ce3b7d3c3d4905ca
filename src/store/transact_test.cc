#include "store/transact.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "store/options_for_test.h"

namespace stave::store {
namespace {

constexpr int kShards = 16;

class Transacts : public ::testing::Test {
 protected:
  void SetUp() override {
    files_ = make_memory_file_system();
    Options options = still_options(*files_, clock_, 2);
    options.shards = kShards;
    auto opened = Engine::open("/store", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
    // A key for each shard of each database.
    for (int i = 0; names_.size() < kShards; ++i) {
      std::string name = "key" + std::to_string(i);
      names_.emplace(engine_->keyspace().shard_id(0, engine_->keyspace().hash(name)), name);
    }
  }
  KeyRef key(keyspace::ShardId shard) { return {static_cast<int>(shard) / kShards, names_.at(shard % kShards)}; }
  std::string get(KeyRef key) {
    std::string value;
    EXPECT_TRUE(engine_->read(key, Access::kPeek, [&](const ValueView* v) {
      if (v != nullptr) value = std::string(v->value);
    }));
    return value;
  }
  void put(KeyRef key, std::string_view value) { ASSERT_TRUE(engine_->put(key, value, {})); }
  Result<Pending> run(std::span<const KeyRef> keys, base::FunctionRef<Result<void>(Transaction&)> work) {
    Pending observed;
    return transact(*engine_, keys, work, Sync::kDefault, observed);
  }
  /// Runs `work` while another thread holds that shard.
  void while_held(keyspace::ShardId shard, base::FunctionRef<void()> work) {
    std::mutex mutex;
    std::condition_variable changed;
    bool held = false;
    bool done = false;
    std::thread other([&] {
      Transaction transaction(*engine_, key(shard));
      std::unique_lock lock(mutex);
      held = true;
      changed.notify_all();
      changed.wait(lock, [&] { return done; });
    });
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return held; });
    }
    work();
    {
      const std::scoped_lock lock(mutex);
      done = true;
    }
    changed.notify_all();
    other.join();
  }

  ManualClock clock_;
  std::unique_ptr<FileSystem> files_;
  std::unique_ptr<Engine> engine_;
  std::map<keyspace::ShardId, std::string> names_;
};

TEST_F(Transacts, unnamed_keys_are_taken_in_the_middle_in_any_order_when_nobody_has_them) {
  const KeyRef named = key(5);
  int runs = 0;
  const auto done = run(std::span(&named, 1), [&](Transaction& transaction) -> Result<void> {
    ++runs;
    for (const keyspace::ShardId shard : {9u, 2u, 5u, 20u, 0u, 31u})
      if (auto put = transaction.put(key(shard), "v", {}); !put) return put;
    return {};
  });
  ASSERT_TRUE(done);
  EXPECT_EQ(runs, 1);
  for (const keyspace::ShardId shard : {9u, 2u, 5u, 20u, 0u, 31u}) EXPECT_EQ(get(key(shard)), "v") << shard;
}

TEST_F(Transacts, a_transaction_that_meets_a_key_in_use_out_of_order_is_lost_and_leaves_nothing) {
  put(key(7), "before");
  put(key(3), "before");
  while_held(3, [&] {
    Transaction transaction(*engine_, key(7));
    ASSERT_TRUE(transaction.put(key(7), "after", {}));
    EXPECT_EQ(transaction.find(key(3)), std::nullopt);
    ASSERT_EQ(transaction.wanted(), keyspace::ShardId{3});
    // From here on it does nothing at all, with named keys neither.
    EXPECT_EQ(transaction.find(key(7)), std::nullopt);
    EXPECT_EQ(transaction.put(key(7), "more", {}).error().code(), ErrorCode::kConflict);
    EXPECT_EQ(transaction.set_expiry(key(7), {}).error().code(), ErrorCode::kConflict);
    EXPECT_FALSE(transaction.erase(key(7)));
    EXPECT_EQ(transaction.commit().error().code(), ErrorCode::kConflict);
    EXPECT_EQ(get(key(7)), "before");
  });
  EXPECT_EQ(get(key(3)), "before");
}

TEST_F(Transacts, what_was_lost_runs_again_on_what_was_there_before_and_counts_once) {
  put(key(7), "10");
  put(key(3), "5");
  const KeyRef named = key(7);
  int runs = 0;
  std::mutex mutex;
  std::condition_variable changed;
  bool ran = false;
  std::thread again;
  while_held(3, [&] {
    again = std::thread([&, this] {
      ASSERT_TRUE(run(std::span(&named, 1), [&](Transaction& transaction) -> Result<void> {
        const std::string mine(transaction.find(key(7))->value);
        EXPECT_EQ(mine, "10");
        if (auto put = transaction.put(key(7), mine + "+", {}); !put) return put;
        const auto other = transaction.find(key(3));
        {
          const std::scoped_lock lock(mutex);
          ++runs;
          ran = true;
          changed.notify_all();
        }
        // Whatever a lost run returns is of no interest.
        if (!other) return fail(ErrorCode::kAborted, "lost");
        return transaction.put(key(3), std::string(other->value) + "+", {});
      }));
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ran; });
  });
  again.join();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(get(key(7)), "10+");
  EXPECT_EQ(get(key(3)), "5+");
}

TEST_F(Transacts, an_error_of_the_function_undoes_everything_and_says_what_telling_it_waits_for) {
  put(key(2), "before");
  const KeyRef named = key(7);
  Pending observed;
  const auto done = transact(
      *engine_, std::span(&named, 1),
      [&](Transaction& transaction) -> Result<void> {
        EXPECT_TRUE(transaction.find(key(2)));
        EXPECT_TRUE(transaction.put(key(2), "after", {}));
        EXPECT_TRUE(transaction.put(key(7), "after", {}));
        return fail(ErrorCode::kAborted, "no");
      },
      Sync::kDefault, observed);
  EXPECT_EQ(done.error().code(), ErrorCode::kAborted);
  EXPECT_FALSE(observed.empty());
  EXPECT_EQ(get(key(2)), "before");
  EXPECT_EQ(get(key(7)), "");
}

// Two threads that take the same keys in opposite orders, named and unnamed: nobody waits for ever, nothing is lost.
TEST_F(Transacts, threads_in_opposite_orders_all_finish_and_every_change_counts) {
  constexpr int kRounds = 300;
  constexpr keyspace::ShardId kKeys = 12;
  const auto add_one = [&](Transaction& transaction, KeyRef key) -> Result<void> {
    const auto now = transaction.find(key);
    const int number = now ? std::stoi(std::string(now->value)) : 0;
    return transaction.put(key, std::to_string(number + 1), {});
  };
  std::vector<std::thread> threads;
  for (const int direction : {1, -1, 1, -1}) {
    threads.emplace_back([&, direction] {
      for (int round = 0; round < kRounds; ++round) {
        const KeyRef first = key(direction > 0 ? 0 : kKeys - 1);
        ASSERT_TRUE(run(std::span(&first, 1), [&](Transaction& transaction) -> Result<void> {
          for (keyspace::ShardId i = 0; i < kKeys; ++i)
            if (auto done = add_one(transaction, key(direction > 0 ? i : kKeys - 1 - i)); !done) return done;
          return {};
        }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (keyspace::ShardId i = 0; i < kKeys; ++i) EXPECT_EQ(get(key(i)), std::to_string(4 * kRounds)) << i;
}

}  // namespace
}  // namespace stave::store
