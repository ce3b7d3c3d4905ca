"""What oracle_test.py asks of streams, under ids that are given, so that both servers make the same. What depends on the clock counts
as the same when it is there in both; what redis-server 7.0 reckons otherwise than later ones (what a group has read, its lag) or does
not have (when a consumer was active) is left out."""

GROUPS = [b"g", b"h", b"of\x00one", b""]
CONSUMERS = [b"c", b"d", b"consumer\x00\xff", b"", b"12"]
FIELDS = [b"f", b"g", b"field", b"", b"7"]
# Numbers of the clock, of the other's own making, or of another reckoning.
LEFT_OUT = (b"radix-tree-keys", b"radix-tree-nodes", b"lag", b"entries-read", b"active-time", b"inactive", b"idle", b"seen-time")


def makers(generator):
    r, pick, key, word, many, small = generator.random, generator.pick, generator.key, generator.word, generator.many, generator.small
    last = [1]

    def stream():
        return pick([b"k0", b"k1", b"k2"]) if r.random() < 0.8 else key()

    def new_id():
        """Mostly behind all others."""
        how = r.random()
        if how < 0.8:
            last[0] += r.randrange(1, 60) if r.random() < 0.7 else 0
            return b"%d-%d" % (last[0], r.randrange(0, 4)) if r.random() < 0.6 else b"%d-*" % last[0] if r.random() < 0.5 else b"%d" % last[0]
        return old_id()

    def old_id():
        if r.random() < 0.05:
            return pick([b"0-0", b"0", b"-", b"+", b"x", b"", b"5-", b"-5", b"5-5-5", b"99999999999999999999", b"0-18446744073709551615", b"(5", b"(", b"$", b"+5", b"007-01", b"5-*"])
        ms = max(0, last[0] - r.randrange(0, 400))
        return b"%d-%d" % (ms, r.randrange(0, 4)) if r.random() < 0.8 else b"%d" % ms

    def ahead():
        # One below what was deleted is refused by later servers only.
        last[0] += 10
        return pick([b"%d-0" % last[0], b"%d" % last[0], b"x"])

    def ids():
        return many(old_id)

    def bound():
        how = r.random()
        return pick([b"-", b"+"]) if how < 0.3 else b"(" + old_id() if how < 0.5 else old_id()

    def count():
        return pick([[], [], [word("COUNT"), b"%d" % r.randrange(-1, 12)], [word("COUNT")], [word("COUNT"), b"x"]] if r.random() < 0.2 else [[], [word("COUNT"), b"%d" % r.randrange(1, 12)]])

    def trim():
        how = r.random()
        if how < 0.75:
            return []
        if how < 0.8:
            return pick([[word("MAXLEN")], [word("MAXLEN"), b"-1"], [word("MAXLEN"), b"x"], [word("LIMIT"), b"5"], [word("MAXLEN"), b"5", word("LIMIT"), b"5"], [word("MAXLEN"), b"5", word("MINID"), b"5"]])
        if how < 0.9:
            return [word("MAXLEN"), *pick([[], [b"="]]), b"%d" % r.randrange(0, 80)]
        return [word("MINID"), *pick([[], [b"="]]), old_id()]

    def fields():
        if r.random() < 0.6:
            return [b"f", generator.value(), b"g", generator.value()]
        return [part for _ in range(r.randrange(1, 5)) for part in (pick(FIELDS), generator.value())]

    def group():
        return pick(GROUPS)

    def read():
        keys = many(stream) if r.random() < 0.4 else [stream()]
        return [word("XREAD"), *count(), word("STREAMS"), *keys, *(pick([old_id(), b"$", b"0"]) for _ in keys)]

    def read_group():
        keys = many(stream) if r.random() < 0.2 else [stream()]
        return [word("XREADGROUP"), word("GROUP"), group(), pick(CONSUMERS), *count(), *pick([[], [], [word("NOACK")]]), word("STREAMS"), *keys, *(pick([b">", b">", b"0", old_id()]) for _ in keys)]

    def claim():
        options = [option for option in ([word("IDLE"), b"%d" % r.randrange(0, 100000)], [word("TIME"), b"1000"], [word("RETRYCOUNT"), small()], [word("FORCE")], [word("JUSTID")], [word("LASTID"), old_id()]) if r.random() < 0.25]
        return [word("XCLAIM"), stream(), group(), pick(CONSUMERS), pick([b"0", b"0", b"100000000", b"-1", b"x"]), *ids(), *(part for option in options for part in option)]

    def pending():
        range_ = [bound(), bound(), b"%d" % r.randrange(-1, 20), *pick([[], [pick(CONSUMERS)]])]
        return [word("XPENDING"), stream(), group(), *pick([[], [], range_, range_, [word("IDLE"), pick([b"0", b"100000000"]), *range_]])]

    return [
        (40, lambda: [word("XADD"), stream(), *pick([[], [], [], [word("NOMKSTREAM")]]), *trim(), new_id(), *fields()]),
        (8, lambda: [word("XDEL"), stream(), *ids()]),
        (4, lambda: [word("XLEN"), stream()]),
        (8, lambda: [word("XRANGE"), stream(), bound(), bound(), *count()]),
        (8, lambda: [word("XREVRANGE"), stream(), bound(), bound(), *count()]),
        (4, lambda: [word("XTRIM"), stream(), *(trim() or [word("MAXLEN"), b"100"])]),
        (8, read),
        (8, lambda: [word("XGROUP"), word("CREATE"), stream(), group(), pick([b"0", b"$", old_id()]), *pick([[], [word("MKSTREAM")], [word("ENTRIESREAD"), small()], [word("ENTRIESREAD")], [b"foo"]])]),
        (2, lambda: [word("XGROUP"), word("CREATECONSUMER"), stream(), group(), pick(CONSUMERS)]),
        (1, lambda: [word("XGROUP"), word("DELCONSUMER"), stream(), group(), pick(CONSUMERS)]),
        (1, lambda: [word("XGROUP"), word("DESTROY"), stream(), group()]),
        (2, lambda: [word("XGROUP"), word("SETID"), stream(), group(), pick([b"0", b"$", b"-", old_id()]), *pick([[], [word("ENTRIESREAD"), small()]])]),
        (18, read_group),
        (10, lambda: [word("XACK"), stream(), group(), *ids()]),
        (8, pending),
        (6, claim),
        (6, lambda: [word("XAUTOCLAIM"), stream(), group(), pick(CONSUMERS), pick([b"0", b"100000000", b"x"]), bound(), *count(), *pick([[], [word("JUSTID")]])]),
        (4, lambda: [word("XINFO"), word("STREAM"), stream(), *pick([[], [word("FULL")], [word("FULL"), word("COUNT"), b"%d" % r.randrange(-1, 20)], [b"foo"]])]),
        (3, lambda: [word("XINFO"), word("GROUPS"), stream()]),
        (3, lambda: [word("XINFO"), word("CONSUMERS"), stream(), group()]),
        (1, lambda: [word("XSETID"), stream(), ahead(), *pick([[], [word("ENTRIESADDED"), small()], [word("MAXDELETEDID"), old_id()]])]),
    ]


def idles(part):
    """Whether this is a consumer without anything pending, as XINFO tells it."""
    if not isinstance(part, list) or len(part) < 4 or part[0] != b"name" or b"idle" not in part and b"pel-count" not in part:
        return False
    told = {part[i]: part[i + 1] for i in range(0, len(part) - 1, 2)}
    return told.get(b"pending", 0) in (0, []) and told.get(b"pel-count", 0) == 0


def timeless(reply):
    """The answer without what is left out, and with pending entries without their times. Consumers that have nothing pending are
    left out too: 7.0 does not make one that is given nothing, as 7.2 does."""
    if not isinstance(reply, list):
        return reply
    reply = [part for part in reply if not idles(part)]
    kept, at = [], 0
    while at < len(reply):
        part = reply[at]
        if part == b"consumers" and at + 1 < len(reply) and isinstance(reply[at + 1], int):
            at += 2
            continue
        if isinstance(part, bytes) and part in LEFT_OUT and at + 1 < len(reply) and at % 2 == 0:
            at += 2
            continue
        if isinstance(part, bytes) and part == b"pending" and at + 1 < len(reply) and isinstance(reply[at + 1], list):
            # An entry: id, perhaps its consumer, when it was delivered, how often.
            kept += [part, [[*one[:-2], one[-1]] for one in reply[at + 1]]]
            at += 2
            continue
        kept.append(timeless(part))
        at += 1
    return kept


def same(command, theirs, ours):
    name = command[0].upper()
    # Which of two faults of a call is told: the words are read before the keys are looked at here.
    if name[:1] == b"X" and type(ours).__name__ == type(theirs).__name__ == "Failure" and theirs.startswith(b"WRONGTYPE"):
        return True
    # 7.0 does not make a consumer that is given nothing, so it may still be made there.
    if name == b"XGROUP" and len(command) > 1 and command[1].upper() == b"CREATECONSUMER" and isinstance(theirs, int) and isinstance(ours, int):
        return ours <= theirs
    if type(theirs) is not type(ours) or not isinstance(theirs, list):
        return None
    if name == b"XINFO":
        return timeless(theirs) == timeless(ours)
    if name == b"XPENDING" and len(command) > 3:
        return [[*one[:2], one[3]] for one in theirs] == [[*one[:2], one[3]] for one in ours]
    return None


def skip(command):
    name = command[0].upper()
    # The wording of later versions, and + of theirs.
    if name in (b"XREAD", b"XREADGROUP"):
        upper = [part.upper() for part in command]
        if b"+" in command[1:]:
            return True
        return b"STREAMS" in upper and (len(command) - upper.index(b"STREAMS") - 1) % 2 == 1
    # A blank before a number is none of an id here; and not there from 7.2 on.
    if name[:1] == b"X" and any(part[:1].isspace() for part in command[2:]):
        return True
    # Made by the clock.
    return name == b"XADD" and b"*" in command


def final():
    from oracle_test import KEYS

    calls = []
    for key in KEYS:
        calls += [[b"XRANGE", key, b"-", b"+"], [b"XINFO", b"STREAM", key, b"FULL", b"COUNT", b"0"]]
        calls += [[b"XPENDING", key, group] for group in GROUPS]
    return calls


FIXED = """
XADD|XADD s|XADD s *|XADD s * f|XADD s 1-1 f v g|XADD s 0-0 f v|XADD s 0 f v|XADD s x f v|XADD s 1-x f v|XADD s MAXLEN f v
XADD s MAXLEN 5 LIMIT 1 1-1 f v|XADD s LIMIT 1 1-1 f v|XADD s MAXLEN ~ 5 LIMIT -1 1-1 f v|XADD s NOMKSTREAM 1-1 f v|EXISTS s
XADD s 0-* f v|XADD s 0-* f v|XADD s 5-5 f v|XADD s 5-5 f v|XADD s 5-4 f v|XADD s 4-* f v|XADD s 5-* f v|XADD s 6 f v|XLEN s
XADD s 18446744073709551615-18446744073709551615 f v|XADD s 18446744073709551615-* f v|XADD s 1-1 f v|XRANGE s - +|XREVRANGE s + -
XRANGE s (5-5 +|XRANGE s - (5-5|XRANGE s (0-0 (0-1|XRANGE s (18446744073709551615-18446744073709551615 +|XRANGE s - (0-0|XRANGE s 5 5
XRANGE s (- +|XRANGE s - (+|XRANGE s - + COUNT 0|XRANGE s - + COUNT -1|XRANGE s - + COUNT|XRANGE s - + FOO 1|XRANGE nokey - + COUNT 0
XRANGE nokey x +|XREVRANGE s - +|XREVRANGE s + - COUNT 2|XDEL s 5-5 5-5 9-9|XDEL s x|XDEL nokey x|XTRIM s MAXLEN 2|XTRIM s|XTRIM s FOO 1
XTRIM s MAXLEN x|XTRIM s MAXLEN -1|XTRIM s MINID x|XTRIM s MAXLEN 1 MINID 1|XTRIM s MAXLEN ~ 0 LIMIT 0|XTRIM nokey MAXLEN 1|XLEN s
XSETID s x|XSETID nokey 1-1|XSETID s 7 ENTRIESADDED -1|XSETID s 7 MAXDELETEDID 8|XSETID s 7 FOO|TYPE s|OBJECT ENCODING s
DEL s|XGROUP CREATE s g 0|XGROUP CREATE s g 0 MKSTREAM|XGROUP CREATE s g 0 MKSTREAM|XLEN s|EXISTS s|XINFO GROUPS s|XGROUP CREATE s g x
XGROUP CREATE s h $ ENTRIESREAD -2|XGROUP CREATE s h $ ENTRIESREAD x|XGROUP CREATE s h $ FOO|XGROUP CREATE|XGROUP FOO s g|XGROUP
XGROUP SETID s g x|XGROUP SETID s nog 0|XGROUP SETID nokey g 0|XGROUP SETID s g 0 FOO 1|XGROUP DESTROY s nog|XGROUP DESTROY nokey g
XGROUP CREATECONSUMER s g c|XGROUP CREATECONSUMER s g c|XGROUP CREATECONSUMER s nog c|XGROUP DELCONSUMER s g nobody
XREADGROUP GROUP g c STREAMS s >|XADD s 1-1 f v|XADD s 2-1 f v g w|XADD s 3-1 f v|XREADGROUP GROUP g c COUNT 1 STREAMS s >
XREADGROUP GROUP g d STREAMS s >|XREADGROUP GROUP g d STREAMS s >|XREADGROUP GROUP g d STREAMS s 0|XREADGROUP GROUP g d STREAMS s 2
XREADGROUP GROUP g c STREAMS s $|XREADGROUP GROUP nog c STREAMS s >|XREADGROUP GROUP g c STREAMS nokey >|XREADGROUP STREAMS s > a b c d
XREADGROUP GROUP g c NOACK STREAMS s x|XREAD STREAMS s >|XREAD GROUP g c STREAMS s 0|XREAD NOACK STREAMS s 0|XREAD STREAMS s
XREAD COUNT x STREAMS s 0|XREAD BLOCK x STREAMS s 0|XREAD BLOCK -1 STREAMS s 0|XREAD COUNT -1 STREAMS s 0|XREAD FOO STREAMS s 0
XREAD STREAMS s nokey 1 0|XREAD STREAMS s $|XREAD STREAMS s 18446744073709551615-18446744073709551615|XREAD COUNT 5
XPENDING s g|XPENDING s nog|XPENDING nokey g|XPENDING s g - +|XPENDING s g - + x|XPENDING s g - + 10|XPENDING s g - + 10 d
XPENDING s g - + 10 nobody|XPENDING s g IDLE x - + 10|XPENDING s g IDLE 0 - +|XPENDING s g IDLE 100000000 - + 10|XPENDING s g (1-1 + 1
XDEL s 2-1|XREADGROUP GROUP g d STREAMS s 0|XCLAIM s g c 0 2-1 3-1 9-9|XCLAIM s g c 0 1-1 JUSTID|XCLAIM s nog c 0 1-1|XCLAIM s g c x 1-1
XCLAIM s g c 0 1-1 FOO|XCLAIM s g c 0 x|XCLAIM s g c 0 1-1 RETRYCOUNT 7|XCLAIM s g c 0 1-1 IDLE x|XCLAIM s g c 100000000 1-1
XAUTOCLAIM s g d 0 - COUNT 1|XAUTOCLAIM s g d 0 - COUNT 0|XAUTOCLAIM s g d 0 x|XAUTOCLAIM s g d x -|XAUTOCLAIM s nog d 0 -
XAUTOCLAIM s g d 0 (1-1 JUSTID|XAUTOCLAIM s g d 0 - FOO|XACK s g 1-1 1-1 9-9|XACK s g x|XACK s nog x|XACK nokey g x|XPENDING s g
XINFO STREAM s|XINFO STREAM nokey|XINFO STREAM s FULL|XINFO STREAM s FULL COUNT|XINFO STREAM s FULL COUNT x|XINFO STREAM s FOO
XINFO GROUPS nokey|XINFO CONSUMERS s nog|XINFO CONSUMERS nokey g|XINFO|XINFO FOO s|XGROUP DELCONSUMER s g c|XGROUP DELCONSUMER s g d
XGROUP DESTROY s g|XINFO GROUPS s|SET str 1|XADD str 1-1 f v|XLEN str|XRANGE str - +|XDEL str 1|XTRIM str MAXLEN 0|XREAD STREAMS str 0
XREADGROUP GROUP g c STREAMS str >|XACK str g 1|XPENDING str g|XCLAIM str g c 0 1|XAUTOCLAIM str g c 0 1|XINFO STREAM str|XSETID str 1-1
XGROUP CREATE str g 0|XGROUP DESTROY str g|COMMAND GETKEYS xread count 1 streams a b 0 0|COMMAND GETKEYS xreadgroup group g c streams a 0
HELLO 3|XREAD STREAMS s 0|XREAD STREAMS nokey 0|XADD s NOMKSTREAM 9-9 f v|XINFO STREAM s
XADD nokey NOMKSTREAM 9-9 f v|XRANGE s - + COUNT 0|XGROUP CREATE s g 0|XREADGROUP GROUP g c STREAMS s >|XDEL s 9-9
XREADGROUP GROUP g c STREAMS s 0|XPENDING s g|XINFO STREAM s FULL|DEL s|XPENDING s g|RESET
"""
