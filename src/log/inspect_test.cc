// Damage of every kind: what the inspector says agrees with what opening says, and what is salvaged is right.
#include "log/inspect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/bytes.h"
#include "base/random.h"
#include "log/log_test_support.h"
#include "log/losses.h"
#include "log/salvage.h"
#include "log/value_address.h"
#include "testing/sim_file_system.h"

namespace stave::log {
namespace {

struct Examined {
  Inspection state;
  std::vector<Finding> findings;
  std::vector<Written> records;
  std::vector<Written> uncertain;
};

Examined inspect(FileSystem& files, const std::string& directory, Lsn proven = kNoLsn) {
  Examined result;
  Inspector inspector(files, directory, proven,
                      {.found = [&](const Finding& finding) { result.findings.push_back(finding); },
                       .visit = [&](std::span<const RecordView> run, bool uncertain) -> Result<void> {
                         EXPECT_TRUE(run.back().commit());
                         for (const RecordView& r : run) {
                           if (r.kind == RecordKind::kClose || r.kind == RecordKind::kLost) continue;
                           result.records.push_back({r.lsn, r.kind, std::string(r.key), std::string(r.payload)});
                           if (uncertain) result.uncertain.push_back(result.records.back());
                         }
                         return {};
                       }});
  const auto done = inspector.run();
  EXPECT_TRUE(done) << done.error().describe();
  result.state = inspector.state();
  return result;
}

class InspectTest : public testing::Test {
 protected:
  sim::SimFileSystem files_{1};
  LogHarness h_{files_};

  void make(std::size_t segments) {
    h_.must_open();
    while (h_.log->segments().size() < segments) {
      h_.must_append(3, 300);
      h_.log->tick(1, h_.clock.wall());
    }
    ASSERT_TRUE(h_.log->wait_durable(h_.must_append(2)));
    ASSERT_TRUE(h_.log->wait_durable(h_.must_append(3)));
  }
  void close() { ASSERT_TRUE(h_.log->close(h_.clock.wall())); }
  std::string first_segment() const { return h_.path(segment_name(kFirstLsn)); }
  void flip(Lsn lsn, std::uint64_t byte) { ASSERT_TRUE(files_.flip_bit(first_segment(), 8 * (raw(lsn) + byte))); }
  Salvage must_salvage(const Inspection& inspection, KeyLosses& losses) {
    auto done = salvage(files_, h_.directory, "/saved", inspection, kNoLsn, losses);
    EXPECT_TRUE(done) << done.error().describe();
    return done ? *done : Salvage{};
  }
};

TEST_F(InspectTest, finds_nothing_wrong_with_a_log_that_is_whole) {
  make(4);
  for (const bool clean : {false, true}) {
    if (clean) close();
    const Examined seen = inspect(files_, h_.directory);
    EXPECT_EQ(seen.records, h_.model);
    EXPECT_EQ(seen.state.damages, 0u);
    EXPECT_TRUE(seen.state.lost.empty());
    EXPECT_EQ(seen.state.clean, clean);
    EXPECT_EQ(seen.state.end, h_.log->tail());
    EXPECT_EQ(seen.state.segments.size(), 4u);
  }
}

TEST_F(InspectTest, finds_the_records_between_damages_again) {
  make(3);
  close();
  const Written& a = h_.model[7];
  const Written& b = h_.model[20];
  flip(a.lsn, 2);
  flip(b.lsn, 50);
  const Examined seen = inspect(files_, h_.directory);
  ASSERT_EQ(seen.state.lost.size(), 2u);
  // A batch counts as a whole: with the record, those of its batch before it are lost.
  EXPECT_EQ(seen.state.lost[0].from, h_.model[6].lsn);
  EXPECT_EQ(seen.state.lost[0].to, h_.model[8].lsn);
  EXPECT_EQ(seen.state.lost[1].from, h_.model[18].lsn);
  EXPECT_EQ(seen.state.lost[1].to, h_.model[21].lsn);
  EXPECT_EQ(seen.records.size(), h_.model.size() - 5);
  EXPECT_EQ(seen.uncertain.size(), 4u) << "what is left of the first, and the batch behind the second";
  ASSERT_EQ(seen.state.damages, 2u);
  for (const Finding& finding : seen.findings) {
    if (finding.severity == Severity::kNote) continue;
    EXPECT_EQ(finding.file, first_segment());
    EXPECT_EQ(finding.offset, static_cast<std::int64_t>(raw(finding.lsn)));
  }
}

TEST_F(InspectTest, reads_on_where_the_disk_cannot) {
  make(3);
  close();
  files_.inject({.at = files_.questions() + 1, .kind = sim::OpKind::kRead, .times = sim::kForever});
  Inspector inspector(files_, h_.directory, kNoLsn, {});
  EXPECT_FALSE(inspector.run()) << "nothing can be read: not even which store this is";
  files_.clear_faults();
}

TEST_F(InspectTest, knows_a_store_by_its_segments_when_the_identity_is_gone) {
  make(3);
  close();
  ASSERT_TRUE(files_.delete_file(h_.path(kIdentityName)));
  const Examined seen = inspect(files_, h_.directory);
  EXPECT_EQ(seen.records, h_.model);
  EXPECT_EQ(seen.state.damages, 1u);
  KeyLosses losses([&](Lsn lsn) { return seen.state.lost_at(lsn); });
  must_salvage(seen.state, losses);
  h_.directory = "/saved";
  h_.must_open();
  EXPECT_EQ(h_.recovered, h_.model);
}

TEST_F(InspectTest, salvages_what_stands_behind_a_damaged_header_or_a_missing_segment) {
  make(5);
  close();
  const auto segments = h_.log->segments();
  ASSERT_TRUE(files_.zero_range(h_.path(segment_name(segments[1].base)), 0, 4096));
  ASSERT_TRUE(files_.delete_file(h_.path(segment_name(segments[3].base))));
  ASSERT_TRUE(files_.delete_file(first_segment()));
  const Examined seen = inspect(files_, h_.directory);
  KeyLosses losses([&](Lsn lsn) { return seen.state.lost_at(lsn); });
  must_salvage(seen.state, losses);
  std::vector<Written> expected;
  for (const Written& w : h_.model) {
    const bool gone = w.lsn < segments[0].end || (w.lsn >= segments[3].base && w.lsn < segments[3].end);
    if (!gone) expected.push_back(w);
  }
  EXPECT_EQ(seen.records, expected);
  const Examined copy = inspect(files_, "/saved");
  EXPECT_EQ(copy.state.damages, 0u) << "the copy says itself that its beginning is not needed";
  EXPECT_EQ(copy.records.size(), expected.size() + 1);
  h_.directory = "/saved";
  h_.must_open();
  std::erase_if(h_.recovered, [](const Written& w) { return w.kind == RecordKind::kLost; });
  EXPECT_EQ(h_.recovered, copy.records);
}

TEST_F(InspectTest, knows_which_keys_hung_on_what_is_lost) {
  h_.must_open();
  const auto append = [&](RecordKind kind, std::string_view key, std::string_view value, Lsn prev) {
    const RecordSpec spec{.kind = kind, .time = UnixMs{5}, .prev = prev, .key = key, .payload = value};
    Lsn lsn;
    EXPECT_TRUE(h_.log->append(std::span(&spec, 1), std::span(&lsn, 1)));
    EXPECT_TRUE(h_.log->wait_durable(h_.log->tail()));
    return lsn;
  };
  const auto set = [&](std::string_view key, Lsn prev = kNoLsn) { return append(RecordKind::kString, key, "v", prev); };
  const Lsn old = set("stale");
  const Lsn stale = set("stale", old);
  const Lsn gone = set("gone");
  const Lsn healed = set("healed");
  const Lsn silent = set("silent");
  append(RecordKind::kSetExpiry, "stale", "", stale);
  append(RecordKind::kSetExpiry, "gone", "", gone);
  append(RecordKind::kSetExpiry, "healed", "", healed);
  set("healed", healed);
  close();
  for (const Lsn lsn : {stale, gone, healed, silent}) flip(lsn, 33);

  const Examined seen = inspect(files_, h_.directory);
  KeyLosses losses([&](Lsn lsn) { return seen.state.lost_at(lsn); });
  losses.miss(0, "silent", silent);
  losses.miss(0, "stale", stale);
  const Salvage saved = must_salvage(seen.state, losses);
  EXPECT_EQ(saved.orphans, 3u);
  ASSERT_EQ(losses.keys().size(), 3u);
  EXPECT_EQ(losses.keys().at({0, "stale"}).lost, stale);
  EXPECT_EQ(losses.keys().at({0, "stale"}).instead, old);
  EXPECT_EQ(losses.keys().at({0, "gone"}).instead, kNoLsn);
  EXPECT_EQ(losses.keys().at({0, "silent"}).lost, silent);
  h_.directory = "/saved";
  h_.must_open();
  std::erase_if(h_.recovered, [](const Written& w) { return w.kind == RecordKind::kLost; });
  ASSERT_EQ(h_.recovered.size(), 2u) << "no change of a value that is lost";
  EXPECT_EQ(h_.recovered[0].lsn, old);
  EXPECT_EQ(h_.recovered[1].key, "healed");
}

TEST_F(InspectTest, knows_which_patches_hung_on_what_is_lost) {
  h_.must_open();
  const auto append = [&](RecordKind kind, std::string_view key, Lsn prev, Lsn whole) {
    std::string payload = "v";
    if (kind == RecordKind::kPatch) {
      payload.resize(kPatchAddressBytes);
      base::store48(payload.data(), raw(whole));
      payload += "a difference";
    }
    const RecordSpec spec{.kind = kind, .time = UnixMs{5}, .prev = prev, .key = key, .payload = payload};
    Lsn lsn;
    EXPECT_TRUE(h_.log->append(std::span(&spec, 1), std::span(&lsn, 1)));
    EXPECT_TRUE(h_.log->wait_durable(h_.log->tail()));
    return lsn;
  };
  const auto set = [&](std::string_view key, Lsn prev = kNoLsn) {
    return append(RecordKind::kPage, key, prev, kNoLsn);
  };
  const auto patch = [&](std::string_view key, Lsn prev, Lsn whole) {
    return append(RecordKind::kPatch, key, prev, whole);
  };
  const Lsn whole = set("whole");
  patch("whole", patch("whole", whole, whole), whole);
  const Lsn middle = set("middle");
  const Lsn first = patch("middle", middle, middle);
  const Lsn second = patch("middle", first, middle);
  patch("middle", patch("middle", second, middle), middle);
  const Lsn healed = set("healed");
  set("healed", patch("healed", healed, healed));
  close();
  for (const Lsn lsn : {whole, second, healed}) flip(lsn, 33);

  const Examined seen = inspect(files_, h_.directory);
  KeyLosses losses([&](Lsn lsn) { return seen.state.lost_at(lsn); });
  const Salvage saved = must_salvage(seen.state, losses);
  EXPECT_EQ(saved.orphans, 2u + 2 + 1);
  ASSERT_EQ(losses.keys().size(), 2u);
  ASSERT_TRUE(losses.keys().contains({0, "whole"}) && losses.keys().contains({0, "middle"}));
  EXPECT_EQ(losses.keys().at({0, "whole"}).instead, kNoLsn);
  EXPECT_EQ(losses.keys().at({0, "middle"}).instead, middle);
  h_.directory = "/saved";
  h_.must_open();
  std::erase_if(h_.recovered, [](const Written& w) { return w.kind == RecordKind::kLost; });
  ASSERT_EQ(h_.recovered.size(), 3u) << "no patch of a value that is lost";
  EXPECT_EQ(h_.recovered[0].lsn, middle);
  EXPECT_EQ(h_.recovered[1].lsn, first);
  EXPECT_EQ(h_.recovered[2].key, "healed");
}

TEST_F(InspectTest, salvages_nothing_into_a_directory_that_is_not_empty) {
  make(2);
  close();
  const Examined seen = inspect(files_, h_.directory);
  KeyLosses losses([](Lsn) { return false; });
  const auto before = files_.dump();
  const auto done = salvage(files_, h_.directory, h_.directory, seen.state, kNoLsn, losses);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(files_.dump() == before);
}

/// One act of damage to one file of the store, from a seed.
std::string damage(sim::SimFileSystem& files, const std::string& directory, base::Random& random) {
  auto names = *files.list(directory);
  std::erase(names, "LOCK");
  const std::string path = directory + "/" + names[random.below(names.size())];
  const std::uint64_t size = files.dump().at(path).size();
  const auto kind = random.below(6);
  const std::uint64_t at = random.below(std::max<std::uint64_t>(size, 1));
  const std::uint64_t length = std::min<std::uint64_t>(1 + random.below(5000), size - std::min(size, at));
  switch (kind) {
    case 0: static_cast<void>(files.delete_file(path)); return "delete " + path;
    case 1: static_cast<void>(files.truncate_file(path, at)); return "truncate " + path + " at " + std::to_string(at);
    case 2: static_cast<void>(files.zero_range(path, at, length)); return "zero " + path + " at " + std::to_string(at);
    case 3: {
      const std::string copy = files.dump().at(path).substr(random.below(std::max<std::uint64_t>(size, 1)), length);
      static_cast<void>(files.overwrite(path, at, base::as_bytes(std::string_view(copy).substr(0, size - at))));
      return "duplicate into " + path + " at " + std::to_string(at);
    }
    default:
      static_cast<void>(files.flip_bit(path, 8 * at + random.below(8)));
      return "flip " + path + " at " + std::to_string(at);
  }
}

/// A store's directory from a seed, with everything a log can hold, and closed or not.
void build(LogHarness& h, base::Random& random) {
  const auto sync = [&h] { ASSERT_TRUE(h.log->wait_durable(h.log->tail())); };
  h.must_open();
  const std::size_t segments = 1 + random.below(4);
  while (h.log->segments().size() < segments) {
    h.must_append(1 + static_cast<int>(random.below(4)), random.below(3000));
    if (random.one_in(4)) sync();
    h.log->tick(1, h.clock.wall());
  }
  for (int i = 0; i < 6; ++i) {
    h.must_append(1 + static_cast<int>(random.below(4)), random.below(900));
    if (random.coin()) sync();
  }
  ASSERT_TRUE(h.log->wait_written(h.log->tail()));
  if (random.one_in(3)) {
    const auto all = h.log->segments();
    const Lsn to = all[random.below(all.size())].base;
    h.must_append_trim(to);
    ASSERT_TRUE(h.log->drop_before(to));
  }
  if (random.coin()) {
    ASSERT_TRUE(h.log->close(h.clock.wall()));
  }
  h.log.reset();
}

/// What was saved is what the inspection called whole, to the byte, and nothing is wrong with it.
void check_salvage(FileSystem& files, const LogHarness& h, const Inspection& state) {
  KeyLosses losses([&](Lsn lsn) { return state.lost_at(lsn); });
  const auto saved = salvage(files, h.directory, "/saved", state, kNoLsn, losses);
  ASSERT_TRUE(saved) << saved.error().describe();
  const Examined copy = inspect(files, "/saved");
  ASSERT_EQ(copy.state.damages, 0u);
  std::vector<Written> expected;
  for (const Written& w : h.model)
    if (w.lsn >= state.segments.front().base && w.lsn < state.end && !state.lost_at(w.lsn)) expected.push_back(w);
  ASSERT_GE(copy.records.size(), expected.size());
  ASSERT_TRUE(std::equal(expected.begin(), expected.end(), copy.records.begin()));
  for (std::size_t i = expected.size(); i < copy.records.size(); ++i)
    ASSERT_EQ(copy.records[i].kind, RecordKind::kTrim) << "only this is added";
}

TEST(Corpus, of_damaged_logs_is_judged_alike_by_opening_and_by_inspecting_and_salvaged_without_a_wrong_byte) {
  const char* const given = std::getenv("STAVE_SEED");
  const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
  const std::uint64_t cases = given != nullptr ? 1 : 1000;
  for (std::uint64_t seed = first; seed < first + cases && !testing::Test::HasFailure(); ++seed) {
    base::Random random(seed);
    sim::SimFileSystem disk(seed);
    LogHarness built(disk);
    build(built, random);
    // Everything has reached the medium, which then rots.
    sim::SimFileSystem files = disk.after_crash(sim::CrashMode::kKeepAll, seed);
    LogHarness h(files);
    h.model = built.model;
    std::string done;
    for (auto acts = 1 + random.below(2); acts > 0; --acts) done += damage(files, h.directory, random) + "; ";
    SCOPED_TRACE("STAVE_SEED=" + std::to_string(seed) + ": " + done);
    const auto names = *files.list(h.directory);
    if (std::ranges::none_of(names, [](const std::string& n) { return n == "STAVE" || n.ends_with(".seg"); })) continue;

    Inspector inspector(files, h.directory, kNoLsn, {});
    const auto inspected = inspector.run();
    const Inspection& state = inspector.state();
    if (inspected && !state.segments.empty()) check_salvage(files, h, state);
    const auto opened = h.open();
    ASSERT_EQ(opened.has_value(), inspected && state.damages == 0) << (opened ? "it opens" : opened.error().describe());
    if (!opened) {
      ASSERT_FALSE(opened.error().file().empty());
      continue;
    }
    const auto begin = std::ranges::lower_bound(h.model, h.report.from, {}, &Written::lsn);
    ASSERT_LE(h.recovered.size(), static_cast<std::size_t>(h.model.end() - begin));
    ASSERT_TRUE(std::equal(h.recovered.begin(), h.recovered.end(), begin)) << "not what was written";
  }
}

}  // namespace
}  // namespace stave::log
