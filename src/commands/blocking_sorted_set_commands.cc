#include "commands/blocking_sorted_set_commands.h"

#include "base/try.h"
#include "commands/key_list.h"
#include "commands/sorted_set_pops.h"
#include "commands/waiting/first_of_keys.h"
#include "commands/waiting/wait.h"
#include "store/collection.h"

namespace stave::commands {

using store::SortedSet;

namespace {

Result<void> take(store::Transaction& transaction, store::KeyRef key, SetEnd end, std::uint64_t count,
                  KeptElements& taken) {
  STAVE_ASSIGN(auto opened, store::open_collection<SortedSet>(transaction, key));
  take_from_set(opened.editor(), end, count, taken);
  return store::keep_collection(transaction, key, opened);
}

// "key [key ...] timeout"

Result<bool> try_pop(const Attempt& attempt, Sink& answer, SetEnd end) {
  const KeyList keys = keys_between(attempt.database, attempt.arguments, 1, attempt.arguments.size() - 1);
  STAVE_ASSIGN(const auto key, first_of_keys(attempt, keys, SortedSet::kType));
  if (!key) return false;
  KeptElements taken;
  STAVE_TRY(take(attempt.transaction, *key, end, 1, taken));
  if (taken.empty()) return false;  // it could not be read: the commit says why
  answer.array(3);
  answer.bulk(key->key);
  answer.bulk(taken[0].member);
  answer.real(taken[0].score);
  return true;
}
Result<bool> try_pop_min(const Attempt& attempt, Sink& answer) {
  return try_pop(attempt, answer, SetEnd::kMin);
}
Result<bool> try_pop_max(const Attempt& attempt, Sink& answer) {
  return try_pop(attempt, answer, SetEnd::kMax);
}

Result<void> pop_set_or_wait(Call& call, AttemptFn attempt) {
  if (has_waited(call)) return come_back(call);
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_seconds(call[call.size() - 1]));
  const KeyList keys = keys_between(call.session().database(), call.arguments(), 1, call.size() - 1);
  return answer_or_wait(call, keys, keys.size(),
                        {.attempt = attempt, .type = SortedSet::kType, .timeout_ns = timeout_ns});
}

// "timeout numkeys key [key ...] <MIN | MAX> [COUNT count]"

Result<bool> try_pop_scored(const Attempt& attempt, Sink& answer) {
  STAVE_ASSIGN(const SetPop pop_set_or_wait, parse_set_pop(attempt.arguments, 2));
  const KeyList keys = keys_between(attempt.database, attempt.arguments, pop_set_or_wait.first_key,
                                    pop_set_or_wait.first_key + pop_set_or_wait.keys);
  STAVE_ASSIGN(const auto key, first_of_keys(attempt, keys, SortedSet::kType));
  if (!key) return false;
  KeptElements taken;
  STAVE_TRY(take(attempt.transaction, *key, pop_set_or_wait.end, pop_set_or_wait.count, taken));
  answer_popped(answer, key->key, taken);
  return true;
}

}  // namespace

Result<void> bzpopmin_command(Call& call) {
  return pop_set_or_wait(call, try_pop_min);
}
Result<void> bzpopmax_command(Call& call) {
  return pop_set_or_wait(call, try_pop_max);
}

Result<void> bzmpop_command(Call& call) {
  if (has_waited(call)) return come_back(call);
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_seconds(call[1]));
  STAVE_ASSIGN(const SetPop pop_set_or_wait, parse_set_pop(call.arguments(), 2));
  const KeyList keys = keys_between(call.session().database(), call.arguments(), pop_set_or_wait.first_key,
                                    pop_set_or_wait.first_key + pop_set_or_wait.keys);
  return answer_or_wait(call, keys, keys.size(),
                        {.attempt = try_pop_scored, .type = SortedSet::kType, .timeout_ns = timeout_ns});
}

}  // namespace stave::commands
