"""What oracle_test.py asks of sorted sets. Scores are compared as numbers: redis-server 7.0 writes them with 17 digits, 7.2 and Stave
with as few as tell them, and a negative zero is a zero here.

Ranges of members mean something only where all scores are the same: the keys LEX never get another one than 0."""

KEYS = [b"k%d" % i for i in range(24)] + [b"", b"k\x00\xff\r\n", b"user:1", b"user:2", b"[a]*?"]
LEX = [b"lex%d" % i for i in range(4)]
SCORES = [b"0.1", b"0.2", b"0.3", b"-0.7", b"1e3", b"1e300", b"-1e300", b"1.7976931348623157e308", b"5e-324", b"inf", b"-inf", b"+inf", b"0x1p3", b"1e17",
          b"9007199254740993", b"-9223372036854775808", b"3.0", b".5", b"-0"]
NO_SCORES = [b"nan", b"x", b"", b" 1", b"1 ", b"1e400", b"-1e400", b"1e-400", b"(1", b"1,5"]
# As much as any sorted set here holds: then what is random to others is everything.
ALL = 100000
LEX_COMMANDS = (b"ZRANGEBYLEX", b"ZREVRANGEBYLEX", b"ZREMRANGEBYLEX", b"ZLEXCOUNT")
STORES = (b"ZUNIONSTORE", b"ZINTERSTORE", b"ZDIFFSTORE")


def makers(generator):
    r, pick, key, word, many, small = generator.random, generator.pick, generator.key, generator.word, generator.many, generator.small

    def member():
        how = r.random()
        if how < 0.5:
            return b"%d" % r.randrange(-3, 20)
        if how < 0.8:
            return pick([b"a", b"b", b"c", b"d", b"", b"hello", b"007", b"\x00\x01\xff", b"member:1", b"member:2"])
        return generator.value()

    def score():
        how = r.random()
        if how < 0.6:
            return b"%d" % r.randrange(-5, 12)
        if how < 0.8:
            return pick(SCORES)
        if how < 0.98:
            return b"%.3f" % r.uniform(-9, 9)
        return pick(NO_SCORES)

    def bound():
        how = r.random()
        if how < 0.3:
            return pick([b"-inf", b"+inf", b"inf", b"(inf", b"(-inf"])
        return pick([b"", b"", b"("]) + score()

    def lex_member():
        return pick([b"", b"a", b"aa", b"ab", b"b", b"c", b"1", b"10", b"2", b"\xff", b"\x00"]) + pick([b"", b"", b"", b"x", b"0", b"\xff"])

    def lex_bound():
        return pick([b"-", b"+", b"[" + lex_member(), b"(" + lex_member(), b"[" + lex_member(), pick([b"", b"x", b"-x", b"+\x00x", b"["])])

    def flags():
        return [word(flag) for flag in ("NX", "XX", "GT", "LT", "CH", "INCR") if r.random() < 0.12] if r.random() < 0.6 else []

    def pairs(least=1):
        return [part for _ in range(r.randrange(least, least + 4)) for part in (score(), member())]

    def limit():
        return pick([[], [word("LIMIT"), small(), small()], [word("LIMIT"), b"0", b"-1"], [word("LIMIT"), b"0", pick([b"x", b"9223372036854775807", b"5"])], [word("LIMIT"), b"1"]])

    def with_scores():
        return [word("WITHSCORES")] if r.random() < 0.5 else []

    def shuffled(*parts):
        parts = list(parts)
        r.shuffle(parts)
        return [word_ for part in parts for word_ in part]

    def ranks():
        return [pick([small(), generator.integer()]) if r.random() < 0.3 else b"%d" % r.randrange(-12, 12) for _ in range(2)]

    def counted(keys):
        count = len(keys) if r.random() < 0.92 else r.randrange(-1, 7)
        return [b"%d" % count if r.random() < 0.97 else b"x", *keys]

    def aggregate(count):
        weights = [word("WEIGHTS"), *(score() for _ in range(count if r.random() < 0.95 else 1))] if r.random() < 0.4 else []
        how = [word("AGGREGATE"), word(pick(["SUM", "MIN", "MAX", "SUM", "foo"]))] if r.random() < 0.4 else []
        return shuffled(weights, how)

    def sources():
        return [key() for _ in range(r.randrange(1, 5))]

    def mixed(name, store):
        keys = sources()
        options = [] if name in ("ZDIFF", "ZDIFFSTORE") and r.random() < 0.9 else aggregate(len(keys))
        target = [key()] if store else []
        return [word(name), *target, *counted(keys), *options, *([] if store else with_scores())]

    def range_form():
        how = r.random()
        if how < 0.4:
            return [key(), *ranks(), *shuffled(*([[word("REV")]] if r.random() < 0.4 else []), *([limit()] if r.random() < 0.1 else []))]
        if how < 0.8:
            return [key(), bound(), bound(), *shuffled([word("BYSCORE")], limit(), *([[word("REV")]] if r.random() < 0.4 else []))]
        return [pick(LEX), lex_bound(), lex_bound(), *shuffled([word("BYLEX")], limit(), *([[word("REV")]] if r.random() < 0.4 else []))]

    def store_range():
        form = range_form()
        return [word("ZRANGESTORE"), pick(LEX) if form[0] in LEX else key(), *form]

    return [
        (24, lambda: [word("ZADD"), key(), *flags(), *pairs()]),
        (1, lambda: [word("ZADD"), key(), *(part for _ in range(r.randrange(1, 200)) for part in (b"%d" % r.randrange(40), b"m%d" % r.randrange(400)))]),
        (0.3, lambda: [word("ZADD"), key(), b"1.25", pick([b"x", b"y"]) * r.randrange(60, 300)]),
        (8, lambda: [word("ZADD"), pick(LEX), *(part for _ in range(r.randrange(1, 6)) for part in (b"0", lex_member()))]),
        (6, lambda: [word("ZINCRBY"), key(), score(), member()]),
        (5, lambda: [word("ZREM"), key(), *many(member)]),
        (1, lambda: [word("ZREM"), pick(LEX), *many(lex_member)]),
        (5, lambda: [word("ZSCORE"), key(), member()]),
        (4, lambda: [word("ZMSCORE"), key(), *many(member)]),
        (3, lambda: [word("ZCARD"), key()]),
        (4, lambda: [word("ZCOUNT"), key(), bound(), bound()]),
        (4, lambda: [word("ZLEXCOUNT"), pick(LEX), lex_bound(), lex_bound()]),
        (6, lambda: [word(pick(["ZRANK", "ZREVRANK"])), key(), member()]),
        (10, lambda: [word("ZRANGE"), *range_form(), *with_scores()]),
        (4, store_range),
        (5, lambda: [word(pick(["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"])), key(), bound(), bound(), *shuffled(limit(), with_scores())]),
        (5, lambda: [word(pick(["ZRANGEBYLEX", "ZREVRANGEBYLEX"])), pick(LEX), lex_bound(), lex_bound(), *shuffled(limit(), with_scores() if r.random() < 0.1 else [])]),
        (5, lambda: [word("ZREVRANGE"), key(), *ranks(), *with_scores()]),
        (2, lambda: [word("ZREMRANGEBYRANK"), key(), *ranks()]),
        (2, lambda: [word("ZREMRANGEBYSCORE"), key(), bound(), bound()]),
        (2, lambda: [word("ZREMRANGEBYLEX"), pick(LEX), lex_bound(), lex_bound()]),
        (5, lambda: [word(pick(["ZPOPMIN", "ZPOPMAX"])), key(), *pick([[], [], [b"1"], [b"2"], [b"0"], [small()], [b"x"]])]),
        (4, lambda: [word("ZMPOP"), *counted(sources()), word(pick(["MIN", "MAX", "MAX", "foo"])), *pick([[], [], [word("COUNT"), b"2"], [word("COUNT"), small()], [word("COUNT")]])]),
        (3, lambda: [word("ZRANDMEMBER"), key(), *pick([[], [small()], [b"%d" % ALL], [b"%d" % ALL, word("WITHSCORES")], [small(), word("WITHSCORES")]])]),
        (3, lambda: [word("ZSCAN"), key(), pick([b"0", b"0", b"0", b"x"]), *pick([[], [word("MATCH"), generator.pattern()]]), *pick([[word("COUNT"), b"%d" % ALL], [word("COUNT"), b"%d" % ALL], [word("COUNT"), b"0"], []])]),
        (9, lambda: mixed(pick(["ZUNION", "ZINTER", "ZDIFF"]), False)),
        (7, lambda: mixed(pick(["ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"]), True)),
        (1, lambda: [word(pick(["ZUNIONSTORE", "ZINTERSTORE"])), pick(LEX), b"2", pick(LEX), pick(LEX)]),
        (3, lambda: [word("ZINTERCARD"), *counted(sources()), *pick([[], [], [word("LIMIT"), small()], [word("LIMIT"), b"x"], [word("LIMIT")]])]),
        (2, lambda: Count(pick([b"ZUNION", b"ZINTER"]), sources(), r)),
        (1, lambda: Rank(key(), member())),
    ]


class Count:
    """AGGREGATE COUNT, which redis-server 7.0 does not have: with all scores 1 it is SUM."""

    def __init__(self, operation, keys, random):
        self.operation, self.keys = operation, keys
        self.weights = [b"%d" % random.randrange(-3, 4) for _ in keys] if random.random() < 0.5 else []

    def __call__(self, comparison):
        options = [b"WEIGHTS", *self.weights] if self.weights else []
        count = b"%d" % len(self.keys)
        command = [self.operation, count, *self.keys, *options, b"AGGREGATE", b"COUNT", b"WITHSCORES"]
        held = [comparison.redis.ask(b"ZRANGE", key, b"0", b"-1") for key in self.keys]
        if not all(isinstance(members, list) for members in held):
            return  # another type
        ones = [b"ones:%d" % i for i in range(len(held))]
        for name, members in zip(ones, held):
            if members:
                comparison.redis.ask(b"ZADD", name, *(part for one in members for part in (b"1", one)))
        theirs = comparison.redis.ask(self.operation, count, *ones, *options, b"WITHSCORES")
        comparison.redis.ask(b"DEL", *ones)
        ours = comparison.stave.ask(*command)
        comparison.history.append(command)
        comparison.checked += 1
        if not alike(theirs, ours):
            comparison.fail(command, theirs, ours)


class Rank:
    """WITHSCORE, which redis-server 7.0 does not have: the rank and the score."""

    def __init__(self, key, member):
        self.key, self.member = key, member

    def __call__(self, comparison):
        for name in (b"ZRANK", b"ZREVRANK"):
            command = [name, self.key, self.member, b"WITHSCORE"]
            rank, score = comparison.redis.ask(name, self.key, self.member), comparison.redis.ask(b"ZSCORE", self.key, self.member)
            ours = comparison.stave.ask(*command)
            comparison.history.append(command)
            comparison.checked += 1
            right = alike([rank, score], ours) if isinstance(rank, int) else type(ours) is type(rank)
            if not right:
                comparison.fail(command, rank, ours)


def is_number(text):
    try:
        return b"%.17g" % float(text) == text
    except ValueError:
        return False


def alike(theirs, ours):
    """The same, scores as numbers."""
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(theirs) == len(ours) and getattr(theirs, "kind", b"*") == getattr(ours, "kind", b"*") and all(map(alike, theirs, ours))
    if isinstance(theirs, tuple) and isinstance(ours, tuple):
        return theirs[0] == ours[0] and (theirs == ours or (theirs[0] == b"," and float(theirs[1]) == float(ours[1])))
    if type(theirs) is not type(ours):
        return False
    if type(theirs) is bytes and theirs != ours and is_number(theirs):
        try:
            return float(theirs) == float(ours)
        except ValueError:
            return False
    return theirs == ours


def same_random(command, theirs, ours):
    if not isinstance(theirs, list) or not isinstance(ours, list):
        # One of them; or an error, which is the same on both sides.
        return type(theirs) is type(ours) and (type(theirs) is bytes or theirs == ours)
    if len(command) > 2 and command[2] == b"%d" % ALL:
        if len(command) > 3:
            return alike(scored(theirs), scored(ours))
        return sorted(theirs) == sorted(ours)
    return len(theirs) == len(ours)


def scored(reply):
    """Pairs of members and numbers, in the order of the members."""
    pairs = reply if reply and isinstance(reply[0], list) else [reply[i : i + 2] for i in range(0, len(reply), 2)]
    return sorted([member, float(score[1] if isinstance(score, tuple) else score)] for member, score in pairs)


def same(command, theirs, ours):
    name = command[0].upper()
    if not name.startswith(b"Z"):
        return None
    if name == b"ZRANDMEMBER":
        return same_random(command, theirs, ours)
    if name == b"ZSCAN" and isinstance(theirs, list) and isinstance(ours, list):
        # A small COUNT shows each a part of its own.
        return theirs[0] != b"0" or ours[0] != b"0" or scored(theirs[1]) == scored(ours[1])
    return alike(theirs, ours)


def skip(command):
    upper = [part.upper() for part in command]
    name = upper[0]
    if not name.startswith(b"Z") or len(command) < 2:
        return False
    if name in (b"ZRANK", b"ZREVRANK"):
        return len(command) == 4  # WITHSCORE came later
    if name in (b"ZADD", b"ZINCRBY") and command[1] in LEX:
        return name == b"ZINCRBY" or any(part != b"0" for part in command[2::2])
    if name in LEX_COMMANDS:
        return command[1] not in LEX
    if name in STORES and command[1] in LEX:
        return len(command) < 6 or any(part not in LEX for part in command[3:5])
    if name == b"ZRANGESTORE" and len(command) > 2 and (command[1] in LEX or command[2] in LEX):
        return command[1] not in LEX or command[2] not in LEX
    if name == b"ZRANGE" and b"BYLEX" in upper:
        return command[1] not in LEX
    if name == b"ZRANGESTORE" and b"BYLEX" in upper:
        return True
    if name == b"ZSCAN" and len(command) > 2 and command[2] != b"0":
        return not command[2].isalpha()  # a cursor of one is nothing to the other
    return b"COUNT" in upper and b"AGGREGATE" in upper


def final():
    return [[name, key, *rest] for key in KEYS + LEX for name, *rest in ((b"ZRANGE", b"0", b"-1", b"WITHSCORES"), (b"ZCARD",))]


FIXED = """
ZADD|ZADD z|ZADD z 1|ZADD z 1 a 2|ZADD z NX 1 a XX|ZADD z NX XX 1 a|ZADD z GT LT 1 a|ZADD z NX GT 1 a|ZADD z LT NX 1 a|ZADD z INCR 1 a 2 b
ZADD z XX|ZADD z CH|ZADD z nan a|ZADD z 1 a x b|ZADD z foo 1 a|ZADD z XX 1 a|ZADD z XX INCR 1 a|ZADD z inf a|ZADD z INCR -inf a|ZINCRBY z -inf a
ZSCORE z a|ZADD z INCR NX 1 a|ZADD z GT INCR 1 a|ZADD z LT CH 1 a|ZADD z GT CH 2.5 a 7 b|ZRANGE z 0 -1 WITHSCORES|ZADD z CH 2.5 a 8 b|ZINCRBY z x a
ZADD z XX GT 3 a|ZSCORE z a|ZADD z XX NX 1 a|ZADD z INCR 1|ZADD z 0x10 h -0 n|ZSCORE z h|ZSCORE z n|ZINCRBY z 0.1 f|ZINCRBY z 0.2 f|DEL z
ZADD z 1 a 2 b 3 c 4 d 5 e|ZCARD z|ZCARD nokey|ZCOUNT z (1 (5|ZCOUNT z -inf +inf|ZCOUNT z 5 1|ZCOUNT z x 1|ZCOUNT z 1 (|ZCOUNT z 1 ((2|ZCOUNT z 1 nan
ZCOUNT nokey x 1|ZCOUNT nokey 1 2|ZLEXCOUNT z x -|ZLEXCOUNT nokey - +|ZLEXCOUNT z - x|ZRANK z a|ZRANK z f|ZREVRANK z a|ZRANK nokey a|ZRANK z
ZMSCORE z|ZMSCORE z a x|ZMSCORE nokey a b|ZSCORE nokey a|ZSCORE z nomember|ZRANGE z 0|ZRANGE z x 1|ZRANGE z 0 x|ZRANGE z 1 2 FOO|ZRANGE z 0 1 LIMIT 1 2
ZRANGE z 0 -1 LIMIT 0 -1|ZRANGE z 0 1 LIMIT 1|ZRANGE z 0 1 WITHSCORES LIMIT x 1|ZRANGE z 0 -1 REV|ZRANGE z (1 3 BYSCORE LIMIT 1 1|ZRANGE z 3 (1 BYSCORE REV
ZRANGE z 1 3 BYSCORE LIMIT -1 2|ZRANGE z 1 5 BYSCORE LIMIT 1 -5|ZRANGE z 1 5 BYSCORE LIMIT 9223372036854775807 9223372036854775807|ZRANGE z - + BYLEX WITHSCORES
ZRANGE z a b BYLEX|ZRANGE z 1 x BYSCORE|ZRANGE z 1 2 BYSCORE BYLEX|ZRANGE nokey x 1|ZRANGE nokey 0 -1|ZRANGE z 0 -9223372036854775808
ZRANGE z -9223372036854775808 9223372036854775807|ZREVRANGE z 0 1 LIMIT 0 1|ZREVRANGE z 0 1 REV|ZREVRANGE z 0 1 WITHSCORES|ZREVRANGE z 1 2 BYSCORE
ZRANGEBYSCORE z 1 3 REV|ZRANGEBYSCORE z 1 3 BYLEX|ZRANGEBYSCORE z 1 3 WITHSCORES LIMIT 1 1|ZREVRANGEBYSCORE z 3 1|ZREVRANGEBYSCORE z 1 3|ZRANGEBYSCORE z 1
ZRANGEBYLEX z - + WITHSCORES|ZRANGEBYLEX z + -|ZREVRANGEBYLEX z + -|ZREVRANGEBYLEX z - +|ZRANGEBYLEX z a +|ZRANGESTORE d z 0 -1|ZRANGE d 0 -1|ZRANGESTORE d z 0 1 WITHSCORES
ZRANGESTORE d z 2 3 BYSCORE REV|ZRANGESTORE d z (3 1 BYSCORE REV LIMIT 0 1|ZRANGE d 0 -1 WITHSCORES|ZRANGESTORE d nokey 0 -1|EXISTS d|ZRANGESTORE z z 0 3|ZCARD z
ZRANGESTORE d z 0|ZRANGESTORE d z x 1|ZREMRANGEBYRANK z x 1|ZREMRANGEBYRANK nokey 0 1|ZREMRANGEBYRANK z 5 2|ZREMRANGEBYSCORE z x 1|ZREMRANGEBYSCORE z (9 1
ZREMRANGEBYLEX z x -|ZREMRANGEBYLEX nokey - +|ZREMRANGEBYRANK z 0 0|ZREM z|ZREM nokey a|ZREM z nomember b|ZPOPMIN z -1|ZPOPMIN z x|ZPOPMIN z 0|ZPOPMIN z 1 2
ZPOPMIN nokey|ZPOPMIN nokey 2|ZPOPMAX z 9223372036854775807|ZPOPMAX z|EXISTS z|ZPOPMIN z 9223372036854775808|ZMPOP|ZMPOP 0 z MIN|ZMPOP x z MIN|ZMPOP -1 z MIN
ZMPOP 1 z FOO|ZMPOP 1 z|ZMPOP 2 z MIN|ZMPOP 1 z MIN COUNT 0|ZMPOP 1 z MIN COUNT x|ZMPOP 1 z MIN COUNT|ZMPOP 1 z MIN FOO 1|ZMPOP 1 z MIN COUNT 1 COUNT 2|ZMPOP 1 nokey MIN
ZMPOP 9223372036854775806 z MIN|ZADD z 1 a 2 b 3 c|ZMPOP 2 nokey z MAX COUNT 2|ZMPOP 2 nokey z MIN|EXISTS z|ZADD z 1 a 2 b 3 c|ZRANDMEMBER z x|ZRANDMEMBER z 1 FOO
ZRANDMEMBER z 1 WITHSCORES FOO|ZRANDMEMBER z -9223372036854775808|ZRANDMEMBER z 9223372036854775807 WITHSCORES|ZRANDMEMBER nokey|ZRANDMEMBER nokey -5
ZRANDMEMBER nokey 5 WITHSCORES|ZRANDMEMBER z 0|ZRANDMEMBER|ZSCAN z x|ZSCAN z 0 COUNT 0|ZSCAN z 0 COUNT x|ZSCAN z 0 FOO|ZSCAN nokey 0 FOO|ZSCAN nokey 0|ZSCAN z 0 MATCH
ZSCAN z 0 MATCH [ab]|ZSCAN z 0 TYPE string|ZUNION|ZUNION 0 z|ZUNION x z|ZUNION -1 z|ZUNION 2 z|ZUNION 9223372036854775807 z|ZUNION 1 z FOO|ZUNION 1 z WEIGHTS
ZUNION 1 z WEIGHTS x|ZUNION 1 z WEIGHTS nan|ZUNION 1 z WEIGHTS 1 2|ZUNION 1 z AGGREGATE|ZUNION 1 z AGGREGATE FOO|ZUNION 1 z WITHSCORES WITHSCORES|ZINTER 0 z|ZDIFF 0 z
ZDIFF 1 z WEIGHTS 1|ZDIFF 1 z AGGREGATE SUM|ZDIFF 2 z z|ZDIFF 1 nokey|ZUNIONSTORE d 0 z|ZUNIONSTORE d 1 z WITHSCORES|ZINTERSTORE d 0 z|ZDIFFSTORE d 0 z|ZUNIONSTORE d 1
ZUNIONSTORE d 1 z WEIGHTS inf AGGREGATE MAX|ZRANGE d 0 -1 WITHSCORES|ZADD n -inf a 0 b|ZUNION 2 d n WITHSCORES|ZINTER 2 d n WITHSCORES|ZUNION 2 d n WEIGHTS 0 0 WITHSCORES
ZINTER 2 d n WEIGHTS 0 0 AGGREGATE MIN WITHSCORES|ZINTERCARD 2 d n|ZINTERCARD 0 d|ZINTERCARD 2 d n LIMIT -1|ZINTERCARD 2 d n LIMIT x|ZINTERCARD 2 d n LIMIT 1|ZINTERCARD 2 d n LIMIT 0
ZINTERCARD 2 d n LIMIT|ZINTERCARD 1 d WITHSCORES|ZINTERCARD 1 d WEIGHTS 1|ZINTERSTORE d 2 d nokey|EXISTS d|ZUNIONSTORE d 1 nokey|SET s x|ZADD s 1 a|ZCARD s|ZUNION 2 z s
ZUNION 2 z s FOO|ZINTERCARD 2 nokey s LIMIT x|ZUNIONSTORE d 1 s|ZUNIONSTORE s 1 z|TYPE s|SET s x|ZRANGESTORE s z 0 -1|TYPE s|SET s x|ZRANGESTORE s nokey 0 -1|EXISTS s
SET s x|ZDIFFSTORE s 1 nokey|EXISTS s|SET s x|ZSCAN s 0 FOO|ZPOPMIN s 0|ZPOPMIN s x|ZMPOP 2 s z MIN|ZMPOP 2 z s MIN|ZRANDMEMBER s 1|ZRANGE s 0 -1|ZRANGE s x 1|ZRANK s a
ZREM s a|ZREMRANGEBYRANK s 0 1|ZSCORE s a|ZMSCORE s a|ZINCRBY s 1 a|ZINCRBY s x a|ZCOUNT s 1 2|ZLEXCOUNT s - +|GET z|INCR z|APPEND z x|TYPE z|OBJECT REFCOUNT nokey
COMMAND GETKEYS zunion 2 a b|COMMAND GETKEYS zunion 3 a b|COMMAND GETKEYS zunion 0 a|COMMAND GETKEYS zunion x a|COMMAND GETKEYS zunion 1|COMMAND GETKEYS zunionstore d 2 a b WEIGHTS 1 2
COMMAND GETKEYSANDFLAGS zunionstore d 2 a b|COMMAND GETKEYS zmpop 2 a b MIN|COMMAND GETKEYS zrangestore d s 0 1|COMMAND GETKEYSANDFLAGS zrangestore d s 0 1|COMMAND GETKEYS zadd z 1 a
COMMAND GETKEYSANDFLAGS zpopmin z|COMMAND GETKEYSANDFLAGS zcard z|COMMAND GETKEYSANDFLAGS zrem z a|COMMAND GETKEYSANDFLAGS zmpop 1 z MIN|COMMAND GETKEYSANDFLAGS zadd z 1 a
COMMAND GETKEYSANDFLAGS zincrby z 1 a|COMMAND GETKEYSANDFLAGS zscore z a|COMMAND GETKEYSANDFLAGS zintercard 1 z|COMMAND GETKEYSANDFLAGS zremrangebyrank z 0 1
HELLO 3|DEL z|ZADD z 1 a 2.5 b inf c|ZRANGE z 0 -1 WITHSCORES|ZSCORE z b|ZSCORE z nomember|ZMSCORE z a x c|ZINCRBY z 0.5 b|ZADD z INCR 1 b|ZADD z NX INCR 1 b|ZPOPMIN z|ZPOPMIN z 1
ZADD z 1 a 2.5 b|ZPOPMAX z 5|ZPOPMAX z 5|ZPOPMAX z|ZADD z 1 a 2.5 b|ZMPOP 1 z MAX COUNT 5|ZMPOP 1 z MIN|ZADD z 1 a 2.5 b|ZRANDMEMBER z 5 WITHSCORES|ZUNION 1 z WITHSCORES
ZDIFF 1 z WITHSCORES|ZINTER 1 z WITHSCORES|ZREVRANGEBYSCORE z 9 0 WITHSCORES|ZSCAN z 0|ZRANK z nomember|HELLO 2|RESET
"""
