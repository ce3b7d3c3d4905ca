#include "types/sketch/sketch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>

#include "types/memory_pages.h"
#include "types/sketch/bloom.h"
#include "types/sketch/count_min.h"
#include "types/sketch/cuckoo.h"

namespace stave::types::sketch {
namespace {

TEST(SketchBytes, are_the_same_in_one_run_and_in_pages) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) {
    std::string model;
    Compact run;
    MemoryPages pages;
    Paged paged(pages, Paged::empty_root(0));
    const auto extend = [&](std::uint64_t count) {
      model.append(count, '\0');
      run.extend(count);
      paged.extend(count);
    };
    extend(kHeadBytes + random() % 9000);
    for (int i = 0; i < 60; ++i) {
      if (random() % 10 == 0) extend(random() % 5000);
      const std::uint64_t at = random() % model.size();
      const auto count = static_cast<std::size_t>(random() % std::min<std::uint64_t>(model.size() - at + 1, 5000));
      std::string scratch;
      EXPECT_EQ(run.read(at, count, scratch), std::string_view(model).substr(at, count));
      EXPECT_EQ(paged.read(at, count, scratch), std::string_view(model).substr(at, count));
      std::string bytes(random() % (count + 1), '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      model.replace(at, bytes.size(), bytes);
      run.write(at, bytes);
      paged.write(at, bytes);
    }
    EXPECT_EQ(run.form(), model);
    EXPECT_EQ(Compact::form_of(paged), model);
    // The same again from its root, and from its form.
    const std::string root = paged.root();
    EXPECT_EQ(Compact::form_of(Paged(pages, root)), model);
    EXPECT_EQ(Paged::head_of(root), std::string_view(model).substr(0, kHeadBytes));
    EXPECT_EQ(Paged::page_end(root), pages.size());
    MemoryPages others;
    Paged filled(others, Paged::empty_root(0));
    filled.fill(model);
    EXPECT_EQ(Compact::form_of(filled), model);
    std::size_t visited = 0;
    filled.visit_pages([&](PageId page) { return page == visited++; });
    EXPECT_EQ(visited, others.size());
  }
}

TEST(SketchBytes, of_many_pages_are_there_when_they_are_more_than_zeros) {
  std::mt19937_64 random(2);
  for (const std::uint64_t small : {std::uint64_t{0}, std::uint64_t{1000}, std::uint64_t{7000}}) {
    std::string model;
    MemoryPages pages;
    Paged paged(pages, Paged::empty_root(0));
    const auto extend = [&](std::uint64_t count) {
      model.append(count, '\0');
      paged.extend(count);
    };
    if (small != 0) extend(small);
    const std::size_t before = pages.size();
    extend(40'000'000);
    EXPECT_EQ(pages.size(), before + 2);  // maps of 16,384 pages each
    for (int i = 0; i < 300; ++i) {
      if (i % 60 == 59) extend(random() % 2'000'000);
      const std::uint64_t at = i % 10 == 0 ? model.size() - 100 : random() % (model.size() - 6000);
      std::string bytes(i % 10 == 0 ? 100 : random() % 6000, i % 7 == 0 ? '\0' : 'x');
      std::string scratch;
      EXPECT_EQ(paged.read(at, bytes.size(), scratch), std::string_view(model).substr(at, bytes.size()));
      model.replace(at, bytes.size(), bytes);
      paged.write(at, bytes);
    }
    EXPECT_LT(pages.size(), 1500u);
    EXPECT_EQ(Compact::form_of(paged), model);
    const std::string root = paged.root();
    EXPECT_EQ(Paged::head_of(root), std::string_view(model).substr(0, kHeadBytes));
    const Paged again(pages, root);
    EXPECT_EQ(Compact::form_of(again), model);
    std::size_t visited = 0;
    PageId greatest = 0;
    again.visit_pages([&](PageId page) {
      EXPECT_FALSE(pages.read(page).empty());
      greatest = std::max(greatest, page);
      ++visited;
      return true;
    });
    EXPECT_EQ(visited, pages.size());
    EXPECT_LT(greatest, Paged::page_end(root));
    MemoryPages others;
    Paged filled(others, Paged::empty_root(0));
    filled.fill(model);
    EXPECT_EQ(Compact::form_of(filled), model);
    EXPECT_LT(others.size(), 1500u);
  }
}

std::string element(std::uint64_t i) {
  return "element:" + std::to_string(i);
}

/// How often a filter to which `added` elements were added says yes to others.
double false_rate(const Bloom& filter, std::uint64_t added) {
  constexpr std::uint64_t kAsked = 200'000;
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < kAsked; ++i) wrong += filter.contains(element(added + 1 + i)) ? 1 : 0;
  return static_cast<double>(wrong) / static_cast<double>(kAsked);
}

TEST(Bloom, has_no_false_no_and_as_few_false_yeses_as_asked_for) {
  for (const double rate : {0.1, 0.01, 0.001}) {
    for (const std::uint64_t capacity : {100u, 5'000u, 100'000u}) {
      MemoryPages pages;
      Paged bytes(pages, Paged::empty_root(0));
      Bloom::make(bytes, {.rate = rate, .capacity = capacity, .expansion = 2});
      Bloom filter(bytes);
      const std::uint64_t count = capacity * 9 / 2;  // three layers
      std::uint64_t fresh = 0;
      for (std::uint64_t i = 0; i < count; ++i)
        fresh += filter.add(bytes, element(i), ~std::uint64_t{0}) == Bloom::Added::kNew ? 1 : 0;
      filter.finish(bytes);
      EXPECT_EQ(filter.elements(), fresh);
      EXPECT_GE(static_cast<double>(fresh), static_cast<double>(count) * (1 - 1.5 * rate) - 3);
      EXPECT_EQ(filter.layers(), 3u);
      for (std::uint64_t i = 0; i < count; ++i) ASSERT_TRUE(filter.contains(element(i)));
      EXPECT_LE(false_rate(filter, count), rate * 1.05 + 0.0002) << rate << ' ' << capacity;
      const std::string form = Compact::form_of(bytes);
      EXPECT_TRUE(well_formed(form));
      EXPECT_EQ(type_name(form), "MBbloom--");
    }
  }
}

TEST(Bloom, refuses_more_than_it_was_made_for_when_it_does_not_grow) {
  Compact bytes;
  Bloom::make(bytes, {.rate = 0.01, .capacity = 50, .expansion = 0});
  Bloom filter(bytes);
  std::uint64_t i = 0;
  while (filter.elements() < 50) ASSERT_NE(filter.add(bytes, element(i++), 1 << 20), Bloom::Added::kFull);
  EXPECT_EQ(filter.add(bytes, element(0), 1 << 20), Bloom::Added::kThere);
  while (filter.contains(element(i))) ++i;
  EXPECT_EQ(filter.add(bytes, element(i), 1 << 20), Bloom::Added::kFull);
  EXPECT_EQ(filter.capacity(), 50u);
}

TEST(Cuckoo, holds_what_was_added_and_lets_go_what_was_taken_out) {
  MemoryPages pages;
  Paged bytes(pages, Paged::empty_root(0));
  Cuckoo::make(bytes, {.capacity = 500, .bucket = 4, .moves = 50, .expansion = 2});
  Cuckoo filter(bytes);
  constexpr std::uint64_t kCount = 20'000;
  for (std::uint64_t i = 0; i < kCount; ++i)
    ASSERT_EQ(filter.add(bytes, element(i), ~std::uint64_t{0}), Cuckoo::Added::kYes);
  for (std::uint64_t i = 0; i < kCount; ++i) ASSERT_GE(filter.count(element(i)), 1u);
  for (std::uint64_t i = 0; i < kCount; i += 2) ASSERT_TRUE(filter.remove(bytes, element(i)));
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < kCount; ++i) {
    if (i % 2 != 0) {
      ASSERT_GE(filter.count(element(i)), 1u);
    } else {
      wrong += filter.count(element(i)) != 0 ? 1 : 0;
    }
  }
  EXPECT_LE(wrong, kCount / 2 * filter.filters() * 8 / 65535 * 3 / 2 + 10);
  filter.finish(bytes);
  EXPECT_EQ(filter.elements(), kCount / 2);
  const std::string form = Compact::form_of(bytes);
  EXPECT_TRUE(well_formed(form));
  EXPECT_FALSE(well_formed(form + "x"));
  EXPECT_EQ(type_name(form), "MBbloomCF");
}

TEST(CountMin, counts_never_too_few_and_adds_up) {
  Compact bytes;
  CountMin::make(bytes, 2000, 5);
  CountMin counted(bytes);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto told = counted.add(bytes, element(i), static_cast<std::uint32_t>(i));
    ASSERT_TRUE(told.has_value());
    EXPECT_GE(*told, i);
  }
  counted.finish(bytes);
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_GE(counted.count(element(i)), i);
    wrong += counted.count(element(i)) > i + 2 * counted.sum() / 2000 ? 1 : 0;
  }
  EXPECT_LE(wrong, 60u);
  EXPECT_TRUE(well_formed(bytes.form()));
  EXPECT_EQ(type_name(bytes.form()), "CMSk-TYPE");
  const std::string once(bytes.form());
  const Compact other(once);
  const CountMin::Weighted twice[] = {{&bytes, 1}, {&other, 2}};
  const std::uint32_t before = counted.count(element(7));
  ASSERT_TRUE(counted.become_sum(bytes, twice));
  EXPECT_EQ(counted.count(element(7)), 3 * before);
  const CountMin::Weighted less[] = {{&other, -1}};
  EXPECT_FALSE(counted.become_sum(bytes, less));
  EXPECT_EQ(counted.add(bytes, element(1), ~std::uint32_t{0}), std::nullopt);
}

TEST(Bloom, is_not_made_of_a_head_that_contradicts_itself) {
  Compact bytes;
  Bloom::make(bytes, {.rate = 0.01, .capacity = 1000, .expansion = 2});
  const std::string good(bytes.form());
  EXPECT_TRUE(well_formed(good));
  EXPECT_FALSE(well_formed(good + "x"));
  EXPECT_FALSE(well_formed(good.substr(0, good.size() - 1)));
  EXPECT_FALSE(well_formed(""));
  std::mt19937_64 random(1);
  for (int round = 0; round < 100'000; ++round) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i) bad[random() % kHeadBytes] = static_cast<char>(random());
    if (!well_formed(bad)) continue;
    Compact copy(bad);
    Bloom filter(copy);
    EXPECT_FALSE(filter.contains("nothing"));
    const Bloom::Added added = filter.add(copy, "something", 1 << 20);
    EXPECT_EQ(added == Bloom::Added::kNew, copy.changed());
  }
}

}  // namespace
}  // namespace stave::types::sketch
