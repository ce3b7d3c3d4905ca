#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <thread>
#include <vector>

namespace stave::base {
namespace {

// Worked out with an independent implementation of splitmix64 and xoshiro256** for seed 42.
TEST(Random, gives_the_published_sequence) {
  Random random(42);
  for (const std::uint64_t expected :
       {0x15780b2e0c2ec716ull, 0x6104d9866d113a7eull, 0xae17533239e499a1ull, 0xecb8ad4703b360a1ull})
    EXPECT_EQ(random.next(), expected);
}

TEST(Random, below_is_in_range_and_even) {
  Random random(1);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts[random.below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.below(1), 0u);
  for (int i = 0; i < 100; ++i) EXPECT_LT(random.below(~std::uint64_t{0}), ~std::uint64_t{0});
}

TEST(Random, fills_every_byte_and_none_beyond) {
  for (std::size_t size = 0; size < 20; ++size) {
    Random random(size);
    std::vector<std::byte> ever(size);
    for (int i = 0; i < 64; ++i) {
      std::vector<std::byte> buffer(size + 1, std::byte{0});
      random.fill(std::span(buffer).first(size));
      EXPECT_EQ(buffer[size], std::byte{0});
      for (std::size_t at = 0; at < size; ++at) ever[at] |= buffer[at];
    }
    EXPECT_TRUE(std::ranges::all_of(ever, [](std::byte byte) { return byte != std::byte{0}; }));
  }
}

TEST(Random, serves_the_algorithms_of_the_library) {
  std::vector<int> values(100);
  for (int i = 0; i < 100; ++i) values[static_cast<std::size_t>(i)] = i;
  auto shuffled = values;
  std::ranges::shuffle(shuffled, Random(3));
  EXPECT_NE(shuffled, values);
  std::ranges::sort(shuffled);
  EXPECT_EQ(shuffled, values);
}

TEST(SystemEntropy, is_new_every_time) {
  std::set<std::array<std::byte, 16>> seen;
  for (int i = 0; i < 100; ++i) {
    std::array<std::byte, 16> bytes{};
    system_entropy(bytes);
    seen.insert(bytes);
  }
  EXPECT_EQ(seen.size(), 100u);
  std::vector<std::byte> large(100'000);
  system_entropy(large);
  EXPECT_LT(std::ranges::count(large, std::byte{0}), 1000);
}

TEST(ThreadRandom, differs_between_threads) {
  std::uint64_t other = 0;
  std::thread([&] { other = thread_random(); }).join();
  EXPECT_NE(thread_random(), other);
  EXPECT_NE(thread_random(), thread_random());
}

}  // namespace
}  // namespace stave::base
