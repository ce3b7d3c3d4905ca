// The cleaner over odd stores: when it rests, what it does with damage.
#include "store/cleaner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "log/segment.h"
#include "store/options_for_test.h"
#include "store/transaction.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

class CleanerAtWork : public ::testing::Test {
 protected:
  void open(const Options& options) {
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  Options options(double amplification) {
    Options o = still_options(disk, clock, 2);
    o.max_space_amplification = amplification;
    o.notice = [this](std::string_view text) { notices.emplace_back(text); };
    return o;
  }
  void put(const std::string& key, const std::string& value) {
    const auto done = engine->put({0, key}, value, {});
    ASSERT_TRUE(done) << done.error().describe();
  }
  std::string noise(std::size_t size) {
    std::string text(size, '\0');
    random.fill(std::as_writable_bytes(std::span(text)));
    return text;
  }
  /// Runs what is due until it has come to rest; how much was written again meanwhile.
  std::uint64_t settle() {
    const std::uint64_t before = engine->stats().cleaner.relocated_bytes;
    for (int i = 0; i < 2'000; ++i) {
      clock.advance_ms(100);
      engine->tick();
    }
    return engine->stats().cleaner.relocated_bytes - before;
  }
  void damage(Lsn lsn) {
    const auto segments = engine->log().segments();
    for (const log::SegmentInfo& segment : segments) {
      if (lsn < segment.base || lsn >= segment.end) continue;
      ASSERT_TRUE(disk.flip_bit("/db/" + log::segment_name(segment.base),
                                8 * (log::kSegmentHeaderBytes + (lsn - segment.base) + 40)));
    }
  }
  Lsn address_of(const std::string& key) {
    Lsn version = kNoLsn;
    EXPECT_TRUE(engine->read({0, key}, Access::kMeta, [&](const ValueView* view) { version = view->version; }));
    return version;
  }

  sim::SimFileSystem disk{7};
  ManualClock clock;
  base::Random random{99};
  std::vector<std::string> notices;
  std::unique_ptr<Engine> engine;
};

// 40 large values that do not compress beside 20,000 small ones that do: a sample of keys saw the small ones only, took
// the log for garbage, and the cleaner wrote it again without end.
TEST_F(CleanerAtWork, rests_when_all_is_alive_whatever_the_sizes_and_however_they_pack) {
  open(options(2));
  for (int i = 0; i < 4'000; ++i) put("small" + std::to_string(i), std::string(250, 'a'));
  for (int i = 0; i < 8; ++i) put("large" + std::to_string(i), noise(500'000));
  ASSERT_GT(raw(engine->log().tail()), 4u << 20);
  const std::uint64_t log = raw(engine->log().tail());
  EXPECT_LT(settle(), log) << "more than once round";
  EXPECT_EQ(settle(), 0u);
  const double live = static_cast<double>(engine->live_log_bytes());
  EXPECT_NEAR(live / static_cast<double>(log), 1, 0.2);
}

// With so low a ceiling the old mark at which to begin lay below what was alive.
TEST_F(CleanerAtWork, rests_under_the_lowest_ceiling) {
  open(options(1.1));
  for (int i = 0; i < 2'000; ++i) put("key" + std::to_string(i), noise(1'000));
  EXPECT_LT(settle(), raw(engine->log().tail()));
  EXPECT_EQ(settle(), 0u);
}

TEST_F(CleanerAtWork, gives_space_back_again_after_it_has_rested) {
  open(options(1.5));
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 2'000; ++i) put("key" + std::to_string(i), noise(1'000));
    settle();
    const EngineStats stats = engine->stats();
    EXPECT_LT(raw(stats.log.tail) - raw(stats.log.first), 2'000u * 1'040 * 3 / 2 + 4 * (64u << 10)) << round;
  }
}

TEST_F(CleanerAtWork, passes_over_damage_in_what_is_dead) {
  open(options(0));
  for (int i = 0; i < 300; ++i) put("key" + std::to_string(i), noise(1'000));
  const Lsn dead = address_of("key5");
  put("key5", "again");
  ASSERT_TRUE(engine->log().roll());
  damage(dead);
  const auto report = engine->clean();
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_GT(engine->log().stats().first, dead);
  EXPECT_EQ(engine->stats().cleaner.damaged_segments, 1u);
  EXPECT_EQ(engine->stats().cleaner.lost_values, 0u);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_NE(notices[0].find("a segment of the log is damaged"), std::string::npos) << notices[0];
  engine.reset();
  open(options(0));
  EXPECT_EQ(engine->size(0), 300u);
}

TEST_F(CleanerAtWork, tells_what_is_lost_keeps_writing_images_and_goes_on_once_the_key_is_gone) {
  Options o = options(1.2);
  o.checkpoint_bytes = 100'000;
  o.max_memory_bytes = 0;
  open(o);
  for (int i = 0; i < 300; ++i) put("key" + std::to_string(i), noise(1'000));
  const Lsn lost = address_of("key5");
  ASSERT_TRUE(engine->log().roll());
  damage(lost);
  for (int round = 0; round < 3; ++round)
    for (int i = 10; i < 300; ++i) put("key" + std::to_string(i), noise(1'000));
  settle();
  EngineStats stats = engine->stats();
  EXPECT_EQ(stats.cleaner.lost_values, 1u);
  EXPECT_EQ(stats.cleaner.first_lost, lost);
  EXPECT_LE(stats.log.first, lost) << "what is needed stays";
  EXPECT_GT(stats.checkpoints.written, 0u);
  ASSERT_EQ(notices.size(), 1u) << "once, and not all the time";
  EXPECT_NE(notices[0].find("'key5' in database 0 at LSN " + std::to_string(raw(lost))), std::string::npos)
      << notices[0];
  const auto asked = engine->clean();
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(asked.error().message().find("key5"), std::string::npos);
  put("key5", "from a backup");
  settle();
  stats = engine->stats();
  EXPECT_EQ(stats.cleaner.lost_values, 0u);
  EXPECT_GT(stats.log.first, lost);
  engine.reset();
  open(o);
  EXPECT_EQ(engine->size(0), 300u);
}

// A changed expiry used to lead to the one before it, and so on to the value.
TEST_F(CleanerAtWork, a_value_is_one_step_away_however_often_its_expiry_was_changed) {
  open(options(0));
  put("hot", noise(2'000));
  const Lsn value = address_of("hot");
  constexpr int kChanges = 1'000;
  for (int i = 1; i <= kChanges; ++i) {
    Transaction transaction(*engine, {0, "hot"});
    ASSERT_TRUE(transaction.set_expiry({0, "hot"}, {.at = clock.wall() + 1'000'000 + i}));
    ASSERT_TRUE(transaction.commit());
  }
  ASSERT_TRUE(engine->sync());
  ASSERT_TRUE(engine->checkpoint());
  engine.reset();
  open(options(0));
  const std::uint64_t before = disk.questions();
  std::size_t size = 0;
  ASSERT_TRUE(engine->read({0, "hot"}, Access::kPeek, [&](const ValueView* view) { size = view->value.size(); }));
  EXPECT_EQ(size, 2'000u);
  EXPECT_LE(disk.questions() - before, 4u);
  // Nor does it hang on any of the changes.
  ASSERT_TRUE(engine->log().roll());
  const auto segments = engine->log().segments();
  ASSERT_GT(segments.size(), 1u);
  ASSERT_EQ(segments.front().base, log::kFirstLsn);
  EXPECT_LT(value, segments.front().end);
  ASSERT_TRUE(engine->clean());
  engine.reset();
  open(options(0));
  ASSERT_TRUE(engine->read({0, "hot"}, Access::kPeek, [&](const ValueView* view) {
    ASSERT_NE(view, nullptr);
    EXPECT_EQ(view->value.size(), 2'000u);
    EXPECT_EQ(view->expiry.at, clock.wall() + 1'000'000 + kChanges);
  }));
}

// The only key of a shard, in a database that it did not come from by name, taken out for a moment: it looked as if
// nothing were there, and the segment that holds it went.
TEST_F(CleanerAtWork, keeps_what_a_transaction_took_out_and_puts_back) {
  open(options(0));
  put("kept", "a value");
  ASSERT_TRUE(engine->swap(0, 1));
  {
    Transaction transaction(*engine, KeyRef{1, "kept"});
    ASSERT_TRUE(transaction.erase({1, "kept"}));
    std::atomic<bool> done{false};
    std::thread cleaner([&] {
      EXPECT_TRUE(engine->clean());
      done = true;
    });
    // It waits for the transaction, so this is how long the test takes; were it not to wait, it would be done.
    for (int i = 0; i < 100'000 && !done; ++i) std::this_thread::yield();
    transaction.rollback();
    cleaner.join();
  }
  ASSERT_TRUE(engine->close());
  open(options(0));
  std::string found;
  ASSERT_TRUE(engine->read({1, "kept"}, Access::kPeek, [&](const ValueView* view) {
    if (view != nullptr) found = view->value;
  }));
  EXPECT_EQ(found, "a value");
}

}  // namespace
}  // namespace stave::store
