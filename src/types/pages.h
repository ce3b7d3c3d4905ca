// Where the paged form of a collection keeps its pieces: pages, each a short run of bytes under a number.
//
// A collection too large for one run is a *root*, some dozen bytes that lie where a compact form would, and pages. The
// types say what is in a page and which pages there are; where pages lie, how they get into the log and back, and what
// undoes a change is the store's. Must not know: types, keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/edit.h"

namespace stave::types {

/// Chosen by the type; the same for as long as the page lives. Below 2^48.
using PageId = std::uint64_t;

/// A page that grew beyond this is to be split, if it holds more than one element.
inline constexpr std::size_t kPageBytesMax = 1024;
/// One that has shrunk below this is to be joined with a neighbour, where that leaves a page that need not be split.
inline constexpr std::size_t kPageBytesMin = 256;

class Pages {
 public:
  virtual ~Pages() = default;
  /// What the page holds, never nothing; empty: it cannot be had, see `failed`. Ends with the next write or erase of
  /// any page.
  [[nodiscard]] virtual std::string_view read(PageId page) = 0;
  /// The page, new or not, holds these bytes, which are copied and may be part of what `read` returned.
  virtual void write(PageId page, std::string_view bytes) = 0;
  /// Makes these edits, of which there are some, to what the page, which is there, holds. What they put in is no part
  /// of a page.
  virtual void edit(PageId page, base::Edits edits);
  /// The page, which is there, is there no more.
  virtual void erase(PageId page) = 0;
  /// Something could not be read or written. From then on every page reads as empty, nothing more is written, and
  /// whatever was done is undone or done anew by the owner: an editor that meets an empty page has to come to an end
  /// without loops and assertions, and what it answers does not matter.
  [[nodiscard]] virtual bool failed() const noexcept = 0;
};

}  // namespace stave::types
