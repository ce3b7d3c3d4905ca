#include "keyspace/block_heap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/random.h"
#include "keyspace/chunk_source.h"

namespace stave::keyspace {
namespace {

constexpr std::size_t kChunk = ChunkSource::kChunkBytes;

TEST(BlockHeap, has_a_slot_for_every_size_and_wastes_little) {
  for (std::size_t bytes = BlockHeap::kBytesMin + 1; bytes <= BlockHeap::kBytesMax; ++bytes) {
    ASSERT_GE(BlockHeap::rounded(bytes), bytes);
    ASSERT_EQ(BlockHeap::rounded(bytes) % BlockHeap::kAlignment, 0u);
    if (bytes <= 2048) {
      ASSERT_LT(BlockHeap::rounded(bytes), bytes + 2 * BlockHeap::kAlignment) << bytes;
    }
  }
  for (const std::size_t bytes : {1024u, 2048u, 4096u, 8192u}) EXPECT_EQ(BlockHeap::rounded(bytes), bytes);
}

TEST(BlockHeap, spends_no_chunk_on_a_size_that_is_hardly_used) {
  SystemChunkSource source;
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(source.allocate(2000, 16));
  EXPECT_EQ(source.held_bytes(), 8 * ChunkSource::footprint(2000));
  for (std::byte* const at : blocks) source.release(at, 2000);
  EXPECT_EQ(source.held_bytes(), 0u);
}

// Random sizes come and go in waves: every block keeps its bytes, held memory is accounted for, all of it comes back.
TEST(BlockHeap, keeps_blocks_apart_at_random_sizes) {
  struct Block {
    std::byte* at;
    std::size_t bytes;
    unsigned char mark;
  };
  SystemChunkSource source;
  base::Random random(11);
  std::vector<Block> blocks;
  for (int i = 0; i < 60'000; ++i) {
    const bool grow = (i / 6'000) % 2 == 0;
    if (blocks.empty() || random.below(10) < (grow ? 7u : 3u)) {
      const std::size_t bytes = random.coin() ? 1000 : 900 + random.below(40'000);
      const Block block{source.allocate(bytes, 16), bytes, static_cast<unsigned char>(random.next())};
      ASSERT_NE(block.at, nullptr);
      std::memset(block.at, block.mark, bytes);
      blocks.push_back(block);
      continue;
    }
    Block& block = blocks[random.below(blocks.size())];
    for (std::size_t j = 0; j < block.bytes; j += 97) ASSERT_EQ(static_cast<unsigned char>(block.at[j]), block.mark);
    if (std::byte* const to = random.coin() ? source.allocate_denser(block.at, block.bytes) : nullptr; to != nullptr) {
      std::memcpy(to, block.at, block.bytes);
      source.release(block.at, block.bytes);
      block.at = to;
      continue;
    }
    source.release(block.at, block.bytes);
    block = blocks.back();
    blocks.pop_back();
  }
  std::uint64_t bytes = source.free_block_bytes();
  for (const Block& block : blocks) bytes += ChunkSource::footprint(block.bytes);
  // What a chunk has beyond its last slot is in neither.
  EXPECT_LE(bytes, source.held_bytes());
  EXPECT_LT(static_cast<double>(source.held_bytes()), static_cast<double>(bytes) * 1.03);
  for (const Block& block : blocks) source.release(block.at, block.bytes);
  EXPECT_EQ(source.held_bytes(), 0u);
  EXPECT_EQ(source.free_block_bytes(), 0u);
}

// Three of four blocks leave, at random, so that hardly a chunk is empty; moving the others once or twice gives the
// chunks back.
TEST(BlockHeap, gives_chunks_back_when_blocks_move_closer) {
  SystemChunkSource source;
  base::Random random(5);
  std::vector<std::byte*> blocks;
  for (int i = 0; i < 20'000; ++i) blocks.push_back(source.allocate(1000, 16));
  const std::uint64_t full = source.held_bytes();
  std::vector<std::byte*> left;
  for (std::byte* const at : blocks) {
    if (random.below(4) == 0) {
      left.push_back(at);
    } else {
      source.release(at, 1000);
    }
  }
  EXPECT_GT(source.held_bytes(), full * 9 / 10);
  for (int pass = 0; pass < 8; ++pass) {
    for (std::byte*& at : left) {
      std::byte* const to = source.allocate_denser(at, 1000);
      if (to == nullptr) continue;
      source.release(at, 1000);
      at = to;
    }
  }
  EXPECT_LT(source.free_block_bytes(), source.held_bytes() / 16);
  for (std::byte* const at : left) source.release(at, 1000);
}

TEST(SystemChunkSource, gives_the_memory_of_free_chunks_back_but_for_a_few) {
  SystemChunkSource source;
  std::vector<std::byte*> chunks;
  for (int i = 0; i < 640; ++i) {
    chunks.push_back(source.take(1));
    std::memset(chunks.back(), 1, kChunk);
  }
  // Every second one, so that no region is empty.
  for (std::size_t i = 0; i < chunks.size(); i += 2) source.give(chunks[i], 1);
  EXPECT_LE(source.warm_chunks(), SystemChunkSource::kWarmMax);
  EXPECT_GT(source.regions(), 10u);
  // A region's worth taken again: some are as they were, the others were given back and are zero.
  std::size_t zero = 0;
  for (std::size_t i = 0; i < chunks.size(); i += 2) {
    chunks[i] = source.take(1);
    zero += chunks[i][100] == std::byte{0} ? 1u : 0u;
  }
  EXPECT_GE(zero, 320 - SystemChunkSource::kWarmMax);
  EXPECT_EQ(source.warm_chunks(), 0u);
  for (std::byte* const at : chunks) source.give(at, 1);
}

}  // namespace
}  // namespace stave::keyspace
