"""Hashes, lists, sets, sorted sets and streams through a real server: whatever becomes of the store, they are what a model says.

Usage: STAVE_BIN=<path to stave> python3 collections_test.py. Every server listens on a free loopback port and ends with its test.
STAVE_SEED repeats a run.
"""

import os
import random
import signal
import time
import unittest

from server_test import PATIENCE, SANITIZED, TestCase

SEED = int(os.environ.get("STAVE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
MB = 1 << 20
# A sanitizer makes everything ten times as slow.
STEPS = 1000 if SANITIZED else 4000


class Hash:
    """One key's hash as Python has it, and the commands that change and read it."""

    name = b"hash"

    def __init__(self):
        self.held = {}

    def change(self, chance, key, text):
        """A command, and what it must answer."""
        field = b"f%d" % chance.randrange(30)
        if chance.random() < 0.2:
            return [b"HDEL", key, field], int(self.held.pop(field, None) is not None)
        if chance.random() < 0.2:
            return [b"HINCRBY", key, b"n", b"3"], self.increment(b"n", 3)
        new = int(field not in self.held)
        self.held[field] = text()
        return [b"HSET", key, field, self.held[field]], new

    def increment(self, field, by):
        self.held[field] = b"%d" % (int(self.held.get(field, 0)) + by)
        return int(self.held[field])

    def fill(self, key, values):
        self.held = {b"f%d" % i: value for i, value in enumerate(values)}
        return [b"HSET", key, *(part for pair in self.held.items() for part in pair)]

    @staticmethod
    def ask(pipeline, key):
        pipeline.hgetall(key)

    def expected(self):
        return self.held


class List:
    name = b"list"

    def __init__(self):
        self.held = []

    def change(self, chance, key, text):
        how = chance.random()
        if how < 0.15 and self.held:
            return [b"LPOP", key], self.held.pop(0)
        if how < 0.3 and self.held:
            return [b"RPOP", key], self.held.pop()
        if how < 0.4 and self.held:
            at = chance.randrange(len(self.held))
            self.held[at] = text()
            return [b"LSET", key, b"%d" % at, self.held[at]], b"OK"
        value = text()
        if how < 0.7:
            self.held.insert(0, value)
            return [b"LPUSH", key, value], len(self.held)
        self.held.append(value)
        return [b"RPUSH", key, value], len(self.held)

    def fill(self, key, values):
        self.held = list(values)
        return [b"RPUSH", key, *self.held]

    @staticmethod
    def ask(pipeline, key):
        pipeline.lrange(key, 0, -1)

    def expected(self):
        return self.held


class Set:
    name = b"set"

    def __init__(self):
        self.held = set()

    def change(self, chance, key, text):
        member = b"%d" % chance.randrange(100, 150) if chance.random() < 0.5 else text()[:8]
        if chance.random() < 0.4:
            there = member in self.held
            self.held.discard(member)
            return [b"SREM", key, member], int(there)
        new = member not in self.held
        self.held.add(member)
        return [b"SADD", key, member], int(new)

    def fill(self, key, values):
        self.held = set(values)
        return [b"SADD", key, *self.held]

    @staticmethod
    def ask(pipeline, key):
        pipeline.smembers(key)

    def expected(self):
        return self.held


class SortedSet:
    name = b"zset"

    def __init__(self):
        self.held = {}

    def change(self, chance, key, text):
        member = b"m%d" % chance.randrange(40)
        if chance.random() < 0.3:
            return [b"ZREM", key, member], int(self.held.pop(member, None) is not None)
        score = chance.randrange(-50, 50) / 4
        new = member not in self.held
        self.held[member] = score
        return [b"ZADD", key, b"%f" % score, member], int(new)

    def fill(self, key, values):
        self.held = {value: float(i % 7) for i, value in enumerate(values)}
        return [b"ZADD", key, *(part for value, score in self.held.items() for part in (b"%f" % score, value))]

    @staticmethod
    def ask(pipeline, key):
        pipeline.zrange(key, 0, -1, withscores=True)

    def expected(self):
        return sorted(self.held.items(), key=lambda item: (item[1], item[0]))


class Stream:
    """With a group to which entries are given one by one."""

    name = b"stream"

    def __init__(self):
        self.held = {"last": 0, "entries": [], "pending": None}

    def change(self, chance, key, text):
        held, entries, how = self.held, self.held["entries"], chance.random()
        if how < 0.1 and entries:
            entry = entries.pop(chance.randrange(len(entries)))
            return [b"XDEL", key, entry[0]], 1
        if how < 0.15 and entries:
            keep = chance.randrange(len(entries) + 1)
            gone, held["entries"] = len(entries) - keep, entries[len(entries) - keep :]
            return [b"XTRIM", key, b"MAXLEN", b"%d" % keep], gone
        if how < 0.2 and held["pending"] is None:
            held["pending"] = set()
            return [b"XGROUP", b"CREATE", key, b"g", b"0", b"MKSTREAM"], b"OK"
        if how < 0.35 and held["pending"] is not None and entries:
            entry = chance.choice(entries)[0]
            held["pending"].add(entry)
            return [b"XCLAIM", key, b"g", b"c%d" % chance.randrange(3), b"0", entry, b"FORCE", b"JUSTID"], [entry]
        if how < 0.45 and held["pending"]:
            entry = chance.choice([*sorted(held["pending"]), b"0-1"])
            there = entry in held["pending"]
            held["pending"].discard(entry)
            return [b"XACK", key, b"g", entry], int(there)
        fields = {b"f": text(), b"g": text()} if chance.random() < 0.8 else {b"f%d" % chance.randrange(9): text()}
        return self.add(key, fields), self.held["entries"][-1][0]

    def add(self, key, fields):
        self.held["last"] += 7
        entry = b"%d-1" % self.held["last"]
        self.held["entries"].append((entry, fields))
        return [b"XADD", key, entry, *(part for field in fields.items() for part in field)]

    def fill(self, key, values):
        self.held["entries"] = []
        return self.add(key, {b"f%d" % i: value for i, value in enumerate(values)})

    @staticmethod
    def ask(pipeline, key):
        pipeline.xrange(key)

    def expected(self):
        return self.held["entries"]


TYPES = [Hash, List, Set, SortedSet, Stream]


class Model:
    """What the keys of one database hold."""

    def __init__(self, test, seed):
        self.test = test
        self.chance = random.Random(seed)
        self.keys = {}
        self.removed = set()  # the keys that were not there all the time

    def text(self):
        how = self.chance.random()
        if how < 0.3:
            return b"%d" % self.chance.randrange(-100000, 100000)
        if how < 0.9:
            return b"text %d" % self.chance.randrange(1000)
        return self.chance.randbytes(self.chance.randrange(400))

    def change(self, client, steps, keys=40, first=0):
        """Random changes, answered as they must be, of `keys` keys from number `first` on."""
        pipeline = client.pipeline(transaction=False)
        answers = []
        for _ in range(steps):
            number = first + self.chance.randrange(keys)
            key = b"k%d" % number
            if self.chance.random() < 0.01:
                pipeline.execute_command("DEL", key)
                self.removed.add(key)
                answers.append((key, int(self.keys.pop(key, None) is not None)))
                continue
            held = self.keys.setdefault(key, TYPES[number % len(TYPES)]())
            command, answer = held.change(self.chance, key, self.text)
            if not held.held:
                del self.keys[key]
                self.removed.add(key)
            pipeline.execute_command(*command)
            answers.append((command, answer))
        for (command, expected), answer in zip(answers, pipeline.execute()):
            self.test.assertIn(answer, (expected, True if expected == b"OK" else expected), command)

    def fill(self, client, count, values, prefix=b"k"):
        """Gives `count` keys as many `values(i)` as there are, each type in its turn."""
        for begin in range(0, count, 500):
            pipeline = client.pipeline(transaction=False)
            for i in range(begin, min(begin + 500, count)):
                key = prefix + b"%d" % i
                self.keys[key] = TYPES[i % len(TYPES)]()
                pipeline.execute_command(*self.keys[key].fill(key, values(i)))
            pipeline.execute()

    def check(self, client, keys=None):
        self.test.assertEqual(client.dbsize(), len(self.keys))
        wanted = list(self.keys if keys is None else keys)
        for begin in range(0, len(wanted), 200):
            part = wanted[begin:begin + 200]
            pipeline = client.pipeline(transaction=False)
            for key in part:
                self.keys[key].ask(pipeline, key)
                pipeline.type(key)
            answers = pipeline.execute()
            for i, key in enumerate(part):
                self.test.assertEqual(answers[2 * i], self.keys[key].expected(), key)
                self.test.assertEqual(answers[2 * i + 1], self.keys[key].name, key)


class Collections(TestCase):
    def setUp(self):
        super().setUp()
        print("STAVE_SEED=%d" % SEED, flush=True)
        self.model = Model(self, SEED)

    def restart(self, server, signal_number, *arguments, **options):
        code = server.end(signal_number)
        self.assertEqual(code, 0 if signal_number == signal.SIGTERM else -signal_number)
        return self.serve(*arguments, **options)


class Restarts(Collections):
    OPTIONS = ("--sync", "os", "--segment-size", "64kb", "--log-buffer", "64kb")

    def test_changes_are_there_after_every_kind_of_restart(self):
        server = self.serve(*self.OPTIONS)
        # Some are large, and the others begin with nothing.
        self.model.fill(server.client(), 8, lambda i: [b"element %d" % j for j in range(200 * (i + 1))])
        for round_number in range(6):
            client = server.client()
            self.model.change(client, STEPS // 4)
            if round_number % 3 == 1:
                client.execute_command("STAVE.CHECKPOINT")
                self.model.change(client, STEPS // 20)
            if round_number % 3 == 2:
                client.execute_command("STAVE.CLEAN", "WAIT")
            self.model.check(client)
            server = self.restart(server, signal.SIGTERM if round_number % 2 == 0 else signal.SIGKILL, *self.OPTIONS)
            self.model.check(server.client())

    def test_what_a_pipeline_does_to_one_large_key_is_there_and_answered_call_by_call(self):
        # Calls of one key in a row are run as one (src/commands/stretch.h), from the second pipeline on.
        server = self.serve(*self.OPTIONS)
        self.model.fill(server.client(), len(TYPES), lambda i: [b"element %d" % j for j in range(1000)])
        for signal_number in (signal.SIGKILL, signal.SIGTERM):
            client = server.client()
            for number in range(len(TYPES)):
                self.model.change(client, STEPS // 8, keys=1, first=number)
            self.model.check(client)
            server = self.restart(server, signal_number, *self.OPTIONS)
            self.model.check(server.client())

    def test_a_pipeline_of_one_large_key_is_logged_once(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        client.execute_command("HSET", "h", *(part for i in range(1000) for part in ("f%d" % i, "value")))
        values = iter(range(1000))
        def logged(calls):
            """Bytes."""
            before = client.info("persistence")["stave_log_tail"]
            pipeline = client.pipeline(transaction=False)
            for _ in range(calls):
                pipeline.hset("h", "f7", "%05d" % next(values))
            self.assertEqual(pipeline.execute(), [0] * calls)
            return client.info("persistence")["stave_log_tail"] - before
        logged(1)
        one = logged(1)
        self.assertGreater(one, 0)
        self.assertLess(logged(32), 8 * one)

    def test_a_checkpoint_alone_brings_them_back(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        self.model.change(client, STEPS // 4)
        client.execute_command("STAVE.CHECKPOINT")
        server = self.restart(server, signal.SIGKILL, *self.OPTIONS)
        persistence = server.client().info("persistence")
        # Of a large one the image has its pages, too; what came from the log instead is counted below.
        self.assertGreaterEqual(persistence["stave_recovered_image_keys"], len(self.model.keys))
        self.assertLess(persistence["stave_recovered_records"], 10)
        self.model.check(server.client())

    def test_cleaning_moves_them_and_loses_nothing(self):
        server = self.serve(*self.OPTIONS, "--max-space-amplification", "0", "--compression", "none")
        client = server.client()
        self.model.change(client, 4000)  # enough for several segments, which is what this is about
        before = client.info("stave")["segments"]
        client.execute_command("STAVE.CLEAN", "WAIT")
        self.assertLess(client.info("stave")["segments"], before / 2)
        self.model.check(client)
        self.model.change(client, STEPS // 20)
        server = self.restart(server, signal.SIGKILL, *self.OPTIONS)
        self.model.check(server.client())

    def test_a_flush_takes_one_database_and_leaves_the_other(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        self.model.change(client, STEPS // 8)
        other = Model(self, SEED + 1)
        other.change(server.client(db=3), STEPS // 8)
        client.flushdb()
        self.model.keys.clear()
        self.model.check(client)
        for key in (b"k0", b"k1", b"k2", b"k3"):
            self.assertEqual(client.type(key), b"none")
        self.model.change(client, 100)
        for signal_number in (signal.SIGKILL, signal.SIGTERM):
            server = self.restart(server, signal_number, *self.OPTIONS)
            self.model.check(server.client())
            other.check(server.client(db=3))


@unittest.skipIf(SANITIZED, "a sanitizer's memory is its own")
class LargerThanMemory(Collections):
    def test_a_data_set_of_several_times_the_limit_is_read_and_changed(self):
        limit = 16
        options = ("--sync", "os", "--maxmemory", "%dmb" % limit, "--maxmemory-policy", "spill", "--log-buffer", "1mb",
                   "--segment-size", "4mb", "--compression", "none")
        count = limit * 4 * MB // 2000
        server = self.serve(*options)
        client = server.client()
        # Nothing can pack these, and one number makes the same again.
        self.model.fill(client, count, lambda i: [random.Random(i * 20 + j).randbytes(100) for j in range(20)])
        self.within(client, limit)
        order = list(self.model.keys)
        self.model.chance.shuffle(order)
        self.model.check(client, order)
        self.within(client, limit)
        memory = client.info("memory")
        self.assertGreater(memory["stave_spilled_keys"], count // 2)
        self.assertGreater(memory["stave_fetched_values"], count // 2)
        self.model.change(client, STEPS, count)
        self.model.check(client, order[:count // 4] if all(key in self.model.keys for key in order[:count // 4]) else None)
        self.assertEqual(client.info("stats")["evicted_keys"], 0)
        server = self.restart(server, signal.SIGKILL, *options)
        self.model.check(server.client())
        self.within(server.client(), limit)

    def within(self, client, megabytes):
        self.assertLessEqual(client.info("memory")["used_memory"], megabytes * MB * 1.05)


class Keys(Collections):
    def fill(self, client):
        self.model.fill(client, 8, lambda i: [b"%d" % j if j % 2 else b"value %d" % j for j in range(i + 3)])

    def test_they_expire_and_keep_their_deadline_while_they_are_changed(self):
        server = self.serve("--sync", "os")
        client = server.client()
        self.fill(client)
        for key in (b"k0", b"k1", b"k2", b"k3"):
            self.assertTrue(client.pexpire(key, 100000))
        self.model.change(client, 100, 8)
        for key in {b"k0", b"k1", b"k2", b"k3"} - self.model.removed:
            self.assertTrue(0 < client.pttl(key) <= 100000)
        self.model.check(client)
        client.flushdb()
        self.model.keys.clear()
        self.fill(client)
        for key in (b"k0", b"k1", b"k2", b"k3"):
            client.pexpire(key, 300)
            del self.model.keys[key]
        for key in (b"k4", b"k5", b"k6", b"k7"):
            client.pexpire(key, 100000)
        server = self.restart(server, signal.SIGKILL, "--sync", "os")
        client = server.client()
        deadline = time.monotonic() + PATIENCE
        while client.dbsize() != 4:
            self.assertLess(time.monotonic(), deadline)
        self.model.check(client)
        self.assertEqual(client.type(b"k0"), b"none")
        for key in (b"k4", b"k5", b"k6", b"k7"):
            self.assertTrue(0 < client.pttl(key) <= 100000)
            self.assertTrue(client.persist(key))
            self.assertEqual(client.pttl(key), -1)

    def test_they_are_renamed_copied_and_moved(self):
        server = self.serve("--sync", "os")
        client = server.client()
        elsewhere = server.client(db=5)
        other = Model(self, SEED)
        self.fill(client)
        keys = self.model.keys
        client.pexpire(b"k0", 100000)
        for number in range(4):
            key, name = b"k%d" % number, b"k%d" % (number + 8)
            self.assertTrue(client.rename(key, name))
            keys[name] = keys.pop(key)
            self.assertEqual(client.execute_command("COPY", name, key), 1)
            keys[key] = type(keys[name])()
            keys[key].held = keys[name].held.copy()
            self.assertEqual(client.execute_command("COPY", name, key), 0)
            self.assertEqual(client.execute_command("COPY", name, b"k%d" % (number + 4), "DB", "5"), 1)
            other.keys[b"k%d" % (number + 4)] = type(keys[name])()
            other.keys[b"k%d" % (number + 4)].held = keys[name].held.copy()
            self.assertEqual(client.move(b"k%d" % (number + 4), 5), False)
            self.assertEqual(client.move(name, 5), True)
            other.keys[name] = keys.pop(name)
        self.assertTrue(0 < client.pttl(b"k0") <= 100000)
        self.assertTrue(0 < elsewhere.pttl(b"k8") <= 100000)
        self.model.check(client)
        other.check(elsewhere)
        # A copy goes its own way.
        self.model.change(client, 200, 8)
        self.model.check(client)
        other.check(elsewhere)
        # What had the name goes, whatever it was.
        client.set("text", "x")
        self.assertTrue(client.rename(b"k1", b"k2") if b"k1" in keys else True)
        server = self.restart(server, signal.SIGKILL, "--sync", "os")
        other.check(server.client(db=5))

    def test_a_name_is_given_to_another_type(self):
        client = self.serve("--sync", "os").client()
        self.fill(client)
        keys = self.model.keys
        for number in range(4):
            source, target = b"k%d" % number, b"k%d" % (4 + (number + 1) % 4)
            self.assertEqual(client.execute_command("COPY", source, target, "REPLACE"), 1)
            keys[target] = type(keys[source])()
            keys[target].held = keys[source].held.copy()
        self.model.check(client)
        for number in range(4):
            source, target = b"k%d" % number, b"k%d" % (4 + number)
            self.assertTrue(client.rename(source, target))
            keys[target] = keys.pop(source)
        self.model.check(client)
        client.set(b"k4", "text")
        self.assertEqual(client.type(b"k4"), b"string")


class Past(Collections):
    def serve_past(self, **options):
        return self.serve("--sync", "os", "--history-bytes", "1gb", "--segment-size", "64kb", "--backup-dir", str(self.directory), **options)

    def stave(self, *arguments):
        done = self.run_stave(*map(str, arguments))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    @staticmethod
    def shown(kind, answer):
        """An answer of STAVE.GETAT as the model has it."""
        if kind is Hash:
            return dict(zip(answer[::2], answer[1::2]))
        if kind is SortedSet:
            return [(member, float(score)) for member, score in zip(answer[::2], answer[1::2])]
        if kind is Stream:
            return [(entry, dict(zip(texts[::2], texts[1::2]))) for entry, texts in answer]
        return set(answer) if kind is Set else answer

    def test_what_a_key_held_is_told_and_brought_back(self):
        server = self.serve_past()
        client = server.client()
        versions = {}
        for number, kind in enumerate(TYPES):
            key = b"k%d" % number
            for size in (1, 3, 60, 2, 30):
                held = kind()
                if kind is Stream and size != 1:
                    held.held["last"] = versions[key][-1][1]["last"]
                client.execute_command(*held.fill(key, [b"%d of %d" % (i, size) for i in range(size)]))
                # It is filled whole, and what was there before is not taken away: the model goes on from what is there.
                if size != 1:
                    before = versions[key][-1][1]
                    if kind is Stream:
                        held.held["entries"] = before["entries"] + held.held["entries"]
                    else:
                        held.held = before + held.held if kind is List else before | held.held
                lsn = client.execute_command("STAVE.HISTORY", key, "COUNT", "1")[0][1]
                versions.setdefault(key, []).append((lsn, held.held))
            client.delete(key)
            client.set(key, "text")
        for round_number in range(2):
            if round_number != 0:
                self.assertEqual(server.end(signal.SIGKILL), -signal.SIGKILL)
                server = self.serve_past()
                client = server.client()
            for number, kind in enumerate(TYPES):
                key = b"k%d" % number
                held = kind()
                for lsn, held.held in self.model.chance.sample(versions[key], len(versions[key])):
                    answer = client.execute_command("STAVE.GETAT", key, "LSN", lsn)
                    self.assertEqual(self.shown(kind, answer), held.expected(), (key, lsn))
                    client.execute_command("STAVE.REVERT", key, "LSN", lsn)
                    self.model.keys[key] = kind()
                    self.model.keys[key].held = held.held
                    self.assertEqual(client.execute_command("STAVE.REVERT", key, "LSN", lsn), 0)
                    self.model.keys[key].ask(pipeline := client.pipeline(transaction=False), key)
                    self.assertEqual(pipeline.execute(), [held.expected()])
            self.model.check(client)
            kinds = [entry[5] for entry in client.execute_command("STAVE.HISTORY", b"k0")]
            self.assertEqual(kinds[-7:], [b"set", b"delete"] + [b"set_hash"] * 5)

    def test_a_backup_is_restored_and_added_to(self):
        server = self.serve_past()
        client = server.client()
        backup = self.directory / "backup"
        moments = []
        for _ in range(3):
            self.model.change(client, STEPS // 8)
            self.stave("backup", backup, "--connect", "127.0.0.1:%d" % server.port)
            moments.append({key: held.expected().copy() for key, held in self.model.keys.items()})
        self.assertIn("is whole", self.stave("backup", "verify", backup))
        self.model.change(client, STEPS // 8)
        self.stave("restore", backup, self.directory / "restored")
        restored = self.serve("--sync", "os", directory=self.directory / "restored").client()
        self.assertEqual(restored.dbsize(), len(moments[-1]))
        for key, expected in moments[-1].items():
            kind = TYPES[int(key[1:]) % len(TYPES)]
            kind.ask(pipeline := restored.pipeline(transaction=False), key)
            self.assertEqual(pipeline.execute(), [expected], key)
        self.model.check(client)


if __name__ == "__main__":
    unittest.main(verbosity=2)
