// Commands that take as long as a fast one, although Redis does not call them so (SET, SETEX, DEL of one key).
//
// Of fast commands one call in CallCounters::kSampling is timed, because reading the clock would cost some of them a
// tenth of their time; the same goes for these. `kFast` is what COMMAND and the access categories show, and stays what
// clients know. Promises: a brief command that has much to do after all (a large value, many keys) calls
// Call::start_watch. Must not know: what the commands do.
#pragma once

#include <cstdint>

#include "commands/table.h"

namespace stave::commands {

/// A flag of a row that no client is shown; beyond all of CommandFlag.
inline constexpr std::uint32_t kBrief = std::uint32_t{1} << 30;

/// Whether a call of the row is timed only now and then.
constexpr bool is_quick(const Command& row) noexcept {
  return (row.flags & (kFast | kBrief)) != 0;
}

}  // namespace stave::commands
