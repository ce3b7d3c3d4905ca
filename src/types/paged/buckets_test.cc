#include "types/paged/buckets.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "types/hash/paged.h"
#include "types/paged/pages_for_test.h"
#include "types/run_builder.h"
#include "types/set/paged.h"

namespace stave::types {
namespace {

using paged::PagesForTest;
using paged::text_for_test;

template <class Type>
struct Kept {
  PagesForTest pages;
  std::string root;
  std::optional<Type> form;

  explicit Kept(std::uint64_t seed) : root(Type::empty_root(seed)) { form.emplace(pages, root); }
  void open_again() {
    root = std::string(form->root());
    EXPECT_TRUE(Type::well_formed(root));
    EXPECT_LT(root.size(), 60u);
    EXPECT_EQ(Type::page_end(root), pages.all().size());
    form.emplace(pages, root);
  }
};

std::map<std::string, std::string> all_of(const hash::Paged& hash) {
  std::map<std::string, std::string> all;
  hash.visit([&](const hash::Field& field) {
    EXPECT_TRUE(all.emplace(field.name, field.value).second);
    return true;
  });
  return all;
}

TEST(PagedHash, holds_what_a_map_would_after_random_changes) {
  std::mt19937_64 random(1);
  Kept<hash::Paged> kept(random());
  std::map<std::string, std::string> model;
  std::uint64_t names = 1;
  for (int step = 0; step < 150'000; ++step) {
    hash::Paged& hash = *kept.form;
    // It grows for the first half and shrinks in the second.
    const bool grows = random() % 16 < (step < 90'000 ? 12 : 3);
    const std::string name = text_for_test(grows ? random() % (names += 1) : random() % names);
    if (grows) {
      const std::string value = text_for_test(random() % 100'000);
      ASSERT_EQ(hash.set(name, value), model.insert_or_assign(name, value).second);
    } else if (random() % 8 == 0 || model.empty()) {
      ASSERT_EQ(hash.remove(name), model.erase(name) != 0);
    } else {
      const auto at = model.lower_bound(name);
      const std::string there = at == model.end() ? model.begin()->first : at->first;
      ASSERT_TRUE(hash.remove(there));
      model.erase(there);
    }
    ASSERT_EQ(hash.size(), model.size());
    const auto found = hash.find(name);
    ASSERT_EQ(found.has_value(), model.contains(name));
    if (found) {
      ASSERT_EQ(found->view(), model[name]);
    }
    if (step % 300 == 0) kept.open_again();
    if (step % 10'000 == 0) {
      ASSERT_EQ(all_of(*kept.form), model);
      kept.pages.expect_exactly_those_of(*kept.form);
    }
  }
  while (!model.empty()) {
    ASSERT_TRUE(kept.form->remove(model.begin()->first));
    model.erase(model.begin());
    if (model.size() % 1000 == 0) {
      ASSERT_EQ(all_of(*kept.form), model);
    }
    ASSERT_LE(kept.pages.all().size(), 2 * model.size() + 1);
  }
  EXPECT_EQ(kept.form->size(), 0u);
  EXPECT_TRUE(kept.pages.all().empty());
  EXPECT_TRUE(kept.form->set("a", "b"));
}

TEST(PagedHash, writes_little_more_than_a_page_for_a_new_field_and_fills_its_pages) {
  Kept<hash::Paged> kept(7);
  constexpr int kFields = 50'000;
  for (int i = 0; i < kFields; ++i) {
    const std::string name = "field:" + std::to_string(i * 7919);
    ASSERT_TRUE(kept.form->set(name, "some value of it"));
    if (i > 1000 && i % 100 == 0) {
      ASSERT_GT(kept.pages.bytes(), kept.pages.all().size() * kPageBytesMax / 2 * 95 / 100) << i;
    }
  }
  EXPECT_LT(kept.pages.writes, kFields * 120 / 100);
  EXPECT_LT(kept.pages.bytes_written, std::uint64_t{kFields} * kPageBytesMax);
  for (const auto& [page, form] : kept.pages.all()) EXPECT_LT(form.size(), 3 * kPageBytesMax);

  kept.pages.writes = 0;
  EXPECT_FALSE(kept.form->set("field:0", "some value of it"));
  EXPECT_EQ(kept.pages.writes, 0u);
  EXPECT_FALSE(kept.form->set("field:0", "another"));
  EXPECT_EQ(kept.pages.writes, 1u);
}

TEST(PagedHash, does_not_split_for_ever_for_a_large_value_that_is_set_again_and_again) {
  Kept<hash::Paged> kept(7);
  for (int i = 0; i < 100; ++i) kept.form->set(std::to_string(i), "x");
  for (int i = 0; i < 10'000; ++i) kept.form->set("7", std::string(3000 + static_cast<std::size_t>(i) % 7, 'x'));
  EXPECT_LE(kept.pages.all().size(), 10u);
}

TEST(PagedHash, has_about_a_page_for_each_field_that_is_larger_than_one) {
  Kept<hash::Paged> kept(9);
  for (int i = 0; i < 1000; ++i) kept.form->set(std::to_string(i), std::string(3000, 'x'));
  EXPECT_LE(kept.pages.all().size(), 1001u);
  EXPECT_GE(kept.pages.all().size(), 500u);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(kept.form->remove(std::to_string(i)));
  EXPECT_TRUE(kept.pages.all().empty());
}

TEST(PagedHash, comes_to_an_end_whenever_a_page_cannot_be_had) {
  Kept<hash::Paged> whole(3);
  for (std::uint64_t i = 0; i < 400; ++i) whole.form->set(text_for_test(i), text_for_test(3 * i));
  whole.open_again();
  for (std::uint64_t calls = 1; calls < 400; ++calls) {
    Kept<hash::Paged> kept(3);
    whole.form->visit_pages([&](PageId page) {
      kept.pages.write(page, whole.pages.all().at(page));
      return true;
    });
    kept.root = whole.root;
    kept.form.emplace(kept.pages, kept.root);
    kept.pages.fail_after(calls);
    for (std::uint64_t i = 0; i < 60; ++i) {
      kept.form->set(text_for_test(1000 + i), text_for_test(i));
      kept.form->remove(text_for_test(i));
      static_cast<void>(kept.form->find(text_for_test(2 * i)));
      if (kept.form->size() != 0) kept.form->visit_random(i, [](const hash::Field&) { return true; });
    }
    kept.form->visit([](const hash::Field&) { return true; });
    kept.form->scan(0, 1000, [](const hash::Field&) { return true; });
    for (std::uint64_t i = 0; i < 400; ++i) kept.form->remove(text_for_test(i));
  }
}

TEST(PagedHash, filled_at_once_is_what_it_is_field_by_field) {
  std::mt19937_64 random(4);
  for (const std::uint64_t fields : {0u, 1u, 2u, 3u, 7u, 40u, 300u, 5000u, 40'000u}) {
    Kept<hash::Paged> kept(9);
    Kept<hash::Paged> other(9);
    std::map<std::string, std::string> model;
    Items items;
    for (std::uint64_t i = 0; i < fields; ++i) {
      const auto [at, added] = model.emplace(text_for_test(random() % (8 * fields)), text_for_test(random() % 10'000));
      if (!added) continue;
      items.add(at->first);
      items.add(at->second);
      other.form->set(at->first, at->second);
    }
    const std::string form = items.take_form();
    kept.form->fill(form);
    EXPECT_EQ(kept.pages.writes, kept.pages.all().size());
    EXPECT_EQ(kept.form->changed(), true);
    kept.open_again();
    EXPECT_EQ(kept.form->size(), model.size());
    EXPECT_EQ(all_of(*kept.form), model);
    kept.pages.expect_exactly_those_of(*kept.form);
    const std::size_t pages = other.pages.all().size();
    EXPECT_LE(kept.pages.all().size(), pages + pages / 8 + 1) << fields;
    EXPECT_GE(kept.pages.all().size() + pages / 8 + 1, pages) << fields;
    for (const auto& [name, value] : model) {
      const auto found = kept.form->find(name);
      ASSERT_TRUE(found && found->view() == value) << name;
    }
    // And it goes on from there.
    for (int i = 0; i < 2000; ++i) {
      const std::string name = text_for_test(random() % (8 * fields + 1));
      if (random() % 2 == 0) {
        ASSERT_EQ(kept.form->set(name, "new"), model.insert_or_assign(name, "new").second);
      } else {
        ASSERT_EQ(kept.form->remove(name), model.erase(name) != 0);
      }
    }
    EXPECT_EQ(all_of(*kept.form), model);
    kept.pages.expect_exactly_those_of(*kept.form);
    while (!model.empty()) {
      ASSERT_TRUE(kept.form->remove(model.begin()->first));
      model.erase(model.begin());
    }
    EXPECT_TRUE(kept.pages.all().empty());
  }
}

TEST(PagedSet, filled_at_once_holds_every_member_and_comes_to_an_end_without_pages) {
  Items items;
  for (std::uint64_t i = 0; i < 3000; ++i) items.add(text_for_test(i));
  const std::string form = items.take_form();
  Kept<set::Paged> kept(5);
  kept.form->fill(form);
  for (std::uint64_t i = 0; i < 3000; ++i) ASSERT_TRUE(kept.form->contains(text_for_test(i)));
  EXPECT_FALSE(kept.form->contains("another"));
  for (std::uint64_t calls = 1; calls < kept.pages.all().size(); ++calls) {
    Kept<set::Paged> without(5);
    without.pages.fail_after(calls);
    without.form->fill(form);
    EXPECT_LT(without.pages.all().size(), calls);
    without.form->visit([](std::string_view) { return true; });
    static_cast<void>(without.form->contains("1"));
  }
}

TEST(PagedSet, comes_to_an_end_whenever_a_page_cannot_be_had) {
  Kept<set::Paged> whole(3);
  for (std::uint64_t i = 0; i < 600; ++i) whole.form->add(text_for_test(i));
  whole.open_again();
  for (std::uint64_t calls = 1; calls < 200; ++calls) {
    Kept<set::Paged> kept(3);
    whole.form->visit_pages([&](PageId page) {
      kept.pages.write(page, whole.pages.all().at(page));
      return true;
    });
    kept.root = whole.root;
    kept.form.emplace(kept.pages, kept.root);
    kept.pages.fail_after(calls);
    base::Random random(calls);
    const auto go_on = [](std::string_view) { return true; };
    for (int i = 0; i < 10; ++i) {
      kept.form->visit_sample(random.below(30), random, go_on);
      kept.form->visit_sample(300, random, go_on);
      kept.form->take_sample(random.below(10), random, go_on);
    }
    kept.form->take_sample(100, random, go_on);
  }
}

TEST(PagedSet, holds_what_a_set_would_after_random_changes) {
  std::mt19937_64 random(2);
  Kept<set::Paged> kept(random());
  std::set<std::string> model;
  const auto all = [&] {
    std::set<std::string> members;
    kept.form->visit([&](std::string_view member) { return members.emplace(member).second; });
    return members;
  };
  for (int step = 0; step < 120'000; ++step) {
    const std::string member = text_for_test(random() % 40'000);
    if (random() % 16 < (step < 60'000 ? 12u : 4u))
      ASSERT_EQ(kept.form->add(member), model.insert(member).second);
    else
      ASSERT_EQ(kept.form->remove(member), model.erase(member) != 0);
    ASSERT_EQ(kept.form->size(), model.size());
    ASSERT_EQ(kept.form->contains(member), model.contains(member));
    if (step % 300 == 0) kept.open_again();
    if (step % 10'000 == 0) {
      ASSERT_EQ(all(), model);
      kept.pages.expect_exactly_those_of(*kept.form);
    }
  }
  for (const std::string& member : model) ASSERT_TRUE(kept.form->remove(member));
  EXPECT_TRUE(kept.pages.all().empty());
}

// Some members stay; others come and go between two pieces, so many that the table doubles and halves.
TEST(PagedSet, scan_meets_whatever_stays_while_the_table_grows_and_shrinks) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 25; ++round) {
    Kept<set::Paged> kept(random());
    std::set<std::string> staying;
    for (std::uint64_t i = 0; i < 20 + random() % 3000; ++i) staying.insert("stays:" + std::to_string(i));
    for (const std::string& member : staying) kept.form->add(member);
    std::uint64_t others = random() % 8000;
    for (std::uint64_t i = 0; i < others; ++i) kept.form->add("goes:" + std::to_string(i));
    std::set<std::string> seen;
    std::uint64_t cursor = 0;
    int calls = 0;
    do {
      std::size_t visited = 0;
      const std::size_t count = 1 + random() % 500;
      cursor = kept.form->scan(cursor, count, [&](std::string_view member) {
        seen.emplace(member);
        ++visited;
        return true;
      });
      ASSERT_LT(visited, count + 300);
      ASSERT_LT(++calls, 100'000);
      if (random() % 4 != 0) continue;
      const std::uint64_t now = random() % 8000;
      for (; others < now; ++others) kept.form->add("goes:" + std::to_string(others));
      for (; others > now; --others) kept.form->remove("goes:" + std::to_string(others - 1));
    } while (cursor != 0);
    for (const std::string& member : staying) ASSERT_TRUE(seen.contains(member)) << round << " " << member;
  }
}

TEST(PagedSet, scan_ends_with_any_cursor_and_whatever_the_count) {
  Kept<set::Paged> kept(4);
  EXPECT_EQ(kept.form->scan(99, 10, [](std::string_view) { return true; }), 0u);
  for (int i = 0; i < 3000; ++i) kept.form->add(std::to_string(i));
  std::size_t seen = 0;
  EXPECT_EQ(kept.form->scan(0, ~std::size_t{0}, [&](std::string_view) { return ++seen, true; }), 0u);
  EXPECT_EQ(seen, 3000u);
  for (std::uint64_t cursor : {~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{12345}}) {
    int calls = 0;
    do {
      cursor = kept.form->scan(cursor, 0, [](std::string_view) { return true; });
    } while (cursor != 0 && ++calls < 10'000);
    EXPECT_EQ(cursor, 0u);
  }
}

TEST(PagedSet, visit_random_takes_all_members_about_as_often) {
  std::mt19937_64 random(5);
  for (const std::size_t length : {1u, 40u, 700u, 3000u}) {
    Kept<set::Paged> kept(random());
    constexpr int kMembers = 700;
    for (int i = 0; i < kMembers; ++i) kept.form->add(std::to_string(i) + std::string(length, 'x'));
    std::map<std::string, int> times;
    for (int i = 0; i < kMembers * 200; ++i)
      kept.form->visit_random(random(), [&](std::string_view member) { return ++times[std::string(member)], true; });
    EXPECT_EQ(times.size(), std::size_t{kMembers}) << length;
    for (const auto& [member, n] : times) {
      EXPECT_GT(n, 70) << length;
      EXPECT_LT(n, 400) << length;
    }
  }
}

TEST(PagedSet, refuses_roots_that_are_none) {
  std::string root = set::Paged::empty_root(1);
  EXPECT_TRUE(set::Paged::well_formed(root));
  EXPECT_FALSE(set::Paged::well_formed(""));
  EXPECT_FALSE(set::Paged::well_formed(root.substr(1)));
  root[9] = 1;  // An element without a page.
  EXPECT_FALSE(set::Paged::well_formed(root));
  root[9] = 0;
  root[0] = 0;
  EXPECT_FALSE(set::Paged::well_formed(root));
}

}  // namespace
}  // namespace stave::types
