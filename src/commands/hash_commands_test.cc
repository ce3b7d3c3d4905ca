#include "commands/hash_commands.h"

#include <algorithm>
#include <map>
#include <set>

#include "commands/fixture_for_test.h"
#include "store/pages.h"

namespace stave::commands {
namespace {

class HashCommands : public CommandsTest {
 protected:
  /// As damage may do it.
  void lose_all_pages() {
    const int database = store::pages_database(engine_->keyspace());
    std::vector<std::string> pages;
    for (keyspace::ShardId id = 0; id < engine_->keyspace().shard_count(); ++id) {
      keyspace::Shard& shard = engine_->keyspace().shard(id);
      base::ShortLock lock(shard.mutex());
      for (std::uint64_t at = 0; at < keyspace::Shard::kScanEnd;) {
        at = shard.scan(at, 100, [&](keyspace::Entry entry) {
          if (entry.type() == store::ValueType::kPage) pages.emplace_back(entry.key());
        });
      }
    }
    for (const std::string& page : pages) {
      store::Transaction transaction(*engine_, store::KeyRef{database, page});
      ASSERT_TRUE(transaction.erase({database, page}) && transaction.commit());
    }
  }
};

constexpr const char* kWrongType = "-WRONGTYPE Operation against a key holding the wrong kind of value";

TEST_F(HashCommands, hset_counts_what_is_new_and_hget_finds_it) {
  EXPECT_EQ(run({"HSET", "h", "a", "1", "b", "two"}), "2");
  EXPECT_EQ(run({"HSET", "h", "a", "3", "c", "", "c", "4"}), "1");
  EXPECT_EQ(run({"HGET", "h", "a"}), "\"3\"");
  EXPECT_EQ(run({"HGET", "h", "c"}), "\"4\"");
  EXPECT_EQ(run({"HGET", "h", "none"}), "nil");
  EXPECT_EQ(run({"HGET", "none", "a"}), "nil");
  EXPECT_EQ(run({"HMGET", "h", "b", "none", "a"}), "[\"two\", nil, \"3\"]");
  EXPECT_EQ(run({"HMGET", "none", "b"}), "[nil]");
  EXPECT_EQ(run({"HLEN", "h"}), "3");
  EXPECT_EQ(run({"HEXISTS", "h", "b"}), "1");
  EXPECT_EQ(run({"HEXISTS", "h", "x"}), "0");
  EXPECT_EQ(run({"HSTRLEN", "h", "b"}), "3");
  EXPECT_EQ(run({"HSTRLEN", "h", "x"}), "0");
  EXPECT_EQ(run({"TYPE", "h"}), "hash");
  EXPECT_EQ(run({"HMSET", "h", "d", "5"}), "OK");
  EXPECT_EQ(run({"HSET", "h", "a"}), "-ERR wrong number of arguments for 'hset' command");
  EXPECT_EQ(run({"HSET", "h", "a", "1", "b"}), "-ERR wrong number of arguments for 'hset' command");
  EXPECT_EQ(run({"HMSET", "h", "a", "1", "b"}), "-ERR wrong number of arguments for 'hmset' command");
}

// One answer to each command, whatever cannot be read: a second one would be taken for that of the next command.
TEST_F(HashCommands, of_pages_that_cannot_be_read_answer_once_and_with_an_error) {
  std::vector<std::string> fill{"HSET", "h"};
  for (int i = 0; i < 300; ++i) fill.insert(fill.end(), {"field" + std::to_string(i), "a value of some length"});
  const std::vector<std::string_view> views(fill.begin(), fill.end());
  EXPECT_EQ(run(std::span(views)), "300");
  lose_all_pages();
  const std::vector<std::vector<std::string_view>> calls = {{"HGET", "h", "field7"},
                                                            {"HGET", "h", "none"},
                                                            {"HMGET", "h", "field7", "none"},
                                                            {"HGETALL", "h"},
                                                            {"HKEYS", "h"},
                                                            {"HVALS", "h"},
                                                            {"HEXISTS", "h", "field7"},
                                                            {"HSTRLEN", "h", "field7"},
                                                            {"HSCAN", "h", "0"},
                                                            {"HRANDFIELD", "h"},
                                                            {"HRANDFIELD", "h", "5"},
                                                            {"DUMP", "h"},
                                                            {"COPY", "h", "other"},
                                                            {"HSET", "h", "a", "b"},
                                                            {"HDEL", "h", "field7"},
                                                            {"HINCRBY", "h", "n", "1"},
                                                            {"HTTL", "h", "FIELDS", "1", "field7"},
                                                            {"HGETDEL", "h", "FIELDS", "1", "field7"}};
  for (const auto& call : calls) {
    const std::string answer = run(std::span(call));
    EXPECT_TRUE(answered_ && answer.starts_with("-ERR a piece of ")) << call[0] << ": " << answer;
  }
  EXPECT_EQ(run({"HLEN", "h"}), "300");
  EXPECT_EQ(run({"DEL", "h"}), "1");
}

TEST_F(HashCommands, hsetnx_leaves_what_is_there) {
  EXPECT_EQ(run({"HSETNX", "h", "a", "1"}), "1");
  EXPECT_EQ(run({"HSETNX", "h", "a", "2"}), "0");
  EXPECT_EQ(run({"HGET", "h", "a"}), "\"1\"");
}

TEST_F(HashCommands, all_fields_come_in_the_shape_of_the_protocol) {
  run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"a\", \"1\", \"b\", \"2\"}");
  EXPECT_EQ(run({"HGETALL", "none"}), "{}");
  EXPECT_EQ(run({"HKEYS", "h"}), "[\"a\", \"b\"]");
  EXPECT_EQ(run({"HVALS", "h"}), "[\"1\", \"2\"]");
  EXPECT_EQ(run({"HKEYS", "none"}), "[]");
}

TEST_F(HashCommands, hdel_takes_the_key_with_the_last_field) {
  run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(run({"HDEL", "h", "a", "none", "a"}), "1");
  EXPECT_EQ(run({"EXISTS", "h"}), "1");
  EXPECT_EQ(run({"HDEL", "h", "b", "b"}), "1");
  EXPECT_EQ(run({"EXISTS", "h"}), "0");
  EXPECT_EQ(run({"HDEL", "h", "b"}), "0");
  EXPECT_EQ(run({"EXISTS", "h"}), "0");
}

TEST_F(HashCommands, numbers_are_counted_up) {
  EXPECT_EQ(run({"HINCRBY", "h", "n", "5"}), "5");
  EXPECT_EQ(run({"HINCRBY", "h", "n", "-7"}), "-2");
  EXPECT_EQ(run({"HINCRBYFLOAT", "h", "n", "2.5"}), "\"0.5\"");
  EXPECT_EQ(run({"HINCRBY", "h", "n", "1"}), "-ERR hash value is not an integer");
  EXPECT_EQ(run({"HINCRBY", "h", "n", "x"}), "-ERR value is not an integer or out of range");
  run({"HSET", "h", "word", "x", "most", "9223372036854775807", "inf", "inf"});
  EXPECT_EQ(run({"HINCRBY", "h", "most", "1"}), "-ERR increment or decrement would overflow");
  EXPECT_EQ(run({"HINCRBYFLOAT", "h", "word", "1"}), "-ERR hash value is not a float");
  EXPECT_EQ(run({"HINCRBYFLOAT", "h", "word", "x"}), "-ERR value is not a valid float");
  EXPECT_EQ(run({"HINCRBYFLOAT", "h", "inf", "1"}), "-ERR increment would produce NaN or Infinity");
  EXPECT_EQ(run({"HGET", "h", "most"}), "\"9223372036854775807\"");
}

TEST_F(HashCommands, another_type_is_refused_by_all) {
  run({"SET", "s", "text"});
  EXPECT_EQ(run({"HSET", "s", "a", "1"}), kWrongType);
  EXPECT_EQ(run({"HSETNX", "s", "a", "1"}), kWrongType);
  EXPECT_EQ(run({"HGET", "s", "a"}), kWrongType);
  EXPECT_EQ(run({"HMGET", "s", "a"}), kWrongType);
  EXPECT_EQ(run({"HGETALL", "s"}), kWrongType);
  EXPECT_EQ(run({"HLEN", "s"}), kWrongType);
  EXPECT_EQ(run({"HDEL", "s", "a"}), kWrongType);
  EXPECT_EQ(run({"HINCRBY", "s", "a", "1"}), kWrongType);
  EXPECT_EQ(run({"HSCAN", "s", "0"}), kWrongType);
  EXPECT_EQ(run({"HRANDFIELD", "s"}), kWrongType);
  EXPECT_EQ(run({"HEXPIRE", "s", "1", "FIELDS", "1", "a"}), kWrongType);
  EXPECT_EQ(run({"HTTL", "s", "FIELDS", "1", "a"}), kWrongType);
  EXPECT_EQ(run({"GET", "s"}), "\"text\"");
}

TEST_F(HashCommands, hscan_shows_what_matches) {
  run({"HSET", "h", "a", "1", "b", "2", "ab", "3"});
  EXPECT_EQ(run({"HSCAN", "h", "0"}), "[\"0\", [\"a\", \"1\", \"b\", \"2\", \"ab\", \"3\"]]");
  EXPECT_EQ(run({"HSCAN", "h", "0", "MATCH", "a*", "COUNT", "1"}), "[\"0\", [\"a\", \"1\", \"ab\", \"3\"]]");
  EXPECT_EQ(run({"HSCAN", "h", "0", "NOVALUES"}), "[\"0\", [\"a\", \"b\", \"ab\"]]");
  EXPECT_EQ(run({"HSCAN", "none", "0"}), "[\"0\", []]");
  EXPECT_EQ(run({"HSCAN", "h", "x"}), "-ERR invalid cursor");
  EXPECT_EQ(run({"HSCAN", "h", "0", "COUNT", "0"}), "-ERR syntax error");
  EXPECT_EQ(run({"HSCAN", "h", "0", "MATCH"}), "-ERR syntax error");
}

TEST_F(HashCommands, hrandfield_draws_as_many_as_it_is_asked_for) {
  std::map<std::string, std::string> model;
  for (int i = 0; i < 2000; ++i) {
    const std::string name = "f" + std::to_string(i);
    model[name] = std::to_string(i);
    run({"HSET", i < 50 ? "small" : "large", name, std::to_string(i)});
  }
  for (const char* const key : {"small", "large"}) {
    const auto size = std::stoul(run({"HLEN", key}));
    for (const std::string count : {"0", "1", "7", "49", "50", "400", "1949", "1950", "99999", "-1", "-9", "-3000"}) {
      const Reply got = reply({"HRANDFIELD", key, count, "WITHVALUES"});
      const auto wanted = static_cast<std::size_t>(std::abs(std::stol(count)));
      ASSERT_EQ(got.elements.size(), count[0] == '-' ? wanted : std::min(wanted, size)) << key << " " << count;
      std::set<std::string> names;
      for (const Reply& pair : got.elements) {
        ASSERT_EQ(pair.elements.size(), 2u);
        EXPECT_EQ(model.at(pair.elements[0].text), pair.elements[1].text);
        names.insert(pair.elements[0].text);
      }
      if (count[0] != '-') {
        EXPECT_EQ(names.size(), got.elements.size());
      }
    }
  }
  EXPECT_EQ(run({"HRANDFIELD", "none"}), "nil");
  EXPECT_EQ(run({"HRANDFIELD", "none", "5"}), "[]");
  EXPECT_EQ(run({"HRANDFIELD", "small", "-9223372036854775807"}), "-ERR value is out of range");
  EXPECT_EQ(run({"HRANDFIELD", "small", "9223372036854775807", "WITHVALUES"}), "-ERR value is out of range");
  EXPECT_EQ(run({"HRANDFIELD", "small", "1", "FOO"}), "-ERR syntax error");
  EXPECT_EQ(reply({"HRANDFIELD", "small", "9223372036854775807"}).elements.size(), 50u);
}

TEST_F(HashCommands, an_older_protocol_gets_flat_answers) {
  run({"HSET", "h", "a", "1"});
  run({"HELLO", "2"});
  EXPECT_EQ(run({"HRANDFIELD", "h", "-2", "WITHVALUES"}), "[\"a\", \"1\", \"a\", \"1\"]");
  run({"HELLO", "3"});
  EXPECT_EQ(run({"HRANDFIELD", "h", "-2", "WITHVALUES"}), "[[\"a\", \"1\"], [\"a\", \"1\"]]");
}

TEST_F(HashCommands, large_values_and_many_fields_come_back) {
  const std::string large(300'000, 'x');
  run({"HSET", "h", "large", large, "small", "1"});
  EXPECT_EQ(reply({"HGET", "h", "large"}).text, large);
  EXPECT_EQ(run({"HINCRBY", "h", "small", "1"}), "2");
  reopen();
  EXPECT_EQ(reply({"HGET", "h", "large"}).text, large);
  EXPECT_EQ(run({"HGET", "h", "small"}), "\"2\"");
  EXPECT_EQ(run({"HDEL", "h", "large"}), "1");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"small\", \"2\"}");
}

TEST_F(HashCommands, what_no_store_can_hold_is_refused) {
  options_.value_bytes_max = 1000;
  reopen();
  const std::string large(1001, 'x');
  EXPECT_EQ(run({"HSET", "h", "a", large}), "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  EXPECT_EQ(run({"HSET", "h", "a", large.substr(2)}), "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  EXPECT_EQ(run({"HSET", "h", "a", large.substr(20)}), "1");
  EXPECT_EQ(run({"HGET", "h", large}), "nil");
}

TEST_F(HashCommands, a_hash_keeps_its_expiry_when_it_changes) {
  run({"HSET", "h", "a", "1"});
  run({"EXPIRE", "h", "100"});
  run({"HSET", "h", "b", "2"});
  EXPECT_EQ(run({"TTL", "h"}), "100");
  clock_.advance_ms(100'000);
  EXPECT_EQ(run({"HGETALL", "h"}), "{}");
  EXPECT_EQ(run({"HSET", "h", "b", "2"}), "1");
  EXPECT_EQ(run({"TTL", "h"}), "-1");
}

TEST_F(HashCommands, a_key_that_was_large_may_be_anything_afterwards) {
  const auto make_large = [&] {
    run({"DEL", "k"});
    for (int i = 0; i < 100; ++i) run({"HSET", "k", "field:" + std::to_string(i), std::string(40, 'v')});
    EXPECT_EQ(run({"HSET", "k", "field:7", "seven"}), "0");
    EXPECT_EQ(run({"HGET", "k", "field:7"}), "\"seven\"");
    EXPECT_EQ(run({"HLEN", "k"}), "100");
  };
  make_large();
  run({"DEL", "k"});
  EXPECT_EQ(run({"HGET", "k", "field:7"}), "nil");
  EXPECT_EQ(run({"HSET", "k", "a", "1"}), "1");
  EXPECT_EQ(run({"HGETALL", "k"}), "{\"a\", \"1\"}");
  make_large();
  run({"SET", "k", "a string"});
  EXPECT_TRUE(run({"HGET", "k", "field:7"}).starts_with("-WRONGTYPE"));
  EXPECT_TRUE(run({"HSET", "k", "field:7", "x"}).starts_with("-WRONGTYPE"));
  EXPECT_EQ(run({"GET", "k"}), "\"a string\"");
  make_large();
  run({"EXPIRE", "k", "10"});
  EXPECT_EQ(run({"HSET", "k", "field:7", "other"}), "0");
  EXPECT_EQ(run({"TTL", "k"}), "10");
  clock_.advance_ms(10'000);
  EXPECT_EQ(run({"HGET", "k", "field:7"}), "nil");
  EXPECT_EQ(run({"HSET", "k", "field:7", "x"}), "1");
  EXPECT_EQ(run({"TTL", "k"}), "-1");
  make_large();
  EXPECT_EQ(run({"SELECT", "1"}), "OK");
  EXPECT_EQ(run({"HGET", "k", "field:7"}), "nil");
  EXPECT_EQ(run({"HSET", "k", "b", "2"}), "1");
  EXPECT_EQ(run({"HLEN", "k"}), "1");
}

}  // namespace
}  // namespace stave::commands
