// Strings in pages through every command that reads or changes strings: the same answers as of one in one piece.
#include <random>
#include <string>

#include "commands/fixture_for_test.h"
#include "commands/string_commands.h"

namespace stave::commands {
namespace {

class StringsInPages : public CommandsTest {
 protected:
  /// "p" lies in pages, "w" has the same bytes as one value.
  void make(const std::string& bytes) {
    ASSERT_EQ(run({"SET", "p", bytes}), "OK");
    ASSERT_EQ(run({"SET", "w", bytes}), "OK");
    // One that changes nothing that is seen.
    ASSERT_EQ(run({"SETRANGE", "p", "0", bytes.substr(0, 1)}), std::to_string(bytes.size()));
    ASSERT_TRUE(in_pages("p"));
    ASSERT_FALSE(in_pages("w"));
  }
  bool in_pages(std::string_view key) {
    store::Transaction transaction(*engine_, {0, key});
    const auto held = transaction.find({0, key}, store::Access::kPeekRoot);
    return held && held->paged;
  }
  /// The call with the key in the place of "@".
  std::string on(std::string_view key, std::initializer_list<std::string_view> words) {
    std::vector<std::string_view> call(words);
    std::replace(call.begin(), call.end(), std::string_view("@"), key);
    return spell(run_in(*session_, call));
  }
  void same(std::initializer_list<std::string_view> words) {
    const std::string one = on("p", words);
    EXPECT_EQ(one, on("w", words)) << *words.begin();
  }
  void same_value() {
    same({"GET", "@"});
    same({"STRLEN", "@"});
  }
  static std::string some(std::size_t size, std::uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>('a' + random() % 26);
    return bytes;
  }
};

TEST_F(StringsInPages, are_read_by_every_command_as_any_string) {
  make(some(50'000));
  for (int round = 0; round < 2; ++round) {
    same_value();
    same({"TYPE", "@"});
    same({"OBJECT", "ENCODING", "@"});
    same({"GETRANGE", "@", "4090", "4100"});
    same({"GETRANGE", "@", "-5", "-1"});
    same({"GETRANGE", "@", "60000", "70000"});
    same({"GETRANGE", "@", "0", "-1"});
    same({"SUBSTR", "@", "8190", "8193"});
    same({"MGET", "none", "@", "@"});
    same({"BITCOUNT", "@"});
    same({"BITCOUNT", "@", "4095", "4097"});
    same({"BITCOUNT", "@", "1", "-9", "BIT"});
    same({"BITPOS", "@", "1", "32767", "32790", "BIT"});
    same({"BITPOS", "@", "0"});
    same({"GETBIT", "@", "40000"});
    same({"GETBIT", "@", "400000"});
    same({"BITFIELD_RO", "@", "GET", "u8", "32766", "GET", "i64", "399990", "GET", "u5", "999999"});
    same({"BITOP", "NOT", "to", "@"});
    same({"GET", "to"});
    same({"DUMP", "@"});
    same({"INCR", "@"});
    same({"LPUSH", "@", "x"});
    same({"SETNX", "@", "x"});
    same({"SET", "@", "x", "NX", "GET"});
    same({"DIGEST", "@"});
    same({"LCS", "@", "to", "LEN"});
    same({"EXISTS", "@"});
    same({"PFADD", "@", "x"});
    same({"PFCOUNT", "@"});
    same({"OBJECT", "FREQ", "none"});
    same({"SORT", "none", "BY", "@", "GET", "@"});
    same({"GETEX", "@", "PERSIST"});
    same({"EVAL", "return redis.call('STRLEN', KEYS[1]) + #redis.call('GET', KEYS[1])", "1", "@"});
    EXPECT_EQ(run({"SCAN", "0", "TYPE", "string", "MATCH", "p"}), "[\"0\", [\"p\"]]");
    EXPECT_TRUE(in_pages("p"));
    reopen();
  }
}

TEST_F(StringsInPages, are_changed_by_every_command_as_any_string) {
  make(some(20'000));
  std::mt19937_64 random(2);
  const auto number = [&](std::uint64_t below) { return std::to_string(random() % below); };
  for (int i = 0; i < 400; ++i) {
    const std::string at = number(22'000);
    const std::string bit = number(180'000);
    const std::string bytes = some(random() % (i % 10 == 0 ? 9000 : 20), random());
    const std::string value = number(250);
    switch (i % 5) {
      case 0: same({"SETBIT", "@", bit, i % 3 == 0 ? "0" : "1"}); break;
      case 1: same({"SETRANGE", "@", at, bytes}); break;
      case 2: same({"APPEND", "@", bytes}); break;
      case 3:
        same({"BITFIELD", "@", "SET", "u8", bit, value, "GET", "i13", bit, "INCRBY", "i5", bit, "9", "OVERFLOW", "FAIL",
              "INCRBY", "u2", bit, "3"});
        break;
      default: same({"GETRANGE", "@", at, "-1"});
    }
    if (i % 40 == 0) same_value();
    if (i % 100 == 50) reopen();
    EXPECT_TRUE(in_pages("p"));
    // The other one is to stay in one piece.
    if (i % 5 != 4) {
      const std::string now = reply({"GET", "w"}).text;
      run({"SET", "w", now});
    }
  }
  same_value();
}

TEST_F(StringsInPages, give_way_move_and_expire_as_any_string) {
  make(some(30'000));
  const std::string bytes = reply({"GET", "w"}).text;
  EXPECT_EQ(run({"EXPIRE", "p", "100"}), "1");
  EXPECT_EQ(run({"APPEND", "p", "!"}), "30001");
  EXPECT_EQ(run({"TTL", "p"}), "100");
  EXPECT_EQ(run({"COPY", "p", "c"}), "1");
  EXPECT_TRUE(in_pages("c"));
  EXPECT_EQ(run({"SETRANGE", "c", "5", "XY"}), "30001");
  EXPECT_EQ(reply({"GET", "p"}).text, bytes + "!");
  EXPECT_EQ(run({"RENAME", "p", "q"}), "OK");
  EXPECT_TRUE(in_pages("q"));
  EXPECT_EQ(run({"TTL", "q"}), "100");
  EXPECT_EQ(reply({"GET", "q"}).text, bytes + "!");
  EXPECT_EQ(run({"MOVE", "q", "1"}), "1");
  run({"SELECT", "1"});
  EXPECT_EQ(reply({"GET", "q"}).text, bytes + "!");
  EXPECT_EQ(reply({"GETDEL", "q"}).text, bytes + "!");
  EXPECT_EQ(run({"EXISTS", "q"}), "0");
  run({"SELECT", "0"});
  EXPECT_EQ(reply({"GETSET", "c", "small"}).text, bytes.substr(0, 5) + "XY" + bytes.substr(7) + "!");
  EXPECT_EQ(run({"GET", "c"}), "\"small\"");
  EXPECT_FALSE(in_pages("c"));
  make(some(30'000));
  const std::string dumped = reply({"DUMP", "p"}).text;
  EXPECT_EQ(run({"RESTORE", "r", "0", dumped}), "OK");
  EXPECT_EQ(reply({"GET", "r"}).text, bytes);
  const std::string usage = run({"MEMORY", "USAGE", "p"});
  EXPECT_GT(std::stoll(usage), 30'000);
  EXPECT_LT(std::stoll(usage), 36'000);
}

TEST_F(StringsInPages, are_watched_and_changed_in_transactions_and_scripts) {
  make(some(30'000));
  auto other = new_session();
  EXPECT_EQ(run({"WATCH", "p"}), "OK");
  const std::vector<std::string_view> set = {"SETBIT", "p", "0", "1"};
  run_in(*other, set);
  EXPECT_EQ(run({"MULTI"}), "OK");
  EXPECT_EQ(run({"APPEND", "p", "x"}), "QUEUED");
  EXPECT_EQ(run({"EXEC"}), "nil");
  EXPECT_EQ(run({"MULTI"}), "OK");
  run({"APPEND", "p", "x"});
  run({"SETRANGE", "p", "4000", "y"});
  run({"STRLEN", "p"});
  run({"GETRANGE", "p", "3999", "4001"});
  run({"APPEND", "fresh", some(9000)});
  run({"STRLEN", "fresh"});
  const Reply all = reply({"EXEC"});
  ASSERT_EQ(all.elements.size(), 6u);
  EXPECT_EQ(all.elements[2].integer, 30'001);
  EXPECT_EQ(all.elements[3].text.substr(1, 1), "y");
  EXPECT_EQ(all.elements[5].integer, 9000);
  EXPECT_TRUE(in_pages("fresh"));
  EXPECT_EQ(run({"EVAL",
                 "redis.call('SETRANGE', KEYS[1], 10, 'lua') redis.call('APPEND', KEYS[1], 'end') return "
                 "redis.call('GETRANGE', KEYS[1], 10, 12) .. redis.call('GETRANGE', KEYS[1], -3, -1)",
                 "1", "p"}),
            "\"luaend\"");
}

TEST_F(StringsInPages, of_zeros_take_no_room) {
  const Lsn before = engine_->log().tail();
  EXPECT_EQ(run({"SETBIT", "sparse", "4294967295", "1"}), "0");
  EXPECT_EQ(run({"STRLEN", "sparse"}), "536870912");
  EXPECT_EQ(run({"BITCOUNT", "sparse"}), "1");
  EXPECT_EQ(run({"BITPOS", "sparse", "1"}), "4294967295");
  EXPECT_EQ(run({"BITPOS", "sparse", "0"}), "0");
  EXPECT_EQ(run({"GETBIT", "sparse", "4294967295"}), "1");
  EXPECT_EQ(run({"GETRANGE", "sparse", "-1", "-1"}), "\"\x01\"");
  EXPECT_LT(raw(engine_->log().tail()) - raw(before), 64u << 10);
  EXPECT_LT(std::stoll(run({"MEMORY", "USAGE", "sparse"})), 64 << 10);
  EXPECT_EQ(run({"SETRANGE", "sparse", "536870912", "x"}),
            "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  EXPECT_EQ(run({"APPEND", "sparse", "x"}), "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
}

TEST_F(StringsInPages, may_be_dense_hyperloglogs_with_the_same_bytes) {
  std::mt19937_64 random(7);
  run({"CONFIG", "SET", "hll-sparse-max-bytes", "0"});
  for (int i = 0; i < 3000; ++i) {
    const std::string element = std::to_string(random() % 100'000);
    EXPECT_EQ(run({"PFADD", "p", element}), run({"PFADD", "w", element}));
    // Whole again, so that the next one is added to one piece.
    if (i % 50 == 0) {
      const std::string whole = reply({"GET", "w"}).text;
      EXPECT_TRUE(reply({"GET", "p"}).text == whole);
      run({"SET", "w", whole});
      EXPECT_EQ(run({"PFCOUNT", "p"}), run({"PFCOUNT", "w"}));
    }
  }
  EXPECT_TRUE(in_pages("p"));
  EXPECT_EQ(run({"PFMERGE", "m", "p", "w"}), "OK");
  EXPECT_EQ(run({"PFCOUNT", "m"}), run({"PFCOUNT", "p"}));
  // Which notes the count in the value.
  run({"PFCOUNT", "w"});
  reopen();
  EXPECT_TRUE(reply({"GET", "p"}).text == reply({"GET", "w"}).text);
}

TEST_F(StringsInPages, are_not_put_together_by_who_only_refuses_or_compares_them) {
  make(some(9'000'000));
  // From here on nobody can put it together.
  engine_->budget().set(1, MemoryPolicy::kNoEviction);
  engine_->budget().force_buffer(2u << 20);
  ASSERT_EQ(run({"GET", "p"}), "-OOM command not allowed when used memory > 'maxmemory'.");
  for (const std::string_view call :
       {"LPUSH p x", "LRANGE p 0 -1", "HGET p f", "HSET p f v", "SADD p m", "SINTER p", "SUNIONSTORE to p",
        "ZADD p 1 m", "ZUNIONSTORE to 1 p", "XADD p * f v", "SORT p"}) {
    std::vector<std::string_view> words;
    for (std::size_t at = 0, end = 0; at < call.size(); at = end + 1) {
      end = std::min(call.find(' ', at), call.size());
      words.push_back(call.substr(at, end - at));
    }
    EXPECT_EQ(spell(run_in(*session_, words)), "-WRONGTYPE Operation against a key holding the wrong kind of value")
        << call;
  }
  EXPECT_EQ(run({"INCR", "p"}), "-ERR value is not an integer or out of range");
  EXPECT_EQ(run({"INCRBYFLOAT", "p", "1"}), "-ERR value is not a valid float");
  EXPECT_EQ(run({"DELIFEQ", "p", "x"}), "0");
  EXPECT_EQ(run({"DELEX", "p", "IFEQ", "x"}), "0");
  EXPECT_EQ(run({"SET", "p", "new", "IFEQ", "x"}), "nil");
  EXPECT_EQ(reply({"GETRANGE", "p", "8999995", "-1"}).text, reply({"GETRANGE", "w", "8999995", "-1"}).text);
  EXPECT_EQ(run({"DELEX", "p", "IFNE", "x"}), "1");
  engine_->budget().give_buffer(2u << 20);
}

TEST_F(StringsInPages, are_compared_with_what_is_as_long) {
  make(some(30'000));
  const std::string whole = reply({"GET", "w"}).text;
  std::string other = whole;
  other[20'000] = '!';
  same({"DELIFEQ", "@", other});
  same({"SET", "@", "new", "IFEQ", other});
  same({"SET", "@", other, "IFEQ", whole, "GET"});
  same({"SETRANGE", "@", "0", "a"});
  same({"DELEX", "@", "IFEQ", "x"});
  same({"DELEX", "@", "IFNE", "x"});
  same({"EXISTS", "@"});
}

TEST_F(StringsInPages, are_left_as_they_are_by_what_changes_nothing) {
  make(some(30'000));
  const Lsn before = engine_->log().tail();
  const std::string first = reply({"GET", "p"}).text.substr(0, 1);
  same({"SETBIT", "@", "1", "1"});
  same({"APPEND", "@", ""});
  same({"BITFIELD", "@", "OVERFLOW", "FAIL", "INCRBY", "u8", "0", "255"});
  EXPECT_EQ(engine_->log().tail(), before);
  EXPECT_FALSE(in_pages("w"));
}

}  // namespace
}  // namespace stave::commands
