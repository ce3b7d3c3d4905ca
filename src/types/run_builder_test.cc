#include "types/run_builder.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "types/hash/compact.h"
#include "types/run.h"
#include "types/sorted_set/compact.h"

namespace stave::types {
namespace {

using namespace std::string_literals;

TEST(Items, become_the_run_that_an_editor_makes) {
  std::mt19937_64 random(3);
  Items items;
  for (const int count : {0, 1, 127, 128, 20'000}) {
    std::string model;
    for (int i = 0; i < count; ++i) {
      const std::string text =
          random() % 2 == 0 ? std::to_string(random() >> random() % 64) : std::string(random() % 300, 'a');
      items.add(text);
      EncodedItem(text).append_to(model);
    }
    EXPECT_EQ(items.count(), static_cast<std::uint64_t>(count));
    const std::string form = items.take_form();
    EXPECT_EQ(form, Run::head(static_cast<std::uint64_t>(count)) + model);
    EXPECT_TRUE(Run::well_formed(form));
    EXPECT_EQ(items.count(), 0u);
  }
}

TEST(ItemIndex, finds_what_is_there_twice) {
  std::mt19937_64 random(4);
  ItemIndex index;
  for (int round = 0; round < 3; ++round) {
    index.clear();
    std::string items;
    std::set<std::string> seen;
    for (int i = 0; i < 5000; ++i) {
      const std::string text = std::to_string(random() % 20'000);
      const std::size_t at = items.size();
      EncodedItem(text).append_to(items);
      const bool added = index.insert(items, at);
      ASSERT_EQ(added, seen.insert(text).second) << text;
      if (!added) items.resize(at);
    }
  }
}

// The samples of docs/format.md: when this fails, the format has changed.
TEST(CompactForm, has_the_documented_bytes) {
  hash::Compact hash;
  hash.set("f", "12");
  hash.set("name", "7");
  hash.settle({});
  EXPECT_EQ(hash.form(), "\x00\x04\x01\x66\xf0\x0c\x04\x6e\x61\x6d\x65\x01\x37"s);
  sorted_set::Compact set;
  set.set("a", 1.5);
  set.set("b", -70'000);
  EXPECT_EQ(set.form(), "\x00\x04\xf2\x90\xee\xfe\x01\x62\x09\x00\x00\x00\x00\x00\x00\x00\xf8\x3f\x01\x61"s);
}

}  // namespace
}  // namespace stave::types
