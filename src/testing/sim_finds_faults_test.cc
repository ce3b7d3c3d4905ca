// Is the simulated disk cruel enough? A tiny log, right once and wrong in the ways that real systems were wrong: the
// disk must find every mistake, and none in the right one.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/try.h"
#include "testing/sim_file_system.h"
#include "testing/sim_test_util.h"

namespace stave::sim {
namespace {

enum class Mistake : std::uint8_t {
  kNone,
  kAcknowledgeBeforeSync,
  kNoDirectorySync,          ///< etcd had this one.
  kRenameBeforeSync,         ///< The file that replaces another is not synced first.
  kNoChecksum,               ///< A torn record passes.
  kRetryFailedSync,          ///< PostgreSQL had this one, and five of five systems in a study.
  kTrustTheCacheAtRecovery,  ///< What a dead process left unsynced is shown, and never synced.
};

/// Records of 600 bytes, each of them one number over and over, behind a checksum; "/log" once there were ten is
/// replaced by a shorter one that begins with the last.
class TinyLog {
 public:
  static constexpr std::size_t kRecordBytes = 600;
  static constexpr int kRecordsMax = 10;

  TinyLog(SimFileSystem& disk, Mistake mistake) : disk_(disk), mistake_(mistake) {}

  Result<void> open() {
    if (auto file = disk_.open("/log", OpenMode::kReadWrite); file) {
      file_ = std::move(*file);
      STAVE_TRY(recover());
      if (mistake_ != Mistake::kTrustTheCacheAtRecovery) STAVE_TRY(file_->sync_data());
    } else {
      STAVE_ASSIGN(file_, disk_.open("/log", OpenMode::kCreate));
    }
    if (mistake_ != Mistake::kNoDirectorySync) STAVE_TRY(disk_.sync_directory("/"));
    return {};
  }

  /// Success: `number` is promised.
  Result<void> append(std::uint64_t number) {
    if (count_ == kRecordsMax) STAVE_TRY(replace());
    STAVE_TRY(file_->write_at(static_cast<std::uint64_t>(count_) * kRecordBytes, record(number)));
    ++count_;
    last_ = number;
    if (mistake_ == Mistake::kAcknowledgeBeforeSync) return {};
    auto synced = file_->sync_data();
    if (!synced && mistake_ == Mistake::kRetryFailedSync) synced = file_->sync_data();
    return synced;
  }

  /// The last number found, 0 for none.
  [[nodiscard]] std::uint64_t last() const { return last_; }
  /// Whether something was found that was never written.
  [[nodiscard]] bool garbage() const { return garbage_; }

 private:
  static std::vector<std::byte> record(std::uint64_t number) {
    std::vector<std::byte> bytes(kRecordBytes);
    for (std::size_t at = 8; at < kRecordBytes; at += 8) base::store(bytes.data() + at, number);
    base::store(bytes.data(), base::xxh3(std::span(bytes).subspan(8), 0));
    return bytes;
  }

  Result<void> recover() {
    std::vector<std::byte> bytes(kRecordBytes);
    for (;; ++count_) {
      STAVE_ASSIGN(const std::size_t got,
                   file_->read_at(static_cast<std::uint64_t>(count_) * kRecordBytes, std::span(bytes)));
      const auto number = base::load<std::uint64_t>(bytes.data() + 8);
      if (got < kRecordBytes || number == 0) return {};
      const bool whole = bytes == record(number);
      if (!whole && mistake_ != Mistake::kNoChecksum) return {};
      if (!whole) garbage_ = true;
      last_ = number;
    }
  }

  Result<void> replace() {
    if (disk_.exists("/log.new").value_or(false)) STAVE_TRY(disk_.remove("/log.new"));
    STAVE_ASSIGN(auto fresh, disk_.open("/log.new", OpenMode::kCreate));
    STAVE_TRY(fresh->write_at(0, record(last_)));
    if (mistake_ != Mistake::kRenameBeforeSync) STAVE_TRY(fresh->sync_data());
    STAVE_TRY(disk_.rename("/log.new", "/log"));
    if (mistake_ != Mistake::kNoDirectorySync) STAVE_TRY(disk_.sync_directory("/"));
    file_ = std::move(fresh);
    count_ = 1;
    return {};
  }

  SimFileSystem& disk_;
  Mistake mistake_;
  std::unique_ptr<File> file_;
  int count_ = 0;
  std::uint64_t last_ = 0;
  bool garbage_ = false;
};

/// Opens the log on `disk` and counts what it breaks: `promised` must be there, nothing beyond `written`.
int broken_promises(SimFileSystem disk, Mistake mistake, std::uint64_t promised, std::uint64_t written) {
  TinyLog log(disk, mistake);
  if (!log.open()) return 1;
  return log.last() < promised || log.last() > written || log.garbage() ? 1 : 0;
}

/// Power cuts at every operation of a load, in every way, a few seeds each.
int power_cuts(Mistake mistake) {
  SimFileSystem disk(5);
  std::uint64_t promised = 0;
  std::uint64_t written = 0;
  int broken = 0;
  disk.on_operation([&](const Operation& next) {
    for (const CrashMode mode : kCrashModes)
      for (std::uint64_t seed = 1; seed <= 4; ++seed)
        broken += broken_promises(disk.after_crash(mode, next.number * 10 + seed), mistake, promised, written);
  });
  TinyLog log(disk, mistake);
  EXPECT_TRUE(log.open());
  for (std::uint64_t number = 1; number <= 35; ++number) {
    written = number;
    EXPECT_TRUE(log.append(number));
    promised = number;
  }
  return broken;
}

/// Each sync fails once; the power may fail at any time after.
int failed_syncs(Mistake mistake) {
  int broken = 0;
  for (std::uint64_t at = 2; at < 60; ++at) {
    SimFileSystem disk(at);
    TinyLog log(disk, mistake);
    EXPECT_TRUE(log.open());
    disk.inject({.at = at, .kind = OpKind::kSyncData});
    std::uint64_t promised = 0;
    bool writable = true;
    for (std::uint64_t number = 1; number <= 30 && writable; ++number) {
      writable = log.append(number).has_value();  // after a failure: read-only for good
      if (writable) promised = number;
      for (const CrashMode mode : kCrashModes)
        broken += broken_promises(disk.after_crash(mode, at), mistake, promised, number);
    }
  }
  return broken;
}

/// The process dies, another one shows what it found, then the power fails.
int kills_and_power_cuts(Mistake mistake) {
  int broken = 0;
  for (std::uint64_t at = 3; at < 60; ++at) {
    SimFileSystem disk(at);
    SimFileSystem killed(1);
    disk.on_operation([&](const Operation& next) {
      if (next.number == at) killed = disk.after_kill(at);
    });
    TinyLog log(disk, mistake);
    EXPECT_TRUE(log.open());
    for (std::uint64_t number = 1; number <= 30; ++number) EXPECT_TRUE(log.append(number));
    TinyLog successor(killed, mistake);
    EXPECT_TRUE(successor.open());
    const std::uint64_t shown = successor.last();
    for (const CrashMode mode : kCrashModes)
      broken += broken_promises(killed.after_crash(mode, at), mistake, shown, shown);
  }
  return broken;
}

TEST(TheSimulatedDisk, finds_nothing_wrong_with_a_log_that_is_right) {
  EXPECT_EQ(power_cuts(Mistake::kNone), 0);
  EXPECT_EQ(failed_syncs(Mistake::kNone), 0);
  EXPECT_EQ(kills_and_power_cuts(Mistake::kNone), 0);
}

TEST(TheSimulatedDisk, finds_every_classic_mistake) {
  EXPECT_GT(power_cuts(Mistake::kAcknowledgeBeforeSync), 0);
  EXPECT_GT(power_cuts(Mistake::kNoDirectorySync), 0);
  EXPECT_GT(power_cuts(Mistake::kRenameBeforeSync), 0);
  EXPECT_GT(power_cuts(Mistake::kNoChecksum), 0);
  EXPECT_GT(failed_syncs(Mistake::kRetryFailedSync), 0);
  EXPECT_GT(kills_and_power_cuts(Mistake::kTrustTheCacheAtRecovery), 0);
}

}  // namespace
}  // namespace stave::sim
