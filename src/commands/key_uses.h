// What a call does with its keys and channels, one by one: what access lists decide by.
//
// Sources: the rows' `key_flags`, which are those of COMMAND's key specifications, and the few options that change
// them. Must not know: users, rules.
#pragma once

#include <cstddef>

#include "base/function_ref.h"
#include "commands/resolve.h"

namespace stave::commands {

/// What is done with one key. Neither: only whether it is there, or of which kind, is told.
struct KeyUse {
  std::size_t argument = 0;
  bool reads = false;
  bool writes = false;
};
/// Shows every key of a call whose arity fits. A key that is only named by an option is shown too.
void visit_key_uses(const Command& row, Arguments arguments, base::FunctionRef<void(const KeyUse&)> show);

struct ChannelUse {
  std::size_t argument = 0;
  bool pattern = false;  ///< It is a pattern itself (PSUBSCRIBE).
};
/// Shows every channel that a call listens to or sends to.
void visit_channel_uses(const Command& row, Arguments arguments, base::FunctionRef<void(const ChannelUse&)> show);

/// Shows the number of every database, besides the session's own, that a call names and that is a number.
void visit_database_uses(const Command& row, Arguments arguments, base::FunctionRef<void(std::size_t argument)> show);
/// Whether it tells of, or changes, the session's database.
[[nodiscard]] bool uses_database(const Command& row) noexcept;
/// Whether it tells of, or changes, all of them.
[[nodiscard]] bool uses_all_databases(const Command& row) noexcept;

}  // namespace stave::commands
