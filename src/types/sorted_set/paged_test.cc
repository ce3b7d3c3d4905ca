#include "types/sorted_set/paged.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "types/paged/pages_for_test.h"
#include "types/sorted_set/compact.h"

namespace stave::types::sorted_set {
namespace {

using paged::PagesForTest;
using paged::text_for_test;

struct Kept {
  PagesForTest pages;
  std::optional<Paged> set;

  explicit Kept(std::uint64_t seed) { set.emplace(pages, Paged::empty_root(seed)); }
  void open_again() {
    const std::string root(set->root());
    EXPECT_TRUE(Paged::well_formed(root));
    EXPECT_LT(root.size(), 60u);
    const auto end = Paged::page_end(root);
    EXPECT_TRUE(!end || pages.all().empty() || pages.all().rbegin()->first < *end);
    set.emplace(pages, root);
  }
};

/// What a sorted set is, in a vector.
class Model {
 public:
  using Entry = std::pair<double, const std::string*>;
  static bool less(const Entry& a, const Entry& b) {
    return a.first < b.first || (a.first == b.first && *a.second < *b.second);
  }

  bool set(const std::string& member, double score) {
    const auto [at, added] = scores.emplace(member, score);
    if (!added) take_out(*at);
    at->second = score;
    const Entry entry(score, &at->first);
    order.insert(std::lower_bound(order.begin(), order.end(), entry, less), entry);
    return added;
  }
  bool remove(const std::string& member) {
    const auto at = scores.find(member);
    if (at == scores.end()) return false;
    take_out(*at);
    scores.erase(at);
    return true;
  }
  void erase(std::uint64_t from, std::uint64_t count) {
    const auto begin = order.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = begin + static_cast<std::ptrdiff_t>(count);
    std::vector<std::string> members;
    for (auto at = begin; at != end; ++at) members.push_back(*at->second);
    order.erase(begin, end);
    for (const std::string& member : members) scores.erase(member);
  }
  [[nodiscard]] std::uint64_t rank(const std::string& member) const {
    const auto at = scores.find(member);
    const Entry entry(at->second, &at->first);
    return static_cast<std::uint64_t>(std::lower_bound(order.begin(), order.end(), entry, less) - order.begin());
  }
  [[nodiscard]] std::uint64_t count_below(double score, bool or_equal) const {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        order, [&](const Entry& entry) { return entry.first < score || (or_equal && entry.first == score); }));
  }
  [[nodiscard]] std::uint64_t count_before(const std::string& member, bool or_equal) const {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        order, [&](const Entry& entry) { return *entry.second < member || (or_equal && *entry.second == member); }));
  }

  std::map<std::string, double> scores;
  std::vector<Entry> order;

 private:
  void take_out(const std::pair<const std::string, double>& element) {
    const Entry entry(element.second, &element.first);
    order.erase(std::lower_bound(order.begin(), order.end(), entry, less));
  }
};

void expect_same(const Paged& set, const Model& model, std::uint64_t from, std::uint64_t to) {
  std::uint64_t i = from;
  const auto same = [&](const Element& element, std::uint64_t at) {
    return element.member == *model.order[at].second && element.score == model.order[at].first;
  };
  set.visit(from, to, [&](const Element& element) { return same(element, i) && ++i != 0; });
  ASSERT_EQ(i, to);
  set.visit_backwards(from, to, [&](const Element& element) { return same(element, i - 1) && i-- != 0; });
  ASSERT_EQ(i, from);
}

void expect_same(const Kept& kept, const Model& model) {
  ASSERT_EQ(kept.set->size(), model.order.size());
  expect_same(*kept.set, model, 0, model.order.size());
  std::uint64_t seen = 0;
  std::uint64_t cursor = 0;
  do {
    cursor = kept.set->scan(cursor, 500, [&](const Element& element) {
      ++seen;
      const auto at = model.scores.find(std::string(element.member));
      return at != model.scores.end() && at->second == element.score;
    });
  } while (cursor != 0);
  ASSERT_EQ(seen, model.order.size());
  kept.pages.expect_exactly_those_of(*kept.set);
}

/// What is tried: which members there are, which scores.
struct Kind {
  std::uint64_t members = 60'000;
  std::uint64_t scores = 1000;  ///< 1: all the same.
  std::string prefix;           ///< Of all members: long ones make separators long, and the tree high.
};

std::string member_of(const Kind& kind, std::uint64_t number) {
  return kind.prefix + text_for_test(number);
}

double score_of_kind(const Kind& kind, std::mt19937_64& random) {
  if (kind.scores == 1) return 3;
  if (random() % 200 == 0) return std::numeric_limits<double>::infinity() * (random() % 2 == 0 ? 1 : -1);
  const double whole = static_cast<double>(random() % kind.scores) - 5;
  return random() % 4 == 0 ? whole + 0.25 : whole;
}

void change_at_random(Kept& kept, Model& model, const Kind& kind, std::mt19937_64& random, int steps, unsigned grow) {
  for (int step = 0; step < steps; ++step) {
    Paged& set = *kept.set;
    std::string member = member_of(kind, random() % kind.members);
    const std::uint64_t size = model.order.size();
    if (size != 0 && random() % 3 == 0) member = *model.order[random() % size].second;
    if (random() % 16 < grow) {
      const double score = score_of_kind(kind, random);
      ASSERT_EQ(set.set(member, score), model.set(member, score));
    } else if (size != 0 && random() % 20 == 0) {
      const std::uint64_t from = random() % size;
      const std::uint64_t count = std::min(size - from, random() % (random() % 40 == 0 ? 3000 : 30));
      set.erase(from, count);
      model.erase(from, count);
    } else {
      ASSERT_EQ(set.remove(member), model.remove(member));
    }
    ASSERT_EQ(set.size(), model.order.size());
    const auto at = model.scores.find(member);
    ASSERT_EQ(set.score(member), at == model.scores.end() ? std::nullopt : std::optional(at->second));
    ASSERT_EQ(set.rank(member), at == model.scores.end() ? std::nullopt : std::optional(model.rank(member))) << step;
    if (step % 200 != 0) continue;
    kept.open_again();
    const bool or_equal = random() % 2 == 0;
    const double score = score_of_kind(kind, random);
    ASSERT_EQ(kept.set->count_below(score, or_equal), model.count_below(score, or_equal));
    if (kind.scores == 1) {
      ASSERT_EQ(kept.set->count_before(member, or_equal), model.count_before(member, or_equal));
    }
    const std::uint64_t from = random() % (model.order.size() + 1);
    const std::uint64_t to = from + random() % (model.order.size() - from + 1);
    expect_same(*kept.set, model, from, to);
    if (step % 4000 == 0) expect_same(kept, model);
    if (::testing::Test::HasFailure()) FAIL() << step;
  }
}

void grow_and_shrink(const Kind& kind, int steps, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Kept kept(random());
  Model model;
  change_at_random(kept, model, kind, random, steps, 15);
  change_at_random(kept, model, kind, random, steps / 4, 8);
  change_at_random(kept, model, kind, random, steps / 2, 13);
  change_at_random(kept, model, kind, random, steps, 3);
  expect_same(kept, model);
  while (!model.order.empty()) {
    const std::string member = *model.order[model.order.size() / 2].second;
    ASSERT_TRUE(kept.set->remove(member));
    model.remove(member);
    if (model.order.size() % 1000 == 0) expect_same(kept, model);
  }
  EXPECT_TRUE(kept.pages.all().empty());
  kept.open_again();
  EXPECT_TRUE(kept.set->set("a", 1));
  EXPECT_EQ(kept.set->rank("a"), 0u);
}

TEST(PagedSortedSet, holds_what_a_model_does_after_random_changes) {
  grow_and_shrink({}, 40'000, 1);
}

TEST(PagedSortedSet, holds_what_a_model_does_up_to_many_elements) {
  grow_and_shrink({.members = 500'000, .scores = 1'000'000, .prefix = ""}, 70'000, 2);
}

TEST(PagedSortedSet, holds_what_a_model_does_where_all_scores_are_the_same) {
  grow_and_shrink({.members = 30'000, .scores = 1, .prefix = ""}, 20'000, 3);
}

TEST(PagedSortedSet, holds_what_a_model_does_where_members_begin_alike_and_the_tree_is_high) {
  grow_and_shrink({.members = 10'000, .scores = 1, .prefix = std::string(180, 'p')}, 15'000, 4);
  grow_and_shrink({.members = 10'000, .scores = 3, .prefix = std::string(400, 'p')}, 15'000, 5);
  grow_and_shrink({.members = 2000, .scores = 2, .prefix = std::string(1500, 'p')}, 4000, 6);
}

TEST(PagedSortedSet, holds_what_a_model_does_while_it_is_small) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    grow_and_shrink({.members = 100, .scores = 1 + seed % 10, .prefix = ""}, 200, seed);
    if (HasFailure()) FAIL() << seed;
  }
}

TEST(PagedSortedSet, filled_at_once_is_what_a_model_is_before_and_after_changes) {
  std::mt19937_64 random(7);
  const Kind kinds[] = {{},
                        {.members = 30'000, .scores = 1, .prefix = ""},
                        {.members = 10'000, .scores = 3, .prefix = std::string(400, 'p')},
                        {.members = 2000, .scores = 2, .prefix = std::string(1500, 'p')}};
  for (const Kind& kind : kinds) {
    for (const int elements : {0, 1, 2, 5, 60, 700, 6000}) {
      Kept kept(random());
      Model model;
      for (int i = 0; i < elements; ++i)
        model.set(member_of(kind, random() % kind.members), score_of_kind(kind, random));
      Compact compact;
      for (const auto& [score, member] : model.order) compact.append(*member, score);
      kept.set->fill(compact.form());
      EXPECT_EQ(kept.pages.writes, kept.pages.all().size());
      kept.open_again();
      expect_same(kept, model);
      for (const auto& [score, member] : model.order) {
        ASSERT_EQ(kept.set->score(*member), score);
        ASSERT_EQ(kept.set->rank(*member), model.rank(*member));
      }
      change_at_random(kept, model, kind, random, 1500, 8);
      expect_same(kept, model);
      if (HasFailure()) FAIL() << elements;
    }
  }
}

TEST(PagedSortedSet, filled_at_once_comes_to_an_end_whenever_a_page_cannot_be_had) {
  Compact compact;
  for (int i = 0; i < 4000; ++i) compact.append(std::to_string(i), i);
  Kept whole(9);
  whole.set->fill(compact.form());
  for (std::uint64_t calls = 1; calls < whole.pages.all().size(); ++calls) {
    Kept kept(9);
    kept.pages.fail_after(calls);
    kept.set->fill(compact.form());
    kept.set->visit(0, kept.set->size(), [](const Element&) { return true; });
    static_cast<void>(kept.set->rank("7"));
  }
}

TEST(PagedSortedSet, elements_in_order_fill_pages_and_write_little) {
  for (const double step : {1.0, -1.0}) {
    Kept kept(7);
    constexpr int kElements = 50'000;
    for (int i = 0; i < kElements; ++i) kept.set->set("member:" + std::to_string(i * 7919), step * i);
    EXPECT_LT(kept.pages.writes, kElements * 240 / 100);
    std::uint64_t leaves = 0;
    std::uint64_t bytes = 0;
    for (const auto& [page, form] : kept.pages.all()) {
      leaves += page % 2;
      bytes += page % 2 == 0 ? 0 : form.size();
    }
    EXPECT_GT(bytes, leaves * kPageBytesMax * 85 / 100);
  }
}

TEST(PagedSortedSet, a_score_that_changes_a_little_writes_its_leaf_once) {
  std::mt19937_64 random(8);
  Kept kept(8);
  constexpr int kElements = 20'000;
  for (int i = 0; i < kElements; ++i)
    kept.set->set("member:" + std::to_string(i), static_cast<double>(random() % 1'000'000));
  EXPECT_LT(kept.pages.writes, kElements * 470u / 100);
  kept.pages.writes = 0;
  constexpr int kChanges = 10'000;
  for (int i = 0; i < kChanges; ++i) {
    const std::string member = "member:" + std::to_string(i);
    kept.set->set(member, *kept.set->score(member) + 1);
  }
  EXPECT_LT(kept.pages.writes, kChanges * 230u / 100);
  kept.pages.writes = 0;
  kept.set->set("member:1", *kept.set->score("member:1"));
  EXPECT_EQ(kept.pages.writes, 0u);
}

TEST(PagedSortedSet, comes_to_an_end_whenever_a_page_cannot_be_had) {
  Kept whole(9);
  const std::string prefix(300, 'p');
  for (std::uint64_t i = 0; i < 1500; ++i) whole.set->set(prefix + text_for_test(i), 1);
  const std::string root(whole.set->root());
  for (std::uint64_t calls = 1; calls < 900; ++calls) {
    Kept kept(9);
    for (const auto& [page, form] : whole.pages.all()) kept.pages.write(page, form);
    kept.set.emplace(kept.pages, root);
    kept.pages.fail_after(calls);
    Paged& set = *kept.set;
    std::mt19937_64 random(calls / 11);
    for (int i = 0; i < 20 && set.size() > 300; ++i) {
      set.set(prefix + text_for_test(random() % 3000), random() % 2 == 0 ? 1 : 2);
      set.remove(prefix + text_for_test(random() % 1500));
      if (random() % 4 == 0) set.erase(random() % (set.size() - 100), random() % 100);
      static_cast<void>(set.rank(prefix + text_for_test(random() % 1500)));
      static_cast<void>(set.count_below(1, true));
      static_cast<void>(set.count_before(prefix, true));
    }
    set.visit_backwards(0, set.size(), [](const Element&) { return true; });
    set.scan(0, 100, [](const Element&) { return true; });
    set.visit_pages([](PageId) { return true; });
    if (set.size() > 10) set.erase(1, set.size() - 5);
    set.erase(0, set.size());
  }
}

TEST(PagedSortedSet, refuses_roots_that_are_none) {
  Kept kept(1);
  for (int i = 0; i < 1000; ++i) kept.set->set(std::to_string(i), i);
  std::string root(kept.set->root());
  EXPECT_TRUE(Paged::well_formed(root));
  EXPECT_FALSE(Paged::well_formed(""));
  EXPECT_FALSE(Paged::well_formed(root.substr(0, root.size() - 1)));
  root[9] = static_cast<char>(root[9] + 1);  // One more in the buckets than in the tree.
  EXPECT_FALSE(Paged::well_formed(root));
}

}  // namespace
}  // namespace stave::types::sorted_set
