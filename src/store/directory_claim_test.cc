#include "store/directory_claim.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "store/options_for_test.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

/// In memory, and on the system's files, where alone directories move.
class Claims : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      std::string pattern = (std::filesystem::temp_directory_path() / "stave-claim-XXXXXX").string();
      ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
      top_ = pattern;
    } else {
      owner_ = make_memory_file_system();
      files_ = owner_.get();
    }
    root_ = top_ + "/store";
    options_ = still_options(*files_, clock_, 1);
    options_.notice = [this](std::string_view text) { told_.append(text) += '\n'; };
  }
  void TearDown() override {
    if (GetParam()) std::filesystem::remove_all(top_);
  }
  std::unique_ptr<Engine> open() {
    auto engine = Engine::open(root_, options_);
    EXPECT_TRUE(engine) << engine.error().describe();
    return engine ? std::move(*engine) : nullptr;
  }
  [[nodiscard]] ErrorCode open_fails() {
    const auto engine = Engine::open(root_, options_);
    return engine ? ErrorCode{} : engine.error().code();
  }
  static bool put(Engine& engine, std::string_view key) { return engine.put({0, key}, "value", Expiry{}).has_value(); }
  void a_second_passes(Engine& engine) {
    clock_.advance_ms(1'000);
    engine.tick();
  }
  void expect_given_up(Engine& engine, std::string_view words) {
    EXPECT_FALSE(engine.log().health());
    const auto refused = engine.put({0, "late"}, "value", Expiry{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::kReadOnly);
    EXPECT_NE(refused.error().message().find(words), std::string::npos) << refused.error().describe();
    EXPECT_NE(told_.find(words), std::string::npos) << told_;
    EXPECT_TRUE(engine.read({0, "a"}, Access::kPeek, [](const ValueView*) {})) << "what is there is still read";
  }
  [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] std::vector<std::string> names() { return *files_->list(root_); }

  std::unique_ptr<FileSystem> owner_;
  FileSystem* files_ = &FileSystem::system();
  std::string top_;
  std::string root_;
  ManualClock clock_;
  Options options_;
  std::string told_;
};

TEST_P(Claims, are_given_once) {
  auto first = open();
  EXPECT_EQ(open_fails(), ErrorCode::kBusy);
  first.reset();
  EXPECT_NE(open(), nullptr);
}

// It cost 300 acknowledged writes.
TEST_P(Claims, outlive_the_file_LOCK) {
  const auto first = open();
  ASSERT_TRUE(put(*first, "a"));
  ASSERT_TRUE(files_->remove(at("LOCK")));
  EXPECT_EQ(open_fails(), ErrorCode::kBusy);
  EXPECT_TRUE(put(*first, "b"));
}

TEST_P(Claims, outlive_every_file_that_can_be_removed) {
  const auto first = open();
  for (const std::string& name : names()) ASSERT_TRUE(files_->remove(at(name)));
  EXPECT_EQ(open_fails(), ErrorCode::kBusy);
}

TEST_P(Claims, respect_a_process_of_version_0_1_which_knows_LOCK_alone) {
  ASSERT_TRUE(files_->create_directories(root_));
  auto old = files_->lock(at("LOCK"));
  ASSERT_TRUE(old);
  EXPECT_EQ(open_fails(), ErrorCode::kBusy);
  old->reset();
  const auto mine = open();
  EXPECT_FALSE(files_->lock(at("LOCK"))) << "and are respected by one";
}

TEST_P(Claims, take_LOCK_again_when_it_was_removed) {
  const auto engine = open();
  ASSERT_TRUE(files_->remove(at("LOCK")));
  a_second_passes(*engine);
  EXPECT_TRUE(put(*engine, "a"));
  EXPECT_FALSE(files_->lock(at("LOCK")));
}

TEST_P(Claims, end_when_LOCK_was_removed_and_somebody_else_has_it) {
  const auto engine = open();
  ASSERT_TRUE(put(*engine, "a"));
  ASSERT_TRUE(files_->remove(at("LOCK")));
  const auto old = files_->lock(at("LOCK"));
  ASSERT_TRUE(old);
  a_second_passes(*engine);
  expect_given_up(*engine, "another process has taken the store");
}

TEST_P(Claims, end_when_the_identity_file_is_removed) {
  const auto engine = open();
  ASSERT_TRUE(put(*engine, "a"));
  ASSERT_TRUE(files_->remove(at("STAVE")));
  a_second_passes(*engine);
  expect_given_up(*engine, "identity file");
}

TEST_P(Claims, end_when_the_identity_file_is_replaced) {
  auto engine = open();
  ASSERT_TRUE(put(*engine, "a"));
  ASSERT_TRUE(files_->remove(at("STAVE")));
  ASSERT_TRUE(files_->open(at("STAVE"), OpenMode::kCreate));
  a_second_passes(*engine);
  expect_given_up(*engine, "identity file");
  const auto before = names();
  ASSERT_FALSE(engine->close()) << "nothing is written any more, so it cannot be closed in good order";
  EXPECT_EQ(names(), before);
}

TEST_P(Claims, end_when_the_directory_is_moved_away_or_replaced) {
  if (!GetParam()) GTEST_SKIP() << "directories have one name for ever there";
  for (const bool replaced : {false, true}) {
    SCOPED_TRACE(replaced);
    told_.clear();
    auto engine = open();
    ASSERT_TRUE(put(*engine, "a"));
    std::filesystem::rename(root_, top_ + "/elsewhere");
    std::unique_ptr<Engine> other;
    if (replaced) {
      other = open();
      ASSERT_NE(other, nullptr);
    }
    a_second_passes(*engine);
    expect_given_up(*engine, "moved away or replaced");
    engine.reset();
    if (replaced) {
      EXPECT_TRUE(put(*other, "a")) << "the other one is not harmed";
      EXPECT_TRUE(other->close());
    }
    other.reset();
    std::filesystem::remove_all(root_);
    std::filesystem::remove_all(top_ + "/elsewhere");
  }
}

// The check of every second is too late for them: an image in somebody else's directory was taken for theirs, and
// showed the values of other keys.
TEST_P(Claims, are_looked_at_by_whoever_makes_files_by_their_names) {
  if (!GetParam()) GTEST_SKIP() << "directories have one name for ever there";
  auto engine = open();
  ASSERT_TRUE(put(*engine, "a"));
  std::filesystem::rename(root_, top_ + "/elsewhere");
  const auto other = open();
  ASSERT_NE(other, nullptr);
  const auto before = names();
  const auto refused = engine->checkpoint();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kConflict);
  EXPECT_FALSE(engine->log().health()) << "nor is anything else written from now on";
  EXPECT_FALSE(engine->checkpoint());
  engine.reset();
  EXPECT_EQ(names(), before);
}

TEST(Claim, is_not_doubted_for_a_question_that_cannot_be_answered) {
  sim::SimFileSystem disk(1);
  ASSERT_TRUE(disk.create_directories("/store"));
  ASSERT_TRUE(disk.open("/store/STAVE", OpenMode::kCreate));
  DirectoryClaim claim(disk, "/store");
  ASSERT_TRUE(claim.take());
  ASSERT_TRUE(claim.settle());
  for (const int error : {EMFILE, EIO, EACCES}) {
    disk.inject({.kind = sim::OpKind::kLook, .system_errno = error, .times = sim::kForever});
    EXPECT_TRUE(claim.check()) << error;
    disk.clear_faults();
    EXPECT_TRUE(claim.check());
  }
  ASSERT_TRUE(disk.remove("/store/STAVE"));
  EXPECT_FALSE(claim.check());
}

INSTANTIATE_TEST_SUITE_P(All, Claims, ::testing::Bool(),
                         [](const auto& real) { return std::string(real.param ? "system" : "memory"); });

}  // namespace
}  // namespace stave::store
