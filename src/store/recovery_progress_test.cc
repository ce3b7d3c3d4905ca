#include "store/recovery_progress.h"

#include <gtest/gtest.h>

#include <vector>

namespace stave::store {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

struct Told {
  ManualClock clock;
  std::vector<std::string> lines;
  RecoveryProgress::Notice notice = [this](std::string_view line) { lines.emplace_back(line); };
  RecoveryProgress progress{clock, notice};
};

TEST(RecoveryProgress, says_nothing_within_the_first_second) {
  Told told;
  told.progress.begin("the log", 100 * kMiB);
  told.clock.advance_ms(999);
  told.progress.add(90 * kMiB, 1000);
  EXPECT_TRUE(told.lines.empty());
}

TEST(RecoveryProgress, tells_bytes_keys_and_the_time_left_once_a_second) {
  Told told;
  told.progress.begin("the log", 100 * kMiB);
  told.clock.advance_ms(2000);
  told.progress.add(20 * kMiB, 1000);
  told.progress.add(20 * kMiB, 1000);
  ASSERT_EQ(told.lines.size(), 1u);
  EXPECT_EQ(told.lines[0], "opening: read 20 MiB of 100 MiB of the log, 1000 keys, about 9 s left");
  told.clock.advance_ms(1000);
  told.progress.add(kMiB, 1);
  EXPECT_EQ(told.lines.size(), 2u);
}

TEST(RecoveryProgress, does_without_a_total) {
  Told told;
  told.progress.begin("the log", 0);
  told.clock.advance_ms(2000);
  told.progress.add(20 * kMiB, 5);
  ASSERT_EQ(told.lines.size(), 1u);
  EXPECT_EQ(told.lines[0], "opening: read 20 MiB of the log, 5 keys");
}

}  // namespace
}  // namespace stave::store
