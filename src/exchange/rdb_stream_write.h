// A stream as Redis' files and DUMP payloads hold it: listpacks of entries, counters, groups.
#pragma once

#include <string>

#include "base/bytes.h"
#include "types/stream/stream.h"

namespace stave::exchange {

/// Appends type and value, and returns the version of the format that it takes to read it: 10, which redis-server 7.0
/// takes, or 11, which 7.2 does, when there are consumers, of which 10 cannot tell when they were active.
int append_rdb_stream(std::string& to, const types::stream::Reader& stream);

/// As the machine has it: little-endian.
template <class Number>
void append_rdb_number(std::string& to, Number number) {
  char bytes[sizeof number];
  base::store(bytes, number);
  to.append(bytes, sizeof bytes);
}

// The primitives of rdb_write.cc.
void append_rdb_length(std::string& to, std::uint64_t length);
void append_rdb_string(std::string& to, std::string_view text);

}  // namespace stave::exchange
