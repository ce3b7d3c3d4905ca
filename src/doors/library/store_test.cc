// The library door over files in memory and a clock that is moved by hand.
#include "stave/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <random>
#include <thread>

#include "stave/session.h"

namespace stave {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() { reopen(); }

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
  std::optional<std::string> get(std::string_view key) {
    auto value = store().get(key);
    EXPECT_TRUE(value) << value.error().describe();
    return value ? *value : std::nullopt;
  }

  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  ManualClock clock_;
  std::unique_ptr<Store> store_;
};

using Library = StoreTest;

TEST_F(Library, keeps_any_bytes_and_forgets_what_was_removed) {
  const std::string key("a\0\r\n\xff", 5);
  const std::string value("\0\x80value\n", 8);
  ASSERT_TRUE(store().set(key, value));
  ASSERT_TRUE(store().set("empty", ""));
  EXPECT_EQ(get(key), value);
  EXPECT_EQ(get("empty"), "");
  EXPECT_EQ(get("none"), std::nullopt);
  EXPECT_TRUE(*store().exists(key));
  EXPECT_EQ(store().size().value_or(99), 2u);
  EXPECT_TRUE(*store().remove(key));
  EXPECT_FALSE(*store().remove(key));
  EXPECT_FALSE(*store().exists(key));
  EXPECT_EQ(get(key), std::nullopt);
}

TEST_F(Library, finds_everything_again_after_reopening) {
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(store().set("key" + std::to_string(i), std::to_string(i * i), {.database = i % 16}));
  ASSERT_TRUE(store().remove("key0"));
  ASSERT_TRUE(store().close());
  reopen();
  EXPECT_EQ(get("key0"), std::nullopt);
  for (int i = 1; i < 1000; ++i) {
    EXPECT_EQ(*store().get("key" + std::to_string(i), {.database = i % 16}), std::to_string(i * i));
  }
  EXPECT_EQ(store().stats().keys, 999u);
}

TEST_F(Library, overwriting_nothing_leaves_a_key_as_it_is_and_appending_nothing_makes_it) {
  EXPECT_EQ(store().set_range("a", std::numeric_limits<std::uint64_t>::max(), "").value_or(99), 0u);
  EXPECT_EQ(get("a"), std::nullopt);
  EXPECT_EQ(store().append("a", "").value_or(99), 0u);
  EXPECT_EQ(get("a"), "");
}

TEST_F(Library, a_transaction_and_a_walk_without_a_function_are_refused) {
  EXPECT_EQ(store().transact({}, nullptr).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().scan(0, {}, 10, nullptr).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(Library, the_past_of_a_key_longer_than_any_is_refused) {
  const std::string key(kKeyBytesLimit + 1, 'k');
  EXPECT_EQ(store().history(key).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(store().get_at(key, Point{}).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(store().revert(key, Point{}).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(store().expiry(key).error().code(), ErrorCode::kTooLarge);
}

TEST_F(Library, databases_are_apart_and_those_that_do_not_exist_are_refused) {
  ASSERT_TRUE(store().set("a", "0"));
  ASSERT_TRUE(store().set("a", "5", {.database = 5}));
  EXPECT_EQ(get("a"), "0");
  EXPECT_EQ(*store().get("a", {.database = 5}), "5");
  for (const int bad : {-1, 16, 1 << 30}) {
    EXPECT_EQ(store().get("a", {.database = bad}).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(store().set("a", "x", {.database = bad}).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(store().size(bad).error().code(), ErrorCode::kInvalidArgument);
  }
  ASSERT_TRUE(store().flush(5));
  EXPECT_EQ(*store().get("a", {.database = 5}), std::nullopt);
  EXPECT_EQ(get("a"), "0");
  ASSERT_TRUE(store().flush_all());
  EXPECT_EQ(store().stats().keys, 0u);
}

TEST_F(Library, reads_into_a_buffer_and_keeps_it_when_the_key_is_absent) {
  ASSERT_TRUE(store().set("a", "value"));
  std::string out;
  EXPECT_TRUE(*store().get_into("a", out));
  EXPECT_EQ(out, "value");
  EXPECT_FALSE(*store().get_into("b", out));
}

TEST_F(Library, multi_get_answers_in_order_for_few_and_for_many_keys) {
  for (int i = 0; i < 300; i += 2) ASSERT_TRUE(store().set(std::to_string(i), "v" + std::to_string(i)));
  for (const int count : {0, 1, 16, 64, 65, 300}) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back(std::to_string(i));
    const std::vector<std::string_view> keys(names.begin(), names.end());
    const auto values = store().multi_get(keys);
    ASSERT_TRUE(values);
    ASSERT_EQ(values->size(), keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i)
      EXPECT_EQ((*values)[i], i % 2 == 0 ? std::optional("v" + names[i]) : std::nullopt);
  }
  const std::string_view twice[] = {"2", "2", "3"};
  EXPECT_EQ(*store().multi_get(twice), (std::vector<std::optional<std::string>>{"v2", "v2", std::nullopt}));
}

TEST_F(Library, multi_set_writes_all_or_nothing) {
  const std::string huge(200'000, 'x');
  const std::pair<std::string_view, std::string_view> good[] = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
  const std::pair<std::string_view, std::string_view> bad[] = {{"a", "9"}, {"c", huge}};
  ASSERT_TRUE(store().multi_set(good));
  EXPECT_EQ(get("a"), "3") << "the last one of a key wins";
  EXPECT_EQ(store().multi_set(bad).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(get("a"), "3");
  EXPECT_EQ(get("c"), std::nullopt);
  const std::string_view keys[] = {"a", "b", "c", "a"};
  EXPECT_EQ(*store().multi_remove(keys), 2u);
  EXPECT_EQ(store().size().value_or(99), 0u);
}

TEST_F(Library, ranges_count_from_both_ends) {
  ASSERT_TRUE(store().set("a", "Hello World"));
  EXPECT_EQ(*store().get_range("a", 0, 4), "Hello");
  EXPECT_EQ(*store().get_range("a", -5, -1), "World");
  EXPECT_EQ(*store().get_range("a", 0, 1'000'000), "Hello World");
  EXPECT_EQ(*store().get_range("a", -100, 2), "Hel");
  EXPECT_EQ(*store().get_range("a", 5, 3), "");
  EXPECT_EQ(*store().get_range("a", INT64_MIN, INT64_MAX), "Hello World");
  EXPECT_EQ(*store().get_range("a", INT64_MAX, INT64_MIN), "");
  EXPECT_EQ(*store().get_range("none", 0, -1), "");
}

TEST_F(Library, set_range_and_append_grow_with_zero_bytes_and_keep_the_limits) {
  EXPECT_EQ(*store().append("a", "Hello"), 5u);
  EXPECT_EQ(*store().append("a", " World"), 11u);
  EXPECT_EQ(*store().set_range("a", 6, "Redis"), 11u);
  EXPECT_EQ(get("a"), "Hello Redis");
  EXPECT_EQ(*store().set_range("b", 3, "x"), 4u);
  EXPECT_EQ(get("b"), std::string("\0\0\0x", 4));
  EXPECT_EQ(*store().set_range("none", 10, ""), 0u);
  EXPECT_FALSE(*store().exists("none"));
  EXPECT_EQ(*store().append("new", ""), 0u);
  EXPECT_TRUE(*store().exists("new")) << "APPEND creates the key, as in Redis";
  for (const std::uint64_t offset : {std::uint64_t{100'000}, std::uint64_t{1} << 62, UINT64_MAX - 1})
    EXPECT_EQ(store().set_range("a", offset, "xy").error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(store().append("a", std::string(100'000, 'x')).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(get("a"), "Hello Redis");
}

TEST_F(Library, increment_checks_the_number_and_the_sum) {
  EXPECT_EQ(*store().increment("n"), 1);
  EXPECT_EQ(*store().increment("n", 41), 42);
  EXPECT_EQ(*store().increment("n", -100), -58);
  EXPECT_EQ(get("n"), "-58");
  ASSERT_TRUE(store().set("max", "9223372036854775807"));
  EXPECT_EQ(store().increment("max").error().code(), ErrorCode::kOverflow);
  EXPECT_EQ(get("max"), "9223372036854775807");
  for (const std::string_view bad : {"", " 1", "1 ", "+1", "01", "-0", "1.5", "9223372036854775808", "abc", "0x1"}) {
    ASSERT_TRUE(store().set("bad", bad));
    EXPECT_EQ(store().increment("bad").error().code(), ErrorCode::kNotANumber) << bad;
  }
}

TEST_F(Library, conditions_decide_and_versions_are_those_that_were_returned) {
  EXPECT_EQ(*store().set_if("a", "1", Condition::present()), std::nullopt);
  const auto first = store().set_if("a", "1", Condition::absent());
  ASSERT_TRUE(first && *first);
  EXPECT_EQ(*store().set_if("a", "2", Condition::absent()), std::nullopt);
  EXPECT_EQ((*store().get_versioned("a"))->version, **first);
  const Lsn second = *store().set("a", "2");
  EXPECT_GT(raw(second), raw(**first));
  EXPECT_EQ((*store().get_versioned("a"))->version, second);
  EXPECT_EQ(*store().set_if("a", "3", Condition::version_is(**first)), std::nullopt);
  EXPECT_TRUE(*store().set_if("a", "3", Condition::version_is(second)));
  EXPECT_EQ(*store().set_if("a", "4", Condition::value_is("2")), std::nullopt);
  EXPECT_TRUE(*store().set_if("a", "4", Condition::value_is("3")));
  EXPECT_EQ(get("a"), "4");
  const Lsn with_expiry = *store().set("a", "5", {.ttl = Ttl::sliding_ms(1000)});
  EXPECT_EQ((*store().get_versioned("a"))->version, with_expiry);
  for (const Sync sync : {Sync::kOs, Sync::kInterval, Sync::kAlways}) {
    const Lsn version = *store().set("a", "6", {.sync = sync});
    EXPECT_EQ((*store().get_versioned("a"))->version, version);
  }
}

TEST_F(Library, keys_die_when_their_time_is_up) {
  ASSERT_TRUE(store().set("after", "x", {.ttl = Ttl::after_ms(1000)}));
  ASSERT_TRUE(store().set("at", "x", {.ttl = Ttl::at(clock_.wall() + 2000)}));
  ASSERT_TRUE(store().set("past", "x"));
  ASSERT_TRUE(store().set("past", "y", {.ttl = Ttl::at(clock_.wall() + -1)}));
  EXPECT_EQ(get("past"), std::nullopt);
  clock_.advance_ms(999);
  EXPECT_EQ(get("after"), "x");
  clock_.advance_ms(1);
  EXPECT_EQ(get("after"), std::nullopt);
  EXPECT_EQ(get("at"), "x");
  ASSERT_TRUE(store().close());
  clock_.advance_ms(1000);
  reopen();
  EXPECT_EQ(get("at"), std::nullopt);
}

TEST_F(Library, expiries_are_kept_replaced_and_taken_away) {
  const UnixMs deadline = clock_.wall() + 5000;
  ASSERT_TRUE(store().set("a", "1", {.ttl = Ttl::at(deadline)}));
  ASSERT_TRUE(store().set("a", "2", {.ttl = Ttl::keep()}));
  EXPECT_EQ((*store().expiry("a"))->at, deadline);
  EXPECT_EQ(*store().increment("a"), 3);
  EXPECT_EQ((*store().expiry("a"))->at, deadline) << "a counter keeps its expiry";
  EXPECT_TRUE(*store().expire("a", Ttl::none()));
  EXPECT_TRUE((*store().expiry("a"))->never());
  EXPECT_TRUE(*store().expire("a", Ttl::after_ms(100)));
  ASSERT_TRUE(store().set("a", "4"));
  EXPECT_TRUE((*store().expiry("a"))->never()) << "a plain set takes it away";
  EXPECT_TRUE(*store().expire("a", Ttl::at(clock_.wall() + -5)));
  EXPECT_EQ(get("a"), std::nullopt) << "a moment in the past removes the key";
  EXPECT_FALSE(*store().expire("none", Ttl::after_ms(100)));
  EXPECT_EQ(*store().expiry("none"), std::nullopt);
}

TEST_F(Library, expiries_out_of_range_are_refused) {
  ASSERT_TRUE(store().set("a", "1"));
  for (const Ttl& bad : {Ttl::after_ms(0), Ttl::after_ms(-1), Ttl::after_ms(INT64_MAX), Ttl::sliding_ms(INT64_MAX),
                         Ttl::at(UnixMs{0}), Ttl::at(UnixMs{INT64_MAX})}) {
    EXPECT_EQ(store().set("a", "2", {.ttl = bad}).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(store().expire("a", bad).error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(get("a"), "1");
}

TEST_F(Library, a_sliding_key_lives_as_long_as_it_is_used_and_survives_reopening) {
  ASSERT_TRUE(store().set("a", "x", {.ttl = Ttl::sliding_ms(1000)}));
  for (int i = 0; i < 5; ++i) {
    clock_.advance_ms(800);
    ASSERT_EQ(get("a"), "x");
  }
  ASSERT_TRUE(store().close());
  reopen();
  EXPECT_EQ((*store().expiry("a"))->sliding_ms, 1000);
  EXPECT_EQ(get("a"), "x");
  clock_.advance_ms(1001);
  EXPECT_EQ(get("a"), std::nullopt);
}

TEST_F(Library, scan_and_keys_match_patterns) {
  std::vector<std::string> wanted;
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(store().set("user:" + std::to_string(i), "u"));
    ASSERT_TRUE(store().set("item:" + std::to_string(i), "i"));
    wanted.push_back("user:" + std::to_string(i));
  }
  std::ranges::sort(wanted);
  EXPECT_EQ(*store().keys("user:*"), wanted);
  EXPECT_EQ(store().keys()->size(), 1000u);
  EXPECT_EQ(store().keys("user:[1-2]")->size(), 2u);
  std::vector<std::string> seen;
  std::uint64_t cursor = 0;
  do {
    const auto next = store().scan(cursor, "user:*", 10, [&](std::string_view key, std::string_view value) {
      EXPECT_EQ(value, "u");
      EXPECT_TRUE(store().exists(key)) << "the store may be called from inside";
      seen.emplace_back(key);
    });
    ASSERT_TRUE(next);
    cursor = *next;
  } while (cursor != 0);
  std::ranges::sort(seen);
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  EXPECT_EQ(seen, wanted);
}

TEST_F(Library, a_transaction_sees_its_own_writes_and_commits_them_together) {
  ASSERT_TRUE(store().set("from", "100"));
  const std::string_view keys[] = {"to", "from", "log"};
  const auto done = store().transact(keys, [](Txn& txn) -> Result<void> {
    const auto left = txn.increment("from", -30);
    if (!left) return std::unexpected(left.error().clone());
    EXPECT_EQ(*left, 70);
    EXPECT_EQ(*txn.get("to"), std::nullopt);
    if (auto set = txn.set("to", "30", Ttl::after_ms(1000)); !set) return set;
    EXPECT_EQ(*txn.get("to"), "30");
    EXPECT_FALSE(*txn.remove("log"));
    return {};
  });
  ASSERT_TRUE(done) << done.error().describe();
  EXPECT_EQ(get("from"), "70");
  EXPECT_EQ(get("to"), "30");
  EXPECT_FALSE((*store().expiry("to"))->never());
}

TEST_F(Library, a_transaction_whose_function_fails_leaves_no_trace) {
  ASSERT_TRUE(store().set("a", "1", {.ttl = Ttl::after_ms(5000)}));
  ASSERT_TRUE(store().set("b", "word"));
  const auto before = *store().get_versioned("a");
  const std::string_view keys[] = {"a", "b", "c"};
  const auto done = store().transact(keys, [](Txn& txn) -> Result<void> {
    if (auto set = txn.set("a", "2"); !set) return set;
    if (auto set = txn.set("c", "3"); !set) return set;
    if (auto removed = txn.remove("b"); !removed) return std::unexpected(std::move(removed).error());
    return fail(ErrorCode::kConflict, "changed my mind");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(done.error().message(), "changed my mind");
  const auto after = *store().get_versioned("a");
  EXPECT_EQ(after->value, before->value);
  EXPECT_EQ(after->version, before->version);
  EXPECT_EQ(after->expiry, before->expiry);
  EXPECT_EQ(get("b"), "word");
  EXPECT_EQ(get("c"), std::nullopt);
  ASSERT_TRUE(store().close());
  reopen();
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("c"), std::nullopt);
}

TEST_F(Library, a_transaction_that_throws_is_undone_and_lets_the_exception_through) {
  const std::string_view keys[] = {"a"};
  const auto work = [](Txn& txn) -> Result<void> {
    EXPECT_TRUE(txn.set("a", "1"));
    throw std::runtime_error("mine");
  };
  EXPECT_THROW((void)store().transact(keys, work), std::runtime_error);
  EXPECT_EQ(get("a"), std::nullopt);
  ASSERT_TRUE(store().set("a", "2")) << "nothing stayed locked";
}

TEST_F(Library, a_transaction_may_use_keys_that_it_did_not_name) {
  ASSERT_TRUE(store().set("a", "1"));
  ASSERT_TRUE(store().set("c", "2"));
  const std::string_view keys[] = {"b"};
  const auto work = [](Txn& txn) -> Result<void> {
    // Keys that are gone before the commit comes.
    for (int i = 0; i < 100; ++i)
      if (auto set = txn.set("made:" + std::to_string(i), std::to_string(i)); !set) return set;
    EXPECT_EQ(**txn.get(std::string("a")), "1");
    EXPECT_TRUE(*txn.remove(std::string("c")));
    EXPECT_EQ(*txn.increment(std::string("n"), 7), 7);
    return txn.set(std::string("b"), "x");
  };
  ASSERT_TRUE(store().transact(keys, work));
  EXPECT_EQ(store().size().value_or(99), 103u);
  EXPECT_EQ(get("made:99"), "99");
  EXPECT_EQ(get("b"), "x");
  EXPECT_EQ(get("c"), std::nullopt);
  EXPECT_EQ(get("n"), "7");
}

TEST_F(Library, a_transaction_without_any_named_key_is_undone_when_it_fails) {
  ASSERT_TRUE(store().set("a", "1"));
  const auto done = store().transact({}, [](Txn& txn) -> Result<void> {
    EXPECT_TRUE(txn.set("a", "2"));
    EXPECT_TRUE(txn.set("b", "2"));
    return fail(ErrorCode::kAborted, "no");
  });
  EXPECT_EQ(done.error().code(), ErrorCode::kAborted);
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), std::nullopt);
}

TEST_F(Library, keys_and_values_over_the_limit_are_refused) {
  EXPECT_EQ(store().set(std::string(1001, 'k'), "v").error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(store().set("k", std::string(100'001, 'v')).error().code(), ErrorCode::kTooLarge);
  EXPECT_TRUE(store().set(std::string(1000, 'k'), std::string(100'000, 'v')));
}

TEST_F(Library, a_directory_in_use_is_busy) {
  Options options;
  options.file_system = files_.get();
  const auto second = Store::open("data", options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kBusy);
}

TEST_F(Library, sync_makes_everything_durable_whatever_the_policy) {
  ASSERT_TRUE(store().set("a", "1", {.sync = Sync::kOs}));
  ASSERT_TRUE(store().sync());
  EXPECT_GE(store().stats().durable, store().stats().tail);
}

TEST_F(Library, a_session_runs_commands_of_the_table) {
  const auto session = store().session();
  EXPECT_EQ(session->execute({"SET", "a", "1"}).text, "OK");
  EXPECT_EQ(session->execute({"get", "a"}).text, "1");
  EXPECT_EQ(session->execute({"INCRBY", "a", "41"}).integer, 42);
  EXPECT_TRUE(session->execute({"GET", "none"}).is_null());
  EXPECT_TRUE(session->execute({"NOSUCH"}).is_error());
  EXPECT_TRUE(session->execute({"GET"}).is_error());
  EXPECT_TRUE(session->execute({}).is_error());
  const Reply many = session->execute({"MGET", "a", "none"});
  ASSERT_EQ(many.elements.size(), 2u);
  EXPECT_EQ(many.elements[0].text, "42");
  EXPECT_TRUE(many.elements[1].is_null());
  EXPECT_EQ(session->execute({"SELECT", "3"}).text, "OK");
  EXPECT_EQ(session->database(), 3);
  EXPECT_EQ(session->execute({"DBSIZE"}).integer, 0);
  EXPECT_EQ(get("a"), "42") << "sessions and typed calls share one store";
}

// --- many threads, for ThreadSanitizer as much as for the sums ------------------------------------

TEST_F(Library, increments_from_many_threads_add_up) {
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          EXPECT_TRUE(store().increment("sum", 1, {.sync = Sync::kOs}));
          EXPECT_TRUE(store().increment("n" + std::to_string(i % 7), 1, {.sync = Sync::kOs}));
        }
      });
    }
  }
  EXPECT_EQ(get("sum"), std::to_string(kThreads * kEach));
}

TEST_F(Library, money_is_neither_made_nor_lost_by_concurrent_transfers) {
  constexpr int kAccounts = 8;
  constexpr int kTotal = kAccounts * 100;
  for (int i = 0; i < kAccounts; ++i) ASSERT_TRUE(store().set("account" + std::to_string(i), "100"));
  std::vector<std::string> names;
  for (int i = 0; i < kAccounts; ++i) names.push_back("account" + std::to_string(i));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  std::atomic<bool> stop{false};
  std::jthread auditor([&] {
    while (!stop.load()) {
      const auto values = store().multi_get(keys);
      ASSERT_TRUE(values);
      int sum = 0;
      for (const auto& value : *values) sum += std::stoi(*value);
      ASSERT_EQ(sum, kTotal) << "multi_get sees one instant";
    }
  });
  {
    std::vector<std::jthread> movers;
    for (unsigned t = 0; t < 3; ++t) {
      movers.emplace_back([&, t] {
        std::mt19937 random(t);
        for (int i = 0; i < 1000; ++i) {
          const std::string& from = names[random() % kAccounts];
          const std::string& to = names[random() % kAccounts];
          const int amount = static_cast<int>(random() % 20);
          const std::string_view both[] = {from, to};
          const auto moved = store().transact(both,
                                              [&](Txn& txn) -> Result<void> {
                                                const auto left = txn.increment(from, -amount);
                                                if (!left) return std::unexpected(left.error().clone());
                                                const auto more = txn.increment(to, amount);
                                                if (!more) return std::unexpected(more.error().clone());
                                                if (*left < 0) return fail(ErrorCode::kConflict, "not enough");
                                                return {};
                                              },
                                              {.sync = Sync::kOs});
          EXPECT_TRUE(moved || moved.error().code() == ErrorCode::kConflict);
        }
      });
    }
  }
  stop = true;
}

TEST_F(Library, sessions_of_many_threads_do_not_disturb_each_other) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto session = store().session();
      session->set_sync(Sync::kOs);
      const std::string key = "k" + std::to_string(t);
      for (int i = 0; i < 500; ++i) {
        const std::string value = std::to_string(i);
        EXPECT_EQ(session->execute({"SET", key, value}).text, "OK");
        EXPECT_EQ(session->execute({"GET", key}).text, value);
      }
    });
  }
}

}  // namespace
}  // namespace stave
