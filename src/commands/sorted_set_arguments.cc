#include "commands/sorted_set_arguments.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "types/sorted_set/score.h"

namespace stave::commands {

using SortedSetReader = types::sorted_set::Reader;

namespace {

std::optional<ScoreEnd> score_end(std::string_view text) {
  ScoreEnd end;
  end.exclusive = text.starts_with('(');
  if (end.exclusive) text.remove_prefix(1);
  const auto score = types::sorted_set::parse_bound(text);
  if (!score) return std::nullopt;
  end.score = *score;
  return end;
}

std::optional<MemberEnd> member_end(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  const std::string_view rest = text.substr(1);
  // As Redis has it: what follows a zero byte is passed over.
  const bool alone = rest.empty() || rest[0] == '\0';
  switch (text[0]) {
    case '-': return alone ? std::optional(MemberEnd{.kind = MemberEnd::Kind::kFirst, .member = {}}) : std::nullopt;
    case '+': return alone ? std::optional(MemberEnd{.kind = MemberEnd::Kind::kLast, .member = {}}) : std::nullopt;
    case '[': return MemberEnd{.exclusive = false, .member = rest};
    case '(': return MemberEnd{.exclusive = true, .member = rest};
    default: return std::nullopt;
  }
}

/// How many members lie before that end of a range.
std::uint64_t count_before(const SortedSetReader& set, const MemberEnd& end, bool or_equal) {
  switch (end.kind) {
    case MemberEnd::Kind::kFirst: return 0;
    case MemberEnd::Kind::kMember: return set.count_before(end.member, or_equal);
    case MemberEnd::Kind::kLast: return set.size();
  }
  return 0;
}

Ranks ordered(std::uint64_t from, std::uint64_t to) noexcept {
  return {from, std::max(from, to)};
}

}  // namespace

Result<double> score_argument(const Call& call, std::size_t i) {
  const auto score = types::sorted_set::parse_score(call[i]);
  if (!score) return not_a_float();
  return *score;
}

Result<ScoreRange> score_range(const Call& call, std::size_t min, std::size_t max) {
  const auto from = score_end(call[min]);
  const auto to = score_end(call[max]);
  if (!from || !to) return answer_error("ERR min or max is not a float");
  return ScoreRange{*from, *to};
}

Ranks ranks_of(const SortedSetReader& set, const ScoreRange& range) {
  return ordered(set.count_below(range.min.score, range.min.exclusive),
                 set.count_below(range.max.score, !range.max.exclusive));
}

Result<MemberRange> member_range(const Call& call, std::size_t min, std::size_t max) {
  const auto from = member_end(call[min]);
  const auto to = member_end(call[max]);
  if (!from || !to) return answer_error("ERR min or max not valid string range item");
  return MemberRange{*from, *to};
}

Ranks ranks_of(const SortedSetReader& set, const MemberRange& range) {
  return ordered(count_before(set, range.min, range.min.exclusive), count_before(set, range.max, !range.max.exclusive));
}

Result<RankRange> rank_range(const Call& call, std::size_t start, std::size_t stop) {
  RankRange range;
  STAVE_ASSIGN(range.start, integer_argument(call, start));
  STAVE_ASSIGN(range.stop, integer_argument(call, stop));
  return range;
}

Ranks ranks_of(std::uint64_t size, const RankRange& range, bool reverse) {
  STAVE_ASSERT(size <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  const auto end = static_cast<std::int64_t>(size);
  const std::int64_t start = std::max<std::int64_t>(range.start < 0 ? range.start + end : range.start, 0);
  const std::int64_t stop = std::min(range.stop < 0 ? range.stop + end : range.stop, end - 1);
  if (start > stop) return {};
  Ranks ranks{static_cast<std::uint64_t>(start), static_cast<std::uint64_t>(stop) + 1};
  if (reverse) ranks = {size - ranks.to, size - ranks.from};
  STAVE_ASSERT(ranks.from < ranks.to && ranks.to <= size);
  return ranks;
}

}  // namespace stave::commands
