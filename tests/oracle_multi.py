"""Transactions, for oracle_test.py: two connections to each server, one that watches, queues and runs, and another that
changes keys meanwhile. What EXEC answers is compared answer by answer.

Known differences that are kept out: SWAPDB, HELLO and CLIENT REPLY are not queued here; a watched key that was not there and
is not there again at EXEC counts as untouched, and so does one that a write left exactly as it was.
"""

NOT_QUEUED = (b"SWAPDB", b"HELLO", b"RESET", b"QUIT", b"CLIENT", b"AUTH", b"SHUTDOWN", b"MULTI", b"EXEC", b"DISCARD", b"WATCH", b"UNWATCH")
COUNTER = [0]


def fresh():
    """A value that no key has."""
    COUNTER[0] += 1
    return b"fresh%d" % COUNTER[0]


def touching(generator):
    """A command that changes what it names, if it does anything at all."""
    r, key = generator.random, generator.key
    COUNTER[0] += 1
    return r.choice([
        [b"SET", key(), fresh()], [b"SET", key(), fresh()], [b"APPEND", key(), b"more"], [b"DEL", key(), key()], [b"INCR", key()],
        [b"RPUSH", key(), fresh()], [b"LPOP", key()], [b"SADD", key(), fresh()], [b"HSET", key(), b"field", fresh()],
        [b"ZADD", key(), b"%d" % COUNTER[0], b"member"], [b"EXPIRE", key(), b"%d" % (1000000 + COUNTER[0])], [b"PERSIST", key()],
        [b"RENAME", key(), key()], [b"RENAMENX", key(), key()], [b"COPY", key(), key(), b"REPLACE"], [b"GETDEL", key()], [b"SETNX", key(), fresh()],
        [b"MOVE", key(), b"1"], [b"MSET", key(), fresh(), key(), fresh()], [b"GET", key()], [b"TYPE", key()], [b"EXISTS", key()],
        [b"FLUSHDB"]] + [[b"SWAPDB", b"0", b"1"]])


class Scene:
    def __init__(self, comparison):
        self.comparison, self.same, self.skip = comparison, comparison.same, comparison.skip
        self.first = (comparison.redis, comparison.stave)
        if not hasattr(comparison, "second"):
            comparison.second = tuple(type(peer)(peer.socket.getpeername()[1]) for peer in self.first)
        self.second = comparison.second
        self.queued = []

    def ask(self, peers, command, compare=None):
        theirs, ours = (peer.ask(*command) for peer in peers)
        self.comparison.checked += 1
        self.comparison.history.append(command if peers is self.first else [b"(second connection)", *command])
        if not (compare or (lambda t, o: self.same(command, t, o)))(theirs, ours):
            self.comparison.fail(command, theirs, ours)
        return theirs

    def same_exec(self, theirs, ours):
        if type(theirs) is not type(ours) or not isinstance(theirs, list):
            return theirs == ours
        return len(theirs) == len(ours) == len(self.queued) and all(map(self.same, self.queued, theirs, ours))

    def queue(self, count):
        generator = self.comparison.generator
        while count > 0:
            command = generator.command()
            if callable(command) or command[0] == b"<dump>" or self.skip(command) or command[0].upper() in NOT_QUEUED:
                continue
            count -= 1
            # A random answer makes the two differ from then on.
            if command[0].upper() in (b"SPOP", b"SRANDMEMBER", b"HRANDFIELD", b"ZRANDMEMBER"):
                continue
            if self.ask(self.first, command, lambda theirs, ours: theirs == ours) == b"QUEUED":
                self.queued.append(command)

    def play(self):
        generator = self.comparison.generator
        r = generator.random
        for _ in range(r.choice([0, 0, 1, 2])):
            self.ask(self.first, [b"WATCH", *generator.many(generator.key)])
        if r.random() < 0.2:
            self.ask(self.second, [b"SELECT", b"%d" % r.randrange(2)])
        before = r.random() < 0.3
        if before:
            self.ask(r.choice([self.first, self.second]), touching(generator))
        if r.random() < 0.1:
            self.ask(self.first, [b"UNWATCH"])
        self.ask(self.first, [b"MULTI"])
        self.queue(r.randrange(0, 4))
        if r.random() < 0.05:
            self.ask(self.first, r.choice([[b"MULTI"], [b"WATCH", b"k1"], [b"NOSUCH"], [b"GET"], [b"SAVE"]]))
        if not before and r.random() < 0.4:
            self.ask(self.second, touching(generator))
        self.queue(r.randrange(0, 5))
        if r.random() < 0.1:
            self.ask(self.first, [b"DISCARD"])
        else:
            self.ask(self.first, [b"EXEC"], self.same_exec)


def makers(generator):
    return [(6, lambda: lambda comparison: Scene(comparison).play())]


def same(command, theirs, ours):
    return None


def skip(command):
    return False


def final():
    return []


FIXED = """
EXEC|DISCARD|DISCARD x|WATCH|UNWATCH x|UNWATCH|MULTI|MULTI|WATCH a|DISCARD|MULTI|EXEC|MULTI|SET a 1|INCR a|EXEC|GET a
MULTI|NOSUCH a|SET a 2|EXEC|GET a|MULTI|GET|EXEC|MULTI|SAVE|EXEC|MULTI|SHUTDOWN|EXEC|MULTI|CLIENT NOSUCH|EXEC|MULTI|EXEC x|EXEC
MULTI|SELECT 3|SET a 3|SELECT 99|SELECT 0|GET a|EXEC|MULTI|LPUSH a x|SET b 1|LPOP b|EXEC|MULTI|PING|ECHO x|EXEC|WATCH a|SET a 4|MULTI|GET a|EXEC
WATCH a|UNWATCH|SET a 5|MULTI|GET a|EXEC|WATCH a|MULTI|SET a 6|DISCARD|SET a 7|MULTI|EXEC|HELLO 3|WATCH a|SET a 8|MULTI|EXEC|MULTI|HGETALL a2|EXEC|HELLO 2
MULTI|SET a 1|RESET|EXEC|MULTI|FLUSHALL|SET c 1|DBSIZE|KEYS *|EXEC|MULTI|UNWATCH|WAIT 0 0|CLIENT GETNAME|CONFIG GET nosuch|EXEC|DEL a b c
"""
