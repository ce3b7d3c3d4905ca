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

/// Brings the bucket of the key in argument 1 towards the cache and returns that key's hash; 0 for commands without one
/// there and unknown ones. Called over a whole pipeline before it is executed, followed by `Engine::prefetch_entry`
/// over the same. (Commands with many keys prefetch the rest themselves, and better.)
std::uint64_t prefetch(Session& session, Arguments arguments) noexcept;

/// Appends the keys whose values this command will want to look at: a door whose threads must not wait for the disk has
/// the engine fetch them first. The bytes are the arguments'.
void keys_needed(Session& session, Arguments arguments, std::vector<store::KeyRef>& keys);

}  // namespace stave::commands
