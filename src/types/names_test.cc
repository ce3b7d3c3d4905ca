#include "types/names.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace stave::types {
namespace {

TEST(Names, are_numbered_as_they_come_and_found_again) {
  std::mt19937_64 random(1);
  for (const std::uint64_t expected : {0u, 10u, 100'000u}) {
    Names names(expected);
    std::map<std::string, std::size_t> model;
    for (int i = 0; i < 60'000; ++i) {
      std::string text = std::to_string(random() % 30'000);
      if (random() % 8 == 0) text = std::string(random() % 300, 'x');
      const auto [at, is_new] = model.try_emplace(text, model.size());
      const Names::Added added = names.add(text);
      ASSERT_EQ(added.is_new, is_new);
      ASSERT_EQ(added.number, at->second);
      ASSERT_EQ(names.size(), model.size());
    }
    for (const auto& [text, number] : model) {
      ASSERT_EQ(names.find(text), number);
      ASSERT_EQ(names[number], text);
    }
    EXPECT_EQ(names.find("another"), std::nullopt);
  }
}

TEST(Names, of_no_bytes_are_names) {
  Names names(0);
  EXPECT_EQ(names.find(""), std::nullopt);
  EXPECT_TRUE(names.add("").is_new);
  EXPECT_FALSE(names.add(std::string_view()).is_new);
  EXPECT_EQ(names[0], "");
}

}  // namespace
}  // namespace stave::types
