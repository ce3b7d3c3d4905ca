#include "commands/sorted_set_aggregate_commands.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/key_list.h"
#include "commands/sorted_set_aggregate.h"
#include "commands/text.h"
#include "types/sorted_set/score.h"

namespace stave::commands {

using store::SortedSet;

namespace {

enum class Operation : std::uint8_t { kUnion, kIntersection, kDifference, kCount };

/// The keys that argument `count_at` counts.
Result<KeyList> source_keys(const Call& call, std::size_t count_at) {
  STAVE_ASSIGN(const std::int64_t count, integer_argument(call, count_at));
  if (count < 1) return answer_error("ERR at least 1 input key is needed for '" + lower(call[0]) + "' command");
  if (static_cast<std::uint64_t>(count) >= call.size() - count_at) return syntax_error();
  KeyList keys;
  for (std::size_t i = 1; i <= static_cast<std::size_t>(count); ++i) keys.push_back(call.key(count_at + i));
  return keys;
}

struct AggregateOptions {
  Aggregate aggregate = Aggregate::kSum;
  bool with_scores = false;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};

std::optional<Aggregate> aggregate_named(std::string_view word) noexcept {
  if (same_word(word, "SUM")) return Aggregate::kSum;
  if (same_word(word, "MIN")) return Aggregate::kMin;
  if (same_word(word, "MAX")) return Aggregate::kMax;
  if (same_word(word, "COUNT")) return Aggregate::kCount;
  return std::nullopt;
}

/// Reads the options from argument `i` on; weights go to the sources.
Result<AggregateOptions> parse_aggregate(const Call& call, std::size_t i, Operation operation, bool store,
                                         Sources& sources) {
  const bool aggregates = operation == Operation::kUnion || operation == Operation::kIntersection;
  AggregateOptions options;
  for (; i < call.size(); ++i) {
    const std::size_t rest = call.size() - i - 1;
    if (aggregates && rest >= sources.size() && call.is(i, "WEIGHTS")) {
      for (Source& source : sources) {
        const auto weight = types::sorted_set::parse_score(call[++i]);
        if (!weight) return answer_error("ERR weight value is not a float");
        source.weight = *weight;
      }
    } else if (aggregates && rest >= 1 && call.is(i, "AGGREGATE")) {
      const auto aggregate = aggregate_named(call[++i]);
      if (!aggregate) return syntax_error();
      options.aggregate = *aggregate;
    } else if (!store && operation != Operation::kCount && call.is(i, "WITHSCORES")) {
      options.with_scores = true;
    } else if (operation == Operation::kCount && rest >= 1 && call.is(i, "LIMIT")) {
      const auto limit = types::parse_integer(call[++i]);
      if (!limit || *limit < 0) return answer_error("ERR LIMIT can't be negative");
      // 0: none.
      options.limit = *limit == 0 ? std::numeric_limits<std::uint64_t>::max() : static_cast<std::uint64_t>(*limit);
    } else {
      return syntax_error();
    }
  }
  return options;
}

KeptElements made_of(const Sources& sources, Operation operation, Aggregate aggregate) {
  switch (operation) {
    case Operation::kUnion: return unite(sources, aggregate);
    case Operation::kIntersection: return intersect(sources, aggregate);
    case Operation::kDifference: return subtract(sources);
    case Operation::kCount: break;
  }
  STAVE_ASSERT(false && "a count is no sorted set");
  return {};
}

/// The sources of a call that only reads, all of one instant. Errors: WRONGTYPE.
Result<void> read_sources(Call& call, const KeyList& keys, Sources& sources) {
  Part part(call.session(), keys);
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    STAVE_TRY(sources[i].take(part, keys[i], call.session().read_access()));
    hits += sources[i].exists() ? 1 : 0;
  }
  STAVE_TRY(call.commit(part));
  call.session().counters().count_lookups(hits, keys.size() - hits);
  return {};
}

Result<void> answer(Call& call, Operation operation) {
  STAVE_ASSIGN(const KeyList keys, source_keys(call, 1));
  Sources sources(keys.size());
  // Redis looks at the keys before the options.
  STAVE_TRY(read_sources(call, keys, sources));
  STAVE_ASSIGN(const AggregateOptions options, parse_aggregate(call, 2 + keys.size(), operation, false, sources));
  if (operation == Operation::kCount) {
    call.reply().integer(static_cast<std::int64_t>(count_common(sources, options.limit)));
  } else {
    answer_elements(call.reply(), made_of(sources, operation, options.aggregate), options.with_scores);
  }
  return {};
}

Result<void> store_result(Call& call, Operation operation) {
  STAVE_ASSIGN(const KeyList keys, source_keys(call, 2));
  Sources sources(keys.size());
  KeyList all = keys;
  all.push_back(call.key(1));
  Part part(call.session(), all);
  for (std::size_t i = 0; i < keys.size(); ++i) STAVE_TRY(sources[i].take(part, keys[i], store::Access::kPeek));
  STAVE_ASSIGN(const AggregateOptions options, parse_aggregate(call, 3 + keys.size(), operation, true, sources));
  SortedSet::Compact result;
  for (const KeptElement& element : made_of(sources, operation, options.aggregate))
    result.append(element.member, element.score);
  STAVE_TRY(store::put_collection<SortedSet>(part, all.back(), result));
  STAVE_TRY(call.commit(part));
  call.reply().integer(static_cast<std::int64_t>(result.size()));
  return {};
}

}  // namespace

Result<void> zunion_command(Call& call) {
  return answer(call, Operation::kUnion);
}
Result<void> zinter_command(Call& call) {
  return answer(call, Operation::kIntersection);
}
Result<void> zdiff_command(Call& call) {
  return answer(call, Operation::kDifference);
}
Result<void> zintercard_command(Call& call) {
  return answer(call, Operation::kCount);
}
Result<void> zunionstore_command(Call& call) {
  return store_result(call, Operation::kUnion);
}
Result<void> zinterstore_command(Call& call) {
  return store_result(call, Operation::kIntersection);
}
Result<void> zdiffstore_command(Call& call) {
  return store_result(call, Operation::kDifference);
}

}  // namespace stave::commands
