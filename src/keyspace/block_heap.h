// Blocks of 1 to 13 KiB, for all shards: slots of some 30 sizes in chunks of their own. Larger ones are malloc's, whose
// pages hold few of them or none but their own.
//
// Why not malloc: as values leave memory they leave holes, which belong to nobody's account and never come together
// again. Here the holes are known, and whoever moves blocks into fuller chunks gets whole chunks back. Promises: a slot
// wastes less than 64 bytes up to 2 KiB, some 7 % beyond; the fullest chunk with room is filled first; an empty chunk
// goes back at once; a size that is hardly used costs no chunk; nothing throws. Must not know: what lies in a block.
// Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "base/mutex.h"

namespace stave::keyspace {

class ChunkSource;

namespace internal {
inline constexpr std::size_t kBlockChunkBytes = std::size_t{64} << 10;
inline constexpr std::size_t kBlockStep = 64;
inline constexpr std::size_t kBlocksPerChunkMax = 64;
inline constexpr std::size_t kBlocksPerChunkMin = 5;

/// The sizes into which a chunk falls evenly, rounded down to a cache line.
consteval std::size_t block_class_count() {
  std::size_t count = 0;
  std::size_t last = 0;
  for (std::size_t blocks = kBlocksPerChunkMax; blocks >= kBlocksPerChunkMin; --blocks) {
    const std::size_t size = kBlockChunkBytes / blocks / kBlockStep * kBlockStep;
    if (size != last) ++count;
    last = size;
  }
  return count;
}
inline constexpr std::size_t kBlockClasses = block_class_count();
consteval std::array<std::uint16_t, kBlockClasses> block_sizes() {
  std::array<std::uint16_t, kBlockClasses> sizes{};
  std::size_t count = 0;
  for (std::size_t blocks = kBlocksPerChunkMax; blocks >= kBlocksPerChunkMin; --blocks) {
    const std::size_t size = kBlockChunkBytes / blocks / kBlockStep * kBlockStep;
    if (count == 0 || sizes[count - 1] != size) sizes[count++] = static_cast<std::uint16_t>(size);
  }
  return sizes;
}
inline constexpr auto kBlockBytes = block_sizes();
/// By size in steps, rounded up.
consteval std::array<std::uint8_t, kBlockBytes[kBlockClasses - 1] / kBlockStep + 1> block_class_of_size() {
  std::array<std::uint8_t, kBlockBytes[kBlockClasses - 1] / kBlockStep + 1> classes{};
  std::size_t cls = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (i * kBlockStep > kBlockBytes[cls]) ++cls;
    classes[i] = static_cast<std::uint8_t>(cls);
  }
  return classes;
}
inline constexpr auto kBlockClassOfSize = block_class_of_size();
}  // namespace internal

class BlockHeap {
 public:
  /// What it is for: from more than this
  static constexpr std::size_t kBytesMin = 960;
  /// up to this.
  static constexpr std::size_t kBytesMax = internal::kBlockBytes[internal::kBlockClasses - 1];
  static constexpr std::size_t kAlignment = internal::kBlockStep;
  static constexpr bool holds(std::size_t bytes) noexcept { return bytes > kBytesMin && bytes <= kBytesMax; }
  /// Bytes of the slot for such a block.
  static constexpr std::size_t rounded(std::size_t bytes) noexcept { return internal::kBlockBytes[class_of(bytes)]; }

  explicit BlockHeap(ChunkSource& source) noexcept : source_(source) {}
  ~BlockHeap();
  BlockHeap(const BlockHeap&) = delete;
  BlockHeap& operator=(const BlockHeap&) = delete;

  /// Room for `bytes`, which it `holds`. Null: it is to be taken elsewhere, and told to `release` all the same; few of
  /// that size are there, or there is no chunk to be had.
  [[nodiscard]] std::byte* allocate(std::size_t bytes) noexcept;
  /// False when that is no block of this heap, but of elsewhere.
  bool release(std::byte* at, std::size_t bytes) noexcept;
  /// Room of the same size in a chunk that is fuller than that of `at`; nullptr when there is none. Who moves blocks so
  /// empties chunks.
  [[nodiscard]] std::byte* allocate_in_fuller_chunk(const std::byte* at, std::size_t bytes) noexcept;

  /// Bytes of the slots of all chunks that are not in use. A relaxed reading.
  [[nodiscard]] std::uint64_t free_bytes() const noexcept { return free_bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kFillings = 8;
  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    return internal::kBlockClassOfSize[(bytes + internal::kBlockStep - 1) / internal::kBlockStep];
  }
  struct Chunk {
    std::byte* at = nullptr;
    std::uint64_t taken = 0;  ///< A bit for each slot.
    Chunk* next = nullptr;    ///< Of the same class and filling.
    Chunk* previous = nullptr;
  };
  struct Class {
    base::ShortMutex mutex;
    /// Chunks with room, by how full they are.
    std::array<Chunk*, kFillings> with_room STAVE_GUARDED_BY(mutex) = {};
    std::unordered_map<std::uintptr_t, Chunk> chunks STAVE_GUARDED_BY(mutex);
    std::size_t elsewhere STAVE_GUARDED_BY(mutex) = 0;  ///< Blocks that were refused.
  };

  static std::size_t slots(std::size_t cls) noexcept;
  /// Which list a chunk with that many blocks belongs to; kFillings when it is full.
  static std::size_t filling(std::size_t taken, std::size_t cls) noexcept;
  static void link(Class& of, Chunk& chunk, std::size_t filling) noexcept STAVE_REQUIRES(of.mutex);
  static void unlink(Class& of, Chunk& chunk, std::size_t filling) noexcept STAVE_REQUIRES(of.mutex);
  std::byte* take_slot(Class& of, Chunk& chunk, std::size_t cls) noexcept STAVE_REQUIRES(of.mutex);
  Chunk* add_chunk(Class& of, std::size_t cls) noexcept STAVE_REQUIRES(of.mutex);

  ChunkSource& source_;
  std::atomic<std::uint64_t> free_bytes_{0};
  std::array<Class, internal::kBlockClasses> classes_;
};

}  // namespace stave::keyspace
