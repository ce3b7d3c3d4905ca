#include "doors/http/reading_pace.h"

#include <gtest/gtest.h>

#include "stave/clock.h"

namespace stave::http {
namespace {

constexpr std::uint64_t kPatienceMs = 30'000;
constexpr std::uint64_t kAnswer = 120u << 20;

/// A client behind a send buffer of the kernel, looked at each second.
class Pace : public ::testing::Test {
 protected:
  /// The second in which a client that takes `rate` bytes a second, in steps of `step`, is cut; 0: never.
  std::uint64_t cut_at(std::uint64_t rate, std::uint64_t step, std::uint64_t seconds) {
    for (std::uint64_t second = 0; second <= seconds; ++second) {
      if (overdue(second * rate / step * step)) return second;
      clock_.advance_ms(1000);
    }
    return 0;
  }
  bool overdue(std::uint64_t taken, bool owed = true) {
    return pace_.overdue(owed, taken, kPatienceMs * 1'000'000, clock_.monotonic_ns());
  }

  ManualClock clock_;
  ReadingPace pace_;
};

// At 20 KB/s the kernel has room for more only every minute or two; the client acknowledges all the while.
TEST_F(Pace, lets_a_slow_steady_reader_read_to_the_end) {
  EXPECT_EQ(cut_at(20'000, 32'768, kAnswer / 20'000), 0u);
}

TEST_F(Pace, lets_a_reader_with_a_large_buffer_of_its_own_take_large_steps) {
  EXPECT_EQ(cut_at(20'000, 384u << 10, kAnswer / 20'000), 0u);
}

TEST_F(Pace, cuts_a_reader_that_takes_nothing) {
  EXPECT_EQ(cut_at(0, 1, 1000), 31u);
}

TEST_F(Pace, cuts_a_reader_that_takes_just_enough_to_look_alive) {
  EXPECT_EQ(cut_at(100, 1, 1000), 31u);
}

TEST_F(Pace, a_reader_that_stops_has_its_whole_time_from_its_last_progress_on) {
  EXPECT_FALSE(overdue(0));
  clock_.advance_ms(25'000);
  EXPECT_FALSE(overdue(1u << 20));
  clock_.advance_ms(kPatienceMs);
  EXPECT_FALSE(overdue(1u << 20));
  clock_.advance_ms(1);
  EXPECT_TRUE(overdue(1u << 20));
}

TEST_F(Pace, counts_from_the_beginning_when_nothing_was_owed_in_between) {
  EXPECT_FALSE(overdue(0));
  clock_.advance_ms(25'000);
  EXPECT_FALSE(overdue(0, false));
  clock_.advance_ms(25'000);
  EXPECT_FALSE(overdue(0));
  clock_.advance_ms(25'000);
  EXPECT_FALSE(overdue(0));
}

TEST_F(Pace, bears_with_a_count_that_goes_back_by_the_bytes_of_tls) {
  EXPECT_FALSE(overdue(100'000));
  EXPECT_FALSE(overdue(99'000));
  clock_.advance_ms(20'000);
  EXPECT_FALSE(overdue(200'000));
  clock_.advance_ms(20'000);
  EXPECT_FALSE(overdue(200'000));
}

}  // namespace
}  // namespace stave::http
