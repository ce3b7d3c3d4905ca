#include "store/replay_lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace stave::store {
namespace {

Change change_of(std::uint64_t lane, std::uint64_t number, std::string_view key) {
  return {.hash = lane, .key = key, .kind = log::RecordKind::kString, .lsn = Lsn{number}};
}

TEST(ReplayLanes, apply_what_was_added_to_a_lane_in_that_order_and_all_of_it_before_drain_returns) {
  constexpr std::size_t kLanes = 3;
  constexpr std::uint64_t kEach = 20'000;
  // Each lane touches its own element only, so that the thread sanitizer sees who shares what.
  std::vector<std::vector<std::uint64_t>> seen(kLanes);
  std::atomic<bool> too_many{false};
  ReplayLanes lanes(kLanes, [&](std::span<const Change> changes) -> Result<void> {
    if (changes.size() > ReplayLanes::kBatchChanges) too_many.store(true);
    for (const Change& change : changes) {
      seen[change.hash].push_back(raw(change.lsn));
      if (change.key != "key " + std::to_string(raw(change.lsn))) return fail(ErrorCode::kCorrupt, "another key");
    }
    return {};
  });
  EXPECT_EQ(lanes.size(), kLanes);
  for (std::uint64_t i = 0; i < kEach; ++i) {
    std::string key = "key " + std::to_string(i);
    for (std::size_t lane = 0; lane < kLanes; ++lane) ASSERT_TRUE(lanes.add(lane, change_of(lane, i, key)));
    key.assign(key.size(), '#');  // what was added must have been copied
    if (i % 7'777 == 0) {
      ASSERT_TRUE(lanes.drain());
      for (const auto& numbers : seen) ASSERT_EQ(numbers.size(), i + 1);
    }
  }
  const auto drained = lanes.drain();
  ASSERT_TRUE(drained) << drained.error().describe();
  for (const auto& numbers : seen) {
    ASSERT_EQ(numbers.size(), kEach);
    EXPECT_TRUE(std::ranges::is_sorted(numbers));
  }
  EXPECT_FALSE(too_many.load());
}

TEST(ReplayLanes, take_keys_of_any_length) {
  std::vector<std::size_t> sizes;
  ReplayLanes lanes(1, [&](std::span<const Change> changes) -> Result<void> {
    for (const Change& change : changes) {
      if (change.key.find_first_not_of('k') != std::string_view::npos) return fail(ErrorCode::kCorrupt, "another key");
      sizes.push_back(change.key.size());
    }
    return {};
  });
  const std::vector<std::size_t> expected{3, 0, 8u << 20, 1, 40'000, 40'000, 3u << 20, 5};
  for (const std::size_t size : expected) ASSERT_TRUE(lanes.add(0, change_of(0, 1, std::string(size, 'k'))));
  const auto drained = lanes.drain();
  ASSERT_TRUE(drained) << drained.error().describe();
  EXPECT_EQ(sizes, expected);
}

TEST(ReplayLanes, hand_out_an_error_and_apply_nothing_behind_it) {
  std::atomic<std::uint64_t> last{0};
  ReplayLanes lanes(2, [&](std::span<const Change> changes) -> Result<void> {
    for (const Change& change : changes) {
      if (change.hash == 0) continue;
      if (raw(change.lsn) == 5'000) return fail(ErrorCode::kNoMemory, "no room for the 5,000th");
      last.store(raw(change.lsn));
    }
    return {};
  });
  Result<void> added;
  for (std::uint64_t i = 1; i < 1'000'000 && added; ++i) {
    added = lanes.add(1, change_of(1, i, "key"));
    if (added) added = lanes.add(0, change_of(0, i, "key"));
  }
  ASSERT_FALSE(added) << "whoever adds is told before long";
  EXPECT_EQ(added.error().message(), "no room for the 5,000th");
  EXPECT_EQ(last.load(), 4'999u);
  const auto drained = lanes.drain();
  ASSERT_FALSE(drained);
  EXPECT_EQ(drained.error().code(), ErrorCode::kNoMemory);
  EXPECT_EQ(last.load(), 4'999u);
}

TEST(ReplayLanes, survive_running_out_of_memory_in_a_thread) {
  ReplayLanes lanes(1, [&](std::span<const Change>) -> Result<void> { throw std::bad_alloc(); });
  Result<void> added;
  for (std::uint64_t i = 1; i < 1'000'000 && added; ++i) added = lanes.add(0, change_of(0, i, "key"));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), ErrorCode::kNoMemory);
}

TEST(ReplayLanes, work_beside_the_one_that_adds_and_end_without_finishing) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::uint64_t applied = 0;
  constexpr std::uint64_t kAdded = 10'000;
  {
    ReplayLanes lanes(2, [&](std::span<const Change> changes) -> Result<void> {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
      applied += changes.size();
      return {};
    });
    for (std::uint64_t i = 0; i < kAdded; ++i) ASSERT_TRUE(lanes.add(i % 2, change_of(i % 2, i, "key")));
  }
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
  EXPECT_GE(threads.size(), 1u);
  EXPECT_LT(applied, kAdded) << "what nobody waits for is forgotten";
}

}  // namespace
}  // namespace stave::store
