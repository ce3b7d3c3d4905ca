#include "types/sorted_set/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace stave::types::sorted_set {
namespace {

using namespace std::string_view_literals;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Score, is_read_as_strtod_reads_it) {
  EXPECT_EQ(parse_score("1"), 1.0);
  EXPECT_EQ(parse_score("+1.50"), 1.5);
  EXPECT_EQ(parse_score("-.5"), -0.5);
  EXPECT_EQ(parse_score("5."), 5.0);
  EXPECT_EQ(parse_score("3e2"), 300.0);
  EXPECT_EQ(parse_score("0x1p3"), 8.0);
  EXPECT_EQ(parse_score("0.1"), 0.1);
  EXPECT_EQ(parse_score("9007199254740993"), 9007199254740992.0);
  EXPECT_EQ(parse_score("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(parse_score("5e-324"), std::numeric_limits<double>::denorm_min());
  for (const std::string_view text : {"inf"sv, "+inf"sv, "Infinity"sv, "INF"sv})
    EXPECT_EQ(parse_score(text), kInfinity);
  EXPECT_EQ(parse_score("-inf"), -kInfinity);
}

TEST(Score, is_nothing_else) {
  for (const std::string_view text :
       {""sv, " 1"sv, "1 "sv, "\t1"sv, "nan"sv, "-nan"sv, "nan(1)"sv, "x"sv, "1x"sv, "1e"sv, "--1"sv, "1,5"sv,
        "1e309"sv, "-1e400"sv, "1e-400"sv, "1\0"sv, "\0"sv, "(1"sv})
    EXPECT_EQ(parse_score(text), std::nullopt) << text;
  EXPECT_EQ(parse_score(std::string(6000, '1')), std::nullopt);
}

TEST(Score, is_no_negative_zero) {
  for (const std::string_view text : {"-0"sv, "-0.0"sv, "-0e5"sv}) {
    ASSERT_EQ(parse_score(text), 0.0);
    EXPECT_FALSE(std::signbit(*parse_score(text)));
  }
}

TEST(Bound, may_be_more_than_a_score) {
  EXPECT_EQ(parse_bound("1.5"), 1.5);
  EXPECT_EQ(parse_bound(""), 0.0);
  EXPECT_EQ(parse_bound(" \n1"), 1.0);
  EXPECT_EQ(parse_bound("1\0x"sv), 1.0);
  EXPECT_EQ(parse_bound("1e400"), kInfinity);
  EXPECT_EQ(parse_bound("-1e400"), -kInfinity);
  EXPECT_EQ(parse_bound("1e-400"), 0.0);
  for (const std::string_view text : {"nan"sv, "x"sv, "1 "sv, " "sv, "(1"sv, "1e"sv})
    EXPECT_EQ(parse_bound(text), std::nullopt) << text;
}

}  // namespace
}  // namespace stave::types::sorted_set
