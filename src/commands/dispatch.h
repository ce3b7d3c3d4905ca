// From arguments to an answer: find the row, check arity, access and state, run, spell the error, keep the books.
//
// A call is resolved once (resolve.h), by whoever parsed it; what a door asks about it before it runs goes by that.
#pragma once

#include "commands/call.h"
#include "commands/resolve.h"
#include "commands/table.h"

namespace stave::commands {

/// Runs one command and writes exactly one answer to `reply` (none while CLIENT REPLY says so: the sink is not called).
/// What the answer must wait for is merged into the session's pending. Never throws. `resolved` is what `resolve` said
/// of the same arguments.
void dispatch(Session& session, const Resolved& resolved, Arguments arguments, Sink& reply);
/// The same for callers that have asked nothing before.
void dispatch(Session& session, Arguments arguments, Sink& reply);

/// Whether this call must wait until `environment().pause().until_ns` (CLIENT PAUSE). Doors ask when `pausing()`.
bool must_pause(Session& session, const Resolved& resolved, Arguments arguments);

/// Brings the bucket of the key in argument 1 towards the cache and returns that key's hash; 0 for calls without one
/// there and those that will be refused. Called over a whole pipeline before it is executed, followed by
/// `Engine::prefetch_entry` over the same. (Commands with many keys prefetch the rest themselves, and better.)
std::uint64_t prefetch(Session& session, const Resolved& resolved, Arguments arguments) noexcept;

/// Appends the keys whose values this call will want to look at: a door whose threads must not wait for the disk has
/// the engine fetch them first. The bytes are the arguments'.
void keys_needed(Session& session, const Resolved& resolved, Arguments arguments, std::vector<store::KeyRef>& keys);

/// Whether the call has arguments enough, but more than the command takes: Redis finds that when it is run.
[[nodiscard]] bool has_too_many(const Resolved& resolved, Arguments arguments) noexcept;

}  // namespace stave::commands
