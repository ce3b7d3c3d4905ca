#include "commands/sorted_set_remove_commands.h"

#include <cstdint>

#include "base/try.h"
#include "commands/collection.h"
#include "commands/one_collection.h"
#include "commands/sorted_set_arguments.h"

namespace stave::commands {

using store::Opened;
using store::SortedSet;
using SortedSetReader = types::sorted_set::Reader;

namespace {

/// Removes what `ranks` says of the set, and answers how many elements that were.
template <class RanksOf>
Result<void> remove_range(Call& call, RanksOf&& ranks) {
  std::uint64_t removed = 0;
  const auto change = [&](Opened<SortedSet>& opened) -> Result<void> {
    const Ranks range = ranks(opened.reader());
    removed = range.count();
    opened.editor().erase(range.from, removed);
    return {};
  };
  STAVE_TRY(change_one<SortedSet>(call, 1, change));
  call.reply().integer(static_cast<std::int64_t>(removed));
  return {};
}

}  // namespace

Result<void> zrem_command(Call& call) {
  std::int64_t removed = 0;
  const auto change = [&](Opened<SortedSet>& opened) -> Result<void> {
    removed = 0;
    for (std::size_t i = 2; i < call.size() && opened.reader().size() != 0; ++i)
      removed += opened.editor().remove(call[i]) ? 1 : 0;
    return {};
  };
  STAVE_TRY(change_one<SortedSet>(call, 1, change));
  call.reply().integer(removed);
  return {};
}

Result<void> zremrangebyrank_command(Call& call) {
  STAVE_ASSIGN(const RankRange range, rank_range(call, 2, 3));
  return remove_range(call, [&](const SortedSetReader& set) { return ranks_of(set.size(), range, false); });
}

Result<void> zremrangebyscore_command(Call& call) {
  STAVE_ASSIGN(const ScoreRange range, score_range(call, 2, 3));
  return remove_range(call, [&](const SortedSetReader& set) { return ranks_of(set, range); });
}

Result<void> zremrangebylex_command(Call& call) {
  STAVE_ASSIGN(const MemberRange range, member_range(call, 2, 3));
  return remove_range(call, [&](const SortedSetReader& set) { return ranks_of(set, range); });
}

}  // namespace stave::commands
