// The payload of DUMP and RESTORE, exchangeable with redis-server: a string value as in its snapshot files.
//
// Layout: type byte (0: string) · length-encoded string · u16 version · u64 CRC-64 of everything before it;
// little-endian. A payload comes from a stranger: nothing in it is believed before it was checked.
#pragma once

#include <string>
#include <string_view>

#include "stave/error.h"

namespace stave::commands {

/// The payload of a string. Integers are stored in their short form, nothing is compressed.
std::string dump_string(std::string_view value);
/// The string in a payload. Errors, as they are answered: wrong checksum or version, another type, bad or trailing
/// data.
Result<std::string> restore_string(std::string_view payload, std::size_t size_max);

}  // namespace stave::commands
