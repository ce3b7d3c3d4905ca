// A value as its difference from the one before it, so that a change costs the log what the change is worth.
//
// The bytes: varint size of the result, then steps: varint bytes to keep, varint bytes to leave out, varint bytes to
// put in, these bytes. What no step speaks of stays. A varint has seven bits a byte, lowest first, five bytes at most.
// The search is greedy: the two are walked beside each other, and where they part it looks for the nearest place at
// which they agree again, straight ahead or with something put in or left out. Promises: what `difference` writes,
// `apply_difference` turns into exactly the later value; bytes that come from a disk are checked before they are used,
// and take no more memory than the value before them and their own length account for. Must not know: what the values
// are, records, keys. Threads: any. Compare VCDIFF (RFC 3284), which does more and costs more.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/edit.h"
#include "stave/error.h"

namespace stave::packing {

/// Appends to `into` how `after` differs from `before`. False, and `into` as it was, when that takes more than `most`
/// bytes or more than a few steps. Cost: some passes over both. Throws std::bad_alloc. Limit: both below 4 GiB.
[[nodiscard]] bool difference(std::string_view before, std::string_view after, std::size_t most, std::string& into);

/// The same for who knows what was changed: edits of `before_size` bytes which gave `after`. False, likewise, when that
/// takes more than `most` bytes. Cost: what the edits put in.
[[nodiscard]] bool difference_of(base::Edits edits, std::size_t before_size, std::size_t most, std::string& into);

/// The size of the later value. Errors: kCorrupt.
[[nodiscard]] Result<std::size_t> difference_size(std::string_view difference);

/// `into`: the later value; must not hold `before`. Errors: kCorrupt (these bytes are no difference from `before`).
/// Throws std::bad_alloc.
[[nodiscard]] Result<void> apply_difference(std::string_view before, std::string_view difference, std::string& into);

}  // namespace stave::packing
