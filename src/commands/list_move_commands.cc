#include "commands/list_move_commands.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/key_list.h"
#include "commands/list_elements.h"
#include "types/string/number.h"

namespace stave::commands {

using store::KeyRef;
using store::List;

namespace {

using OpenedList = store::Opened<List>;

/// What is to go from one end to another.
struct Move {
  ListEnd from = ListEnd::kLeft;
  ListEnd to = ListEnd::kLeft;
  std::uint64_t count = 1;
  bool exactly = false;     ///< So many or none.
  bool keep_order = false;  ///< They stand as they stood; else one goes after another.
};

/// The elements in the order in which they stand then.
std::vector<std::string_view> as_they_stand(const TakenElements& taken, const Move& move) {
  std::vector<std::string_view> elements(taken.size());
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = taken[i];
  // From the right they were taken last first; to the left, the one put there last comes to stand first.
  const bool reversed = move.keep_order ? move.from == ListEnd::kRight : move.to == ListEnd::kLeft;
  if (reversed) std::ranges::reverse(elements);
  return elements;
}

void put_to_end(types::list::Editor& list, ListEnd end, std::span<const std::string_view> elements) {
  list.insert(end == ListEnd::kLeft ? 0 : list.size(), elements, types::list::Order::kGiven);
}

/// Moves elements of argument 1's list to argument 2's, and says which, in the order in which they stand there;
/// nullopt: the source is not there, or has too few. The target is looked at only when something is moved.
Result<std::optional<std::vector<std::string_view>>> move_elements(Call& call, const Move& move, TakenElements& taken) {
  const std::array<KeyRef, 2> keys = {call.key(1), call.key(2)};
  Part part(call.session(), keys);
  std::optional<std::vector<std::string_view>> moved;
  STAVE_ASSIGN(OpenedList source, (store::open_collection<List>(part, keys[0])));
  const bool enough = source.existed() && (!move.exactly || source.reader().size() >= move.count);
  if (enough && call[1] == call[2]) {
    take_elements(source.editor(), move.from, move.count, taken);
    put_to_end(source.editor(), move.to, moved.emplace(as_they_stand(taken, move)));
    STAVE_TRY(store::keep_collection(part, keys[0], source));
  } else if (enough) {
    STAVE_ASSIGN(OpenedList target, (store::open_collection<List>(part, keys[1])));
    STAVE_TRY(check_room(target.reader(), std::min(move.count, source.reader().size())));
    take_elements(source.editor(), move.from, move.count, taken);
    put_to_end(target.editor(), move.to, moved.emplace(as_they_stand(taken, move)));
    // What grows first: what shrinks is never refused, nor is what follows it then.
    STAVE_TRY(store::keep_collection(part, keys[1], target));
    STAVE_TRY(store::keep_collection(part, keys[0], source));
  }
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

/// Argument `i` as a number from 1 on. Errors: `why`, whatever is wrong with it.
Result<std::uint64_t> positive_argument(const Call& call, std::size_t i, std::string_view why) {
  const auto count = types::parse_integer(call[i]);
  if (!count || *count < 1) return answer_error("ERR " + std::string(why));
  return static_cast<std::uint64_t>(*count);
}

constexpr std::string_view kCountTooLow = "count should be greater than 0";

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
  Move move;
  STAVE_ASSIGN(move.from, end_argument(call, 3));
  STAVE_ASSIGN(move.to, end_argument(call, 4));
  if (call.size() != 5) {
    if (call.size() != 8) return syntax_error();
    move.exactly = call.is(5, "EXACTLY");
    if (!move.exactly && !call.is(5, "COUNT")) return syntax_error();
    STAVE_ASSIGN(move.count, positive_argument(call, 6, kCountTooLow));
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
  STAVE_ASSIGN(const std::uint64_t count_of_keys, positive_argument(call, 1, "numkeys should be greater than 0"));
  if (count_of_keys >= call.size() - 2) return syntax_error();
  const std::size_t behind = 2 + static_cast<std::size_t>(count_of_keys);
  STAVE_ASSIGN(const ListEnd end, end_argument(call, behind));
  std::optional<std::uint64_t> count;
  for (std::size_t i = behind + 1; i < call.size(); i += 2) {
    if (count || i + 1 == call.size() || !call.is(i, "COUNT")) return syntax_error();
    STAVE_ASSIGN(count, positive_argument(call, i + 1, kCountTooLow));
  }
  KeyList keys;
  for (std::size_t i = 2; i < behind; ++i) keys.push_back(call.key(i));
  Part part(call.session(), keys);
  TakenElements taken;
  std::optional<std::string_view> from;
  for (const KeyRef& key : keys) {
    const auto held = part.find(key, store::Access::kMeta);
    if (!held) continue;
    if (held->type != List::kType) return wrong_type();
    STAVE_ASSIGN(OpenedList list, (store::open_collection<List>(part, key)));
    take_elements(list.editor(), end, count.value_or(1), taken);
    part.excuse();
    STAVE_TRY(store::keep_collection(part, key, list));
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
