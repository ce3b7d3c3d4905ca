// What calls about sorted sets have in common: scores, and ranges of scores and of members, as ranks of a set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "commands/call.h"
#include "types/sorted_set/sorted_set.h"

namespace stave::commands {

/// Argument `i` as a score. Errors: "value is not a valid float".
Result<double> score_argument(const Call& call, std::size_t i);

/// Ranks from `from` on up to the one before `to`.
struct Ranks {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  [[nodiscard]] std::uint64_t count() const noexcept { return to - from; }
};

/// "5", "(5", "-inf": an end of a range of scores.
struct ScoreEnd {
  double score = 0;
  bool exclusive = false;
};
struct ScoreRange {
  ScoreEnd min;
  ScoreEnd max;
};
/// Arguments `min` and `max`. Errors: "min or max is not a float".
Result<ScoreRange> score_range(const Call& call, std::size_t min, std::size_t max);
Ranks ranks_of(const types::sorted_set::Reader& set, const ScoreRange& range);

/// "[a", "(a", "-", "+": an end of a range of members. The bytes are the argument's.
struct MemberEnd {
  enum class Kind : std::uint8_t { kFirst, kMember, kLast };
  Kind kind = Kind::kMember;
  bool exclusive = false;
  std::string_view member;
};
struct MemberRange {
  MemberEnd min;
  MemberEnd max;
};
/// Arguments `min` and `max`. Errors: "min or max not valid string range item".
Result<MemberRange> member_range(const Call& call, std::size_t min, std::size_t max);
Ranks ranks_of(const types::sorted_set::Reader& set, const MemberRange& range);

/// From `start` to `stop`, that one included; negative: counted from the end.
struct RankRange {
  std::int64_t start = 0;
  std::int64_t stop = 0;
};
/// Arguments `start` and `stop`. Errors: not an integer.
Result<RankRange> rank_range(const Call& call, std::size_t start, std::size_t stop);
/// Of a set of `size` elements. `reverse`: ranks are counted from the last element; what is returned is not.
Ranks ranks_of(std::uint64_t size, const RankRange& range, bool reverse);

}  // namespace stave::commands
