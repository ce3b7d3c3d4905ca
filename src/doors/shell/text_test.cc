#include "doors/shell/text.h"

#include <gtest/gtest.h>

#include <random>

namespace stave::shell {
namespace {

using Words = std::vector<std::string>;

TEST(SplitLine, quotes_and_escapes_as_redis_cli_has_them) {
  EXPECT_EQ(*split_line("SET  user:1\tAlice "), (Words{"SET", "user:1", "Alice"}));
  EXPECT_EQ(*split_line(R"(SET a "b c")"), (Words{"SET", "a", "b c"}));
  EXPECT_EQ(*split_line(R"(SET a "\x00\xFF\n\t\\\"")"), (Words{"SET", "a", std::string("\0\xff\n\t\\\"", 6)}));
  EXPECT_EQ(*split_line(R"('it\'s \n' "")"), (Words{"it's \\n", ""}));
  EXPECT_EQ(*split_line(R"("\xg1")"), (Words{"xg1"}));
  EXPECT_EQ(*split_line("   "), Words{});
  EXPECT_EQ(*split_line(""), Words{});
}

TEST(SplitLine, refuses_quotes_that_do_not_close_or_are_glued) {
  for (const std::string_view bad : {"\"a", "'a", "\"a\"b", "'a'b", "\"a\\\"", "a \""})
    EXPECT_EQ(split_line(bad).error().code(), ErrorCode::kInvalidArgument) << bad;
}

TEST(Utf8, accepts_what_is_well_formed_and_nothing_else) {
  for (const std::string_view good :
       {"", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const std::string_view bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xc3", "a\xff"})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Base64, round_trips_any_bytes_and_refuses_the_rest) {
  EXPECT_EQ(to_base64("Man"), "TWFu");
  EXPECT_EQ(to_base64("Ma"), "TWE=");
  EXPECT_EQ(to_base64("M"), "TQ==");
  EXPECT_EQ(to_base64(""), "");
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    std::string bytes(random() % 50, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
  for (const std::string_view bad : {"T", "TQ=", "TQ=a", "T===", "====", "TR==", "TQ==TQ==", "T\nQ="})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

TEST(Printable, lets_nothing_through_that_steers_a_terminal) {
  EXPECT_EQ(printable("\x1b[2Jhi\x07", true), "\\x1b[2Jhi\\x07");
  EXPECT_EQ(printable("a\nb\tc\r\n", true), "a\nb\tc\n");
  EXPECT_EQ(printable("a\nb\tc\r\n", false), "a\\nb\\tc\\r\\n");
  EXPECT_EQ(printable("caf\xc3\xa9 \xff \xc2\x9b", true), "caf\xc3\xa9 \\xff \\xc2\\x9b");
}

}  // namespace
}  // namespace stave::shell
