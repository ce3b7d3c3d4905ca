#include "doors/client/reply_parser.h"

#include <gtest/gtest.h>

#include <random>

namespace stave::client {
namespace {

using Kind = Reply::Kind;

// Feeds `bytes` in pieces of `piece` and returns everything that comes out.
Result<std::vector<Reply>> parse(std::string_view bytes, std::size_t piece = 1 << 20, const ReplyLimits& limits = {}) {
  ReplyParser parser(limits);
  std::vector<Reply> replies;
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      auto next = parser.next();
      if (!next) return std::unexpected(std::move(next).error());
      if (!*next) break;
      replies.push_back(std::move(**next));
    }
  }
  return replies;
}

Reply bulk(std::string text) {
  return {.kind = Kind::kBulk, .text = std::move(text)};
}
Reply integer(std::int64_t value) {
  return {.kind = Kind::kInteger, .integer = value};
}

const std::string kEverything =
    "+OK\r\n-ERR no\r\n:-42\r\n$0\r\n\r\n$5\r\na\r\nb\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n:1\r\n*1\r\n$1\r\nx\r\n"
    "%1\r\n+a\r\n:1\r\n~1\r\n#t\r\n,1.5\r\n,inf\r\n(123456789012345678901234567890\r\n_\r\n=7\r\ntxt:abc\r\n"
    "!5\r\nERR x\r\n>2\r\n+message\r\n+hi\r\n|1\r\n+ttl\r\n:5\r\n:7\r\n";

TEST(ReplyParser, reads_every_type_however_the_bytes_are_cut) {
  const auto whole = parse(kEverything);
  ASSERT_TRUE(whole) << whole.error().describe();
  ASSERT_EQ(whole->size(), 19u);
  EXPECT_EQ((*whole)[2], integer(-42));
  EXPECT_EQ((*whole)[4], bulk("a\r\nb\n"));
  EXPECT_TRUE((*whole)[5].is_null());
  EXPECT_EQ((*whole)[8].elements[1].elements[0], bulk("x"));
  EXPECT_EQ((*whole)[9].kind, Kind::kMap);
  EXPECT_EQ((*whole)[9].elements.size(), 2u);
  EXPECT_EQ((*whole)[15].format, "txt");
  EXPECT_EQ((*whole)[15].text, "abc");
  EXPECT_TRUE((*whole)[16].is_error());
  EXPECT_EQ((*whole)[17].kind, Kind::kPush);
  EXPECT_EQ((*whole)[18], integer(7)) << "an attribute is dropped";
  for (std::size_t piece = 1; piece < 20; ++piece) {
    const auto cut = parse(kEverything, piece);
    ASSERT_TRUE(cut);
    EXPECT_EQ(*cut, *whole) << "pieces of " << piece;
  }
}

TEST(ReplyParser, refuses_what_is_not_the_protocol) {
  for (const std::string_view bad : {"hello\r\n", "\r\n", "+OK\n", ":12a\r\n", ":\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n",
                                     "$3\r\nabcd\r\n", "#x\r\n", ",one\r\n", "(12a\r\n", "_x\r\n", "=2\r\nab\r\n",
                                     "%-1\r\n", ":99999999999999999999\r\n", "HTTP/1.1 400 Bad Request\r\n"}) {
    const auto parsed = parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorrupt) << bad;
  }
  EXPECT_FALSE(parse(std::string(100'000, 'x')));
}

TEST(ReplyParser, keeps_its_limits_without_paying_for_what_is_announced) {
  const ReplyLimits limits{.bytes_max = 1000, .elements_max = 100, .depth_max = 4};
  std::string map = "%100\r\n";
  for (int i = 0; i < 200; ++i) map += "_\r\n";
  for (const std::string& bad :
       {std::string("$1001\r\n"), std::string("*101\r\n"), std::string("*9223372036854775807\r\n"),
        std::string("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"), map}) {
    const auto parsed = parse(bad, 1 << 20, limits);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kTooLarge) << bad;
  }
  // Announced, never sent: nothing may be allocated for it (a reservation of this size would throw).
  ReplyParser parser({.bytes_max = std::uint64_t{1} << 62, .elements_max = std::uint64_t{1} << 60, .depth_max = 4});
  parser.feed("*1000000000000000\r\n$1000000000000000000\r\nabc");
  const auto next = parser.next();
  ASSERT_TRUE(next);
  EXPECT_FALSE(*next);
}

TEST(ReplyParser, an_attribute_before_a_nested_value_stays_out_of_it) {
  const auto parsed = parse("*2\r\n|1\r\n+k\r\n+v\r\n:1\r\n:2\r\n");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 1u);
  EXPECT_EQ((*parsed)[0].elements, (std::vector<Reply>{integer(1), integer(2)}));
}

// Flipped bytes may give errors or other replies, never a crash or a loop.
TEST(ReplyParser, survives_damaged_streams) {
  const std::uint64_t seed = 20240117;
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = kEverything;
    for (int flips = 0; flips < 3; ++flips) damaged[random() % damaged.size()] = static_cast<char>(random());
    (void)parse(damaged, 1 + random() % 64, {.bytes_max = 1 << 16, .elements_max = 1000, .depth_max = 8});
  }
}

}  // namespace
}  // namespace stave::client
