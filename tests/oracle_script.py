"""Scripts, for oracle_test.py: commands called from Lua, values there and back, the libraries, and what is refused.

Known differences that are kept out: what a script may not call here (INFO, WAIT …), and answers that depend on the order of a table's pairs.
"""

REFUSED = (b"INFO", b"MEMORY", b"WAIT", b"WAITAOF", b"OBJECT", b"DEBUG", b"CLIENT", b"CONFIG", b"SHUTDOWN", b"RESET", b"QUIT", b"AUTH", b"HELLO", b"MULTI",
           b"EXEC", b"DISCARD", b"WATCH", b"UNWATCH", b"SWAPDB", b"SELECT", b"LATENCY", b"SLOWLOG", b"LASTSAVE", b"SCAN", b"KEYS", b"RANDOMKEY",
           b"SPOP", b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER", b"COMMAND", b"DUMP", b"RESTORE", b"FLUSHALL", b"FLUSHDB", b"SORT", b"SORT_RO",
           b"SMEMBERS", b"SDIFF", b"SINTER", b"SUNION", b"HGETALL", b"HKEYS", b"HVALS", b"HSCAN", b"SSCAN", b"ZSCAN", b"LCS", b"TTL",
           b"PTTL", b"EXPIRETIME", b"PEXPIRETIME", b"TIME", b"HTTL", b"HPTTL", b"HEXPIRETIME", b"HPEXPIRETIME", b"SUBSCRIBE", b"PSUBSCRIBE",
           b"SSUBSCRIBE", b"UNSUBSCRIBE", b"PUNSUBSCRIBE", b"SUNSUBSCRIBE", b"SAVE", b"BGSAVE", b"BGREWRITEAOF", b"MONITOR", b"LOLWUT", b"FUNCTION", b"FCALL")

# Each is one script without keys or arguments.
SCRIPTS = r"""
return 1
return 3.99
return -3.99
return 1e15
return 'text'
return true
return false
return nil
return {1, 2, nil, 4}
return {1, {2, {'x', false, true}}, 3.5}
return {}
return {ok = 'fine'}
return {err = 'My Err'}
return {err = 'CODE words'}
return {double = 1.5}
return {big_number = '12345678901234567890'}
return {verbatim_string = {format = 'txt', string = 'words'}}
return {verbatim_string = {string = 'words'}}
return {map = {a = 1}}
return {set = {a = true}}
return redis.status_reply('fine')
return redis.error_reply('-MY error')
return redis.error_reply('My error')
return redis.error_reply('word')
return redis.status_reply(1)
return redis.sha1hex('')
return redis.sha1hex('abc')
return redis.sha1hex()
return redis.call()
return redis.call({})
return redis.call('nosuch')
return redis.call('get')
return redis.call('get', 'a', 'b')
return redis.pcall('nosuch')
return redis.pcall('nosuch').err
return {redis.pcall('get'), 1}
return redis.call('multi')
return redis.call('eval', 'return 1', 0)
return redis.call('subscribe', 'c')
return redis.call('config', 'get', 'maxmemory')
return redis.call('echo', 1)
return redis.call('echo', 1.5)
return redis.call('echo', 0.1)
return redis.call('echo', 1e20)
return redis.call('echo', -123456789012)
return redis.call('echo', 1/3)
return redis.call('ping')
return redis.call('ping').ok
return redis.call('publish', 'c', 'm')
redis.setresp(3) return redis.call('ping').ok
return redis.setresp(4)
return redis.setresp()
return redis.log(1)
return redis.log('x', 'y')
return redis.log(redis.LOG_DEBUG, 'y')
return redis.log(9, 'y')
return redis.set_repl(9)
return {redis.LOG_DEBUG, redis.LOG_VERBOSE, redis.LOG_NOTICE, redis.LOG_WARNING, redis.REPL_ALL, redis.REPL_NONE}
return foo bar
return (
x = 1
return nosuch
return print
return dofile
return loadfile
return require
return io
redis = 1
redis.call = 1
string.format = nil
setmetatable(_G, {})
getmetatable(_G).__index = {}
error('words')
error({err = 'CODE words'})
error()
error(nil)
error(12)
return pcall(error, 'words')
return {pcall(error, {err = 'CODE words'})}
return {pcall(redis.call, 'nosuch')}
local function f() error('deep') end f()
return {pcall(function() return nosuch end)}
math.randomseed(12) return {math.random(1000), math.random(1000)}
return loadstring('return 5')()
return {tostring(loadstring('return ('))}
return type(loadstring(string.dump(function() return 1 end)))
return select('#', unpack({1, 2, 3}))
return string.format('%5.2f|%s|%d', 1.5, 'x', 7)
return {tostring(1e100), tostring(0.1), tostring(100)}
return bit.tobit(0xffffffff)
return {bit.bnot(0), bit.band(255, 15), bit.bor(1, 2, 4), bit.bxor(255, 1), bit.lshift(1, 31), bit.rshift(-1, 28), bit.arshift(-256, 4)}
return {bit.rol(0x12345678, 12), bit.ror(0x12345678, 12), bit.bswap(0x12345678), bit.tohex(1), bit.tohex(-1, 4), bit.tohex(0xff, -4)}
return bit.band()
return bit.tobit('x')
return bit.tobit(1e10)
return bit.tobit(-1.5)
return cjson.encode({1, 2.5, 'a/"\n\t\1\127', true, false, cjson.null})
return cjson.encode({})
return cjson.encode({a = 1})
return cjson.encode({[1] = 1, [2] = 2, [5] = 5})
return cjson.encode({[1] = 1, [100] = 2})
return cjson.encode('text')
return cjson.encode(1/3)
return cjson.encode(1e20)
return cjson.encode(0/0)
return cjson.encode(print)
return cjson.encode(function() end)
return cjson.encode({{{{}}}})
return cjson.encode({[1.5] = 1})
return cjson.encode({[true] = 1})
return cjson.decode('[1, 2.5, "x", true, false, {"a": [7]}]')
return cjson.decode('{"a": {"b": [1, 2]}}').a.b
return cjson.decode('"\\u00e9\\ud83d\\ude00\\n\\/"')
return cjson.decode('"\\ud83d"')
return cjson.decode('[1,')
return cjson.decode('[1 2]')
return cjson.decode('{"a" 1}')
return cjson.decode('{a: 1}')
return cjson.decode('[1] x')
return cjson.decode('')
return cjson.decode('nul')
return cjson.decode('"abc')
return cjson.decode('"\\x"')
return cjson.decode('[1,]')
return cjson.decode('-')
return tostring(cjson.decode('null') == cjson.null)
return cjson.decode(string.rep('[', 1001))
return {cjson.encode_max_depth(), cjson.decode_max_depth(), cjson.encode_number_precision()}
return cmsgpack.pack(1, -1, 127, 128, 255, 256, 65536, 4294967296, -32, -33, -129, -32769, -2147483649)
return cmsgpack.pack(1.5, 0.1, 1e300, true, false, nil, 'x', string.rep('y', 40))
return cmsgpack.pack({1, 2, 3}, {}, {a = 1})
return cmsgpack.pack({[1] = 1, [3] = 3})
return {cmsgpack.unpack(cmsgpack.pack(1, 'x', {1, {2}}))}
return {cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3))}
return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2, 0)}
return cmsgpack.unpack('\221\255\255\255\255')
return cmsgpack.unpack('\193')
return cmsgpack.unpack('\217')
return cmsgpack.pack()
local t = {} for i = 1, 20 do t = {t} end return cmsgpack.pack(t)
return struct.pack('>I2<hsb', 258, -2, 'text', 5)
return {struct.unpack('>I2<hsb', struct.pack('>I2<hsb', 258, -2, 'text', 5))}
return struct.pack('!4bi', 1, 2)
return struct.pack('c3c0', 'abcdef', 'xy')
return struct.pack('c3', 'ab')
return {struct.unpack('Bc0', '\3abcdef')}
return struct.unpack('>I4', 'ab')
return struct.unpack('c0', 'ab')
return struct.unpack('s', 'ab')
return struct.pack('>I99', 1)
return struct.pack('z', 1)
return struct.size('!8bi8d')
return struct.size('s')
return tostring(struct.unpack('<d', struct.pack('<d', 0.1)))
return {struct.unpack('<f>l', struct.pack('<f>l', 1.5, -7))}
#!lua
#!python
local t = {} t[1] = t return cjson.encode(t)
return string.find('hello world', 'o w')
return {string.gsub('hello', 'l', 'L')}
return #string.rep('ab', 1000)
return {unpack({1, 2, 3}, 2)}
return {table.concat({1, 2, 3}, ','), table.maxn({1, 2, 3}), #{1, 2, 3}}
local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b * 2 end) return {select(2, coroutine.resume(co, 1)), select(2, coroutine.resume(co, 5))}
local t = setmetatable({}, {__index = function(_, k) return k end}) return t.x
return redis.call('set', 'k0', 'v', 'nx', 'xx')
return redis.acl_check_cmd('get', 'x')
return redis.acl_check_cmd('nosuch')
return redis.acl_check_cmd()
return redis.replicate_commands()
""".strip().split("\n")

POSITION = [0]


def makers(generator):
    def called():
        while True:
            command = generator.command()
            if callable(command) or not command or command[0].startswith(b"<") or command[0].upper() in REFUSED:
                continue
            # Streams apart: in a script 7.0 refuses BLOCK, and makes no consumer that is given nothing.
            if command[0].upper() in (b"EVAL", b"EVAL_RO", b"EVALSHA", b"SCRIPT") or command[0][:1].upper() == b"X":
                continue
            call = generator.random.choice([b"call", b"call", b"pcall"])
            return [b"EVAL", b"return redis." + call + b"(unpack(ARGV))", b"0", *command]

    def next_script():
        script = SCRIPTS[POSITION[0] % len(SCRIPTS)]
        POSITION[0] += 1
        return [b"EVAL", script.encode().replace(b"#!lua", b"#!lua\nreturn 7"), b"0"]

    def odd():
        return generator.random.choice([
            [b"EVAL", b"return 1"], [b"EVAL", b"return 1", b"x"], [b"EVAL", b"return 1", b"-1"], [b"EVAL", b"return 1", b"1"],
            [b"EVALSHA", b"ffffffffffffffffffffffffffffffffffffffff", b"0"], [b"EVALSHA", b"x", b"0"], [b"SCRIPT", b"EXISTS", b"x"],
            [b"SCRIPT", b"LOAD", b"return 1"], [b"EVALSHA", b"E0E1F9FABFC9D4800C877A703B823AC0578FF8DB", b"0"], [b"SCRIPT", b"KILL"],
            [b"SCRIPT", b"NOSUCH"], [b"SCRIPT", b"FLUSH", b"NOW"], [b"SCRIPT", b"LOAD", b"return ("],
            [b"EVAL", b"return {KEYS[1], KEYS[2], ARGV[1], ARGV[2]}", b"2", b"a", b"b", b"c"],
            [b"EVAL_RO", b"return redis.call('set', KEYS[1], 1)", b"1", b"k0"], [b"EVAL_RO", b"return redis.call('exists', KEYS[1])", b"1", b"k0"]])

    return [(6, called), (6, next_script), (2, odd)]


def called_by(command):
    """What a script of `called` calls; None of other commands."""
    if command[0].upper() == b"EVAL" and len(command) > 3 and command[1].endswith(b"call(unpack(ARGV))"):
        return command[3:]
    return None


def same(command, theirs, ours):
    return None


def skip(command):
    return False


def final():
    return []


FIXED = ""
