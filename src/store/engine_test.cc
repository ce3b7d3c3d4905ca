// The engine over a file system in memory and a clock that moves when told.
#include "store/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "base/random.h"
#include "store/transaction.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

class Engines : public ::testing::Test {
 protected:
  void SetUp() override {
    files_ = make_memory_file_system();
    options_.file_system = files_.get();
    options_.clock = &clock_;
    options_.background = false;
    options_.segment_bytes = 1u << 20;
    options_.log_buffer_bytes = 256u << 10;
    options_.shards = 64;
    reopen();
  }
  void reopen() {
    engine_.reset();
    auto opened = Engine::open("/store", options_);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  std::optional<std::string> get(std::string_view key, int database = 0, Access access = Access::kTouch) {
    std::optional<std::string> out;
    EXPECT_TRUE(engine_->wait(*engine_->read({database, key}, access, [&](const ValueView* v) {
      if (v != nullptr) out = std::string(v->value);
    })));
    return out;
  }
  void put(std::string_view key, std::string_view value, Expiry expiry = {}, int database = 0) {
    auto pending = engine_->put({database, key}, value, expiry);
    ASSERT_TRUE(pending) << pending.error().describe();
    ASSERT_TRUE(engine_->wait(*pending));
  }
  Expiry in_ms(std::int64_t ms) { return {.at = engine_->now() + ms}; }
  Expiry sliding(std::int64_t ms) { return {.at = engine_->now() + ms, .sliding_ms = ms}; }

  ManualClock clock_;
  std::unique_ptr<FileSystem> files_;
  Options options_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(Engines, a_value_is_read_back_and_survives_a_restart) {
  put("a", "1");
  put("a", "22");
  put(std::string_view("\0\xff", 2), "binary");
  EXPECT_EQ(get("a"), "22");
  reopen();
  EXPECT_EQ(get("a"), "22");
  EXPECT_EQ(get(std::string_view("\0\xff", 2)), "binary");
  EXPECT_EQ(get("absent"), std::nullopt);
  EXPECT_TRUE(engine_->stats().recovery.clean);
}

TEST_F(Engines, slow_syncs_are_told_and_not_more_often_than_every_ten_seconds) {
  sim::SimFileSystem disk;
  std::int64_t takes_ms = 0;
  disk.on_operation([&](const sim::Operation& operation) {
    if (operation.kind == sim::OpKind::kSyncData) clock_.advance_ms(takes_ms);
  });
  std::vector<std::string> notices;
  options_.file_system = &disk;
  options_.notice = [&](std::string_view text) { notices.emplace_back(text); };
  reopen();
  const auto write = [&](std::int64_t sync_takes_ms) {
    takes_ms = sync_takes_ms;
    put("k", "v");
    takes_ms = 0;
    clock_.advance_ms(1100);
    engine_->tick();
  };
  write(5);
  EXPECT_TRUE(notices.empty());
  write(2000);
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].find("a sync of the log took more than a second"), std::string::npos);
  write(2000);
  write(2000);
  EXPECT_EQ(notices.size(), 1U);
  clock_.advance_ms(10'000);
  engine_->tick();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_NE(notices[1].find("2 syncs"), std::string::npos);
  engine_.reset();  // before the disk
}

TEST_F(Engines, a_full_disk_and_one_that_has_room_again_are_told_once) {
  sim::SimFileSystem disk;
  std::vector<std::string> notices;
  options_.file_system = &disk;
  options_.notice = [&](std::string_view text) { notices.emplace_back(text); };
  reopen();
  const auto look = [&] {
    clock_.advance_ms(1100);
    engine_->tick();
  };
  look();
  EXPECT_TRUE(notices.empty());
  disk.set_capacity(1);
  const std::string value(64 << 10, 'x');
  for (int i = 0; i < 10'000; ++i) {
    Transaction transaction(*engine_, {0, "k"});
    const auto put = transaction.put({0, "k"}, value, {});
    if (!put || !transaction.commit(Sync::kAlways)) break;
  }
  look();
  look();
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_NE(notices[0].find("writes are refused"), std::string::npos) << notices[0];
  disk.set_capacity(std::uint64_t{1} << 40);
  clock_.advance_ms(10'000);
  put("k", "small");
  look();
  look();
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_NE(notices[1].find("has room again"), std::string::npos) << notices[1];
  engine_.reset();  // before the disk
}

TEST_F(Engines, a_string_that_was_checked_to_be_json_stays_known_as_such_until_it_is_overwritten) {
  const auto json = [&] {
    bool marked = false;
    EXPECT_TRUE(engine_->wait(*engine_->read({0, "doc"}, Access::kTouch, [&](const ValueView* v) {
      EXPECT_EQ(v->type, ValueType::kString);
      marked = v->json;
    })));
    return marked;
  };
  Transaction transaction(*engine_, {0, "doc"});
  ASSERT_TRUE(transaction.put({0, "doc"}, "{}", {}, ValueType::kJson));
  ASSERT_TRUE(transaction.commit());
  EXPECT_TRUE(json());
  reopen();
  EXPECT_TRUE(json());
  Transaction later(*engine_, {0, "doc"});
  ASSERT_TRUE(later.set_expiry({0, "doc"}, in_ms(60'000)));
  ASSERT_TRUE(later.commit());
  EXPECT_TRUE(json());
  reopen();
  EXPECT_TRUE(json());
  put("doc", "[]");
  EXPECT_FALSE(json());
  reopen();
  EXPECT_FALSE(json());
}

TEST_F(Engines, databases_are_apart_and_swap_and_flush_survive_a_restart) {
  put("k", "zero");
  put("k", "one", {}, 1);
  put("k", "two", {}, 2);
  ASSERT_TRUE(engine_->swap(0, 1));
  ASSERT_TRUE(engine_->flush(2));
  EXPECT_EQ(get("k"), "one");
  EXPECT_EQ(get("k", 1), "zero");
  EXPECT_EQ(get("k", 2), std::nullopt);
  reopen();
  EXPECT_EQ(get("k"), "one");
  EXPECT_EQ(get("k", 1), "zero");
  EXPECT_EQ(get("k", 2), std::nullopt);
  ASSERT_TRUE(engine_->flush_all());
  reopen();
  EXPECT_EQ(engine_->size(0) + engine_->size(1), 0u);
}

TEST_F(Engines, an_expired_key_is_gone_at_its_moment_and_collected_by_the_next_tick) {
  put("k", "v", in_ms(1000));
  clock_.advance_ms(999);
  EXPECT_EQ(get("k"), "v");
  clock_.advance_ms(1);
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_EQ(engine_->size(0), 1u);
  engine_->tick();
  EXPECT_EQ(engine_->size(0), 0u);
  EXPECT_EQ(engine_->stats().expired_keys, 1u);
  reopen();
  EXPECT_EQ(engine_->size(0), 0u);
}

TEST_F(Engines, a_key_that_expired_while_the_store_was_closed_stays_away) {
  put("k", "v", in_ms(1000));
  clock_.advance_ms(5000);
  reopen();
  EXPECT_EQ(get("k"), std::nullopt);
  engine_->tick();
  EXPECT_EQ(engine_->size(0), 0u);
}

TEST_F(Engines, wall_time_that_jumps_back_neither_revives_nor_prolongs) {
  put("k", "v", in_ms(1000));
  clock_.advance_ms(2000);
  EXPECT_EQ(get("k"), std::nullopt);
  clock_.set_wall(UnixMs{1'600'000'000'000});
  EXPECT_EQ(get("k"), std::nullopt);
  reopen();  // the log remembers how late it was
  EXPECT_EQ(get("k"), std::nullopt);
}

TEST_F(Engines, a_sliding_deadline_moves_with_each_read_and_is_logged_once_per_eighth) {
  put("k", "v", sliding(8000));
  const Lsn before = engine_->log().tail();
  for (int i = 0; i < 1000; ++i) {
    clock_.advance_ms(1);
    ASSERT_EQ(get("k"), "v");
  }
  const std::uint64_t logged = engine_->log().tail() - before;
  EXPECT_LE(logged, 2 * 64u);
  for (int i = 0; i < 100; ++i) {
    clock_.advance_ms(7999);
    ASSERT_EQ(get("k"), "v") << i;
  }
  EXPECT_EQ(get("k", 0, Access::kPeek), "v");
  clock_.advance_ms(6900);
  reopen();
  EXPECT_EQ(get("k"), "v") << "a restart may be early by an eighth, not more";
  clock_.advance_ms(8000);
  EXPECT_EQ(get("k"), std::nullopt);
}

TEST_F(Engines, peeking_does_not_prolong) {
  put("k", "v", sliding(1000));
  clock_.advance_ms(600);
  EXPECT_EQ(get("k", 0, Access::kPeek), "v");
  clock_.advance_ms(600);
  EXPECT_EQ(get("k"), std::nullopt);
}

TEST_F(Engines, reading_many_gives_one_instant_in_the_order_asked) {
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) {
    names.push_back("key" + std::to_string(i));
    if (i % 3 != 0) put(names.back(), "v" + std::to_string(i));
  }
  std::vector<KeyRef> keys;
  for (const auto& name : names) keys.push_back({0, name});
  std::vector<std::optional<std::string>> got(keys.size());
  engine_->read_many(keys, Access::kTouch, [&](std::size_t i, const ValueView* v) {
    if (v != nullptr) got[i] = std::string(v->value);
  });
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i], i % 3 == 0 ? std::nullopt : std::optional<std::string>("v" + std::to_string(i)));
}

TEST_F(Engines, a_scan_sees_every_key_that_stays) {
  for (int i = 0; i < 3000; ++i) put("stay" + std::to_string(i), "v");
  std::map<std::string, int> seen;
  std::uint64_t cursor = 0;
  int round = 0;
  Pending pending;
  do {
    cursor = engine_->scan(
        0, cursor, 10, [&](std::string_view key, const ValueView&) { ++seen[std::string(key)]; }, pending);
    for (int i = 0; i < 10; ++i) put("grow" + std::to_string(round * 10 + i), "v");
    ++round;
  } while (cursor != 0);
  for (int i = 0; i < 3000; ++i) EXPECT_GE(seen["stay" + std::to_string(i)], 1) << i;
}

TEST_F(Engines, a_random_key_is_found_even_if_it_is_the_only_one) {
  Pending pending;
  EXPECT_EQ(engine_->random_key(0, pending), std::nullopt);
  put("only", "v");
  EXPECT_EQ(engine_->random_key(0, pending), "only");
}

TEST_F(Engines, limits_are_refused_and_change_nothing) {
  options_.key_bytes_max = 10;
  options_.value_bytes_max = 100;
  reopen();
  EXPECT_EQ(engine_->put({0, "12345678901"}, "v", {}).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(engine_->put({0, "k"}, std::string(101, 'x'), {}).error().code(), ErrorCode::kTooLarge);
  EXPECT_EQ(engine_->size(0), 0u);
}

// --- transactions ------------------------------------------------------------------------------------

TEST_F(Engines, a_transaction_is_seen_whole_after_commit_and_survives) {
  put("a", "1");
  const KeyRef keys[] = {{0, "a"}, {0, "b"}, {3, "c"}};
  Transaction txn(*engine_, keys);
  ASSERT_TRUE(txn.put(keys[0], "2", {}));
  ASSERT_TRUE(txn.put(keys[1], "B", {}));
  ASSERT_TRUE(txn.put(keys[2], "C", {}));
  EXPECT_EQ(txn.find(keys[0])->value, "2");
  ASSERT_TRUE(txn.commit());
  reopen();
  EXPECT_EQ(get("a"), "2");
  EXPECT_EQ(get("b"), "B");
  EXPECT_EQ(get("c", 3), "C");
}

TEST_F(Engines, a_transaction_that_is_dropped_leaves_everything_as_it_was) {
  put("held", "old", in_ms(5000));
  put("forever", "f");
  const KeyRef keys[] = {{0, "held"}, {0, "new"}, {0, "forever"}};
  const Lsn tail = engine_->log().tail();
  {
    Transaction txn(*engine_, keys);
    ASSERT_TRUE(txn.set_expiry(keys[0], in_ms(9000)));
    ASSERT_TRUE(txn.put(keys[0], std::string(5000, 'x'), {}));
    ASSERT_TRUE(txn.erase(keys[0]));
    ASSERT_TRUE(txn.put(keys[0], "again", {}));
    ASSERT_TRUE(txn.put(keys[1], "n", {}));
    ASSERT_TRUE(txn.set_expiry(keys[2], in_ms(10)));
    ASSERT_TRUE(txn.erase(keys[2]));
    EXPECT_FALSE(txn.find(keys[2]));
  }
  EXPECT_EQ(engine_->log().tail(), tail);
  EXPECT_EQ(get("held"), "old");
  EXPECT_EQ(get("new"), std::nullopt);
  EXPECT_EQ(get("forever"), "f");
  engine_->read({0, "held"}, Access::kPeek, [&](const ValueView* v) { EXPECT_EQ(v->expiry, in_ms(5000)); });
  engine_->read({0, "forever"}, Access::kPeek, [&](const ValueView* v) { EXPECT_TRUE(v->expiry.never()); });
}

// Random changes, random ends, beside a map; then a restart.
TEST_F(Engines, transactions_agree_with_a_map_across_commits_rollbacks_and_restarts) {
  base::Random random(20261121);
  std::map<std::string, std::string> model;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> names;
    for (int i = 0; i < 1 + static_cast<int>(random.below(30)); ++i)
      names.push_back("k" + std::to_string(random.below(200)));
    std::vector<KeyRef> keys;
    for (const auto& name : names) keys.push_back({0, name});
    auto draft = model;
    Transaction txn(*engine_, keys);
    for (std::size_t i = 0; i < 2 * keys.size(); ++i) {
      const KeyRef key = keys[random.below(keys.size())];
      const std::string name(key.key);
      switch (random.below(3)) {
        case 0: {
          const std::string value(random.below(2000), static_cast<char>('a' + random.below(26)));
          ASSERT_TRUE(txn.put(key, value, {}));
          draft[name] = value;
          break;
        }
        case 1: EXPECT_EQ(txn.erase(key), draft.erase(name) == 1); break;
        default: {
          const auto found = txn.find(key);
          EXPECT_EQ(found.has_value(), draft.contains(name));
          if (found) {
            EXPECT_EQ(found->value, draft[name]);
          }
        }
      }
    }
    if (random.below(2) == 0) {
      ASSERT_TRUE(txn.commit());
      model = draft;
    } else {
      txn.rollback();
    }
    if (round % 500 == 499) reopen();
  }
  EXPECT_EQ(engine_->size(0), model.size());
  for (const auto& [key, value] : model) EXPECT_EQ(get(key), value);
}

TEST_F(Engines, money_is_neither_made_nor_lost_by_concurrent_transfers) {
  options_.background = true;
  options_.sync = Sync::kOs;
  reopen();
  constexpr int kAccounts = 20;
  for (int i = 0; i < kAccounts; ++i) put("acc" + std::to_string(i), "100");
  const auto worker = [&](std::uint64_t seed) {
    base::Random random(seed);
    for (int i = 0; i < 3000; ++i) {
      const std::string from = "acc" + std::to_string(random.below(kAccounts));
      const std::string to = "acc" + std::to_string(random.below(kAccounts));
      const KeyRef keys[] = {{0, from}, {0, to}};
      Transaction txn(*engine_, keys);
      const int have = std::stoi(std::string(txn.find(keys[0])->value));
      ASSERT_TRUE(txn.put(keys[0], std::to_string(have - 1), {}));
      const int had = std::stoi(std::string(txn.find(keys[1])->value));
      ASSERT_TRUE(txn.put(keys[1], std::to_string(had + 1), {}));
      if (random.below(4) != 0) {
        ASSERT_TRUE(txn.commit());
      }
    }
  };
  std::thread one(worker, 1), two(worker, 2), three(worker, 3);
  one.join();
  two.join();
  three.join();
  const auto total = [&] {
    int sum = 0;
    for (int i = 0; i < kAccounts; ++i) sum += std::stoi(*get("acc" + std::to_string(i)));
    return sum;
  };
  EXPECT_EQ(total(), 100 * kAccounts);
  reopen();
  EXPECT_EQ(total(), 100 * kAccounts);
}

TEST_F(Engines, a_directory_is_held_by_one) {
  auto second = Engine::open("/store", options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kBusy);
}

TEST_F(Engines, bad_options_are_refused_with_a_sentence) {
  for (auto change : {+[](Options& o) { o.segment_bytes = 1; }, +[](Options& o) { o.databases = 0; },
                      +[](Options& o) { o.shards = 3; }, +[](Options& o) { o.log_buffer_bytes = 100'000; },
                      +[](Options& o) { o.sync = Sync::kDefault; }}) {
    Options bad = options_;
    change(bad);
    auto opened = Engine::open("/other", bad);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_FALSE(opened.error().message().empty());
  }
}

// --- looked at and changed in one step ----------------------------------------------------------

class Updates : public Engines {
 protected:
  static Update put_of(std::string_view value, Expiry expiry = {}) {
    return {.what = Update::What::kPut, .value = value, .expiry = expiry};
  }
  Updated update(std::string_view key, Engine::DecideFn decide, Access access = Access::kPeek) {
    Pending pending;
    const auto done = engine_->update({0, key}, access, decide, Sync::kDefault, pending);
    EXPECT_TRUE(done) << done.error().describe();
    EXPECT_TRUE(engine_->wait(pending));
    return done.value_or(Updated::kNot);
  }
};

TEST_F(Updates, show_what_is_there_and_do_what_is_said) {
  std::string seen;
  const auto say = [&](Update what) {
    return [&seen, what](const ValueView* v, UnixMs) -> Result<Update> {
      seen = v == nullptr ? "(none)" : std::string(v->value);
      return what;
    };
  };
  EXPECT_EQ(update("a", say(Update{})), Updated::kSeen);
  EXPECT_EQ(seen, "(none)");
  EXPECT_EQ(update("a", say(put_of("1"))), Updated::kChanged);
  EXPECT_EQ(update("a", say(put_of("2"))), Updated::kChanged) << "in place";
  EXPECT_EQ(seen, "1");
  EXPECT_EQ(update("a", say(put_of("longer than before, by far"))), Updated::kChanged);
  EXPECT_EQ(update("a", say(Update{})), Updated::kSeen);
  EXPECT_EQ(seen, "longer than before, by far");
  reopen();
  EXPECT_EQ(get("a"), "longer than before, by far");
  EXPECT_EQ(update("a", say({.what = Update::What::kErase})), Updated::kChanged);
  EXPECT_EQ(update("a", say({.what = Update::What::kErase})), Updated::kSeen);
  EXPECT_EQ(seen, "(none)");
  reopen();
  EXPECT_EQ(get("a"), std::nullopt);
}

TEST_F(Updates, keep_and_change_expiries) {
  const auto now = engine_->now();
  const auto expiry_of = [&](std::string_view key) {
    Expiry expiry;
    EXPECT_TRUE(engine_->read({0, key}, Access::kMeta, [&](const ValueView* v) { expiry = v->expiry; }));
    return expiry;
  };
  for (const Expiry before : {Expiry{}, Expiry{.at = now + 1000}, Expiry{.at = now + 500, .sliding_ms = 500}})
    for (const Expiry after : {Expiry{}, Expiry{.at = now + 2000}, Expiry{.at = now + 700, .sliding_ms = 700}}) {
      put("a", "1", before);
      EXPECT_EQ(update("a",
                       [&](const ValueView* v, UnixMs) -> Result<Update> {
                         EXPECT_EQ(v->expiry, before);
                         return put_of("2", after);
                       }),
                Updated::kChanged);
      EXPECT_EQ(get("a", 0, Access::kPeek), "2");
      EXPECT_EQ(expiry_of("a"), after);
      reopen();
      EXPECT_EQ(get("a", 0, Access::kPeek), "2");
      EXPECT_EQ(expiry_of("a"), after);
    }
}

TEST_F(Updates, see_nothing_of_what_has_expired) {
  for (const bool slides : {false, true}) {
    put("a", "1", slides ? sliding(10) : in_ms(10));
    clock_.advance_ms(20);
    EXPECT_EQ(update("a",
                     [](const ValueView* v, UnixMs) -> Result<Update> {
                       EXPECT_EQ(v, nullptr);
                       return Update{.what = Update::What::kErase};
                     }),
              Updated::kSeen);
    EXPECT_EQ(update("a",
                     [](const ValueView* v, UnixMs) -> Result<Update> {
                       EXPECT_EQ(v, nullptr);
                       return put_of("2");
                     }),
              Updated::kChanged);
    EXPECT_EQ(get("a"), "2");
    reopen();
    EXPECT_EQ(get("a"), "2");
  }
}

TEST_F(Updates, that_fail_change_nothing) {
  put("a", "1");
  Pending pending;
  const auto refused = engine_->update(
      {0, "a"}, Access::kPeek,
      [](const ValueView*, UnixMs) -> Result<Update> { return fail(ErrorCode::kInvalidArgument, "no"); },
      Sync::kDefault, pending);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  engine_->log().give_up(Error(ErrorCode::kIo, "the test says so"));
  for (const Update& what : {put_of("2"), put_of("of another length"), Update{.what = Update::What::kErase}}) {
    Pending waits;
    const auto done = engine_->update(
        {0, "a"}, Access::kPeek, [&](const ValueView*, UnixMs) -> Result<Update> { return what; }, Sync::kDefault,
        waits);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), ErrorCode::kReadOnly);
    EXPECT_EQ(get("a"), "1");
  }
}

TEST_F(Updates, are_refused_beyond_the_limits_of_the_store) {
  engine_.reset();
  options_.value_bytes_max = 1024;
  options_.key_bytes_max = 1024;
  reopen();
  const std::string much(1025, 'x');
  for (const std::string& key : {std::string("a"), much}) {
    Pending pending;
    const auto done = engine_->update(
        {0, key}, Access::kMeta, [&](const ValueView*, UnixMs) -> Result<Update> { return put_of(much); },
        Sync::kDefault, pending);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), ErrorCode::kTooLarge);
    EXPECT_EQ(get("a"), std::nullopt);
  }
}

TEST_F(Updates, leave_what_is_large_or_not_in_memory_to_a_transaction) {
  const std::string large(keyspace::Block::kBytesMin, 'x');
  const auto nothing = [](const ValueView*, UnixMs) -> Result<Update> { return Update{}; };
  EXPECT_EQ(update("a", [&](const ValueView*, UnixMs) -> Result<Update> { return put_of(large); }), Updated::kNot);
  EXPECT_EQ(get("a"), std::nullopt);
  put("a", large);
  EXPECT_EQ(update("a", nothing), Updated::kNot);
  EXPECT_EQ(update("a", nothing, Access::kMeta), Updated::kSeen);
}

}  // namespace
}  // namespace stave::store
