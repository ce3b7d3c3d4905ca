// What a command that may wait is made of: a try, and what to wait for when it does not succeed.
//
// The try works in a transaction, its command's own or that of whoever changed a key it waits for; so it sees no
// session, and what it answers is kept until that transaction has happened. Must not know: who asked, who waits.
#pragma once

#include <cstdint>

#include "commands/resolve.h"
#include "commands/sink.h"
#include "store/transaction.h"

namespace stave::commands {

class Environment;

struct Attempt {
  store::Transaction& transaction;
  Environment& environment;
  int database = 0;
  Arguments arguments;
  store::Access access = store::Access::kTouch;
  /// Somebody changed a key that the call waits for, and is at its commit. Whether other keys, whose shards are not
  /// locked, would do is not of interest: they did not a moment ago, and who changes them will try.
  bool again = false;

  [[nodiscard]] store::KeyRef key(std::size_t i) const noexcept { return {database, arguments[i]}; }
  /// Whether this key, of several of which one is enough, is to be looked at.
  [[nodiscard]] bool may_look(store::KeyRef key) const noexcept { return !again || transaction.holds(key); }
};

/// True: it was done, and `answer` has what it answers. False: it could not be, and nothing was changed. Errors: are
/// the answer, and nothing was changed; but that of a write may come half-way. May be run again on what was there
/// before.
using AttemptFn = Result<bool> (*)(const Attempt& attempt, Sink& answer);

/// What is answered when it could not be done.
enum class WhenNot : std::uint8_t { kNullArray, kNull, kZero };

struct WaitTerms {
  /// Null: only time is waited for.
  AttemptFn attempt = nullptr;
  /// It is tried again when one of the keys was changed and holds this type;
  store::ValueType type = store::ValueType::kList;
  /// with this, whatever it holds then, or if it is gone.
  bool whatever_it_holds = false;
  std::uint64_t timeout_ns = 0;  ///< 0: for ever.
  /// After so long, if that is earlier, the wait ends for the handler to try anew (`time_to_try_again`); 0: never.
  std::uint64_t again_ns = 0;
  WhenNot timed_out = WhenNot::kNullArray;
  WhenNot at_once = WhenNot::kNullArray;  ///< Where nobody may wait.
};

}  // namespace stave::commands
