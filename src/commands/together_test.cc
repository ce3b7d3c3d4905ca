#include "commands/together.h"

#include <map>
#include <set>

#include "commands/fixture_for_test.h"
#include "commands/table.h"

namespace stave::commands {
namespace {

using Words = std::vector<std::string_view>;

class Together : public CommandsTest {
 protected:
  /// The answers, or the line why nothing was done.
  std::vector<std::string> run_all(const std::vector<Words>& calls) {
    const std::vector<ResolvedCall> given(calls.begin(), calls.end());
    std::vector<std::string> answers;
    const auto done = run_together(*session_, given, [&](std::size_t i) {
      ReplySink sink(*session_);
      dispatch(*session_, given[i].resolved, given[i].arguments, sink);
      EXPECT_TRUE(sink.complete());
      const Reply reply = sink.take();
      answers.push_back(spell(reply));
      return reply.kind == Reply::Kind::kError ? reply.text : std::string();
    });
    EXPECT_EQ(session_->shared, nullptr);
    if (!done) return {done.error().line};
    EXPECT_TRUE(engine_->wait(*done));
    return answers;
  }
  static std::vector<std::string> discarded(std::string why) {
    return {"EXECABORT Transaction discarded: " + std::move(why)};
  }
};

// Each command that may be one of several, as it would be used. A new one has to be added here.
const std::map<std::string_view, std::vector<Words>> kUses = {
    {"APPEND", {{"APPEND", "text", "more"}, {"APPEND", "new", "x"}}},
    {"DECR", {{"DECR", "number"}}},
    {"DECRBY", {{"DECRBY", "number", "5"}}},
    {"DEL", {{"DEL", "text", "none", "number"}}},
    {"DUMP", {{"DUMP", "text"}, {"DUMP", "none"}}},
    {"ECHO", {{"ECHO", "hello"}}},
    {"EXISTS", {{"EXISTS", "text", "none", "text"}}},
    {"EXPIRE", {{"EXPIRE", "text", "100"}, {"EXPIRE", "mortal", "100", "GT"}, {"EXPIRE", "none", "1"}}},
    {"EXPIREAT", {{"EXPIREAT", "text", "9999999999"}, {"EXPIREAT", "text", "1"}}},
    {"EXPIRETIME", {{"EXPIRETIME", "mortal"}, {"EXPIRETIME", "text"}}},
    {"GET", {{"GET", "text"}, {"GET", "none"}}},
    {"GETDEL", {{"GETDEL", "text"}, {"GETDEL", "text"}}},
    {"GETEX", {{"GETEX", "text", "EX", "100"}, {"GETEX", "mortal", "PERSIST"}, {"GETEX", "none"}}},
    {"GETRANGE", {{"GETRANGE", "text", "1", "-2"}}},
    {"GETSET", {{"GETSET", "text", "x"}, {"GETSET", "new", "y"}}},
    {"INCR", {{"INCR", "number"}, {"INCR", "new"}, {"INCR", "number"}}},
    {"INCRBY", {{"INCRBY", "number", "-7"}}},
    {"INCRBYFLOAT", {{"INCRBYFLOAT", "number", "0.5"}}},
    {"LCS", {{"LCS", "text", "number"}, {"LCS", "text", "text", "LEN"}}},
    {"MGET", {{"MGET", "text", "none", "number"}}},
    {"MSET", {{"MSET", "text", "1", "new", "2"}}},
    {"MSETNX", {{"MSETNX", "text", "1", "new", "2"}, {"MSETNX", "new", "1", "newer", "2"}}},
    {"PERSIST", {{"PERSIST", "mortal"}, {"PERSIST", "text"}}},
    {"PEXPIRE", {{"PEXPIRE", "text", "100000", "NX"}, {"PEXPIRE", "mortal", "-1"}}},
    {"PEXPIREAT", {{"PEXPIREAT", "mortal", "9999999999999"}}},
    {"PEXPIRETIME", {{"PEXPIRETIME", "mortal"}}},
    {"PING", {{"PING"}, {"PING", "x"}}},
    {"PSETEX", {{"PSETEX", "text", "100000", "v"}}},
    {"PTTL", {{"PTTL", "mortal"}, {"PTTL", "none"}}},
    {"RENAME", {{"RENAME", "text", "number"}, {"RENAME", "mortal", "mortal"}}},
    {"RENAMENX", {{"RENAMENX", "text", "number"}, {"RENAMENX", "mortal", "new"}}},
    {"RESTORE", {{"RESTORE", "new", "0", "\x00\x01x\x0b\x00"}}},  // refused, in the same words
    {"SET",
     {{"SET", "text", "1"},
      {"SET", "text", "2", "NX", "GET"},
      {"SET", "text", "3", "IFEQ", "1"},
      {"SET", "mortal", "4", "KEEPTTL"},
      {"SET", "new", "5", "EX", "9"}}},
    {"SETEX", {{"SETEX", "new", "100", "v"}}},
    {"SETNX", {{"SETNX", "text", "1"}, {"SETNX", "new", "1"}}},
    {"SETRANGE", {{"SETRANGE", "text", "3", "xyz"}, {"SETRANGE", "new", "2", "a"}}},
    {"STRLEN", {{"STRLEN", "text"}, {"STRLEN", "none"}}},
    {"SUBSTR", {{"SUBSTR", "text", "0", "1"}}},
    {"TOUCH", {{"TOUCH", "text", "none"}}},
    {"TTL", {{"TTL", "mortal"}, {"TTL", "text"}, {"TTL", "none"}}},
    {"TYPE", {{"TYPE", "text"}, {"TYPE", "none"}}},
    {"UNLINK", {{"UNLINK", "text"}}},
};

// Alone or among others, a command answers the same and leaves the same; a command that went past the shared
// transaction would wait for itself here.
TEST_F(Together, commands_do_what_they_do_alone) {
  const auto fill = [&](const std::string& database) {
    run({"SELECT", database});
    run({"FLUSHDB"});
    run({"MSET", "text", "some text", "number", "41"});
    run({"SET", "mortal", "soon", "PX", "50000"});
  };
  const auto everything = [&] {
    std::string all;
    for (const char* key : {"text", "number", "mortal", "new", "newer", "none"})
      all += run({"GET", key}) + " " + run({"PEXPIRETIME", key}) + "\n";
    return all;
  };
  for (const Command& row : command_table()) {
    if ((row.flags & kTogether) == 0) continue;
    SCOPED_TRACE(row.name);
    ASSERT_TRUE(kUses.contains(row.name)) << "say how it is used";
    for (const Words& use : kUses.at(row.name)) {
      fill("0");
      const std::string alone = spell(run_in(*session_, use));
      const std::string left = everything();
      fill("1");
      const auto among = run_all({{"GET", "text"}, use, {"EXISTS", "number"}});
      if (alone.starts_with("-ERR") || alone.starts_with("-WRONG")) {
        EXPECT_EQ(among, discarded(alone.substr(1)));
      } else {
        ASSERT_EQ(among.size(), 3u) << among[0];
        EXPECT_EQ(among[1], alone);
      }
      EXPECT_EQ(everything(), left);
    }
  }
}

TEST_F(Together, later_commands_see_what_earlier_ones_did) {
  EXPECT_EQ(run_all({{"SET", "a", "1"}, {"INCR", "a"}, {"RENAME", "a", "b"}, {"APPEND", "b", "0"}, {"MGET", "a", "b"}}),
            (std::vector<std::string>{"OK", "2", "OK", "2", "[nil, \"20\"]"}));
  EXPECT_EQ(run({"GET", "b"}), "\"20\"");
}

TEST_F(Together, an_error_undoes_everything) {
  run({"MSET", "a", "1", "word", "x"});
  run({"SET", "mortal", "1", "EX", "100"});
  EXPECT_EQ(run_all({{"SET", "a", "2"}, {"PERSIST", "mortal"}, {"SET", "new", "1"}, {"INCR", "word"}}),
            discarded("ERR value is not an integer or out of range"));
  EXPECT_EQ(run({"MGET", "a", "new"}), "[\"1\", nil]");
  EXPECT_EQ(run({"TTL", "mortal"}), "100");
}

TEST_F(Together, what_cannot_take_part_refuses_the_whole_before_anything_is_done) {
  for (const Words& call : std::vector<Words>{{"FLUSHALL"},
                                              {"SCAN", "0"},
                                              {"DBSIZE"},
                                              {"COPY", "a", "b"},
                                              {"MOVE", "a", "1"},
                                              {"SAVE"},
                                              {"CONFIG", "GET", "dir"},
                                              {"CLIENT", "LIST"},
                                              {"NONE"}})
    EXPECT_EQ(run_all({{"SET", "a", "1"}, call}), discarded("'" + std::string(call[0]) + "' cannot be part of one"));
  EXPECT_EQ(run_all({{"SET", "a", "1"}, {"GET"}}), discarded("wrong number of arguments for 'get' command"));
  EXPECT_EQ(run({"EXISTS", "a"}), "0");
  EXPECT_EQ(run_all({}), std::vector<std::string>{});
}

TEST_F(Together, all_is_one_batch_in_the_log) {
  const Lsn before = engine_->log().tail();
  run_all({{"SET", "a", "1"}, {"SET", "b", "2"}, {"INCR", "a"}});
  EXPECT_EQ(run({"MGET", "a", "b"}), "[\"2\", \"2\"]");
  EXPECT_GT(engine_->log().tail(), before);
  EXPECT_GE(session_->last_write, engine_->log().tail());
  reopen();
  EXPECT_EQ(run({"MGET", "a", "b"}), "[\"2\", \"2\"]");
}

}  // namespace
}  // namespace stave::commands
