#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace stave::base {

std::uint64_t xxh3(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace stave::base
