// A key's past beside what was written down while it happened.
#include "store/history.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "base/random.h"
#include "store/options_for_test.h"
#include "store/transaction.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

class HistoryTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    Options o = still_options(*files, clock, 3);
    o.history_bytes = history_bytes;
    auto opened = Engine::open("/db", o);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  void reopen() {
    ASSERT_TRUE(engine->close());
    engine.reset();
    open();
  }
  Lsn put(int database, std::string_view key, std::string_view value, std::int64_t deadline = 0) {
    Lsn version = kNoLsn;
    EXPECT_TRUE(engine->put({database, key}, value, Expiry{.at = UnixMs{deadline}}, Sync::kDefault, &version));
    return version;
  }
  void erase(int database, std::string_view key) {
    Transaction transaction(*engine, {database, key});
    EXPECT_TRUE(transaction.erase({database, key}));
    EXPECT_TRUE(transaction.commit());
  }
  Lsn expire(int database, std::string_view key, std::int64_t deadline) {
    Transaction transaction(*engine, {database, key});
    EXPECT_TRUE(transaction.set_expiry({database, key}, Expiry{.at = UnixMs{deadline}}));
    EXPECT_TRUE(transaction.commit());
    return transaction.version();
  }
  std::string listed(int database, std::string_view key, std::size_t count = 100) {
    Pending pending;
    const auto versions = History(*engine).versions({database, key}, count, pending);
    if (!versions) return versions.error().describe();
    std::string text;
    for (const KeyVersion& version : *versions)
      text += std::string(to_string(version.kind)) + ":" + std::to_string(version.size) + " ";
    return text;
  }
  std::string at(int database, std::string_view key, Point point) {
    Pending pending;
    const auto past = History(*engine).value_at({database, key}, point, pending);
    if (!past) return past.error().code() == ErrorCode::kNotFound ? "unknown" : past.error().describe();
    return *past ? (*past)->value : "absent";
  }
  Lsn tail() { return engine->log().tail(); }
  /// Pushes everything so far out of the log.
  void forget() {
    history_bytes = 0;
    engine->upkeep().history_bytes = 0;
    ASSERT_TRUE(engine->clean());
    ASSERT_TRUE(engine->clean());
  }
  void keep() {
    history_bytes = 1u << 30;
    engine->upkeep().history_bytes = history_bytes;
  }

  std::uint64_t history_bytes = 1u << 30;
  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  std::unique_ptr<Engine> engine;
};

TEST_F(HistoryTest, lists_every_change_of_a_key_newest_first) {
  put(0, "k", "one");
  put(0, "k", "three");
  expire(0, "k", raw(engine->now()) + 1000);
  put(0, "other", "x");
  erase(0, "k");
  put(0, "k", std::string(5000, 'z'));
  EXPECT_EQ(listed(0, "k"), "set:5000 delete:0 set_expiry:5 set:5 set:3 ");
  EXPECT_EQ(listed(0, "k", 2), "set:5000 delete:0 ");
  EXPECT_EQ(listed(1, "k"), "");
  EXPECT_EQ(listed(0, "never"), "");
}

TEST_F(HistoryTest, shows_the_value_at_an_lsn_and_at_a_time) {
  const Lsn born{raw(tail()) - 1};
  const UnixMs t0 = engine->now();
  clock.advance_ms(100);
  const Lsn one = put(0, "k", "one");
  const UnixMs t1 = engine->now();
  clock.advance_ms(100);
  const Lsn two = put(0, "k", "two", raw(engine->now()) + 50);
  const UnixMs t2 = engine->now();
  clock.advance_ms(100);
  engine->tick();
  const UnixMs t3 = engine->now();
  EXPECT_EQ(at(0, "k", born), "absent");
  EXPECT_EQ(at(0, "k", one), "one");
  EXPECT_EQ(at(0, "k", two + -1ull), "one");
  EXPECT_EQ(at(0, "k", two), "two");
  EXPECT_EQ(at(0, "k", tail()), "absent");
  EXPECT_EQ(at(0, "k", t0), "absent");
  EXPECT_EQ(at(0, "k", t1), "one");
  EXPECT_EQ(at(0, "k", t1 + 99), "one");
  EXPECT_EQ(at(0, "k", t2 + 49), "two");
  EXPECT_EQ(at(0, "k", t2 + 50), "absent");
  EXPECT_EQ(at(0, "k", t3), "absent");
  EXPECT_EQ(listed(0, "k"), "expire:0 set:3 set:3 ");
}

TEST_F(HistoryTest, sees_a_flush_as_the_end_of_the_keys_that_were_there) {
  const Lsn before = put(0, "k", "old");
  ASSERT_TRUE(engine->flush_all());
  ASSERT_TRUE(engine->flush(0));
  EXPECT_EQ(listed(0, "k"), "flush:0 set:3 ");
  EXPECT_EQ(at(0, "k", before), "old");
  EXPECT_EQ(at(0, "k", tail()), "absent");
  EXPECT_EQ(listed(0, "other"), "");
  put(0, "k", "new");
  EXPECT_EQ(listed(0, "k"), "set:3 flush:0 set:3 ");
}

TEST_F(HistoryTest, follows_data_through_swaps) {
  const Lsn a = put(0, "k", "zero");
  const Lsn b = put(1, "k", "one!!");
  ASSERT_TRUE(engine->swap(0, 1));
  EXPECT_EQ(listed(0, "k"), "set:5 ");
  EXPECT_EQ(at(0, "k", b), "one!!");
  EXPECT_EQ(at(1, "k", a), "zero");
  erase(0, "k");
  ASSERT_TRUE(engine->swap(0, 2));
  EXPECT_EQ(listed(2, "k"), "delete:0 set:5 ");
  EXPECT_EQ(listed(0, "k"), "");
  EXPECT_EQ(at(2, "k", b), "one!!");
  ASSERT_TRUE(engine->flush(1));
  ASSERT_TRUE(engine->swap(1, 0));
  EXPECT_EQ(listed(0, "k"), "flush:0 set:4 ");
}

TEST_F(HistoryTest, says_how_far_back_the_log_reaches) {
  const Lsn one = put(0, "k", "one");
  const Lsn two = put(0, "k", "two");
  put(0, "gone", "x");
  erase(0, "gone");
  const UnixMs early = engine->now();
  clock.advance_ms(1000);
  forget();
  EXPECT_GT(engine->log().stats().first, two);
  EXPECT_EQ(at(0, "k", tail()), "two");
  EXPECT_EQ(at(0, "k", two), "two");
  EXPECT_EQ(at(0, "k", one), "unknown");
  EXPECT_EQ(at(0, "gone", two), "unknown");
  EXPECT_EQ(at(0, "gone", early), "unknown");
  EXPECT_EQ(at(0, "gone", tail()), "absent");
  EXPECT_EQ(listed(0, "k"), "set:3 ");
  EXPECT_EQ(listed(0, "gone"), "");
  keep();
  put(0, "k", "three");
  EXPECT_EQ(listed(0, "k"), "set:5 set:3 ");
  EXPECT_EQ(at(0, "k", two), "two");
  EXPECT_EQ(at(0, "k", one), "unknown");
}

TEST_F(HistoryTest, an_expiry_merged_with_its_value_by_the_cleaner_keeps_its_version) {
  put(0, "k", "value");
  const Lsn changed = expire(0, "k", raw(engine->now()) + 100'000);
  // Kept: the originals tell more than the record that stands for both.
  ASSERT_TRUE(engine->clean());
  EXPECT_EQ(listed(0, "k"), "set_expiry:5 set:5 ");
  forget();
  EXPECT_EQ(listed(0, "k"), "set:5 ");
  EXPECT_EQ(at(0, "k", changed), "value");
}

TEST_F(HistoryTest, revert_is_a_write_of_its_own) {
  const Lsn one = put(0, "k", "one", raw(engine->now()) + 10);
  const Lsn two = put(0, "k", "two");
  const Lsn absent = Lsn{raw(one) - 1};
  clock.advance_ms(50);
  Pending pending;
  auto done = History(*engine).revert({0, "k"}, one, pending);
  ASSERT_TRUE(done) << done.error().describe();
  EXPECT_TRUE(done->present && done->changed);
  EXPECT_GT(done->version, two);
  EXPECT_EQ(at(0, "k", tail()), "one");
  done = History(*engine).revert({0, "k"}, done->version, pending);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->present && !done->changed);
  done = History(*engine).revert({0, "k"}, absent, pending);
  ASSERT_TRUE(done);
  EXPECT_TRUE(!done->present && done->changed);
  EXPECT_EQ(listed(0, "k"), "delete:0 set:3 set:3 set:3 ");
  done = History(*engine).revert({0, "k"}, two, pending);
  ASSERT_TRUE(done);
  EXPECT_EQ(at(0, "k", tail()), "two");
}

// A sliding deadline begins anew with the write that brings it back: compared by its moment, it was never the same.
TEST_F(HistoryTest, revert_does_nothing_when_a_sliding_key_is_like_that_already) {
  Lsn one = kNoLsn;
  const Expiry minute{.at = UnixMs{raw(engine->now()) + 60'000}, .sliding_ms = 60'000};
  ASSERT_TRUE(engine->put({0, "k"}, "one", minute, Sync::kDefault, &one));
  put(0, "k", "two");
  Pending pending;
  for (const bool changes : {true, false, false}) {
    clock.advance_ms(50);
    const auto done = History(*engine).revert({0, "k"}, one, pending);
    ASSERT_TRUE(done) << done.error().describe();
    EXPECT_EQ(done->changed, changes);
  }
  EXPECT_EQ(at(0, "k", tail()), "one");
}

// Everything that can happen, at random, with a copy of the data at every step; then the past is asked for.
TEST_F(HistoryTest, agrees_with_copies_made_at_the_time) {
  using Model = std::map<std::pair<int, std::string>, std::string>;
  const char* const given = std::getenv("STAVE_SEED");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  for (std::uint64_t seed = first; seed < first + 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    engine.reset();
    files = make_memory_file_system();
    // In every other round the log forgets, and then it must say so.
    const bool forgets = seed % 2 == 0;
    history_bytes = forgets ? 200'000 : 1u << 30;
    open();
    base::Random random(seed);
    Model model;
    // By which database of then is which of now, going back: histories follow the data.
    std::vector<std::pair<Lsn, Model>> copies;
    std::vector<std::pair<std::size_t, std::pair<int, int>>> swaps;
    for (int step = 0; step < 600; ++step) {
      const int database = static_cast<int>(random.below(3));
      const std::string key = "k" + std::to_string(random.below(12));
      switch (random.below(40)) {
        case 0:
          ASSERT_TRUE(engine->flush(database));
          std::erase_if(model, [&](const auto& item) { return item.first.first == database; });
          break;
        case 1: {
          const int other = static_cast<int>(random.below(3));
          ASSERT_TRUE(engine->swap(database, other));
          Model swapped;
          for (auto& [place, value] : model) {
            const int now = place.first == database ? other : place.first == other ? database : place.first;
            swapped[{now, place.second}] = value;
          }
          model = std::move(swapped);
          swaps.push_back({copies.size(), {database, other}});
          break;
        }
        case 2: reopen(); break;
        case 3: ASSERT_TRUE(engine->clean()); break;
        case 4: ASSERT_TRUE(engine->checkpoint()); break;
        case 5:
        case 6:
        case 7:
          if (model.contains({database, key})) expire(database, key, raw(engine->now()) + 1'000'000);
          break;
        case 8:
        case 9:
        case 10:
        case 11:
        case 12:
        case 13:
          if (model.erase({database, key}) != 0) erase(database, key);
          break;
        default: {
          std::string value(random.below(random.below(8) == 0 ? 9000 : 60), static_cast<char>('a' + random.below(26)));
          value += std::to_string(step);
          put(database, key, value);
          model[{database, key}] = value;
        }
      }
      copies.emplace_back(Lsn{raw(tail()) - 1}, model);
    }
    int known = 0;
    for (int probe = 0; probe < 800; ++probe) {
      const std::size_t then = random.below(copies.size());
      const std::string key = "k" + std::to_string(random.below(12));
      const int database = static_cast<int>(random.below(3));
      int place = database;
      for (auto swap = swaps.rbegin(); swap != swaps.rend() && swap->first > then; ++swap) {
        const auto [a, b] = swap->second;
        place = place == a ? b : place == b ? a : place;
      }
      const auto held = copies[then].second.find({place, key});
      const std::string past = at(database, key, copies[then].first);
      if (forgets && past == "unknown") continue;
      ASSERT_EQ(past, held == copies[then].second.end() ? "absent" : held->second)
          << key << " in " << database << " at step " << then;
      ++known;
    }
    EXPECT_GT(known, 100);
  }
}

}  // namespace
}  // namespace stave::store
