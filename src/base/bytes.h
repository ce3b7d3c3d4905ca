// Little-endian integers in byte buffers, and views between text and bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace stave::base {

static_assert(std::endian::native == std::endian::little, "the log format is little-endian; add swaps before porting");

template <class T>
inline T load(const void* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
inline void store(void* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

inline std::uint64_t load48(const void* from) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, from, 6);
  return value;
}
inline void store48(void* to, std::uint64_t value) noexcept { std::memcpy(to, &value, 6); }

inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace stave::base
