// Trying again while the system, not the disk, is short of something.
//
// A write, a truncation or a rename that was refused for want of memory or descriptors has not happened, and nothing
// was promised: so it is tried again, a moment apart, before it counts as a failure of the disk. A sync is never tried
// again (after a failure nobody knows what is on the disk), and must not go through here.
// Must not know: which call it is. Threads: any.
#pragma once

#include "base/function_ref.h"
#include "stave/error.h"

namespace stave::log {

class Patience {
 public:
  /// `waits`: between tries some time goes by. Without it, as suits a store that is moved step by step, they follow
  /// each other at once.
  explicit Patience(bool waits) noexcept : waits_(waits) {}
  /// Calls `call` until it succeeds or fails for another reason; half a minute long at most.
  Result<void> run(base::FunctionRef<Result<void>()> call) const;

 private:
  bool waits_;
};

}  // namespace stave::log
