// Several keys set at once, beside a map, on a disk that fills and across restarts. Two shards, so that the keys of one
// batch are neighbours.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/options_for_test.h"
#include "testing/sim_file_system.h"

namespace stave::store {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

class WriteMany : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    Options options = still_options(disk_, clock_, 2);
    options.disk_reserve_bytes = 128 << 10;
    auto opened = Engine::open("/db", options);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  void reopen() {
    ASSERT_TRUE(engine_->close());
    engine_.reset();
    open();
  }
  Result<Updated> put_all(const Pairs& pairs) {
    std::vector<KeyRef> keys;
    for (const auto& [key, value] : pairs) keys.push_back({0, key});
    Pending pending;
    auto done = engine_->put_all(
        keys, [&](std::size_t i) { return std::string_view(pairs[i].second); }, Sync::kDefault, pending);
    if (done) {
      EXPECT_TRUE(engine_->wait(pending));
    }
    return done;
  }
  std::map<std::string, std::string> held() {
    std::map<std::string, std::string> found;
    visit_all(*engine_, 0, [&](std::string_view key, const ValueView& view) { found[std::string(key)] = view.value; });
    return found;
  }

  sim::SimFileSystem disk_{1};
  ManualClock clock_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(WriteMany, Sets_all_keys_whatever_they_held_and_a_restart_finds_them) {
  base::Random random(7);
  std::map<std::string, std::string> model;
  for (int round = 0; round < 300; ++round) {
    Pairs pairs;
    for (std::uint64_t i = random.below(12) + 1; i > 0; --i) {
      const std::string key = "key" + std::to_string(random.below(40));
      if (std::ranges::any_of(pairs, [&](const auto& pair) { return pair.first == key; })) continue;
      pairs.emplace_back(key, std::string(random.below(3) == 0 ? random.below(2000) : 20, char('a' + round % 26)));
    }
    const auto done = put_all(pairs);
    ASSERT_TRUE(done) << done.error().describe();
    ASSERT_EQ(*done, Updated::kChanged);
    for (const auto& [key, value] : pairs) model[key] = value;
    if (round % 50 == 49) {
      ASSERT_EQ(held(), model);
      reopen();
    }
    ASSERT_EQ(held(), model);
  }
}

TEST_F(WriteMany, Ends_the_expiry_of_a_key_and_tells_first_of_one_whose_time_is_up) {
  ASSERT_TRUE(engine_->put({0, "a"}, "old", {.at = engine_->now() + 50}));
  ASSERT_TRUE(engine_->put({0, "b"}, "old", {.at = engine_->now() + 5000}));
  clock_.advance_ms(100);
  const auto done = put_all({{"a", "new"}, {"b", "new"}, {"c", "new"}});
  ASSERT_TRUE(done);
  if (*done == Updated::kNot) {
    // A transaction would; afterwards there is nothing to be told.
    ASSERT_TRUE(engine_->put({0, "a"}, "new", {}));
    ASSERT_EQ(*put_all({{"b", "new"}, {"c", "new"}}), Updated::kChanged);
  }
  clock_.advance_ms(100'000);
  const std::map<std::string, std::string> all{{"a", "new"}, {"b", "new"}, {"c", "new"}};
  EXPECT_EQ(held(), all);
  reopen();
  EXPECT_EQ(held(), all);
}

TEST_F(WriteMany, Leaves_to_a_transaction_what_names_a_key_twice_or_is_large) {
  EXPECT_EQ(*put_all({{"a", "1"}, {"b", "2"}, {"a", "3"}}), Updated::kNot);
  EXPECT_EQ(*put_all({{"a", "1"}, {"b", std::string(keyspace::Block::kBytesMin, 'x')}}), Updated::kNot);
  Pairs many;
  for (int i = 0; i < 100; ++i) many.emplace_back("key" + std::to_string(i), "v");
  many.push_back(many.front());
  EXPECT_EQ(*put_all(many), Updated::kNot);
  EXPECT_TRUE(held().empty());
  many.pop_back();
  EXPECT_EQ(*put_all(many), Updated::kChanged);
  EXPECT_EQ(held().size(), 100u);
}

TEST_F(WriteMany, Changes_nothing_when_the_log_takes_nothing_more) {
  disk_.set_capacity(2u << 20);
  base::Random random(3);
  std::map<std::string, std::string> model;
  for (int round = 0;; ++round) {
    ASSERT_LT(round, 10'000);
    Pairs pairs;
    for (int i = 0; i < 6; ++i) {
      std::string value(random.below(2) == 0 ? 30 : 900, '\0');
      random.fill(std::as_writable_bytes(std::span(value)));
      // Some in place, some of another size, some new.
      pairs.emplace_back("key" + std::to_string(i < 3 ? i : round * 10 + i), value);
    }
    const auto done = put_all(pairs);
    if (!done) {
      EXPECT_EQ(done.error().code(), ErrorCode::kNoSpace) << done.error().describe();
      break;
    }
    ASSERT_EQ(*done, Updated::kChanged);
    for (const auto& [key, value] : pairs) model[key] = value;
  }
  EXPECT_EQ(held(), model);
  disk_.set_capacity(1u << 30);
  reopen();
  EXPECT_EQ(held(), model);
}

}  // namespace
}  // namespace stave::store
