#include "types/set/compact.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace stave::types::set {
namespace {

using Model = std::set<std::string>;

std::string random_member(std::mt19937_64& random) {
  switch (random() % 6) {
    case 0: return std::to_string(static_cast<std::int64_t>(random()) >> random() % 64);
    case 1: return std::to_string(random() % 40);
    case 2: return "0" + std::to_string(random() % 40);
    case 3: return std::string(random() % 4, static_cast<char>('a' + random() % 2));
    case 4: return std::string(random() % 400, static_cast<char>(random()));
    default: return "member:" + std::to_string(random() % 40);
  }
}

std::vector<std::string> members_of(const Reader& set) {
  std::vector<std::string> all;
  set.visit([&](std::string_view member) {
    all.emplace_back(member);
    return true;
  });
  return all;
}

Model model_of(const std::vector<std::string>& members) {
  Model model(members.begin(), members.end());
  EXPECT_EQ(model.size(), members.size()) << "a member was visited twice";
  return model;
}

void expect_same(const Compact& set, const Model& model, std::mt19937_64& random) {
  ASSERT_EQ(set.size(), model.size());
  ASSERT_EQ(model_of(members_of(set)), model);
  std::vector<std::string> scanned;
  EXPECT_EQ(set.scan(0, 3,
                     [&](std::string_view member) {
                       scanned.emplace_back(member);
                       return true;
                     }),
            0u);
  EXPECT_EQ(scanned, members_of(set));
  for (const std::string& member : model) EXPECT_TRUE(set.contains(member));
  for (int i = 0; i < 5; ++i) {
    const std::string member = random_member(random);
    EXPECT_EQ(set.contains(member), model.contains(member));
  }
  const auto spells_integer = [](const std::string& member) { return parse_integer(member).has_value(); };
  EXPECT_EQ(set.all_integers(), std::all_of(model.begin(), model.end(), spells_integer));
  EXPECT_EQ(model.empty(), set.form().empty() || !Compact::well_formed(set.form()));
}

/// Takes some members and does the same to the model.
void take(Compact& set, Model& model, std::uint64_t count, base::Random& chance) {
  std::vector<std::string> taken;
  set.take_sample(count, chance, [&](std::string_view member) {
    taken.emplace_back(member);
    return true;
  });
  EXPECT_EQ(model_of(taken).size(), std::min<std::uint64_t>(count, model.size()));
  for (const std::string& member : taken) EXPECT_EQ(model.erase(member), 1u);
}

TEST(CompactSet, holds_what_a_set_would_after_random_changes) {
  std::mt19937_64 random(20);
  base::Random chance(20);
  for (int round = 0; round < 300; ++round) {
    Model model;
    std::string kept;
    for (int step = 0; step < 30; ++step) {
      Compact set(kept);
      EXPECT_FALSE(set.changed());
      bool changed = false;
      for (auto n = random() % 4; n > 0; --n) {
        const std::string member = random_member(random);
        const bool grows = random() % 3 != 0;
        if (grows && !model.contains(member) && random() % 2 == 0) {
          set.add_new(member);
          model.insert(member);
          changed = true;
        } else {
          const bool done = grows ? model.insert(member).second : model.erase(member) != 0;
          EXPECT_EQ(grows ? set.add(member) : set.remove(member), done);
          changed = changed || done;
        }
      }
      if (random() % 12 == 0) {
        const std::uint64_t count = random() % 8 == 0 ? ~std::uint64_t{0} : random() % (model.size() + 2);
        changed = changed || (count != 0 && !model.empty());
        take(set, model, count, chance);
      }
      EXPECT_EQ(set.changed(), changed);
      expect_same(set, model, random);
      kept = set.form();
      if (model.empty()) kept.clear();
      expect_same(Compact(kept), model, random);
    }
  }
}

TEST(CompactSet, keeps_an_integer_and_its_other_spellings_apart) {
  Compact set;
  for (const char* const member : {"12", "012", "+12", " 12", "12.0", "-12", "1"}) EXPECT_TRUE(set.add(member));
  for (const char* const member : {"12", "012", "-12", "1"}) EXPECT_FALSE(set.add(member));
  EXPECT_TRUE(set.remove("12"));
  EXPECT_FALSE(set.contains("12"));
  EXPECT_TRUE(set.contains("012"));
  EXPECT_EQ(set.size(), 6u);
}

TEST(CompactSet, tells_members_apart_that_differ_in_any_one_byte) {
  for (const std::size_t size : {1u, 2u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 33u, 239u, 240u, 300u}) {
    Compact set;
    const std::string member(size, 'a');
    ASSERT_TRUE(set.add(member));
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = member;
      other[at] = 'b';
      EXPECT_FALSE(set.contains(other)) << size << " " << at;
    }
    EXPECT_FALSE(set.contains(member + "a"));
    EXPECT_FALSE(set.contains(member.substr(1)));
    EXPECT_TRUE(set.contains(member));
  }
}

TEST(CompactSet, stops_a_visit_that_has_seen_enough) {
  Compact set;
  for (int i = 0; i < 9; ++i) set.add(std::to_string(i));
  base::Random chance(1);
  int seen = 0;
  const auto four = [&](std::string_view) { return ++seen < 4; };
  set.visit(four);
  EXPECT_EQ(std::exchange(seen, 0), 4);
  set.visit_sample(8, chance, four);
  EXPECT_EQ(seen, 4);
}

TEST(CompactSet, gives_every_choice_about_the_same_chance) {
  constexpr int kRounds = 20000;
  Compact set;
  for (const char* const member : {"1", "b", "c", "d", "5"}) set.add(member);
  base::Random chance(7);
  std::map<std::string, int> single;
  std::map<Model, int> pairs;
  std::map<Model, int> taken;
  for (int i = 0; i < kRounds; ++i) {
    set.visit_random(chance.next(), [&](std::string_view member) {
      ++single[std::string(member)];
      return true;
    });
    Model pair;
    const auto gather = [&](std::string_view member) { return pair.emplace(member).second; };
    set.visit_sample(2, chance, gather);
    ++pairs[std::exchange(pair, {})];
    Compact other(set.form());
    other.take_sample(2, chance, gather);
    ++taken[pair];
  }
  const auto expect_even = [&](const auto& counts, std::size_t kinds) {
    ASSERT_EQ(counts.size(), kinds);
    const double share = static_cast<double>(kRounds) / static_cast<double>(kinds);
    for (const auto& [what, count] : counts) EXPECT_NEAR(count, share, share * 0.15);
  };
  expect_even(single, 5);
  expect_even(pairs, 10);
  expect_even(taken, 10);
}

TEST(CompactSet, shows_all_when_more_are_asked_for) {
  Compact set;
  for (const char* const member : {"a", "b", "12"}) set.add(member);
  base::Random chance(3);
  std::vector<std::string> seen;
  set.visit_sample(~std::uint64_t{0}, chance, [&](std::string_view member) {
    seen.emplace_back(member);
    return true;
  });
  EXPECT_EQ(seen, members_of(set));
  set.take_sample(4, chance, [](std::string_view) { return true; });
  EXPECT_EQ(set.size(), 0u);
  EXPECT_TRUE(set.changed());
}

// Whatever the bytes, either they are refused or everything that reads them stays within them.
TEST(CompactSet, refuses_or_reads_bytes_that_were_changed) {
  std::mt19937_64 random(99);
  base::Random chance(99);
  int read = 0;
  for (int round = 0; round < 30000; ++round) {
    Compact set;
    for (auto n = 1 + random() % 12; n > 0; --n) set.add(random_member(random));
    std::string bytes(set.form());
    for (auto n = 1 + random() % 3; n > 0; --n) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8); break;
        case 2: bytes.erase(at, 1 + random() % 3); break;
        default: bytes.insert(at, 1, static_cast<char>(random() % 5)); break;
      }
      if (bytes.empty()) break;
    }
    // In memory of its own, so that a sanitizer sees a step beyond it.
    const std::vector<char> exact(bytes.begin(), bytes.end());
    const std::string_view form(exact.data(), exact.size());
    if (!Compact::well_formed(form)) continue;
    ++read;
    Compact changed(form);
    const std::vector<std::string> members = members_of(changed);
    Model model = model_of(members);
    ASSERT_EQ(model.size(), changed.size());
    // The one form: the same members, put in again in this order, are the same bytes.
    Compact again;
    for (const std::string& member : members) ASSERT_TRUE(again.add(member));
    EXPECT_EQ(again.form(), form);
    EXPECT_TRUE(changed.remove(members[random() % members.size()]));
    take(changed, model = model_of(members_of(changed)), random() % 4, chance);
    expect_same(changed, model, random);
  }
  EXPECT_GT(read, 1000);
}

TEST(CompactSet, refuses_a_member_that_stands_there_twice_and_the_empty_set) {
  using namespace std::string_literals;
  EXPECT_TRUE(Compact::well_formed("\0\2\1a\1b"s));
  EXPECT_FALSE(Compact::well_formed("\0\2\1a\1a"s));
  EXPECT_FALSE(Compact::well_formed("\0\0"s));
  EXPECT_FALSE(Compact::well_formed(""s));
}

}  // namespace
}  // namespace stave::types::set
