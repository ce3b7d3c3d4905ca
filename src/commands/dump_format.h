// The payload of DUMP and RESTORE, exchangeable with redis-server: a value as in its snapshot files.
//
// Layout: type byte and value (exchange/rdb_value.h) · u16 version · u64 CRC-64 of everything before it; little-endian.
// A payload comes from a stranger: nothing in it is believed before it was checked.
#pragma once

#include <string>
#include <string_view>

#include "stave/error.h"
#include "store/value.h"

namespace stave::commands {

/// The payload of a value: a string's bytes, or the compact form of a collection. Deadlines of fields are moments of
/// the wall clock, here and below.
std::string dump_value(store::ValueType type, std::string_view value);

struct Restored {
  store::ValueType type{};
  std::string value;
};
/// The value in a payload, of at most `size_max` bytes. Errors, as they are answered: wrong checksum or version, a type
/// that has no place here, bad or trailing data, an element that is there twice.
Result<Restored> restore_value(std::string_view payload, std::size_t size_max);

}  // namespace stave::commands
