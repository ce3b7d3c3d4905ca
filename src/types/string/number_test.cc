#include "types/string/number.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace stave::types {
namespace {

TEST(Integer, has_exactly_one_spelling) {
  EXPECT_EQ(parse_integer("0"), 0);
  EXPECT_EQ(parse_integer("-1"), -1);
  EXPECT_EQ(parse_integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const char* text : {"", "-", "+1", " 1", "1 ", "01", "-0", "-01", "00", "1.0", "1e3", "0x10",
                           "9223372036854775808", "-9223372036854775809", "99999999999999999999999", "abc"})
    EXPECT_EQ(parse_integer(text), std::nullopt) << text;
  EXPECT_EQ(parse_integer(std::string_view("1\0", 2)), std::nullopt);
}

TEST(Unsigned, takes_64_bits_and_no_sign) {
  EXPECT_EQ(parse_unsigned("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(parse_unsigned("-1"), std::nullopt);
  EXPECT_EQ(parse_unsigned("18446744073709551616"), std::nullopt);
}

TEST(Float, is_read_as_strtold_reads_it) {
  EXPECT_EQ(parse_float("3.0e3"), 3000.0L);
  EXPECT_EQ(parse_float("+.5"), 0.5L);
  EXPECT_EQ(parse_float("5."), 5.0L);
  EXPECT_EQ(parse_float("-0x1p4"), -16.0L);
  EXPECT_TRUE(std::isinf(parse_float("-inf").value()));
  for (const char* text : {"", "+", "-", " 1", "1 ", "1x", "nan", "--1", "+-1", "0x", "0x-1", "1e99999", "e5", "."})
    EXPECT_EQ(parse_float(text), std::nullopt) << text;
  EXPECT_EQ(parse_float(std::string(6000, '1')), std::nullopt);
}

TEST(Float, is_written_without_exponent_and_trailing_zeros) {
  EXPECT_EQ(format_float(10.5L + 0.1L), "10.6");
  EXPECT_EQ(format_float(5000.0L), "5000");
  EXPECT_EQ(format_float(-0.0L), "0");
  EXPECT_EQ(format_float(1e-20L), "0");
  EXPECT_EQ(format_float(3.1L), "3.1");
  EXPECT_EQ(format_float(100), "100");
  EXPECT_GT(format_float(std::numeric_limits<long double>::max()).size(), 4900u);
}

TEST(Digits, spell_the_extremes) {
  EXPECT_EQ(Digits(std::numeric_limits<std::int64_t>::min()).view(), "-9223372036854775808");
  EXPECT_EQ(Digits(0).view(), "0");
}

TEST(CheckedArithmetic, refuses_what_does_not_fit) {
  EXPECT_EQ(checked_add(std::numeric_limits<std::int64_t>::max(), 1), std::nullopt);
  EXPECT_EQ(checked_add(-3, 5), 2);
  EXPECT_EQ(checked_multiply(std::numeric_limits<std::int64_t>::max() / 1000 + 1, 1000), std::nullopt);
  EXPECT_EQ(checked_multiply(-5, 1000), -5000);
}

TEST(Double, is_written_in_as_few_digits_as_tell_it) {
  const struct {
    double value;
    const char* text;
  } cases[] = {
      {0.0, "0"},
      {-0.0, "-0"},
      {1.0, "1"},
      {-3.25, "-3.25"},
      {0.1, "0.1"},
      {100.0, "100"},
      {1e6, "1000000"},
      {1e20, "1e+20"},
      {1e21, "1e+21"},
      {1.5e300, "1.5e+300"},
      {1e-5, "0.00001"},
      {1e-7, "1e-7"},
      {1.25e-9, "1.25e-9"},
      {123456789.123, "123456789.123"},
      {9007199254740993.0, "9007199254740992"},
      {std::numeric_limits<double>::infinity(), "inf"},
      {-std::numeric_limits<double>::infinity(), "-inf"},
      {std::numeric_limits<double>::quiet_NaN(), "nan"},
      {std::numeric_limits<double>::denorm_min(), "5e-324"},
      {std::numeric_limits<double>::max(), "1.7976931348623157e+308"},
  };
  for (const auto& c : cases) {
    char text[40];
    EXPECT_EQ(std::string(text, format_double(c.value, text)), c.text);
  }
}

}  // namespace
}  // namespace stave::types
