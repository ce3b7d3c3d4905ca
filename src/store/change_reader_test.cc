// What is told of changes beside what was done, and from wherever one comes back.
#include "store/change_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "store/consumers.h"
#include "store/options_for_test.h"
#include "store/transaction.h"
#include "store/upkeep.h"

namespace stave::store {
namespace {

class OnlyKeys final : public ChangeFilter {
 public:
  explicit OnlyKeys(std::string prefix) : prefix_(std::move(prefix)) {}
  bool wants(const LoggedChange& change, std::string_view key) const override {
    return change.whole_database() || key.starts_with(prefix_);
  }

 private:
  const std::string prefix_;
};

class ChangesTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    auto opened = Engine::open("/db", still_options(*files, clock, 3));
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  void reopen() {
    ASSERT_TRUE(engine->close());
    engine.reset();
    open();
  }
  Lsn put(std::string_view key, std::string_view value, int database = 0) {
    Lsn version = kNoLsn;
    EXPECT_TRUE(engine->put({database, key}, value, Expiry{}, Sync::kDefault, &version));
    return version;
  }
  void put_all(std::vector<std::string> keys) {
    std::vector<KeyRef> refs;
    for (const std::string& key : keys) refs.push_back({0, key});
    Transaction transaction(*engine, refs);
    for (const KeyRef& ref : refs) EXPECT_TRUE(transaction.put(ref, "v", {}));
    EXPECT_TRUE(transaction.commit());
  }
  void erase(std::string_view key) {
    Transaction transaction(*engine, {0, key});
    EXPECT_TRUE(transaction.erase({0, key}));
    EXPECT_TRUE(transaction.commit());
  }
  void write_out() { ASSERT_TRUE(engine->log().wait_written(engine->log().tail())); }

  static std::string spell(const LoggedChange& change) {
    return std::string(to_string(change.kind)) + ":" + std::to_string(change.database) + ":" + change.key +
           (change.value ? "=" + *change.value : "") + (change.last ? "" : "+");
  }
  /// All there is behind `since`, as one text; `position`: where to go on.
  std::string read(Lsn since, const ChangeFilter* filter = nullptr, bool values = false, Lsn* position = nullptr,
                   std::size_t at_once = 1000) {
    ChangeReader reader(*engine, since, {.values = values, .filter = filter});
    std::string text;
    for (bool more = true; more;) {
      std::size_t shown = 0;
      const auto step = reader.read(1 << 20, [&](const LoggedChange& change) {
        text += spell(change) + " ";
        return ++shown < at_once;
      });
      if (!step) return text + std::string(to_string(step.error().code()));
      more = step->more;
    }
    if (position != nullptr) *position = reader.position();
    return text;
  }

  std::unique_ptr<FileSystem> files = make_memory_file_system();
  ManualClock clock;
  std::unique_ptr<Engine> engine;
};

TEST_F(ChangesTest, every_change_is_told_once_and_in_order) {
  put("a", "1");
  put("b", "2", 1);
  put("a", "3");
  erase("a");
  {
    Transaction transaction(*engine, {1, "b"});
    ASSERT_TRUE(transaction.set_expiry({1, "b"}, Expiry{.at = UnixMs{raw(engine->now()) + 100'000}}));
    ASSERT_TRUE(transaction.commit());
  }
  ASSERT_TRUE(engine->swap(0, 1));
  ASSERT_TRUE(engine->flush(0));
  write_out();
  EXPECT_EQ(read(kNoLsn, nullptr, true), "set:0:a=1 set:1:b=2 set:0:a=3 delete:0:a set_expiry:1:b swap:0: flush:0: ");
}

TEST_F(ChangesTest, nothing_is_told_before_it_is_as_safe_as_the_policy_says) {
  put("a", "1");
  EXPECT_EQ(read(kNoLsn), "");
  write_out();
  EXPECT_EQ(read(kNoLsn), "set:0:a ");
  engine->set_sync(Sync::kAlways);
  put("b", "1");
  write_out();
  EXPECT_EQ(read(kNoLsn), engine->log().durable() == engine->log().tail() ? "set:0:a set:0:b " : "");
  ASSERT_TRUE(engine->sync());
  EXPECT_EQ(read(kNoLsn), "set:0:a set:0:b ");
}

TEST_F(ChangesTest, a_transaction_is_marked_and_so_is_what_is_left_of_it_behind_a_filter) {
  put_all({"x1", "y1", "x2", "y2"});
  put("x3", "v");
  write_out();
  EXPECT_EQ(read(kNoLsn), "set:0:x1+ set:0:y1+ set:0:x2+ set:0:y2 set:0:x3 ");
  const OnlyKeys only("x");
  EXPECT_EQ(read(kNoLsn, &only), "set:0:x1+ set:0:x2 set:0:x3 ");
}

// A change that is known, its version or the position that a reader was told: from each the rest is told, no less.
TEST_F(ChangesTest, it_goes_on_from_every_place_with_the_batch_it_is_in) {
  put("a", "1");
  put_all({"b", "c", "d"});
  put("e", std::string(300'000, 'e'));
  put("f", "1");
  write_out();
  std::vector<LoggedChange> all;
  ChangeReader reader(*engine, kNoLsn, {});
  ASSERT_TRUE(reader.read(1 << 24, [&](const LoggedChange& change) {
    all.push_back(change);
    return true;
  }));
  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(all[1].batch, all[3].batch);
  for (const bool fresh : {false, true}) {
    if (fresh) reopen();  // nothing is remembered
    for (std::size_t i = 0; i < all.size(); ++i) {
      std::size_t next = i + 1;
      ChangeReader rest(*engine, all[i].lsn, {});
      ASSERT_TRUE(rest.read(1 << 24, [&](const LoggedChange& change) {
        if (next >= all.size()) return true;
        EXPECT_EQ(change.lsn, all[next].lsn);
        EXPECT_EQ(change.batch, all[next].batch);
        EXPECT_EQ(change.last, all[next].last);
        ++next;
        return true;
      }));
      EXPECT_EQ(next, all.size());
    }
  }
}

TEST_F(ChangesTest, positions_of_a_reader_that_stops_after_each_change_lead_on) {
  base::Random random(7);
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    std::vector<std::string> keys;
    for (std::uint64_t n = 1 + random.below(4); n-- > 0;)
      keys.push_back("k" + std::to_string(i) + "." + std::to_string(n));
    put_all(keys);
  }
  write_out();
  expected = read(kNoLsn);
  std::string text;
  Lsn position = kNoLsn;
  for (bool any = true; any;) {
    ChangeReader reader(*engine, position, {});
    any = false;
    ASSERT_TRUE(reader.read(1 << 24, [&](const LoggedChange& change) {
      text += spell(change) + " ";
      any = true;
      return false;
    }));
    position = reader.position();
  }
  EXPECT_EQ(text, expected);
  EXPECT_EQ(read(kNoLsn, nullptr, false, nullptr, 1), expected);
}

TEST_F(ChangesTest, what_the_cleaner_writes_again_is_no_change) {
  for (int i = 0; i < 2000; ++i) put("k" + std::to_string(i % 50), std::string(200, 'x'));
  write_out();
  const Lsn before{raw(engine->log().written()) - 1};
  engine->upkeep().max_space_amplification = 1.01;
  ASSERT_TRUE(engine->clean());
  put("new", "1");
  write_out();
  EXPECT_EQ(read(before), "set:0:new ");
}

TEST_F(ChangesTest, who_comes_too_late_is_told_where_the_log_begins) {
  const Lsn early = put("k", "1");
  for (int i = 0; i < 3000; ++i) put("k" + std::to_string(i % 10), std::string(200, 'x'));
  ASSERT_TRUE(engine->clean());
  write_out();
  ASSERT_GT(ChangeReader::oldest_position(*engine), early);
  EXPECT_EQ(read(early), "not_found");
  EXPECT_EQ(read(kNoLsn), "not_found");
  EXPECT_EQ(read(ChangeReader::oldest_position(*engine)).find("not_found"), std::string::npos);
}

TEST_F(ChangesTest, a_position_beyond_the_end_is_refused) {
  put("k", "1");
  write_out();
  EXPECT_EQ(read(engine->log().tail() + 1000), "conflict");
  Lsn end = kNoLsn;
  EXPECT_EQ(read(kNoLsn, nullptr, false, &end), "set:0:k ");
  EXPECT_EQ(read(end), "");
}

// --- waiting ---------------------------------------------------------------------------------------------------------

TEST_F(ChangesTest, who_waits_is_told_of_what_is_written_out) {
  put("a", "1");
  write_out();
  ChangeFeed& feed = engine->upkeep().change_feed();
  const Lsn end = feed.horizon();
  std::atomic<int> told{0};
  feed.when(end, 0, 0, [&](ChangeFeed::Woken how) { told = how == ChangeFeed::Woken::kNews ? 1 : -1; });
  EXPECT_EQ(told, 0);
  put("b", "1");
  write_out();
  EXPECT_EQ(feed.wait(end, 0), ChangeFeed::Woken::kNews);
  while (told == 0) std::this_thread::yield();
  EXPECT_EQ(told, 1);
}

TEST_F(ChangesTest, nothing_is_told_that_followers_are_to_have_and_have_not) {
  put("a", "1");
  write_out();
  ChangeFeed& feed = engine->upkeep().change_feed();
  const Lsn before = feed.horizon();
  engine->replicas().ask(1, 0);
  put("b", "1");
  write_out();
  EXPECT_EQ(feed.horizon(), before);
  EXPECT_EQ(read(kNoLsn), "set:0:a ");
  const Lsn end = engine->log().tail();
  std::atomic<int> told{0};
  feed.when(before, 0, 0, [&](ChangeFeed::Woken how) { told = how == ChangeFeed::Woken::kNews ? 1 : -1; });
  EXPECT_EQ(told, 0);
  engine->replicas().acknowledge(std::array{end});
  while (told == 0) std::this_thread::yield();
  EXPECT_EQ(told, 1);
  EXPECT_EQ(feed.horizon(), end);
  EXPECT_EQ(read(kNoLsn), "set:0:a set:0:b ");
  // Whoever followed has gone: what was told stays told.
  engine->replicas().acknowledge({});
  EXPECT_EQ(feed.horizon(), end);
}

TEST_F(ChangesTest, a_wait_ends_by_its_tag_and_with_the_store) {
  ChangeFeed& feed = engine->upkeep().change_feed();
  std::atomic<int> refused{0};
  std::atomic<int> stopped{0};
  feed.when(Lsn{kLsnMax}, 0, 7, [&](ChangeFeed::Woken how) { refused += how == ChangeFeed::Woken::kRefused; });
  feed.when(Lsn{kLsnMax}, 0, 8, [&](ChangeFeed::Woken how) { stopped += how == ChangeFeed::Woken::kStopped; });
  EXPECT_FALSE(feed.wake(9, ChangeFeed::Woken::kRefused));
  EXPECT_TRUE(feed.wake(7, ChangeFeed::Woken::kRefused));
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(feed.waiting(), 1u);
  ASSERT_TRUE(engine->close());
  EXPECT_EQ(stopped, 1);
}

TEST_F(ChangesTest, a_time_that_has_passed_ends_the_wait_at_once) {
  EXPECT_EQ(engine->upkeep().change_feed().wait(Lsn{kLsnMax}, clock.monotonic_ns()), ChangeFeed::Woken::kTimeUp);
}

// --- consumers -------------------------------------------------------------------------------------------------------

TEST_F(ChangesTest, a_consumer_survives_a_restart_and_a_flush_and_is_no_change_itself) {
  const Lsn a = put("a", "1");
  write_out();
  Consumers* consumers = &engine->upkeep().consumers();
  ASSERT_TRUE(consumers->create("one", kNoLsn + (raw(log::kFirstLsn) - 1), Sync::kDefault));
  ASSERT_TRUE(consumers->create("two", a, Sync::kDefault));
  ASSERT_TRUE(consumers->acknowledge("one", a, Sync::kDefault));
  ASSERT_TRUE(engine->flush_all());
  reopen();
  consumers = &engine->upkeep().consumers();
  auto listed = consumers->list();
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ((*listed)[0].name, "one");
  EXPECT_EQ((*listed)[0].position, a);
  EXPECT_FALSE((*listed)[0].behind);
  Pending pending;
  auto dropped = consumers->drop("one", Sync::kDefault, pending);
  ASSERT_TRUE(dropped);
  EXPECT_TRUE(*dropped);
  write_out();
  EXPECT_EQ(read(a), "flush:0:+ flush:1:+ flush:2: ");
  reopen();
  listed = engine->upkeep().consumers().list();
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ((*listed)[0].name, "two");
}

TEST_F(ChangesTest, the_log_is_kept_for_a_consumer_up_to_the_limit_and_then_it_is_behind) {
  put("k", "1");
  write_out();
  const Lsn begin{raw(engine->log().written()) - 1};
  ASSERT_TRUE(engine->upkeep().consumers().create("c", begin, Sync::kDefault));
  for (int i = 0; i < 3000; ++i) put("k" + std::to_string(i % 10), std::string(200, 'x'));
  reopen();  // it is kept although nobody has asked for the consumer yet
  ASSERT_TRUE(engine->clean());
  write_out();
  auto found = engine->upkeep().consumers().find("c");
  ASSERT_TRUE(found && *found);
  EXPECT_FALSE((*found)->behind);
  EXPECT_GT((*found)->lag_bytes, 100'000u);
  EXPECT_EQ(read(begin).find("not_found"), std::string::npos);
  engine->upkeep().keep_bytes_max = 64 << 10;
  ASSERT_TRUE(engine->clean());
  found = engine->upkeep().consumers().find("c");
  ASSERT_TRUE(found && *found);
  EXPECT_TRUE((*found)->behind);
  EXPECT_EQ(read(begin), "not_found");
}

TEST_F(ChangesTest, an_acknowledgement_never_goes_back_nor_beyond_the_end) {
  const Lsn a = put("a", "1");
  const Lsn b = put("b", "1");
  write_out();
  Consumers& consumers = engine->upkeep().consumers();
  ASSERT_TRUE(consumers.create("c", a, Sync::kDefault));
  EXPECT_EQ(consumers.create("c", a, Sync::kDefault).error().code(), ErrorCode::kConflict);
  ASSERT_TRUE(consumers.acknowledge("c", b, Sync::kDefault));
  ASSERT_TRUE(consumers.acknowledge("c", a, Sync::kDefault));
  auto found = consumers.find("c");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->position, b);
  EXPECT_EQ(consumers.acknowledge("c", Lsn{kLsnMax}, Sync::kDefault).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(consumers.acknowledge("d", b, Sync::kDefault).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(consumers.create("", b, Sync::kDefault).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace stave::store
