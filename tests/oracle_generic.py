"""What is common to all types, for the oracle (oracle_test.py says how): keys that strings, hashes, lists, sets and sorted sets
share, so that every command meets every type; and the string commands that redis-server 7.0 has not got, against what they come to."""

import os
import subprocess

# Some of those that all modules use.
KEYS = [b"k%d" % i for i in range(10)] + [b"user:1"]
WRONG_TYPE = b"WRONGTYPE Operation against a key holding the wrong kind of value"
NO_STRING = b"ERR Key should be of string type if conditions are specified"
LEAST, MOST = -(1 << 63), (1 << 63) - 1

# Of an encoding there, those that it may have here: it goes by what the value is now and not by what it once was, and as since 7.2
# a set may be a listpack, and so may a list.
ENCODINGS = {
    b"quicklist": (b"quicklist", b"listpack"),
    b"hashtable": (b"hashtable", b"listpack", b"intset"),
    b"skiplist": (b"skiplist", b"listpack"),
    b"raw": (b"raw", b"embstr", b"int"),
    b"embstr": (b"embstr", b"int"),
}


def commands_of(stave):
    """The names in the server's table."""
    page = subprocess.run([stave, "commands"], check=True, capture_output=True, timeout=60).stdout
    return {row.split(b"`")[1].split()[0] for row in page.split(b"\n") if row.startswith(b"|`")}


def makers(generator):
    have = commands_of(os.environ.get("STAVE_BIN", "build/stave"))
    r, pick, word, many = generator.random, generator.pick, generator.word, generator.many
    key = lambda: pick(KEYS)
    texts = [b"", b"a", b"b", b"hello", b"1", b"-7", b"65536", b"x" * 64, b"x" * 65]
    text = lambda: pick(texts) if r.random() < 0.8 else generator.value()
    pairs = lambda left, right: [part for _ in range(r.randrange(1, 4)) for part in (left(), right())]
    score = lambda: pick([b"0", b"1", b"-2.5", b"3e10", b"inf"])
    all_makers = [
        (5, "HSET", lambda: [word("HSET"), key(), *pairs(text, text)]),
        (5, "RPUSH", lambda: [word("RPUSH"), key(), *many(text)]),
        (5, "SADD", lambda: [word("SADD"), key(), *many(text)]),
        (5, "ZADD", lambda: [word("ZADD"), key(), *pairs(score, text)]),
        (1, "HDEL", lambda: [word("HDEL"), key(), *many(text)]),
        (1, "LPOP", lambda: [word("LPOP"), key()]),
        (1, "SREM", lambda: [word("SREM"), key(), *many(text)]),
        (1, "ZREM", lambda: [word("ZREM"), key(), *many(text)]),
        (2, "HGETALL", lambda: [word("HGETALL"), key()]),
        (2, "LRANGE", lambda: [word("LRANGE"), key(), b"0", b"-1"]),
        (2, "SMEMBERS", lambda: [word("SMEMBERS"), key()]),
        (2, "ZRANGE", lambda: [word("ZRANGE"), key(), b"0", b"-1", word("WITHSCORES")]),
        (4, "OBJECT", lambda: [word("OBJECT"), word("ENCODING"), key()]),
        (4, "DEL", lambda: [word(pick(["DEL", "UNLINK"])), key()]),
        (3, "RENAME", lambda: [word(pick(["RENAME", "RENAMENX", "COPY"])), key(), key()]),
        (2, "COPY", lambda: [word("COPY"), key(), key(), word("REPLACE")]),
        (2, "TYPE", lambda: [word("TYPE"), key()]),
        (2, "PEXPIRE", lambda: [word("PEXPIRE"), key(), b"%d" % r.randrange(200000, 9000000)]),
        (2, "SCAN", lambda: [word("SCAN"), b"0", word("COUNT"), b"100000", word("TYPE"), pick([b"string", b"hash", b"list", b"set", b"zset", b"stream"])]),
        (1, "LCS", lambda: [word("LCS"), key(), key()]),
        (1, "SET", lambda: [word("SET"), key(), text(), *pick([[word("GET")], [word("NX"), word("GET")], [word("XX")], [word("KEEPTTL")]])]),
        (2, "DELEX", lambda: delete_if(pick, key(), word(pick(["IFEQ", "IFNE"])), text(), "DELEX")),
        (1, "DELIFEQ", lambda: delete_if(pick, key(), b"IFEQ", text(), "DELIFEQ")),
        (2, "DIGEST", lambda: set_if(key(), text(), word(pick(["IFEQ", "IFNE", "IFDEQ", "IFDNE"])), text(), r.random() < 0.4)),
        (2, "MSETEX", lambda: set_many([(key(), text()) for _ in range(r.randrange(1, 4))], pick([b"", word("NX"), word("XX")]))),
        (3, "INCREX", lambda: add_within(key(), pick([1, 7, -1000, MOST, LEAST]), *sorted(pick([LEAST, 0, 100, MOST]) for _ in range(2)), r.random() < 0.5)),
    ]
    return [(weight, make) for weight, name, make in all_makers if name.encode() in have]


# --- newer commands, made of older ones there -------------------------------------------------------------------------


def check(comparison, command, expected):
    ours = comparison.stave.ask(*command)
    comparison.checked += 1
    if ours != expected or isinstance(ours, bytes) and type(ours).__name__ != type(expected).__name__:
        comparison.fail(command, expected, ours)
    comparison.history.append(command)


def kind(reply):
    return type(reply).__name__


def delete_if(pick, key, condition, operand, name):
    def step(comparison):
        theirs = comparison.redis.ask("GET", key)
        command = [b"DELIFEQ", key, operand] if name == "DELIFEQ" else [b"DELEX", key, condition, operand]
        if kind(theirs) == "Failure":
            expected = type(theirs)(WRONG_TYPE if name == "DELIFEQ" else NO_STRING)
        elif kind(theirs) == "Null":
            expected = 0
        else:
            expected = int((theirs == operand) == (condition.upper() == b"IFEQ"))
        check(comparison, command, expected)
        if expected == 1:
            comparison.redis.ask("DEL", key)

    return step


def set_if(key, value, condition, operand, get):
    def step(comparison):
        theirs = comparison.redis.ask("GET", key)
        right = operand
        if condition.upper().startswith(b"IFD"):
            # That of what is there, or of nothing.
            right = comparison.stave.ask("DIGEST", key) if operand < b"a" else b"0123456789abcdef"
            if kind(right) not in ("bytes", "str"):
                right = b"0123456789abcdef"
        absent, failed = kind(theirs) == "Null", kind(theirs) == "Failure"
        equal = not absent and not failed and (theirs == right if not condition.upper().startswith(b"IFD") else right != b"0123456789abcdef")
        holds = not failed and equal == (b"NE" not in condition.upper())
        command = [b"SET", key, value, condition, right, *([b"GET"] if get else [])]
        null = theirs if absent else comparison.redis.ask("GET", b"there is no such key")
        status = type(comparison.redis.ask("PING"))
        expected = theirs if get or failed else status(b"OK") if holds else null
        check(comparison, command, expected)
        if holds:
            comparison.redis.ask("SET", key, value)

    return step


def set_many(pairs, condition):
    def step(comparison):
        there = [comparison.redis.ask("EXISTS", key) for key, _ in pairs]
        holds = not condition or all(found == (condition.upper() == b"XX") for found in there)
        words = [part for pair in pairs for part in pair]
        check(comparison, [b"MSETEX", b"%d" % len(pairs), *words, *([condition] if condition else [])], int(holds))
        if holds:
            comparison.redis.ask("MSET", *words)

    return step


def number_of(text):
    try:
        number = int(text)
    except ValueError:
        return None
    return number if LEAST <= number <= MOST and b"%d" % number == text else None


def add_within(key, by, lower, upper, saturate):
    def step(comparison):
        theirs = comparison.redis.ask("GET", key)
        command = [b"INCREX", key, b"BYINT", b"%d" % by, b"LBOUND", b"%d" % lower, b"UBOUND", b"%d" % upper, *([b"SATURATE"] if saturate else [])]
        refusal = type(comparison.redis.ask("NOSUCH"))
        if kind(theirs) == "Failure":
            return check(comparison, command, theirs)
        old = 0 if kind(theirs) == "Null" else number_of(theirs)
        if old is None:
            return check(comparison, command, refusal(b"ERR value is not an integer or out of range"))
        new = min(max(old + by, lower), upper)
        inside = new == old + by
        # Beyond the type it is the direction that counts.
        if not inside and not LEAST <= old + by <= MOST:
            new = upper if by > 0 else lower
        if not inside and not saturate:
            return check(comparison, command, [old, 0])
        if not LEAST <= new - old <= MOST:
            return check(comparison, command, refusal(b"ERR applied increment would overflow"))
        check(comparison, command, [new, new - old])
        comparison.redis.ask("SET", key, b"%d" % new, "KEEPTTL")

    return step


# --- how answers are compared -----------------------------------------------------------------------------------------


def pairs_of(reply):
    return sorted(zip(reply[::2], reply[1::2]))


def same(command, theirs, ours):
    name = command[0].upper()
    if name == b"OBJECT" and len(command) == 3 and command[1].upper() == b"ENCODING" and kind(theirs) == kind(ours) == "bytes":
        return ours in ENCODINGS.get(theirs, (theirs,))
    if kind(theirs) != "Aggregate" or kind(ours) != "Aggregate" or theirs.kind != ours.kind:
        return None
    if name == b"SMEMBERS":
        return sorted(theirs) == sorted(ours)
    if name == b"HGETALL":
        return pairs_of(theirs) == pairs_of(ours)
    return None


def skip(command):
    return False


def final():
    have = commands_of(os.environ.get("STAVE_BIN", "build/stave"))
    readings = [[b"HGETALL"], [b"LRANGE", b"0", b"-1"], [b"SMEMBERS"], [b"ZRANGE", b"0", b"-1", b"WITHSCORES"], [b"TYPE"]]
    return [[reading[0], key, *reading[1:]] for key in KEYS for reading in readings if reading[0] in have]


FIXED = """
OBJECT ENCODING|TYPE|TYPE a b|SCAN 0 TYPE|MEMORY USAGE nokey|CONFIG GET hash-max-ziplist-entries|CONFIG GET list-compress-depth
CONFIG GET list-max-listpack-size|CONFIG SET hash-max-listpack-entries -1|CONFIG SET hash-max-ziplist-value x|CONFIG SET list-compress-depth -1
CONFIG SET zset-max-listpack-value 1kb|CONFIG GET zset-max-ziplist-value|CONFIG SET zset-max-ziplist-value 64|CONFIG SET set-max-intset-entries x
"""
