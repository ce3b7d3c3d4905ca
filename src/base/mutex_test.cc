#include "base/mutex.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace stave::base {
namespace {

template <class M>
class Locks : public ::testing::Test {};
using Kinds = ::testing::Types<Mutex, ShortMutex>;
TYPED_TEST_SUITE(Locks, Kinds);

/// State that only the lock keeps whole: two numbers that must stay equal.
template <class M>
struct Pair {
  M mutex;
  std::uint64_t a STAVE_GUARDED_BY(mutex) = 0;
  std::uint64_t b STAVE_GUARDED_BY(mutex) = 0;
};

TYPED_TEST(Locks, let_one_thread_in_at_a_time) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  Pair<TypeParam> pair;
  std::atomic<int> torn = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        const Guard<TypeParam> lock(pair.mutex);
        if (pair.a != pair.b) ++torn;
        ++pair.a;
        ++pair.b;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const Guard<TypeParam> lock(pair.mutex);
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(pair.a, std::uint64_t{kThreads} * kRounds);
}

TYPED_TEST(Locks, try_lock_fails_while_another_thread_holds_it) {
  TypeParam mutex;
  bool while_held = true;
  bool when_free = false;
  {
    const Guard<TypeParam> lock(mutex);
    std::thread([&]() STAVE_NO_THREAD_SAFETY_ANALYSIS {
      while_held = mutex.try_lock();
      if (while_held) mutex.unlock();
    }).join();
  }
  std::thread([&]() STAVE_NO_THREAD_SAFETY_ANALYSIS {
    when_free = mutex.try_lock();
    if (when_free) mutex.unlock();
  }).join();
  EXPECT_FALSE(while_held);
  EXPECT_TRUE(when_free);
}

// The holder yields inside, so that the others run out of spins and sleep: nobody may be left asleep.
TYPED_TEST(Locks, wake_those_who_sleep) {
  TypeParam mutex;
  int inside = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const Guard<TypeParam> lock(mutex);
        ++inside;
        for (int y = 0; y < 5; ++y) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(inside, 8 * 200);
}

TYPED_TEST(Locks, try_lock_and_lock_exclude_each_other) {
  Pair<TypeParam> pair;
  std::atomic<int> torn = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t]() STAVE_NO_THREAD_SAFETY_ANALYSIS {
      for (int done = 0; done < 5000;) {
        if (t % 2 == 0) {
          pair.mutex.lock();
        } else if (!pair.mutex.try_lock()) {
          std::this_thread::yield();
          continue;
        }
        if (++pair.a != ++pair.b) ++torn;
        pair.mutex.unlock();
        ++done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
}

TEST(ShortMutex, is_one_word) {
  EXPECT_EQ(sizeof(ShortMutex), 4u);
}

TEST(ConditionVariable, hands_over_what_was_waited_for) {
  Mutex mutex;
  ConditionVariable changed;
  int turn = 0;
  constexpr int kTurns = 2000;
  const auto play = [&](int mine) {
    for (int i = 0; i < kTurns; ++i) {
      const MutexLock lock(mutex);
      while (turn % 2 != mine) changed.wait(mutex);
      ++turn;
      changed.notify_one();
    }
  };
  std::thread other([&] { play(1); });
  play(0);
  other.join();
  EXPECT_EQ(turn, 2 * kTurns);
}

TEST(ConditionVariable, says_when_the_time_went_by) {
  Mutex mutex;
  ConditionVariable never;
  const MutexLock lock(mutex);
  while (never.wait_for_ms(mutex, 0)) {
  }
  while (never.wait_for_ms(mutex, 1)) {
  }
}

}  // namespace
}  // namespace stave::base
