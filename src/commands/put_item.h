// One key of a data set put into a store: the one place that does it, for the library and for tools.
#pragma once

#include "exchange/exchange.h"
#include "store/engine.h"

namespace stave::commands {

/// Gives the item's key its value and expiry, whatever it held; what has expired meanwhile takes it away. Durable as
/// `sync` says once somebody waits for that (`Engine::sync`). Errors: kInvalidArgument (the store has no such
/// database), those of a write.
Result<void> put_item(store::Engine& engine, const exchange::Item& item, Sync sync);

}  // namespace stave::commands
