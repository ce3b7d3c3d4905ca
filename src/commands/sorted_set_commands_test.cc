#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>

#include "base/random.h"
#include "commands/fixture_for_test.h"
#include "commands/sorted_set_aggregate.h"

namespace stave::commands {
namespace {

constexpr const char* kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kNotInteger = "-ERR value is not an integer or out of range";
constexpr const char* kNotFloat = "-ERR value is not a valid float";
constexpr const char* kSyntax = "-ERR syntax error";
constexpr const char* kLeast = "-9223372036854775808";
constexpr const char* kMost = "9223372036854775807";

class SortedSets : public CommandsTest {
 protected:
  /// Members and scores in the short form of RESP2: "a 1, b 2.5".
  std::string all(std::string_view key) {
    std::string text;
    for (const Reply& pair : reply({"ZRANGE", key, "0", "-1", "WITHSCORES"}).elements) {
      char digits[40];
      const std::size_t size = types::format_double(pair.elements[1].number, digits);
      text += (text.empty() ? "" : ", ") + pair.elements[0].text + " " + std::string(digits, size);
    }
    return text;
  }
  double score(std::string_view key, std::string_view member) { return reply({"ZSCORE", key, member}).number; }
};

// --- adding ----------------------------------------------------------------------------------------------------------

TEST_F(SortedSets, keep_members_in_the_order_of_their_scores) {
  EXPECT_EQ(run({"ZADD", "z", "2", "b", "1", "a", "2", "aa", "-inf", "first", "inf", "last"}), "5");
  EXPECT_EQ(all("z"), "first -inf, a 1, aa 2, b 2, last inf");
  EXPECT_EQ(run({"ZADD", "z", "3", "a", "4", "c"}), "1");
  EXPECT_EQ(run({"ZADD", "z", "CH", "3", "a", "5", "c", "6", "d"}), "2");
  EXPECT_EQ(run({"ZCARD", "z"}), "7");
  EXPECT_EQ(run({"TYPE", "z"}), "zset");
  EXPECT_EQ(run({"ZADD", "z", "1", "x", "2", "x"}), "1");
  EXPECT_EQ(score("z", "x"), 2);
  reopen();
  EXPECT_EQ(all("z"), "first -inf, aa 2, b 2, x 2, a 3, c 5, d 6, last inf");
}

TEST_F(SortedSets, add_under_conditions) {
  run({"ZADD", "z", "5", "a"});
  EXPECT_EQ(run({"ZADD", "z", "NX", "CH", "9", "a", "1", "b"}), "1");
  EXPECT_EQ(run({"ZADD", "z", "XX", "CH", "6", "a", "1", "c"}), "1");
  EXPECT_EQ(run({"ZADD", "z", "GT", "CH", "5", "a", "2", "b", "3", "c"}), "2");
  EXPECT_EQ(run({"ZADD", "z", "XX", "lt", "ch", "7", "a", "1.5", "b", "9", "d"}), "1");
  EXPECT_EQ(all("z"), "b 1.5, c 3, a 6");
  EXPECT_EQ(run({"ZADD", "none", "XX", "1", "a"}), "0");
  EXPECT_EQ(run({"EXISTS", "none"}), "0");
}

TEST_F(SortedSets, change_scores_by_an_increment) {
  EXPECT_EQ(reply({"ZINCRBY", "z", "2.5", "a"}).number, 2.5);
  EXPECT_EQ(reply({"ZADD", "z", "INCR", "-1", "a"}).number, 1.5);
  EXPECT_EQ(run({"ZADD", "z", "INCR", "NX", "1", "a"}), "nil");
  EXPECT_EQ(run({"ZADD", "z", "INCR", "XX", "1", "b"}), "nil");
  EXPECT_EQ(run({"ZADD", "z", "INCR", "GT", "-1", "a"}), "nil");
  EXPECT_EQ(reply({"ZADD", "z", "INCR", "LT", "-1", "a"}).number, 0.5);
  run({"ZADD", "z", "inf", "top"});
  EXPECT_EQ(run({"ZINCRBY", "z", "-inf", "top"}), "-ERR resulting score is not a number (NaN)");
  EXPECT_TRUE(std::isinf(score("z", "top")));
}

TEST_F(SortedSets, refuse_what_is_no_score_and_then_change_nothing) {
  run({"ZADD", "z", "1", "a"});
  for (const std::string_view text : {"nan", "x", "", " 1", "1 ", "1e400", "(1"}) {
    EXPECT_EQ(run({"ZADD", "z", "2", "b", text, "c"}), kNotFloat) << text;
    EXPECT_EQ(run({"ZINCRBY", "z", text, "a"}), kNotFloat) << text;
  }
  EXPECT_EQ(run({"ZADD", "z", "1"}), "-ERR wrong number of arguments for 'zadd' command");
  EXPECT_EQ(run({"ZADD", "z", "1", "b", "2"}), kSyntax);
  EXPECT_EQ(run({"ZADD", "z", "NX", "CH"}), kSyntax);
  EXPECT_EQ(run({"ZADD", "z", "NX", "XX", "1", "b"}), "-ERR XX and NX options at the same time are not compatible");
  EXPECT_EQ(run({"ZADD", "z", "GT", "LT", "1", "b"}),
            "-ERR GT, LT, and/or NX options at the same time are not compatible");
  EXPECT_EQ(run({"ZADD", "z", "INCR", "1", "b", "2", "c"}),
            "-ERR INCR option supports a single increment-element pair");
  EXPECT_EQ(all("z"), "a 1");
}

TEST_F(SortedSets, have_no_negative_zero) {
  run({"ZADD", "z", "-0", "a"});
  EXPECT_FALSE(std::signbit(score("z", "a")));
  run({"ZADD", "z", "1", "a"});
  EXPECT_FALSE(std::signbit(reply({"ZUNION", "1", "z", "WEIGHTS", "-0", "WITHSCORES"}).elements[0].elements[1].number));
  run({"ZUNIONSTORE", "d", "1", "z", "WEIGHTS", "-0"});
  EXPECT_EQ(all("d"), "a 0");
}

TEST_F(SortedSets, keep_their_expiry_when_they_change) {
  run({"ZADD", "z", "1", "a"});
  run({"PEXPIRE", "z", "5000"});
  run({"ZADD", "z", "2", "b"});
  EXPECT_EQ(run({"PTTL", "z"}), "5000");
  run({"ZUNIONSTORE", "z", "1", "z"});
  EXPECT_EQ(run({"PTTL", "z"}), "-1");
}

// --- reading ---------------------------------------------------------------------------------------------------------

TEST_F(SortedSets, tell_scores_and_ranks) {
  run({"ZADD", "z", "1", "a", "2", "b", "3.5", "c"});
  EXPECT_EQ(reply({"ZSCORE", "z", "c"}).kind, Reply::Kind::kDouble);
  EXPECT_EQ(run({"ZSCORE", "z", "none"}), "nil");
  EXPECT_EQ(run({"ZMSCORE", "z", "a", "none", "c"}), "[1.000000, nil, 3.500000]");
  EXPECT_EQ(run({"ZMSCORE", "none", "a"}), "[nil]");
  EXPECT_EQ(run({"ZRANK", "z", "b"}), "1");
  EXPECT_EQ(run({"ZREVRANK", "z", "a"}), "2");
  EXPECT_EQ(run({"ZREVRANK", "z", "c", "withscore"}), "[0, 3.500000]");
  EXPECT_EQ(run({"ZRANK", "z", "none"}), "nil");
  EXPECT_EQ(run({"ZRANK", "z", "none", "WITHSCORE"}), "nil");
  EXPECT_EQ(run({"ZRANK", "z", "a", "FOO"}), kSyntax);
  EXPECT_EQ(run({"ZRANK", "z", "a", "WITHSCORE", "x"}), "-ERR wrong number of arguments for 'zrank' command");
}

TEST_F(SortedSets, count_what_lies_in_a_range) {
  run({"ZADD", "z", "1", "a", "2", "b", "2", "c", "3", "d"});
  EXPECT_EQ(run({"ZCOUNT", "z", "-inf", "+inf"}), "4");
  EXPECT_EQ(run({"ZCOUNT", "z", "(1", "2"}), "2");
  EXPECT_EQ(run({"ZCOUNT", "z", "2", "(2"}), "0");
  EXPECT_EQ(run({"ZCOUNT", "z", "3", "1"}), "0");
  EXPECT_EQ(run({"ZCOUNT", "z", "1", "x"}), "-ERR min or max is not a float");
  EXPECT_EQ(run({"ZCOUNT", "none", "((1", "2"}), "-ERR min or max is not a float");
  run({"ZADD", "l", "0", "a", "0", "ab", "0", "b", "0", "\xff"});
  EXPECT_EQ(run({"ZLEXCOUNT", "l", "-", "+"}), "4");
  EXPECT_EQ(run({"ZLEXCOUNT", "l", "[a", "(b"}), "2");
  EXPECT_EQ(run({"ZLEXCOUNT", "l", "(a", "+"}), "3");
  EXPECT_EQ(run({"ZLEXCOUNT", "l", "+", "-"}), "0");
  for (const std::string_view text : {"", "a", "-a", "+a"})
    EXPECT_EQ(run({"ZLEXCOUNT", "l", text, "+"}), "-ERR min or max not valid string range item") << text;
}

TEST_F(SortedSets, show_ranges_of_ranks) {
  run({"ZADD", "z", "1", "a", "2", "b", "3", "c"});
  EXPECT_EQ(run({"ZRANGE", "z", "0", "1"}), R"(["a", "b"])");
  EXPECT_EQ(run({"ZRANGE", "z", "-2", "9"}), R"(["b", "c"])");
  EXPECT_EQ(run({"ZRANGE", "z", "0", "0", "REV"}), R"(["c"])");
  EXPECT_EQ(run({"ZREVRANGE", "z", "1", "-1", "WITHSCORES"}), R"([["b", 2.000000], ["a", 1.000000]])");
  EXPECT_EQ(run({"ZRANGE", "z", kLeast, kMost}), R"(["a", "b", "c"])");
  for (const auto& [start, stop] : {std::pair{"2", "1"}, {"3", "9"}, {"0", "-4"}, {kMost, kMost}, {"0", kLeast}})
    EXPECT_EQ(run({"ZRANGE", "z", start, stop}), "[]");
  EXPECT_EQ(run({"ZRANGE", "z", "0", "9223372036854775808"}), kNotInteger);
  EXPECT_EQ(run({"ZRANGE", "none", "0", "-1"}), "[]");
  EXPECT_EQ(run({"ZRANGE", "z", "0", "-1", "LIMIT", "0", "1"}),
            "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
}

TEST_F(SortedSets, show_ranges_of_scores_and_members) {
  run({"ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d"});
  EXPECT_EQ(run({"ZRANGE", "z", "(1", "3", "BYSCORE"}), R"(["b", "c"])");
  EXPECT_EQ(run({"ZRANGE", "z", "4", "(1", "BYSCORE", "REV", "LIMIT", "1", "2"}), R"(["c", "b"])");
  EXPECT_EQ(run({"ZRANGEBYSCORE", "z", "-inf", "inf", "LIMIT", "1", "2"}), R"(["b", "c"])");
  EXPECT_EQ(run({"ZRANGEBYSCORE", "z", "-inf", "inf", "LIMIT", kMost, kMost}), "[]");
  EXPECT_EQ(run({"ZRANGEBYSCORE", "z", "-inf", "inf", "LIMIT", "-1", "2"}), "[]");
  EXPECT_EQ(run({"ZRANGEBYSCORE", "z", "-inf", "inf", "LIMIT", "2", kLeast}), R"(["c", "d"])");
  EXPECT_EQ(run({"ZREVRANGEBYSCORE", "z", "2", "-inf", "WITHSCORES"}), R"([["b", 2.000000], ["a", 1.000000]])");
  EXPECT_EQ(run({"ZREVRANGEBYSCORE", "z", "1", "2"}), "[]");
  run({"ZADD", "l", "0", "a", "0", "b", "0", "c"});
  EXPECT_EQ(run({"ZRANGEBYLEX", "l", "(a", "+"}), R"(["b", "c"])");
  EXPECT_EQ(run({"ZREVRANGEBYLEX", "l", "+", "-", "LIMIT", "0", "2"}), R"(["c", "b"])");
  EXPECT_EQ(run({"ZRANGE", "l", "[b", "-", "BYLEX", "REV"}), R"(["b", "a"])");
  EXPECT_EQ(run({"ZRANGE", "l", "-", "+", "BYLEX", "WITHSCORES"}),
            "-ERR syntax error, WITHSCORES not supported in combination with BYLEX");
  EXPECT_EQ(run({"ZRANGEBYSCORE", "z", "1", "2", "REV"}), kSyntax);
  EXPECT_EQ(run({"ZRANGEBYSCORE", "z", "1", "2", "LIMIT", "1"}), kSyntax);
  EXPECT_EQ(run({"ZRANGEBYSCORE", "z", "1", "2", "LIMIT", "x", "1"}), kNotInteger);
}

TEST_F(SortedSets, store_ranges) {
  run({"ZADD", "z", "1", "a", "2", "b", "3", "c"});
  run({"SET", "d", "text", "EX", "100"});
  EXPECT_EQ(run({"ZRANGESTORE", "d", "z", "3", "2", "BYSCORE", "REV"}), "2");
  EXPECT_EQ(all("d"), "b 2, c 3");
  EXPECT_EQ(run({"TTL", "d"}), "-1");
  EXPECT_EQ(run({"ZRANGESTORE", "z", "z", "0", "0"}), "1");
  EXPECT_EQ(all("z"), "a 1");
  EXPECT_EQ(run({"ZRANGESTORE", "d", "none", "0", "-1"}), "0");
  EXPECT_EQ(run({"EXISTS", "d"}), "0");
  EXPECT_EQ(run({"ZRANGESTORE", "d", "z", "0", "-1", "WITHSCORES"}), kSyntax);
}

TEST_F(SortedSets, answer_scores_in_rows_in_the_older_protocol) {
  run({"ZADD", "z", "1", "a", "2", "b"});
  run({"HELLO", "2"});
  EXPECT_EQ(run({"ZRANGE", "z", "0", "-1", "WITHSCORES"}), R"(["a", 1.000000, "b", 2.000000])");
  EXPECT_EQ(run({"ZUNION", "1", "z", "WITHSCORES"}), R"(["a", 1.000000, "b", 2.000000])");
  EXPECT_EQ(run({"ZRANDMEMBER", "z", "5", "WITHSCORES"}), R"(["a", 1.000000, "b", 2.000000])");
  EXPECT_EQ(run({"ZMPOP", "1", "z", "MIN"}), R"(["z", [["a", 1.000000]]])");
  EXPECT_EQ(run({"ZPOPMIN", "z", "2"}), R"(["b", 2.000000])");
}

TEST_F(SortedSets, show_any_elements) {
  std::set<std::string> members;
  for (int i = 0; i < 50; ++i) {
    members.insert("m" + std::to_string(i));
    run({"ZADD", "z", std::to_string(i % 7), "m" + std::to_string(i)});
  }
  for (const char* const count : {"0", "1", "3", "6", "7", "30", "49", "50", "51", kMost}) {
    const Reply shown = reply({"ZRANDMEMBER", "z", count});
    std::set<std::string> seen;
    for (const Reply& member : shown.elements) {
      EXPECT_TRUE(members.contains(member.text));
      EXPECT_TRUE(seen.insert(member.text).second);
    }
    EXPECT_EQ(shown.elements.size(), std::min<std::size_t>(50, std::stoull(count)));
    EXPECT_TRUE(answered_);
  }
  for (const char* const count : {"-1", "-20", "-500"}) {
    const Reply shown = reply({"ZRANDMEMBER", "z", count, "WITHSCORES"});
    EXPECT_EQ(shown.elements.size(), static_cast<std::size_t>(-std::stoll(count)));
    for (const Reply& pair : shown.elements) {
      ASSERT_EQ(pair.elements.size(), 2u);
      EXPECT_EQ(score("z", pair.elements[0].text), pair.elements[1].number);
    }
  }
  EXPECT_TRUE(members.contains(reply({"ZRANDMEMBER", "z"}).text));
  EXPECT_EQ(run({"ZRANDMEMBER", "none"}), "nil");
  EXPECT_EQ(run({"ZRANDMEMBER", "none", "-3"}), "[]");
  EXPECT_EQ(run({"ZRANDMEMBER", "z", kLeast}),
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  EXPECT_EQ(run({"ZRANDMEMBER", "z", "-9223372036854775807"}), "-ERR value is out of range");
  EXPECT_EQ(run({"ZRANDMEMBER", "z", kMost, "WITHSCORES"}), "-ERR value is out of range");
  EXPECT_EQ(run({"ZRANDMEMBER", "z", "1", "FOO"}), kSyntax);
}

// Chi-square with 15 degrees of freedom stays below 50 but for one run in ten thousand.
TEST_F(SortedSets, show_each_element_as_often_as_any_other) {
  const base::SeededEntropy entropy(42);
  for (int i = 0; i < 16; ++i) run({"ZADD", "z", "0", std::to_string(i)});
  for (const char* const count : {"4", "1", "-4"}) {
    std::map<std::string, int> seen;
    int total = 0;
    for (int i = 0; i < 2000; ++i)
      for (const Reply& member : reply({"ZRANDMEMBER", "z", count}).elements) ++seen[member.text], ++total;
    double chi = 0;
    const double expected = total / 16.0;
    for (const auto& [member, times] : seen) chi += (times - expected) * (times - expected) / expected;
    EXPECT_EQ(seen.size(), 16u);
    EXPECT_LT(chi, 50) << count;
  }
}

TEST_F(SortedSets, are_walked_over_in_pieces) {
  run({"ZADD", "z", "1", "a1", "2.5", "a2", "inf", "b"});
  EXPECT_EQ(run({"ZSCAN", "z", "0", "MATCH", "a*"}), R"(["0", ["a1", "1", "a2", "2.5"]])");
  EXPECT_EQ(run({"ZSCAN", "z", "0", "NOSCORES", "COUNT", kMost}), R"(["0", ["a1", "a2", "b"]])");
  EXPECT_EQ(run({"ZSCAN", "none", "0", "FOO"}), R"(["0", []])");
  EXPECT_EQ(run({"ZSCAN", "z", "x"}), "-ERR invalid cursor");
  EXPECT_EQ(run({"ZSCAN", "z", "0", "COUNT", "0"}), kSyntax);
  EXPECT_EQ(run({"ZSCAN", "z", "0", "FOO"}), kSyntax);
}

// --- removing --------------------------------------------------------------------------------------------------------

TEST_F(SortedSets, lose_members_and_go_with_the_last) {
  run({"ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d", "5", "e"});
  EXPECT_EQ(run({"ZREM", "z", "a", "none", "a"}), "1");
  EXPECT_EQ(run({"ZREMRANGEBYRANK", "z", "-1", kMost}), "1");
  EXPECT_EQ(run({"ZREMRANGEBYSCORE", "z", "(2", "3"}), "1");
  EXPECT_EQ(all("z"), "b 2, d 4");
  EXPECT_EQ(run({"ZREMRANGEBYRANK", "z", "5", "9"}), "0");
  EXPECT_EQ(run({"ZREM", "z", "b", "d"}), "2");
  EXPECT_EQ(run({"EXISTS", "z"}), "0");
  run({"ZADD", "l", "0", "a", "0", "b", "0", "c"});
  EXPECT_EQ(run({"ZREMRANGEBYLEX", "l", "[a", "(c"}), "2");
  EXPECT_EQ(run({"ZREMRANGEBYLEX", "l", "-", "+"}), "1");
  EXPECT_EQ(run({"EXISTS", "l"}), "0");
  EXPECT_EQ(run({"ZREMRANGEBYSCORE", "none", "x", "1"}), "-ERR min or max is not a float");
  EXPECT_EQ(run({"ZREMRANGEBYRANK", "none", "x", "1"}), kNotInteger);
}

TEST_F(SortedSets, are_popped_from_both_ends) {
  run({"ZADD", "z", "1", "a", "2", "b", "3", "c", "4", "d", "5", "e"});
  EXPECT_EQ(run({"ZPOPMIN", "z"}), R"(["a", 1.000000])");
  EXPECT_EQ(run({"ZPOPMAX", "z", "2"}), R"([["e", 5.000000], ["d", 4.000000]])");
  EXPECT_EQ(run({"ZPOPMIN", "z", "0"}), "[]");
  EXPECT_EQ(run({"ZPOPMAX", "z", kMost}), R"([["c", 3.000000], ["b", 2.000000]])");
  EXPECT_EQ(run({"EXISTS", "z"}), "0");
  EXPECT_EQ(run({"ZPOPMIN", "z"}), "[]");
  EXPECT_EQ(run({"ZPOPMIN", "z", "-1"}), "-ERR value is out of range, must be positive");
  EXPECT_EQ(run({"ZPOPMIN", "z", "x"}), "-ERR value is out of range, must be positive");
  EXPECT_EQ(run({"ZPOPMIN", "z", "1", "2"}), kSyntax);
}

TEST_F(SortedSets, are_popped_from_the_first_that_is_there) {
  run({"ZADD", "z", "1", "a", "2", "b", "3", "c"});
  EXPECT_EQ(run({"ZMPOP", "2", "none", "z", "MAX", "COUNT", "2"}), R"(["z", [["c", 3.000000], ["b", 2.000000]]])");
  EXPECT_EQ(run({"ZMPOP", "2", "z", "none", "MIN", "COUNT", kMost}), R"(["z", [["a", 1.000000]]])");
  EXPECT_EQ(run({"ZMPOP", "2", "z", "none", "MIN"}), "nil");
  EXPECT_EQ(run({"EXISTS", "z"}), "0");
  for (const std::string_view count : {"0", "-1", "x"}) {
    EXPECT_EQ(run({"ZMPOP", count, "z", "MIN"}), "-ERR numkeys should be greater than 0");
    EXPECT_EQ(run({"ZMPOP", "1", "z", "MIN", "COUNT", count}), "-ERR count should be greater than 0");
  }
  EXPECT_EQ(run({"ZMPOP", kMost, "z", "MIN"}), kSyntax);
  EXPECT_EQ(run({"ZMPOP", "2", "z", "MIN"}), kSyntax);
  EXPECT_EQ(run({"ZMPOP", "1", "z", "FOO"}), kSyntax);
  EXPECT_EQ(run({"ZMPOP", "1", "z", "MIN", "COUNT"}), kSyntax);
}

// --- several ---------------------------------------------------------------------------------------------------------

TEST_F(SortedSets, are_united_intersected_and_subtracted) {
  run({"ZADD", "a", "1", "x", "2", "y", "3", "z"});
  run({"ZADD", "b", "10", "y", "20", "z", "30", "w"});
  EXPECT_EQ(run({"ZUNION", "2", "a", "b"}), R"(["x", "y", "z", "w"])");
  EXPECT_EQ(run({"ZINTER", "2", "a", "b", "WITHSCORES"}), R"([["y", 12.000000], ["z", 23.000000]])");
  EXPECT_EQ(run({"ZDIFF", "2", "a", "b", "WITHSCORES"}), R"([["x", 1.000000]])");
  EXPECT_EQ(run({"ZINTER", "2", "a", "b", "WEIGHTS", "2", "-1", "WITHSCORES"}),
            R"([["z", -14.000000], ["y", -6.000000]])");
  EXPECT_EQ(run({"ZINTER", "2", "a", "b", "AGGREGATE", "MIN", "WITHSCORES"}), R"([["y", 2.000000], ["z", 3.000000]])");
  EXPECT_EQ(run({"ZUNIONSTORE", "d", "3", "a", "b", "none", "AGGREGATE", "MAX"}), "4");
  EXPECT_EQ(all("d"), "x 1, y 10, z 20, w 30");
  EXPECT_EQ(run({"ZUNIONSTORE", "d", "2", "a", "b", "WEIGHTS", "1", "5", "AGGREGATE", "COUNT"}), "4");
  EXPECT_EQ(all("d"), "x 1, w 5, y 6, z 6");
  EXPECT_EQ(run({"ZINTERSTORE", "a", "2", "a", "b", "AGGREGATE", "COUNT"}), "2");
  EXPECT_EQ(all("a"), "y 2, z 2");
  EXPECT_EQ(run({"ZDIFFSTORE", "d", "2", "a", "b"}), "0");
  EXPECT_EQ(run({"EXISTS", "d"}), "0");
}

TEST_F(SortedSets, make_no_number_of_infinities) {
  run({"ZADD", "a", "inf", "x", "0", "y"});
  run({"ZADD", "b", "-inf", "x", "1", "y"});
  EXPECT_EQ(run({"ZUNION", "2", "a", "b", "WITHSCORES"}), R"([["x", 0.000000], ["y", 1.000000]])");
  EXPECT_EQ(run({"ZUNION", "1", "a", "WEIGHTS", "0", "WITHSCORES"}), R"([["x", 0.000000], ["y", 0.000000]])");
  EXPECT_EQ(run({"ZINTER", "2", "a", "b", "WEIGHTS", "inf", "0", "WITHSCORES"}),
            R"([["x", 0.000000], ["y", 0.000000]])");
}

TEST_F(SortedSets, count_what_they_have_in_common) {
  run({"ZADD", "a", "1", "x", "2", "y", "3", "z"});
  run({"ZADD", "b", "1", "y", "2", "z", "3", "w"});
  EXPECT_EQ(run({"ZINTERCARD", "2", "a", "b"}), "2");
  EXPECT_EQ(run({"ZINTERCARD", "2", "a", "b", "LIMIT", "1"}), "1");
  EXPECT_EQ(run({"ZINTERCARD", "2", "a", "b", "LIMIT", "0"}), "2");
  EXPECT_EQ(run({"ZINTERCARD", "3", "a", "b", "none"}), "0");
  EXPECT_EQ(run({"ZINTERCARD", "1", "a", "LIMIT", "2"}), "2");
  EXPECT_EQ(run({"ZINTERCARD", "2", "a", "a", "LIMIT", kMost}), "3");
  EXPECT_EQ(run({"ZINTERCARD", "2", "a", "b", "LIMIT", "-1"}), "-ERR LIMIT can't be negative");
  EXPECT_EQ(run({"ZINTERCARD", "2", "a", "b", "WITHSCORES"}), kSyntax);
}

TEST_F(SortedSets, refuse_calls_whose_numbers_of_keys_are_none) {
  for (const std::string_view count : {"0", "-1"}) {
    EXPECT_EQ(run({"ZUNION", count, "a"}), "-ERR at least 1 input key is needed for 'zunion' command");
    EXPECT_EQ(run({"zInterStore", "d", count, "a"}), "-ERR at least 1 input key is needed for 'zinterstore' command");
    EXPECT_EQ(run({"ZINTERCARD", count, "a"}), "-ERR at least 1 input key is needed for 'zintercard' command");
  }
  EXPECT_EQ(run({"ZDIFF", "x", "a"}), kNotInteger);
  EXPECT_EQ(run({"ZDIFF", "2", "a"}), kSyntax);
  EXPECT_EQ(run({"ZUNION", kMost, "a"}), kSyntax);
  EXPECT_EQ(run({"ZUNION", "1", "a", "WEIGHTS"}), kSyntax);
  EXPECT_EQ(run({"ZUNION", "1", "a", "WEIGHTS", "nan"}), "-ERR weight value is not a float");
  EXPECT_EQ(run({"ZUNION", "1", "a", "AGGREGATE", "FOO"}), kSyntax);
  EXPECT_EQ(run({"ZDIFF", "1", "a", "AGGREGATE", "SUM"}), kSyntax);
  EXPECT_EQ(run({"ZUNIONSTORE", "d", "1", "a", "WITHSCORES"}), kSyntax);
}

TEST_F(SortedSets, are_nothing_to_commands_of_other_types) {
  run({"SET", "s", "text"});
  run({"ZADD", "z", "1", "a"});
  for (const std::vector<std::string_view>& call :
       std::vector<std::vector<std::string_view>>{{"ZADD", "s", "1", "a"},
                                                  {"ZINCRBY", "s", "1", "a"},
                                                  {"ZREM", "s", "a"},
                                                  {"ZCARD", "s"},
                                                  {"ZSCORE", "s", "a"},
                                                  {"ZMSCORE", "s", "a"},
                                                  {"ZRANK", "s", "a"},
                                                  {"ZCOUNT", "s", "1", "2"},
                                                  {"ZRANGE", "s", "0", "1"},
                                                  {"ZRANGESTORE", "d", "s", "0", "1"},
                                                  {"ZREMRANGEBYRANK", "s", "0", "1"},
                                                  {"ZPOPMIN", "s"},
                                                  {"ZMPOP", "2", "none", "s", "MIN"},
                                                  {"ZRANDMEMBER", "s"},
                                                  {"ZRANDMEMBER", "s", "1"},
                                                  {"ZSCAN", "s", "0", "FOO"},
                                                  {"ZUNION", "2", "z", "s", "FOO"},
                                                  {"ZINTERCARD", "2", "none", "s"},
                                                  {"ZDIFFSTORE", "d", "1", "s"},
                                                  {"GET", "z"},
                                                  {"INCR", "z"}})
    EXPECT_EQ(run(call), kWrongType) << call[0];
  EXPECT_EQ(run({"ZUNIONSTORE", "s", "1", "z"}), "1");
  EXPECT_EQ(run({"TYPE", "s"}), "zset");
}

// --- putting together, beside what everybody knows -------------------------------------------------------------------

using Scores = std::map<std::string, double>;

class SortedSetAggregate : public CommandsTest {
 protected:
  /// Fills `sources`, of which some are sets, and `models`, which says what is in them.
  void fill(std::mt19937_64& random) {
    sources.clear();
    models.clear();
    const auto count = 1 + random() % 4;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string key = "source" + std::to_string(i);
      const bool plain = random() % 4 == 0;
      const std::uint64_t size = random() % 3 == 0 ? random() % 300 : random() % 12;
      Scores scores;
      for (std::uint64_t n = 0; n < size; ++n)
        scores["m" + std::to_string(random() % (size + 5))] = plain ? 1 : static_cast<double>(random() % 9) / 4;
      types::sorted_set::Compact sorted;
      types::set::Compact set;
      for (const auto& [member, score] : scores) {
        sorted.set(member, score);
        set.add(member);
      }
      const store::KeyRef at{.database = 0, .key = key};
      Part part(*session_, at);
      ASSERT_TRUE(plain ? store::put_collection<store::Set>(part, at, set)
                        : store::put_collection<store::SortedSet>(part, at, sorted));
      ASSERT_TRUE(sources.emplace_back().take(part, at, store::Access::kPeek));
      EXPECT_EQ(sources.back().size(), scores.size());
      models.push_back(std::move(scores));
    }
  }

  Sources sources;
  std::vector<Scores> models;
};

void expect_same(const KeptElements& elements, const Scores& model) {
  ASSERT_EQ(elements.size(), model.size());
  std::vector<std::pair<double, std::string>> sorted;
  for (const auto& [member, score] : model) sorted.emplace_back(score, member);
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    EXPECT_EQ(elements[i].member, sorted[i].second);
    EXPECT_EQ(elements[i].score, sorted[i].first);
  }
}

// Quarters are added up without rounding, so that the order does not matter here.
TEST_F(SortedSetAggregate, gives_what_maps_would) {
  std::mt19937_64 random(2025);
  for (int round = 0; round < 400 && !::testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(round);
    fill(random);
    Scores all;
    Scores greatest;
    Scores common;
    Scores only = models[0];
    std::map<std::string, std::size_t> holders;
    for (std::size_t i = 0; i < models.size(); ++i) {
      for (const auto& [member, score] : models[i]) {
        all[member] += score;
        const auto [at, fresh] = greatest.emplace(member, score);
        if (!fresh) at->second = std::max(at->second, score);
        ++holders[member];
        if (i != 0) only.erase(member);
      }
    }
    for (const auto& [member, count] : holders)
      if (count == models.size()) common[member] = all[member];
    expect_same(unite(sources, Aggregate::kSum), all);
    expect_same(unite(sources, Aggregate::kMax), greatest);
    expect_same(intersect(sources, Aggregate::kSum), common);
    expect_same(subtract(sources), only);
    EXPECT_EQ(count_common(sources, std::numeric_limits<std::uint64_t>::max()), common.size());
    const std::uint64_t limit = 1 + random() % 20;
    EXPECT_EQ(count_common(sources, limit), std::min<std::uint64_t>(limit, common.size()));
  }
}

}  // namespace
}  // namespace stave::commands
