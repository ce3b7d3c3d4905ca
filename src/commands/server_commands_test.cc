// Sessions, clients and the process around them.
#include "commands/server_commands.h"
#include "base/sha256.h"
#include "commands/users.h"

#include <algorithm>

#include "commands/client_registry.h"
#include "commands/errors.h"
#include "commands/fixture_for_test.h"
#include "commands/latency_monitor.h"
#include "commands/slow_log.h"
#include "commands/statistics.h"
#include "commands/table.h"
#include "commands/version.h"

namespace stave::commands {
namespace {

constexpr const char* kSyntax = "-ERR syntax error";
constexpr const char* kNotInteger = "-ERR value is not an integer or out of range";

class Dispatch : public CommandsTest {};

TEST_F(Dispatch, names_unknown_commands_and_wrong_numbers_of_arguments) {
  EXPECT_EQ(run({"NOSUCH"}), "-ERR unknown command 'NOSUCH', with args beginning with: ");
  EXPECT_EQ(run({"nosuch", "a", "b c"}), "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b c' ");
  EXPECT_EQ(run({"x\r\ny"}), "-ERR unknown command 'x  y', with args beginning with: ");
  EXPECT_EQ(run({std::string(300, 'x'), std::string(300, 'y'), "z"}), "-ERR unknown command '" + std::string(128, 'x') +
                                                                          "', with args beginning with: '" +
                                                                          std::string(128, 'y') + "' ");
  EXPECT_EQ(run({"GET"}), "-ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(run({"CLIENT"}), "-ERR wrong number of arguments for 'client' command");
  EXPECT_EQ(run({"CLIENT", "ID", "x"}), "-ERR wrong number of arguments for 'client|id' command");
  EXPECT_EQ(run({"client", "foo"}), "-ERR unknown subcommand 'foo'. Try CLIENT HELP.");
  EXPECT_EQ(run(std::span<const std::string_view>{}), "-ERR empty command");
}

TEST_F(Dispatch, answers_exactly_once_whatever_it_is_given) {
  host_.can_shut_down = true;
  std::vector<std::vector<std::string>> calls;
  for (const Command& row : command_table()) {
    for (std::size_t extra = 0; extra < 5; ++extra) {
      std::vector<std::string> call(1 + extra, "0");
      call[0] = row.name;
      calls.push_back(call);
      for (const Command& sub : row.subcommands) {
        if (extra == 0) continue;
        call[1] = sub.name;
        calls.push_back(call);
      }
    }
  }
  for (const auto& call : calls) {
    std::vector<std::string_view> arguments(call.begin(), call.end());
    for (const int protocol : {2, 3}) {
      auto session = new_session();
      session->set_protocol(protocol);
      run_in(*session, arguments);
      const bool silent = call[0] == "SHUTDOWN" && call.size() == 1;
      EXPECT_EQ(answered_, !silent) << call[0] << " with " << call.size() - 1 << " arguments";
    }
  }
}

TEST_F(Dispatch, asks_for_the_password_first) {
  environment_->users().require_password(base::sha256_hex("secret"));
  auto session = new_session();
  const auto ask = [&](std::initializer_list<std::string_view> arguments) {
    return spell(run_in(*session, arguments));
  };
  EXPECT_EQ(ask({"GET", "a"}), "-NOAUTH Authentication required.");
  EXPECT_EQ(ask({"GET"}), "-ERR wrong number of arguments for 'get' command");
  EXPECT_EQ(ask({"CLIENT", "ID"}), "-NOAUTH Authentication required.");
  EXPECT_TRUE(ask({"HELLO", "3"}).starts_with("-NOAUTH HELLO must be called with the client already authenticated"));
  EXPECT_EQ(ask({"AUTH", "wrong"}), "-WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(ask({"AUTH", "nobody", "secret"}), "-WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(ask({"HELLO", "3", "AUTH", "default", "wrong"}),
            "-WRONGPASS invalid username-password pair or user is disabled.");
  EXPECT_EQ(ask({"AUTH", "a", "b", "c"}), kSyntax);
  EXPECT_EQ(ask({"AUTH", "secret"}), "OK");
  EXPECT_EQ(ask({"GET", "a"}), "nil");
  EXPECT_EQ(ask({"RESET"}), "RESET");
  EXPECT_EQ(ask({"GET", "a"}), "-NOAUTH Authentication required.");
  EXPECT_TRUE(ask({"HELLO", "3", "AUTH", "default", "secret"}).starts_with("{\"server\""));
  EXPECT_EQ(run({"GET", "a"}), "nil") << "who was there before stays";
}

TEST_F(Dispatch, spells_errors_of_the_engine) {
  EXPECT_EQ(spell_error(Error(ErrorCode::kWrongType, "x")),
            "WRONGTYPE Operation against a key holding the wrong kind of value");
  EXPECT_EQ(spell_error(Error(ErrorCode::kNoMemory, "x")), "OOM command not allowed when used memory > 'maxmemory'.");
  EXPECT_EQ(spell_error(Error(ErrorCode::kNoSpace, "the disk is full")), "MISCONF the disk is full");
  EXPECT_EQ(spell_error(Error(ErrorCode::kReadOnly, "frozen")), "MISCONF frozen");
  EXPECT_EQ(spell_error(Error(ErrorCode::kTooLarge, "too large")), "ERR too large");
  EXPECT_EQ(spell_error(Error(ErrorCode::kInvalidArgument, "NOAUTH first")), "NOAUTH first");
}

TEST_F(Dispatch, honours_client_reply) {
  EXPECT_EQ(run({"CLIENT", "REPLY", "OFF"}), "nil");
  EXPECT_FALSE(answered_);
  run({"SET", "a", "1"});
  EXPECT_FALSE(answered_);
  run({"NOSUCH"});
  EXPECT_FALSE(answered_);
  EXPECT_EQ(run({"CLIENT", "REPLY", "ON"}), "OK");
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  run({"CLIENT", "REPLY", "SKIP"});
  EXPECT_FALSE(answered_);
  run({"GET", "a"});
  EXPECT_FALSE(answered_);
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  EXPECT_EQ(run({"CLIENT", "REPLY", "FOO"}), kSyntax);
}

TEST_F(Dispatch, prefetching_anything_is_harmless) {
  std::vector<std::string_view> long_call(100, "k");
  long_call[0] = "MGET";
  const auto prefetched = [&](const std::vector<std::string_view>& call) {
    return prefetch(*session_, resolve(call), call);
  };
  EXPECT_NE(prefetched(long_call), 0u);
  EXPECT_EQ(prefetched({"GET"}), 0u);
  EXPECT_EQ(prefetched({"NOSUCH", "a"}), 0u);
  EXPECT_EQ(prefetched({"PING", "a"}), 0u);
  EXPECT_EQ(prefetched({"OBJECT", "ENCODING", "a"}), 0u);
  EXPECT_EQ(prefetched({}), 0u);
}

class Connection : public CommandsTest {};

TEST_F(Connection, ping_echo_quit_select) {
  EXPECT_EQ(run({"PING"}), "PONG");
  EXPECT_EQ(run({"PING", "x"}), "\"x\"");
  EXPECT_EQ(run({"PING", "x", "y"}), "-ERR wrong number of arguments for 'ping' command");
  EXPECT_EQ(run({"ECHO", "x"}), "\"x\"");
  EXPECT_EQ(run({"SELECT", "2"}), "OK");
  EXPECT_EQ(session_->info().database, 2);
  EXPECT_FALSE(session_->closing());
  EXPECT_EQ(run({"QUIT"}), "OK");
  EXPECT_TRUE(session_->closing());
}

TEST_F(Connection, hello_chooses_the_protocol) {
  EXPECT_EQ(run({"HELLO", "2", "SETNAME", "me"}),
            "{\"server\", \"redis\", \"version\", \"" + std::string(kRedisVersion) +
                "\", \"proto\", 2, \"id\", 1, \"mode\", \"standalone\", \"role\", \"master\", \"modules\", []}");
  EXPECT_EQ(session_->protocol(), 2);
  EXPECT_EQ(run({"CLIENT", "GETNAME"}), "\"me\"");
  EXPECT_EQ(run({"HELLO", "4"}), "-NOPROTO unsupported protocol version");
  EXPECT_EQ(run({"HELLO", "x"}), "-ERR Protocol version is not an integer or out of range");
  EXPECT_EQ(run({"HELLO", "2", "foo"}), "-ERR Syntax error in HELLO option 'foo'");
  EXPECT_EQ(run({"HELLO", "2", "AUTH", "a"}), "-ERR Syntax error in HELLO option 'AUTH'");
  EXPECT_TRUE(run({"AUTH", "a"}).starts_with("-ERR AUTH <password> called without any password configured"));
  EXPECT_EQ(run({"AUTH", "default", "a"}), "OK");
}

TEST_F(Connection, reset_forgets_everything) {
  for (auto call : {std::vector<std::string_view>{"SELECT", "3"},
                    {"CLIENT", "SETNAME", "me"},
                    {"STAVE.SYNC", "OS"},
                    {"CLIENT", "NO-TOUCH", "ON"}})
    EXPECT_EQ(run(call), "OK");
  EXPECT_EQ(run({"RESET"}), "RESET");
  EXPECT_EQ(session_->database(), 0);
  EXPECT_EQ(session_->protocol(), 2);
  EXPECT_EQ(run({"CLIENT", "GETNAME"}), "nil");
  EXPECT_EQ(run({"STAVE.SYNC"}), "\"default\"");
}

class RecordingControl : public ClientControl {
 public:
  void close(bool) override { closed = true; }
  bool closed = false;
};

class Clients : public CommandsTest {};

TEST_F(Clients, are_listed) {
  auto other = new_session(nullptr, "127.0.0.1:6000");
  EXPECT_EQ(run({"CLIENT", "SETNAME", "me"}), "OK");
  EXPECT_EQ(run({"CLIENT", "SETINFO", "lib-name", "lib"}), "OK");
  EXPECT_EQ(run({"CLIENT", "SETINFO", "LIB-VER", "1.0"}), "OK");
  clock_.advance_ms(3000);
  const std::string list = reply({"CLIENT", "LIST"}).text;
  EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 2);
  EXPECT_NE(list.find("id=1 addr=127.0.0.1:5000 "), std::string::npos);
  EXPECT_NE(list.find("cmd=client|list "), std::string::npos);
  EXPECT_NE(list.find("name=me age=3 "), std::string::npos);
  EXPECT_NE(list.find("lib-name=lib lib-ver=1.0"), std::string::npos);
  EXPECT_TRUE(reply({"CLIENT", "LIST", "ID", "2", "99"}).text.starts_with("id=2 "));
  EXPECT_EQ(reply({"CLIENT", "LIST", "TYPE", "pubsub"}).text, "");
  EXPECT_TRUE(reply({"CLIENT", "INFO"}).text.starts_with("id=1 "));
  EXPECT_EQ(run({"CLIENT", "LIST", "TYPE", "foo"}), "-ERR Unknown client type 'foo'");
  EXPECT_EQ(run({"CLIENT", "LIST", "ID", "x"}), "-ERR Invalid client ID");
  EXPECT_EQ(run({"CLIENT", "LIST", "FOO"}), kSyntax);
  EXPECT_EQ(run({"CLIENT", "ID"}), "1");
  other.reset();
  EXPECT_EQ(environment_->clients().size(), 1u);
}

TEST_F(Clients, are_killed_by_address_or_filter) {
  RecordingControl control;
  auto other = new_session(&control, "127.0.0.1:6000");
  EXPECT_EQ(run({"CLIENT", "KILL", "1.2.3.4:5"}), "-ERR No such client");
  EXPECT_EQ(run({"CLIENT", "KILL", "ID", "99"}), "0");
  EXPECT_EQ(run({"CLIENT", "KILL", "ID", "2", "TYPE", "pubsub"}), "0");
  EXPECT_FALSE(control.closed);
  EXPECT_EQ(run({"CLIENT", "KILL", "127.0.0.1:6000"}), "OK");
  EXPECT_TRUE(control.closed);
  EXPECT_EQ(run({"CLIENT", "KILL", "TYPE", "normal", "USER", "default"}), "1");
  EXPECT_FALSE(session_->closing());
  EXPECT_EQ(run({"CLIENT", "KILL", "ID", "1", "SKIPME", "no"}), "1");
  EXPECT_TRUE(session_->closing());
  EXPECT_EQ(run({"CLIENT", "KILL", "ID", "x"}), "-ERR client-id should be greater than 0");
  EXPECT_EQ(run({"CLIENT", "KILL", "TYPE", "foo"}), "-ERR Unknown client type 'foo'");
  EXPECT_EQ(run({"CLIENT", "KILL", "USER", "foo"}), "-ERR No such user 'foo'");
  EXPECT_EQ(run({"CLIENT", "KILL", "SKIPME", "foo"}), kSyntax);
  EXPECT_EQ(run({"CLIENT", "KILL", "a", "b", "c"}), kSyntax);
}

TEST_F(Clients, are_paused_until_a_deadline) {
  const auto pauses = [&](std::initializer_list<std::string_view> call) {
    const std::span words(call.begin(), call.size());
    return must_pause(*session_, resolve(words), words);
  };
  EXPECT_FALSE(environment_->pausing());
  EXPECT_EQ(run({"CLIENT", "PAUSE", "100", "WRITE"}), "OK");
  EXPECT_TRUE(environment_->pausing());
  EXPECT_TRUE(pauses({"SET", "a", "1"}));
  EXPECT_FALSE(pauses({"GET", "a"}));
  EXPECT_EQ(run({"CLIENT", "PAUSE", "100"}), "OK");
  EXPECT_TRUE(pauses({"GET", "a"}));
  EXPECT_FALSE(pauses({"CLIENT", "UNPAUSE"}));
  // Neither a shorter nor a milder one takes back what was asked for before.
  EXPECT_EQ(run({"CLIENT", "PAUSE", "1", "WRITE"}), "OK");
  clock_.advance_ms(99);
  EXPECT_TRUE(pauses({"GET", "a"}));
  clock_.advance_ms(1);
  EXPECT_FALSE(pauses({"GET", "a"}));
  EXPECT_FALSE(environment_->pausing());
  EXPECT_EQ(run({"CLIENT", "PAUSE", "9223372036854775807", "ALL"}), "OK");
  EXPECT_TRUE(pauses({"GET", "a"}));
  EXPECT_EQ(run({"CLIENT", "UNPAUSE"}), "OK");
  EXPECT_FALSE(pauses({"GET", "a"}));
  EXPECT_EQ(run({"CLIENT", "PAUSE", "x"}), "-ERR timeout is not an integer or out of range");
  EXPECT_EQ(run({"CLIENT", "PAUSE", "-1"}), "-ERR timeout is negative");
  EXPECT_EQ(run({"CLIENT", "PAUSE", "0", "foo"}), "-ERR CLIENT PAUSE mode must be WRITE or ALL");
}

TEST_F(Clients, refuse_nonsense) {
  EXPECT_EQ(run({"CLIENT", "SETNAME", "a b"}),
            "-ERR Client names cannot contain spaces, newlines or special characters.");
  EXPECT_EQ(run({"CLIENT", "SETINFO", "lib-name", "a b"}),
            "-ERR lib-name cannot contain spaces, newlines or special characters.");
  EXPECT_EQ(run({"CLIENT", "SETINFO", "foo", "a"}), "-ERR Unrecognized option 'foo'");
  EXPECT_EQ(run({"CLIENT", "UNBLOCK", "x"}), kNotInteger);
  EXPECT_EQ(run({"CLIENT", "UNBLOCK", "5", "foo"}), "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  EXPECT_EQ(run({"CLIENT", "UNBLOCK", "5", "ERROR"}), "0");
  EXPECT_EQ(run({"CLIENT", "NO-EVICT", "foo"}), kSyntax);
  EXPECT_EQ(run({"CLIENT", "NO-TOUCH", "foo"}), kSyntax);
  EXPECT_EQ(run({"CLIENT", "GETREDIR"}), "-1");
  EXPECT_EQ(run({"CLIENT", "TRACKINGINFO"}), "{\"flags\", [\"off\"], \"redirect\", -1, \"prefixes\", []}");
}

class Durability : public CommandsTest {};

TEST_F(Durability, of_a_session_is_its_own_choice) {
  EXPECT_EQ(run({"STAVE.SYNC"}), "\"default\"");
  EXPECT_EQ(run({"STAVE.SYNC", "os"}), "OK");
  EXPECT_EQ(run({"STAVE.SYNC"}), "\"os\"");
  EXPECT_EQ(session_->sync(), Sync::kOs);
  EXPECT_EQ(run({"STAVE.SYNC", "sometimes"}), kSyntax);
  EXPECT_EQ(run({"STAVE.COMMIT"}), "OK");
}

TEST_F(Durability, waitaof_waits_for_the_last_write) {
  run({"STAVE.SYNC", "OS"});
  const std::string_view set[] = {"SET", "a", "1"};
  ReplySink sink(*session_);
  dispatch(*session_, set, sink);
  EXPECT_EQ(session_->take_pending().durable, kNoLsn);
  const std::string_view wait[] = {"WAITAOF", "1", "0", "0"};
  dispatch(*session_, wait, sink);
  EXPECT_EQ(spell(sink.take()), "[1, 0]");
  EXPECT_EQ(session_->take_pending().durable, session_->last_write);
  EXPECT_NE(session_->last_write, kNoLsn);
}

TEST_F(Durability, commands_check_their_arguments) {
  EXPECT_EQ(run({"WAIT", "0", "0"}), "0");
  EXPECT_EQ(run({"WAIT", "a", "b"}), kNotInteger);
  EXPECT_EQ(run({"WAIT", "0", "x"}), "-ERR timeout is not an integer or out of range");
  EXPECT_EQ(run({"WAIT", "0", "-1"}), "-ERR timeout is negative");
  EXPECT_EQ(run({"WAITAOF", "2", "0", "0"}), "-ERR value is out of range, must be between 0 and 1");
  EXPECT_EQ(run({"WAITAOF", "1", "0", "-1"}), "-ERR timeout is negative");
}

TEST_F(Durability, every_read_hands_over_what_it_must_wait_for) {
  // A writer who waits for nothing; a reader under sync = always must then wait for what it saw.
  auto writer = new_session();
  for (const auto& call : std::vector<std::vector<std::string_view>>{{"GET", "a"},
                                                                     {"MGET", "a"},
                                                                     {"STRLEN", "a"},
                                                                     {"GETRANGE", "a", "0", "-1"},
                                                                     {"EXISTS", "a"},
                                                                     {"TTL", "a"},
                                                                     {"TYPE", "a"},
                                                                     {"KEYS", "*"},
                                                                     {"SCAN", "0"},
                                                                     {"DBSIZE"},
                                                                     {"DUMP", "a"},
                                                                     {"OBJECT", "ENCODING", "a"},
                                                                     {"MEMORY", "USAGE", "a"},
                                                                     {"RANDOMKEY"},
                                                                     {"SETNX", "a", "2"},
                                                                     {"GETEX", "a"},
                                                                     {"COPY", "a", "a2"},
                                                                     {"LCS", "a", "a"},
                                                                     {"TOUCH", "a"},
                                                                     {"DEBUG", "OBJECT", "a"},
                                                                     {"MSETNX", "a", "1"},
                                                                     {"EXPIRE", "a", "10", "XX"},
                                                                     {"PERSIST", "a"},
                                                                     {"RENAMENX", "a", "a"}}) {
    const std::string_view set[] = {"SET", "a", "1"};
    ReplySink sink(*writer);
    dispatch(*writer, set, sink);
    dispatch(*session_, call, sink);
    EXPECT_NE(session_->take_pending().durable, kNoLsn) << call[0];
  }
}

class Info : public CommandsTest {
 protected:
  std::string info(std::initializer_list<std::string_view> arguments) { return reply(arguments).text; }
};

TEST_F(Info, has_sections) {
  run({"SET", "a", "1", "EX", "10"});
  run({"GET", "a"});
  run({"GET", "none"});
  run({"NOSUCH"});
  run({"INCR", "a", "b"});
  const std::string all = info({"INFO", "everything"});
  for (const char* text : {"# Server\r\n", "redis_version:7.2", "stave_version:0.1.0\r\n", "\r\n\r\n# Clients\r\n",
                           "used_memory:", "aof_enabled:1", "keyspace_hits:1\r\n", "keyspace_misses:1\r\n",
                           "role:master", "cmdstat_set:calls=1,", "cmdstat_incr:calls=0,usec=0,", "rejected_calls=1",
                           "errorstat_ERR:count=2\r\n", "cluster_enabled:0", "db0:keys=1,expires=1,avg_ttl=0\r\n",
                           "latency_percentiles_usec_set:p50=", "total_error_replies:2"})
    EXPECT_NE(all.find(text), std::string::npos) << text << "\n" << all;
  EXPECT_EQ(info({"INFO"}).find("# Commandstats"), std::string::npos);
  EXPECT_EQ(info({"INFO", "KEYSPACE"}), "# Keyspace\r\ndb0:keys=1,expires=1,avg_ttl=0\r\n");
  EXPECT_EQ(info({"INFO", "nothing"}), "");
}

TEST_F(Info, lets_the_host_add_and_correct) {
  EXPECT_NE(info({"INFO", "cpu"}).find("used_cpu_sys:1.5\r\n"), std::string::npos);
  const std::string clients = info({"INFO", "clients"});
  EXPECT_NE(clients.find("connected_clients:77\r\n"), std::string::npos);
  EXPECT_EQ(clients.find("connected_clients:1\r\n"), std::string::npos);
}

TEST_F(Info, counts_calls_of_all_sessions_exactly) {
  auto other = new_session();
  for (int i = 0; i < 1000; ++i) {
    run({"SET", "a", "1"});
    run_in(*other, {"GET", "a"});
    run_in(*other, {"STRLEN", "a"});
    run_in(*other, {"EXISTS", "a"});
  }
  other.reset();
  const std::string stats = info({"INFO", "commandstats"});
  for (const char* text : {"cmdstat_set:calls=1000,", "cmdstat_get:calls=1000,", "cmdstat_strlen:calls=1000,",
                           "cmdstat_exists:calls=1000,"})
    EXPECT_NE(stats.find(text), std::string::npos) << text;
  EXPECT_NE(info({"INFO", "stats"}).find("total_commands_processed:4002\r\n"), std::string::npos);
  EXPECT_EQ(run({"CONFIG", "RESETSTAT"}), "OK");
  EXPECT_EQ(host_.resets, 1);
  EXPECT_NE(info({"INFO", "commandstats"}).find("cmdstat_config|resetstat:calls=1,"), std::string::npos);
  EXPECT_EQ(info({"INFO", "commandstats"}).find("cmdstat_set"), std::string::npos);
  EXPECT_NE(info({"INFO", "stats"}).find("keyspace_hits:0\r\n"), std::string::npos);
}

class Config : public CommandsTest {};

TEST_F(Config, gets_by_pattern) {
  EXPECT_EQ(run({"CONFIG", "GET", "maxclients"}), "{\"maxclients\", \"10000\"}");
  EXPECT_EQ(run({"CONFIG", "GET", "SAVE", "Time*"}), "{\"save\", \"\", \"timeout\", \"0\"}");
  EXPECT_EQ(run({"CONFIG", "GET", "appendonly"}), "{\"appendonly\", \"yes\"}");
  EXPECT_EQ(run({"CONFIG", "GET", "none"}), "{}");
}

TEST_F(Config, sets_all_or_none) {
  EXPECT_EQ(run({"CONFIG", "SET", "maxclients", "5", "slowlog-max-len", "3"}), "OK");
  EXPECT_EQ(run({"CONFIG", "GET", "maxclients"}), "{\"maxclients\", \"5\"}");
  EXPECT_EQ(environment_->slow_log().capacity(), 3u);
  EXPECT_EQ(run({"CONFIG", "SET", "slowlog-max-len", "9", "maxclients", "bad"}),
            "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument must be good");
  EXPECT_EQ(environment_->slow_log().capacity(), 3u);
  EXPECT_EQ(run({"CONFIG", "SET", "slowlog-max-len", "-1"}),
            "-ERR CONFIG SET failed (possibly related to argument 'slowlog-max-len') - argument must be between 0 and "
            "9223372036854775807 inclusive");
  EXPECT_EQ(run({"CONFIG", "SET", "a"}), "-ERR wrong number of arguments for 'config|set' command");
  EXPECT_EQ(run({"CONFIG", "SET", "a", "b", "c"}), kSyntax);
  EXPECT_EQ(run({"CONFIG", "SET", "a", "b"}), "-ERR Unknown option or number of arguments for CONFIG SET - 'a'");
  EXPECT_EQ(run({"CONFIG", "SET", "timeout", "1", "timeout", "2"}),
            "-ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter");
  EXPECT_EQ(run({"CONFIG", "REWRITE"}), "-ERR The server is running without a config file");
}

class CommandCommand : public CommandsTest {};

TEST_F(CommandCommand, describes_every_row) {
  const Reply all = reply({"COMMAND"});
  EXPECT_EQ(all.elements.size(), command_table().size());
  for (const Reply& row : all.elements) EXPECT_EQ(row.elements.size(), 10u);
  EXPECT_EQ(reply({"COMMAND", "COUNT"}).integer, static_cast<std::int64_t>(command_table().size()));
  EXPECT_EQ(run({"COMMAND", "INFO", "get", "none"}),
            "[[\"get\", 2, [readonly, fast], 1, 1, 1, [@read, @string, @fast], [], [{\"flags\", [RO, access], "
            "\"begin_search\", "
            "{\"type\", \"index\", \"spec\", {\"index\", 1}}, \"find_keys\", {\"type\", \"range\", \"spec\", "
            "{\"lastkey\", 0, "
            "\"keystep\", 1, \"limit\", 0}}}], []], nil]");
  EXPECT_EQ(reply({"COMMAND", "DOCS"}).elements.size(), 2 * command_table().size());
  EXPECT_EQ(run({"COMMAND", "DOCS", "get"}),
            "{\"get\", {\"summary\", \"Returns the value of a key.\", \"since\", \"0.1\", \"group\", \"string\", "
            "\"complexity\", "
            "\"O(1)\", \"arguments\", [{\"name\", \"key\", \"type\", \"key\", \"key_spec_index\", 0}]}}");
  EXPECT_EQ(run({"COMMAND", "FOO"}), "-ERR unknown subcommand 'FOO'. Try COMMAND HELP.");
}

TEST_F(CommandCommand, lists_names) {
  EXPECT_EQ(reply({"COMMAND", "LIST"}).elements.size(), command_table().size());
  EXPECT_EQ(run({"COMMAND", "LIST", "FILTERBY", "PATTERN", "mset*"}), "[\"mset\", \"msetex\", \"msetnx\"]");
  EXPECT_EQ(run({"COMMAND", "LIST", "FILTERBY", "MODULE", "x"}), "[]");
  EXPECT_NE(run({"COMMAND", "LIST", "FILTERBY", "ACLCAT", "string"}).find("\"lcs\""), std::string::npos);
  EXPECT_EQ(run({"COMMAND", "LIST", "FILTERBY", "FOO", "x"}), kSyntax);
}

TEST_F(CommandCommand, finds_keys) {
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "mset", "a", "1", "b", "2"}), "[\"a\", \"b\"]");
  EXPECT_EQ(run({"COMMAND", "GETKEYSANDFLAGS", "mset", "a", "1"}), "[[\"a\", [OW, update]]]");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "foo", "a"}), "-ERR Invalid command specified");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "ping", "a"}), "-ERR The command has no key arguments");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "get", "a", "b"}), "-ERR Invalid number of arguments specified for command");
  EXPECT_EQ(run({"COMMAND", "GETKEYS", "get"}), "-ERR wrong number of arguments for 'command|getkeys' command");
}

class Slow : public CommandsTest {
 protected:
  /// Time stands still in a test; the log is fed directly.
  void add(std::string_view what) {
    const std::string_view arguments[] = {"GET", what};
    environment_->slow_log().add({.id = 0,
                                  .at = UnixMs{5000},
                                  .microseconds = 20'000,
                                  .arguments = SlowLog::shorten(arguments),
                                  .client_address = "a:1",
                                  .client_name = "me"});
  }
};

TEST_F(Slow, log_keeps_the_newest) {
  run({"CONFIG", "SET", "slowlog-max-len", "2"});
  for (const char* name : {"one", "two", "three"}) add(name);
  EXPECT_EQ(run({"SLOWLOG", "LEN"}), "2");
  EXPECT_EQ(
      run({"SLOWLOG", "GET"}),
      "[[2, 5, 20000, [\"GET\", \"three\"], \"a:1\", \"me\"], [1, 5, 20000, [\"GET\", \"two\"], \"a:1\", \"me\"]]");
  EXPECT_EQ(reply({"SLOWLOG", "GET", "1"}).elements.size(), 1u);
  EXPECT_EQ(reply({"SLOWLOG", "GET", "-1"}).elements.size(), 2u);
  EXPECT_EQ(run({"SLOWLOG", "GET", "-2"}), "-ERR count should be greater than or equal to -1");
  EXPECT_EQ(run({"SLOWLOG", "GET", "x"}), "-ERR count should be greater than or equal to -1");
  EXPECT_EQ(run({"SLOWLOG", "RESET"}), "OK");
  EXPECT_EQ(run({"SLOWLOG", "LEN"}), "0");
}

TEST_F(Slow, log_catches_commands_over_the_threshold_but_no_secrets) {
  run({"CONFIG", "SET", "slowlog-log-slower-than", "0"});
  run({"GET", "a"});
  run({"AUTH", "default", "secret"});
  const std::string log = run({"SLOWLOG", "GET", "-1"});
  EXPECT_NE(log.find("\"GET\", \"a\""), std::string::npos);
  EXPECT_EQ(log.find("secret"), std::string::npos);
  run({"CONFIG", "SET", "slowlog-log-slower-than", "-1"});
  run({"SLOWLOG", "RESET"});
  run({"GET", "a"});
  EXPECT_EQ(run({"SLOWLOG", "LEN"}), "0");
}

TEST_F(Slow, log_shortens_long_arguments) {
  const std::string long_text(200, 'x');
  std::vector<std::string_view> many(40, long_text);
  const auto shown = SlowLog::shorten(many);
  ASSERT_EQ(shown.size(), 32u);
  EXPECT_EQ(shown[0], std::string(128, 'x') + "... (72 more bytes)");
  EXPECT_EQ(shown[31], "... (9 more arguments)");
}

TEST_F(Slow, events_are_kept_by_latency) {
  EXPECT_EQ(run({"LATENCY", "LATEST"}), "[]");
  run({"CONFIG", "SET", "latency-monitor-threshold", "5"});
  LatencyMonitor& monitor = environment_->latency();
  monitor.add("command", 4'000'000, UnixMs{1000});
  monitor.add("command", 7'000'000, UnixMs{2000});
  monitor.add("command", 9'000'000, UnixMs{2500});
  monitor.add("command", 6'000'000, UnixMs{3000});
  EXPECT_EQ(run({"LATENCY", "LATEST"}), "[[\"command\", 3, 6, 9]]");
  EXPECT_EQ(run({"LATENCY", "HISTORY", "command"}), "[[2, 9], [3, 6]]");
  EXPECT_EQ(run({"LATENCY", "HISTORY", "none"}), "[]");
  EXPECT_EQ(run({"LATENCY", "GRAPH", "none"}), "-ERR No samples available for event 'none'");
  EXPECT_NE(reply({"LATENCY", "GRAPH", "command"}).text.find("command - high 9 ms"), std::string::npos);
  EXPECT_NE(reply({"LATENCY", "DOCTOR"}).text.find("command: 2 samples"), std::string::npos);
  EXPECT_EQ(run({"LATENCY", "RESET", "none"}), "0");
  EXPECT_EQ(run({"LATENCY", "RESET"}), "1");
  EXPECT_EQ(run({"LATENCY", "HISTOGRAM", "foo"}), "{}");
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"LATENCY", "HISTOGRAM", "set", "config|set"}),
            "{\"set\", {\"calls\", 1, \"histogram_usec\", {1, 1}}, \"config|set\", {\"calls\", 1, \"histogram_usec\", "
            "{1, 1}}}");
}

class Server : public CommandsTest {};

TEST_F(Server, time_memory_lolwut_debug) {
  EXPECT_EQ(run({"TIME"}), "[\"1700000000\", \"0\"]");
  EXPECT_EQ(run({"MEMORY", "USAGE", "none"}), "nil");
  run({"SET", "a", std::string(100, 'x')});
  EXPECT_GE(reply({"MEMORY", "USAGE", "a"}).integer, 101);
  EXPECT_EQ(run({"MEMORY", "USAGE", "a", "SAMPLES", "x"}), kNotInteger);
  EXPECT_EQ(run({"MEMORY", "USAGE", "a", "FOO"}), kSyntax);
  EXPECT_EQ(reply({"MEMORY", "STATS"}).elements.size(), 30u);
  EXPECT_EQ(run({"MEMORY", "PURGE"}), "OK");
  EXPECT_NE(reply({"LOLWUT"}).text.find("Stave ver. 0.1.0\n"), std::string::npos);
  EXPECT_EQ(run({"LOLWUT", "VERSION", "x"}), kNotInteger);
  EXPECT_EQ(run({"DEBUG", "OBJECT", "none"}), "-ERR no such key");
  EXPECT_TRUE(run({"DEBUG", "OBJECT", "a"}).starts_with("Value type:string"));
  EXPECT_EQ(run({"DEBUG", "SLEEP", "0"}), "OK");
  EXPECT_EQ(run({"DEBUG", "SLEEP", "x"}), "-ERR value is not a valid float");
  EXPECT_EQ(run({"DEBUG", "SET-ACTIVE-EXPIRE", "0"}), "OK");
  EXPECT_EQ(run({"DEBUG", "SET-ACTIVE-EXPIRE", "2"}), kSyntax);
}

TEST_F(Server, shutdown_asks_the_host) {
  EXPECT_EQ(run({"SHUTDOWN"}), "-ERR shutting down is not available in an embedded store");
  EXPECT_EQ(run({"SHUTDOWN", "FOO"}), kSyntax);
  EXPECT_EQ(run({"SHUTDOWN", "SAVE", "NOSAVE"}), kSyntax);
  EXPECT_EQ(run({"SHUTDOWN", "ABORT"}), "-ERR No shutdown in progress.");
  EXPECT_EQ(run({"SHUTDOWN", "ABORT", "NOW"}), kSyntax);
  host_.can_shut_down = true;
  run({"SHUTDOWN", "NOSAVE", "NOW", "FORCE"});
  EXPECT_FALSE(answered_);
  EXPECT_TRUE(session_->closing());
  EXPECT_TRUE(host_.shut_down);
}

}  // namespace
}  // namespace stave::commands
