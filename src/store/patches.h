// When a change of a value is logged as a patch, its difference from the value before, and when the value whole.
//
// Patches of one value form a chain that leads back to where it lies whole; who reads it from the log reads the chain,
// so it must not grow long. An entry has two bits to say how long its chain is (keyspace::Entry::patches), so it counts
// as a Morris counter does (Morris 1978): by chance, which here is made of the version, so that a replay of the log
// counts the same. Promises: some sixteen patches on average between two whole records of a value of up to 1 KiB,
// hardly ever more than fifty, and so many more of a larger one: what writing it whole costs a change is the same for
// all. Must not know: records, how differences are made.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "keyspace/entry.h"
#include "stave/units.h"

namespace stave::store {

/// Of an entry with that measure of patches and that version: the measure after one more patch, which makes the value
/// one of `size` bytes; 0: no more patches, the value is to be written whole.
constexpr unsigned patches_after(unsigned patches, Lsn version, std::size_t size) noexcept {
  constexpr std::size_t kStepMin = 5;
  constexpr std::size_t kStepBytes = 1024;
  const std::uint64_t step = kStepMin * std::max(size, kStepBytes) / kStepBytes;
  if (patches == 0) return 1;
  std::uint64_t mixed = raw(version) * 0x9e37'79b9'7f4a'7c15;
  mixed ^= mixed >> 32;
  if (mixed % step != 0) return patches;
  return patches == keyspace::Entry::kPatchesMax ? 0 : patches + 1;
}

/// Longer than that, in parts of the value, a patch is not worth its place.
inline constexpr std::size_t kPatchPart = 2;
/// Values shorter than that are written whole: the record's header is most of it anyway.
inline constexpr std::size_t kPatchedBytesMin = 128;

}  // namespace stave::store
