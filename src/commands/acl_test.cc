#include <gtest/gtest.h>

#include "base/sha256.h"
#include "commands/access.h"
#include "commands/access_categories.h"
#include "commands/fixture_for_test.h"
#include "commands/key_uses.h"
#include "commands/users.h"

namespace stave::commands {
namespace {

class AclTest : public CommandsTest {
 protected:
  /// What a session of that user is answered.
  std::string as(std::string_view user, std::initializer_list<std::string_view> call) {
    auto session = new_session();
    become(*session, environment_->users().find(user));
    return spell(run_in(*session, std::vector<std::string_view>(call)));
  }
  std::string rules(std::string_view user) {
    const auto found = environment_->users().find(user);
    return found == nullptr ? "none" : found->describe();
  }
};

constexpr std::string_view kNoCommand = "-NOPERM User bob has no permissions to run the 'get' command";
constexpr std::string_view kNoKey = "-NOPERM No permissions to access a key";

TEST_F(AclTest, denies_what_no_rule_allows) {
  EXPECT_EQ(run({"ACL", "SETUSER", "bob"}), "OK");
  EXPECT_EQ(rules("bob"), "off sanitize-payload resetchannels -@all");
  EXPECT_EQ(as("bob", {"GET", "a"}), kNoCommand);
  EXPECT_EQ(run({"ACL", "SETUSER", "bob", "+get"}), "OK");
  EXPECT_EQ(as("bob", {"GET", "a"}), kNoKey);
  EXPECT_EQ(run({"ACL", "SETUSER", "bob", "~a"}), "OK");
  EXPECT_EQ(as("bob", {"GET", "a"}), "nil");
  EXPECT_EQ(as("bob", {"GET", "b"}), kNoKey);
}

// Each row of the table is denied to who may nothing, whatever the call: what is not checked would be seen here.
TEST_F(AclTest, denies_every_row_to_who_may_nothing) {
  EXPECT_EQ(run({"ACL", "SETUSER", "none", "on", "nopass"}), "OK");
  const auto user = environment_->users().find("none");
  const auto check = [&](const Command& row, const Command* container) {
    std::vector<std::string> words;
    if (container != nullptr) words.emplace_back(container->name);
    words.emplace_back(row.name);
    while (static_cast<int>(words.size()) < row.arity.least) words.emplace_back("1");
    const std::vector<std::string_view> arguments(words.begin(), words.end());
    auto session = new_session();
    become(*session, user);
    const std::string answer = spell(run_in(*session, arguments));
    if ((row.flags & kNoAuth) != 0) return;
    EXPECT_TRUE(answer.starts_with("-NOPERM")) << full_name(row) << ": " << answer;
  };
  for (const Command& row : command_table()) {
    if (row.run != nullptr) check(row, nullptr);
    for (const Command& sub : row.subcommands) check(sub, &row);
  }
}

TEST_F(AclTest, tells_rules_that_make_the_same_user) {
  constexpr std::string_view kRules =
      "on nopass sanitize-payload %R~r* %W~w* ~both resetchannels &news.* db=1,3 -@all +@read +config|get +select|0 "
      "-@hash (~x resetchannels -@all +set)";
  EXPECT_EQ(run({"ACL", "SETUSER", "bob", "on", "nopass", "%R~r*", "%W~w*", "%RW~both", "&news.*", "db=3,1", "+@read",
                 "+CONFIG|GET", "+select|0", "-@hash", "(+set", "~x)"}),
            "OK");
  EXPECT_EQ(rules("bob"), kRules);
  const auto again = environment_->users().read("user bob " + std::string(kRules) + "\n", "here");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->front().describe(), kRules);
}

TEST_F(AclTest, lets_a_later_rule_of_a_command_replace_an_earlier_one) {
  run({"ACL", "SETUSER", "bob", "+@all", "-get", "+get", "-config", "+config|get", "-config"});
  EXPECT_EQ(environment_->users().find("bob")->selectors[0].commands(), "+@all +get -config");
  run({"ACL", "SETUSER", "bob", "-@all", "+config", "-config|set"});
  EXPECT_EQ(environment_->users().find("bob")->selectors[0].commands(), "-@all +config -config|set");
}

TEST_F(AclTest, refuses_rules_in_the_words_of_redis_and_changes_nothing) {
  run({"ACL", "SETUSER", "bob", "on", ">pw", "~a"});
  const std::string before = rules("bob");
  const std::pair<std::string_view, std::string_view> kRefused[] = {
      {"+nonsense", "Unknown command or category name in ACL"},
      {"+@nonsense", "Unknown command or category name in ACL"},
      {"-select|0", "Unknown command or category name in ACL"},
      {"+client|nonsense", "Unknown command or category name in ACL"},
      {"+client|id|x", "Allowing first-arg of a subcommand is not supported"},
      {"%~a", "Syntax error"},
      {"%RR~a", "Syntax error"},
      {"%X~a", "Syntax error"},
      {"nonsense", "Syntax error"},
      {"db=x", "Syntax error"},
      {"db=1,,2", "Syntax error"},
      {"db=9999", "The provided database ID is out of range"},
      {"<other", "The password you are trying to remove from the user does not exist"},
      {"#abc",
       "The provided password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"},
      {"(+nonsense)", "Unknown command or category name in ACL"},
  };
  for (const auto& [rule, why] : kRefused)
    EXPECT_EQ(run({"ACL", "SETUSER", "bob", "+get", rule}),
              "-ERR Error in ACL SETUSER modifier '" + std::string(rule) + "': " + std::string(why));
  EXPECT_EQ(run({"ACL", "SETUSER", "bob", "(+get"}), "-ERR Unmatched parenthesis in acl selector starting at '(+get'.");
  EXPECT_EQ(run({"ACL", "SETUSER", "bo b"}), "-ERR Usernames can't contain spaces or null characters");
  EXPECT_EQ(rules("bob"), before);
}

TEST_F(AclTest, knows_reading_from_writing) {
  run({"ACL", "SETUSER", "bob", "+@all", "%R~r", "%W~w"});
  EXPECT_EQ(as("bob", {"GET", "r"}), "nil");
  EXPECT_EQ(as("bob", {"GET", "w"}), kNoKey);
  EXPECT_EQ(as("bob", {"SET", "w", "1"}), "OK");
  EXPECT_EQ(as("bob", {"SET", "r", "1"}), kNoKey);
  EXPECT_EQ(as("bob", {"SET", "w", "1", "GET"}), kNoKey);
  EXPECT_EQ(as("bob", {"GETDEL", "w"}), kNoKey);
  EXPECT_EQ(as("bob", {"COPY", "r", "w"}), "0");
  EXPECT_EQ(as("bob", {"COPY", "w", "r"}), kNoKey);
  EXPECT_EQ(as("bob", {"SUNIONSTORE", "w", "r"}), "0");
  EXPECT_EQ(as("bob", {"SUNIONSTORE", "r", "r"}), kNoKey);
  EXPECT_EQ(as("bob", {"EXISTS", "w"}), "0") << "whether it is there needs either";
  EXPECT_EQ(as("bob", {"EXISTS", "other"}), kNoKey);
}

// The key that an option names is one that is written, and what the row knows is read only.
TEST_F(AclTest, looks_at_keys_that_options_name) {
  run({"ACL", "SETUSER", "bob", "+@all", "%R~r", "%W~w"});
  EXPECT_EQ(as("bob", {"GEORADIUS", "r", "1", "2", "3", "m", "STORE", "w"}), "0");
  EXPECT_EQ(as("bob", {"GEORADIUS", "r", "1", "2", "3", "m", "STOREDIST", "r"}), kNoKey);
  EXPECT_EQ(as("bob", {"GEORADIUS", "w", "1", "2", "3", "m", "STORE", "w"}), kNoKey);
  EXPECT_EQ(as("bob", {"SORT", "r", "STORE", "w"}), "0");
  EXPECT_EQ(as("bob", {"SORT", "r", "STORE", "r"}), kNoKey);
  EXPECT_EQ(as("bob", {"BITFIELD", "r", "GET", "u4", "0"}), "[0]");
  EXPECT_EQ(as("bob", {"BITFIELD", "r", "SET", "u4", "0", "1"}), kNoKey);
  EXPECT_EQ(as("bob", {"BITFIELD", "w", "SET", "u4", "0", "1"}), kNoKey) << "it tells what was there";
}

TEST_F(AclTest, one_selector_has_to_allow_all_of_a_call) {
  run({"ACL", "SETUSER", "bob", "+mget", "~a", "(+mget ~b)"});
  EXPECT_EQ(as("bob", {"MGET", "a", "a"}), "[nil, nil]");
  EXPECT_EQ(as("bob", {"MGET", "b", "b"}), "[nil, nil]");
  EXPECT_EQ(as("bob", {"MGET", "a", "b"}), kNoKey);
  EXPECT_EQ(run({"ACL", "SETUSER", "bob", "clearselectors"}), "OK");
  EXPECT_EQ(as("bob", {"MGET", "b", "b"}), kNoKey);
}

TEST_F(AclTest, a_session_that_may_do_everything_is_not_looked_at) {
  EXPECT_TRUE(session_->plain());
  run({"ACL", "SETUSER", "bob", "on", "nopass", "+@all", "~*", "&*"});
  EXPECT_FALSE(session_->plain()) << "after a change each session looks once";
  run({"PING"});
  EXPECT_TRUE(session_->plain());
  auto session = new_session();
  become(*session, environment_->users().find("bob"));
  EXPECT_TRUE(session->plain());
  run({"ACL", "SETUSER", "bob", "-get"});
  EXPECT_EQ(spell(run_in(*session, std::vector<std::string_view>{"GET", "a"})), kNoCommand);
  EXPECT_FALSE(session->plain());
}

TEST_F(AclTest, default_can_be_locked_for_who_comes_later) {
  run({"ACL", "SETUSER", "default", "resetpass", ">pw"});
  auto session = new_session();
  EXPECT_EQ(spell(run_in(*session, std::vector<std::string_view>{"GET", "a"})), "-NOAUTH Authentication required.");
  EXPECT_EQ(spell(run_in(*session, std::vector<std::string_view>{"AUTH", "pw"})), "OK");
  EXPECT_EQ(spell(run_in(*session, std::vector<std::string_view>{"ACL", "WHOAMI"})), "\"default\"");
}

TEST_F(AclTest, the_same_denial_within_a_minute_is_one_entry) {
  run({"ACL", "SETUSER", "bob", "on", "nopass"});
  for (int i = 0; i < 3; ++i) as("bob", {"GET", "a"});
  auto entries = environment_->users().log.newest(10);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].count, 3u);
  EXPECT_EQ(entries[0].object, "get");
  clock_.advance_ms(61'000);
  as("bob", {"GET", "a"});
  EXPECT_EQ(environment_->users().log.newest(10).size(), 2u);
  EXPECT_EQ(environment_->users().log.denied(AclReason::kCommand), 4u);
  run({"CONFIG", "SET", "acllog-max-len", "1"});
  EXPECT_EQ(environment_->users().log.newest(10).size(), 1u);
}

TEST_F(AclTest, every_row_is_in_a_category_and_every_category_has_a_name) {
  for (const Command& row : command_table()) {
    EXPECT_NE(categories_of(row), 0u) << row.name;
    EXPECT_FALSE(access_categories(row).empty());
  }
  EXPECT_EQ(category_names().size(), 26u);
  EXPECT_EQ(category_bit("nonsense"), 0u);
  EXPECT_NE(category_bit("SortedSet"), 0u);
}

}  // namespace
}  // namespace stave::commands
