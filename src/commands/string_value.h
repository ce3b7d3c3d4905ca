// A key's string in a command that computes with its bytes: looked at without keeping its lock for long, and changed.
//
// Must not know: what the bytes mean.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "commands/call.h"
#include "commands/collection.h"
#include "commands/errors.h"
#include "commands/kept_value.h"
#include "store/value.h"

namespace stave::commands {

/// Shows what argument `i`'s key holds, once: `std::optional<std::string_view>`, empty when the key is not there. A
/// large string is shown when the key's lock was given back. Answer afterwards. Errors: WRONGTYPE, those of a read.
template <class Show>
Result<void> look_at_string(Call& call, std::size_t i, Show&& show) {
  bool other = false;
  bool found = false;
  bool shown = false;
  KeptValue large;
  const auto look = [&](const store::ValueView* held) {
    if (held == nullptr) return;
    found = true;
    other = held->type != store::ValueType::kString;
    if (other) return;
    if (held->block != nullptr) {
      large = KeptValue(*held);
    } else {
      show(std::optional<std::string_view>(held->value));
      shown = true;
    }
  };
  STAVE_TRY(call.wait_for(call.read(call.key(i), call.session().read_access(), look)));
  if (other) return wrong_type();
  if (!shown) show(found ? std::optional<std::string_view>(large.view()) : std::nullopt);
  count_lookup(call, found);
  return {};
}

/// The key is to hold `value`, which lives as long as what it holds now (`held`, null: nothing) was to.
inline store::Update keep_string(std::string_view value, const store::ValueView* held) noexcept {
  return {.what = store::Update::What::kPut, .value = value, .expiry = held != nullptr ? held->expiry : Expiry{}};
}

}  // namespace stave::commands
