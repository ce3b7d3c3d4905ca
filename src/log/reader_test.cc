#include "log/reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "log/log_test_support.h"
#include "testing/sim_file_system.h"

namespace stave::log {
namespace {

class ReaderTest : public testing::Test {
 protected:
  sim::SimFileSystem files_{1};
  LogHarness h_{files_};
  std::vector<Written> seen_;

  LogReader must_open() {
    auto reader = LogReader::open(files_, h_.directory);
    EXPECT_TRUE(reader) << reader.error().describe();
    return std::move(*reader);
  }
  /// Reads as far as there is something.
  Result<Lsn> read_on(LogReader& reader, Lsn position) {
    for (;;) {
      auto reached = reader.read(position, [&](std::span<const RecordView> run) -> Result<void> {
        EXPECT_TRUE(run.back().commit());
        for (const RecordView& r : run)
          if (r.kind != RecordKind::kClose)
            seen_.push_back({r.lsn, r.kind, std::string(r.key), std::string(r.payload)});
        return {};
      });
      if (!reached || *reached == position) return reached;
      position = *reached;
    }
  }
  void fill(std::size_t segments) {
    while (h_.log->segments().size() < segments) {
      h_.must_append(3, 300);
      h_.log->tick(1, h_.clock.wall());
    }
    ASSERT_TRUE(h_.log->wait_durable(h_.must_append(2)));
  }
};

TEST_F(ReaderTest, reads_what_is_written_and_goes_on_when_there_is_more) {
  h_.must_open();
  LogReader reader = must_open();
  Lsn position = kFirstLsn;
  for (int i = 0; i < 300; ++i) {
    h_.must_append(1 + i % 3, 700);
    if (i % 2 == 0) {
      ASSERT_TRUE(h_.log->wait_written(h_.log->tail()));
    }
    const auto reached = read_on(reader, position);
    ASSERT_TRUE(reached) << reached.error().describe();
    ASSERT_EQ(*reached, h_.log->written());
    position = *reached;
  }
  ASSERT_TRUE(h_.log->close(h_.clock.wall()));
  ASSERT_TRUE(read_on(reader, position));
  EXPECT_EQ(seen_, h_.model);
  EXPECT_GT(h_.names(".seg").size(), 3u);
}

TEST_F(ReaderTest, finds_the_first_batch_at_or_behind_an_address) {
  h_.must_open();
  fill(3);
  LogReader reader = must_open();
  EXPECT_EQ(*reader.seek(Lsn{1}), kFirstLsn);
  for (std::size_t i = 1; i < h_.ends.size(); ++i) {
    ASSERT_EQ(*reader.seek(h_.ends[i]), h_.ends[i]);
    ASSERT_EQ(*reader.seek(Lsn{raw(h_.ends[i]) - 1}), h_.ends[i]);
    ASSERT_EQ(*reader.seek(h_.ends[i - 1] + 1), h_.ends[i]);
  }
  EXPECT_EQ(*reader.seek(Lsn{kLsnMax}), h_.log->written());
}

TEST_F(ReaderTest, reports_damage_and_what_has_been_dropped) {
  h_.must_open();
  fill(4);
  LogReader reader = must_open();
  const auto segments = h_.log->segments();
  const std::string second = h_.path(segment_name(segments[1].base));
  ASSERT_TRUE(files_.flip_bit(second, 8 * (kSegmentHeaderBytes + 40)));
  const auto damaged = read_on(reader, kFirstLsn);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(damaged.error().file(), second);
  EXPECT_EQ(damaged.error().offset(), static_cast<std::int64_t>(kSegmentHeaderBytes));
  h_.must_append_trim(segments[2].base);
  ASSERT_TRUE(h_.log->drop_before(segments[2].base));
  EXPECT_EQ(reader.read(kFirstLsn, nullptr).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(*reader.seek(kFirstLsn), segments[2].base);
}

TEST_F(ReaderTest, takes_damage_that_a_later_sync_proves_for_no_torn_tail) {
  h_.must_open();
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append(2)));
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append(2)));
  ASSERT_TRUE(files_.flip_bit(h_.path(segment_name(kFirstLsn)), 8 * (kSegmentHeaderBytes + 40)));
  LogReader reader = must_open();
  EXPECT_EQ(reader.read(kFirstLsn, nullptr).error().code(), ErrorCode::kCorrupt);
}

TEST_F(ReaderTest, shows_whole_batches_in_order_while_others_write) {
  h_.options.background = true;
  h_.options.segment_bytes = 256u << 10;
  h_.must_open();
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 3000; ++i) h_.must_append(1 + i % 3, 300);
    EXPECT_TRUE(h_.log->close(h_.clock.wall()));
    done = true;
  });
  LogReader reader = must_open();
  Lsn position = kFirstLsn;
  for (bool last = false; !last;) {
    last = done;
    const auto reached = read_on(reader, position);
    EXPECT_TRUE(reached) << reached.error().describe();
    if (!reached) break;
    position = *reached;
  }
  writer.join();
  EXPECT_EQ(seen_, h_.model);
}

}  // namespace
}  // namespace stave::log
