// Which row a call runs, found out once: by whoever parsed it, for everyone who asks.
//
// Promises: the same for the same words, whoever asks and whenever; what may change between asking and running (who is
// authenticated) is dispatch's to look at. Must not know: sessions, the store.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "commands/table.h"

namespace stave::commands {

using Arguments = std::span<const std::string_view>;

/// Small and without references to the arguments: a door keeps one beside each call.
struct Resolved {
  enum class Refusal : std::uint8_t { kNone, kEmpty, kUnknown, kUnknownSubcommand, kArity };

  const Command* row = nullptr;  ///< To run, or that refuses; nullptr: there is none of that name.
  Refusal refusal = Refusal::kUnknown;

  [[nodiscard]] bool runs() const noexcept { return refusal == Refusal::kNone; }
};

/// Cost: one probe of a perfect hash.
Resolved resolve(Arguments arguments) noexcept;

/// A call with what it resolved to. The bytes belong to the caller.
struct ResolvedCall {
  explicit ResolvedCall(Arguments words) noexcept : arguments(words), resolved(resolve(words)) {}
  Arguments arguments;
  Resolved resolved;
};

/// The line that says why a call is refused. `resolved` is what these arguments resolved to, and does not run.
std::string refusal_line(const Resolved& resolved, Arguments arguments);

}  // namespace stave::commands
