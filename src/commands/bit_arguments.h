// Arguments that name bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "commands/call.h"
#include "stave/error.h"

namespace stave::commands {

/// Argument `i` as a bit's place in a string that may be as long as strings may be. Errors: "bit offset is not an
/// integer or out of range".
Result<std::uint64_t> bit_offset_argument(const Call& call, std::size_t i);
/// The same of a field of so many bits, all of which must have a place; "#5": the fifth such field, from 0.
Result<std::uint64_t> field_offset_argument(const Call& call, std::size_t i, unsigned bits);
/// Argument `i`, which says whether a range counts bytes or bits: "BIT" or "BYTE". Errors: syntax.
Result<bool> in_bits_argument(const Call& call, std::size_t i);

/// The bits that a range of a string means, up to the one before `to`.
struct BitRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};
/// From `start` to `end`, both included, bytes or bits of a string of `size` bytes; negative: from its end.
BitRange bit_range(std::int64_t start, std::int64_t end, bool in_bits, std::uint64_t size) noexcept;

}  // namespace stave::commands
