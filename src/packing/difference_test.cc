#include "packing/difference.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace stave::packing {
namespace {

std::string of(std::string_view before, std::string_view after) {
  std::string bytes;
  EXPECT_TRUE(difference(before, after, before.size() + after.size() + 64, bytes));
  return bytes;
}

void expect_both_ways(std::string_view before, std::string_view after) {
  const std::string bytes = of(before, after);
  std::string again = "something";
  ASSERT_TRUE(apply_difference(before, bytes, again));
  EXPECT_EQ(again, after);
  EXPECT_EQ(difference_size(bytes).value(), after.size());
}

std::string text(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(Difference, Costs_what_the_change_is_worth) {
  std::mt19937_64 random(1);
  const std::string before = text(random, 1500);
  std::string longer = before;
  longer[1] = static_cast<char>(longer[1] + 1);
  longer.insert(700, "0123456789abcdef");
  EXPECT_LE(of(before, longer).size(), 16u + 2 + 1 + 4 + 4);
  std::string moved = before;
  moved.erase(300, 24);
  moved.insert(900, before, 300, 24);
  EXPECT_LE(of(before, moved).size(), 24u + 2 + 5 + 5);
  EXPECT_LE(of(before, before).size(), 2u);
  EXPECT_LE(of(before, before + "at the end").size(), 16u);
}

TEST(Difference, Of_known_edits_gives_what_they_make) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 5'000; ++round) {
    const std::string before = text(random, random() % 600);
    const std::string first = text(random, random() % 200);
    const std::string second = text(random, random() % 3);
    const std::size_t at = random() % (before.size() + 1);
    const std::size_t out = random() % (before.size() - at + 1);
    const std::size_t behind = at + out + random() % (before.size() - at - out + 1);
    const base::Edit edits[] = {{.at = at, .out = out, .in = first},
                                {.at = behind, .out = before.size() - behind, .in = second}};
    std::string after = before;
    after.replace(behind, before.size() - behind, second).replace(at, out, first);
    std::string bytes = "before it";
    ASSERT_TRUE(difference_of(edits, before.size(), after.size() + 64, bytes));
    std::string again;
    ASSERT_TRUE(apply_difference(before, std::string_view(bytes).substr(9), again));
    ASSERT_EQ(again, after);
    std::string none = "before it";
    EXPECT_FALSE(difference_of(edits, before.size(), 3, none));
    EXPECT_EQ(none, "before it");
  }
}

TEST(Difference, Gives_what_it_was_made_of) {
  expect_both_ways("", "");
  expect_both_ways("", "new");
  expect_both_ways("old", "");
  expect_both_ways("aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaa");
  expect_both_ways("abcabcabcabcabcabcabc", "abcabcabcabcabc");
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    // Few letters, so that much is alike where nobody meant it to be.
    const auto letters = [&](std::size_t size) {
      std::string bytes(size, '\0');
      for (char& c : bytes) c = static_cast<char>('a' + random() % 3);
      return bytes;
    };
    const std::string before = round % 2 == 0 ? letters(random() % 300) : text(random, random() % 300);
    std::string after = before;
    for (auto changes = random() % 4; changes > 0; --changes) {
      const std::size_t at = random() % (after.size() + 1);
      after.erase(at, random() % 20);
      after.insert(at, letters(random() % 20));
    }
    std::string bytes = "kept";
    if (!difference(before, after, 4096, bytes)) {
      EXPECT_EQ(bytes, "kept");
      continue;
    }
    std::string again;
    ASSERT_TRUE(apply_difference(before, std::string_view(bytes).substr(4), again));
    ASSERT_EQ(again, after);
  }
}

TEST(Difference, Is_none_when_it_is_longer_than_asked_for) {
  std::string bytes;
  EXPECT_FALSE(difference("", std::string(100, 'x'), 50, bytes));
  EXPECT_EQ(bytes, "");
  EXPECT_FALSE(difference("abc", "abd", 0, bytes));
}

TEST(Difference, Of_foreign_bytes_is_refused) {
  std::string into;
  for (const std::string_view bytes :
       {std::string_view(""), std::string_view("\xff\xff\xff\xff\xff\x01"), std::string_view("\x05"),
        std::string_view("\x05\x01"), std::string_view("\x03\x04\x00\x00", 4),
        std::string_view("\x03\x00\x04\x03xyz", 7), std::string_view("\x7f\x00\x00\x05x", 5)}) {
    const auto done = apply_difference("abc", bytes, into);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), ErrorCode::kCorrupt);
  }
  std::mt19937_64 random(3);
  const std::string before = text(random, 200);
  std::string after = before;
  after.insert(50, "twenty more bytes of it");
  const std::string good = of(before, after);
  for (int round = 0; round < 5'000; ++round) {
    std::string bad = good;
    bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    bad.resize(bad.size() - random() % 3);
    static_cast<void>(apply_difference(before, bad, into));  // whatever comes, the sanitizers look on
  }
}

}  // namespace
}  // namespace stave::packing
