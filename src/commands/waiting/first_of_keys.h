// Several keys of which one is enough.
#pragma once

#include <optional>
#include <span>

#include "commands/errors.h"
#include "commands/waiting/attempt.h"

namespace stave::commands {

/// The first of the keys that holds that type; nullopt: none does. Errors: WRONGTYPE, of another type before it, when
/// it is asked for the first time: later what a key has become meanwhile is nobody's mistake.
inline Result<std::optional<store::KeyRef>> first_of_keys(const Attempt& attempt, std::span<const store::KeyRef> keys,
                                                          store::ValueType type) {
  for (const store::KeyRef& key : keys) {
    if (!attempt.may_look(key)) continue;
    const auto held = attempt.transaction.find(key, store::Access::kMeta);
    if (!held) continue;
    if (held->type == type) return key;
    if (!attempt.again) return wrong_type();
  }
  return std::nullopt;
}

}  // namespace stave::commands
