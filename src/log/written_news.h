// To hear of what was written out, not only of what is durable.
//
// The listeners of a log are told of every progress of `durable()`. Who needs to know of `written()` asks each time
// anew: so writers pay one load for it while nobody does, and one wake-up, not one for each write, while somebody does.
#pragma once

#include "log/log.h"

namespace stave::log {

/// Has the log's listeners called once `written()` has gone on from what this returns. Threads: any.
Lsn tell_of_written(Log& log) noexcept;

}  // namespace stave::log
