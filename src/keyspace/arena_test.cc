#include "keyspace/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/random.h"
#include "keyspace/keyspace_test_support.h"

namespace stave::keyspace {
namespace {

TEST(SizeClass, holds_what_it_is_asked_for_and_little_more) {
  for (std::size_t bytes = 1; bytes <= kSlotBytesMax; ++bytes) {
    const std::size_t slot = kSlotBytes[size_class(bytes)];
    EXPECT_GE(slot, bytes);
    EXPECT_EQ(slot % 2, 0u);
    if (bytes >= 12 && bytes <= 128) {
      EXPECT_LT(slot - bytes, 2u);
    } else if (bytes > 128 && bytes <= 512) {
      EXPECT_LE(slot - bytes, bytes / 7);
    }
  }
}

// Fills, frees and fills again at random; every allocation keeps its bytes, and all memory comes back.
TEST(Arena, keeps_allocations_apart_at_random_sizes) {
  struct Piece {
    Ref ref;
    std::size_t bytes;
    unsigned char mark;
  };
  CountedSource source;
  Arena arena(source);
  base::Random random(7);
  std::vector<Piece> pieces;
  std::uint64_t used = 0;
  for (int i = 0; i < 100'000; ++i) {
    // Waves: mostly growing, then mostly shrinking, with a different common size each.
    const bool grow = (i / 10'000) % 2 == 0;
    if (pieces.empty() || random.below(10) < (grow ? 8u : 2u)) {
      std::size_t bytes = random.one_in(3) ? 90 + static_cast<std::size_t>(i / 20'000) * 8 : 10 + random.below(300);
      if (random.one_in(50)) bytes = 10 + random.below(6000);
      const Piece piece{arena.allocate(bytes), bytes, static_cast<unsigned char>(random.next())};
      ASSERT_NE(piece.ref, kNoRef);
      std::memset(arena.at(piece.ref), piece.mark, bytes);
      pieces.push_back(piece);
      used += Arena::rounded(bytes);
    } else {
      const std::size_t at = random.below(pieces.size());
      const Piece piece = pieces[at];
      pieces[at] = pieces.back();
      pieces.pop_back();
      const std::byte* const bytes = arena.at(piece.ref);
      for (std::size_t j = 0; j < piece.bytes; ++j) ASSERT_EQ(static_cast<unsigned char>(bytes[j]), piece.mark);
      arena.release(piece.ref, piece.bytes);
      used -= Arena::rounded(piece.bytes);
    }
    ASSERT_EQ(arena.used_bytes(), used);
    ASSERT_EQ(arena.held_bytes(), source.bytes());
  }
  for (const Piece& piece : pieces) arena.release(piece.ref, piece.bytes);
  EXPECT_EQ(source.bytes(), 0u);
}

TEST(Arena, spends_next_to_nothing_beyond_the_slots_of_a_common_size) {
  CountedSource source;
  Arena arena(source);
  for (int i = 0; i < 100'000; ++i) ASSERT_NE(arena.allocate(90), kNoRef);
  EXPECT_LT(static_cast<double>(source.bytes()), 90.0 * 100'000 * 1.012);
}

TEST(Arena, lets_an_emptied_page_serve_another_size) {
  CountedSource source;
  Arena arena(source);
  std::vector<Ref> refs;
  for (int i = 0; i < 1000; ++i) refs.push_back(arena.allocate(60));
  const Ref kept = arena.allocate(12);
  const std::uint64_t held = source.bytes();
  for (const Ref ref : refs) arena.release(ref, 60);
  for (int i = 0; i < 500; ++i) ASSERT_NE(arena.allocate(100), kNoRef);
  EXPECT_LE(source.bytes(), held);
  arena.release(kept, 12);
}

TEST(SystemChunkSource, hands_out_aligned_runs_that_do_not_overlap_and_takes_parts_back) {
  SystemChunkSource source;
  base::Random random(3);
  struct Run {
    std::byte* at;
    std::size_t count;
    int mark;
  };
  std::vector<Run> runs;
  for (int i = 0; i < 3000; ++i) {
    if (runs.size() < 20 || (runs.size() < 60 && random.coin())) {
      const std::size_t count = 1 + (random.one_in(20) ? random.below(70) : random.below(6));
      std::byte* const at = source.take(count);
      ASSERT_NE(at, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) % ChunkSource::kChunkBytes, 0u);
      for (std::size_t c = 0; c < count; ++c) std::memset(at + c * ChunkSource::kChunkBytes, i, 64);
      runs.push_back({at, count, i});
      continue;
    }
    Run& run = runs[random.below(runs.size())];
    EXPECT_EQ(run.at[0], static_cast<std::byte>(run.mark));
    const std::size_t part = 1 + random.below(run.count);
    source.give(run.at, part);
    run.at += part * ChunkSource::kChunkBytes;
    run.count -= part;
    if (run.count != 0) continue;
    run = runs.back();
    runs.pop_back();
  }
  for (const Run& run : runs) source.give(run.at, run.count);
  EXPECT_EQ(source.regions(), 1u);  // the spare one
}

}  // namespace
}  // namespace stave::keyspace
