#include "commands/keys_commands.h"

#include <set>

#include "commands/dump_format.h"
#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

constexpr const char* kSyntax = "-ERR syntax error";
constexpr const char* kNotInteger = "-ERR value is not an integer or out of range";
constexpr const char* kOutOfRange = "-ERR DB index is out of range";
constexpr const char* kNoSuchKey = "-ERR no such key";
constexpr const char* kSame = "-ERR source and destination objects are the same";

class KeysCommands : public CommandsTest {
 protected:
  std::set<std::string> scan_all(std::vector<std::string_view> options) {
    std::set<std::string> found;
    std::string cursor = "0";
    do {
      std::vector<std::string_view> arguments = {"SCAN", cursor};
      arguments.insert(arguments.end(), options.begin(), options.end());
      const Reply answer = run_in(*session_, arguments);
      for (const Reply& key : answer.elements[1].elements) found.insert(key.text);
      cursor = answer.elements[0].text;
    } while (cursor != "0");
    return found;
  }
};

TEST_F(KeysCommands, remove_and_count) {
  run({"MSET", "a", "1", "b", "2", "c", "3"});
  EXPECT_EQ(run({"EXISTS", "a", "a", "none"}), "2");
  EXPECT_EQ(run({"TOUCH", "a", "none"}), "1");
  EXPECT_EQ(run({"DEL", "a", "a", "none"}), "1");
  EXPECT_EQ(run({"UNLINK", "b"}), "1");
  EXPECT_EQ(run({"DELETE", "c"}), "1");
  EXPECT_EQ(run({"DBSIZE"}), "0");
}

TEST_F(KeysCommands, type_and_randomkey) {
  EXPECT_EQ(run({"TYPE", "a"}), "none");
  EXPECT_EQ(run({"RANDOMKEY"}), "nil");
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"TYPE", "a"}), "string");
  EXPECT_EQ(run({"RANDOMKEY"}), "\"a\"");
}

TEST_F(KeysCommands, rename) {
  EXPECT_EQ(run({"RENAME", "none", "b"}), kNoSuchKey);
  EXPECT_EQ(run({"RENAMENX", "none", "none"}), kNoSuchKey);
  run({"SET", "a", "1", "EX", "10"});
  EXPECT_EQ(run({"RENAME", "a", "a"}), "OK");
  EXPECT_EQ(run({"RENAMENX", "a", "a"}), "0");
  EXPECT_EQ(run({"RENAME", "a", "b"}), "OK");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run({"TTL", "b"}), "10");
  run({"SET", "c", "3"});
  EXPECT_EQ(run({"RENAMENX", "c", "b"}), "0");
  EXPECT_EQ(run({"RENAMENX", "c", "d"}), "1");
  EXPECT_EQ(run({"RENAME", "d", "b"}), "OK");
  EXPECT_EQ(run({"GET", "b"}), "\"3\"");
  EXPECT_EQ(run({"TTL", "b"}), "-1");
}

TEST_F(KeysCommands, copy) {
  run({"SET", "a", "1", "EX", "10"});
  EXPECT_EQ(run({"COPY", "none", "b"}), "0");
  EXPECT_EQ(run({"COPY", "a", "b"}), "1");
  EXPECT_EQ(run({"TTL", "b"}), "10");
  run({"SET", "a", "2"});
  EXPECT_EQ(run({"COPY", "a", "b"}), "0");
  EXPECT_EQ(run({"COPY", "a", "b", "REPLACE"}), "1");
  EXPECT_EQ(run({"GET", "b"}), "\"2\"");
  EXPECT_EQ(run({"COPY", "a", "a", "DB", "3"}), "1");
  run({"SELECT", "3"});
  EXPECT_EQ(run({"GET", "a"}), "\"2\"");
  EXPECT_EQ(run({"COPY", "a", "a"}), kSame);
  EXPECT_EQ(run({"COPY", "a", "b", "DB", "16"}), kOutOfRange);
  EXPECT_EQ(run({"COPY", "a", "b", "DB", "x"}), kNotInteger);
  EXPECT_EQ(run({"COPY", "a", "b", "DB"}), kSyntax);
}

TEST_F(KeysCommands, move) {
  run({"SET", "a", "1", "EX", "10"});
  EXPECT_EQ(run({"MOVE", "none", "1"}), "0");
  EXPECT_EQ(run({"MOVE", "a", "0"}), kSame);
  EXPECT_EQ(run({"MOVE", "a", "16"}), kOutOfRange);
  EXPECT_EQ(run({"MOVE", "a", "x"}), kNotInteger);
  EXPECT_EQ(run({"MOVE", "a", "1"}), "1");
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  run({"SET", "a", "2"});
  EXPECT_EQ(run({"MOVE", "a", "1"}), "0");
  run({"SELECT", "1"});
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(run({"TTL", "a"}), "10");
}

TEST_F(KeysCommands, object) {
  EXPECT_EQ(run({"OBJECT", "ENCODING", "a"}), "nil");
  run({"SET", "a", "12"});
  EXPECT_EQ(run({"OBJECT", "ENCODING", "a"}), "\"int\"");
  run({"SET", "a", "twelve"});
  EXPECT_EQ(run({"OBJECT", "ENCODING", "a"}), "\"embstr\"");
  run({"SET", "a", std::string(45, 'x')});
  EXPECT_EQ(run({"OBJECT", "ENCODING", "a"}), "\"raw\"");
  EXPECT_EQ(run({"OBJECT", "REFCOUNT", "a"}), "1");
  EXPECT_EQ(run({"OBJECT", "REFCOUNT", "none"}), "nil");
  EXPECT_EQ(run({"OBJECT", "FREQ", "none"}), "nil");
  EXPECT_TRUE(run({"OBJECT", "FREQ", "a"}).starts_with("-ERR An LFU maxmemory policy is not selected"));
  EXPECT_TRUE(run({"OBJECT", "IDLETIME", "a"}).starts_with("-ERR An LRU maxmemory policy is not selected"));
  EXPECT_EQ(run({"OBJECT", "FOO", "a"}), "-ERR unknown subcommand 'FOO'. Try OBJECT HELP.");
  EXPECT_EQ(run({"OBJECT", "ENCODING"}), "-ERR wrong number of arguments for 'object|encoding' command");
  EXPECT_EQ(reply({"OBJECT", "HELP"}).elements.at(0).text,
            "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
}

TEST_F(KeysCommands, keys_are_matched_and_in_order) {
  run({"MSET", "user:2", "", "user:1", "", "other", ""});
  EXPECT_EQ(run({"KEYS", "user:*"}), "[\"user:1\", \"user:2\"]");
  EXPECT_EQ(run({"KEYS", "*"}), "[\"other\", \"user:1\", \"user:2\"]");
  EXPECT_EQ(run({"KEYS", "nothing"}), "[]");
  run({"PEXPIRE", "other", "1"});
  clock_.advance_ms(1);
  EXPECT_EQ(run({"KEYS", "*"}), "[\"user:1\", \"user:2\"]");
}

TEST_F(KeysCommands, scan_shows_every_key) {
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) {
    all.insert("key:" + std::to_string(i));
    run({"SET", "key:" + std::to_string(i), "v"});
  }
  EXPECT_EQ(scan_all({}), all);
  EXPECT_EQ(scan_all({"COUNT", "1000000"}), all);
  EXPECT_EQ(scan_all({"MATCH", "*", "TYPE", "STRING", "COUNT", "7"}), all);
  EXPECT_EQ(scan_all({"MATCH", "key:77?"}).size(), 10u);
  EXPECT_EQ(scan_all({"TYPE", "hash"}).size(), 0u);
}

TEST_F(KeysCommands, scan_refuses_nonsense) {
  for (const char* cursor : {"x", "", "-1", " 1", "99999999999999999999999"})
    EXPECT_EQ(run({"SCAN", cursor}), "-ERR invalid cursor") << cursor;
  EXPECT_EQ(run({"SCAN", "18446744073709551615"}), "[\"0\", []]");
  EXPECT_EQ(run({"SCAN", "0", "COUNT", "0"}), kSyntax);
  EXPECT_EQ(run({"SCAN", "0", "COUNT", "x"}), kNotInteger);
  EXPECT_EQ(run({"SCAN", "0", "MATCH"}), kSyntax);
  EXPECT_EQ(run({"SCAN", "0", "FOO", "1"}), kSyntax);
}

class DumpCommands : public CommandsTest {};

TEST_F(DumpCommands, and_restore_make_the_same_value) {
  EXPECT_EQ(run({"DUMP", "none"}), "nil");
  run({"SET", "a", "Hello"});
  const std::string payload = reply({"DUMP", "a"}).text;
  EXPECT_EQ(run({"RESTORE", "b", "0", payload}), "OK");
  EXPECT_EQ(run({"GET", "b"}), "\"Hello\"");
  EXPECT_EQ(run({"TTL", "b"}), "-1");
  EXPECT_EQ(run({"RESTORE", "b", "0", payload}), "-BUSYKEY Target key name already exists.");
  EXPECT_EQ(run({"RESTORE", "b", "5000", payload, "REPLACE", "IDLETIME", "7"}), "OK");
  EXPECT_EQ(run({"PTTL", "b"}), "5000");
  EXPECT_EQ(run({"RESTORE", "b", "1700000003000", payload, "REPLACE", "ABSTTL", "FREQ", "255"}), "OK");
  EXPECT_EQ(run({"PTTL", "b"}), "3000");
  EXPECT_EQ(run({"RESTORE", "b", "1", payload, "REPLACE", "ABSTTL"}), "OK");
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
}

TEST_F(DumpCommands, restore_checks_what_it_is_given) {
  run({"SET", "a", "1"});
  const std::string payload = dump_value(store::ValueType::kString, "x");
  EXPECT_EQ(run({"RESTORE", "b", "-1", payload}), "-ERR Invalid TTL value, must be >= 0");
  EXPECT_EQ(run({"RESTORE", "b", "x", payload}), kNotInteger);
  EXPECT_EQ(run({"RESTORE", "b", "0", "nonsense"}), "-ERR DUMP payload version or checksum are wrong");
  EXPECT_EQ(run({"RESTORE", "b", "0", payload, "FREQ", "256"}), "-ERR Invalid FREQ value, must be >= 0 and <= 255");
  EXPECT_EQ(run({"RESTORE", "b", "0", payload, "IDLETIME", "-1"}), "-ERR Invalid IDLETIME value, must be >= 0");
  EXPECT_EQ(run({"RESTORE", "b", "0", payload, "IDLETIME", "1", "FREQ", "1"}), kSyntax);
  EXPECT_EQ(run({"RESTORE", "b", "0", payload, "FOO"}), kSyntax);
  EXPECT_EQ(run({"RESTORE", "a", "x", "nonsense"}), "-BUSYKEY Target key name already exists.");
  EXPECT_EQ(run({"EXISTS", "b"}), "0");
}

class ExpiryTest : public CommandsTest {};

TEST_F(ExpiryTest, is_set_asked_for_and_removed) {
  EXPECT_EQ(run({"EXPIRE", "none", "10"}), "0");
  EXPECT_EQ(run({"TTL", "none"}), "-2");
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"TTL", "a"}), "-1");
  EXPECT_EQ(run({"PERSIST", "a"}), "0");
  EXPECT_EQ(run({"EXPIRETIME", "a"}), "-1");
  EXPECT_EQ(run({"EXPIRE", "a", "10"}), "1");
  EXPECT_EQ(run({"TTL", "a"}), "10");
  EXPECT_EQ(run({"PTTL", "a"}), "10000");
  EXPECT_EQ(run({"EXPIRETIME", "a"}), "1700000010");
  EXPECT_EQ(run({"PEXPIRETIME", "a"}), "1700000010000");
  EXPECT_EQ(run({"PEXPIREAT", "a", "1700000001499"}), "1");
  EXPECT_EQ(run({"TTL", "a"}), "1");
  EXPECT_EQ(run({"EXPIREAT", "a", "1700000002"}), "1");
  EXPECT_EQ(run({"PTTL", "a"}), "2000");
  EXPECT_EQ(run({"PERSIST", "a"}), "1");
  EXPECT_EQ(run({"PEXPIRE", "a", "5"}), "1");
  clock_.advance_ms(4);
  EXPECT_EQ(run({"EXISTS", "a"}), "1");
  clock_.advance_ms(1);
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run({"PTTL", "a"}), "-2");
  EXPECT_EQ(run({"PERSIST", "a"}), "0");
}

TEST_F(ExpiryTest, in_the_past_removes_the_key) {
  for (const char* moment : {"-1", "0", "1"}) {
    run({"SET", "a", "1"});
    EXPECT_EQ(run({"EXPIREAT", "a", moment}), "1");
    EXPECT_EQ(run({"EXISTS", "a"}), "0") << moment;
  }
}

TEST_F(ExpiryTest, takes_conditions) {
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"EXPIRE", "a", "10", "XX"}), "0");
  EXPECT_EQ(run({"EXPIRE", "a", "10", "GT"}), "0");
  EXPECT_EQ(run({"EXPIRE", "a", "10", "LT"}), "1");
  EXPECT_EQ(run({"EXPIRE", "a", "10", "NX"}), "0");
  EXPECT_EQ(run({"EXPIRE", "a", "10", "GT"}), "0");
  EXPECT_EQ(run({"EXPIRE", "a", "11", "gt", "xx"}), "1");
  EXPECT_EQ(run({"EXPIRE", "a", "12", "LT"}), "0");
  EXPECT_EQ(run({"EXPIRE", "a", "5", "LT"}), "1");
  EXPECT_EQ(run({"TTL", "a"}), "5");
  run({"PERSIST", "a"});
  EXPECT_EQ(run({"EXPIRE", "a", "5", "NX"}), "1");
}

TEST_F(ExpiryTest, refuses_nonsense) {
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"EXPIRE", "a", "x"}), kNotInteger);
  EXPECT_EQ(run({"EXPIRE", "a", "1", "FOO"}), "-ERR Unsupported option FOO");
  EXPECT_EQ(run({"EXPIREAT", "a", "1", "SLIDING"}), "-ERR Unsupported option SLIDING");
  EXPECT_EQ(run({"EXPIRE", "a", "1", "NX", "XX"}),
            "-ERR NX and XX, GT or LT options at the same time are not compatible");
  EXPECT_EQ(run({"EXPIRE", "a", "1", "GT", "LT"}), "-ERR GT and LT options at the same time are not compatible");
  EXPECT_EQ(run({"EXPIRE", "a", "9223372036854775807"}), "-ERR invalid expire time in 'expire' command");
  EXPECT_EQ(run({"PEXPIRE", "a", "9223372036854775807"}), "-ERR invalid expire time in 'pexpire' command");
  EXPECT_EQ(run({"TTL", "a"}), "-1");
}

TEST_F(ExpiryTest, slides_and_survives_a_restart) {
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"EXPIRE", "a", "100", "SLIDING"}), "1");
  clock_.advance_ms(60'000);
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(run({"TTL", "a"}), "100");
  reopen();
  clock_.advance_ms(60'000);
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(run({"TTL", "a"}), "100");
}

class Databases : public CommandsTest {};

TEST_F(Databases, are_counted_flushed_and_swapped) {
  run({"SET", "a", "1"});
  run({"SELECT", "1"});
  run({"MSET", "b", "1", "c", "2"});
  EXPECT_EQ(run({"DBSIZE"}), "2");
  EXPECT_EQ(run({"SWAPDB", "0", "1"}), "OK");
  EXPECT_EQ(run({"KEYS", "*"}), "[\"a\"]");
  EXPECT_EQ(run({"FLUSHDB", "ASYNC"}), "OK");
  EXPECT_EQ(run({"DBSIZE"}), "0");
  run({"SELECT", "0"});
  EXPECT_EQ(run({"DBSIZE"}), "2");
  EXPECT_EQ(run({"FLUSHALL", "sync"}), "OK");
  EXPECT_EQ(run({"DBSIZE"}), "0");
  EXPECT_EQ(run({"FLUSHALL", "NOW"}), kSyntax);
  EXPECT_EQ(run({"SWAPDB", "x", "1"}), "-ERR invalid first DB index");
  EXPECT_EQ(run({"SWAPDB", "1", "x"}), "-ERR invalid second DB index");
  EXPECT_EQ(run({"SWAPDB", "1", "16"}), kOutOfRange);
  EXPECT_EQ(run({"SWAPDB", "1", "1"}), "OK");
  EXPECT_EQ(run({"SELECT", "16"}), kOutOfRange);
  EXPECT_EQ(run({"SELECT", "x"}), kNotInteger);
}

}  // namespace
}  // namespace stave::commands
