// Elements taken from the ends of sorted sets: what commands that wait do too.
#pragma once

#include <cstdint>
#include <string_view>

#include "commands/resolve.h"
#include "commands/sorted_set_elements.h"
#include "stave/error.h"

namespace stave::commands {

enum class SetEnd : std::uint8_t { kMin, kMax };

/// Takes `count` elements from one end, or all when there are no more, into `taken`.
void take_from_set(types::sorted_set::Editor& set, SetEnd end, std::uint64_t count, KeptElements& taken);

/// "numkeys key [key ...] <MIN | MAX> [COUNT count]".
struct SetPop {
  std::size_t first_key = 0;  ///< Of the arguments.
  std::size_t keys = 0;
  SetEnd end = SetEnd::kMin;
  std::uint64_t count = 1;
};
/// `at`: where the number of keys stands. Errors: as Redis spells them.
Result<SetPop> parse_set_pop(Arguments arguments, std::size_t at);

/// The key, and pairs of members and scores.
void answer_popped(Sink& reply, std::string_view key, const KeptElements& taken);

}  // namespace stave::commands
