#include "commands/dump_format.h"

#include <gtest/gtest.h>

#include <random>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/lzf.h"
#include "exchange/collection.h"

namespace stave::commands {
namespace {

using namespace std::string_literals;
using store::ValueType;

constexpr std::size_t kSizeMax = 1u << 20;

/// A payload around a body: version and checksum as they should be.
std::string sealed(std::string body, std::uint16_t version = 9) {
  char bytes[8];
  base::store(bytes, version);
  body.append(bytes, 2);
  base::store(bytes, base::crc64(body));
  body.append(bytes, 8);
  return body;
}

std::string restored(const std::string& payload) {
  const auto restored = restore_value(payload, kSizeMax);
  if (!restored) return "-" + restored.error().message();
  EXPECT_EQ(restored->type, ValueType::kString);
  return restored->value;
}

constexpr const char* kBadData = "-ERR Bad data format";
constexpr const char* kBadPayload = "-ERR DUMP payload version or checksum are wrong";

TEST(Crc64, has_the_published_check_value) {
  EXPECT_EQ(base::crc64("123456789"), 0xe9c6d914c4b8d9caull);
  EXPECT_EQ(base::crc64(""), 0u);
  const std::string text = "This is a test of the emergency broadcast system.";
  EXPECT_EQ(base::crc64(text.substr(20), base::crc64(text.substr(0, 20))), base::crc64(text));
}

TEST(Dump, gives_back_every_kind_of_string) {
  for (const std::string& value :
       {std::string(), std::string("a"), std::string("0"), std::string("-1"), std::string("127"), std::string("128"),
        std::string("-129"), std::string("32768"), std::string("2147483647"), std::string("2147483648"),
        std::string("007"), std::string("-2147483648"), std::string(63, 'x'), std::string(64, 'x'),
        std::string(16383, 'y'), std::string(16384, 'z'), std::string(100'000, '\0')})
    EXPECT_EQ(restored(dump_value(ValueType::kString, value)), value);
}

TEST(Dump, is_byte_for_byte_what_redis_server_makes) {
  // DUMP of "10" in redis-server 5.0.
  EXPECT_EQ(dump_value(ValueType::kString, "10"), std::string("\x00\xc0\n\t\x00\xbem\x06\x89Z(\x00\n", 13));
}

TEST(Restore, reads_compressed_strings) {
  // One hundred times "a": a literal run, then a copy that overlaps itself.
  const std::string body("\x00\xc3\x05\x40\x64\x00\x61\xe0\x5a\x00", 10);
  EXPECT_EQ(restored(sealed(body)), std::string(100, 'a'));
}

TEST(Restore, refuses_what_was_damaged_or_is_from_the_future) {
  std::string payload = dump_value(ValueType::kString, "hello");
  for (std::size_t i = 0; i < payload.size(); ++i) {
    std::string damaged = payload;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(restored(damaged), kBadPayload) << i;
  }
  for (std::size_t size = 0; size < payload.size(); ++size) EXPECT_EQ(restored(payload.substr(0, size)), kBadPayload);
  EXPECT_EQ(restored(sealed(std::string("\0\x01x", 3), 13)), kBadPayload);
}

TEST(Restore, refuses_well_sealed_nonsense) {
  const auto body = [](std::string_view bytes) { return sealed(std::string(bytes)); };
  using namespace std::string_view_literals;
  EXPECT_EQ(restored(body(""sv)), kBadData);
  EXPECT_EQ(restored(body("\x01\x01"sv)), kBadData);    // a list of one element without it
  EXPECT_EQ(restored(body("\x00"sv)), kBadData);        // nothing behind the type
  EXPECT_EQ(restored(body("\x00\x05x"sv)), kBadData);   // shorter than announced
  EXPECT_EQ(restored(body("\x00\x01xy"sv)), kBadData);  // longer than announced
  EXPECT_EQ(restored(body("\x00\x81\x7f\xff\xff\xff\xff\xff\xff\xff"sv)), kBadData);
  EXPECT_EQ(restored(body("\x00\x82\x00"sv)), kBadData);                              // no such length
  EXPECT_EQ(restored(body("\x00\xc1\x01"sv)), kBadData);                              // half an integer
  EXPECT_EQ(restored(body("\x00\xc5\x01"sv)), kBadData);                              // no such encoding
  EXPECT_EQ(restored(body("\x00\xc3\x05\x7f\xff\x00\x61\xe0\x5a\x00"sv)), kBadData);  // announces too much
  EXPECT_EQ(restored(body("\x00\xc3\x80\x7f\xff\xff\xff\x05xx"sv)), kBadData);
}

/// A collection's form, its kind known by what is asked of the builder.
std::string form_of(ValueType type, std::initializer_list<std::string_view> strings) {
  exchange::CollectionBuilder builder;
  builder.begin(static_cast<exchange::Kind>(type), kSizeMax);
  for (auto at = strings.begin(); at != strings.end(); ++at) {
    if (type == ValueType::kHash) {
      builder.add(at[0], at[1]);
      ++at;
    } else if (type == ValueType::kSortedSet) {
      builder.add(*at, static_cast<double>(at->size()));
    } else {
      builder.add(*at);
    }
  }
  return std::string(builder.finish());
}

// RedisBloom's filters, of version 4 of their form, whatever is in it.
TEST(Restore, refuses_values_of_modules_by_name) {
  const std::string id("\x81\x30\x16\xe5\xa2\x89\xbe\xf8\x04", 9);
  EXPECT_EQ(restored(sealed("\x07" + id + "whatever")),
            "-ERR A value of the module type 'MBbloom--' has no place here");
  EXPECT_EQ(restored(sealed("\x07")), "-ERR Bad data format");
}

TEST(Dump, gives_back_collections) {
  for (const ValueType type : {ValueType::kHash, ValueType::kList, ValueType::kSet, ValueType::kSortedSet}) {
    const std::string form = form_of(type, {"a", "12", "", "-7000000000", "long", std::string(20'000, 'x')});
    const auto restored = restore_value(dump_value(type, form), kSizeMax);
    ASSERT_TRUE(restored) << static_cast<int>(type);
    EXPECT_EQ(restored->type, type);
    EXPECT_EQ(restored->value, form);
  }
}

// In the form of redis-server 7.4, the first that has such hashes.
TEST(Dump, gives_back_deadlines_of_fields) {
  exchange::CollectionBuilder builder;
  builder.begin(exchange::Kind::kHash, kSizeMax);
  builder.add("a", "1", UnixMs{2'000'000'000'000});
  builder.add("b", "2");
  builder.add("c", "3", UnixMs{2'000'000'000'070});
  const std::string form(builder.finish());
  const std::string payload = dump_value(ValueType::kHash, form);
  EXPECT_EQ(payload, sealed("\x18\x00\x20\x4a\xa9\xd1\x01\x00\x00\x03\x01\x01"
                            "a\xc0\x01\x00\x01"
                            "b\xc0\x02\x40\x47\x01"
                            "c\xc0\x03"s,
                            12));
  const auto restored = restore_value(payload, kSizeMax);
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->value, form);
}

TEST(Restore, refuses_collections_that_are_none) {
  using namespace std::string_view_literals;
  const auto body = [](std::string_view bytes) { return sealed(std::string(bytes)); };
  for (const std::string_view bad : {"\x01\x00"sv,  // of nothing
                                     "\x02\x02\x01"
                                     "a\x01"
                                     "a"sv,  // a member twice
                                     "\x04\x01\x01"
                                     "a"sv,  // a field without a value
                                     "\x05\x01\x01"
                                     "a\x00\x00\x00\x00\x00\x00\xf8\x7f"sv,  // a score that is no number
                                     "\x01\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01"
                                     "a"sv,  // announces 2^63 elements
                                     "\x0b\x0b\x02\x00\x00\x00\xff\xff\xff\x7f\x01\x00\x02"sv,  // an intset likewise
                                     "\x0f\x00\x00\x00\x00\x00\x00"sv,                          // a stream
                                     "\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv, "\x06\x00"sv, "\xff\x00"sv})
    EXPECT_EQ(restored(body(bad)), kBadData) << testing::PrintToString(bad);
  // Compressed a hundredfold, and twice that again for every node.
  std::string bomb = "\x0e\x80"s + std::string("\x00\x00\x10\x00", 4);
  for (int i = 0; i < 4096; ++i) bomb += std::string("\xc3\x05\x40\x64\x00\x61\xe0\x5a\x00", 9);
  EXPECT_EQ(restored(body(bomb)), kBadData);
}

// What a stranger may send: a good payload with a few bytes changed, sealed again. Nothing that comes through is
// malformed.
TEST(Restore, believes_nothing_in_a_sealed_payload) {
  constexpr std::uint64_t kSeed = 12;
  std::mt19937_64 random(kSeed);
  std::vector<std::string> bodies;
  for (const ValueType type : {ValueType::kHash, ValueType::kList, ValueType::kSet, ValueType::kSortedSet}) {
    std::string payload = dump_value(type, form_of(type, {"a", "12", "bc", "-7000000000", "", "x"}));
    bodies.push_back(payload.substr(0, payload.size() - 10));
  }
  bodies.push_back("\x10\x0c\x0c\x00\x00\x00\x02\x00\x81\x61\x02\x03\x01\xff"s);                  // a listpack
  bodies.push_back("\x0d\x10\x10\x00\x00\x00\x0d\x00\x00\x00\x02\x00\x00\x01\x61\x03\xf4\xff"s);  // a ziplist
  bodies.push_back("\x0b\x0c\x02\x00\x00\x00\x02\x00\x00\x00\xfb\xff\x03\x00"s);                  // an intset
  int accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string body = bodies[random() % bodies.size()];
    for (auto n = random() % 4; n > 0; --n) body[random() % body.size()] = static_cast<char>(random());
    const auto restored = restore_value(sealed(body), kSizeMax);
    if (!restored) continue;
    ++accepted;
    ASSERT_TRUE(exchange::well_formed(static_cast<exchange::Kind>(restored->type), restored->value))
        << "seed " << kSeed;
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Lzf, refuses_copies_from_before_the_beginning_and_past_the_end) {
  EXPECT_EQ(base::lzf_decompress(std::string_view("\x00\x61\x20\x05", 4), 4), std::nullopt);
  EXPECT_EQ(base::lzf_decompress(std::string_view("\x00\x61\x20\x00", 4), 3), std::nullopt);
  EXPECT_EQ(base::lzf_decompress(std::string_view("\x00\x61\x20\x00", 4), 4), "aaaa");
  EXPECT_EQ(base::lzf_decompress(std::string_view("\x00\x61\xe0", 3), 10), std::nullopt);
  EXPECT_EQ(base::lzf_decompress(std::string_view("\x1fxx", 3), 32), std::nullopt);
  EXPECT_EQ(base::lzf_decompress("", 0), "");
  EXPECT_EQ(base::lzf_decompress("", std::size_t{1} << 40), std::nullopt);
}

TEST(Restore, survives_random_bodies_with_good_checksums) {
  constexpr std::uint64_t kSeed = 11;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 50'000; ++round) {
    std::string body(1, '\0');
    body += static_cast<char>(0xc0 | random() % 6);
    for (auto n = random() % 24; n > 0; --n) body += static_cast<char>(random());
    const auto restored = restore_value(sealed(body), kSizeMax);
    if (restored) {
      ASSERT_LE(restored->value.size(), kSizeMax) << "seed " << kSeed;
    }
  }
}

}  // namespace
}  // namespace stave::commands
