#include "commands/glob.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace stave::commands {
namespace {

TEST(Glob, matches_literals_stars_and_question_marks) {
  EXPECT_TRUE(glob_match("", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("**", "abc"));
  EXPECT_TRUE(glob_match("a*c", "abbbc"));
  EXPECT_FALSE(glob_match("a*c", "abbbd"));
  EXPECT_TRUE(glob_match("user:*", "user:1"));
  EXPECT_TRUE(glob_match("h?llo", "hello"));
  EXPECT_FALSE(glob_match("h?llo", "hllo"));
  EXPECT_TRUE(glob_match("*a*b*c*", "xxaxxbxxcxx"));
  EXPECT_FALSE(glob_match("*a*b*c*", "xxaxxcxxbxx"));
  EXPECT_TRUE(glob_match("a*", std::string_view("a\0b", 3)));
}

TEST(Glob, matches_classes) {
  EXPECT_TRUE(glob_match("h[ae]llo", "hallo"));
  EXPECT_FALSE(glob_match("h[ae]llo", "hillo"));
  EXPECT_TRUE(glob_match("h[^e]llo", "hallo"));
  EXPECT_FALSE(glob_match("h[^e]llo", "hello"));
  EXPECT_TRUE(glob_match("[a-c]x", "bx"));
  EXPECT_TRUE(glob_match("[c-a]x", "bx"));
  EXPECT_FALSE(glob_match("[a-c]x", "dx"));
  EXPECT_TRUE(glob_match("[\\]]", "]"));
  EXPECT_TRUE(glob_match("[abc", "b"));
  EXPECT_FALSE(glob_match("[", "["));
  EXPECT_FALSE(glob_match("[]", "]"));
  EXPECT_TRUE(glob_match("[^]", "]"));
}

TEST(Glob, takes_escaped_characters_literally) {
  EXPECT_TRUE(glob_match("a\\*b", "a*b"));
  EXPECT_FALSE(glob_match("a\\*b", "axb"));
  EXPECT_TRUE(glob_match("a\\", "a\\"));
}

TEST(Glob, ignores_case_when_told) {
  EXPECT_TRUE(glob_match("MAX*[A-C]", "maxb", true));
  EXPECT_FALSE(glob_match("MAX*", "max"));
}

TEST(Glob, takes_linear_time_where_backtracking_explodes) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  pattern += "b";
  EXPECT_FALSE(glob_match(pattern, std::string(10'000, 'a')));
}

/// The definition, with all its backtracking.
bool plain_match(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (std::size_t i = 0; i <= text.size(); ++i)
      if (plain_match(pattern.substr(1), text.substr(i))) return true;
    return false;
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         plain_match(pattern.substr(1), text.substr(1));
}

TEST(Glob, agrees_with_its_definition_on_random_patterns) {
  constexpr std::uint64_t kSeed = 7;
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern;
    std::string text;
    for (auto n = random() % 8; n > 0; --n) pattern += "ab*?"[random() % 4];
    for (auto n = random() % 8; n > 0; --n) text += "ab"[random() % 2];
    ASSERT_EQ(glob_match(pattern, text), plain_match(pattern, text))
        << "seed " << kSeed << ": " << pattern << " " << text;
  }
}

}  // namespace
}  // namespace stave::commands
