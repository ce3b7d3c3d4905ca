// A whole store, as it was at one moment, into a writer.
#pragma once

#include "exchange/exchange.h"
#include "store/engine.h"

namespace stave::tools {

struct Walked {
  UnixMs time{0};
  Lsn lsn = kNoLsn;
  std::uint64_t keys = 0;
};

/// Begins, feeds and finishes `writer`. Writers of the store go on meanwhile. `progress` is told the number of keys so
/// far, now and then. Errors: those of the writer; kCorrupt, kIo (a value cannot be read).
Result<Walked> write_all(store::Engine& engine, exchange::Writer& writer,
                         base::FunctionRef<void(std::uint64_t keys)> progress);

}  // namespace stave::tools
