// Several commands at one instant: all of them or none.
//
// Promises: nobody sees one without the others; one batch in the log; an error of any undoes everything (Redis would
// keep what the others did). Commands take part when their row says so (kTogether): they touch no keys but those that
// the row names and go to the store through their call, which finds the shared transaction in the session. Must not
// know: who asked, how answers are written.
#pragma once

#include <expected>
#include <span>
#include <string>

#include "base/function_ref.h"
#include "commands/call.h"

namespace stave::commands {

/// Why nothing happened: the line of the error, and what telling it must wait for.
struct NothingDone {
  std::string line;
  store::Pending pending;
};

/// `begin` is called before the first call, and once more whenever all of them have to be run again: what was answered
/// so far does not count. `run(i)` dispatches the i-th call in `session` to a sink of its own and returns the line of
/// its error, empty when there was none. The answers count once this has returned what they must wait for. The bytes of
/// the calls must stay.
std::expected<store::Pending, NothingDone> run_together(Session& session, std::span<const ResolvedCall> calls,
                                                        base::FunctionRef<void()> begin,
                                                        base::FunctionRef<std::string(std::size_t)> run);

}  // namespace stave::commands
