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
    const auto done = run_together(
        *session_, given, [] {},
        [&](std::size_t i) {
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
    {"BLMOVE",
     {{"BLMOVE", "list", "list2", "LEFT", "RIGHT", "0"}, {"BLMOVE", "none", "list2", "LEFT", "RIGHT", "0.01"}}},
    {"BLMPOP", {{"BLMPOP", "0.01", "2", "none", "list", "LEFT", "COUNT", "2"}}},
    {"BLPOP", {{"BLPOP", "none", "list", "0"}, {"BLPOP", "text", "0.01"}}},
    {"BRPOP", {{"BRPOP", "list", "0"}}},
    {"BRPOPLPUSH", {{"BRPOPLPUSH", "list", "new", "0"}}},
    {"BZMPOP", {{"BZMPOP", "0.01", "1", "scores", "MIN", "COUNT", "2"}}},
    {"BZPOPMAX", {{"BZPOPMAX", "scores", "0"}}},
    {"BZPOPMIN", {{"BZPOPMIN", "none", "scores", "0"}}},
    {"XACK", {{"XACK", "stream", "g", "1-1", "2-1"}}},
    {"XACKDEL", {{"XACKDEL", "stream", "g", "IDS", "1", "1-1"}}},
    {"XADD",
     {{"XADD", "stream", "9-1", "f", "v"}, {"XADD", "new", "1-1", "f", "v"}, {"XADD", "stream", "1-1", "f", "v"}}},
    {"XAUTOCLAIM", {{"XAUTOCLAIM", "stream", "g", "d", "0", "0", "JUSTID"}}},
    {"XCLAIM", {{"XCLAIM", "stream", "g", "d", "0", "1-1", "JUSTID"}}},
    {"XDEL", {{"XDEL", "stream", "1-1"}, {"XDEL", "none", "1-1"}}},
    {"XDELEX", {{"XDELEX", "stream", "DELREF", "IDS", "1", "1-1"}}},
    {"XGROUP",
     {{"XGROUP", "CREATE", "stream", "h", "$"},
      {"XGROUP", "CREATECONSUMER", "stream", "g", "d"},
      {"XGROUP", "DELCONSUMER", "stream", "g", "c"},
      {"XGROUP", "DESTROY", "stream", "g"},
      {"XGROUP", "SETID", "stream", "g", "0"}}},
    {"XINFO", {{"XINFO", "GROUPS", "stream"}, {"XINFO", "STREAM", "stream"}, {"XINFO", "STREAM", "none"}}},
    {"XLEN", {{"XLEN", "stream"}, {"XLEN", "text"}}},
    {"XPENDING", {{"XPENDING", "stream", "g"}}},
    {"XRANGE", {{"XRANGE", "stream", "-", "+"}}},
    {"XREAD", {{"XREAD", "BLOCK", "0", "STREAMS", "stream", "0"}, {"XREAD", "BLOCK", "10", "STREAMS", "stream", "$"}}},
    {"XCFGSET", {{"XCFGSET", "stream", "IDMP-MAXSIZE", "7"}, {"XCFGSET", "none", "IDMP-MAXSIZE", "7"}}},
    {"XNACK", {{"XNACK", "stream", "g", "FAIL", "IDS", "1", "1-1"}}},
    {"XREADGROUP",
     {{"XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">"},
      {"XREADGROUP", "GROUP", "g", "d", "CLAIM", "0", "MAXCOUNT", "2", "STREAMS", "stream", ">"}}},
    {"XREVRANGE", {{"XREVRANGE", "stream", "+", "-"}}},
    {"XSETID", {{"XSETID", "stream", "100-1"}}},
    {"XTRIM", {{"XTRIM", "stream", "MAXLEN", "1"}}},
    {"EVAL",
     {{"EVAL", "redis.call('INCR', KEYS[1]) return redis.call('GET', KEYS[1])", "1", "number"},
      {"EVAL", "return redis.call('INCR', KEYS[1])", "1", "text"},
      {"EVAL", "return redis.call('SET', 'new', ARGV[1])", "0", "x"}}},
    {"EVALSHA", {{"EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"}}},
    {"EVALSHA_RO", {{"EVALSHA_RO", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"}}},
    {"EVAL_RO", {{"EVAL_RO", "return redis.call('GET', KEYS[1])", "1", "text"}}},
    {"FCALL", {{"FCALL", "nobody", "0"}}},
    {"FCALL_RO", {{"FCALL_RO", "nobody", "0"}}},
    {"BF.ADD", {{"BF.ADD", "bloom", "a"}, {"BF.ADD", "new", "b"}, {"BF.ADD", "text", "b"}}},
    {"BF.CARD", {{"BF.CARD", "bloom"}, {"BF.CARD", "none"}}},
    {"BF.EXISTS", {{"BF.EXISTS", "bloom", "a"}, {"BF.EXISTS", "none", "a"}, {"BF.EXISTS", "text", "a"}}},
    {"BF.INFO", {{"BF.INFO", "bloom"}, {"BF.INFO", "none"}}},
    {"BF.INSERT",
     {{"BF.INSERT", "new", "CAPACITY", "10", "ITEMS", "a", "b"}, {"BF.INSERT", "none", "NOCREATE", "ITEMS", "a"}}},
    {"BF.LOADCHUNK", {{"BF.LOADCHUNK", "new", "1", "none"}}},
    {"BF.MADD", {{"BF.MADD", "bloom", "a", "z", "y"}}},
    {"BF.MEXISTS", {{"BF.MEXISTS", "bloom", "a", "z"}}},
    {"BF.RESERVE", {{"BF.RESERVE", "new", "0.001", "100"}, {"BF.RESERVE", "bloom", "0.001", "100"}}},
    {"BF.SCANDUMP", {{"BF.SCANDUMP", "bloom", "0"}, {"BF.SCANDUMP", "bloom", "1"}, {"BF.SCANDUMP", "none", "0"}}},
    {"BITCOUNT", {{"BITCOUNT", "text"}, {"BITCOUNT", "none"}, {"BITCOUNT", "list"}}},
    {"BITFIELD", {{"BITFIELD", "text", "INCRBY", "u8", "0", "1"}, {"BITFIELD", "new", "SET", "i5", "9", "3"}}},
    {"BITFIELD_RO", {{"BITFIELD_RO", "text", "GET", "u8", "0"}}},
    {"BITOP", {{"BITOP", "AND", "new", "text", "number"}, {"BITOP", "NOT", "text", "none"}}},
    {"BITPOS", {{"BITPOS", "text", "1"}, {"BITPOS", "none", "0"}}},
    {"CF.ADD", {{"CF.ADD", "cuckoo", "a"}, {"CF.ADD", "new", "a"}, {"CF.ADD", "text", "a"}}},
    {"CF.ADDNX", {{"CF.ADDNX", "cuckoo", "a"}, {"CF.ADDNX", "new", "a"}}},
    {"CF.COMPACT", {{"CF.COMPACT", "cuckoo"}, {"CF.COMPACT", "none"}}},
    {"CF.COUNT", {{"CF.COUNT", "cuckoo", "a"}, {"CF.COUNT", "none", "a"}}},
    {"CF.DEL", {{"CF.DEL", "cuckoo", "a"}, {"CF.DEL", "none", "a"}}},
    {"CF.EXISTS", {{"CF.EXISTS", "cuckoo", "a"}}},
    {"CF.INFO", {{"CF.INFO", "cuckoo"}, {"CF.INFO", "none"}}},
    {"CF.INSERT", {{"CF.INSERT", "new", "CAPACITY", "10", "ITEMS", "a", "a"}}},
    {"CF.INSERTNX", {{"CF.INSERTNX", "cuckoo", "ITEMS", "a", "b"}}},
    {"CF.LOADCHUNK", {{"CF.LOADCHUNK", "new", "1", "none"}}},
    {"CF.MEXISTS", {{"CF.MEXISTS", "cuckoo", "a", "b"}}},
    {"CF.RESERVE", {{"CF.RESERVE", "new", "100"}, {"CF.RESERVE", "cuckoo", "100"}}},
    {"CF.SCANDUMP", {{"CF.SCANDUMP", "cuckoo", "0"}}},
    {"CMS.INCRBY", {{"CMS.INCRBY", "counts", "a", "3", "b", "1"}, {"CMS.INCRBY", "none", "a", "1"}}},
    {"CMS.INFO", {{"CMS.INFO", "counts"}, {"CMS.INFO", "none"}}},
    {"CMS.INITBYDIM", {{"CMS.INITBYDIM", "new", "10", "3"}, {"CMS.INITBYDIM", "counts", "10", "3"}}},
    {"CMS.INITBYPROB", {{"CMS.INITBYPROB", "new", "0.01", "0.01"}}},
    {"CMS.MERGE",
     {{"CMS.MERGE", "counts", "2", "counts", "counts", "WEIGHTS", "2", "3"}, {"CMS.MERGE", "new", "1", "counts"}}},
    {"CMS.QUERY", {{"CMS.QUERY", "counts", "a", "none"}, {"CMS.QUERY", "none", "a"}}},
    {"COPY", {{"COPY", "text", "new"}, {"COPY", "text", "number"}, {"COPY", "list", "text", "REPLACE"}}},
    {"DBSIZE", {{"DBSIZE"}}},
    {"DECR", {{"DECR", "number"}}},
    {"DECRBY", {{"DECRBY", "number", "5"}}},
    {"DEL", {{"DEL", "text", "none", "number"}}},
    {"DELETE", {{"DELETE", "text", "none"}}},
    {"DUMP", {{"DUMP", "text"}, {"DUMP", "none"}}},
    {"ECHO", {{"ECHO", "hello"}}},
    {"EXISTS", {{"EXISTS", "text", "none", "text"}}},
    {"EXPIRE", {{"EXPIRE", "text", "100"}, {"EXPIRE", "mortal", "100", "GT"}, {"EXPIRE", "none", "1"}}},
    {"EXPIREAT", {{"EXPIREAT", "text", "9999999999"}, {"EXPIREAT", "text", "1"}}},
    {"EXPIRETIME", {{"EXPIRETIME", "mortal"}, {"EXPIRETIME", "text"}}},
    {"FLUSHALL", {{"FLUSHALL"}, {"FLUSHALL", "ASYNC"}}},
    {"FLUSHDB", {{"FLUSHDB"}, {"FLUSHDB", "SOON"}}},
    {"GEOADD", {{"GEOADD", "new", "1", "2", "a"}, {"GEOADD", "places", "1", "2", "a", "3", "4", "b"}}},
    {"GEODIST", {{"GEODIST", "places", "a", "c"}, {"GEODIST", "none", "a", "b"}}},
    {"GEOHASH", {{"GEOHASH", "places", "a", "none"}}},
    {"GEOPOS", {{"GEOPOS", "places", "a", "none"}}},
    {"GEORADIUS",
     {{"GEORADIUS", "places", "0", "0", "9000", "km"},
      {"GEORADIUS", "places", "0", "0", "9000", "km", "STORE", "new"}}},
    {"GEORADIUSBYMEMBER",
     {{"GEORADIUSBYMEMBER", "places", "a", "9000", "km"},
      {"GEORADIUSBYMEMBER", "places", "a", "9000", "km", "STOREDIST", "text"}}},
    {"GEORADIUSBYMEMBER_RO", {{"GEORADIUSBYMEMBER_RO", "places", "a", "9000", "km", "DESC"}}},
    {"GEORADIUS_RO", {{"GEORADIUS_RO", "places", "0", "0", "9000", "km", "WITHDIST"}}},
    {"GEOSEARCH", {{"GEOSEARCH", "places", "FROMMEMBER", "a", "BYBOX", "9000", "9000", "km"}}},
    {"GEOSEARCHSTORE", {{"GEOSEARCHSTORE", "new", "places", "FROMMEMBER", "a", "BYRADIUS", "9000", "km"}}},
    {"GET", {{"GET", "text"}, {"GET", "none"}}},
    {"GETBIT", {{"GETBIT", "text", "3"}, {"GETBIT", "none", "3"}}},
    {"GETDEL", {{"GETDEL", "text"}, {"GETDEL", "text"}}},
    {"GETEX", {{"GETEX", "text", "EX", "100"}, {"GETEX", "mortal", "PERSIST"}, {"GETEX", "none"}}},
    {"GETRANGE", {{"GETRANGE", "text", "1", "-2"}}},
    {"GETSET", {{"GETSET", "text", "x"}, {"GETSET", "new", "y"}}},
    {"HDEL", {{"HDEL", "fields", "f", "none"}, {"HDEL", "none", "f"}, {"HDEL", "text", "f"}}},
    {"HEXISTS", {{"HEXISTS", "fields", "f"}, {"HEXISTS", "fields", "none"}}},
    {"HEXPIRE", {{"HEXPIRE", "fields", "100", "FIELDS", "2", "f", "none"}}},
    {"HEXPIREAT", {{"HEXPIREAT", "fields", "1", "FIELDS", "1", "f"}}},
    {"HEXPIRETIME", {{"HEXPIRETIME", "fields", "FIELDS", "1", "f"}}},
    {"HGET", {{"HGET", "fields", "f"}, {"HGET", "text", "f"}}},
    {"HGETALL", {{"HGETALL", "fields"}, {"HGETALL", "none"}}},
    {"HGETDEL", {{"HGETDEL", "fields", "FIELDS", "1", "f"}}},
    {"HGETEX", {{"HGETEX", "fields", "PX", "100", "FIELDS", "1", "f"}}},
    {"HINCRBY", {{"HINCRBY", "fields", "n", "5"}, {"HINCRBY", "fields", "f", "5"}}},
    {"HINCRBYFLOAT", {{"HINCRBYFLOAT", "fields", "n", "0.5"}}},
    {"HKEYS", {{"HKEYS", "fields"}}},
    {"HLEN", {{"HLEN", "fields"}, {"HLEN", "none"}}},
    {"HMGET", {{"HMGET", "fields", "f", "none"}}},
    {"HMSET", {{"HMSET", "fields", "f", "w"}, {"HMSET", "new", "f", "w"}}},
    {"HPERSIST", {{"HPERSIST", "fields", "FIELDS", "1", "f"}}},
    {"HPEXPIRE", {{"HPEXPIRE", "fields", "100", "FIELDS", "2", "f", "n"}}},
    {"HPEXPIREAT", {{"HPEXPIREAT", "fields", "9999999999999", "NX", "FIELDS", "1", "f"}}},
    {"HPEXPIRETIME", {{"HPEXPIRETIME", "fields", "FIELDS", "1", "none"}}},
    {"HPTTL", {{"HPTTL", "fields", "FIELDS", "1", "f"}}},
    {"HRANDFIELD", {{"HRANDFIELD", "none"}, {"HRANDFIELD", "fields", "2", "WITHVALUES"}}},
    {"HSCAN", {{"HSCAN", "fields", "0"}, {"HSCAN", "fields", "x"}}},
    {"HSET", {{"HSET", "fields", "f", "1", "g", "2"}, {"HSET", "new", "f", "w"}, {"HSET", "text", "f", "w"}}},
    {"HSETEX", {{"HSETEX", "fields", "EX", "9", "FIELDS", "1", "f", "w"}}},
    {"HSETNX", {{"HSETNX", "fields", "f", "1"}, {"HSETNX", "fields", "g", "1"}}},
    {"HSTRLEN", {{"HSTRLEN", "fields", "f"}}},
    {"HTTL", {{"HTTL", "fields", "FIELDS", "1", "f"}}},
    {"HVALS", {{"HVALS", "fields"}}},
    {"INCR", {{"INCR", "number"}, {"INCR", "new"}, {"INCR", "number"}}},
    {"INCRBY", {{"INCRBY", "number", "-7"}}},
    {"INCRBYFLOAT", {{"INCRBYFLOAT", "number", "0.5"}}},
    {"KEYS", {{"KEYS", "*"}, {"KEYS", "s*"}}},
    {"LCS", {{"LCS", "text", "number"}, {"LCS", "text", "text", "LEN"}}},
    {"LINDEX", {{"LINDEX", "list", "-1"}, {"LINDEX", "none", "0"}}},
    {"LINSERT", {{"LINSERT", "list", "BEFORE", "b", "x"}, {"LINSERT", "none", "AFTER", "b", "x"}}},
    {"LLEN", {{"LLEN", "list"}, {"LLEN", "none"}, {"LLEN", "text"}}},
    {"LMOVE", {{"LMOVE", "list", "list2", "LEFT", "RIGHT"}, {"LMOVE", "list", "list", "LEFT", "RIGHT"}}},
    {"LMOVEM", {{"LMOVEM", "list", "new", "LEFT", "RIGHT", "EXACTLY", "2", "BULK"}}},
    {"LMPOP", {{"LMPOP", "2", "none", "list", "LEFT", "COUNT", "9"}, {"LMPOP", "1", "none", "LEFT"}}},
    {"LPOP", {{"LPOP", "list"}, {"LPOP", "list", "9"}, {"LPOP", "none"}}},
    {"LPOS", {{"LPOS", "list", "b"}, {"LPOS", "list", "a", "COUNT", "0"}}},
    {"LPUSH", {{"LPUSH", "list", "x"}, {"LPUSH", "new", "x", "y"}, {"LPUSH", "text", "x"}}},
    {"LPUSHX", {{"LPUSHX", "list", "x"}, {"LPUSHX", "none", "x"}}},
    {"LRANGE", {{"LRANGE", "list", "1", "-1"}, {"LRANGE", "none", "0", "1"}}},
    {"LREM", {{"LREM", "list", "0", "a"}}},
    {"LSET", {{"LSET", "list", "0", "x"}, {"LSET", "list", "9", "x"}}},
    {"LTRIM", {{"LTRIM", "list", "1", "1"}, {"LTRIM", "list", "9", "9"}}},
    {"MGET", {{"MGET", "text", "none", "number"}}},
    {"MOVE", {{"MOVE", "text", "2"}, {"MOVE", "none", "2"}}},
    {"MSET", {{"MSET", "text", "1", "new", "2"}}},
    {"MSETNX", {{"MSETNX", "text", "1", "new", "2"}, {"MSETNX", "new", "1", "newer", "2"}}},
    {"PERSIST", {{"PERSIST", "mortal"}, {"PERSIST", "text"}}},
    {"PEXPIRE", {{"PEXPIRE", "text", "100000", "NX"}, {"PEXPIRE", "mortal", "-1"}}},
    {"PEXPIREAT", {{"PEXPIREAT", "mortal", "9999999999999"}}},
    {"PEXPIRETIME", {{"PEXPIRETIME", "mortal"}}},
    {"PFADD", {{"PFADD", "new", "a", "b"}, {"PFADD", "loglog", "a"}, {"PFADD", "text", "a"}}},
    {"PFCOUNT", {{"PFCOUNT", "loglog"}, {"PFCOUNT", "loglog", "none"}}},
    {"PFDEBUG", {{"PFDEBUG", "TODENSE", "loglog"}, {"PFDEBUG", "DECODE", "loglog"}, {"PFDEBUG", "DECODE", "none"}}},
    {"PFMERGE", {{"PFMERGE", "new", "loglog", "none"}, {"PFMERGE", "text", "loglog"}}},
    {"PFSELFTEST", {{"PFSELFTEST"}}},
    {"PING", {{"PING"}, {"PING", "x"}}},
    {"PSETEX", {{"PSETEX", "text", "100000", "v"}}},
    {"PTTL", {{"PTTL", "mortal"}, {"PTTL", "none"}}},
    {"RANDOMKEY", {{"RANDOMKEY"}}},
    {"RENAME", {{"RENAME", "text", "number"}, {"RENAME", "mortal", "mortal"}}},
    {"RENAMENX", {{"RENAMENX", "text", "number"}, {"RENAMENX", "mortal", "new"}}},
    {"RESTORE", {{"RESTORE", "new", "0", "\x00\x01x\x0b\x00"}}},  // refused, in the same words
    {"RPOP", {{"RPOP", "list"}, {"RPOP", "list", "2"}}},
    {"RPOPLPUSH", {{"RPOPLPUSH", "list", "new"}, {"RPOPLPUSH", "list", "text"}, {"RPOPLPUSH", "none", "text"}}},
    {"RPUSH", {{"RPUSH", "list", "x"}, {"RPUSH", "new", "x", "y"}}},
    {"RPUSHX", {{"RPUSHX", "list", "x"}}},
    {"SET",
     {{"SET", "text", "1"},
      {"SET", "text", "2", "NX", "GET"},
      {"SET", "text", "3", "IFEQ", "1"},
      {"SET", "mortal", "4", "KEEPTTL"},
      {"SET", "new", "5", "EX", "9"}}},
    {"SETBIT", {{"SETBIT", "text", "3", "1"}, {"SETBIT", "new", "100", "1"}}},
    {"SETEX", {{"SETEX", "new", "100", "v"}}},
    {"SETNX", {{"SETNX", "text", "1"}, {"SETNX", "new", "1"}}},
    {"DELEX", {{"DELEX", "text", "IFEQ", "some text"}, {"DELEX", "text", "IFNE", "some text"}, {"DELEX", "none"}}},
    {"DELIFEQ", {{"DELIFEQ", "text", "some text"}, {"DELIFEQ", "text", "other"}}},
    {"DIGEST", {{"DIGEST", "text"}, {"DIGEST", "none"}}},
    {"INCREX",
     {{"INCREX", "number", "BYINT", "9", "UBOUND", "45", "SATURATE", "EX", "9"},
      {"INCREX", "new"},
      {"INCREX", "text"}}},
    {"MSETEX", {{"MSETEX", "2", "new", "1", "text", "2", "EX", "9"}, {"MSETEX", "2", "new", "1", "text", "2", "NX"}}},
    {"SETRANGE", {{"SETRANGE", "text", "3", "xyz"}, {"SETRANGE", "new", "2", "a"}}},
    {"STRLEN", {{"STRLEN", "text"}, {"STRLEN", "none"}}},
    {"SUBSTR", {{"SUBSTR", "text", "0", "1"}}},
    {"SADD", {{"SADD", "set", "a", "c"}, {"SADD", "new", "a", "1"}, {"SADD", "text", "a"}}},
    {"SCAN", {{"SCAN", "0", "COUNT", "1000"}, {"SCAN", "0", "MATCH", "s*", "TYPE", "zset", "COUNT", "1000"}}},
    {"SCARD", {{"SCARD", "set"}, {"SCARD", "none"}, {"SCARD", "text"}}},
    {"SDIFF", {{"SDIFF", "set", "none", "set2"}}},
    {"SDIFFCARD", {{"SDIFFCARD", "2", "set", "set2"}}},
    {"SDIFFSTORE", {{"SDIFFSTORE", "new", "set", "set2"}, {"SDIFFSTORE", "set", "set", "set"}}},
    {"SINTER", {{"SINTER", "set", "set2"}, {"SINTER", "set", "text"}}},
    {"SINTERCARD", {{"SINTERCARD", "2", "set", "set2"}}},
    {"SINTERSTORE", {{"SINTERSTORE", "text", "set", "set2"}}},
    {"SISMEMBER", {{"SISMEMBER", "set", "a"}, {"SISMEMBER", "set", "none"}}},
    {"SMEMBERS", {{"SMEMBERS", "set"}, {"SMEMBERS", "none"}, {"SMEMBERS", "text"}}},
    {"SMISMEMBER", {{"SMISMEMBER", "set", "a", "none"}}},
    {"SMOVE", {{"SMOVE", "set", "set2", "a"}, {"SMOVE", "set", "new", "7"}, {"SMOVE", "set", "text", "a"}}},
    {"SORT",
     {{"SORT", "list", "ALPHA"},
      {"SORT", "set", "BY", "w*", "GET", "#", "GET", "t*", "ALPHA"},
      {"SORT", "list", "ALPHA", "STORE", "new"},
      {"SORT", "text"}}},
    {"SORT_RO", {{"SORT_RO", "scores", "ALPHA", "DESC"}}},
    {"SPOP", {{"SPOP", "set", "9"}, {"SPOP", "none"}}},
    {"SRANDMEMBER", {{"SRANDMEMBER", "set", "9"}, {"SRANDMEMBER", "none", "-9"}}},
    {"SREM", {{"SREM", "set", "a", "none"}, {"SREM", "set", "a", "7"}}},
    {"SSCAN", {{"SSCAN", "set", "0"}}},
    {"SUNION", {{"SUNION", "set", "set2"}}},
    {"SUNIONCARD", {{"SUNIONCARD", "2", "set", "set2"}}},
    {"SUNIONSTORE", {{"SUNIONSTORE", "new", "set", "set2"}, {"SUNIONSTORE", "set", "set2", "set"}}},
    {"TIME", {{"TIME"}}},
    {"TOUCH", {{"TOUCH", "text", "none"}}},
    {"ZADD", {{"ZADD", "scores", "7", "a", "8", "z"}, {"ZADD", "new", "1", "a"}, {"ZADD", "text", "1", "a"}}},
    {"ZCARD", {{"ZCARD", "scores"}, {"ZCARD", "none"}, {"ZCARD", "text"}}},
    {"ZCOUNT", {{"ZCOUNT", "scores", "(1", "2"}}},
    {"ZDIFF", {{"ZDIFF", "2", "scores", "scores2"}}},
    {"ZDIFFSTORE", {{"ZDIFFSTORE", "new", "2", "scores", "scores2"}}},
    {"ZINCRBY", {{"ZINCRBY", "scores", "0.5", "a"}}},
    {"ZINTER", {{"ZINTER", "2", "scores", "scores2", "WITHSCORES"}, {"ZINTER", "2", "scores", "text"}}},
    {"ZINTERCARD", {{"ZINTERCARD", "2", "scores", "scores2"}}},
    {"ZINTERSTORE", {{"ZINTERSTORE", "scores", "2", "scores", "scores2"}, {"ZINTERSTORE", "text", "1", "none"}}},
    {"ZLEXCOUNT", {{"ZLEXCOUNT", "scores2", "-", "+"}}},
    {"ZMPOP", {{"ZMPOP", "2", "none", "scores", "MIN"}, {"ZMPOP", "1", "scores", "MAX", "COUNT", "9"}}},
    {"ZMSCORE", {{"ZMSCORE", "scores", "a", "none"}}},
    {"ZPOPMAX", {{"ZPOPMAX", "scores"}, {"ZPOPMAX", "none", "2"}}},
    {"ZPOPMIN", {{"ZPOPMIN", "scores", "2"}, {"ZPOPMIN", "text"}}},
    {"ZRANDMEMBER", {{"ZRANDMEMBER", "scores", "9"}, {"ZRANDMEMBER", "none"}}},
    {"ZRANGE", {{"ZRANGE", "scores", "0", "-1", "REV", "WITHSCORES"}}},
    {"ZRANGEBYLEX", {{"ZRANGEBYLEX", "scores2", "[b", "+"}}},
    {"ZRANGEBYSCORE", {{"ZRANGEBYSCORE", "scores", "-inf", "2"}}},
    {"ZRANGESTORE", {{"ZRANGESTORE", "new", "scores", "0", "1"}, {"ZRANGESTORE", "scores", "none", "0", "1"}}},
    {"ZRANK", {{"ZRANK", "scores", "b", "WITHSCORE"}, {"ZRANK", "scores", "none"}}},
    {"ZREM", {{"ZREM", "scores", "a", "none"}, {"ZREM", "scores", "a", "b", "c"}}},
    {"ZREMRANGEBYLEX", {{"ZREMRANGEBYLEX", "scores2", "-", "(c"}}},
    {"ZREMRANGEBYRANK", {{"ZREMRANGEBYRANK", "scores", "0", "0"}}},
    {"ZREMRANGEBYSCORE", {{"ZREMRANGEBYSCORE", "scores", "2", "9"}}},
    {"ZREVRANGE", {{"ZREVRANGE", "scores", "0", "1"}}},
    {"ZREVRANGEBYLEX", {{"ZREVRANGEBYLEX", "scores2", "+", "-"}}},
    {"ZREVRANGEBYSCORE", {{"ZREVRANGEBYSCORE", "scores", "9", "0", "LIMIT", "1", "1"}}},
    {"ZREVRANK", {{"ZREVRANK", "scores", "b"}}},
    {"ZSCAN", {{"ZSCAN", "scores", "0"}}},
    {"ZSCORE", {{"ZSCORE", "scores", "b"}}},
    {"ZUNION", {{"ZUNION", "2", "scores", "scores2", "WEIGHTS", "1", "2", "WITHSCORES"}}},
    {"ZUNIONSTORE", {{"ZUNIONSTORE", "scores2", "2", "scores", "scores2", "AGGREGATE", "MIN"}}},
    {"TDIGEST.ADD", {{"TDIGEST.ADD", "digest", "4", "-1"}, {"TDIGEST.ADD", "none", "1"}}},
    {"TDIGEST.BYRANK", {{"TDIGEST.BYRANK", "digest", "0", "9"}}},
    {"TDIGEST.BYREVRANK", {{"TDIGEST.BYREVRANK", "digest", "0", "9"}}},
    {"TDIGEST.CDF", {{"TDIGEST.CDF", "digest", "2"}, {"TDIGEST.CDF", "text", "2"}}},
    {"TDIGEST.CREATE", {{"TDIGEST.CREATE", "new"}, {"TDIGEST.CREATE", "digest"}}},
    {"TDIGEST.INFO", {{"TDIGEST.INFO", "digest"}, {"TDIGEST.INFO", "none"}}},
    {"TDIGEST.MAX", {{"TDIGEST.MAX", "digest"}}},
    {"TDIGEST.MERGE",
     {{"TDIGEST.MERGE", "new", "2", "digest", "digest"}, {"TDIGEST.MERGE", "digest", "1", "digest", "OVERRIDE"}}},
    {"TDIGEST.MIN", {{"TDIGEST.MIN", "digest"}}},
    {"TDIGEST.QUANTILE", {{"TDIGEST.QUANTILE", "digest", "0.5", "1"}}},
    {"TDIGEST.RANK", {{"TDIGEST.RANK", "digest", "2"}}},
    {"TDIGEST.RESET", {{"TDIGEST.RESET", "digest"}, {"TDIGEST.RESET", "none"}}},
    {"TDIGEST.REVRANK", {{"TDIGEST.REVRANK", "digest", "2"}}},
    {"TDIGEST.TRIMMED_MEAN", {{"TDIGEST.TRIMMED_MEAN", "digest", "0", "0.5"}}},
    {"TOPK.ADD", {{"TOPK.ADD", "top", "a", "c", "c"}, {"TOPK.ADD", "none", "a"}}},
    {"TOPK.COUNT", {{"TOPK.COUNT", "top", "a", "none"}}},
    {"TOPK.INCRBY", {{"TOPK.INCRBY", "top", "c", "5", "a", "x"}}},
    {"TOPK.INFO", {{"TOPK.INFO", "top"}, {"TOPK.INFO", "none"}}},
    {"TOPK.LIST", {{"TOPK.LIST", "top", "WITHCOUNT"}}},
    {"TOPK.QUERY", {{"TOPK.QUERY", "top", "a", "none"}}},
    {"TOPK.RESERVE", {{"TOPK.RESERVE", "new", "3"}, {"TOPK.RESERVE", "top", "3"}}},
    {"TTL", {{"TTL", "mortal"}, {"TTL", "text"}, {"TTL", "none"}}},
    {"TYPE", {{"TYPE", "text"}, {"TYPE", "none"}}},
    {"UNLINK", {{"UNLINK", "text"}}},
};

// Alone or among others, a command answers the same and leaves the same; a command that went past the shared
// transaction would wait for itself here.
TEST_F(Together, commands_do_what_they_do_alone) {
  const auto fill = [&](const std::string& database) {
    run({"SELECT", "2"});
    run({"FLUSHDB"});
    run({"SELECT", database});
    run({"FLUSHDB"});
    run({"MSET", "text", "some text", "number", "41"});
    run({"SET", "mortal", "soon", "PX", "50000"});
    run({"HSET", "fields", "f", "v", "n", "7"});
    run({"ZADD", "scores", "1", "a", "2", "b", "3.5", "c"});
    run({"ZADD", "scores2", "0", "b", "0", "c", "0", "d"});
    run({"SADD", "set", "a", "7"});
    run({"SADD", "set2", "7", "b"});
    run({"RPUSH", "list", "a", "b", "a"});
    run({"RPUSH", "list2", "c"});
    run({"GEOADD", "places", "13.361389", "38.115556", "a", "15.087269", "37.502669", "c"});
    run({"PFADD", "loglog", "a", "b", "c"});
    run({"BF.ADD", "bloom", "a"});
    run({"CF.INSERT", "cuckoo", "ITEMS", "a", "z", "a"});
    run({"CMS.INITBYDIM", "counts", "10", "3"});
    run({"CMS.INCRBY", "counts", "a", "7"});
    run({"TOPK.RESERVE", "top", "2"});
    run({"TOPK.ADD", "top", "a", "b", "a"});
    run({"TDIGEST.CREATE", "digest"});
    run({"TDIGEST.ADD", "digest", "1", "2", "3.5"});
    run({"SCRIPT", "LOAD", "return 1"});
    run({"XADD", "stream", "1-1", "f", "v"});
    run({"XADD", "stream", "2-1", "f", "w"});
    run({"XGROUP", "CREATE", "stream", "g", "0"});
    run({"XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", "stream", ">"});
  };
  const auto everything = [&] {
    std::string all;
    for (const char* key : {"text", "number", "mortal", "fields", "scores", "scores2", "set", "set2", "list", "list2",
                            "places", "loglog", "bloom", "cuckoo", "counts", "new", "newer", "none"})
      all += run({"GET", key}) + " " + run({"HGETALL", key}) + " " + run({"ZRANGE", key, "0", "-1", "WITHSCORES"}) +
             " " + run({"SMEMBERS", key}) + " " + run({"LRANGE", key, "0", "-1"}) + " " + run({"PEXPIRETIME", key}) +
             "\n";
    all += run({"XRANGE", "stream", "-", "+"}) + run({"XPENDING", "stream", "g"}) + run({"XINFO", "GROUPS", "stream"});
    all += run({"HPEXPIRETIME", "fields", "FIELDS", "2", "f", "n"});
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
        if (row.name == "RANDOMKEY") continue;
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
  for (const Words& call : std::vector<Words>{{"SWAPDB", "0", "1"},
                                              {"SELECT", "1"},
                                              {"STAVE.HISTORY", "a"},
                                              {"MULTI"},
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
