// Scripts: what they see, what they may, what they answer, and what becomes of what they did.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "commands/fixture_for_test.h"
#include "commands/script/scripts.h"
#include "commands/script/sha1.h"

namespace stave::commands {
namespace {

class ScriptCommandsTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    session_->set_protocol(2);
  }
  std::string eval(std::string_view script) { return run({"EVAL", script, "0"}); }
  void expect_error(std::string_view script, std::string_view part) {
    const std::string answer = eval(script);
    EXPECT_TRUE(answer.starts_with("-") && answer.find(part) != std::string::npos) << script << "\n"
                                                                                   << answer.substr(0, 500);
  }
};

TEST_F(ScriptCommandsTest, calls_that_wait_take_what_there_is_and_do_not_wait) {
  EXPECT_EQ(eval("return redis.call('BLPOP', 'none', '0')"), "nil");
  EXPECT_EQ(eval("return redis.call('BLMOVE', 'none', 'other', 'LEFT', 'LEFT', '0')"), "nil");
  EXPECT_EQ(eval("return redis.call('BZPOPMIN', 'none', '0')"), "nil");
  run({"RPUSH", "l", "a", "b", "c"});
  run({"ZADD", "z", "1", "m"});
  EXPECT_EQ(eval("return redis.call('BLPOP', 'l', '0')"), "[\"l\", \"a\"]");
  EXPECT_EQ(eval("return redis.call('BRPOPLPUSH', 'l', 'other', '0')"), "\"c\"");
  EXPECT_EQ(eval("return redis.call('BZPOPMAX', 'z', '0')"), "[\"z\", \"m\", \"1\"]");
  EXPECT_EQ(run({"LRANGE", "l", "0", "-1"}), "[\"b\"]");
  EXPECT_EQ(eval("return redis.call('WAIT', '1', '0')"), "0");
  EXPECT_EQ(eval("return redis.call('WAITAOF', '0', '1', '0')[2]"), "0");
}

TEST_F(ScriptCommandsTest, answers_what_lua_returns) {
  EXPECT_EQ(eval("return 1"), "1");
  EXPECT_EQ(eval("return 3.99"), "3");
  EXPECT_EQ(eval("return -3.99"), "-3");
  EXPECT_EQ(eval("return 'text'"), "\"text\"");
  EXPECT_EQ(eval("return true"), "1");
  EXPECT_EQ(eval("return false"), "nil");
  EXPECT_EQ(eval("return nil"), "nil");
  EXPECT_EQ(eval("return {1, 2, nil, 4}"), "[1, 2]");
  EXPECT_EQ(eval("return {1, {2, {'x'}}}"), "[1, [2, [\"x\"]]]");
  EXPECT_EQ(eval("return {ok = 'fine'}"), "fine");
  EXPECT_EQ(eval("return {err = 'My Err'}"), "-My Err");
  EXPECT_EQ(eval("return redis.status_reply('fine')"), "fine");
  EXPECT_EQ(eval("return redis.error_reply('-MY error')"), "-MY error");
  EXPECT_EQ(eval("return redis.error_reply('word')"), "-ERR word");
  EXPECT_EQ(eval("return function() end"), "nil");
  EXPECT_EQ(run({"EVAL", "return {KEYS[1], KEYS[2], ARGV[1], #ARGV}", "2", "a", "b", "c"}), "[\"a\", \"b\", \"c\", 1]");
}

TEST_F(ScriptCommandsTest, answers_the_newer_types_when_asked) {
  session_->set_protocol(3);
  EXPECT_EQ(eval("redis.setresp(3) return true"), "true");
  EXPECT_EQ(eval("return {double = 1.5}"), "1.500000");
  EXPECT_EQ(eval("return {big_number = '123'}"), "\"123\"");
  EXPECT_EQ(eval("return {map = {a = 1}}"), "{\"a\", 1}");
  EXPECT_EQ(eval("return {set = {a = true}}"), "[\"a\"]");
  EXPECT_EQ(eval("return {verbatim_string = {format = 'txt', string = 'x'}}"), "\"x\"");
  run({"HSET", "h", "f", "v"});
  EXPECT_EQ(eval("redis.setresp(3) return redis.call('hgetall', 'h').map.f"), "\"v\"");
  EXPECT_EQ(eval("return redis.call('hgetall', 'h')"), "[\"f\", \"v\"]");
  run({"ZADD", "z", "1.5", "m"});
  EXPECT_EQ(eval("redis.setresp(3) return type(redis.call('zscore', 'z', 'm').double)"), "\"number\"");
  EXPECT_EQ(eval("return redis.call('zscore', 'z', 'm')"), "\"1.5\"");
  EXPECT_EQ(eval("redis.setresp(3) return tostring(redis.call('get', 'nothing'))"), "\"nil\"");
  EXPECT_EQ(eval("return tostring(redis.call('get', 'nothing'))"), "\"false\"");
}

TEST_F(ScriptCommandsTest, calls_commands_as_one_transaction) {
  EXPECT_EQ(run({"EVAL", "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])", "1", "k", "v"}),
            "\"v\"");
  const Lsn before = engine_->log().tail();
  EXPECT_EQ(run({"EVAL", "for i = 1, 10 do redis.call('SET', KEYS[i], i) end return redis.call('EXISTS', unpack(KEYS))",
                 "10", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}),
            "10");
  EXPECT_GT(raw(engine_->log().tail()), raw(before));
  // Keys that were not declared, too.
  EXPECT_EQ(eval("for i = 1, 100 do redis.call('SET', 'u' .. i, i) end return redis.call('DBSIZE')"), "111");
  EXPECT_EQ(eval("return #redis.call('KEYS', 'u*')"), "100");
  reopen();
  EXPECT_EQ(run({"GET", "u100"}), "\"100\"");
}

TEST_F(ScriptCommandsTest, keeps_what_was_written_before_an_error) {
  expect_error("redis.call('SET', 'a', '1') redis.call('LPUSH', 'a', 'x')",
               "WRONGTYPE Operation against a key holding the wrong kind of value script: ");
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
  expect_error("redis.call('SET', 'b', '1') error('enough')", "-ERR user_script:1: enough script: ");
  EXPECT_EQ(run({"GET", "b"}), "\"1\"");
  EXPECT_EQ(eval("local e = redis.pcall('INCR', KEYS[1] or 'nokey', 'x') return e.err"),
            "\"ERR Wrong number of args calling Redis command from script\"");
}

TEST_F(ScriptCommandsTest, says_what_went_wrong_as_redis_does) {
  const std::string sha = script::sha1_text("return redis.call('nosuch')");
  EXPECT_EQ(eval("return redis.call('nosuch')"),
            "-ERR Unknown Redis command called from script script: " + sha + ", on @user_script:1.");
  EXPECT_EQ(eval("return foo bar"),
            "-ERR Error compiling script (new function): user_script:1: '<eof>' expected near 'bar'");
  expect_error("return nosuch", "Script attempted to access nonexistent global variable 'nosuch'");
  expect_error("x = 1", "Attempt to modify a readonly table");
  expect_error("return redis.call()", "Please specify at least one argument for this redis lib call");
  expect_error("return redis.call({})", "Lua redis lib command arguments must be strings or integers");
  expect_error("return redis.call('MULTI')", "This Redis command is not allowed from script");
  expect_error("return redis.call('EVAL', 'return 1', 0)", "This Redis command is not allowed from script");
  expect_error("return redis.call('SUBSCRIBE', 'c')", "This Redis command is not allowed from script");
  expect_error("error({err = 'CODE words'})", "-CODE words script: ");
  EXPECT_EQ(run({"EVAL", "return 1", "x"}), "-ERR value is not an integer or out of range");
  EXPECT_EQ(run({"EVAL", "return 1", "-1"}), "-ERR Number of keys can't be negative");
  EXPECT_EQ(run({"EVAL", "return 1", "1"}), "-ERR Number of keys can't be greater than number of args");
  EXPECT_EQ(eval("return select(2, pcall(redis.call, 'nosuch'))"), "\"ERR Unknown Redis command called from script\"");
}

TEST_F(ScriptCommandsTest, shows_a_script_nothing_that_it_must_not_have) {
  for (const char* name :
       {"io", "require", "dofile", "loadfile", "print", "debug", "package", "module", "newproxy", "getfenv", "setfenv"})
    expect_error(std::string("return ") + name, "nonexistent global variable '" + std::string(name) + "'");
  expect_error("return os.execute('true')", "attempt to call field 'execute'");
  EXPECT_EQ(eval("return type(os.clock())"), "\"number\"");
  EXPECT_EQ(eval("local f, e = loadstring(string.dump(function() return 1 end)) return {tostring(f), e}"),
            "[\"nil\", \"bytecode is not allowed\"]");
  EXPECT_EQ(eval("return loadstring('return 1 + 1')()"), "2");
  EXPECT_EQ(eval("local n = 0 return load(function() n = n + 1 return ({'return', ' 7'})[n] end)()"), "7");
}

TEST_F(ScriptCommandsTest, lets_no_script_change_what_others_see) {
  for (const char* script :
       {"redis.call = nil", "string.format = nil", "cjson.encode = 1", "math.x = 1", "table.insert(redis, 1)",
        "rawset(redis, 'a', 1)", "rawset(_G, 'a', 1)", "setmetatable(_G, {})", "setmetatable(string, {})",
        "getmetatable(_G).__index = {}", "getmetatable('').__index = {}", "getmetatable(redis).__index = 1",
        "rawset(getmetatable(''), 'a', 1)", "_G = 1", "table.sort(cjson)", "coroutine.wrap = nil", "os.clock = nil"})
    expect_error(script, "Attempt to modify a readonly table");
  EXPECT_EQ(eval("return ('x'):rep(3) .. string.format('%d', 1)"), "\"xxx1\"");
  EXPECT_EQ(eval("return type(rawget(redis, 'call'))"), "\"function\"");
  EXPECT_EQ(eval("local n = 0 for k in pairs(redis) do n = n + 1 end return n > 10"), "1");
  EXPECT_EQ(eval("return next(bit) ~= nil"), "1");
  EXPECT_EQ(eval("collectgarbage('stop') cjson.encode_max_depth(1) return 1"), "1");
  EXPECT_EQ(eval("return cjson.encode({{{1}}})"), "\"[[[1]]]\"");
}

TEST_F(ScriptCommandsTest, draws_other_numbers_each_time_unless_a_seed_is_given) {
  const std::string first = eval("return tostring(math.random())");
  EXPECT_NE(eval("return tostring(math.random())"), first);
  EXPECT_EQ(eval("math.randomseed(0) return tostring(math.random())"), "\"0.17082803611217\"");
  EXPECT_EQ(eval("math.randomseed(0) return math.random(100) + math.random(3, 3)"), "21");
}

TEST_F(ScriptCommandsTest, survives_what_is_too_much) {
  expect_error("return string.rep('x', 10000000000)", "not enough memory");
  EXPECT_EQ(eval("return string.rep('', 1e15)"), "\"\"");
  expect_error("local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1000000) .. i end", "not enough memory");
  expect_error("local function f() return f() + 1 end return f()", "stack overflow");
  expect_error("local t = {} t[1] = t return cjson.encode(t)", "excessive nesting");
  expect_error("return string.find(string.rep('a', 10000), string.rep('a?', 10000))", "pattern too complex");
  expect_error("return loadstring(string.rep('(', 100000))()", "attempt to call a nil value");
  expect_error("return unpack({}, 1, 1e7)", "too many results to unpack");
  const std::string deep = eval("local t = {1} for i = 1, 1000000 do t = {t} end return t");
  EXPECT_NE(deep.find("reached lua stack limit"), std::string::npos);
  EXPECT_EQ(eval("local t = {} for i = 1, 100000 do t[i] = i end return #t"), "100000");
  EXPECT_EQ(eval("return 1"), "1");
}

TEST_F(ScriptCommandsTest, withstands_what_broke_others) {
  EXPECT_EQ(eval("return bit.tohex(65535, -2147483648)"), "\"0000FFFF\"");
  EXPECT_EQ(eval("return bit.tohex(255)"), "\"000000ff\"");
  EXPECT_EQ(eval("return bit.band(0xff, 0x0f) + bit.lshift(1, 4) + bit.bnot(-1)"), "31");
  expect_error("return cmsgpack.unpack(string.rep('\\145', 1000000))", "Bad data format");
  expect_error("return cmsgpack.unpack('\\221\\255\\255\\255\\255')", "Missing bytes");
  expect_error("return struct.unpack('>I4', 'ab')", "data string too short");
  expect_error("return struct.unpack('c0', 'ab')", "needs a previous size");
  expect_error("return struct.unpack('i2147483648', 'ab')", "overflow");
  expect_error("return struct.pack('>I99', 1)", "larger than limit");
  expect_error("return struct.unpack('!3i2', 'abcd')", "not a power of 2");
  expect_error("return cjson.encode(string.rep('\\1', 20000000))", "not enough memory");
  expect_error("return cjson.decode(string.rep('[', 100000))", "too many nested data structures");
  EXPECT_EQ(eval("return type(load(function() collectgarbage() return nil end, string.rep('x', 1000)))"),
            "\"function\"");
}

TEST_F(ScriptCommandsTest, speaks_json_messagepack_and_structures) {
  EXPECT_EQ(eval("return cjson.encode({1, 2.5, 'a/\"\\n', true, cjson.null})"),
            "\"[1,2.5,\"a\\/\\\"\\n\",true,null]\"");
  EXPECT_EQ(eval("return cjson.encode({})"), "\"{}\"");
  EXPECT_EQ(eval("return cjson.encode({a = {b = 1}})"), "\"{\"a\":{\"b\":1}}\"");
  EXPECT_EQ(eval("local t = cjson.decode('{\"a\":[1,2,{\"b\":null}],\"c\":\"\\\\u00e9\\\\ud83d\\\\ude00\"}') "
                 "return {t.a[2], tostring(t.a[3].b == cjson.null), t.c}"),
            "[2, \"true\", \"\xc3\xa9\xf0\x9f\x98\x80\"]");
  expect_error("return cjson.decode('[1,')", "Expected value but found T_END at character 4");
  expect_error("return cjson.encode({[1] = 1, [100] = 2})", "excessively sparse array");
  EXPECT_EQ(eval("return cmsgpack.unpack(cmsgpack.pack({1, -1, 'x', {a = 2.5}, true}))[4].a .. ''"), "\"2.5\"");
  EXPECT_EQ(eval("return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3), 1)}"), "[2, 2]");
  EXPECT_EQ(eval("return cmsgpack.pack(1, 300, 'a')"), std::string("\"\x01\xcd\x01\x2c\xa1") + "a\"");
  EXPECT_EQ(eval("return {struct.unpack('>I2<hs', struct.pack('>I2<hs', 258, -2, 'text'))}"),
            "[258, -2, \"text\", 10]");
  EXPECT_EQ(eval("return struct.size('!8bi8d')"), "24");
}

TEST_F(ScriptCommandsTest, obeys_the_flags_of_its_first_line) {
  EXPECT_EQ(eval("#!lua\nreturn 1"), "1");
  expect_error("#!lua flags=no-writes\nreturn redis.call('SET', 'a', 1)",
               "Write commands are not allowed from read-only scripts.");
  EXPECT_EQ(eval("#!lua flags=no-writes,allow-stale\nreturn redis.call('EXISTS', 'a')"), "0");
  EXPECT_EQ(eval("#!lua flags=nonsense\nreturn 1"), "-ERR Unexpected flag in script shebang: nonsense");
  EXPECT_EQ(eval("#!lua name=x\nreturn 1"), "-ERR Unknown lua shebang option: name=x");
  EXPECT_EQ(eval("#!python\nreturn 1"), "-ERR Unexpected engine in script shebang: python");
  EXPECT_EQ(eval("#!lua"), "-ERR Invalid script shebang");
  EXPECT_EQ(run({"EVAL_RO", "#!lua\nreturn 1", "0"}),
            "-ERR Can not execute a script with write flag using *_ro command.");
  const std::string answer = run({"EVAL_RO", "return redis.call('SET', 'a', 1)", "0"});
  EXPECT_NE(answer.find("Write commands are not allowed from read-only scripts."), std::string::npos) << answer;
}

TEST_F(ScriptCommandsTest, keeps_scripts_by_name) {
  const std::string sha = script::sha1_text("return 7");
  EXPECT_EQ(sha.size(), 40u);
  EXPECT_EQ(script::sha1_text("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(run({"EVALSHA", sha, "0"}), "-NOSCRIPT No matching script. Please use EVAL.");
  EXPECT_EQ(run({"SCRIPT", "LOAD", "return 7"}), "\"" + sha + "\"");
  EXPECT_EQ(run({"EVALSHA", upper(sha), "0"}), "7");
  EXPECT_EQ(run({"SCRIPT", "EXISTS", sha, "x"}), "[1, 0]");
  EXPECT_EQ(run({"SCRIPT", "SHOW", sha}), "\"return 7\"");
  EXPECT_EQ(run({"SCRIPT", "FLUSH", "SYNC"}), "OK");
  EXPECT_EQ(run({"SCRIPT", "EXISTS", sha}), "[0]");
  EXPECT_EQ(run({"SCRIPT", "KILL"}), "-NOTBUSY No scripts in execution right now.");
  EXPECT_TRUE(run({"SCRIPT", "LOAD", "return ("}).starts_with("-ERR Error compiling script"));
}

TEST_F(ScriptCommandsTest, forgets_those_of_eval_that_were_not_used_lately) {
  run({"SCRIPT", "LOAD", "return 'stays'"});
  for (int i = 0; i < 600; ++i) run({"EVAL", "return " + std::to_string(i), "0"});
  EXPECT_EQ(environment_->scripts().cache().size(), 501u);
  EXPECT_EQ(run({"SCRIPT", "EXISTS", script::sha1_text("return 'stays'"), script::sha1_text("return 0"),
                 script::sha1_text("return 599")}),
            "[1, 0, 1]");
}

TEST_F(ScriptCommandsTest, runs_within_a_transaction) {
  run({"MULTI"});
  run({"SET", "a", "1"});
  EXPECT_EQ(run({"EVAL", "return redis.call('INCR', KEYS[1])", "1", "a"}), "QUEUED");
  run({"EVAL", "redis.call('SET', 'b', 'x') return redis.call('INCR', 'b')", "0"});
  run({"GET", "b"});
  const std::string answer = run({"EXEC"});
  EXPECT_TRUE(answer.starts_with("[OK, 2, -ERR value is not an integer")) << answer;
  EXPECT_TRUE(answer.ends_with("\"x\"]")) << answer;
  run({"MULTI", "ROLLBACK"});
  run({"SET", "a", "5"});
  run({"EVAL", "redis.call('SET', 'a', 6) error('x')", "0"});
  EXPECT_TRUE(run({"EXEC"}).starts_with("-EXECABORT"));
  EXPECT_EQ(run({"GET", "a"}), "\"2\"");
}

TEST_F(ScriptCommandsTest, stays_in_its_database_whatever_a_script_selects) {
  EXPECT_EQ(eval("redis.call('SELECT', 1) redis.call('SET', 'x', 'one') return redis.call('GET', 'x')"), "\"one\"");
  EXPECT_EQ(run({"GET", "x"}), "nil");
  run({"SELECT", "1"});
  EXPECT_EQ(run({"GET", "x"}), "\"one\"");
}

/// Scripts that take long, on real time; threads meet where one is told that the other is busy.
class SlowScriptsTest : public ScriptCommandsTest {
 protected:
  void SetUp() override {
    ScriptCommandsTest::SetUp();
    close();
    options_.clock = &Clock::system();
    open();
    session_->set_protocol(2);
    environment_->scripts().slow().set_threshold_ms(50);
  }
  /// For another thread: in a session of its own.
  std::string run_elsewhere(std::initializer_list<std::string_view> call) {
    const auto session = new_session();
    ReplySink sink(*session);
    dispatch(*session, std::span(call.begin(), call.size()), sink);
    EXPECT_TRUE(engine_->wait(session->take_pending()));
    return spell(sink.take());
  }
  std::string until_busy(std::initializer_list<std::string_view> call) {
    for (;;)
      if (std::string answer = run(call); answer.starts_with("-BUSY")) return answer;
  }
};

TEST_F(SlowScriptsTest, are_ended_before_they_write) {
  run({"SET", "a", "1"});
  std::string answer;
  std::thread other([&] { answer = run_elsewhere({"EVAL", "while true do end", "1", "a"}); });
  EXPECT_EQ(until_busy({"GET", "a"}),
            "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.");
  EXPECT_EQ(run({"PING"}), "PONG");
  EXPECT_TRUE(run({"EVAL", "return redis.call('GET', 'a')", "0"}).starts_with("-BUSY"));
  EXPECT_TRUE(run({"FUNCTION", "KILL"}).starts_with("-BUSY"));
  EXPECT_EQ(run({"SCRIPT", "KILL"}), "OK");
  other.join();
  EXPECT_TRUE(answer.starts_with("-ERR Script killed by user with SCRIPT KILL. script: ")) << answer;
  EXPECT_EQ(run({"GET", "a"}), "\"1\"");
}

TEST_F(SlowScriptsTest, that_wrote_are_ended_with_the_store_only_and_leave_nothing) {
  std::string answer;
  std::thread other;
  // It begins again once it takes long, and has its keys before it has written: whoever kills it then may.
  for (bool wrote = false; !wrote;) {
    other = std::thread([&] {
      answer = run_elsewhere({"EVAL", "redis.call('SET', 'a', 1) redis.call('SET', 'b', 1) while true do end", "0"});
    });
    until_busy({"GET", "a"});
    wrote = run({"SCRIPT", "KILL"}).starts_with("-UNKILLABLE");
    if (!wrote) other.join();
  }
  environment_->scripts().stop();
  other.join();
  EXPECT_TRUE(answer.starts_with("-ERR Script killed")) << answer;
  EXPECT_EQ(run({"EXISTS", "a", "b"}), "0");
}

TEST_F(SlowScriptsTest, within_a_transaction_are_undone_with_it) {
  run({"MULTI"});
  run({"SET", "a", "1"});
  run({"EVAL", "while true do end", "0"});
  EXPECT_TRUE(run({"EXEC"}).starts_with("-EXECABORT"));
  EXPECT_EQ(run({"GET", "a"}), "nil");
}

TEST_F(SlowScriptsTest, let_the_others_have_what_they_did) {
  environment_->scripts().slow().set_threshold_ms(0);
  std::string answer;
  std::thread other([&] {
    answer = run_elsewhere({"EVAL",
                            "local n = os.clock() while os.clock() < n + 0.1 do end "
                            "redis.call('SET', KEYS[1], 'done') return 'done'",
                            "1", "a"});
  });
  other.join();
  EXPECT_EQ(answer, "\"done\"");
  EXPECT_EQ(run({"GET", "a"}), "\"done\"");
}

class FunctionCommandsTest : public ScriptCommandsTest {
 protected:
  static constexpr std::string_view kLibrary =
      "#!lua name=mylib\n"
      "local function set(keys, args) redis.call('SET', keys[1], args[1]) return 'set' end\n"
      "redis.register_function('put', set)\n"
      "redis.register_function{function_name='look', description='looks', flags={'no-writes'},\n"
      "  callback=function(keys) return redis.call('GET', keys[1]) end}\n";
};

TEST_F(FunctionCommandsTest, calls_what_a_library_registered_also_after_a_restart) {
  EXPECT_EQ(run({"FCALL", "put", "1", "a", "1"}), "-ERR Function not found");
  EXPECT_EQ(run({"FUNCTION", "LOAD", kLibrary}), "\"mylib\"");
  EXPECT_EQ(run({"FUNCTION", "LOAD", kLibrary}), "-ERR Library 'mylib' already exists");
  EXPECT_EQ(run({"FUNCTION", "LOAD", "REPLACE", kLibrary}), "\"mylib\"");
  EXPECT_EQ(run({"FCALL", "put", "1", "a", "1"}), "\"set\"");
  EXPECT_EQ(run({"FCALL_RO", "look", "1", "a"}), "\"1\"");
  EXPECT_EQ(run({"FCALL_RO", "LOOK", "1", "a"}), "\"1\"") << "case does not count";
  EXPECT_EQ(run({"FUNCTION", "LOAD", "#!lua name=other\nredis.register_function('PUT', function() end)"}),
            "-ERR Function put already exists");
  EXPECT_EQ(run({"FCALL_RO", "put", "1", "a", "1"}),
            "-ERR Can not execute a script with write flag using *_ro command.");
  reopen();
  session_->set_protocol(2);
  EXPECT_EQ(run({"FCALL", "look", "1", "a"}), "\"1\"");
  EXPECT_EQ(run({"FLUSHALL"}), "OK");
  EXPECT_EQ(run({"DBSIZE"}), "0");
  reopen();
  session_->set_protocol(2);
  EXPECT_EQ(run({"FCALL", "put", "1", "a", "2"}), "\"set\"");
  EXPECT_EQ(run({"FUNCTION", "DELETE", "mylib"}), "OK");
  reopen();
  EXPECT_EQ(run({"FCALL", "put", "1", "a", "1"}), "-ERR Function not found");
}

TEST_F(FunctionCommandsTest, tells_what_there_is_and_moves_it) {
  run({"FUNCTION", "LOAD", kLibrary});
  EXPECT_EQ(run({"FUNCTION", "LIST"}),
            "[{\"library_name\", \"mylib\", \"engine\", \"LUA\", \"functions\", [{\"name\", \"put\", \"description\", "
            "nil, \"flags\", []}, {\"name\", \"look\", \"description\", \"looks\", \"flags\", [no-writes]}]}]");
  EXPECT_EQ(run({"FUNCTION", "LIST", "LIBRARYNAME", "other*"}), "[]");
  EXPECT_EQ(run({"FUNCTION", "STATS"}),
            "{\"running_script\", nil, \"engines\", {\"LUA\", {\"libraries_count\", 1, \"functions_count\", 2}}}");
  const std::string dump = reply({"FUNCTION", "DUMP"}).text;
  EXPECT_EQ(run({"FUNCTION", "RESTORE", dump}), "-ERR Library mylib already exists");
  EXPECT_EQ(run({"FUNCTION", "RESTORE", dump, "REPLACE"}), "OK");
  EXPECT_EQ(run({"FUNCTION", "FLUSH"}), "OK");
  EXPECT_EQ(run({"FUNCTION", "RESTORE", dump}), "OK");
  EXPECT_EQ(run({"FCALL", "put", "1", "a", "1"}), "\"set\"");
  std::string damaged = dump;
  damaged[5] ^= 1;
  EXPECT_EQ(run({"FUNCTION", "RESTORE", damaged}), "-ERR DUMP payload version or checksum are wrong");
}

TEST_F(FunctionCommandsTest, refuses_what_is_no_library) {
  const auto load = [&](std::string_view text) { return run({"FUNCTION", "LOAD", text}); };
  EXPECT_EQ(load("return 1"), "-ERR Missing library metadata");
  EXPECT_EQ(load("#!lua\nreturn 1"), "-ERR Library name was not given");
  EXPECT_EQ(load("#!x name=a\nreturn 1"), "-ERR Engine 'x' not found");
  EXPECT_EQ(load("#!lua name=a\nreturn 1"), "-ERR No functions registered");
  EXPECT_TRUE(load("#!lua name=a\nreturn (").starts_with("-ERR Error compiling function: "));
  EXPECT_NE(load("#!lua name=a\nredis.call('PING')").find("nonexistent global variable 'call'"), std::string::npos);
  EXPECT_NE(load("#!lua name=a\nreturn KEYS").find("nonexistent global variable 'KEYS'"), std::string::npos);
  EXPECT_NE(load("#!lua name=a\nredis.register_function('a b', print)").find("nonexistent global"), std::string::npos);
  EXPECT_NE(load("#!lua name=a\nredis.register_function('a b', tostring)").find("Library names can only"),
            std::string::npos);
  EXPECT_EQ(load("#!lua name=a\nwhile true do end"), "-ERR FUNCTION LOAD timeout");
  EXPECT_EQ(run({"FUNCTION", "LIST"}), "[]");
  expect_error("redis.register_function('a', tostring)", "can only be called on FUNCTION LOAD command");
}

}  // namespace
}  // namespace stave::commands
