// Several commands at one instant: all of them or none.
//
// Promises: nobody sees one without the others; one batch in the log; what an error undoes, everything or only what its
// own command did, is the caller's choice. Commands take part when their row says so (kTogether): they go to the store
// through their call, which finds the shared transaction in the session. Must not know: who asked, how answers are
// written.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "commands/call.h"

namespace stave::commands {

/// Why nothing happened: the line of the error, and what telling it must wait for.
struct NothingDone {
  std::string line;
  store::Pending pending;
};

/// What is locked from the start, and how many calls there are. The bytes of the keys must stay.
struct TogetherTerms {
  std::span<const store::KeyRef> keys;
  std::span<const keyspace::ShardId> shards = {};
  std::size_t count = 0;
};
/// How a call went.
struct RanTogether {
  std::string line = {};  ///< Of its error; empty: it has done what it was asked for.
  bool undo_all = false;  ///< Then nothing happens, and why is `line`; else only this call does nothing.
};

/// Adds the shards of all databases that a command of that row, run in `database`, uses as a whole.
void lock_whole(Session& session, const Command& row, int database, std::vector<keyspace::ShardId>& shards);

/// `check` is asked under the locks, before the first call; what it returns is why nothing is done, with or without a
/// line. `begin(anew)` is called before the first call, and again whenever all of them are to be run again: what was
/// answered so far does not count. `anew` false: nothing has changed meanwhile, and a call that has failed is to be
/// left out, with the same answer. `run(i)` dispatches the i-th call in `session` to a sink of its own. The answers
/// count once this has returned what they must wait for.
std::expected<store::Pending, NothingDone> run_together(
    Session& session, const TogetherTerms& terms,
    base::FunctionRef<std::optional<std::string>(store::Transaction&)> check, base::FunctionRef<void(bool)> begin,
    base::FunctionRef<RanTogether(std::size_t)> run);

/// The same for calls that name all their keys, and of which none has failed when all is done: an error of any undoes
/// everything. `run(i)` returns the line of its error.
std::expected<store::Pending, NothingDone> run_together(Session& session, std::span<const ResolvedCall> calls,
                                                        base::FunctionRef<void()> begin,
                                                        base::FunctionRef<std::string(std::size_t)> run);

}  // namespace stave::commands
