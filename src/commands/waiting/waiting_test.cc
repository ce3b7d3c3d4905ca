// Calls that wait: who is answered, when, with what, and what the log says of it.
#include "commands/waiting/waiting.h"

#include <gtest/gtest.h>

#include <thread>

#include "commands/fixture_for_test.h"
#include "commands/waiting/bell.h"

namespace stave::commands {
namespace {

class Waits : public CommandsTest {
 protected:
  void TearDown() override {
    waiters_.clear();
    CommandsTest::TearDown();
  }

  /// Has another client send the call, which waits. Returns the client's number.
  std::size_t wait(std::initializer_list<std::string_view> words, int database = 0) {
    auto client = new_session();
    client->may_leave = true;
    client->bell = &bell_;
    client->select(database);
    run_in(*client, words);
    EXPECT_FALSE(answered_);
    EXPECT_NE(client->waiter, nullptr);
    waiters_.push_back({std::move(client), std::vector<std::string>(words.begin(), words.end())});
    return waiters_.size() - 1;
  }
  Session& client(std::size_t i) { return *waiters_[i].session; }
  bool waits(std::size_t i) { return !client(i).waiter->ended(); }
  /// What the client is answered, once its wait has ended.
  std::string answer(std::size_t i) {
    if (client(i).waiter == nullptr || waits(i)) return "(waits)";
    const std::vector<std::string_view> words(waiters_[i].words.begin(), waiters_[i].words.end());
    return spell(run_in(client(i), words));
  }
  std::size_t rung() {
    std::size_t count = 0;
    bell_.drain([&](Session&) { ++count; });
    return count;
  }

  struct Client {
    std::unique_ptr<Session> session;
    std::vector<std::string> words;
  };
  Bell bell_{[] {}};
  std::vector<Client> waiters_;
};

TEST_F(Waits, a_push_answers_who_came_first) {
  const auto first = wait({"BLPOP", "q", "0"});
  const auto second = wait({"BRPOP", "q", "0"});
  EXPECT_EQ(run({"RPUSH", "q", "a"}), "1");
  EXPECT_EQ(rung(), 1u);
  EXPECT_EQ(answer(first), "[\"q\", \"a\"]");
  EXPECT_EQ(answer(second), "(waits)");
  EXPECT_EQ(run({"EXISTS", "q"}), "0");
  EXPECT_EQ(run({"RPUSH", "q", "b", "c", "d"}), "3");
  EXPECT_EQ(answer(second), "[\"q\", \"d\"]");
  EXPECT_EQ(run({"LRANGE", "q", "0", "-1"}), "[\"b\", \"c\"]");
  EXPECT_EQ(environment_->waiting().calls(), 0u);
  EXPECT_EQ(environment_->waiting().keys(), 0u);
  EXPECT_FALSE(engine_->change_watch().any());
}

TEST_F(Waits, what_is_there_is_answered_at_once) {
  run({"RPUSH", "q", "a", "b", "c"});
  run({"ZADD", "z", "1", "m", "2", "n"});
  EXPECT_EQ(run({"BLPOP", "none", "q", "0"}), "[\"q\", \"a\"]");
  EXPECT_EQ(run({"BLMPOP", "0", "2", "none", "q", "RIGHT", "COUNT", "5"}), "[\"q\", [\"c\", \"b\"]]");
  EXPECT_EQ(run({"BZPOPMAX", "none", "z", "0"}), "[\"z\", \"n\", 2.000000]");
  EXPECT_EQ(run({"BZMPOP", "0", "1", "z", "MIN"}), "[\"z\", [[\"m\", 1.000000]]]");
  EXPECT_TRUE(run({"SET", "s", "text"}) == "OK" && run({"BLPOP", "s", "0"}).starts_with("-WRONGTYPE"));
}

TEST_F(Waits, whole_transactions_come_first_and_wait_for_nothing_themselves) {
  const auto first = wait({"BLPOP", "q", "0"});
  run({"MULTI"});
  run({"RPUSH", "q", "a"});
  run({"LPUSH", "q", "b"});
  run({"BLPOP", "none", "0"});
  run({"WAIT", "1", "0"});
  EXPECT_EQ(run({"EXEC"}), "[1, 2, nil, 0]");
  EXPECT_EQ(answer(first), "[\"q\", \"b\"]");
  EXPECT_EQ(run({"LRANGE", "q", "0", "-1"}), "[\"a\"]");
  const auto second = wait({"BLPOP", "p", "0"});
  run({"MULTI"});
  run({"RPUSH", "p", "a"});
  run({"DEL", "p"});
  run({"EXEC"});
  EXPECT_TRUE(waits(second));
}

TEST_F(Waits, what_a_move_brings_answers_the_next_in_the_same_batch) {
  const auto last = wait({"BLPOP", "c", "0"});
  const auto second = wait({"BLMOVE", "b", "c", "LEFT", "RIGHT", "0"});
  const auto first = wait({"BRPOPLPUSH", "a", "b", "0"});
  const Lsn before = engine_->log().tail();
  EXPECT_EQ(run({"RPUSH", "a", "x"}), "1");
  EXPECT_EQ(answer(first), "\"x\"");
  EXPECT_EQ(answer(second), "\"x\"");
  EXPECT_EQ(answer(last), "[\"c\", \"x\"]");
  EXPECT_EQ(run({"EXISTS", "a", "b", "c"}), "0");
  // What comes and goes within a batch leaves no trace.
  EXPECT_EQ(engine_->log().tail(), before);
  const auto fourth = wait({"BLMOVE", "a", "kept", "LEFT", "RIGHT", "0"});
  run({"RPUSH", "a", "y", "z"});
  EXPECT_EQ(answer(fourth), "\"y\"");
  waiters_.clear();
  reopen();
  EXPECT_EQ(run({"LRANGE", "a", "0", "-1"}), "[\"z\"]");
  EXPECT_EQ(run({"LRANGE", "kept", "0", "-1"}), "[\"y\"]");
}

TEST_F(Waits, a_move_to_what_is_no_list_fails_alone) {
  run({"SET", "s", "text"});
  const auto first = wait({"BLMOVE", "q", "s", "LEFT", "RIGHT", "0"});
  const auto second = wait({"BLPOP", "q", "0"});
  EXPECT_EQ(run({"RPUSH", "q", "a"}), "1");
  EXPECT_TRUE(answer(first).starts_with("-WRONGTYPE"));
  EXPECT_EQ(answer(second), "[\"q\", \"a\"]");
  EXPECT_EQ(run({"GET", "s"}), "\"text\"");
}

TEST_F(Waits, however_the_list_comes) {
  const auto answered_after = [&](std::initializer_list<std::string_view> words, int database = 0) {
    const auto waiter = wait({"BLPOP", "q", "0"}, database);
    run(words);
    return answer(waiter);
  };
  const std::string expected = "[\"q\", \"a\"]";
  const auto fill = [&](std::string_view key) { run({"RPUSH", key, "a"}); };
  fill("p");
  EXPECT_EQ(answered_after({"RENAME", "p", "q"}), expected);
  fill("p");
  EXPECT_EQ(answered_after({"COPY", "p", "q"}), expected);
  EXPECT_EQ(answered_after({"COPY", "p", "q", "DB", "1"}, 1), expected);
  EXPECT_EQ(answered_after({"SORT", "p", "ALPHA", "STORE", "q"}), expected);
  EXPECT_EQ(answered_after({"LMOVE", "p", "q", "LEFT", "LEFT"}), expected);
  fill("q");
  EXPECT_EQ(answered_after({"MOVE", "q", "2"}, 2), expected);
  fill("q");
  EXPECT_EQ(answered_after({"SWAPDB", "0", "3"}, 3), expected);
  run({"RPUSH", "p", "a"});
  const std::string dumped = reply({"DUMP", "p"}).text;
  EXPECT_EQ(answered_after({"RESTORE", "q", "0", dumped}), expected);
}

TEST_F(Waits, other_types_are_not_what_was_waited_for) {
  const auto list = wait({"BLPOP", "k", "0"});
  const auto sorted = wait({"BZPOPMIN", "k", "0"});
  run({"SET", "k", "text"});
  run({"DEL", "k"});
  EXPECT_TRUE(waits(list) && waits(sorted));
  run({"ZADD", "k", "1", "m"});
  EXPECT_TRUE(waits(list));
  EXPECT_EQ(answer(sorted), "[\"k\", \"m\", 1.000000]");
  run({"RPUSH", "k", "a"});
  EXPECT_EQ(answer(list), "[\"k\", \"a\"]");
}

TEST_F(Waits, on_several_keys_and_on_one_named_twice) {
  const auto first = wait({"BLPOP", "a", "b", "a", "0"});
  const auto second = wait({"BLMPOP", "0", "2", "b", "c", "LEFT", "COUNT", "2"});
  EXPECT_EQ(environment_->waiting().keys(), 3u);
  run({"MULTI"});
  run({"RPUSH", "b", "1", "2", "3"});
  run({"RPUSH", "a", "4"});
  run({"EXEC"});
  EXPECT_EQ(answer(first), "[\"a\", \"4\"]");  // in the order in which it named them
  EXPECT_EQ(answer(second), "[\"b\", [\"1\", \"2\"]]");
  EXPECT_EQ(environment_->waiting().keys(), 0u);
}

TEST_F(Waits, until_it_is_ended_or_left) {
  const auto timed = wait({"BLPOP", "q", "0.05"});
  const auto unblocked = wait({"BLMOVE", "q", "p", "LEFT", "LEFT", "0"});
  const auto gone = wait({"BLPOP", "q", "0"});
  const auto last = wait({"BLPOP", "q", "0"});
  const std::string id = std::to_string(client(unblocked).id());
  EXPECT_TRUE(run({"CLIENT", "LIST"}).find("flags=b") != std::string::npos);
  EXPECT_TRUE(run({"INFO", "clients"}).find("blocked_clients:4") != std::string::npos);
  environment_->waiting().end(*client(timed).waiter, WaitEnd::kTimedOut);
  EXPECT_EQ(answer(timed), "nil");
  EXPECT_EQ(run({"CLIENT", "UNBLOCK", id, "ERROR"}), "1");
  EXPECT_EQ(run({"CLIENT", "UNBLOCK", id}), "0");
  EXPECT_EQ(answer(unblocked), "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
  EXPECT_EQ(run({"CLIENT", "UNBLOCK", "999"}), "0");
  waiters_[gone].session = nullptr;
  run({"RPUSH", "q", "a"});
  EXPECT_EQ(answer(last), "[\"q\", \"a\"]");
  EXPECT_TRUE(run({"INFO", "clients"}).find("blocked_clients:0") != std::string::npos);
  const auto replicas = wait({"WAIT", "1", "10"});
  EXPECT_EQ(run({"CLIENT", "UNBLOCK", std::to_string(client(replicas).id()), "TIMEOUT"}), "1");
  EXPECT_EQ(answer(replicas), "0");
  EXPECT_EQ(run({"WAIT", "0", "0"}), "0");
}

TEST_F(Waits, as_long_as_it_says) {
  EXPECT_EQ(run({"BLPOP", "q", "-1"}), "-ERR timeout is negative");
  EXPECT_EQ(run({"BLPOP", "q", "soon"}), "-ERR timeout is not a float or out of range");
  EXPECT_EQ(run({"BLPOP", "q", "nan"}), "-ERR timeout is not a float or out of range");
  EXPECT_EQ(run({"BLPOP", "q", "1e300"}), "-ERR timeout is out of range");
  EXPECT_EQ(run({"BZMPOP", "-0.0001", "1", "z", "MIN"}),
            "nil");  // rounded up to nothing, and this session may not wait
  EXPECT_EQ(run({"BLMPOP", "1", "0", "q", "LEFT"}), "-ERR numkeys should be greater than 0");
  EXPECT_EQ(run({"BLMOVE", "q", "p", "LEFT", "UP", "1"}), "-ERR syntax error");
  EXPECT_EQ(run({"WAIT", "1", "-1"}), "-ERR timeout is negative");
  const auto waiter = wait({"BLPOP", "q", "0.0001"});
  EXPECT_EQ(client(waiter).waiter->deadline_ns(), engine_->clock().monotonic_ns() + 1'000'000);
}

TEST_F(Waits, nothing_is_answered_to_who_wants_no_answers) {
  const auto waiter = wait({"BLPOP", "q", "0"});
  waiters_[waiter].session->reply_mode = ReplyMode::kSkipNext;
  run({"RPUSH", "q", "a"});
  run_in(client(waiter), {"BLPOP", "q", "0"});
  EXPECT_FALSE(answered_);
}

TEST_F(Waits, in_place_a_thread_stands_still_until_then) {
  auto other = new_session();
  other->may_block = true;
  EXPECT_EQ(spell(run_in(*other, {"BLPOP", "q", "0.01"})), "nil");
  std::string answered;
  std::thread waiting([&] {
    ReplySink sink(*other);
    const std::string_view words[] = {"BLPOP", "q", "0"};
    dispatch(*other, words, sink);
    answered = spell(sink.take());
  });
  while (environment_->waiting().calls() == 0) std::this_thread::yield();
  run({"RPUSH", "q", "a"});
  waiting.join();
  EXPECT_EQ(answered, "[\"q\", \"a\"]");
}

TEST_F(Waits, whoever_writes_without_a_command_is_heard_too) {
  const auto waiter = wait({"BLPOP", "q", "0"});
  run({"RPUSH", "p", "a"});
  const std::string form = [&] {
    std::string bytes;
    EXPECT_TRUE(
        engine_->read({0, "p"}, store::Access::kPeek, [&](const store::ValueView* held) { bytes = held->value; }));
    return bytes;
  }();
  // Not before: both keys may lie in one shard, which it locks.
  store::Transaction transaction(*engine_, store::KeyRef{0, "q"});
  ASSERT_TRUE(transaction.put({0, "q"}, form, {}, store::ValueType::kList));
  ASSERT_TRUE(transaction.commit());
  EXPECT_EQ(answer(waiter), "[\"q\", \"a\"]");
}

// --- streams ---------------------------------------------------------------------------------------------------------

TEST_F(Waits, a_new_entry_answers_all_who_read_a_stream) {
  run({"XADD", "s", "1-1", "f", "old"});
  const auto first = wait({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  const auto second = wait({"XREAD", "BLOCK", "0", "COUNT", "1", "STREAMS", "t", "s", "0", "1-1"});
  const auto third = wait({"XREAD", "BLOCK", "0", "STREAMS", "s", "5"});
  run({"XDEL", "s", "1-1"});
  EXPECT_EQ(answer(first), "(waits)");
  EXPECT_EQ(run({"XADD", "s", "2-1", "f", "new"}), "\"2-1\"");
  for (const auto reader : {first, second}) {
    const std::string answered = answer(reader);
    EXPECT_NE(answered.find("[[\"2-1\", [\"f\", \"new\"]]]"), std::string::npos) << answered;
  }
  EXPECT_EQ(answer(third), "(waits)");
  EXPECT_EQ(run({"XADD", "s", "9-1", "f", "newest"}), "\"9-1\"");
  EXPECT_NE(answer(third).find("\"9-1\""), std::string::npos);
  EXPECT_EQ(environment_->waiting().calls(), 0u);
}

TEST_F(Waits, who_reads_a_stream_goes_on_waiting_when_the_key_goes) {
  run({"XADD", "s", "5-1", "f", "v"});
  const auto reader = wait({"XREAD", "BLOCK", "0", "STREAMS", "s", "$"});
  run({"DEL", "s"});
  run({"SET", "s", "text"});
  run({"DEL", "s"});
  run({"XADD", "s", "3-1", "f", "v"});
  EXPECT_EQ(answer(reader), "(waits)") << "behind 5-1 is nothing";
  run({"XADD", "s", "6-1", "f", "v"});
  EXPECT_NE(answer(reader).find("\"6-1\""), std::string::npos);
}

TEST_F(Waits, a_new_entry_goes_to_one_consumer_of_a_group) {
  run({"XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"});
  const auto first = wait({"XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">"});
  const auto second = wait({"XREADGROUP", "GROUP", "g", "b", "BLOCK", "0", "STREAMS", "s", ">"});
  run({"XADD", "s", "1-1", "f", "v"});
  EXPECT_NE(answer(first).find("\"1-1\""), std::string::npos);
  EXPECT_EQ(answer(second), "(waits)");
  EXPECT_EQ(run({"XPENDING", "s", "g"}), "[1, \"1-1\", \"1-1\", [[\"a\", \"1\"]]]");
  run({"XADD", "s", "2-1", "f", "v"});
  EXPECT_NE(answer(second).find("\"2-1\""), std::string::npos);
  EXPECT_EQ(run({"XPENDING", "s", "g"}), "[2, \"1-1\", \"2-1\", [[\"a\", \"1\"], [\"b\", \"1\"]]]");
  const auto third = wait({"XREADGROUP", "GROUP", "g", "a", "BLOCK", "0", "STREAMS", "s", ">"});
  run({"XGROUP", "DESTROY", "s", "g"});
  EXPECT_EQ(answer(third), "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option");
}

}  // namespace
}  // namespace stave::commands
