// The two hashes and what each is for: SipHash-1-3 keyed by a secret for tables that strangers fill, XXH3-64
// for checksums of what we wrote ourselves.
//
// SipHash: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, with one compression and three
// finalisation rounds as Rust and Python use it.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace stave::base {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

namespace internal {
struct SipState {
  std::uint64_t v0, v1, v2, v3;
  void round() noexcept {
    v0 += v1; v1 = std::rotl(v1, 13); v1 ^= v0; v0 = std::rotl(v0, 32);
    v2 += v3; v3 = std::rotl(v3, 16); v3 ^= v2;
    v0 += v3; v3 = std::rotl(v3, 21); v3 ^= v0;
    v2 += v1; v1 = std::rotl(v1, 17); v1 ^= v2; v2 = std::rotl(v2, 32);
  }
};
}  // namespace internal

/// SipHash-1-3 of `text`. Cost: about 10 ns for 16 bytes.
inline std::uint64_t sip_hash(const HashKey& key, std::string_view text) noexcept {
  internal::SipState s{key.k0 ^ 0x736f6d6570736575ull, key.k1 ^ 0x646f72616e646f6dull,
                       key.k0 ^ 0x6c7967656e657261ull, key.k1 ^ 0x7465646279746573ull};
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    const auto word = load<std::uint64_t>(at);
    s.v3 ^= word;
    s.round();
    s.v0 ^= word;
  }
  std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
  for (std::size_t i = 0; i < left; ++i) last |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  s.v3 ^= last;
  s.round();
  s.v0 ^= last;
  s.v2 ^= 0xff;
  s.round();
  s.round();
  s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/// XXH3-64 with a seed (xxHash 0.8). Stable across platforms and versions.
std::uint64_t xxh3(std::span<const std::byte> bytes, std::uint64_t seed) noexcept;

}  // namespace stave::base
