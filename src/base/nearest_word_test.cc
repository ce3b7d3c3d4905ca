#include "base/nearest_word.h"

#include <gtest/gtest.h>

namespace stave::base {
namespace {

TEST(NearestWord, is_the_one_with_the_fewest_mistakes) {
  constexpr std::string_view kKnown[] = {"maxmemory", "maxmemory-policy", "port", "sync", "set", "get"};
  EXPECT_EQ(nearest_word("maxmemmory", kKnown), "maxmemory");
  EXPECT_EQ(nearest_word("MAXMEMORY_POLICY", kKnown), "maxmemory-policy");
  EXPECT_EQ(nearest_word("prot", kKnown), "port") << "two letters swapped are one mistake";
  EXPECT_EQ(nearest_word("gte", kKnown), "get");
  EXPECT_EQ(nearest_word("sycn", kKnown), "sync");
}

TEST(NearestWord, is_none_when_none_is_near) {
  constexpr std::string_view kKnown[] = {"port", "get"};
  EXPECT_EQ(nearest_word("nosuch", kKnown), "");
  EXPECT_EQ(nearest_word("", kKnown), "");
  EXPECT_EQ(nearest_word("abc", kKnown), "");
  EXPECT_EQ(nearest_word(std::string(1000, 'p'), kKnown), "");
  EXPECT_EQ(did_you_mean("prot", kKnown), "; did you mean port?");
  EXPECT_EQ(did_you_mean("nosuch", kKnown), "");
}

}  // namespace
}  // namespace stave::base
