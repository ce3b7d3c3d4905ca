// A store on a disk that is full: what is there is read, what makes room works, and writes resume.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/random.h"
#include "store/engine.h"
#include "store/image.h"
#include "store/options_for_test.h"
#include "store/transaction.h"
#include "store/upkeep.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

class FullDisk : public ::testing::Test {
 protected:
  void open() {
    Options options = still_options(disk_, clock_, 2);
    options.disk_reserve_bytes = 256 << 10;
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  void reopen() {
    ASSERT_TRUE(engine_->close());
    engine_.reset();
    open();
  }
  Result<void> put(const std::string& key, const std::string& value) {
    auto done = engine_->put({0, key}, value, Expiry{});
    if (!done) return fail(std::move(done).error());
    model_[key] = value;
    return {};
  }
  void erase(const std::string& key) {
    Transaction transaction(*engine_, {0, key});
    EXPECT_TRUE(transaction.erase({0, key}));
    const auto done = transaction.commit();
    ASSERT_TRUE(done) << done.error().describe();
    model_.erase(key);
  }
  /// Returns once a write was refused.
  void fill() {
    base::Random random(1);
    for (int i = 0;; ++i) {
      ASSERT_LT(i, 100'000);
      std::string value(200 + random.below(1500), '\0');
      random.fill(std::as_writable_bytes(std::span(value)));
      const auto done = put("key" + std::to_string(i), value);
      if (done) continue;
      EXPECT_EQ(done.error().code(), ErrorCode::kNoSpace) << done.error().describe();
      return;
    }
  }
  void erase_some(std::size_t one_in) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : model_) keys.push_back(key);
    for (std::size_t i = 0; i < keys.size(); i += one_in) erase(keys[i]);
  }
  void expect_all() {
    std::map<std::string, std::string> found;
    visit_all(*engine_, 0, [&](std::string_view key, const ValueView& view) { found[std::string(key)] = view.value; });
    EXPECT_EQ(found, model_);
  }
  /// What whoever asks is told is what the next writer gets.
  void expect_full() {
    EXPECT_TRUE(engine_->stats().log.full);
    EXPECT_FALSE(engine_->log().writable());
    EXPECT_EQ(put("more", "x").error().code(), ErrorCode::kNoSpace);
  }
  void expect_room() {
    EXPECT_TRUE(put("more", "x"));
    EXPECT_FALSE(engine_->stats().log.full);
    EXPECT_TRUE(engine_->log().writable());
    EXPECT_FALSE(engine_->stats().log.read_only);
  }
  std::vector<std::string> images() {
    std::vector<std::string> found;
    const auto names = disk_.list("/db");
    EXPECT_TRUE(names);
    for (const std::string& name : *names)
      if (name.find(".image") != std::string::npos) found.push_back(name);
    return found;
  }

  sim::SimFileSystem disk_{1};
  ManualClock clock_;
  std::unique_ptr<Engine> engine_;
  std::map<std::string, std::string> model_;
};

TEST_F(FullDisk, is_cleaned_after_deletes) {
  disk_.set_capacity(2 << 20);
  open();
  fill();
  expect_full();
  expect_all();
  erase_some(3);
  const auto report = engine_->clean();
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_GT(report->freed_bytes, 300'000u);
  expect_room();
  expect_all();
  reopen();
  expect_all();
}

// Nothing in it was alive, and it could not be dropped: first a segment had to be ended, which takes another one.
TEST_F(FullDisk, is_empty_after_a_flush_and_a_cleaning_although_not_a_byte_is_free) {
  disk_.set_capacity(2 << 20);
  open();
  fill();
  disk_.set_capacity(disk_.used_bytes());
  expect_full();
  ASSERT_TRUE(engine_->flush_all());
  model_.clear();
  const auto report = engine_->clean();
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_EQ(report->relocated_bytes, 0u);
  EXPECT_LT(disk_.used_bytes(), 400u << 10);
  expect_room();
  reopen();
  expect_all();
}

TEST_F(FullDisk, is_known_to_be_full_right_after_a_start) {
  disk_.set_capacity(2 << 20);
  open();
  fill();
  disk_.set_capacity(disk_.used_bytes());
  reopen();
  expect_full();
  expect_all();
  disk_.set_capacity(4 << 20);
  engine_->tick();
  expect_room();
}

// What is cleaned stays on the disk then: going on would take the room that deletes need.
TEST_F(FullDisk, is_not_cleaned_to_the_brim_when_nothing_may_go) {
  disk_.set_capacity(2 << 20);
  open();
  fill();
  {
    const Upkeep::Pin backup(engine_->upkeep());
    const auto report = engine_->clean();
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code(), ErrorCode::kNoSpace);
    EXPECT_NE(report.error().message().find("backup"), std::string::npos);
  }
  erase_some(3);
  ASSERT_TRUE(engine_->clean());
  expect_room();
  expect_all();
}

// The image that would have to be written first takes the last room. The log alone tells everything.
TEST_F(FullDisk, drops_segments_without_an_image_when_there_is_no_room_for_one) {
  disk_.set_capacity(3 << 20);
  open();
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(put(std::string(40, 'k') + std::to_string(i % 500), "short"));
  ASSERT_TRUE(engine_->checkpoint());
  ASSERT_EQ(images().size(), 1u);
  fill();
  erase_some(2);
  disk_.set_capacity(disk_.used_bytes() + (160 << 10));
  const auto report = engine_->clean();
  ASSERT_TRUE(report) << report.error().describe();
  EXPECT_GT(report->freed_bytes, 300'000u);
  for (const std::string& name : images()) EXPECT_FALSE(name.ends_with(".new")) << "half an image takes room";
  expect_room();
  engine_.reset();
  open();
  expect_all();
}

}  // namespace
}  // namespace stave::store
