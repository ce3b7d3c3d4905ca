#include "doors/shell/printer.h"

#include <gtest/gtest.h>

#include <limits>

namespace stave::shell {
namespace {

using Kind = Reply::Kind;

Reply bulk(std::string text) {
  return {.kind = Kind::kBulk, .text = std::move(text)};
}
Reply integer(std::int64_t value) {
  return {.kind = Kind::kInteger, .integer = value};
}
Reply group(Kind kind, std::vector<Reply> elements) {
  return {.kind = kind, .elements = std::move(elements)};
}
Reply error(std::string text) {
  return {.kind = Kind::kError, .text = std::move(text)};
}

constexpr Style kPlain{.format = Format::kPlain, .terminal = true};
constexpr Style kRaw{.format = Format::kRaw};
constexpr Style kJson{.format = Format::kJson};

TEST(Printer, plain_text_has_no_quotes_and_no_numbers) {
  EXPECT_EQ(print(bulk("Alice"), kPlain), "Alice\n");
  EXPECT_EQ(print({.kind = Kind::kStatus, .text = "OK"}, kPlain), "OK\n");
  EXPECT_EQ(print(integer(1), kPlain), "(integer) 1\n");
  EXPECT_EQ(print({}, kPlain), "(nil)\n");
  EXPECT_EQ(print(error("ERR no"), kPlain), "(error) ERR no\n");
  EXPECT_EQ(print(group(Kind::kArray, {bulk("user:1"), bulk("user:2")}), kPlain), "user:1\nuser:2\n");
  EXPECT_EQ(print(group(Kind::kArray, {}), kPlain), "(empty array)\n");
  EXPECT_EQ(print(group(Kind::kMap, {bulk("a"), integer(1)}), kPlain), "a => (integer) 1\n");
}

TEST(Printer, nested_arrays_are_numbered) {
  const Reply reply =
      group(Kind::kArray, {bulk("0"), group(Kind::kArray, {bulk("a"), bulk("b")}), group(Kind::kArray, {})});
  EXPECT_EQ(print(reply, kPlain), "1) 0\n2) 1) a\n   2) b\n3) (empty array)\n");
}

TEST(Printer, what_a_map_nests_stands_below_its_name) {
  const Reply inner = group(Kind::kMap, {bulk("x"), integer(1)});
  EXPECT_EQ(print(group(Kind::kMap, {bulk("a"), inner, bulk("b"), integer(2)}), kPlain),
            "1# a =>\n   1# x => (integer) 1\n2# b => (integer) 2\n");
}

TEST(Printer, each_type_is_printed_as_redis_cli_does_but_for_quotes) {
  const auto number = [](double value) { return Reply{.kind = Kind::kDouble, .number = value}; };
  EXPECT_EQ(print(number(100000), kPlain), "(double) 100000\n");
  EXPECT_EQ(print(number(-std::numeric_limits<double>::infinity()), kPlain), "(double) -inf\n");
  EXPECT_EQ(print(group(Kind::kMap, {}), kPlain), "(empty hash)\n");
  EXPECT_EQ(print(group(Kind::kSet, {}), kPlain), "(empty set)\n");
  EXPECT_EQ(print(group(Kind::kMap, {bulk("name"), bulk("Alice"), bulk("n"), bulk("1")}), kPlain),
            "name => Alice\nn => 1\n");
  EXPECT_EQ(print(group(Kind::kSet, {bulk("a"), bulk("b")}), kPlain), "a\nb\n");
  // ZRANGE 0 -1 WITHSCORES, ZMPOP, a set within an array.
  const Reply pairs = group(
      Kind::kArray, {group(Kind::kArray, {bulk("a"), number(0.5)}), group(Kind::kArray, {bulk("b"), number(1e100)})});
  EXPECT_EQ(print(pairs, kPlain), "1) 1) a\n   2) (double) 0.5\n2) 1) b\n   2) (double) 1e+100\n");
  EXPECT_EQ(print(group(Kind::kArray, {bulk("key"), pairs}), kPlain),
            "1) key\n2) 1) 1) a\n      2) (double) 0.5\n   2) 1) b\n      2) (double) 1e+100\n");
  EXPECT_EQ(print(group(Kind::kArray, {group(Kind::kSet, {bulk("x"), bulk("y")}), {}}), kPlain),
            "1) 1~ x\n   2~ y\n2) (nil)\n");
  EXPECT_EQ(print(pairs, kRaw), "a\n0.5\nb\n1e+100\n");
  EXPECT_EQ(print(pairs, kJson), "[[\"a\", 0.5], [\"b\", 1e+100]]\n");
}

TEST(Printer, control_bytes_are_escaped_on_a_terminal_only) {
  EXPECT_EQ(print(bulk("\x1b[2J"), kPlain), "\\x1b[2J\n");
  EXPECT_EQ(print(bulk("\x1b[2J"), {.format = Format::kPlain, .terminal = false}), "\x1b[2J\n");
  EXPECT_EQ(print(group(Kind::kArray, {bulk("a\nb")}), kPlain), "a\\nb\n");
  EXPECT_EQ(print(bulk("two\nlines\n"), kPlain), "two\nlines\n");
}

TEST(Printer, raw_is_the_bytes) {
  EXPECT_EQ(print(bulk(std::string("\0\xff", 2)), kRaw), std::string("\0\xff\n", 3));
  EXPECT_EQ(print(integer(7), kRaw), "7\n");
  EXPECT_EQ(print({}, kRaw), "\n");
  EXPECT_EQ(print(group(Kind::kArray, {bulk("a"), group(Kind::kArray, {integer(1)})}), kRaw), "a\n1\n");
}

TEST(Printer, json_is_json_whatever_the_bytes) {
  EXPECT_EQ(print(bulk("a\"b\n\x01"), kJson), "\"a\\\"b\\n\\u0001\"\n");
  EXPECT_EQ(print(bulk("\xff"), kJson), "{\"base64\": \"/w==\"}\n");
  EXPECT_EQ(print(error("ERR no"), kJson), "{\"error\": \"ERR no\"}\n");
  EXPECT_EQ(print(group(Kind::kArray, {integer(1), {}, bulk("x")}), kJson), "[1, null, \"x\"]\n");
  EXPECT_EQ(print(group(Kind::kMap, {bulk("a"), integer(1), integer(2), bulk("b")}), kJson),
            "{\"a\": 1, \"2\": \"b\"}\n");
  EXPECT_EQ(print(group(Kind::kMap, {bulk("a"), bulk("1"), bulk("\xff"), bulk("\xfe")}), kJson),
            "[[\"a\", \"1\"], [{\"base64\": \"/w==\"}, {\"base64\": \"/g==\"}]]\n")
      << "a name that is not UTF-8";
  EXPECT_EQ(print({.kind = Kind::kDouble, .number = std::numeric_limits<double>::infinity()}, kJson), "\"inf\"\n");
  EXPECT_EQ(print({.kind = Kind::kDouble, .number = 0.1}, kJson), "0.1\n");
}

}  // namespace
}  // namespace stave::shell
