// A whole store, as it was at one moment, into a writer: the one place that does it, for commands and for tools.
#pragma once

#include "base/function_ref.h"
#include "exchange/exchange.h"
#include "store/engine.h"

namespace stave::commands {

struct Walked {
  UnixMs time{0};
  Lsn lsn = kNoLsn;
  std::uint64_t keys = 0;
};

/// Begins, feeds and finishes `writer`. Writers of the store go on meanwhile. `on_key` is told the number of keys so
/// far after each, and ends it with an error. Errors: those of the writer and of `on_key`; kCorrupt, kIo (a value
/// cannot be read); kReadOnly, kIo (the log has failed: what it could not keep is not written elsewhere either).
Result<Walked> write_all(store::Engine& engine, exchange::Writer& writer,
                         base::FunctionRef<Result<void>(std::uint64_t keys)> on_key);

}  // namespace stave::commands
