#include "log/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/mutex.h"
#include "base/random.h"
#include "log/log_test_support.h"

namespace stave::log {
namespace {

class LogTest : public testing::Test {
 protected:
  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  LogHarness h_{*files_};

  void close() { ASSERT_TRUE(h_.log->close(h_.clock.wall())); }
  void flip(const std::string& name, std::uint64_t offset) {
    auto file = files_->open(h_.path(name), OpenMode::kReadWrite);
    ASSERT_TRUE(file);
    std::byte byte[1];
    ASSERT_EQ(*(*file)->read_at(offset, byte), 1u);
    byte[0] ^= std::byte{0x10};
    ASSERT_TRUE((*file)->write_at(offset, byte));
  }
};

TEST_F(LogTest, of_a_new_store_is_empty_and_clean) {
  h_.must_open();
  EXPECT_TRUE(h_.report.clean);
  EXPECT_TRUE(h_.recovered.empty());
  EXPECT_EQ(h_.log->tail(), kFirstLsn);
  EXPECT_EQ(h_.names(".seg"), std::vector<std::string>{"0000000000001000.seg"});
  EXPECT_EQ(h_.names("STAVE").size(), 1u);
}

TEST_F(LogTest, does_not_create_a_store_when_told_not_to) {
  h_.options.create_if_missing = false;
  auto opened = h_.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(files_->list(h_.directory)->empty());
}

TEST_F(LogTest, gives_back_after_a_clean_close_what_was_appended) {
  h_.must_open();
  const std::string id(reinterpret_cast<const char*>(h_.log->store_id().data()), 16);
  for (int i = 1; i <= 100; ++i) h_.must_append(i % 7 + 1, static_cast<std::size_t>(i) * 3);
  close();
  h_.must_open();
  EXPECT_TRUE(h_.report.clean);
  EXPECT_EQ(h_.report.torn_bytes, 0u);
  EXPECT_EQ(h_.recovered, h_.model);
  EXPECT_EQ(h_.report.batches, 101u) << "the mark of the close is one";
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(h_.log->store_id().data()), 16), id);
  EXPECT_EQ(h_.names("spare").size(), 0u);
}

TEST_F(LogTest, goes_on_in_the_same_segment_after_a_clean_close) {
  h_.must_open();
  for (int round = 0; round < 5; ++round) {
    h_.must_append(3);
    const Lsn tail = h_.log->tail();
    close();
    h_.must_open();
    EXPECT_EQ(h_.log->tail(), tail + kRecordHeaderBytes);
    EXPECT_EQ(h_.recovered, h_.model);
  }
  EXPECT_EQ(h_.names(".seg").size(), 1u);
}

TEST_F(LogTest, starts_a_new_segment_after_an_unclean_stop) {
  h_.must_open();
  const Lsn end = h_.must_append(3);
  ASSERT_TRUE(h_.log->wait_durable(end));
  h_.must_open();
  EXPECT_FALSE(h_.report.clean);
  EXPECT_EQ(h_.report.torn_bytes, 0u);
  EXPECT_EQ(h_.recovered, h_.model);
  EXPECT_EQ(h_.log->tail(), end);
  EXPECT_EQ(h_.names(".seg"), (std::vector<std::string>{segment_name(kFirstLsn), segment_name(end)}));
  h_.must_append(2);
  close();
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(LogTest, loses_with_the_process_only_what_was_not_written) {
  h_.must_open();
  const Lsn written = h_.must_append(2);
  ASSERT_TRUE(h_.log->wait_written(written));
  EXPECT_EQ(h_.log->written(), written);
  EXPECT_LT(h_.log->durable(), written);
  const auto kept = h_.model;
  h_.must_append(2);
  h_.must_open();
  EXPECT_EQ(h_.recovered, kept);
}

TEST_F(LogTest, tick_writes_out_what_lingers) {
  h_.must_open();
  const Lsn end = h_.must_append(2);
  EXPECT_LT(h_.log->written(), end);
  h_.log->tick(1, h_.clock.wall());
  EXPECT_EQ(h_.log->written(), end);
}

TEST_F(LogTest, tick_syncs_when_the_interval_is_over) {
  h_.options.sync = Sync::kInterval;
  h_.options.sync_interval_ms = 10;
  h_.must_open();
  const Lsn end = h_.must_append(1);
  h_.log->tick(1'000'000, h_.clock.wall());
  h_.log->tick(5'000'000, h_.clock.wall());
  EXPECT_LT(h_.log->durable(), end);
  h_.log->tick(6'000'000, h_.clock.wall());
  EXPECT_EQ(h_.log->durable(), end);
}

TEST_F(LogTest, tick_never_syncs_under_the_policy_os_until_that_changes) {
  h_.options.sync = Sync::kOs;
  h_.options.sync_interval_ms = 1;
  h_.must_open();
  const Lsn end = h_.must_append(1);
  for (std::uint64_t ms = 1; ms < 1000; ms += 100) h_.log->tick(ms * 1'000'000, h_.clock.wall());
  EXPECT_LT(h_.log->durable(), end);
  h_.log->set_sync(Sync::kInterval);
  for (std::uint64_t ms = 1000; ms < 1010; ++ms) h_.log->tick(ms * 1'000'000, h_.clock.wall());
  EXPECT_EQ(h_.log->durable(), end);
}

TEST_F(LogTest, rolls_when_a_segment_has_reached_its_size) {
  h_.must_open();
  while (raw(h_.log->tail()) < 1u << 20) h_.must_append(5, 200);
  close();
  const auto segments = h_.names(".seg");
  EXPECT_GE(segments.size(), 14u);
  EXPECT_LE(segments.size(), 17u);
  EXPECT_EQ(h_.log->stats().segments, segments.size());
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
  for (const std::string& name : segments) {
    // Every segment ends where the next begins; none carries room that nobody will use.
    auto file = files_->open(h_.path(name), OpenMode::kRead);
    ASSERT_TRUE(file);
    EXPECT_LE(*(*file)->size(), kSegmentHeaderBytes + (80u << 10));
  }
}

TEST_F(LogTest, rolls_when_a_segment_is_old_enough) {
  h_.options.segment_age_ms = 1000;
  h_.must_open();
  const RecordSpec old{.kind = RecordKind::kString, .time = h_.clock.wall(), .key = "k", .payload = "v"};
  Lsn lsn;
  const auto end = h_.log->append(std::span(&old, 1), std::span(&lsn, 1));
  ASSERT_TRUE(end);
  h_.clock.advance_ms(999);
  h_.log->tick(1, h_.clock.wall());
  EXPECT_EQ(h_.names(".seg").size(), 1u);
  h_.clock.advance_ms(1);
  h_.log->tick(2, h_.clock.wall());
  EXPECT_EQ(h_.names(".seg"), (std::vector<std::string>{segment_name(kFirstLsn), segment_name(*end)}));
  EXPECT_EQ(h_.log->durable(), *end) << "the old segment is on disk before a new one exists";
  h_.clock.advance_ms(100'000);
  h_.log->tick(3, h_.clock.wall());
  EXPECT_EQ(h_.names(".seg").size(), 2u) << "an empty segment does not age";
}

TEST_F(LogTest, takes_batches_larger_than_ring_and_segment) {
  h_.must_open();
  h_.must_append(3);
  h_.must_append(1, 300'000);
  h_.must_append(3);
  h_.must_append(700, 1'000);
  h_.must_append(20, 2'000);
  const Lsn end = h_.must_append(3, 100'000);
  ASSERT_TRUE(h_.log->wait_durable(end));
  h_.must_append(3);
  const auto all = h_.model;
  std::vector<std::byte> buffer;
  for (const Written& w : all) {
    const auto view = h_.log->read(w.lsn, buffer);
    ASSERT_TRUE(view) << view.error().describe();
    EXPECT_EQ(view->key, w.key);
    EXPECT_EQ(view->payload, w.payload);
  }
  close();
  h_.must_open();
  EXPECT_EQ(h_.recovered, all);
}

// Some records of the batch go through a block, some are written from where they lie.
TEST_F(LogTest, writes_and_reads_large_payloads_in_their_own_place) {
  h_.must_open();
  base::Random random(5);
  std::vector<std::string> payloads;
  for (const std::size_t size : {10u, 40'000u, 1'500u, 2'500'000u, 16'352u, 16'353u, 3u, 1u << 20}) {
    payloads.emplace_back(size, '\0');
    random.fill(std::as_writable_bytes(std::span(payloads.back())));
  }
  std::vector<RecordSpec> batch;
  batch.reserve(payloads.size());
  for (const std::string& payload : payloads) batch.push_back(string_record("key", payload));
  std::vector<Lsn> lsns(batch.size());
  const auto end = h_.log->append(batch, lsns);
  ASSERT_TRUE(end) << end.error().describe();
  h_.must_append(2);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));

  std::vector<std::byte> buffer;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto whole = h_.log->read(lsns[i], buffer);
    ASSERT_TRUE(whole) << whole.error().describe();
    EXPECT_EQ(whole->payload, payloads[i]);
    std::string place;
    const auto placed = h_.log->read(lsns[i], buffer, [&](std::size_t bytes) {
      place.resize(bytes);
      return reinterpret_cast<std::byte*>(place.data());
    });
    ASSERT_TRUE(placed) << placed.error().describe();
    EXPECT_TRUE(placed->payload == payloads[i]);
    EXPECT_EQ(placed->key, "key");
    EXPECT_EQ(place.empty(), payloads[i].size() < Log::kPlacedFrom);
    if (!place.empty()) {
      EXPECT_EQ(placed->payload.data(), place.data());
      EXPECT_LT(buffer.size(), 2048u) << "the payload is not read twice";
    }
  }
  const auto refused = h_.log->read(lsns[3], buffer, [](std::size_t) -> std::byte* { return nullptr; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kNoMemory);
  close();
  h_.must_open();
  ASSERT_EQ(h_.recovered.size(), payloads.size() + 2);
  for (std::size_t i = 0; i < payloads.size(); ++i) EXPECT_TRUE(h_.recovered[i].payload == payloads[i]) << i;
}

// Once through the ring and once past it; a record apart from the others is the head of its chain, too.
TEST_F(LogTest, links_records_of_one_batch_to_each_other) {
  for (const std::size_t large : {std::size_t{20}, std::size_t{200'000}}) {
    SCOPED_TRACE(large);
    const auto files = make_memory_file_system();
    LogHarness h(*files);
    h.must_open();
    h.must_append(1);
    const std::string payload(large, 'p');
    std::vector<RecordSpec> batch{string_record("a", payload), string_record("b", "1"), string_record("a", "2"),
                                  string_record("a", payload), string_record("b", "3")};
    batch[0].prev = h.model[0].lsn;
    batch[1].prev_in_batch = -1;
    batch[2].prev_in_batch = 0;
    batch[3].prev_in_batch = 2;
    batch[4].prev_in_batch = 1;
    batch[4].prev = Lsn{7};  // the link counts
    std::vector<Lsn> lsns(batch.size());
    ASSERT_TRUE(h.log->append(batch, lsns));
    const std::vector<Lsn> expected{h.model[0].lsn, kNoLsn, lsns[0], lsns[2], lsns[1]};
    std::vector<std::byte> buffer;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto view = h.log->read(lsns[i], buffer);
      ASSERT_TRUE(view) << view.error().describe();
      EXPECT_EQ(view->prev, expected[i]) << i;
      EXPECT_EQ(view->payload, batch[i].payload);
    }
    EXPECT_EQ(batch[2].prev_in_batch, 0) << "what the caller handed in stays as it is";
    ASSERT_TRUE(h.log->close(h.clock.wall()));
    std::vector<Lsn> recovered;
    const auto log = Log::open(
        h.directory, h.options,
        [&](std::span<const RecordView> run) -> Result<void> {
          for (const RecordView& r : run) recovered.push_back(r.prev);
          return {};
        },
        nullptr);
    ASSERT_TRUE(log) << log.error().describe();
    ASSERT_EQ(recovered.size(), 1 + expected.size() + 1);
    EXPECT_TRUE(std::ranges::equal(expected, std::span(recovered).subspan(1, expected.size())));
  }
}

TEST_F(LogTest, dies_rather_than_link_a_record_to_itself_or_a_later_one) {
  h_.must_open();
  for (const std::int32_t to : {1, 2}) {
    std::vector<RecordSpec> batch{string_record("a", "1"), string_record("a", "2"), string_record("a", "3")};
    batch[1].prev_in_batch = to;
    std::vector<Lsn> lsns(batch.size());
    EXPECT_DEATH((void)h_.log->append(batch, lsns), "< i");
  }
}

TEST_F(LogTest, finds_a_damaged_payload_that_was_read_to_its_own_place) {
  h_.must_open();
  h_.must_append(1, 2'000'000);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  flip(h_.names(".seg").front(), 1'000'000);
  std::vector<std::byte> buffer;
  std::string place;
  const auto read = h_.log->read(h_.model[0].lsn, buffer, [&](std::size_t bytes) {
    place.resize(bytes);
    return reinterpret_cast<std::byte*>(place.data());
  });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt);
}

TEST_F(LogTest, wraps_its_ring_many_times) {
  h_.options.segment_bytes = 16u << 20;
  h_.must_open();
  for (int i = 0; i < 3000; ++i) h_.must_append(1 + i % 3, static_cast<std::size_t>(i % 1500));
  close();
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(LogTest, reads_records_back_wherever_they_are) {
  h_.must_open();
  for (int i = 0; i < 300; ++i) h_.must_append(2, static_cast<std::size_t>(i * 7));
  std::vector<std::byte> buffer;
  for (const Written& w : h_.model) {
    const auto view = h_.log->read(w.lsn, buffer);
    ASSERT_TRUE(view) << view.error().describe();
    EXPECT_EQ(view->lsn, w.lsn);
    EXPECT_EQ(view->payload, w.payload);
  }
  EXPECT_EQ(h_.log->read(h_.log->tail(), buffer).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(h_.log->read(Lsn{1}, buffer).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(h_.log->read(h_.model[0].lsn + 1, buffer).error().code(), ErrorCode::kCorrupt);
}

TEST_F(LogTest, verifies_what_it_reads_from_disk) {
  h_.must_open();
  const Lsn end = h_.must_append(1, 5000);
  ASSERT_TRUE(h_.log->wait_durable(end));
  flip(segment_name(kFirstLsn), kSegmentHeaderBytes + 3000);
  std::vector<std::byte> buffer;
  const auto view = h_.log->read(h_.model[0].lsn, buffer);
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(view.error().file(), h_.path(segment_name(kFirstLsn)));
  EXPECT_EQ(view.error().offset(), static_cast<std::int64_t>(kSegmentHeaderBytes));
}

TEST_F(LogTest, refuses_appends_after_the_close) {
  h_.must_open();
  h_.must_append(1);
  close();
  auto refused = h_.append(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kAborted);
  EXPECT_EQ(h_.append(1, 100'000).error().code(), ErrorCode::kAborted);
  EXPECT_FALSE(h_.log->writable());
  EXPECT_TRUE(h_.log->close(h_.clock.wall())) << "closing twice is fine";
}

TEST_F(LogTest, tells_listeners_after_a_requested_sync) {
  h_.must_open();
  base::Mutex mutex;
  base::ConditionVariable changed;
  Lsn told = kNoLsn;
  const auto handle = h_.log->add_listener([&] {
    base::MutexLock lock(mutex);
    told = h_.log->durable();
    changed.notify_all();
  });
  const Lsn end = h_.must_append(1);
  h_.log->request_sync(end);
  {
    base::MutexLock lock(mutex);
    while (told < end) changed.wait(mutex);
  }
  h_.log->remove_listener(handle);
  EXPECT_EQ(h_.log->durable(), end);
}

TEST_F(LogTest, of_many_threads_is_one_sequence_with_whole_batches) {
  h_.options.segment_bytes = 256u << 10;
  h_.must_open();
  constexpr int kThreads = 4, kBatches = 1500;
  std::vector<std::map<Lsn, std::pair<std::string, std::size_t>>> appended(kThreads);
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kBatches; ++i) {
        const std::string key = std::to_string(t) + ":" + std::to_string(i);
        const std::string payload(static_cast<std::size_t>(i % 97 == 0 ? 40'000 : i % 211), static_cast<char>('a' + t));
        std::vector<RecordSpec> batch(static_cast<std::size_t>(1 + i % 3), string_record(key, payload));
        std::vector<Lsn> lsns(batch.size());
        const auto end = h_.log->append(batch, lsns);
        ASSERT_TRUE(end) << end.error().describe();
        for (const Lsn lsn : lsns) appended[static_cast<std::size_t>(t)][lsn] = {key, payload.size()};
        if (i % 50 == t) {
          ASSERT_TRUE(h_.log->wait_durable(*end));
        }
        if (i % 50 == t + 10) {
          ASSERT_TRUE(h_.log->wait_written(*end));
        }
        if (i % 50 == t + 20) h_.log->request_sync(*end);
        if (i % 50 == t + 30) h_.log->tick(static_cast<std::uint64_t>(i), h_.clock.wall());
        if (i % 20 == t) {
          std::vector<std::byte> buffer;
          const auto view = h_.log->read(lsns[0], buffer);
          ASSERT_TRUE(view) << view.error().describe();
          ASSERT_EQ(view->key, key);
        }
      }
    });
  }
  for (auto& writer : writers) writer.join();
  close();
  h_.must_open();
  EXPECT_TRUE(h_.report.clean);
  std::size_t records = 0;
  for (const auto& mine : appended) records += mine.size();
  ASSERT_EQ(h_.recovered.size(), records);
  Lsn previous = kNoLsn;
  for (const Written& w : h_.recovered) {
    ASSERT_LT(previous, w.lsn);
    previous = w.lsn;
    const auto& mine = appended[static_cast<std::size_t>(w.key[0] - '0')];
    const auto found = mine.find(w.lsn);
    ASSERT_NE(found, mine.end());
    EXPECT_EQ(found->second, std::pair(w.key, w.payload.size()));
  }
}

// --- damage -------------------------------------------------------------------------------------

TEST_F(LogTest, refuses_damage_that_a_later_segment_proves) {
  h_.must_open();
  while (h_.names(".seg").size() < 3) {
    h_.must_append(5, 200);
    h_.log->tick(1, h_.clock.wall());
  }
  close();
  const Written& victim = h_.model[20];
  const auto offset = kSegmentHeaderBytes + (victim.lsn - kFirstLsn);
  flip(segment_name(kFirstLsn), offset + 40);
  auto opened = h_.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(opened.error().file(), h_.path(segment_name(kFirstLsn)));
  EXPECT_EQ(opened.error().offset(), static_cast<std::int64_t>(offset));
  EXPECT_NE(opened.error().message().find(std::to_string(raw(victim.lsn))), std::string::npos);
  EXPECT_NE(opened.error().message().find("stave doctor"), std::string::npos);
}

TEST_F(LogTest, refuses_damage_that_a_later_sync_in_the_same_segment_proves) {
  h_.must_open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(h_.log->wait_durable(h_.must_append(2)));
  for (const std::size_t at : {0u, 5u, 30u}) {
    flip(segment_name(kFirstLsn), kSegmentHeaderBytes + at);
    auto opened = h_.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(opened.error().offset(), static_cast<std::int64_t>(kSegmentHeaderBytes));
    EXPECT_TRUE(h_.names(".cut").empty());
    flip(segment_name(kFirstLsn), kSegmentHeaderBytes + at);
  }
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(LogTest, cuts_a_torn_tail_keeps_its_bytes_and_says_so) {
  h_.must_open();
  const Lsn first = h_.must_append(2);
  ASSERT_TRUE(h_.log->wait_durable(first));
  const auto kept = h_.model;
  const Lsn second = h_.must_append(3);
  ASSERT_TRUE(h_.log->wait_durable(second));
  flip(segment_name(kFirstLsn), kSegmentHeaderBytes + (h_.model[3].lsn - kFirstLsn) + 35);
  h_.must_open();
  EXPECT_EQ(h_.recovered, kept);
  EXPECT_EQ(h_.report.torn_bytes, second - first);
  ASSERT_EQ(h_.notices.size(), 1u);
  EXPECT_NE(h_.notices[0].find(".cut"), std::string::npos);
  const auto cuts = h_.names(".cut");
  ASSERT_EQ(cuts.size(), 1u);
  EXPECT_TRUE(cuts[0].starts_with(segment_name(first).substr(0, 16)));
  auto file = files_->open(h_.path(cuts[0]), OpenMode::kRead);
  ASSERT_TRUE(file);
  EXPECT_EQ(*(*file)->size(), second - first);

  // The same addresses are used anew, and nothing of what was cut comes back.
  h_.model = kept;
  h_.must_append(1);
  ASSERT_TRUE(h_.log->wait_durable(h_.log->tail()));
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
  EXPECT_EQ(h_.report.torn_bytes, 0u);
}

TEST_F(LogTest, replaces_a_segment_of_which_nothing_counts) {
  h_.must_open();
  ASSERT_TRUE(h_.log->wait_durable(h_.must_append(2)));
  flip(segment_name(kFirstLsn), kSegmentHeaderBytes + 35);
  for (int round = 0; round < 2; ++round) {
    h_.must_open();
    EXPECT_TRUE(h_.recovered.empty());
    EXPECT_EQ(h_.names(".seg").size(), 1u);
    EXPECT_EQ(h_.names(".cut").size(), 1u);
  }
}

TEST_F(LogTest, refuses_a_segment_or_identity_of_another_format_by_name) {
  h_.must_open();
  close();
  for (const std::string& name : {segment_name(kFirstLsn), std::string(kIdentityName)}) {
    const auto file = files_->open(h_.path(name), OpenMode::kReadWrite);
    ASSERT_TRUE(file);
    std::vector<std::byte> header(name == kIdentityName ? kIdentityBytes : kSegmentHeaderBytes);
    ASSERT_EQ(*(*file)->read_at(0, header), header.size());
    for (const std::uint32_t version :
         {kFormatVersion + 1, kFormatVersion + 4096, kFormatVersion - 1, kFormatVersion}) {
      set_format_version(header, version);
      ASSERT_TRUE((*file)->write_at(0, header));
      auto opened = h_.open();
      ASSERT_EQ(opened.has_value(), version == kFormatVersion) << version;
      if (opened) continue;
      EXPECT_EQ(opened.error().code(), ErrorCode::kUnsupported);
      EXPECT_EQ(opened.error().file(), h_.path(name));
      EXPECT_NE(opened.error().message().find("format version " + std::to_string(version)), std::string::npos);
    }
    close();
  }
}

// It made the doctor send people for a program of the future, and refuse to repair.
TEST_F(LogTest, calls_a_flipped_bit_in_a_version_damage) {
  h_.must_open();
  close();
  for (const std::string& name : {segment_name(kFirstLsn), std::string(kIdentityName)}) {
    flip(name, 9);
    auto opened = h_.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
    EXPECT_EQ(opened.error().file(), h_.path(name));
    flip(name, 9);
  }
  h_.must_open();
}

TEST_F(LogTest, refuses_a_segment_of_another_store) {
  h_.must_open();
  close();
  auto file = files_->open(h_.path(segment_name(kFirstLsn)), OpenMode::kReadWrite);
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->write_at(0, encode_segment_header({StoreId{}, kFirstLsn, 1, UnixMs{0}})));
  auto opened = h_.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().message().find("another store"), std::string::npos);
}

TEST_F(LogTest, refuses_missing_segments_and_a_missing_identity) {
  h_.must_open();
  while (h_.names(".seg").size() < 4) {
    h_.must_append(5, 200);
    h_.log->tick(1, h_.clock.wall());
  }
  close();
  const auto segments = h_.names(".seg");
  for (std::string name : {segments[0], segments[1], segments[2], std::string(kIdentityName)}) {
    ASSERT_TRUE(files_->rename(h_.path(name), h_.path("aside")));
    auto opened = h_.open();
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt) << name;
    ASSERT_TRUE(files_->rename(h_.path("aside"), h_.path(name)));
  }
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(LogTest, refuses_senseless_options) {
  for (const auto& change : std::vector<std::function<void(Options&)>>{
           [](Options& o) { o.segment_bytes = 1000; }, [](Options& o) { o.log_buffer_bytes = 100'000; },
           [](Options& o) { o.log_buffer_bytes = 4096; }, [](Options& o) { o.segment_age_ms = -1; },
           [](Options& o) { o.sync_interval_ms = 0; }}) {
    const Options good = h_.options;
    change(h_.options);
    auto opened = h_.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidArgument);
    h_.options = good;
  }
}

}  // namespace
}  // namespace stave::log
