#include "commands/sorted_set_pop_commands.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/key_list.h"
#include "commands/sorted_set_elements.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Opened;
using store::SortedSet;

namespace {

enum class End : std::uint8_t { kMin, kMax };

/// Takes `count` elements from one end, or all when there are no more, into `taken`.
void take(types::sorted_set::Editor& set, End end, std::uint64_t count, KeptElements& taken) {
  const std::uint64_t size = set.size();
  count = std::min(count, size);
  if (end == End::kMin) {
    set.visit(0, count, keep_in(taken));
    set.erase(0, count);
  } else {
    set.visit_backwards(size - count, size, keep_in(taken));
    set.erase(size - count, count);
  }
}

Result<void> pop(Call& call, End end) {
  if (call.size() > 3) return syntax_error();
  std::int64_t count = 1;
  if (call.size() == 3) {
    const auto number = types::parse_integer(call[2]);
    if (!number || *number < 0) return answer_error("ERR value is out of range, must be positive");
    count = *number;
  }
  KeptElements taken;
  const auto change = [&](Opened<SortedSet>& opened) -> Result<void> {
    taken.clear();
    take(opened.editor(), end, static_cast<std::uint64_t>(count), taken);
    return {};
  };
  STAVE_TRY(change_collection<SortedSet>(call, 1, change));
  Sink& reply = call.reply();
  if (call.size() == 3) {
    answer_elements(reply, taken, true);
    return {};
  }
  // Without a count there is one element at most, and nothing around it.
  reply.array(2 * taken.size());
  for (const KeptElement& element : taken) {
    reply.bulk(element.member);
    reply.real(element.score);
  }
  return {};
}

struct PopOfMany {
  std::size_t keys = 0;  ///< How many there are, from argument 2 on.
  End end = End::kMin;
  std::uint64_t count = 1;
};

Result<std::uint64_t> positive(const Call& call, std::size_t i, std::string_view name) {
  const auto number = types::parse_integer(call[i]);
  if (!number || *number < 1) return answer_error("ERR " + std::string(name) + " should be greater than 0");
  return static_cast<std::uint64_t>(*number);
}

Result<PopOfMany> parse(const Call& call) {
  PopOfMany pop;
  STAVE_ASSIGN(const std::uint64_t keys, positive(call, 1, "numkeys"));
  if (keys >= call.size() - 2) return syntax_error();
  pop.keys = keys;
  std::size_t i = 2 + pop.keys;
  if (call.is(i, "MAX")) {
    pop.end = End::kMax;
  } else if (!call.is(i, "MIN")) {
    return syntax_error();
  }
  if (++i == call.size()) return pop;
  if (call.size() - i < 2 || !call.is(i, "COUNT")) return syntax_error();
  STAVE_ASSIGN(pop.count, positive(call, i + 1, "count"));
  if (call.size() - i != 2) return syntax_error();
  return pop;
}

}  // namespace

Result<void> zpopmin_command(Call& call) {
  return pop(call, End::kMin);
}
Result<void> zpopmax_command(Call& call) {
  return pop(call, End::kMax);
}

Result<void> zmpop_command(Call& call) {
  STAVE_ASSIGN(const PopOfMany pop, parse(call));
  KeyList keys;
  for (std::size_t i = 0; i < pop.keys; ++i) keys.push_back(call.key(2 + i));
  Part part(call.session(), keys);
  KeptElements taken;
  std::optional<std::string_view> from;
  for (const store::KeyRef& key : keys) {
    STAVE_ASSIGN(auto opened, store::open_collection<SortedSet>(part, key));
    if (!opened.existed()) continue;
    take(opened.editor(), pop.end, pop.count, taken);
    STAVE_TRY(store::keep_collection(part, key, opened));
    from = key.key;
    break;
  }
  STAVE_TRY(call.commit(part));
  Sink& reply = call.reply();
  if (!from) {
    reply.null_array();
    return {};
  }
  reply.array(2);
  reply.bulk(*from);
  reply.array(taken.size());
  for (const KeptElement& element : taken) {
    reply.array(2);
    reply.bulk(element.member);
    reply.real(element.score);
  }
  return {};
}

}  // namespace stave::commands
