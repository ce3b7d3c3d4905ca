// The scheduler that the interleavings rest on.
#include "testing/interleaver.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/mutex.h"

namespace stave::testing {
namespace {

using base::interleave::yield_point;

std::string order_of(std::uint64_t seed) {
  std::string order;
  Interleaver interleaver(seed);
  for (const char* name : {"a", "b", "c"}) {
    interleaver.add(name, [&order, name] {
      for (int i = 0; i < 2; ++i) {
        order += name;
        yield_point("a step");
      }
    });
  }
  EXPECT_TRUE(interleaver.run());
  return order;
}

TEST(Interleaver, finds_every_order_and_the_same_one_for_the_same_seed) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 4'000; ++seed) {
    orders.insert(order_of(seed));
    ASSERT_EQ(order_of(seed), order_of(seed));
  }
  EXPECT_EQ(orders.size(), 90u) << "6! / 2! / 2! / 2!";
}

template <class M>
class InterleavedLocks : public ::testing::Test {};
using Kinds = ::testing::Types<base::Mutex, base::ShortMutex>;
TYPED_TEST_SUITE(InterleavedLocks, Kinds);

TYPED_TEST(InterleavedLocks, are_waited_for_by_letting_others_go_on) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    TypeParam mutex;
    int inside = 0;
    int most = 0;
    Interleaver interleaver(seed);
    for (const char* name : {"a", "b", "c"}) {
      interleaver.add(name, [&] {
        const base::Guard<TypeParam> lock(mutex);
        most = std::max(most, ++inside);
        yield_point("within");
        --inside;
      });
    }
    ASSERT_TRUE(interleaver.run());
    EXPECT_EQ(most, 1);
  }
}

TYPED_TEST(InterleavedLocks, that_are_taken_in_two_orders_are_found_out) {
  int deadlocks = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    TypeParam one;
    TypeParam two;
    const auto both = [](TypeParam& first, TypeParam& second) {
      first.lock();
      yield_point("between");
      second.lock();
      second.unlock();
      first.unlock();
    };
    Interleaver interleaver(seed);
    interleaver.add("a", [&] { both(one, two); });
    interleaver.add("b", [&] { both(two, one); });
    if (interleaver.run()) continue;
    ++deadlocks;
    EXPECT_NE(interleaver.trace().find("a waits for"), std::string::npos) << interleaver.trace();
    // What they hold, they hold for ever.
    one.unlock();
    two.unlock();
  }
  EXPECT_GT(deadlocks, 10);
  EXPECT_LT(deadlocks, 190);
}

TEST(Interleaver, a_condition_is_looked_at_again_until_it_holds) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    base::Mutex mutex;
    base::ConditionVariable condition;
    bool there = false;
    Interleaver interleaver(seed);
    interleaver.add("waits", [&] {
      base::MutexLock lock(mutex);
      while (!there) condition.wait(mutex);
    });
    interleaver.add("brings", [&] {
      yield_point("later");
      base::MutexLock lock(mutex);
      there = true;
      condition.notify_all();
    });
    ASSERT_TRUE(interleaver.run()) << interleaver.trace();
  }
}

}  // namespace
}  // namespace stave::testing
