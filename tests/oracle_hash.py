"""What oracle_test.py asks about hashes. Fields that expire are not among it: redis-server 7.0 has none."""

FIELDS = [b"f%d" % i for i in range(12)] + [b"", b"7", b"-12", b"007", b"\x00\xff\r\n", b"x" * 70]
UNORDERED = (b"HGETALL", b"HKEYS", b"HVALS")


def makers(generator):
    r, word, value, pick = generator.random, generator.word, generator.value, generator.pick
    # A few keys get most of it, so that some hashes grow.
    key = lambda: generator.key() if r.random() < 0.25 else b"k%d" % r.randrange(6)
    field = lambda: pick(FIELDS) if r.random() < 0.9 else value()
    fields = lambda: generator.many(field)
    pairs = lambda least=1, most=6: [part for _ in range(r.randrange(least, most)) for part in (field(), value())]
    # Beyond what redis-server keeps in one run of bytes too.
    crowd = lambda: [part for i in range(r.randrange(100, 200)) for part in (b"m%d" % r.randrange(300), value())]
    number = lambda: generator.integer() if r.random() < 0.8 else pick([b"0.5", b"x", b""])
    real = lambda: pick([generator.integer(), b"0.5", b"-3.25", b"1e3", b"1.1", b"x", b"nan", b"inf", b"-inf", b"1e400"])
    options = lambda: pick([[], [], [word("MATCH"), pick([b"*", b"f*", b"f?", b"m1*", b"", b"["])], [word("COUNT"), b"0"], [word("COUNT"), b"x"], [word("FOO")], [word("TYPE"), b"hash"]])
    return [
        (40, lambda: [word("HSET"), key(), *pairs()]),
        (2, lambda: [word("HSET"), key(), *crowd()]),
        (5, lambda: [word("HMSET"), key(), *pairs()]),
        (8, lambda: [word("HSETNX"), key(), field(), value()]),
        (15, lambda: [word("HGET"), key(), field()]),
        (8, lambda: [word("HMGET"), key(), *fields()]),
        (12, lambda: [word("HGETALL"), key()]),
        (4, lambda: [word(pick(["HKEYS", "HVALS"])), key()]),
        (6, lambda: [word("HLEN"), key()]),
        (6, lambda: [word("HEXISTS"), key(), field()]),
        (6, lambda: [word("HSTRLEN"), key(), field()]),
        (14, lambda: [word("HDEL"), key(), *fields()]),
        (12, lambda: [word("HINCRBY"), key(), field(), number()]),
        (10, lambda: [word("HINCRBYFLOAT"), key(), field(), real()]),
        (5, lambda: [word("HSCAN"), key(), pick([b"0", b"0", b"0", b"x"]), *options(), word("COUNT"), b"1000"]),
        (3, lambda: [word("HSCAN"), key(), pick([b"0", b"x"]), *options()]),
        (6, lambda: lambda comparison: random_fields(comparison, key(), b"%d" % r.randrange(-40, 40), pick([[], [word("WITHVALUES")]]))),
        (3, lambda: [word("HRANDFIELD"), key(), pick([b"0", b"x", b"-9223372036854775808", b"9223372036854775808"]), *pick([[], [word("WITHVALUES")], [b"foo"]])]),
    ]


def random_fields(comparison, key, count, options):
    """Both give so many fields, of those that are there, and different ones unless the count is negative."""
    theirs, ours = (peer.ask("HRANDFIELD", key, count, *options) for peer in (comparison.redis, comparison.stave))
    command = [b"HRANDFIELD", key, count, *options]
    comparison.exchange([[b"HLEN", key]])
    if not isinstance(theirs, list) or not isinstance(ours, list):
        if theirs != ours:
            comparison.fail(command, theirs, ours)
        return
    everything = comparison.stave.ask("HGETALL", key)
    there = dict(zip(everything[::2], everything[1::2]))
    nested = bool(ours) and isinstance(ours[0], list)
    pairs = ours if nested else list(zip(ours[::2], ours[1::2])) if options else [(name, there.get(name)) for name in ours]
    good = len(theirs) == len(ours) and theirs.kind == ours.kind and all(there.get(name) == value for name, value in pairs)
    good = good and nested == (bool(theirs) and isinstance(theirs[0], list))
    if int(count) >= 0:
        good = good and len({name for name, _ in pairs}) == len(pairs)
    if not good:
        comparison.fail(command, theirs, ours)


def by_field(flat):
    return sorted(zip(flat[::2], flat[1::2]))


def same(command, theirs, ours):
    name = command[0].upper()
    if not isinstance(theirs, list) or not isinstance(ours, list):
        return None
    if name == b"HSCAN":
        # A small COUNT shows each a part of its own.
        return theirs[0] != b"0" or ours[0] != b"0" or by_field(theirs[1]) == by_field(ours[1])
    if name in UNORDERED:
        ordered = by_field if name == b"HGETALL" else sorted
        return theirs.kind == ours.kind and ordered(theirs) == ordered(ours)
    return None


def skip(command):
    name = command[0].upper()
    if name == b"HSCAN" and len(command) > 2 and command[2] != b"0":
        return not command[2].isalpha()  # a cursor of one is nothing to the other
    if name == b"HRANDFIELD" and len(command) == 2:
        return True
    if name == b"HRANDFIELD" and len(command) > 2 and command[2] not in (b"0", b"x", b"-9223372036854775808", b"9223372036854775808"):
        return True  # chance; see random_fields
    return False


def final():
    keys = [b"k%d" % i for i in range(24)] + [b"", b"k\x00\xff\r\n", b"user:1", b"user:2", b"[a]*?"]
    return [[name, key] for key in keys for name in (b"HGETALL", b"HLEN")]


FIXED = """
HSET h|HSET h f|HSET h f 1 g|HSET h f 1|HSET h f 2 g 3|HMSET h f|HMSET h f 1 g|HMSET h f 1|HSETNX h f 2|HSETNX h g|HSETNX h new 1
HGET h|HGET h f|HGET h none|HGET none f|HGET h f g|HMGET h|HMGET h f none f|HMGET none f|HGETALL none|HGETALL h x|HKEYS none|HVALS none
HLEN|HLEN none|HLEN h|HEXISTS h|HEXISTS h f|HEXISTS h none|HEXISTS none f|HSTRLEN h|HSTRLEN h f|HSTRLEN h none|HSTRLEN none f
HDEL h|HDEL none f|HDEL h none|HINCRBY h f|HINCRBY h f x|HINCRBY h f 1.5|HINCRBY h f 1|HINCRBY h t 9223372036854775807|HINCRBY h t 1
HINCRBY h u -9223372036854775808|HINCRBY h u -1|HSET h w word|HINCRBY h w 1|HINCRBYFLOAT h w 1|HINCRBYFLOAT h w x|HINCRBYFLOAT h f x
HINCRBYFLOAT h f 0.1|HINCRBYFLOAT h f nan|HINCRBYFLOAT h f inf|HINCRBYFLOAT h f -inf|HINCRBYFLOAT h f 1e5000|HSET h i inf|HINCRBYFLOAT h i 1
HINCRBYFLOAT h i -1|HINCRBYFLOAT h z 3.0e3|HINCRBYFLOAT h z 0x10|HINCRBY h z 1|HSET h sp  7|HINCRBY h sp 1|HINCRBYFLOAT h sp 1
HSCAN h|HSCAN h x|HSCAN h 0 FOO|HSCAN h 0 COUNT|HSCAN h 0 COUNT 0|HSCAN h 0 COUNT x|HSCAN h 0 MATCH|HSCAN none 0 FOO|HSCAN none x FOO
HSCAN h 0 TYPE hash|HSCAN h 0 MATCH f* COUNT 100|HSCAN none 0|HRANDFIELD|HRANDFIELD none|HRANDFIELD none 5|HRANDFIELD none -5 WITHVALUES
HRANDFIELD h x|HRANDFIELD h 1 FOO|HRANDFIELD h 1 WITHVALUES x|HRANDFIELD h 0|HRANDFIELD h 9223372036854775807 WITHVALUES
HRANDFIELD h -9223372036854775808|HRANDFIELD h -9223372036854775807 WITHVALUES|HRANDFIELD h 4611686018427387904 WITHVALUES|HRANDFIELD none -9223372036854775807
SET s 1|HSET s f 1|HSETNX s f 1|HMSET s f 1|HGET s f|HMGET s f|HGETALL s|HKEYS s|HVALS s|HLEN s|HEXISTS s f|HSTRLEN s f|HDEL s f|HINCRBY s f 1
HINCRBY s f x|HINCRBYFLOAT s f 1|HINCRBYFLOAT s f x|HSCAN s 0|HSCAN s 0 FOO|HSCAN s x|HRANDFIELD s|HRANDFIELD s 1|HRANDFIELD s x|HRANDFIELD s 0
TYPE h|HDEL h f g new t u w i z sp|EXISTS h|TYPE h|GET h|SET h 1|HGET h f|HELLO 3|HSET m a 1|HGETALL m|HGETALL none|HKEYS m|HVALS m|HRANDFIELD m 1 WITHVALUES
HRANDFIELD m -3 WITHVALUES|HRANDFIELD m 5|HRANDFIELD m|HRANDFIELD none|HMGET m a b|HSCAN m 0|HGET m b|HINCRBYFLOAT m a 0.5|RESET
HELLO 2|HGETALL m|HRANDFIELD m -3 WITHVALUES|HRANDFIELD m 2 WITHVALUES|EXPIRE m 1000|HSET m a 2|TTL m|HDEL m a|TTL m|HSET m a 1|TTL m
"""
