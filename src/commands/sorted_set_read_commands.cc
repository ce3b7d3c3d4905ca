#include "commands/sorted_set_read_commands.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_set>
#include <vector>

#include "base/assert.h"
#include "base/random.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/one_collection.h"
#include "commands/sorted_set_arguments.h"
#include "commands/sorted_set_elements.h"

namespace stave::commands {

using store::SortedSet;
using types::sorted_set::Element;
using SortedSetReader = types::sorted_set::Reader;

namespace {

/// Answers a number of elements, which `count` says of the set; of an absent one it is 0.
template <class Count>
Result<void> answer_count(Call& call, Count&& count) {
  std::uint64_t counted = 0;
  STAVE_TRY(look_at_one<SortedSet>(call, 1, [&](const SortedSetReader* set) -> Result<void> {
    if (set != nullptr) counted = count(*set);
    return {};
  }));
  call.reply().integer(static_cast<std::int64_t>(counted));
  return {};
}

void answer_score(Sink& reply, const std::optional<double>& score) {
  if (score) {
    reply.real(*score);
  } else {
    reply.null();
  }
}

Result<void> answer_rank(Call& call, bool reverse) {
  const bool with_score = call.size() == 4;
  if (with_score && !call.is(3, "WITHSCORE")) return syntax_error();
  std::optional<std::uint64_t> rank;
  std::optional<double> score;
  STAVE_TRY(look_at_one<SortedSet>(call, 1, [&](const SortedSetReader* set) -> Result<void> {
    if (set == nullptr) return {};
    rank = set->rank(call[2]);
    if (rank && reverse) rank = set->size() - 1 - *rank;
    if (rank && with_score) score = set->score(call[2]);
    return {};
  }));
  Sink& reply = call.reply();
  if (!rank && with_score) {
    reply.null_array();
  } else if (!rank) {
    reply.null();
  } else {
    if (with_score) reply.array(2);
    reply.integer(static_cast<std::int64_t>(*rank));
    if (with_score) reply.real(score.value());
  }
  return {};
}

// --- any element -----------------------------------------------------------------------------------------------------

// As many as somebody may want, and few enough for one answer.
constexpr std::int64_t kElementDrawsMax = 1 << 20;

/// `count` different ones of the numbers below `size`, each choice as likely as any other (Floyd), in order.
std::vector<std::uint64_t> sample(std::uint64_t count, std::uint64_t size, base::Random& random) {
  STAVE_ASSERT(count <= size);
  std::unordered_set<std::uint64_t> chosen;
  for (std::uint64_t i = size - count; i < size; ++i)
    if (!chosen.insert(random.below(i + 1)).second) chosen.insert(i);
  std::vector<std::uint64_t> sorted(chosen.begin(), chosen.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

void answer_at(Sink& reply, const SortedSetReader& set, std::uint64_t rank, bool with_scores) {
  set.visit(rank, rank + 1, [&](const Element& element) {
    answer_element(reply, element.member, element.score, with_scores);
    return true;
  });
}

/// `count` different elements.
void answer_sample(Sink& reply, const SortedSetReader& set, std::uint64_t count, bool with_scores) {
  // Where this is a part of the whole that is worth it, one walk costs less than a search for each.
  constexpr std::uint64_t kWorthAWalk = 8;
  base::Random random(base::thread_random());
  const std::vector<std::uint64_t> ranks = sample(count, set.size(), random);
  announce_elements(reply, ranks.size(), with_scores);
  if (count < set.size() / kWorthAWalk) {
    for (const std::uint64_t rank : ranks) answer_at(reply, set, rank, with_scores);
    return;
  }
  auto next = ranks.begin();
  std::uint64_t rank = 0;
  set.visit(0, ranks.empty() ? 0 : ranks.back() + 1, [&](const Element& element) {
    if (rank++ != *next) return true;
    ++next;
    answer_element(reply, element.member, element.score, with_scores);
    return true;
  });
  STAVE_ASSERT(next == ranks.end());
}

/// `count` elements, each time any of them.
void answer_draws(Sink& reply, const SortedSetReader& set, std::uint64_t count, bool with_scores) {
  // Where that costs no more than the answer does, they are set out before.
  KeptElements elements;
  if (count >= set.size()) set.visit(0, set.size(), keep_in(elements));
  base::Random random(base::thread_random());
  announce_elements(reply, count, with_scores);
  for (; count != 0; --count) {
    if (elements.empty()) {
      answer_at(reply, set, random.below(set.size()), with_scores);
      continue;
    }
    const KeptElement& element = elements[random.below(elements.size())];
    answer_element(reply, element.member, element.score, with_scores);
  }
}

Result<void> answer_random_element(Call& call) {
  KeptElements any;
  STAVE_TRY(look_at_one<SortedSet>(call, 1, [&](const SortedSetReader* set) -> Result<void> {
    if (set == nullptr) return {};
    const std::uint64_t rank = base::thread_random() % set->size();
    set->visit(rank, rank + 1, keep_in(any));
    return {};
  }));
  if (any.empty()) {
    call.reply().null();
  } else {
    call.reply().bulk(any.front().member);
  }
  return {};
}

}  // namespace

Result<void> zcard_command(Call& call) {
  return answer_count(call, [](const SortedSetReader& set) { return set.size(); });
}

Result<void> zcount_command(Call& call) {
  STAVE_ASSIGN(const ScoreRange range, score_range(call, 2, 3));
  return answer_count(call, [&](const SortedSetReader& set) { return ranks_of(set, range).count(); });
}

Result<void> zlexcount_command(Call& call) {
  STAVE_ASSIGN(const MemberRange range, member_range(call, 2, 3));
  return answer_count(call, [&](const SortedSetReader& set) { return ranks_of(set, range).count(); });
}

Result<void> zscore_command(Call& call) {
  std::optional<double> score;
  STAVE_TRY(look_at_one<SortedSet>(call, 1, [&](const SortedSetReader* set) -> Result<void> {
    if (set != nullptr) score = set->score(call[2]);
    return {};
  }));
  answer_score(call.reply(), score);
  return {};
}

Result<void> zmscore_command(Call& call) {
  // More than a few are not looked for under the key's lock.
  constexpr std::size_t kFew = 16;
  std::vector<std::optional<double>> scores(call.size() - 2);
  const auto look = [&](const SortedSetReader* set) -> Result<void> {
    for (std::size_t i = 0; set != nullptr && i < scores.size(); ++i) scores[i] = set->score(call[2 + i]);
    return {};
  };
  if (scores.size() <= kFew) {
    STAVE_TRY(look_at_one<SortedSet>(call, 1, look));
  } else {
    Copied<SortedSet> copied;
    STAVE_TRY(copy_out(call, 1, copied));
    STAVE_TRY(look(copied.reader()));
  }
  call.reply().array(scores.size());
  for (const auto& score : scores) answer_score(call.reply(), score);
  return {};
}

Result<void> zrank_command(Call& call) {
  return answer_rank(call, false);
}
Result<void> zrevrank_command(Call& call) {
  return answer_rank(call, true);
}

Result<void> zrandmember_command(Call& call) {
  if (call.size() == 2) return answer_random_element(call);
  STAVE_ASSIGN(const std::int64_t count, integer_argument(call, 2));
  if (count == std::numeric_limits<std::int64_t>::min())
    return answer_error("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  const bool with_scores = call.size() == 4;
  if (call.size() > 4 || (with_scores && !call.is(3, "WITHSCORES"))) return syntax_error();
  if (with_scores && count > std::numeric_limits<std::int64_t>::max() / 2)
    return answer_error("ERR value is out of range");
  if (count < -kElementDrawsMax) return answer_error("ERR value is out of range");
  Copied<SortedSet> copied;
  STAVE_TRY(copy_out(call, 1, copied));
  const SortedSetReader& set = copied.or_empty();
  if (count >= 0 || set.size() == 0) {
    const auto wanted = count < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(count);
    answer_sample(call.reply(), set, std::min(wanted, set.size()), with_scores);
  } else {
    answer_draws(call.reply(), set, static_cast<std::uint64_t>(-count), with_scores);
  }
  return {};
}

}  // namespace stave::commands
