// A whole store as one JSON document, and back. What is written is version 1, for people's eyes and other programs;
// version 2, that of the server's snapshots, is read too (docs/reference/snapshot-files.md).
//
//     {"version": 1, "timestamp": "2024-01-15T10:30:00Z", "data": {"user:1": "Alice"}}
//
// Promises: every byte survives the round trip: a key or value that is not UTF-8 goes, both in base64, into
// "data_base64"; expiries go into "expires_at" (unix milliseconds) and "sliding_ms", or "…_base64" when the key is not
// UTF-8; databases other than 0 into "databases". It holds strings: a store with a key of another type is refused. A
// document that is not understood in full is refused, never half loaded into silence: what a load drops, the next save
// would destroy. The same store gives the same text, keys sorted. Must not know: files, terminals.
#pragma once

#include <string>
#include <string_view>

#include "stave/store.h"

namespace stave::shell {

/// The document for everything in `store` now. Errors: kUnsupported (names a key of another type), those of reading.
Result<std::string> to_json(Store& store, UnixMs timestamp);

/// Adds everything in the document to `store`; keys whose time is up are left out. Errors: kCorrupt (not JSON, with
/// line and column, or not this format), kUnsupported (a later version): nothing was loaded; those of writing: some may
/// have been.
Result<void> load_json(Store& store, std::string_view text);

}  // namespace stave::shell
