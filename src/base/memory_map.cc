#include "base/memory_map.h"

#include <sys/mman.h>

#include <bit>
#include <cstdint>

#include "base/assert.h"

namespace stave::base {

std::byte* map_memory(std::size_t bytes, std::size_t alignment) noexcept {
  STAVE_ASSERT(bytes != 0 && std::has_single_bit(alignment));
  // Map more than is wanted and cut off both ends: there is no call for an alignment.
  const std::size_t whole = bytes + alignment;
  if (whole < bytes) return nullptr;
  void* const mapped = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::size_t head = (alignment - reinterpret_cast<std::uintptr_t>(begin) % alignment) % alignment;
  if (head != 0) unmap_memory(begin, head);
  unmap_memory(begin + head + bytes, alignment - head);
  STAVE_ASSERT(head < alignment && reinterpret_cast<std::uintptr_t>(begin + head) % alignment == 0);
  return begin + head;
}

void unmap_memory(std::byte* at, std::size_t bytes) noexcept {
  // Fails only for arguments that were never ours, or when the kernel cannot split a mapping: then it stays mapped.
  static_cast<void>(::munmap(at, bytes));
}

void forget_memory(std::byte* at, std::size_t bytes) noexcept {
  // Fails only for arguments that were never ours; then the memory stays.
  static_cast<void>(::madvise(at, bytes, MADV_DONTNEED));
}

std::byte* remap_memory(std::byte* at, std::size_t bytes, std::size_t new_bytes) noexcept {
  STAVE_ASSERT(at != nullptr && bytes != 0 && new_bytes != 0);
  void* const mapped = ::mremap(at, bytes, new_bytes, MREMAP_MAYMOVE);
  return mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
}

void take_memory(std::byte* at, std::size_t bytes) noexcept {
#ifdef MADV_POPULATE_WRITE  // Linux 5.14
  static_cast<void>(::madvise(at, bytes, MADV_POPULATE_WRITE));
#else
  static_cast<void>(at);
  static_cast<void>(bytes);
#endif
}

void prefer_huge_pages(std::byte* at, std::size_t bytes) noexcept {
  static_cast<void>(::madvise(at, bytes, MADV_HUGEPAGE));
}

}  // namespace stave::base
