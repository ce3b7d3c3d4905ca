#include "doors/resp/parser.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <span>
#include <string>

namespace stave::resp {
namespace {

using Command = std::vector<std::string>;

struct Outcome {
  std::vector<Command> commands;
  std::string error;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Feeds `input` in pieces of the given sizes (the last one repeats), moving the buffer as a connection does.
Outcome feed(std::string_view input, std::span<const std::size_t> sizes, const ParserLimits& limits = {}) {
  Parser parser;
  Outcome outcome;
  std::string buffer;
  std::size_t turn = 0;
  while (!input.empty()) {
    const std::size_t piece = std::min(input.size(), sizes[std::min(turn++, sizes.size() - 1)]);
    std::string moved = buffer;  // other bytes at another address, as after a move
    moved.append(input.substr(0, piece));
    buffer = std::move(moved);
    input.remove_prefix(piece);
    std::size_t position = 0;
    for (;;) {
      std::vector<std::string_view> arguments;
      const ParseStatus status = parser.next(buffer.data(), buffer.size(), position, limits, arguments);
      if (status == ParseStatus::kError) {
        outcome.error = parser.error();
        return outcome;
      }
      if (status == ParseStatus::kIncomplete) break;
      outcome.commands.emplace_back(arguments.begin(), arguments.end());
    }
    buffer.erase(0, position);
  }
  return outcome;
}

Outcome whole(std::string_view input, const ParserLimits& limits = {}) {
  const std::size_t all[] = {std::max<std::size_t>(input.size(), 1)};
  return feed(input, all, limits);
}

std::string encode(const Command& command) {
  std::string text = "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string& argument : command)
    text += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  return text;
}

std::string error_of(std::string_view input, const ParserLimits& limits = {}) {
  return whole(input, limits).error;
}

TEST(Parser, reads_arrays_of_bulks_one_after_the_other) {
  const Outcome outcome = whole("*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(outcome.commands, (std::vector<Command>{{"GET", "a"}, {"PING"}}));
  EXPECT_EQ(outcome.error, "");
}

TEST(Parser, keeps_binary_and_empty_arguments_as_they_are) {
  const Command command{"SET", std::string("\0\r\n$5\r\n", 7), ""};
  EXPECT_EQ(whole(encode(command)).commands, std::vector<Command>{command});
}

TEST(Parser, skips_empty_arrays_null_arrays_and_empty_lines) {
  EXPECT_EQ(whole("*0\r\n*-1\r\n\r\n\n   \r\nPING\r\n").commands, std::vector<Command>{{"PING"}});
}

TEST(Parser, splits_inline_commands_like_a_shell) {
  EXPECT_EQ(whole("set  a 'b c'\r\n").commands, (std::vector<Command>{{"set", "a", "b c"}}));
  EXPECT_EQ(whole("set a \"\\x41\\n\\\"q\\\"\"\n").commands, (std::vector<Command>{{"set", "a", "A\n\"q\""}}));
  EXPECT_EQ(whole("set a 'it\\'s' \"\"\n").commands, (std::vector<Command>{{"set", "a", "it's", ""}}));
  EXPECT_EQ(whole("a \"\\xzz\\q\"\n").commands, (std::vector<Command>{{"a", "xzzq"}}));
}

TEST(Parser, refuses_unbalanced_quotes) {
  for (const char* line : {"set a \"b\r\n", "set a 'b\n", "set \"a\"b\n", "set 'a'b\n", "set a \"b\\\n"})
    EXPECT_EQ(error_of(line), "ERR Protocol error: unbalanced quotes in request") << line;
}

TEST(Parser, refuses_what_redis_refuses_in_its_words) {
  const struct {
    std::string input;
    const char* error;
  } cases[] = {
      {"*1048577\r\n", "invalid multibulk length"},
      {"*abc\r\n", "invalid multibulk length"},
      {"*01\r\n", "invalid multibulk length"},
      {"*99999999999999999999\r\n", "invalid multibulk length"},
      {"*\r\n", "invalid multibulk length"},
      {"*1\r\n$-5\r\n", "invalid bulk length"},
      {"*1\r\n$-1\r\n", "invalid bulk length"},
      {"*1\r\n$99999999999\r\n", "invalid bulk length"},
      {"*1\r\n$536870913\r\n", "invalid bulk length"},
      {"*1\r\n$+4\r\nPING\r\n", "invalid bulk length"},
      {"*1\r\n:4\r\n", "expected '$', got ':'"},
      {"*1\r\n\r\n", "expected '$', got '?'"},
      {"*1\r\n$4\r\nPINGxx", "expected CR LF after bulk"},
      {"*1\r\n$4\r\nPING\rx", "expected CR LF after bulk"},
      {std::string(Parser::kLineBytesMax + 1, 'a'), "too big inline request"},
      {std::string(Parser::kLineBytesMax + 1, 'a') + "\r\n", "too big inline request"},
      {"*" + std::string(Parser::kLineBytesMax + 1, '1'), "too big mbulk count string"},
      {"*1\r\n$" + std::string(Parser::kLineBytesMax + 1, '1'), "too big bulk count string"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(error_of(c.input), std::string("ERR Protocol error: ") + c.error) << c.input.substr(0, 40);
}

TEST(Parser, allows_little_before_authentication) {
  const ParserLimits strange{.authenticated = false};
  EXPECT_EQ(error_of("*11\r\n", strange), "ERR Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(error_of("*1\r\n$16385\r\n", strange), "ERR Protocol error: unauthenticated bulk length");
  EXPECT_EQ(whole(encode({"AUTH", "x"}), strange).commands.size(), 1u);
}

TEST(Parser, runs_the_commands_before_an_error) {
  const Outcome outcome = whole("PING\r\n*1\r\n$4\r\nECHO\r\n*x\r\n");
  EXPECT_EQ(outcome.commands.size(), 2u);
  EXPECT_EQ(outcome.error, "ERR Protocol error: invalid multibulk length");
}

TEST(Parser, takes_no_memory_for_what_is_only_announced) {
  Parser parser;
  std::string bytes = "*1000000\r\n$500000000\r\nab";
  std::vector<std::string_view> arguments;
  std::size_t position = 0;
  EXPECT_EQ(parser.next(bytes.data(), bytes.size(), position, {}, arguments), ParseStatus::kIncomplete);
  EXPECT_EQ(arguments.capacity(), 0u);
  EXPECT_TRUE(parser.in_bulk());
  EXPECT_EQ(parser.bulk_end() - parser.bulk_begin(), 500'000'002u);
}

TEST(Parser, can_be_told_to_begin_an_incomplete_command_again) {
  Parser parser;
  std::string bytes = "*2\r\n$4\r\nECHO\r\n$2\r\nhi";
  std::vector<std::string_view> arguments;
  std::size_t position = 0;
  ASSERT_EQ(parser.next(bytes.data(), bytes.size(), position, {}, arguments), ParseStatus::kIncomplete);
  parser.reset();
  bytes += "\r\n";
  ASSERT_EQ(parser.next(bytes.data(), bytes.size(), position, {}, arguments), ParseStatus::kCommand);
  EXPECT_EQ(arguments, (std::vector<std::string_view>{"ECHO", "hi"}));
}

TEST(Parser, sees_the_same_however_the_bytes_are_cut) {
  const std::uint64_t seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    std::string input;
    for (std::size_t i = below(6); i > 0; --i) {
      switch (below(4)) {
        case 0: input += "set k" + std::to_string(i) + " \"v\\x00'\" 'w'\r\n"; break;
        case 1: input += below(2) == 0 ? "*0\r\n" : "\r\n"; break;
        default: {
          Command command(1 + below(5));
          for (std::string& argument : command) {
            argument.resize(below(4) == 0 ? below(3000) : below(8));
            for (char& c : argument) c = static_cast<char>(random());
          }
          input += encode(command);
        }
      }
    }
    if (!input.empty() && below(3) == 0) input[below(input.size())] = static_cast<char>(random());  // often an error
    const Outcome expected = whole(input);
    const std::size_t one[] = {1};
    ASSERT_EQ(feed(input, one), expected) << "seed " << seed << " round " << round;
    std::vector<std::size_t> sizes(1 + below(8));
    for (std::size_t& size : sizes) size = 1 + below(input.size() + 1);
    ASSERT_EQ(feed(input, sizes), expected) << "seed " << seed << " round " << round;
  }
}

// A command that is there whole goes a shorter way, on which nothing may pass that the long one refuses.
TEST(Parser, reads_lengths_alike_whether_a_command_is_there_whole_or_not) {
  const std::string_view lengths[] = {"0", "1", "9",  "10", "99", "100", "999",  "1000", "00", "01", "+1",  "-1",  "-0",
                                      "",  " ", "1 ", " 1", "1x", "x",   "1\r1", "12a",  ":",  "/",  "10:", "100/"};
  for (const std::string_view length : lengths) {
    const std::string text(length);
    const auto size = static_cast<std::size_t>(std::max(std::atoi(text.c_str()), 0));
    std::string bulks;
    for (std::size_t i = 0; i < std::max<std::size_t>(size, 1); ++i) bulks += "$1\r\nx\r\n";
    for (const std::string& input :
         {"*" + text + "\r\n" + bulks, "*2\r\n$1\r\nx\r\n$" + text + "\r\n" + std::string(size, 'y') + "\r\n",
          "*1\r\n$" + text + "\r\n" + std::string(size, 'y') + "\r*", "*1\r\n$" + text + "\r\r\n",
          "*1\r\n$" + text + "\n\n" + std::string(size, 'y')}) {
      const std::size_t one[] = {1};
      EXPECT_EQ(whole(input), feed(input, one)) << input;
      const ParserLimits few{.arguments_max = 9, .bulk_bytes_max = 10};
      EXPECT_EQ(whole(input, few), feed(input, one, few)) << input;
    }
  }
}

TEST(Parser, is_linear_in_an_array_of_many_small_pieces) {
  // 200,000 arguments, cut after every second byte: quadratic work would take minutes.
  Parser parser;
  std::string bytes = "*200000\r\n";
  for (int i = 0; i < 200'000; ++i) bytes += "$1\r\nx\r\n";
  std::vector<std::string_view> arguments;
  std::size_t position = 0;
  for (std::size_t size = 2; size < bytes.size(); size += 2)
    ASSERT_EQ(parser.next(bytes.data(), size, position, {}, arguments), ParseStatus::kIncomplete);
  ASSERT_EQ(parser.next(bytes.data(), bytes.size(), position, {}, arguments), ParseStatus::kCommand);
  EXPECT_EQ(arguments.size(), 200'000u);
  EXPECT_EQ(position, bytes.size());
}

// An argument that lies apart: the buffer holds what surrounds it, in any pieces, and may be presented again.
TEST(Parser, puts_arguments_that_lie_apart_where_they_belong) {
  const std::string large(100, 'L');
  const std::string other(50, 'O');
  const std::vector<Command> expected = {{"MSET", "a", large, "b", "small", "c", other, "d", ""}, {"GET", large}};
  const std::string head = "*9\r\n$4\r\nMSET\r\n$1\r\na\r\n$100\r\n";
  const std::string middle = "\r\n$1\r\nb\r\n$5\r\nsmall\r\n$1\r\nc\r\n$50\r\n";
  const std::string rest = "\r\n$1\r\nd\r\n$0\r\n\r\n" + encode(expected[1]);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{1000}}) {
    SCOPED_TRACE(piece);
    Parser parser;
    std::string buffer;
    std::vector<Command> commands;
    std::size_t position = 0;
    const auto parse = [&] {
      for (;;) {
        std::vector<std::string_view> arguments;
        if (parser.next(buffer.data(), buffer.size(), position, {}, arguments) != ParseStatus::kCommand) return;
        commands.emplace_back(arguments.begin(), arguments.end());
      }
    };
    const auto receive = [&](std::string_view bytes) {
      for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
        std::string moved = buffer;
        moved.append(bytes.substr(0, piece));
        buffer = std::move(moved);
        parse();
      }
    };
    receive(head);
    ASSERT_TRUE(parser.in_bulk());
    EXPECT_FALSE(parser.is_apart());
    EXPECT_EQ(parser.bulk_begin(), head.size());
    EXPECT_EQ(parser.bulk_size(), large.size());
    parser.set_apart(large);
    EXPECT_TRUE(parser.is_apart());
    receive(middle);
    ASSERT_TRUE(parser.in_bulk());
    EXPECT_FALSE(parser.is_apart());
    parser.set_apart(other);
    receive(rest);
    EXPECT_EQ(commands, expected);
    EXPECT_EQ(position, buffer.size());
    // Presented again from its beginning.
    commands.clear();
    parser.reset();
    position = 0;
    parse();
    EXPECT_EQ(commands, expected);
    // The next one at the beginning has nothing apart.
    parser.forget_apart();
    buffer = encode(expected[0]);
    commands.clear();
    position = 0;
    parse();
    EXPECT_EQ(commands, std::vector<Command>{expected[0]});
  }
}

TEST(Parser, wants_the_end_of_an_argument_that_lies_apart) {
  const std::string large(100, 'L');
  Parser parser;
  std::string buffer = "*2\r\n$3\r\nGET\r\n$100\r\n";
  std::size_t position = 0;
  std::vector<std::string_view> arguments;
  ASSERT_EQ(parser.next(buffer.data(), buffer.size(), position, {}, arguments), ParseStatus::kIncomplete);
  parser.set_apart(large);
  buffer += "xy";
  ASSERT_EQ(parser.next(buffer.data(), buffer.size(), position, {}, arguments), ParseStatus::kError);
  EXPECT_EQ(parser.error(), "ERR Protocol error: expected CR LF after bulk");
}

}  // namespace
}  // namespace stave::resp
