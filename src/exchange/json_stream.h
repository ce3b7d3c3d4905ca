// Streams in JSON: an array of what is known of the stream as a whole, and then of its entries.
//
//     [{"last_id": "2-0", "entries_added": 3, "max_deleted_id": "1-1", "groups": {"g": {"last_id": "2-0",
//       "entries_read": 3, "consumers": {"c": {"seen": 1700000000000, "active": 1700000000000, "pending": [["2-0",
//       1700000000000, 1]]}}}}}, ["1-0", "field", "value"], ["2-0", "field", "value", "field", "value"]]
//
// Times are milliseconds of the wall clock; a pending entry says when it was delivered and how often. Names, fields and
// values are text, or all in base64.
#pragma once

#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "types/stream/stream.h"

namespace stave::exchange {

/// A string as text, or in base64.
void append_json_string(std::string& to, std::string_view bytes, bool text);
/// Shows all names, fields and values, one after the other, until one says no.
void visit_stream_strings(const types::stream::Reader& stream, base::FunctionRef<bool(std::string_view)> visit);
void append_json_stream(std::string& to, const types::stream::Reader& stream, bool text);

}  // namespace stave::exchange
