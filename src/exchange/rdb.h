// Redis' snapshot files (RDB), versions up to 12: reading only.
//
// Strings, hashes, lists, sets and sorted sets become items (rdb_value.h). A value of another type is walked over by
// the rules of its encoding, so that what follows is found, and told to the sink as skipped. Written from the
// descriptions of the format and from files that servers made.
#pragma once

#include <string_view>

#include "exchange/exchange.h"
#include "exchange/source.h"

namespace stave::exchange {

inline constexpr std::string_view kRdbMagic = "REDIS";
inline constexpr int kRdbVersionMax = 12;

/// A whole file. Errors: as `read_any`.
Result<Summary> read_rdb(Source& source, Sink& sink, const Limits& limits);
/// The same from the front of a file that goes on, as an append-only file does after its preamble.
Result<Summary> read_rdb_preamble(Source& source, Sink& sink, const Limits& limits);

}  // namespace stave::exchange
