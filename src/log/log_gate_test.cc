// Who waits for the disk, and who does not: shown with a gate in its way, without a clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>

#include "base/mutex.h"
#include "log/log.h"
#include "log/log_test_support.h"
#include "testing/gated_file_system.h"

namespace stave::log {
namespace {

using sim::Gate;

class LogGateTest : public testing::Test {
 protected:
  void SetUp() override {
    h_.options.sync = Sync::kOs;
    h_.must_open();
  }
  void expect_readable(std::span<const Written> records) {
    std::vector<std::byte> buffer;
    for (const Written& w : records) {
      const auto view = h_.log->read(w.lsn, buffer);
      ASSERT_TRUE(view) << view.error().describe();
      EXPECT_EQ(view->payload, w.payload);
    }
  }
  void expect_recovered() {
    ASSERT_TRUE(h_.log->close(h_.clock.wall()));
    EXPECT_TRUE(h_.names(".next").empty());
    h_.must_open();
    EXPECT_TRUE(h_.report.clean);
    EXPECT_EQ(h_.recovered, h_.model);
  }

  std::unique_ptr<FileSystem> memory_ = make_memory_file_system();
  Gate gate_;
  std::unique_ptr<FileSystem> files_ = make_gated_file_system(*memory_, gate_);
  LogHarness h_{*files_};
};

TEST_F(LogGateTest, nobody_but_who_asks_for_durability_waits_for_the_sync_of_a_roll) {
  h_.must_append(2);
  gate_.close(Gate::Call::kSync, "");
  std::thread waiting([&] { EXPECT_TRUE(h_.log->wait_durable(h_.log->tail())); });
  gate_.await();
  // Several segments: each of them is gone over to while that sync is held back.
  for (int i = 0; i < 100; ++i) {
    const Lsn end = h_.must_append(3, 1000);
    ASSERT_TRUE(h_.log->wait_written(end));
    EXPECT_GE(h_.log->written(), end);
    if (i % 10 == 0) expect_readable(h_.model);
  }
  expect_readable(h_.model);
  EXPECT_GE(h_.names(".next").size(), 4u);
  EXPECT_EQ(h_.names(".seg").size(), 1u) << "a segment has its own name once it is durable";
  EXPECT_EQ(h_.log->durable(), kFirstLsn);
  for (const SegmentInfo& segment : h_.log->segments()) EXPECT_FALSE(segment.sealed);
  EXPECT_EQ(h_.log->segments().back().end, h_.log->written());
  gate_.open();
  waiting.join();
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  EXPECT_EQ(h_.log->durable(), h_.log->tail());
  EXPECT_TRUE(h_.names(".next").empty());
  expect_recovered();
}

TEST_F(LogGateTest, the_flusher_settles_a_roll_and_nobody_waits_for_it) {
  h_.log.reset();
  h_.options.background = true;
  h_.must_open();
  base::Mutex mutex;
  base::ConditionVariable changed;
  h_.log->add_listener([&] {
    base::MutexLock lock(mutex);
    changed.notify_all();
  });
  gate_.close(Gate::Call::kSync, "");
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(h_.log->wait_written(h_.must_append(3, 1000)));
  gate_.await();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(h_.log->wait_written(h_.must_append(3, 1000)));
  expect_readable(h_.model);
  EXPECT_EQ(h_.log->durable(), kFirstLsn);
  gate_.open();
  {
    base::MutexLock lock(mutex);
    while (h_.log->durable() < h_.log->segments().back().base) changed.wait(mutex);
  }
  expect_recovered();
}

TEST_F(LogGateTest, who_appends_is_held_back_when_the_disk_is_many_segments_behind) {
  gate_.close(Gate::Call::kSync, "");
  std::thread appending([&] {
    for (int i = 0; i < 500; ++i) h_.must_append(3, 1000);
  });
  gate_.await();
  EXPECT_LE(h_.log->tail() - kFirstLsn, std::uint64_t{12} * h_.options.segment_bytes);
  EXPECT_EQ(h_.log->durable(), kFirstLsn);
  gate_.open();
  appending.join();
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  expect_recovered();
}

// --- large batches ------------------------------------------------------------------------------

class LogBesideTest : public LogGateTest {
 protected:
  /// Begins to append a large batch, whose payload stays at the gate.
  void begin_large() {
    before_ = h_.log->tail();
    h_.model.push_back({before_, RecordKind::kString, "large", payload_});
    gate_.close(Gate::Call::kWrite, "", kSlice);
    appending_ = std::thread([this] {
      const RecordSpec record = string_record("large", payload_);
      Lsn lsn;
      const auto end = h_.log->append(std::span(&record, 1), std::span(&lsn, 1));
      ASSERT_TRUE(end) << end.error().describe();
      EXPECT_EQ(lsn, before_);
      EXPECT_GT(*end, before_ + payload_.size());
    });
    gate_.await();
    EXPECT_GT(h_.log->tail(), before_ + payload_.size()) << "it has its place";
  }
  void end_large() {
    gate_.open();
    appending_.join();
  }

  /// What a payload is written in, with this ring and these segments.
  static constexpr std::size_t kSlice = 16u << 10;
  const std::string payload_ = std::string(300'000, 'L');
  Lsn before_ = kNoLsn;
  std::thread appending_;
};

TEST_F(LogBesideTest, others_append_and_read_while_a_large_payload_is_written) {
  h_.must_append(3);
  begin_large();
  // More than the ring holds, and more than a segment, in writes that pass the gate.
  for (int i = 0; i < 60; ++i) {
    h_.must_append(3, 1000);
    h_.log->tick(1, h_.clock.wall());
  }
  std::vector<Written> others = h_.model;
  std::erase_if(others, [](const Written& w) { return w.key == "large"; });
  expect_readable(others);
  ASSERT_TRUE(h_.log->wait_written(before_));
  ASSERT_TRUE(h_.log->wait_durable(before_)) << "what lies before it is durable without it";
  EXPECT_EQ(h_.log->written(), before_);
  EXPECT_EQ(h_.log->durable(), before_);
  EXPECT_EQ(h_.log->segments().back().end, before_) << "what is written in order ends there";
  h_.log->tick(1'000'000'000'000, h_.clock.wall());
  end_large();
  ASSERT_TRUE(h_.log->wait_written(h_.log->tail()));
  EXPECT_EQ(h_.log->written(), h_.log->tail());
  expect_readable(h_.model);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  expect_recovered();
}

// For those who hold locks: its place at once, its bytes later.
TEST_F(LogBesideTest, a_large_batch_is_written_when_who_appended_it_wants_to) {
  h_.must_append(3);
  const RecordSpec record = string_record("large", payload_);
  Lsn lsn{};
  Unwritten later;
  const auto end = h_.log->append(std::span(&record, 1), std::span(&lsn, 1), later);
  ASSERT_TRUE(end) << end.error().describe();
  ASSERT_TRUE(later);
  EXPECT_EQ(h_.log->tail(), *end);
  h_.model.push_back({lsn, RecordKind::kString, "large", payload_});
  const Lsn behind = h_.must_append(3, 1000);
  ASSERT_TRUE(h_.log->write_out_before(behind)) << "which waits for nobody";
  EXPECT_EQ(h_.log->written(), lsn);
  const Lsn place = lsn;  // whoever writes it says again where it lies
  std::thread reading([&] {
    std::vector<std::byte> buffer;
    const auto view = h_.log->read(place, buffer);
    ASSERT_TRUE(view) << view.error().describe();
    EXPECT_EQ(view->payload, payload_);
  });
  const auto length = encoded_size(record);
  std::thread measuring([&] { EXPECT_EQ(h_.log->length_at(place).value_or(0), length); });
  later.write(std::span(&record, 1), std::span(&lsn, 1));
  EXPECT_FALSE(later);
  reading.join();
  measuring.join();
  EXPECT_EQ(h_.log->written(), behind);
  expect_readable(h_.model);
  expect_recovered();
}

TEST_F(LogBesideTest, a_batch_that_fits_the_ring_leaves_nothing_for_later) {
  const RecordSpec record = string_record("small", "value");
  Lsn lsn{};
  Unwritten later;
  ASSERT_TRUE(h_.log->append(std::span(&record, 1), std::span(&lsn, 1), later));
  EXPECT_FALSE(later);
  h_.model.push_back({lsn, RecordKind::kString, "small", "value"});
  expect_readable(h_.model);
  expect_recovered();
}

TEST_F(LogBesideTest, who_listens_hears_of_its_end) {
  base::Mutex mutex;
  base::ConditionVariable changed;
  const auto handle = h_.log->add_listener([&] {
    base::MutexLock lock(mutex);
    changed.notify_all();
  });
  begin_large();
  const Lsn end = h_.must_append(1);
  ASSERT_TRUE(h_.log->write_out_before(end));
  end_large();
  {
    base::MutexLock lock(mutex);
    while (h_.log->written() < end) changed.wait(mutex);
  }
  h_.log->remove_listener(handle);
  expect_recovered();
}

TEST_F(LogBesideTest, a_second_large_batch_does_not_wait_for_the_first) {
  begin_large();
  // Of small records: they go through blocks that pass the gate.
  const Lsn second = h_.must_append(40, 1000);
  h_.must_append(1);
  EXPECT_EQ(h_.log->written(), before_);
  expect_readable(std::span(h_.model).subspan(1));
  end_large();
  ASSERT_TRUE(h_.log->wait_written(second));
  expect_recovered();
}

TEST_F(LogBesideTest, what_is_acknowledged_behind_it_waits_for_it_and_so_does_the_close) {
  begin_large();
  const Lsn end = h_.must_append(1);
  std::array<std::thread, 3> waiting{
      std::thread([&] {
        EXPECT_TRUE(h_.log->wait_written(end));
        EXPECT_GE(h_.log->written(), end);
      }),
      std::thread([&] {
        EXPECT_TRUE(h_.log->wait_durable(end));
        EXPECT_GE(h_.log->durable(), end);
      }),
      std::thread([&] {
        EXPECT_TRUE(h_.log->roll());
        EXPECT_GE(h_.log->durable(), end);
      }),
  };
  EXPECT_EQ(h_.log->written(), before_);
  end_large();
  for (std::thread& thread : waiting) thread.join();
  begin_large();
  std::thread closing([&] { EXPECT_TRUE(h_.log->close(h_.clock.wall())); });
  end_large();
  closing.join();
  h_.must_open();
  EXPECT_TRUE(h_.report.clean);
  EXPECT_TRUE(h_.recovered == h_.model);
}

TEST_F(LogBesideTest, a_requested_sync_covers_what_lies_before_it_and_later_what_lies_behind) {
  const Lsn small = h_.must_append(1);
  begin_large();
  const Lsn end = h_.must_append(1);
  base::Mutex mutex;
  base::ConditionVariable changed;
  const auto handle = h_.log->add_listener([&] {
    base::MutexLock lock(mutex);
    changed.notify_all();
  });
  const auto await = [&](Lsn lsn) {
    base::MutexLock lock(mutex);
    while (h_.log->durable() < lsn) changed.wait(mutex);
  };
  h_.log->request_sync(end);
  await(small);
  EXPECT_EQ(h_.log->durable(), before_);
  end_large();
  await(end);
  h_.log->remove_listener(handle);
  expect_recovered();
}

}  // namespace
}  // namespace stave::log
