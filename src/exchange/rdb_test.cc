#include "exchange/rdb.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/bytes.h"
#include "base/crc64.h"
#include "exchange/collect_for_test.h"
#include "types/hash/compact.h"
#include "types/stream/compact.h"

namespace stave::exchange {
namespace {

using namespace std::string_literals;

std::string from_hex(std::string_view digits) {
  std::string out;
  int high = -1;
  for (const char c : digits) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
      continue;
    }
    out += static_cast<char>(high * 16 + digit);
    high = -1;
  }
  return out;
}

/// A file around `body`, with its end and checksum.
std::string rdb(std::string_view body, std::string_view version = "0011") {
  std::string bytes = "REDIS" + std::string(version) + std::string(body) + "\xff";
  char crc[8];
  base::store(crc, base::crc64(bytes));
  return bytes + std::string(crc, 8);
}
std::string str(std::string_view text) {
  return std::string(1, static_cast<char>(text.size())) + std::string(text);
}
/// A key of that type, and a string behind it which is only found by who got past the value to the byte.
std::string with_sentinel(unsigned type, std::string_view value) {
  return rdb(std::string(1, static_cast<char>(type)) + str("k") + std::string(value) + "\0"s + str("after") +
             str("ok"));
}

const std::vector<Entry> kSentinel = {{.key = "after", .value = "ok"}};

TEST(Rdb, strings_are_read_in_all_their_encodings) {
  const std::string long_text(300, 'y');
  const std::string body = "\xfa" + str("ctime") + "\xc2" + from_hex("2809a565") + "\xfe\x00\xfb\x03\x01"s +  //
                           "\0"s + str("raw") + str("v") +                                                    //
                           "\0"s + str("i8") + "\xc0\xfe" +                                                   //
                           "\0"s + str("i16") + "\xc1\x00\x80"s +                                             //
                           "\0"s + str("i32") + "\xc2\xff\xff\xff\x7f" +                                      //
                           "\0"s + str("l14") + "\x41\x2c" + long_text +                                      //
                           "\0"s + str("l32") + "\x80\x00\x00\x01\x2c"s + long_text +                         //
                           "\0"s + str("l64") + "\x81\x00\x00\x00\x00\x00\x00\x01\x2c"s + long_text +         //
                           "\0"s + str("lzf") + "\xc3\x05\x0a"s + from_hex("0061e00000") +                    //
                           "\0"s + "\xc0\x07" + str("number key");
  const auto read = read_text(rdb(body));
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->entries, (std::vector<Entry>{{.key = "raw", .value = "v"},
                                               {.key = "i8", .value = "-2"},
                                               {.key = "i16", .value = "-32768"},
                                               {.key = "i32", .value = "2147483647"},
                                               {.key = "l14", .value = long_text},
                                               {.key = "l32", .value = long_text},
                                               {.key = "l64", .value = long_text},
                                               {.key = "lzf", .value = "aaaaaaaaaa"},
                                               {.key = "7", .value = "number key"}}));
  EXPECT_EQ(read->summary.format, Format::kRdb);
  EXPECT_EQ(read->summary.header.time, UnixMs{1'705'314'600'000});
}

TEST(Rdb, databases_expiries_and_marks_are_understood) {
  const std::string marks = "\xf5" + str("#!lua name=lib") +                   // a library of functions
                            "\xf7"s + from_hex("81 1122334455667788 02 02") +  // a module's own data
                            from_hex("01 05  02 05  03 00000000  04 0000000000000000  05") + str("x") + "\0"s +
                            from_hex("f4 05 01 00") +  // a slot of a cluster
                            "\xfe\x02\xfb\x02\x02"s +  //
                            "\xfc" + from_hex("0090d2b8a3010000") + "\xf8\x05" + "\0"s + str("ms") + str("v") + "\xfd" +
                            from_hex("2809a565") + "\xf9\x09" + "\0"s + str("s") + str("v") + "\0"s + str("none") +
                            str("v");
  const auto read = read_text(rdb(marks, "0012"));
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(read->entries,
            (std::vector<Entry>{{.database = 2, .key = "ms", .value = "v", .expiry = {UnixMs{0x1a3b8d29000}, 0}},
                                {.database = 2, .key = "s", .value = "v", .expiry = {UnixMs{1'705'314'600'000}, 0}},
                                {.database = 2, .key = "none", .value = "v"}}));
  EXPECT_EQ(read->skipped, std::vector<std::string>{": library of functions"});
}

// Every other type of versions 9 to 12, small, with a string behind it.
TEST(Rdb, other_types_are_walked_over_and_named) {
  const struct {
    unsigned type;
    std::string value;
    std::string_view name;
  } cases[] = {
      {7, from_hex("81 1122334455667788 01 05 00"), "module"},
  };
  for (const auto& [type, value, name] : cases) {
    const auto read = read_text(with_sentinel(type, value));
    ASSERT_TRUE(read) << type << ": " << read.error().describe();
    EXPECT_EQ(read->entries, kSentinel) << type;
    EXPECT_EQ(read->skipped, std::vector<std::string>{"k: " + std::string(name)}) << type;
  }
}

// As redis-server makes them: 1-0 with f=v, and 2-0, which was deleted; a group that was given both.
TEST(Rdb, streams_are_read_in_all_their_encodings) {
  const std::string when = from_hex("0090d2b8a3010000");
  const std::string first = from_hex("00000000000000010000000000000000");
  const std::string second = from_hex("00000000000000020000000000000000");
  const std::string node =
      from_hex("28000000 0f00 0101 0101 0101 8166 02 0001 0201 0001 0001 8176 02 0401 0301 0101 0001") +
      from_hex("8177 02 0401 ff");
  const std::string entries = "\x01" + str(first) + str(node);
  const auto rest = [&](bool counters, bool active) {
    return from_hex("01 02 00") + (counters ? from_hex("01 00 02 00 02") : "") + "\x01" + str("g") + from_hex("02 00") +
           (counters ? "\x02" : "") + "\x02" + first + when + "\x01" + second + when + "\x05" + "\x01" + str("c") +
           when + (active ? when : "") + "\x02" + first + second;
  };
  for (const unsigned type : {15u, 19u, 21u}) {
    const auto read = read_text(with_sentinel(type, entries + rest(type != 15, type == 21)));
    ASSERT_TRUE(read) << type << ": " << read.error().describe();
    ASSERT_EQ(read->entries.size(), 2u) << type;
    ASSERT_EQ(read->entries[0].kind, Kind::kStream);
    const types::stream::Compact stream{std::string_view(read->entries[0].value)};
    EXPECT_EQ(stream.size(), 1u);
    EXPECT_EQ(stream.counters().entries_added, type == 15 ? 1u : 2u);
    EXPECT_EQ(stream.counters().last_id, (types::stream::Id{.ms = 2, .seq = 0}));
    const auto group = stream.group("g");
    ASSERT_TRUE(group);
    EXPECT_EQ(stream.pending(group->number), 2u);
    EXPECT_EQ(stream.pending(group->number, {.ms = 2, .seq = 0})->deliveries, 5u);
    EXPECT_EQ(group->entries_read.has_value(), type != 15);
  }
  for (std::size_t at = 0; at != node.size(); ++at) {
    std::string damaged = node;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    const auto read = read_text(with_sentinel(21, "\x01" + str(first) + str(damaged) + rest(true, true)));
    if (read) {
      EXPECT_TRUE(well_formed(Kind::kStream, read->entries[0].value)) << at;
    }
  }
}

TEST(Rdb, collections_are_read_in_all_their_encodings) {
  const std::string ziplist = from_hex("10000000 0d000000 0200 00 01 61 03 f4 ff");  // "a", 3
  const std::string listpack = from_hex("0c000000 0200 81 61 02 03 01 ff");          // "a", 3
  const std::string intset = from_hex("02000000 02000000 fbff 0300");                // -5, 3
  const std::string hash_af = collection(Kind::kHash, {"a", "3"});
  const std::string list_a3 = collection(Kind::kList, {"a", "3"});
  const std::string set_a3 = collection(Kind::kSet, {"a", "3"});
  const std::string zset_a3 = sorted_set({{"a", 3}});
  const struct {
    unsigned type;
    std::string value;
    Kind kind;
    std::string form;
  } cases[] = {
      {1, "\x02" + str("a") + "\xc0\x03", Kind::kList, list_a3},
      {2, "\x02" + str("a") + "\xc0\x03", Kind::kSet, set_a3},
      {3, "\x04" + str("b") + "\xfe" + str("a") + str("1.5") + str("c") + "\xff" + str("d") + str("-2e3"),
       Kind::kSortedSet, sorted_set({{"c", -HUGE_VAL}, {"d", -2000}, {"a", 1.5}, {"b", HUGE_VAL}})},
      {4, "\x01" + str("a") + "\xc0\x03", Kind::kHash, hash_af},
      {5, "\x01" + str("a") + from_hex("0000000000000840"), Kind::kSortedSet, zset_a3},
      {9, str(from_hex("01 01 61 01 02 33 00 00 ff")), Kind::kHash, hash_af},
      {10, str(ziplist), Kind::kList, list_a3},
      {11, str(intset), Kind::kSet, collection(Kind::kSet, {"-5", "3"})},
      {12, str(ziplist), Kind::kSortedSet, zset_a3},
      {13, str(ziplist), Kind::kHash, hash_af},
      {14, "\x02" + str(ziplist) + str(ziplist), Kind::kList, collection(Kind::kList, {"a", "3", "a", "3"})},
      {16, str(listpack), Kind::kHash, hash_af},
      {17, str(listpack), Kind::kSortedSet, zset_a3},
      {18, "\x02\x01" + str("plain") + "\x02" + str(listpack), Kind::kList,
       collection(Kind::kList, {"plain", "a", "3"})},
      {20, str(listpack), Kind::kSet, set_a3},
  };
  for (const auto& [type, value, kind, form] : cases) {
    const auto read = read_text(with_sentinel(type, value));
    ASSERT_TRUE(read) << type << ": " << read.error().describe();
    ASSERT_EQ(read->entries.size(), 2u) << type;
    EXPECT_EQ(read->entries[0], (Entry{.key = "k", .value = form, .kind = kind})) << type;
    EXPECT_EQ(read->entries[1], kSentinel[0]) << type;
  }
}

// As redis-server 7.4 writes them, and as it wrote them before that was released.
TEST(Rdb, fields_that_expire_keep_their_deadlines) {
  constexpr std::int64_t kFirst = 1'705'314'600'000;
  CollectionBuilder builder;
  builder.begin(Kind::kHash, 1000);
  builder.add("f", "v", UnixMs{kFirst});
  builder.add("g", "w");
  builder.add("h", "x", UnixMs{kFirst + 6});
  const std::string form(builder.finish());
  EXPECT_TRUE(types::hash::Compact::expiring(form));
  const std::string first = from_hex("40c4ab0c8d010000");
  const std::string pack = from_hex("28000000 0900 8166 02 8176 02 f4 40c4ab0c8d010000 09 8167 02 8177 02 00 01") +
                           from_hex("8168 02 8178 02 f4 46c4ab0c8d010000 09 ff");
  std::string listpack = pack;
  listpack[0] = static_cast<char>(listpack.size());
  const auto absolute = [&](std::int64_t ms) {
    std::string length = "\x81";
    for (int shift = 56; shift >= 0; shift -= 8) length += static_cast<char>(ms >> shift & 0xff);
    return length;
  };
  const struct {
    unsigned type;
    std::string value;
  } cases[] = {
      {22, "\x03" + absolute(kFirst) + str("f") + str("v") + "\0"s + str("g") + str("w") + absolute(kFirst + 6) +
               str("h") + str("x")},
      {23, str(listpack)},
      {24, first + "\x03\x01" + str("f") + str("v") + "\0"s + str("g") + str("w") + "\x07" + str("h") + str("x")},
      {25, first + str(listpack)},
  };
  for (const auto& [type, value] : cases) {
    const auto read = read_text(with_sentinel(type, value));
    ASSERT_TRUE(read) << type << ": " << read.error().describe();
    ASSERT_EQ(read->entries.size(), 2u) << type;
    EXPECT_EQ(read->entries[0], (Entry{.key = "k", .value = form, .kind = Kind::kHash})) << type;
  }
  for (const auto& [type, value] : std::initializer_list<std::pair<unsigned, std::string>>{
           {24, std::string(8, '\xff') + "\x01\x01" + str("f") + str("v")},
           {24, first + "\x01\x81" + std::string(8, '\x7f') + str("f") + str("v")},
           {22, "\x01\x81" + std::string(8, '\xff') + str("f") + str("v")},
           {25, first + str(from_hex("0c000000 0200 81 61 02 03 01 ff"))}}) {
    const auto read = read_text(with_sentinel(type, value));
    ASSERT_FALSE(read) << type;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt) << type;
  }
}

TEST(Rdb, malformed_collections_are_refused_and_empty_ones_named) {
  const std::string twice = from_hex("0d000000 0200 81 61 02 81 61 02 ff");
  const struct {
    unsigned type;
    std::string value;
  } bad[] = {
      {2, "\x02" + str("a") + str("a")},
      {4, "\x02" + str("a") + str("b") + str("a") + str("c")},
      {5, "\x01" + str("a") + from_hex("000000000000f87f")},  // no number
      {3, "\x01" + str("a") + "\xfd"},
      {3, "\x01" + str("a") + str("1x")},
      {16, str(from_hex("0a000000 0100 81 61 02 ff"))},  // a field without a value
      {20, str(twice)},
      {16, str(from_hex("11000000 0400 81 61 02 0101 81 61 02 0101 ff"))},
      {17, str(from_hex("0d000000 0200 81 61 02 81 62 02 ff"))},  // a score that is none
      {18, "\x01\x03" + str("plain")},
      {20, str("listpack")},
  };
  for (const auto& [type, value] : bad) {
    const auto read = read_text(with_sentinel(type, value));
    ASSERT_FALSE(read) << type;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt) << type;
    EXPECT_GT(read.error().offset(), 10) << type;
  }
  const std::string nothing = from_hex("07000000 0000 ff");
  for (const auto& [type, value] : std::initializer_list<std::pair<unsigned, std::string>>{
           {1, "\0"s}, {4, "\0"s}, {5, "\0"s}, {20, str(nothing)}, {18, "\x01\x02" + str(nothing)}}) {
    const auto read = read_text(with_sentinel(type, value));
    ASSERT_TRUE(read) << type << read.error().describe();
    EXPECT_EQ(read->entries, kSentinel) << type;
    ASSERT_EQ(read->skipped.size(), 1u);
    EXPECT_TRUE(read->skipped[0].starts_with("k: empty ")) << read->skipped[0];
  }
  const auto large =
      read_text(with_sentinel(1, "\x02" + str("0123456789") + str("0123456789")), {.value_bytes_max = 30});
  EXPECT_EQ(large.error().code(), ErrorCode::kTooLarge);
}

TEST(Rdb, what_it_does_not_know_is_refused_with_its_place) {
  for (const unsigned type : {6u, 8u, 26u, 0xf3u}) {
    const auto read = read_text(with_sentinel(type, "x"));
    EXPECT_EQ(read.error().code(), ErrorCode::kUnsupported) << type;
    EXPECT_EQ(read.error().offset(), 9) << type;
  }
  EXPECT_EQ(read_text(rdb("", "0013")).error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(read_text(rdb("", "00x1")).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(read_text(rdb("") + "x").error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(read_text(rdb("\xfe\x10"), {.databases = 16}).error().code(), ErrorCode::kInvalidArgument);
}

TEST(Rdb, lengths_are_believed_when_their_bytes_came) {
  const auto long_value = read_text(rdb("\0"s + str("k") + "\x81\x00\x00\x00\xff\x00\x00\x00\x00"s));
  EXPECT_EQ(long_value.error().code(), ErrorCode::kTooLarge);
  const auto long_list = read_text(rdb("\x01" + str("k") + "\x81\x7f\x00\x00\xff\x00\x00\x00\x00"s));
  EXPECT_EQ(long_list.error().code(), ErrorCode::kCorrupt);
  const auto bomb = read_text(rdb("\0"s + str("k") + "\xc3\x05\x80\x1f\xff\xff\xff"s + "abcde"));
  EXPECT_EQ(bomb.error().code(), ErrorCode::kCorrupt);
}

TEST(Rdb, the_checksum_is_checked_unless_it_was_not_made) {
  std::string bytes = rdb("\0"s + str("k") + str("value"));
  EXPECT_TRUE(read_text(bytes));
  bytes[14] ^= 1;
  const auto read = read_text(bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(read.error().message().find("checksum"), std::string::npos);
  bytes.replace(bytes.size() - 8, 8, 8, '\0');
  EXPECT_TRUE(read_text(bytes));
}

TEST(Rdb, no_damage_is_read_as_other_data) {
  const std::string body = "\xfe\x01\xfb\x02\x01"s + "\xfc" + from_hex("0090d2b8a3010000") + "\0"s + str("key") +
                           str("value") + "\0"s + str("lzf") + "\xc3\x05\x0a"s + from_hex("0061e00000") + "\x12" +
                           str("list") + "\x01\x02" + str(from_hex("0b000000 0200 0101 0201 ff"));
  const std::string bytes = rdb(body);
  const auto whole = read_text(bytes);
  ASSERT_TRUE(whole) << whole.error().describe();
  ASSERT_EQ(whole->entries.size(), 3u);
  expect_damage_is_found(bytes, whole->entries, true);
}

}  // namespace
}  // namespace stave::exchange
