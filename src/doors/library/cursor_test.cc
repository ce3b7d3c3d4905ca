#include "stave/cursor.h"

#include <map>
#include <set>

#include "doors/library/library_fixture_for_test.h"

namespace stave {
namespace {

using Walk = LibraryTest;

TEST_F(Walk, shows_every_key_of_the_prefix_with_its_value_and_type) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(store().set("user:" + std::to_string(i), std::to_string(i)));
    ASSERT_TRUE(store().set("other:" + std::to_string(i), "x"));
  }
  ASSERT_TRUE(store().hash_set("user:hash", "f", "v"));
  std::map<std::string, Entry> seen;
  auto cursor = store().cursor("user:");
  for (auto at = cursor.next();; at = cursor.next()) {
    ASSERT_TRUE(at) << at.error().describe();
    if (!*at) break;
    seen[(*at)->key] = **at;
  }
  ASSERT_EQ(seen.size(), 1001u);
  EXPECT_EQ(seen["user:7"].value, "7");
  EXPECT_EQ(seen["user:7"].type, "string");
  EXPECT_EQ(seen["user:hash"].value, "");
  EXPECT_EQ(seen["user:hash"].type, "hash");
  EXPECT_FALSE(*cursor.next());  // the end stays the end
}

TEST_F(Walk, holds_nothing_so_its_keys_may_be_changed_and_removed_meanwhile) {
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(store().set("k" + std::to_string(i), "old"));
  std::set<std::string> seen;
  const auto shown = store().for_each("k", [&](std::string_view key, std::string_view value) {
    EXPECT_EQ(value, "old");
    seen.emplace(key);
    EXPECT_TRUE(store().remove(key));
    EXPECT_TRUE(store().set("new" + std::string(key), "x"));
    return true;
  });
  ASSERT_TRUE(shown);
  EXPECT_EQ(*shown, 2000u);
  EXPECT_EQ(seen.size(), 2000u);
  EXPECT_EQ(store().size().value(), 2000u);
}

TEST_F(Walk, leaves_out_what_went_after_its_step_was_read) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store().set("k" + std::to_string(i), "x"));
  auto cursor = store().cursor();
  ASSERT_TRUE(*cursor.next());
  ASSERT_TRUE(store().flush(0));
  EXPECT_FALSE(*cursor.next());
}

TEST_F(Walk, ends_when_it_is_told_to) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(store().set("k" + std::to_string(i), "x"));
  int calls = 0;
  EXPECT_EQ(store().for_each("", [&](auto, auto) { return ++calls < 5; }).value(), 5u);
  EXPECT_EQ(calls, 5);
}

TEST_F(Walk, puts_no_sliding_expiry_off) {
  ASSERT_TRUE(store().set("s", "x", {.ttl = Ttl::sliding_ms(1000)}));
  clock_.advance_ms(600);
  EXPECT_EQ(store().for_each("", [](auto, auto) { return true; }).value(), 1u);
  clock_.advance_ms(600);
  EXPECT_EQ(get("s"), std::nullopt);
}

TEST_F(Walk, says_what_is_wrong_with_a_database_a_prefix_or_a_function) {
  EXPECT_EQ(store().cursor("", {.database = 99}).next().error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().cursor(std::string_view("k", SIZE_MAX)).next().error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(store().for_each("", {}).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace stave
