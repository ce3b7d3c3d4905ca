// Calls of every row of the table, for tests that run all of them: what each promises whatever it is.
//
// They work on "k" and "k2" of database 0, with the same key in database 1 for what goes there. A new row has to be
// added here: `every_example` fails without.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "commands/bit_examples_for_test.h"
#include "commands/dump_format.h"
#include "commands/geo_examples_for_test.h"
#include "commands/hash_examples_for_test.h"
#include "commands/hyperloglog_examples_for_test.h"
#include "commands/list_examples_for_test.h"
#include "commands/script_examples_for_test.h"
#include "commands/set_examples_for_test.h"
#include "commands/sketch_examples_for_test.h"
#include "commands/sorted_set_examples_for_test.h"
#include "commands/stream_examples_for_test.h"
#include "commands/string_examples_for_test.h"
#include "commands/table.h"

namespace stave::commands {

using Words = std::vector<std::string>;

struct Example {
  std::string_view row;  ///< As `full_name`.
  std::vector<Words> calls;
};

/// What is asked of keys: every command that takes one.
inline std::vector<Example> key_examples() {
  const std::string dumped = dump_value(store::ValueType::kString, "again");
  std::vector<Example> all = {
      {"append", {{"APPEND", "k", "more"}, {"APPEND", "k", ""}}},
      {"copy", {{"COPY", "k", "k2"}, {"COPY", "k", "k2", "REPLACE"}, {"COPY", "k", "k", "DB", "1"}}},
      {"dbsize", {{"DBSIZE"}}},
      {"debug|object", {{"DEBUG", "OBJECT", "k"}}},
      {"decr", {{"DECR", "k"}}},
      {"decrby", {{"DECRBY", "k", "5"}}},
      {"del", {{"DEL", "k"}, {"DEL", "k", "k2", "k3"}}},
      {"delete", {{"DELETE", "k", "k2"}}},
      {"dump", {{"DUMP", "k"}}},
      {"exists", {{"EXISTS", "k"}, {"EXISTS", "k", "k2", "k"}}},
      {"expire", {{"EXPIRE", "k", "100"}, {"EXPIRE", "k", "100", "GT"}, {"EXPIRE", "k", "-1"}}},
      {"expireat", {{"EXPIREAT", "k", "9999999999"}, {"EXPIREAT", "k", "9999999999", "NX"}}},
      {"expiretime", {{"EXPIRETIME", "k"}}},
      {"get", {{"GET", "k"}}},
      {"getdel", {{"GETDEL", "k"}}},
      {"getex", {{"GETEX", "k"}, {"GETEX", "k", "PERSIST"}, {"GETEX", "k", "EX", "9"}, {"GETEX", "k", "EX", "-1"}}},
      {"getrange", {{"GETRANGE", "k", "0", "1"}}},
      {"getset", {{"GETSET", "k", "new"}}},
      {"incr", {{"INCR", "k"}}},
      {"incrby", {{"INCRBY", "k", "9223372036854775807"}}},
      {"incrbyfloat", {{"INCRBYFLOAT", "k", "0.5"}, {"INCRBYFLOAT", "k", "x"}}},
      {"keys", {{"KEYS", "*"}, {"KEYS", "k?"}}},
      {"lcs", {{"LCS", "k", "k2"}, {"LCS", "k", "k2", "LEN"}, {"LCS", "k", "k2", "IDX", "LEN"}}},
      {"memory|usage", {{"MEMORY", "USAGE", "k"}}},
      {"mget", {{"MGET", "k", "k2", "k3"}}},
      {"watch", {{"WATCH", "k", "k2"}}},
      {"move", {{"MOVE", "k", "1"}}},
      {"mset", {{"MSET", "k", "1", "k3", "3"}}},
      {"msetnx", {{"MSETNX", "k", "1", "k2", "2"}, {"MSETNX", "k2", "1", "k3", "2"}}},
      {"object|encoding", {{"OBJECT", "ENCODING", "k"}}},
      {"object|freq", {{"OBJECT", "FREQ", "k"}}},
      {"object|idletime", {{"OBJECT", "IDLETIME", "k"}}},
      {"object|refcount", {{"OBJECT", "REFCOUNT", "k"}}},
      {"persist", {{"PERSIST", "k"}}},
      {"pexpire", {{"PEXPIRE", "k", "100000"}, {"PEXPIRE", "k", "1000", "LT"}, {"PEXPIRE", "k", "9", "SLIDING"}}},
      {"pexpireat", {{"PEXPIREAT", "k", "9999999999999", "XX"}}},
      {"pexpiretime", {{"PEXPIRETIME", "k"}}},
      {"psetex", {{"PSETEX", "k", "100000", "v"}}},
      {"pttl", {{"PTTL", "k"}}},
      {"rename", {{"RENAME", "k", "k2"}, {"RENAME", "k", "k"}}},
      {"renamenx", {{"RENAMENX", "k", "k2"}, {"RENAMENX", "k", "k3"}, {"RENAMENX", "k", "k"}}},
      {"restore",
       {{"RESTORE", "k", "0", dumped}, {"RESTORE", "k", "0", dumped, "REPLACE"}, {"RESTORE", "k", "9", "damaged"}}},
      {"scan", {{"SCAN", "0"}, {"SCAN", "0", "COUNT", "1"}, {"SCAN", "0", "MATCH", "k", "TYPE", "string"}}},
      {"set",
       {{"SET", "k", "v"},
        {"SET", "k", "v", "NX"},
        {"SET", "k", "v", "XX"},
        {"SET", "k", "v", "GET"},
        {"SET", "k", "v", "IFEQ", "abc"},
        {"SET", "k", "v", "KEEPTTL"},
        {"SET", "k", "v", "EX", "100"},
        {"SET", "k", "v", "PXAT", "1"},
        {"SET", "k", "v", "NX", "GET"}}},
      {"setex", {{"SETEX", "k", "100", "v"}}},
      {"setnx", {{"SETNX", "k", "v"}}},
      {"setrange",
       {{"SETRANGE", "k", "1", "xyz"},
        {"SETRANGE", "k", "9000", "x"},
        {"SETRANGE", "k", "999999999999", "x"},
        {"SETRANGE", "k", "0", ""}}},
      {"stave.getat", {{"STAVE.GETAT", "k", "LSN", "1"}, {"STAVE.GETAT", "k", "TIME", "9999999999999"}}},
      {"stave.history", {{"STAVE.HISTORY", "k"}, {"STAVE.HISTORY", "k", "COUNT", "1"}}},
      {"stave.revert", {{"STAVE.REVERT", "k", "LSN", "1"}, {"STAVE.REVERT", "k", "TIME", "9999999999999"}}},
      {"strlen", {{"STRLEN", "k"}}},
      {"substr", {{"SUBSTR", "k", "0", "1"}}},
      {"touch", {{"TOUCH", "k", "k2"}}},
      {"ttl", {{"TTL", "k"}}},
      {"type", {{"TYPE", "k"}}},
      {"unlink", {{"UNLINK", "k", "k2"}}},
      {"randomkey", {{"RANDOMKEY"}}},
  };
  for (Example& example : bit_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : geo_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : hyperloglog_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : sketch_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : hash_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : sorted_set_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : set_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : list_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : stream_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : later_string_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : script_examples<Example>()) all.push_back(std::move(example));
  return all;
}

/// What administrators ask for: users, logs, who watches.
inline std::vector<Example> administrators_examples() {
  return {
      {"acl|cat", {{"ACL", "CAT"}, {"ACL", "CAT", "read"}}},
      {"acl|deluser", {{"ACL", "DELUSER", "bob"}}},
      {"acl|dryrun", {{"ACL", "DRYRUN", "default", "GET", "k"}}},
      {"acl|genpass", {{"ACL", "GENPASS"}}},
      {"acl|getuser", {{"ACL", "GETUSER", "default"}}},
      {"acl|help", {{"ACL", "HELP"}}},
      {"acl|list", {{"ACL", "LIST"}}},
      {"acl|load", {{"ACL", "LOAD"}}},
      {"acl|log", {{"ACL", "LOG"}, {"ACL", "LOG", "RESET"}}},
      {"acl|save", {{"ACL", "SAVE"}}},
      {"acl|setuser", {{"ACL", "SETUSER", "bob", "on", ">pw", "~a*", "&c", "+@read", "(+set ~b)"}}},
      {"acl|users", {{"ACL", "USERS"}}},
      {"acl|whoami", {{"ACL", "WHOAMI"}}},
      {"commandlog|get", {{"COMMANDLOG", "GET", "-1", "slow"}}},
      {"commandlog|help", {{"COMMANDLOG", "HELP"}}},
      {"commandlog|len", {{"COMMANDLOG", "LEN", "large-request"}}},
      {"commandlog|reset", {{"COMMANDLOG", "RESET", "large-reply"}}},
      {"latency|doctor", {{"LATENCY", "DOCTOR"}}},
      {"latency|graph", {{"LATENCY", "GRAPH", "command"}}},
      {"latency|help", {{"LATENCY", "HELP"}}},
      {"latency|histogram", {{"LATENCY", "HISTOGRAM"}}},
      {"latency|history", {{"LATENCY", "HISTORY", "command"}}},
      {"latency|latest", {{"LATENCY", "LATEST"}}},
      {"latency|reset", {{"LATENCY", "RESET"}}},
      {"module|help", {{"MODULE", "HELP"}}},
      {"module|list", {{"MODULE", "LIST"}}},
      {"monitor", {{"MONITOR"}}},
      {"slowlog|get", {{"SLOWLOG", "GET"}}},
      {"slowlog|help", {{"SLOWLOG", "HELP"}}},
      {"slowlog|len", {{"SLOWLOG", "LEN"}}},
      {"slowlog|reset", {{"SLOWLOG", "RESET"}}},
  };
}

/// What is asked of the store, the session and the process.
inline std::vector<Example> other_examples() {
  std::vector<Example> all = {
      {"auth", {{"AUTH", "password"}}},
      {"bgrewriteaof", {{"BGREWRITEAOF"}}},
      {"bgsave", {{"BGSAVE"}}},
      {"client|caching", {{"CLIENT", "CACHING", "YES"}}},
      {"client|getname", {{"CLIENT", "GETNAME"}}},
      {"client|getredir", {{"CLIENT", "GETREDIR"}}},
      {"client|help", {{"CLIENT", "HELP"}}},
      {"client|id", {{"CLIENT", "ID"}}},
      {"client|info", {{"CLIENT", "INFO"}}},
      {"client|kill", {{"CLIENT", "KILL", "ID", "99"}}},
      {"client|list", {{"CLIENT", "LIST"}}},
      {"client|no-evict", {{"CLIENT", "NO-EVICT", "ON"}}},
      {"client|no-touch", {{"CLIENT", "NO-TOUCH", "ON"}}},
      {"client|pause", {{"CLIENT", "PAUSE", "0"}}},
      {"client|reply", {{"CLIENT", "REPLY", "ON"}}},
      {"client|setinfo", {{"CLIENT", "SETINFO", "LIB-NAME", "x"}}},
      {"client|setname", {{"CLIENT", "SETNAME", "x"}}},
      {"client|tracking", {{"CLIENT", "TRACKING", "OFF"}}},
      {"client|trackinginfo", {{"CLIENT", "TRACKINGINFO"}}},
      {"client|unblock", {{"CLIENT", "UNBLOCK", "99"}}},
      {"client|unpause", {{"CLIENT", "UNPAUSE"}}},
      {"command", {{"COMMAND"}}},
      {"command|count", {{"COMMAND", "COUNT"}}},
      {"command|docs", {{"COMMAND", "DOCS", "GET"}}},
      {"command|getkeys", {{"COMMAND", "GETKEYS", "GET", "k"}}},
      {"command|getkeysandflags", {{"COMMAND", "GETKEYSANDFLAGS", "GET", "k"}}},
      {"command|help", {{"COMMAND", "HELP"}}},
      {"command|info", {{"COMMAND", "INFO", "GET"}}},
      {"command|list", {{"COMMAND", "LIST"}}},
      {"config|get", {{"CONFIG", "GET", "*"}}},
      {"config|help", {{"CONFIG", "HELP"}}},
      {"config|resetstat", {{"CONFIG", "RESETSTAT"}}},
      {"config|rewrite", {{"CONFIG", "REWRITE"}}},
      {"config|set", {{"CONFIG", "SET", "timeout", "1"}}},
      {"debug|help", {{"DEBUG", "HELP"}}},
      {"debug|set-active-expire", {{"DEBUG", "SET-ACTIVE-EXPIRE", "1"}}},
      {"debug|sleep", {{"DEBUG", "SLEEP", "0"}}},
      {"discard", {{"DISCARD"}}},
      {"echo", {{"ECHO", "x"}}},
      {"exec", {{"EXEC"}}},
      {"flushall", {{"FLUSHALL"}}},
      {"flushdb", {{"FLUSHDB"}}},
      {"hello", {{"HELLO", "3"}}},
      {"info", {{"INFO", "keyspace"}, {"INFO"}}},
      {"lastsave", {{"LASTSAVE"}}},
      {"lolwut", {{"LOLWUT"}}},
      {"memory|doctor", {{"MEMORY", "DOCTOR"}}},
      {"memory|help", {{"MEMORY", "HELP"}}},
      {"memory|malloc-stats", {{"MEMORY", "MALLOC-STATS"}}},
      {"memory|purge", {{"MEMORY", "PURGE"}}},
      {"memory|stats", {{"MEMORY", "STATS"}}},
      {"multi", {{"MULTI"}}},
      {"object|help", {{"OBJECT", "HELP"}}},
      {"ping", {{"PING"}}},
      {"psubscribe", {{"PSUBSCRIBE", "c*"}}},
      {"publish", {{"PUBLISH", "c", "m"}}},
      {"pubsub|channels", {{"PUBSUB", "CHANNELS"}}},
      {"pubsub|help", {{"PUBSUB", "HELP"}}},
      {"pubsub|numpat", {{"PUBSUB", "NUMPAT"}}},
      {"pubsub|numsub", {{"PUBSUB", "NUMSUB", "c"}}},
      {"pubsub|shardchannels", {{"PUBSUB", "SHARDCHANNELS"}}},
      {"pubsub|shardnumsub", {{"PUBSUB", "SHARDNUMSUB", "c"}}},
      {"punsubscribe", {{"PUNSUBSCRIBE"}}},
      {"quit", {{"QUIT"}}},
      {"replicaof", {{"REPLICAOF", "NO", "ONE"}}},
      {"reset", {{"RESET"}}},
      {"role", {{"ROLE"}}},
      {"save", {{"SAVE"}}},
      {"select", {{"SELECT", "1"}}},
      {"shutdown", {{"SHUTDOWN"}}},
      {"slaveof", {{"SLAVEOF", "NO", "ONE"}}},
      {"snapshot", {{"SNAPSHOT", "JSON"}}},
      {"spublish", {{"SPUBLISH", "c", "m"}}},
      {"ssubscribe", {{"SSUBSCRIBE", "c"}}},
      {"stave.backup", {{"STAVE.BACKUP", "b"}}},
      {"stave.checkpoint", {{"STAVE.CHECKPOINT"}}},
      {"stave.clean", {{"STAVE.CLEAN", "WAIT"}}},
      {"stave.commit", {{"STAVE.COMMIT"}}},
      {"stave.follow", {{"STAVE.FOLLOW", "1"}}},
      {"stave.purge", {{"STAVE.PURGE", "k"}}},
      {"stave.sync", {{"STAVE.SYNC"}}},
      {"subscribe", {{"SUBSCRIBE", "c"}}},
      {"sunsubscribe", {{"SUNSUBSCRIBE"}}},
      {"swapdb", {{"SWAPDB", "0", "1"}}},
      {"time", {{"TIME"}}},
      {"unsubscribe", {{"UNSUBSCRIBE"}}},
      {"unwatch", {{"UNWATCH"}}},
      {"wait", {{"WAIT", "0", "0"}}},
      {"waitaof", {{"WAITAOF", "1", "0", "0"}}},
  };
  for (Example& example : other_script_examples<Example>()) all.push_back(std::move(example));
  for (Example& example : administrators_examples()) all.push_back(std::move(example));
  return all;
}

inline std::vector<Example> all_examples() {
  std::vector<Example> all = key_examples();
  for (Example& example : other_examples()) all.push_back(std::move(example));
  return all;
}

/// Fails when a row that runs has no example, or an example no row.
inline void expect_every_row_has_an_example() {
  std::set<std::string> rows;
  const auto add = [&](const Command& row) {
    if (row.run != nullptr) rows.insert(full_name(row));
  };
  for (const Command& row : command_table()) {
    add(row);
    for (const Command& sub : row.subcommands) add(sub);
  }
  std::set<std::string> shown;
  for (const Example& example : all_examples()) shown.insert(std::string(example.row));
  for (const std::string& row : rows) EXPECT_TRUE(shown.contains(row)) << row << " has no example";
  for (const std::string& name : shown) EXPECT_TRUE(rows.contains(name)) << name << " is no row";
}

}  // namespace stave::commands
