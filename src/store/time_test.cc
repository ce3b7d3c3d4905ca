// Expiry under wall clocks that are wrong: what docs/time.md promises, over restarts.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/options_for_test.h"
#include "store/transaction.h"

namespace stave::store {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::int64_t kTenYears = 3650 * kDay;

class Times : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    engine_.reset();
    Options options = still_options(*files_, clock_, 2);
    options.notice = [this](std::string_view text) { notices_.emplace_back(text); };
    auto opened = Engine::open("/store", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  void set_wall_by(std::int64_t ms) { clock_.set_wall(clock_.wall() + ms); }
  void put(std::string_view key, Expiry expiry) {
    const auto pending = engine_->put({0, key}, "v", expiry);
    ASSERT_TRUE(pending) << pending.error().describe();
    ASSERT_TRUE(engine_->wait(*pending));
  }
  void put_for(std::string_view key, std::int64_t ms) { put(key, {.at = engine_->now() + ms}); }
  /// At a moment of the wall clock, as EXPIREAT gives it.
  void put_until(std::string_view key, UnixMs wall) { put(key, {.at = engine_->time().from_wall(wall)}); }
  bool there(std::string_view key) {
    bool found = false;
    EXPECT_TRUE(engine_->read({0, key}, Access::kPeek, [&](const ValueView* view) { found = view != nullptr; }));
    return found;
  }
  UnixMs shown_deadline(std::string_view key) {
    Expiry expiry;
    EXPECT_TRUE(engine_->read({0, key}, Access::kPeek, [&](const ValueView* view) {
      if (view != nullptr) expiry = engine_->time().shown(view->expiry);
    }));
    return expiry.at;
  }
  void pass(std::int64_t ms) {
    clock_.advance_ms(ms);
    while (engine_->tick() == 0) {
    }
  }
  /// The key lives that long and no longer, and then is collected.
  void expect_life(std::string_view key, std::int64_t ms) {
    pass(ms - 1);
    EXPECT_TRUE(there(key)) << key;
    const std::uint64_t keys = engine_->size(0);
    pass(1);
    EXPECT_FALSE(there(key)) << key;
    EXPECT_LT(engine_->size(0), keys) << key << " is not only hidden, but removed";
  }

  ManualClock clock_;
  std::unique_ptr<FileSystem> files_ = make_memory_file_system();
  std::vector<std::string> notices_;
  std::unique_ptr<Engine> engine_;
};

// A start with the clock ten years ahead once made that the newest record bore a time that the clock of later starts
// did not reach: nothing with a relative expiry ever died again, and an absolute one was taken for long past.
TEST_F(Times, a_start_with_the_wall_clock_ten_years_ahead_does_no_harm_to_later_ones) {
  put_for("before", 60 * kSecond);
  set_wall_by(kTenYears);
  open();
  EXPECT_FALSE(there("before")) << "as far as anybody can tell, ten years have passed";
  put_for("then", 60 * kSecond);
  set_wall_by(-kTenYears);
  for (int start = 0; start < 3; ++start) {
    notices_.clear();
    open();
    ASSERT_EQ(notices_.size(), 1u);
    EXPECT_NE(notices_[0].find("3650 days behind"), std::string::npos) << notices_[0];
    EXPECT_EQ(engine_->stats().clock_offset_ms, kTenYears) << "no time passed while it was closed";
    put_for("relative", 10 * kSecond);
    put_until("absolute", clock_.wall() + 5 * kSecond);
    EXPECT_EQ(shown_deadline("absolute"), clock_.wall() + 5 * kSecond);
    expect_life("absolute", 5 * kSecond);
    expect_life("relative", 5 * kSecond);
  }
  EXPECT_TRUE(there("then"));
  expect_life("then", 30 * kSecond);
}

TEST_F(Times, a_jump_of_the_wall_clock_neither_stops_nor_hastens_expiry_and_is_told) {
  for (const std::int64_t by : {kTenYears, -kTenYears}) {
    put_for("relative", 10 * kSecond);
    put_until("absolute", clock_.wall() + 5 * kSecond);
    notices_.clear();
    const UnixMs was_shown = shown_deadline("absolute");
    set_wall_by(by);
    pass(0);
    ASSERT_EQ(notices_.size(), 1u);
    EXPECT_NE(notices_[0].find(by > 0 ? "3650 days forward" : "3650 days back"), std::string::npos) << notices_[0];
    EXPECT_EQ(shown_deadline("absolute"), was_shown + by) << "the same number of seconds from now";
    expect_life("absolute", 5 * kSecond);
    expect_life("relative", 5 * kSecond);
    EXPECT_EQ(notices_.size(), 1u) << "told once";
  }
  EXPECT_EQ(engine_->stats().clock_offset_ms, 0);
  EXPECT_EQ(engine_->stats().clock_jumps, 2u);
}

TEST_F(Times, a_deadline_given_after_a_jump_is_one_of_the_new_wall_clock) {
  set_wall_by(-kDay);
  put_until("k", clock_.wall() + 5 * kSecond);
  EXPECT_EQ(shown_deadline("k"), clock_.wall() + 5 * kSecond);
  expect_life("k", 5 * kSecond);
}

TEST_F(Times, time_passes_while_the_store_is_closed_and_while_the_machine_sleeps) {
  put_for("over", 60 * kSecond);
  put_for("left", 120 * kSecond);
  engine_.reset();
  clock_.advance_ms(60 * kSecond);
  open();
  EXPECT_FALSE(there("over"));
  EXPECT_TRUE(there("left"));
  clock_.sleep_ms(59 * kSecond);
  expect_life("left", kSecond);
  EXPECT_TRUE(notices_.empty());
}

TEST_F(Times, a_small_step_back_between_two_starts_is_not_worth_a_word) {
  put_for("k", 60 * kSecond);
  set_wall_by(-kSecond);
  open();
  EXPECT_TRUE(notices_.empty());
  EXPECT_EQ(engine_->stats().clock_offset_ms, 0);
  pass(59 * kSecond);
  EXPECT_TRUE(there("k"));
  pass(2 * kSecond);
  EXPECT_FALSE(there("k")) << "the same length, give or take a hundredth";
}

// --- no deadline is forgotten ----------------------------------------------------------------------------------------

// While the transaction held the key without a deadline, somebody looked for the next one; undoing brought it back
// without telling anybody.
TEST_F(Times, a_deadline_that_a_rollback_brings_back_is_kept) {
  const auto shard_of = [&](std::string_view key) {
    return engine_->keyspace().shard_id(0, engine_->keyspace().hash(key));
  };
  std::string other = "other";
  while (shard_of(other) == shard_of("k")) other += "+";
  put_for("k", 10 * kSecond);
  put_for(other, kSecond);
  {
    Transaction transaction(*engine_, KeyRef{0, "k"});
    ASSERT_TRUE(transaction.set_expiry({0, "k"}, {}));
    pass(kSecond);
    EXPECT_EQ(engine_->size(0), 1u) << "the other one was due";
  }
  EXPECT_EQ(engine_->deadlines().next(), engine_->now() + 9 * kSecond);
  expect_life("k", 9 * kSecond);
}

TEST_F(Times, a_deadline_that_moves_with_its_database_is_kept) {
  put_for("k", 10 * kSecond);
  // Who goes from shard to shard may have passed one by and not come to the other yet.
  engine_->keyspace().find_next_deadline();
  ASSERT_TRUE(engine_->swap(0, 1));
  EXPECT_EQ(engine_->deadlines().next(), engine_->now() + 10 * kSecond);
  ASSERT_TRUE(engine_->swap(0, 1));
  expect_life("k", 10 * kSecond);
}

TEST_F(Times, what_was_due_while_expiry_was_off_goes_when_it_is_on) {
  put_for("k", kSecond);
  engine_->set_active_expiry(false);
  EXPECT_EQ(engine_->deadlines().next(), keyspace::kNoDeadline) << "nobody need wake for it";
  pass(2 * kSecond);
  EXPECT_EQ(engine_->size(0), 1u);
  engine_->set_active_expiry(true);
  pass(0);
  EXPECT_EQ(engine_->size(0), 0u);
}

}  // namespace
}  // namespace stave::store
