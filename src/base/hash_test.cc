#include "base/hash.h"
#include "base/stream_hash.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <vector>

namespace stave::base {
namespace {

std::string counting(std::size_t size) {
  std::string text(size, '\0');
  std::iota(text.begin(), text.end(), '\0');
  return text;
}

struct SipVector {
  std::size_t size;
  std::uint64_t hash;
};

// What CPython 3.11, whose hash of bytes is SipHash-1-3, says of the bytes 0, 1, 2, … under PYTHONHASHSEED=0 (a zero
// key).
TEST(SipHash, agrees_with_another_implementation_under_a_zero_key) {
  for (const auto& [size, hash] : std::initializer_list<SipVector>{{1, 0x68a914128e01e473},
                                                                   {7, 0x2f098ab0c751325a},
                                                                   {8, 0xead411e67ebe2eea},
                                                                   {9, 0x75927f9d95124362},
                                                                   {15, 0xf30eb725bb91c9ea},
                                                                   {16, 0x8972188433a5c5b7},
                                                                   {31, 0x169739443111d49b},
                                                                   {64, 0x75e05fd5bbc870c6},
                                                                   {100, 0x1c6a66e1506e7908}})
    EXPECT_EQ(sip_hash({}, counting(size)), hash) << size;
}

// The same under PYTHONHASHSEED=7, from which CPython derives this key.
TEST(SipHash, agrees_with_another_implementation_under_a_key) {
  const HashKey key{0x12c874a1806f0e3d, 0x470a89d2f9d2784f};
  for (const auto& [size, hash] : std::initializer_list<SipVector>{{1, 0x7e255bf0210f9775},
                                                                   {7, 0x987cfd95990dd34b},
                                                                   {8, 0x8450991e34fe08de},
                                                                   {9, 0xa0a0a12bd6c44f35},
                                                                   {15, 0x1517e7dc54a43f5b},
                                                                   {16, 0x642bba6a6c24ebf5},
                                                                   {31, 0xadf091e03303fd2d},
                                                                   {64, 0x2128138620d8ef33},
                                                                   {100, 0x3b5b8bb533e125e3}})
    EXPECT_EQ(sip_hash(key, counting(size)), hash) << size;
}

// The first of the vectors that Rust's standard library is tested with: nothing, under the key 00 01 … 0f.
TEST(SipHash, of_nothing_is_as_published) {
  EXPECT_EQ(sip_hash({0x0706050403020100, 0x0f0e0d0c0b0a0908}, ""), 0xabac0158050fc4dcu);
}

TEST(SipHash, depends_on_every_bit_of_the_key) {
  const HashKey key{1, 2};
  const std::uint64_t hash = sip_hash(key, "a key");
  for (int bit = 0; bit < 64; ++bit) {
    EXPECT_NE(sip_hash({key.k0 ^ (std::uint64_t{1} << bit), key.k1}, "a key"), hash);
    EXPECT_NE(sip_hash({key.k0, key.k1 ^ (std::uint64_t{1} << bit)}, "a key"), hash);
  }
}

struct XxhVector {
  std::size_t size;
  std::uint64_t unseeded;
  std::uint64_t seeded;
};

// These are on disk for ever: if one changes, every store is unreadable. A size from each branch of XXH3.
TEST(Xxh3, never_changes) {
  for (const auto& [size, unseeded, seeded] :
       std::initializer_list<XxhVector>{{0, 0x2d06800538d394c2, 0x8aa56c2c3d8317f6},
                                        {1, 0x4c5cca45d0f4811f, 0xb0ebecf0a0d6af1c},
                                        {3, 0x6e3e2670e61106ac, 0xef5293154b22ce64},
                                        {4, 0x5c4c63133443d03f, 0xdf815f184410b5aa},
                                        {8, 0xf9fd4dd0b04d78f5, 0x70d2302945bce623},
                                        {9, 0x7c20df9712c26edf, 0xa15208c98bc86461},
                                        {16, 0x86abf6baccea0858, 0x476ce9797fbf02ec},
                                        {17, 0xb58bf5dc5022d071, 0x2b54407f443088b6},
                                        {128, 0x10d17f72c0ccba41, 0xc8382a98bcd1238d},
                                        {129, 0x1648bdc3db49d1a2, 0x9c68275a80a497b9},
                                        {240, 0xb6cfaf343fab81e6, 0xc1d2c0951408e76d},
                                        {241, 0x956cae592c67279e, 0xc31f5e922a74756b},
                                        {1024, 0x70bd377d9574f4bb, 0x5d2e81a970570236},
                                        {1025, 0x66c4487c41e127a7, 0xa0cae2b578830e7d},
                                        {100'000, 0x14ce8d6fc2c4868b, 0xb6ab381e71e2c5f8}}) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 131 + 7);
    EXPECT_EQ(xxh3(bytes, 0), unseeded) << size;
    EXPECT_EQ(xxh3(bytes, 0x123456789abcdef0), seeded) << size;
  }
}

TEST(StreamHash, is_the_hash_of_the_whole_however_it_is_cut) {
  const std::string text = counting(70'000);
  const auto bytes = as_bytes(text);
  for (const std::size_t piece : {1u, 63u, 64u, 4096u, 70'000u}) {
    StreamHash hash;
    for (std::size_t at = 0; at < bytes.size(); at += piece) hash.add(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    EXPECT_EQ(hash.value(), xxh3(bytes, 0)) << piece;
  }
}

TEST(Xxh3, notices_every_flipped_bit_of_a_record) {
  std::vector<std::byte> bytes(100, std::byte{0x5a});
  const std::uint64_t hash = xxh3(bytes, 1);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(xxh3(bytes, 1), hash);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
}

}  // namespace
}  // namespace stave::base
