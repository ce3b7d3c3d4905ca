#include "store/shard_locks.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace stave::store {
namespace {

using keyspace::ShardId;

class ShardLocksTest : public ::testing::Test {
 protected:
  /// Asked on another thread: a mutex must not be tried by who holds it.
  bool is_free(ShardId id) {
    bool free = false;
    std::thread([&]() STAVE_NO_THREAD_SAFETY_ANALYSIS {
      free = keyspace_.shard(id).mutex().try_lock();
      if (free) keyspace_.shard(id).mutex().unlock();
    }).join();
    return free;
  }
  keyspace::Keyspace keyspace_{2, 4, {}};
};

TEST_F(ShardLocksTest, locks_each_shard_once_whatever_order_and_number) {
  ShardLocks locks(keyspace_);
  for (const ShardId id : {6u, 1u, 6u, 3u, 1u}) locks.add(id);
  locks.lock();
  EXPECT_EQ(std::vector<ShardId>(locks.ids().begin(), locks.ids().end()), (std::vector<ShardId>{1, 3, 6}));
  for (ShardId id = 0; id < 8; ++id) EXPECT_EQ(is_free(id), !locks.holds(id)) << id;
  locks.unlock();
  for (ShardId id = 0; id < 8; ++id) EXPECT_TRUE(is_free(id)) << id;
}

TEST_F(ShardLocksTest, gives_back_what_it_holds_when_something_is_thrown) {
  try {
    ShardLocks locks(keyspace_);
    locks.add_databases(0, 1);
    locks.lock();
    EXPECT_FALSE(is_free(5));
    throw std::runtime_error("whatever");
  } catch (const std::runtime_error&) {
  }
  for (ShardId id = 0; id < 8; ++id) EXPECT_TRUE(is_free(id)) << id;
}

TEST_F(ShardLocksTest, locks_the_same_set_again) {
  ShardLocks locks(keyspace_);
  locks.add(2);
  locks.lock();
  locks.unlock();
  EXPECT_FALSE(locks.holds(2));
  locks.lock();
  EXPECT_TRUE(locks.holds(2));
  EXPECT_FALSE(is_free(2));
}

TEST_F(ShardLocksTest, an_empty_set_holds_nothing) {
  ShardLocks locks(keyspace_);
  locks.lock();
  EXPECT_TRUE(locks.locked());
  EXPECT_FALSE(locks.holds(0));
}

TEST_F(ShardLocksTest, adds_all_shards_of_the_databases_asked_for) {
  ShardLocks locks(keyspace_);
  locks.add_databases(1, 1);
  locks.lock();
  EXPECT_EQ(std::vector<ShardId>(locks.ids().begin(), locks.ids().end()), (std::vector<ShardId>{4, 5, 6, 7}));
}

TEST(ShardLocksDeathTest, dies_when_a_shard_is_used_that_is_not_held) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  keyspace::Keyspace keyspace(1, 4, {});
  ShardLocks locks(keyspace);
  locks.add(1);
  locks.lock();
  EXPECT_DEATH(locks.assert_held(2, keyspace.shard(2)), "holds");
}

}  // namespace
}  // namespace stave::store
