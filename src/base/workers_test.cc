#include "base/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

namespace stave::base {
namespace {

TEST(Workers, run_every_job_once_before_they_stop) {
  std::atomic<int> done{0};
  Workers workers("test", 3);
  for (int i = 0; i < 1000; ++i) workers.run([&] { ++done; });
  workers.stop();
  EXPECT_EQ(done.load(), 1000);
  EXPECT_FALSE(workers.busy());
}

TEST(Workers, do_not_queue_a_job_behind_another_while_a_thread_may_be_started) {
  Workers workers("test", 2);
  Mutex mutex;
  ConditionVariable met;
  int here = 0;
  // Each waits for the other: one thread alone would never come to an end.
  const auto meet = [&] {
    MutexLock lock(mutex);
    ++here;
    met.notify_all();
    while (here < 2) met.wait(mutex);
  };
  workers.run(meet);
  workers.run(meet);
  EXPECT_TRUE(workers.busy() || here == 2);
  workers.stop();
  EXPECT_EQ(here, 2);
}

TEST(Workers, leave_the_work_to_the_caller_when_there_is_no_thread) {
  Workers none("test", 0);
  const auto me = std::this_thread::get_id();
  std::thread::id ran;
  none.run([&] { ran = std::this_thread::get_id(); });
  EXPECT_EQ(ran, me);
  Workers stopped("test", 2);
  stopped.stop();
  ran = {};
  stopped.run([&] { ran = std::this_thread::get_id(); });
  EXPECT_EQ(ran, me);
}

}  // namespace
}  // namespace stave::base
