#include "replication/redis_wire.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "replication/redis_state.h"
#include "stave/file_system.h"

namespace stave::replication {
namespace {

std::string call(std::initializer_list<std::string_view> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string_view word : words)
    text.append("$").append(std::to_string(word.size())).append("\r\n").append(word).append("\r\n");
  return text;
}

/// "db:word word;…@end", a unit each.
std::vector<std::string> units_of(RedisStream& stream, bool& asked) {
  std::vector<std::string> all;
  for (;;) {
    auto unit = stream.next(asked);
    if (!unit) {
      all.push_back("error: " + unit.error().message());
      return all;
    }
    if (!*unit) return all;
    std::string text;
    for (const RedisCall& one : (*unit)->calls) {
      text += std::to_string(one.database) + ":";
      for (const std::string_view word : one.words) text.append(word).append(" ");
    }
    all.push_back(text + "@" + std::to_string((*unit)->end));
  }
}

TEST(RedisStream, gives_commands_with_where_they_end_when_they_come_in_pieces) {
  const std::string text = call({"SELECT", "3"}) + call({"SET", "a", "1"}) + call({"PING"}) +
                           call({"REPLCONF", "GETACK", "*"}) + call({"multi"}) + call({"INCR", "n"}) +
                           call({"SELECT", "4"}) + call({"DEL", std::string(3000, 'x')}) + call({"EXEC"});
  bool asked = false;
  RedisStream whole(1000, 0);
  whole.add(text);
  const auto expected = units_of(whole, asked);
  EXPECT_TRUE(asked);
  ASSERT_EQ(expected.size(), 5u);
  EXPECT_TRUE(expected[1].starts_with("3:SET a 1 @"));
  EXPECT_TRUE(expected[4].starts_with("3:INCR n 4:DEL xxx"));
  EXPECT_TRUE(expected[4].ends_with("@" + std::to_string(1000 + text.size())));
  for (const std::size_t piece : {1u, 7u, 100u}) {
    RedisStream stream(1000, 0);
    std::vector<std::string> got;
    bool wants = false;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      stream.add(std::string_view(text).substr(at, piece));
      for (std::string& unit : units_of(stream, wants)) got.push_back(std::move(unit));
      stream.drop();
    }
    EXPECT_EQ(got, expected);
    EXPECT_TRUE(wants);
    EXPECT_EQ(stream.received(), 1000 + text.size());
  }
}

TEST(RedisStream, gives_nothing_of_a_transaction_that_has_not_come_whole) {
  RedisStream stream(0, 0);
  bool asked = false;
  stream.add(call({"MULTI"}) + call({"SET", "a", "1"}));
  EXPECT_TRUE(units_of(stream, asked).empty());
  stream.drop();
  stream.add(call({"EXEC"}));
  EXPECT_EQ(units_of(stream, asked).size(), 1u);
}

TEST(RedisStream, counts_empty_lines) {
  RedisStream stream(0, 0);
  bool asked = false;
  stream.add("\n" + call({"SET", "a", "1"}));
  EXPECT_EQ(units_of(stream, asked), (std::vector<std::string>{"@1", "0:SET a 1 @28"}));
}

TEST(RedisStream, refuses_what_makes_no_sense) {
  for (const std::string& text :
       {std::string("+OK\r\n"), std::string("*x\r\n"), std::string("*1\r\n+a\r\n"), std::string("*1\r\n$1\r\nab\r\n"),
        std::string("*-1\r\n"), std::string("*9999999999\r\n"), call({"EXEC"}), call({"MULTI"}) + call({"MULTI"}),
        call({"SELECT", "x"}), call({"SELECT"}), std::string(100'000, '*')}) {
    RedisStream stream(0, 0);
    bool asked = false;
    stream.add(text);
    const auto got = units_of(stream, asked);
    ASSERT_EQ(got.size(), 1u) << text.substr(0, 40);
    EXPECT_TRUE(got[0].starts_with("error: ")) << got[0];
  }
}

TEST(RedisStream, takes_no_memory_for_what_is_only_announced) {
  RedisStream stream(0, 0);
  bool asked = false;
  stream.add("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1152921504606846976\r\n");
  const auto unit = stream.next(asked);
  ASSERT_FALSE(unit);
  EXPECT_EQ(unit.error().code(), ErrorCode::kTooLarge);
}

TEST(PsyncAnswer, is_a_full_one_or_goes_on) {
  const std::string id(40, 'a');
  const auto full = parse_psync_answer("+FULLRESYNC " + id + " 123");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->full);
  EXPECT_EQ(full->replid, id);
  EXPECT_EQ(full->offset, 123u);
  const auto on = parse_psync_answer("+CONTINUE");
  ASSERT_TRUE(on);
  EXPECT_FALSE(on->full);
  EXPECT_TRUE(on->replid.empty());
  EXPECT_EQ(parse_psync_answer("+CONTINUE " + id)->replid, id);
  for (const std::string& line : {std::string("+FULLRESYNC"), "+FULLRESYNC " + id, std::string("+FULLRESYNC x 1"),
                                  "+FULLRESYNC " + id + " -1", std::string("+CONTINUE x"), std::string("PONG")})
    EXPECT_EQ(parse_psync_answer(line).error().code(), ErrorCode::kCorrupt) << line;
  EXPECT_EQ(parse_psync_answer("-NOMASTERLINK no").error().code(), ErrorCode::kBusy);
  EXPECT_EQ(parse_psync_answer("-ERR unknown command").error().code(), ErrorCode::kUnsupported);
}

TEST(SnapshotFrame, has_a_length_or_a_mark) {
  EXPECT_EQ(parse_snapshot_frame("$88")->bytes, 88u);
  const std::string mark(40, 'f');
  EXPECT_EQ(parse_snapshot_frame("$EOF:" + mark)->mark, mark);
  for (const std::string line : {"$", "$-1", "$EOF:short", "+OK", "$99999999999999999999"})
    EXPECT_EQ(parse_snapshot_frame(line).error().code(), ErrorCode::kCorrupt) << line;
}

TEST(RedisState, comes_back_as_it_was_saved) {
  const auto files = make_memory_file_system();
  ASSERT_TRUE(files->create_directories("d"));
  EXPECT_FALSE(load_redis_state(*files, "d")->has_value());
  const RedisState state{.follows = true,
                         .master = "db.example:6379",
                         .told = "db.example:6379",
                         .lineage = draw_lineage(),
                         .copy = RedisCopy::kLoad,
                         .loaded = {.replid = std::string(40, 'b'), .offset = 77, .database = 0}};
  ASSERT_TRUE(save_redis_state(*files, "d", state));
  const auto back = load_redis_state(*files, "d");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->value(), state);
}

TEST(RedisState, is_refused_when_it_is_damaged) {
  std::string text = encode_redis_state({.follows = true, .master = "a:1"});
  ASSERT_TRUE(decode_redis_state(text, "REDIS"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(decode_redis_state(other, "REDIS")) << i;
  }
  EXPECT_EQ(decode_redis_state("", "REDIS").error().code(), ErrorCode::kCorrupt);
}

TEST(RedisPosition, counts_only_under_its_lineage) {
  const RedisPosition position{.replid = std::string(40, 'c'), .offset = 9, .database = 5};
  const std::string text = encode_position("abc", position);
  EXPECT_EQ(decode_position(text, "abc"), position);
  EXPECT_FALSE(decode_position(text, "abd"));
  EXPECT_FALSE(decode_position("abc - 0 0", "abc"));
  EXPECT_FALSE(decode_position("abc", "abc"));
}

}  // namespace
}  // namespace stave::replication
