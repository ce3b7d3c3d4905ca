// Snapshots, loading, backups, restores, and a store that has no directory.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "doors/library/library_fixture_for_test.h"
#include "stave/session.h"

namespace stave {
namespace {

/// In the system's files; the name is this process's own.
class Scratch {
 public:
  Scratch() { std::filesystem::create_directories(path_); }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("stave_library_" + std::to_string(::getpid()));
};

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

void fill(Store& store) {
  ASSERT_TRUE(store.set("text", "Alice"));
  ASSERT_TRUE(store.set("late", "x", {.ttl = Ttl::after_ms(3'600'000)}));
  ASSERT_TRUE(store.set("elsewhere", "y", {.database = 3}));
  ASSERT_TRUE(store.hash_set("hash", "f", "v"));
  ASSERT_TRUE(store.list_push("list", ListEnd::kBack, "e"));
  ASSERT_TRUE(store.set_add("set", "m"));
  ASSERT_TRUE(store.sorted_set_add("zset", "m", 2.5));
}

void expect_filled(Store& store) {
  EXPECT_EQ(store.get("text").value(), "Alice");
  EXPECT_FALSE(store.expiry("late").value()->never());
  EXPECT_EQ(store.get("elsewhere", {.database = 3}).value(), "y");
  EXPECT_EQ(store.hash_get("hash", "f").value(), "v");
  EXPECT_EQ(store.list_range("list", 0, -1).value(), (std::vector<std::string>{"e"}));
  EXPECT_TRUE(store.set_contains("set", "m").value());
  EXPECT_EQ(store.sorted_set_score("zset", "m").value(), 2.5);
}

using Archive = LibraryTest;

TEST_F(Archive, a_snapshot_of_any_format_loads_into_another_store) {
  fill(store());
  struct Case {
    std::string name;
    SnapshotFormat format;
  };
  for (const auto& [name, format] : {Case{"data.json", SnapshotFormat::kByName},
                                     {"data.ndjson", SnapshotFormat::kByName},
                                     {"data.stave", SnapshotFormat::kByName},
                                     {"a", SnapshotFormat::kJson},
                                     {"b", SnapshotFormat::kNdjson},
                                     {"c.json", SnapshotFormat::kBinary}}) {
    const auto written = store().snapshot(name, format);
    ASSERT_TRUE(written) << name << ": " << written.error().describe();
    EXPECT_EQ(written->keys, 7u) << name;
    EXPECT_GT(written->bytes, 0u) << name;
    auto settings = options();
    auto other = Store::open("other-" + name, settings);
    ASSERT_TRUE(other);
    const auto loaded = (*other)->load(name);
    ASSERT_TRUE(loaded) << name << ": " << loaded.error().describe();
    EXPECT_EQ(loaded->keys, 7u) << name;
    expect_filled(**other);
  }
  EXPECT_EQ(store().snapshot("d", SnapshotFormat::kBinary1).error().code(), ErrorCode::kUnsupported);
  EXPECT_FALSE(*files_->exists("d"));
}

TEST_F(Archive, loading_replaces_keys_of_the_same_name_leaves_others_and_lasts) {
  ASSERT_TRUE(store().set("a", "1"));
  ASSERT_TRUE(store().set("soon", "1", {.ttl = Ttl::after_ms(1000)}));
  ASSERT_TRUE(store().snapshot("s"));
  ASSERT_TRUE(store().flush_all());
  ASSERT_TRUE(store().list_push("a", ListEnd::kBack, "x"));
  ASSERT_TRUE(store().set("b", "2"));
  clock_.advance_ms(2000);
  const auto loaded = store().load("s");
  ASSERT_TRUE(loaded) << loaded.error().describe();
  EXPECT_EQ(loaded->keys, 1u);
  EXPECT_EQ(loaded->expired, 1u);
  reopen();
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(get("b"), "2");
  EXPECT_EQ(get("soon"), std::nullopt);
}

TEST_F(Archive, what_cannot_be_loaded_says_why) {
  EXPECT_EQ(store().load("none").error().code(), ErrorCode::kNotFound);
  {
    auto file = files_->open("junk", OpenMode::kCreate);
    ASSERT_TRUE(file);
    const std::string_view text = "this is no snapshot at all";
    ASSERT_TRUE((*file)->write_at(0, std::as_bytes(std::span(text))));
  }
  const auto junk = store().load("junk");
  ASSERT_FALSE(junk);
  EXPECT_NE(junk.error().describe().find("junk"), std::string::npos);
  ASSERT_TRUE(store().set("far", "x", {.database = 15}));
  ASSERT_TRUE(store().snapshot("s.json"));
  auto settings = options();
  settings.databases = 1;
  auto small = Store::open("small", settings);
  ASSERT_TRUE(small);
  EXPECT_EQ((*small)->load("s.json").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(store().snapshot("no/such/place").error().code(), ErrorCode::kNotFound);
}

TEST_F(Archive, an_older_snapshot_of_the_name_stays_until_the_new_one_is_whole) {
  ASSERT_TRUE(store().set("a", "1"));
  ASSERT_TRUE(store().snapshot("s"));
  ASSERT_TRUE(store().hash_set("h", "f", "v"));
  EXPECT_FALSE(store().snapshot("s", SnapshotFormat::kBinary1));
  ASSERT_TRUE(store().flush_all());
  EXPECT_EQ(store().load("s")->keys, 1u);
}

TEST_F(Archive, two_snapshots_of_one_name_at_once_leave_a_whole_one) {
  constexpr int kKeys = 1000;  // enough to be written in several pieces
  for (int i = 0; i < kKeys; ++i) ASSERT_TRUE(store().set("k" + std::to_string(i), std::string(2000, 'x')));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) EXPECT_TRUE(store().snapshot("s", SnapshotFormat::kJson));
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(store().flush_all());
  const auto loaded = store().load("s");
  ASSERT_TRUE(loaded) << loaded.error().describe();
  EXPECT_EQ(loaded->keys, std::uint64_t{kKeys});
}

TEST_F(Archive, a_backup_is_restored_as_of_a_point) {
  const Lsn first = store().set("a", "1").value();
  const Lsn second = store().set("a", "2").value();
  ASSERT_TRUE(store().backup("backup"));
  const auto restored = Store::restore("backup", "before", {.point = Point(second), .file_system = files_.get()});
  ASSERT_TRUE(restored) << restored.error().describe();
  EXPECT_LE(raw(restored->end), raw(second));
  EXPECT_GT(raw(restored->end), raw(first));
  auto before = Store::open("before", options());
  ASSERT_TRUE(before) << before.error().describe();
  EXPECT_EQ((*before)->get("a").value(), "1");
  const auto again = Store::restore("backup", "before", {.file_system = files_.get()});
  EXPECT_EQ(again.error().code(), ErrorCode::kConflict);
  EXPECT_EQ(Store::restore("none", "x", {.file_system = files_.get()}).error().code(), ErrorCode::kNotFound);
}

TEST(InMemory, a_store_without_a_directory_is_empty_each_time_and_leaves_nothing) {
  const auto before = std::filesystem::exists(":memory:");
  for (int round = 0; round < 2; ++round) {
    auto first = Store::open(":memory:", {.create_if_missing = false});
    auto second = Store::open(":memory:");
    ASSERT_TRUE(first) << first.error().describe();
    ASSERT_TRUE(second);
    EXPECT_EQ((*first)->size().value(), 0u);
    fill(**first);
    expect_filled(**first);
    EXPECT_EQ((*second)->size().value(), 0u);
    EXPECT_EQ((*first)->session()->execute({"GET", "text"}).text, "Alice");
    EXPECT_EQ((*first)->history("text")->size(), 1u);
  }
  EXPECT_EQ(std::filesystem::exists(":memory:"), before);
}

TEST(InMemory, its_snapshots_lie_in_real_files_and_it_has_no_backups) {
  const Scratch scratch;
  auto store = Store::open(":memory:");
  ASSERT_TRUE(store);
  fill(**store);
  const auto written = (*store)->snapshot(scratch / "data.json");
  ASSERT_TRUE(written) << written.error().describe();
  EXPECT_NE(content_of(scratch / "data.json").find("Alice"), std::string::npos);
  EXPECT_EQ((*store)->backup(scratch / "backup").error().code(), ErrorCode::kUnsupported);
  auto other = Store::open(":memory:");
  ASSERT_TRUE(other);
  ASSERT_TRUE((*other)->load(scratch / "data.json"));
  expect_filled(**other);
}

TEST(InMemory, a_store_gives_the_room_of_what_was_overwritten_back) {
  Options options;
  options.segment_bytes = 1 << 20;
  auto store = Store::open(":memory:", options);
  ASSERT_TRUE(store);
  const std::string value(10'000, 'x');
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE((*store)->set("k" + std::to_string(i % 50), value + std::to_string(i)));
  // 200 MB went through it, of which half a megabyte is alive; what that takes is asked after a moment of cleaning.
  for (int i = 0; i < 200 && (*store)->stats().log_bytes > (40 << 20); ++i) ASSERT_TRUE((*store)->sync());
  EXPECT_EQ((*store)->size().value(), 50u);
}

}  // namespace
}  // namespace stave
