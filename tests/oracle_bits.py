"""What oracle_test.py asks of strings as rows of bits. What came after redis-server 7.0 (BITOP DIFF and the like) is asked of a
model in bitmaps_test.py."""

KEYS = [b"bits%d" % i for i in range(6)]
TYPES = [b"%s%d" % (sign, bits) for sign in (b"i", b"u") for bits in (1, 2, 3, 5, 7, 8, 9, 16, 31, 32, 33, 63)] + [b"i64"]
NO_TYPES = [b"u64", b"i65", b"i0", b"x8", b"i", b"I8", b"i08"]
EDGES = [b"9223372036854775807", b"-9223372036854775808", b"9223372036854775806", b"-9223372036854775807", b"127", b"128", b"-128", b"-129", b"255", b"256", b"65535", b"2147483648", b"-2147483649"]


def makers(generator):
    r, pick, word = generator.random, generator.pick, generator.word
    key = lambda: pick(KEYS) if r.random() < 0.95 else generator.key()

    def offset():
        how = r.random()
        if how < 0.9:
            return b"%d" % r.randrange(0, 400)
        return pick([b"4294967296", b"-1", b"x", b"", b"#1", b"9223372036854775807", b"4294967295999", b"1.5"])

    def field_offset():
        return b"#%d" % r.randrange(0, 12) if r.random() < 0.3 else offset() if r.random() < 0.95 else pick([b"#", b"#x", b"#-1", b"#9223372036854775807"])

    def field():
        return pick(TYPES) if r.random() < 0.97 else pick(NO_TYPES)

    def number():
        how = r.random()
        return b"%d" % r.randrange(-300, 300) if how < 0.6 else pick(EDGES) if how < 0.97 else pick([b"x", b"1.5", b""])

    def operations(may_write):
        made = []
        for _ in range(r.randrange(1, 5)):
            how = r.random()
            if how < 0.4 or not may_write:
                made += [word("GET"), field(), field_offset()]
            elif how < 0.6:
                made += [word("SET"), field(), field_offset(), number()]
            elif how < 0.85:
                made += [word("INCRBY"), field(), field_offset(), number()]
            else:
                made += [word("OVERFLOW"), word(pick(["WRAP", "SAT", "FAIL", "SAT", "FAIL"])) if r.random() < 0.97 else b"foo"]
        return made

    def ends():
        one = lambda: b"%d" % r.randrange(-60, 60) if r.random() < 0.95 else pick([b"x", b"9223372036854775807", b"-9223372036854775808"])
        return [one(), one()]

    def bits():
        return b"".join(bytes([pick([0, 0, 255, 255, r.randrange(256)])]) for _ in range(r.randrange(0, 70)))

    return [
        (8, lambda: [word("SETBIT"), key(), offset(), pick([b"0", b"1", b"1"]) if r.random() < 0.97 else pick([b"2", b"x", b"-1"])]),
        (4, lambda: [word("GETBIT"), key(), offset()]),
        (3, lambda: [word("SET"), key(), bits()]),
        (3, lambda: [word("BITCOUNT"), key()]),
        (6, lambda: [word("BITCOUNT"), key(), *ends(), *pick([[], [], [word("BIT")], [word("BYTE")], [b"foo"]])]),
        (4, lambda: [word("BITPOS"), key(), pick([b"0", b"1"])]),
        (8, lambda: [word("BITPOS"), key(), pick([b"0", b"1"]) if r.random() < 0.97 else b"2", *pick([ends()[:1], ends(), ends(), ends() + [word("BIT")], ends() + [word("BYTE")]])]),
        (4, lambda: [word("BITOP"), word(pick(["AND", "OR", "XOR"])) if r.random() < 0.98 else b"foo", key(), *generator.many(key)]),
        (2, lambda: [word("BITOP"), word("NOT"), key(), *pick([[key()], [key()], [key()], [key(), key()]])]),
        (8, lambda: [word("BITFIELD"), key(), *operations(True)]),
        (3, lambda: [word("BITFIELD_RO"), key(), *operations(r.random() < 0.05)]),
        (1, lambda: [word("GET"), key()]),
        (0.5, lambda: [word("SETRANGE"), key(), b"%d" % r.randrange(100), bits()]),
        (0.5, lambda: [word("DEL"), key()]),
        (0.5, lambda: [word("EXPIRE"), key(), b"%d" % r.randrange(1000, 100000)]),
        (0.5, lambda: [word(pick(["TTL", "STRLEN"])), key()]),
    ]


def same(command, theirs, ours):
    """7.0 looks at the key before it reads the range."""
    name = command[0].upper()
    if name in (b"BITCOUNT", b"BITPOS") and len(command) > 2 and type(ours).__name__ == "Failure" and ours != theirs:
        return type(theirs).__name__ == "Failure" or theirs in (0, -1)
    return None


def skip(command):
    """A range with a start alone, which came later."""
    return command[0].upper() == b"BITCOUNT" and len(command) == 3


def final():
    return [[name, key] for key in KEYS for name in (b"GET", b"BITCOUNT", b"PTTL")]


FIXED = """
SETBIT|SETBIT a|SETBIT a 0|SETBIT a 0 2|SETBIT a -1 1|SETBIT a x 1|SETBIT a 4294967296 1|SETBIT a 0 1 1|GETBIT a|GETBIT a -1|GETBIT nokey 5
BITCOUNT|BITCOUNT nokey|BITPOS|BITPOS nokey|BITPOS nokey 0|BITPOS nokey 1|BITPOS nokey 2|BITPOS nokey x|BITOP|BITOP AND|BITOP AND a
BITOP FOO a b|BITOP NOT a b c|BITOP AND nokey2 nokey nokey3|EXISTS nokey2|BITFIELD|BITFIELD nokey|EXISTS nokey|BITFIELD nokey GET u8 0|EXISTS nokey
BITFIELD nokey GET u64 0|BITFIELD nokey GET u8|BITFIELD nokey SET u8 0|BITFIELD nokey OVERFLOW|BITFIELD nokey OVERFLOW foo|BITFIELD nokey OVERFLOW WRAP
BITFIELD nokey FOO|BITFIELD nokey INCRBY u8 0 x|BITFIELD nokey GET u8 -1|BITFIELD nokey GET u8 #-1|BITFIELD_RO|BITFIELD_RO nokey|BITFIELD_RO nokey SET u8 0 1
BITFIELD bf OVERFLOW FAIL SET u8 0 256|STRLEN bf|BITFIELD bf SET i8 0 -9223372036854775808 GET i8 0|BITFIELD bf OVERFLOW SAT SET i8 0 -9223372036854775808 GET i8 0
BITFIELD bf SET u63 1 9223372036854775807 INCRBY u63 1 1|BITFIELD bf OVERFLOW SAT INCRBY i64 0 9223372036854775807 INCRBY i64 0 9223372036854775807
RPUSH bl a|SETBIT bl 0 1|GETBIT bl 0|BITCOUNT bl|BITPOS bl 1|BITOP AND a bl|BITOP AND bl nokey|BITFIELD bl GET u8 0|BITFIELD bl SET u8 0 1|BITFIELD_RO bl GET u8 0
SET bn 12345|SETBIT bn 6 1|GET bn|BITCOUNT bn|BITCOUNT bn 0 -1 BIT|BITCOUNT bn 5 30 BIT|BITPOS bn 1 2 -1 BIT|BITPOS bn 0 1|BITPOS bn 1 3 1
COMMAND GETKEYS bitop and a b c|COMMAND GETKEYS setbit a 1 1
"""
