"""Calls that wait, for oracle_test.py: several connections to each server whose calls wait, and one that changes keys. What
each of them is answered in the end, and what the keys hold then, is compared.

Kept out: transactions that change several keys on which one call waits. From 7.2 on Redis goes by the order in which the call
named them, as we do; 7.0 goes by the order of the changes. So, too, calls of several keys one of which another waiting call
moves elements to: it changes a second key while the first is served.
"""

import select
import time

KEYS = [b"w%d" % i for i in range(4)]
WAITERS = 5

# 7.0 does not notice what takes the place of a value of another type.
STORED = b"redis.call('DEL', KEYS[1]) return redis.call(%s)"


def elements(r):
    return [b"e%d" % r.randrange(50) for _ in range(r.choice([1, 1, 1, 2, 3]))]


def waiting_call(r):
    key = lambda: r.choice(KEYS)
    keys = lambda: [key() for _ in range(r.choice([1, 1, 2, 3]))]
    some = keys()
    count = r.choice([[], [b"COUNT", b"%d" % r.randrange(1, 4)]])
    end, set_end = (lambda: r.choice([b"LEFT", b"RIGHT"])), r.choice([b"MIN", b"MAX"])
    return r.choice([
        [b"BLPOP", *some, b"0"], [b"BRPOP", *some, b"0"], [b"BLPOP", *some, b"100.5"], [b"BLMOVE", key(), key(), end(), end(), b"0"],
        [b"BRPOPLPUSH", key(), key(), b"0"], [b"BLMPOP", b"0", b"%d" % len(some), *some, end(), *count], [b"BZPOPMIN", *some, b"0"],
        [b"BZPOPMAX", *some, b"0"], [b"BZMPOP", b"50", b"%d" % len(some), *some, set_end, *count]])


def waiting_calls(r, count):
    calls = [waiting_call(r) for _ in range(count)]
    targets = {call[2] for call in calls if call[0] in (b"BLMOVE", b"BRPOPLPUSH")}
    several = lambda call: call[0] not in (b"BLMOVE", b"BRPOPLPUSH") and len(targets & set(call)) and len(set(call) & set(KEYS)) > 1
    return [call for call in calls if not several(call)]


def change(r):
    key = lambda: r.choice(KEYS)
    scored = lambda: [part for element in elements(r) for part in (b"%d" % r.randrange(9), element)]
    return r.choice([
        [b"RPUSH", key(), *elements(r)], [b"LPUSH", key(), *elements(r)], [b"RPUSH", key(), *elements(r)], [b"ZADD", key(), *scored()],
        [b"ZADD", key(), *scored()], [b"SET", key(), b"text"], [b"DEL", key()], [b"RENAME", key(), key()], [b"COPY", key(), key(), b"REPLACE"],
        [b"EVAL", STORED % b"'SORT', KEYS[2], 'ALPHA', 'STORE', KEYS[1]", b"2", key(), key()], [b"LMOVE", key(), key(), b"LEFT", b"RIGHT"], [b"LPOP", key()], [b"ZPOPMIN", key()],
        [b"EVAL", STORED % b"'ZUNIONSTORE', KEYS[1], 1, KEYS[2]", b"2", key(), key()], [b"LINSERT", key(), b"BEFORE", b"e1", b"e2"], [b"LPUSHX", key(), b"e3"], [b"ZINCRBY", key(), b"1", b"e4"]])


class Scene:
    def __init__(self, comparison):
        self.comparison = comparison
        if not hasattr(comparison, "waiters"):
            fresh = lambda: tuple(type(peer)(peer.socket.getpeername()[1]) for peer in (comparison.redis, comparison.stave))
            comparison.waiters = [fresh() for _ in range(WAITERS)]
            comparison.changer = fresh()
            for pair in [*comparison.waiters, comparison.changer]:
                for peer in pair:
                    peer.ask("SELECT", "15")
                    peer.number = peer.ask("CLIENT", "ID")
        self.changer = comparison.changer

    def ask(self, command):
        theirs, ours = (peer.ask(*command) for peer in self.changer)
        self.compare([b"(changer)", *command], theirs, ours)
        return theirs

    def compare(self, command, theirs, ours):
        self.comparison.checked += 1
        self.comparison.history.append(command)
        if theirs != ours:
            self.comparison.fail(command, theirs, ours)

    @staticmethod
    def waiting(changer):
        return int(changer.ask("INFO", "clients").split(b"blocked_clients:")[1].split(b"\r\n")[0])

    def call(self, peer, call, changer):
        """Until the call has been answered, or waits. One that is answered may have served others that waited."""
        before = self.waiting(changer)
        peer.send([call])
        while not select.select([peer.socket], [], [], 0)[0] and self.waiting(changer) != before + 1:
            time.sleep(0.001)

    def play(self):
        r = self.comparison.generator.random
        for _ in range(r.randrange(0, 3)):
            self.ask(change(r))
        calls = []
        for pair, call in zip(self.comparison.waiters, waiting_calls(r, r.randrange(1, WAITERS + 1))):
            calls.append((pair, call))
            self.comparison.history.append([b"(waits)", *call])
            for i, peer in enumerate(pair):
                self.call(peer, call, self.changer[i])
        for _ in range(r.randrange(0, 6)):
            if r.random() < 0.2:
                self.ask([b"MULTI"])
                key = r.choice(KEYS)
                for _ in range(r.randrange(1, 4)):
                    self.ask(r.choice([[b"RPUSH", key, *elements(r)], [b"LPOP", key], [b"DEL", key], [b"BLPOP", key, b"0"]]))
                self.ask([b"EXEC"])
            else:
                self.ask(change(r))
        for pair, call in calls:
            how = r.choice([b"TIMEOUT", b"ERROR"])
            theirs, ours = (self.changer[i].ask("CLIENT", "UNBLOCK", pair[i].number, how) for i in range(2))
            self.compare([b"(unblock)", *call], theirs, ours)
            self.compare([b"(answer)", *call], *(peer.read() for peer in pair))
        for key in KEYS:
            kind = self.ask([b"TYPE", key])
            self.ask({b"list": [b"LRANGE", key, b"0", b"-1"], b"zset": [b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]}.get(kind, [b"GET", key]))
        if r.random() < 0.5:
            self.ask([b"DEL", *KEYS])


def makers(generator):
    return [(1.5, lambda: lambda comparison: Scene(comparison).play())]


def same(command, theirs, ours):
    return None


def skip(command):
    return False


def final():
    return []


FIXED = """
BLPOP|BLPOP a|BLPOP a -1|BLPOP a x|BLPOP nokey 0.001|BRPOP nokey nokey2 0.001|BLMOVE a b LEFT LEFT|BLMOVE a b UP LEFT 0|BLMOVE a b LEFT UP 0|BLMOVE nokey b LEFT LEFT 0.001
BLMOVE nokey b LEFT LEFT -1|BLMOVE nokey b LEFT LEFT x|BRPOPLPUSH a b|BRPOPLPUSH nokey b 0.001|BRPOPLPUSH nokey b -1|BLMPOP 0.001 1 nokey LEFT|BLMPOP 1 0 a LEFT|BLMPOP x 1 a LEFT
BLMPOP -1 1 a LEFT|BLMPOP 0 1 a UP|BLMPOP 0 2 a LEFT|BLMPOP 0 1 a LEFT COUNT 0|BLMPOP 0 1 a LEFT COUNT 1 COUNT 1|BLMPOP 0 1 a LEFT FOO|BZPOPMIN nokey 0.001|BZPOPMAX nokey 0.001|BZPOPMIN a -1
BZMPOP 0.001 1 nokey MIN|BZMPOP 0 1 a UP|BZMPOP 0 0 a MIN|BZMPOP 0 1 a MIN COUNT 0|BZMPOP x 1 a MIN|BZMPOP -1 1 a MAX|RPUSH wl a b c d e|BLPOP nokey wl 0|BRPOP wl 0|BLMPOP 0 2 nokey wl RIGHT COUNT 2
BLMOVE wl wl2 LEFT RIGHT 0|BLPOP wl 0.001|BLPOP wl2 wl 0|ZADD wz 1 a 2 b 3 c 4 d|BZPOPMIN nokey wz 0|BZPOPMAX wz 0|BZMPOP 0 2 nokey wz MAX COUNT 5|SET ws x|BLPOP ws 0|BLPOP nokey ws 0|BLMOVE ws wl LEFT LEFT 0
BRPOPLPUSH ws wl 0|BLMPOP 0 1 ws LEFT|BZPOPMIN ws 0|BZMPOP 0 1 ws MIN|RPUSH wl x|BLMOVE wl ws LEFT LEFT 0|BRPOPLPUSH wl ws 0|LRANGE wl 0 -1|BZPOPMIN wl 0|DEL wl ws
MULTI|BLPOP nokey 0|BRPOP nokey 0|BLMOVE nokey a LEFT LEFT 0|BRPOPLPUSH nokey a 0|BLMPOP 0 1 nokey LEFT|BZPOPMIN nokey 0|BZMPOP 0 1 nokey MIN|RPUSH wl a|BLPOP wl 0|WAIT 1 0|EXEC
HELLO 3|BLPOP nokey 0.001|BLMOVE nokey a LEFT LEFT 0.001|BLMPOP 0.001 1 nokey LEFT|BZPOPMIN nokey 0.001|ZADD wz 1.5 a 2 b|BZPOPMIN wz 0|BZMPOP 0 1 wz MAX|HELLO 2|WAIT|WAIT 0|WAIT x 0|WAIT 0 x|WAIT 0 -1|WAIT 0 0|WAIT 1 1
CLIENT UNBLOCK 5 TIMEOUT|CLIENT UNBLOCK x ERROR|COMMAND GETKEYS blpop a b 0|COMMAND GETKEYS blmove a b LEFT LEFT 0|COMMAND GETKEYS brpoplpush a b 0|COMMAND GETKEYS blmpop 0 2 a b LEFT|COMMAND GETKEYS bzmpop 0 1 a MIN|COMMAND GETKEYS bzpopmin a b 0
"""
