// What the typed calls for hashes, lists, sets and sorted sets speak of (store.h has the calls).
//
// Fields, members and elements are bytes, any but for their number: a collection is never empty, its key goes with the
// last element.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace stave {

/// A field of a hash with its value; a member of a sorted set with its score. The bytes belong to the caller.
using FieldValue = std::pair<std::string_view, std::string_view>;
using MemberScore = std::pair<std::string_view, double>;

/// The same as they are handed out.
struct HashField {
  std::string field;
  std::string value;
  friend bool operator==(const HashField&, const HashField&) = default;
};
struct ScoredMember {
  std::string member;
  double score = 0;
  friend bool operator==(const ScoredMember&, const ScoredMember&) = default;
};

enum class ListEnd : std::uint8_t { kFront, kBack };

/// A sorted set's members in the order of (score, bytes of the member), or the other way round.
enum class Order : std::uint8_t { kAscending, kDescending };

/// Scores from `min` to `max`, both included unless said otherwise. The default: all.
struct ScoreRange {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool without_min = false;
  bool without_max = false;
};

}  // namespace stave
