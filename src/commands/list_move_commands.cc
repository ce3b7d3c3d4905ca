#include "commands/list_move_commands.h"

#include <array>
#include <optional>
#include <vector>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/key_list.h"
#include "commands/list_elements.h"
#include "commands/list_pops.h"

namespace stave::commands {

using store::KeyRef;
using store::List;

namespace {

/// The same of arguments 1 and 2.
Result<std::optional<std::vector<std::string_view>>> move_elements(Call& call, const ListMove& move,
                                                                   TakenElements& taken) {
  const std::array<KeyRef, 2> keys = {call.key(1), call.key(2)};
  Part part(call.session(), keys);
  STAVE_ASSIGN(auto moved, move_elements(part.transaction(), keys[0], keys[1], move, taken));
  STAVE_TRY(call.commit(part));
  return moved;
}

Result<void> move_one(Call& call, ListEnd from, ListEnd to) {
  TakenElements taken;
  STAVE_ASSIGN(const auto moved, move_elements(call, {.from = from, .to = to}, taken));
  if (moved) {
    STAVE_ASSERT(moved->size() == 1);
    call.reply().bulk(moved->front());
  } else {
    call.reply().null();
  }
  return {};
}

}  // namespace

Result<void> lmove_command(Call& call) {
  STAVE_ASSIGN(const ListEnd from, end_argument(call, 3));
  STAVE_ASSIGN(const ListEnd to, end_argument(call, 4));
  return move_one(call, from, to);
}

Result<void> rpoplpush_command(Call& call) {
  return move_one(call, ListEnd::kRight, ListEnd::kLeft);
}

Result<void> lmovem_command(Call& call) {
  ListMove move;
  STAVE_ASSIGN(move.from, end_argument(call, 3));
  STAVE_ASSIGN(move.to, end_argument(call, 4));
  if (call.size() != 5) {
    if (call.size() != 8) return syntax_error();
    move.exactly = call.is(5, "EXACTLY");
    if (!move.exactly && !call.is(5, "COUNT")) return syntax_error();
    STAVE_ASSIGN(move.count, parse_positive(call[6], "count should be greater than 0"));
    move.keep_order = call.is(7, "BULK");
    if (!move.keep_order && !call.is(7, "OBO")) return syntax_error();
  }
  TakenElements taken;
  STAVE_ASSIGN(const auto moved, move_elements(call, move, taken));
  Sink& reply = call.reply();
  if (!moved && move.exactly) {
    reply.null_array();
    return {};
  }
  reply.array(moved ? moved->size() : 0);
  if (moved)
    for (const std::string_view element : *moved) reply.bulk(element);
  return {};
}

Result<void> lmpop_command(Call& call) {
  STAVE_ASSIGN(const ListPop pop, parse_list_pop(call.arguments(), 1));
  KeyList keys;
  for (std::size_t i = 0; i < pop.keys; ++i) keys.push_back(call.key(pop.first_key + i));
  Part part(call.session(), keys);
  TakenElements taken;
  std::optional<std::string_view> from;
  for (const KeyRef& key : keys) {
    const auto held = part.find(key, store::Access::kMeta);
    if (!held) continue;
    if (held->type != List::kType) return wrong_type();
    STAVE_TRY(take_from_list(part.transaction(), key, pop.end, pop.count, taken));
    from = key.key;
    break;
  }
  STAVE_TRY(call.commit(part));
  Sink& reply = call.reply();
  if (from) {
    reply.array(2);
    reply.bulk(*from);
    taken.answer(reply);
  } else {
    reply.null_array();
  }
  return {};
}

}  // namespace stave::commands
