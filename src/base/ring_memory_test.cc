#include "base/ring_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace stave::base {
namespace {

constexpr std::size_t kSize = 65536;

TEST(RingMemory, shows_the_same_bytes_twice) {
  auto ring = RingMemory::create(kSize);
  ASSERT_TRUE(ring) << ring.error().describe();
  ASSERT_EQ(ring->size(), kSize);
  const std::string text = "across the seam";
  std::memcpy(ring->data() + kSize - 5, text.data(), text.size());
  EXPECT_EQ(std::memcmp(ring->data(), text.data() + 5, text.size() - 5), 0);
  ring->data()[kSize + 100] = std::byte{7};
  EXPECT_EQ(ring->data()[100], std::byte{7});
}

TEST(RingMemory, is_zero_at_first) {
  auto ring = RingMemory::create(kSize);
  ASSERT_TRUE(ring);
  for (std::size_t i = 0; i < 2 * kSize; i += 509) ASSERT_EQ(ring->data()[i], std::byte{0});
}

TEST(RingMemory, refuses_sizes_it_cannot_map) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2048}, kSize + 4096}) {
    auto ring = RingMemory::create(size);
    ASSERT_FALSE(ring) << size;
    EXPECT_EQ(ring.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(RingMemory, more_than_there_are_addresses_is_an_error) {
  auto ring = RingMemory::create(std::size_t{1} << 62);
  ASSERT_FALSE(ring);
  EXPECT_EQ(ring.error().code(), ErrorCode::kNoMemory);
}

TEST(RingMemory, moves_with_its_memory) {
  auto first = RingMemory::create(kSize);
  auto second = RingMemory::create(kSize);
  ASSERT_TRUE(first && second);
  std::byte* const data = first->data();
  data[3] = std::byte{9};
  RingMemory third = std::move(*first);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(first->data(), nullptr);
  *second = std::move(third);
  EXPECT_EQ(second->data(), data);
  EXPECT_EQ(data[3 + kSize], std::byte{9});
}

}  // namespace
}  // namespace stave::base
