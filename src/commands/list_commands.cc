#include "commands/list_commands.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/list_elements.h"
#include "commands/one_collection.h"
#include "types/string/number.h"

namespace stave::commands {

using store::List;

namespace {

using ListReader = types::list::Reader;
using OpenedList = store::Opened<List>;

/// Argument `i` as a number that is not negative. Errors: `why`, whatever is wrong with it.
Result<std::uint64_t> count_argument(const Call& call, std::size_t i, std::string_view why) {
  const auto count = types::parse_integer(call[i]);
  if (!count || *count < 0) return answer_error("ERR " + std::string(why));
  return static_cast<std::uint64_t>(*count);
}

Result<void> push(Call& call, ListEnd end, bool create) {
  const auto elements = call.arguments().subspan(2);
  std::uint64_t size = 0;
  const auto change = [&](OpenedList& list) -> Result<void> {
    size = 0;
    if (!create && !list.existed()) return {};
    STAVE_TRY(check_room(list.reader(), elements.size()));
    push_elements(list.editor(), end, elements);
    size = list.reader().size();
    return {};
  };
  STAVE_TRY(change_one<List>(call, 1, change));
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

Result<void> pop_one(Call& call, ListEnd end) {
  std::optional<std::string> element;
  const auto change = [&](OpenedList& list) -> Result<void> {
    element.reset();
    const std::uint64_t size = list.reader().size();
    if (size == 0) return {};
    const std::uint64_t place = range_at(end, 1, size).from;
    element.emplace(list.reader().at(place).view());
    list.editor().erase(place, 1);
    return {};
  };
  STAVE_TRY(change_one<List>(call, 1, change));
  if (element) {
    call.reply().bulk(*element);
  } else {
    call.reply().null();
  }
  return {};
}

Result<void> pop(Call& call, ListEnd end) {
  if (call.size() == 2) return pop_one(call, end);
  STAVE_ASSIGN(const std::uint64_t count, count_argument(call, 2, "value is out of range, must be positive"));
  TakenElements taken;
  bool existed = false;
  const auto change = [&](OpenedList& list) -> Result<void> {
    existed = list.existed();
    taken.clear();
    take_elements(list.editor(), end, count, taken);
    return {};
  };
  STAVE_TRY(change_one<List>(call, 1, change));
  if (existed) {
    taken.answer(call.reply());
  } else {
    call.reply().null_array();
  }
  return {};
}

/// What LPOS was asked for.
struct ElementSearch {
  std::uint64_t rank = 1;  ///< Which of the matches is the first to tell of.
  bool backwards = false;
  std::optional<std::uint64_t> count;  ///< 0: all of them.
  std::uint64_t length = 0;            ///< How many elements to compare; 0: all.
};

Result<void> take_rank(const Call& call, std::size_t i, ElementSearch& search) {
  STAVE_ASSIGN(const std::int64_t rank, integer_argument(call, i));
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  if (rank == kLeast)
    return answer_error("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  if (rank == 0)
    return answer_error(
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start "
        "from the end of the list");
  search.backwards = rank < 0;
  search.rank = static_cast<std::uint64_t>(rank < 0 ? -rank : rank);
  return {};
}

Result<ElementSearch> parse_search(const Call& call) {
  ElementSearch search;
  for (std::size_t i = 3; i < call.size(); i += 2) {
    if (i + 1 == call.size()) return syntax_error();
    if (call.is(i, "RANK")) {
      STAVE_TRY(take_rank(call, i + 1, search));
    } else if (call.is(i, "COUNT")) {
      STAVE_ASSIGN(search.count, count_argument(call, i + 1, "COUNT can't be negative"));
    } else if (call.is(i, "MAXLEN")) {
      STAVE_ASSIGN(search.length, count_argument(call, i + 1, "MAXLEN can't be negative"));
    } else {
      return syntax_error();
    }
  }
  return search;
}

std::vector<std::uint64_t> places_found(const ListReader& list, std::string_view element, const ElementSearch& search) {
  std::vector<std::uint64_t> places;
  const std::uint64_t wanted = search.count.value_or(1);
  std::uint64_t matches = 0;
  const auto found = [&](std::uint64_t place) {
    if (++matches >= search.rank) places.push_back(place);
    return wanted == 0 || places.size() < wanted;
  };
  const std::uint64_t size = list.size();
  const std::uint64_t compared = search.length == 0 ? size : std::min(search.length, size);
  if (search.backwards) {
    list.find_backwards(element, size - compared, size, found);
  } else {
    list.find(element, 0, compared, found);
  }
  return places;
}

}  // namespace

Result<void> lpush_command(Call& call) {
  return push(call, ListEnd::kLeft, true);
}
Result<void> rpush_command(Call& call) {
  return push(call, ListEnd::kRight, true);
}
Result<void> lpushx_command(Call& call) {
  return push(call, ListEnd::kLeft, false);
}
Result<void> rpushx_command(Call& call) {
  return push(call, ListEnd::kRight, false);
}
Result<void> lpop_command(Call& call) {
  return pop(call, ListEnd::kLeft);
}
Result<void> rpop_command(Call& call) {
  return pop(call, ListEnd::kRight);
}

Result<void> llen_command(Call& call) {
  std::uint64_t size = 0;
  const auto look = [&](const ListReader* list) -> Result<void> {
    if (list != nullptr) size = list->size();
    return {};
  };
  STAVE_TRY(look_at_one<List>(call, 1, look));
  call.reply().integer(static_cast<std::int64_t>(size));
  return {};
}

// The place is looked at last: of a key that is not there, any text is one.
Result<void> lindex_command(Call& call) {
  const auto index = types::parse_integer(call[2]);
  std::optional<std::string> found;
  const auto look = [&](const ListReader* list) -> Result<void> {
    if (list != nullptr && !index) return not_an_integer();
    if (const auto place = list != nullptr ? place_of(*index, list->size()) : std::nullopt)
      found.emplace(list->at(*place).view());
    return {};
  };
  STAVE_TRY(look_at_one<List>(call, 1, look));
  if (found) {
    call.reply().bulk(*found);
  } else {
    call.reply().null();
  }
  return {};
}

Result<void> lrange_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t first, integer_argument(call, 2));
  STAVE_ASSIGN(const std::int64_t last, integer_argument(call, 3));
  TakenElements found;
  const auto look = [&](const ListReader* list) -> Result<void> {
    const PlaceRange range = list != nullptr ? range_of(first, last, list->size()) : PlaceRange{};
    const auto take = [&](std::string_view element) {
      found.add(element);
      return true;
    };
    if (range.size() != 0) list->visit(range.from, range.to, take);
    return {};
  };
  STAVE_TRY(look_at_one<List>(call, 1, look));
  found.answer(call.reply());
  return {};
}

Result<void> lpos_command(Call& call) {
  STAVE_ASSIGN(const ElementSearch search, parse_search(call));
  std::vector<std::uint64_t> places;
  const auto show = [&](const ListReader* list) -> Result<void> {
    if (list != nullptr) places = places_found(*list, call[2], search);
    return {};
  };
  STAVE_TRY(look_at_one<List>(call, 1, show));
  Sink& reply = call.reply();
  if (search.count) {
    reply.array(places.size());
    for (const std::uint64_t place : places) reply.integer(static_cast<std::int64_t>(place));
  } else if (places.empty()) {
    reply.null();
  } else {
    reply.integer(static_cast<std::int64_t>(places[0]));
  }
  return {};
}

Result<void> lset_command(Call& call) {
  const auto index = types::parse_integer(call[2]);
  const auto change = [&](OpenedList& list) -> Result<void> {
    if (!list.existed()) return no_such_key();
    if (!index) return not_an_integer();
    const auto place = place_of(*index, list.reader().size());
    if (!place) return answer_error("ERR index out of range");
    list.editor().set(*place, call[3]);
    return {};
  };
  STAVE_TRY(change_one<List>(call, 1, change));
  call.reply().status("OK");
  return {};
}

Result<void> linsert_command(Call& call) {
  const bool after = call.is(2, "AFTER");
  if (!after && !call.is(2, "BEFORE")) return syntax_error();
  std::int64_t answer = 0;
  const auto change = [&](OpenedList& list) -> Result<void> {
    std::optional<std::uint64_t> pivot;
    const auto found = [&](std::uint64_t place) {
      pivot = place;
      return false;
    };
    const ListReader& reader = list.reader();
    reader.find(call[3], 0, reader.size(), found);
    answer = list.existed() ? -1 : 0;
    if (!pivot) return {};
    STAVE_TRY(check_room(reader, 1));
    list.editor().insert(*pivot + (after ? 1 : 0), call[4]);
    answer = static_cast<std::int64_t>(reader.size());
    return {};
  };
  STAVE_TRY(change_one<List>(call, 1, change));
  call.reply().integer(answer);
  return {};
}

Result<void> lrem_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t count, integer_argument(call, 2));
  std::uint64_t removed = 0;
  const auto change = [&](OpenedList& list) -> Result<void> {
    constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
    if (count < 0) {
      removed = list.editor().remove_last(call[3], std::uint64_t{0} - static_cast<std::uint64_t>(count));
    } else {
      removed = list.editor().remove_first(call[3], count == 0 ? kAll : static_cast<std::uint64_t>(count));
    }
    return {};
  };
  STAVE_TRY(change_one<List>(call, 1, change));
  call.reply().integer(static_cast<std::int64_t>(removed));
  return {};
}

Result<void> ltrim_command(Call& call) {
  STAVE_ASSIGN(const std::int64_t first, integer_argument(call, 2));
  STAVE_ASSIGN(const std::int64_t last, integer_argument(call, 3));
  const auto change = [&](OpenedList& list) -> Result<void> {
    const std::uint64_t size = list.reader().size();
    const PlaceRange kept = range_of(first, last, size);
    list.editor().erase(kept.to, size - kept.to);
    list.editor().erase(0, kept.from);
    return {};
  };
  STAVE_TRY(change_one<List>(call, 1, change));
  call.reply().status("OK");
  return {};
}

}  // namespace stave::commands
