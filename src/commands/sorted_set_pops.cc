#include "commands/sorted_set_pops.h"

#include <algorithm>
#include <string>

#include "base/try.h"
#include "commands/errors.h"
#include "commands/text.h"
#include "types/string/number.h"

namespace stave::commands {
namespace {

Result<std::uint64_t> positive(std::string_view text, std::string_view name) {
  const auto number = types::parse_integer(text);
  if (!number || *number < 1) return answer_error("ERR " + std::string(name) + " should be greater than 0");
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

void take_from_set(types::sorted_set::Editor& set, SetEnd end, std::uint64_t count, KeptElements& taken) {
  const std::uint64_t size = set.size();
  count = std::min(count, size);
  if (end == SetEnd::kMin) {
    set.visit(0, count, keep_in(taken));
    set.erase(0, count);
  } else {
    set.visit_backwards(size - count, size, keep_in(taken));
    set.erase(size - count, count);
  }
}

Result<SetPop> parse_set_pop(Arguments arguments, std::size_t at) {
  SetPop pop{.first_key = at + 1};
  STAVE_ASSIGN(const std::uint64_t keys, positive(arguments[at], "numkeys"));
  if (keys >= arguments.size() - pop.first_key) return syntax_error();
  pop.keys = static_cast<std::size_t>(keys);
  std::size_t i = pop.first_key + pop.keys;
  if (same_word(arguments[i], "MAX")) {
    pop.end = SetEnd::kMax;
  } else if (!same_word(arguments[i], "MIN")) {
    return syntax_error();
  }
  if (++i == arguments.size()) return pop;
  if (arguments.size() - i < 2 || !same_word(arguments[i], "COUNT")) return syntax_error();
  STAVE_ASSIGN(pop.count, positive(arguments[i + 1], "count"));
  if (arguments.size() - i != 2) return syntax_error();
  return pop;
}

void answer_popped(Sink& reply, std::string_view key, const KeptElements& taken) {
  reply.array(2);
  reply.bulk(key);
  reply.array(taken.size());
  for (const KeptElement& element : taken) {
    reply.array(2);
    reply.bulk(element.member);
    reply.real(element.score);
  }
}

}  // namespace stave::commands
