#include "commands/sorted_set_add_commands.h"

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/one_collection.h"
#include "commands/sorted_set_arguments.h"

namespace stave::commands {

using store::Opened;
using store::SortedSet;

namespace {

struct ScoreAddOptions {
  bool only_new = false;      ///< NX
  bool only_present = false;  ///< XX
  bool only_greater = false;  ///< GT
  bool only_less = false;     ///< LT
  bool count_changed = false;
  bool increment = false;
  std::size_t first = 2;  ///< The argument with the first score.
};

struct AddOutcome {
  std::int64_t added = 0;
  std::int64_t changed = 0;
  std::optional<double> score;  ///< Of the element that was incremented; nullopt: an option forbade it.
};

Result<ScoreAddOptions> parse_score_add(const Call& call) {
  ScoreAddOptions options;
  std::size_t& i = options.first;
  for (; i < call.size(); ++i) {
    if (call.is(i, "NX")) {
      options.only_new = true;
    } else if (call.is(i, "XX")) {
      options.only_present = true;
    } else if (call.is(i, "CH")) {
      options.count_changed = true;
    } else if (call.is(i, "INCR")) {
      options.increment = true;
    } else if (call.is(i, "GT")) {
      options.only_greater = true;
    } else if (call.is(i, "LT")) {
      options.only_less = true;
    } else {
      break;
    }
  }
  const std::size_t rest = call.size() - i;
  if (rest == 0 || rest % 2 != 0) return syntax_error();
  if (options.only_new && options.only_present)
    return answer_error("ERR XX and NX options at the same time are not compatible");
  if ((options.only_greater && (options.only_new || options.only_less)) || (options.only_less && options.only_new))
    return answer_error("ERR GT, LT, and/or NX options at the same time are not compatible");
  if (options.increment && rest != 2) return answer_error("ERR INCR option supports a single increment-element pair");
  return options;
}

Result<void> add_one(types::sorted_set::Editor& set, std::string_view member, double score,
                     const ScoreAddOptions& options, AddOutcome& outcome) {
  const std::optional<double> old = set.score(member);
  if (old ? options.only_new : options.only_present) return {};
  if (old) {
    if (options.increment) {
      score += *old;
      if (std::isnan(score)) return answer_error("ERR resulting score is not a number (NaN)");
    }
    if ((options.only_greater && score <= *old) || (options.only_less && score >= *old)) return {};
  }
  outcome.score = score;
  if (old == score) return {};
  set.set(member, score);
  ++(old ? outcome.changed : outcome.added);
  return {};
}

Result<AddOutcome> add_scores(Call& call, const ScoreAddOptions& options) {
  std::vector<double> scores;
  scores.reserve((call.size() - options.first) / 2);
  for (std::size_t i = options.first; i < call.size(); i += 2) {
    STAVE_ASSIGN(const double score, score_argument(call, i));
    scores.push_back(score);
  }
  AddOutcome outcome;
  const auto change = [&](Opened<SortedSet>& opened) -> Result<void> {
    outcome = {};
    for (std::size_t i = 0; i < scores.size(); ++i)
      STAVE_TRY(add_one(opened.growing_editor(), call[options.first + 2 * i + 1], scores[i], options, outcome));
    return {};
  };
  STAVE_TRY(change_one<SortedSet>(call, 1, change));
  return outcome;
}

void answer_score(Sink& reply, const AddOutcome& outcome) {
  if (outcome.score) {
    reply.real(*outcome.score);
  } else {
    reply.null();
  }
}

}  // namespace

Result<void> zadd_command(Call& call) {
  STAVE_ASSIGN(const ScoreAddOptions options, parse_score_add(call));
  STAVE_ASSIGN(const AddOutcome outcome, add_scores(call, options));
  if (options.increment) {
    answer_score(call.reply(), outcome);
  } else {
    call.reply().integer(outcome.added + (options.count_changed ? outcome.changed : 0));
  }
  return {};
}

Result<void> zincrby_command(Call& call) {
  STAVE_ASSERT(call.size() == 4);
  // As in Redis, where it is a ZADD: then no pair is left.
  for (const std::string_view option : {"NX", "XX", "GT", "LT", "CH", "INCR"})
    if (call.is(2, option)) return syntax_error();
  STAVE_ASSIGN(const AddOutcome outcome, add_scores(call, {.increment = true}));
  answer_score(call.reply(), outcome);
  return {};
}

}  // namespace stave::commands
