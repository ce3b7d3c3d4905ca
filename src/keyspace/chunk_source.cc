#include "keyspace/chunk_source.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "base/assert.h"
#include "base/memory_map.h"

namespace stave::keyspace {

namespace {

std::uintptr_t number(const std::byte* at) {
  return reinterpret_cast<std::uintptr_t>(at);
}
std::byte* pointer(std::uintptr_t at) {
  return reinterpret_cast<std::byte*>(at);
}

/// `count` set bits, the lowest at `first`.
std::uint32_t run_of(std::size_t first, std::size_t count) {
  const std::uint32_t ones = count >= 32 ? ~std::uint32_t{0} : (std::uint32_t{1} << count) - 1;
  return ones << first;
}

/// Where `count` clear bits in a row begin, or -1.
int find_run(std::uint32_t taken, std::size_t count) {
  for (std::size_t first = 0; first + count <= 32; ++first)
    if ((taken & run_of(first, count)) == 0) return static_cast<int>(first);
  return -1;
}

}  // namespace

SystemChunkSource::~SystemChunkSource() {
  while (free_some()) {
  }
  STAVE_ASSERT(dying_bytes_.load(std::memory_order_relaxed) == 0 && dying_bytes() == 0);
  for (const auto& [at, region] : regions_) base::unmap_memory(pointer(at), kRegionBytes);
}

std::size_t SystemChunkSource::regions() const {
  base::MutexLock lock(mutex_);
  return regions_.size();
}

std::size_t SystemChunkSource::warm_chunks() const {
  base::MutexLock lock(mutex_);
  return warm_;
}

std::byte* SystemChunkSource::take(std::size_t count) noexcept {
  if (count == 0) return nullptr;
  if (count > kChunksPerRegion) {
    std::byte* const at = base::map_memory(count * kChunkBytes, kRegionBytes);
    if (at == nullptr) return nullptr;
    base::prefer_huge_pages(at, count * kChunkBytes);
    held_.fetch_add(count * kChunkBytes, std::memory_order_relaxed);
    return at;
  }
  base::MutexLock lock(mutex_);
  try {
    std::byte* const at = take_from_region(count);
    if (at != nullptr) held_.fetch_add(count * kChunkBytes, std::memory_order_relaxed);
    return at;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

std::byte* SystemChunkSource::take_from_region(std::size_t count) {
  std::uintptr_t region = 0;
  int first = -1;
  for (const std::uintptr_t candidate : open_) {
    first = find_run(regions_.at(candidate).taken, count);
    if (first < 0) continue;
    region = candidate;
    break;
  }
  if (first < 0) {
    region = number(add_region());
    if (region == 0) return nullptr;
    first = 0;
  }
  Region& found = regions_.at(region);
  if (found.taken == 0) --empty_;
  const std::uint32_t run = run_of(static_cast<std::size_t>(first), count);
  warm_ -= static_cast<std::size_t>(std::popcount(found.warm & run));
  found.warm &= ~run;
  found.taken |= run;
  if (found.taken == ~std::uint32_t{0}) open_.erase(region);
  return pointer(region) + static_cast<std::size_t>(first) * kChunkBytes;
}

std::byte* SystemChunkSource::add_region() {
  std::byte* const at = base::map_memory(kRegionBytes, kRegionBytes);
  if (at == nullptr) return nullptr;
  try {
    regions_.emplace(number(at), Region{});
    open_.insert(number(at));
  } catch (const std::bad_alloc&) {
    regions_.erase(number(at));
    base::unmap_memory(at, kRegionBytes);
    throw;
  }
  ++empty_;
  ask_for_huge_pages(at);
  return at;
}

void SystemChunkSource::ask_for_huge_pages(std::byte* region) {
  if (regions_.size() > kHugeFrom) base::prefer_huge_pages(region, kRegionBytes);
  if (regions_.size() != kHugeFrom) return;
  for (const auto& [at, each] : regions_) base::prefer_huge_pages(pointer(at), kRegionBytes);
}

void SystemChunkSource::give(std::byte* at, std::size_t count) noexcept {
  held_.fetch_sub(count * kChunkBytes, std::memory_order_relaxed);
  base::MutexLock lock(mutex_);
  const std::uintptr_t region = number(at) / kRegionBytes * kRegionBytes;
  const auto found = regions_.find(region);
  if (found == regions_.end()) {  // part of a run longer than a region
    base::unmap_memory(at, count * kChunkBytes);
    return;
  }
  const std::uint32_t run = run_of((number(at) - region) / kChunkBytes, count);
  STAVE_ASSERT((found->second.taken & run) == run);
  found->second.taken &= ~run;
  if (warm_ + count <= kWarmMax) {
    found->second.warm |= run;
    warm_ += count;
  } else {
    base::forget_memory(at, count * kChunkBytes);
  }
  try {
    open_.insert(region);
  } catch (const std::bad_alloc&) {
    // Its free chunks wait until another one of the region comes back.
  }
  if (found->second.taken != 0) return;
  if (++empty_ <= 1) return;
  --empty_;
  warm_ -= static_cast<std::size_t>(std::popcount(found->second.warm));
  open_.erase(region);
  regions_.erase(found);
  base::unmap_memory(pointer(region), kRegionBytes);
}

std::byte* SystemChunkSource::allocate(std::size_t bytes, std::size_t alignment) noexcept {
  if (BlockHeap::holds(bytes)) {
    STAVE_ASSERT(alignment <= BlockHeap::kAlignment);
    if (std::byte* const block = blocks_.allocate(bytes); block != nullptr) return block;
  }
  void* at = nullptr;
  if (alignment <= 16) {
    at = std::malloc(bytes);
  } else if (::posix_memalign(&at, alignment, bytes) != 0) {
    at = nullptr;
  }
  if (at != nullptr) {
    held_.fetch_add(footprint(bytes), std::memory_order_relaxed);
  } else if (BlockHeap::holds(bytes)) {
    blocks_.release(nullptr, bytes);
  }
  return static_cast<std::byte*>(at);
}

void SystemChunkSource::release(std::byte* at, std::size_t bytes) noexcept {
  if (at == nullptr || (BlockHeap::holds(bytes) && blocks_.release(at, bytes))) return;
  held_.fetch_sub(footprint(bytes), std::memory_order_relaxed);
  std::free(at);
}

std::byte* SystemChunkSource::allocate_denser(const std::byte* at, std::size_t bytes) noexcept {
  return BlockHeap::holds(bytes) ? blocks_.allocate_in_fuller_chunk(at, bytes) : nullptr;
}

std::byte* SystemChunkSource::map(std::size_t bytes) noexcept {
  STAVE_ASSERT(bytes != 0 && bytes % kMapUnit == 0);
  help_to_free(bytes);
  return base::map_memory(bytes, kMapUnit);
}

std::byte* SystemChunkSource::remap(std::byte* at, std::size_t bytes, std::size_t new_bytes) noexcept {
  STAVE_ASSERT(new_bytes >= bytes && new_bytes % kMapUnit == 0);
  help_to_free(new_bytes - bytes);
  return base::remap_memory(at, bytes, new_bytes);
}

void SystemChunkSource::unmap(std::byte* at, std::size_t bytes) noexcept {
  base::unmap_memory(at, bytes);
}

// --- freeing in steps --------------------------------------------------------------------------

void SystemChunkSource::unmap_later(std::byte* at, std::size_t bytes, bool held) noexcept {
  STAVE_ASSERT(bytes >= sizeof(Dying) && bytes % kMapUnit == 0);
  if (bytes <= kMapUnit) {
    if (held) drop_mapping(bytes);
    unmap(at, bytes);
    return;
  }
  dying_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (held) dying_held_.fetch_add(bytes, std::memory_order_relaxed);
  base::MutexLock lock(dying_mutex_);
  dying_ = new (at) Dying{.next = dying_, .bytes = bytes, .held = held};
}

bool SystemChunkSource::free_some() noexcept {
  Dying* mine = nullptr;
  {
    base::MutexLock lock(dying_mutex_);
    mine = dying_;
    if (mine == nullptr) return false;
    dying_ = mine->next;
  }
  // From the end, which needs no memory; with the last piece goes what stands at the beginning.
  const std::size_t piece = std::min(mine->bytes, kFreedAtOnce);
  const bool held = mine->held;
  auto* const at = reinterpret_cast<std::byte*>(mine);
  const std::size_t left = mine->bytes - piece;
  mine->bytes = left;
  base::unmap_memory(at + left, piece);
  if (held) {
    dying_held_.fetch_sub(piece, std::memory_order_relaxed);
    drop_mapping(piece);
  }
  const std::uint64_t before = dying_bytes_.fetch_sub(piece, std::memory_order_relaxed);
  STAVE_ASSERT(before >= piece);
  if (left == 0) return before != piece;
  base::MutexLock lock(dying_mutex_);
  mine->next = dying_;
  dying_ = mine;
  return true;
}

void SystemChunkSource::help_to_free(std::size_t bytes) noexcept {
  for (std::size_t freed = 0; freed < bytes; freed += kFreedAtOnce) {
    if (dying_bytes_.load(std::memory_order_relaxed) <= kDyingMax) [[likely]]
      return;
    if (!free_some()) return;
  }
}

}  // namespace stave::keyspace
