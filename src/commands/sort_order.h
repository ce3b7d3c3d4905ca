// The order of SORT: by number or by text, either way, and which part of it is asked for.
//
// Promises: a total order, so that the same elements give the same answer: equal ones follow their texts (by number) or
// the order in which they came (by text). Must not know: keys, where a weight was found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace stave::commands {

/// An element, and what it is sorted by: the element itself, or what was found in its place, if anything was.
struct Sortable {
  std::string_view element;
  std::optional<std::string_view> weight;
};

struct SortOrder {
  bool by_text = false;
  bool descending = false;
  std::int64_t offset = 0;  ///< Negative: 0.
  std::int64_t count = -1;  ///< Negative: all.
};

/// The part of so many elements that the order asks for.
struct SortedPart {
  std::size_t from = 0;
  std::size_t to = 0;
};
SortedPart part_of(const SortOrder& order, std::size_t size) noexcept;

/// The numbers of the elements of that part, sorted; nullopt: a weight that is needed as a number is none. What is not
/// found counts as 0, and as text comes before all others.
std::optional<std::vector<std::size_t>> sorted(std::span<const Sortable> all, const SortOrder& order);

/// The number that a text begins with after spaces, if nothing follows; an empty one is 0. As C's strtod in the C
/// locale reads it, without NaN and what is too large or too small for a double.
std::optional<double> sort_weight(std::string_view text);

}  // namespace stave::commands
