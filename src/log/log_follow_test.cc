// A log that is a copy of another one: appending at LSNs, reading what is written, cutting back.
#include <gtest/gtest.h>

#include <random>

#include "base/hash.h"
#include "log/cut_back.h"
#include "log/log_test_support.h"
#include "log/reader.h"
#include "log/term.h"
#include "testing/sim_file_system.h"

namespace stave::log {
namespace {

/// All batches of a log, as a follower gets them: views of copies of the bytes, with the leader's seed.
struct Batches {
  std::vector<std::vector<std::byte>> bytes;
  std::vector<std::vector<RecordView>> batches;
};

Batches read_all(Log& log, Lsn from, std::size_t piece) {
  Batches all;
  std::vector<std::byte> buffer(piece);
  std::vector<std::byte> pending;
  Lsn front = from;
  Lsn at = from;
  for (;;) {
    const auto stretch = log.read_written(at, buffer);
    EXPECT_TRUE(stretch) << stretch.error().describe();
    if (!stretch || stretch->to == at) break;
    EXPECT_EQ(stretch->from, at);
    pending.insert(pending.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(stretch->to - at));
    at = stretch->to;
    for (;;) {
      std::vector<RecordView> batch;
      std::size_t position = 0;
      while (position < pending.size() && (batch.empty() || !batch.back().commit())) {
        const auto view =
            decode(std::span<const std::byte>(pending).subspan(position), front + position, stretch->seed);
        if (!view) break;
        batch.push_back(*view);
        position += view->length;
      }
      if (batch.empty() || !batch.back().commit()) {
        EXPECT_FALSE(stretch->whole && !pending.empty()) << "said to end with a batch";
        break;
      }
      // The views are to outlive the buffer.
      all.bytes.emplace_back(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(position));
      batch.clear();
      for (std::size_t i = 0; i < position;) {
        batch.push_back(*decode(std::span<const std::byte>(all.bytes.back()).subspan(i), front + i, stretch->seed));
        i += batch.back().length;
      }
      all.batches.push_back(std::move(batch));
      pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(position));
      front = front + position;
    }
  }
  return all;
}

StartAt::Birth birth_of(Log& log) {
  StartAt::Birth birth{.store_id = {}, .base = kFirstLsn};
  std::ranges::copy(log.store_id(), birth.store_id.begin());
  return birth;
}

void append_some(LogHarness& h, std::mt19937_64& random, int batches) {
  for (int i = 0; i < batches; ++i) {
    std::vector<RecordSpec> batch;
    std::vector<std::string> texts;
    texts.reserve(20);
    const std::size_t count = random() % 4 + 1;
    for (std::size_t k = 0; k < count; ++k) {
      texts.push_back("key" + std::to_string(random() % 50));
      texts.push_back(std::string(random() % 20 == 0 ? 20'000 : random() % 300, 'x'));
      RecordSpec record = string_record(texts[texts.size() - 2], texts.back());
      if (random() % 3 == 0) record.expiry = {.at = UnixMs{1'700'000'000'000}, .sliding_ms = random() % 2 ? 60'000 : 0};
      if (random() % 5 == 0) record.version = Lsn{4096};
      if (random() % 7 == 0) record.prev = Lsn{4096};
      record.database = static_cast<std::uint8_t>(random() % 3);
      batch.push_back(record);
    }
    std::vector<Lsn> lsns(batch.size());
    ASSERT_TRUE(h.log->append(batch, lsns));
  }
}

TEST(LogFollow, takes_the_batches_of_another_log_at_their_addresses) {
  const auto files = make_memory_file_system();
  LogHarness leader(*files);
  leader.directory = "/leader";
  leader.must_open();
  std::mt19937_64 random(7);
  append_some(leader, random, 800);
  ASSERT_TRUE(leader.log->wait_written(leader.log->tail()));
  for (const std::size_t piece : {100u, 5'000u, 300'000u}) {
    LogHarness copy(*files);
    copy.directory = "/copy" + std::to_string(piece);
    // Its segments end elsewhere.
    copy.options.segment_bytes = 100u << 10;
    copy.start.birth = birth_of(*leader.log);
    copy.must_open();
    copy.log->follow(true);
    const Batches all = read_all(*leader.log, kFirstLsn, piece);
    ASSERT_EQ(all.batches.size(), 800u);
    TakenOver taken;
    for (const auto& batch : all.batches) {
      const auto end = copy.log->append_at(batch, taken);
      ASSERT_TRUE(end) << end.error().describe();
      taken.write();
      EXPECT_EQ(*end, batch.back().lsn + batch.back().length);
    }
    EXPECT_EQ(copy.log->tail(), leader.log->tail());
    ASSERT_TRUE(copy.log->wait_durable(copy.log->tail()));
    const Batches again = read_all(*copy.log, kFirstLsn, 64u << 10);
    ASSERT_EQ(again.batches.size(), all.batches.size());
    for (std::size_t i = 0; i < all.batches.size(); ++i) {
      ASSERT_EQ(again.batches[i].size(), all.batches[i].size());
      for (std::size_t k = 0; k < all.batches[i].size(); ++k) {
        const RecordView& a = all.batches[i][k];
        const RecordView& b = again.batches[i][k];
        EXPECT_TRUE(a.lsn == b.lsn && a.kind == b.kind && a.key == b.key && a.payload == b.payload &&
                    a.time == b.time && a.prev == b.prev && a.version == b.version && a.database == b.database &&
                    a.expiry == b.expiry && a.length == b.length);
        EXPECT_EQ(a.flags & ~kAfterSync, b.flags & ~kAfterSync);
      }
    }
    // Opened alone it is the same.
    const Lsn end = copy.log->tail();
    ASSERT_TRUE(copy.log->close(UnixMs{1}));
    copy.start.birth.reset();
    copy.must_open();
    EXPECT_EQ(copy.log->tail(), end) << "a follower's close leaves no record";
    EXPECT_EQ(copy.report.torn_bytes, 0u);
  }
}

TEST(LogFollow, refuses_gaps_what_is_no_batch_and_writers) {
  const auto files = make_memory_file_system();
  LogHarness leader(*files);
  leader.directory = "/leader";
  leader.must_open();
  std::mt19937_64 random(8);
  append_some(leader, random, 20);
  ASSERT_TRUE(leader.log->wait_written(leader.log->tail()));
  const Batches all = read_all(*leader.log, kFirstLsn, 1u << 20);
  LogHarness copy(*files);
  copy.directory = "/copy";
  copy.start.birth = birth_of(*leader.log);
  copy.must_open();
  TakenOver taken;
  EXPECT_EQ(copy.log->append_at(all.batches[0], taken).error().code(), ErrorCode::kConflict) << "it follows nobody";
  copy.log->follow(true);
  EXPECT_EQ(copy.log->append_at(all.batches[1], taken).error().code(), ErrorCode::kConflict) << "a gap";
  ASSERT_TRUE(copy.log->append_at(all.batches[0], taken));
  taken.write();
  EXPECT_EQ(copy.log->append_at(all.batches[0], taken).error().code(), ErrorCode::kConflict) << "once more";
  std::vector<RecordView> half = all.batches[1];
  half.back().flags &= static_cast<std::uint8_t>(~kCommit);
  EXPECT_EQ(copy.log->append_at(half, taken).error().code(), ErrorCode::kCorrupt);
  std::vector<RecordView> wrong = all.batches[1];
  wrong.back().length += 1;
  EXPECT_EQ(copy.log->append_at(wrong, taken).error().code(), ErrorCode::kCorrupt);
  const RecordSpec own = string_record("a", "b");
  Lsn lsn = kNoLsn;
  EXPECT_EQ(copy.log->append(std::span(&own, 1), std::span(&lsn, 1)).error().code(), ErrorCode::kReadOnly);
  EXPECT_EQ(copy.log->writable().error().code(), ErrorCode::kReadOnly);
  EXPECT_EQ(copy.log->tail(), all.batches[1].front().lsn) << "nothing of all that was appended";
  copy.log->follow(false);
  EXPECT_TRUE(copy.log->append(std::span(&own, 1), std::span(&lsn, 1)));
}

TEST(LogFollow, may_begin_where_nothing_says_yet_that_it_may_when_told_so) {
  const auto files = make_memory_file_system();
  LogHarness copy(*files);
  copy.directory = "/copy";
  copy.start.birth = StartAt::Birth{.store_id = {std::byte{1}}, .base = Lsn{1'000'000}};
  copy.must_open();
  EXPECT_EQ(copy.log->tail(), Lsn{1'000'000});
  const RecordSpec own = string_record("a", "b");
  Lsn lsn = kNoLsn;
  ASSERT_TRUE(copy.log->append(std::span(&own, 1), std::span(&lsn, 1)));
  EXPECT_EQ(lsn, Lsn{1'000'000});
  ASSERT_TRUE(copy.log->close(UnixMs{1}));
  copy.start.birth.reset();
  EXPECT_EQ(copy.open().error().code(), ErrorCode::kCorrupt);
  copy.start.begins = Lsn{1'000'000};
  copy.must_open();
  EXPECT_EQ(copy.recovered.size(), 1u);
  EXPECT_EQ(copy.log->store_id()[0], std::byte{1});
}

TEST(LogFollow, cuts_back_to_any_batch_keeps_what_it_cut_and_goes_on_from_there) {
  std::mt19937_64 random(9);
  for (int round = 0; round < 30; ++round) {
    const auto files = make_memory_file_system();
    LogHarness h(*files);
    h.must_open();
    std::vector<Lsn> ends = {h.log->tail()};
    for (int i = 0; i < 400; ++i) {
      append_some(h, random, 1);
      ends.push_back(h.log->tail());
    }
    ASSERT_TRUE(h.log->close(UnixMs{1}));
    h.log.reset();
    const Lsn at = ends[random() % ends.size()];
    EXPECT_EQ(cut_back(*files, h.directory, at + 1).error().code(), ErrorCode::kConflict) << "no batch begins there";
    auto cut = cut_back(*files, h.directory, at);
    ASSERT_TRUE(cut) << cut.error().describe();
    ASSERT_TRUE(cut_back(*files, h.directory, at)) << "done again";
    h.must_open();
    EXPECT_EQ(h.log->tail(), at);
    const auto names = files->list(h.directory);
    ASSERT_TRUE(names);
    EXPECT_TRUE(
        std::any_of(names->begin(), names->end(), [](const std::string& name) { return name.ends_with(".cut"); }));
    append_some(h, random, 5);
    const Lsn tail = h.log->tail();
    ASSERT_TRUE(h.log->close(UnixMs{1}));
    h.must_open();
    EXPECT_GE(h.log->tail(), tail);
  }
}

TEST(LogFollow, a_copy_that_dies_at_any_moment_is_a_beginning_of_the_leader_s_log) {
  const auto memory = make_memory_file_system();
  LogHarness leader(*memory);
  leader.directory = "/leader";
  leader.must_open();
  std::mt19937_64 random(10);
  append_some(leader, random, 150);
  ASSERT_TRUE(leader.log->close(UnixMs{5}));
  leader.must_open();
  append_some(leader, random, 50);
  ASSERT_TRUE(leader.log->wait_written(leader.log->tail()));
  const Batches all = read_all(*leader.log, kFirstLsn, 1u << 20);
  std::vector<Written> expected;
  for (const auto& batch : all.batches)
    for (const RecordView& r : batch)
      if (r.kind != RecordKind::kClose) expected.push_back({r.lsn, r.kind, std::string(r.key), std::string(r.payload)});
  TakenOver taken;
  bool ran_through = false;
  for (std::uint64_t number = 1; !ran_through; number += 1 + number / 40) {
    sim::SimFileSystem disk(number);
    disk.crash_at(number);
    LogHarness copy(disk);
    copy.directory = "/copy";
    copy.start.birth = birth_of(*leader.log);
    Lsn durable = kNoLsn;
    if (copy.open()) {
      copy.log->follow(true);
      for (std::size_t i = 0; i < all.batches.size(); ++i) {
        if (!copy.log->append_at(all.batches[i], taken)) break;
        taken.write();
        if (i % 13 == 0 && copy.log->wait_durable(copy.log->tail())) durable = copy.log->durable();
        if (i % 7 == 0) copy.log->tick(i * 1'000'000, UnixMs{static_cast<std::int64_t>(i)});
      }
      if (copy.log->close(UnixMs{1})) durable = copy.log->tail();
    }
    ran_through = !disk.crashed();
    for (const sim::CrashMode mode : sim::kCrashModes) {
      sim::SimFileSystem left = disk.after_crash(mode, number);
      LogHarness again(left);
      again.directory = "/copy";
      again.start.birth = copy.start.birth;
      again.must_open();
      ASSERT_GE(again.log->tail(), durable) << "what was said to be durable is there";
      ASSERT_LE(again.recovered.size(), expected.size());
      ASSERT_TRUE(std::equal(again.recovered.begin(), again.recovered.end(), expected.begin()));
      // It goes on where it is.
      again.log->follow(true);
      std::size_t next = 0;
      while (next < all.batches.size() && all.batches[next].front().lsn < again.log->tail()) ++next;
      for (; next < all.batches.size(); ++next) {
        const auto end = again.log->append_at(all.batches[next], taken);
        ASSERT_TRUE(end) << end.error().describe();
        taken.write();
      }
      ASSERT_EQ(again.log->tail(), leader.log->tail());
    }
  }
}

TEST(LogFollow, a_term_record_says_whose_and_which) {
  const auto files = make_memory_file_system();
  LogHarness h(*files);
  h.must_open();
  const NodeId id{std::byte{0xab}, std::byte{0xcd}};
  const TermPayload payload(7, id);
  const RecordSpec record{.kind = RecordKind::kTerm, .time = UnixMs{3}, .payload = payload.view()};
  Lsn lsn = kNoLsn;
  ASSERT_TRUE(h.log->append(std::span(&record, 1), std::span(&lsn, 1)));
  std::vector<std::byte> buffer;
  const auto read = h.log->read(lsn, buffer);
  ASSERT_TRUE(read);
  const auto term = term_of(*read);
  ASSERT_TRUE(term);
  EXPECT_EQ(term->number, 7u);
  EXPECT_EQ(term->leader, id);
  // Pinned: the bytes of the format.
  EXPECT_EQ(static_cast<int>(RecordKind::kTerm), 12);
  EXPECT_EQ(payload.view(), std::string_view("\x07\0\0\0\0\0\0\0\xab\xcd\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24));
  RecordView shorter = *read;
  shorter.payload = shorter.payload.substr(1);
  EXPECT_FALSE(term_of(shorter));
}

}  // namespace
}  // namespace stave::log
