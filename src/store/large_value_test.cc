// Values that are handed over and shown without being copied.
#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "packing/compression.h"
#include "store/engine.h"
#include "store/transaction.h"
#include "testing/gated_file_system.h"

namespace stave::store {
namespace {

constexpr std::size_t kSize = 6'000'000;

std::string noise(std::size_t bytes, std::uint64_t seed) {
  std::string text(bytes, '\0');
  base::Random random(seed);
  random.fill(std::as_writable_bytes(std::span(text)));
  return text;
}

class LargeValues : public ::testing::Test {
 protected:
  void SetUp() override {
    files_ = make_memory_file_system();
    options_.file_system = files_.get();
    options_.clock = &clock_;
    options_.background = false;
    options_.segment_bytes = 1u << 20;
    options_.log_buffer_bytes = 256u << 10;
    options_.shards = 16;
    reopen();
  }
  void reopen() {
    engine_.reset();
    auto opened = Engine::open("/store", options_);
    ASSERT_TRUE(opened) << opened.error().describe();
    engine_ = std::move(*opened);
  }
  keyspace::Block received(std::string_view text) {
    keyspace::BlockWriter writer = engine_->block_writer();
    for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(text.size(), 65'536)))
      EXPECT_TRUE(writer.append(text.substr(0, 65'536)));
    return writer.finish();
  }
  void put(std::string_view key, const keyspace::Block& block) {
    Transaction transaction(*engine_, {0, key});
    ASSERT_TRUE(transaction.put({0, key}, block.view(), {}, ValueType::kString, &block));
    ASSERT_TRUE(transaction.commit());
  }
  /// What the key holds, held.
  keyspace::Block share(std::string_view key, Access access = Access::kPeek) {
    keyspace::Block block;
    const auto seen = engine_->read({0, key}, access, [&](const ValueView* v) {
      if (v != nullptr) block = v->share();
    });
    EXPECT_TRUE(seen) << seen.error().describe();
    return block;
  }
  std::uint64_t used() { return engine_->budget().used(); }

  ManualClock clock_;
  std::unique_ptr<FileSystem> files_;
  Options options_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(LargeValues, are_adopted_and_not_copied) {
  const std::uint64_t empty = used();
  const std::string text = noise(kSize, 1);
  {
    const keyspace::Block block = received(text);
    put("a", block);
    EXPECT_EQ(share("a").data(), block.data());
  }
  EXPECT_LT(used() - empty, kSize + kSize / 10) << "once, for the budget too";
  Pending pending;
  const std::uint64_t told = engine_->memory_of({0, "a"}, pending).value_or(0);
  EXPECT_GE(told, kSize);
  EXPECT_LE(told, used() - empty);
  reopen();
  EXPECT_TRUE(share("a").view() == text);
}

TEST_F(LargeValues, come_back_when_a_transaction_does_not_happen) {
  const std::string old_text = noise(kSize, 1);
  const std::string new_text = noise(kSize, 2);
  put("a", received(old_text));
  const std::uint64_t before = used();
  const char* const lies = share("a").view().data();
  {
    const keyspace::Block block = received(new_text);
    Transaction transaction(*engine_, std::array<KeyRef, 2>{KeyRef{0, "a"}, KeyRef{0, "b"}});
    ASSERT_TRUE(transaction.put({0, "a"}, block.view(), {}, ValueType::kString, &block));
    ASSERT_TRUE(transaction.put({0, "b"}, block.view(), {}, ValueType::kString, &block)) << "one block, two keys";
    EXPECT_EQ(transaction.find({0, "a"})->value.data(), block.view().data());
    transaction.rollback();
  }
  EXPECT_EQ(share("a").view().data(), lies);
  EXPECT_FALSE(share("b"));
  EXPECT_EQ(used(), before) << "what was not taken is gone";
}

TEST_F(LargeValues, stay_with_those_who_are_being_shown_them) {
  const std::string text = noise(kSize, 1);
  const std::uint64_t empty = used();
  for (int what = 0; what < 3; ++what) {
    put("a", received(text));
    keyspace::Block held = share("a");
    Transaction transaction(*engine_, {0, "a"});
    const auto seen = transaction.find({0, "a"});
    ASSERT_TRUE(seen);
    if (what == 0) {
      ASSERT_TRUE(transaction.put({0, "a"}, noise(kSize, 2), {}));
    } else if (what == 1) {
      ASSERT_TRUE(transaction.erase({0, "a"}));
    }
    ASSERT_TRUE(transaction.commit());
    if (what == 2) {
      ASSERT_TRUE(engine_->flush_all());
      engine_->tick();
    }
    EXPECT_TRUE(held.view() == text) << what;
    EXPECT_GE(used(), empty + kSize) << "held memory counts";
    held = {};
    ASSERT_TRUE(engine_->flush_all());
    engine_->tick();
    EXPECT_LT(used(), empty + 200'000) << what;
  }
}

// The cleaner's records, those of transactions and those of large values all lead to the same bytes.
TEST_F(LargeValues, are_read_from_the_log_to_where_they_stay) {
  const std::string text = noise(kSize, 1);
  put("a", received(text));
  reopen();
  engine_->budget().set(2u << 20, MemoryPolicy::kSpill);
  for (int i = 0; i < 200 && share("a", Access::kMeta); ++i) engine_->budget().settle();
  ASSERT_FALSE(share("a", Access::kMeta)) << "it has left memory";
  const std::uint64_t before = used();
  {
    // No room for it: it is shown, and gone with the last who looks at it.
    const keyspace::Block shown = share("a");
    ASSERT_TRUE(shown);
    EXPECT_TRUE(shown.view() == text);
    EXPECT_LT(used(), before + kSize + 100'000) << "read once, to one place";
  }
  engine_->budget().set(0, MemoryPolicy::kSpill);
  const keyspace::Block first = share("a");
  ASSERT_TRUE(first);
  EXPECT_EQ(share("a", Access::kMeta).data(), first.data()) << "now it stays";
  EXPECT_TRUE(first.view() == text);
}

TEST_F(LargeValues, are_read_behind_a_change_of_their_expiry) {
  const std::string text = noise(kSize, 1);
  put("a", received(text));
  {
    Transaction transaction(*engine_, {0, "a"});
    ASSERT_TRUE(transaction.set_expiry({0, "a"}, {.at = engine_->now() + 1000}));
    ASSERT_TRUE(transaction.commit());
  }
  reopen();
  engine_->budget().set(2u << 20, MemoryPolicy::kSpill);
  for (int i = 0; i < 200 && share("a", Access::kMeta); ++i) engine_->budget().settle();
  ASSERT_FALSE(share("a", Access::kMeta));
  EXPECT_TRUE(share("a").view() == text);
}

TEST_F(LargeValues, are_not_packed_when_that_would_take_as_much_memory_again) {
  const std::string repeats(packing::Compression::kPackedBytesMax + 1, 'x');
  const std::uint64_t before = raw(engine_->log().tail());
  ASSERT_TRUE(engine_->put({0, "a"}, repeats, {}));
  EXPECT_GT(raw(engine_->log().tail()), before + repeats.size());
  const std::uint64_t middle = raw(engine_->log().tail());
  ASSERT_TRUE(engine_->put({0, "b"}, std::string_view(repeats).substr(1), {}));
  EXPECT_LT(raw(engine_->log().tail()), middle + repeats.size() / 10);
  reopen();
  EXPECT_TRUE(share("a").view() == repeats);
  EXPECT_TRUE(share("b").view() == repeats.substr(1));
}

// Copied, written and compared under the shard's lock, it held up everybody who wanted anything of that shard.
TEST_F(LargeValues, are_written_when_their_shards_were_let_go) {
  sim::Gate gate;
  const auto gated = sim::make_gated_file_system(*files_, gate);
  options_.file_system = gated.get();
  options_.background = true;
  options_.sync = Sync::kOs;
  reopen();
  const std::string text = noise(kSize, 1);
  for (const bool whole : {true, false}) {
    gate.close(sim::Gate::Call::kWrite, "", 16u << 10);
    // One large value, or so many small ones that they are one large batch.
    const std::size_t bytes = whole ? kSize : 1000;
    std::vector<std::string> names;
    for (std::size_t at = 0; at < kSize; at += bytes) names.push_back("k" + std::to_string(at / bytes));
    std::vector<KeyRef> keys(names.size());
    for (std::size_t i = 0; i < names.size(); ++i) keys[i] = {0, names[i]};
    Pending pending;
    {
      Transaction transaction(*engine_, keys);
      for (std::size_t i = 0; i < names.size(); ++i)
        ASSERT_TRUE(transaction.put(keys[i], std::string_view(text).substr(i * bytes, bytes), {}));
      const auto committed = transaction.commit();
      ASSERT_TRUE(committed) << committed.error().describe();
      pending = *committed;
    }
    ASSERT_TRUE(gate.await());
    EXPECT_FALSE(engine_->fulfilled(pending)) << "nothing of it is acknowledged";
    std::string seen;
    const auto shown = engine_->read(keys[0], Access::kPeek, [&](const ValueView* value) { seen = value->value; });
    ASSERT_TRUE(shown);
    EXPECT_TRUE(seen == text.substr(0, bytes));
    EXPECT_FALSE(engine_->fulfilled(*shown)) << "who tells of it waits for it";
    ASSERT_TRUE(engine_->put(keys[0], "another", {}));
    gate.open();
    ASSERT_TRUE(engine_->wait(pending));
    for (std::size_t i = 1; i < names.size(); ++i) {
      std::string held;
      ASSERT_TRUE(engine_->read(keys[i], Access::kPeek, [&](const ValueView* value) { held = value->value; }));
      ASSERT_TRUE(held == text.substr(i * bytes, bytes)) << i;
    }
    reopen();
    std::size_t right = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string_view expected = i == 0 ? "another" : std::string_view(text).substr(i * bytes, bytes);
      ASSERT_TRUE(engine_->read(keys[i], Access::kPeek, [&](const ValueView* value) {
        right += value != nullptr && value->value == expected ? 1 : 0;
      }));
    }
    EXPECT_EQ(right, names.size());
  }
  engine_.reset();
}

// One request for many values that are in the log only brought all of them at once, and one of them a thousand times.
TEST_F(LargeValues, several_from_the_log_come_at_once_only_as_far_as_the_limit_leaves_room) {
  for (int i = 0; i < 12; ++i) {
    const std::string name = "k" + std::to_string(i);
    ASSERT_TRUE(engine_->put({0, name}, noise(kSize, static_cast<std::uint64_t>(i) + 1), {}));
  }
  ASSERT_TRUE(engine_->sync());
  engine_->budget().set(32u << 20, MemoryPolicy::kSpill);
  for (int i = 0; i < 100; ++i) engine_->budget().settle();
  ASSERT_GE(engine_->stats().memory.spilled, 7u) << "twelve of 6 MB do not fit into 32 MiB";
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) names.push_back("k" + std::to_string(i));
  std::vector<KeyRef> keys;
  for (const std::string& name : names) keys.push_back({0, name});
  const auto all = engine_->read_many(keys, Access::kPeek, [](std::size_t, const ValueView*) { FAIL(); });
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().code(), ErrorCode::kTooLarge);
  EXPECT_LE(engine_->budget().used(), 48u << 20);
  // The same one, however often it is named, is one.
  std::string spilled;
  for (const KeyRef& key : keys)
    if (engine_->must_fetch(std::span(&key, 1))) spilled = key.key;
  ASSERT_FALSE(spilled.empty());
  const std::vector<KeyRef> again(1000, KeyRef{0, spilled});
  const std::uint64_t before = engine_->stats().fetched_values;
  std::size_t shown = 0;
  const auto same = engine_->read_many(again, Access::kPeek, [&](std::size_t, const ValueView* value) {
    shown += value != nullptr && value->value.size() == kSize && value->block != nullptr ? 1 : 0;
  });
  ASSERT_TRUE(same) << same.error().describe();
  EXPECT_EQ(shown, 1000u);
  EXPECT_EQ(engine_->stats().fetched_values, before + 1);
}

// What packs was unpacked into a string, and copied under the lock from there.
TEST_F(LargeValues, one_that_packs_is_shared_too_when_it_comes_from_the_log) {
  const std::string text(keyspace::Block::kBytesMin * 4, 'x');
  ASSERT_TRUE(engine_->put({0, "packed"}, text, {}));
  ASSERT_TRUE(engine_->sync());
  engine_->budget().set(1, MemoryPolicy::kSpill);
  for (int i = 0; i < 100; ++i) engine_->budget().settle();
  ASSERT_EQ(engine_->stats().memory.spilled, 1u);
  const keyspace::Block block = share("packed");
  ASSERT_TRUE(block);
  EXPECT_EQ(block.view(), text);
}

}  // namespace
}  // namespace stave::store
