#include "commands/sorted_set_range_commands.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <variant>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/sorted_set_arguments.h"
#include "commands/sorted_set_elements.h"

namespace stave::commands {

using store::SortedSet;
using types::sorted_set::Element;
using SortedSetReader = types::sorted_set::Reader;

namespace {

enum class By : std::uint8_t { kRank, kScore, kMember };

/// What a command's name says of its range; ZRANGE leaves it to its options, each of which may be given once.
struct RangeForm {
  std::optional<By> by;
  std::optional<bool> reverse;
  bool store = false;
};

struct Selection {
  std::variant<RankRange, ScoreRange, MemberRange> range;
  bool reverse = false;
  bool with_scores = false;
  std::int64_t offset = 0;
  std::int64_t limit = -1;  ///< Negative: none.
};

/// Reads the options from argument `i` on, into `form` and `selection`.
Result<void> parse_options(const Call& call, std::size_t i, RangeForm& form, Selection& selection) {
  for (; i < call.size(); ++i) {
    if (!form.store && call.is(i, "WITHSCORES")) {
      selection.with_scores = true;
    } else if (call.is(i, "LIMIT") && call.size() - i > 2) {
      STAVE_ASSIGN(selection.offset, integer_argument(call, i + 1));
      STAVE_ASSIGN(selection.limit, integer_argument(call, i + 2));
      i += 2;
    } else if (!form.reverse && call.is(i, "REV")) {
      form.reverse = true;
    } else if (!form.by && call.is(i, "BYLEX")) {
      form.by = By::kMember;
    } else if (!form.by && call.is(i, "BYSCORE")) {
      form.by = By::kScore;
    } else {
      return syntax_error();
    }
  }
  return {};
}

/// `first`: the argument in which the range begins.
Result<Selection> parse_selection(const Call& call, std::size_t first, RangeForm form) {
  Selection selection;
  STAVE_TRY(parse_options(call, first + 2, form, selection));
  const By by = form.by.value_or(By::kRank);
  if (selection.limit != -1 && by == By::kRank)
    return answer_error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
  if (selection.with_scores && by == By::kMember)
    return answer_error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
  selection.reverse = form.reverse.value_or(false);
  const std::size_t min = selection.reverse ? first + 1 : first;
  const std::size_t max = selection.reverse ? first : first + 1;
  switch (by) {
    case By::kRank: {
      STAVE_ASSIGN(selection.range, rank_range(call, first, first + 1));
      break;
    }
    case By::kScore: {
      STAVE_ASSIGN(selection.range, score_range(call, min, max));
      break;
    }
    case By::kMember: {
      STAVE_ASSIGN(selection.range, member_range(call, min, max));
      break;
    }
  }
  return selection;
}

/// What LIMIT leaves of the range, which it counts from that end from which it is shown.
Ranks limited(Ranks ranks, const Selection& selection) noexcept {
  if (selection.offset < 0) return {};
  const std::uint64_t skipped = std::min(ranks.count(), static_cast<std::uint64_t>(selection.offset));
  std::uint64_t left = ranks.count() - skipped;
  if (selection.limit >= 0) left = std::min(left, static_cast<std::uint64_t>(selection.limit));
  if (selection.reverse) {
    ranks.to -= skipped;
    ranks.from = ranks.to - left;
  } else {
    ranks.from += skipped;
    ranks.to = ranks.from + left;
  }
  return ranks;
}

Ranks selected(const SortedSetReader& set, const Selection& selection) {
  if (const auto* ranks = std::get_if<RankRange>(&selection.range))
    return ranks_of(set.size(), *ranks, selection.reverse);
  if (const auto* scores = std::get_if<ScoreRange>(&selection.range)) return limited(ranks_of(set, *scores), selection);
  return limited(ranks_of(set, std::get<MemberRange>(selection.range)), selection);
}

Result<void> answer_range(Call& call, const RangeForm& form) {
  STAVE_ASSIGN(const Selection selection, parse_selection(call, 2, form));
  KeptElements found;
  const auto look = [&](const SortedSetReader* set) -> Result<void> {
    if (set == nullptr) return {};
    const Ranks ranks = selected(*set, selection);
    found.reserve(ranks.count());
    if (selection.reverse) {
      set->visit_backwards(ranks.from, ranks.to, keep_in(found));
    } else {
      set->visit(ranks.from, ranks.to, keep_in(found));
    }
    return {};
  };
  STAVE_TRY(look_at<SortedSet>(call, 1, look));
  answer_elements(call.reply(), found, selection.with_scores);
  return {};
}

}  // namespace

Result<void> zrange_command(Call& call) {
  return answer_range(call, {});
}
Result<void> zrevrange_command(Call& call) {
  return answer_range(call, {.by = By::kRank, .reverse = true});
}
Result<void> zrangebyscore_command(Call& call) {
  return answer_range(call, {.by = By::kScore, .reverse = false});
}
Result<void> zrevrangebyscore_command(Call& call) {
  return answer_range(call, {.by = By::kScore, .reverse = true});
}
Result<void> zrangebylex_command(Call& call) {
  return answer_range(call, {.by = By::kMember, .reverse = false});
}
Result<void> zrevrangebylex_command(Call& call) {
  return answer_range(call, {.by = By::kMember, .reverse = true});
}

Result<void> zrangestore_command(Call& call) {
  STAVE_ASSIGN(const Selection selection, parse_selection(call, 3, {.store = true}));
  const std::array<store::KeyRef, 2> keys = {call.key(1), call.key(2)};
  Part part(call.session(), keys);
  SortedSet::Compact result;
  {
    STAVE_ASSIGN(const auto source, store::open_collection<SortedSet>(part, keys[1]));
    const Ranks ranks = selected(source.reader(), selection);
    source.reader().visit(ranks.from, ranks.to, [&](const Element& element) {
      result.append(element.member, element.score);
      return true;
    });
    STAVE_TRY(source.whole());
  }
  const std::uint64_t size = result.size();
  STAVE_TRY(store::put_collection<SortedSet>(part, keys[0], result));
  STAVE_TRY(call.commit(part));
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

}  // namespace stave::commands
