#include "commands/hot_keys.h"

#include <gtest/gtest.h>

#include <string>

#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

TEST(TopKeys, tells_the_heaviest_of_more_keys_than_it_counts) {
  TopKeys keys;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 2000; ++i) keys.add("cold" + std::to_string(i), 1);
    for (int i = 0; i < 5; ++i) keys.add("hot" + std::to_string(i), 1000 + static_cast<std::uint64_t>(i) * 100);
  }
  const auto found = keys.heaviest(5);
  ASSERT_EQ(found.size(), 5u);
  constexpr std::uint64_t kAll = 50 * (2000 + 5 * 1200);
  for (int i = 0; i < 5; ++i) {
    const auto& [name, weight] = found[static_cast<std::size_t>(i)];
    EXPECT_EQ(name, "hot" + std::to_string(4 - i));
    const std::uint64_t exact = 50 * (1000 + static_cast<std::uint64_t>(4 - i) * 100);
    EXPECT_GE(weight, exact);
    EXPECT_LE(weight, exact + kAll / TopKeys::kCounters);
  }
}

TEST(TopKeys, forgets_everything_when_cleared) {
  TopKeys keys;
  keys.add("a", 3);
  keys.clear();
  EXPECT_TRUE(keys.heaviest(10).empty());
  keys.add("b", 1);
  EXPECT_EQ(keys.heaviest(10).size(), 1u);
}

TEST(CallBytes, are_those_of_the_call_in_resp) {
  const std::string_view call[] = {"SET", "key", "0123456789"};
  EXPECT_EQ(call_bytes(call), std::string_view("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$10\r\n0123456789\r\n").size());
}

}  // namespace
}  // namespace stave::commands
