// Which calls a pause of writes (CLIENT PAUSE … WRITE) holds back: what changes keys, and what might.
//
// As in Redis: scripts and functions that do not say that they write nothing, and what would reach replicas besides
// (messages; PFCOUNT, which keeps its result). Must not know: sessions, sockets. Threads: any.
#pragma once

#include "commands/resolve.h"

namespace stave::commands {

class Environment;

/// `arguments` fit the row. O(size of the script), for a script.
[[nodiscard]] bool may_change(Environment& environment, const Command& row, Arguments arguments);

}  // namespace stave::commands
