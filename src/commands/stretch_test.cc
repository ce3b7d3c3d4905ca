#include "commands/stretch.h"

#include <algorithm>
#include <string>
#include <vector>

#include "commands/examples_for_test.h"
#include "commands/fixture_for_test.h"
#include "store/change_watch.h"

namespace stave::commands {
namespace {

class StretchOfCalls : public CommandsTest {
 protected:
  struct Ran {
    std::size_t count = 0;
    std::vector<std::string> answers;
  };
  /// The calls as one; all are of their first argument's key.
  Ran run_as_one(const std::vector<Words>& calls) {
    Ran ran;
    const auto run = [&](std::size_t i) {
      const std::vector<std::string_view> words(calls[i].begin(), calls[i].end());
      ReplySink sink(*session_);
      dispatch(*session_, words, sink);
      EXPECT_TRUE(sink.complete());
      ran.answers.push_back(spell(sink.take()));
      return !no_room_ || i + 1 != calls.size();
    };
    const RanStretch done = run_stretch(*session_, hashed(calls.at(0).at(1)), calls.size(), run);
    EXPECT_EQ(session_->shared, nullptr);
    EXPECT_EQ(Stretch::of(*session_), nullptr);
    EXPECT_TRUE(engine_->wait(done.pending));
    ran.count = done.count;
    return ran;
  }
  std::vector<std::string> run_alone(const std::vector<Words>& calls) {
    std::vector<std::string> answers;
    for (const Words& call : calls) {
      const std::vector<std::string_view> words(call.begin(), call.end());
      answers.push_back(run(words));
    }
    return answers;
  }
  store::KeyRef hashed(std::string_view key) {
    store::KeyRef ref{0, key};
    ref.hash = store::hash_of(engine_->keyspace(), ref);
    return ref;
  }
  /// All that the key holds. Sets and hashes have an order of their own each time.
  std::string held(const Words& all, const std::string& key) {
    Words call = all;
    call.insert(call.begin() + 1, key);
    const std::vector<std::string_view> words(call.begin(), call.end());
    std::vector<std::string> parts;
    for (const Reply& part : run_in(*session_, words).elements) parts.push_back(spell(part));
    if (all[0] == "HGETALL")  // a field and its value belong together
      for (std::size_t i = 0; i + 1 < parts.size(); i += 2) parts[i] += parts[i + 1], parts[i + 1].clear();
    if (all[0] == "HGETALL" || all[0] == "SMEMBERS") std::ranges::sort(parts);
    std::string text;
    for (const std::string& part : parts) text += part + " ";
    return text;
  }
  /// Puts so much into the key that it becomes pages.
  void fill(const std::string& call, const std::string& key) {
    for (int i = 0; i < kMany; ++i) {
      const std::string number = std::to_string(i);
      Words words = {call, key};
      if (call == "ZADD") words.push_back(number);
      if (call == "XADD") {
        words.push_back(number + "-1");
        words.push_back("field");
      }
      words.push_back("element:" + number);
      if (call == "HSET") words.push_back("value:" + number);
      ASSERT_NE(run_alone({words})[0][0], '-');
    }
  }
  static constexpr int kMany = 500;
  bool no_room_ = false;
};

/// Calls of every type, some of which fail, and how all of it is read.
struct Case {
  std::string fill;
  std::vector<Words> calls;  ///< Without their key.
  Words all;
};
std::vector<Case> cases() {
  return {
      {"HSET",
       {{"HSET", "new", "1"},
        {"HSET", "element:7", "other", "new", "2"},
        {"HGET", "element:7"},
        {"HINCRBY", "element:8", "1"},
        {"LPUSH", "x"},
        {"HINCRBY", "n", "5"},
        {"HDEL", "element:9", "none"},
        {"HLEN"},
        {"HGET", "element:9"},
        {"HEXISTS", "new"}},
       {"HGETALL"}},
      {"RPUSH",
       {{"LPUSH", "a", "b"},
        {"RPUSH", std::string(900, 'x')},
        {"RPUSH", std::string(900, 'y')},
        {"LPOP"},
        {"HGET", "f"},
        {"RPOP", "3"},
        {"LLEN"},
        {"LPUSHX", "z"}},
       {"LRANGE", "0", "-1"}},
      {"SADD",
       {{"SADD", "a", "b", "a"}, {"SREM", "element:1"}, {"SISMEMBER", "element:1"}, {"ZADD", "1", "x"}, {"SCARD"}},
       {"SMEMBERS"}},
      {"ZADD",
       {{"ZADD", "400", "element:1"},
        {"ZADD", "1.5", "new", "2.5", "other"},
        {"ZRANK", "element:1"},
        {"ZADD", "nonsense", "x"},
        {"ZINCRBY", "nan", "element:2"},
        {"ZINCRBY", "-1000", "element:2"},
        {"ZRANK", "element:2"},
        {"ZPOPMIN"},
        {"SADD", "x"},
        {"ZREM", "element:3"},
        {"ZSCORE", "element:3"},
        {"ZCARD"}},
       {"ZRANGE", "0", "-1", "WITHSCORES"}},
      {"XADD",
       {{"XADD", "600-1", "f", "v"}, {"XADD", "1-1", "f", "v"}, {"XDEL", "7-1"}, {"XLEN"}, {"XADD", "601-*", "f", "w"}},
       {"XRANGE", "-", "+"}},
  };
}
std::vector<Words> of_key(const std::vector<Words>& calls, const std::string& key) {
  std::vector<Words> with(calls);
  for (Words& call : with) call.insert(call.begin() + 1, key);
  return with;
}

TEST_F(StretchOfCalls, answers_and_leaves_what_they_do_one_by_one) {
  for (const Case& tried : cases()) {
    fill(tried.fill, "one");
    fill(tried.fill, "alone");
    const Ran ran = run_as_one(of_key(tried.calls, "one"));
    EXPECT_EQ(ran.count, tried.calls.size()) << tried.fill;
    EXPECT_EQ(ran.answers, run_alone(of_key(tried.calls, "alone"))) << tried.fill;
    EXPECT_EQ(held(tried.all, "one"), held(tried.all, "alone")) << tried.fill;
    const auto before = held(tried.all, "one");
    reopen();
    EXPECT_EQ(held(tried.all, "one"), before) << tried.fill;
    run({"FLUSHALL"});
  }
}

TEST_F(StretchOfCalls, is_what_every_fast_call_of_a_collection_can_be_part_of) {
  int tried = 0;
  for (const Example& example : key_examples()) {
    for (const Words& call : example.calls) {
      const std::vector<std::string_view> views(call.begin(), call.end());
      const Resolved resolved = resolve(views);
      if (!may_stretch(*session_, resolved) || call.at(1) != "k") continue;
      const std::string_view group = resolved.row->group;
      const std::vector<Case> all = cases();
      const auto same = [&](const Case& of) {
        const std::string_view words[] = {of.fill, "k", "1", "1", "1"};
        return find_row(words)->group == group;
      };
      const auto of = std::ranges::find_if(all, same);
      ASSERT_NE(of, all.end()) << group;
      const auto with_group = [&] {
        fill(of->fill, "k");
        if (group == "stream") run({"XGROUP", "CREATE", "k", "g", "0"});
      };
      with_group();
      const Ran ran = run_as_one({call, call});
      EXPECT_NE(ran.count, 0u) << example.row;
      const auto left = held(of->all, "k");
      run({"FLUSHALL"});
      with_group();
      const auto alone = run_alone(std::vector<Words>(ran.count, call));
      if (example.row != "spop") {
        EXPECT_EQ(ran.answers, alone) << example.row;
        EXPECT_EQ(held(of->all, "k"), left) << example.row;
      }
      run({"FLUSHALL"});
      ++tried;
    }
  }
  EXPECT_GT(tried, 60);
}

TEST_F(StretchOfCalls, is_one_batch_with_one_root) {
  fill("HSET", "h");
  const auto records = [&](const std::vector<Words>& calls) {
    const std::uint64_t before = raw(engine_->log().tail());
    EXPECT_EQ(run_as_one(calls).count, calls.size());
    return raw(engine_->log().tail()) - before;
  };
  // Now and then a page is due to be written whole, which a call alone pays as well as ten.
  std::uint64_t one = 0;
  std::uint64_t ten = 0;
  for (int i = 0; i < 30; ++i) {
    const std::string field = "element:" + std::to_string(i);
    one += records({{"HSET", "h", field, "x"}});
    ten += records(std::vector<Words>(10, {"HSET", "h", field, "y"}));
  }
  EXPECT_LT(ten, 2 * one);
}

TEST_F(StretchOfCalls, does_nothing_when_the_key_holds_no_pages) {
  run({"RPUSH", "small", "a"});
  for (const std::string& key : {std::string("small"), std::string("none")}) {
    EXPECT_EQ(run_as_one({{"RPUSH", key, "b"}, {"RPUSH", key, "c"}}).count, 0u);
  }
  EXPECT_EQ(run({"LRANGE", "small", "0", "-1"}), "[\"a\"]");
  EXPECT_EQ(run({"EXISTS", "none"}), "0");
}

TEST_F(StretchOfCalls, ends_with_the_last_element) {
  fill("RPUSH", "l");
  const std::string many = std::to_string(kMany);
  const Ran ran = run_as_one({{"RPUSH", "l", "x"}, {"LPOP", "l", many}, {"LPOP", "l"}, {"LPUSHX", "l", "y"}});
  EXPECT_EQ(ran.count, 3u);
  EXPECT_EQ(ran.answers[2], "\"x\"");
  EXPECT_EQ(run({"EXISTS", "l"}), "0");
}

TEST_F(StretchOfCalls, is_undone_when_a_call_looks_at_the_store_another_way) {
  fill("HSET", "h");
  const std::string before = run({"HGETALL", "h"});
  EXPECT_EQ(run_as_one({{"HSET", "h", "a", "1"}, {"HDEL", "h", "element:1"}, {"TYPE", "h"}}).count, 0u);
  EXPECT_EQ(run({"HGETALL", "h"}), before);
}

TEST_F(StretchOfCalls, is_undone_when_an_answer_has_no_room) {
  fill("ZADD", "z");
  no_room_ = true;
  EXPECT_EQ(run_as_one({{"ZADD", "z", "9", "new"}, {"ZPOPMAX", "z"}, {"ZRANK", "z", "new"}}).count, 0u);
  EXPECT_EQ(run({"ZSCORE", "z", "new"}), "nil");
  EXPECT_EQ(run({"ZCARD", "z"}), std::to_string(kMany));
}

TEST_F(StretchOfCalls, does_nothing_when_somebody_watches_the_key) {
  fill("RPUSH", "l");
  const store::KeyRef key = hashed("l");
  engine_->change_watch().add(key.hash);
  EXPECT_EQ(run_as_one({{"RPUSH", "l", "x"}, {"RPUSH", "l", "y"}}).count, 0u);
  engine_->change_watch().remove(key.hash);
  EXPECT_EQ(run({"LLEN", "l"}), std::to_string(kMany));
}

TEST_F(StretchOfCalls, leaves_the_expiry_of_its_key) {
  fill("SADD", "s");
  run({"PEXPIREAT", "s", "99999999999999"});
  EXPECT_EQ(run_as_one({{"SADD", "s", "x"}, {"SADD", "s", "y"}}).count, 2u);
  EXPECT_EQ(run({"PEXPIRETIME", "s"}), "99999999999999");
}

TEST_F(StretchOfCalls, is_made_of_fast_calls_of_one_key_of_a_collection) {
  const auto may = [&](const Words& words) {
    const std::vector<std::string_view> views(words.begin(), words.end());
    return may_stretch(*session_, resolve(views));
  };
  EXPECT_TRUE(may({"HSET", "k", "f", "v"}));
  EXPECT_TRUE(may({"ZRANK", "k", "m"}));
  EXPECT_TRUE(may({"XADD", "k", "*", "f", "v"}));
  EXPECT_FALSE(may({"HSET", "k", "f"}));
  EXPECT_FALSE(may({"LRANGE", "k", "0", "-1"}));
  EXPECT_FALSE(may({"SMOVE", "k", "l", "m"}));
  EXPECT_FALSE(may({"SET", "k", "v"}));
  EXPECT_FALSE(may({"BLPOP", "k", "0"}));
  EXPECT_FALSE(may({"EXPIRE", "k", "1"}));
  run({"MULTI"});
  EXPECT_FALSE(may({"HSET", "k", "f", "v"}));
}

}  // namespace
}  // namespace stave::commands
