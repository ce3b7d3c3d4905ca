// The sizes of slots: every even number up to 128, then steps of an eighth and less, chosen so that pages come out
// even.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace stave::keyspace {

inline constexpr std::size_t kPageBytes = 4096;
inline constexpr std::size_t kPageHeaderBytes = 16;
inline constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

namespace internal {
inline constexpr std::size_t kSlotBytesMin = 12;
inline constexpr std::size_t kFineMax = 128;    ///< Steps of 2 up to here,
inline constexpr std::size_t kMediumMax = 256;  ///< of 8 up to here; then as many as fit in a page, from 15 down to 2.
inline constexpr std::size_t kFewestLarge = 15;
inline constexpr std::size_t kClassCount =
    (kFineMax - kSlotBytesMin) / 2 + 1 + (kMediumMax - kFineMax) / 8 + (kFewestLarge - 1);

consteval std::array<std::uint16_t, kClassCount> slot_sizes() {
  std::array<std::uint16_t, kClassCount> sizes{};
  std::size_t n = 0;
  for (std::size_t size = kSlotBytesMin; size <= kFineMax; size += 2) sizes[n++] = static_cast<std::uint16_t>(size);
  for (std::size_t size = kFineMax + 8; size <= kMediumMax; size += 8) sizes[n++] = static_cast<std::uint16_t>(size);
  for (std::size_t slots = kFewestLarge; slots >= 2; --slots)
    sizes[n++] = static_cast<std::uint16_t>((kPageBytes - kPageHeaderBytes) / slots / 2 * 2);
  return sizes;
}
}  // namespace internal

inline constexpr std::size_t kClassCount = internal::kClassCount;
inline constexpr auto kSlotBytes = internal::slot_sizes();
inline constexpr std::size_t kSlotBytesMax = kSlotBytes[kClassCount - 1];

namespace internal {
consteval std::array<std::uint16_t, kClassCount> slots_in(std::size_t page_bytes) {
  std::array<std::uint16_t, kClassCount> slots{};
  for (std::size_t cls = 0; cls < kClassCount; ++cls)
    slots[cls] = static_cast<std::uint16_t>((page_bytes - kPageHeaderBytes) / kSlotBytes[cls]);
  return slots;
}
/// By size in units of 2 bytes, rounded up.
consteval std::array<std::uint8_t, kSlotBytesMax / 2 + 1> class_of_size() {
  std::array<std::uint8_t, kSlotBytesMax / 2 + 1> classes{};
  std::size_t cls = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (i * 2 > kSlotBytes[cls]) ++cls;
    classes[i] = static_cast<std::uint8_t>(cls);
  }
  return classes;
}
inline constexpr auto kClassOfSize = class_of_size();
}  // namespace internal

inline constexpr auto kSlotsPerPage = internal::slots_in(kPageBytes);
inline constexpr auto kSlotsPerChunk = internal::slots_in(kChunkBytes);

/// The smallest class that holds `bytes`, which must not exceed kSlotBytesMax.
inline std::size_t size_class(std::size_t bytes) noexcept {
  return internal::kClassOfSize[(bytes + 1) / 2];
}

}  // namespace stave::keyspace
