// The end of the log is known: a newest segment that is missing, empty or zeroed is told, by opening and by the
// doctor's eyes, and never taken for a log that ends earlier.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "log/inspect.h"
#include "log/log.h"
#include "log/log_test_support.h"
#include "testing/sim_file_system.h"

namespace stave::log {
namespace {

struct Act {
  const char* name;
  bool removes;
  void (*damage)(sim::SimFileSystem& files, const std::string& path, std::uint64_t size);
};

const Act kActs[] = {
    {"removed", true, [](auto& files, const auto& path, auto) { ASSERT_TRUE(files.delete_file(path)); }},
    {"emptied", false, [](auto& files, const auto& path, auto) { ASSERT_TRUE(files.truncate_file(path, 0)); }},
    {"zeroed", false, [](auto& files, const auto& path, auto size) { ASSERT_TRUE(files.zero_range(path, 0, size)); }},
    {"without header", false,
     [](auto& files, const auto& path, auto) { ASSERT_TRUE(files.zero_range(path, 0, kSegmentHeaderBytes)); }},
    {"cut within its header", false,
     [](auto& files, const auto& path, auto) { ASSERT_TRUE(files.truncate_file(path, 100)); }},
};

class LogEnd : public testing::Test {
 protected:
  /// A log of `segments`, durable, with what is due done.
  void make(std::size_t segments) {
    h_.must_open();
    while (h_.log->segments().size() < segments) append();
    append();
    tick();
  }
  void append() { ASSERT_TRUE(h_.log->wait_durable(h_.must_append(3, 3000))); }
  void tick() {
    for (int i = 0; i < 20; ++i) h_.log->tick(static_cast<std::uint64_t>(i) * 20'000'000, h_.clock.wall());
  }
  void end(bool close) {
    if (close) {
      ASSERT_TRUE(h_.log->close(h_.clock.wall()));
    }
    h_.log.reset();
  }
  std::vector<std::string> segments() {
    std::vector<std::string> paths;
    for (const std::string& name : h_.names(".seg")) paths.push_back(h_.path(name));
    return paths;
  }
  std::vector<std::string> marks() { return h_.names(".newest"); }
  static std::string bytes_of(const sim::SimFileSystem& files, const std::string& path) {
    return files.dump().at(path);
  }

  sim::SimFileSystem files_{1};
  LogHarness h_{files_};
};

/// Opening refuses and changes nothing; inspecting finds damage; both name a file.
void expect_told(sim::SimFileSystem& files, const StartAt& start, const std::string& named) {
  const auto before = files.dump();
  LogHarness h(files);
  h.start = start;
  const auto opened = h.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt) << opened.error().describe();
  EXPECT_NE(opened.error().message().find("stave doctor"), std::string::npos) << opened.error().describe();
  EXPECT_FALSE(opened.error().file().empty());
  if (!named.empty()) {
    EXPECT_EQ(opened.error().file(), named);
  }
  EXPECT_TRUE(files.dump() == before) << "nothing is changed";
  std::string said;
  Inspector inspector(
      files, h.directory, kNoLsn,
      {.found = [&](const Finding& f) { said += f.file + ": " + f.sentence + "\n"; }, .visit = nullptr});
  ASSERT_TRUE(inspector.run());
  EXPECT_GT(inspector.state().damages, 0u) << said;
  EXPECT_NE(said.find(opened.error().file()), std::string::npos) << said;
}

TEST_F(LogEnd, is_missed_whatever_becomes_of_the_newest_segment_or_the_one_before) {
  for (const bool closed : {true, false}) {
    files_ = sim::SimFileSystem(1);
    make(4);
    end(closed);
    const auto paths = segments();
    ASSERT_EQ(paths.size(), 4u);
    const Lsn second = *parse_segment_name(paths[1].substr(paths[1].rfind('/') + 1));
    for (const Act& act : kActs) {
      for (const std::size_t which : {3u, 2u}) {
        // From the beginning, and behind an image that proves nothing of the end.
        for (const StartAt& start : {StartAt{}, StartAt{.from = second, .needs = kFirstLsn, .proven = second}}) {
          SCOPED_TRACE(std::string(act.name) + (which == 3 ? ", the newest" : ", the one before") +
                       (closed ? ", closed" : ", killed") + (start.from == kNoLsn ? "" : ", with an image"));
          sim::SimFileSystem files = files_.after_kill(1);
          act.damage(files, paths[which], bytes_of(files, paths[which]).size());
          expect_told(files, start, which == 3 || !act.removes ? paths[which] : "");
        }
      }
    }
    h_.log.reset();
  }
}

TEST_F(LogEnd, is_missed_when_the_two_newest_segments_are_gone) {
  make(4);
  end(false);
  const auto paths = segments();
  ASSERT_TRUE(files_.delete_file(paths[3]));
  ASSERT_TRUE(files_.delete_file(paths[2]));
  expect_told(files_, {}, paths[3]);
}

TEST_F(LogEnd, of_a_log_with_one_segment_is_known_by_its_header) {
  make(1);
  end(true);
  const auto paths = segments();
  ASSERT_EQ(paths.size(), 1u);
  for (const Act& act : kActs) {
    SCOPED_TRACE(act.name);
    sim::SimFileSystem files = files_.after_kill(1);
    act.damage(files, paths[0], bytes_of(files, paths[0]).size());
    expect_told(files, {}, paths[0]);
  }
}

// A store that version 0.1 wrote, or one whose process was killed before the mark was there.
TEST_F(LogEnd, is_known_again_once_a_store_without_its_mark_was_opened) {
  make(4);
  end(true);
  const auto paths = segments();
  ASSERT_EQ(marks().size(), 1u);
  ASSERT_TRUE(files_.remove(h_.path(marks()[0])));
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
  tick();
  end(true);
  ASSERT_EQ(marks().size(), 1u);
  ASSERT_TRUE(files_.delete_file(paths[3]));
  expect_told(files_, {}, paths[3]);
}

// Version 0.1 knows no marks: it rolls on, and drops the segment that one is about.
TEST_F(LogEnd, is_not_judged_by_a_mark_that_was_left_behind) {
  make(5);
  end(true);
  const auto mark = marks();
  ASSERT_EQ(mark.size(), 1u);
  h_.must_open();
  const Lsn first = h_.log->segments()[1].base;
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append_trim(first)));
  ASSERT_TRUE(h_.log->drop_before(first));
  end(true);
  ASSERT_TRUE(files_.open(h_.path(newest_name(kFirstLsn)), OpenMode::kCreate));
  h_.must_open();
  tick();
  EXPECT_EQ(marks(), mark) << "and it goes";
}

TEST_F(LogEnd, is_known_behind_a_cut_too) {
  make(2);
  ASSERT_TRUE(h_.log->wait_written(h_.must_append(1, 100)));
  end(false);
  // Torn: the new segment begins where the last whole batch ended.
  const auto before = segments();
  const std::string newest = before.back();
  const std::string bytes = bytes_of(files_, newest);
  ASSERT_TRUE(files_.flip_bit(newest, 8 * (bytes.find_last_not_of('\0'))));
  h_.must_open();
  append();
  tick();
  end(false);
  const auto after = segments();
  ASSERT_EQ(after.size(), before.size() + 1);
  ASSERT_TRUE(files_.delete_file(after.back()));
  expect_told(files_, {}, after.back());
}

TEST_F(LogEnd, is_no_reason_to_refuse_a_log_whose_older_segments_were_dropped) {
  make(5);
  const Lsn to = h_.log->segments()[3].base;
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append_trim(to)));
  ASSERT_TRUE(h_.log->drop_before(to));
  end(false);
  h_.must_open();
  EXPECT_EQ(h_.names(".seg").size(), 3u) << "two are left, and one was begun anew after the kill";
}

// Nothing waits for a mark, and nothing fails for want of one.
TEST_F(LogEnd, marks_are_done_without_where_they_cannot_be_made) {
  make(2);
  for (const int error : {ENOSPC, EMFILE, EACCES, EIO}) {
    SCOPED_TRACE(error);
    const std::size_t before = h_.log->segments().size();
    files_.inject({.at = files_.operations() + 1, .kind = sim::OpKind::kRemove, .system_errno = error, .times = 1});
    while (h_.log->segments().size() == before) append();
    tick();
    files_.clear_faults();
    EXPECT_TRUE(h_.log->health());
    append();
  }
  end(true);
  h_.must_open();
  tick();
  EXPECT_EQ(marks().size(), 1u);
  EXPECT_EQ(marks()[0], newest_name(h_.log->segments().back().base));
}

}  // namespace
}  // namespace stave::log
