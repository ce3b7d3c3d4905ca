// Values as JSON: text, a hash as an object, a list or set as an array, a sorted set as an array of pairs.
#pragma once

#include <string>
#include <string_view>

#include "exchange/exchange.h"

namespace stave::exchange {

/// Whether every string in the value is UTF-8.
bool is_text(Kind kind, std::string_view value);
/// Appends the value. Unless it is text, its strings go in base64, all of them.
void append_json_value(std::string& to, Kind kind, std::string_view value, bool text);

/// Appends an object of the fields of a hash that have a deadline, each with that in milliseconds. False: none has, and
/// nothing was appended.
bool append_json_deadlines(std::string& to, std::string_view hash, bool text);

/// Appends what stands between two elements, unless this is the first.
void separate(std::string& to, bool& first);

}  // namespace stave::exchange
