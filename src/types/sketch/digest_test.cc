#include "types/sketch/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "types/memory_pages.h"

namespace stave::types::sketch {
namespace {

/// How far off, as a part of all, the rank is of what a digest says has that part below it.
double error_at(const DigestLine& line, const std::vector<double>& sorted, double part) {
  const double told = line.number_at(part * line.size());
  const auto from = std::ranges::lower_bound(sorted, told) - sorted.begin();
  const auto to = std::ranges::upper_bound(sorted, told) - sorted.begin();
  const auto size = static_cast<double>(sorted.size());
  const double low = static_cast<double>(from) / size;
  const double high = static_cast<double>(to) / size;
  return part < low ? low - part : part > high ? part - high : 0;
}

void check_million(base::FunctionRef<double(std::mt19937_64&)> draw) {
  MemoryPages pages;
  Paged bytes(pages, Paged::empty_root(0));
  Digest::make(bytes, 100);
  Digest digest(bytes);
  std::mt19937_64 random(1);
  std::vector<double> sorted;
  for (int i = 0; i < 1'000'000; ++i) {
    sorted.push_back(draw(random));
    ASSERT_TRUE(digest.add(bytes, sorted.back()));
  }
  digest.finish(bytes);
  std::ranges::sort(sorted);
  EXPECT_EQ(digest.weight(), sorted.size());
  EXPECT_EQ(digest.least(), sorted.front());
  EXPECT_EQ(digest.greatest(), sorted.back());
  EXPECT_LE(bytes.size(), Digest::bytes_for(100));
  const DigestLine line(digest);
  for (const double part : {0.0001, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999}) {
    // The scale: a cluster at that part has at most 1 / compression of all, times pi times this.
    const double most = 0.5 * std::numbers::pi * std::sqrt(part * (1 - part)) / 100;
    EXPECT_LE(error_at(line, sorted, part), most + 1e-6) << part;
    const double number = sorted[static_cast<std::size_t>(part * 1e6)];
    const auto first = static_cast<double>(std::ranges::lower_bound(sorted, number) - sorted.begin());
    const auto last = static_cast<double>(std::ranges::upper_bound(sorted, number) - sorted.begin());
    EXPECT_LE(std::abs(line.position_of(number) - (first + last) / 2) / 1e6, most + (last - first) / 2e6 + 1e-6);
  }
  const std::string form = Compact::form_of(bytes);
  EXPECT_TRUE(well_formed(form));
  EXPECT_EQ(type_name(form), "TDIS-TYPE");
}

TEST(Digest, of_a_million_tells_ranks_within_what_was_asked_for) {
  std::uniform_real_distribution<double> even(-5, 5);
  check_million([&](std::mt19937_64& random) { return even(random); });
  std::lognormal_distribution<double> tail(0, 3);
  check_million([&](std::mt19937_64& random) { return tail(random); });
  std::geometric_distribution<int> same(0.2);
  check_million([&](std::mt19937_64& random) { return static_cast<double>(same(random)); });
  double next = 0;
  check_million([&](std::mt19937_64&) { return next += 0.25; });
}

TEST(Digest, of_few_numbers_is_exact) {
  Compact bytes;
  Digest::make(bytes, 100);
  Digest digest(bytes);
  std::mt19937_64 random(3);
  std::vector<double> sorted;
  for (int i = 0; i < 200; ++i) {
    sorted.push_back(static_cast<double>(random() % 50));
    ASSERT_TRUE(digest.add(bytes, sorted.back()));
  }
  std::ranges::sort(sorted);
  const DigestLine line(digest);
  for (std::size_t i = 0; i < sorted.size(); ++i) EXPECT_EQ(line.number_at(static_cast<double>(i)), sorted[i]);
  for (double number = sorted.front(); number <= sorted.back(); number += 0.5) {
    const auto below = static_cast<double>(std::ranges::lower_bound(sorted, number) - sorted.begin());
    const auto to = static_cast<double>(std::ranges::upper_bound(sorted, number) - sorted.begin());
    EXPECT_EQ(line.position_of(number), (below + to) / 2) << number;
  }
  EXPECT_NEAR(line.mean_between(20, 180), std::accumulate(sorted.begin() + 20, sorted.begin() + 180, 0.0) / 160, 1e-9);
}

TEST(Digest, takes_others_in_and_begins_anew) {
  const auto filled = [](double from, int count) {
    Compact bytes;
    Digest::make(bytes, 50);
    Digest digest(bytes);
    for (int i = 0; i < count; ++i) EXPECT_TRUE(digest.add(bytes, from + i));
    digest.finish(bytes);
    return std::string(bytes.form());
  };
  const std::string low = filled(0, 5000);
  const std::string high = filled(5000, 5000);
  const Compact first(low);
  const Compact second(high);
  Compact bytes;
  Digest::make(bytes, 100);
  Digest digest(bytes);
  const Reader* const both[] = {&first, &second};
  ASSERT_TRUE(digest.take_in(bytes, both, 100, false));
  digest.finish(bytes);
  EXPECT_EQ(digest.weight(), 10'000u);
  EXPECT_EQ(digest.least(), 0);
  EXPECT_EQ(digest.greatest(), 9999);
  EXPECT_NEAR(DigestLine(digest).number_at(5000), 5000, 160);
  const Reader* const one[] = {&second};
  ASSERT_TRUE(digest.take_in(bytes, one, 20, true));
  EXPECT_EQ(digest.weight(), 5000u);
  EXPECT_EQ(digest.least(), 5000);
  EXPECT_EQ(digest.compression(), 20u);
  digest.finish(bytes);
  EXPECT_TRUE(well_formed(bytes.form()));
  digest.reset(bytes);
  EXPECT_EQ(digest.weight(), 0u);
  EXPECT_TRUE(well_formed(bytes.form()));
  EXPECT_TRUE(digest.add(bytes, -1e308));
  EXPECT_TRUE(digest.add(bytes, 1e308));
  EXPECT_EQ(digest.least(), -1e308);
}

TEST(Digest, is_not_made_of_bytes_that_contradict_each_other) {
  Compact bytes;
  Digest::make(bytes, 1);
  Digest digest(bytes);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(digest.add(bytes, i % 7 * 1e307));
  digest.finish(bytes);
  const std::string good(bytes.form());
  ASSERT_TRUE(well_formed(good));
  std::mt19937_64 random(1);
  std::size_t refused = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    if (!well_formed(bad)) {
      ++refused;
      continue;
    }
    Compact copy(bad);
    Digest again(copy);
    for (int i = 0; i < 20; ++i) (void)again.add(copy, i);
    again.finish(copy);
    EXPECT_TRUE(well_formed(copy.form()));
    const DigestLine line(again);
    EXPECT_GE(line.number_at(1), again.least());
  }
  EXPECT_GT(refused, 20'000u);
}

}  // namespace
}  // namespace stave::types::sketch
