// MONITOR: who watches every command, and what it is shown.
//
// Promises: each command that was run is one line, to every watcher; passwords are not shown, nor are administrators'
// commands; a watcher that does not read is cut off by its door's limits. While nobody watches, nobody pays
// (Session::plain). Must not know: sockets. Threads: any.
#pragma once

#include <atomic>
#include <set>

#include "base/mutex.h"
#include "commands/resolve.h"

namespace stave::commands {

class Session;

class Monitors {
 public:
  /// The session, which has a control, watches from now on. Throws std::bad_alloc; nothing changed.
  void add(Session& session) STAVE_EXCLUDES(mutex_);
  /// Whether it watched.
  bool remove(Session& session) noexcept STAVE_EXCLUDES(mutex_);
  [[nodiscard]] bool any() const noexcept { return count_.load() != 0; }
  /// Shows a call that the session has run.
  void show(Session& from, const Command& row, Arguments arguments) STAVE_EXCLUDES(mutex_);

 private:
  base::Mutex mutex_;
  std::set<Session*> watchers_ STAVE_GUARDED_BY(mutex_);
  std::atomic<std::size_t> count_{0};
};

}  // namespace stave::commands
