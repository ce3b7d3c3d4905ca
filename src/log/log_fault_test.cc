// The log on a disk that fails, fills up, or does half of what it was told.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

#include "base/random.h"
#include "log/log.h"
#include "log/log_test_support.h"
#include "testing/sim_file_system.h"

namespace stave::log {
namespace {

using sim::CrashMode;
using sim::Fault;
using sim::OpKind;
using sim::SimFileSystem;

ErrorCode code_of(const auto& result) {
  return result ? ErrorCode{} : result.error().code();
}

class LogFaultTest : public testing::Test {
 protected:
  SimFileSystem disk_{1};
  LogHarness h_{disk_};

  void fail_next(OpKind kind, int system_errno = EIO, std::uint64_t times = 1) {
    disk_.inject({.at = disk_.operations() + 1, .kind = kind, .system_errno = system_errno, .times = times});
  }
  /// Nothing is ever acknowledged again, although the disk would work.
  void expect_read_only() {
    const Lsn durable = h_.log->durable();
    EXPECT_EQ(code_of(h_.append(1)), ErrorCode::kReadOnly);
    EXPECT_EQ(code_of(h_.append(1, 100'000)), ErrorCode::kReadOnly);
    EXPECT_EQ(code_of(h_.log->writable()), ErrorCode::kReadOnly);
    EXPECT_FALSE(h_.log->health());
    EXPECT_TRUE(h_.log->stats().read_only);
    h_.log->tick(1'000'000'000'000, h_.clock.wall());
    EXPECT_FALSE(h_.log->wait_durable(h_.log->tail()));
    EXPECT_EQ(h_.log->durable(), durable);
  }
};

TEST_F(LogFaultTest, is_read_only_for_good_after_a_failed_sync_and_never_tries_again) {
  h_.must_open();
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append(1)));
  const auto durable = h_.model;
  const Lsn end = h_.must_append(1);
  fail_next(OpKind::kSyncData);
  EXPECT_EQ(code_of(h_.log->wait_durable(end)), ErrorCode::kIo);
  const auto operations = disk_.operations();
  expect_read_only();
  EXPECT_EQ(code_of(h_.log->close(h_.clock.wall())), ErrorCode::kReadOnly);
  EXPECT_EQ(disk_.operations(), operations) << "nothing was written or synced any more";
  std::vector<std::byte> buffer;
  EXPECT_TRUE(h_.log->read(durable[0].lsn, buffer)) << "reads go on";
}

TEST_F(LogFaultTest, is_read_only_for_good_after_a_failed_write) {
  h_.must_open();
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append(1)));
  const Lsn end = h_.must_append(1);
  fail_next(OpKind::kWrite);
  EXPECT_EQ(code_of(h_.log->wait_durable(end)), ErrorCode::kIo);
  expect_read_only();
  std::vector<std::byte> buffer;
  EXPECT_TRUE(h_.log->read(h_.model.back().lsn, buffer)) << "what is in memory can still be read";
}

TEST_F(LogFaultTest, is_read_only_after_a_failure_while_rolling) {
  for (const OpKind kind : {OpKind::kRename, OpKind::kSyncDirectory, OpKind::kTruncate}) {
    SimFileSystem disk(2);
    LogHarness h(disk);
    h.must_open();
    ASSERT_TRUE(h.log->wait_durable(h.must_append(1)));
    disk.inject({.at = disk.operations() + 1, .kind = kind});
    Result<Lsn> end = h.append(1);
    for (int i = 0; i < 1000 && end; ++i) end = h.append(2, 1000);
    EXPECT_EQ(code_of(end), ErrorCode::kReadOnly) << sim::to_string(kind);
    EXPECT_FALSE(h.log->health());
  }
}

TEST_F(LogFaultTest, after_a_failed_sync_recovery_does_not_believe_the_page_cache) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimFileSystem disk(seed);
    LogHarness h(disk);
    h.must_open();
    ASSERT_TRUE(h.log->wait_durable(h.must_append(2)));
    const auto kept = h.model;
    const Lsn end = h.must_append(3, 9000);
    disk.inject({.at = disk.operations() + 1, .kind = OpKind::kSyncData});
    ASSERT_FALSE(h.log->wait_durable(end));
    h.log.reset();
    // The process starts again and finds all of it in the cache. What it replays must survive a power cut.
    SimFileSystem restarted = disk.after_kill(seed);
    LogHarness found(restarted);
    found.must_open();
    SimFileSystem cut = restarted.after_crash(CrashMode::kDropUnsynced, seed);
    LogHarness last(cut);
    last.must_open();
    EXPECT_EQ(found.recovered, last.recovered) << "seed " << seed;
    EXPECT_GE(last.recovered.size(), kept.size());
  }
}

// --- a full disk --------------------------------------------------------------------------------

TEST_F(LogFaultTest, refuses_batches_when_the_disk_is_full_and_harms_none_that_were_accepted) {
  disk_.set_capacity(400u << 10);
  h_.must_open();
  Result<Lsn> end = h_.append(1);
  while (end) end = h_.append(3, 500);
  EXPECT_EQ(code_of(end), ErrorCode::kNoSpace);
  EXPECT_EQ(code_of(h_.log->writable()), ErrorCode::kNoSpace);
  EXPECT_TRUE(h_.log->stats().full);
  EXPECT_FALSE(h_.log->stats().read_only);
  const Lsn tail = h_.log->tail();
  ASSERT_TRUE(h_.log->wait_durable(tail)) << "there is room for all that was accepted";
  EXPECT_GT(h_.model.size(), 300u);

  // Asking again and again costs the disk nothing until some time has passed.
  const auto questions = disk_.questions();
  EXPECT_EQ(code_of(h_.append(3, 500)), ErrorCode::kNoSpace);
  EXPECT_EQ(disk_.questions(), questions);
  h_.clock.advance_ms(200);
  EXPECT_EQ(code_of(h_.append(3, 500)), ErrorCode::kNoSpace);
  EXPECT_GT(disk_.questions(), questions);

  disk_.set_capacity(4u << 20);
  h_.clock.advance_ms(200);
  h_.log->tick(1, h_.clock.wall());
  EXPECT_TRUE(h_.log->writable());
  for (int i = 0; i < 300; ++i) h_.must_append(3, 500);
  ASSERT_TRUE(h_.log->close(h_.clock.wall()));
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(LogFaultTest, resumes_with_an_append_when_nobody_ticks) {
  disk_.set_capacity(300u << 10);
  h_.must_open();
  Result<Lsn> end = h_.append(1);
  while (end) end = h_.append(3, 500);
  disk_.set_capacity(4u << 20);
  h_.clock.advance_ms(200);
  EXPECT_TRUE(h_.append(3, 500));
  EXPECT_TRUE(h_.log->writable());
}

TEST_F(LogFaultTest, closes_cleanly_and_opens_again_on_a_full_disk) {
  disk_.set_capacity(300u << 10);
  h_.must_open();
  Result<Lsn> end = h_.append(1);
  while (end) end = h_.append(1, 0);
  ASSERT_TRUE(h_.log->close(h_.clock.wall())) << "the mark of the close has room of its own";
  disk_.set_capacity(disk_.used_bytes());
  h_.must_open();
  EXPECT_TRUE(h_.report.clean);
  EXPECT_EQ(h_.recovered, h_.model);
  std::vector<std::byte> buffer;
  EXPECT_TRUE(h_.log->read(h_.model[5].lsn, buffer));
  EXPECT_EQ(code_of(h_.append(1, 5000)), ErrorCode::kNoSpace);
  disk_.set_capacity(4u << 20);
  h_.log->tick(1, h_.clock.wall());
  EXPECT_TRUE(h_.append(1, 5000));
}

TEST_F(LogFaultTest, keeps_the_reserve_free) {
  disk_.set_capacity(1u << 20);
  h_.options.disk_reserve_bytes = 512u << 10;
  h_.must_open();
  Result<Lsn> end = h_.append(1);
  while (end) end = h_.append(3, 500);
  EXPECT_EQ(code_of(end), ErrorCode::kNoSpace);
  EXPECT_NE(end.error().message().find("reserve"), std::string::npos);
  EXPECT_GE((1u << 20) - disk_.used_bytes(), (512u - 100u) << 10);
}

TEST_F(LogFaultTest, deletes_go_on_when_the_disk_is_full_and_what_trims_goes_on_longest) {
  h_.options.segment_bytes = 1u << 20;
  disk_.set_capacity(1500u << 10);
  h_.must_open();
  Result<Lsn> end = h_.append(1);
  while (end) end = h_.append(3, 500);
  disk_.set_capacity(disk_.used_bytes());
  int deleted = 0;
  for (Result<Lsn> gone = h_.append_kind(RecordKind::kDelete, "key0"); gone;
       gone = h_.append_kind(RecordKind::kDelete, "key0"))
    ++deleted;
  EXPECT_GT(deleted, 1000) << "a sixteenth of a segment, although the disk has not a byte left";
  EXPECT_EQ(code_of(h_.append_kind(RecordKind::kFlush, "")), ErrorCode::kNoSpace);
  h_.must_append_trim(h_.log->segments().front().base);
  ASSERT_TRUE(h_.log->close(h_.clock.wall())) << "and the mark of the close";
  h_.must_open();
  EXPECT_TRUE(h_.report.clean);
  EXPECT_EQ(h_.recovered, h_.model);
}

// With 29 MB free and 67 MB of garbage a cleaning ran into the reserve that was kept for it.
TEST_F(LogFaultTest, the_reserve_has_room_for_cleaning_the_oldest_segment) {
  disk_.set_capacity(2u << 20);
  h_.options.disk_reserve_bytes = 128u << 10;
  h_.must_open();
  Result<Lsn> end = h_.append(1);
  while (end) end = h_.append(3, 500);
  EXPECT_EQ(code_of(h_.log->writable()), ErrorCode::kNoSpace);
  // All of it is alive: the worst case.
  const std::string payload(500, 'm');
  for (int rounds = 0; rounds < 10; ++rounds) {
    const SegmentInfo oldest = h_.log->segments().front();
    for (std::uint64_t moved = 0; moved < raw(oldest.end) - raw(oldest.base);) {
      const RecordSpec record{.kind = RecordKind::kString, .key = "moved", .payload = payload, .version = oldest.base};
      Lsn lsn;
      ASSERT_TRUE(h_.log->append(std::span(&record, 1), std::span(&lsn, 1)));
      moved += encoded_size(record);
    }
    h_.must_append_trim(oldest.end);
    ASSERT_TRUE(h_.log->drop_before(oldest.end));
  }
  EXPECT_EQ(code_of(h_.append(1)), ErrorCode::kNoSpace) << "what was given back is the cleaner's";
  const Lsn half = h_.log->segments()[h_.log->segments().size() / 2].base;
  h_.must_append_trim(half);
  ASSERT_TRUE(h_.log->drop_before(half));
  EXPECT_TRUE(h_.log->writable()) << "at once";
  EXPECT_TRUE(h_.append(1));
}

TEST_F(LogFaultTest, says_from_the_start_that_the_disk_is_full) {
  disk_.set_capacity(300u << 10);
  h_.must_open();
  Result<Lsn> end = h_.append(1);
  while (end) end = h_.append(3, 500);
  EXPECT_EQ(code_of(h_.append(1, 0)), ErrorCode::kNoSpace) << "small ones, too: all are told the same";
  ASSERT_TRUE(h_.log->close(h_.clock.wall()));
  disk_.set_capacity(disk_.used_bytes());
  h_.must_open();
  EXPECT_EQ(code_of(h_.log->writable()), ErrorCode::kNoSpace);
  EXPECT_TRUE(h_.log->stats().full);
  EXPECT_EQ(code_of(h_.append(1, 0)), ErrorCode::kNoSpace);
  disk_.set_capacity(4u << 20);
  h_.log->tick(1, h_.clock.wall());
  EXPECT_TRUE(h_.log->writable());
  EXPECT_TRUE(h_.append(1, 0));
}

TEST_F(LogFaultTest, a_large_batch_that_does_not_fit_leaves_no_trace) {
  disk_.set_capacity(300u << 10);
  h_.must_open();
  h_.must_append(2);
  EXPECT_EQ(code_of(h_.append(1, 900'000)), ErrorCode::kNoSpace);
  h_.must_append(2);
  ASSERT_TRUE(h_.log->close(h_.clock.wall()));
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(LogFaultTest, lack_of_descriptors_for_the_next_segment_is_a_shortage_and_no_failure) {
  h_.must_open();
  fail_next(OpKind::kCreate, EMFILE, 2);
  Result<Lsn> end = h_.append(1);
  for (int i = 0; i < 1000 && end; ++i) end = h_.append(2, 1000);
  EXPECT_EQ(code_of(end), ErrorCode::kNoSpace);
  EXPECT_TRUE(h_.log->health());
  for (int i = 0; i < 5; ++i) {
    h_.clock.advance_ms(200);
    h_.log->tick(1, h_.clock.wall());
  }
  EXPECT_TRUE(h_.append(2, 1000));
}

// A roll and a removal make names durable, and must not need a descriptor for it: somebody's idle connections may have
// taken all of them, and what they were refused used to be taken for a failed sync.
TEST_F(LogFaultTest, rolls_and_drops_without_a_descriptor_for_the_directory) {
  h_.must_open();
  h_.must_append(1);
  disk_.inject({.at = disk_.questions() + 1, .kind = OpKind::kOpen, .system_errno = EMFILE, .times = sim::kForever});
  for (int i = 0; i < 200; ++i) h_.must_append(2, 1000);
  ASSERT_GT(h_.log->stats().segments, 3u);
  const Lsn second = h_.log->segments()[1].base;
  h_.must_append_trim(second);
  EXPECT_TRUE(h_.log->drop_before(second));
  EXPECT_TRUE(h_.log->health());
  disk_.clear_faults();
  ASSERT_TRUE(h_.log->close(h_.clock.wall()));
  h_.must_open();
}

TEST_F(LogFaultTest, reads_with_the_descriptors_it_has_when_there_are_no_others) {
  h_.must_open();
  for (int i = 0; i < 200; ++i) h_.must_append(2, 1000);
  ASSERT_TRUE(h_.log->close(h_.clock.wall()));
  h_.must_open();
  ASSERT_GT(h_.log->stats().segments, 3u);
  std::vector<std::byte> buffer;
  ASSERT_TRUE(h_.log->read(h_.model.front().lsn, buffer)) << "its file is open from now on";
  disk_.inject({.at = disk_.questions() + 1, .kind = OpKind::kOpen, .system_errno = EMFILE, .times = 1});
  const Lsn elsewhere = h_.log->segments()[1].base;
  EXPECT_TRUE(h_.log->read(elsewhere, buffer)) << "another file gave way";
  disk_.inject({.at = disk_.questions() + 1, .kind = OpKind::kOpen, .system_errno = EMFILE, .times = 3});
  const Lsn further = h_.log->segments()[2].base;
  EXPECT_EQ(code_of(h_.log->read(further, buffer)), ErrorCode::kBusy) << "there was nothing left to give way";
  disk_.clear_faults();
  EXPECT_TRUE(h_.log->read(further, buffer));
  EXPECT_TRUE(h_.log->health());
}

// --- several writers ----------------------------------------------------------------------------

/// Each writer appends `key` = its number and its count, and remembers how many were accepted and how many
/// acknowledged.
struct Writers {
  static constexpr std::size_t kCount = 3;
  std::array<std::atomic<int>, kCount> accepted{};
  std::array<std::atomic<int>, kCount> acknowledged{};

  /// Appends and now and then waits, until `stop` says so for the error met.
  void run(Log& log, std::size_t t, const std::function<bool(ErrorCode)>& stop) {
    for (;;) {
      const int i = accepted[t];
      const std::string key = std::to_string(t) + ":" + std::to_string(i);
      const std::string payload(static_cast<std::size_t>(i % 40 == 39 ? 20'000 : 500), 'p');
      const RecordSpec record = string_record(key, payload);
      Lsn lsn;
      const auto end = log.append(std::span(&record, 1), std::span(&lsn, 1));
      if (end) {
        ++accepted[t];
        if (i % 5 != 0) continue;
        if (const auto durable = log.wait_durable(*end)) {
          acknowledged[t] = i + 1;
        } else if (stop(durable.error().code())) {
          return;
        }
      } else if (stop(end.error().code())) {
        return;
      }
    }
  }
  void expect_in(const std::vector<Written>& recovered, const std::array<std::atomic<int>, kCount>& at_least) const {
    std::array<int, kCount> seen{};
    for (const Written& w : recovered) {
      const auto t = static_cast<std::size_t>(w.key[0] - '0');
      ASSERT_EQ(w.key, std::to_string(t) + ":" + std::to_string(seen[t]++));
    }
    for (std::size_t t = 0; t < kCount; ++t) EXPECT_GE(seen[t], at_least[t]);
  }
};

TEST_F(LogFaultTest, several_writers_meet_a_full_disk_and_lose_nothing_that_was_accepted) {
  disk_.set_capacity(200u << 10);
  h_.must_open();
  Writers writers;
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < Writers::kCount; ++t) {
    threads.emplace_back([&, t] {
      writers.run(*h_.log, t, [&](ErrorCode code) {
        EXPECT_EQ(code, ErrorCode::kNoSpace);
        // Whoever is refused makes a little room, until all have been refused often enough.
        const int times = ++refused;
        disk_.set_capacity((200u + 20u * static_cast<unsigned>(times)) << 10);
        h_.clock.advance_ms(200);
        if (times % 2 == 0) h_.log->tick(1, h_.clock.wall());
        return times > 30;
      });
    });
  }
  for (auto& thread : threads) thread.join();
  disk_.set_capacity(sim::kNoLimit);
  ASSERT_TRUE(h_.log->close(h_.clock.wall()));
  h_.must_open();
  writers.expect_in(h_.recovered, writers.accepted);
}

TEST_F(LogFaultTest, several_writers_meet_a_failing_disk_and_keep_what_they_were_told) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimFileSystem disk(seed);
    LogHarness h(disk);
    h.must_open();
    disk.inject(
        {.at = disk.operations() + 5 * seed, .times = seed % 2 == 0 ? 1 : sim::kForever, .partial = seed % 3 == 0});
    Writers writers;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < Writers::kCount; ++t) {
      threads.emplace_back([&, t] {
        writers.run(*h.log, t, [](ErrorCode code) {
          EXPECT_TRUE(code == ErrorCode::kIo || code == ErrorCode::kReadOnly);
          return true;
        });
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(h.log->health());
    h.log.reset();
    SimFileSystem after = disk.after_crash(sim::kCrashModes[seed % std::size(sim::kCrashModes)], seed);
    LogHarness found(after);
    found.must_open();
    if (HasFatalFailure()) return;
    writers.expect_in(found.recovered, writers.acknowledged);
  }
}

// --- every operation fails once, and then for good ----------------------------------------------

class Load {
 public:
  Load(SimFileSystem& files, std::uint64_t seed) : h(files), random_(seed) {
    h.options.segment_age_ms = 50;
    h.options.sync_interval_ms = 5;
  }

  /// Goes on after failures, as a server would; returns false when the log cannot be opened.
  bool run(int steps) {
    if (!open()) return false;
    for (int i = 0; i < steps; ++i) {
      const auto kind = random_.below(30);
      if (kind == 0) {
        if (h.log->close(h.clock.wall())) acknowledge(h.log->durable());
        if (!open()) return false;
      } else if (kind < 3) {
        (void)h.append(1 + static_cast<int>(random_.below(3)), 20'000);
      } else if (kind < 16) {
        (void)h.append(1 + static_cast<int>(random_.below(5)), random_.below(3000));
      } else if (kind < 24) {
        const Lsn tail = h.log->tail();
        if (h.log->wait_durable(tail)) acknowledge(tail);
      } else {
        h.clock.advance_ms(static_cast<std::int64_t>(random_.below(8)));
        h.log->tick(h.clock.monotonic_ns(), h.clock.wall());
        acknowledge(h.log->durable());
      }
    }
    return true;
  }

  void check(const LogHarness& found) const {
    ASSERT_LE(found.recovered.size(), h.model.size());
    ASSERT_TRUE(std::equal(found.recovered.begin(), found.recovered.end(), h.model.begin()));
    ASSERT_GE(found.log->tail(), acknowledged_);
    if (found.recovered.size() == h.model.size()) return;
    const Lsn next = h.model[found.recovered.size()].lsn;
    ASSERT_GE(next, acknowledged_);
    ASSERT_TRUE(found.recovered.empty() || std::ranges::find(h.ends, next) != h.ends.end()) << "half a batch";
  }

  LogHarness h;

 private:
  bool open() {
    if (!h.open()) return false;
    h.model = h.recovered;
    h.ends.push_back(h.log->tail());
    return true;
  }
  void acknowledge(Lsn lsn) { acknowledged_ = std::max(acknowledged_, lsn); }
  base::Random random_;
  Lsn acknowledged_ = kNoLsn;
};

class LogNthFaultTest : public testing::TestWithParam<int> {};

TEST_P(LogNthFaultTest, loses_nothing_acknowledged_whichever_operation_fails) {
  constexpr int kSteps = 50;
  const int system_errno = GetParam();
  std::uint64_t operations = 0;
  {
    SimFileSystem disk(7);
    Load load(disk, 7);
    ASSERT_TRUE(load.run(kSteps));
    operations = disk.operations();
  }
  for (std::uint64_t at = 1; at <= operations; ++at) {
    for (const bool partial : {false, true}) {
      for (const std::uint64_t times : {std::uint64_t{1}, sim::kForever}) {
        SCOPED_TRACE("operation " + std::to_string(at) + (partial ? ", partial" : "") + ", " + std::to_string(times) +
                     " times");
        SimFileSystem disk(7);
        disk.inject({.at = at, .system_errno = system_errno, .times = times, .partial = partial});
        Load load(disk, 7);
        (void)load.run(kSteps);
        load.h.log.reset();
        for (const bool power_cut : {false, true}) {
          SimFileSystem after = power_cut ? disk.after_crash(sim::kCrashModes[at % std::size(sim::kCrashModes)], at)
                                          : disk.after_kill(at);
          LogHarness found(after);
          found.must_open();
          if (HasFatalFailure()) return;
          load.check(found);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

/// What the system may be short of. No call of the disk has failed then, whatever it is called.
class LogShortageTest : public testing::TestWithParam<int> {};

// Every call once and for a while, but for syncs: these hold what they need, and are never tried again.
TEST_P(LogShortageTest, is_no_failure_of_the_disk_whichever_call_meets_it) {
  constexpr OpKind kKinds[] = {OpKind::kCreate, OpKind::kWrite, OpKind::kAllocate, OpKind::kTruncate, OpKind::kRename,
                               OpKind::kRemove, OpKind::kOpen,  OpKind::kRead,     OpKind::kLook};
  std::uint64_t hit = 0;
  for (const OpKind kind : kKinds) {
    for (std::uint64_t nth = 0; nth < 200; nth += 1 + nth / 5) {
      SCOPED_TRACE(std::string(sim::to_string(kind)) + " " + std::to_string(nth));
      SimFileSystem disk(nth);
      LogHarness h(disk);
      h.must_open();
      const std::uint64_t now = sim::is_question(kind) ? disk.questions() : disk.operations();
      disk.inject({.at = now + 1 + nth, .kind = kind, .system_errno = GetParam(), .times = nth % 2 == 0 ? 1u : 20u});
      std::vector<std::byte> buffer;
      for (int i = 0; i < 120; ++i) {
        for (int tries = 0; !h.append(2, i % 40 == 39 ? 20'000 : 1000); ++tries) {
          ASSERT_LT(tries, 50) << "it clears by itself";
          h.clock.advance_ms(200);
          h.log->tick(h.clock.monotonic_ns(), h.clock.wall());
        }
        ASSERT_TRUE(h.log->wait_durable(h.log->tail()));
        static_cast<void>(h.log->read(h.model[h.model.size() / 2].lsn, buffer));  // refused at worst
      }
      const Lsn second = h.log->segments()[1].base;
      h.must_append_trim(second);  // has room of its own
      for (int tries = 0; !h.log->drop_before(second); ++tries) ASSERT_LT(tries, 50);
      ASSERT_TRUE(h.log->health());
      hit += disk.faults_hit();
      if (disk.faults_hit() == 0) break;
      disk.clear_faults();
      ASSERT_TRUE(h.log->close(h.clock.wall()));
      h.must_open();
      if (HasFatalFailure()) return;
      ASSERT_LT(h.recovered.size(), h.model.size());
      ASSERT_TRUE(std::equal(h.recovered.rbegin(), h.recovered.rend(), h.model.rbegin()));
    }
  }
  EXPECT_GT(hit, 100u);
}

INSTANTIATE_TEST_SUITE_P(Errnos, LogShortageTest, testing::Values(EMFILE, ENFILE, ENOMEM, EINTR));

INSTANTIATE_TEST_SUITE_P(Errnos, LogNthFaultTest, testing::Values(EIO, ENOSPC, EMFILE));

}  // namespace
}  // namespace stave::log
