#include "commands/sorted_set_pop_commands.h"

#include <cstdint>
#include <optional>

#include "base/try.h"
#include "commands/arguments.h"
#include "commands/collection.h"
#include "commands/key_list.h"
#include "commands/one_collection.h"
#include "commands/sorted_set_elements.h"
#include "commands/sorted_set_pops.h"
#include "types/string/number.h"

namespace stave::commands {

using store::Opened;
using store::SortedSet;

namespace {

Result<void> pop(Call& call, SetEnd end) {
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
    take_from_set(opened.editor(), end, static_cast<std::uint64_t>(count), taken);
    return {};
  };
  STAVE_TRY(change_one<SortedSet>(call, 1, change));
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

}  // namespace

Result<void> zpopmin_command(Call& call) {
  return pop(call, SetEnd::kMin);
}
Result<void> zpopmax_command(Call& call) {
  return pop(call, SetEnd::kMax);
}

Result<void> zmpop_command(Call& call) {
  STAVE_ASSIGN(const SetPop pop, parse_set_pop(call.arguments(), 1));
  KeyList keys;
  for (std::size_t i = 0; i < pop.keys; ++i) keys.push_back(call.key(pop.first_key + i));
  Part part(call.session(), keys);
  KeptElements taken;
  std::optional<std::string_view> from;
  for (const store::KeyRef& key : keys) {
    STAVE_ASSIGN(auto opened, store::open_collection<SortedSet>(part, key));
    if (!opened.existed()) continue;
    take_from_set(opened.editor(), pop.end, pop.count, taken);
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
  answer_popped(reply, *from, taken);
  return {};
}

}  // namespace stave::commands
