"""Lists for the oracle (oracle_test.py says how): every command of theirs; those that wait are in oracle_waiting.py."""

# One of them is often a string.
KEYS = [b"l%d" % i for i in range(10)] + [b"ls"]
FAR = [b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"4294967296"]


def makers(generator):
    r, pick, word, many, integer = generator.random, generator.pick, generator.word, generator.many, generator.integer
    texts = [b"", b"a", b"b", b"c", b"0", b"1", b"-1", b"100", b"-129", b"32768", b"007", b"hello world"]
    element = lambda: pick(texts) if r.random() < 0.7 else generator.value()
    key = lambda: pick(KEYS)
    any_key = lambda: pick(KEYS) if r.random() < 0.93 else generator.key()
    place = lambda: b"%d" % r.randrange(-12, 12) if r.random() < 0.9 else pick(FAR)
    count = lambda: b"%d" % r.randrange(0, 6) if r.random() < 0.85 else pick([b"-1", b"x", *FAR])
    end = lambda: word(pick(["LEFT", "RIGHT"])) if r.random() < 0.97 else b"foo"
    # Redis 7.0 negates the lowest rank into itself, later ones refuse it as we do.
    rank = lambda: b"%d" % r.randrange(-4, 5) if r.random() < 0.9 else pick([b"x", FAR[0], FAR[2]])
    search = lambda: [part for name, make in (("RANK", rank), ("COUNT", count), ("MAXLEN", count)) if r.random() < 0.4 for part in (word(name), make())]
    keys = lambda: (lambda chosen: [b"%d" % len(chosen) if r.random() < 0.9 else pick([b"0", b"-1", b"x", b"2", b"100"]), *chosen])(many(any_key))
    return [
        (20, lambda: [word(pick(["LPUSH", "RPUSH"])), key(), *many(element)]),
        (2, lambda: [word(pick(["LPUSH", "RPUSH"])), key(), *[element() for _ in range(r.randrange(20, 200))]]),
        (5, lambda: [word(pick(["LPUSHX", "RPUSHX"])), any_key(), *many(element)]),
        (10, lambda: [word(pick(["LPOP", "RPOP"])), any_key(), *pick([[], [count()]])]),
        (5, lambda: [word("LLEN"), any_key()]),
        (10, lambda: [word("LRANGE"), any_key(), place(), place()]),
        (6, lambda: [word("LINDEX"), any_key(), place()]),
        (6, lambda: [word("LSET"), any_key(), place(), element()]),
        (6, lambda: [word("LINSERT"), any_key(), word(pick(["BEFORE", "AFTER"])), element(), element()]),
        (6, lambda: [word("LREM"), any_key(), place(), element()]),
        (3, lambda: [word("LTRIM"), any_key(), place(), place()]),
        (8, lambda: [word("LPOS"), any_key(), element(), *search()]),
        (6, lambda: [word("LMOVE"), key(), key(), end(), end()]),
        (4, lambda: [word("RPOPLPUSH"), key(), key()]),
        (5, lambda: [word("LMPOP"), *keys(), end(), *pick([[], [word("COUNT"), count()]])]),
        (1, lambda: [word("DEL"), key()]),
        (1, lambda: [word("SET"), b"ls" if r.random() < 0.7 else key(), element()]),
        (1, lambda: [word(pick(["RENAME", "COPY"])), key(), key()]),
        (1, lambda: [word("EXPIRE"), any_key(), b"%d" % r.randrange(1000, 100000)]),
        (1, lambda: [word(pick(["TYPE", "TTL"])), any_key()]),
        (0.5, lambda: [word("COMMAND"), word("GETKEYS"), *pick([[b"lmpop", b"2", b"a", b"b", b"LEFT"], [b"lmove", b"a", b"b", b"LEFT", b"LEFT"]])]),
    ]


def same(command, theirs, ours):
    return None


def skip(command):
    """The lowest rank (above), and numbers of keys that redis-server adds one to."""
    upper = [part.upper() for part in command]
    return upper[0] == b"LPOS" and FAR[1] in upper or upper[0] == b"LMPOP" and FAR[0] in upper[:2]


def final():
    return [command for key in KEYS for command in ([b"LRANGE", key, b"0", b"-1"], [b"PTTL", key])]


FIXED = """
LPUSH|LPUSH a|RPUSH a|LPUSHX a|RPUSHX a|LPOP|LPOP a b c|LPOP a x|LPOP a -1|RPOP a -1|LPOP nokey 0|RPOP nokey 5|LPOP nokey
LLEN|LLEN a b|LRANGE a 0|LRANGE a x 0|LRANGE a 0 x|LRANGE nokey 0 -1|LINDEX nokey x|LINDEX nokey 0|LSET nokey x y
LSET nokey 0 y|LINSERT nokey BEFORE a b|LINSERT nokey FOO a b|LINSERT nokey AFTER a|LREM nokey x a|LREM nokey 0 a
LTRIM nokey x 0|LTRIM nokey 0 0|LPOS nokey a|LPOS nokey a COUNT 1|LPOS nokey a COUNT -1|LPOS nokey a RANK 0|LPOS nokey a RANK x
LPOS nokey a MAXLEN -1|LPOS nokey a MAXLEN|LPOS nokey a FOO 1|LPOS nokey|LMOVE nokey b LEFT|LMOVE nokey b LEFT LEFT
LMOVE nokey b UP LEFT|LMOVE nokey b LEFT UP|RPOPLPUSH nokey b|RPOPLPUSH nokey|LMPOP 1|LMPOP 1 a|LMPOP 0 a LEFT|LMPOP x a LEFT
LMPOP 1 nokey LEFT|LMPOP 2 nokey LEFT|LMPOP 1 nokey UP|LMPOP 1 nokey LEFT COUNT|LMPOP 1 nokey LEFT COUNT 0|LMPOP 1 nokey LEFT FOO 1
LMPOP 1 nokey LEFT COUNT 1 COUNT 1|LMPOP 1 nokey LEFT COUNT 0 FOO|SET s 1|LPUSH s a|RPUSHX s a|LPOP s|LPOP s 0|LLEN s
LRANGE s 0 1|LINDEX s x|LSET s x a|LINSERT s BEFORE a b|LREM s 0 a|LTRIM s 0 1|LPOS s a|LMOVE s s LEFT LEFT|LMOVE nokey s LEFT LEFT
LMPOP 2 nokey s LEFT|RPUSH l a b c a|LMOVE l s LEFT LEFT|LMPOP 2 l s LEFT|LINDEX l x|LSET l x a|LSET l 9 a|LINDEX l 9|GET l
LPOS l a COUNT 0 RANK -1|LPOP l 0|APPEND l x|INCR l|TYPE l|HELLO 3|LPOP nokey|LPOP nokey 1|LINDEX nokey 0|LPOS nokey a
RPOPLPUSH nokey l|LMPOP 1 nokey LEFT|LPOP l 9|EXISTS l|HELLO 2|COMMAND GETKEYS lmpop 2 a b LEFT|COMMAND GETKEYS lmpop 3 a b LEFT
"""
