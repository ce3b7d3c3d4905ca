// What whoever runs the server wants to find in its log afterwards: who flushed, purged, had a backup made.
//
// Goes where the engine's notices go. In a program that embeds the store nothing is told: its calls are its own.
#pragma once

#include <string_view>

#include "commands/call.h"

namespace stave::commands {

/// "FLUSHALL by 127.0.0.1:51234 (client 7)"; `what` begins the sentence.
void tell_operator(Call& call, std::string_view what) noexcept;
/// The same of what takes nothing away and needs nobody's attention.
void inform_operator(Call& call, std::string_view what) noexcept;

}  // namespace stave::commands
