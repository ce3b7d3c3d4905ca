// Marks free memory as untouchable where AddressSanitizer watches, so that a stale pointer is found at its first use.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define STAVE_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STAVE_POISON 1
#endif
#endif

#ifdef STAVE_POISON
#include <sanitizer/asan_interface.h>
#endif

namespace stave::keyspace {

inline void poison([[maybe_unused]] const std::byte* at, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef STAVE_POISON
  ASAN_POISON_MEMORY_REGION(at, bytes);
#endif
}
inline void unpoison([[maybe_unused]] const std::byte* at, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef STAVE_POISON
  ASAN_UNPOISON_MEMORY_REGION(at, bytes);
#endif
}

}  // namespace stave::keyspace
