// What stands before all else of a stream: its counters, how far its numbers have been given, which entry is the last
// one, and how many pieces its entries lie in. On disk; see docs/format.md.
//
//     varints: length | entries added | last id: ms, seq | max deleted id: ms, seq | next number | top: 0, or 1, ms,
//     seq
//
// The top is told when it is not the last id.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "types/stream/stream.h"

namespace stave::types::stream {

struct Header {
  Counters counters;
  Number next_number = 0;
  Id top;  ///< Of the last entry; without meaning when there is none.

  friend bool operator==(const Header&, const Header&) = default;
};

void append_header(std::string& to, const Header& header);
/// Takes one off the front. nullopt: the bytes, which may be from anywhere, begin with none.
std::optional<Header> take_header(std::string_view& from) noexcept;

}  // namespace stave::types::stream
