// What the writer and the reader of binary version 2 share: sizes, marks, and how a block is checked.
//
// File header, 40 bytes, big-endian:   magic u32 | version u32 | time u64 (ms) | LSN u64 | flags u64 (0) | check u64
// Block header, 32 bytes:              kind u8 | codec u8 | 0 u16 | entries u32 | raw u32 | stored u32 | body check u64
//                                      | header check u64, then `stored` bytes
// Entry, in a block's raw bytes:       tag u8 | [database u16] | [expires u64] | [sliding u64] | key | value, each with
// its
//                                      length before it (LEB128)
// The checks are XXH3-64. Those of a block are seeded with the file's own and the block's number, so that a block of
// another file, another place, or one that is there twice does not pass. The last block tells how many there were.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/hash.h"
#include "exchange/binary.h"

namespace stave::exchange::binary2 {

inline constexpr std::size_t kFileHeaderBytes = 40;
inline constexpr std::size_t kBlockHeaderBytes = 32;
/// A block is closed when it holds this much.
inline constexpr std::size_t kBlockBytes = 128u << 10;
/// All of an entry but its key and value.
inline constexpr std::size_t kEntryHeadBytesMax = 1 + 2 + 8 + 8 + 5 + 5;

enum class BlockKind : std::uint8_t { kEntries = 1, kEnd = 2 };
inline constexpr std::size_t kEndBytes = 16;  ///< Entries u64, blocks before this one u64.

// The tag: the lower four bits are the kind.
inline constexpr unsigned kKindMask = 0x0f;
inline constexpr unsigned kHasExpiry = 0x10;
inline constexpr unsigned kHasSliding = 0x20;
inline constexpr unsigned kHasDatabase = 0x40;
inline constexpr unsigned kReserved = 0x80;

inline std::uint64_t check(std::string_view bytes, std::uint64_t seed) noexcept {
  return base::xxh3(base::as_bytes(bytes), seed);
}

}  // namespace stave::exchange::binary2
