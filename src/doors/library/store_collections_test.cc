// The typed calls for hashes, lists, sets and sorted sets, in the store and in transactions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "stave/session.h"
#include "stave/store.h"

namespace stave {
namespace {

using Strings = std::vector<std::string>;
using Scored = std::vector<ScoredMember>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class Collections : public testing::Test {
 protected:
  Collections() { reopen(); }

  void reopen() {
    store_.reset();
    Options options;
    options.file_system = files_.get();
    options.clock = &clock_;
    options.background = false;
    options.segment_bytes = 1 << 20;
    options.disk_reserve_bytes = 0;
    options.key_bytes_max = 1000;
    options.value_bytes_max = 100'000;
    auto opened = Store::open("data", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    store_ = std::move(*opened);
  }
  Store& store() { return *store_; }
  Strings members(std::string_view key) {
    auto found = store().set_members(key);
    EXPECT_TRUE(found) << found.error().describe();
    Strings all = found ? *found : Strings{};
    std::ranges::sort(all);
    return all;
  }
  std::map<std::string, std::string> fields(std::string_view key) {
    std::map<std::string, std::string> all;
    const auto found = store().hash_get_all(key);
    EXPECT_TRUE(found) << found.error().describe();
    if (!found) return all;
    for (const HashField& field : *found) EXPECT_TRUE(all.emplace(field.field, field.value).second);
    return all;
  }
  /// Everything that a caller could see of a few keys, as text.
  std::string seen(std::initializer_list<std::string_view> keys) {
    std::string text;
    for (const std::string_view key : keys) {
      text.append(key).append(":");
      if (const auto hash = store().hash_get_all(key))
        for (const HashField& field : *hash) text += " " + field.field + "=" + field.value;
      if (const auto list = store().list_range(key, 0, -1))
        for (const std::string& element : *list) text += " " + element;
      if (const auto set = store().set_members(key))
        for (const std::string& member : *set) text += " " + member;
      if (const auto set = store().sorted_set_range(key, 0, -1))
        for (const ScoredMember& member : *set) text += " " + member.member + "=" + std::to_string(member.score);
      const auto expiry = store().expiry(key);
      EXPECT_TRUE(expiry);
      text += *expiry ? " until " + std::to_string(raw((*expiry)->at)) : " absent";
      text += "\n";
    }
    return text;
  }

  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  ManualClock clock_;
  std::unique_ptr<Store> store_;
};

TEST_F(Collections, a_hash_keeps_fields_of_any_bytes) {
  const std::string field("f\0\r\xff", 4);
  EXPECT_TRUE(*store().hash_set("h", field, std::string("\0v", 2)));
  EXPECT_TRUE(*store().hash_set("h", "", ""));
  EXPECT_TRUE(*store().hash_set("h", "12", "-7"));
  EXPECT_FALSE(*store().hash_set("h", "12", "13")) << "it was there";
  EXPECT_EQ(*store().hash_get("h", field), std::string("\0v", 2));
  EXPECT_EQ(*store().hash_get("h", ""), "");
  EXPECT_EQ(*store().hash_get("h", "12"), "13");
  EXPECT_EQ(*store().hash_get("h", "none"), std::nullopt);
  EXPECT_EQ(*store().hash_get("none", "none"), std::nullopt);
  EXPECT_EQ(*store().hash_size("h"), 3u);
  EXPECT_EQ(fields("h"), (std::map<std::string, std::string>{{field, std::string("\0v", 2)}, {"", ""}, {"12", "13"}}));
  EXPECT_TRUE(*store().hash_remove("h", ""));
  EXPECT_FALSE(*store().hash_remove("h", ""));
  const FieldValue more[] = {{"12", "x"}, {"new", "1"}, {"new", "2"}};
  EXPECT_EQ(*store().hash_set("h", more), 1u);
  EXPECT_EQ(*store().hash_get("h", "new"), "2") << "the last one of a name counts";
  const std::string_view all[] = {field, "12", "new", "12", "none"};
  EXPECT_EQ(*store().hash_remove("h", all), 3u);
  EXPECT_FALSE(*store().exists("h")) << "no collection is empty";
  EXPECT_EQ(*store().hash_size("h"), 0u);
  EXPECT_TRUE(store().hash_get_all("h")->empty());
}

TEST_F(Collections, a_list_is_pushed_and_popped_at_both_ends) {
  EXPECT_EQ(*store().list_push("l", ListEnd::kBack, "b"), 1u);
  EXPECT_EQ(*store().list_push("l", ListEnd::kFront, "a"), 2u);
  const std::string_view more[] = {"x", "y"};
  EXPECT_EQ(*store().list_push("l", ListEnd::kFront, more), 4u);
  EXPECT_EQ(*store().list_push("l", ListEnd::kBack, more), 6u);
  EXPECT_EQ(*store().list_range("l", 0, -1), (Strings{"y", "x", "a", "b", "x", "y"}));
  EXPECT_EQ(*store().list_range("l", -2, 100), (Strings{"x", "y"}));
  EXPECT_EQ(*store().list_range("l", 2, 2), (Strings{"a"}));
  EXPECT_EQ(*store().list_range("l", INT64_MIN, INT64_MAX), *store().list_range("l", 0, 5));
  EXPECT_TRUE(store().list_range("l", INT64_MAX, INT64_MIN)->empty());
  EXPECT_TRUE(store().list_range("l", 6, 7)->empty());
  EXPECT_EQ(*store().list_pop("l", ListEnd::kFront), "y");
  EXPECT_EQ(*store().list_pop("l", ListEnd::kBack), "y");
  EXPECT_EQ(*store().list_size("l"), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(*store().list_pop("l", ListEnd::kBack));
  EXPECT_EQ(*store().list_pop("l", ListEnd::kBack), std::nullopt);
  EXPECT_FALSE(*store().exists("l"));
  EXPECT_EQ(*store().list_push("l", ListEnd::kBack, std::span<const std::string_view>()), 0u);
  EXPECT_FALSE(*store().exists("l")) << "nothing was pushed";
}

TEST_F(Collections, a_set_has_each_member_once) {
  EXPECT_TRUE(*store().set_add("s", "1"));
  EXPECT_FALSE(*store().set_add("s", "1"));
  const std::string_view more[] = {"01", "1", "", "01"};
  EXPECT_EQ(*store().set_add("s", more), 2u);
  EXPECT_EQ(members("s"), (Strings{"", "01", "1"}));
  EXPECT_TRUE(*store().set_contains("s", "01"));
  EXPECT_FALSE(*store().set_contains("s", "001"));
  EXPECT_FALSE(*store().set_contains("none", "1"));
  EXPECT_EQ(*store().set_size("s"), 3u);
  EXPECT_TRUE(*store().set_remove("s", ""));
  EXPECT_EQ(*store().set_remove("s", more), 2u);
  EXPECT_FALSE(*store().exists("s"));
}

TEST_F(Collections, a_sorted_set_is_in_the_order_of_score_and_member) {
  const MemberScore some[] = {{"b", 1}, {"a", 1}, {"low", -kInfinity}, {"high", kInfinity}, {"half", 0.5}};
  EXPECT_EQ(*store().sorted_set_add("z", some), 5u);
  EXPECT_FALSE(*store().sorted_set_add("z", "half", 1.5));
  const Scored all = {{"low", -kInfinity}, {"a", 1}, {"b", 1}, {"half", 1.5}, {"high", kInfinity}};
  EXPECT_EQ(*store().sorted_set_range("z", 0, -1), all);
  EXPECT_EQ(*store().sorted_set_range("z", 0, -1, Order::kDescending), Scored(all.rbegin(), all.rend()));
  EXPECT_EQ(*store().sorted_set_range("z", 0, 1, Order::kDescending), (Scored{{"high", kInfinity}, {"half", 1.5}}));
  EXPECT_EQ(*store().sorted_set_range("z", -1, -1, Order::kDescending), (Scored{{"low", -kInfinity}}));
  EXPECT_TRUE(store().sorted_set_range("z", 3, 2, Order::kDescending)->empty());
  EXPECT_EQ(*store().sorted_set_rank("z", "b"), 2u);
  EXPECT_EQ(*store().sorted_set_rank("z", "high", Order::kDescending), 0u);
  EXPECT_EQ(*store().sorted_set_rank("z", "none"), std::nullopt);
  EXPECT_EQ(*store().sorted_set_score("z", "half"), 1.5);
  EXPECT_EQ(*store().sorted_set_score("none", "half"), std::nullopt);
  EXPECT_EQ(*store().sorted_set_range_by_score("z", {.min = 1, .max = 1.5}),
            (Scored{{"a", 1}, {"b", 1}, {"half", 1.5}}));
  EXPECT_EQ(*store().sorted_set_range_by_score("z", {.min = 1, .max = 1.5, .without_max = true}),
            (Scored{{"a", 1}, {"b", 1}}));
  EXPECT_EQ(*store().sorted_set_range_by_score("z", {.min = 1, .without_min = true}),
            (Scored{{"half", 1.5}, {"high", kInfinity}}));
  EXPECT_EQ(*store().sorted_set_range_by_score("z", {}, 2), (Scored{{"low", -kInfinity}, {"a", 1}}));
  EXPECT_EQ(*store().sorted_set_range_by_score("z", {.max = 1}, 2, Order::kDescending), (Scored{{"b", 1}, {"a", 1}}));
  EXPECT_TRUE(store().sorted_set_range_by_score("z", {.min = 2, .max = 1})->empty());
  EXPECT_TRUE(store().sorted_set_range_by_score("z", {}, 0)->empty());
  EXPECT_EQ(*store().sorted_set_size("z"), 5u);
  EXPECT_TRUE(*store().sorted_set_remove("z", "a"));
  const std::string_view rest[] = {"a", "b", "low", "high", "half"};
  EXPECT_EQ(*store().sorted_set_remove("z", rest), 4u);
  EXPECT_FALSE(*store().exists("z"));
}

TEST_F(Collections, what_is_no_number_is_no_score_and_nothing_changes) {
  EXPECT_EQ(store().sorted_set_add("z", "a", kNan).error().code(), ErrorCode::kInvalidArgument);
  const MemberScore some[] = {{"a", 1}, {"b", kNan}};
  EXPECT_EQ(store().sorted_set_add("z", some).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().sorted_set_range_by_score("z", {.min = kNan}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().sorted_set_range_by_score("z", {.max = kNan}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(*store().exists("z"));
  ASSERT_TRUE(store().sorted_set_add("z", "zero", -0.0));
  EXPECT_FALSE(std::signbit(**store().sorted_set_score("z", "zero")));
}

/// What a call answers, whatever it answers.
using Call = std::function<std::optional<ErrorCode>(Store&, std::string_view key)>;
template <class T>
std::optional<ErrorCode> code_of(const Result<T>& result) {
  return result ? std::nullopt : std::optional(result.error().code());
}

std::vector<Call> calls_of(std::string_view type) {
  static const std::string_view kSome[] = {"x"};
  static const FieldValue kFields[] = {{"x", "y"}};
  static const MemberScore kScores[] = {{"x", 1}};
  if (type == "hash")
    return {[](Store& s, std::string_view key) { return code_of(s.hash_set(key, "f", "v")); },
            [](Store& s, std::string_view key) { return code_of(s.hash_set(key, kFields)); },
            [](Store& s, std::string_view key) { return code_of(s.hash_get(key, "f")); },
            [](Store& s, std::string_view key) { return code_of(s.hash_get_all(key)); },
            [](Store& s, std::string_view key) { return code_of(s.hash_remove(key, "f")); },
            [](Store& s, std::string_view key) { return code_of(s.hash_remove(key, kSome)); },
            [](Store& s, std::string_view key) { return code_of(s.hash_size(key)); }};
  if (type == "list")
    return {[](Store& s, std::string_view key) { return code_of(s.list_push(key, ListEnd::kBack, "e")); },
            [](Store& s, std::string_view key) { return code_of(s.list_push(key, ListEnd::kFront, kSome)); },
            [](Store& s, std::string_view key) { return code_of(s.list_pop(key, ListEnd::kBack)); },
            [](Store& s, std::string_view key) { return code_of(s.list_range(key, 0, -1)); },
            [](Store& s, std::string_view key) { return code_of(s.list_size(key)); }};
  if (type == "set")
    return {[](Store& s, std::string_view key) { return code_of(s.set_add(key, "m")); },
            [](Store& s, std::string_view key) { return code_of(s.set_add(key, kSome)); },
            [](Store& s, std::string_view key) { return code_of(s.set_remove(key, "m")); },
            [](Store& s, std::string_view key) { return code_of(s.set_remove(key, kSome)); },
            [](Store& s, std::string_view key) { return code_of(s.set_contains(key, "m")); },
            [](Store& s, std::string_view key) { return code_of(s.set_members(key)); },
            [](Store& s, std::string_view key) { return code_of(s.set_size(key)); }};
  return {[](Store& s, std::string_view key) { return code_of(s.sorted_set_add(key, "m", 1)); },
          [](Store& s, std::string_view key) { return code_of(s.sorted_set_add(key, kScores)); },
          [](Store& s, std::string_view key) { return code_of(s.sorted_set_remove(key, "m")); },
          [](Store& s, std::string_view key) { return code_of(s.sorted_set_remove(key, kSome)); },
          [](Store& s, std::string_view key) { return code_of(s.sorted_set_score(key, "m")); },
          [](Store& s, std::string_view key) { return code_of(s.sorted_set_rank(key, "m")); },
          [](Store& s, std::string_view key) { return code_of(s.sorted_set_range(key, 0, -1)); },
          [](Store& s, std::string_view key) { return code_of(s.sorted_set_range_by_score(key, {})); },
          [](Store& s, std::string_view key) { return code_of(s.sorted_set_size(key)); }};
}

TEST_F(Collections, a_key_of_another_type_is_refused_by_every_call) {
  ASSERT_TRUE(store().set("string", "v"));
  ASSERT_TRUE(store().hash_set("hash", "f", "v"));
  ASSERT_TRUE(store().list_push("list", ListEnd::kBack, "e"));
  ASSERT_TRUE(store().set_add("set", "m"));
  ASSERT_TRUE(store().sorted_set_add("zset", "m", 1));
  const auto keys = {"string", "hash", "list", "set", "zset"};
  const std::string before = seen({"hash", "list", "set", "zset"});
  for (const std::string_view type : {"hash", "list", "set", "zset"}) {
    std::size_t i = 0;
    for (const Call& call : calls_of(type)) {
      for (const std::string_view key : keys) {
        if (key == type) continue;
        EXPECT_EQ(call(store(), key), ErrorCode::kWrongType) << type << " call " << i << " on " << key;
      }
      ++i;
    }
  }
  EXPECT_EQ(seen({"hash", "list", "set", "zset"}), before);
  for (const std::string_view key : keys) {
    if (key == "string") continue;
    EXPECT_EQ(code_of(store().get(key)), ErrorCode::kWrongType);
    EXPECT_EQ(code_of(store().append(key, "x")), ErrorCode::kWrongType);
    EXPECT_EQ(code_of(store().increment(key)), ErrorCode::kWrongType);
  }
  ASSERT_TRUE(store().set("hash", "now a string")) << "a set takes whatever was there";
  EXPECT_EQ(*store().get("hash"), "now a string");
}

TEST_F(Collections, sizes_and_databases_that_cannot_be_are_refused) {
  const std::string_view huge("x", kValueBytesLimit + 1);  // there are no such bytes: whoever looks dies
  const std::string_view huge_key("k", kKeyBytesLimit + 1);
  const std::string large(100'001, 'x');
  for (const std::string_view type : {"hash", "list", "set", "zset"})
    for (const Call& call : calls_of(type)) EXPECT_EQ(call(store(), huge_key), ErrorCode::kTooLarge);
  for (const std::string_view element : {huge, std::string_view(large)}) {
    EXPECT_EQ(code_of(store().hash_set("k", element, "v")), ErrorCode::kTooLarge);
    EXPECT_EQ(code_of(store().hash_set("k", "f", element)), ErrorCode::kTooLarge);
    EXPECT_EQ(code_of(store().list_push("k", ListEnd::kBack, element)), ErrorCode::kTooLarge);
    EXPECT_EQ(code_of(store().set_add("k", element)), ErrorCode::kTooLarge);
    EXPECT_EQ(code_of(store().sorted_set_add("k", element, 1)), ErrorCode::kTooLarge);
  }
  EXPECT_EQ(code_of(store().hash_get("k", huge)), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of(store().hash_remove("k", huge)), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of(store().set_contains("k", huge)), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of(store().set_remove("k", huge)), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of(store().sorted_set_score("k", huge)), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of(store().sorted_set_rank("k", huge)), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of(store().sorted_set_remove("k", huge)), ErrorCode::kTooLarge);
  EXPECT_EQ(*store().hash_get("k", large), std::nullopt) << "that one could be there";
  EXPECT_EQ(code_of(store().hash_set("k", "f", "v", {.database = 16})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of(store().set_members("k", {.database = -1})), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(*store().exists("k"));
}

TEST_F(Collections, an_element_over_the_limit_is_refused_with_all_beside_it_and_a_collection_has_none) {
  const std::string element(40'000, 'x');
  for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(*store().list_push("l", ListEnd::kBack, element), i);
  const std::string too_large(200'000, 'x');
  const std::string_view more[] = {"small", too_large};
  EXPECT_EQ(code_of(store().list_push("l", ListEnd::kBack, more)), ErrorCode::kTooLarge);
  EXPECT_EQ(*store().list_size("l"), 5u);
}

TEST_F(Collections, the_expiry_stays_and_the_key_dies_with_it) {
  ASSERT_TRUE(store().hash_set("h", "a", "1"));
  ASSERT_TRUE(store().expire("h", Ttl::after_ms(1000)));
  ASSERT_TRUE(store().hash_set("h", "b", "2"));
  ASSERT_TRUE(store().hash_remove("h", "a"));
  EXPECT_EQ((*store().expiry("h"))->at, clock_.wall() + 1000);
  clock_.advance_ms(1000);
  EXPECT_EQ(*store().hash_get("h", "b"), std::nullopt);
  ASSERT_TRUE(store().hash_set("h", "c", "3"));
  EXPECT_EQ(fields("h"), (std::map<std::string, std::string>{{"c", "3"}}));
  EXPECT_TRUE((*store().expiry("h"))->never()) << "this is another one";
  ASSERT_TRUE(store().set_add("s", "m"));
  ASSERT_TRUE(store().expire("s", Ttl::sliding_ms(1000)));
  for (int i = 0; i < 3; ++i) {
    clock_.advance_ms(800);
    EXPECT_TRUE(*store().set_contains("s", "m")) << "reading puts it off";
  }
  clock_.advance_ms(1000);
  EXPECT_FALSE(*store().set_contains("s", "m"));
}

TEST_F(Collections, all_of_it_is_there_after_reopening_small_and_large) {
  for (int i = 0; i < 3000; ++i) {
    const std::string text = std::to_string(i);
    ASSERT_TRUE(store().hash_set("h" + std::to_string(i % 2 * (i % 50)), text, text, {.sync = Sync::kOs}));
    ASSERT_TRUE(store().list_push("l", ListEnd::kBack, text, {.sync = Sync::kOs}));
    ASSERT_TRUE(store().sorted_set_add("z", text, -i, {.sync = Sync::kOs}));
  }
  const std::string before = seen({"h0", "h1", "h49", "l", "z"});
  ASSERT_TRUE(store().close());
  reopen();
  EXPECT_EQ(seen({"h0", "h1", "h49", "l", "z"}), before);
  EXPECT_EQ(*store().list_size("l"), 3000u);
  EXPECT_EQ(*store().sorted_set_rank("z", "2999"), 0u);
}

// --- transactions ---------------------------------------------------------------------------------

/// One change of each kind.
struct Change {
  std::string_view name;
  std::string_view key;
  std::function<Result<void>(Txn&, std::string_view key)> run;
};
template <class T>
Result<void> only_error(Result<T>&& result) {
  if (result) return {};
  return std::unexpected(std::move(result).error());
}
std::vector<Change> changes() {
  return {
      {"hash_set new", "hash", [](Txn& t, std::string_view k) { return only_error(t.hash_set(k, "new", "1")); }},
      {"hash_set old", "hash", [](Txn& t, std::string_view k) { return only_error(t.hash_set(k, "a", "other")); }},
      {"hash_remove", "hash", [](Txn& t, std::string_view k) { return only_error(t.hash_remove(k, "a")); }},
      {"list_push front", "list",
       [](Txn& t, std::string_view k) { return only_error(t.list_push(k, ListEnd::kFront, "x")); }},
      {"list_push back", "list",
       [](Txn& t, std::string_view k) { return only_error(t.list_push(k, ListEnd::kBack, "x")); }},
      {"list_pop front", "list", [](Txn& t, std::string_view k) { return only_error(t.list_pop(k, ListEnd::kFront)); }},
      {"list_pop back", "list", [](Txn& t, std::string_view k) { return only_error(t.list_pop(k, ListEnd::kBack)); }},
      {"set_add", "set", [](Txn& t, std::string_view k) { return only_error(t.set_add(k, "new")); }},
      {"set_remove", "set", [](Txn& t, std::string_view k) { return only_error(t.set_remove(k, "a")); }},
      {"sorted_set_add new", "zset",
       [](Txn& t, std::string_view k) { return only_error(t.sorted_set_add(k, "new", 1)); }},
      {"sorted_set_add old", "zset",
       [](Txn& t, std::string_view k) { return only_error(t.sorted_set_add(k, "a", 99)); }},
      {"sorted_set_remove", "zset", [](Txn& t, std::string_view k) { return only_error(t.sorted_set_remove(k, "a")); }},
      {"remove", "hash", [](Txn& t, std::string_view k) { return only_error(t.remove(k)); }},
      {"set over it", "list", [](Txn& t, std::string_view k) { return t.set(k, "string"); }},
  };
}

class Rollback : public Collections {
 protected:
  void fill(std::size_t elements) {
    ASSERT_TRUE(store().flush_all());
    for (std::size_t i = 0; i < elements; ++i) {
      const std::string name = i == 0 ? "a" : "element " + std::to_string(i) + std::string(20, 'x');
      ASSERT_TRUE(store().hash_set("hash", name, std::to_string(i), {.sync = Sync::kOs}));
      ASSERT_TRUE(store().list_push("list", ListEnd::kBack, name, {.sync = Sync::kOs}));
      ASSERT_TRUE(store().set_add("set", name, {.sync = Sync::kOs}));
      ASSERT_TRUE(store().sorted_set_add("zset", name, static_cast<double>(i), {.sync = Sync::kOs}));
    }
    ASSERT_EQ(*store().expire("zset", Ttl::after_ms(5000)), elements != 0);
  }
};

TEST_F(Rollback, every_change_is_undone_when_the_function_fails) {
  // Nothing, one element (which may be the last to go), a few, and more than is changed in place.
  for (const std::size_t elements : {0u, 1u, 5u, 600u}) {
    fill(elements);
    const std::string before = seen({"hash", "list", "set", "zset"});
    for (const bool named : {true, false}) {
      for (const Change& change : changes()) {
        const std::span<const std::string_view> keys(&change.key, named ? 1 : 0);
        const auto done = store().transact(keys, [&](Txn& txn) -> Result<void> {
          if (auto ran = change.run(txn, change.key); !ran) return ran;
          if (auto again = change.run(txn, change.key); !again) return again;
          return fail(ErrorCode::kAborted, "changed my mind");
        });
        ASSERT_FALSE(done);
        EXPECT_TRUE(done.error().code() == ErrorCode::kAborted || done.error().code() == ErrorCode::kWrongType)
            << change.name << done.error().describe();
        ASSERT_EQ(seen({"hash", "list", "set", "zset"}), before) << change.name << " of " << elements;
      }
    }
    // All of them together.
    const auto done = store().transact({}, [&](Txn& txn) -> Result<void> {
      for (const Change& change : changes())
        if (auto ran = change.run(txn, change.key); !ran) return ran;
      return fail(ErrorCode::kAborted, "changed my mind");
    });
    EXPECT_EQ(done.error().code(), ErrorCode::kAborted);
    EXPECT_EQ(seen({"hash", "list", "set", "zset"}), before);
    ASSERT_TRUE(store().close());
    reopen();
    EXPECT_EQ(seen({"hash", "list", "set", "zset"}), before) << "not in the log either";
  }
}

TEST_F(Rollback, what_is_committed_is_what_the_store_itself_would_have_done) {
  for (const std::size_t elements : {0u, 1u, 5u, 600u}) {
    fill(elements);
    const std::string_view keys[] = {"hash", "list", "set", "zset"};
    ASSERT_TRUE(store().transact(keys, [&](Txn& t) -> Result<void> {
      EXPECT_EQ(*t.hash_set("hash", "f", "v"), true);
      EXPECT_EQ(*t.hash_set("hash", "f", "w"), false);
      EXPECT_EQ(*t.hash_get("hash", "f"), "w") << "it sees its own";
      EXPECT_EQ(*t.hash_get("hash", "none"), std::nullopt);
      EXPECT_EQ(*t.hash_size("hash"), elements + 1);
      EXPECT_EQ(t.hash_get_all("hash")->size(), elements + 1);
      EXPECT_EQ(*t.hash_remove("hash", "none"), false);
      EXPECT_EQ(*t.list_push("list", ListEnd::kFront, "first"), elements + 1);
      EXPECT_EQ(*t.list_push("list", ListEnd::kFront, "out"), elements + 2);
      EXPECT_EQ(*t.list_pop("list", ListEnd::kFront), "out");
      EXPECT_EQ(*t.list_range("list", 0, 0), Strings{"first"});
      EXPECT_EQ(*t.list_size("list"), elements + 1);
      EXPECT_EQ(*t.set_add("set", "m"), true);
      EXPECT_EQ(*t.set_add("set", "m"), false);
      EXPECT_EQ(*t.set_contains("set", "m"), true);
      EXPECT_EQ(*t.set_remove("set", "n"), false);
      EXPECT_EQ(t.set_members("set")->size(), elements + 1);
      EXPECT_EQ(*t.set_size("set"), elements + 1);
      EXPECT_EQ(*t.sorted_set_add("zset", "top", 1e9), true);
      EXPECT_EQ(*t.sorted_set_score("zset", "top"), 1e9);
      EXPECT_EQ(*t.sorted_set_rank("zset", "top", Order::kDescending), 0u);
      EXPECT_EQ(*t.sorted_set_remove("zset", "none"), false);
      EXPECT_EQ(t.sorted_set_range("zset", 0, -1)->size(), elements + 1);
      EXPECT_EQ(t.sorted_set_range_by_score("zset", {.min = 1e8})->size(), 1u);
      EXPECT_EQ(*t.sorted_set_size("zset"), elements + 1);
      return {};
    }));
    ASSERT_TRUE(store().close());
    reopen();
    EXPECT_EQ(*store().hash_get("hash", "f"), "w");
    EXPECT_EQ(store().list_range("list", 0, 0)->front(), "first");
    EXPECT_TRUE(*store().set_contains("set", "m"));
    EXPECT_EQ(*store().sorted_set_rank("zset", "top"), elements);
    EXPECT_EQ((*store().expiry("zset"))->never(), elements == 0) << "the expiry stays";
  }
}

TEST_F(Rollback, an_error_inside_says_what_is_wrong_and_the_function_may_go_on) {
  ASSERT_TRUE(store().set("string", "v"));
  const std::string large(100'001, 'x');
  ASSERT_TRUE(store().transact({}, [&](Txn& t) -> Result<void> {
    EXPECT_EQ(code_of(t.hash_set("string", "f", "v")), ErrorCode::kWrongType);
    EXPECT_EQ(code_of(t.list_range("string", 0, -1)), ErrorCode::kWrongType);
    EXPECT_EQ(code_of(t.set_members("string")), ErrorCode::kWrongType);
    EXPECT_EQ(code_of(t.sorted_set_score("string", "m")), ErrorCode::kWrongType);
    EXPECT_EQ(code_of(t.sorted_set_add("z", "m", kNan)), ErrorCode::kInvalidArgument);
    EXPECT_EQ(code_of(t.set_add("s", large)), ErrorCode::kTooLarge);
    EXPECT_EQ(code_of(t.hash_set(std::string(1001, 'k'), "f", "v")), ErrorCode::kTooLarge);
    EXPECT_EQ(*t.list_pop("none", ListEnd::kBack), std::nullopt);
    return only_error(t.set_add("s", "small"));
  }));
  EXPECT_EQ(members("s"), Strings{"small"});
  EXPECT_EQ(*store().get("string"), "v");
}

TEST_F(Rollback, an_element_moves_from_one_list_to_another_or_stays) {
  ASSERT_TRUE(store().list_push("from", ListEnd::kBack, "job"));
  const std::string_view keys[] = {"from", "to"};
  const auto move = [&](bool fails) {
    return store().transact(keys, [&](Txn& t) -> Result<void> {
      auto job = t.list_pop("from", ListEnd::kFront);
      if (!job) return std::unexpected(std::move(job).error());
      if (!*job) return fail(ErrorCode::kNotFound, "no job");
      if (auto pushed = t.list_push("to", ListEnd::kBack, **job); !pushed) return only_error(std::move(pushed));
      if (fails) return fail(ErrorCode::kAborted, "no");
      return {};
    });
  };
  EXPECT_FALSE(move(true));
  EXPECT_EQ(*store().list_size("from"), 1u);
  EXPECT_TRUE(move(false));
  EXPECT_FALSE(*store().exists("from"));
  EXPECT_EQ(*store().list_range("to", 0, -1), Strings{"job"});
  EXPECT_EQ(code_of(move(false)), ErrorCode::kNotFound);
}

// --- against plain containers, and with many threads ------------------------------------------------

struct Model {
  std::map<std::string, std::string> hash;
  std::deque<std::string> list;
  std::set<std::string> set;
  std::map<std::string, double> scores;
};

Scored in_order(const std::map<std::string, double>& scores) {
  Scored all;
  for (const auto& [member, score] : scores) all.push_back({member, score});
  std::ranges::sort(all, {}, [](const ScoredMember& one) { return std::pair(one.score, one.member); });
  return all;
}

TEST_F(Collections, random_changes_do_what_they_do_to_plain_containers) {
  std::mt19937 random(11);
  Model model;
  const WriteOptions quick{.sync = Sync::kOs};
  const auto name = [&] {
    const unsigned kind = random() % 4;
    if (kind == 0) return std::to_string(static_cast<int>(random() % 300) - 150);
    return std::string(kind == 1 ? random() % 300 : random() % 9, static_cast<char>('a' + random() % 2));
  };
  for (int i = 0; i < 30'000; ++i) {
    const std::string one = name();
    const std::string two = name();
    const double score = static_cast<double>(static_cast<int>(random() % 40) - 20) / (random() % 2 == 0 ? 1 : 8);
    const bool front = random() % 2 == 0;
    const ListEnd end = front ? ListEnd::kFront : ListEnd::kBack;
    switch (random() % 8) {
      case 0: ASSERT_EQ(*store().hash_set("h", one, two, quick), model.hash.insert_or_assign(one, two).second); break;
      case 1: ASSERT_EQ(*store().hash_remove("h", one, quick), model.hash.erase(one) == 1); break;
      case 2:
        front ? model.list.push_front(one) : model.list.push_back(one);
        ASSERT_EQ(*store().list_push("l", end, one, quick), model.list.size());
        break;
      case 3: {
        const auto popped = *store().list_pop("l", end, quick);
        ASSERT_EQ(popped.has_value(), !model.list.empty());
        if (!popped) break;
        ASSERT_EQ(*popped, front ? model.list.front() : model.list.back());
        front ? model.list.pop_front() : model.list.pop_back();
        break;
      }
      case 4: ASSERT_EQ(*store().set_add("s", one, quick), model.set.insert(one).second); break;
      case 5: ASSERT_EQ(*store().set_remove("s", one, quick), model.set.erase(one) == 1); break;
      case 6:
        ASSERT_EQ(*store().sorted_set_add("z", one, score, quick), model.scores.insert_or_assign(one, score).second);
        break;
      default: ASSERT_EQ(*store().sorted_set_remove("z", one, quick), model.scores.erase(one) == 1);
    }
    if (i % 500 != 0) continue;
    if (i % 5000 == 0) {
      ASSERT_TRUE(store().close());
      reopen();
    }
    ASSERT_EQ(fields("h"), model.hash);
    ASSERT_EQ(*store().list_range("l", 0, -1), Strings(model.list.begin(), model.list.end()));
    ASSERT_EQ(members("s"), Strings(model.set.begin(), model.set.end()));
    const Scored all = in_order(model.scores);
    ASSERT_EQ(*store().sorted_set_range("z", 0, -1), all);
    ASSERT_EQ(*store().sorted_set_range("z", 0, -1, Order::kDescending), Scored(all.rbegin(), all.rend()));
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      ASSERT_EQ(*store().sorted_set_rank("z", all[rank].member), rank);
      ASSERT_EQ(*store().sorted_set_score("z", all[rank].member), all[rank].score);
    }
    const double low = static_cast<double>(static_cast<int>(random() % 40) - 20);
    Scored within;
    std::ranges::copy_if(all, std::back_inserter(within),
                         [&](const ScoredMember& m) { return m.score > low && m.score <= low + 5; });
    ASSERT_EQ(*store().sorted_set_range_by_score("z", {.min = low, .max = low + 5, .without_min = true}), within);
  }
}

TEST_F(Collections, changes_from_many_threads_are_all_there) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string name = std::to_string(t) + ":" + std::to_string(i);
          EXPECT_TRUE(*store().hash_set("h", name, "v", {.sync = Sync::kOs}));
          EXPECT_TRUE(store().list_push("l", ListEnd::kBack, name, {.sync = Sync::kOs}));
          EXPECT_TRUE(*store().hash_get("h", name));
          const std::string_view keys[] = {"s", "z"};
          const auto both = [&](Txn& txn) -> Result<void> {
            if (auto added = txn.set_add("s", name); !added) return only_error(std::move(added));
            return only_error(txn.sorted_set_add("z", name, i));
          };
          EXPECT_TRUE(store().transact(keys, both, {.sync = Sync::kOs}));
        }
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE(store().set_members("s"));
        EXPECT_TRUE(store().sorted_set_range("z", 0, -1));
      }
    });
  }
  EXPECT_EQ(*store().hash_size("h"), static_cast<std::uint64_t>(kThreads * kEach));
  EXPECT_EQ(*store().list_size("l"), static_cast<std::uint64_t>(kThreads * kEach));
  EXPECT_EQ(members("s").size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(store().sorted_set_range("z", 0, -1)->size(), static_cast<std::size_t>(kThreads * kEach));
}

}  // namespace
}  // namespace stave
