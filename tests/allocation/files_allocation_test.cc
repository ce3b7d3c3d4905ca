// Memory runs out at every moment it can in the file system that is in memory: what failed changed nothing.
#include <gtest/gtest.h>

#include <new>
#include <string>

#include "allocation/failing_allocation.h"
#include "base/bytes.h"
#include "base/paged_bytes.h"
#include "stave/file_system.h"

namespace stave {
namespace {

using sim::FailingAllocation;

constexpr std::uint64_t kPointsMax = 1'000;

/// Whether `call` ran out of memory.
bool runs_out(auto&& call) {
  try {
    call();
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
}

// The pages before the one that there was no memory for were written, behind the end of the file.
TEST(FilesAllocation, of_a_write_fails_and_nothing_was_written) {
  constexpr std::size_t kPage = base::PagedBytes::kPageBytes;
  const std::string before(kPage / 2, 'b');
  bool hit = true;
  for (std::uint64_t nth = 1; hit && nth < kPointsMax; ++nth) {
    SCOPED_TRACE(nth);
    base::PagedBytes bytes;
    bytes.write(0, base::as_bytes(before));
    const std::string written(4 * kPage, 'w');
    bool failed = false;
    {
      FailingAllocation failing(nth);
      failed = runs_out([&] { bytes.write(10, base::as_bytes(written)); });
      hit = failing.hit();
    }
    EXPECT_EQ(failed, hit);
    if (!hit) break;
    EXPECT_EQ(bytes.size(), before.size());
    bytes.resize(5 * kPage);
    std::string now(5 * kPage, '?');
    bytes.read(0, std::as_writable_bytes(std::span(now)));
    EXPECT_TRUE(now == before + std::string(now.size() - before.size(), '\0'));
  }
  EXPECT_FALSE(hit);
}

// The lock stayed taken, and there was nobody to give it back.
TEST(FilesAllocation, of_a_lock_fails_and_it_is_free) {
  for (const bool directory : {false, true}) {
    bool hit = true;
    for (std::uint64_t nth = 1; hit && nth < kPointsMax; ++nth) {
      SCOPED_TRACE(nth);
      const auto files = make_memory_file_system();
      ASSERT_TRUE(files->create_directories("/d"));
      const auto take = [&] { return directory ? files->lock_directory("/d") : files->lock("/d/LOCK"); };
      {
        FailingAllocation failing(nth);
        runs_out([&] { static_cast<void>(take()); });
        hit = failing.hit();
      }
      const auto lock = take();
      EXPECT_TRUE(lock) << lock.error().describe();
      EXPECT_FALSE(take());
    }
    EXPECT_FALSE(hit);
  }
}

// The file was gone under both names.
TEST(FilesAllocation, of_a_rename_fails_and_the_file_is_there_under_its_old_name_or_the_new_one) {
  const std::string from = "/d/a name that is long enough for memory of its own";
  const std::string to = "/d/another name that is long enough for memory of its own";
  bool hit = true;
  for (std::uint64_t nth = 1; hit && nth < kPointsMax; ++nth) {
    SCOPED_TRACE(nth);
    const auto files = make_memory_file_system();
    ASSERT_TRUE(files->create_directories("/d"));
    ASSERT_TRUE(files->open(from, OpenMode::kCreate));
    {
      FailingAllocation failing(nth);
      runs_out([&] { static_cast<void>(files->rename(from, to)); });
      hit = failing.hit();
    }
    EXPECT_NE(*files->exists(from), *files->exists(to));
  }
  EXPECT_FALSE(hit);
}

}  // namespace
}  // namespace stave
