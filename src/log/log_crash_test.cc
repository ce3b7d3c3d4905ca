// The log on a disk that loses power at every operation of a mixed load, in every way it can.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <thread>
#include <utility>

#include "base/random.h"
#include "log/log.h"
#include "log/log_test_support.h"
#include "testing/sim_file_system.h"

namespace stave::log {
namespace {

using sim::CrashMode;
using sim::SimFileSystem;

/// What may be asked of a recovery: everything acknowledged from where it began, whole batches only, nothing that was
/// not appended.
void check(const LogHarness& load, Lsn acknowledged, const LogHarness& found) {
  const auto first = std::ranges::lower_bound(load.model, found.report.from, {}, &Written::lsn);
  const std::vector<Written> model(first, load.model.end());
  const auto& recovered = found.recovered;
  ASSERT_LE(recovered.size(), model.size());
  ASSERT_TRUE(std::equal(recovered.begin(), recovered.end(), model.begin())) << "not a prefix of what was appended";
  ASSERT_GE(found.log->tail(), acknowledged) << "an acknowledged batch is lost";
  if (recovered.size() == model.size()) return;
  const Lsn next = model[recovered.size()].lsn;
  ASSERT_GE(next, acknowledged) << "an acknowledged record is lost";
  ASSERT_TRUE(recovered.empty() || std::ranges::find(load.ends, next) != load.ends.end()) << "half a batch";
}

/// Of every other seed nearly nothing is synced, so that several segments are begun before the first is durable.
bool is_lazy(std::uint64_t seed) {
  return seed % 2 == 0;
}

void configure(LogHarness& harness) {
  harness.options.segment_age_ms = 50;
  harness.options.sync_interval_ms = 5;
}

/// Every kind of operation the log has, one step at a time, from a seed.
class Load {
 public:
  Load(SimFileSystem& files, std::uint64_t seed) : harness(files), lazy_(is_lazy(seed)), random_(seed) {
    configure(harness);
    if (lazy_) harness.options.sync = Sync::kOs;
  }

  void open() {
    harness.must_open();
    if (testing::Test::HasFatalFailure()) return;
    // What was in memory only is gone, and its addresses will be used again.
    harness.model = harness.recovered;
    harness.ends.push_back(harness.log->tail());
  }

  void step() {
    const auto kind = random_.below(40);
    if (kind == 0) {
      ASSERT_TRUE(harness.log->close(harness.clock.wall()));
      acknowledged = harness.log->durable();
      open();
    } else if (kind == 1) {
      open();
    } else if (kind == 2) {
      append_large();
    } else if (kind < 20) {
      harness.must_append(1 + static_cast<int>(random_.below(5)), random_.below(lazy_ ? 6000 : 1500));
    } else if (kind < (lazy_ ? 21 : 30)) {
      ASSERT_TRUE(harness.log->wait_durable(harness.log->tail()));
      acknowledged = harness.log->tail();
    } else if (kind < 33) {
      ASSERT_TRUE(harness.log->wait_written(harness.log->tail()));
    } else if (kind == 33) {
      ASSERT_TRUE(harness.log->wait_durable(harness.log->tail()));
      acknowledged = harness.log->tail();
      image = acknowledged;
    } else if (kind == 34) {
      trim();
    } else if (kind == 35) {
      ASSERT_TRUE(harness.log->roll());
    } else {
      harness.clock.advance_ms(static_cast<std::int64_t>(random_.below(8)));
      harness.log->tick(harness.clock.monotonic_ns(), harness.clock.wall());
      acknowledged = std::max(acknowledged, harness.log->durable());
    }
  }

  /// Called before every operation: while a large batch is being written, others go on.
  void look(const sim::Operation& operation) {
    if (operation.kind != sim::OpKind::kWrite || harness.log == nullptr) return;
    if (large_from_ == kNoLsn || harness.log->tail() <= large_from_ || busy_) return;
    // The first write may still be part of finding a place, under a lock.
    if (!std::exchange(placed_, true)) return;
    busy_ = true;
    harness.must_append(1 + static_cast<int>(random_.below(4)), random_.below(3000));
    if (random_.one_in(4)) {
      harness.clock.advance_ms(static_cast<std::int64_t>(random_.below(8)));
      harness.log->tick(harness.clock.monotonic_ns(), harness.clock.wall());
    } else if (random_.one_in(3)) {
      EXPECT_TRUE(harness.log->wait_durable(large_from_)) << "what lies before is waited for without it";
    }
    EXPECT_LE(harness.log->written(), large_from_);
    acknowledged = std::max(acknowledged, harness.log->durable());
    ++overtaken;
    busy_ = false;
  }

  LogHarness harness;
  int overtaken = 0;  ///< How often somebody appended beside a large batch.
  Lsn acknowledged = kNoLsn;
  Lsn image = kNoLsn;       ///< An index image is on disk that covers what lies before.
  Lsn trimmed = kFirstLsn;  ///< Nothing behind it is ever missing.

 private:
  // Larger than the ring takes; the largest are written in several slices.
  void append_large() {
    large_from_ = harness.log->tail();
    placed_ = false;
    harness.must_append(1 + static_cast<int>(random_.below(3)), 10'000 + random_.below(40'000));
    large_from_ = kNoLsn;
  }

  void trim() {
    const auto segments = harness.log->segments();
    const Lsn to = segments[random_.below(segments.size())].base;
    if (to > image) return;
    trimmed = std::max(trimmed, to);
    harness.must_append_trim(to);
    ASSERT_TRUE(harness.log->drop_before(to));
    acknowledged = std::max(acknowledged, harness.log->durable());
    const auto left = harness.log->segments();
    ASSERT_GE(left.front().base, std::min(to, left.back().base));
  }

  bool lazy_;
  bool placed_ = false;
  bool busy_ = false;
  Lsn large_from_ = kNoLsn;
  base::Random random_;
};

/// One crash, and everything that should hold afterwards; returns how many states of the disk were opened.
class Crash {
 public:
  Crash(const SimFileSystem& disk, const Load& load, CrashMode mode, std::uint64_t seed)
      : disk_(disk), load_(load), mode_(mode), seed_(seed) {}

  void examine() {
    SimFileSystem after = disk_.after_crash(mode_, seed_);
    LogHarness found(after);
    configure(found);
    found.must_open();
    if (testing::Test::HasFatalFailure()) return;
    ASSERT_LE(found.report.from, load_.trimmed) << "more is missing than the log itself allows";
    check(load_.harness, load_.acknowledged, found);
    recovery_operations_ = after.operations();
  }

  /// Only the process dies: what the operating system has stays.
  void examine_kill(Lsn written) {
    SimFileSystem after = disk_.after_kill(seed_);
    LogHarness found(after);
    configure(found);
    found.must_open();
    if (testing::Test::HasFatalFailure()) return;
    check(load_.harness, std::max(load_.acknowledged, written), found);
  }

  /// Replays only what an image does not cover.
  void examine_from_image() {
    if (load_.image == kNoLsn) return;
    SimFileSystem after = disk_.after_crash(mode_, seed_);
    LogHarness found(after);
    configure(found);
    found.start = {.from = load_.image, .needs = load_.trimmed, .proven = load_.image};
    found.must_open();
    if (testing::Test::HasFatalFailure()) return;
    ASSERT_EQ(found.report.from, load_.image);
    check(load_.harness, load_.acknowledged, found);
  }

  /// The log is used again, and crashes again: what was cut must not come back.
  void use_and_crash_again(CrashMode mode) {
    SimFileSystem after = disk_.after_crash(mode_, seed_);
    LogHarness found(after);
    configure(found);
    found.must_open();
    if (testing::Test::HasFatalFailure()) return;
    found.model = found.recovered;
    ASSERT_TRUE(found.log->wait_durable(found.must_append(2)));
    const Lsn acknowledged = found.log->tail();
    found.must_append(1, 700);
    ASSERT_TRUE(found.log->wait_written(found.log->tail()));
    SimFileSystem again = after.after_crash(mode, seed_ + 1);
    LogHarness last(again);
    configure(last);
    last.must_open();
    if (testing::Test::HasFatalFailure()) return;
    check(found, acknowledged, last);
  }

  /// The power fails once more, in the middle of recovery.
  void crash_in_recovery(base::Random& random) {
    if (recovery_operations_ == 0) return;
    SimFileSystem after = disk_.after_crash(mode_, seed_);
    after.crash_at(1 + random.below(recovery_operations_));
    LogHarness interrupted(after);
    configure(interrupted);
    (void)interrupted.open();
    interrupted.log.reset();
    SimFileSystem again = after.after_crash(mode_, seed_ + 2);
    LogHarness found(again);
    configure(found);
    found.must_open();
    if (testing::Test::HasFatalFailure()) return;
    check(load_.harness, load_.acknowledged, found);
  }

 private:
  const SimFileSystem& disk_;
  const Load& load_;
  CrashMode mode_;
  std::uint64_t seed_;
  std::uint64_t recovery_operations_ = 0;
};

class LogCrashTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LogCrashTest, loses_nothing_acknowledged_and_shows_only_whole_batches) {
  const std::uint64_t seed = GetParam();
  SimFileSystem disk(seed);
  Load load(disk, seed);
  base::Random random(seed ^ 0xc0ffee);
  std::uint64_t states = 0;
  disk.on_operation([&](const sim::Operation& operation) {
    if (testing::Test::HasFatalFailure()) return;
    Lsn written = load.acknowledged;
    if (load.harness.log != nullptr) {
      // What it says now is a promise, although nobody may have asked yet.
      load.acknowledged = std::max(load.acknowledged, load.harness.log->durable());
      written = load.harness.log->written();
    }
    for (const CrashMode mode : sim::kCrashModes) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", before operation " + std::to_string(operation.number) + " (" +
                   sim::to_string(operation.kind) + " " + operation.path + "), " + sim::to_string(mode));
      Crash crash(disk, load, mode, random.next());
      crash.examine();
      if (random.one_in(2)) crash.examine_from_image();
      ++states;
      if (random.one_in(4)) crash.use_and_crash_again(sim::kCrashModes[random.below(std::size(sim::kCrashModes))]);
      if (random.one_in(2)) crash.crash_in_recovery(random);
      if (testing::Test::HasFatalFailure()) return;
    }
    SCOPED_TRACE("seed " + std::to_string(seed) + ", killed before operation " + std::to_string(operation.number));
    Crash(disk, load, CrashMode::kKeepAll, random.next()).examine_kill(written);
    load.look(operation);
  });
  load.open();
  for (int i = 0; i < 80 && !HasFatalFailure(); ++i) load.step();
  RecordProperty("states", std::to_string(states));
  RecordProperty("overtaken", std::to_string(load.overtaken));
}

TEST_P(LogCrashTest, keeps_what_each_of_several_writers_was_told) {
  constexpr std::size_t kWriters = 3;
  constexpr int kBatches = 60;
  struct Image {
    SimFileSystem disk;
    std::array<int, kWriters> told;
    std::string when;
  };
  const std::uint64_t seed = GetParam();
  SimFileSystem disk(seed);
  LogHarness load(disk);
  configure(load);
  load.must_open();
  std::array<std::atomic<int>, kWriters> told{};
  std::mutex mutex;
  base::Random random(seed);
  std::vector<Image> images;
  disk.on_operation([&](const sim::Operation& operation) {
    const std::lock_guard lock(mutex);
    if (!random.one_in(3)) return;
    // First what they were told, then the disk: the disk may only know more.
    std::array<int, kWriters> now{};
    for (std::size_t t = 0; t < kWriters; ++t) now[t] = told[t];
    const CrashMode mode = sim::kCrashModes[random.below(std::size(sim::kCrashModes))];
    images.push_back({disk.after_crash(mode, random.next()), now,
                      "before operation " + std::to_string(operation.number) + ", " + sim::to_string(mode)});
  });
  std::vector<std::thread> writers;
  for (std::size_t t = 0; t < kWriters; ++t) {
    writers.emplace_back([&, t] {
      const std::string payload(700, static_cast<char>('a' + t));
      for (int i = 0; i < kBatches; ++i) {
        const std::string key = std::to_string(t) + ":" + std::to_string(i);
        const std::array<RecordSpec, 2> batch{string_record(key, "first"), string_record(key, payload)};
        std::array<Lsn, 2> lsns{};
        const auto end = load.log->append(batch, lsns);
        ASSERT_TRUE(end);
        if (i % 3 != 0) continue;
        ASSERT_TRUE(load.log->wait_durable(*end));
        told[t] = i + 1;
      }
    });
  }
  for (auto& writer : writers) writer.join();
  disk.on_operation(nullptr);
  for (Image& image : images) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", " + image.when);
    LogHarness found(image.disk);
    configure(found);
    found.must_open();
    if (HasFatalFailure()) return;
    std::array<int, kWriters> seen{};
    ASSERT_EQ(found.recovered.size() % 2, 0u);
    for (std::size_t i = 0; i < found.recovered.size(); i += 2) {
      const Written& first = found.recovered[i];
      const Written& second = found.recovered[i + 1];
      const auto t = static_cast<std::size_t>(first.key[0] - '0');
      ASSERT_EQ(first.key, std::to_string(t) + ":" + std::to_string(seen[t]++)) << "each writer's batches are in order";
      ASSERT_EQ(second.key, first.key);
      ASSERT_EQ(first.payload, "first");
      ASSERT_EQ(second.payload, std::string(700, static_cast<char>('a' + t)));
    }
    for (std::size_t t = 0; t < kWriters; ++t) ASSERT_GE(seen[t], image.told[t]) << "an acknowledged batch is lost";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogCrashTest, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace stave::log
