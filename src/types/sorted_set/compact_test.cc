#include "types/sorted_set/compact.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace stave::types::sorted_set {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Pair = std::pair<double, std::string>;

/// What a sorted set is, said with what everybody knows.
struct Model {
  std::map<std::string, double> scores;

  [[nodiscard]] std::vector<Pair> sorted() const {
    std::vector<Pair> all;
    for (const auto& [member, score] : scores) all.emplace_back(score, member);
    std::sort(all.begin(), all.end());
    return all;
  }
};

std::vector<Pair> shown(const Reader& set, std::uint64_t from, std::uint64_t to) {
  std::vector<Pair> all;
  set.visit(from, to, [&](const Element& element) {
    all.emplace_back(element.score, element.member);
    return true;
  });
  return all;
}

std::vector<Pair> shown_backwards(const Reader& set, std::uint64_t from, std::uint64_t to) {
  std::vector<Pair> all;
  set.visit_backwards(from, to, [&](const Element& element) {
    all.emplace_back(element.score, element.member);
    return true;
  });
  return all;
}

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  /// Few different ones, so that many are equal; some that are no integers, some at the limits.
  double score() {
    static const double kOdd[] = {0.5,
                                  -0.25,
                                  0.1,
                                  1e300,
                                  -1e-300,
                                  5e-324,
                                  9007199254740992.0,
                                  9007199254740994.0,
                                  1e100,
                                  -1e18,
                                  kInfinity,
                                  -kInfinity,
                                  1.7976931348623157e308};
    const std::uint64_t how = below(4);
    if (how == 0) return kOdd[below(std::size(kOdd))];
    if (how == 1) return static_cast<double>(static_cast<std::int64_t>(random_()));
    return static_cast<double>(below(7)) - 3;
  }
  std::string member() {
    const std::uint64_t how = below(10);
    if (how == 0) return std::string(below(400), 'x');
    if (how == 1) return std::to_string(static_cast<std::int64_t>(random_()) >> below(64));
    if (how == 2) return std::string(1, static_cast<char>(below(256)));
    return std::to_string(below(30));
  }

 private:
  std::mt19937_64 random_;
};

void expect_same(const Reader& set, const Model& model, Chance& chance) {
  const std::vector<Pair> sorted = model.sorted();
  ASSERT_EQ(set.size(), sorted.size());
  ASSERT_EQ(shown(set, 0, set.size()), sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    EXPECT_EQ(set.rank(sorted[i].second), i);
    EXPECT_EQ(set.score(sorted[i].second), sorted[i].first);
  }
  EXPECT_EQ(set.rank("not there"), std::nullopt);
  EXPECT_EQ(set.score("not there"), std::nullopt);
  const std::uint64_t from = chance.below(sorted.size() + 1);
  const std::uint64_t to = from + chance.below(sorted.size() - from + 1);
  std::vector<Pair> part(sorted.begin() + static_cast<std::ptrdiff_t>(from),
                         sorted.begin() + static_cast<std::ptrdiff_t>(to));
  EXPECT_EQ(shown(set, from, to), part);
  std::reverse(part.begin(), part.end());
  EXPECT_EQ(shown_backwards(set, from, to), part);
  const double bound = chance.score();
  const auto below = [&](bool or_equal) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        sorted, [&](const Pair& pair) { return pair.first < bound || (or_equal && pair.first == bound); }));
  };
  EXPECT_EQ(set.count_below(bound, false), below(false));
  EXPECT_EQ(set.count_below(bound, true), below(true));
  std::vector<Pair> scanned;
  std::uint64_t cursor = 0;
  do {
    cursor = set.scan(cursor, 3, [&](const Element& element) {
      scanned.emplace_back(element.score, element.member);
      return true;
    });
  } while (cursor != 0);
  std::sort(scanned.begin(), scanned.end());
  scanned.erase(std::unique(scanned.begin(), scanned.end()), scanned.end());
  EXPECT_EQ(scanned, sorted);
}

void change(Editor& set, Model& model, Chance& chance) {
  const std::uint64_t how = chance.below(10);
  const std::string member = chance.member();
  if (how < 6) {
    const double score = chance.score();
    EXPECT_EQ(set.set(member, score), !model.scores.contains(member));
    model.scores[member] = score;
  } else if (how < 8) {
    EXPECT_EQ(set.remove(member), model.scores.erase(member) == 1);
  } else if (how == 8) {
    const std::vector<Pair> sorted = model.sorted();
    const std::uint64_t from = chance.below(sorted.size() + 1);
    const std::uint64_t count = chance.below(std::min<std::uint64_t>(sorted.size() - from, 5) + 1);
    set.erase(from, count);
    for (std::uint64_t i = from; i < from + count; ++i) model.scores.erase(sorted[i].second);
  } else if (!model.scores.contains(member)) {
    const double score = chance.score();
    const std::vector<Pair> sorted = model.sorted();
    if (!sorted.empty() && Pair(score, member) < sorted.back()) return;
    set.append(member, score);
    model.scores[member] = score;
  }
}

TEST(CompactSortedSet, holds_what_a_map_would_after_random_changes) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance(seed);
    Model model;
    std::string kept;
    for (int step = 0; step < 60; ++step) {
      Compact set(kept);
      const std::string before = kept;
      for (std::uint64_t n = chance.below(5); n > 0; --n) change(set, model, chance);
      expect_same(set, model, chance);
      if (::testing::Test::HasFailure()) return;
      if (!set.changed()) {
        ASSERT_EQ(set.form(), before);
      }
      kept = set.form();
      if (model.scores.empty()) {
        kept.clear();
        continue;
      }
      ASSERT_TRUE(Compact::well_formed(kept));
    }
  }
}

TEST(CompactSortedSet, has_one_form_however_it_came_about) {
  const std::vector<Pair> elements = {{-kInfinity, "a"}, {-1, "z"}, {0, ""}, {0, "10"}, {0, "9"}, {0.5, "b"}, {7, "c"}};
  Compact appended;
  for (const auto& [score, member] : elements) appended.append(member, score);
  EXPECT_TRUE(Compact::well_formed(appended.form()));
  std::vector<Pair> shuffled = elements;
  std::mt19937_64 random(9);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    Compact set;
    for (const auto& [score, member] : shuffled) {
      set.set(member, 3.25);
      set.set(member, score);
    }
    EXPECT_EQ(set.form(), appended.form());
  }
}

TEST(CompactSortedSet, counts_members_of_one_score_by_their_bytes) {
  Compact set;
  for (const std::string_view member : {"a", "b", "10", "9", "", "\xff", "ab"}) set.set(member, 0);
  const auto counts = [&](std::string_view member) {
    return std::pair(set.count_before(member, false), set.count_before(member, true));
  };
  EXPECT_EQ(counts(""), std::pair(std::uint64_t{0}, std::uint64_t{1}));
  EXPECT_EQ(counts("1"), std::pair(std::uint64_t{1}, std::uint64_t{1}));
  EXPECT_EQ(counts("10"), std::pair(std::uint64_t{1}, std::uint64_t{2}));
  EXPECT_EQ(counts("aa"), std::pair(std::uint64_t{4}, std::uint64_t{4}));
  EXPECT_EQ(counts("\xff"), std::pair(std::uint64_t{6}, std::uint64_t{7}));
  EXPECT_EQ(counts("\xff\xff"), std::pair(std::uint64_t{7}, std::uint64_t{7}));
}

TEST(CompactSortedSet, is_not_changed_by_the_score_that_is_there) {
  Compact made;
  made.set("a", 1.5);
  const std::string form(made.form());
  Compact set(form);
  EXPECT_FALSE(set.set("a", 1.5));
  EXPECT_FALSE(set.remove("b"));
  set.erase(1, 0);
  EXPECT_FALSE(set.changed());
  EXPECT_FALSE(set.set("a", 2));
  EXPECT_TRUE(set.changed());
  EXPECT_EQ(set.score("a"), 2.0);
}

TEST(CompactSortedSet, stops_where_its_visitor_wants_no_more) {
  Compact set;
  for (int i = 0; i < 9; ++i) set.set(std::to_string(i), i);
  int visits = 0;
  const auto twice = [&](const Element&) { return ++visits < 2; };
  set.visit(0, 9, twice);
  EXPECT_EQ(std::exchange(visits, 0), 2);
  set.visit_backwards(0, 9, twice);
  EXPECT_EQ(visits, 2);
}

// Bytes from elsewhere are refused, or are the form of what they read as.
TEST(CompactSortedSet, takes_no_form_but_that_of_its_elements) {
  Chance chance(77);
  Compact made;
  for (int i = 0; i < 12; ++i) made.set(chance.member(), chance.score());
  const std::string form(made.form());
  int taken = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string bytes = form;
    for (std::uint64_t n = 1 + chance.below(3); n > 0; --n) {
      const std::uint64_t at = chance.below(bytes.size());
      switch (chance.below(4)) {
        case 0: bytes[at] = static_cast<char>(chance.below(256)); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << chance.below(8))); break;
        case 2: bytes.erase(at, 1 + chance.below(8)); break;
        default: bytes.insert(at, 1, static_cast<char>(chance.below(256))); break;
      }
      if (bytes.empty()) break;
    }
    if (!Compact::well_formed(bytes)) continue;
    ++taken;
    const Compact read(bytes);
    const std::vector<Pair> elements = shown(read, 0, read.size());
    ASSERT_TRUE(std::is_sorted(elements.begin(), elements.end()));
    Compact again;
    for (const auto& [score, member] : elements) ASSERT_TRUE(again.set(member, score));
    ASSERT_EQ(again.form(), bytes);
  }
  EXPECT_GT(taken, 100);
  for (std::size_t size = 0; size < form.size(); ++size) EXPECT_FALSE(Compact::well_formed(form.substr(0, size)));
}

TEST(CompactSortedSet, refuses_scores_that_are_none) {
  const auto form_with = [](double score) {
    std::string item(1, '\0');
    item.append(reinterpret_cast<const char*>(&score), sizeof score);
    std::string form("\0\2", 2);
    EncodedItem(item).append_to(form);
    EncodedItem("member").append_to(form);
    return form;
  };
  EXPECT_TRUE(Compact::well_formed(form_with(0.5)));
  EXPECT_TRUE(Compact::well_formed(form_with(kInfinity)));
  EXPECT_FALSE(Compact::well_formed(form_with(std::numeric_limits<double>::quiet_NaN())));
  EXPECT_FALSE(Compact::well_formed(form_with(1)));     // which is an integer's item
  EXPECT_FALSE(Compact::well_formed(form_with(-0.0)));  // which is the item of zero
  std::string odd("\0\1", 2);
  EncodedItem("1").append_to(odd);
  EXPECT_FALSE(Compact::well_formed(odd));
  EXPECT_FALSE(Compact::well_formed(std::string_view("\0\0", 2)));
  EXPECT_FALSE(Compact::well_formed(""));
}

}  // namespace
}  // namespace stave::types::sorted_set
