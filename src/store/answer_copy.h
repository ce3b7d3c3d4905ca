// Bytes that are put together to be shown and belong to no key, and their memory.
//
// Promises: it counts as the clients' (budget.h), from before it is taken until the last who shares it is done; it is
// refused when they may have no more, unless they have hardly anything. Must not know: what is in it, who is shown it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keyspace/block.h"
#include "keyspace/chunk_source.h"
#include "store/budget.h"
#include "store/transaction.h"

namespace stave::store {

/// A block of so many bytes of any content; null when there is no room, or no memory. `memory` and `budget` outlive
/// all its shares. It must not become a key's value.
[[nodiscard]] keyspace::Block make_answer_copy(keyspace::ChunkSource& memory, Budget& budget,
                                               std::size_t bytes) noexcept;

/// Puts `count` bytes of a string in pages together, from `at` on, which it has: in such memory, few of them as text.
/// `paged`, its root as it is kept, is no part of the store. Errors: as of TransactionPages::failure; kNoMemory. Throws
/// std::bad_alloc.
Result<void> copy_of_string(Transaction& transaction, std::string_view paged, std::uint64_t at, std::size_t count,
                            LoadedValue& to);

}  // namespace stave::store
