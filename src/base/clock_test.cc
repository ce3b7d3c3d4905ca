#include "stave/clock.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "base/thread.h"

namespace stave {
namespace {

TEST(SystemClock, tells_the_wall_time_in_milliseconds) {
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto before = now();
  const auto told = raw(Clock::system().wall());
  EXPECT_GE(told, before);
  EXPECT_LE(told, now());
}

TEST(SystemClock, its_monotonic_time_never_goes_back) {
  std::uint64_t last = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t now = Clock::system().monotonic_ns();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(last, 0u);
}

TEST(SystemClock, counts_the_time_that_the_machine_slept_besides) {
  std::uint64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t awake = Clock::system().monotonic_ns();
    const std::uint64_t elapsed = Clock::system().elapsed_ns();
    ASSERT_GE(elapsed, awake) << "read later, and counts at least as much";
    ASSERT_GE(elapsed, last);
    last = elapsed;
  }
}

TEST(ManualClock, sleeps_when_told) {
  ManualClock clock(UnixMs{1000});
  const std::uint64_t awake = clock.monotonic_ns();
  const std::uint64_t elapsed = clock.elapsed_ns();
  clock.sleep_ms(7);
  EXPECT_EQ(clock.wall(), UnixMs{1007});
  EXPECT_EQ(clock.monotonic_ns(), awake);
  EXPECT_EQ(clock.elapsed_ns(), elapsed + 7'000'000);
}

TEST(ManualClock, moves_only_when_told) {
  ManualClock clock(UnixMs{1000});
  const std::uint64_t start = clock.monotonic_ns();
  EXPECT_EQ(clock.wall(), UnixMs{1000});
  clock.advance_ms(5);
  EXPECT_EQ(clock.wall(), UnixMs{1005});
  EXPECT_EQ(clock.monotonic_ns(), start + 5'000'000);
  clock.set_wall(UnixMs{10});
  EXPECT_EQ(clock.wall(), UnixMs{10});
  EXPECT_EQ(clock.monotonic_ns(), start + 5'000'000);
}

TEST(ThreadName, is_cut_to_what_the_system_keeps) {
  std::string short_name;
  std::string long_name;
  std::thread([&] {
    char buffer[32];
    base::enter_thread("stave-keeper");
    ::pthread_getname_np(::pthread_self(), buffer, sizeof buffer);
    short_name = buffer;
    base::enter_thread("stave-with-a-long-name");
    ::pthread_getname_np(::pthread_self(), buffer, sizeof buffer);
    long_name = buffer;
  }).join();
  EXPECT_EQ(short_name, "stave-keeper");
  EXPECT_EQ(long_name, "stave-with-a-lo");
}

TEST(ThreadSignals, reach_the_programs_own_threads_from_a_threads_first_step_on) {
  sigset_t inside;
  sigset_t after;
  base::start_thread([&] { ::pthread_sigmask(SIG_SETMASK, nullptr, &inside); }).join();
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
    EXPECT_EQ(::sigismember(&inside, signal), 1) << signal;
    EXPECT_EQ(::sigismember(&after, signal), 0) << signal;
  }
}

TEST(ThreadPriority, of_background_work_is_below_the_programs_however_it_was_started) {
  const int usual = ::getpriority(PRIO_PROCESS, static_cast<id_t>(::getpid()));
  const auto mine = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
  int normal = 0;
  int background = 0;
  int nested = 0;
  std::thread([&] {
    base::enter_thread("normal");
    normal = mine();
    base::enter_thread("background", base::Priority::kBackground);
    background = mine();
    std::thread([&] {
      base::enter_thread("nested", base::Priority::kBackground);
      nested = mine();
    }).join();
  }).join();
  EXPECT_EQ(normal, usual);
  EXPECT_EQ(background, std::min(usual + 10, 19));
  EXPECT_EQ(nested, background) << "not further with every generation";
}

}  // namespace
}  // namespace stave
