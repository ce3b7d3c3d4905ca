// One contract, three file systems: what holds for the system's files must hold for those in memory and for the
// simulated disk, or tests on these prove nothing about the first.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "base/bytes.h"
#include "base/random.h"
#include "stave/file_system.h"
#include "testing/sim_file_system.h"

namespace stave {
namespace {

using base::as_bytes;

struct Kind {
  const char* name;
  bool real;
  FileSystem* (*make)(std::unique_ptr<FileSystem>& owner);
};

const std::array kKinds = {
    Kind{"system", true, [](std::unique_ptr<FileSystem>&) { return &FileSystem::system(); }},
    Kind{"memory", false, [](std::unique_ptr<FileSystem>& owner) { return (owner = make_memory_file_system()).get(); }},
    Kind{"simulated", false,
         [](std::unique_ptr<FileSystem>& owner) { return (owner = std::make_unique<sim::SimFileSystem>(1)).get(); }},
};

class FileSystems : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    files_ = GetParam().make(owner_);
    if (GetParam().real) {
      std::string pattern = (std::filesystem::temp_directory_path() / "stave-files-XXXXXX").string();
      ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
      root_ = pattern;
    } else {
      root_ = "/root";
    }
    ASSERT_TRUE(files_->create_directories(root_));
  }
  void TearDown() override {
    if (GetParam().real) std::filesystem::remove_all(root_);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }
  std::unique_ptr<File> create(const std::string& name, std::string_view text = {}) {
    auto file = files_->open(at(name), OpenMode::kCreate);
    EXPECT_TRUE(file) << file.error().describe();
    EXPECT_TRUE((*file)->write_at(0, as_bytes(text)));
    return std::move(*file);
  }
  std::string read(File& file) {
    std::string text(static_cast<std::size_t>(*file.size()), '?');
    const auto count = file.read_at(0, std::as_writable_bytes(std::span(text)));
    EXPECT_TRUE(count);
    EXPECT_EQ(*count, text.size());
    return text;
  }
  std::string read(const std::string& name) {
    auto file = files_->open(at(name), OpenMode::kRead);
    if (!file) return std::string(to_string(file.error().code()));
    return read(**file);
  }
  std::vector<std::string> names() { return files_->list(root_).value(); }

  std::unique_ptr<FileSystem> owner_;
  FileSystem* files_ = nullptr;
  std::string root_;
};

template <class T>
ErrorCode code(const Result<T>& result) {
  return result ? ErrorCode{} : result.error().code();
}

TEST_P(FileSystems, what_was_written_is_read_back) {
  auto file = create("a", "hello");
  ASSERT_TRUE(file->write_at(3, as_bytes("p!")));
  EXPECT_EQ(read(*file), "help!");
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(files_->sync_directory(root_));
  file.reset();
  EXPECT_EQ(read("a"), "help!");
}

TEST_P(FileSystems, a_hole_reads_as_zero) {
  auto file = create("a");
  ASSERT_TRUE(file->write_at(10'000, as_bytes("x")));
  EXPECT_EQ(read(*file), std::string(10'000, '\0') + "x");
}

TEST_P(FileSystems, reading_stops_at_the_end_of_the_file) {
  auto file = create("a", "abc");
  std::array<std::byte, 8> buffer{};
  EXPECT_EQ(*file->read_at(1, buffer), 2u);
  EXPECT_EQ(*file->read_at(3, buffer), 0u);
  EXPECT_EQ(*file->read_at(1u << 20, buffer), 0u);
  EXPECT_EQ(*file->read_at(0, std::span<std::byte>()), 0u);
}

TEST_P(FileSystems, writing_nothing_changes_nothing) {
  auto file = create("a", "abc");
  ASSERT_TRUE(file->write_at(100, {}));
  EXPECT_EQ(*file->size(), 3u);
}

TEST_P(FileSystems, an_offset_beyond_every_file_is_refused) {
  auto file = create("a", "abc");
  EXPECT_EQ(code(file->write_at(~std::uint64_t{0} - 1, as_bytes("x"))), ErrorCode::kTooLarge);
  EXPECT_EQ(code(file->truncate(~std::uint64_t{0})), ErrorCode::kTooLarge);
  EXPECT_EQ(code(file->allocate(~std::uint64_t{0})), ErrorCode::kTooLarge);
  EXPECT_EQ(read(*file), "abc");
}

TEST_P(FileSystems, truncation_cuts_and_growing_again_shows_zeros) {
  auto file = create("a", "abcdef");
  ASSERT_TRUE(file->truncate(2));
  EXPECT_EQ(read(*file), "ab");
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(read(*file), std::string("ab\0\0", 4));
}

TEST_P(FileSystems, allocation_grows_with_zeros_and_never_shrinks) {
  auto file = create("a", "abc");
  ASSERT_TRUE(file->allocate(10'000));
  EXPECT_EQ(read(*file), "abc" + std::string(9'997, '\0'));
  ASSERT_TRUE(file->allocate(5));
  ASSERT_TRUE(file->allocate(0));
  EXPECT_EQ(*file->size(), 10'000u);
}

TEST_P(FileSystems, dropping_the_cache_loses_nothing) {
  auto file = create("a", "abc");
  ASSERT_TRUE(file->drop_cache());
  EXPECT_EQ(read(*file), "abc");
  ASSERT_TRUE(file->sync_data());
  ASSERT_TRUE(file->drop_cache());
  EXPECT_EQ(read(*file), "abc");
}

TEST_P(FileSystems, a_file_that_is_there_is_not_created_again) {
  create("a", "abc");
  EXPECT_EQ(code(files_->open(at("a"), OpenMode::kCreate)), ErrorCode::kConflict);
  EXPECT_EQ(read("a"), "abc");
}

TEST_P(FileSystems, a_file_that_is_not_there_is_not_found) {
  for (const OpenMode mode : {OpenMode::kRead, OpenMode::kReadWrite}) {
    auto file = files_->open(at("absent"), mode);
    ASSERT_EQ(code(file), ErrorCode::kNotFound);
    EXPECT_EQ(file.error().file(), at("absent"));
  }
  EXPECT_EQ(code(files_->remove(at("absent"))), ErrorCode::kNotFound);
  EXPECT_EQ(code(files_->rename(at("absent"), at("b"))), ErrorCode::kNotFound);
  EXPECT_EQ(code(files_->open(at("no/such"), OpenMode::kCreate)), ErrorCode::kNotFound);
  EXPECT_EQ(code(files_->list(at("no"))), ErrorCode::kNotFound);
  EXPECT_EQ(code(files_->sync_directory(at("no"))), ErrorCode::kNotFound);
  EXPECT_FALSE(*files_->exists(at("no/such")));
}

TEST_P(FileSystems, a_file_opened_for_reading_is_not_written) {
  create("a", "abc");
  auto file = std::move(*files_->open(at("a"), OpenMode::kRead));
  EXPECT_EQ(code(file->write_at(0, as_bytes("x"))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(file->truncate(0)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(file->allocate(100)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(read("a"), "abc");
}

TEST_P(FileSystems, a_directory_is_not_a_file) {
  ASSERT_TRUE(files_->create_directories(at("d")));
  EXPECT_EQ(code(files_->open(at("d"), OpenMode::kRead)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_->open(at("d"), OpenMode::kReadWrite)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_->open(at("d"), OpenMode::kCreate)), ErrorCode::kConflict);
  EXPECT_EQ(code(files_->remove(at("d"))), ErrorCode::kInvalidArgument);
  create("a");
  EXPECT_EQ(code(files_->rename(at("a"), at("d"))), ErrorCode::kInvalidArgument);
}

TEST_P(FileSystems, directories_are_listed_and_removed_when_they_are_empty) {
  ASSERT_TRUE(files_->create_directories(at("d/e")));
  ASSERT_TRUE(files_->create_directories(at("c")));
  create("a");
  create("d/f");
  EXPECT_EQ(files_->list_directories(at("")).value(), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(files_->list_directories(at("d")).value(), std::vector<std::string>{"e"});
  EXPECT_EQ(code(files_->remove_directory(at("d"))), ErrorCode::kConflict);
  ASSERT_TRUE(files_->remove_directory(at("d/e")));
  EXPECT_EQ(code(files_->remove_directory(at("d"))), ErrorCode::kConflict);
  ASSERT_TRUE(files_->remove(at("d/f")));
  ASSERT_TRUE(files_->remove_directory(at("d")));
  EXPECT_EQ(files_->list_directories(at("")).value(), std::vector<std::string>{"c"});
  EXPECT_EQ(code(files_->remove_directory(at("d"))), ErrorCode::kNotFound);
  EXPECT_EQ(code(files_->list_directories(at("d"))), ErrorCode::kNotFound);
  EXPECT_FALSE(files_->remove_directory(at("a")).has_value());
  EXPECT_TRUE(*files_->exists(at("a")));
}

TEST_P(FileSystems, a_file_is_not_a_directory) {
  create("a");
  EXPECT_EQ(code(files_->create_directories(at("a"))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_->create_directories(at("a/b"))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_->list(at("a"))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_->open(at("a/b"), OpenMode::kCreate)), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(*files_->exists(at("a/b")));
}

TEST_P(FileSystems, directories_are_made_with_their_parents_and_twice) {
  ASSERT_TRUE(files_->create_directories(at("x/y/z")));
  ASSERT_TRUE(files_->create_directories(at("x/y/z/")));
  ASSERT_TRUE(files_->create_directories(at("x//w/")));
  EXPECT_TRUE(*files_->exists(at("x/y/z")));
  EXPECT_TRUE(*files_->exists(at("x/w")));
  EXPECT_TRUE(files_->open(at("x/y/z/file"), OpenMode::kCreate));
}

TEST_P(FileSystems, a_listing_has_the_plain_names_of_the_files_sorted) {
  for (const char* name : {"b", "a.seg", "c", "a", "a-1"}) create(name);
  ASSERT_TRUE(files_->create_directories(at("directory")));
  create("directory/inner");
  EXPECT_EQ(names(), (std::vector<std::string>{"a", "a-1", "a.seg", "b", "c"}));
  EXPECT_EQ(*files_->list(at("directory")), std::vector<std::string>{"inner"});
}

TEST_P(FileSystems, a_rename_replaces_and_open_handles_stay_with_their_file) {
  auto old_file = create("a", "old");
  auto new_file = create("a.tmp", "new");
  ASSERT_TRUE(files_->rename(at("a.tmp"), at("a")));
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
  EXPECT_EQ(read("a"), "new");
  EXPECT_EQ(read(*old_file), "old");
  ASSERT_TRUE(new_file->write_at(3, as_bytes("er")));
  EXPECT_EQ(read("a"), "newer");
}

TEST_P(FileSystems, a_rename_to_itself_changes_nothing) {
  create("a", "abc");
  ASSERT_TRUE(files_->rename(at("a"), at("a")));
  EXPECT_EQ(read("a"), "abc");
}

TEST_P(FileSystems, a_link_is_another_name_of_the_same_file_or_refused) {
  auto file = create("a", "abc");
  create("taken", "other");
  ASSERT_TRUE(files_->create_directories(at("d")));
  const auto linked = files_->link(at("a"), at("d/b"));
  if (!linked) {
    EXPECT_EQ(code(linked), ErrorCode::kUnsupported);
    EXPECT_FALSE(*files_->exists(at("d/b")));
    return;
  }
  EXPECT_EQ(code(files_->link(at("a"), at("taken"))), ErrorCode::kConflict);
  EXPECT_EQ(code(files_->link(at("a"), at("d"))), ErrorCode::kConflict);
  EXPECT_EQ(code(files_->link(at("a"), at("a"))), ErrorCode::kConflict);
  EXPECT_EQ(code(files_->link(at("absent"), at("e"))), ErrorCode::kNotFound);
  EXPECT_EQ(code(files_->link(at("a"), at("absent/e"))), ErrorCode::kNotFound);
  EXPECT_EQ(read("taken"), "other");
  ASSERT_TRUE(file->write_at(3, as_bytes("def")));
  EXPECT_EQ(read("d/b"), "abcdef");
  ASSERT_TRUE(files_->remove(at("a")));
  EXPECT_EQ(read("d/b"), "abcdef");
  EXPECT_EQ(names(), std::vector<std::string>{"taken"});
}

TEST_P(FileSystems, a_removed_file_lives_while_it_is_open) {
  auto file = create("a", "abc");
  ASSERT_TRUE(files_->remove(at("a")));
  EXPECT_FALSE(*files_->exists(at("a")));
  EXPECT_EQ(read(*file), "abc");
  create("a", "another");
  EXPECT_EQ(read(*file), "abc");
}

TEST_P(FileSystems, a_directory_held_open_is_synced_again_and_again) {
  ASSERT_TRUE(files_->create_directories(at("d")));
  auto directory = files_->open_directory(at("d"));
  ASSERT_TRUE(directory) << directory.error().describe();
  create("d/a");
  EXPECT_TRUE((*directory)->sync());
  ASSERT_TRUE(files_->remove(at("d/a")));
  EXPECT_TRUE((*directory)->sync());
  create("file");
  EXPECT_EQ(code(files_->open_directory(at("file"))), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(files_->open_directory(at("absent"))), ErrorCode::kNotFound);
}

TEST_P(FileSystems, a_lock_is_held_once_even_in_one_process) {
  auto first = files_->lock(at("LOCK"));
  ASSERT_TRUE(first) << first.error().describe();
  EXPECT_EQ(code(files_->lock(at("LOCK"))), ErrorCode::kBusy);
  EXPECT_TRUE(files_->lock(at("OTHER")));
  first->reset();
  EXPECT_TRUE(files_->lock(at("LOCK")));
}

// What makes a removed lock file dangerous, and what a test in memory must be able to show.
TEST_P(FileSystems, a_lock_is_of_the_file_and_not_of_its_name) {
  auto first = files_->lock(at("LOCK"));
  ASSERT_TRUE(first);
  ASSERT_TRUE(files_->rename(at("LOCK"), at("MOVED")));
  EXPECT_EQ(code(files_->lock(at("MOVED"))), ErrorCode::kBusy);
  auto second = files_->lock(at("LOCK"));
  EXPECT_TRUE(second);
  ASSERT_TRUE(files_->remove(at("LOCK")));
  auto third = files_->lock(at("LOCK"));
  EXPECT_TRUE(third);
  second->reset();
  EXPECT_EQ(code(files_->lock(at("LOCK"))), ErrorCode::kBusy) << "the end of one lock is not the end of another";
}

TEST_P(FileSystems, a_directory_is_locked_once_whatever_becomes_of_its_files) {
  create("a");
  auto first = files_->lock_directory(root_);
  ASSERT_TRUE(first) << first.error().describe();
  EXPECT_EQ(code(files_->lock_directory(root_)), ErrorCode::kBusy);
  EXPECT_EQ(code(files_->lock_directory(root_ + "/")), ErrorCode::kBusy);
  ASSERT_TRUE(files_->remove(at("a")));
  EXPECT_EQ(code(files_->lock_directory(root_)), ErrorCode::kBusy);
  ASSERT_TRUE(files_->create_directories(at("d")));
  EXPECT_TRUE(files_->lock_directory(at("d")));
  EXPECT_TRUE(files_->lock(at("LOCK"))) << "a lock file in it is another lock";
  first->reset();
  EXPECT_TRUE(files_->lock_directory(root_));
  EXPECT_EQ(code(files_->lock_directory(at("absent"))), ErrorCode::kNotFound);
}

TEST_P(FileSystems, a_name_leads_to_the_same_until_something_else_takes_it) {
  const auto file = create("a");
  create("b");
  const auto a = files_->identity(at("a"));
  const auto root = files_->identity(root_);
  ASSERT_TRUE(a && root);
  EXPECT_EQ(*files_->identity(at("a")), *a);
  EXPECT_EQ(*files_->identity(root_), *root);
  EXPECT_NE(*files_->identity(at("b")), *a);
  EXPECT_NE(*a, *root);
  ASSERT_TRUE(files_->rename(at("a"), at("c")));
  EXPECT_EQ(*files_->identity(at("c")), *a);
  EXPECT_EQ(code(files_->identity(at("a"))), ErrorCode::kNotFound);
  ASSERT_TRUE(files_->rename(at("b"), at("c")));
  EXPECT_NE(*files_->identity(at("c")), *a);
  EXPECT_EQ(*files_->identity(root_), *root) << "a directory stays the same whatever lies in it";
  ASSERT_TRUE(files_->create_directories(at("d")));
  EXPECT_NE(*files_->identity(at("d")), *root);
}

TEST_P(FileSystems, there_is_free_room_where_there_is_a_directory) {
  EXPECT_GT(*files_->free_bytes(root_), 0u);
  EXPECT_EQ(code(files_->free_bytes(at("absent"))), ErrorCode::kNotFound);
}

TEST_P(FileSystems, threads_write_and_read_different_bytes_of_one_file) {
  auto file = create("a");
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string mine(1000, static_cast<char>('a' + t));
      for (int i = 0; i < 50; ++i) {
        const auto offset = static_cast<std::uint64_t>(i * 4 + t) * mine.size();
        std::string back(mine.size(), '?');
        if (!file->write_at(offset, as_bytes(mine))) ++wrong;
        if (!file->read_at(offset, std::as_writable_bytes(std::span(back))) || back != mine) ++wrong;
        if (i % 10 == 0 && !file->sync_data()) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(*file->size(), 4u * 50 * 1000);
}

// Random writes, truncations and reads beside a plain string.
TEST_P(FileSystems, random_changes_agree_with_a_string) {
  const std::uint64_t seed = 4711;
  SCOPED_TRACE(seed);
  base::Random random(seed);
  auto file = create("a");
  std::string model;
  for (int step = 0; step < 600; ++step) {
    const std::uint64_t offset = random.below(20'000);
    switch (random.below(8)) {
      case 0:
        ASSERT_TRUE(file->truncate(offset));
        model.resize(static_cast<std::size_t>(offset));
        break;
      case 1:
        ASSERT_TRUE(file->allocate(offset));
        if (offset > model.size()) model.resize(static_cast<std::size_t>(offset));
        break;
      case 2: ASSERT_TRUE(file->sync_data()); break;
      default: {
        std::string text(static_cast<std::size_t>(random.below(9000)), '\0');
        random.fill(std::as_writable_bytes(std::span(text)));
        ASSERT_TRUE(file->write_at(offset, as_bytes(text)));
        if (!text.empty() && offset + text.size() > model.size())
          model.resize(static_cast<std::size_t>(offset) + text.size());
        if (!text.empty()) model.replace(static_cast<std::size_t>(offset), text.size(), text);
      }
    }
    if (step % 20 == 0) {
      ASSERT_EQ(read(*file), model) << step;
    }
  }
  EXPECT_EQ(read(*file), model);
}

INSTANTIATE_TEST_SUITE_P(All, FileSystems, ::testing::ValuesIn(kKinds),
                         [](const auto& kind) { return std::string(kind.param.name); });

}  // namespace
}  // namespace stave
