#include "commands/conditional_commands.h"

#include "commands/collections_for_test.h"
#include "commands/fixture_for_test.h"
#include "commands/value_condition.h"

namespace stave::commands {
namespace {

class Conditional : public CommandsTest {
 protected:
  std::string digest(std::string_view key) { return reply({"DIGEST", key}).text; }
};

constexpr const char* kSyntax = "-ERR syntax error";
constexpr const char* kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";
constexpr const char* kNoDigest = "-ERR must be exactly 16 hexadecimal characters";
constexpr const char* kOther = "0000000000000000";

TEST_F(Conditional, a_digest_is_that_of_other_servers) {
  EXPECT_EQ(spell_digest(digest_of("hello")), "9555e8555c62dcfd");
  EXPECT_EQ(spell_digest(digest_of("")), "2d06800538d394c2");
  EXPECT_EQ(spell_digest(digest_of("v8")), "0cc76dbb41381419");
  EXPECT_EQ(spell_digest(digest_of(
                "v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd")),
            "00006c38adf31777");
  run({"SET", "a", "hello"});
  EXPECT_EQ(run({"DIGEST", "a"}), "\"9555e8555c62dcfd\"");
  EXPECT_EQ(run({"DIGEST", "none"}), "nil");
  EXPECT_EQ(run({"DIGEST", "a", "b"}), "-ERR wrong number of arguments for 'digest' command");
}

TEST_F(Conditional, set_takes_conditions_on_the_value) {
  EXPECT_EQ(run({"SET", "a", "1", "IFEQ", "x"}), "nil");
  EXPECT_EQ(run({"SET", "a", "1", "IFDEQ", kOther}), "nil");
  EXPECT_EQ(run({"SET", "a", "1", "IFNE", "x"}), "OK");
  EXPECT_EQ(run({"SET", "a", "2", "IFNE", "1"}), "nil");
  EXPECT_EQ(run({"SET", "b", "1", "ifdne", "no digest"}), "OK");
  EXPECT_EQ(run({"SET", "a", "2", "IFDNE", digest("a")}), "nil");
  EXPECT_EQ(run({"SET", "a", "2", "IFDEQ", kOther, "GET"}), "\"1\"");
  EXPECT_EQ(run({"SET", "a", "2", "IFDEQ", upper(digest("a")), "GET", "EX", "10"}), "\"1\"");
  EXPECT_EQ(run({"TTL", "a"}), "10");
  EXPECT_EQ(run({"SET", "a", "3", "IFDNE", kOther, "KEEPTTL"}), "OK");
  EXPECT_EQ(run({"TTL", "a"}), "10");
  EXPECT_EQ(run({"GET", "a"}), "\"3\"");
  EXPECT_EQ(run({"SET", "c", "1", "IFNE", "1", "GET"}), "nil");
  EXPECT_EQ(run({"GET", "c"}), "\"1\"");
}

TEST_F(Conditional, set_refuses_more_than_one_condition_and_what_is_no_digest) {
  run({"SET", "a", "1"});
  for (const std::string_view other : {"NX", "XX"}) {
    EXPECT_EQ(run({"SET", "a", "2", other, "IFNE", "x"}), kSyntax);
    EXPECT_EQ(run({"SET", "a", "2", "IFDEQ", "x", other}), kSyntax);
  }
  EXPECT_EQ(run({"SET", "a", "2", "IFEQ", "1", "IFEQ", "1"}), kSyntax);
  EXPECT_EQ(run({"SET", "a", "2", "IFNE"}), kSyntax);
  for (const std::string_view word : {"IFDEQ", "IFDNE"})
    for (const std::string_view no_digest : {"", "012345678901234", "01234567890123456"}) {
      EXPECT_EQ(run({"SET", "a", "2", word, no_digest}), kNoDigest);
      EXPECT_EQ(run({"DELEX", "a", word, no_digest}), kNoDigest);
    }
  // As elsewhere, what is of that length is compared and not read.
  EXPECT_EQ(run({"SET", "a", "2", "IFDEQ", "zzzzzzzzzzzzzzzz"}), "nil");
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
}

TEST_F(Conditional, delex_removes_what_its_condition_says) {
  const auto expect = [&](std::string_view word, std::string_view operand, std::string_view answer) {
    run({"SET", "a", "hello"});
    EXPECT_EQ(run({"DELEX", "a", word, operand}), answer) << word << " " << operand;
    EXPECT_EQ(run({"EXISTS", "a"}), answer == "1" ? "0" : "1");
  };
  expect("IFEQ", "hello", "1");
  expect("IFEQ", "world", "0");
  expect("ifne", "hello", "0");
  expect("IfNe", "world", "1");
  expect("IFDEQ", "9555e8555c62dcfd", "1");
  expect("IFDEQ", "9555E8555C62DCFD", "1");
  expect("IFDEQ", kOther, "0");
  expect("IFDNE", "9555e8555c62dcfd", "0");
  expect("IFDNE", kOther, "1");
  run({"SET", "a", ""});
  EXPECT_EQ(run({"DELEX", "a", "IFEQ", ""}), "1");
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"DELEX", "a"}), "1");
  EXPECT_EQ(run({"DELEX", "a"}), "0");
}

TEST_F(Conditional, delex_says_what_is_wrong_in_the_order_that_clients_know) {
  for (const std::string_view word : {"IFEQ", "IFNE", "IFDEQ", "IFDNE", "FOO"})
    EXPECT_EQ(run({"DELEX", "none", word, "x"}), "0") << word;
  EXPECT_EQ(run({"DELEX", "none", "IFEQ"}), "-ERR wrong number of arguments for 'delex' command");
  EXPECT_EQ(run({"DELEX", "none", "IFEQ", "a", "b"}), "-ERR wrong number of arguments for 'delex' command");
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"DELEX", "a", "FOO", "1"}), "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
  for (const AnyValue& value : some_collections()) {
    put_value(*engine_, {0, "c"}, value);
    for (const std::string_view word : {"IFEQ", "IFNE", "IFDEQ", "IFDNE", "FOO"})
      EXPECT_EQ(run({"DELEX", "c", word, "abc"}), "-ERR Key should be of string type if conditions are specified");
    EXPECT_EQ(run({"DELIFEQ", "c", "abc"}), kWrongType);
    EXPECT_EQ(run({"DELIFEQ", "c", value.bytes}), kWrongType);
    EXPECT_EQ(run({"DIGEST", "c"}), kWrongType);
    EXPECT_EQ(run({"DELEX", "c"}), "1");
  }
}

TEST_F(Conditional, delifeq_removes_what_is_equal) {
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"DELIFEQ", "a", "2"}), "0");
  EXPECT_EQ(run({"DELIFEQ", "a", "1"}), "1");
  EXPECT_EQ(run({"DELIFEQ", "a", "1"}), "0");
}

// Their digests are made ahead, without the key's lock.
TEST_F(Conditional, large_values_have_digests_too) {
  const std::string large(3u << 20, 'x');
  run({"SET", "a", large});
  const std::string known = spell_digest(digest_of(large));
  EXPECT_EQ(digest("a"), known);
  EXPECT_EQ(run({"SET", "a", large + "y", "IFDNE", known}), "nil");
  EXPECT_EQ(run({"SET", "a", large + "y", "IFDEQ", known}), "OK");
  EXPECT_EQ(run({"SET", "a", large, "IFDEQ", known}), "nil");
  EXPECT_EQ(run({"DELEX", "a", "IFDEQ", known}), "0");
  EXPECT_EQ(run({"DELEX", "a", "IFDNE", known}), "1");
}

}  // namespace
}  // namespace stave::commands
