// The life of the log: segments that are sealed early, scanned, dropped from the front, and left out of a replay.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "base/random.h"
#include "log/log_test_support.h"
#include "testing/sim_file_system.h"

namespace stave::log {
namespace {

class LogLifeTest : public testing::Test {
 protected:
  sim::SimFileSystem files_{1};
  LogHarness h_{files_};

  void close() { ASSERT_TRUE(h_.log->close(h_.clock.wall())); }
  void fill(std::size_t segments) {
    while (h_.log->segments().size() < segments) {
      h_.must_append(3, 300);
      h_.log->tick(1, h_.clock.wall());
    }
  }
  std::vector<Written> from(Lsn lsn) {
    return {std::ranges::lower_bound(h_.model, lsn, {}, &Written::lsn), h_.model.end()};
  }
  /// Opening fails so, and leaves every byte as it was.
  void refuses(ErrorCode code, std::string_view saying) {
    h_.log.reset();
    const auto before = files_.dump();
    auto opened = h_.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), code) << opened.error().describe();
    EXPECT_NE(opened.error().message().find(saying), std::string::npos) << opened.error().describe();
    EXPECT_FALSE(opened.error().file().empty());
    EXPECT_TRUE(files_.dump() == before) << "something was changed";
  }
  std::vector<Written> scanned(Lsn begin, Lsn end) {
    std::vector<Written> found;
    auto done = h_.log->scan(begin, end, [&](std::span<const RecordView> run) -> Result<void> {
      EXPECT_TRUE(run.back().commit());
      for (const RecordView& r : run) found.push_back({r.lsn, r.kind, std::string(r.key), std::string(r.payload)});
      return {};
    });
    EXPECT_TRUE(done) << done.error().describe();
    return found;
  }
};

TEST_F(LogLifeTest, segments_are_one_contiguous_stretch) {
  h_.must_open();
  fill(5);
  const auto segments = h_.log->segments();
  EXPECT_EQ(segments.front().base, kFirstLsn);
  EXPECT_EQ(h_.log->stats().first, kFirstLsn);
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    EXPECT_EQ(segments[i].sealed, i + 1 < segments.size());
    if (segments[i].sealed) {
      EXPECT_EQ(segments[i].end, segments[i + 1].base);
      EXPECT_EQ(segments[i].file_bytes, files_.dump()[h_.path(segment_name(segments[i].base))].size());
    }
    bytes += segments[i].file_bytes;
  }
  EXPECT_EQ(segments.back().end, h_.log->written());
  EXPECT_EQ(bytes, h_.log->stats().bytes_on_disk);
}

TEST_F(LogLifeTest, drops_whole_sealed_segments_from_the_front_only) {
  h_.must_open();
  fill(5);
  const auto before = h_.log->segments();
  EXPECT_EQ(*h_.log->drop_before(before[1].base + 1), before[0].file_bytes) << "not the one that reaches behind it";
  EXPECT_EQ(*h_.log->drop_before(before[1].base), 0u);
  std::vector<std::byte> buffer;
  EXPECT_EQ(h_.log->read(h_.model.front().lsn, buffer).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(h_.log->scan(kFirstLsn, h_.log->written(), nullptr).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(h_.log->read(before[1].base, buffer));
  h_.must_append_trim(h_.log->tail());
  EXPECT_EQ(*h_.log->drop_before(Lsn{kLsnMax}), before[1].file_bytes + before[2].file_bytes + before[3].file_bytes);
  ASSERT_EQ(h_.log->segments().size(), 1u) << "the active one stays";
  EXPECT_EQ(h_.log->durable(), h_.log->tail()) << "what was appended before is durable first";
  EXPECT_EQ(h_.names(".seg"), std::vector<std::string>{segment_name(before.back().base)});
  EXPECT_EQ(h_.log->stats().first, before.back().base);
  EXPECT_EQ(h_.log->stats().segments, 1u);
  h_.must_append(2);
  close();
  h_.must_open();
  EXPECT_EQ(h_.report.from, before.back().base);
  EXPECT_EQ(h_.recovered, from(before.back().base));
}

TEST_F(LogLifeTest, a_segment_that_could_not_be_removed_is_removed_later) {
  h_.must_open();
  fill(4);
  const auto before = h_.log->segments();
  h_.must_append_trim(before[3].base);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  for (const bool partial : {false, true}) {
    files_.inject({.at = files_.operations() + 1, .kind = sim::OpKind::kRemove, .partial = partial});
    ASSERT_FALSE(h_.log->drop_before(before[3].base));
    EXPECT_TRUE(h_.log->writable()) << "nothing was lost by it";
    EXPECT_EQ(h_.log->segments().size(), 4u);
  }
  EXPECT_TRUE(h_.log->drop_before(before[3].base));
  EXPECT_EQ(h_.log->segments().size(), 1u);
}

TEST_F(LogLifeTest, removes_nothing_more_after_a_directory_could_not_be_synced) {
  h_.must_open();
  fill(4);
  const auto before = h_.log->segments();
  h_.must_append_trim(before[3].base);
  files_.inject({.at = 1, .kind = sim::OpKind::kSyncDirectory});
  ASSERT_FALSE(h_.log->drop_before(before[3].base));
  EXPECT_EQ(h_.log->writable().error().code(), ErrorCode::kReadOnly);
  EXPECT_EQ(h_.log->drop_before(before[3].base).error().code(), ErrorCode::kReadOnly);
  EXPECT_EQ(h_.names(".seg").size(), 3u);
  h_.must_open();
  EXPECT_EQ(h_.recovered, from(before[1].base));
}

TEST_F(LogLifeTest, without_its_first_segments_opens_only_if_it_says_itself_that_they_are_not_needed) {
  h_.must_open();
  fill(4);
  const auto segments = h_.log->segments();
  h_.must_append(2);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  ASSERT_TRUE(files_.remove(h_.path(segment_name(kFirstLsn))));
  refuses(ErrorCode::kCorrupt, "first segments of the log are missing");

  h_.start = {.from = segments[1].base};
  h_.must_open();
  h_.must_append_trim(segments[1].base);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  h_.start = {};
  h_.must_open();
  EXPECT_EQ(h_.recovered, from(segments[1].base));

  ASSERT_TRUE(files_.remove(h_.path(segment_name(segments[1].base))));
  refuses(ErrorCode::kCorrupt, "first segments of the log are missing");
}

TEST_F(LogLifeTest, with_a_hole_in_the_middle_is_refused_although_trimmed) {
  h_.must_open();
  fill(4);
  const auto segments = h_.log->segments();
  h_.must_append_trim(segments[3].base);
  ASSERT_TRUE(h_.log->drop_before(segments[1].base));
  ASSERT_TRUE(files_.remove(h_.path(segment_name(segments[2].base))));
  refuses(ErrorCode::kCorrupt, "segment is missing");
  h_.start = {.from = segments[3].base};
  refuses(ErrorCode::kCorrupt, "segment is missing");
}

TEST_F(LogLifeTest, scans_whole_batches_of_any_range) {
  h_.must_open();
  fill(4);
  h_.must_append(3, 100'000);
  h_.must_append(3);
  ASSERT_TRUE(h_.log->wait_written(h_.log->tail()));
  EXPECT_EQ(scanned(kFirstLsn, h_.log->tail()), h_.model);
  base::Random random(7);
  for (int i = 0; i < 200; ++i) {
    const Lsn a = h_.ends[random.below(h_.ends.size())];
    const Lsn b = h_.ends[random.below(h_.ends.size())];
    const auto [begin, end] = std::minmax(a, b);
    std::vector<Written> expected = from(begin);
    std::erase_if(expected, [&, to = end](const Written& w) { return w.lsn >= to; });
    ASSERT_EQ(scanned(begin, end), expected);
  }
  h_.must_append(1);
  EXPECT_EQ(h_.log->scan(kFirstLsn, h_.log->tail(), nullptr).error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(LogLifeTest, a_scan_ends_with_the_first_error_of_its_visitor_or_of_the_disk) {
  h_.must_open();
  fill(3);
  const auto stop = [](std::span<const RecordView>) -> Result<void> { return fail(ErrorCode::kAborted, "enough"); };
  EXPECT_EQ(h_.log->scan(kFirstLsn, h_.log->written(), stop).error().code(), ErrorCode::kAborted);
  const Lsn second = h_.log->segments()[1].base;
  ASSERT_TRUE(files_.flip_bit(h_.path(segment_name(second)), 8 * (kSegmentHeaderBytes + 40)));
  const auto done = h_.log->scan(kFirstLsn, h_.log->written(), nullptr);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(done.error().file(), h_.path(segment_name(second)));
  EXPECT_EQ(done.error().offset(), static_cast<std::int64_t>(kSegmentHeaderBytes));
}

TEST_F(LogLifeTest, a_scan_goes_on_in_a_segment_that_is_dropped_meanwhile) {
  h_.must_open();
  fill(4);
  const auto segments = h_.log->segments();
  const auto all = h_.model;
  std::size_t seen = 0;
  const auto visit = [&](std::span<const RecordView> run) -> Result<void> {
    seen += run.size();
    // No lock is held: the log may be appended to, sealed and dropped.
    h_.must_append(1);
    EXPECT_TRUE(h_.log->roll());
    h_.must_append_trim(segments[1].base);
    EXPECT_TRUE(h_.log->drop_before(segments[1].base));
    return {};
  };
  ASSERT_TRUE(h_.log->scan(kFirstLsn, h_.log->written(), visit));
  EXPECT_GE(seen, all.size() - 10);
  EXPECT_EQ(h_.log->segments().front().base, segments[1].base);
}

TEST_F(LogLifeTest, seals_a_segment_on_request_if_it_holds_anything) {
  h_.must_open();
  ASSERT_TRUE(h_.log->roll());
  EXPECT_EQ(h_.log->segments().size(), 1u);
  const Lsn end = h_.must_append(2);
  ASSERT_TRUE(h_.log->roll());
  ASSERT_TRUE(h_.log->roll());
  ASSERT_EQ(h_.log->segments().size(), 2u);
  EXPECT_EQ(h_.log->segments()[0].end, end);
  EXPECT_EQ(h_.log->durable(), end) << "what is sealed is on disk";
  EXPECT_EQ(h_.log->segments()[1].end, end);
  close();
  EXPECT_EQ(h_.log->roll().error().code(), ErrorCode::kAborted);
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(LogLifeTest, seals_nothing_without_room_for_the_next_segment) {
  h_.must_open();
  const Lsn end = h_.must_append(2);
  ASSERT_TRUE(h_.log->wait_durable(end));
  files_.set_capacity(files_.used_bytes());
  EXPECT_EQ(h_.log->roll().error().code(), ErrorCode::kNoSpace);
  EXPECT_EQ(h_.log->segments().size(), 1u);
  files_.set_capacity(sim::kNoLimit);
  EXPECT_TRUE(h_.log->roll());
}

TEST_F(LogLifeTest, seals_scans_and_drops_while_others_append) {
  h_.options.segment_bytes = 1u << 20;
  h_.options.log_buffer_bytes = 1u << 20;
  h_.options.background = true;
  h_.must_open();
  constexpr int kThreads = 2, kBatches = 1500;
  std::atomic<int> running{kThreads};
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      const std::string payload(500, static_cast<char>('a' + t));
      for (int i = 0; i < kBatches; ++i) {
        const std::string key = std::to_string(i);
        const RecordSpec record = string_record(key, payload);
        Lsn lsn;
        const auto end = h_.log->append(std::span(&record, 1), std::span(&lsn, 1));
        EXPECT_TRUE(end) << end.error().describe();
        if (i % 100 == 0) {
          EXPECT_TRUE(h_.log->wait_durable(*end));
        }
      }
      --running;
    });
  }
  Lsn first = kFirstLsn;
  std::map<std::string, int> seen;
  const auto count = [&](std::span<const RecordView> run) -> Result<void> {
    for (const RecordView& r : run) {
      if (r.kind == RecordKind::kString) ++seen[std::string(r.key)];
    }
    return {};
  };
  bool last = false;
  while (!last) {
    last = running == 0;
    ASSERT_TRUE(h_.log->roll());
    const Lsn base = h_.log->segments().back().base;
    ASSERT_TRUE(h_.log->scan(first, base, count));
    h_.must_append_trim(base);
    ASSERT_TRUE(h_.log->drop_before(base));
    first = base;
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kBatches));
  for (const auto& [key, times] : seen) ASSERT_EQ(times, kThreads) << key;
  close();
}

// --- opening from an image ----------------------------------------------------------------------

TEST_F(LogLifeTest, opens_from_any_batch_on_after_a_clean_and_an_unclean_stop) {
  h_.must_open();
  fill(3);
  h_.must_append(2);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  for (const bool clean : {false, true}) {
    if (clean) close();
    h_.log.reset();
    std::vector<Lsn> starts = h_.ends;
    starts.insert(starts.begin(), kFirstLsn);
    for (const Lsn start : starts) {
      sim::SimFileSystem copy = files_.after_kill(1);
      LogHarness other(copy);
      other.start = {.from = start, .needs = kFirstLsn, .proven = start};
      other.must_open();
      ASSERT_EQ(other.recovered, from(start)) << raw(start);
      ASSERT_EQ(other.report.from, start);
      ASSERT_EQ(other.report.clean, clean);
      ASSERT_EQ(other.log->tail(), h_.ends.back() + (clean ? kRecordHeaderBytes : 0));
      // The log goes on as if everything had been read.
      ASSERT_TRUE(other.log->wait_durable(other.must_append(1)));
      other.start = {};
      other.must_open();
      ASSERT_EQ(other.recovered.size(), h_.model.size() + 1);
      ASSERT_TRUE(std::equal(h_.model.begin(), h_.model.end(), other.recovered.begin()));
    }
    h_.must_open();
  }
}

TEST_F(LogLifeTest, opens_from_its_very_end) {
  h_.must_open();
  h_.must_append(2);
  for (int round = 0; round < 3; ++round) {
    if (round == 2) h_.must_append(1);
    ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
    if (round > 0) close();
    h_.start = {.from = h_.log->tail(), .proven = h_.log->tail()};
    h_.must_open();
    EXPECT_TRUE(h_.recovered.empty());
    EXPECT_EQ(h_.report.clean, round > 0);
    EXPECT_EQ(h_.report.bytes, 0u);
    EXPECT_EQ(h_.log->tail(), h_.start.from);
  }
  h_.start = {};
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(LogLifeTest, refuses_to_begin_where_no_batch_begins_or_behind_its_end) {
  h_.must_open();
  fill(3);
  h_.must_append(2);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  const Lsn end = h_.log->tail();
  for (const Lsn wrong : {h_.model[5].lsn + 1, h_.model.back().lsn + 7, end + 1, end + 100, end + 5'000'000}) {
    h_.start = {.from = wrong};
    refuses(ErrorCode::kNotFound, "no batch begins");
  }
  h_.start = {};
  h_.must_open();
  h_.must_append_trim(h_.log->segments()[1].base);
  ASSERT_TRUE(h_.log->drop_before(h_.log->segments()[1].base));
  h_.start = {.from = h_.ends[0]};
  refuses(ErrorCode::kNotFound, "begins behind");
}

TEST_F(LogLifeTest, does_not_read_what_an_image_covers_but_checks_that_it_is_there) {
  h_.must_open();
  fill(4);
  close();
  const auto segments = h_.log->segments();
  const std::string second = h_.path(segment_name(segments[1].base));
  ASSERT_TRUE(files_.flip_bit(second, 8 * (kSegmentHeaderBytes + 40)));
  h_.start = {.from = segments[2].base};
  h_.must_open();
  EXPECT_EQ(h_.recovered, from(segments[2].base));
  close();
  ASSERT_TRUE(files_.truncate_file(second, segments[1].file_bytes - 1));
  refuses(ErrorCode::kCorrupt, "ends before LSN");
  ASSERT_TRUE(files_.delete_file(second));
  refuses(ErrorCode::kCorrupt, "segment is missing");
  ASSERT_TRUE(files_.delete_file(h_.path(segment_name(segments[0].base))));
  h_.must_open();
  EXPECT_EQ(h_.recovered, from(segments[2].base));
  close();
  h_.start.needs = segments[2].base + 10;
  h_.must_open();
  close();
  h_.start.needs = segments[1].base + 10;
  refuses(ErrorCode::kCorrupt, std::to_string(raw(h_.start.needs)));
}

TEST_F(LogLifeTest, refuses_damage_behind_the_place_where_it_begins) {
  h_.must_open();
  fill(3);
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append(2)));
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append(2)));
  const auto segments = h_.log->segments();
  h_.start = {.from = h_.ends[2]};
  for (const Lsn victim : {h_.model[30].lsn, h_.ends[h_.ends.size() - 3]}) {
    const auto& segment = victim >= segments.back().base ? segments.back() : segments.front();
    const std::uint64_t offset = kSegmentHeaderBytes + (victim - segment.base);
    ASSERT_TRUE(files_.flip_bit(h_.path(segment_name(segment.base)), 8 * offset + 300));
    refuses(ErrorCode::kCorrupt, std::to_string(raw(victim)));
    ASSERT_TRUE(files_.flip_bit(h_.path(segment_name(segment.base)), 8 * offset + 300));
  }
  h_.must_open();
  EXPECT_EQ(h_.recovered, from(h_.start.from));
}

TEST_F(LogLifeTest, cuts_nothing_that_an_image_proves_to_have_been_durable) {
  h_.must_open();
  h_.must_append(2);
  const Lsn end = h_.must_append(3);
  ASSERT_TRUE(h_.log->wait_durable(end));
  const Lsn last = h_.model.back().lsn;
  ASSERT_TRUE(files_.flip_bit(h_.path(segment_name(kFirstLsn)), 8 * (raw(last) + 35)));
  h_.start = {.from = end, .proven = end};
  refuses(ErrorCode::kNotFound, "no batch begins");
  h_.start = {.proven = end};
  refuses(ErrorCode::kCorrupt, "image of the index");
  h_.start = {.from = h_.ends[0], .proven = end};
  refuses(ErrorCode::kCorrupt, "image of the index");
  h_.start = {.proven = h_.ends[0]};
  h_.must_open();
  EXPECT_EQ(h_.recovered.size(), 2u);
  EXPECT_GT(h_.report.torn_bytes, 0u);
}

TEST_F(LogLifeTest, makes_no_new_store_beside_an_image_of_one) {
  ASSERT_TRUE(files_.create_directories(h_.directory));
  h_.start = {.from = Lsn{5000}, .proven = Lsn{5000}};
  refuses(ErrorCode::kCorrupt, "identity file is missing");
}

}  // namespace
}  // namespace stave::log
