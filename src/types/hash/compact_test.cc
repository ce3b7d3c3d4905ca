#include "types/hash/compact.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace stave::types::hash {
namespace {

struct Kept {
  std::string value;
  UnixMs deadline = kNever;
  friend bool operator==(const Kept&, const Kept&) = default;
};
using Model = std::map<std::string, Kept>;

bool alive(const Kept& kept, UnixMs now) {
  return kept.deadline == kNever || kept.deadline > now;
}

Model seen(const Model& model, UnixMs now) {
  Model there;
  for (const auto& [name, kept] : model)
    if (alive(kept, now)) there.emplace(name, kept);
  return there;
}

Model all_of(const Reader& hash) {
  Model fields;
  hash.visit([&](const Field& field) {
    EXPECT_TRUE(fields.emplace(field.name, Kept{std::string(field.value), field.deadline}).second) << "shown twice";
    return true;
  });
  return fields;
}

std::string text(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0: return std::to_string(static_cast<std::int64_t>(random()) >> random() % 64);
    case 1: return std::string(random() % 300, 'x');
    case 2: return std::string(random() % 3, '\0');
    default: return "f" + std::to_string(random() % 30);
  }
}

void expect_same(const Compact& hash, const Model& model, UnixMs now, std::mt19937_64& random) {
  const Model there = seen(model, now);
  ASSERT_EQ(hash.size(), there.size());
  ASSERT_EQ(all_of(hash), there);
  for (const auto& [name, kept] : model) {
    const auto value = hash.find(name);
    ASSERT_EQ(value.has_value(), alive(kept, now));
    if (value) {
      EXPECT_EQ(value->view(), kept.value);
    }
    EXPECT_EQ(hash.deadline(name), value ? std::optional(kept.deadline) : std::nullopt);
  }
  EXPECT_FALSE(hash.find("never set"));
  EXPECT_FALSE(hash.deadline("never set"));
  if (there.empty()) return;
  hash.visit_random(random(), [&](const Field& field) {
    EXPECT_TRUE(there.contains(std::string(field.name)));
    return true;
  });
  std::size_t scanned = 0;
  EXPECT_EQ(hash.scan(0, 10, [&](const Field&) { return ++scanned != 0; }), 0u);
  EXPECT_EQ(scanned, there.size());
}

/// When a key with these fields dies, that dies by itself at `own`.
Expiry death(const Model& there, const Expiry& own) {
  UnixMs last = kNever;
  for (const auto& [name, kept] : there) {
    if (kept.deadline == kNever) return own;
    last = std::max(last, kept.deadline);
  }
  if (own.sliding_ms != 0 || (!own.never() && own.at <= last)) return own;
  return {.at = last};
}

/// One random change of both. `timed`: how likely a deadline is.
void change(Compact& hash, Model& model, UnixMs now, std::mt19937_64& random, unsigned timed,
            const std::string& padding) {
  const std::string name = text(random);
  const auto found = model.find(name);
  const bool there = found != model.end() && alive(found->second, now);
  const UnixMs deadline = random() % 100 < timed ? now + 1 + static_cast<std::int64_t>(random() % 50) : kNever;
  switch (random() % 4) {
    case 0:
      EXPECT_EQ(hash.remove(name), there);
      if (there) model.erase(name);
      break;
    case 1:
      EXPECT_EQ(hash.set_deadline(name, deadline), there);
      if (there) found->second.deadline = deadline;
      break;
    default: {
      const std::string value = text(random) + padding;
      EXPECT_EQ(hash.set(name, value, deadline), !there);
      model[name] = {value, deadline};
    }
  }
}

void run_against_model(std::uint64_t seed, unsigned timed, const std::string& padding = {}) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Model model;
  std::string form;
  Expiry own;
  UnixMs now{1'000'000};
  for (int step = 0; step < 150 && !::testing::Test::HasFailure(); ++step) {
    now = now + static_cast<std::int64_t>(random() % 8);
    if (random() % 10 == 0) own = {.at = random() % 2 == 0 ? kNever : now + 10'000};
    Compact hash(form, now);
    if (form.empty()) own = {};
    expect_same(hash, model, now, random);
    for (auto n = random() % 4; n != 0; --n) change(hash, model, now, random, timed, padding);
    expect_same(hash, model, now, random);
    if (hash.size() == 0) {
      model.clear();
      form.clear();
      continue;
    }
    if (hash.changed()) model = seen(model, now);
    const Expiry at = hash.settle(own);
    EXPECT_EQ(at, death(seen(model, now), own));
    form = std::string(hash.form());
    ASSERT_TRUE(Compact::well_formed(form));
    const bool apart = std::ranges::any_of(model, [](const auto& field) { return field.second.deadline != kNever; });
    EXPECT_EQ(Compact::expiring(form), apart);
    const Compact again(form, now);
    EXPECT_EQ(again.own_expiry().value_or(at), own);
    Compact settled(form, now);
    EXPECT_EQ(settled.settle(own), at);
    EXPECT_FALSE(settled.changed());
  }
}

TEST(CompactHash, holds_what_a_map_would_after_random_changes) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) run_against_model(seed, 0);
}

TEST(CompactHash, holds_what_a_map_would_when_fields_die) {
  for (std::uint64_t seed = 0; seed < 25; ++seed) run_against_model(seed, 30);
  for (std::uint64_t seed = 0; seed < 25; ++seed) run_against_model(seed, 95);
}

// Then many operations in a row work on its fields beside one another.
TEST(CompactHash, holds_what_a_map_would_when_fields_of_a_large_one_die) {
  for (std::uint64_t seed = 0; seed < 25; ++seed) run_against_model(seed, 40, std::string(700, 'v'));
  for (std::uint64_t seed = 0; seed < 25; ++seed) run_against_model(seed, 95, std::string(700, 'v'));
}

TEST(CompactHash, takes_many_deadlines_and_is_the_same_whichever_way_they_came) {
  const auto name = [](int i) { return "field:" + std::to_string(i); };
  constexpr int kFields = 20'000;
  Compact hash;
  for (int i = 0; i < kFields; ++i) hash.set(name(i), "value", UnixMs{50 + i});
  EXPECT_EQ(hash.size(), static_cast<std::uint64_t>(kFields));
  hash.settle({});
  std::string form(hash.form());
  Compact again(form, UnixMs{10});
  for (int i = 0; i < kFields; ++i) {
    ASSERT_EQ(again.deadline(name(i)), UnixMs{50 + i});
    ASSERT_TRUE(again.set_deadline(name(i), i % 2 == 0 ? kNever : UnixMs{90'000 + i}));
  }
  for (int i = 0; i < kFields; i += 4) ASSERT_TRUE(again.remove(name(i)));
  EXPECT_FALSE(again.remove("none"));
  again.settle({});
  form = again.form();
  ASSERT_TRUE(Compact::well_formed(form));
  const Compact last(form, UnixMs{10});
  int i = 0;
  last.visit([&](const Field& field) {
    i += i % 4 == 0 ? 1 : 0;
    EXPECT_EQ(field.name, name(i));
    EXPECT_EQ(field.value, "value");
    EXPECT_EQ(field.deadline, i % 2 == 0 ? kNever : UnixMs{90'000 + i});
    ++i;
    return true;
  });
  EXPECT_EQ(i, kFields);
}

TEST(CompactHash, has_no_deadlines_in_its_form_when_no_field_has_one) {
  Compact plain;
  plain.set("a", "1");
  plain.set("b", "2");
  plain.settle({});
  Compact back;
  back.set("a", "1", UnixMs{50});
  back.set("b", "2");
  back.settle({});
  EXPECT_TRUE(Compact::expiring(back.form()));
  Compact hash(back.form(), UnixMs{10});
  hash.set_deadline("a", kNever);
  hash.settle({});
  EXPECT_EQ(hash.form(), plain.form());
}

TEST(CompactHash, dies_with_its_last_field_and_keeps_when_it_dies_by_itself) {
  Compact hash;
  hash.set("a", "1", UnixMs{50});
  hash.set("b", "2", UnixMs{70});
  EXPECT_EQ(hash.settle({}), Expiry{.at = UnixMs{70}});
  EXPECT_EQ(hash.own_expiry(), Expiry{});
  EXPECT_EQ(hash.settle({.at = UnixMs{90}}), Expiry{.at = UnixMs{70}});
  EXPECT_EQ(hash.own_expiry(), Expiry{.at = UnixMs{90}});
  EXPECT_EQ(hash.settle({.at = UnixMs{60}}), Expiry{.at = UnixMs{60}});
  EXPECT_EQ(hash.own_expiry(), std::nullopt);
  const Expiry sliding{.at = UnixMs{90}, .sliding_ms = 80};
  EXPECT_EQ(hash.settle(sliding), sliding);
  hash.set("c", "3");
  EXPECT_EQ(hash.settle({.at = UnixMs{90}}), Expiry{.at = UnixMs{90}});
  EXPECT_EQ(hash.own_expiry(), std::nullopt);
}

TEST(CompactHash, is_left_alone_by_changes_that_change_nothing) {
  Compact made;
  made.set("a", "1", UnixMs{50});
  made.set("b", "2");
  made.settle({});
  const std::string form(made.form());
  Compact hash(form, UnixMs{60});
  EXPECT_EQ(hash.size(), 1u);
  EXPECT_FALSE(hash.remove("a"));
  EXPECT_FALSE(hash.set_deadline("a", kNever));
  EXPECT_TRUE(hash.set_deadline("b", kNever));
  EXPECT_FALSE(hash.set("b", "2"));
  EXPECT_FALSE(hash.changed());
  EXPECT_EQ(hash.form(), form);
  EXPECT_TRUE(hash.set("a", "3"));
  EXPECT_EQ(hash.find("a")->view(), "3");
}

TEST(CompactHash, can_be_asked_for_names_longer_than_any) {
  Compact hash;
  hash.set("a", "1");
  const char* const nothing = "x";
  EXPECT_FALSE(hash.find({nothing, item::kTextMax + 1}));
  EXPECT_FALSE(hash.remove({nothing, item::kTextMax + 1}));
}

/// Reads everything, so that a sanitizer sees what is read that should not be.
void read_all(const std::string& form) {
  for (const UnixMs now : {UnixMs{0}, UnixMs{1'000'010}, UnixMs{kUnixMsMax}}) {
    Compact hash(form, now);
    const Model fields = all_of(hash);
    EXPECT_EQ(fields.size(), hash.size());
    for (const auto& [name, kept] : fields) EXPECT_EQ(hash.find(name)->view(), kept.value);
    static_cast<void>(hash.own_expiry());
    hash.set("one more", "7", kNever);
    hash.settle({});
    EXPECT_TRUE(Compact::well_formed(hash.form()));
  }
}

TEST(CompactHash, refuses_damaged_bytes_or_reads_them_without_harm) {
  std::mt19937_64 random(1984);
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    Compact hash;
    const unsigned timed = round % 3 == 0 ? 0 : round % 3 == 1 ? 40 : 100;
    for (auto n = 1 + random() % 6; n != 0; --n) {
      const UnixMs deadline =
          random() % 100 < timed ? UnixMs{1'000'000 + static_cast<std::int64_t>(random() % 20)} : kNever;
      hash.set(text(random), text(random), deadline);
    }
    hash.settle(random() % 2 == 0 ? Expiry{} : Expiry{.at = UnixMs{2'000'000}});
    std::string form(hash.form());
    ASSERT_TRUE(Compact::well_formed(form));
    for (auto n = 1 + random() % 2; n != 0; --n) {
      const std::size_t at = random() % form.size();
      switch (random() % 4) {
        case 0: form.erase(at, 1 + random() % 4); break;
        case 1: form.insert(at, 1, static_cast<char>(random())); break;
        case 2: form[at] = static_cast<char>(form[at] ^ (1 << random() % 8)); break;
        default: form[at] = static_cast<char>(random());
      }
      if (form.empty()) break;
    }
    if (!Compact::well_formed(form)) continue;
    ++accepted;
    read_all(form);
  }
  EXPECT_GT(accepted, 0);
}

TEST(CompactHash, refuses_bytes_that_are_none) {
  using namespace std::string_literals;
  for (const std::string& form : {
           ""s,
           "\0\0"s,              // empty
           "\0\1\1a"s,           // a name without a value
           "\0\4\1a\1b\1a\1c"s,  // a name twice
           "\1\1\0"s,            // with deadlines, and empty
           "\1\4\0\1a\1b\0"s,    // with deadlines, but there is none
           "\1\4\1x\1a\1b\1"
           "5"s,                // the key's is no number
           "\1\4\0\1a\1b\1x"s,  // the field's is none
           "\1\4\0\1a\1b\1"
           "0"s,                     // "never" is empty
           "\1\4\0\1a\1b\xf0\x9c"s,  // before all time
           "\1\7\1"
           "0\1a\1b\1"
           "5\1c\1d\0"s,   // the key's is kept although a field lives on
           "\2\2\1a\1b"s,  // no such layout
       })
    EXPECT_FALSE(Compact::well_formed(form)) << ::testing::PrintToString(form);
  EXPECT_TRUE(Compact::well_formed("\0\2\1a\1b"s));
  EXPECT_TRUE(Compact::well_formed("\1\4\0\1a\1b\1"s + "5"));
  EXPECT_TRUE(Compact::well_formed("\1\4\1"s + "0\1a\1b\1"s + "5"));
}

}  // namespace
}  // namespace stave::types::hash
