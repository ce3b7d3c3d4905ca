// The memory of one shard's entries: slots of 89 sizes in pages of 4 KiB, or 64 KiB for a size that is used a lot, in
// chunks of 64 KiB; the largest in blocks of their own.
//
// Promises: a slot wastes less than 2 bytes up to 128, some 5 % beyond; an all-free page may serve any size next, an
// all-free chunk goes back to the source; a failed allocation changes nothing; an arena that holds nothing takes
// nothing. Must not know: what an entry looks like. Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "keyspace/chunk_source.h"
#include "keyspace/entry.h"
#include "keyspace/size_class.h"

namespace stave::keyspace {

class Arena {
 public:
  explicit Arena(ChunkSource& source) noexcept : source_(&source) {}
  /// Gives back chunks and tables; blocks must have been released.
  ~Arena() { release_all(); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Room for `bytes`, or kNoRef when there is no memory.
  [[nodiscard]] Ref allocate(std::size_t bytes) noexcept;
  /// `bytes` as it was allocated.
  void release(Ref ref, std::size_t bytes) noexcept;
  [[nodiscard]] std::byte* at(Ref ref) const noexcept {
    return chunks_[ref >> kOffsetBits] + std::size_t{ref & kOffsetMask} * kRefUnit;
  }
  [[nodiscard]] Entry entry(Ref ref) const noexcept { return Entry(at(ref)); }

  /// Room of the same size as the slot `ref` where it helps more: in a fuller page, or where a chunk could be spared in
  /// a chunk before; kNoRef when there is none. Who moves entries so empties pages and chunks, and comes to an end.
  [[nodiscard]] Ref allocate_denser(Ref ref) noexcept;
  /// Gives back the chunk that is kept although nothing is in it.
  void give_spare() noexcept;
  /// A block outside of all chunks, for large values.
  [[nodiscard]] std::byte* allocate_block(std::size_t bytes) noexcept;
  void release_block(std::byte* at, std::size_t bytes) noexcept;
  /// A block for the same bytes where memory is better filled, and the old one released; `at` when there is none.
  [[nodiscard]] std::byte* move_block_denser(std::byte* at, std::size_t bytes) noexcept;
  /// Counts memory that was not taken here, as if it were a block of so many bytes, rounding included; and no longer.
  void count_block(std::size_t footprint) noexcept;
  void discount_block(std::size_t footprint) noexcept;

  [[nodiscard]] ChunkSource& source() const noexcept { return *source_; }

  /// Bytes in slots and blocks that are in use, rounding included.
  [[nodiscard]] std::uint64_t used_bytes() const noexcept { return used_bytes_; }
  /// All bytes taken from the source.
  [[nodiscard]] std::uint64_t held_bytes() const noexcept;
  /// Whether anything lies outside of chunks, and must be released one by one.
  [[nodiscard]] bool has_blocks() const noexcept { return block_bytes_ != 0; }
  /// Bytes that an allocation of `bytes` takes.
  static std::size_t rounded(std::size_t bytes) noexcept {
    return bytes <= kSlotBytesMax ? kSlotBytes[size_class(bytes)] : ChunkSource::footprint(bytes);
  }

  void swap(Arena& other) noexcept;

 private:
  static constexpr std::size_t kRefUnit = 2;
  static constexpr int kOffsetBits = 15;
  static constexpr Ref kOffsetMask = (Ref{1} << kOffsetBits) - 1;
  static constexpr std::uint32_t kChunksMax = std::uint32_t{1} << (32 - kOffsetBits);
  static constexpr unsigned kPagesPerChunk = ChunkSource::kChunkBytes / kPageBytes;
  static_assert(ChunkSource::kChunkBytes == kRefUnit << kOffsetBits && ChunkSource::kChunkBytes == kChunkBytes);

  using PageId = std::uint32_t;  ///< Chunk number and page number in it. 0 is none.
  struct Page;
  struct State;

  [[nodiscard]] Page* page(PageId id) const noexcept;
  [[nodiscard]] PageId page_of(Ref ref) const noexcept;
  [[nodiscard]] Ref allocate_in(PageId id) noexcept;
  [[nodiscard]] PageId take_page(std::size_t cls) noexcept;
  [[nodiscard]] PageId start_page(std::uint32_t number, unsigned index, std::size_t cls, bool wide) noexcept;
  [[nodiscard]] PageId fuller_page(PageId own) const noexcept;
  [[nodiscard]] PageId page_before(PageId own) const noexcept;
  [[nodiscard]] std::uint32_t take_chunk() noexcept;
  void give_chunk(std::uint32_t number) noexcept;
  void give_back(std::uint32_t number) noexcept;
  void give_page(PageId id) noexcept;
  void link(PageId id, Page& page) noexcept;
  void unlink(PageId id, Page& page) noexcept;
  /// A number for a new chunk or block; 0 when there is none.
  [[nodiscard]] std::uint32_t take_number() noexcept;
  void give_number(std::uint32_t number) noexcept;
  [[nodiscard]] bool grow_directory() noexcept;
  [[nodiscard]] Ref allocate_large(std::size_t bytes) noexcept;
  void release_all() noexcept;

  std::byte** chunks_ = nullptr;  ///< By number; number 0 is never used.
  State* state_ = nullptr;        ///< What a lookup does not need; there once anything was allocated.
  ChunkSource* source_;
  std::uint64_t used_bytes_ = 0;
  std::uint64_t block_bytes_ = 0;  ///< Of these, outside of chunks.
};

}  // namespace stave::keyspace
