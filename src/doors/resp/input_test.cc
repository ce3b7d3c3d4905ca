#include "doors/resp/input.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace stave::resp {
namespace {

void receive(Input& input, std::string_view bytes, std::size_t wanted) {
  while (!bytes.empty()) {
    const std::size_t room = std::min(input.make_room(wanted), bytes.size());
    ASSERT_GT(room, 0u);
    std::memcpy(input.room(), bytes.data(), room);
    input.filled(room);
    bytes.remove_prefix(room);
  }
}

TEST(Input, holds_no_memory_when_empty) {
  Input input;
  EXPECT_EQ(input.capacity(), 0u);
  receive(input, "hello", 0);
  EXPECT_GT(input.capacity(), 0u);
  input.consume(5);
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(input.capacity(), 0u);
}

TEST(Input, keeps_its_bytes_while_it_grows_and_is_consumed) {
  Input input;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 301), static_cast<char>('a' + i % 26));
    receive(input, piece, 0);
    expected += piece;
    if (i % 7 == 0) {
      const std::size_t drop = std::min<std::size_t>(expected.size(), 500);
      input.consume(drop);
      expected.erase(0, drop);
    }
    if (!expected.empty()) {
      ASSERT_EQ(std::string_view(input.data(), input.size()), expected) << i;
    }
  }
}

TEST(Input, takes_memory_for_bytes_that_came_not_for_bytes_that_were_announced) {
  Input input;
  input.assign("*1\r\n$500000000\r\n", 16);
  std::size_t received = 16;
  while (received < (8u << 20)) {
    receive(input, std::string(10'000, 'x'), 500'000'000);
    received += 10'000;
    ASSERT_LE(input.capacity(), 2 * received + (128u << 10));
  }
}

TEST(Input, drops_its_end) {
  Input input;
  receive(input, "hello world", 0);
  input.drop_last(6);
  EXPECT_EQ(std::string_view(input.data(), input.size()), "hello");
  receive(input, "!", 0);
  EXPECT_EQ(std::string_view(input.data(), input.size()), "hello!");
}

}  // namespace
}  // namespace stave::resp
