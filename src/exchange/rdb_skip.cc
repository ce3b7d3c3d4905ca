#include <array>

#include "base/assert.h"
#include "base/try.h"
#include "exchange/rdb_stream.h"

namespace stave::exchange {

namespace {

/// How the bytes of a value are laid out, as far as one must know to get past them.
enum class Shape : std::uint8_t {
  kNone,           ///< No such type.
  kOneString,      ///< One string, which holds the whole (ziplist, listpack, intset, zipmap).
  kStrings,        ///< A count, then so many strings.
  kPairs,          ///< A count, then so many pairs of strings.
  kTextScores,     ///< A count, then a string and a number in digits each.
  kBinaryScores,   ///< A count, then a string and a double each.
  kNodes,          ///< A count, then a container mark and a string each.
  kExpiringPairs,  ///< A count, then a time, a string and a string each.
  kTimeAndPairs,   ///< The earliest time, then as above.
  kTimeAndString,  ///< The earliest time, then one string.
  kModule,
  kStream1,
  kStream2,
  kStream3,
};

struct Type {
  std::string_view name;
  Shape shape = Shape::kNone;
};

// The index is the number in the file.
constexpr std::array<Type, 26> kTypes = {{
    {"string", Shape::kOneString},    // 0
    {"list", Shape::kStrings},        // 1
    {"set", Shape::kStrings},         // 2
    {"zset", Shape::kTextScores},     // 3
    {"hash", Shape::kPairs},          // 4
    {"zset", Shape::kBinaryScores},   // 5
    {},                               // 6: modules before 4.0, which nobody can get past
    {"module", Shape::kModule},       // 7
    {},                               // 8
    {"hash", Shape::kOneString},      // 9: zipmap
    {"list", Shape::kOneString},      // 10: ziplist
    {"set", Shape::kOneString},       // 11: intset
    {"zset", Shape::kOneString},      // 12: ziplist
    {"hash", Shape::kOneString},      // 13: ziplist
    {"list", Shape::kStrings},        // 14: quicklist of ziplists
    {"stream", Shape::kStream1},      // 15
    {"hash", Shape::kOneString},      // 16: listpack
    {"zset", Shape::kOneString},      // 17: listpack
    {"list", Shape::kNodes},          // 18: quicklist of listpacks
    {"stream", Shape::kStream2},      // 19
    {"set", Shape::kOneString},       // 20: listpack
    {"stream", Shape::kStream3},      // 21
    {"hash", Shape::kExpiringPairs},  // 22: expiring fields, before they were released
    {"hash", Shape::kOneString},      // 23: the same, listpack
    {"hash", Shape::kTimeAndPairs},   // 24: expiring fields
    {"hash", Shape::kTimeAndString},  // 25: the same, listpack
}};
static_assert(kTypes[0].name == "string" && kTypes.back().shape == Shape::kTimeAndString);

constexpr std::uint64_t kTimeBytes = 8;
constexpr std::uint64_t kStreamIdBytes = 16;

template <class One>
Result<void> repeat(std::uint64_t count, One&& one) {
  for (; count != 0; --count) STAVE_TRY(one());
  return {};
}

template <class One>
Result<void> counted(RdbStream& stream, One&& one) {
  STAVE_ASSIGN(const std::uint64_t count, stream.length());
  return repeat(count, one);
}

Result<void> skip_lengths(RdbStream& stream, std::uint64_t count) {
  return repeat(count, [&]() -> Result<void> {
    STAVE_TRY(stream.length());
    return {};
  });
}

/// A number in digits behind its length; 253 to 255 stand for not-a-number and the infinities.
Result<void> skip_text_score(RdbStream& stream) {
  STAVE_ASSIGN(const unsigned size, stream.byte());
  return size >= 253 ? Result<void>{} : stream.skip(size);
}

Result<void> skip_expiring_pair(RdbStream& stream) {
  STAVE_TRY(stream.length());
  STAVE_TRY(stream.skip_string());
  return stream.skip_string();
}

Result<void> skip_consumer(RdbStream& stream, int version) {
  STAVE_TRY(stream.skip_string());
  STAVE_TRY(stream.skip(version >= 3 ? 2 * kTimeBytes : kTimeBytes));
  return counted(stream, [&] { return stream.skip(kStreamIdBytes); });
}

/// What a group has delivered and not seen confirmed.
Result<void> skip_pending(RdbStream& stream) {
  STAVE_TRY(stream.skip(kStreamIdBytes + kTimeBytes));
  return skip_lengths(stream, 1);
}

Result<void> skip_group(RdbStream& stream, int version) {
  STAVE_TRY(stream.skip_string());
  STAVE_TRY(skip_lengths(stream, version >= 2 ? 3 : 2));
  STAVE_TRY(counted(stream, [&] { return skip_pending(stream); }));
  return counted(stream, [&] { return skip_consumer(stream, version); });
}

Result<void> skip_two_strings(RdbStream& stream) {
  STAVE_TRY(stream.skip_string());
  return stream.skip_string();
}

Result<void> skip_stream(RdbStream& stream, int version) {
  STAVE_ASSERT(version >= 1 && version <= 3);
  STAVE_TRY(counted(stream, [&] { return skip_two_strings(stream); }));
  // Length and last id; from version 2 on also first id, greatest deleted id, entries added.
  STAVE_TRY(skip_lengths(stream, version >= 2 ? 8 : 3));
  return counted(stream, [&] { return skip_group(stream, version); });
}

}  // namespace

std::string_view rdb_type_name(unsigned type) noexcept {
  return type < kTypes.size() ? kTypes[type].name : std::string_view();
}

std::string rdb_module_type_name(std::uint64_t id) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  constexpr unsigned kVersionBits = 10;
  constexpr unsigned kLetterBits = 6;
  std::string name(9, '\0');
  id >>= kVersionBits;
  for (std::size_t i = name.size(); i-- != 0; id >>= kLetterBits) name[i] = kLetters[id % kLetters.size()];
  return name;
}

Result<void> skip_rdb_module(RdbStream& stream) {
  enum : std::uint64_t { kEnd = 0, kSigned = 1, kUnsigned = 2, kFloat = 3, kDouble = 4, kString = 5 };
  for (;;) {
    STAVE_ASSIGN(const std::uint64_t what, stream.length());
    switch (what) {
      case kEnd: return {};
      case kSigned:
      case kUnsigned: STAVE_TRY(stream.length()); break;
      case kFloat: STAVE_TRY(stream.skip(4)); break;
      case kDouble: STAVE_TRY(stream.skip(8)); break;
      case kString: STAVE_TRY(stream.skip_string()); break;
      default: return stream.corrupt("a module's data of no known form");
    }
  }
}

Result<void> skip_rdb_value(RdbStream& stream, unsigned type) {
  const auto skip_string = [&] { return stream.skip_string(); };
  switch (type < kTypes.size() ? kTypes[type].shape : Shape::kNone) {
    case Shape::kNone: break;
    case Shape::kOneString: return stream.skip_string();
    case Shape::kStrings: return counted(stream, skip_string);
    case Shape::kPairs: return counted(stream, [&] { return skip_two_strings(stream); });
    case Shape::kTextScores:
      return counted(stream, [&]() -> Result<void> {
        STAVE_TRY(stream.skip_string());
        return skip_text_score(stream);
      });
    case Shape::kBinaryScores:
      return counted(stream, [&]() -> Result<void> {
        STAVE_TRY(stream.skip_string());
        return stream.skip(8);
      });
    case Shape::kNodes:
      return counted(stream, [&]() -> Result<void> {
        STAVE_TRY(stream.length());
        return stream.skip_string();
      });
    case Shape::kTimeAndPairs: STAVE_TRY(stream.skip(kTimeBytes)); [[fallthrough]];
    case Shape::kExpiringPairs: return counted(stream, [&] { return skip_expiring_pair(stream); });
    case Shape::kTimeAndString: STAVE_TRY(stream.skip(kTimeBytes)); return stream.skip_string();
    case Shape::kModule: STAVE_TRY(stream.length()); return skip_rdb_module(stream);
    case Shape::kStream1: return skip_stream(stream, 1);
    case Shape::kStream2: return skip_stream(stream, 2);
    case Shape::kStream3: return skip_stream(stream, 3);
  }
  return stream.source().fail_at(stream.source().offset(), ErrorCode::kUnsupported,
                                 "a value of type " + std::to_string(type) + ", which this version does not know");
}

}  // namespace stave::exchange
