// Pages that are logged as their differences: what that costs, and that it never shows.
#include "store/patches.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "log/segment.h"
#include "store/collection.h"
#include "store/history.h"
#include "store/options_for_test.h"
#include "store/snapshot.h"
#include "store/transact.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

using Fields = std::map<std::string, std::string>;

class Patches : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    engine.reset();
    Options options = still_options(disk, clock, 2);
    options.notice = [](std::string_view) {};
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine = std::move(*opened);
  }
  /// As a process that dies: what was written to the log is there, no image is made.
  void die() {
    ASSERT_TRUE(engine->wait({.written = engine->log().tail()}));
    open();
  }
  void close_and_open() {
    ASSERT_TRUE(engine->close());
    open();
  }
  Lsn set(const std::string& field, const std::string& value) {
    const KeyRef key{0, "h"};
    Pending observed;
    const auto change = [&](Transaction& transaction) -> Result<void> {
      STAVE_ASSIGN(auto opened, open_collection<Hash>(transaction, key));
      opened.editor().set(field, value);
      return keep_collection(transaction, key, opened);
    };
    const auto done = transact(*engine, std::span(&key, 1), change, Sync::kDefault, observed);
    EXPECT_TRUE(done) << done.error().describe();
    wanted[field] = value;
    return engine->log().tail();
  }
  void fill(int fields) {
    for (int i = 0; i < fields; ++i) set("field:" + std::to_string(i), "some value " + std::to_string(i));
  }
  std::string a_field() { return "field:" + std::to_string(random.below(wanted.size())); }
  std::string a_value() { return std::string(1 + random.below(60), static_cast<char>('a' + random.below(26))); }
  void check(const std::string& when) {
    Fields found;
    const KeyRef at{0, "h"};
    Transaction transaction(*engine, at);
    const auto opened = open_collection<Hash>(transaction, at);
    ASSERT_TRUE(opened) << when << opened.error().describe();
    opened->reader().visit([&](const types::hash::Field& field) {
      found.emplace(field.name, field.value);
      return true;
    });
    ASSERT_TRUE(opened->whole()) << when;
    ASSERT_EQ(found, wanted) << when;
  }
  /// Visits every page.
  template <class Visit>
  void each_page(const Visit& visit) {
    const auto database = static_cast<std::size_t>(pages_database(engine->keyspace()));
    const std::size_t shards = engine->keyspace().shards_per_database();
    for (std::size_t i = 0; i < shards; ++i) {
      keyspace::Shard& shard = engine->keyspace().shard(static_cast<keyspace::ShardId>(database * shards + i));
      base::ShortLock lock(shard.mutex());
      for (std::uint64_t at = 0; at < keyspace::Shard::kScanEnd;) at = shard.scan(at, 100, visit);
    }
  }
  std::size_t patched() {
    std::size_t count = 0;
    each_page([&](keyspace::Entry entry) { count += entry.patches() != 0 ? 1 : 0; });
    return count;
  }
  void spill() {
    engine->budget().set(1, MemoryPolicy::kSpill);
    for (int i = 0; i < 20; ++i) engine->budget().settle();
    engine->budget().set(0, MemoryPolicy::kSpill);
  }
  void remove_images() {
    const auto names = disk.list("/db");
    ASSERT_TRUE(names);
    for (const std::string& name : *names) {
      if (name.ends_with(".image")) {
        ASSERT_TRUE(disk.remove("/db/" + name));
      }
    }
  }

  sim::SimFileSystem disk;
  ManualClock clock{UnixMs{1'000'000}};
  base::Random random{12};
  Fields wanted;
  std::unique_ptr<Engine> engine;
};

TEST_F(Patches, cost_the_log_the_change_and_not_the_page) {
  fill(2000);
  const Lsn before = engine->log().tail();
  constexpr int kChanges = 1000;
  for (int i = 0; i < kChanges; ++i) set(a_field(), a_value());
  const std::uint64_t each = (engine->log().tail() - before) / kChanges;
  EXPECT_LT(each, 260u) << "a page has some 700 bytes, and a root of 80 goes with it";
  EXPECT_GT(patched(), 0u);
  check("after the changes");
}

TEST_F(Patches, are_followed_by_the_whole_value_before_they_are_many) {
  fill(200);
  std::map<std::string, int> longest;
  std::map<std::string, int> chain;
  for (int i = 0; i < 3000; ++i) set(a_field(), a_value());
  ASSERT_TRUE(engine->wait({.written = engine->log().tail()}));
  int whole = 0;
  int parts = 0;
  ASSERT_TRUE(engine->log().scan(log::kFirstLsn, engine->log().written(), [&](auto run) -> Result<void> {
    for (const log::RecordView& record : run) {
      if (record.database != kPagesNumber) continue;
      const std::string key(record.key);
      if (record.kind == log::RecordKind::kPatch) {
        ++parts;
        longest[key] = std::max(longest[key], ++chain[key]);
      } else {
        ++whole;
        chain[key] = 0;
      }
    }
    return {};
  }));
  for (const auto& [key, count] : longest) EXPECT_LT(count, 100);
  EXPECT_GT(parts, 5 * whole);
}

TEST_F(Patches, agree_with_a_map_across_restarts_images_cleaning_and_spilling) {
  fill(600);
  std::size_t most = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string when = "round " + std::to_string(round);
    for (auto changes = random.below(150); changes > 0; --changes) set(a_field(), a_value());
    most = std::max(most, patched());
    switch (random.below(7)) {
      case 0: ASSERT_TRUE(engine->checkpoint()) << when; break;
      case 1: ASSERT_TRUE(engine->clean()) << when; break;
      case 2: die(); break;
      case 3: close_and_open(); break;
      case 4: spill(); break;
      case 5:
        remove_images();
        die();
        break;
      default:
        spill();
        ASSERT_TRUE(engine->clean()) << when;
        break;
    }
    if (HasFatalFailure()) return;
    ASSERT_NO_FATAL_FAILURE(check(when));
  }
  EXPECT_GT(most, 10u);
}

TEST_F(Patches, are_undone_with_their_transaction) {
  fill(300);
  for (int i = 0; i < 100; ++i) set(a_field(), a_value());
  for (int round = 0; round < 20; ++round) {
    const KeyRef key{0, "h"};
    Transaction transaction(*engine, key);
    auto opened = open_collection<Hash>(transaction, key);
    ASSERT_TRUE(opened);
    for (int i = 0; i < 30; ++i) opened->editor().set(a_field(), "never there");
    ASSERT_TRUE(keep_collection(transaction, key, *opened));
  }
  check("undone");
  set(a_field(), a_value());
  die();
  check("after a restart");
}

TEST_F(Patches, are_in_a_snapshot_and_in_the_past_as_they_were) {
  fill(400);
  for (int i = 0; i < 500; ++i) set(a_field(), a_value());
  const Fields then = wanted;
  const Lsn version{raw(engine->log().tail()) - 1};
  SnapshotWalk walk(*engine);
  for (int i = 0; i < 500; ++i) set(a_field(), a_value());
  Fields found;
  const auto report = walk.run([&](const SnapshotItem& item) -> Result<void> {
    types::hash::Compact(item.value).visit([&](const types::hash::Field& field) {
      found.emplace(field.name, field.value);
      return true;
    });
    return {};
  });
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_EQ(found, then);
  Pending pending;
  const auto past = History(*engine).value_at({0, "h"}, version, pending);
  ASSERT_TRUE(past) << past.error().describe();
  ASSERT_TRUE(past->has_value());
  Fields back;
  types::hash::Compact((*past)->value).visit([&](const types::hash::Field& field) {
    back.emplace(field.name, field.value);
    return true;
  });
  EXPECT_EQ(back, then);
}

TEST_F(Patches, that_cannot_be_read_are_told_and_never_passed_over) {
  fill(300);
  ASSERT_TRUE(engine->checkpoint());
  for (int i = 0; i < 40; ++i) set(a_field(), a_value());
  Lsn bad = kNoLsn;
  each_page([&](keyspace::Entry entry) {
    if (entry.patches() != 0) bad = entry.value_record();
  });
  ASSERT_NE(bad, kNoLsn);
  ASSERT_TRUE(engine->wait({.written = engine->log().tail()}));
  spill();
  for (const log::SegmentInfo& segment : engine->log().segments()) {
    if (bad < segment.base || bad >= segment.end) continue;
    ASSERT_TRUE(disk.flip_bit("/db/" + log::segment_name(segment.base),
                              8 * (log::kSegmentHeaderBytes + (bad - segment.base) + log::kRecordHeaderBytes)));
  }
  const KeyRef at{0, "h"};
  Transaction transaction(*engine, at);
  const auto opened = open_collection<Hash>(transaction, at);
  ASSERT_TRUE(opened);
  opened->reader().visit([](const types::hash::Field&) { return true; });
  EXPECT_FALSE(opened->whole());
  transaction.rollback();
  const auto cleaned = engine->clean();
  ASSERT_FALSE(cleaned);
  EXPECT_EQ(cleaned.error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace stave::store
