#include "commands/dump_format.h"

#include <gtest/gtest.h>

#include <random>

#include "base/bytes.h"
#include "base/crc64.h"
#include "base/lzf.h"

namespace stave::commands {
namespace {

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
  const auto value = restore_string(payload, kSizeMax);
  return value ? *value : "-" + value.error().message();
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
    EXPECT_EQ(restored(dump_string(value)), value);
}

TEST(Dump, is_byte_for_byte_what_redis_server_makes) {
  // DUMP of "10" in redis-server 5.0.
  EXPECT_EQ(dump_string("10"), std::string("\x00\xc0\n\t\x00\xbem\x06\x89Z(\x00\n", 13));
}

TEST(Restore, reads_compressed_strings) {
  // One hundred times "a": a literal run, then a copy that overlaps itself.
  const std::string body("\x00\xc3\x05\x40\x64\x00\x61\xe0\x5a\x00", 10);
  EXPECT_EQ(restored(sealed(body)), std::string(100, 'a'));
}

TEST(Restore, refuses_what_was_damaged_or_is_from_the_future) {
  std::string payload = dump_string("hello");
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
  EXPECT_EQ(restored(body("\x01\x01x"sv)), kBadData);   // a list
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
    const auto value = restore_string(sealed(body), kSizeMax);
    if (value) {
      ASSERT_LE(value->size(), kSizeMax) << "seed " << kSeed;
    }
  }
}

}  // namespace
}  // namespace stave::commands
