// Snapshots as JSON: one document, or one object per line. Described in docs/reference/snapshot-files.md.
//
// A document holds "data", an object with a member for each key of database 0 that is text, as in version 1, and
// "entries", an array that holds anything. A walk brings keys and databases in any order, so what belongs into
// "entries" waits until "data" is written; if too much of it waits, "data" ends early and "entries" takes all the rest.
#pragma once

#include <memory>
#include <string>

#include "exchange/exchange.h"
#include "exchange/source.h"

namespace stave::exchange {

/// At most so much waits for "entries".
inline constexpr std::size_t kWaitingBytesMax = 1u << 20;

std::unique_ptr<Writer> make_json_writer(ByteOutput& output, std::size_t waiting_bytes_max = kWaitingBytesMax);
std::unique_ptr<Writer> make_ndjson_writer(ByteOutput& output);

/// Errors of both: as `read_any`; malformed text is named by line and column too.
Result<Summary> read_json(Source& source, Sink& sink, const Limits& limits);
Result<Summary> read_ndjson(Source& source, Sink& sink, const Limits& limits);

/// "2024-01-15T10:30:00Z"
std::string iso_time(UnixMs moment);
/// The moment that such a text names; nullopt when it is none.
std::optional<UnixMs> from_iso_time(std::string_view text);

}  // namespace stave::exchange
