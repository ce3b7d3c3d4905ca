#include "types/paged/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "types/list/paged.h"
#include "types/paged/pages_for_test.h"
#include "types/run_builder.h"

namespace stave::types {
namespace {

using paged::PagesForTest;
using paged::text_for_test;

struct Kept {
  PagesForTest pages;
  std::optional<list::Paged> list;

  Kept() { list.emplace(pages, list::Paged::empty_root(0)); }
  void open_again() {
    const std::string root(list->root());
    EXPECT_TRUE(list::Paged::well_formed(root));
    const auto end = list::Paged::page_end(root);
    EXPECT_TRUE(!end || pages.all().empty() || pages.all().rbegin()->first < *end);
    list.emplace(pages, root);
  }
};

/// Elements by the numbers their texts are made of.
using Model = std::vector<std::uint32_t>;

void expect_same(const list::Paged& list, const Model& model) {
  ASSERT_EQ(list.size(), model.size());
  std::size_t i = 0;
  list.visit(0, list.size(), [&](std::string_view element) {
    EXPECT_EQ(element, text_for_test(model[i]));
    return ++i, !::testing::Test::HasFailure();
  });
  ASSERT_EQ(i, model.size());
}

void expect_same_range(const list::Paged& list, const Model& model, std::uint64_t from, std::uint64_t to) {
  std::size_t i = from;
  list.visit(from, to, [&](std::string_view element) { return element == text_for_test(model[i]) && ++i != 0; });
  ASSERT_EQ(i, to);
  list.visit_backwards(from, to,
                       [&](std::string_view element) { return element == text_for_test(model[i - 1]) && i-- != 0; });
  ASSERT_EQ(i, from);
}

std::ptrdiff_t at(std::uint64_t place) {
  return static_cast<std::ptrdiff_t>(place);
}

// `grow`: of 16 steps, how many make it longer. `ranges`: whether pieces of many elements go.
void change_at_random(Kept& kept, Model& model, std::mt19937_64& random, int steps, unsigned grow, bool ranges) {
  for (int step = 0; step < steps; ++step) {
    list::Paged& list = *kept.list;
    const std::uint64_t size = model.size();
    const auto number = static_cast<std::uint32_t>(random() % 1'000'000);
    if (random() % 16 < grow || size == 0) {
      std::uint64_t place = random() % (size + 1);
      if (random() % 4 == 0) place = random() % 2 == 0 ? 0 : size;
      list.insert(place, text_for_test(number));
      model.insert(model.begin() + at(place), number);
    } else if (random() % 4 == 0) {
      const std::uint64_t place = random() % size;
      list.set(place, text_for_test(number));
      model[place] = number;
    } else {
      std::uint64_t from = random() % size;
      if (random() % 4 == 0) from = random() % 2 == 0 ? 0 : size - 1;
      std::uint64_t count = 1;
      if (ranges && random() % 16 == 0) count = std::min(size - from, random() % (random() % 8 == 0 ? size : 200));
      list.erase(from, count);
      model.erase(model.begin() + at(from), model.begin() + at(from + count));
    }
    ASSERT_EQ(list.size(), model.size());
    if (!model.empty()) {
      const std::uint64_t place = random() % model.size();
      ASSERT_EQ(list.at(place).view(), text_for_test(model[place])) << step;
      ASSERT_EQ(list.at(0).view(), text_for_test(model[0])) << step;
      ASSERT_EQ(list.at(model.size() - 1).view(), text_for_test(model.back())) << step;
    }
    if (step % 300 != 0) continue;
    kept.open_again();
    const std::uint64_t from = random() % (model.size() + 1);
    expect_same_range(*kept.list, model, from, from + random() % (model.size() - from + 1));
    if (step % 3000 != 0) continue;
    expect_same(*kept.list, model);
    kept.pages.expect_exactly_those_of(*kept.list);
    if (::testing::Test::HasFailure()) FAIL() << step;
  }
}

TEST(PagedList, holds_what_a_vector_would_after_random_changes) {
  std::mt19937_64 random(1);
  Kept kept;
  Model model;
  change_at_random(kept, model, random, 60'000, 14, false);
  EXPECT_GT(model.size(), 40'000u);
  change_at_random(kept, model, random, 20'000, 8, true);
  change_at_random(kept, model, random, 30'000, 14, true);
  change_at_random(kept, model, random, 70'000, 2, false);
  while (!model.empty()) {
    kept.list->erase(model.size() / 2, 1);
    model.erase(model.begin() + at(model.size() / 2));
    if (model.size() % 500 == 0) expect_same(*kept.list, model);
  }
  EXPECT_TRUE(kept.pages.all().empty());
  kept.open_again();
  kept.list->push_front("a");
  EXPECT_EQ(kept.list->at(0).view(), "a");
}

TEST(PagedList, holds_what_a_vector_would_while_it_is_small) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    Kept kept;
    Model model;
    change_at_random(kept, model, random, 200, 12, true);
    change_at_random(kept, model, random, 100, 4, true);
    change_at_random(kept, model, random, 700, 10, true);
    if (model.empty()) continue;
    kept.list->erase(0, model.size());
    EXPECT_TRUE(kept.pages.all().empty());
    if (HasFailure()) FAIL() << seed;
  }
}

TEST(PagedList, any_range_of_many_can_be_erased) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 60; ++round) {
    Kept kept;
    Model model;
    for (std::uint32_t i = 0; i < 12'000; ++i) {
      model.push_back(i);
      kept.list->push_back(text_for_test(i));
    }
    while (!model.empty()) {
      const std::uint64_t from = random() % 3 == 0 ? 0 : random() % model.size();
      const std::uint64_t count = random() % 3 == 0 ? model.size() - from : random() % (model.size() - from + 1);
      kept.list->erase(from, count);
      model.erase(model.begin() + at(from), model.begin() + at(from + count));
      expect_same(*kept.list, model);
      kept.pages.expect_exactly_those_of(*kept.list);
      for (int i = 0; i < 20; ++i) {
        kept.list->push_back(text_for_test(7));
        kept.list->push_front(text_for_test(8));
        model.push_back(7);
        model.insert(model.begin(), 8);
      }
      if (HasFailure()) FAIL() << round;
      if (random() % 8 == 0) break;
    }
  }
}

TEST(PagedList, pushes_at_either_end_fill_pages_and_write_little) {
  for (const bool back : {true, false}) {
    Kept kept;
    constexpr std::uint64_t kElements = 50'000;
    for (std::uint64_t i = 0; i < kElements; ++i) {
      const std::string element = "element:" + std::to_string(i);
      back ? kept.list->push_back(element) : kept.list->push_front(element);
    }
    EXPECT_LT(kept.pages.writes, kElements * 115 / 100);
    EXPECT_LT(kept.pages.bytes_written, kElements * 640);
    EXPECT_GT(kept.pages.bytes(), kept.pages.all().size() * kPageBytesMax * 85 / 100);
    for (const auto& [page, form] : kept.pages.all()) EXPECT_LE(form.size(), kPageBytesMax);
    EXPECT_EQ(kept.list->at(0).view(), back ? "element:0" : "element:49999");
  }
}

TEST(PagedList, a_queue_writes_little_and_keeps_no_page_too_many) {
  Kept kept;
  for (std::uint64_t i = 0; i < 5000; ++i) kept.list->push_back("element:" + std::to_string(i));
  const std::size_t pages = kept.pages.all().size();
  kept.pages.writes = 0;
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    kept.list->push_back("element:" + std::to_string(i));
    kept.list->erase(0, 1);
    ASSERT_LE(kept.pages.all().size(), pages + 8);
  }
  EXPECT_LT(kept.pages.writes, 2u * 50'000 * 115 / 100);
  kept.pages.expect_exactly_those_of(*kept.list);
}

TEST(PagedList, a_short_queue_tells_that_most_of_its_pages_are_gone) {
  Kept kept;
  for (std::uint64_t i = 0; i < 100; ++i) kept.list->push_back(std::string(500, 'x'));
  EXPECT_GE(list::Paged::page_end(kept.list->root()).value_or(0), kept.pages.all().size());
  for (std::uint64_t i = 0; i < 2000; ++i) {
    kept.list->push_back(std::string(500, 'x'));
    kept.list->erase(0, 1);
  }
  EXPECT_EQ(list::Paged::page_end(kept.list->root()), std::nullopt);
}

TEST(PagedList, insertions_anywhere_keep_pages_half_full) {
  std::mt19937_64 random(4);
  Kept kept;
  constexpr std::uint64_t kElements = 50'000;
  for (std::uint64_t i = 0; i < kElements; ++i) kept.list->insert(random() % (i + 1), "element:" + std::to_string(i));
  EXPECT_GT(kept.pages.bytes(), kept.pages.all().size() * kPageBytesMax / 2);
  EXPECT_LT(kept.pages.writes, kElements * 4);
  for (const auto& [page, form] : kept.pages.all()) EXPECT_LE(form.size(), kPageBytesMax);
}

std::string form_of(const Model& model) {
  Items items;
  for (const std::uint32_t number : model) items.add(text_for_test(number));
  return items.take_form();
}

TEST(PagedList, filled_at_once_holds_what_a_vector_would_before_and_after_changes) {
  std::mt19937_64 random(6);
  for (const std::uint32_t size : {0u, 1u, 2u, 3u, 20u, 100u, 1000u, 9000u, 60'000u}) {
    Kept kept;
    Model model;
    for (std::uint32_t i = 0; i < size; ++i) model.push_back(static_cast<std::uint32_t>(random() % 1'000'000));
    kept.list->fill(form_of(model));
    EXPECT_EQ(kept.pages.writes, kept.pages.all().size());
    kept.open_again();
    expect_same(*kept.list, model);
    kept.pages.expect_exactly_those_of(*kept.list);
    for (int i = 0; i < 100 && size != 0; ++i) {
      const std::uint64_t from = random() % size;
      expect_same_range(*kept.list, model, from, from + random() % std::min<std::uint64_t>(size - from, 300));
    }
    change_at_random(kept, model, random, 4000, 9, true);
    expect_same(*kept.list, model);
    kept.list->erase(0, model.size());
    EXPECT_TRUE(kept.pages.all().empty());
    if (HasFailure()) FAIL() << size;
  }
}

TEST(PagedList, filled_at_once_has_full_pages_and_comes_to_an_end_without_them) {
  Model model;
  for (std::uint32_t i = 0; i < 5000; ++i) model.push_back(1'000'000 + 13 * i);
  const std::string form = form_of(model);
  Kept kept;
  kept.list->fill(form);
  EXPECT_GT(kept.pages.bytes(), kept.pages.all().size() * kPageBytesMax * 80 / 100);
  for (std::uint64_t calls = 1; calls < kept.pages.all().size(); ++calls) {
    Kept without;
    without.pages.fail_after(calls);
    without.list->fill(form);
    without.list->visit(0, without.list->size(), [](std::string_view) { return true; });
  }
}

TEST(PagedList, comes_to_an_end_whenever_a_page_cannot_be_had) {
  Kept whole;
  for (std::uint64_t i = 0; i < 9000; ++i) whole.list->insert(i / 3 * 2, "element:" + std::to_string(i));
  const std::string root(whole.list->root());
  for (std::uint64_t calls = 1; calls < 700; ++calls) {
    Kept kept;
    for (const auto& [page, form] : whole.pages.all()) kept.pages.write(page, form);
    kept.list.emplace(kept.pages, root);
    kept.pages.fail_after(calls);
    list::Paged& list = *kept.list;
    std::mt19937_64 random(calls / 7);
    for (int i = 0; i < 40 && list.size() > 3000; ++i) {
      list.insert(random() % list.size(), text_for_test(random() % 1000));
      list.push_back("x");
      list.push_front(std::string(600, 'x'));
      const std::string large(500, 'y');
      const std::string_view several[] = {large, "z", large, large, "x"};
      list.insert(list.size(), several, list::Order::kGiven);
      list.insert(0, several, list::Order::kReversed);
      list.remove_first("z", 2);
      list.remove_last("x", 3);
      list.set(random() % list.size(), "");
      list.erase(random() % (list.size() - 1000), random() % 5 == 0 ? random() % 1000 : 1);
      list.visit_backwards(0, 10, [](std::string_view) { return true; });
      static_cast<void>(list.at(random() % list.size()));
    }
    list.visit(0, list.size(), [](std::string_view) { return true; });
    list.visit_pages([](PageId) { return true; });
    list.erase(0, list.size());
  }
}

}  // namespace
}  // namespace stave::types
