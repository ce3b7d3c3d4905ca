#include "types/list/compact.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace stave::types::list {
namespace {

using Model = std::vector<std::string>;

std::vector<std::string> elements_of(const Reader& list, std::uint64_t from, std::uint64_t to, bool backwards = false) {
  std::vector<std::string> elements;
  const auto add = [&](std::string_view element) {
    elements.emplace_back(element);
    return true;
  };
  if (backwards) {
    list.visit_backwards(from, to, add);
  } else {
    list.visit(from, to, add);
  }
  return elements;
}

std::vector<std::uint64_t> places_of(const Reader& list, std::string_view element, std::uint64_t from, std::uint64_t to,
                                     bool backwards = false) {
  std::vector<std::uint64_t> places;
  const auto add = [&](std::uint64_t place) {
    places.push_back(place);
    return true;
  };
  if (backwards) {
    list.find_backwards(element, from, to, add);
  } else {
    list.find(element, from, to, add);
  }
  return places;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }
  /// Few different ones, so that some are equal, of every kind of item.
  std::string element() {
    switch (below(6)) {
      case 0: return std::to_string(static_cast<std::int64_t>(engine_() >> below(64)));
      case 1: return std::string(below(40) == 0 ? 70'000 : 250, 'x');
      case 2: return "";
      case 3: return std::to_string(below(3) * 1000);
      default: return std::string(1, static_cast<char>('a' + below(3)));
    }
  }

 private:
  std::mt19937_64 engine_;
};

std::ptrdiff_t place(std::uint64_t number) {
  return static_cast<std::ptrdiff_t>(number);
}

void insert_some(Compact& list, Model& model, Random& random) {
  Model elements;
  for (auto n = random.below(random.below(20) == 0 ? 200 : 4); n > 0; --n) elements.push_back(random.element());
  const std::vector<std::string_view> views(elements.begin(), elements.end());
  const std::uint64_t at = random.below(3) == 0 ? random.below(model.size() + 1) : random.below(2) * model.size();
  const Order order = random.below(2) == 0 ? Order::kGiven : Order::kReversed;
  list.insert(at, views, order);
  if (order == Order::kReversed) std::ranges::reverse(elements);
  model.insert(model.begin() + place(at), elements.begin(), elements.end());
}

void remove_some(Compact& list, Model& model, Random& random) {
  const std::string element = random.element();
  const std::uint64_t most = random.below(4) == 0 ? ~std::uint64_t{0} : random.below(4);
  std::uint64_t removed = 0;
  if (random.below(2) == 0) {
    for (auto at = model.begin(); at != model.end() && removed < most;) {
      if (*at == element) {
        at = model.erase(at);
        ++removed;
      } else {
        ++at;
      }
    }
    EXPECT_EQ(list.remove_first(element, most), removed);
  } else {
    for (std::size_t i = model.size(); i > 0 && removed < most; --i) {
      if (model[i - 1] != element) continue;
      model.erase(model.begin() + place(i - 1));
      ++removed;
    }
    EXPECT_EQ(list.remove_last(element, most), removed);
  }
}

void change(Compact& list, Model& model, Random& random) {
  switch (random.below(6)) {
    case 0:
      if (!model.empty()) {
        const std::uint64_t at = random.below(model.size());
        const std::string element = random.element();
        list.set(at, element);
        model[at] = element;
      }
      break;
    case 1: {
      const std::uint64_t from = random.below(model.size() + 1);
      const std::uint64_t count = random.below(std::min<std::uint64_t>(model.size() - from, 5) + 1);
      list.erase(from, count);
      model.erase(model.begin() + place(from), model.begin() + place(from + count));
      break;
    }
    case 2: remove_some(list, model, random); break;
    default: insert_some(list, model, random);
  }
}

void expect_same(const Compact& list, const Model& model, Random& random) {
  ASSERT_EQ(list.size(), model.size());
  EXPECT_EQ(elements_of(list, 0, list.size()), model);
  const std::uint64_t from = random.below(model.size() + 1);
  const std::uint64_t to = from + random.below(model.size() - from + 1);
  Model part(model.begin() + place(from), model.begin() + place(to));
  EXPECT_EQ(elements_of(list, from, to), part);
  const std::string element = random.element();
  std::vector<std::uint64_t> places;
  for (std::uint64_t i = from; i < to; ++i)
    if (model[i] == element) places.push_back(i);
  EXPECT_EQ(places_of(list, element, from, to), places);
  std::ranges::reverse(places);
  EXPECT_EQ(places_of(list, element, from, to, true), places);
  std::ranges::reverse(part);
  EXPECT_EQ(elements_of(list, from, to, true), part);
  if (from < model.size()) {
    EXPECT_EQ(list.at(from).view(), model[from]);
  }
}

TEST(CompactList, holds_what_a_vector_would_after_random_changes) {
  Random random(20261130);
  for (int round = 0; round < 200 && !::testing::Test::HasFailure(); ++round) {
    Model model;
    std::string kept;
    for (int step = 0; step < 40; ++step) {
      Compact list(kept);
      const Model before = model;
      for (auto changes = random.below(4); changes > 0; --changes) change(list, model, random);
      EXPECT_TRUE(list.changed() || model == before);
      expect_same(list, model, random);
      kept = model.empty() ? std::string() : std::string(list.form());
      if (!model.empty()) {
        EXPECT_TRUE(Compact::well_formed(kept));
      }
    }
  }
}

TEST(CompactList, of_the_same_elements_is_the_same_bytes) {
  Compact one;
  const std::vector<std::string_view> three = {"a", "b", "100"};
  one.insert(0, three, Order::kReversed);
  Compact other;
  for (const std::string_view element : three) other.insert(0, element);
  EXPECT_EQ(one.form(), other.form());
  other.insert(1, "x");
  EXPECT_NE(one.form(), other.form());
  EXPECT_EQ(other.remove_first("x", 1), 1u);
  EXPECT_EQ(one.form(), other.form());
}

TEST(CompactList, stops_when_the_visitor_has_enough) {
  Compact list;
  const std::vector<std::string_view> elements = {"a", "b", "a", "b", "a"};
  list.insert(0, elements, Order::kGiven);
  std::string seen;
  const auto two = [&](std::string_view element) { return (seen += element).size() % 2 != 0; };
  list.visit(1, 5, two);
  list.visit_backwards(0, 4, two);
  EXPECT_EQ(seen, "baba");
  std::vector<std::uint64_t> places;
  const auto first = [&](std::uint64_t place) {
    places.push_back(place);
    return false;
  };
  list.find("a", 1, 5, first);
  list.find_backwards("a", 0, 4, first);
  EXPECT_EQ(places, (std::vector<std::uint64_t>{2, 2}));
}

TEST(CompactList, is_not_changed_by_what_changes_nothing) {
  Compact filled;
  filled.insert(0, "a");
  const std::string form(filled.form());
  Compact list(form);
  list.insert(0, {}, Order::kGiven);
  list.erase(1, 0);
  EXPECT_EQ(list.remove_first("b", 9), 0u);
  EXPECT_EQ(list.remove_last("a", 0), 0u);
  EXPECT_FALSE(list.changed());
  EXPECT_FALSE(Compact().changed());
}

// Whatever the bytes are that come from elsewhere: refused, or read within themselves and changed like any other.
TEST(CompactList, takes_or_refuses_damaged_bytes) {
  Random random(815);
  int taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    Compact made;
    for (auto n = random.below(6); n > 0; --n)
      made.insert(0, random.below(20) == 0 ? random.element() : std::to_string(random.below(100'000)));
    std::string form(made.form());
    if (form.size() > 2000) continue;
    for (auto n = 1 + random.below(2); n > 0 && !form.empty(); --n) {
      const std::uint64_t at = random.below(form.size());
      switch (random.below(4)) {
        case 0: form.resize(at); break;
        case 1: form.insert(at, 1, static_cast<char>(random.below(256))); break;
        case 2: form.erase(at, 1); break;
        default: form[at] = static_cast<char>(random.below(256));
      }
    }
    // A copy of exactly that many bytes, so that a sanitizer sees what is read behind them.
    const std::vector<char> exact(form.begin(), form.end());
    const std::string_view bytes(exact.data(), exact.size());
    if (!Compact::well_formed(bytes)) continue;
    ++taken;
    const Compact list(bytes);
    const std::vector<std::string> elements = elements_of(list, 0, list.size());
    Compact again;
    for (const std::string& element : elements) again.insert(again.size(), element);
    EXPECT_EQ(again.form(), bytes);
  }
  EXPECT_GT(taken, 500);
  EXPECT_FALSE(Compact::well_formed(""));
  EXPECT_FALSE(Compact::well_formed(std::string_view("\0\0", 2)));
}

}  // namespace
}  // namespace stave::types::list
