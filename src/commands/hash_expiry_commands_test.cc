#include "commands/hash_expiry_commands.h"

#include <map>
#include <optional>
#include <random>

#include "commands/fixture_for_test.h"

namespace stave::commands {
namespace {

class HashExpiry : public CommandsTest {
 protected:
  /// Everything that can tell whether the key is there says that it is not.
  void expect_gone(std::string_view key) {
    EXPECT_EQ(run({"EXISTS", key}), "0");
    EXPECT_EQ(run({"TYPE", key}), "none");
    EXPECT_EQ(run({"TTL", key}), "-2");
    EXPECT_EQ(run({"HLEN", key}), "0");
    EXPECT_EQ(run({"HGETALL", key}), "{}");
    EXPECT_EQ(run({"HRANDFIELD", key}), "nil");
    EXPECT_EQ(run({"HSCAN", key, "0", "FOO"}), "[\"0\", []]");
    EXPECT_EQ(run({"KEYS", key}), "[]");
    EXPECT_EQ(run({"SCAN", "0", "MATCH", key}), "[\"0\", []]");
  }
};

TEST_F(HashExpiry, a_field_is_gone_for_every_command_when_its_time_is_up) {
  run({"HSET", "h", "a", "1", "b", "2", "c", "3"});
  EXPECT_EQ(run({"HPEXPIRE", "h", "50", "FIELDS", "2", "a", "none"}), "[1, -2]");
  clock_.advance_ms(49);
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"a\", \"1\", \"b\", \"2\", \"c\", \"3\"}");
  EXPECT_EQ(run({"HPTTL", "h", "FIELDS", "3", "a", "b", "none"}), "[1, -1, -2]");
  clock_.advance_ms(1);
  EXPECT_EQ(run({"HGET", "h", "a"}), "nil");
  EXPECT_EQ(run({"HMGET", "h", "a", "b"}), "[nil, \"2\"]");
  EXPECT_EQ(run({"HLEN", "h"}), "2");
  EXPECT_EQ(run({"HEXISTS", "h", "a"}), "0");
  EXPECT_EQ(run({"HSTRLEN", "h", "a"}), "0");
  EXPECT_EQ(run({"HKEYS", "h"}), "[\"b\", \"c\"]");
  EXPECT_EQ(run({"HVALS", "h"}), "[\"2\", \"3\"]");
  EXPECT_EQ(run({"HSCAN", "h", "0"}), "[\"0\", [\"b\", \"2\", \"c\", \"3\"]]");
  EXPECT_EQ(reply({"HRANDFIELD", "h", "9"}).elements.size(), 2u);
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "1", "a"}), "[-2]");
  EXPECT_EQ(run({"HPERSIST", "h", "FIELDS", "1", "a"}), "[-2]");
  EXPECT_EQ(run({"HEXPIRE", "h", "5", "FIELDS", "1", "a"}), "[-2]");
  EXPECT_EQ(run({"HDEL", "h", "a"}), "0");
  EXPECT_EQ(run({"HINCRBY", "h", "a", "7"}), "7");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "1", "a"}), "[-1]");
}

TEST_F(HashExpiry, a_hash_is_gone_with_its_last_field) {
  run({"HSET", "h", "a", "1", "b", "2"});
  run({"HPEXPIRE", "h", "50", "FIELDS", "1", "a"});
  run({"HPEXPIRE", "h", "70", "FIELDS", "1", "b"});
  EXPECT_EQ(run({"TTL", "h"}), "-1");
  clock_.advance_ms(60);
  EXPECT_EQ(run({"EXISTS", "h"}), "1");
  EXPECT_EQ(run({"HLEN", "h"}), "1");
  clock_.advance_ms(10);
  expect_gone("h");
  engine_->tick();
  EXPECT_EQ(run({"DBSIZE"}), "0");
  EXPECT_EQ(run({"HSET", "h", "c", "3"}), "1");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"c\", \"3\"}");
}

TEST_F(HashExpiry, the_key_keeps_a_time_of_its_own) {
  run({"HSET", "h", "a", "1"});
  run({"PEXPIRE", "h", "5000"});
  run({"HPEXPIRE", "h", "1000", "FIELDS", "1", "a"});
  EXPECT_EQ(run({"PTTL", "h"}), "5000");
  run({"HSET", "h", "b", "2"});
  EXPECT_EQ(run({"PTTL", "h"}), "5000");
  run({"HDEL", "h", "b"});
  EXPECT_EQ(run({"PTTL", "h"}), "5000");
  EXPECT_EQ(run({"PEXPIRE", "h", "6000", "LT"}), "0");
  EXPECT_EQ(run({"PEXPIRE", "h", "6000", "GT"}), "1");
  EXPECT_EQ(run({"PTTL", "h"}), "6000");
  EXPECT_EQ(run({"RENAME", "h", "h2"}), "OK");
  EXPECT_EQ(run({"COPY", "h2", "h"}), "1");
  EXPECT_EQ(run({"PTTL", "h"}), "6000");
  EXPECT_EQ(run({"PERSIST", "h"}), "1");
  EXPECT_EQ(run({"PERSIST", "h"}), "0");
  EXPECT_EQ(run({"PTTL", "h"}), "-1");
  EXPECT_EQ(run({"PEXPIRE", "h", "100"}), "1");
  clock_.advance_ms(100);
  expect_gone("h");
  EXPECT_EQ(run({"HGET", "h2", "a"}), "\"1\"");
  clock_.advance_ms(900);
  expect_gone("h2");
}

TEST_F(HashExpiry, set_keepttl_keeps_the_time_of_the_key_and_not_of_its_fields) {
  run({"HSET", "h", "a", "1"});
  run({"PEXPIRE", "h", "5000"});
  run({"HPEXPIRE", "h", "1000", "FIELDS", "1", "a"});
  EXPECT_EQ(run({"SET", "h", "x", "KEEPTTL"}), "OK");
  EXPECT_EQ(run({"PTTL", "h"}), "5000");
}

TEST_F(HashExpiry, conditions_decide_field_by_field) {
  run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(run({"HEXPIRE", "h", "100", "XX", "FIELDS", "1", "a"}), "[0]");
  EXPECT_EQ(run({"HEXPIRE", "h", "100", "GT", "FIELDS", "1", "a"}), "[0]");
  EXPECT_EQ(run({"HEXPIRE", "h", "100", "NX", "FIELDS", "1", "a"}), "[1]");
  EXPECT_EQ(run({"HEXPIRE", "h", "200", "NX", "FIELDS", "2", "a", "b"}), "[0, 1]");
  EXPECT_EQ(run({"HEXPIRE", "h", "150", "GT", "FIELDS", "2", "a", "b"}), "[1, 0]");
  EXPECT_EQ(run({"HEXPIRE", "h", "120", "LT", "FIELDS", "2", "a", "b"}), "[1, 1]");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "2", "a", "b"}), "[120, 120]");
  EXPECT_EQ(run({"HEXPIRE", "h", "0", "FIELDS", "2", "a", "none"}), "[2, -2]");
  EXPECT_EQ(run({"HEXPIREAT", "h", "1", "FIELDS", "2", "b", "b"}), "[2, -2]");
  EXPECT_EQ(run({"EXISTS", "h"}), "0");
  EXPECT_EQ(run({"HEXPIRE", "h", "5", "FIELDS", "1", "a"}), "[-2]");
  EXPECT_EQ(run({"EXISTS", "h"}), "0");
}

TEST_F(HashExpiry, hset_takes_a_deadline_away_and_hincrby_keeps_it) {
  run({"HSET", "h", "a", "1", "b", "2", "c", "3"});
  run({"HEXPIRE", "h", "100", "FIELDS", "3", "a", "b", "c"});
  run({"HSET", "h", "a", "1"});
  run({"HINCRBY", "h", "b", "1"});
  run({"HINCRBYFLOAT", "h", "c", "0.5"});
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "3", "a", "b", "c"}), "[-1, 100, 100]");
  EXPECT_EQ(run({"HPERSIST", "h", "FIELDS", "3", "a", "b", "x"}), "[-1, 1, -2]");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "2", "b", "c"}), "[-1, 100]");
}

TEST_F(HashExpiry, moments_come_back_as_they_were_given) {
  run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(run({"HPEXPIREAT", "h", "33177117420123", "FIELDS", "1", "a"}), "[1]");
  EXPECT_EQ(run({"HEXPIREAT", "h", "33177117420", "FIELDS", "1", "b"}), "[1]");
  EXPECT_EQ(run({"HPEXPIRETIME", "h", "FIELDS", "3", "a", "b", "c"}), "[33177117420123, 33177117420000, -2]");
  EXPECT_EQ(run({"HEXPIRETIME", "h", "FIELDS", "2", "a", "b"}), "[33177117421, 33177117420]");
}

TEST_F(HashExpiry, hgetex_reads_and_sets_when_fields_die) {
  run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(run({"HGETEX", "h", "FIELDS", "2", "a", "x"}), "[\"1\", nil]");
  EXPECT_EQ(run({"HGETEX", "h", "EX", "10", "FIELDS", "2", "a", "x"}), "[\"1\", nil]");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "1", "a"}), "[10]");
  EXPECT_EQ(run({"HGETEX", "h", "FIELDS", "1", "a"}), "[\"1\"]");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "1", "a"}), "[10]");
  EXPECT_EQ(run({"HGETEX", "h", "PERSIST", "FIELDS", "1", "a"}), "[\"1\"]");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "1", "a"}), "[-1]");
  EXPECT_EQ(run({"HGETEX", "h", "PXAT", "1", "FIELDS", "1", "a"}), "[\"1\"]");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"b\", \"2\"}");
  EXPECT_EQ(run({"HGETEX", "none", "EX", "10", "FIELDS", "1", "a"}), "[nil]");
  EXPECT_EQ(run({"EXISTS", "none"}), "0");
}

TEST_F(HashExpiry, hsetex_sets_all_or_nothing) {
  EXPECT_EQ(run({"HSETEX", "h", "FXX", "EX", "10", "FIELDS", "1", "a", "1"}), "0");
  EXPECT_EQ(run({"EXISTS", "h"}), "0");
  EXPECT_EQ(run({"HSETEX", "h", "EX", "10", "FIELDS", "2", "a", "1", "b", "2"}), "1");
  EXPECT_EQ(run({"HSETEX", "h", "FNX", "FIELDS", "2", "c", "1", "b", "9"}), "0");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"a\", \"1\", \"b\", \"2\"}");
  EXPECT_EQ(run({"HSETEX", "h", "FXX", "KEEPTTL", "FIELDS", "2", "a", "3", "b", "4"}), "1");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "2", "a", "b"}), "[10, 10]");
  EXPECT_EQ(run({"HSETEX", "h", "FIELDS", "1", "a", "3"}), "1");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "2", "a", "b"}), "[-1, 10]");
  EXPECT_EQ(run({"HSETEX", "h", "PXAT", "1", "FIELDS", "2", "a", "3", "b", "3"}), "1");
  EXPECT_EQ(run({"EXISTS", "h"}), "0");
}

TEST_F(HashExpiry, hgetdel_takes_fields_out) {
  run({"HSET", "h", "a", "1", "b", "2"});
  EXPECT_EQ(run({"HGETDEL", "h", "FIELDS", "3", "a", "x", "a"}), "[\"1\", nil, nil]");
  EXPECT_EQ(run({"HGETDEL", "h", "FIELDS", "1", "b"}), "[\"2\"]");
  EXPECT_EQ(run({"EXISTS", "h"}), "0");
  EXPECT_EQ(run({"HGETDEL", "h", "FIELDS", "1", "b"}), "[nil]");
}

TEST_F(HashExpiry, bad_arguments_are_refused_in_the_words_that_clients_know) {
  run({"HSET", "h", "a", "1"});
  const std::string no_fields = "-ERR Mandatory argument FIELDS is missing or not at the right position";
  const std::string no_match = "-ERR The `numfields` parameter must match the number of arguments";
  EXPECT_EQ(run({"HEXPIRE", "h", "10", "1", "a", "b"}), no_fields);
  EXPECT_EQ(run({"HEXPIRE", "h", "10", "FIELDS", "2", "a"}), no_match);
  EXPECT_EQ(run({"HEXPIRE", "h", "10", "FIELDS", "9223372036854775807", "a"}), no_match);
  EXPECT_EQ(run({"HEXPIRE", "h", "10", "FIELDS", "0", "a"}), "-ERR Parameter `numFields` should be greater than 0");
  EXPECT_EQ(run({"HEXPIRE", "h", "x", "FIELDS", "1", "a"}), "-ERR value is not an integer or out of range");
  EXPECT_EQ(run({"HEXPIRE", "h", "-1", "FIELDS", "1", "a"}), "-ERR invalid expire time, must be >= 0");
  EXPECT_EQ(run({"HEXPIRE", "h", "9223372036854775807", "FIELDS", "1", "a"}),
            "-ERR invalid expire time in 'hexpire' command");
  EXPECT_EQ(run({"HPEXPIRE", "h", "9223372036854775807", "FIELDS", "1", "a"}),
            "-ERR invalid expire time in 'hpexpire' command");
  EXPECT_EQ(run({"HTTL", "h", "FIELD", "1", "a"}), no_fields);
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "x", "a"}), "-ERR Number of fields must be a positive integer");
  EXPECT_EQ(run({"HTTL", "h", "FIELDS", "1", "a", "b"}), no_match);
  EXPECT_EQ(run({"HPERSIST", "h", "FIELDS", "-1", "a"}), "-ERR Number of fields must be a positive integer");
  EXPECT_EQ(run({"HGETEX", "h", "EX", "10", "a"}), no_fields);
  EXPECT_EQ(run({"HGETEX", "h", "EX", "FIELDS", "1", "a"}), no_fields);
  EXPECT_EQ(run({"HGETEX", "h", "PERSIST", "FIELDS", "1", "a", "b"}), no_match);
  EXPECT_EQ(run({"HSETEX", "h", "FIELDS", "1", "a", "b", "c"}), "-ERR wrong number of arguments for 'hsetex' command");
  EXPECT_EQ(run({"HSETEX", "h", "FIELDS", "0", "a", "b"}), "-ERR invalid number of fields");
  EXPECT_EQ(run({"HSETEX", "h", "NX", "FIELDS", "1", "a", "b"}), "-ERR unknown argument: NX");
  EXPECT_EQ(run({"HSETEX", "h", "FNX", "FXX", "FIELDS", "1", "a", "b"}),
            "-ERR Only one of FXX or FNX arguments can be specified");
  EXPECT_EQ(run({"HSETEX", "h", "EX", "1", "KEEPTTL", "FIELDS", "1", "a", "b"}),
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
  EXPECT_EQ(run({"HSETEX", "h", "FNX", "1", "2", "3", "EX"}), "-ERR unknown argument: 1");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"a\", \"1\"}");
}

TEST_F(HashExpiry, many_fields_are_named_in_one_call) {
  constexpr int kFields = 20'000;
  std::vector<std::string> names;
  for (int i = 0; i < kFields; ++i) names.push_back("f" + std::to_string(i));
  std::vector<std::string_view> set = {"HSET", "h"};
  for (const std::string& name : names) set.insert(set.end(), {name, "value"});
  run_in(*session_, set);
  const std::string count = std::to_string(kFields);
  const auto with_names = [&](std::vector<std::string_view> words) {
    words.insert(words.end(), names.begin(), names.end());
    return run_in(*session_, words);
  };
  const Reply given = with_names({"HEXPIRE", "h", "100", "FIELDS", count});
  ASSERT_EQ(given.elements.size(), names.size());
  for (const Reply& one : given.elements) ASSERT_EQ(one.integer, 1);
  const Reply left = with_names({"HTTL", "h", "FIELDS", count});
  for (const Reply& one : left.elements) ASSERT_EQ(one.integer, 100);
  const Reply values = with_names({"HMGET", "h"});
  for (const Reply& one : values.elements) ASSERT_EQ(one.text, "value");
  EXPECT_EQ(with_names({"HPERSIST", "h", "FIELDS", count}).elements.size(), names.size());
  EXPECT_EQ(run({"HLEN", "h"}), count);
  EXPECT_EQ(with_names({"HDEL", "h"}).integer, kFields);
  expect_gone("h");
}

TEST_F(HashExpiry, deadlines_outlive_a_restart) {
  run({"HSET", "h", "a", "1", "b", "2"});
  run({"HSETEX", "h", "PX", "5000", "FIELDS", "1", "a", "1"});
  run({"HSETEX", "dies", "PX", "5000", "FIELDS", "1", "a", "1"});
  run({"PEXPIRE", "dies", "9000"});
  reopen();
  EXPECT_EQ(run({"HPTTL", "h", "FIELDS", "2", "a", "b"}), "[5000, -1]");
  EXPECT_EQ(run({"PTTL", "dies"}), "9000");
  clock_.advance_ms(5000);
  reopen();
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"b\", \"2\"}");
  expect_gone("dies");
}

TEST_F(HashExpiry, a_sliding_key_may_outlive_its_fields_and_holds_nothing_then) {
  run({"HSET", "h", "a", "1"});
  run({"PEXPIRE", "h", "1000", "SLIDING"});
  run({"HPEXPIRE", "h", "500", "FIELDS", "1", "a"});
  clock_.advance_ms(500);
  EXPECT_EQ(run({"HLEN", "h"}), "0");
  EXPECT_EQ(run({"HRANDFIELD", "h"}), "nil");
  EXPECT_EQ(run({"HSET", "h", "b", "1"}), "1");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"b\", \"1\"}");
}

TEST_F(HashExpiry, what_comes_back_from_the_past_lives_on) {
  run({"HSET", "h", "a", "1", "b", "2"});
  run({"PEXPIRE", "h", "5000"});
  run({"HPEXPIRE", "h", "50", "FIELDS", "1", "a"});
  run({"HPEXPIRE", "h", "1000", "FIELDS", "1", "b"});
  const std::string then = std::to_string(raw(clock_.wall()));
  clock_.advance_ms(60);
  EXPECT_EQ(run({"STAVE.REVERT", "h", "TIME", then}), "1");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"a\", \"1\", \"b\", \"2\"}");
  EXPECT_EQ(run({"HPTTL", "h", "FIELDS", "2", "a", "b"}), "[-1, 940]");
  EXPECT_EQ(run({"PTTL", "h"}), "4940");
  run({"DEL", "h"});
  clock_.advance_ms(10'000);
  EXPECT_EQ(run({"STAVE.REVERT", "h", "TIME", then}), "1");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"a\", \"1\", \"b\", \"2\"}");
  EXPECT_EQ(run({"HPTTL", "h", "FIELDS", "2", "a", "b"}), "[-1, -1]");
  EXPECT_EQ(run({"PTTL", "h"}), "-1");
}

TEST_F(HashExpiry, a_field_that_had_expired_at_a_point_of_the_past_stays_away) {
  run({"HSET", "h", "a", "1", "b", "2"});
  run({"HPEXPIRE", "h", "50", "FIELDS", "1", "a"});
  clock_.advance_ms(60);
  const std::string then = std::to_string(raw(clock_.wall()));
  clock_.advance_ms(1);
  run({"DEL", "h"});
  EXPECT_EQ(run({"STAVE.REVERT", "h", "TIME", then}), "1");
  EXPECT_EQ(run({"HGETALL", "h"}), "{\"b\", \"2\"}");
}

/// What a field has, and what the whole is, against a plain map, with time going on.
TEST_F(HashExpiry, random_calls_leave_what_a_map_would_hold) {
  struct Kept {
    std::string value;
    std::int64_t dies = 0;  ///< 0: never.
  };
  std::mt19937_64 random(7);
  std::map<std::string, Kept> model;
  std::int64_t now = raw(clock_.wall());
  std::int64_t key_dies = 0;
  for (int step = 0; step < 4000 && !HasFailure(); ++step) {
    const std::string field = "f" + std::to_string(random() % 5);
    const std::string value = std::to_string(random() % 100);
    const std::int64_t ms = 1 + static_cast<std::int64_t>(random() % 40);
    switch (random() % 8) {
      case 0: clock_.advance_ms(static_cast<std::int64_t>(random() % 15)); break;
      case 1:
        run({"HSET", "h", field, value});
        model[field] = {value};
        break;
      case 2:
        run({"HSETEX", "h", "PX", std::to_string(ms), "FIELDS", "1", field, value});
        model[field] = {value, now + ms};
        break;
      case 3:
        run({"HPEXPIRE", "h", std::to_string(ms), "FIELDS", "1", field});
        if (model.contains(field)) model[field].dies = now + ms;
        break;
      case 4:
        run({"HDEL", "h", field});
        model.erase(field);
        break;
      case 5:
        run({"PEXPIRE", "h", std::to_string(ms)});
        if (!model.empty()) key_dies = now + ms;
        break;
      case 6:
        run({"PERSIST", "h"});
        key_dies = 0;
        break;
      default:
        if (random() % 8 == 0) reopen();
        if (random() % 4 == 0) engine_->tick();
    }
    now = raw(clock_.wall());
    std::erase_if(model, [&](const auto& item) { return item.second.dies != 0 && item.second.dies <= now; });
    if (key_dies != 0 && key_dies <= now) model.clear();
    if (model.empty()) key_dies = 0;
    EXPECT_EQ(run({"HLEN", "h"}), std::to_string(model.size())) << step;
    EXPECT_EQ(run({"EXISTS", "h"}), model.empty() ? "0" : "1") << step;
    EXPECT_EQ(run({"PTTL", "h"}), model.empty() ? "-2" : key_dies == 0 ? "-1" : std::to_string(key_dies - now)) << step;
    for (const auto& [name, kept] : model) {
      EXPECT_EQ(run({"HGET", "h", name}), "\"" + kept.value + "\"");
      EXPECT_EQ(run({"HPTTL", "h", "FIELDS", "1", name}),
                "[" + std::to_string(kept.dies == 0 ? -1 : kept.dies - now) + "]");
    }
  }
}

}  // namespace
}  // namespace stave::commands
