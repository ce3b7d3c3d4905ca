#include "store/still_moment.h"

#include <gtest/gtest.h>

#include <thread>

#include "store/store_clock.h"

namespace stave::store {
namespace {

class StillMoments : public testing::Test {
 protected:
  ManualClock clock_;
  StoreClock time_{clock_};
};

TEST_F(StillMoments, keep_the_time_that_was_asked_for_first_until_told_to_go_on) {
  const UnixMs begin = time_.now();
  {
    StillMoment still(time_);
    clock_.advance_ms(5);
    EXPECT_EQ(time_.now(), begin + 5);
    clock_.advance_ms(5);
    EXPECT_EQ(time_.now(), begin + 5);
    still.go_on();
    EXPECT_EQ(time_.now(), begin + 10);
    clock_.advance_ms(5);
    EXPECT_EQ(time_.now(), begin + 10);
  }
  EXPECT_EQ(time_.now(), begin + 15);
}

TEST_F(StillMoments, are_never_earlier_than_what_another_thread_was_told_before) {
  StillMoment still(time_);
  const UnixMs held = time_.now();
  clock_.advance_ms(7);
  UnixMs told{0};
  std::thread([&] { told = time_.now(); }).join();
  EXPECT_EQ(told, held + 7);
  EXPECT_EQ(time_.now(), held);
  still.go_on();
  EXPECT_GE(time_.now(), told);
}

TEST_F(StillMoments, are_of_one_store) {
  ManualClock other_clock;
  StoreClock other(other_clock);
  StillMoment still(time_);
  const UnixMs held = time_.now();
  const UnixMs before = other.now();
  clock_.advance_ms(3);
  other_clock.advance_ms(3);
  EXPECT_EQ(time_.now(), held);
  EXPECT_EQ(other.now(), before + 3);
}

}  // namespace
}  // namespace stave::store
