#include "store/image_shelf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/bytes.h"
#include "base/hash.h"
#include "store/image.h"
#include "store/options_for_test.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

/// Images are names here, and whether one can be read is what the test says.
class Shelf : public ::testing::Test {
 protected:
  Shelf() { EXPECT_TRUE(files_->create_directories("/db")); }
  void place(std::uint64_t from) { ASSERT_TRUE(files_->open("/db/" + image_name(Lsn{from}), OpenMode::kCreate)); }
  void add(std::uint64_t from) {
    place(from);
    shelf_.add({.from = Lsn{from}, .created = UnixMs{1}, .known_good = false});
  }
  Result<void> trim(std::size_t keep) {
    return shelf_.trim(
        keep,
        [this](const std::string& path) -> Result<void> {
          ++reads_;
          const auto verdict = verdicts_.find(path);
          if (verdict == verdicts_.end()) return {};
          return fail(verdict->second, "it is not");
        },
        [this](std::string_view text) { told_ = text; });
  }
  void judge(std::uint64_t from, ErrorCode code) { verdicts_["/db/" + image_name(Lsn{from})] = code; }
  std::vector<Lsn> left() { return *ImageShelf::list(*files_, "/db"); }
  static std::vector<Lsn> lsns(std::initializer_list<std::uint64_t> numbers) {
    std::vector<Lsn> out;
    for (const std::uint64_t number : numbers) out.push_back(Lsn{number});
    return out;
  }

  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  ImageShelf shelf_{*files_, "/db"};
  std::map<std::string, ErrorCode> verdicts_;
  int reads_ = 0;
  std::string told_;
};

TEST_F(Shelf, keeps_the_two_newest_once_one_of_them_was_read_back) {
  add(1);
  add(2);
  ASSERT_TRUE(trim(2));
  EXPECT_EQ(reads_, 0) << "nothing goes, so nothing has to be known";
  add(3);
  ASSERT_TRUE(trim(2));
  EXPECT_EQ(reads_, 1);
  EXPECT_EQ(left(), lsns({3, 2}));
  EXPECT_EQ(shelf_.newest().from, Lsn{3});
}

TEST_F(Shelf, keeps_an_older_one_when_the_newer_ones_are_rotten) {
  add(1);
  add(2);
  add(3);
  judge(3, ErrorCode::kCorrupt);
  judge(2, ErrorCode::kIo);
  ASSERT_TRUE(trim(2));
  EXPECT_EQ(shelf_.newest().from, Lsn{1});
  EXPECT_EQ(left(), lsns({1})) << "what is rotten goes once a good one is there";
  EXPECT_FALSE(told_.empty());
}

TEST_F(Shelf, removes_nothing_when_none_is_good) {
  add(1);
  judge(1, ErrorCode::kCorrupt);
  add(2);
  judge(2, ErrorCode::kCorrupt);
  ASSERT_TRUE(trim(1));
  EXPECT_EQ(left(), lsns({2, 1})) << "each may still tell how far the log reached";
  EXPECT_EQ(shelf_.newest().from, kNoLsn);
  add(3);
  ASSERT_TRUE(trim(2));
  EXPECT_EQ(left(), lsns({3}));
}

TEST_F(Shelf, judges_nothing_by_an_error_that_says_nothing) {
  add(1);
  add(2);
  add(3);
  for (const ErrorCode code : {ErrorCode::kAborted, ErrorCode::kBusy, ErrorCode::kNoMemory}) {
    judge(3, code);
    const auto done = trim(2);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), code);
    EXPECT_EQ(left(), lsns({3, 2, 1}));
    EXPECT_EQ(shelf_.newest().from, Lsn{3});
  }
}

TEST_F(Shelf, believes_recovery_about_the_one_that_it_read) {
  for (const std::uint64_t from : {1u, 2u, 3u, 4u}) place(from);
  shelf_.adopt({.kept = {{Lsn{2}, UnixMs{1}, true}, {Lsn{1}, UnixMs{1}, false}}, .rotten = {Lsn{4}, Lsn{3}}});
  EXPECT_EQ(shelf_.newest().from, Lsn{2});
  add(5);
  ASSERT_TRUE(trim(2));
  EXPECT_EQ(reads_, 0);
  EXPECT_EQ(left(), lsns({5, 2}));
}

// --- in a store ------------------------------------------------------------------------------------------------------

class Images : public ::testing::Test {
 protected:
  void open() {
    engine_.reset();
    told_.clear();
    Options options = still_options(disk_, clock_, 1);
    options.notice = [this](std::string_view text) { told_.append(text) += '\n'; };
    auto engine = Engine::open("/db", options);
    ASSERT_TRUE(engine) << engine.error().describe();
    engine_ = std::move(*engine);
  }
  void write(int from) {
    for (int i = from; i < from + 100; ++i)
      ASSERT_TRUE(engine_->put({0, "key" + std::to_string(i)}, "value", Expiry{}));
    keys_ += 100;
    ASSERT_TRUE(engine_->sync());
  }
  void checkpoint() { ASSERT_TRUE(engine_->checkpoint()); }
  std::vector<std::string> images() {
    std::vector<std::string> paths;
    const auto found = ImageShelf::list(disk_, "/db");
    for (const Lsn from : *found) paths.push_back("/db/" + image_name(from));
    return paths;
  }
  /// Two images with keys between and behind.
  void live() {
    open();
    write(0);
    checkpoint();
    write(100);
    checkpoint();
    write(200);
  }
  void rot(const std::string& path) { ASSERT_TRUE(disk_.flip_bit(path, 8 * 160)); }
  void expect_all() { EXPECT_EQ(engine_->size(0), keys_); }
  [[nodiscard]] bool told(std::string_view words) const { return told_.find(words) != std::string::npos; }

  sim::SimFileSystem disk_{1};
  ManualClock clock_;
  std::unique_ptr<Engine> engine_;
  std::string told_;
  std::uint64_t keys_ = 0;
};

// The next checkpoint deleted the good older image and kept the rotten one.
TEST_F(Images, that_are_rotten_do_not_push_out_the_good_one) {
  live();
  const std::vector<std::string> before = images();
  ASSERT_EQ(before.size(), 2u);
  rot(before[0]);
  open();
  EXPECT_TRUE(told("cannot be used"));
  expect_all();
  write(300);
  checkpoint();
  const std::vector<std::string> after = images();
  ASSERT_EQ(after.size(), 2u);
  EXPECT_EQ(after[1], before[1]) << "the older one, from which the store was opened";
  open();
  EXPECT_EQ(told_, "") << "both are good";
  expect_all();
}

TEST_F(Images, that_rot_while_the_store_is_open_are_found_before_an_older_one_goes) {
  live();
  const std::vector<std::string> before = images();
  // The first thing that is read is the new image's header, when it is read back.
  disk_.inject({.at = disk_.questions() + 1, .kind = sim::OpKind::kRead, .system_errno = EIO, .times = 1});
  checkpoint();
  disk_.clear_faults();
  EXPECT_TRUE(told("turned out to be damaged")) << told_;
  const std::vector<std::string> after = images();
  EXPECT_TRUE(std::ranges::find(after, before[0]) != after.end()) << "a good one is left";
  open();
  expect_all();
}

// Every read of an opening fails once: those of an image cost time, those of the log refuse the store.
TEST_F(Images, that_cannot_be_read_are_done_without) {
  live();
  ASSERT_TRUE(engine_->close());
  engine_.reset();
  int header = 0;
  int block = 0;
  for (const int error : {EIO, EACCES}) {
    for (std::uint64_t n = 1; n < 60; ++n) {
      SCOPED_TRACE(std::to_string(error) + " at question " + std::to_string(n));
      sim::SimFileSystem disk = disk_.after_kill(1);
      disk.inject({.at = n, .kind = sim::OpKind::kRead, .system_errno = error, .times = 1});
      std::string told;
      Options options = still_options(disk, clock_, 1);
      options.notice = [&](std::string_view text) { told.append(text); };
      const auto engine = Engine::open("/db", options);
      if (!engine) {
        EXPECT_FALSE(engine.error().file().ends_with(".image")) << engine.error().describe();
        continue;
      }
      EXPECT_EQ((*engine)->size(0), keys_);
      header += told.find("an index image cannot be used") != std::string::npos ? 1 : 0;
      block += told.find("the index image at LSN") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(header, 0);
  EXPECT_GT(block, 0);
}

TEST_F(Images, of_version_1_are_told_about_once_and_replaced) {
  live();
  for (const std::string& path : images()) {
    const std::string bytes = disk_.dump().at(path);
    std::string old = bytes;
    base::store(old.data() + 8, std::uint32_t{1});
    base::store(old.data() + 120, base::xxh3(base::as_bytes(std::string_view(old).substr(0, 120)), 0));
    ASSERT_TRUE(disk_.overwrite(path, 0, base::as_bytes(old)));
  }
  open();
  EXPECT_TRUE(told("older format"));
  expect_all();
  EXPECT_EQ(engine_->stats().recovered_keys, 0u) << "the log alone";
  checkpoint();
  EXPECT_EQ(images().size(), 1u) << "those of version 1 are gone";
  open();
  EXPECT_EQ(told_, "");
  expect_all();
}

TEST_F(Images, of_a_later_version_are_not_passed_over) {
  live();
  const std::string path = images()[0];
  std::string bytes = disk_.dump().at(path);
  base::store(bytes.data() + 8, std::uint32_t{3});
  base::store(bytes.data() + 120, base::xxh3(base::as_bytes(std::string_view(bytes).substr(0, 120)), 0));
  ASSERT_TRUE(disk_.overwrite(path, 0, base::as_bytes(bytes)));
  engine_.reset();
  const auto engine = Engine::open("/db", still_options(disk_, clock_, 1));
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(engine.error().file(), path);
}

TEST_F(Images, with_pieces_of_collections_are_refused_by_a_version_that_knows_none) {
  live();
  const auto real = ImageReader::open(disk_, images()[0]);
  ASSERT_TRUE(real);
  const ImageHeader header = (*real)->header();
  ASSERT_TRUE(disk_.remove(images()[0]));
  auto file = disk_.open("/db/" + image_name(header.from), OpenMode::kCreate);
  ASSERT_TRUE(file);
  auto writer = ImageWriter::begin(std::move(*file), header);
  ASSERT_TRUE(writer);
  (*writer)->begin_leaf_block(log::kFirstLsn, "", header.from);
  (*writer)->add(ImageLeaf{.identity = log::kFirstLsn,
                           .bound = "",
                           .address = log::kFirstLsn,
                           .version = log::kFirstLsn,
                           .base = log::kFirstLsn,
                           .count = 1});
  ASSERT_TRUE((*writer)->end_block());
  ASSERT_TRUE((*writer)->finish());
  engine_.reset();
  const auto engine = Engine::open("/db", still_options(disk_, clock_, 1));
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(engine.error().message().find("pieces of collections"), std::string::npos);
}

}  // namespace
}  // namespace stave::store
