#include "log/tail.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "base/ring_memory.h"

namespace stave::log {
namespace {

Tail make_tail(std::uint64_t start = 4096) {
  return Tail(std::move(*base::RingMemory::create(64u << 10)), start);
}

TEST(RingMemory, shows_the_same_bytes_twice) {
  auto ring = base::RingMemory::create(64u << 10);
  ASSERT_TRUE(ring);
  std::memcpy(ring->data() + ring->size() - 2, "abcd", 4);
  EXPECT_EQ(std::memcmp(ring->data(), "cd", 2), 0);
  EXPECT_EQ(std::memcmp(ring->data() + 2 * ring->size() - 2, "ab", 2), 0);
  EXPECT_FALSE(base::RingMemory::create(100'000)) << "not a power of two";
}

TEST(Tail, is_complete_up_to_the_first_writer_who_is_not_done) {
  auto tail = make_tail();
  tail.set_limit(1u << 20);
  const auto first = tail.try_reserve(100);
  const auto second = tail.try_reserve(50);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->start, 4096u);
  EXPECT_EQ(second->start, 4196u);
  EXPECT_EQ(tail.end(), 4246u);
  EXPECT_EQ(tail.complete(), 4096u);
  tail.publish(*second);
  EXPECT_EQ(tail.complete(), 4096u);
  tail.publish(*first);
  EXPECT_EQ(tail.complete(), 4246u);
}

TEST(Tail, admits_nothing_behind_the_limit) {
  auto tail = make_tail();
  EXPECT_FALSE(tail.try_reserve(1)) << "no limit was set yet";
  tail.set_limit(4196);
  EXPECT_FALSE(tail.try_reserve(101));
  const auto reserved = tail.try_reserve(100);
  ASSERT_TRUE(reserved);
  tail.publish(*reserved);
  EXPECT_FALSE(tail.try_reserve(1));
  EXPECT_EQ(tail.complete(), 4196u) << "a refused writer leaves no trace";
}

TEST(Tail, admits_each_use_up_to_its_own_limit) {
  auto tail = make_tail();
  tail.set_limits({4106, 4116, 4126, 4136});
  const Use uses[] = {Use::kWrite, Use::kRelocate, Use::kRemove, Use::kTrim};
  for (const Use use : uses) {
    const auto reserved = tail.try_reserve(10, use);
    ASSERT_TRUE(reserved);
    tail.publish(*reserved);
    EXPECT_FALSE(tail.try_reserve(1, use));
  }
  EXPECT_EQ(tail.complete(), 4136u);
}

TEST(Tail, reuses_the_ring_only_behind_what_was_written) {
  auto tail = make_tail();
  tail.set_limit(1u << 30);
  const auto all = tail.try_reserve(tail.capacity());
  ASSERT_TRUE(all);
  tail.publish(*all);
  EXPECT_FALSE(tail.try_reserve(1));
  tail.release(4096 + 10);
  EXPECT_FALSE(tail.try_reserve(11));
  EXPECT_TRUE(tail.try_reserve(10));
}

TEST(Tail, hands_disjoint_ranges_to_many_threads) {
  auto tail = make_tail();
  tail.set_limit(~0ull);
  constexpr std::uint64_t kThreads = 4, kRounds = 20'000, kBytes = 24;
  std::vector<std::thread> writers;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kRounds;) {
        const auto reserved = tail.try_reserve(kBytes);
        if (!reserved) {
          std::this_thread::yield();
          continue;
        }
        std::memset(tail.at(reserved->start), static_cast<int>(t + 1), kBytes);
        tail.publish(*reserved);
        ++i;
      }
    });
  }
  // The flusher sees whole reservations only, each of one writer.
  std::uint64_t at = 4096;
  std::vector<std::uint64_t> seen(kThreads + 1);
  while (at < 4096 + kThreads * kRounds * kBytes) {
    const std::uint64_t complete = tail.complete();
    for (; at < complete; at += kBytes) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(tail.at(at));
      ASSERT_LE(bytes[0], kThreads);
      for (std::uint64_t i = 1; i < kBytes; ++i) ASSERT_EQ(bytes[i], bytes[0]) << "at " << at;
      ++seen[bytes[0]];
      std::memset(tail.at(at), 0, kBytes);
    }
    tail.release(at);
  }
  for (auto& writer : writers) writer.join();
  for (std::uint64_t t = 1; t <= kThreads; ++t) EXPECT_EQ(seen[t], kRounds);
}

}  // namespace
}  // namespace stave::log
