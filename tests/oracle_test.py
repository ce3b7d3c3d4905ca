#!/usr/bin/env python3
"""Random commands, well formed and not, to redis-server and to Stave: the same answers, byte for byte where time allows.

Usage: STAVE_BIN=build/stave oracle_test.py [--seed N] [--commands N]
The seed is printed; a failure shows the command, both answers and what was done before.

What concerns one type stands in a module of its own, `oracle_<type>.py`, with
  makers(generator)             [(weight, make)]: `make()` gives a command, or a function of the Comparison for what takes
                                several steps (a random answer, say, after which both must be made the same again)
  same(command, theirs, ours)   whether the answers count as the same; None: no opinion
  skip(command)                 whether it is a known difference
  final()                       commands whose answers show everything that the type's keys hold
  FIXED                         calls, by "|" and line, that chance would seldom find
"""

import argparse
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import oracle_bits
import oracle_generic
import oracle_geo
import oracle_hash
import oracle_hll
import oracle_list
import oracle_multi
import oracle_script
import oracle_set
import oracle_sort
import oracle_stream
import oracle_waiting
import oracle_zset
from ports import free_port

# The modules of the types.
TYPES = [oracle_bits, oracle_generic, oracle_geo, oracle_hash, oracle_hll, oracle_list, oracle_multi, oracle_script, oracle_set, oracle_sort, oracle_stream, oracle_waiting, oracle_zset]

BATCH = 64
# The newest version of DUMP that redis-server 7.0 reads.
REDIS_DUMPS = 10
DATABASES = 4
KEYS = [b"k%d" % i for i in range(24)] + [b"", b"k\x00\xff\r\n", b"user:1", b"user:2", b"[a]*?"]
INTEGERS = [b"0", b"1", b"-1", b"7", b"42", b"-1000", b"9223372036854775807", b"-9223372036854775808", b"2147483648", b"10000000000"]
FLOATS = [b"0.5", b"-3.25", b"1e3", b"10.50", b"3.0e-5", b"+7", b"1e30", b"0x1p3", b"1.1", b".25", b"5."]
TEXTS = [b"", b"a", b"hello", b"hello world", b"\x00\x01\xff", b" 1", b"1 ", b"007", b"nan", b"inf", b"-0", b"9223372036854775808", b"abcabcabcabc"]
JUNK = [b"", b"foo", b"x\r\ny", b"1", b"-1", b"0", b"NX", b"XX", b"GET", b"EX", b"KEEPTTL", b"9223372036854775808", b"1.5", b" 1", b"\xff\x00"]
CLOSE_ENOUGH_MS = 5000


class Status(bytes):
    pass


class Failure(bytes):
    """An error reply."""


class Null:
    def __init__(self, kind):
        self.kind = kind

    def __eq__(self, other):
        return isinstance(other, Null) and other.kind == self.kind

    def __repr__(self):
        return "null(%s)" % self.kind


class Aggregate(list):
    kind = b"*"


class Peer:
    """One connection that speaks the protocol without a client library between: what comes is what is compared."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", buffering=1 << 16)

    def send(self, commands):
        parts = []
        for command in commands:
            parts.append(b"*%d\r\n" % len(command))
            for argument in command:
                parts.append(b"$%d\r\n%s\r\n" % (len(argument), argument))
        self.socket.sendall(b"".join(parts))

    def read(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("connection closed after %r" % line)
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return Status(rest)
        if kind == b"-":
            return Failure(rest)
        if kind == b":":
            return int(rest)
        if kind == b"_":
            return Null("resp3")
        if kind in b"$=":
            size = int(rest)
            if size < 0:
                return Null("bulk")
            body = self.file.read(size + 2)
            return body[:-2]
        if kind in b"*%~>":
            size = int(rest)
            if size < 0:
                return Null("array")
            reply = Aggregate(self.read() for _ in range(size * (2 if kind == b"%" else 1)))
            reply.kind = kind
            return reply
        if kind in b",#(":
            return (kind, rest)
        raise ValueError("not a reply: %r" % line)

    def ask(self, *command):
        self.send([[a if isinstance(a, bytes) else str(a).encode() for a in command]])
        return self.read()


# --- what is sent -----------------------------------------------------------------------------------------------


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        r = self.random
        pick = r.choice
        key = lambda: pick(KEYS)
        integer = lambda: pick(INTEGERS) if r.random() < 0.5 else b"%d" % r.randrange(-100000, 100000)
        small = lambda: b"%d" % r.randrange(-30, 60)
        value = self.value
        word = self.word
        far = lambda scale: b"%d" % (r.randrange(1000, 1000000) * scale)
        later = lambda scale: b"%d" % ((int(time.time()) + r.randrange(1000, 1000000)) * scale)
        past = lambda: pick([b"1", b"0", b"-1", b"-5", b"1000"])
        soon_or_past = lambda when: when if r.random() < 0.9 else past()
        database = lambda: b"%d" % r.randrange(DATABASES) if r.random() < 0.95 else pick([b"16", b"-1", b"x", b"99999999999"])
        maybe = lambda *options: [option for option in options if r.random() < 0.3]
        expiry = lambda: pick([[], [], [], [word("EX"), far(1)], [word("PX"), far(1000)], [word("EXAT"), later(1)], [word("PXAT"), later(1000)]])
        many = lambda make, least=1: [make() for _ in range(r.randrange(least, least + 4))]
        pairs = lambda: [part for _ in range(r.randrange(1, 5)) for part in (key(), value())]
        conditions = lambda: pick([[], [], [word("NX")], [word("XX")], [word("GT")], [word("LT")], [word("XX"), word("GT")], [word("NX"), word("XX")], [word("GT"), word("LT")]])
        pattern = lambda: pick([b"*", b"k*", b"k?", b"k[0-5]", b"k[^0-5]", b"user:*", b"\\[a\\]*", b"[", b"k1", b"*1*", b"", b"[k]*"])
        self.makers = [
            (30, lambda: [word("SET"), key(), value()]),
            (12, lambda: [word("SET"), key(), value(), *pick([[], [], [word("NX")], [word("XX")]]), *maybe(word("GET")), *(expiry() if r.random() < 0.8 else [word("KEEPTTL")])]),
            (25, lambda: [word("GET"), key()]),
            (6, lambda: [word("GETEX"), key(), *pick([expiry(), [word("PERSIST")]])]),
            (4, lambda: [word("GETDEL"), key()]),
            (4, lambda: [word("GETSET"), key(), value()]),
            (4, lambda: [word("SETNX"), key(), value()]),
            (3, lambda: [word("SETEX"), key(), soon_or_past(far(1)) if r.random() < 0.9 else past(), value()]),
            (3, lambda: [word("PSETEX"), key(), far(1000), value()]),
            (5, lambda: [word("MGET"), *many(key)]),
            (5, lambda: [word("MSET"), *pairs()]),
            (3, lambda: [word("MSETNX"), *pairs()]),
            (6, lambda: [word("APPEND"), key(), value()]),
            (5, lambda: [word("STRLEN"), key()]),
            (6, lambda: [word(pick(["GETRANGE", "SUBSTR"])), key(), pick([small(), integer()]), pick([small(), integer()])]),
            (5, lambda: [word("SETRANGE"), key(), b"%d" % r.randrange(-2, 600) if r.random() < 0.9 else pick([b"536870912", b"9223372036854775807"]), value()]),
            (6, lambda: [word(pick(["INCR", "DECR"])), key()]),
            (6, lambda: [word(pick(["INCRBY", "DECRBY"])), key(), integer()]),
            (8, lambda: [word("INCRBYFLOAT"), key(), pick([integer(), pick(FLOATS)])]),
            (4, lambda: [word("LCS"), key(), key(), *pick([[], [word("LEN")], [word("IDX")], [word("IDX"), word("WITHMATCHLEN")], [word("IDX"), word("MINMATCHLEN"), small()], [word("LEN"), word("IDX")]])]),
            (4, lambda: [word(pick(["DEL", "UNLINK"])), *many(key)]),
            (5, lambda: [word(pick(["EXISTS", "TOUCH"])), *many(key)]),
            (4, lambda: [word("TYPE"), key()]),
            (2, lambda: [word("KEYS"), pattern()]),
            (2, lambda: [word("SCAN"), pick([b"0", b"0", b"0", b"x"]), word("COUNT"), pick([b"100000", b"100000", b"0", b"x"]), *pick([[], [word("MATCH"), pattern()], [word("TYPE"), pick([b"string", b"hash"])]])]),
            (2, lambda: [word("RANDOMKEY")]),
            (4, lambda: [word(pick(["RENAME", "RENAMENX"])), key(), key()]),
            (5, lambda: [word("COPY"), key(), key(), *pick([[], [word("DB"), database()]]), *maybe(word("REPLACE"))]),
            (4, lambda: [word("MOVE"), key(), database()]),
            (3, lambda: [word("OBJECT"), word(pick(["ENCODING", "REFCOUNT", "FREQ"])), key()]),
            (6, lambda: [word("EXPIRE"), key(), soon_or_past(far(1)), *conditions()]),
            (4, lambda: [word("PEXPIRE"), key(), soon_or_past(far(1000)), *conditions()]),
            (4, lambda: [word("EXPIREAT"), key(), soon_or_past(later(1)), *conditions()]),
            (4, lambda: [word("PEXPIREAT"), key(), soon_or_past(later(1000)), *conditions()]),
            (6, lambda: [word(pick(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"])), key()]),
            (4, lambda: [word("PERSIST"), key()]),
            (5, lambda: [b"<dump>", key(), key(), pick([b"0", b"0", far(1000)])]),
            (2, lambda: [word("RESTORE"), key(), pick([b"0", b"-1", b"x", b"5000000"]), pick([b"", b"junk", b"\x00\x01a\x09\x00" + b"0" * 8]), *maybe(word("REPLACE"), word("ABSTTL")), *pick([[], [word("IDLETIME"), small()], [word("FREQ"), integer()]])]),
            (2, lambda: [word("WAIT"), pick([b"0", b"x"]), pick([b"0", b"-1", b"x"])]),
            (2, lambda: [word("PING"), *maybe(value())]),
            (1, lambda: [word("ECHO"), value()]),
            (8, lambda: [word("SELECT"), database()]),
            (1, lambda: [word("AUTH"), *many(value)]),
            (1, lambda: [word("HELLO"), *pick([[], [b"2"], [b"3"], [b"4"], [b"x"], [b"3", word("SETNAME"), b"me"], [b"2", word("SETNAME"), b"a b"], [b"3", b"foo"]])]),
            (0.5, lambda: [word("RESET")]),
            (1, lambda: [word("CLIENT"), word(pick(["GETNAME", "GETREDIR", "TRACKINGINFO", "UNPAUSE"]))]),
            (1, lambda: [word("CLIENT"), word("SETNAME"), pick([b"", b"me", b"a b", b"x\n"])]),
            (1, lambda: [word("CLIENT"), pick([word("KILL"), word("UNBLOCK"), word("NO-EVICT"), word("LIST"), b"foo"]), *many(lambda: pick([b"foo", b"ID", b"x", b"1.2.3.4:5", b"TYPE", b"SKIPME"]))]),
            (2, lambda: [word("DBSIZE")]),
            (0.2, lambda: [word(pick(["FLUSHDB", "FLUSHALL"])), *pick([[], [word("ASYNC")], [word("SYNC")], [b"foo"]])]),
            (1, lambda: [word("SWAPDB"), database(), database()]),
            (1, lambda: [word("COMMAND"), word("GETKEYS"), *pick([[b"get", b"a"], [b"mset", b"a", b"1", b"b", b"2"], [b"del", b"a", b"b"], [b"ping", b"x"], [b"nosuch", b"x"], [b"object", b"encoding", b"a"], [b"get", b"a", b"b"], [b"rename", b"a", b"b"]])]),
            (1, lambda: [word("MEMORY"), word("USAGE"), key(), *pick([[], [word("SAMPLES"), b"5"], [b"foo"], [word("SAMPLES"), b"x"]])]),
            (1, lambda: [pick([b"nosuch", b"GETT", b"", b"G\xc5T", b"SE"]), *many(value, 0)]),
        ]
        self.pick, self.key, self.integer, self.small, self.many, self.pattern, self.maybe = pick, key, integer, small, many, pattern, maybe
        for module in TYPES:
            self.makers += module.makers(self)
        self.weights = [weight for weight, _ in self.makers]

    def word(self, text):
        """The word in any case."""
        how = self.random.random()
        if how < 0.6:
            return text.encode()
        if how < 0.9:
            return text.lower().encode()
        return "".join(self.random.choice((c.lower(), c.upper())) for c in text).encode()

    def value(self):
        r = self.random
        how = r.random()
        if how < 0.25:
            return r.choice(INTEGERS)
        if how < 0.35:
            return r.choice(FLOATS)
        if how < 0.6:
            return r.choice(TEXTS)
        if how < 0.8:
            return b"%d" % r.randrange(-70000, 70000)
        if how < 0.9:
            return bytes(r.choice(b"ab") for _ in range(r.randrange(0, 90)))
        return r.choice([b"x", b"abc", b"\x00"]) * r.randrange(1, 400)

    def command(self):
        make = self.random.choices(self.makers, self.weights)[0][1]
        command = make()
        if not callable(command) and command[0].upper() not in (b"<DUMP>", b"COMMAND") and self.random.random() < 0.08:
            self.damage(command)
        return command

    def damage(self, command):
        """What a careless client would send: an argument too few, one too many, or another in its place."""
        r = self.random
        name = command[0].upper()
        how = r.random()
        if how < 0.3 and len(command) > 1:
            del command[r.randrange(1, len(command))]
        elif how < 0.6 and name not in (b"SETRANGE",):
            command.insert(r.randrange(1, len(command) + 1), r.choice(JUNK))
        elif len(command) > 1:
            command[r.randrange(1, len(command))] = r.choice(JUNK)


# --- how answers are compared -----------------------------------------------------------------------------------


def is_refusal(reply):
    return isinstance(reply, (Failure, Null))


def same(command, theirs, ours):
    # What is excepted stays excepted when a script calls it.
    command = oracle_script.called_by(command) or command
    name = command[0].upper()
    for module in TYPES:
        verdict = module.same(command, theirs, ours)
        if verdict is not None:
            return verdict
    if type(theirs) is not type(ours):
        return False
    if is_refusal(theirs) or is_refusal(ours):
        return theirs == ours
    if name in (b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"):
        # The two servers got the command that set it, and this one, at slightly different times.
        scale = 1 if name in (b"PTTL", b"PEXPIRETIME") else 1000
        latest = LATEST_MS if name.endswith(b"TIME") else LATEST_MS - int(time.time() * 1000)
        theirs = min(theirs, latest // scale)
        return theirs == ours or (min(theirs, ours) >= 0 and abs(theirs - ours) * scale <= CLOSE_ENOUGH_MS)
    if name == b"SCAN":
        # A small COUNT shows each a part of its own.
        return theirs[0] != b"0" or ours[0] != b"0" or sorted(theirs[1]) == sorted(ours[1])
    if name == b"KEYS":
        return sorted(theirs) == sorted(ours)
    if name in (b"RANDOMKEY", b"OBJECT", b"MEMORY"):
        return True  # both are there; what exactly is each server's own affair
    if name == b"HELLO":
        return list(theirs[4:6]) == list(ours[4:6]) and theirs[8:] == ours[8:] and theirs.kind == ours.kind
    if name == b"CLIENT":
        return command[1].upper() in (b"LIST", b"ID") or theirs == ours
    if isinstance(theirs, Aggregate) and theirs.kind != ours.kind:
        return False
    return theirs == ours


# As late as a deadline is kept here (docs/redis-differences.md); what is later there is this.
LATEST_MS = (1 << 47) - 1
UNITS = {b"EX": 1000, b"PX": 1, b"EXAT": 1000, b"PXAT": 1}
THIRD_UNITS = {b"EXPIRE": 1000, b"PEXPIRE": 1, b"EXPIREAT": 1000, b"PEXPIREAT": 1, b"SETEX": 1000, b"PSETEX": 1, b"RESTORE": 1}


def times(upper):
    """Every time among the arguments: the word it belongs to, and milliseconds."""
    for at, word in enumerate(upper[1:-1], 1):
        if word in UNITS and upper[at + 1].isdigit():
            yield word, int(upper[at + 1]) * UNITS[word]
    if upper[0] in THIRD_UNITS and len(upper) > 2 and upper[2].isdigit():
        yield upper[0], int(upper[2]) * THIRD_UNITS[upper[0]]


def skip(command):
    """What dies so soon that the two clocks decide, and known and wanted differences: which of two deadlines is later that are
    both kept as the latest here, and keys that SET makes dead at once (there they count in DBSIZE for a while)."""
    command = oracle_script.called_by(command) or command
    upper = [part.upper() for part in command]
    name = upper[0]
    if any(module.skip(command) for module in TYPES):
        return True
    for word, ms in times(upper):
        if ms >= 1 << 46 and (b"GT" in upper or b"LT" in upper or (name == b"RESTORE" and ms >= 1 << 62)):
            return True
        if 0 < ms < 100000 and word in (b"EX", b"PX", b"EXPIRE", b"PEXPIRE", b"SETEX", b"PSETEX", b"RESTORE"):
            return True
        if name == b"SET" and word in (b"EXAT", b"PXAT") and ms < 1 << 40:
            return True
    if name == b"CLIENT" and len(upper) > 1 and upper[1] in (b"KILL", b"LIST"):
        return b"SKIPME" in upper or b"TYPE" in upper[2:] and len(upper) > 4
    if name == b"WAIT" and len(command) > 1 and command[1] not in (b"0", b"x"):
        return True  # there it waits for a replica that will never come
    if name == b"SCAN" and len(command) > 1 and command[1] != b"0":
        return not command[1].isalpha()  # a cursor of one is nothing to the other
    return name == b"HELLO" and b"AUTH" in upper


# --- the run ----------------------------------------------------------------------------------------------------


class Comparison:
    def __init__(self, redis, stave, seed):
        self.redis, self.stave = redis, stave
        self.same, self.skip = same, skip
        self.generator = Generator(seed)
        self.history = []
        self.checked = 0
        self.listeners = None
        self.fences = 0

    def fail(self, command, theirs, ours):
        print("different answers to %r\n  redis-server: %r\n  stave:        %r\nbefore it:" % (command, theirs, ours))
        keys = set(command[1:])
        related = [entry for entry in self.history if keys & set(entry[1:]) or entry[0].upper() in (b"SELECT", b"SWAPDB", b"FLUSHDB", b"FLUSHALL", b"HELLO", b"RESET")]
        for entry in related[-40:]:
            print("  %r" % entry)
        raise SystemExit(1)

    def exchange(self, commands):
        self.redis.send(commands)
        self.stave.send(commands)
        for command in commands:
            theirs, ours = self.redis.read(), self.stave.read()
            self.checked += 1
            if not same(command, theirs, ours):
                self.fail(command, theirs, ours)
            self.history.append(command)
        del self.history[:-2000]
        if self.listeners is not None:
            self.compare_events(commands)

    def listen(self, classes):
        """From now on each exchange must cause the same keyspace notifications, in the same order."""
        fresh = lambda: tuple(type(peer)(peer.socket.getpeername()[1]) for peer in (self.redis, self.stave))
        self.listeners, self.fencers = fresh(), fresh()
        for peer in self.fencers:
            if peer.ask("CONFIG", "SET", "notify-keyspace-events", classes) != b"OK":
                raise SystemExit("notify-keyspace-events cannot be set")
        for peer in self.listeners:
            peer.ask("PSUBSCRIBE", "__key*__:*", "fence")
            peer.read()

    def compare_events(self, commands):
        self.fences += 1
        heard = []
        for listener, fencer in zip(self.listeners, self.fencers):
            fencer.ask("PUBLISH", "fence", self.fences)
            events = []
            while True:
                _, _, channel, payload = listener.read()
                if channel == b"fence":
                    break
                events.append((channel, payload))
            heard.append(events)
        # Scenes ask the two for what only one of them has. From 7.2 on whoever reads or claims is a consumer, as here; of a
        # BITFIELD that did nothing we tell all the same.
        names = {command[0].upper() for command in commands}
        made = any(command[0].upper() == b"XGROUP" and command[1:2] and command[1].upper() == b"CREATECONSUMER" for command in commands)
        if not commands or made or names & {b"XREADGROUP", b"XCLAIM", b"XAUTOCLAIM", b"BITFIELD"}:
            return
        if heard[0] != heard[1]:
            self.fail([b"<events of>", *(part for command in commands for part in command)], heard[0], heard[1])

    def dump_across(self, source, target, ttl):
        """Each server restores what the other one dumped."""
        theirs, ours = self.redis.ask("DUMP", source), self.stave.ask("DUMP", source)
        if is_refusal(theirs) or is_refusal(ours):
            if theirs != ours:
                self.fail([b"DUMP", source], theirs, ours)
            return
        if int.from_bytes(ours[-10:-8], "little") > REDIS_DUMPS:  # a stream with consumers, which is of version 11
            return
        restored = self.redis.ask("RESTORE", target, ttl, ours, "REPLACE"), self.stave.ask("RESTORE", target, ttl, theirs, "REPLACE")
        self.history.append([b"<dump>", source, target, ttl])
        if restored != (b"OK", b"OK"):
            self.fail([b"RESTORE", target, ttl], *restored)
        self.exchange([[b"GET", target], [b"PTTL", target]])

    def run(self, count):
        batch = []
        for _ in range(count):
            command = self.generator.command()
            if callable(command) or command[0] == b"<dump>":
                self.exchange(batch)
                batch = []
                if callable(command):
                    command(self)
                    if self.listeners is not None:
                        self.compare_events([])
                else:
                    self.dump_across(*command[1:])
                continue
            if skip(command):
                continue
            batch.append(command)
            if len(batch) == BATCH:
                self.exchange(batch)
                batch = []
        self.exchange(batch)

    def compare_all(self):
        for database in range(16):
            self.exchange([[b"SELECT", b"%d" % database], [b"KEYS", b"*"], [b"DBSIZE"]])
            for key in KEYS:
                self.exchange([[b"GET", key], [b"PTTL", key], [b"STRLEN", key]])
            for module in TYPES:
                self.exchange(module.final())


# Errors that chance would seldom find. Same answer, to the letter.
FIXED = """
CLIENT|CLIENT FOO|CLIENT ID x|CLIENT LIST TYPE foo|CLIENT LIST ID x|CLIENT LIST FOO|CLIENT KILL a b c|CLIENT KILL ID x
CLIENT KILL ID 0|CLIENT KILL 1.2.3.4:5|CLIENT KILL TYPE foo|CLIENT KILL USER foo|CLIENT KILL SKIPME foo|CLIENT PAUSE x
CLIENT PAUSE -1|CLIENT PAUSE 0 foo|CLIENT UNBLOCK x|CLIENT UNBLOCK 5 foo|CLIENT UNBLOCK 5|CLIENT REPLY foo|CLIENT NO-EVICT foo
CLIENT SETNAME|COMMAND FOO|COMMAND GETKEYS|COMMAND GETKEYS get|COMMAND GETKEYS ping x|COMMAND GETKEYS nosuch x|COMMAND COUNT x
COMMAND LIST FILTERBY foo x|COMMAND LIST FOO|COMMAND INFO nosuch|COMMAND DOCS nosuch|CONFIG|CONFIG GET|CONFIG SET a
CONFIG SET a b|CONFIG SET a b c|CONFIG SET maxclients 10 maxclients 10|CONFIG FOO|CONFIG REWRITE|CONFIG GET save
CONFIG GET slowlog-max-len|CONFIG SET slowlog-max-len x|DEBUG|HELLO 4|HELLO x|HELLO 2 foo
HELLO 2 AUTH a|AUTH|AUTH a|AUTH a b|AUTH default a|AUTH a b c|SELECT 99|SELECT x|SELECT|PING a b|ECHO|MOVE a 0|MOVE a 99|MOVE a x
COPY a a|COPY a b DB 99|COPY a b DB x|COPY a b FOO|COPY a b DB|SWAPDB a b|SWAPDB 0 b|SWAPDB 0 99|FLUSHALL foo|FLUSHDB foo
SET a b EX|SET a b EX x|SET a b EX 0|SET a b PX -1|SET a b EX 1 PX 1|SET a b NX XX|SET a b KEEPTTL EX 1|SET a b PERSIST
SET a b EX 9223372036854775807|SET a b EX 9223372036854775808|GETEX a EX 0|GETEX a PERSIST EX 1|GETEX a KEEPTTL
SETEX a 0 b|PSETEX a x b|SETEX a 9223372036854775807 b
EXPIRE a x|EXPIRE a 1 FOO|EXPIRE a 1 NX XX|EXPIRE a 1 GT LT|EXPIRE a 1 NX GT|EXPIRE a 9223372036854775807
EXPIRE a -9223372036854775808|PEXPIRE a 9223372036854775807|EXPIREAT a 9223372036854775807|SETRANGE a -1 x|SETRANGE a 536870912 x
RESTORE a -1 foo|RESTORE a 0 foo|RESTORE a 0 foo FREQ 256|RESTORE a 0 foo IDLETIME -1|RESTORE a 0 foo FOO|RESTORE a 0 foo FREQ
RESTORE a 0 foo IDLETIME 1 FREQ 1|RENAME nokey b|RENAMENX nokey b|OBJECT|OBJECT ENCODING nokey|OBJECT FREQ nokey|OBJECT FOO a
OBJECT ENCODING|SCAN x|SCAN 0 COUNT 0|SCAN 0 COUNT x|SCAN 0 FOO|SCAN 0 MATCH|SLOWLOG|SLOWLOG GET x|SLOWLOG GET -2|SLOWLOG FOO
SLOWLOG LEN x|LATENCY LATEST|LATENCY HISTORY foo|LATENCY GRAPH foo|LATENCY FOO|LATENCY RESET foo|LATENCY HISTOGRAM foo
MEMORY USAGE a SAMPLES x|MEMORY USAGE a FOO|MEMORY FOO|MEMORY USAGE|MEMORY PURGE|WAIT a b|WAIT 0 x|WAIT 0 -1|WAIT 0 0
LOLWUT VERSION x|SHUTDOWN FOO|SHUTDOWN SAVE NOSAVE|SHUTDOWN ABORT|TIME a|DBSIZE x|LCS a b IDX LEN|LCS a b FOO|LCS a
LCS a b MINMATCHLEN x|MSET a|MSET a 1 b|MSETNX a 1 b|INCRBY a x|INCRBYFLOAT a x|INCRBYFLOAT a nan|INCRBYFLOAT a inf
DECRBY a -9223372036854775808|GETRANGE a x 1|RANDOMKEY x|KEYS|INFO nosuch|NOSUCH|NOSUCH a b|RESET x|INCR|ECHO a b|SUBSTR a 0
OBJECT FREQ a b|OBJECT REFCOUNT nokey|CLIENT GETREDIR x|CLIENT TRACKINGINFO|CLIENT SETNAME x|CLIENT GETNAME|HELLO 3|CLIENT GETNAME
CLIENT TRACKINGINFO|GET nokey|MGET nokey a|LCS nokey nokey IDX|COMMAND INFO nosuch|CONFIG GET save|LATENCY LATEST|SLOWLOG GET 0
COMMAND GETKEYS mset a 1 b 2|OBJECT ENCODING nokey|SET nokey 1 XX|SET nokey 1 GET|GETDEL nokey|GETEX nokey|DUMP nokey2|RESET
"""


def fixed_commands():
    for line in "\n".join([FIXED, *(module.FIXED for module in TYPES)]).split("\n"):
        for text in line.split("|"):
            if text:
                yield text.encode().split(b" ")


def start(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.02)
    process.kill()
    raise SystemExit("could not start %s" % command[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--commands", type=int, default=60000)
    parser.add_argument("--events", default="", help="notify-keyspace-events, and what is told is compared, too")
    arguments = parser.parse_args()
    redis_server = shutil.which("redis-server")
    if redis_server is None:
        raise SystemExit("redis-server is not installed; the bootstrap step installs it")
    print("oracle: seed %d, %d commands" % (arguments.seed, arguments.commands), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        redis_port, stave_port = free_port(), free_port()
        processes = []
        try:
            processes.append(start([redis_server, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--dir", folder], redis_port))
            stave = os.environ.get("STAVE_BIN", "build/stave")
            processes.append(start([stave, "serve", "--port", str(stave_port), "--http-port", "0", "--dir", os.path.join(folder, "store"), "--sync", "os"], stave_port))
            comparison = Comparison(Peer(redis_port), Peer(stave_port), arguments.seed)
            for command in fixed_commands():
                comparison.exchange([command])
            comparison.exchange([[b"FLUSHALL"]])
            if arguments.events:
                comparison.listen(arguments.events)
            comparison.run(arguments.commands)
            comparison.exchange([[b"RESET"]])
            comparison.compare_all()
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=20)
        print("oracle: %d answers were the same" % comparison.checked)


if __name__ == "__main__":
    sys.exit(main())
