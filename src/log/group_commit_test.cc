#include "log/group_commit.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "log/log.h"
#include "log/log_test_support.h"
#include "testing/sim_file_system.h"

namespace stave::log {
namespace {

/// A disk whose rounds a test starts and ends.
class Stage {
 public:
  std::atomic<std::uint64_t> tail{0};
  std::atomic<std::uint64_t> durable{0};
  std::atomic<bool> failed{false};
  std::atomic<int> rounds{0};
  std::atomic<int> entered{0};  ///< Rounds that have begun.
  std::atomic<int> allowed{0};  ///< Rounds that may end.

  GroupCommit group{{.complete = [this](std::uint64_t) { return tail.load(); },
                     .flush =
                         [this](std::uint64_t target) {
                           const int round = ++entered;
                           while (allowed < round) std::this_thread::yield();
                           if (!failed) durable = target;
                           ++rounds;
                         },
                     .settled = [this](std::uint64_t position) { return durable >= position || failed; }}};
};

TEST(GroupCommit, covers_everybody_who_came_during_a_round_with_the_next) {
  Stage stage;
  std::vector<std::thread> waiters;
  stage.tail = 1;
  waiters.emplace_back([&] { stage.group.wait(1); });
  while (stage.entered < 1) std::this_thread::yield();
  // The first round is under way and does not cover these.
  std::atomic<int> coming{0};
  for (std::uint64_t i = 2; i <= 9; ++i) {
    stage.tail = i;
    waiters.emplace_back([&, i] {
      ++coming;
      stage.group.wait(i);
    });
  }
  while (coming < 8) std::this_thread::yield();
  stage.allowed = 1;
  while (stage.entered < 2) std::this_thread::yield();
  stage.allowed = 1000;
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(stage.durable, 9u);
  EXPECT_EQ(stage.rounds, 2);
}

TEST(GroupCommit, returns_at_once_what_is_settled) {
  Stage stage;
  stage.durable = 5;
  stage.group.wait(5);
  EXPECT_EQ(stage.rounds, 0);
}

TEST(GroupCommit, releases_everybody_when_the_disk_fails) {
  Stage stage;
  stage.tail = 10;
  std::vector<std::thread> waiters;
  for (std::uint64_t i = 1; i <= 6; ++i) waiters.emplace_back([&, i] { stage.group.wait(i); });
  while (stage.entered < 1) std::this_thread::yield();
  stage.failed = true;
  stage.allowed = 1000;
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(stage.durable, 0u);
}

TEST(GroupCommit, leaves_nobody_behind) {
  Stage stage;
  stage.allowed = 1'000'000;
  std::vector<std::thread> waiters;
  for (int t = 0; t < 8; ++t) {
    waiters.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) stage.group.wait(++stage.tail);
    });
  }
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(stage.durable, 16'000u);
}

TEST(LogGroupCommit, syncs_once_for_all_who_wait) {
  sim::SimFileSystem disk(1);
  LogHarness h(disk);
  h.must_open();
  const auto before = h.log->stats().syncs;
  // While the first sync is held, the others append and wait; one more covers them all.
  std::atomic<bool> holding{false};
  std::atomic<bool> released{false};
  disk.on_operation([&](const sim::Operation& operation) {
    if (operation.kind != sim::OpKind::kSyncData || holding.exchange(true)) return;
    while (!released) std::this_thread::yield();
  });
  const auto append_and_wait = [&](int i) {
    const std::string key = std::to_string(i);
    const RecordSpec record = string_record(key, "v");
    Lsn lsn;
    const auto end = h.log->append(std::span(&record, 1), std::span(&lsn, 1));
    ASSERT_TRUE(end);
    ASSERT_TRUE(h.log->wait_durable(*end));
  };
  std::vector<std::thread> writers;
  writers.emplace_back(append_and_wait, 0);
  while (!holding) std::this_thread::yield();
  const Lsn first = h.log->tail();
  for (int i = 1; i <= 16; ++i) writers.emplace_back(append_and_wait, i);
  // Appending goes on during the sync.
  while (h.log->tail() - first < 16 * (kRecordHeaderBytes + 2)) std::this_thread::yield();
  released = true;
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(h.log->durable(), h.log->tail());
  const auto syncs = h.log->stats().syncs - before;
  EXPECT_GE(syncs, 2u);
  EXPECT_LE(syncs, 3u) << "a writer that had not come to wait yet may need one more";
}

}  // namespace
}  // namespace stave::log
