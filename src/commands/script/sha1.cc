#include "commands/script/sha1.h"

#include <bit>
#include <cstring>

namespace stave::commands::script {
namespace {

constexpr std::size_t kBlock = 64;
using State = std::array<std::uint32_t, 5>;

void mix(State& state, const unsigned char* block) noexcept {
  std::array<std::uint32_t, 80> w{};
  for (std::size_t i = 0; i < 16; ++i)
    w[i] = std::uint32_t{block[4 * i]} << 24 | std::uint32_t{block[4 * i + 1]} << 16 |
           std::uint32_t{block[4 * i + 2]} << 8 | std::uint32_t{block[4 * i + 3]};
  for (std::size_t i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    std::uint32_t f = 0;
    std::uint32_t k = 0;
    if (i < 20) {
      f = (b & c) | (~b & d);
      k = 0x5a827999;
    } else if (i < 40) {
      f = b ^ c ^ d;
      k = 0x6ed9eba1;
    } else if (i < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8f1bbcdc;
    } else {
      f = b ^ c ^ d;
      k = 0xca62c1d6;
    }
    const std::uint32_t next = std::rotl(a, 5) + f + e + k + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

}  // namespace

std::array<char, 40> sha1_hex(std::string_view bytes) noexcept {
  State state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  std::array<unsigned char, kBlock> block{};
  std::size_t at = 0;
  for (; bytes.size() - at >= kBlock; at += kBlock) {
    std::memcpy(block.data(), bytes.data() + at, kBlock);
    mix(state, block.data());
  }
  const std::size_t rest = bytes.size() - at;
  block.fill(0);
  if (rest != 0) std::memcpy(block.data(), bytes.data() + at, rest);
  block[rest] = 0x80;
  if (rest + 9 > kBlock) {
    mix(state, block.data());
    block.fill(0);
  }
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  for (std::size_t i = 0; i < 8; ++i) block[kBlock - 1 - i] = static_cast<unsigned char>(bits >> (8 * i));
  mix(state, block.data());
  std::array<char, 40> digits{};
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < 20; ++i) {
    const std::uint32_t byte = state[i / 4] >> (8 * (3 - i % 4)) & 0xff;
    digits[2 * i] = kHex[byte >> 4];
    digits[2 * i + 1] = kHex[byte & 15];
  }
  return digits;
}

}  // namespace stave::commands::script
