#include "store/store_clock.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <string>

#include "base/random.h"

namespace stave::store {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kTenYears = 3650 * kDay;

class StoreClocks : public testing::Test {
 protected:
  /// Time goes by, and somebody looks ten times a second, as the store's keeper does.
  void pass(std::int64_t ms) {
    for (; ms > 0; ms -= 100) {
      clock_.advance_ms(std::min<std::int64_t>(ms, 100));
      time_.look();
    }
  }
  void set_wall_by(std::int64_t ms) {
    clock_.set_wall(clock_.wall() + ms);
    time_.look();
  }

  ManualClock clock_;
  StoreClock time_{clock_};
};

TEST_F(StoreClocks, goes_on_while_the_machine_sleeps) {
  const UnixMs begin = time_.now();
  EXPECT_EQ(begin, clock_.wall());
  clock_.advance_ms(5 * kSecond);
  EXPECT_EQ(time_.now(), begin + 5 * kSecond);
  clock_.sleep_ms(7 * kDay);
  EXPECT_EQ(time_.now(), begin + 5 * kSecond + 7 * kDay);
  time_.look();
  EXPECT_EQ(time_.jumps(), 0u);
  EXPECT_EQ(time_.take_news(), "");
}

TEST_F(StoreClocks, neither_stops_nor_leaps_when_the_wall_clock_is_set) {
  for (const std::int64_t by : {kTenYears, -kTenYears, 2 * kSecond, -2 * kSecond, kDay, -kDay}) {
    const UnixMs before = time_.now();
    const std::int64_t ahead = before - clock_.wall();
    set_wall_by(by);
    EXPECT_EQ(time_.now(), before);
    pass(kSecond);
    EXPECT_EQ(time_.now(), before + kSecond);
    EXPECT_EQ(time_.offset_ms(), ahead - by);
    EXPECT_NE(time_.take_news(), "") << by;
    set_wall_by(-by);
    EXPECT_EQ(time_.offset_ms(), 0) << by;
    EXPECT_EQ(time_.take_news(), "the wall clock was set " +
                                     std::string(by == kTenYears      ? "3650 days back"
                                                 : by == -kTenYears   ? "3650 days forward"
                                                 : by == 2 * kSecond  ? "2 seconds back"
                                                 : by == -2 * kSecond ? "2 seconds forward"
                                                 : by == kDay         ? "24 hours back"
                                                                      : "24 hours forward") +
                                     ": the store's time goes on as before and is now that of the wall clock again");
  }
  EXPECT_EQ(time_.jumps(), 12u);
}

TEST_F(StoreClocks, a_moment_of_the_wall_clock_comes_in_and_goes_out_as_it_is_meant) {
  const auto there_and_back = [&] {
    const UnixMs wall = clock_.wall() + 60 * kSecond;
    const UnixMs moment = time_.from_wall(wall);
    EXPECT_EQ(moment, time_.now() + 60 * kSecond) << "a minute from now, whatever both clocks show";
    EXPECT_EQ(time_.to_wall(moment), wall);
    EXPECT_EQ(time_.shown({.at = moment, .sliding_ms = 5}), (Expiry{.at = wall, .sliding_ms = 5}));
  };
  there_and_back();
  set_wall_by(kTenYears);
  there_and_back();
  set_wall_by(-kTenYears - kDay);
  there_and_back();
  clock_.set_wall(UnixMs{1'800'000'000'000});  // nobody has looked yet
  there_and_back();
}

TEST_F(StoreClocks, moments_at_the_edges_stay_what_they_are) {
  set_wall_by(-kDay);
  for (const std::int64_t edge : {std::int64_t{-5}, std::int64_t{0}, kUnixMsMax}) {
    EXPECT_EQ(time_.from_wall(UnixMs{edge}), UnixMs{edge});
    EXPECT_EQ(time_.to_wall(UnixMs{edge}), UnixMs{edge});
  }
  EXPECT_TRUE(time_.shown({}).never());
  EXPECT_EQ(time_.from_wall(UnixMs{kUnixMsMax - 1}), UnixMs{kUnixMsMax}) << "the latest that fits";
  set_wall_by(2 * kDay);
  EXPECT_EQ(time_.from_wall(UnixMs{1}), UnixMs{1}) << "long ago, and not never";
}

// A leap second is one of these, when the kernel steps the clock by it.
TEST_F(StoreClocks, follows_small_corrections_at_a_hundredth_of_its_pace) {
  for (const std::int64_t by : {kSecond, -kSecond, std::int64_t{3}, 10 - StoreClock::kFollowedMsMax}) {
    set_wall_by(by);
    UnixMs last = time_.now();
    for (std::int64_t passed = 0; passed < 200 * kSecond; passed += 100) {
      pass(100);
      const std::int64_t step = time_.now() - last;
      ASSERT_GE(step, 98);
      ASSERT_LE(step, 102);
      last = time_.now();
    }
    EXPECT_LE(std::abs(time_.now() - clock_.wall()), StoreClock::kIgnoredMsMax) << by;
    EXPECT_EQ(time_.offset_ms(), 0);
  }
  EXPECT_EQ(time_.jumps(), 0u);
  EXPECT_EQ(time_.take_news(), "");
}

TEST_F(StoreClocks, goes_on_from_what_the_log_speaks_of_and_says_by_how_much_it_is_ahead) {
  const UnixMs logged = clock_.wall() + kTenYears;
  time_.saw(logged + -kSecond);
  time_.saw(logged);
  time_.saw(logged + -2 * kSecond);
  EXPECT_EQ(time_.now(), logged);
  clock_.advance_ms(3 * kSecond);  // the rest of the log is read
  time_.begin();
  EXPECT_EQ(time_.now(), logged + 3 * kSecond);
  EXPECT_EQ(time_.offset_ms(), kTenYears);
  EXPECT_EQ(time_.take_news(),
            "the wall clock is 3650 days behind the newest moment that the store's log speaks of: time goes on from "
            "there, and every expiry keeps its length");
  EXPECT_EQ(time_.take_news(), "") << "told once";
  EXPECT_EQ(time_.from_wall(clock_.wall() + kSecond), time_.now() + kSecond);
}

TEST_F(StoreClocks, what_the_log_says_of_the_past_changes_nothing) {
  const UnixMs before = time_.now();
  time_.saw(before + -kDay);
  time_.begin();
  EXPECT_EQ(time_.now(), before);
  EXPECT_EQ(time_.take_news(), "");
}

TEST_F(StoreClocks, a_log_from_the_end_of_time_leaves_it_there) {
  time_.saw(UnixMs{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(time_.now(), UnixMs{kUnixMsMax});
}

// Whatever is done to the wall clock: between two readings passes what has passed, give or take a hundredth.
TEST(StoreClock, keeps_its_pace_under_any_wall_clock) {
  const std::uint64_t seed = base::thread_random();
  SCOPED_TRACE("seed " + std::to_string(seed));
  base::Random random(seed);
  ManualClock clock;
  StoreClock time(clock);
  time.begin();
  const UnixMs first = time.now();
  std::int64_t passed = 0;
  UnixMs last = first;
  for (int i = 0; i < 20'000; ++i) {
    const auto kind = random.below(100);
    if (kind < 5) clock.set_wall(UnixMs{static_cast<std::int64_t>(random.below(4'000'000'000'000))});
    if (kind >= 5 && kind < 30) clock.set_wall(clock.wall() + static_cast<std::int64_t>(random.below(4000)) + -2000);
    const auto ms = static_cast<std::int64_t>(random.below(200));
    kind % 2 == 0 ? clock.advance_ms(ms) : clock.sleep_ms(ms);
    passed += ms;
    if (kind % 3 != 0) time.look();
    ASSERT_GE(time.now(), last);
    last = time.now();
    ASSERT_LE(std::abs((last - first) - passed), passed / 100 + 2);
    const UnixMs wall = clock.wall();
    ASSERT_LE(std::abs(time.from_wall(wall) - time.now()), StoreClock::kFollowedMsMax + 2);
  }
}

}  // namespace
}  // namespace stave::store
