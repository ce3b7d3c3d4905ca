// Faults, room, damage, watching: what the simulated disk does when it is told to.
#include "testing/sim_file_system.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "base/bytes.h"
#include "testing/sim_test_util.h"

namespace stave::sim {
namespace {

TEST(SimFileSystem, numbers_what_changes_the_disk_and_nothing_else) {
  SimFileSystem disk;
  std::vector<std::string> seen;
  disk.on_operation([&](const Operation& operation) {
    EXPECT_EQ(operation.number, seen.size() + 1);
    seen.push_back(std::string(to_string(operation.kind)) + " " + operation.path);
  });
  ASSERT_TRUE(disk.create_directories("/d"));
  auto file = create(disk, "/d/a");
  write(*file, 0, "x");
  ASSERT_TRUE(file->allocate(10));
  ASSERT_TRUE(file->truncate(5));
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(disk.rename("/d/a", "/d/b"));
  ASSERT_TRUE(disk.sync_directory("/d"));
  EXPECT_EQ(contents(disk, "/d/b"), std::string("x\0\0\0\0", 5));
  EXPECT_TRUE(*disk.exists("/d/b"));
  EXPECT_TRUE(disk.list("/d"));
  ASSERT_TRUE(disk.remove("/d/b"));
  EXPECT_EQ(seen, (std::vector<std::string>{"create_directories /d", "create /d/a", "write /d/a", "allocate /d/a",
                                            "truncate /d/a", "sync_data /d/a", "rename /d/a", "sync_directory /d",
                                            "remove /d/b"}));
  EXPECT_EQ(disk.operations(), 9u);
}

TEST(SimFileSystem, after_the_power_cut_everything_fails) {
  SimFileSystem disk;
  auto file = create(disk, "/a");
  write(*file, 0, "abc");
  disk.crash_at(4, CrashEffect::kNone);
  write(*file, 3, "d");
  EXPECT_FALSE(disk.crashed());
  EXPECT_EQ(code(file->write_at(4, base::as_bytes("e"))), ErrorCode::kIo);
  EXPECT_TRUE(disk.crashed());
  std::byte byte{};
  EXPECT_EQ(code(file->read_at(0, std::span(&byte, 1))), ErrorCode::kIo);
  EXPECT_EQ(code(file->size()), ErrorCode::kIo);
  EXPECT_EQ(code(file->sync_data()), ErrorCode::kIo);
  EXPECT_EQ(code(disk.open("/a", OpenMode::kRead)), ErrorCode::kIo);
  EXPECT_EQ(code(disk.exists("/a")), ErrorCode::kIo);
  EXPECT_EQ(code(disk.list("/")), ErrorCode::kIo);
  EXPECT_EQ(code(disk.rename("/a", "/b")), ErrorCode::kIo);
  EXPECT_EQ(code(disk.remove("/a")), ErrorCode::kIo);
  EXPECT_EQ(code(disk.sync_directory("/")), ErrorCode::kIo);
  EXPECT_EQ(code(disk.lock("/LOCK")), ErrorCode::kIo);
  EXPECT_EQ(disk.after_crash(CrashMode::kKeepAll, 1).dump().at("/a"), "abcd");
}

TEST(SimFileSystem, the_operation_that_meets_the_power_cut_happens_wholly_partly_or_not) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SimFileSystem disk(seed);
    auto file = create(disk, "/a");
    disk.crash_at(2);
    EXPECT_FALSE(file->write_at(0, base::as_bytes("abcd")));
    seen.insert(disk.after_crash(CrashMode::kKeepAll, 1).dump().at("/a"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "a", "ab", "abc", "abcd"}));
}

TEST(SimFileSystem, a_sync_that_meets_the_power_cut_may_have_worked) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimFileSystem disk(seed);
    auto file = create(disk, "/a");
    ASSERT_TRUE(disk.sync_directory("/"));
    write(*file, 0, "abcd");
    disk.crash_at(disk.operations() + 1);
    EXPECT_EQ(code(file->sync_data()), ErrorCode::kIo);
    seen.insert(disk.after_crash(CrashMode::kDropUnsynced, 1).dump().at("/a"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "abcd"}));
}

TEST(SimFileSystem, an_injected_fault_hits_the_operation_it_names_once) {
  SimFileSystem disk;
  auto file = create(disk, "/a");
  disk.inject({.at = 3, .system_errno = ENOSPC});
  write(*file, 0, "a");
  EXPECT_EQ(code(file->write_at(1, base::as_bytes("b"))), ErrorCode::kNoSpace);
  write(*file, 1, "c");
  EXPECT_EQ(disk.dump().at("/a"), "ac");
  EXPECT_EQ(disk.faults_hit(), 1u);
}

TEST(SimFileSystem, an_injected_fault_lasts_for_good_until_it_is_cleared) {
  SimFileSystem disk;
  auto file = create(disk, "/a");
  disk.inject({.at = 2, .kind = OpKind::kWrite, .times = kForever});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code(file->write_at(0, base::as_bytes("x"))), ErrorCode::kIo);
  EXPECT_TRUE(file->sync_data());
  EXPECT_TRUE(disk.rename("/a", "/b"));
  disk.clear_faults();
  write(*file, 0, "y");
  EXPECT_EQ(disk.dump().at("/b"), "y");
}

TEST(SimFileSystem, a_short_write_leaves_a_first_part) {
  std::set<std::size_t> lengths;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SimFileSystem disk(seed);
    auto file = create(disk, "/a");
    disk.inject({.at = 2, .system_errno = ENOSPC, .partial = true});
    const std::string text = "0123456789";
    EXPECT_EQ(code(file->write_at(0, base::as_bytes(text))), ErrorCode::kNoSpace);
    const std::string landed = disk.dump().at("/a");
    EXPECT_EQ(landed, text.substr(0, landed.size()));
    lengths.insert(landed.size());
  }
  EXPECT_GT(lengths.size(), 5u);
  EXPECT_FALSE(lengths.contains(10));
}

TEST(SimFileSystem, a_failed_name_change_may_have_happened_all_the_same) {
  SimFileSystem disk;
  create(disk, "/a");
  disk.inject({.at = 2, .kind = OpKind::kRename});
  EXPECT_EQ(code(disk.rename("/a", "/b")), ErrorCode::kIo);
  EXPECT_TRUE(disk.dump().contains("/a"));
  disk.inject({.at = 2, .kind = OpKind::kRename, .partial = true});
  EXPECT_EQ(code(disk.rename("/a", "/b")), ErrorCode::kIo);
  EXPECT_TRUE(disk.dump().contains("/b"));
}

TEST(SimFileSystem, questions_fail_only_when_they_are_named) {
  SimFileSystem disk;
  write(*create(disk, "/a"), 0, "abc");
  disk.inject({.at = disk.operations() + 1, .times = kForever});
  EXPECT_EQ(contents(disk, "/a"), "abc");
  disk.inject({.at = 1, .kind = OpKind::kOpen, .system_errno = EMFILE});
  EXPECT_EQ(code(disk.open("/a", OpenMode::kRead)), ErrorCode::kBusy);
  auto file = disk.open("/a", OpenMode::kRead);
  ASSERT_TRUE(file);
  disk.inject({.at = 1, .kind = OpKind::kRead});
  std::byte byte{};
  EXPECT_EQ(code((*file)->read_at(0, std::span(&byte, 1))), ErrorCode::kIo);
  EXPECT_TRUE((*file)->read_at(0, std::span(&byte, 1)));
}

// Linux reports a lost page once and calls it clean: the next sync succeeds and the data is gone.
TEST(SimFileSystem, after_a_failed_sync_the_next_one_succeeds_and_the_data_may_be_gone) {
  int lost = 0;
  int kept = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SimFileSystem disk(seed);
    auto file = create(disk, "/a");
    ASSERT_TRUE(disk.sync_directory("/"));
    write(*file, 0, "abc");
    disk.inject({.at = 1, .kind = OpKind::kSyncData});
    EXPECT_EQ(code(file->sync_data()), ErrorCode::kIo);
    ASSERT_TRUE(file->sync_data());
    EXPECT_EQ(disk.dump().at("/a"), "abc") << "the cache still shows it";
    const std::string found = disk.after_crash(CrashMode::kKeepAll, seed).dump().at("/a");
    found == "abc" ? ++kept : ++lost;
    ASSERT_TRUE(file->drop_cache());
    EXPECT_EQ(disk.dump().at("/a"), found) << "without the cache the disk shows";
  }
  EXPECT_GT(lost, 10);
  EXPECT_GT(kept, 10);
}

TEST(SimFileSystem, after_a_failed_sync_later_writes_are_durable_again) {
  SimFileSystem disk(7);
  auto file = create(disk, "/a");
  ASSERT_TRUE(disk.sync_directory("/"));
  write(*file, 0, std::string(100, 'x'));
  disk.inject({.at = 1, .kind = OpKind::kSyncData});
  EXPECT_FALSE(file->sync_data());
  write(*file, 100, "later");
  ASSERT_TRUE(file->sync_data());
  EXPECT_EQ(disk.after_crash(CrashMode::kDropUnsynced, 1).dump().at("/a").substr(100), "later");
}

TEST(SimFileSystem, a_failed_directory_sync_may_lose_names_for_good) {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SimFileSystem disk(seed);
    create(disk, "/a");
    disk.inject({.at = 1, .kind = OpKind::kSyncDirectory});
    EXPECT_EQ(code(disk.sync_directory("/")), ErrorCode::kIo);
    ASSERT_TRUE(disk.sync_directory("/"));
    EXPECT_TRUE(disk.dump().contains("/a"));
    if (!disk.after_crash(CrashMode::kKeepAll, 1).dump().contains("/a")) ++lost;
  }
  EXPECT_GT(lost, 5);
  EXPECT_LT(lost, 35);
}

TEST(SimFileSystem, a_full_disk_refuses_and_takes_what_fits) {
  SimFileSystem disk;
  disk.set_capacity(3 * 4096);
  EXPECT_EQ(*disk.free_bytes("/"), 3u * 4096);
  auto file = create(disk, "/a");
  write(*file, 0, std::string(4096, 'a'));
  const std::string more(3 * 4096, 'b');
  EXPECT_EQ(code(file->write_at(4096, base::as_bytes(more))), ErrorCode::kNoSpace);
  EXPECT_EQ(disk.dump().at("/a"), std::string(4096, 'a') + std::string(2 * 4096, 'b'));
  EXPECT_EQ(*disk.free_bytes("/"), 0u);
  write(*file, 100, "what is there may be overwritten");
  EXPECT_EQ(code(file->write_at(3 * 4096, base::as_bytes("x"))), ErrorCode::kNoSpace);
  disk.set_capacity(4 * 4096);
  write(*file, 3 * 4096, "x");
}

TEST(SimFileSystem, room_comes_back_when_files_shrink_or_go) {
  SimFileSystem disk;
  disk.set_capacity(4 * 4096);
  auto a = create(disk, "/a");
  auto b = create(disk, "/b");
  write(*a, 0, std::string(2 * 4096, 'a'));
  write(*b, 0, std::string(2 * 4096, 'b'));
  EXPECT_EQ(disk.used_bytes(), 4u * 4096);
  ASSERT_TRUE(a->truncate(1));
  EXPECT_EQ(disk.used_bytes(), 3u * 4096);
  ASSERT_TRUE(disk.remove("/b"));
  EXPECT_EQ(disk.used_bytes(), 3u * 4096) << "an open file keeps its room";
  b.reset();
  EXPECT_EQ(disk.used_bytes(), 4096u);
  write(*create(disk, "/c"), 0, "c");
  ASSERT_TRUE(disk.rename("/c", "/a"));
  EXPECT_EQ(disk.used_bytes(), 2u * 4096);
  a.reset();
  EXPECT_EQ(disk.used_bytes(), 4096u);
  EXPECT_EQ(disk.after_crash(CrashMode::kKeepAll, 1).used_bytes(), 4096u);
}

TEST(SimFileSystem, what_was_allocated_cannot_run_out_of_room_and_a_hole_can) {
  SimFileSystem disk;
  disk.set_capacity(8 * 4096);
  auto reserved = create(disk, "/reserved");
  ASSERT_TRUE(reserved->allocate(4 * 4096));
  auto hole = create(disk, "/hole");
  ASSERT_TRUE(hole->truncate(100 * 4096));
  EXPECT_EQ(code(reserved->allocate(9 * 4096)), ErrorCode::kNoSpace);
  EXPECT_EQ(*reserved->size(), 4u * 4096);
  write(*hole, 50 * 4096, std::string(4 * 4096, 'h'));
  EXPECT_EQ(code(hole->write_at(0, base::as_bytes("x"))), ErrorCode::kNoSpace);
  write(*reserved, 0, std::string(4 * 4096, 'r'));
}

TEST(SimFileSystem, damage_is_done_to_the_medium) {
  SimFileSystem disk;
  auto file = create(disk, "/a");
  ASSERT_TRUE(disk.sync_directory("/"));
  write(*file, 0, "abcdefgh");
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(disk.flip_bit("/a", 8 + 1));
  ASSERT_TRUE(disk.swap_ranges("/a", 2, 6, 2));
  ASSERT_TRUE(disk.zero_range("/a", 4, 1));
  ASSERT_TRUE(disk.overwrite("/a", 5, base::as_bytes("!")));
  const std::string expected("a`gh\0!cd", 8);
  EXPECT_EQ(disk.dump().at("/a"), expected);
  EXPECT_EQ(disk.after_crash(CrashMode::kDropUnsynced, 1).dump().at("/a"), expected);
  ASSERT_TRUE(disk.truncate_file("/a", 3));
  EXPECT_EQ(disk.after_crash(CrashMode::kDropUnsynced, 1).dump().at("/a"), "a`g");
  EXPECT_EQ(code(disk.flip_bit("/a", 24)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(disk.flip_bit("/b", 0)), ErrorCode::kNotFound);
  ASSERT_TRUE(disk.delete_file("/a"));
  EXPECT_TRUE(disk.dump().empty());
  EXPECT_TRUE(disk.after_crash(CrashMode::kKeepAll, 1).dump().empty());
}

TEST(SimFileSystem, a_watcher_may_look_at_the_disk_before_every_operation) {
  SimFileSystem disk;
  std::vector<std::size_t> sizes;
  disk.on_operation([&](const Operation&) {
    auto found = disk.after_crash(CrashMode::kKeepAll, 1).dump();
    sizes.push_back(found.contains("/a") ? found.at("/a").size() : 99);
  });
  auto file = create(disk, "/a");
  write(*file, 0, "abc");
  write(*file, 3, "de");
  ASSERT_TRUE(file->sync_data());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{99, 0, 3, 5}));
  disk.on_operation(nullptr);
  write(*file, 0, "x");
  EXPECT_EQ(sizes.size(), 4u);
}

TEST(SimFileSystem, threads_may_use_crash_and_look_at_it_together) {
  SimFileSystem disk;
  auto shared = create(disk, "/shared");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string name = "/f" + std::to_string(t);
      for (int i = 0; i < 50; ++i) {
        auto file = disk.open(name, OpenMode::kCreate);
        if (!file || !(*file)->write_at(0, base::as_bytes(name)) || !(*file)->sync_data()) ++wrong;
        if (!shared->write_at(static_cast<std::uint64_t>(t) * 8, base::as_bytes("12345678"))) ++wrong;
        SimFileSystem found = disk.after_crash(kCrashModes[i % 7], static_cast<std::uint64_t>(i));
        auto again = found.open("/mine", OpenMode::kCreate);
        if (!again || !(*again)->write_at(0, base::as_bytes("z"))) ++wrong;
        if (found.open("/shared", OpenMode::kReadWrite) && found.dump().empty()) ++wrong;
        if (!disk.remove(name)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace stave::sim
