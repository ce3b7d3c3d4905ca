// Elements taken from the ends of lists within a transaction, whoever's it is: what commands that wait do too.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "commands/list_elements.h"
#include "store/transaction.h"

namespace stave::commands {

/// What is to go from one end to another.
struct ListMove {
  ListEnd from = ListEnd::kLeft;
  ListEnd to = ListEnd::kLeft;
  std::uint64_t count = 1;
  bool exactly = false;     ///< So many or none.
  bool keep_order = false;  ///< They stand as they stood; else one goes after another.
};

/// Moves elements of `source`'s list to `target`'s, and says which, in the order in which they stand there; nullopt:
/// the source is not there, or has too few. The target is looked at only when something is moved. Errors: WRONGTYPE,
/// and nothing was changed; those of a write.
Result<std::optional<std::vector<std::string_view>>> move_elements(store::Transaction& transaction,
                                                                   store::KeyRef source, store::KeyRef target,
                                                                   const ListMove& move, TakenElements& taken);

/// Takes elements from an end of the list of `key`, which holds one. Errors: those of a write.
Result<void> take_from_list(store::Transaction& transaction, store::KeyRef key, ListEnd end, std::uint64_t count,
                            TakenElements& taken);

/// "numkeys key [key ...] <LEFT | RIGHT> [COUNT count]".
struct ListPop {
  std::size_t first_key = 0;  ///< Of the arguments.
  std::size_t keys = 0;
  ListEnd end = ListEnd::kLeft;
  std::uint64_t count = 1;
};
/// `at`: where the number of keys stands. Errors: as Redis spells them.
Result<ListPop> parse_list_pop(Arguments arguments, std::size_t at);

/// LEFT or RIGHT. Errors: syntax.
Result<ListEnd> parse_list_end(std::string_view word);
/// A number from 1 on. Errors: `why`, whatever is wrong with it.
Result<std::uint64_t> parse_positive(std::string_view text, std::string_view why);

}  // namespace stave::commands
