// The bytes of an index image that its writer and its reader have to agree on; docs/format.md tells them to everybody
// else. Must not know: files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace stave::store::image_bytes {

inline constexpr std::string_view kMagic = "STAVEIMG";
inline constexpr std::string_view kTrailerMagic = "STAVEEND";
inline constexpr std::uint32_t kVersion = 2;
inline constexpr std::size_t kHeaderBytes = 128;
inline constexpr std::size_t kBlockHeaderBytes = 16;  // checksum, entries, bytes of the body
inline constexpr std::size_t kIndexEntryBytes = 32;
inline constexpr std::size_t kLeafIndexEntryBytes = 36;  // and the bound
inline constexpr std::size_t kTrailerBytes = 88;
inline constexpr std::uint64_t kIndexSalt = 0x9ddf'ea08'eb38'2d69;

// Bits of an entry's first byte; the type is in the second, beside the heat. A leaf has none yet.
inline constexpr std::uint8_t kHasExpiry = 1;
inline constexpr std::uint8_t kSliding = 2;
inline constexpr std::uint8_t kHasVersion = 4;
inline constexpr std::uint8_t kDelta = 8;
inline constexpr unsigned kPatchesShift = 4;  // two bits: how many parts of the value were changed
inline constexpr std::uint8_t kPatches = 3 << kPatchesShift;
inline constexpr std::uint8_t kKnownBits = kHasExpiry | kSliding | kHasVersion | kDelta | kPatches;
inline constexpr std::uint8_t kKnownLeafBits = 0;

template <class T>
void put(std::vector<std::byte>& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  base::store(out.data() + at, value);
}
inline void put48(std::vector<std::byte>& out, std::uint64_t value) {
  const std::size_t at = out.size();
  out.resize(at + 8);
  base::store(out.data() + at, value);
  out.resize(at + 6);
}
inline void put_varint(std::vector<std::byte>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}
inline void put_text(std::vector<std::byte>& out, std::string_view text) {
  const auto bytes = base::as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Takes values off the front; `good` turns false, and stays so, when there is not enough.
struct Taker {
  std::span<const std::byte> rest;
  bool good = true;

  template <class T>
  T take() {
    if (rest.size() < sizeof(T)) return good = false, T{};
    const T value = base::load<T>(rest.data());
    rest = rest.subspan(sizeof(T));
    return value;
  }
  std::uint64_t take48() {
    const std::uint64_t low = take<std::uint32_t>();
    return low | static_cast<std::uint64_t>(take<std::uint16_t>()) << 32;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return good = false, 0;
  }
  std::string_view text(std::uint64_t size) {
    if (rest.size() < size) return good = false, std::string_view{};
    const std::string_view view(reinterpret_cast<const char*>(rest.data()), size);
    rest = rest.subspan(size);
    return view;
  }
};

}  // namespace stave::store::image_bytes
