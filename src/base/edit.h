// A change of some places in a run of bytes, when who makes it knows which: bytes that go, and those that come instead.
//
// Promises: the run is changed where it lies, or copied with the change in it, and each byte is moved once. Must not
// know: what the bytes are. Threads: any.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace stave::base {

/// `out` bytes at `at`, a place in the run as it was, give way to `in`, which is no part of the run.
struct Edit {
  std::size_t at = 0;
  std::size_t out = 0;
  std::string_view in;
};

/// Several of one run: in the order of their places, none into another. The bytes that they put in outlive this.
using Edits = std::span<const Edit>;

/// Whether they are that, for a run of `size` bytes.
[[nodiscard]] bool well_formed(Edits edits, std::size_t size) noexcept;
/// The size of a run of `size` bytes with the edits made.
[[nodiscard]] std::size_t edited_size(Edits edits, std::size_t size) noexcept;
/// Makes them where the run lies; there is room for the larger of its two sizes.
void edit_in_place(char* run, std::size_t size, Edits edits) noexcept;
/// Writes the run with the edits made to `to`, which has room for it and is no part of it.
void copy_edited(std::string_view run, Edits edits, char* to) noexcept;

}  // namespace stave::base
