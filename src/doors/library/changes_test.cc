#include "stave/changes.h"

#include <string>

#include "doors/library/library_fixture_for_test.h"
#include "stave/stave.h"

namespace stave {
namespace {

class Changes : public LibraryTest {
 protected:
  static std::string all(ChangeStream& stream) {
    std::string text;
    for (auto at = stream.next(0);; at = stream.next(0)) {
      if (!at) return text + at.error().describe();
      if (!*at) return text;
      const ChangeEvent& event = **at;
      text += std::string(to_string(event.kind)) + ":" + event.key + (event.value ? "=" + *event.value : "") +
              (event.type.empty() ? "" : "(" + std::string(event.type) + ")") + (event.last ? " " : "+ ");
    }
  }
};

TEST_F(Changes, are_shown_in_order_and_go_on_from_a_position_in_a_store_opened_anew) {
  Lsn position = kNoLsn;
  {
    ChangeStream stream(store(), kNoLsn, {.values = true});
    ASSERT_TRUE(store().set("a", "1"));
    ASSERT_TRUE(store().hash_set("h", "f", "v"));
    const std::pair<std::string_view, std::string_view> pairs[] = {{"b", "2"}, {"c", "3"}};
    ASSERT_TRUE(store().multi_set(pairs));
    EXPECT_EQ(all(stream), "set:a=1(string) set:h(hash) set:b=2(string)+ set:c=3(string) ");
    ASSERT_TRUE(store().remove("a"));
    const auto one = stream.next(0);
    ASSERT_TRUE(one && *one);
    EXPECT_EQ((*one)->kind, ChangeEvent::Kind::kDelete);
    position = stream.position();
  }
  ASSERT_TRUE(store().set("d", "4"));
  reopen();
  ChangeStream stream(store(), position);
  EXPECT_EQ(all(stream), "set:d(string) ");
}

TEST_F(Changes, are_chosen_by_database_key_and_type) {
  ASSERT_TRUE(store().set("user:1", "x"));
  ASSERT_TRUE(store().set("user:2", "x", {.database = 1}));
  ASSERT_TRUE(store().hash_set("user:3", "f", "v"));
  ChangeStream one(store(), kNoLsn, {.database = 1});
  EXPECT_EQ(all(one), "set:user:2(string) ");
  ChangeStream hashes(store(), kNoLsn, {.pattern = "user:[0-9]", .type = "hash"});
  EXPECT_EQ(all(hashes), "set:user:3(hash) ");
  ChangeStream none(store(), kNoLsn, {.type = "nope"});
  EXPECT_EQ(none.next(0).error().code(), ErrorCode::kInvalidArgument);
  ChangeStream ahead(store(), ChangeStream::now(store()) + 1000);
  EXPECT_EQ(ahead.next(0).error().code(), ErrorCode::kConflict);
}

TEST(ChangesInC, are_handed_out_one_by_one) {
  stave_error* error = nullptr;
  stave_store* store = stave_open(":memory:", nullptr, &error);
  ASSERT_NE(store, nullptr);
  ASSERT_EQ(stave_set(store, "user:1", 6, "Alice", 5, nullptr, nullptr, &error), STAVE_OK);
  ASSERT_EQ(stave_set(store, "other", 5, "x", 1, nullptr, nullptr, &error), STAVE_OK);
  stave_changes_options options = {};
  options.database = -1;
  options.prefix = "user:";
  options.prefix_size = 5;
  options.values = 1;
  stave_changes* changes = stave_changes_new(store, 0, &options);
  ASSERT_NE(changes, nullptr);
  stave_change change = {};
  ASSERT_EQ(stave_changes_next(changes, -1, &change, &error), STAVE_OK);
  EXPECT_EQ(std::string(change.key, change.key_size), "user:1");
  EXPECT_EQ(std::string(change.value, change.value_size), "Alice");
  EXPECT_STREQ(change.type, "string");
  EXPECT_STREQ(stave_change_kind_name(change.kind), "set");
  EXPECT_EQ(change.last, 1);
  EXPECT_EQ(stave_changes_next(changes, 0, &change, &error), STAVE_NOT_FOUND);
  EXPECT_EQ(error, nullptr);
  EXPECT_GT(stave_changes_position(changes), change.lsn);
  stave_changes_free(changes);
  EXPECT_EQ(stave_close(store, &error), STAVE_OK);
}

}  // namespace
}  // namespace stave
