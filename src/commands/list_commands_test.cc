#include "commands/list_commands.h"

#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class Lists : public CommandsTest {
 protected:
  std::string all(std::string_view key) { return run({"LRANGE", key, "0", "-1"}); }
};

constexpr const char* kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kNotInteger = "-ERR value is not an integer or out of range";
constexpr const char* kSyntax = "-ERR syntax error";
constexpr const char* kLeast = "-9223372036854775808";
constexpr const char* kMost = "9223372036854775807";

TEST_F(Lists, grow_at_both_ends) {
  EXPECT_EQ(run({"RPUSH", "a", "1", "2"}), "2");
  EXPECT_EQ(run({"LPUSH", "a", "x", "", "z"}), "5");
  EXPECT_EQ(all("a"), R"(["z", "", "x", "1", "2"])");
  EXPECT_EQ(run({"LLEN", "a"}), "5");
  EXPECT_EQ(run({"TYPE", "a"}), "list");
  EXPECT_EQ(run({"LPUSHX", "a", "y"}), "6");
  EXPECT_EQ(run({"RPUSHX", "a", "3", "4"}), "8");
  EXPECT_EQ(run({"LPUSHX", "none", "y"}), "0");
  EXPECT_EQ(run({"RPUSHX", "none", "y"}), "0");
  EXPECT_EQ(run({"EXISTS", "none"}), "0");
  EXPECT_EQ(run({"LLEN", "none"}), "0");
  EXPECT_EQ(all("none"), "[]");
}

TEST_F(Lists, shrink_at_both_ends_and_go_with_the_last_element) {
  run({"RPUSH", "a", "1", "2", "3", "4", "5", "6"});
  EXPECT_EQ(run({"LPOP", "a"}), "\"1\"");
  EXPECT_EQ(run({"RPOP", "a"}), "\"6\"");
  EXPECT_EQ(run({"LPOP", "a", "0"}), "[]");
  EXPECT_EQ(run({"RPOP", "a", "2"}), R"(["5", "4"])");
  EXPECT_EQ(run({"LPOP", "a", kMost}), R"(["2", "3"])");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run({"LPOP", "a"}), "nil");
  EXPECT_EQ(run({"RPOP", "a", "0"}), "nil");
  EXPECT_EQ(run({"RPOP", "a", "-1"}), "-ERR value is out of range, must be positive");
  EXPECT_EQ(run({"LPOP", "a", "x"}), "-ERR value is out of range, must be positive");
  EXPECT_EQ(run({"LPOP", "a", "1", "2"}), "-ERR wrong number of arguments for 'lpop' command");
}

TEST_F(Lists, are_read_by_place) {
  run({"RPUSH", "a", "0", "one", "2"});
  EXPECT_EQ(run({"LINDEX", "a", "1"}), "\"one\"");
  EXPECT_EQ(run({"LINDEX", "a", "-3"}), "\"0\"");
  for (const char* const place : {"3", "-4", kMost, kLeast}) EXPECT_EQ(run({"LINDEX", "a", place}), "nil") << place;
  EXPECT_EQ(run({"LINDEX", "a", "x"}), kNotInteger);
  EXPECT_EQ(run({"LINDEX", "none", "x"}), "nil");
  EXPECT_EQ(run({"LRANGE", "a", "-2", "1"}), R"(["one"])");
  EXPECT_EQ(run({"LRANGE", "a", kLeast, kMost}), R"(["0", "one", "2"])");
  EXPECT_EQ(run({"LRANGE", "a", "2", "1"}), "[]");
  EXPECT_EQ(run({"LRANGE", "a", kMost, kMost}), "[]");
  EXPECT_EQ(run({"LRANGE", "a", kLeast, kLeast}), "[]");
  EXPECT_EQ(run({"LRANGE", "none", "x", "1"}), kNotInteger);
}

TEST_F(Lists, are_changed_by_place) {
  run({"RPUSH", "a", "0", "1", "2"});
  EXPECT_EQ(run({"LSET", "a", "-1", "two"}), "OK");
  EXPECT_EQ(run({"LSET", "a", "0", ""}), "OK");
  EXPECT_EQ(all("a"), R"(["", "1", "two"])");
  EXPECT_EQ(run({"LSET", "a", "3", "x"}), "-ERR index out of range");
  EXPECT_EQ(run({"LSET", "a", kLeast, "x"}), "-ERR index out of range");
  EXPECT_EQ(run({"LSET", "a", "x", "x"}), kNotInteger);
  EXPECT_EQ(run({"LSET", "none", "x", "x"}), "-ERR no such key");
}

TEST_F(Lists, take_an_element_beside_another) {
  run({"RPUSH", "a", "x", "y", "x"});
  EXPECT_EQ(run({"LINSERT", "a", "before", "x", "0"}), "4");
  EXPECT_EQ(run({"LINSERT", "a", "AFTER", "y", "1"}), "5");
  EXPECT_EQ(all("a"), R"(["0", "x", "y", "1", "x"])");
  EXPECT_EQ(run({"LINSERT", "a", "AFTER", "z", "1"}), "-1");
  EXPECT_EQ(run({"LINSERT", "none", "AFTER", "z", "1"}), "0");
  EXPECT_EQ(run({"LINSERT", "a", "BESIDE", "x", "1"}), kSyntax);
}

TEST_F(Lists, lose_elements_by_text) {
  run({"RPUSH", "a", "x", "y", "x", "z", "x"});
  EXPECT_EQ(run({"LREM", "a", "1", "x"}), "1");
  EXPECT_EQ(all("a"), R"(["y", "x", "z", "x"])");
  EXPECT_EQ(run({"LREM", "a", "-1", "x"}), "1");
  EXPECT_EQ(all("a"), R"(["y", "x", "z"])");
  EXPECT_EQ(run({"LREM", "a", "0", "none"}), "0");
  run({"RPUSH", "a", "x"});
  EXPECT_EQ(run({"LREM", "a", kLeast, "x"}), "2");
  EXPECT_EQ(run({"LREM", "a", "0", "y"}), "1");
  EXPECT_EQ(run({"LREM", "a", kMost, "z"}), "1");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run({"LREM", "a", "0", "x"}), "0");
  EXPECT_EQ(run({"LREM", "a", "x", "x"}), kNotInteger);
}

TEST_F(Lists, keep_what_is_in_a_range) {
  run({"RPUSH", "a", "0", "1", "2", "3"});
  EXPECT_EQ(run({"LTRIM", "a", "1", "-2"}), "OK");
  EXPECT_EQ(all("a"), R"(["1", "2"])");
  EXPECT_EQ(run({"LTRIM", "a", kLeast, kMost}), "OK");
  EXPECT_EQ(all("a"), R"(["1", "2"])");
  EXPECT_EQ(run({"LTRIM", "a", "2", "5"}), "OK");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run({"LTRIM", "a", "0", "0"}), "OK");
  EXPECT_EQ(run({"LTRIM", "a", "0", "x"}), kNotInteger);
}

TEST_F(Lists, tell_where_elements_are) {
  run({"RPUSH", "a", "x", "y", "x", "z", "x"});
  EXPECT_EQ(run({"LPOS", "a", "x"}), "0");
  EXPECT_EQ(run({"LPOS", "a", "none"}), "nil");
  EXPECT_EQ(run({"LPOS", "a", "x", "RANK", "2"}), "2");
  EXPECT_EQ(run({"LPOS", "a", "x", "rank", "-1"}), "4");
  EXPECT_EQ(run({"LPOS", "a", "x", "RANK", "4"}), "nil");
  EXPECT_EQ(run({"LPOS", "a", "x", "COUNT", "0"}), "[0, 2, 4]");
  EXPECT_EQ(run({"LPOS", "a", "x", "COUNT", "2", "RANK", "-1"}), "[4, 2]");
  EXPECT_EQ(run({"LPOS", "a", "x", "COUNT", "0", "MAXLEN", "3"}), "[0, 2]");
  EXPECT_EQ(run({"LPOS", "a", "x", "COUNT", "0", "MAXLEN", "2", "RANK", "-1"}), "[4]");
  EXPECT_EQ(run({"LPOS", "a", "x", "COUNT", kMost, "MAXLEN", kMost, "RANK", kMost}), "[]");
  EXPECT_EQ(run({"LPOS", "none", "x"}), "nil");
  EXPECT_EQ(run({"LPOS", "none", "x", "COUNT", "1"}), "[]");
  EXPECT_EQ(run({"LPOS", "a", "x", "COUNT", "-1"}), "-ERR COUNT can't be negative");
  EXPECT_EQ(run({"LPOS", "a", "x", "MAXLEN", "x"}), "-ERR MAXLEN can't be negative");
  EXPECT_EQ(run({"LPOS", "a", "x", "RANK", "0"}),
            "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to "
            "start from the end of the list");
  EXPECT_EQ(run({"LPOS", "a", "x", "RANK", kLeast}),
            "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
  EXPECT_EQ(run({"LPOS", "a", "x", "RANK"}), kSyntax);
  EXPECT_EQ(run({"LPOS", "a", "x", "FOO", "1"}), kSyntax);
}

TEST_F(Lists, are_no_strings_nor_the_other_way_round) {
  run({"SET", "s", "1"});
  run({"RPUSH", "a", "1"});
  EXPECT_EQ(run({"GET", "a"}), kWrongType);
  EXPECT_EQ(run({"LPUSH", "s", "x"}), kWrongType);
  EXPECT_EQ(run({"RPUSHX", "s", "x"}), kWrongType);
  EXPECT_EQ(run({"LPOP", "s"}), kWrongType);
  EXPECT_EQ(run({"RPOP", "s", "0"}), kWrongType);
  EXPECT_EQ(run({"LLEN", "s"}), kWrongType);
  EXPECT_EQ(run({"LRANGE", "s", "0", "1"}), kWrongType);
  EXPECT_EQ(run({"LINDEX", "s", "x"}), kWrongType);
  EXPECT_EQ(run({"LPOS", "s", "x"}), kWrongType);
  EXPECT_EQ(run({"LSET", "s", "x", "x"}), kWrongType);
  EXPECT_EQ(run({"LINSERT", "s", "BEFORE", "x", "x"}), kWrongType);
  EXPECT_EQ(run({"LREM", "s", "0", "x"}), kWrongType);
  EXPECT_EQ(run({"LTRIM", "s", "0", "1"}), kWrongType);
  EXPECT_EQ(run({"GET", "s"}), "\"1\"");
}

TEST_F(Lists, keep_their_expiry_and_outlive_the_process) {
  run({"RPUSH", "a", "1", "2"});
  run({"EXPIRE", "a", "100"});
  run({"RPUSH", "a", "3"});
  run({"LPOP", "a"});
  EXPECT_EQ(run({"TTL", "a"}), "100");
  reopen();
  EXPECT_EQ(all("a"), R"(["2", "3"])");
  EXPECT_EQ(run({"TTL", "a"}), "100");
  clock_.advance_ms(100'000);
  EXPECT_EQ(all("a"), "[]");
  EXPECT_EQ(run({"RPUSHX", "a", "1"}), "0");
  EXPECT_EQ(run({"RPUSH", "a", "1"}), "1");
  EXPECT_EQ(run({"TTL", "a"}), "-1");
}

// What changes nothing is not logged.
TEST_F(Lists, are_not_written_by_what_changes_nothing) {
  run({"RPUSH", "a", "1", "2"});
  const Lsn before = engine_->log().tail();
  run({"LTRIM", "a", "0", "-1"});
  run({"LREM", "a", "0", "x"});
  run({"LPOP", "a", "0"});
  run({"LINSERT", "a", "BEFORE", "x", "y"});
  run({"LPUSHX", "none", "y"});
  run({"LSET", "a", "9", "y"});
  EXPECT_EQ(engine_->log().tail(), before);
}

TEST_F(Lists, shrink_but_do_not_grow_when_there_is_no_memory) {
  run({"RPUSH", "a", "1", "2", "3", "4", "5", "6"});
  engine_->budget().set(1, MemoryPolicy::kNoEviction);
  const std::string refusal = "-OOM command not allowed when used memory > 'maxmemory'.";
  EXPECT_EQ(run({"RPUSH", "a", "7"}), refusal);
  EXPECT_EQ(run({"LSET", "a", "0", "x"}), refusal);
  EXPECT_EQ(run({"LMOVE", "a", "b", "LEFT", "LEFT"}), refusal);
  EXPECT_EQ(run({"LPOP", "a"}), "\"1\"");
  EXPECT_EQ(run({"RPOP", "a", "1"}), R"(["6"])");
  EXPECT_EQ(run({"LREM", "a", "0", "3"}), "1");
  EXPECT_EQ(run({"LTRIM", "a", "0", "1"}), "OK");
  EXPECT_EQ(run({"LMPOP", "1", "a", "LEFT"}), R"(["a", ["2"]])");
  EXPECT_EQ(all("a"), R"(["4"])");
  EXPECT_EQ(run({"LPOP", "a"}), "\"4\"");
  engine_->budget().set(0, MemoryPolicy::kNoEviction);
}

// Large ones are looked at beside their shard's lock, and changed beside it.
TEST_F(Lists, of_megabytes_work_like_small_ones) {
  const std::string element(1000, 'e');
  std::vector<std::string_view> call = {"RPUSH", "a"};
  for (int i = 0; i < 6000; ++i) call.push_back(element);
  call.push_back("last");
  EXPECT_EQ(run(call), "6001");
  EXPECT_EQ(run({"LPUSH", "a", "first"}), "6002");
  EXPECT_EQ(run({"LINDEX", "a", "-1"}), "\"last\"");
  EXPECT_EQ(run({"LINDEX", "a", "0"}), "\"first\"");
  EXPECT_EQ(run({"LPOS", "a", "last"}), "6001");
  EXPECT_EQ(reply({"LRANGE", "a", "0", "-1"}).elements.size(), 6002u);
  EXPECT_EQ(run({"RPOP", "a"}), "\"last\"");
  EXPECT_EQ(run({"LREM", "a", "-5990", element}), "5990");
  EXPECT_EQ(run({"LLEN", "a"}), "11");
  reopen();
  EXPECT_EQ(run({"LPOP", "a"}), "\"first\"");
  EXPECT_EQ(run({"LLEN", "a"}), "10");
}

}  // namespace
}  // namespace stave::commands
