// Large values that have several holders: entries, those who send them, those who receive them.
#include "keyspace/block.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"
#include "keyspace/keyspace_test_support.h"
#include "keyspace/shard.h"

// One thread, so no lock is needed.
#define UNLOCKED STAVE_NO_THREAD_SAFETY_ANALYSIS

namespace stave::keyspace {
namespace {

constexpr std::size_t kLarge = 50'000;
constexpr std::size_t kHuge = Block::kMappedFrom + 12'345;

std::string noise(std::size_t bytes, std::uint64_t seed = 1) {
  std::string text(bytes, '\0');
  base::Random random(seed);
  random.fill(std::as_writable_bytes(std::span(text)));
  return text;
}

Block block_of(ChunkSource& source, std::string_view text) {
  Block block = Block::make(source, text.size());
  EXPECT_TRUE(block);
  text.copy(reinterpret_cast<char*>(block.data()), text.size());
  return block;
}

TEST(Block, goes_when_its_last_share_goes) {
  for (const std::size_t size : {Block::kBytesMin, kLarge, Block::kMappedFrom, kHuge}) {
    CountedSource source;
    const std::string text = noise(size);
    Block other;
    {
      const Block first = block_of(source, text);
      EXPECT_EQ(source.bytes(), first.footprint());
      other = first;
      const Block third = Block::share(first.data());
      EXPECT_EQ(third.data(), other.data());
    }
    EXPECT_TRUE(other.view() == text);
    EXPECT_EQ(source.bytes(), other.footprint());
    other = {};
    EXPECT_EQ(source.bytes(), 0u);
  }
}

TEST(BlockWriter, takes_memory_as_it_is_filled) {
  CountedSource source;
  const std::string text = noise(3 * Block::kMappedFrom + 1);
  BlockWriter writer(source);
  EXPECT_EQ(source.bytes(), 0u);
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view piece = std::string_view(text).substr(at, 65'536 - at % 1000);
    ASSERT_TRUE(writer.append(piece));
    at += piece.size();
    EXPECT_LE(source.bytes(), at + at / 4 + (2u << 20));
  }
  EXPECT_TRUE(writer.view() == text);
  const Block block = writer.finish();
  EXPECT_TRUE(block.view() == text);
  EXPECT_EQ(source.held_bytes(), 0u) << "what is received is not a value yet";
  block.settle();
  block.settle();
  EXPECT_EQ(source.held_bytes(), block.footprint());
  EXPECT_EQ(source.bytes(), block.footprint());
  EXPECT_LT(block.footprint(), text.size() + 2 * ChunkSource::kMapUnit);
  EXPECT_EQ(writer.size(), 0u);
}

TEST(BlockWriter, keeps_what_it_has_when_there_is_no_memory) {
  CountedSource source;
  {
    BlockWriter writer(source);
    source.fail_after(1);
    ASSERT_TRUE(writer.append("begin"));
    EXPECT_FALSE(writer.append(std::string(2u << 20, 'x')));
    EXPECT_EQ(writer.view(), "begin");
  }
  EXPECT_EQ(source.bytes(), 0u) << "what was never finished is given back";
}

TEST(Shard, takes_a_share_of_a_block_instead_of_a_copy) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  for (const std::size_t size : {Block::kBytesMin, kHuge}) {
    const std::string text = noise(size);
    const Block block = block_of(source, text);
    const std::uint64_t before = source.bytes();
    const auto put = shard.put(test_hash("k"), "k", {.value = block.view(), .block = &block});
    ASSERT_TRUE(put);
    EXPECT_EQ(put->value().data(), block.view().data());
    EXPECT_LT(source.bytes(), before + 200'000u);
    EXPECT_GE(put->memory_bytes(), size);
    EXPECT_EQ(shard.memory().entries, put->memory_bytes());
    // The same size again: the old bytes stay as they are for whoever holds them.
    const std::string next = noise(size, 2);
    ASSERT_TRUE(shard.put(test_hash("k"), "k", {.value = next}));
    EXPECT_TRUE(shard.find(test_hash("k"), "k").value() == next);
    EXPECT_TRUE(block.view() == text);
    EXPECT_EQ(shard.memory().total(), source.bytes() - block.footprint());
    EXPECT_EQ(source.held_bytes(), source.bytes());
  }
}

// Whatever becomes of the key, the share that somebody took keeps the bytes, and nothing leaks.
TEST(Shard, leaves_a_shared_value_to_its_other_holders) UNLOCKED {
  const std::string text = noise(kLarge);
  for (int what = 0; what < 6; ++what) {
    CountedSource source;
    {
      Block share;
      {
        Shard shard(kTestKey, source);
        ASSERT_TRUE(shard.put(test_hash("k"), "k", {.value = text}));
        const Entry entry = shard.find(test_hash("k"), "k");
        share = Block::share(entry.block());
        Detached previous;
        if (what == 0) {
          ASSERT_TRUE(shard.erase(test_hash("k"), "k"));
        }
        if (what == 1) {
          ASSERT_TRUE(shard.put(test_hash("k"), "k", {.value = "small"}));
        }
        if (what == 2) {
          ASSERT_TRUE(shard.spill(test_hash("k"), entry));
        }
        if (what == 3) static_cast<void>(shard.take_contents());
        if (what == 4) {
          ASSERT_TRUE(shard.exchange(test_hash("k"), "k", {.value = noise(kLarge, 2)}, previous));
          shard.restore(test_hash("k"), previous);
          EXPECT_EQ(shard.find(test_hash("k"), "k").value().data(), share.view().data());
        }
        if (what == 5) {
          previous = shard.detach(test_hash("k"), "k");
          shard.discard(previous);
        }
        EXPECT_TRUE(share.view() == text) << what;
        const bool held = what == 4;
        EXPECT_EQ(shard.memory().total() + (held ? 0 : share.footprint()), source.bytes()) << what;
      }
      EXPECT_TRUE(share.view() == text) << what;
      EXPECT_EQ(source.bytes(), share.footprint()) << what;
    }
    EXPECT_EQ(source.bytes(), 0u) << what;
  }
}

TEST(Shard, fills_a_spilled_entry_with_a_block) UNLOCKED {
  CountedSource source;
  Shard shard(kTestKey, source);
  const std::string text = noise(kHuge);
  ASSERT_TRUE(shard.put(test_hash("k"), "k", {.value = text, .expiry = {.at = UnixMs{50}}}));
  ASSERT_TRUE(shard.spill(test_hash("k"), shard.find(test_hash("k"), "k")));
  const Block block = block_of(source, text);
  const Entry filled = shard.fill(test_hash("k"), shard.find(test_hash("k"), "k"), block.view(), &block);
  ASSERT_TRUE(filled);
  EXPECT_EQ(filled.value().data(), block.view().data());
  EXPECT_EQ(filled.expiry().at, UnixMs{50});
  // Moved, its block comes along.
  static_cast<void>(shard.tidy(test_hash("k"), filled));
  const auto moved = shard.set_expiry(test_hash("k"), shard.find(test_hash("k"), "k"), Expiry{});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->value().data(), block.view().data());
  EXPECT_EQ(shard.memory().total(), source.bytes());
}

TEST(Shard, changes_nothing_when_there_is_no_memory_for_a_large_value) UNLOCKED {
  const std::string text = noise(kLarge);
  const std::string next = noise(kLarge, 2);
  for (std::uint64_t granted = 0;; ++granted) {
    CountedSource source;
    Shard shard(kTestKey, source);
    ASSERT_TRUE(shard.put(test_hash("k"), "k", {.value = text}));
    const std::uint64_t before = source.bytes();
    source.fail_after(granted);
    const bool done = shard.put(test_hash("k"), "k", {.value = next}).has_value();
    EXPECT_TRUE(shard.find(test_hash("k"), "k").value() == (done ? next : text));
    EXPECT_EQ(source.bytes(), before);
    if (done) break;
    ASSERT_LT(granted, 10u);
  }
}

}  // namespace
}  // namespace stave::keyspace
