#include "doors/resp/slow_reader.h"

#include <gtest/gtest.h>

#include "stave/clock.h"

namespace stave::resp {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::uint64_t kSoft = 64 * kMiB;
constexpr std::uint64_t kPatienceNs = 60'000'000'000;

class SlowReaderTest : public ::testing::Test {
 protected:
  bool overdue(std::uint64_t unread, std::uint64_t taken) {
    return reader_.overdue(unread, taken, kSoft, kPatienceNs, clock_.monotonic_ns());
  }

  ManualClock clock_;
  SlowReader reader_;
};

// 512 MB at 1 MB/s: it is over the soft limit for more than seven minutes, and has every byte at the end.
TEST_F(SlowReaderTest, lets_a_client_that_reads_steadily_read_to_the_end) {
  const std::uint64_t size = 512 * kMiB;
  for (std::uint64_t taken = 0; taken < size; taken += kMiB) {
    ASSERT_FALSE(overdue(size - taken, taken)) << taken;
    clock_.advance_ms(1000);
  }
}

TEST_F(SlowReaderTest, cuts_a_client_that_takes_nothing) {
  EXPECT_FALSE(overdue(kSoft + 1, 0));
  clock_.advance_ms(60'000);
  EXPECT_FALSE(overdue(kSoft + 1, 0));
  clock_.advance_ms(1);
  EXPECT_TRUE(overdue(kSoft + 1, 0));
}

TEST_F(SlowReaderTest, cuts_a_client_that_takes_just_enough_to_look_alive) {
  std::uint64_t taken = 0;
  bool cut = false;
  for (int second = 0; second <= 61 && !cut; ++second) {
    cut = overdue(2 * kSoft - taken, taken);
    taken += 1000;
    clock_.advance_ms(1000);
  }
  EXPECT_TRUE(cut);
}

TEST_F(SlowReaderTest, a_client_that_stops_has_its_whole_time_from_its_last_progress_on) {
  EXPECT_FALSE(overdue(4 * kSoft, 0));
  clock_.advance_ms(50'000);
  EXPECT_FALSE(overdue(4 * kSoft - 4 * kMiB, 4 * kMiB));
  clock_.advance_ms(60'000);
  EXPECT_FALSE(overdue(4 * kSoft - 4 * kMiB, 4 * kMiB));
  clock_.advance_ms(1);
  EXPECT_TRUE(overdue(4 * kSoft - 4 * kMiB, 4 * kMiB));
}

TEST_F(SlowReaderTest, counts_from_the_beginning_after_the_backlog_was_small) {
  EXPECT_FALSE(overdue(kSoft + 1, 0));
  clock_.advance_ms(59'000);
  EXPECT_FALSE(overdue(kSoft, 1));
  EXPECT_FALSE(overdue(kSoft + 1, 1));
  clock_.advance_ms(59'000);
  EXPECT_FALSE(overdue(kSoft + 1, 1));
}

TEST_F(SlowReaderTest, knows_no_limit_of_zero) {
  EXPECT_FALSE(reader_.overdue(1ull << 40, 0, 0, 1, 0));
  EXPECT_FALSE(reader_.overdue(1ull << 40, 0, 0, 1, 1'000'000));
}

}  // namespace
}  // namespace stave::resp
