// Backups and what is restored from them, beside a map that knows what the store held at every point.
#include "archive/backup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

#include "archive/backup_manifest.h"
#include "archive/restore.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/try.h"
#include "store/options_for_test.h"
#include "store/transaction.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::archive {

using namespace store;

namespace {

using Model = std::map<std::string, std::string>;

Options options_for(FileSystem& files, Clock& clock) {
  Options o = still_options(files, clock, 2);
  o.packing = Packing::kNone;
  return o;
}

Model contents(Engine& engine) {
  Model found;
  visit_all(engine, 0,
            [&](std::string_view key, const ValueView& view) { found[std::string(key)] = std::string(view.value); });
  return found;
}

class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override { engine = open("/db"); }
  std::unique_ptr<Engine> open(const std::string& directory) {
    auto opened = Engine::open(directory, options_for(*files, clock));
    EXPECT_TRUE(opened) << opened.error().describe();
    return opened ? std::move(*opened) : nullptr;
  }
  void put(const std::string& key, const std::string& value) {
    ASSERT_TRUE(engine->put({0, key}, value, {}));
    model[key] = value;
  }
  void fill(int from, int to, std::size_t bytes = 1000) {
    for (int i = from; i < to; ++i) put("k" + std::to_string(i), std::to_string(i) + std::string(bytes, 'x'));
  }
  BackupReport back_up_now(const std::string& directory = "/backup") {
    auto report = back_up(*engine, directory);
    EXPECT_TRUE(report) << report.error().describe();
    return report ? *report : BackupReport{};
  }
  std::vector<std::string> findings(const std::string& directory = "/backup") {
    auto check = verify_backup(*files, directory);
    if (!check) return {check.error().describe()};
    return check->findings;
  }
  /// What a store restored to `point` holds.
  Model restored(std::variant<std::monostate, Lsn, UnixMs> point, const std::string& source = "/backup",
                 const std::string& log = "") {
    const std::string target = "/new" + std::to_string(++targets);
    auto report = restore(*files, {.source = source, .log = log, .target = target, .point = point});
    EXPECT_TRUE(report) << report.error().describe();
    if (!report) return {};
    last = *report;
    const auto copy = open(target);
    if (copy == nullptr) return {};
    Model found = contents(*copy);
    // It goes on as a store.
    EXPECT_TRUE(copy->put({0, "after"}, "restored", {}));
    EXPECT_TRUE(copy->close());
    const auto again = open(target);
    found["after"] = "restored";
    EXPECT_TRUE(contents(*again) == found);
    found.erase("after");
    return found;
  }
  std::string refusal(std::variant<std::monostate, Lsn, UnixMs> point, const std::string& source = "/backup",
                      const std::string& log = "") {
    auto report = restore(*files, {.source = source, .log = log, .target = "/refused", .point = point});
    EXPECT_FALSE(report);
    EXPECT_FALSE(*files->exists("/refused"));
    return report ? "" : report.error().message();
  }

  ManualClock clock;
  std::unique_ptr<FileSystem> files = make_memory_file_system();
  std::unique_ptr<Engine> engine;
  Model model;
  RestoreReport last;
  int targets = 0;
};

/// Hands everything on, but does not give back one byte of an image, by whichever name.
class UnreadableImages final : public FileSystem {
 public:
  UnreadableImages(FileSystem& files, std::uint64_t bad) : files_(files), bad_(bad) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    STAVE_ASSIGN(auto file, files_.open(path, mode));
    if (!path.ends_with(".image") || mode != OpenMode::kRead) return file;
    return std::make_unique<Unreadable>(std::move(file), path, bad_);
  }
  Result<void> create_directories(const std::string& path) override { return files_.create_directories(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return files_.list(path); }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<void> link(const std::string& from, const std::string& to) override { return files_.link(from, to); }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<void> sync_directory(const std::string& path) override { return files_.sync_directory(path); }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override { return files_.lock(path); }
  Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) override {
    return files_.lock_directory(path);
  }
  Result<FileIdentity> identity(const std::string& path) override { return files_.identity(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return files_.free_bytes(path); }

 private:
  class Unreadable final : public File {
   public:
    Unreadable(std::unique_ptr<File> file, std::string path, std::uint64_t bad)
        : file_(std::move(file)), path_(std::move(path)), bad_(bad) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> into) override {
      if (offset <= bad_ && bad_ < offset + into.size())
        return fail(Error(ErrorCode::kIo, "cannot read").with_errno(EIO).with_file(path_));
      return file_->read_at(offset, into);
    }
    Result<void> write_at(std::uint64_t, std::span<const std::byte>) override { return refused(); }
    Result<void> sync_data() override { return refused(); }
    Result<void> allocate(std::uint64_t) override { return refused(); }
    Result<void> truncate(std::uint64_t) override { return refused(); }
    Result<std::uint64_t> size() override { return file_->size(); }
    Result<void> drop_cache() override { return file_->drop_cache(); }

   private:
    static std::unexpected<Error> refused() { return fail(ErrorCode::kInvalidArgument, "it was opened for reading"); }
    std::unique_ptr<File> file_;
    std::string path_;
    const std::uint64_t bad_;
  };

  FileSystem& files_;
  const std::uint64_t bad_;
};

/// Hands everything on; the segment that was begun gets its name just before it is opened for the `nth` time.
class NamesMeanwhile final : public FileSystem {
 public:
  NamesMeanwhile(FileSystem& files, int nth) : files_(files), left_(nth) {}

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    STAVE_TRY(look(path, mode == OpenMode::kRead));
    return files_.open(path, mode);
  }
  Result<bool> exists(const std::string& path) override {
    STAVE_TRY(look(path, true));
    return files_.exists(path);
  }
  Result<void> create_directories(const std::string& path) override { return files_.create_directories(path); }
  Result<std::vector<std::string>> list(const std::string& path) override { return files_.list(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<void> link(const std::string& from, const std::string& to) override { return files_.link(from, to); }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<void> sync_directory(const std::string& path) override { return files_.sync_directory(path); }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override { return files_.lock(path); }
  Result<std::unique_ptr<DirectoryLock>> lock_directory(const std::string& path) override {
    return files_.lock_directory(path);
  }
  Result<FileIdentity> identity(const std::string& path) override { return files_.identity(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return files_.free_bytes(path); }

  [[nodiscard]] bool named() const noexcept { return named_; }

 private:
  Result<void> look(const std::string& path, bool reads) {
    if (!reads || !path.starts_with("/begun/") || !path.ends_with(".next") || --left_ != 0) return {};
    named_ = true;
    return files_.rename(path, path.substr(0, path.size() - 5) + ".seg");
  }

  FileSystem& files_;
  int left_;
  bool named_ = false;
};

TEST_F(BackupTest, a_restore_goes_on_when_a_segment_gets_its_name_meanwhile) {
  fill(0, 200);
  const Model wanted = contents(*engine);
  ASSERT_TRUE(engine->close());
  engine.reset();
  int named = 0;
  for (int nth = 1; nth < 8; ++nth) {
    ASSERT_TRUE(files->create_directories("/begun"));
    const std::vector<std::string> names = *files->list("/db");
    std::string newest;
    for (const std::string& name : names) {
      if (log::parse_segment_name(name)) newest = name;
    }
    for (const std::string& name : names) {
      if (!log::parse_segment_name(name) && name != log::kIdentityName) continue;
      const std::string as = name == newest ? name.substr(0, name.size() - 4) + ".next" : name;
      ASSERT_TRUE(copy_file(*files, "/db/" + name, "/begun/" + as));
    }
    NamesMeanwhile meanwhile(*files, nth);
    const std::string target = "/named" + std::to_string(nth);
    const auto report = restore(meanwhile, {.source = "/begun", .log = {}, .target = target, .point = {}});
    ASSERT_TRUE(report) << nth << ": " << report.error().describe();
    named += meanwhile.named() ? 1 : 0;
    const std::vector<std::string> left = *files->list("/begun");
    for (const std::string& name : left) ASSERT_TRUE(files->remove("/begun/" + name));
    engine = open(target);
    EXPECT_EQ(contents(*engine), wanted);
    engine.reset();
  }
  EXPECT_GT(named, 2);
}

// In the middle are the entries, which are only read once the image has its second name in the backup's directory.
TEST_F(BackupTest, leaves_out_an_image_that_cannot_be_read_wherever_that_is) {
  fill(0, 100);
  ASSERT_TRUE(engine->checkpoint());
  ASSERT_TRUE(engine->close());
  const auto is_image = [](const std::string& name) { return name.ends_with(".image"); };
  const auto sound = std::move(files);
  const std::vector<std::string> ours = *sound->list("/db");
  const auto image = std::ranges::find_if(ours, is_image);
  ASSERT_NE(image, ours.end());
  const std::uint64_t size = *(*sound->open("/db/" + *image, OpenMode::kRead))->size();
  for (const std::uint64_t bad : {std::uint64_t{0}, size / 2, size - 1}) {
    files = std::make_unique<UnreadableImages>(*sound, bad);
    engine = open("/db");
    const std::string target = "/backup" + std::to_string(bad);
    EXPECT_EQ(back_up_now(target).unreadable_images, 1u) << bad;
    const std::vector<std::string> theirs = *files->list(target);
    EXPECT_EQ(std::ranges::count_if(theirs, is_image), 0) << bad;
    EXPECT_EQ(findings(target), std::vector<std::string>{}) << bad;
    EXPECT_TRUE(restored({}, target) == model) << bad;
    engine.reset();
  }
  files.reset();
}

TEST_F(BackupTest, is_restored_as_the_store_was) {
  fill(0, 300);
  put("k5", "changed");
  const BackupReport report = back_up_now();
  const Model then = model;
  fill(300, 350);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  EXPECT_EQ(report.first, log::kFirstLsn);
  EXPECT_GT(report.linked_files, 3u);
  EXPECT_TRUE(restored({}) == then);
  EXPECT_EQ(last.end, report.end);
}

TEST_F(BackupTest, of_an_empty_store_is_restored_empty) {
  back_up_now();
  EXPECT_EQ(findings(), std::vector<std::string>{});
  EXPECT_EQ(restored({}), Model{});
}

TEST_F(BackupTest, a_later_one_adds_only_what_is_new) {
  fill(0, 500);
  const BackupReport first = back_up_now();
  fill(500, 520);
  const BackupReport second = back_up_now();
  EXPECT_EQ(second.first, first.first);
  EXPECT_GT(second.end, first.end);
  EXPECT_EQ(second.added_files, 1u);
  EXPECT_LT(second.added_bytes, first.added_bytes / 5);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  EXPECT_TRUE(restored({}) == model);
}

TEST_F(BackupTest, keeps_what_the_store_has_dropped_since) {
  fill(0, 300);
  const Model then = model;
  const Lsn before = engine->log().tail();
  back_up_now();
  for (int i = 0; i < 300; i += 2) put("k" + std::to_string(i), "new");
  ASSERT_TRUE(engine->flush_all());
  model.clear();
  fill(0, 30);
  ASSERT_TRUE(engine->clean());
  EXPECT_GT(engine->log().stats().first, log::kFirstLsn);
  // The cleaner has been faster than the backup: what came between is missing.
  EXPECT_TRUE(back_up_now().afresh);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  EXPECT_TRUE(restored({}) == model);
  // With everything kept until the next backup, nothing is.
  engine->upkeep().history_bytes = 1u << 30;
  const Lsn later = engine->log().tail();
  const Model at_later = model;
  fill(30, 200);
  back_up_now();
  engine->upkeep().history_bytes = 0;
  ASSERT_TRUE(engine->clean());
  fill(10, 20);
  EXPECT_FALSE(back_up_now().afresh);
  EXPECT_EQ(findings(), std::vector<std::string>{});
  EXPECT_TRUE(restored({}) == model);
  EXPECT_TRUE(restored(later) == at_later);
  EXPECT_NE(refusal(before).find("begins at LSN"), std::string::npos);
}

TEST_F(BackupTest, a_flush_is_undone_from_the_log_of_a_store_at_work) {
  engine->upkeep().history_bytes = 1u << 30;
  fill(0, 200);
  ASSERT_TRUE(engine->checkpoint());
  fill(200, 300);
  const Model then = model;
  const UnixMs moment = engine->now();
  clock.advance_ms(10);
  const Lsn flush = engine->log().tail();
  ASSERT_TRUE(engine->flush_all());
  ASSERT_TRUE(engine->put({0, "fresh"}, "1", {}));
  ASSERT_TRUE(engine->sync());
  EXPECT_TRUE(restored(flush, "/db") == then);
  EXPECT_TRUE(last.with_image);
  EXPECT_TRUE(restored(moment, "/db") == then);
  EXPECT_EQ(restored({}, "/db"), (Model{{"fresh", "1"}}));
}

TEST_F(BackupTest, the_log_goes_on_where_the_backup_ends) {
  fill(0, 100);
  back_up_now();
  fill(100, 250);
  const Model then = model;
  const Lsn point = engine->log().tail();
  fill(0, 50, 10);
  ASSERT_TRUE(engine->sync());
  EXPECT_TRUE(restored(point, "/backup", "/db") == then);
  EXPECT_TRUE(restored({}, "/backup", "/db") == model);
  EXPECT_NE(refusal(engine->log().tail() + 1, "/backup", "/db").find("the log ends at LSN"), std::string::npos);
  EXPECT_NE(refusal(point).find("the log ends at LSN"), std::string::npos);
}

TEST_F(BackupTest, names_the_earliest_point_when_the_beginning_is_missing) {
  fill(0, 300);
  ASSERT_TRUE(engine->clean());
  engine->upkeep().history_bytes = 1u << 30;
  fill(0, 10);
  const Lsn first = engine->log().stats().first;
  ASSERT_GT(first, log::kFirstLsn);
  back_up_now();
  const std::string sentence = refusal(first + 0);
  const std::size_t at = sentence.find("earliest point that can be restored is LSN ");
  ASSERT_NE(at, std::string::npos) << sentence;
  const Lsn earliest{std::strtoull(sentence.c_str() + at + 43, nullptr, 10)};
  EXPECT_EQ(restored(earliest).size(), 300u);
  EXPECT_NE(refusal(Lsn{raw(earliest) - 1}).find("earliest"), std::string::npos);
}

TEST_F(BackupTest, refuses_a_store_that_went_another_way) {
  fill(0, 100);
  const Lsn point = engine->log().tail();
  fill(100, 200);
  back_up_now();
  auto report = restore(*files, {.source = "/backup", .log = {}, .target = "/other", .point = point});
  ASSERT_TRUE(report);
  const auto other = open("/other");
  ASSERT_NE(other, nullptr);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(other->put({0, "o" + std::to_string(i)}, std::string(1000, 'o'), {}));
  const auto into_same = back_up(*other, "/backup");
  ASSERT_FALSE(into_same);
  EXPECT_EQ(into_same.error().code(), ErrorCode::kConflict);
  EXPECT_NE(refusal({}, "/backup", "/other").find("different ways"), std::string::npos);
  EXPECT_TRUE(back_up(*other, "/backup2"));
}

TEST_F(BackupTest, refuses_a_directory_that_holds_something_else) {
  fill(0, 10);
  ASSERT_TRUE(files->create_directories("/letters"));
  ASSERT_TRUE(files->open("/letters/a.txt", OpenMode::kCreate));
  for (const char* place : {"/db", "/letters"}) {
    const auto report = back_up(*engine, place);
    ASSERT_FALSE(report) << place;
    EXPECT_EQ(report.error().code(), ErrorCode::kConflict);
  }
  // And a backup is not opened as a store: its files may be the store's own.
  back_up_now();
  EXPECT_FALSE(Engine::open("/backup", options_for(*files, clock)));
  EXPECT_EQ(findings(), std::vector<std::string>{});
}

// As with a store, removing the lock file makes no room for a second one.
TEST_F(BackupTest, is_made_by_one_at_a_time_whatever_becomes_of_the_lock_file) {
  fill(0, 10);
  back_up_now();
  const auto other = files->lock_directory("/backup");
  ASSERT_TRUE(other);
  ASSERT_TRUE(files->remove("/backup/BACKUP.LOCK"));
  const auto refused = back_up(*engine, "/backup");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kBusy);
}

TEST_F(BackupTest, verify_finds_every_damaged_file) {
  fill(0, 200);
  ASSERT_TRUE(engine->checkpoint());
  back_up_now();
  ASSERT_TRUE(engine->close());
  ASSERT_EQ(findings(), std::vector<std::string>{});
  base::Random random(7);
  const std::vector<std::string> names = *files->list("/backup");
  for (const std::string& name : names) {
    if (name == "BACKUP.LOCK") continue;
    const std::string path = "/backup/" + name;
    auto file = *files->open(path, OpenMode::kReadWrite);
    const std::uint64_t size = *file->size();
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t at = random.below(size);
      std::byte byte{};
      ASSERT_TRUE(file->read_at(at, std::span(&byte, 1)));
      const std::byte flipped = byte ^ std::byte{static_cast<unsigned char>(1u << random.below(8))};
      ASSERT_TRUE(file->write_at(at, std::span(&flipped, 1)));
      EXPECT_NE(findings(), std::vector<std::string>{}) << name << " at " << at;
      ASSERT_TRUE(file->write_at(at, std::span(&byte, 1)));
    }
    EXPECT_EQ(findings(), std::vector<std::string>{});
    ASSERT_TRUE(files->rename(path, "/elsewhere"));
    EXPECT_NE(findings(), std::vector<std::string>{}) << name;
    ASSERT_TRUE(files->rename("/elsewhere", path));
  }
}

/// A manifest as somebody may write it, checksum and all.
std::string manifest_text(std::uint64_t first, std::uint64_t end, std::initializer_list<std::string> names) {
  std::string text = "stave-backup 1\nstore " + std::string(2 * log::StoreId{}.size(), 'a') + "\nfirst " +
                     std::to_string(first) + "\nend " + std::to_string(end) + "\ntime 5\n";
  for (const std::string& name : names) text += "file " + name + " 10 0123456789abcdef\n";
  char sum[17];
  std::snprintf(sum, sizeof sum, "%016llx", static_cast<unsigned long long>(base::xxh3(base::as_bytes(text), 0)));
  return text + "checksum " + sum + "\n";
}

// The backup added to it tripped over an assertion, and lengths were negative.
TEST(BackupManifests, that_no_backup_can_have_are_corrupt) {
  const std::string inside = log::segment_name(Lsn{4096});
  EXPECT_TRUE(decode_manifest(manifest_text(4096, 8192, {inside, "STAVE.backup"}), "/b"));
  EXPECT_TRUE(decode_manifest(manifest_text(4096, 4096, {}), "/b"));
  for (const std::string& bad :
       {manifest_text(8192, 4096, {}), manifest_text(4096, kLsnMax + 1, {}), manifest_text(4097, 8192, {inside}),
        manifest_text(1, 4095, {inside}), manifest_text(4096, 8192, {inside, inside}),
        manifest_text(4096, 8192, {"STAVE.backup", inside, "STAVE.backup"})}) {
    const auto decoded = decode_manifest(bad, "/b");
    ASSERT_FALSE(decoded) << bad;
    EXPECT_EQ(decoded.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(decoded.error().file(), "/b");
  }
}

TEST_F(BackupTest, is_refused_with_the_identity_of_another_store) {
  fill(0, 50);
  back_up_now();
  engine = open("/other");
  fill(0, 50);
  back_up_now("/backup2");
  ASSERT_TRUE(files->rename("/backup2/STAVE.backup", "/backup/STAVE.backup"));
  const auto report = restore(*files, {.source = "/backup", .log = {}, .target = "/refused", .point = {}});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(report.error().file(), "/backup/STAVE.backup");
}

// What was answered was that the backup ends at LSN 0.
TEST_F(BackupTest, alone_can_be_continued_by_a_log) {
  fill(0, 50);
  back_up_now();
  const auto report = restore(*files, {.source = "/db", .log = "/db", .target = "/refused", .point = {}});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(report.error().file(), "/db");
}

// The power fails at some operation of a second backup: the first is still there, whole, and can be completed.
TEST(BackupCrash, leaves_a_backup_that_is_whole_and_can_be_added_to) {
  for (std::uint64_t at = 0;; ++at) {
    SCOPED_TRACE("operation " + std::to_string(at));
    sim::SimFileSystem disk(at + 1);
    ManualClock clock;
    Options options = options_for(disk, clock);
    Model model;
    bool crashed = false;
    {
      auto engine = *Engine::open("/db", options);
      const auto put = [&](int i) {
        model["k" + std::to_string(i)] = std::string(700, 'a');
        ASSERT_TRUE(engine->put({0, "k" + std::to_string(i)}, std::string(700, 'a'), {}, Sync::kAlways));
      };
      for (int i = 0; i < 150; ++i) put(i);
      ASSERT_TRUE(back_up(*engine, "/backup"));
      for (int i = 150; i < 300; ++i) put(i);
      ASSERT_TRUE(engine->sync());
      disk.crash_at(disk.operations() + 1 + at);
      static_cast<void>(back_up(*engine, "/backup"));
      crashed = disk.crashed();
    }
    if (!crashed) break;
    sim::SimFileSystem after = disk.after_crash(sim::kCrashModes[at % std::size(sim::kCrashModes)], at);
    const auto check = verify_backup(after, "/backup");
    ASSERT_TRUE(check) << check.error().describe();
    EXPECT_EQ(check->findings, std::vector<std::string>{});
    options.file_system = &after;
    auto engine = Engine::open("/db", options);
    ASSERT_TRUE(engine) << engine.error().describe();
    const auto report = back_up(**engine, "/backup");
    ASSERT_TRUE(report) << report.error().describe();
    const auto again = restore(after, {.source = "/backup", .log = {}, .target = "/new", .point = {}});
    ASSERT_TRUE(again) << again.error().describe();
    options.file_system = &after;
    auto copy = Engine::open("/new", options);
    ASSERT_TRUE(copy) << copy.error().describe();
    EXPECT_TRUE(contents(**copy) == model);
  }
}

}  // namespace
}  // namespace stave::archive
