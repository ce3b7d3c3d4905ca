#include "commands/sort_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "commands/sort_pattern.h"

namespace stave::commands {
namespace {

TEST(SortWeight, is_read_as_c_reads_it) {
  EXPECT_EQ(sort_weight(""), 0.0);
  EXPECT_EQ(sort_weight("-1.5e3"), -1500.0);
  EXPECT_EQ(sort_weight(" \t+7"), 7.0);
  EXPECT_EQ(sort_weight("0x1p3"), 8.0);
  EXPECT_EQ(sort_weight("inf"), INFINITY);
  EXPECT_EQ(sort_weight("9223372036854775807"), 9223372036854775808.0);
  EXPECT_EQ(sort_weight(std::string_view("5\0x", 3)), 5.0);
  for (const char* const text : {" ", "x", "1 ", "1x", "nan", "1e400", "-1e400", "1e-400", "1,5"})
    EXPECT_EQ(sort_weight(text), std::nullopt) << text;
}

TEST(SortPattern, names_a_key_or_a_field) {
  const auto key = [](std::string_view pattern, std::string_view element) {
    std::string name;
    const SortPattern made(pattern);
    made.append_key(name, element);
    EXPECT_EQ(name.size(), made.key_size(element));
    return name + " " + std::string(made.field());
  };
  EXPECT_EQ(key("w_*", "1"), "w_1 ");
  EXPECT_EQ(key("*", ""), " ");
  EXPECT_EQ(key("a*b*c", "1"), "a1b*c ");
  EXPECT_EQ(key("o_*->name", "1"), "o_1 name");
  EXPECT_EQ(key("o_*->a->b", "1"), "o_1 a->b");
  EXPECT_EQ(key("o->_*", "1"), "o->_1 ");
  EXPECT_EQ(key("o_*->", "1"), "o_1-> ");
  EXPECT_TRUE(SortPattern("#").is_element());
  EXPECT_FALSE(SortPattern("#*").is_element());
  EXPECT_TRUE(SortPattern("nosort").is_constant());
  EXPECT_TRUE(SortPattern("").is_constant());
  EXPECT_FALSE(SortPattern("->").looks_up());
}

TEST(SortedPart, is_within_what_there_is) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  const auto part = [](std::int64_t offset, std::int64_t count, std::size_t size) {
    const SortedPart got = part_of({.offset = offset, .count = count}, size);
    return std::pair(got.from, got.to);
  };
  EXPECT_EQ(part(0, -1, 5), (std::pair<std::size_t, std::size_t>(0, 5)));
  EXPECT_EQ(part(1, 2, 5), (std::pair<std::size_t, std::size_t>(1, 3)));
  EXPECT_EQ(part(-7, 2, 5), (std::pair<std::size_t, std::size_t>(0, 2)));
  EXPECT_EQ(part(3, kMost, 5), (std::pair<std::size_t, std::size_t>(3, 5)));
  EXPECT_EQ(part(kMost, kMost, 5), (std::pair<std::size_t, std::size_t>(5, 5)));
  EXPECT_EQ(part(kLeast, kLeast, 5), (std::pair<std::size_t, std::size_t>(0, 5)));
  EXPECT_EQ(part(2, 0, 5), (std::pair<std::size_t, std::size_t>(2, 2)));
  EXPECT_EQ(part(0, 1, 0), (std::pair<std::size_t, std::size_t>(0, 0)));
}

// Beside a stable sort of everything, cut afterwards.
TEST(Sorted, is_what_sorting_all_and_cutting_would_give) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> elements;
    std::vector<std::optional<std::string>> weights;
    for (auto n = random() % 12; n > 0; --n) {
      elements.push_back(std::to_string(random() % 5));
      weights.push_back(random() % 4 == 0 ? std::nullopt : std::optional(std::to_string(random() % 20)));
    }
    std::vector<Sortable> all;
    for (std::size_t i = 0; i < elements.size(); ++i) all.push_back({elements[i], weights[i]});
    const SortOrder order{.by_text = random() % 2 == 0,
                          .descending = random() % 2 == 0,
                          .offset = static_cast<std::int64_t>(random() % 6) - 1,
                          .count = static_cast<std::int64_t>(random() % 8) - 1};
    std::vector<std::size_t> expected(all.size());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = i;
    const auto number = [&](std::size_t i) { return weights[i] ? std::stoi(*weights[i]) : 0; };
    const auto before = [&](std::size_t a, std::size_t b) {
      if (order.descending) std::swap(a, b);
      if (order.by_text) return weights[a] < weights[b];
      return number(a) != number(b) ? number(a) < number(b) : elements[a] < elements[b];
    };
    std::sort(expected.begin(), expected.end(),
              [&](std::size_t a, std::size_t b) { return before(a, b) || (!before(b, a) && a < b); });
    const SortedPart part = part_of(order, all.size());
    expected = {expected.begin() + static_cast<std::ptrdiff_t>(part.from),
                expected.begin() + static_cast<std::ptrdiff_t>(part.to)};
    EXPECT_EQ(sorted(all, order), expected);
  }
}

}  // namespace
}  // namespace stave::commands
