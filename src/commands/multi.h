// What MULTI and WATCH leave in a session, and how EXEC runs it.
//
// Promises: what was queued is run as one transaction of the store: one batch in the log, nobody sees a part of it, and
// after a crash all of it is there or nothing. An error undoes what its own command did and leaves the others alone, or
// undoes everything when MULTI ROLLBACK was called. A watched key is one of which EXEC must find what WATCH found: the
// same version, or that it is not there. Commands that have no part in the store's data (kAfterCommit) are run in their
// order once the transaction has happened, and answer in their places. Must not know: sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "commands/call.h"
#include "commands/queued_calls.h"

namespace stave::commands {

/// What WATCH found in a key.
struct Watched {
  int database = 0;
  std::string key;
  std::optional<Lsn> version;  ///< nullopt: it was not there, or its time was up.
};

struct Multi {
  explicit Multi(store::BufferMeter* meter) noexcept : calls(meter), watched_counted(meter) {}

  bool rolls_back = false;  ///< MULTI ROLLBACK.
  bool aborted = false;     ///< A command could not be queued: EXEC will refuse.
  bool writes = false;      ///< One of the queued commands does.
  int database = 0;         ///< In which the next queued command will be run.
  QueuedCalls calls;
  std::vector<Watched> watched;
  std::uint64_t watched_bytes = 0;
  store::BufferShare watched_counted;
};

/// The session's, made when it has none yet.
Multi& multi_of(Session& session);
/// As if neither MULTI nor WATCH had been called.
void forget_multi(Session& session) noexcept;
void forget_watched(Session& session) noexcept;

/// Why a call that may run cannot be queued; empty: it can.
std::string_view why_not_queued(const Session& session, const Command& row) noexcept;
/// Queues the call. False: there is no room; then the transaction is aborted.
[[nodiscard]] bool queue_call(Session& session, const Resolved& resolved, Arguments arguments);

/// EXEC, once the session is out of MULTI: runs what was queued, and answers. Errors: nothing was done.
Result<void> run_queued(Call& call, const Multi& multi);

}  // namespace stave::commands
