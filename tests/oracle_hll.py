"""What oracle_test.py asks of HyperLogLogs: the same counts and the same bytes. Broken ones, of which redis-server uses what it can,
are sketches_test.py's."""

KEYS = [b"hll%d" % i for i in range(6)]


def makers(generator):
    r, pick, word = generator.random, generator.pick, generator.word
    key = lambda: pick(KEYS) if r.random() < 0.97 else generator.key()
    element = lambda: b"%d" % r.randrange(10 ** r.randrange(1, 8)) if r.random() < 0.9 else generator.value()

    return [
        (12, lambda: [word("PFADD"), key(), *generator.many(element, 0)]),
        (3, lambda: [word("PFADD"), key(), *(element() for _ in range(r.randrange(20, 400)))]),
        (0.2, lambda: [word("PFADD"), key(), *(b"%d" % r.randrange(10 ** 9) for _ in range(4000))]),
        (8, lambda: [word("PFCOUNT"), key()]),
        (3, lambda: [word("PFCOUNT"), *generator.many(key)]),
        (3, lambda: [word("PFMERGE"), key(), *generator.many(key, 0)]),
        (6, lambda: [word("GET"), key()]),
        (1, lambda: [word("PFDEBUG"), word(pick(["ENCODING", "DECODE", "TODENSE", "GETREG"])) if r.random() < 0.95 else b"foo", key()]),
        (0.5, lambda: [word("DEL"), key()]),
        (0.5, lambda: [word("EXPIRE"), key(), b"%d" % r.randrange(1000, 100000)]),
        (0.5, lambda: [word("CONFIG"), word("SET"), b"hll-sparse-max-bytes", pick([b"3000", b"3000", b"100", b"0", b"10000"])]),
        (0.2, lambda: [b"<dump>", pick(KEYS), pick(KEYS), b"0"]),
    ]


def same(command, theirs, ours):
    return None


def skip(command):
    """An empty number is 0 there."""
    return command[0].upper() == b"CONFIG" and command[-1] == b""


def final():
    return [[name, key] for key in KEYS for name in (b"GET", b"PFCOUNT", b"GET", b"PTTL")]


FIXED = """
PFADD|PFADD h0|GET h0|PFADD h0|PFCOUNT h0|GET h0|PFADD h0 a|PFADD h0 a|PFCOUNT h0|PFCOUNT|PFCOUNT nokey|PFCOUNT nokey h0|PFMERGE|PFMERGE h1|GET h1|PFMERGE h1 h0|GET h1
PFDEBUG|PFDEBUG ENCODING nokey|PFDEBUG ENCODING h0|PFDEBUG DECODE h0|PFDEBUG TODENSE h0|PFDEBUG TODENSE h0|PFDEBUG DECODE h0|PFDEBUG ENCODING h0|PFDEBUG FOO h0|GET h0
PFCOUNT h0 h1|PFMERGE h2 h0 h1|PFDEBUG ENCODING h2|GET h2|SET hs abc|PFADD hs a|PFCOUNT hs|PFCOUNT hs h0|PFMERGE hs h0|PFMERGE h3 hs|PFDEBUG ENCODING hs
RPUSH hl a|PFADD hl a|PFCOUNT hl|PFCOUNT hl h0|PFMERGE h3 hl|PFMERGE hl h0|SET hi 12|PFADD hi a|PFCOUNT hi|CONFIG SET hll-sparse-max-bytes x|CONFIG GET hll-sparse-max-bytes
CONFIG SET hll-sparse-max-bytes 10|PFADD h4 a b|PFDEBUG ENCODING h4|CONFIG SET hll-sparse-max-bytes 3000|GET h4
"""
