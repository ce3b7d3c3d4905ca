// Backups and restores on a disk that fails and loses power: what is claimed must be true, and what was there stays.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <string>

#include "archive/backup.h"
#include "archive/restore.h"
#include "base/random.h"
#include "store/checkpoint.h"
#include "store/options_for_test.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::archive {

using namespace store;

namespace {

using sim::Fault;
using sim::OpKind;
using sim::SimFileSystem;
using Model = std::map<std::string, std::string>;

constexpr char kStore[] = "/db";
constexpr char kBackup[] = "/backup";
constexpr char kTarget[] = "/new";

Options options_for(FileSystem& files, Clock& clock) {
  Options o = still_options(files, clock, 1);
  o.shards = 1;
  o.sync = Sync::kAlways;
  o.packing = Packing::kNone;
  o.create_if_missing = false;
  return o;
}

Model contents(Engine& engine) {
  Model found;
  visit_all(engine, 0,
            [&](std::string_view key, const ValueView& view) { found[std::string(key)] = std::string(view.value); });
  return found;
}

/// The files below a directory, but for locks.
Model files_below(const SimFileSystem& disk, std::string directory) {
  directory += '/';
  Model found;
  for (const auto& [path, bytes] : disk.dump())
    if (path.starts_with(directory) && !path.ends_with("LOCK")) found[path] = bytes;
  return found;
}

ErrorCode code(const auto& result) {
  return result ? ErrorCode{} : result.error().code();
}

void expect_clear(const Error& error, const std::string& where) {
  EXPECT_FALSE(error.message().empty()) << where;
  EXPECT_TRUE(error.code() == ErrorCode::kIo || error.code() == ErrorCode::kNoSpace ||
              error.code() == ErrorCode::kReadOnly || error.code() == ErrorCode::kNotFound)
      << where << ": " << error.describe();
}

/// A store with a backup, a changed store behind it, and what both held.
class BackupFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    Options options = options_for(disk, clock);
    options.create_if_missing = true;
    auto engine = Engine::open(kStore, options);
    ASSERT_TRUE(engine) << engine.error().describe();
    fill(**engine, 0, 120);
    ASSERT_TRUE((*engine)->checkpoint());
    fill(**engine, 60, 150);
    const auto first = back_up(**engine, kBackup);
    ASSERT_TRUE(first) << first.error().describe();
    old_end = first->end;
    old_model = model;
    fill(**engine, 100, 260);
    ASSERT_TRUE((*engine)->checkpoint());
    ASSERT_TRUE((*engine)->close());
  }
  void fill(Engine& engine, int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string value = std::to_string(++writes) + std::string(1000, 'x');
      const std::string key = "k" + std::to_string(i);
      ASSERT_TRUE(engine.put({0, key}, value, {}));
      model[key] = value;
    }
  }
  /// What a store in `directory` holds; nothing when there is none to open.
  std::optional<Model> opened(SimFileSystem& on, const std::string& directory, std::string* why = nullptr) {
    auto engine = Engine::open(directory, options_for(on, clock));
    if (engine) return contents(**engine);
    EXPECT_FALSE(engine.error().message().empty());
    if (why != nullptr) *why = engine.error().describe();
    return std::nullopt;
  }
  /// The backup is one that was made whole, the earlier or the later, is found so, and gives back what the store held.
  /// Returns whether it is the later one.
  bool check_backup(SimFileSystem& on, const std::string& where) {
    const auto check = verify_backup(on, kBackup);
    EXPECT_TRUE(check) << where << ": " << check.error().describe();
    if (!check) return false;
    EXPECT_EQ(check->findings, std::vector<std::string>{}) << where;
    const auto restored = restore(on, {.source = kBackup, .log = "", .target = "/checked", .point = {}});
    EXPECT_TRUE(restored) << where << ": " << restored.error().describe();
    if (!restored) return false;
    const bool later = restored->end > old_end;
    EXPECT_EQ(restored->end, check->manifest.end) << where;
    EXPECT_TRUE(opened(on, "/checked") == (later ? model : old_model)) << where;
    return later;
  }
  /// Calls `work(disk, fault, name)` for every operation and question that `run` would do, failing in several ways;
  /// `work` returns false when the fault was beyond the last one.
  template <class Work>
  void for_each_fault(Work&& work) {
    struct Way {
      int system_errno;
      std::uint64_t times;
      bool partial;
    };
    for (const Way& way : {Way{EIO, 1, false}, Way{ENOSPC, 1, true}, Way{ENOSPC, sim::kForever, false}}) {
      bool more = true;
      for (std::uint64_t n = 1; more; ++n) {
        const Fault fault{.at = n, .system_errno = way.system_errno, .times = way.times, .partial = way.partial};
        more = work(fault, "operation " + std::to_string(n) + ", errno " + std::to_string(way.system_errno) + ", " +
                               std::to_string(way.times) + " times" + (way.partial ? ", partial" : ""));
      }
    }
    for (const OpKind kind : {OpKind::kOpen, OpKind::kRead, OpKind::kLook}) {
      bool more = true;
      for (std::uint64_t n = 1; more; ++n)
        more = work(Fault{.at = n, .kind = kind, .system_errno = EIO},
                    std::string(to_string(kind)) + " from question " + std::to_string(n));
    }
  }
  /// The power fails before every operation of a backup, in every way.
  void cut_short_anywhere(Engine& engine, bool afresh) {
    int later = 0;
    int states = 0;
    const auto check = [&](std::uint64_t number, bool done) {
      for (const sim::CrashMode mode : sim::kCrashModes) {
        SimFileSystem after = disk.after_crash(mode, 17 * number + static_cast<unsigned>(mode));
        const std::string where = "before operation " + std::to_string(number) + ", " + to_string(mode);
        const bool is_later = check_backup(after, where);
        if (done) {
          EXPECT_TRUE(is_later) << where;
        }
        later += is_later ? 1 : 0;
        ++states;
      }
    };
    disk.on_operation([&](const sim::Operation& next) { check(next.number, false); });
    const auto report = back_up(engine, kBackup);
    disk.on_operation(nullptr);
    ASSERT_TRUE(report) << report.error().describe();
    EXPECT_EQ(report->afresh, afresh);
    check(disk.operations() + 1, true);
    EXPECT_GT(later, 0);
    EXPECT_GT(states, 30);
  }
  /// The fault's number counted from now on.
  static void inject_from_now(SimFileSystem& on, Fault fault) {
    fault.at += fault.kind && is_question(*fault.kind) ? on.questions() : on.operations();
    on.inject(fault);
  }

  ManualClock clock;
  SimFileSystem disk{7};
  int writes = 0;
  Model model;
  Model old_model;
  Lsn old_end = kNoLsn;
};

// The power fails at every operation of a restore: then the target is no store, and says so, or the whole one; the
// backup is what it was; and the restore can be made again, once what was left behind is removed.
TEST_F(BackupFaults, a_restore_cut_short_anywhere_leaves_no_store_or_the_whole_one) {
  const Model source = files_below(disk, kBackup);
  int states = 0;
  int whole = 0;
  const auto check = [&](const SimFileSystem& live, const sim::Operation& next, bool done) {
    for (const sim::CrashMode mode : sim::kCrashModes) {
      SimFileSystem after = live.after_crash(mode, 31 * next.number + static_cast<unsigned>(mode));
      const std::string where = "before operation " + std::to_string(next.number) + " (" + to_string(next.kind) + " " +
                                next.path + "), " + to_string(mode);
      ++states;
      EXPECT_TRUE(files_below(after, kBackup) == source) << where;
      std::string why;
      const std::optional<Model> found = opened(after, kTarget, &why);
      whole += found ? 1 : 0;
      if (found) {
        EXPECT_TRUE(*found == old_model) << where;
      } else {
        EXPECT_FALSE(done) << "what was reported as done is not there: " << where << ": " << why;
      }
      if (found || next.number % 3 != 0) continue;
      const auto refused = restore(after, {.source = kBackup, .log = "", .target = kTarget, .point = {}});
      if (refused) {
        EXPECT_TRUE(opened(after, kTarget) == old_model) << where;
        continue;
      }
      EXPECT_EQ(refused.error().code(), ErrorCode::kConflict) << where << ": " << refused.error().describe();
      // Nobody makes an empty store where log was left, either.
      std::string left;
      for (const auto& [path, bytes] : files_below(after, kTarget)) left += path + " ";
      if (left.find(".seg ") != std::string::npos) {
        Options options = options_for(after, clock);
        options.create_if_missing = true;
        EXPECT_FALSE(Engine::open(kTarget, options)) << where << ": " << left;
      }
      for (const auto& [path, bytes] : after.dump())
        if (path.starts_with(std::string(kTarget) + "/")) {
          EXPECT_EQ(code(after.remove(path)), ErrorCode{}) << path;
        }
      const auto again = restore(after, {.source = kBackup, .log = "", .target = kTarget, .point = {}});
      EXPECT_TRUE(again) << where << ": " << again.error().describe();
      EXPECT_TRUE(opened(after, kTarget) == old_model) << where;
    }
  };
  disk.on_operation([&](const sim::Operation& next) { check(disk, next, false); });
  const auto report = restore(disk, {.source = kBackup, .log = "", .target = kTarget, .point = {}});
  disk.on_operation(nullptr);
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_EQ(report->end, old_end);
  check(disk, {.number = disk.operations() + 1, .kind = OpKind::kWrite, .path = "none"}, true);
  EXPECT_GE(states, 100);
  EXPECT_GT(whole, 0);
}

TEST_F(BackupFaults, a_restore_on_a_failing_disk_says_so_and_spares_its_source) {
  const Model source = files_below(disk, kBackup);
  int failed = 0;
  for_each_fault([&](const Fault& fault, const std::string& where) {
    SimFileSystem on = disk.after_kill(1);
    inject_from_now(on, fault);
    const auto report = restore(on, {.source = kBackup, .log = "", .target = kTarget, .point = {}});
    const bool hit = on.faults_hit() != 0;
    on.clear_faults();
    EXPECT_TRUE(files_below(on, kBackup) == source) << where;
    if (!report) {
      ++failed;
      expect_clear(report.error(), where);
    }
    const auto found = opened(on, kTarget);
    if (report || found) {
      EXPECT_TRUE(found == old_model) << where;
    }
    return hit;
  });
  EXPECT_GT(failed, 50);
}

TEST_F(BackupFaults, a_backup_on_a_failing_disk_says_so_and_leaves_the_earlier_one) {
  int failed = 0;
  for_each_fault([&](const Fault& fault, const std::string& where) {
    SimFileSystem on = disk.after_kill(1);
    auto engine = Engine::open(kStore, options_for(on, clock));
    EXPECT_TRUE(engine) << where;
    if (!engine) return false;
    inject_from_now(on, fault);
    const auto report = back_up(**engine, kBackup);
    const bool hit = on.faults_hit() != 0;
    on.clear_faults();
    if (!report) {
      ++failed;
      expect_clear(report.error(), where);
    }
    const bool later = check_backup(on, where);
    if (report) {
      EXPECT_TRUE(later) << where;
    }
    if (report || !(*engine)->log().health()) return hit;
    // It can be made up for.
    const auto again = back_up(**engine, kBackup);
    EXPECT_TRUE(again) << where << ": " << again.error().describe();
    const auto check = verify_backup(on, kBackup);
    EXPECT_TRUE(check && check->findings.empty()) << where;
    return hit;
  });
  EXPECT_GT(failed, 50);
}

// An image only makes the start of a store quick. What keeps it from being read, from its first byte to its last, is no
// reason to have no backup; it is left out, and said to be.
TEST_F(BackupFaults, a_backup_leaves_out_the_images_that_cannot_be_read_and_says_so) {
  std::map<OpKind, int> left_out;
  for (const OpKind kind : {OpKind::kOpen, OpKind::kRead}) {
    bool more = true;
    for (std::uint64_t n = 1; more; ++n) {
      const std::string where = std::string(to_string(kind)) + " from question " + std::to_string(n);
      SimFileSystem on = disk.after_kill(1);
      auto engine = Engine::open(kStore, options_for(on, clock));
      ASSERT_TRUE(engine) << where;
      inject_from_now(on, {.at = n, .kind = kind, .system_errno = EIO});
      const auto report = back_up(**engine, kBackup);
      more = on.faults_hit() != 0;
      on.clear_faults();
      if (!report || report->unreadable_images == 0) continue;
      ++left_out[kind];
      EXPECT_EQ(report->unreadable_images, 1u) << where;
      EXPECT_TRUE(check_backup(on, where)) << where;
    }
  }
  EXPECT_GE(left_out[OpKind::kOpen], 2);
  EXPECT_GE(left_out[OpKind::kRead], 4);
}

// The same for losing power, with what the backup reported as done.
TEST_F(BackupFaults, a_backup_cut_short_anywhere_is_the_earlier_or_the_later_one) {
  auto engine = Engine::open(kStore, options_for(disk, clock));
  ASSERT_TRUE(engine) << engine.error().describe();
  cut_short_anywhere(**engine, false);
}

// One that cannot be added to and begins afresh used to remove, before anything took its place, what has the same name
// in both: the identity.
TEST_F(BackupFaults, a_backup_that_begins_afresh_is_the_earlier_or_the_later_one_wherever_it_is_cut_short) {
  auto engine = Engine::open(kStore, options_for(disk, clock));
  ASSERT_TRUE(engine) << engine.error().describe();
  fill(**engine, 0, 260);
  ASSERT_TRUE((*engine)->clean());
  ASSERT_GT((*engine)->log().stats().first, old_end);
  cut_short_anywhere(**engine, true);
}

// And an image that the earlier one names beside an older one used to be replaced by itself.
TEST_F(BackupFaults, a_backup_with_the_same_images_is_the_earlier_or_the_later_one_wherever_it_is_cut_short) {
  auto engine = Engine::open(kStore, options_for(disk, clock));
  ASSERT_TRUE(engine) << engine.error().describe();
  const auto second = back_up(**engine, kBackup);
  ASSERT_TRUE(second) << second.error().describe();
  old_end = second->end;
  old_model = model;
  fill(**engine, 200, 300);
  cut_short_anywhere(**engine, false);
}

TEST_F(BackupFaults, verifying_on_a_failing_disk_never_calls_a_backup_good) {
  for_each_fault([&](const Fault& fault, const std::string& where) {
    if (!fault.kind) return false;  // it changes nothing
    SimFileSystem on = disk.after_kill(1);
    inject_from_now(on, fault);
    const auto check = verify_backup(on, kBackup);
    if (on.faults_hit() == 0) {
      EXPECT_TRUE(check && check->findings.empty()) << where;
      return false;
    }
    if (!check) {
      expect_clear(check.error(), where);
    } else {
      EXPECT_FALSE(check->findings.empty()) << where;
    }
    return true;
  });
}

}  // namespace
}  // namespace stave::archive
