#include "types/sketch/top.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "types/memory_pages.h"

namespace stave::types::sketch {
namespace {

constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 40;

std::string element(std::uint64_t i) {
  return "element:" + std::to_string(i);
}

// A million of a hundred thousand different ones, the i-th of which comes in proportion to 1 / (i + 1).
TEST(Top, of_a_million_lists_the_heaviest_and_counts_none_too_often) {
  constexpr std::uint32_t kDifferent = 100'000;
  std::vector<double> odds(kDifferent);
  for (std::uint32_t i = 0; i < kDifferent; ++i) odds[i] = 1.0 / (i + 1);
  std::discrete_distribution<std::uint32_t> draw(odds.begin(), odds.end());
  std::mt19937_64 random(1);
  MemoryPages pages;
  Paged bytes(pages, Paged::empty_root(0));
  constexpr std::uint32_t kK = 50;
  Top::make(bytes, {.k = kK, .width = 2000, .depth = 5, .decay = 0.9});
  Top top(bytes);
  std::vector<std::uint32_t> counts(kDifferent, 0);
  for (int i = 0; i < 1'000'000; ++i) {
    const std::uint32_t one = draw(random);
    ++counts[one];
    EXPECT_FALSE(top.add(bytes, element(one), 1, kNoLimit).too_large);
  }
  top.finish(bytes);
  std::vector<std::uint32_t> sorted = counts;
  std::ranges::sort(sorted, std::greater<>());
  const auto list = top.list();
  ASSERT_EQ(list.size(), kK);
  std::uint32_t right = 0;
  for (const Top::Listed& one : list) {
    const std::uint32_t truth = counts[std::stoul(one.name.substr(8))];
    EXPECT_LE(one.count, truth) << one.name;
    // What is lost while the counters were not yet theirs: less than a thousandth of all.
    EXPECT_GE(one.count + 1000, truth) << one.name;
    right += truth >= sorted[kK - 1] ? 1 : 0;
    EXPECT_TRUE(top.listed(one.name));
    EXPECT_EQ(top.count(one.name), one.count);
  }
  EXPECT_GE(right, kK - 2);
  EXPECT_TRUE(std::ranges::is_sorted(list, std::greater<>(), &Top::Listed::count));
  const std::string form = Compact::form_of(bytes);
  EXPECT_TRUE(well_formed(form));
  EXPECT_EQ(type_name(form), "TopK-TYPE");
}

TEST(Top, says_whom_an_element_expelled_and_keeps_names_of_any_length) {
  Compact bytes;
  Top::make(bytes, {.k = 3, .width = 50, .depth = 5, .decay = 1});
  Top top(bytes);
  const auto add = [&](const std::string& name, std::uint32_t times) {
    return top.add(bytes, name, times, kNoLimit).expelled.value_or("-");
  };
  EXPECT_EQ(add("bar", 3), "-");
  EXPECT_EQ(add("baz", 6), "-");
  EXPECT_EQ(add("", 2), "-");
  EXPECT_EQ(add("", 8), "-");
  EXPECT_EQ(add("xyzzy", 4), "bar");
  EXPECT_EQ(add("few", 1), "-");
  EXPECT_EQ(add("nothing", 0), "-");
  EXPECT_EQ(top.count("bar"), 3u);
  EXPECT_FALSE(top.listed("bar"));
  EXPECT_TRUE(top.listed(""));
  EXPECT_EQ(top.list()[0].name, "");
  EXPECT_EQ(top.list()[0].count, 10u);
  // Names come and go: the room for them stays in proportion to those that are there.
  for (std::uint32_t i = 0; i < 2000; ++i) add(std::string(i % 300, 'x') + element(i), 10 + i);
  top.finish(bytes);
  EXPECT_LE(bytes.size(), Top::bytes_for(top.options()) + 4 * 3 * 320);
  EXPECT_TRUE(well_formed(bytes.form()));
}

TEST(Top, does_nothing_when_a_name_has_no_room) {
  Compact bytes;
  Top::make(bytes, {.k = 2, .width = 8, .depth = 7, .decay = 0.9});
  Top top(bytes);
  const std::uint64_t limit = bytes.size() + 200;
  EXPECT_FALSE(top.add(bytes, std::string(150, 'a'), 1, limit).too_large);
  const std::string before(bytes.form());
  EXPECT_TRUE(top.add(bytes, std::string(150, 'b'), 5, limit).too_large);
  EXPECT_EQ(bytes.form(), before);
  EXPECT_FALSE(top.add(bytes, std::string(50, 'c'), 5, limit).too_large);
  EXPECT_TRUE(top.listed(std::string(50, 'c')));
  EXPECT_LE(bytes.size(), limit);
}

TEST(Top, is_the_same_after_the_same_calls_in_one_run_and_in_pages) {
  Compact run;
  MemoryPages pages;
  Paged paged(pages, Paged::empty_root(0));
  for (Editor* const bytes : {static_cast<Editor*>(&run), static_cast<Editor*>(&paged)}) {
    Top::make(*bytes, {.k = 20, .width = 100, .depth = 4, .decay = 0.9});
    std::mt19937_64 random(2);
    for (int part = 0; part < 50; ++part) {
      Top top(*bytes);
      for (int i = 0; i < 100; ++i)
        (void)top.add(*bytes, element(random() % (1 + random() % 400)), static_cast<std::uint32_t>(random() % 5),
                      kNoLimit);
      top.finish(*bytes);
    }
  }
  EXPECT_EQ(Compact::form_of(paged), run.form());
  EXPECT_TRUE(well_formed(run.form()));
}

TEST(Top, is_not_made_of_bytes_that_contradict_each_other) {
  Compact bytes;
  Top::make(bytes, {.k = 4, .width = 8, .depth = 3, .decay = 0.9});
  Top top(bytes);
  for (std::uint32_t i = 0; i < 100; ++i) (void)top.add(bytes, element(i % 7), i % 3, kNoLimit);
  top.finish(bytes);
  const std::string good(bytes.form());
  ASSERT_TRUE(well_formed(good));
  std::mt19937_64 random(1);
  std::size_t refused = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string bad = good;
    for (int i = 0; i < 2; ++i) bad[random() % 130] = static_cast<char>(random());
    if (!well_formed(bad)) {
      ++refused;
      continue;
    }
    Compact copy(bad);
    Top again(copy);
    (void)again.add(copy, "something", 3, kNoLimit);
    again.finish(copy);
    EXPECT_TRUE(well_formed(copy.form()));
  }
  EXPECT_GT(refused, 10'000u);
}

}  // namespace
}  // namespace stave::types::sketch
