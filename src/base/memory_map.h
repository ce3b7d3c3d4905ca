// Address space straight from the system: for memory that is taken in large, aligned pieces.
//
// Must not know: what lies in it.
#pragma once

#include <cstddef>

namespace stave::base {

/// `bytes` of zeros at a multiple of `alignment`, or nullptr when the system has none. `bytes`: a multiple of the page;
/// `alignment`: a power of two, at least a page. Threads: any.
[[nodiscard]] std::byte* map_memory(std::size_t bytes, std::size_t alignment) noexcept;

/// Gives back what `map_memory` handed out, or any run of whole pages of it.
void unmap_memory(std::byte* at, std::size_t bytes) noexcept;

/// Gives the memory of whole pages back and keeps the address space: the next touch finds zeros. Threads: any.
void forget_memory(std::byte* at, std::size_t bytes) noexcept;

/// The mapping with another number of pages at its end, perhaps elsewhere: bytes are not copied, and new ones are zero.
/// nullptr, and nothing changed, when the system refuses. `at`: from `map_memory` with an alignment of a page.
[[nodiscard]] std::byte* remap_memory(std::byte* at, std::size_t bytes, std::size_t new_bytes) noexcept;

/// Takes the memory of whole pages at once, for who is about to write to all of them: one by one, at the first touch,
/// costs ten times as much and more. A wish: what is not taken comes with the touch. Threads: any.
void take_memory(std::byte* at, std::size_t bytes) noexcept;

/// Asks for huge pages there. A wish: the system may have none.
void prefer_huge_pages(std::byte* at, std::size_t bytes) noexcept;

}  // namespace stave::base
