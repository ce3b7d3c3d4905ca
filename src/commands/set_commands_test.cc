#include "commands/set_commands.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class SetCommands : public CommandsTest {
 protected:
  /// The elements of an answer, in order.
  std::vector<std::string> sorted(std::initializer_list<std::string_view> arguments) {
    return sorted(reply(arguments));
  }
  static std::vector<std::string> sorted(const Reply& reply) {
    std::vector<std::string> all;
    for (const Reply& element : reply.elements) all.push_back(element.text);
    std::sort(all.begin(), all.end());
    return all;
  }
};

using Texts = std::vector<std::string>;
const std::string kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";

TEST_F(SetCommands, add_and_remove_members) {
  EXPECT_EQ(run({"SADD", "s", "a", "b", "a", "12"}), "3");
  EXPECT_EQ(run({"SADD", "s", "b", "012"}), "1");
  EXPECT_EQ(run({"TYPE", "s"}), "set");
  EXPECT_EQ(run({"SCARD", "s"}), "4");
  EXPECT_EQ(run({"SCARD", "none"}), "0");
  EXPECT_EQ(run({"SISMEMBER", "s", "12"}), "1");
  EXPECT_EQ(run({"SISMEMBER", "s", "13"}), "0");
  EXPECT_EQ(run({"SISMEMBER", "none", "13"}), "0");
  EXPECT_EQ(run({"SMISMEMBER", "s", "a", "x", "012"}), "[1, 0, 1]");
  EXPECT_EQ(run({"SMISMEMBER", "none", "a", "b"}), "[0, 0]");
  EXPECT_EQ(sorted({"SMEMBERS", "s"}), (Texts{"012", "12", "a", "b"}));
  EXPECT_EQ(run({"SREM", "s", "a", "none", "a"}), "1");
  EXPECT_EQ(run({"SREM", "none", "a"}), "0");
  EXPECT_EQ(run({"SREM", "s", "b", "12", "012", "b"}), "3");
  EXPECT_EQ(run({"EXISTS", "s"}), "0");
  EXPECT_EQ(run({"SMEMBERS", "s"}), "[]");
}

TEST_F(SetCommands, keep_the_expiry_of_a_set_that_is_changed) {
  run({"SADD", "s", "a", "b"});
  run({"PEXPIRE", "s", "50000"});
  run({"SADD", "s", "c"});
  run({"SREM", "s", "a"});
  run({"SPOP", "s"});
  EXPECT_EQ(run({"PTTL", "s"}), "50000");
  run({"SUNIONSTORE", "s", "s"});
  EXPECT_EQ(run({"PTTL", "s"}), "-1");
}

TEST_F(SetCommands, refuse_keys_that_hold_something_else) {
  run({"SET", "text", "x"});
  run({"SADD", "s", "a"});
  for (const Texts& call : std::vector<Texts>{{"SADD", "text", "a"},
                                              {"SREM", "text", "a"},
                                              {"SCARD", "text"},
                                              {"SISMEMBER", "text", "a"},
                                              {"SMISMEMBER", "text", "a"},
                                              {"SMEMBERS", "text"},
                                              {"SPOP", "text"},
                                              {"SPOP", "text", "0"},
                                              {"SRANDMEMBER", "text"},
                                              {"SRANDMEMBER", "text", "0"},
                                              {"SSCAN", "text", "0"},
                                              {"SMOVE", "text", "s", "a"},
                                              {"SMOVE", "s", "text", "none"},
                                              {"SINTER", "none", "text"},
                                              {"SUNION", "s", "text"},
                                              {"SDIFF", "s", "s", "text"},
                                              {"SINTERCARD", "2", "none", "text"},
                                              {"SUNIONCARD", "1", "text"},
                                              {"SDIFFCARD", "2", "none", "text"},
                                              {"SINTERSTORE", "s", "none", "text"},
                                              {"SUNIONSTORE", "s", "text"},
                                              {"SDIFFSTORE", "s", "none", "text"},
                                              {"GET", "s"},
                                              {"APPEND", "s", "x"}}) {
    const std::vector<std::string_view> words(call.begin(), call.end());
    EXPECT_EQ(run(words), kWrongType) << call[0];
  }
  EXPECT_EQ(run({"SMOVE", "none", "text", "a"}), "0");
  EXPECT_EQ(run({"SMEMBERS", "s"}), "[\"a\"]");
  EXPECT_EQ(run({"GET", "text"}), "\"x\"");
}

TEST_F(SetCommands, move_a_member) {
  run({"SADD", "from", "a", "b"});
  run({"SADD", "to", "b"});
  EXPECT_EQ(run({"SMOVE", "from", "to", "none"}), "0");
  EXPECT_EQ(run({"SMOVE", "from", "to", "b"}), "1");
  EXPECT_EQ(run({"SMOVE", "from", "from", "a"}), "1");
  EXPECT_EQ(run({"SMOVE", "from", "from", "x"}), "0");
  EXPECT_EQ(run({"SMOVE", "from", "new", "a"}), "1");
  EXPECT_EQ(run({"EXISTS", "from"}), "0");
  EXPECT_EQ(run({"SMEMBERS", "to"}), "[\"b\"]");
  EXPECT_EQ(run({"SMEMBERS", "new"}), "[\"a\"]");
}

TEST_F(SetCommands, take_random_members) {
  for (int i = 0; i < 20; ++i) run({"SADD", "s", std::to_string(i)});
  std::set<std::string> taken;
  const Reply one = reply({"SPOP", "s"});
  EXPECT_EQ(one.kind, Reply::Kind::kBulk);
  taken.insert(one.text);
  const Reply some = reply({"SPOP", "s", "7"});
  EXPECT_EQ(some.kind, Reply::Kind::kSet);
  for (const std::string& member : sorted(some)) EXPECT_TRUE(taken.insert(member).second);
  EXPECT_EQ(taken.size(), 8u);
  for (const std::string& member : taken) EXPECT_EQ(run({"SISMEMBER", "s", member}), "0");
  EXPECT_EQ(run({"SPOP", "s", "0"}), "[]");
  EXPECT_EQ(run({"SCARD", "s"}), "12");
  EXPECT_EQ(reply({"SPOP", "s", "9223372036854775807"}).elements.size(), 12u);
  EXPECT_EQ(run({"EXISTS", "s"}), "0");
  EXPECT_EQ(run({"SPOP", "s"}), "nil");
  EXPECT_EQ(run({"SPOP", "s", "3"}), "[]");
  for (const std::string_view count : {"-1", "x", "9223372036854775808", "1.0", ""})
    EXPECT_EQ(run({"SPOP", "s", count}), "-ERR value is out of range, must be positive") << count;
  EXPECT_EQ(run({"SPOP", "s", "1", "2"}), "-ERR syntax error");
}

TEST_F(SetCommands, show_random_members) {
  const Texts all = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  for (const std::string& member : all) run({"SADD", "s", member});
  std::set<std::string> seen;
  for (int i = 0; i < 400; ++i) seen.insert(reply({"SRANDMEMBER", "s"}).text);
  EXPECT_EQ(seen.size(), all.size());
  const Reply some = reply({"SRANDMEMBER", "s", "4"});
  EXPECT_EQ(some.kind, Reply::Kind::kArray);
  const Texts four = sorted(some);
  EXPECT_EQ(std::set<std::string>(four.begin(), four.end()).size(), 4u);
  EXPECT_EQ(sorted({"SRANDMEMBER", "s", "9223372036854775807"}), all);
  EXPECT_EQ(run({"SRANDMEMBER", "s", "0"}), "[]");
  for (const std::string_view count : {"-3", "-10", "-500"}) {
    const Texts drawn = sorted({"SRANDMEMBER", "s", count});
    EXPECT_EQ(std::to_string(drawn.size()), count.substr(1));
    for (const std::string& member : drawn) EXPECT_EQ(member.size(), 1u);
  }
  EXPECT_EQ(run({"SCARD", "s"}), "10");
  EXPECT_EQ(run({"SRANDMEMBER", "none"}), "nil");
  EXPECT_EQ(run({"SRANDMEMBER", "none", "5"}), "[]");
  EXPECT_EQ(run({"SRANDMEMBER", "none", "-5"}), "[]");
  EXPECT_EQ(run({"SRANDMEMBER", "s", "x"}), "-ERR value is not an integer or out of range");
  EXPECT_EQ(run({"SRANDMEMBER", "s", "1", "2"}), "-ERR syntax error");
}

// What a client merely names is neither made room for nor begun.
TEST_F(SetCommands, refuse_more_draws_than_an_answer_holds) {
  run({"SADD", "s", "a"});
  EXPECT_EQ(run({"SRANDMEMBER", "s", "-9223372036854775808"}),
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  EXPECT_EQ(run({"SRANDMEMBER", "s", "-9223372036854775807"}), "-ERR value is out of range");
}

TEST_F(SetCommands, walk_in_steps) {
  run({"SADD", "s", "a1", "a2", "b1", "5"});
  EXPECT_EQ(run({"SSCAN", "s", "0"}), "[\"0\", [\"a1\", \"a2\", \"b1\", \"5\"]]");
  EXPECT_EQ(run({"SSCAN", "s", "0", "MATCH", "a*", "count", "1000000"}), "[\"0\", [\"a1\", \"a2\"]]");
  EXPECT_EQ(run({"SSCAN", "s", "0", "MATCH", "*"}), run({"SSCAN", "s", "0"}));
  EXPECT_EQ(run({"SSCAN", "s", "7"}), "[\"0\", []]");
  EXPECT_EQ(run({"SSCAN", "none", "7", "FOO"}), "[\"0\", []]");
  EXPECT_EQ(run({"SSCAN", "none", "x", "FOO"}), "-ERR invalid cursor");
  EXPECT_EQ(run({"SSCAN", "s", "0", "FOO"}), "-ERR syntax error");
  EXPECT_EQ(run({"SSCAN", "s", "0", "COUNT"}), "-ERR syntax error");
  EXPECT_EQ(run({"SSCAN", "s", "0", "COUNT", "0"}), "-ERR syntax error");
  EXPECT_EQ(run({"SSCAN", "s", "0", "COUNT", "x"}), "-ERR value is not an integer or out of range");
}

TEST_F(SetCommands, shrink_but_do_not_grow_when_there_is_no_memory) {
  run({"SADD", "a", "1", "2", "3", "4", "5"});
  run({"SADD", "b", "1"});
  engine_->budget().set(1, MemoryPolicy::kNoEviction);
  const std::string refusal = "-OOM command not allowed when used memory > 'maxmemory'.";
  EXPECT_EQ(run({"SADD", "a", "6"}), refusal);
  EXPECT_EQ(run({"SUNIONSTORE", "c", "a", "b"}), refusal);
  EXPECT_EQ(run({"SREM", "a", "5"}), "1");
  EXPECT_EQ(run({"SMOVE", "a", "b", "4"}), "1");
  EXPECT_EQ(run({"SPOP", "a", "2"}).size(), 10u);
  EXPECT_EQ(run({"SCARD", "a"}), "1");
  EXPECT_EQ(reply({"SPOP", "a"}).kind, Reply::Kind::kBulk);
  engine_->budget().set(0, MemoryPolicy::kNoEviction);
  EXPECT_EQ(sorted({"SMEMBERS", "b"}), (Texts{"1", "4"}));
}

TEST_F(SetCommands, combine_sets) {
  run({"SADD", "a", "1", "2", "3", "x"});
  run({"SADD", "b", "2", "3", "y"});
  run({"SADD", "c", "3", "x"});
  EXPECT_EQ(sorted({"SINTER", "a", "b"}), (Texts{"2", "3"}));
  EXPECT_EQ(run({"SINTER", "a", "b", "c"}), "[\"3\"]");
  EXPECT_EQ(run({"SINTER", "a", "none"}), "[]");
  EXPECT_EQ(sorted({"SUNION", "b", "none", "c", "b"}), (Texts{"2", "3", "x", "y"}));
  EXPECT_EQ(sorted({"SDIFF", "a", "b", "none"}), (Texts{"1", "x"}));
  EXPECT_EQ(run({"SDIFF", "none", "a"}), "[]");
  EXPECT_EQ(run({"SDIFF", "a", "b", "a"}), "[]");
  EXPECT_EQ(sorted({"SDIFF", "a"}), (Texts{"1", "2", "3", "x"}));
  for (const std::string_view command : {"SINTER", "SUNION", "SDIFF"})
    EXPECT_EQ(reply({command, "a", "b"}).kind, Reply::Kind::kSet);
}

TEST_F(SetCommands, keep_what_sets_make_together) {
  run({"SADD", "a", "1", "2", "3"});
  run({"SADD", "b", "2", "3", "4"});
  run({"SET", "text", "x", "EX", "100"});
  EXPECT_EQ(run({"SINTERSTORE", "text", "a", "b"}), "2");
  EXPECT_EQ(run({"TTL", "text"}), "-1");
  EXPECT_EQ(sorted({"SMEMBERS", "text"}), (Texts{"2", "3"}));
  EXPECT_EQ(run({"SUNIONSTORE", "a", "a", "b"}), "4");
  EXPECT_EQ(run({"SDIFFSTORE", "b", "a", "b"}), "1");
  EXPECT_EQ(run({"SMEMBERS", "b"}), "[\"1\"]");
  EXPECT_EQ(run({"SINTERSTORE", "b", "a", "none"}), "0");
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
  EXPECT_EQ(run({"SDIFFSTORE", "none", "none"}), "0");
  reopen();
  EXPECT_EQ(sorted({"SMEMBERS", "a"}), (Texts{"1", "2", "3", "4"}));
  EXPECT_EQ(sorted({"SMEMBERS", "text"}), (Texts{"2", "3"}));
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
}

TEST_F(SetCommands, count_what_sets_make_together) {
  run({"SADD", "a", "1", "2", "3", "4"});
  run({"SADD", "b", "2", "3", "4", "5"});
  EXPECT_EQ(run({"SINTERCARD", "2", "a", "b"}), "3");
  EXPECT_EQ(run({"SINTERCARD", "2", "a", "b", "LIMIT", "2"}), "2");
  EXPECT_EQ(run({"SINTERCARD", "2", "a", "b", "limit", "0"}), "3");
  EXPECT_EQ(run({"SINTERCARD", "1", "a", "LIMIT", "9", "LIMIT", "1"}), "1");
  EXPECT_EQ(run({"SUNIONCARD", "2", "a", "b"}), "5");
  EXPECT_EQ(run({"SUNIONCARD", "3", "a", "b", "none", "LIMIT", "3"}), "3");
  EXPECT_EQ(run({"SDIFFCARD", "2", "a", "b"}), "1");
  EXPECT_EQ(run({"SDIFFCARD", "1", "a", "LIMIT", "2"}), "2");
  for (const std::string_view command : {"SINTERCARD", "SUNIONCARD", "SDIFFCARD"}) {
    for (const std::string_view count : {"0", "-1", "x", "9223372036854775808", ""})
      EXPECT_EQ(run({command, count, "a"}), "-ERR numkeys should be greater than 0");
    for (const std::string_view count : {"2", "9223372036854775807"})
      EXPECT_EQ(run({command, count, "a"}), "-ERR Number of keys can't be greater than number of args");
    EXPECT_EQ(run({command, "1", "a", "b"}), "-ERR syntax error");
    EXPECT_EQ(run({command, "1", "a", "LIMIT"}), "-ERR syntax error");
    for (const std::string_view limit : {"-1", "x", "9223372036854775808"})
      EXPECT_EQ(run({command, "1", "a", "LIMIT", limit}), "-ERR LIMIT can't be negative");
  }
}

TEST_F(SetCommands, say_where_the_keys_of_a_count_are) {
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "SINTERCARD", "2", "a", "b", "LIMIT", "1"}), "[\"a\", \"b\"]");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "SUNIONSTORE", "a", "b", "c"}), "[\"a\", \"b\", \"c\"]");
}

}  // namespace
}  // namespace stave::commands
