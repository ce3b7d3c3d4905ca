"""What oracle_test.py asks of sets. Members come in any order and by chance: an answer counts as the same when it has the same
members, and after a random removal both servers are made the same again."""

SETS = (b"SMEMBERS", b"SINTER", b"SUNION", b"SDIFF")
# As much as any set here holds: then what is random to others is everything.
ALL = 100000


def refused(reply):
    """Errors and nulls, which oracle_test.py has classes for."""
    return type(reply).__name__ in ("Failure", "Null")


def aggregate(reply):
    return isinstance(reply, list)


def number(text):
    """An integer as the servers read one; None for anything else."""
    try:
        value = int(text)
    except ValueError:
        return None
    return value if b"%d" % value == text and -(1 << 63) <= value < 1 << 63 else None


def makers(generator):
    r, pick, key, word, many = generator.random, generator.pick, generator.key, generator.word, generator.many

    def member():
        how = r.random()
        if how < 0.4:
            return b"%d" % r.randrange(-5, 30)
        if how < 0.7:
            return pick([b"a", b"b", b"c", b"", b"hello", b"007", b"\x00\x01\xff", b"member:1", b"member:2"])
        return generator.value()

    def limit():
        return pick([[], [], [word("LIMIT"), pick([b"0", b"1", b"2", b"3", b"100", b"-1", b"x"])], [word("LIMIT")], [b"foo"]])

    def counted():
        keys = many(key)
        count = len(keys) if r.random() < 0.9 else r.randrange(-1, 7)
        return [b"%d" % count if r.random() < 0.97 else b"x", *keys, *limit()]

    def pop():
        count = [] if r.random() < 0.4 else [b"%d" % r.randrange(0, 12)]
        return Pop(word("SPOP"), key(), *count)

    return [
        (14, lambda: [word("SADD"), key(), *many(member)]),
        (1, lambda: [word("SADD"), key(), *(b"%d" % r.randrange(2000) for _ in range(r.randrange(1, 300)))]),
        (1, lambda: [word("SADD"), key(), *(b"m%d" % r.randrange(2000) for _ in range(r.randrange(1, 300)))]),
        (6, lambda: [word("SREM"), key(), *many(member)]),
        (4, lambda: [word("SISMEMBER"), key(), member()]),
        (3, lambda: [word("SMISMEMBER"), key(), *many(member)]),
        (3, lambda: [word("SCARD"), key()]),
        (4, lambda: [word("SMEMBERS"), key()]),
        (5, lambda: [word("SMOVE"), key(), key(), member()]),
        (3, lambda: [word("SRANDMEMBER"), key(), *pick([[], [generator.small()], [b"%d" % ALL]])]),
        (3, lambda: [word("SSCAN"), key(), pick([b"0", b"0", b"0", b"x"]), *pick([[], [word("MATCH"), generator.pattern()]]), *pick([[word("COUNT"), b"%d" % ALL], [word("COUNT"), b"0"], []])]),
        (4, lambda: [word(pick(["SINTER", "SUNION", "SDIFF"])), *many(key)]),
        (4, lambda: [word(pick(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"])), key(), *many(key)]),
        (4, lambda: [word("SINTERCARD"), *counted()]),
        (3, lambda: Count(pick([b"SUNION", b"SDIFF"]), counted())),
        (1, lambda: [word("SPOP"), key(), pick([b"%d" % ALL, b"0", b"-1", b"x"])]),
        (4, pop),
    ]


class Pop:
    """Both take what they like; then each loses what the other took."""

    def __init__(self, *command):
        self.command = list(command)

    def __call__(self, comparison):
        command, key = self.command, self.command[1]
        comparison.exchange([[b"SMEMBERS", key]])
        before = comparison.stave.ask(b"SMEMBERS", key)
        theirs, ours = comparison.redis.ask(*command), comparison.stave.ask(*command)
        comparison.history.append(command)
        comparison.checked += 1
        if refused(theirs) or refused(ours):
            if type(theirs) is not type(ours) or theirs != ours:
                comparison.fail(command, theirs, ours)
            return
        if aggregate(theirs) != aggregate(ours) or (aggregate(theirs) and (len(theirs) != len(ours) or theirs.kind != ours.kind)):
            comparison.fail(command, theirs, ours)
        gone, taken = (list(reply) if aggregate(reply) else [reply] for reply in (theirs, ours))
        if len(set(taken)) != len(taken) or not set(taken) <= set(before):
            comparison.fail(command, theirs, ours)
        for peer, members in ((comparison.redis, taken), (comparison.stave, gone)):
            if members:
                peer.ask(b"SREM", key, *members)
        comparison.exchange([[b"SMEMBERS", key], [b"PTTL", key]])


class Count:
    """SUNIONCARD and SDIFFCARD, which redis-server 7.0 does not have: what SINTERCARD refuses they do, too, and else they count what
    SUNION and SDIFF answer."""

    def __init__(self, operation, arguments):
        self.operation, self.arguments = operation, arguments

    def __call__(self, comparison):
        command = [self.operation + b"CARD", *self.arguments]
        ours = comparison.stave.ask(*command)
        theirs = comparison.redis.ask(b"SINTERCARD", *self.arguments)
        comparison.history.append(command)
        comparison.checked += 1
        if not refused(theirs):
            count = int(self.arguments[0])
            options = self.arguments[1 + count :]
            theirs = len(comparison.redis.ask(self.operation, *self.arguments[1 : 1 + count]))
            if options and options[1] != b"0":
                theirs = min(theirs, int(options[1]))
        if type(theirs) is not type(ours) or theirs != ours:
            comparison.fail(command, theirs, ours)


def same(command, theirs, ours):
    name = command[0].upper()
    if name not in SETS and name not in (b"SPOP", b"SRANDMEMBER", b"SSCAN"):
        return None
    if type(theirs) is not type(ours) or refused(theirs):
        return None
    if not aggregate(theirs):
        return True  # a random member
    if theirs.kind != ours.kind:
        return False
    if name == b"SSCAN":
        # A small COUNT shows each a part of its own.
        return theirs[0] != b"0" or ours[0] != b"0" or sorted(theirs[1]) == sorted(ours[1])
    if name == b"SRANDMEMBER" and number(command[2]) < ALL:
        return len(theirs) == len(ours)
    return sorted(theirs) == sorted(ours)


def skip(command):
    name = command[0].upper()
    if name == b"SPOP":
        # By chance what is left of the set would not be the same.
        count = number(command[2]) if len(command) == 3 else None
        return len(command) == 2 or count is not None and 0 < count < ALL
    # A cursor of one is nothing to the other.
    return name == b"SSCAN" and len(command) > 2 and command[2] != b"0" and not command[2].isalpha()


def final():
    from oracle_test import KEYS

    return [[name, key] for key in KEYS for name in (b"SMEMBERS", b"SCARD")]


FIXED = """
SADD|SADD a|SREM a|SCARD|SCARD a b|SISMEMBER a|SISMEMBER a b c|SMISMEMBER a|SMEMBERS|SMEMBERS a b|SMOVE a b|SMOVE a b c d
SPOP|SPOP a x|SPOP a -1|SPOP a 1 2|SPOP a|SPOP a 0|SPOP a 9223372036854775808|SRANDMEMBER|SRANDMEMBER a x|SRANDMEMBER a 1 2
SRANDMEMBER a|SRANDMEMBER a 5|SRANDMEMBER a -5|SRANDMEMBER a -9223372036854775808|SRANDMEMBER a 9223372036854775808
SSCAN|SSCAN a|SSCAN a x|SSCAN a 0 FOO|SSCAN a 0 COUNT 0|SINTER|SUNION|SDIFF|SINTERSTORE a|SUNIONSTORE a|SDIFFSTORE a
SINTERCARD|SINTERCARD 1|SINTERCARD 0 a|SINTERCARD x a|SINTERCARD -1 a|SINTERCARD 2 a|SINTERCARD 9223372036854775807 a
SINTERCARD 9223372036854775808 a|SINTERCARD 1 a LIMIT|SINTERCARD 1 a LIMIT -1|SINTERCARD 1 a LIMIT x|SINTERCARD 1 a FOO 1
SINTERCARD 1 a LIMIT 1 LIMIT 2|SINTERCARD 2 a LIMIT 1|SADD seta x 1 2|SADD setb x 2 3|SADD seta x|SMEMBERS seta|SREM seta y
SSCAN seta 0|SSCAN seta 0 FOO|SSCAN seta 0 COUNT 0|SSCAN seta 0 COUNT x|SSCAN seta 0 COUNT|SSCAN seta 0 MATCH|SSCAN seta 0 MATCH x
SSCAN seta 0 TYPE set|SPOP seta x|SPOP seta -1|SPOP seta 0|SRANDMEMBER seta 0|SRANDMEMBER seta x|SRANDMEMBER seta -9223372036854775808
SINTER seta setb|SUNION seta setb|SDIFF seta setb|SDIFF setb seta nokey|SINTERCARD 2 seta setb|SINTERCARD 2 seta setb LIMIT 1
GET seta|SET str 1|SADD str x|SREM str x|SCARD str|SISMEMBER str x|SMISMEMBER str x|SMEMBERS str|SPOP str|SPOP str 1|SPOP str -1
SRANDMEMBER str|SRANDMEMBER str 0|SRANDMEMBER str x|SSCAN str 0|SSCAN str x|SINTER nokey str|SINTER str nokey|SUNION nokey str
SDIFF nokey str|SDIFF seta seta str|SINTERCARD 2 nokey str|SINTERSTORE seta nokey str|SMOVE str seta x|SMOVE seta str x
SMOVE seta str nothing|SMOVE nokey str x|SMOVE seta seta x|SMOVE seta seta nothing|SMOVE seta nokey x|SMEMBERS nokey|SMOVE nokey seta x
SINTERSTORE str seta setb|SMEMBERS str|SUNIONSTORE str nokey nokey2|EXISTS str|SDIFFSTORE seta seta setb|SMEMBERS seta
COMMAND GETKEYS sintercard 2 a b limit 1|COMMAND GETKEYS sintercard 3 a b|COMMAND GETKEYS sunionstore a b c|HELLO 3
SMEMBERS nokey|SPOP nokey|SPOP nokey 1|SRANDMEMBER nokey|SRANDMEMBER nokey 1|SRANDMEMBER nokey -1|SINTER nokey seta|SUNION nokey
SDIFF nokey|SSCAN nokey 0|SMEMBERS setb|SPOP setb 0|SRANDMEMBER setb 0|SRANDMEMBER setb 100000|SPOP setb 100000|RESET
"""
