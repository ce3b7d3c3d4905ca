#include "keyspace/block_heap.h"

#include <bit>
#include <new>

#include "base/assert.h"
#include "keyspace/chunk_source.h"
#include "keyspace/poison.h"

namespace stave::keyspace {

static_assert(internal::kBlockChunkBytes == ChunkSource::kChunkBytes);

namespace {

std::uintptr_t chunk_of(const std::byte* at) {
  return reinterpret_cast<std::uintptr_t>(at) & ~std::uintptr_t{ChunkSource::kChunkBytes - 1};
}

}  // namespace

std::size_t BlockHeap::slots(std::size_t cls) noexcept {
  return ChunkSource::kChunkBytes / internal::kBlockBytes[cls];
}

std::size_t BlockHeap::filling(std::size_t taken, std::size_t cls) noexcept {
  return taken * kFillings / slots(cls);
}

BlockHeap::~BlockHeap() {
  for (Class& each : classes_) {
    base::ShortLock lock(each.mutex);
    for (auto& [number, chunk] : each.chunks) {
      unpoison(chunk.at, ChunkSource::kChunkBytes);
      source_.give(chunk.at, 1);
    }
  }
}

void BlockHeap::link(Class& of, Chunk& chunk, std::size_t filling) noexcept {
  if (filling == kFillings) return;
  chunk.previous = nullptr;
  chunk.next = of.with_room[filling];
  if (chunk.next != nullptr) chunk.next->previous = &chunk;
  of.with_room[filling] = &chunk;
}

void BlockHeap::unlink(Class& of, Chunk& chunk, std::size_t filling) noexcept {
  if (filling == kFillings) return;
  (chunk.previous != nullptr ? chunk.previous->next : of.with_room[filling]) = chunk.next;
  if (chunk.next != nullptr) chunk.next->previous = chunk.previous;
}

BlockHeap::Chunk* BlockHeap::add_chunk(Class& of, std::size_t cls) noexcept {
  std::byte* const at = source_.take(1);
  if (at == nullptr) return nullptr;
  try {
    Chunk& chunk = of.chunks[chunk_of(at)];
    chunk.at = at;
    link(of, chunk, 0);
    poison(at, ChunkSource::kChunkBytes);
    free_bytes_.fetch_add(slots(cls) * internal::kBlockBytes[cls], std::memory_order_relaxed);
    return &chunk;
  } catch (const std::bad_alloc&) {
    source_.give(at, 1);
    return nullptr;
  }
}

std::byte* BlockHeap::take_slot(Class& of, Chunk& chunk, std::size_t cls) noexcept {
  const auto count = static_cast<std::size_t>(std::popcount(chunk.taken));
  const auto slot = static_cast<std::size_t>(std::countr_one(chunk.taken));
  const std::size_t bytes = internal::kBlockBytes[cls];
  const std::size_t before = filling(count, cls);
  const std::size_t after = filling(count + 1, cls);
  chunk.taken |= std::uint64_t{1} << slot;
  if (before != after) {
    unlink(of, chunk, before);
    link(of, chunk, after);
  }
  free_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  unpoison(chunk.at + slot * bytes, bytes);
  return chunk.at + slot * bytes;
}

std::byte* BlockHeap::allocate(std::size_t bytes) noexcept {
  const std::size_t cls = class_of(bytes);
  Class& of = classes_[cls];
  base::ShortLock lock(of.mutex);
  Chunk* chunk = nullptr;
  for (std::size_t filling = kFillings; filling-- > 0 && chunk == nullptr;) chunk = of.with_room[filling];
  // A chunk is worth it when half of it would be used.
  if (chunk == nullptr && of.elsewhere >= slots(cls) / 2) chunk = add_chunk(of, cls);
  if (chunk != nullptr) return take_slot(of, *chunk, cls);
  ++of.elsewhere;
  return nullptr;
}

std::byte* BlockHeap::allocate_in_fuller_chunk(const std::byte* at, std::size_t bytes) noexcept {
  const std::size_t cls = class_of(bytes);
  Class& of = classes_[cls];
  base::ShortLock lock(of.mutex);
  const auto found = of.chunks.find(chunk_of(at));
  if (found == of.chunks.end()) return nullptr;
  // Into a fuller one only, or of two alike into the lower one, so that moving comes to an end.
  const Chunk& own = found->second;
  const auto count = [](const Chunk& chunk) { return std::popcount(chunk.taken); };
  const std::size_t lowest = filling(static_cast<std::size_t>(count(own)), cls);
  for (std::size_t filling = kFillings; filling-- > lowest;) {
    Chunk* chunk = of.with_room[filling];
    if (chunk == &own) chunk = chunk->next;
    if (chunk == nullptr) continue;
    if (count(*chunk) > count(own) || (count(*chunk) == count(own) && chunk->at < own.at))
      return take_slot(of, *chunk, cls);
  }
  return nullptr;
}

bool BlockHeap::release(std::byte* at, std::size_t bytes) noexcept {
  const std::size_t cls = class_of(bytes);
  Class& of = classes_[cls];
  base::ShortLock lock(of.mutex);
  const auto found = of.chunks.find(chunk_of(at));
  if (found == of.chunks.end()) {
    STAVE_ASSERT(of.elsewhere != 0);
    --of.elsewhere;
    return false;
  }
  Chunk& chunk = found->second;
  const std::size_t size = internal::kBlockBytes[cls];
  const auto offset = static_cast<std::size_t>(at - chunk.at);
  const std::uint64_t bit = std::uint64_t{1} << offset / size;
  STAVE_ASSERT(offset % size == 0 && (chunk.taken & bit) != 0);
  const auto count = static_cast<std::size_t>(std::popcount(chunk.taken));
  const std::size_t before = filling(count, cls);
  const std::size_t after = filling(count - 1, cls);
  chunk.taken &= ~bit;
  free_bytes_.fetch_add(size, std::memory_order_relaxed);
  poison(at, size);
  if (before != after || count == 1) unlink(of, chunk, before);
  if (count == 1) {
    free_bytes_.fetch_sub(slots(cls) * size, std::memory_order_relaxed);
    unpoison(chunk.at, ChunkSource::kChunkBytes);
    source_.give(chunk.at, 1);
    of.chunks.erase(found);
  } else if (before != after) {
    link(of, chunk, after);
  }
  return true;
}

}  // namespace stave::keyspace
