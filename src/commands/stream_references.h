// What becomes of an entry that groups still have pending, when it is to be deleted.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "commands/text.h"
#include "types/stream/stream.h"

namespace stave::commands {

enum class References : std::uint8_t {
  kKeep,          ///< It goes, and stays pending (KEEPREF).
  kDrop,          ///< It goes, and is pending no more (DELREF).
  kAcknowledged,  ///< It goes only when every group was given it and has acknowledged it (ACKED).
};

/// nullopt: the word is none of the three.
inline std::optional<References> references_named(std::string_view word) noexcept {
  if (same_word(word, "KEEPREF")) return References::kKeep;
  if (same_word(word, "DELREF")) return References::kDrop;
  if (same_word(word, "ACKED")) return References::kAcknowledged;
  return std::nullopt;
}

/// Whether a group has not been given the entry yet, or has it pending.
bool is_referenced(const types::stream::Reader& stream, const types::stream::Id& id);
/// No group has it pending any more.
void drop_references(types::stream::Editor& stream, const types::stream::Id& id);

/// What Redis answers of each id that is to be deleted.
enum class Deleted : std::int8_t { kYes = 1, kNotThere = -1, kReferenced = 2 };
/// Deletes one entry; what the stream keeps count of is the caller's.
Deleted delete_entry(types::stream::Editor& stream, const types::stream::Id& id, References references);

}  // namespace stave::commands
