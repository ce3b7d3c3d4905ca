#include "doors/shell/help.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "commands/table.h"

namespace stave::shell {
namespace {

using Words = std::vector<std::string>;

bool has(const Words& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

TEST(Completion, offers_commands_subcommands_and_topics) {
  EXPECT_TRUE(has(completions("GETR"), "GETRANGE"));
  EXPECT_TRUE(has(completions("getr"), "getrange")) << "small letters stay small";
  EXPECT_TRUE(has(completions("SNAP"), "SNAPSHOT"));
  EXPECT_TRUE(has(completions("CLIENT LI"), "LIST"));
  EXPECT_TRUE(has(completions("HELP @str"), "@string"));
  EXPECT_TRUE(has(completions("HELP SE"), "SET"));
  EXPECT_EQ(completions("GET ke"), Words{});
  EXPECT_EQ(completions("NOSUCH"), Words{});
  EXPECT_GT(completions("").size(), commands::command_table().size());
}

TEST(Hint, shows_what_may_follow) {
  EXPECT_EQ(hint("GET "), "key");
  EXPECT_EQ(hint("GET a"), "");
  EXPECT_EQ(hint("GE"), "");
  EXPECT_EQ(hint("NOSUCH "), "");
  EXPECT_TRUE(hint("set ").starts_with("key value"));
  EXPECT_TRUE(hint("set a ").starts_with("value"));
  EXPECT_FALSE(hint("CLIENT ").empty());
}

TEST(Help, explains_every_command_of_the_table) {
  EXPECT_NE(help({}).find("SNAPSHOT"), std::string::npos);
  for (const auto& command : commands::command_table()) {
    const std::string text = help({std::string(command.name)});
    // The shell's own words go before.
    const bool own = std::ranges::any_of(own_words(), [&](const OwnWord& word) { return word.name == command.name; });
    EXPECT_TRUE(own || text.find(command.help) != std::string::npos) << command.name;
    for (const auto& sub : command.subcommands)
      EXPECT_FALSE(help({std::string(command.name), std::string(sub.name)}).empty()) << command.name << ' ' << sub.name;
  }
  EXPECT_NE(help({"@string"}).find("GETRANGE"), std::string::npos);
  EXPECT_EQ(help({"@nothing"}), "");
  EXPECT_EQ(help({"nosuch"}), "");
}

TEST(History, never_keeps_passwords) {
  EXPECT_TRUE(is_secret("AUTH secret"));
  EXPECT_TRUE(is_secret("  auth user secret"));
  EXPECT_TRUE(is_secret("HELLO 3 AUTH default secret"));
  EXPECT_TRUE(is_secret("CONFIG SET requirepass secret"));
  EXPECT_FALSE(is_secret("HELLO 3"));
  EXPECT_FALSE(is_secret("GET auth"));
}

}  // namespace
}  // namespace stave::shell
