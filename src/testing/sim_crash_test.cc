// What a power cut leaves: for each mode, what may be found, what must be found, and that every outcome does occur.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "base/random.h"
#include "testing/sim_file_system.h"
#include "testing/sim_test_util.h"

namespace stave::sim {
namespace {

using Dump = std::map<std::string, std::string>;

/// Every disk that `mode` leaves of `disk`, over many seeds.
std::set<Dump> outcomes(const SimFileSystem& disk, CrashMode mode, int seeds = 300) {
  std::set<Dump> found;
  for (int seed = 1; seed <= seeds; ++seed)
    found.insert(disk.after_crash(mode, static_cast<std::uint64_t>(seed)).dump());
  return found;
}

std::set<std::string> outcomes_of(const SimFileSystem& disk, const std::string& path, CrashMode mode, int seeds = 300) {
  std::set<std::string> found;
  for (const Dump& dump : outcomes(disk, mode, seeds)) found.insert(dump.contains(path) ? dump.at(path) : "(none)");
  return found;
}

/// A disk with a durable file "/a" of `text`, and a handle to it.
std::unique_ptr<File> durable_file(SimFileSystem& disk, std::string_view text) {
  auto file = create(disk, "/a");
  write(*file, 0, text);
  EXPECT_TRUE(file->sync_data());
  EXPECT_TRUE(disk.sync_directory("/"));
  return file;
}

TEST(Crash, what_was_synced_survives_every_mode) {
  SimFileSystem disk;
  ASSERT_TRUE(disk.create_directories("/d/e"));
  const auto file = create(disk, "/d/e/f");
  write(*file, 0, std::string(10'000, 'x'));
  ASSERT_TRUE(file->truncate(9'000));
  ASSERT_TRUE(file->allocate(20'000));
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(disk.sync_directory("/d/e"));
  const Dump whole = disk.dump();
  for (const CrashMode mode : kCrashModes)
    EXPECT_EQ(outcomes(disk, mode, 20), std::set<Dump>{whole}) << to_string(mode);
}

TEST(Crash, what_was_not_synced_is_gone_when_all_is_dropped) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "abc");
  write(*file, 1, "XYZ");
  ASSERT_TRUE(file->truncate(1));
  ASSERT_TRUE(disk.rename("/a", "/b"));
  create(disk, "/c");
  EXPECT_EQ(outcomes(disk, CrashMode::kDropUnsynced, 20), (std::set<Dump>{{{"/a", "abc"}}}));
  EXPECT_EQ(outcomes(disk, CrashMode::kKeepAll, 20), (std::set<Dump>{{{"/b", "a"}, {"/c", ""}}}));
}

TEST(Crash, a_file_synced_without_its_directory_may_have_no_name) {
  SimFileSystem disk;
  const auto file = create(disk, "/a");
  write(*file, 0, "abc");
  ASSERT_TRUE(file->sync_data());
  EXPECT_EQ(outcomes(disk, CrashMode::kDropUnsynced, 1), (std::set<Dump>{{}}));
  EXPECT_EQ(outcomes_of(disk, "/a", CrashMode::kSubset), (std::set<std::string>{"(none)", "abc"}));
}

TEST(Crash, a_name_synced_without_its_data_leads_to_an_empty_file) {
  SimFileSystem disk;
  const auto file = create(disk, "/a");
  write(*file, 0, "abc");
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes_of(disk, "/a", CrashMode::kDropUnsynced, 1), std::set<std::string>{""});
}

TEST(Crash, a_directory_sync_covers_its_own_names_only) {
  SimFileSystem disk;
  ASSERT_TRUE(disk.create_directories("/d"));
  create(disk, "/d/inner");
  create(disk, "/outer");
  ASSERT_TRUE(disk.sync_directory("/d"));
  EXPECT_EQ(outcomes(disk, CrashMode::kDropUnsynced, 1), (std::set<Dump>{{{"/d/inner", ""}}}));
}

TEST(Crash, each_unsynced_write_is_kept_or_lost_by_itself) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "....");
  write(*file, 0, "a");
  write(*file, 1, "b");
  write(*file, 2, "c");
  const auto found = outcomes_of(disk, "/a", CrashMode::kSubset, 500);
  EXPECT_EQ(found, (std::set<std::string>{"....", "a...", ".b..", "ab..", "..c.", "a.c.", ".bc.", "abc."}));
}

TEST(Crash, reordering_loses_earlier_writes_and_keeps_later_ones) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "...");
  write(*file, 0, "a");
  write(*file, 1, "b");
  write(*file, 2, "c");
  const auto found = outcomes_of(disk, "/a", CrashMode::kReordered, 500);
  for (const char* inverted : {".bc", "..c"}) EXPECT_TRUE(found.contains(inverted)) << inverted;
  for (const std::string& text : found) EXPECT_EQ(text[0], '.') << "the first write is always lost";
}

TEST(Crash, a_lost_write_that_grew_the_file_may_leave_zeros) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "a");
  write(*file, 1, "bc");
  EXPECT_EQ(outcomes_of(disk, "/a", CrashMode::kSubset), (std::set<std::string>{"a", std::string("a\0\0", 3), "abc"}));
}

TEST(Crash, an_unsynced_size_is_kept_or_lost) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "abcd");
  ASSERT_TRUE(file->truncate(2));
  EXPECT_EQ(outcomes_of(disk, "/a", CrashMode::kSubset), (std::set<std::string>{"ab", "abcd"}));
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(file->allocate(3));
  EXPECT_EQ(outcomes_of(disk, "/a", CrashMode::kSubset), (std::set<std::string>{"ab", std::string("ab\0", 3)}));
}

TEST(Crash, a_write_torn_at_bytes_survives_up_to_or_from_any_byte) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "....");
  write(*file, 0, "abcd");
  const auto found = outcomes_of(disk, "/a", CrashMode::kTornByte, 500);
  EXPECT_EQ(found, (std::set<std::string>{"....", "a...", "ab..", "abc.", "abcd", ".bcd", "..cd", "...d"}));
}

/// The file's units that hold new bytes, as text: 'N' all new, 'o' all old, '?' mixed.
std::string units(const std::string& text, std::size_t unit) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += unit) {
    const std::string part = text.substr(at, unit);
    const bool fresh = part.find_first_not_of('n') == std::string::npos;
    const bool stale = part.find_first_not_of('o') == std::string::npos;
    out += fresh ? 'N' : stale ? 'o' : '?';
  }
  return out;
}

TEST(Crash, a_write_torn_at_sectors_or_pages_survives_in_whole_units) {
  for (const auto& [mode, unit] :
       {std::pair(CrashMode::kTorn512, std::size_t{512}), std::pair(CrashMode::kTorn4096, std::size_t{4096})}) {
    SimFileSystem disk;
    const auto file = durable_file(disk, std::string(4 * unit, 'o'));
    write(*file, 0, std::string(4 * unit, 'n'));
    std::set<std::string> found;
    for (const std::string& text : outcomes_of(disk, "/a", mode, 1000)) found.insert(units(text, unit));
    EXPECT_EQ(found.size(), 16u) << to_string(mode) << ": every subset of four units";
    for (const std::string& pattern : found) EXPECT_EQ(pattern.find('?'), std::string::npos) << pattern;
  }
}

TEST(Crash, a_torn_write_breaks_at_the_borders_of_the_file_and_not_of_the_write) {
  SimFileSystem disk;
  const auto file = durable_file(disk, std::string(1536, 'o'));
  write(*file, 300, std::string(700, 'n'));
  const auto part = [](std::size_t old_start, std::size_t fresh, std::size_t old_end) {
    return std::string(old_start, 'o') + std::string(fresh, 'n') + std::string(old_end, 'o');
  };
  EXPECT_EQ(outcomes_of(disk, "/a", CrashMode::kTorn512, 500),
            (std::set<std::string>{part(1536, 0, 0), part(300, 212, 1024), part(512, 488, 536), part(300, 700, 536)}));
}

TEST(Crash, a_rename_is_atomic) {
  SimFileSystem disk;
  const auto old_file = durable_file(disk, "old");
  const auto fresh = create(disk, "/a.tmp");
  write(*fresh, 0, "new");
  ASSERT_TRUE(fresh->sync_data());
  ASSERT_TRUE(disk.sync_directory("/"));
  ASSERT_TRUE(disk.rename("/a.tmp", "/a"));
  const Dump before{{"/a", "old"}, {"/a.tmp", "new"}};
  const Dump after{{"/a", "new"}};
  EXPECT_EQ(outcomes(disk, CrashMode::kSubset), (std::set<Dump>{before, after}));
  EXPECT_EQ(outcomes(disk, CrashMode::kDropUnsynced), std::set<Dump>{before});
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes(disk, CrashMode::kDropUnsynced), std::set<Dump>{after});
}

TEST(Crash, a_rename_of_unsynced_data_may_replace_the_old_file_by_nothing) {
  SimFileSystem disk;
  const auto old_file = durable_file(disk, "old");
  write(*create(disk, "/a.tmp"), 0, "new");
  ASSERT_TRUE(disk.rename("/a.tmp", "/a"));
  const auto found = outcomes_of(disk, "/a", CrashMode::kSubset);
  for (const char* text : {"old", "", "new"}) EXPECT_TRUE(found.contains(text)) << text;
}

TEST(Crash, a_file_that_was_renamed_twice_has_one_name_at_most) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "x");
  ASSERT_TRUE(disk.rename("/a", "/b"));
  ASSERT_TRUE(disk.rename("/b", "/c"));
  EXPECT_EQ(outcomes(disk, CrashMode::kSubset), (std::set<Dump>{{{"/a", "x"}}, {{"/b", "x"}}, {{"/c", "x"}}}));
}

TEST(Crash, an_unsynced_removal_may_bring_the_file_back) {
  SimFileSystem disk;
  auto file = durable_file(disk, "x");
  file.reset();
  ASSERT_TRUE(disk.remove("/a"));
  EXPECT_EQ(outcomes_of(disk, "/a", CrashMode::kSubset), (std::set<std::string>{"x", "(none)"}));
  ASSERT_TRUE(disk.sync_directory("/"));
  EXPECT_EQ(outcomes_of(disk, "/a", CrashMode::kSubset), std::set<std::string>{"(none)"});
}

TEST(Crash, names_survive_one_by_one) {
  SimFileSystem disk;
  create(disk, "/a");
  create(disk, "/b");
  EXPECT_EQ(outcomes(disk, CrashMode::kSubset),
            (std::set<Dump>{{}, {{"/a", ""}}, {{"/b", ""}}, {{"/a", ""}, {"/b", ""}}}));
  EXPECT_TRUE(outcomes(disk, CrashMode::kReordered).contains({{"/b", ""}}));
}

TEST(Crash, equal_seeds_leave_equal_disks) {
  SimFileSystem disk;
  const auto file = durable_file(disk, std::string(20'000, 'o'));
  for (int i = 0; i < 20; ++i) write(*file, static_cast<std::uint64_t>(i) * 900, std::string(1000, 'n'));
  for (const CrashMode mode : kCrashModes)
    EXPECT_EQ(disk.after_crash(mode, 99).dump(), disk.after_crash(mode, 99).dump()) << to_string(mode);
}

TEST(Crash, the_disk_found_is_durable_and_apart_from_the_old_one) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "abc");
  write(*file, 3, "d");
  SimFileSystem found = disk.after_crash(CrashMode::kKeepAll, 1);
  EXPECT_EQ(found.after_crash(CrashMode::kDropUnsynced, 1).dump().at("/a"), "abcd");
  write(**found.open("/a", OpenMode::kReadWrite), 0, "X");
  write(*file, 0, "Y");
  EXPECT_EQ(contents(found, "/a"), "Xbcd");
  EXPECT_EQ(contents(disk, "/a"), "Ybcd");
  EXPECT_TRUE(found.lock("/LOCK"));
}

// Recovery that reads what the cache holds and does not sync it can lose it to the next power cut.
TEST(Crash, the_death_of_the_process_loses_nothing_and_syncs_nothing) {
  SimFileSystem disk;
  const auto file = durable_file(disk, "abc");
  write(*file, 3, "d");
  create(disk, "/b");
  const auto held = disk.lock("/LOCK");
  ASSERT_TRUE(held);
  SimFileSystem found = disk.after_kill(1);
  EXPECT_EQ(found.dump(), disk.dump());
  EXPECT_TRUE(found.lock("/LOCK")) << "locks die with the process";
  EXPECT_EQ(found.after_crash(CrashMode::kDropUnsynced, 1).dump(), (Dump{{"/a", "abc"}}));
  ASSERT_TRUE((*found.open("/a", OpenMode::kReadWrite))->sync_data());
  EXPECT_EQ(found.after_crash(CrashMode::kDropUnsynced, 1).dump(), (Dump{{"/a", "abcd"}}));
  EXPECT_EQ(disk.after_crash(CrashMode::kDropUnsynced, 1).dump(), (Dump{{"/a", "abc"}}));
}

/// A byte of the file as a crash may leave it: the last durable value, or any written since.
class ByteOracle {
 public:
  void write(std::uint64_t offset, const std::string& text) {
    if (may_.size() < offset + text.size()) may_.resize(offset + text.size());
    for (std::size_t i = 0; i < text.size(); ++i) may_[offset + i] |= 1u << (text[i] - 'a');
  }
  void sync(const std::string& now) {
    may_.assign(now.size(), 0);
    durable_ = now;
  }
  [[nodiscard]] bool allows(const std::string& found) const {
    if (found.size() < durable_.size() || found.size() > may_.size()) return false;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i] == (i < durable_.size() ? durable_[i] : '\0')) continue;
      if (found[i] == '\0' || (may_[i] >> (found[i] - 'a') & 1) == 0) return false;
    }
    return true;
  }

 private:
  std::string durable_;
  std::vector<std::uint32_t> may_;  ///< For each byte, the letters written since; its size is the file's.
};

TEST(Crash, random_loads_leave_only_bytes_that_were_durable_or_written_since) {
  const std::uint64_t seed = 20260117;
  SCOPED_TRACE(seed);
  base::Random random(seed);
  for (int round = 0; round < 60; ++round) {
    SimFileSystem disk(random.next());
    ByteOracle oracle;
    const auto file = create(disk, "/a");
    ASSERT_TRUE(disk.sync_directory("/"));
    for (int step = 0; step < 60; ++step) {
      if (random.one_in(6)) {
        ASSERT_TRUE(file->sync_data());
        oracle.sync(disk.dump().at("/a"));
      } else {
        const std::string text(1 + random.below(3000), static_cast<char>('a' + random.below(26)));
        const std::uint64_t offset = random.below(8000);
        write(*file, offset, text);
        oracle.write(offset, text);
      }
      const CrashMode mode = kCrashModes[random.below(7)];
      const std::string found = disk.after_crash(mode, random.next()).dump().at("/a");
      ASSERT_TRUE(oracle.allows(found)) << "round " << round << " step " << step << " " << to_string(mode);
    }
  }
}

TEST(Crash, thousands_of_crashes_of_a_small_store_are_cheap) {
  SimFileSystem disk;
  const auto file = durable_file(disk, std::string(400'000, 'o'));
  for (int i = 0; i < 10; ++i) write(*file, static_cast<std::uint64_t>(i) * 5000, std::string(200, 'n'));
  std::uint64_t used = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed)
    used += disk.after_crash(kCrashModes[seed % 7], seed).used_bytes();
  EXPECT_EQ(used, std::uint64_t{20'000} * 98 * 4096);
}

}  // namespace
}  // namespace stave::sim
