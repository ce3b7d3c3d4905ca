#include "commands/list_pops.h"

#include <algorithm>
#include <string>

#include "base/try.h"
#include "commands/text.h"
#include "store/collection.h"
#include "types/string/number.h"

namespace stave::commands {

using store::List;
using OpenedList = store::Opened<List>;

namespace {

/// The elements in the order in which they stand then.
std::vector<std::string_view> as_they_stand(const TakenElements& taken, const ListMove& move) {
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

}  // namespace

Result<std::optional<std::vector<std::string_view>>> move_elements(store::Transaction& transaction,
                                                                   store::KeyRef source_key, store::KeyRef target_key,
                                                                   const ListMove& move, TakenElements& taken) {
  std::optional<std::vector<std::string_view>> moved;
  STAVE_ASSIGN(OpenedList source, (store::open_collection<List>(transaction, source_key)));
  const bool enough = source.existed() && (!move.exactly || source.reader().size() >= move.count);
  if (!enough) return moved;
  if (source_key.key == target_key.key) {
    take_elements(source.editor(), move.from, move.count, taken);
    put_to_end(source.editor(), move.to, moved.emplace(as_they_stand(taken, move)));
    STAVE_TRY(store::keep_collection(transaction, source_key, source));
    return moved;
  }
  STAVE_ASSIGN(OpenedList target, (store::open_collection<List>(transaction, target_key)));
  STAVE_TRY(check_room(target.reader(), std::min(move.count, source.reader().size())));
  take_elements(source.editor(), move.from, move.count, taken);
  put_to_end(target.editor(), move.to, moved.emplace(as_they_stand(taken, move)));
  // What grows first: what shrinks is never refused, nor is what follows it then.
  STAVE_TRY(store::keep_collection(transaction, target_key, target));
  STAVE_TRY(store::keep_collection(transaction, source_key, source));
  return moved;
}

Result<void> take_from_list(store::Transaction& transaction, store::KeyRef key, ListEnd end, std::uint64_t count,
                            TakenElements& taken) {
  STAVE_ASSIGN(OpenedList list, (store::open_collection<List>(transaction, key)));
  take_elements(list.editor(), end, count, taken);
  transaction.excuse();
  return store::keep_collection(transaction, key, list);
}

Result<ListEnd> parse_list_end(std::string_view word) {
  if (same_word(word, "LEFT")) return ListEnd::kLeft;
  if (same_word(word, "RIGHT")) return ListEnd::kRight;
  return syntax_error();
}

Result<std::uint64_t> parse_positive(std::string_view text, std::string_view why) {
  const auto count = types::parse_integer(text);
  if (!count || *count < 1) return answer_error("ERR " + std::string(why));
  return static_cast<std::uint64_t>(*count);
}

Result<ListPop> parse_list_pop(Arguments arguments, std::size_t at) {
  ListPop pop{.first_key = at + 1};
  STAVE_ASSIGN(const std::uint64_t keys, parse_positive(arguments[at], "numkeys should be greater than 0"));
  if (keys >= arguments.size() - pop.first_key) return syntax_error();
  pop.keys = static_cast<std::size_t>(keys);
  const std::size_t behind = pop.first_key + pop.keys;
  STAVE_ASSIGN(pop.end, parse_list_end(arguments[behind]));
  bool counted = false;
  for (std::size_t i = behind + 1; i < arguments.size(); i += 2) {
    if (counted || i + 1 == arguments.size() || !same_word(arguments[i], "COUNT")) return syntax_error();
    STAVE_ASSIGN(pop.count, parse_positive(arguments[i + 1], "count should be greater than 0"));
    counted = true;
  }
  return pop;
}

}  // namespace stave::commands
