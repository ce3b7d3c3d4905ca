#include "commands/dump_format.h"

#include <cstdint>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/try.h"
#include "commands/errors.h"
#include "exchange/rdb_value.h"

namespace stave::commands {

namespace {

constexpr std::uint16_t kVersionReadMax = 12;  // that of redis-server 7.4
constexpr std::size_t kTrailerBytes = 2 + 8;
static_assert(kTrailerBytes == sizeof kVersionReadMax + sizeof(std::uint64_t));

template <class Integer>
void append_bytes(std::string& out, Integer value) {
  char bytes[sizeof value];
  base::store(bytes, value);
  out.append(bytes, sizeof value);
}

exchange::Kind kind_of(store::ValueType type) {
  const auto kind = exchange::kind_numbered(static_cast<unsigned>(store::shown_type(type)));
  STAVE_ASSERT(kind.has_value());
  return *kind;
}

}  // namespace

std::string dump_value(store::ValueType type, std::string_view value) {
  constexpr std::size_t kHeadMax = 10;
  std::string out;
  out.reserve(value.size() + kHeadMax + kTrailerBytes);
  const int version = exchange::append_rdb_value(out, kind_of(type), value);
  STAVE_ASSERT(version <= kVersionReadMax);
  append_bytes(out, static_cast<std::uint16_t>(version));
  append_bytes(out, base::crc64(out));
  return out;
}

Result<Restored> restore_value(std::string_view payload, std::size_t size_max) {
  const auto untrusted = [] { return answer_error("ERR DUMP payload version or checksum are wrong"); };
  const auto malformed = [] { return answer_error("ERR Bad data format"); };
  if (payload.size() < kTrailerBytes) return untrusted();
  const std::size_t body = payload.size() - kTrailerBytes;
  if (base::load<std::uint16_t>(payload.data() + body) > kVersionReadMax) return untrusted();
  if (base::load<std::uint64_t>(payload.data() + body + 2) != base::crc64(payload.substr(0, body + 2)))
    return untrusted();
  const std::string name;
  exchange::Source source(payload.substr(0, body), name);
  exchange::RdbStream stream(source, false);
  const auto type = stream.byte();
  if (!type) return malformed();
  if (exchange::is_rdb_module(*type)) {
    const auto id = stream.length();
    if (!id) return malformed();
    return answer_error("ERR A value of the module type '" + exchange::rdb_module_type_name(*id) +
                        "' has no place here");
  }
  const auto kind = exchange::rdb_kind(*type);
  if (!kind) return malformed();
  exchange::RdbValueReader reader;
  const auto value = reader.read(stream, *type, size_max);
  if (!value || !*value) return malformed();
  const auto done = source.at_end();
  if (!done || !*done) return malformed();
  return Restored{static_cast<store::ValueType>(*kind), std::string(**value)};
}

}  // namespace stave::commands
