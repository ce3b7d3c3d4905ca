// What a power cut may leave of segments that were begun, and what recovery makes of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "log/inspect.h"
#include "log/log.h"
#include "log/log_test_support.h"
#include "log/reader.h"

namespace stave::log {
namespace {

class LogRollTest : public testing::Test {
 protected:
  void SetUp() override {
    h_.options.sync = Sync::kOs;
    h_.must_open();
  }

  /// Several segments, of which only the first has its own name; all of it is with the operating system. Returns their
  /// bases.
  std::vector<Lsn> begin_segments() {
    while (h_.names(".next").size() < 3) EXPECT_TRUE(h_.log->wait_written(h_.must_append(3, 1000)));
    h_.must_append(2, 500);
    EXPECT_TRUE(h_.log->wait_written(h_.log->tail()));
    std::vector<Lsn> bases;
    const auto segments = list_segments(*files_, h_.directory);
    for (const SegmentFile& segment : *segments) {
      EXPECT_EQ(segment.begun, !bases.empty());
      bases.push_back(segment.base);
    }
    h_.log.reset();
    return bases;
  }
  std::unique_ptr<File> file_of(Lsn base) {
    std::string path;
    EXPECT_TRUE(log::open_segment(*files_, h_.directory, base, path));
    auto file = files_->open(path, OpenMode::kReadWrite);
    EXPECT_TRUE(file);
    return std::move(*file);
  }
  void zero(Lsn base, std::uint64_t offset, std::size_t bytes) {
    ASSERT_TRUE(file_of(base)->write_at(offset, std::vector<std::byte>(bytes)));
  }
  /// Marks the first record of the segment: everything before it was durable when it was written.
  void mark_after_sync(Lsn base) {
    const auto file = file_of(base);
    const auto header = load_segment_header(*file, "");
    ASSERT_TRUE(header);
    const std::uint64_t seed = record_seed(header->store_id, header->salt);
    std::vector<std::byte> bytes(kRecordHeaderBytes);
    ASSERT_TRUE(file->read_at(kSegmentHeaderBytes, bytes));
    bytes.resize(*checked_length(bytes, base, seed));
    ASSERT_TRUE(file->read_at(kSegmentHeaderBytes, bytes));
    add_flag(bytes, kAfterSync, base, seed);
    ASSERT_TRUE(file->write_at(kSegmentHeaderBytes, bytes));
  }
  /// What was appended and lies before `lsn`.
  std::vector<Written> before(Lsn lsn) const {
    std::vector<Written> some;
    std::ranges::copy_if(h_.model, std::back_inserter(some), [lsn](const Written& w) { return w.lsn < lsn; });
    return some;
  }
  /// Opens what is left; it must be what was appended before `lsn`, and be so again after another start.
  void expect_cut_at(Lsn lsn) {
    h_.must_open();
    EXPECT_EQ(h_.recovered, before(lsn));
    EXPECT_EQ(h_.log->tail(), lsn);
    EXPECT_FALSE(h_.report.clean);
    EXPECT_TRUE(h_.names(".next").empty());
    const Lsn end = h_.must_append(2);
    h_.model = before(lsn);
    ASSERT_TRUE(h_.log->wait_durable(end));
    const auto cut = h_.names(".cut");
    h_.must_open();
    EXPECT_EQ(h_.recovered.size(), h_.model.size() + 2);
    EXPECT_EQ(h_.names(".cut"), cut) << "nothing is cut twice";
  }
  std::size_t damages() {
    Inspector inspector(*files_, h_.directory, kNoLsn, {.found = {}, .visit = {}});
    EXPECT_TRUE(inspector.run());
    return inspector.state().damages;
  }

  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  LogHarness h_{*files_};
};

TEST_F(LogRollTest, after_a_kill_segments_that_were_begun_are_all_there) {
  begin_segments();
  EXPECT_EQ(damages(), 0u);
  auto reader = LogReader::open(*files_, h_.directory);
  ASSERT_TRUE(reader);
  Lsn position = kFirstLsn;
  std::size_t records = 0;
  for (;;) {
    const auto reached = reader->read(position, [&](std::span<const RecordView> run) -> Result<void> {
      records += run.size();
      return {};
    });
    ASSERT_TRUE(reached) << reached.error().describe();
    if (*reached == position) break;
    position = *reached;
  }
  EXPECT_EQ(records, h_.model.size());
  expect_cut_at(position);
  EXPECT_TRUE(h_.names(".cut").empty());
}

TEST_F(LogRollTest, a_begun_segment_without_its_header_ends_the_log_before_it) {
  const auto bases = begin_segments();
  zero(bases[2], 0, kSegmentHeaderBytes);
  EXPECT_EQ(damages(), 0u);
  expect_cut_at(bases[2]);
  EXPECT_EQ(h_.names(".cut").size(), 2u) << "what lay in it and behind it is kept";
}

TEST_F(LogRollTest, a_begun_segment_that_is_missing_or_empty_ends_the_log_before_it) {
  const auto bases = begin_segments();
  ASSERT_TRUE(files_->remove(h_.path(begun_name(bases[1]))));
  ASSERT_TRUE(file_of(bases[3])->truncate(0));
  EXPECT_EQ(damages(), 0u);
  expect_cut_at(bases[1]);
}

TEST_F(LogRollTest, a_torn_tail_of_the_last_named_segment_takes_those_that_were_begun_with_it) {
  const auto bases = begin_segments();
  const auto before = std::ranges::lower_bound(h_.ends, Lsn{raw(bases[1]) - 4000});
  ASSERT_NE(before, h_.ends.end());
  zero(bases[0], kSegmentHeaderBytes + (*before - bases[0]) + 40, 100);
  EXPECT_EQ(damages(), 0u);
  expect_cut_at(*before);
  EXPECT_EQ(h_.names(".cut").size(), 4u);
}

TEST_F(LogRollTest, a_torn_tail_in_the_middle_of_a_begun_segment_is_cut_there) {
  const auto bases = begin_segments();
  const auto before = std::ranges::lower_bound(h_.ends, bases[2] + 5000);
  zero(bases[2], kSegmentHeaderBytes + (*before - bases[2]) + 40, 100);
  expect_cut_at(*before);
}

TEST_F(LogRollTest, nothing_whole_in_a_begun_segment_ends_the_log_before_it) {
  const auto bases = begin_segments();
  zero(bases[1], kSegmentHeaderBytes + 5, 10);
  expect_cut_at(bases[1]);
}

// The same damage, but something says that what is damaged was durable once.
TEST_F(LogRollTest, refuses_a_torn_tail_that_a_record_in_a_begun_segment_proves_to_be_rot) {
  const auto bases = begin_segments();
  const auto before = std::ranges::lower_bound(h_.ends, Lsn{raw(bases[1]) - 4000});
  zero(bases[0], kSegmentHeaderBytes + (*before - bases[0]) + 40, 100);
  mark_after_sync(bases[2]);
  const auto opened = h_.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message().find(std::to_string(raw(bases[2]))), std::string::npos);
  EXPECT_EQ(h_.names(".next").size(), 3u) << "nothing was changed";
  EXPECT_TRUE(h_.names(".cut").empty());
  EXPECT_GT(damages(), 0u);
}

// It says no more than what is there anyway.
TEST_F(LogRollTest, a_proof_just_where_the_log_ends_is_no_damage) {
  const auto bases = begin_segments();
  mark_after_sync(bases[1]);
  // The first batch has more records, of which one is torn.
  zero(bases[1], kSegmentHeaderBytes + 1500, 10);
  EXPECT_EQ(damages(), 0u);
  expect_cut_at(bases[1]);
}

TEST_F(LogRollTest, refuses_a_log_of_which_no_segment_has_its_name) {
  const auto bases = begin_segments();
  ASSERT_TRUE(files_->remove(h_.path(segment_name(bases[0]))));
  EXPECT_EQ(h_.open().error().code(), ErrorCode::kCorrupt);
}

TEST_F(LogRollTest, a_begun_segment_before_one_with_its_name_is_worthless) {
  const auto bases = begin_segments();
  h_.must_open();
  ASSERT_TRUE(h_.log->close(h_.clock.wall()));
  const auto model = h_.model;
  for (const Lsn base : {bases[1], bases[2] + 64}) {
    auto file = files_->open(h_.path(begun_name(base)), OpenMode::kCreate);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(0, std::vector<std::byte>(100, std::byte{1})));
  }
  h_.must_open();
  EXPECT_EQ(h_.recovered, model);
  EXPECT_TRUE(h_.report.clean);
  EXPECT_TRUE(h_.names(".next").empty());
}

TEST_F(LogRollTest, an_image_that_reaches_to_a_begun_segment_is_enough_without_it) {
  h_.options.sync = Sync::kOs;
  while (h_.names(".next").empty()) EXPECT_TRUE(h_.log->wait_written(h_.must_append(3, 1000)));
  const auto segments = list_segments(*files_, h_.directory);
  const Lsn base = segments->back().base;
  EXPECT_TRUE(h_.log->wait_durable(base));
  EXPECT_EQ(h_.log->durable(), base);
  EXPECT_EQ(h_.names(".next").size(), 1u) << "what lies before was durable before it";
  h_.log.reset();
  h_.start = {.from = base, .needs = kFirstLsn, .proven = base};
  for (const bool headless : {false, true}) {
    if (headless) zero(base, 0, kSegmentHeaderBytes);
    h_.must_open();
    EXPECT_TRUE(h_.recovered.empty());
    EXPECT_EQ(h_.log->tail(), base);
    h_.log.reset();
    if (headless) break;
    // Once more as it was.
    ASSERT_TRUE(files_->rename(h_.path(segment_name(base)), h_.path(begun_name(base))));
  }
}

}  // namespace
}  // namespace stave::log
