"""SORT for the oracle (oracle_test.py says how): lists, sets and sorted sets by themselves, by other keys and by fields."""

import os

# redis-server compares texts as its locale does, and we compare bytes.
os.environ["LC_ALL"] = "C"

SOURCES = [b"sl", b"ss", b"sz"]
TARGETS = [b"st", b"st2", b"sl"]
MEMBERS = [b"%d" % i for i in range(12)] + [b"-3", b"1.5", b"1e2", b"inf"]
TEXTS = [b"a", b"ab", b"B", b"", b"\xff", b"hello world"]


class Sources:
    """Keys to sort, made anew from time to time, of those types that Stave has commands for."""

    def __init__(self, generator):
        self.generator = generator
        self.known = {}

    def knows(self, comparison, name):
        if name not in self.known:
            self.known[name] = isinstance(comparison.stave.ask("COMMAND", "INFO", name)[0], list)
        return self.known[name]

    def __call__(self, comparison):
        r = self.generator.random
        texts = MEMBERS + TEXTS if r.random() < 0.25 else MEMBERS
        members = [r.choice(texts) for _ in range(r.randrange(1, 60))]
        weights = [member for member in MEMBERS if r.random() < 0.8]
        weight = lambda: b"%d" % r.randrange(8) if r.random() < 0.95 else r.choice([b"", b"0.5", b" 7", b"x", b"-1e3"])
        commands = [[b"DEL", *SOURCES, *[b"sw_" + member for member in MEMBERS], *[b"so_" + member for member in MEMBERS]]]
        commands += [[b"RPUSH", b"sl", *members]]
        if self.knows(comparison, "SADD"):
            commands += [[b"SADD", b"ss", *members]]
        if self.knows(comparison, "ZADD"):
            commands += [[b"ZADD", b"sz", *[part for member in members for part in (b"%d" % r.randrange(5), member)]]]
        commands += [[b"SET", b"sw_" + member, weight()] for member in weights]
        if self.knows(comparison, "HSET"):
            commands += [[b"HSET", b"so_" + member, b"f", weight(), b"g", r.choice(TEXTS)] for member in weights]
        comparison.exchange(commands)


# redis-server looks at errno without having cleared it, and so may refuse a number for the sake of an earlier command.
REFUSED = b"ERR One or more scores can't be converted into double"


class Stored:
    """A SORT that stores numbers: what was stored by one of them only is taken away again."""

    def __init__(self, command):
        self.command = command

    def __call__(self, comparison):
        theirs, ours = comparison.redis.ask(*self.command), comparison.stave.ask(*self.command)
        if theirs != ours and theirs != REFUSED:
            comparison.fail(self.command, theirs, ours)
        if theirs != ours:
            for peer in (comparison.redis, comparison.stave):
                peer.ask("DEL", *TARGETS)


def makers(generator):
    r, pick, word = generator.random, generator.pick, generator.word
    source = lambda: pick(SOURCES) if r.random() < 0.85 else pick([b"l1", b"l2", b"ls", b"nokey", b"sw_1", b"so_1"])
    patterns = [b"sw_*", b"so_*->f", b"so_*->g", b"nosort", b"sw_*->f", b"so_*", b"so_*->", b"none_*", b"*"]
    number = lambda: b"%d" % r.randrange(-2, 12) if r.random() < 0.95 else pick([b"x", b"9223372036854775807", b"-9223372036854775808"])

    def sort():
        parts = []
        by = r.random() < 0.5
        alpha = r.random() < 0.4
        if by:
            parts.append([word("BY"), pick(patterns)])
        if alpha:
            parts.append([word("ALPHA")])
        if r.random() < 0.4:
            parts.append([word(pick(["ASC", "DESC"]))])
        if r.random() < 0.3:
            parts.append([word("LIMIT"), number(), number()])
        for _ in range(pick([0, 0, 0, 1, 2, 3])):
            parts.append([word("GET"), pick(patterns + [b"#", b"#"])])
        # Equal weights may stand in any order there, so nothing is stored that depends on it.
        if r.random() < 0.3 and not (by and alpha):
            parts.append([word("STORE"), pick(TARGETS)])
        r.shuffle(parts)
        name = "SORT" if r.random() < 0.8 else "SORT_RO"
        command = [word(name), source(), *[part for some in parts for part in some]]
        stores = any(part[0].upper() == b"STORE" for part in parts)
        return Stored(command) if stores and not alpha else command

    return [
        (2, lambda: Sources(generator)),
        (20, sort),
        (3, lambda: [word("LRANGE"), pick(TARGETS), b"0", b"-1"]),
    ]


def rows(reply, gets):
    return sorted(repr(reply[i:i + gets]) for i in range(0, len(reply), gets))


def gets(upper):
    """How many GETs there are: a pattern may be that word too."""
    count, at = 0, 2
    while at < len(upper):
        count += upper[at] == b"GET"
        at += {b"GET": 2, b"BY": 2, b"STORE": 2, b"LIMIT": 3}.get(upper[at], 1)
    return count


def same(command, theirs, ours):
    """In which order what counts as equal comes is each server's own affair: weights that are equal as texts, members of a
    set that is not sorted, and texts that differ behind a zero byte only."""
    upper = [part.upper() for part in command]
    if upper[0] in (b"SORT", b"SORT_RO") and theirs == REFUSED:
        return True
    if upper[0] not in (b"SORT", b"SORT_RO") or not isinstance(theirs, list) or not isinstance(ours, list):
        return None
    patterns = [after for word, after in zip(upper[2:], upper[3:]) if word == b"BY"]
    if any(b"*" not in pattern for pattern in patterns):
        unordered = command[1] == b"ss"
    else:
        unordered = bool(patterns) and b"ALPHA" in upper and (command[1] != b"sl" or b"LIMIT" in upper or b"*" in patterns)
    zeros = b"ALPHA" in upper and (gets(upper) > 0 or any(isinstance(part, bytes) and b"\0" in part for part in theirs + ours))
    if not unordered and not zeros:
        return None
    if b"LIMIT" in upper:
        return len(theirs) == len(ours)
    width = max(gets(upper), 1)
    return rows(theirs, width) == rows(ours, width)


def skip(command):
    upper = [part.upper() for part in command]
    return upper[0] == b"SORT" and b"STORE" in upper and b"ALPHA" not in upper  # see Stored


def final():
    return [[b"LRANGE", key, b"0", b"-1"] for key in TARGETS]


FIXED = """
SORT|SORT_RO|SORT nokey|SORT nokey FOO|SORT nokey BY|SORT nokey GET|SORT nokey LIMIT 1|SORT nokey LIMIT x 1|SORT nokey LIMIT 1 x
SORT nokey STORE|SORT_RO nokey STORE a|SORT nokey STORE nokey2|DEL sl st|RPUSH sl 3 1 2 10|SORT sl|SORT sl DESC|SORT sl ALPHA
SORT sl ALPHA DESC LIMIT 1 2|SORT sl LIMIT 9 9|SORT sl LIMIT -1 2|SORT sl LIMIT 0 0|SORT sl BY nosort|SORT sl BY nosort DESC
SORT sl BY nosort DESC LIMIT 1 2|SORT sl BY nosort BY sw_*|SORT sl BY nosort GET # GET fixed GET sw_*|SORT sl STORE st|LRANGE st 0 -1
SET st x|EXPIRE st 1000|SORT sl DESC GET # GET sw_* STORE st|LRANGE st 0 -1|TTL st|SORT sl LIMIT 5 1 STORE st|EXISTS st
RPUSH sl x|SORT sl|SORT sl LIMIT 0 1|SORT sl STORE st|SORT sl ALPHA|SORT sl BY sw_*|SET sw_x foo|SORT sl BY sw_*|SORT sl BY sw_* ALPHA
DEL sl sw_x|SET sl 1|SORT sl|SORT_RO sl ALPHA|DEL sl|SORT sl GET # GET #|COMMAND GETKEYS sort sl|COMMAND GETKEYS sort_ro sl
"""
