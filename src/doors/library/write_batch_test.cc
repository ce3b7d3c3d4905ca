#include "stave/write_batch.h"

#include "doors/library/library_fixture_for_test.h"

namespace stave {
namespace {

using Batch = LibraryTest;

TEST_F(Batch, does_all_its_steps_in_their_order_and_survives_a_restart) {
  ASSERT_TRUE(store().set("gone", "x"));
  WriteBatch batch;
  batch.set("a", "1").increment("a", 4).append("a", "!").set("b", "x", Ttl::after_ms(1000)).remove("gone");
  batch.set("c", "y").expire("c", Ttl::after_ms(500)).expire("absent", Ttl::after_ms(500));
  batch.hash_set("h", "f", "v").hash_set("h", "g", "w").hash_remove("h", "f");
  batch.list_push("l", ListEnd::kBack, "2").list_push("l", ListEnd::kFront, "1");
  batch.set_add("s", "m").set_add("s", "n").set_remove("s", "m");
  batch.sorted_set_add("z", "p", 1.5).sorted_set_add("z", "q", 2.5).sorted_set_remove("z", "p");
  EXPECT_EQ(batch.size(), 19u);
  const auto end = store().write(batch);
  ASSERT_TRUE(end) << end.error().describe();
  EXPECT_GT(raw(*end), 0u);
  reopen();
  EXPECT_EQ(get("a"), "5!");
  EXPECT_EQ(get("gone"), std::nullopt);
  EXPECT_EQ(store().expiry("b").value()->at - clock_.wall(), 1000);
  EXPECT_EQ(store().expiry("c").value()->at - clock_.wall(), 500);
  EXPECT_EQ(get("absent"), std::nullopt);
  EXPECT_EQ(store().hash_get_all("h").value(), (std::vector<HashField>{{"g", "w"}}));
  EXPECT_EQ(store().list_range("l", 0, -1).value(), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(store().set_members("s").value(), (std::vector<std::string>{"n"}));
  EXPECT_EQ(store().sorted_set_range("z", 0, -1).value(), (std::vector<ScoredMember>{{"q", 2.5}}));
}

TEST_F(Batch, does_nothing_when_one_step_fails) {
  ASSERT_TRUE(store().set("text", "x"));
  WriteBatch batch;
  batch.set("a", "1").increment("text").set("b", "2");
  const auto done = store().write(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kNotANumber);
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_EQ(get("b"), std::nullopt);
}

TEST_F(Batch, that_could_not_take_a_step_in_does_nothing_until_it_is_cleared) {
  WriteBatch batch;
  // There are no such bytes, and nobody looks.
  batch.set("a", "1").set("k", std::string_view("v", kValueBytesLimit + 1)).set("b", "2");
  ASSERT_NE(batch.failure(), nullptr);
  EXPECT_EQ(batch.failure()->code(), ErrorCode::kTooLarge);
  const auto done = store().write(batch);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(store().size().value(), 0u);
  batch.clear();
  EXPECT_EQ(batch.failure(), nullptr);
  EXPECT_TRUE(store().write(batch.set("a", "1")));
  EXPECT_EQ(get("a"), "1");
}

TEST_F(Batch, gives_the_options_expiry_to_what_has_none_of_its_own_and_may_be_written_again) {
  WriteBatch batch;
  batch.set("a", "1").set("b", "1", Ttl::none()).increment("n");
  ASSERT_TRUE(store().write(batch, {.ttl = Ttl::after_ms(1000)}));
  ASSERT_TRUE(store().write(batch, {.ttl = Ttl::after_ms(2000)}));
  EXPECT_EQ(store().expiry("a").value()->at - clock_.wall(), 2000);
  EXPECT_TRUE(store().expiry("b").value()->never());
  EXPECT_EQ(get("n"), "2");
}

TEST_F(Batch, without_steps_changes_nothing) {
  EXPECT_TRUE(store().write(WriteBatch()));
  EXPECT_EQ(store().size().value(), 0u);
}

// What a transaction can do besides.

TEST_F(Batch, a_transaction_appends_expires_and_asks_for_conditions) {
  const Lsn version = store().set("v", "old").value();
  ASSERT_TRUE(store().hash_set("h", "f", "v"));
  const auto done = store().transact({}, [&](Txn& txn) -> Result<void> {
    EXPECT_EQ(txn.append("a", "x").value_or(0), 1u);
    EXPECT_EQ(txn.append("a", "yz").value_or(0), 3u);
    EXPECT_TRUE(txn.exists("a").value_or(false));
    EXPECT_FALSE(txn.exists("none").value_or(true));
    EXPECT_TRUE(txn.expire("a", Ttl::after_ms(1000)).value_or(false));
    EXPECT_FALSE(txn.expire("none", Ttl::after_ms(1000)).value_or(true));
    EXPECT_TRUE(txn.expire("h", Ttl::after_ms(700)).value_or(false));
    EXPECT_EQ(txn.append("h", "x").error().code(), ErrorCode::kWrongType);
    const auto held = txn.get_versioned("v");
    EXPECT_EQ((*held)->version, version);
    EXPECT_FALSE(txn.set_if("v", "no", Condition::version_is(version + 1)).value_or(true));
    EXPECT_TRUE(txn.set_if("v", "new", Condition::version_is(version)).value_or(false));
    EXPECT_TRUE(txn.set_if("v", "newer", Condition::value_is("new"), Ttl::after_ms(300)).value_or(false));
    EXPECT_TRUE(txn.set_if("b", "1", Condition::absent()).value_or(false));
    EXPECT_FALSE(txn.set_if("b", "2", Condition::absent()).value_or(true));
    EXPECT_TRUE(txn.set_if("b", "3", Condition::present()).value_or(false));
    return {};
  });
  ASSERT_TRUE(done) << done.error().describe();
  reopen();
  EXPECT_EQ(get("a"), "xyz");
  EXPECT_EQ(store().expiry("a").value()->at - clock_.wall(), 1000);
  EXPECT_EQ(store().expiry("h").value()->at - clock_.wall(), 700);
  EXPECT_EQ(get("v"), "newer");
  EXPECT_EQ(get("b"), "3");
}

TEST_F(Batch, a_transaction_that_fails_undoes_appending_and_expiring) {
  ASSERT_TRUE(store().set("a", "x"));
  const auto done = store().transact({}, [&](Txn& txn) -> Result<void> {
    if (auto size = txn.append("a", "y"); !size) return fail(std::move(size).error());
    if (auto there = txn.expire("a", Ttl::after_ms(1)); !there) return fail(std::move(there).error());
    return fail(ErrorCode::kAborted, "enough");
  });
  EXPECT_FALSE(done);
  EXPECT_EQ(get("a"), "x");
  EXPECT_TRUE(store().expiry("a").value()->never());
}

}  // namespace
}  // namespace stave
