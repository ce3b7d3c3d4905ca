// Numbers in as few groups of seven bits as they need, lowest first, the upper bit set in all bytes but the last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stave::types::stream {

inline constexpr std::size_t kVarintBytesMax = 10;

inline void put_varint(std::string& to, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) to.push_back(static_cast<char>(number | 0x80));
  to.push_back(static_cast<char>(number));
}

/// Takes one that was checked off the front.
inline std::uint64_t get_varint(const char*& from) noexcept {
  std::uint64_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*from++);
    number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
}

/// The same of bytes from elsewhere. nullopt: none begins there, or it does not fit 64 bits.
inline std::optional<std::uint64_t> checked_varint(std::string_view& from) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i != from.size() && i != kVarintBytesMax; ++i) {
    const auto byte = static_cast<unsigned char>(from[i]);
    if (i == kVarintBytesMax - 1 && byte > 1) return std::nullopt;
    number |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    from.remove_prefix(i + 1);
    return number;
  }
  return std::nullopt;
}

}  // namespace stave::types::stream
