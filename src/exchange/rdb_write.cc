#include "exchange/rdb_stream_write.h"
#include "exchange/rdb_types.h"
#include "exchange/rdb_value.h"
#include "types/hash/compact.h"
#include "types/list/compact.h"
#include "types/set/compact.h"
#include "types/sorted_set/compact.h"
#include "types/stream/compact.h"
#include "types/string/number.h"

namespace stave::exchange {

namespace {

// The upper two bits of the first byte say how a length is written; 3: the lower six name an encoding.
constexpr unsigned char kLength14 = 1;
constexpr unsigned char kLengthWide = 2;  // 0x80: four bytes follow, 0x81: eight; big-endian
constexpr unsigned char kSpecial = 3;

bool append_short_integer(std::string& out, std::string_view text) {
  constexpr std::size_t kDigitsMax = 11;
  if (text.size() > kDigitsMax) return false;
  const auto number = types::parse_integer(text);
  if (!number) return false;
  if (*number == static_cast<std::int8_t>(*number)) {
    out.push_back(static_cast<char>(kSpecial << 6 | kInt8));
    append_rdb_number(out, static_cast<std::int8_t>(*number));
  } else if (*number == static_cast<std::int16_t>(*number)) {
    out.push_back(static_cast<char>(kSpecial << 6 | kInt16));
    append_rdb_number(out, static_cast<std::int16_t>(*number));
  } else if (*number == static_cast<std::int32_t>(*number)) {
    out.push_back(static_cast<char>(kSpecial << 6 | kInt32));
    append_rdb_number(out, static_cast<std::int32_t>(*number));
  } else {
    return false;
  }
  return true;
}

void append_length(std::string& out, std::uint64_t length) {
  if (length < 1u << 6) {
    out.push_back(static_cast<char>(length));
  } else if (length < 1u << 14) {
    out.push_back(static_cast<char>(kLength14 << 6 | length >> 8));
    out.push_back(static_cast<char>(length & 0xff));
  } else {
    const bool eight = length > 0xffffffffu;
    out.push_back(static_cast<char>(kLengthWide << 6 | (eight ? 1 : 0)));
    for (int shift = eight ? 56 : 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(length >> shift & 0xff));
  }
}

/// Integers in their short form; nothing is compressed.
void append_string(std::string& out, std::string_view text) {
  if (append_short_integer(out, text)) return;
  append_length(out, text.size());
  out.append(text);
}

void append_hash(std::string& out, const types::hash::Reader& hash) {
  append_length(out, hash.size());
  hash.visit([&](const types::hash::Field& field) {
    append_string(out, field.name);
    append_string(out, field.value);
    return true;
  });
}

/// With deadlines counted from the earliest, which stands before all, from 1 on; 0: the field has none.
void append_expiring_hash(std::string& out, const types::hash::Reader& hash) {
  UnixMs earliest = types::hash::kNever;
  hash.visit([&](const types::hash::Field& field) {
    if (field.deadline == types::hash::kNever) return true;
    if (earliest == types::hash::kNever || field.deadline < earliest) earliest = field.deadline;
    return true;
  });
  append_rdb_number(out, raw(earliest));
  append_length(out, hash.size());
  hash.visit([&](const types::hash::Field& field) {
    const bool never = field.deadline == types::hash::kNever;
    append_length(out, never ? 0 : static_cast<std::uint64_t>(field.deadline - earliest) + 1);
    append_string(out, field.name);
    append_string(out, field.value);
    return true;
  });
}

void append_list(std::string& out, const types::list::Reader& list) {
  append_length(out, list.size());
  list.visit(0, list.size(), [&](std::string_view element) {
    append_string(out, element);
    return true;
  });
}

void append_set(std::string& out, const types::set::Reader& set) {
  append_length(out, set.size());
  set.visit([&](std::string_view member) {
    append_string(out, member);
    return true;
  });
}

void append_sorted_set(std::string& out, const types::sorted_set::Reader& set) {
  append_length(out, set.size());
  set.visit(0, set.size(), [&](const types::sorted_set::Element& element) {
    append_string(out, element.member);
    append_rdb_number(out, element.score);
    return true;
  });
}

}  // namespace

void append_rdb_length(std::string& to, std::uint64_t length) {
  append_length(to, length);
}
void append_rdb_string(std::string& to, std::string_view text) {
  append_string(to, text);
}

int append_rdb_value(std::string& to, Kind kind, std::string_view value) {
  // Nothing of what is plain has changed since version 8; 9 is what every redis-server since 5.0 takes.
  constexpr int kPlain = 9;
  constexpr int kExpiringFields = 12;
  const auto type = [&](RdbType number) { to.push_back(static_cast<char>(number)); };
  switch (kind) {
    case Kind::kSketch:
      type(RdbType::kSketch);
      append_string(to, value);
      break;
    case Kind::kString:
      type(RdbType::kString);
      append_string(to, value);
      break;
    case Kind::kHash:
      if (types::hash::Compact::expiring(value)) {
        type(RdbType::kHashExpiring);
        append_expiring_hash(to, types::hash::Compact(value));
        return kExpiringFields;
      }
      type(RdbType::kHash);
      append_hash(to, types::hash::Compact(value));
      break;
    case Kind::kList:
      type(RdbType::kList);
      append_list(to, types::list::Compact(value));
      break;
    case Kind::kSet:
      type(RdbType::kSet);
      append_set(to, types::set::Compact(value));
      break;
    case Kind::kStream: return append_rdb_stream(to, types::stream::Compact(value));
    case Kind::kSortedSet:
      type(RdbType::kZset2);
      append_sorted_set(to, types::sorted_set::Compact(value));
      break;
  }
  return kPlain;
}

}  // namespace stave::exchange
