// Backups that follow one another: what is kept, what gives way, and what a run that was cut short leaves.
#include "archive/backup_series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "archive/restore.h"
#include "base/bytes.h"
#include "store/options_for_test.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::archive {

namespace {

constexpr std::int64_t kHourMs = 3'600'000;

class BackupSeries : public ::testing::Test {
 protected:
  void SetUp() override { engine = open("/db"); }
  std::unique_ptr<store::Engine> open(const std::string& directory) {
    auto opened = store::Engine::open(directory, store::still_options(*files, clock, 2));
    EXPECT_TRUE(opened) << opened.error().describe();
    return opened ? std::move(*opened) : nullptr;
  }
  SeriesReport add(const Retention& keep) {
    clock.advance_ms(kHourMs);
    auto report = add_to_series(*engine, "/backups", keep);
    EXPECT_TRUE(report) << report.error().describe();
    return report ? *report : SeriesReport{};
  }
  std::vector<std::string> names() { return files->list_directories("/backups").value(); }

  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  std::unique_ptr<store::Engine> engine;
};

TEST_F(BackupSeries, names_say_when_and_only_those_are_names) {
  EXPECT_EQ(series_name(UnixMs{1'700'000'000'123}), "auto-2023-11-14T22-13-20Z");
  EXPECT_TRUE(is_series_name("auto-2023-11-14T22-13-20Z"));
  for (const char* const other : {"", "auto-", "auto-2023-11-14T22-13-20", "auto-2023-11-14T22-13-20Zx", "monday",
                                  "auto-2023-11-14T22:13:20Z", "Auto-2023-11-14T22-13-20Z"})
    EXPECT_FALSE(is_series_name(other)) << other;
}

TEST_F(BackupSeries, keeps_the_newest_and_each_is_restored_as_it_was) {
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(engine->put({0, "k"}, std::to_string(i), {}));
    made.push_back(add({.count = 3}).directory);
  }
  ASSERT_EQ(names().size(), 3U);
  EXPECT_FALSE(*files->exists(made[1]));
  for (int i = 2; i < 5; ++i) {
    const std::string target = "/new" + std::to_string(i);
    ASSERT_TRUE(
        restore(*files, {.source = made[static_cast<std::size_t>(i)], .log = {}, .target = target, .point = {}}));
    const auto copy = open(target);
    std::string value;
    ASSERT_TRUE(copy->read({0, "k"}, store::Access::kPeek,
                           [&](const store::ValueView* view) { value = view == nullptr ? "" : view->value; }));
    EXPECT_EQ(value, std::to_string(i));
  }
}

TEST_F(BackupSeries, keeps_what_is_young_beyond_the_count) {
  for (int i = 0; i < 6; ++i) add({.count = 1, .age_ms = 3 * kHourMs + 1});
  EXPECT_EQ(names().size(), 4U) << "of now, and of one, two and three hours ago";
  EXPECT_EQ(add({.count = 1}).kept, 1U);
}

TEST_F(BackupSeries, touches_nothing_that_is_not_its_own) {
  ASSERT_TRUE(engine->put({0, "k"}, "v", {}));
  ASSERT_TRUE(back_up(*engine, "/backups/monday"));
  ASSERT_TRUE(files->create_directories("/backups/auto-2023-11-14T22-13-21Z"));
  ASSERT_TRUE(files->open("/backups/auto-2023-11-14T22-13-21Z/letter", OpenMode::kCreate));
  ASSERT_TRUE(files->open("/backups/note", OpenMode::kCreate));
  for (int i = 0; i < 3; ++i) add({.count = 1});
  EXPECT_TRUE(verify_backup(*files, "/backups/monday")->findings.empty());
  EXPECT_TRUE(*files->exists("/backups/auto-2023-11-14T22-13-21Z/letter"));
  EXPECT_TRUE(*files->exists("/backups/note"));
  EXPECT_EQ(names().size(), 3U);
}

TEST_F(BackupSeries, knows_the_backups_of_its_store_only) {
  add({.count = 9});
  const auto other = open("/other");
  ASSERT_TRUE(add_to_series(*other, "/backups", {.count = 1}));
  log::StoreId ours{};
  std::ranges::copy(engine->log().store_id(), ours.begin());
  const auto found = list_backups(*files, "/backups", ours);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_TRUE(found->front().of_series);
  EXPECT_TRUE(list_backups(*files, "/nowhere", ours)->empty());
}

TEST_F(BackupSeries, what_was_given_up_is_no_backup_and_the_next_one_clears_it) {
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(engine->put({0, "k" + std::to_string(i)}, std::string(5000, 'x'), {}));
  add({.count = 9});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(engine->put({0, "l" + std::to_string(i)}, std::string(5000, 'x'), {}));
  clock.advance_ms(kHourMs);
  int asked = 0;
  const auto given_up = add_to_series(*engine, "/backups", {.count = 1}, [&]() -> Result<void> {
    if (++asked > 1) return fail(ErrorCode::kAborted, "enough");
    return {};
  });
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code(), ErrorCode::kAborted);
  log::StoreId ours{};
  std::ranges::copy(engine->log().store_id(), ours.begin());
  EXPECT_EQ(list_backups(*files, "/backups", ours)->size(), 1U);
  const SeriesReport next = add({.count = 1});
  EXPECT_EQ(names(), std::vector<std::string>{next.directory.substr(next.directory.rfind('/') + 1)});
}

// Whatever moment the power fails at, what counts as a backup is one, and there is one from the first on.
TEST(BackupSeriesCrash, leaves_at_least_the_one_before) {
  std::uint64_t operations = 0;
  for (std::uint64_t at = 1; at == 1 || at <= operations; at += 3) {
    sim::SimFileSystem disk(at);
    ManualClock clock;
    {
      auto engine = store::Engine::open("/db", store::still_options(disk, clock, 2));
      ASSERT_TRUE(engine);
      ASSERT_TRUE((*engine)->put({0, "k"}, "v", {}));
      ASSERT_TRUE((*engine)->sync());
      ASSERT_TRUE(add_to_series(**engine, "/backups", {.count = 1}));
      const std::uint64_t begun = disk.operations();
      if (at != 1) disk.crash_at(begun + at);
      clock.advance_ms(kHourMs);
      static_cast<void>(add_to_series(**engine, "/backups", {.count = 1}));
      if (at == 1) operations = disk.operations() - begun;
    }
    sim::SimFileSystem after = disk.after_crash(sim::kCrashModes[at % std::size(sim::kCrashModes)], at);
    auto engine = store::Engine::open("/db", store::still_options(after, clock, 2));
    ASSERT_TRUE(engine) << engine.error().describe();
    log::StoreId ours{};
    std::ranges::copy((*engine)->log().store_id(), ours.begin());
    const auto found = list_backups(after, "/backups", ours);
    ASSERT_TRUE(found);
    EXPECT_GE(found->size(), 1U) << "operation " << at;
    for (const BackupPlace& place : *found)
      EXPECT_TRUE(verify_backup(after, place.directory)->findings.empty()) << "operation " << at;
    clock.advance_ms(kHourMs);
    const auto next = add_to_series(**engine, "/backups", {.count = 1});
    ASSERT_TRUE(next) << next.error().describe() << " operation " << at;
    EXPECT_EQ(after.list_directories("/backups")->size(), 1U) << "operation " << at;
  }
}

}  // namespace

}  // namespace stave::archive
