#include "commands/blocking_list_commands.h"

#include <array>

#include "base/try.h"
#include "commands/key_list.h"
#include "commands/list_pops.h"
#include "commands/waiting/first_of_keys.h"
#include "commands/waiting/wait.h"
#include "store/collection.h"

namespace stave::commands {

using store::KeyRef;

namespace {

// "key [key ...] timeout"

Result<bool> try_pop(const Attempt& attempt, Sink& answer, ListEnd end) {
  const KeyList keys = keys_between(attempt.database, attempt.arguments, 1, attempt.arguments.size() - 1);
  STAVE_ASSIGN(const auto key, first_of_keys(attempt, keys, store::List::kType));
  if (!key) return false;
  TakenElements taken;
  STAVE_TRY(take_from_list(attempt.transaction, *key, end, 1, taken));
  if (taken.size() == 0) return false;  // it could not be read: the commit says why
  answer.array(2);
  answer.bulk(key->key);
  answer.bulk(taken[0]);
  return true;
}
Result<bool> try_left_pop(const Attempt& attempt, Sink& answer) {
  return try_pop(attempt, answer, ListEnd::kLeft);
}
Result<bool> try_right_pop(const Attempt& attempt, Sink& answer) {
  return try_pop(attempt, answer, ListEnd::kRight);
}

Result<void> pop_list_or_wait(Call& call, AttemptFn attempt) {
  if (has_waited(call)) return come_back(call);
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_seconds(call[call.size() - 1]));
  const KeyList keys = keys_between(call.session().database(), call.arguments(), 1, call.size() - 1);
  return answer_or_wait(call, keys, keys.size(), {.attempt = attempt, .timeout_ns = timeout_ns});
}

// "timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]"

Result<bool> try_pop_elements(const Attempt& attempt, Sink& answer) {
  STAVE_ASSIGN(const ListPop pop_list_or_wait, parse_list_pop(attempt.arguments, 2));
  const KeyList keys = keys_between(attempt.database, attempt.arguments, pop_list_or_wait.first_key,
                                    pop_list_or_wait.first_key + pop_list_or_wait.keys);
  STAVE_ASSIGN(const auto key, first_of_keys(attempt, keys, store::List::kType));
  if (!key) return false;
  TakenElements taken;
  STAVE_TRY(take_from_list(attempt.transaction, *key, pop_list_or_wait.end, pop_list_or_wait.count, taken));
  answer.array(2);
  answer.bulk(key->key);
  taken.answer(answer);
  return true;
}

// "source destination ..."

Result<bool> try_move(const Attempt& attempt, Sink& answer, const ListMove& move) {
  TakenElements taken;
  STAVE_ASSIGN(const auto moved, move_elements(attempt.transaction, attempt.key(1), attempt.key(2), move, taken));
  if (!moved || moved->empty()) return false;
  answer.bulk(moved->front());
  return true;
}
Result<bool> try_blmove(const Attempt& attempt, Sink& answer) {
  STAVE_ASSIGN(const ListEnd from, parse_list_end(attempt.arguments[3]));
  STAVE_ASSIGN(const ListEnd to, parse_list_end(attempt.arguments[4]));
  return try_move(attempt, answer, {.from = from, .to = to});
}
Result<bool> try_brpoplpush(const Attempt& attempt, Sink& answer) {
  return try_move(attempt, answer, {.from = ListEnd::kRight, .to = ListEnd::kLeft});
}

Result<void> move(Call& call, AttemptFn attempt, std::uint64_t timeout_ns) {
  const std::array<KeyRef, 2> keys = {call.key(1), call.key(2)};
  return answer_or_wait(call, keys, 1, {.attempt = attempt, .timeout_ns = timeout_ns, .at_once = WhenNot::kNull});
}

}  // namespace

Result<void> blpop_command(Call& call) {
  return pop_list_or_wait(call, try_left_pop);
}
Result<void> brpop_command(Call& call) {
  return pop_list_or_wait(call, try_right_pop);
}

Result<void> blmpop_command(Call& call) {
  if (has_waited(call)) return come_back(call);
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_seconds(call[1]));
  STAVE_ASSIGN(const ListPop pop_list_or_wait, parse_list_pop(call.arguments(), 2));
  const KeyList keys = keys_between(call.session().database(), call.arguments(), pop_list_or_wait.first_key,
                                    pop_list_or_wait.first_key + pop_list_or_wait.keys);
  return answer_or_wait(call, keys, keys.size(), {.attempt = try_pop_elements, .timeout_ns = timeout_ns});
}

Result<void> blmove_command(Call& call) {
  if (has_waited(call)) return come_back(call);
  STAVE_TRY(parse_list_end(call[3]));
  STAVE_TRY(parse_list_end(call[4]));
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_seconds(call[5]));
  return move(call, try_blmove, timeout_ns);
}

Result<void> brpoplpush_command(Call& call) {
  if (has_waited(call)) return come_back(call);
  STAVE_ASSIGN(const std::uint64_t timeout_ns, timeout_in_seconds(call[3]));
  return move(call, try_brpoplpush, timeout_ns);
}

}  // namespace stave::commands
