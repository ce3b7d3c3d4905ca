#include "commands/multi_key_commands.h"

#include "commands/collections_for_test.h"
#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class SeveralKeys : public CommandsTest {};

constexpr const char* kSyntax = "-ERR syntax error";

TEST_F(SeveralKeys, are_set_with_one_expiry) {
  EXPECT_EQ(run({"MSETEX", "2", "a", "1", "b", "2", "EX", "100"}), "1");
  EXPECT_EQ(run({"MGET", "a", "b"}), "[\"1\", \"2\"]");
  EXPECT_EQ(run({"TTL", "a"}) + run({"TTL", "b"}), "100100");
  EXPECT_EQ(run({"MSETEX", "1", "a", "3", "KEEPTTL"}), "1");
  EXPECT_EQ(run({"TTL", "a"}), "100");
  EXPECT_EQ(run({"MSETEX", "2", "a", "4", "c", "5"}), "1");
  EXPECT_EQ(run({"TTL", "a"}), "-1");
  EXPECT_EQ(run({"MSETEX", "2", "a", "4", "c", "5", "PXAT", "1"}), "1");
  EXPECT_EQ(run({"EXISTS", "a", "b", "c"}), "1");
  EXPECT_EQ(run({"MSETEX", "2", "a", "first", "a", "last"}), "1");
  EXPECT_EQ(run({"GET", "a"}), "\"last\"");
  EXPECT_EQ(run({"MSETEX", "1", "a", "1", "EX", "9", "SLIDING"}), "1");
  reopen();
  EXPECT_EQ(run({"MGET", "a", "b"}), "[\"1\", \"2\"]");
  EXPECT_EQ(run({"TTL", "b"}), "100");
}

TEST_F(SeveralKeys, are_set_if_none_of_them_is_there_or_all_are) {
  EXPECT_EQ(run({"MSETEX", "2", "a", "1", "b", "2", "XX"}), "0");
  EXPECT_EQ(run({"MSETEX", "2", "a", "1", "b", "2", "NX", "EX", "9"}), "1");
  EXPECT_EQ(run({"MSETEX", "2", "c", "1", "b", "3", "nx"}), "0");
  EXPECT_EQ(run({"MSETEX", "2", "c", "1", "b", "3", "xx"}), "0");
  EXPECT_EQ(run({"EXISTS", "c"}), "0");
  EXPECT_EQ(run({"MSETEX", "2", "a", "5", "b", "6", "EX", "50", "XX"}), "1");
  EXPECT_EQ(run({"MGET", "a", "b"}), "[\"5\", \"6\"]");
  EXPECT_EQ(run({"TTL", "b"}), "50");
}

TEST_F(SeveralKeys, are_counted_before_they_are_set) {
  for (const std::string_view count : {"0", "-1", "x", "2147483648", "9223372036854775808"})
    EXPECT_EQ(run({"MSETEX", count, "a", "1"}), "-ERR invalid numkeys value") << count;
  for (const std::string_view count : {"2", "3", "2147483647"})
    EXPECT_EQ(run({"MSETEX", count, "a", "1", "b"}), "-ERR wrong number of key-value pairs") << count;
  EXPECT_EQ(run({"MSETEX", "1", "a"}), "-ERR wrong number of arguments for 'msetex' command");
  for (const std::vector<std::string_view>& options : std::vector<std::vector<std::string_view>>{
           {"FOO"}, {"NX", "XX"}, {"EX"}, {"EX", "1", "PX", "1"}, {"KEEPTTL", "EX", "1"}, {"PERSIST"}, {"IFEQ", "1"}}) {
    std::vector<std::string_view> call = {"MSETEX", "1", "a", "1"};
    call.insert(call.end(), options.begin(), options.end());
    EXPECT_EQ(run(call), kSyntax) << options[0];
  }
  EXPECT_EQ(run({"MSETEX", "1", "a", "1", "EX", "0"}), "-ERR invalid expire time in 'msetex' command");
  EXPECT_EQ(run({"MSETEX", "1", "a", "1", "EX", "x"}), "-ERR value is not an integer or out of range");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "MSETEX", "2", "a", "1", "b", "2", "NX"}), "[\"a\", \"b\"]");
}

TEST_F(SeveralKeys, may_have_held_collections) {
  for (const AnyValue& value : some_collections()) {
    put_value(*engine_, {0, "a"}, value);
    EXPECT_EQ(run({"MGET", "a", "none"}), "[nil, nil]");
    EXPECT_EQ(run({"MSETNX", "a", "1", "b", "2"}), "0");
    EXPECT_EQ(run({"MSETEX", "1", "a", "1", "NX"}), "0");
    EXPECT_EQ(run({"TYPE", "a"}), value.name);
    EXPECT_EQ(run({"MSETEX", "1", "a", "1", "XX"}), "1");
    EXPECT_EQ(run({"GET", "a"}), "\"1\"");
    put_value(*engine_, {0, "a"}, value);
    EXPECT_EQ(run({"MSET", "a", "2"}), "OK");
    EXPECT_EQ(run({"GET", "a"}), "\"2\"");
  }
}

}  // namespace
}  // namespace stave::commands
