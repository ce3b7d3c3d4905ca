#include "commands/multi.h"

#include "commands/answer_tape.h"
#include "commands/client_list.h"
#include "commands/fixture_for_test.h"
#include "commands/table.h"

namespace stave::commands {
namespace {

class MultiTest : public CommandsTest {
 protected:
  std::string other(std::initializer_list<std::string_view> arguments) {
    if (other_ == nullptr) other_ = new_session();
    return spell(run_in(*other_, arguments));
  }
  void TearDown() override {
    other_.reset();
    CommandsTest::TearDown();
  }
  /// MULTI, the calls, EXEC: what EXEC answers.
  std::string all(std::initializer_list<std::initializer_list<std::string_view>> calls) {
    EXPECT_EQ(run({"MULTI"}), "OK");
    for (const auto& call : calls) EXPECT_EQ(run(call), "QUEUED");
    return run({"EXEC"});
  }

  std::unique_ptr<Session> other_;
};

const char* const kAborted = "-EXECABORT Transaction discarded because of previous errors.";

TEST_F(MultiTest, EXEC_runs_what_was_queued_in_its_order) {
  EXPECT_EQ(all({{"SET", "a", "1"}, {"INCR", "a"}, {"GET", "a"}, {"HGETALL", "none"}, {"PING"}}),
            "[OK, 2, \"2\", {}, PONG]");
  EXPECT_EQ(run({"GET", "a"}), "\"2\"");
  EXPECT_EQ(all({}), "[]");
}

TEST_F(MultiTest, nothing_is_seen_before_EXEC) {
  run({"MULTI"});
  run({"SET", "a", "1"});
  EXPECT_EQ(other({"GET", "a"}), "nil");
  run({"EXEC"});
  EXPECT_EQ(other({"GET", "a"}), "\"1\"");
}

TEST_F(MultiTest, words_out_of_place_are_refused_and_the_rest_goes_on) {
  EXPECT_EQ(run({"EXEC"}), "-ERR EXEC without MULTI");
  EXPECT_EQ(run({"DISCARD"}), "-ERR DISCARD without MULTI");
  EXPECT_EQ(run({"MULTI", "PERHAPS"}), "-ERR wrong number of arguments for 'multi' command");
  run({"MULTI"});
  EXPECT_EQ(run({"MULTI"}), "-ERR MULTI calls can not be nested");
  EXPECT_EQ(run({"WATCH", "a"}), "-ERR WATCH inside MULTI is not allowed");
  EXPECT_EQ(run({"SET", "a", "1"}), "QUEUED");
  EXPECT_EQ(run({"EXEC"}), "[OK]");
}

TEST_F(MultiTest, a_command_that_cannot_be_queued_aborts_the_transaction) {
  for (const auto& [call, line] : std::vector<std::pair<std::vector<std::string_view>, std::string>>{
           {{"NOSUCH"}, "-ERR unknown command 'NOSUCH', with args beginning with: "},
           {{"GET"}, "-ERR wrong number of arguments for 'get' command"},
           {{"CLIENT", "NOSUCH"}, "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP."},
           {{"SAVE"}, "-ERR Command not allowed inside a transaction"},
           {{"SWAPDB", "0", "1"}, "-ERR Command not allowed inside a transaction"},
           {{"HELLO", "2"}, "-ERR Command not allowed inside a transaction"},
           {{"CLIENT", "REPLY", "OFF"}, "-ERR Command not allowed inside a transaction"}}) {
    run({"MULTI"});
    EXPECT_EQ(run({"SET", "a", "1"}), "QUEUED");
    EXPECT_EQ(run(call), line);
    EXPECT_EQ(run({"SET", "a", "1"}), "QUEUED");
    EXPECT_EQ(run({"EXEC"}), kAborted);
  }
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  run({"MULTI"});
  EXPECT_EQ(run({"EXEC", "now"}),
            "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command");
  EXPECT_EQ(run({"EXEC"}), "-ERR EXEC without MULTI");
}

TEST_F(MultiTest, an_error_is_its_own_commands_alone) {
  run({"MSET", "word", "x", "a", "1"});
  EXPECT_EQ(all({{"SET", "a", "2"}, {"INCR", "word"}, {"LPUSH", "word", "x"}, {"INCR", "a"}, {"SELECT", "99"}}),
            "[OK, -ERR value is not an integer or out of range, -WRONGTYPE Operation against a key holding the wrong "
            "kind of value, 3, -ERR DB index is out of range]");
  EXPECT_EQ(run({"GET", "a"}), "\"3\"");
}

// MSET makes its first change, and then has a value that is too large.
TEST_F(MultiTest, what_a_failing_command_did_before_it_failed_is_undone) {
  options_.value_bytes_max = 100;
  reopen();
  run({"SET", "a", "before"});
  const std::string large(200, 'x');
  EXPECT_EQ(all({{"SET", "first", "1"}, {"MSET", "a", "after", "b", large}, {"INCR", "first"}, {"GET", "a"}}),
            "[OK, -ERR string exceeds maximum allowed size (proto-max-bulk-len), 2, \"before\"]");
  EXPECT_EQ(run({"MGET", "a", "b", "first"}), "[\"before\", nil, \"2\"]");
}

TEST_F(MultiTest, with_ROLLBACK_an_error_undoes_everything_and_says_which) {
  run({"MSET", "word", "x", "a", "1"});
  EXPECT_EQ(run({"MULTI", "rollback"}), "OK");
  run({"SET", "a", "2"});
  run({"SELECT", "1"});
  run({"SET", "a", "elsewhere"});
  run({"LPOP", "a"});
  EXPECT_EQ(
      run({"EXEC"}),
      "-EXECABORT Transaction discarded: command 4 ('lpop') failed, and everything was undone: WRONGTYPE Operation "
      "against a key holding the wrong kind of value");
  EXPECT_EQ(session_->database(), 0);
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(run({"COPY", "a", "a", "DB", "1"}), "1");
  run({"MULTI", "ROLLBACK"});
  EXPECT_EQ(run({"CONFIG", "GET", "timeout"}),
            "-ERR Command not allowed inside a transaction that rolls back: what it does could not be undone");
  EXPECT_EQ(run({"EXEC"}), kAborted);
  run({"MULTI", "ROLLBACK"});
  run({"INCR", "a"});
  EXPECT_EQ(run({"EXEC"}), "[2]");
}

// As Redis does it: one too few is refused when it comes, one too many when it is run, where the number is not fixed.
TEST_F(MultiTest, too_many_arguments_are_an_error_of_the_command) {
  EXPECT_EQ(all({{"SET", "a", "1"}, {"PING", "a", "b"}, {"INCR", "a"}}),
            "[OK, -ERR wrong number of arguments for 'ping' command, 2]");
  run({"MULTI"});
  EXPECT_EQ(run({"GET", "a", "b"}), "-ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(run({"EXEC"}), kAborted);
}

TEST_F(MultiTest, DISCARD_forgets_everything) {
  run({"WATCH", "a"});
  other({"SET", "a", "1"});
  run({"MULTI"});
  run({"SET", "b", "1"});
  run({"NOSUCH"});
  EXPECT_EQ(run({"DISCARD"}), "OK");
  EXPECT_EQ(all({{"EXISTS", "b"}}), "[0]");
}

TEST_F(MultiTest, a_watched_key_that_was_changed_stops_EXEC) {
  const std::vector<std::vector<std::string_view>> changes = {
      {"SET", "k", "1"},         {"APPEND", "k", "x"}, {"DEL", "k"},         {"EXPIRE", "k", "100"},
      {"RENAME", "k", "other"},  {"FLUSHDB"},          {"FLUSHALL"},         {"SWAPDB", "0", "3"},
      {"RENAME", "source", "k"}, {"MOVE", "k", "5"},   {"PEXPIRE", "k", "0"}};
  for (const auto& change : changes) {
    SCOPED_TRACE(change[0]);
    run({"FLUSHALL"});
    run({"MSET", "k", "0", "source", "0"});
    run({"WATCH", "k", "untouched"});
    other(std::initializer_list<std::string_view>{"PING"});
    EXPECT_NE(spell(run_in(*other_, change))[0], '-');
    EXPECT_EQ(all({{"SET", "done", "1"}}), "nil");
    EXPECT_EQ(run({"EXISTS", "done"}), "0");
    // What was watched is forgotten.
    EXPECT_EQ(all({{"SET", "done", "1"}}), "[OK]");
  }
}

TEST_F(MultiTest, a_watched_collection_is_changed_with_any_of_its_elements) {
  run({"HSET", "hash", "f", "v"});
  for (int i = 0; i < 3000; ++i) run({"HSET", "large", "field" + std::to_string(i), "some value that takes its room"});
  for (const std::string_view key : {"hash", "large"}) {
    run({"WATCH", key});
    EXPECT_EQ(all({{"HLEN", key}}), key == "hash" ? "[1]" : "[3000]");
    run({"WATCH", key});
    other({"HSET", key, key == "hash" ? "f" : "field7", "other"});
    EXPECT_EQ(all({{"HLEN", key}}), "nil");
  }
}

TEST_F(MultiTest, what_leaves_a_watched_key_as_it_is_does_not_stop_EXEC) {
  run({"MSET", "k", "0", "source", "0"});
  run({"WATCH", "k", "none"});
  other({"GET", "k"});
  other({"SET", "else", "1"});
  other({"SELECT", "1"});
  other({"SET", "k", "1"});
  other({"FLUSHDB"});
  EXPECT_EQ(all({{"GET", "k"}}), "[\"0\"]");
  run({"WATCH", "k"});
  run({"UNWATCH"});
  run({"SET", "k", "1"});
  EXPECT_EQ(all({{"GET", "k"}}), "[\"1\"]");
}

TEST_F(MultiTest, a_key_that_was_not_there_is_watched_too) {
  run({"WATCH", "new"});
  other({"SET", "new", "1"});
  EXPECT_EQ(all({{"PING"}}), "nil");
  // Redis' rule since 7.0: what had expired already when it was watched has not been changed by its removal.
  run({"DEBUG", "SET-ACTIVE-EXPIRE", "0"});
  run({"SET", "k", "1", "PX", "10"});
  clock_.advance_ms(20);
  run({"WATCH", "k"});
  EXPECT_EQ(other({"DEL", "k"}), "0");
  EXPECT_EQ(all({{"PING"}}), "[PONG]");
  run({"SET", "k", "1", "PX", "10"});
  run({"WATCH", "k"});
  clock_.advance_ms(20);
  EXPECT_EQ(all({{"PING"}}), "nil");
}

TEST_F(MultiTest, keys_are_watched_and_changed_in_the_database_that_was_chosen) {
  run({"SELECT", "5"});
  run({"WATCH", "k"});
  run({"SELECT", "0"});
  other({"SET", "k", "0"});
  EXPECT_EQ(all({{"PING"}}), "[PONG]");
  run({"SELECT", "5"});
  run({"WATCH", "k"});
  run({"SELECT", "0"});
  other({"SELECT", "5"});
  other({"SET", "k", "0"});
  EXPECT_EQ(all({{"PING"}}), "nil");
  EXPECT_EQ(
      all({{"SET", "a", "0"}, {"SELECT", "7"}, {"SET", "a", "7"}, {"SELECT", "8"}, {"DBSIZE"}, {"SET", "a", "8"}}),
      "[OK, OK, OK, OK, 0, OK]");
  EXPECT_EQ(session_->database(), 8);
  EXPECT_EQ(run({"GET", "a"}), "\"8\"");
  run({"SELECT", "7"});
  EXPECT_EQ(run({"GET", "a"}), "\"7\"");
}

TEST_F(MultiTest, whole_databases_take_part_and_are_undone) {
  run({"MSET", "a", "1", "b", "2"});
  EXPECT_EQ(
      all({{"SET", "c", "3"}, {"DBSIZE"}, {"KEYS", "*"}, {"DEL", "a"}, {"FLUSHDB"}, {"DBSIZE"}, {"SET", "d", "4"}}),
      "[OK, 3, [\"a\", \"b\", \"c\"], 1, OK, 0, OK]");
  EXPECT_EQ(run({"KEYS", "*"}), "[\"d\"]");
  run({"MULTI", "ROLLBACK"});
  run({"FLUSHALL"});
  run({"SET", "x", "word"});
  run({"INCR", "x"});
  EXPECT_EQ(run({"EXEC"}).substr(0, 10), "-EXECABORT");
  EXPECT_EQ(run({"KEYS", "*"}), "[\"d\"]");
  reopen();
  EXPECT_EQ(run({"KEYS", "*"}), "[\"d\"]");
}

TEST_F(MultiTest, what_has_no_part_in_the_data_runs_once_it_has_happened_and_answers_in_its_place) {
  EXPECT_EQ(
      all({{"SET", "a", "1"}, {"CLIENT", "SETNAME", "me"}, {"INCR", "a"}, {"CLIENT", "GETNAME"}, {"INFO", "none"}}),
      "[OK, OK, 2, \"me\", \"\"]");
  run({"WATCH", "a"});
  other({"SET", "a", "5"});
  EXPECT_EQ(all({{"CLIENT", "SETNAME", "nobody"}}), "nil");
  EXPECT_EQ(run({"CLIENT", "GETNAME"}), "\"me\"");
}

TEST_F(MultiTest, all_is_one_batch_in_the_log) {
  run({"SET", "gone", "1"});
  EXPECT_EQ(all({{"SET", "a", "1"}, {"SET", "b", "2"}, {"INCR", "a"}, {"DEL", "gone"}, {"RPUSH", "l", "x", "y"}}),
            "[OK, OK, 2, 1, 2]");
  EXPECT_GE(session_->last_write, engine_->log().tail());
  reopen();
  EXPECT_EQ(run({"MGET", "a", "b", "gone"}), "[\"2\", \"2\", nil]");
}

// Nobody is told what a crash could take back: neither what EXEC did or saw, nor why it did nothing.
TEST_F(MultiTest, the_answer_waits_for_what_it_tells) {
  const auto waits_for = [&](Session& session, std::initializer_list<std::string_view> call) {
    ReplySink sink(session);
    dispatch(session, std::span(call.begin(), call.size()), sink);
    return session.take_pending().durable;
  };
  const auto run_unsafe = [&](std::initializer_list<std::string_view> call) { waits_for(*session_, call); };
  run({"SET", "k", "0"});
  run({"WATCH", "k"});
  run({"MULTI"});
  run({"SET", "a", "1"});
  other({"PING"});
  const Lsn durable = engine_->log().durable();
  EXPECT_GT(waits_for(*other_, {"SET", "k", "1"}), durable);
  EXPECT_GT(waits_for(*session_, {"EXEC"}), durable) << "a watched key was changed";
  run_unsafe({"MULTI"});
  run_unsafe({"GET", "k"});
  EXPECT_GT(waits_for(*session_, {"EXEC"}), durable) << "it shows what is not safe yet";
  run_unsafe({"MULTI"});
  run_unsafe({"SET", "a", "2"});
  const Lsn waits = waits_for(*session_, {"EXEC"});
  EXPECT_EQ(waits, engine_->log().tail());
  run_unsafe({"MULTI", "ROLLBACK"});
  run_unsafe({"INCRBY", "k", "1"});
  run_unsafe({"LPOP", "a"});
  EXPECT_GT(waits_for(*session_, {"EXEC"}), durable) << "it was decided by what is not safe yet";
  EXPECT_EQ(engine_->log().tail(), waits) << "nothing was logged";
  EXPECT_EQ(engine_->log().durable(), durable);
}

TEST_F(MultiTest, CLIENT_REPLY_holds_for_the_whole_of_it) {
  run({"CLIENT", "REPLY", "OFF"});
  run({"MULTI", "ROLLBACK"});
  EXPECT_FALSE(answered_);
  run({"SET", "a", "word"});
  run({"INCR", "a"});
  run({"EXEC"});
  EXPECT_FALSE(answered_);
  run({"MULTI"});
  run({"SET", "b", "1"});
  run({"EXEC"});
  EXPECT_EQ(run({"CLIENT", "REPLY", "ON"}), "OK");
  EXPECT_EQ(run({"MGET", "a", "b"}), "[nil, \"1\"]");
}

TEST_F(MultiTest, CLIENT_LIST_tells_how_much_is_queued) {
  EXPECT_NE(run({"CLIENT", "INFO"}).find(" multi=-1 "), std::string::npos);
  run({"MULTI"});
  EXPECT_NE(other({"CLIENT", "LIST"}).find(" flags=x db=0 sub=0 psub=0 ssub=0 multi=0 "), std::string::npos);
  run({"SET", "a", "1"});
  run({"SET", "a", "1"});
  const std::string line = other({"CLIENT", "LIST"});
  EXPECT_NE(line.find(" multi=2 "), std::string::npos);
  EXPECT_EQ(line.find(" multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=set"), std::string::npos);
  run({"DISCARD"});
  EXPECT_EQ(other({"CLIENT", "LIST"}).find(" flags=x "), std::string::npos);
}

TEST_F(MultiTest, RESET_leaves_MULTI_and_forgets_what_is_watched) {
  run({"SET", "a", "1"});
  run({"WATCH", "a"});
  run({"SET", "a", "2"});
  run({"MULTI"});
  EXPECT_EQ(run({"RESET"}), "RESET");
  EXPECT_EQ(run({"EXEC"}), "-ERR EXEC without MULTI");
  session_->set_protocol(3);
  EXPECT_EQ(all({{"GET", "a"}}), "[\"2\"]");
}

TEST_F(MultiTest, what_is_queued_has_a_bound) {
  session_->queued_bytes_max = 10'000;
  run({"MULTI"});
  const std::string value(1000, 'v');
  std::string answer;
  int queued = 0;
  while ((answer = run({"SET", "a", value})) == "QUEUED") ++queued;
  EXPECT_EQ(answer, "-OOM there is no room to queue so much: see client-query-buffer-limit and maxmemory");
  EXPECT_GT(queued, 4);
  EXPECT_LT(queued, 10);
  EXPECT_EQ(run({"PING"}), "QUEUED");
  EXPECT_EQ(run({"EXEC"}), kAborted);
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run({"WATCH", std::string(20'000, 'k')}).substr(0, 4), "-OOM");
  EXPECT_EQ(all({{"SET", "a", value}}), "[OK]");
}

TEST_F(MultiTest, answers_that_are_too_large_undo_everything) {
  run({"SET", "large", std::string(6000, 'v')});
  session_->answer_bytes_max = 10'000;
  EXPECT_EQ(all({{"GET", "large"}, {"SET", "a", "1"}}).size(), std::string("[\"\", OK]").size() + 6000);
  EXPECT_EQ(all({{"INCR", "a"}, {"GET", "large"}, {"GET", "large"}}),
            "-EXECABORT Transaction discarded: ERR the answers of the transaction need more memory than "
            "output-buffer-hard-limit or maxmemory allow");
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
}

TEST_F(MultiTest, without_room_a_transaction_that_grows_does_nothing) {
  run({"RPUSH", "l", "a", "b"});
  run({"MULTI"});
  run({"SET", "a", "1"});
  run({"LPOP", "l"});
  engine_->budget().set(1, MemoryPolicy::kNoEviction);
  EXPECT_EQ(run({"EXEC"}),
            "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.");
  run({"MULTI"});
  EXPECT_EQ(run({"SET", "a", "1"}), "-OOM command not allowed when used memory > 'maxmemory'.");
  EXPECT_EQ(run({"EXEC"}), kAborted) << "whatever there is room for by then";
  EXPECT_EQ(all({{"LPOP", "l"}, {"LLEN", "l"}}), "[\"a\", 1]");
  engine_->budget().set(0, MemoryPolicy::kNoEviction);
  EXPECT_EQ(all({{"SET", "a", "1"}}), "[OK]");
}

TEST_F(MultiTest, a_pause_of_writes_holds_EXEC_if_it_writes) {
  const auto pauses = [&](std::initializer_list<std::string_view> call) {
    const std::span words(call.begin(), call.size());
    return must_pause(*session_, resolve(words), words);
  };
  run({"MULTI"});
  run({"GET", "a"});
  other({"CLIENT", "PAUSE", "100000", "WRITE"});
  EXPECT_FALSE(pauses({"SET", "a", "1"}));
  EXPECT_FALSE(pauses({"EXEC"}));
  run({"SET", "a", "1"});
  EXPECT_TRUE(pauses({"EXEC"}));
  EXPECT_FALSE(pauses({"DISCARD"}));
  run({"DISCARD"});
  EXPECT_TRUE(pauses({"SET", "a", "1"}));
  EXPECT_TRUE(pauses({"PFCOUNT", "a"}));
  EXPECT_TRUE(pauses({"PUBLISH", "a", "b"}));
  EXPECT_FALSE(pauses({"GET", "a"}));
}

TEST_F(MultiTest, a_pause_of_writes_holds_scripts_that_do_not_say_that_they_read_only) {
  const auto pauses = [&](std::initializer_list<std::string_view> call) {
    const std::span words(call.begin(), call.size());
    return must_pause(*session_, resolve(words), words);
  };
  constexpr std::string_view kReads = "#!lua flags=no-writes\nreturn 1";
  constexpr std::string_view kWrites = "return 1";
  constexpr std::size_t kShaDigits = 40;
  const std::string reads = run({"SCRIPT", "LOAD", kReads}).substr(1, kShaDigits);
  const std::string writes = run({"SCRIPT", "LOAD", kWrites}).substr(1, kShaDigits);
  run({"FUNCTION", "LOAD",
       "#!lua name=l\nredis.register_function('w', function() end)\n"
       "redis.register_function{function_name='r', callback=function() end, flags={'no-writes'}}"});
  other({"CLIENT", "PAUSE", "100000", "WRITE"});
  EXPECT_TRUE(pauses({"EVAL", kWrites, "0"}));
  EXPECT_FALSE(pauses({"EVAL", kReads, "0"}));
  EXPECT_FALSE(pauses({"EVAL_RO", kWrites, "0"}));
  EXPECT_TRUE(pauses({"EVALSHA", writes, "0"}));
  EXPECT_FALSE(pauses({"EVALSHA", reads, "0"}));
  EXPECT_TRUE(pauses({"FCALL", "w", "0"}));
  EXPECT_FALSE(pauses({"FCALL", "R", "0"}));
  EXPECT_FALSE(pauses({"FCALL", "unknown", "0"}));
  run({"MULTI"});
  run({"EVAL", kReads, "0"});
  EXPECT_FALSE(pauses({"EXEC"}));
  run({"EVAL", kWrites, "0"});
  EXPECT_TRUE(pauses({"EXEC"}));
}

TEST_F(MultiTest, EXEC_says_which_values_it_needs_and_queueing_needs_none) {
  const auto needed = [&](std::initializer_list<std::string_view> call) {
    const std::span words(call.begin(), call.size());
    std::vector<store::KeyRef> keys;
    keys_needed(*session_, resolve(words), words, keys);
    std::string text;
    for (const store::KeyRef& key : keys) text += std::to_string(key.database) + ":" + std::string(key.key) + " ";
    return text;
  };
  run({"MULTI"});
  run({"GET", "a"});
  run({"SELECT", "2"});
  run({"SET", "b", "1"});
  run({"MGET", "c", "d"});
  EXPECT_EQ(needed({"GET", "e"}), "");
  EXPECT_EQ(needed({"EXEC"}), "0:a 2:c 2:d ");
}

// Every row says whether it may be queued, so that a new one does not slip in.
TEST(MultiRows, nothing_is_both_and_what_waits_is_not_queued) {
  const auto check = [](const Command& row) {
    const auto flagged = [&](std::uint32_t flag) { return (row.flags & flag) != 0; };
    EXPECT_LE(flagged(kTogether) + flagged(kAfterCommit) + flagged(kNotQueued), 1) << full_name(row);
    EXPECT_TRUE(flagged(kTogether) || !flagged(kWholeDatabase | kAllDatabases)) << full_name(row);
    EXPECT_TRUE(row.keys.none() || !flagged(kAfterCommit))
        << full_name(row) << ": it would see other keys than the rest";
  };
  for (const Command& row : command_table()) {
    check(row);
    for (const Command& sub : row.subcommands) check(sub);
  }
}

TEST(AnswerTape, plays_what_was_written) {
  AnswerTape tape(nullptr, 1000, 3);
  tape.begin_answer();
  tape.array(2);
  tape.bulk("a");
  tape.map(1);
  tape.integer(-5);
  tape.real(0.5);
  tape.begin_answer();
  tape.error("ERR no");
  EXPECT_EQ(tape.error_line(), "ERR no");
  tape.begin_answer();
  tape.verbatim("txt", "text");
  EXPECT_EQ(tape.error_line(), "");
  AnswerTape copy(nullptr, 1000, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    copy.begin_answer();
    tape.play(i, copy);
  }
  copy.begin_answer();
  copy.null();
  AnswerTape again(nullptr, 60, 3);
  again.begin_answer();
  copy.play(1, again);
  EXPECT_EQ(again.error_line(), "ERR no");
  copy.play(0, again);
  EXPECT_TRUE(again.full());
  again.rewind();
  EXPECT_FALSE(again.full());
}

}  // namespace
}  // namespace stave::commands
