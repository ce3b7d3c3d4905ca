#include "base/breaks.h"

#include <gtest/gtest.h>

namespace stave::base {
namespace {

TEST(Breaks, are_due_after_each_stretch_of_work) {
  ManualClock clock;
  Breaks breaks(true, clock);
  for (int stretch = 0; stretch < 3; ++stretch) {
    EXPECT_FALSE(breaks.due());
    breaks.step();
    clock.advance_ms(1);
    EXPECT_TRUE(breaks.due());
    breaks.step();
  }
  EXPECT_FALSE(breaks.due());
}

TEST(Breaks, are_never_due_where_they_are_not_wanted) {
  ManualClock clock;
  const Breaks breaks(false, clock);
  clock.advance_ms(1000);
  EXPECT_FALSE(breaks.due());
}

}  // namespace
}  // namespace stave::base
