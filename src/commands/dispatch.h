// From arguments to an answer: find the row, check arity, access and state, run, spell the error, keep the books.
#pragma once

#include "commands/call.h"
#include "commands/table.h"

namespace stave::commands {

/// Runs one command and writes exactly one answer to `reply` (none while CLIENT REPLY says so: the sink is not called).
/// What the answer must wait for is merged into the session's pending. Never throws.
void dispatch(Session& session, Arguments arguments, Sink& reply);

/// Whether this call must wait until `environment().pause().until_ns` (CLIENT PAUSE). Doors ask when `pausing()`.
bool must_pause(Session& session, Arguments arguments) noexcept;

/// Brings what the command's keys will need towards the cache: stage 0 the buckets, stage 1 the entries.
/// Called over a whole pipeline before it is executed. Unknown commands and keyless ones do nothing.
void prefetch(Session& session, Arguments arguments, int stage) noexcept;

}  // namespace stave::commands
