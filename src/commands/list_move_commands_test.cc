#include "commands/list_move_commands.h"

#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class ListMoves : public CommandsTest {
 protected:
  std::string all(std::string_view key) { return run({"LRANGE", key, "0", "-1"}); }
  void fill(std::string_view key, std::initializer_list<std::string_view> elements) {
    std::vector<std::string_view> call = {"RPUSH", key};
    call.insert(call.end(), elements);
    run({"DEL", key});
    run(call);
  }
};

constexpr const char* kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kSyntax = "-ERR syntax error";

TEST_F(ListMoves, take_from_one_end_and_put_to_another) {
  fill("a", {"1", "2", "3", "4"});
  EXPECT_EQ(run({"LMOVE", "a", "b", "LEFT", "RIGHT"}), "\"1\"");
  EXPECT_EQ(run({"LMOVE", "a", "b", "right", "left"}), "\"4\"");
  EXPECT_EQ(run({"RPOPLPUSH", "a", "b"}), "\"3\"");
  EXPECT_EQ(all("a"), R"(["2"])");
  EXPECT_EQ(all("b"), R"(["3", "4", "1"])");
  EXPECT_EQ(run({"LMOVE", "a", "b", "RIGHT", "RIGHT"}), "\"2\"");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run({"LMOVE", "a", "b", "LEFT", "LEFT"}), "nil");
  EXPECT_EQ(run({"LMOVE", "a", "b", "UP", "LEFT"}), kSyntax);
  EXPECT_EQ(run({"LMOVE", "a", "b", "LEFT", "DOWN"}), kSyntax);
}

TEST_F(ListMoves, turn_a_list_that_is_source_and_target) {
  fill("a", {"1", "2", "3"});
  EXPECT_EQ(run({"RPOPLPUSH", "a", "a"}), "\"3\"");
  EXPECT_EQ(all("a"), R"(["3", "1", "2"])");
  EXPECT_EQ(run({"LMOVE", "a", "a", "LEFT", "LEFT"}), "\"3\"");
  EXPECT_EQ(all("a"), R"(["3", "1", "2"])");
  fill("a", {"1"});
  run({"EXPIRE", "a", "100"});
  EXPECT_EQ(run({"RPOPLPUSH", "a", "a"}), "\"1\"");
  EXPECT_EQ(all("a"), R"(["1"])");
  EXPECT_EQ(run({"TTL", "a"}), "100");
}

TEST_F(ListMoves, look_at_the_target_only_when_there_is_something_to_move) {
  run({"SET", "s", "1"});
  EXPECT_EQ(run({"LMOVE", "none", "s", "LEFT", "LEFT"}), "nil");
  EXPECT_EQ(run({"RPOPLPUSH", "s", "none"}), kWrongType);
  EXPECT_EQ(run({"RPOPLPUSH", "s", "s"}), kWrongType);
  fill("a", {"1"});
  EXPECT_EQ(run({"RPOPLPUSH", "a", "s"}), kWrongType);
  EXPECT_EQ(all("a"), R"(["1"])");
  EXPECT_EQ(run({"GET", "s"}), "\"1\"");
}

TEST_F(ListMoves, are_whole_after_a_restart) {
  fill("a", {"1", "2"});
  run({"EXPIRE", "a", "100"});
  run({"LMOVE", "a", "b", "LEFT", "LEFT"});
  reopen();
  EXPECT_EQ(all("a"), R"(["2"])");
  EXPECT_EQ(all("b"), R"(["1"])");
  EXPECT_EQ(run({"TTL", "a"}), "100");
  EXPECT_EQ(run({"TTL", "b"}), "-1");
}

TEST_F(ListMoves, of_several_one_by_one_turn_the_order_at_the_same_side) {
  fill("a", {"1", "2", "3", "4"});
  EXPECT_EQ(run({"LMOVEM", "a", "b", "LEFT", "LEFT", "COUNT", "2", "OBO"}), R"(["2", "1"])");
  EXPECT_EQ(all("a"), R"(["3", "4"])");
  EXPECT_EQ(all("b"), R"(["2", "1"])");
  EXPECT_EQ(run({"LMOVEM", "a", "b", "LEFT", "LEFT", "EXACTLY", "5", "BULK"}), "nil");
  EXPECT_EQ(run({"LMOVEM", "a", "b", "RIGHT", "LEFT", "COUNT", "9", "obo"}), R"(["3", "4"])");
  EXPECT_EQ(all("b"), R"(["3", "4", "2", "1"])");
  EXPECT_EQ(run({"LMOVEM", "b", "a", "RIGHT", "RIGHT", "EXACTLY", "2", "OBO"}), R"(["1", "2"])");
  EXPECT_EQ(run({"LMOVEM", "b", "a", "LEFT", "RIGHT", "COUNT", "2", "OBO"}), R"(["3", "4"])");
  EXPECT_EQ(all("a"), R"(["1", "2", "3", "4"])");
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
}

TEST_F(ListMoves, of_several_in_bulk_keep_the_order) {
  for (const char* const from : {"LEFT", "RIGHT"}) {
    for (const char* const to : {"LEFT", "RIGHT"}) {
      fill("a", {"1", "2", "3", "4"});
      fill("b", {"x"});
      const std::string moved = from == std::string("LEFT") ? R"("1", "2")" : R"("3", "4")";
      EXPECT_EQ(run({"LMOVEM", "a", "b", from, to, "COUNT", "2", "BULK"}), "[" + moved + "]");
      EXPECT_EQ(all("b"), to == std::string("LEFT") ? "[" + moved + R"(, "x"])" : R"(["x", )" + moved + "]");
    }
  }
}

TEST_F(ListMoves, of_several_within_a_list_turn_them_or_not) {
  fill("a", {"a", "b", "c"});
  EXPECT_EQ(run({"LMOVEM", "a", "a", "LEFT", "LEFT", "EXACTLY", "2", "OBO"}), R"(["b", "a"])");
  EXPECT_EQ(all("a"), R"(["b", "a", "c"])");
  EXPECT_EQ(run({"LMOVEM", "a", "a", "RIGHT", "RIGHT", "COUNT", "2", "BULK"}), R"(["a", "c"])");
  EXPECT_EQ(all("a"), R"(["b", "a", "c"])");
  EXPECT_EQ(run({"LMOVEM", "a", "a", "LEFT", "RIGHT", "COUNT", "2", "BULK"}), R"(["b", "a"])");
  EXPECT_EQ(all("a"), R"(["c", "b", "a"])");
}

TEST_F(ListMoves, of_several_answer_with_an_array) {
  fill("a", {"1", "2"});
  EXPECT_EQ(run({"LMOVEM", "a", "b", "RIGHT", "LEFT"}), R"(["2"])");
  EXPECT_EQ(run({"LMOVEM", "none", "b", "RIGHT", "LEFT"}), "[]");
  EXPECT_EQ(run({"LMOVEM", "none", "b", "RIGHT", "LEFT", "EXACTLY", "1", "OBO"}), "nil");
  EXPECT_EQ(run({"LMOVEM", "a", "b", "LEFT", "LEFT", "COUNT", "1"}), kSyntax);
  EXPECT_EQ(run({"LMOVEM", "a", "b", "LEFT", "LEFT", "COUNT", "1", "FOO"}), kSyntax);
  EXPECT_EQ(run({"LMOVEM", "a", "b", "LEFT", "LEFT", "COUNT", "1", "OBO", "BULK"}), kSyntax);
  EXPECT_EQ(run({"LMOVEM", "a", "b", "LEFT", "LEFT", "FOO", "1", "OBO"}), kSyntax);
  for (const char* const count : {"0", "-1", "x", "9223372036854775808"})
    EXPECT_EQ(run({"LMOVEM", "a", "b", "LEFT", "LEFT", "EXACTLY", count, "OBO"}),
              "-ERR count should be greater than 0");
}

TEST_F(ListMoves, lmpop_takes_from_the_first_list_that_is_there) {
  fill("b", {"1", "2", "3", "4"});
  EXPECT_EQ(run({"LMPOP", "2", "a", "b", "LEFT"}), R"(["b", ["1"]])");
  EXPECT_EQ(run({"LMPOP", "2", "b", "a", "RIGHT", "COUNT", "2"}), R"(["b", ["4", "3"]])");
  EXPECT_EQ(run({"LMPOP", "3", "b", "b", "b", "LEFT", "COUNT", "9223372036854775807"}), R"(["b", ["2"]])");
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
  EXPECT_EQ(run({"LMPOP", "1", "b", "LEFT"}), "nil");
  run({"SET", "s", "1"});
  fill("b", {"1"});
  EXPECT_EQ(run({"LMPOP", "2", "s", "b", "LEFT"}), kWrongType);
  EXPECT_EQ(run({"LMPOP", "2", "b", "s", "LEFT"}), R"(["b", ["1"]])");
}

TEST_F(ListMoves, lmpop_refuses_what_makes_no_sense) {
  for (const char* const keys : {"0", "-1", "x", "9223372036854775808"})
    EXPECT_EQ(run({"LMPOP", keys, "a", "LEFT"}), "-ERR numkeys should be greater than 0") << keys;
  for (const char* const keys : {"2", "3", "9223372036854775807"})
    EXPECT_EQ(run({"LMPOP", keys, "a", "LEFT"}), kSyntax) << keys;
  EXPECT_EQ(run({"LMPOP", "1", "a", "b", "LEFT"}), kSyntax);
  EXPECT_EQ(run({"LMPOP", "1", "a", "LEFT", "COUNT"}), kSyntax);
  EXPECT_EQ(run({"LMPOP", "1", "a", "LEFT", "FOO", "1"}), kSyntax);
  EXPECT_EQ(run({"LMPOP", "1", "a", "LEFT", "COUNT", "1", "COUNT", "1"}), kSyntax);
  for (const char* const count : {"0", "-1", "x"})
    EXPECT_EQ(run({"LMPOP", "1", "a", "LEFT", "COUNT", count, "x"}), "-ERR count should be greater than 0") << count;
}

}  // namespace
}  // namespace stave::commands
