// Where all memory of all shards comes from: aligned chunks, in runs, out of 2 MiB regions; single blocks;
// and mappings.
//
// Promises: chunks of a growing keyspace lie densely in few regions, so that huge pages fit and an emptied region goes
// back to the system; so do free chunks, 1 MiB of them aside, so that what is held is what the process takes.
// Nothing throws: no memory is a null pointer. Must not know: what lies in the memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "base/mutex.h"
#include "keyspace/block_heap.h"

namespace stave::keyspace {

/// The seam through which shards take memory: tests count and refuse here. Threads: any.
class ChunkSource {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

  virtual ~ChunkSource() = default;
  /// `count` chunks in a row, aligned to a chunk, of any content; nullptr when there is no memory.
  virtual std::byte* take(std::size_t count) noexcept = 0;
  /// Gives back chunks: all of a run, or any part of it.
  virtual void give(std::byte* at, std::size_t count) noexcept = 0;
  /// A block of any size, aligned to `alignment` (at least 16; a power of two); nullptr when there is no memory.
  virtual std::byte* allocate(std::size_t bytes, std::size_t alignment) noexcept = 0;
  virtual void release(std::byte* at, std::size_t bytes) noexcept = 0;
  /// Room of the same size as the block `at`, where memory is better filled; nullptr when there is none, or it is well
  /// filled there already. Who moves blocks so makes whole chunks free.
  virtual std::byte* allocate_denser(const std::byte* at, std::size_t bytes) noexcept = 0;
  /// `bytes` of zeros in a mapping of their own, which takes memory as it is filled; nullptr when there is none. Sizes
  /// are multiples of kMapUnit.
  static constexpr std::size_t kMapUnit = 4096;
  virtual std::byte* map(std::size_t bytes) noexcept = 0;
  /// The mapping, made larger; it may move, its bytes are not copied. nullptr, and nothing changed, without memory.
  virtual std::byte* remap(std::byte* at, std::size_t bytes, std::size_t new_bytes) noexcept = 0;
  /// Gives back a mapping, or the end of one. Cost: that of each of its pages, some milliseconds for 64 MiB.
  virtual void unmap(std::byte* at, std::size_t bytes) noexcept = 0;
  /// The same of a whole mapping that was filled, in constant time: somebody else frees it soon. `held`: it was said to
  /// be.
  virtual void unmap_later(std::byte* at, std::size_t bytes, bool held) noexcept {
    if (held) drop_mapping(bytes);
    unmap(at, bytes);
  }
  /// A mapping is not held until it is said to be: what is only being received is not a value yet. And no longer.
  virtual void hold_mapping(std::size_t bytes) noexcept = 0;
  virtual void drop_mapping(std::size_t bytes) noexcept = 0;

  /// What a block of `bytes` really takes: its slot, or malloc's header and rounding.
  static constexpr std::size_t footprint(std::size_t bytes) noexcept {
    if (BlockHeap::holds(bytes)) return BlockHeap::rounded(bytes);
    constexpr std::size_t kHeader = 8;
    constexpr std::size_t kStep = 16;
    return (bytes + kHeader + kStep - 1) / kStep * kStep;
  }
};

/// The real one: regions from the system, blocks in chunks or, if there are few of their size, from malloc. Large
/// mappings that are given back wait for `free_some`, for to free one takes long and is done under somebody's lock;
/// when more than `kDyingMax` wait, whoever takes a mapping frees as much as it takes.
class SystemChunkSource final : public ChunkSource {
 public:
  SystemChunkSource() = default;
  ~SystemChunkSource() override;
  SystemChunkSource(const SystemChunkSource&) = delete;
  SystemChunkSource& operator=(const SystemChunkSource&) = delete;

  std::byte* take(std::size_t count) noexcept override;
  void give(std::byte* at, std::size_t count) noexcept override;
  std::byte* allocate(std::size_t bytes, std::size_t alignment) noexcept override;
  void release(std::byte* at, std::size_t bytes) noexcept override;
  std::byte* allocate_denser(const std::byte* at, std::size_t bytes) noexcept override;
  std::byte* map(std::size_t bytes) noexcept override;
  std::byte* remap(std::byte* at, std::size_t bytes, std::size_t new_bytes) noexcept override;
  void unmap(std::byte* at, std::size_t bytes) noexcept override;
  void unmap_later(std::byte* at, std::size_t bytes, bool held) noexcept override STAVE_EXCLUDES(dying_mutex_);
  void hold_mapping(std::size_t bytes) noexcept override { held_.fetch_add(bytes, std::memory_order_relaxed); }
  void drop_mapping(std::size_t bytes) noexcept override { held_.fetch_sub(bytes, std::memory_order_relaxed); }

  static constexpr std::size_t kRegionBytes = std::size_t{2} << 20;
  static constexpr std::size_t kChunksPerRegion = kRegionBytes / kChunkBytes;
  /// From this many regions on huge pages are asked for: a small keyspace should not grow by 2 MiB a step.
  static constexpr std::size_t kHugeFrom = 16;
  /// So many free chunks keep their memory, so that one that comes and goes costs no system call.
  static constexpr std::size_t kWarmMax = 16;

  static constexpr std::uint64_t kDyingMax = std::uint64_t{64} << 20;
  /// Freed at once: some tenths of a millisecond.
  static constexpr std::size_t kFreedAtOnce = std::size_t{4} << 20;
  /// Frees a step of what waits for it; false when nothing is left. Threads: any.
  bool free_some() noexcept STAVE_EXCLUDES(dying_mutex_);
  /// Bytes that wait for it; of what is held. Threads: any; a relaxed reading.
  [[nodiscard]] std::uint64_t dying_bytes() const noexcept { return dying_held_.load(std::memory_order_relaxed); }

  /// Bytes of everything that is taken and not given back; of mappings, those that are held. Threads: any; a relaxed
  /// reading.
  [[nodiscard]] std::uint64_t held_bytes() const noexcept { return held_.load(std::memory_order_relaxed); }
  /// Regions that are mapped now; runs longer than a region not counted.
  [[nodiscard]] std::size_t regions() const;
  /// Free chunks that may still have memory.
  [[nodiscard]] std::size_t warm_chunks() const;
  /// Bytes between blocks, of what is held. Threads: any; a relaxed reading.
  [[nodiscard]] std::uint64_t free_block_bytes() const noexcept { return blocks_.free_bytes(); }

 private:
  /// A bit for each chunk.
  struct Region {
    std::uint32_t taken = 0;
    std::uint32_t warm = 0;  ///< Free, with memory.
  };
  static_assert(kChunksPerRegion == 32);

  std::byte* take_from_region(std::size_t count) STAVE_REQUIRES(mutex_);
  std::byte* add_region() STAVE_REQUIRES(mutex_);
  void ask_for_huge_pages(std::byte* region) STAVE_REQUIRES(mutex_);

  std::atomic<std::uint64_t> held_ = 0;
  mutable base::Mutex mutex_;
  std::map<std::uintptr_t, Region> regions_ STAVE_GUARDED_BY(mutex_);
  /// Regions with at least one free chunk; the lowest are filled first.
  std::set<std::uintptr_t> open_ STAVE_GUARDED_BY(mutex_);
  /// Regions without a taken chunk; one is kept, so that a chunk that comes and goes costs no system call.
  std::size_t empty_ STAVE_GUARDED_BY(mutex_) = 0;
  std::size_t warm_ STAVE_GUARDED_BY(mutex_) = 0;

  /// Stands at the beginning of a mapping that is to be freed: no memory is needed to give memory back.
  struct Dying {
    Dying* next = nullptr;
    std::size_t bytes = 0;
    bool held = false;
  };
  void help_to_free(std::size_t bytes) noexcept STAVE_EXCLUDES(dying_mutex_);
  base::Mutex dying_mutex_;
  Dying* dying_ STAVE_GUARDED_BY(dying_mutex_) = nullptr;
  std::atomic<std::uint64_t> dying_bytes_ = 0;  ///< In the list.
  std::atomic<std::uint64_t> dying_held_ = 0;   ///< Of these, such as count as held.

  BlockHeap blocks_{*this};  ///< Last: its chunks go back before everything else goes.
};

}  // namespace stave::keyspace
