#!/usr/bin/env python3
"""Moving in from a Redis, and out into snapshot files and back: real files of a real redis-server.

Usage: exchange_test.py [unittest arguments]     (STAVE_BIN names the program)
"""
import base64
import json
import os
import random
import select
import struct
import subprocess
import tempfile
import time
import unittest

import redis

from ports import free_port

STAVE = os.path.abspath(os.environ.get("STAVE_BIN", "build/stave"))
DEADLINE = 60
FAR = 4102444800000  # 2100-01-01, in milliseconds


class RedisServer:
    """A redis-server on a socket of its own."""

    def __init__(self, directory, *options):
        self.directory = directory
        self.socket = os.path.join(directory, "socket")
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", directory, "--save", "", *options],
            stdout=subprocess.DEVNULL)
        end = time.monotonic() + DEADLINE
        while True:
            try:
                with self.client(0) as client:
                    client.ping()
                return
            except redis.exceptions.ConnectionError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                pause()

    def client(self, database):
        return redis.Redis(unix_socket_path=self.socket, db=database)

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE)

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)


def pause():
    """Between two looks at what another process does."""
    select.select([], [], [], 0.02)


def random_string(rng):
    return rng.choice([
        lambda: str(rng.choice([0, -1, 127, -128, 128, 32767, -32768, 40000, 2**31 - 1, -2**31, 2**31, 2**63 - 1])).encode(),
        lambda: rng.randbytes(rng.randrange(0, 80)),
        lambda: bytes(rng.choice(b"ab") for _ in range(rng.randrange(20, 3000))),
        lambda: b"x" * rng.randrange(50, 40000),
        lambda: rng.randbytes(rng.choice([63, 64, 16383, 16384, 70000])),
        lambda: b"00012",
        lambda: "naïve ☃".encode(),
    ])()


def random_element(rng):
    return rng.choice([
        lambda: b"%d" % rng.randrange(-2**rng.randrange(1, 64), 2**rng.randrange(1, 63)),
        lambda: rng.randbytes(rng.randrange(0, 70)),
        lambda: b"element:%d" % rng.randrange(100000),
        lambda: b"y" * rng.choice([10, 63, 64, 65, 300, 5000]),
        lambda: "☃".encode() * rng.randrange(3),
    ])()


def random_collection(rng):
    """("hash", {…}), ("list", […]), ("set", {…}) or ("zset", {member: score}), of a size and sort that picks the encoding."""
    kind = rng.choice(["hash", "list", "set", "zset", "stream"])
    size = rng.choice([1, 3, 10, 50, 200, 600])
    make = rng.choice([random_element, random_element, lambda rng: b"%d" % rng.randrange(-70000, 70000), lambda rng: b"m%d" % rng.randrange(10000)])
    elements = [make(rng) for _ in range(size)]
    if kind == "hash":
        return kind, {element: make(rng) for element in elements}
    if kind == "list":
        return kind, elements
    if kind == "set":
        return kind, set(elements)
    if kind == "stream":
        names = [b"f", b"g", make(rng)]
        return kind, [(b"%d-%d" % (i // 3 + 1, i), {name: make(rng) for name in names[:rng.randrange(1, 4)]}) for i in range(size)]
    return kind, {element: rng.choice([rng.randrange(100), rng.random() * 1e6, float("inf"), -1e300, 2.0**60, 0.1]) for element in elements}


def store_in_redis(client, key, value):
    if isinstance(value, bytes):
        return client.set(key, value)
    kind, elements = value
    if kind == "hash":
        return client.hset(key, mapping=elements)
    if kind == "list":
        return client.rpush(key, *elements)
    if kind == "stream":
        for entry, fields in elements:
            client.xadd(key, fields, id=entry)
        return None
    return client.sadd(key, *elements) if kind == "set" else client.zadd(key, elements)


def read_from_redis(client, key):
    """The value of a key, as `random_collection` gives it, or bytes."""
    kind = client.type(key).decode()
    return {"string": lambda: client.get(key),
            "hash": lambda: (kind, client.hgetall(key)),
            "list": lambda: (kind, client.lrange(key, 0, -1)),
            "set": lambda: (kind, client.smembers(key)),
            "zset": lambda: (kind, dict(client.zrange(key, 0, -1, withscores=True))),
            "stream": lambda: (kind, client.xrange(key)),
            "none": lambda: None}[kind]()


def fill(server, seed, count=400, collections=True):
    """Random values of every type and encoding; returns {database: {key: (value, expiry in ms or None)}}."""
    rng = random.Random(seed)
    data = {}
    for database in (0, 1, 9):
        client = server.client(database).pipeline(transaction=False)
        entries = data.setdefault(database, {})
        for number in range(count):
            key = b"key:%d" % number if rng.random() < 0.9 else rng.randbytes(rng.randrange(1, 30))
            if key in entries:
                continue
            value = random_collection(rng) if collections and rng.random() < 0.4 else random_string(rng)
            expiry = FAR + rng.randrange(1, 10**9) if rng.random() < 0.3 else None
            store_in_redis(client, key, value)
            if expiry:
                client.pexpireat(key, expiry)
            entries[key] = (value, expiry)
        client.execute()
    return data


# How a server is told to keep collections, small limits and large ones.
LIMITS = ["hash-max-listpack-entries", "zset-max-listpack-entries", "set-max-intset-entries"]
LOW = [word for name in LIMITS for word in ("--" + name, "0")] + ["--list-max-listpack-size", "1"]
HIGH = [word for name in LIMITS for word in ("--" + name, "100000")] + [
    "--hash-max-listpack-value", "100000", "--zset-max-listpack-value", "100000", "--list-max-listpack-size", "-5"]


class Exchange(unittest.TestCase):
    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = home.name

    def path(self, name):
        return os.path.join(self.home, name)

    def redis(self, *options):
        directory = tempfile.mkdtemp(dir=self.home)
        server = RedisServer(directory, *options)
        self.addCleanup(server.kill)
        return server

    def stave(self, *arguments, code=0, **options):
        done = subprocess.run([STAVE, *arguments], capture_output=True, timeout=DEADLINE, cwd=self.home, **options)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return done

    def collection(self, entry):
        """The elements of a collection in a line of JSON, as `random_collection` gives them."""
        decode = base64.b64decode if "value_base64" in entry else str.encode
        elements = entry["value_base64" if "value_base64" in entry else "value"]
        if entry["type"] == "hash":
            return {decode(name): decode(value) for name, value in elements.items()}
        if entry["type"] == "zset":
            scores = {decode(member): float(score) for member, score in elements}
            self.assertEqual(list(scores), sorted(scores, key=lambda member: (scores[member], member)))
            self.assertEqual(len(scores), len(elements))
            return scores
        if entry["type"] == "stream":
            self.assertEqual(elements[0]["last_id"], elements[-1][0])
            self.assertEqual(elements[0]["entries_added"], len(elements) - 1)
            return [(one[0].encode(), {decode(one[i]): decode(one[i + 1]) for i in range(1, len(one), 2)}) for one in elements[1:]]
        elements = [decode(element) for element in elements]
        self.assertEqual(len(set(elements)) == len(elements) or entry["type"] == "list", True)
        return elements if entry["type"] == "list" else set(elements)

    def contents(self, store):
        """Everything in a store, by its own lines of JSON."""
        data = {}
        for line in self.stave("snapshot", "-", "--ndjson", "--dir", store).stdout.splitlines():
            entry = json.loads(line)

            def field(name):
                return base64.b64decode(entry[name + "_base64"]) if name + "_base64" in entry else entry[name].encode()
            database = data.setdefault(entry.get("database", 0), {})
            self.assertNotIn(field("key"), database)
            value = field("value") if entry["type"] == "string" else (entry["type"], self.collection(entry))
            database[field("key")] = (value, entry.get("expires_at"))
        return data

    def test_a_snapshot_of_redis_comes_in_whole(self):
        for seed, options in ((1, ()), (2, ("--rdbcompression", "no")), (3, ("--rdbchecksum", "no", *LOW)), (4, HIGH)):
            with self.subTest(seed=seed, options=options):
                server = self.redis(*options)
                data = fill(server, seed)
                server.client(0).set("gone", "x", pxat=int(time.time() * 1000) + 5)
                server.client(0).save()
                server.stop()
                done = self.stave("import", os.path.join(server.directory, "dump.rdb"), "--dir", "store%d" % seed)
                self.assertIn(b"Redis snapshot", done.stdout)
                self.assertEqual(self.contents("store%d" % seed), data)

    def test_what_has_no_place_is_named_and_the_rest_comes_in(self):
        server = self.redis()
        data = fill(server, 4, 50)
        server.client(0).function_load("#!lua name=lib\nredis.register_function('f', function() return 1 end)")
        server.client(0).save()
        done = self.stave("import", server.directory, "--dir", "store", code=3)
        self.assertIn(b"left out 1 of types", done.stderr)
        for name in (b"1 library of functions",):
            self.assertIn(name, done.stderr)
        self.assertEqual(self.contents("store"), data)

    def test_append_only_files_come_in_whole(self):
        for preamble in ("yes", "no"):
            with self.subTest(preamble=preamble):
                server = self.redis("--appendonly", "yes", "--aof-use-rdb-preamble", preamble)
                data = fill(server, 5, 100)
                client = server.client(0)
                client.bgrewriteaof()
                end = time.monotonic() + DEADLINE
                while client.info("persistence")["aof_rewrite_in_progress"] or client.info("persistence")["aof_rewrite_scheduled"]:
                    self.assertLess(time.monotonic(), end)
                    pause()
                client.incrby("counter", 41)
                client.incr("counter")
                client.append("text", "abc")
                client.delete("key:1")
                pipe = client.pipeline(transaction=True)
                pipe.set("in", "a transaction").pexpireat("in", FAR)
                pipe.execute()
                data[0].update({b"counter": (b"42", None), b"text": (b"abc", None), b"in": (b"a transaction", FAR)})
                data[0].pop(b"key:1", None)
                server.stop()
                store = "store-" + preamble
                self.stave("import", os.path.join(server.directory, "appendonlydir"), "--dir", store)
                self.assertEqual(self.contents(store), data)

    def test_a_cut_append_only_file_comes_in_up_to_the_cut(self):
        calls = b"".join(b"*3\r\n$3\r\nSET\r\n$2\r\nk%d\r\n$1\r\nv\r\n" % i for i in range(3))
        with open(self.path("appendonly.aof"), "wb") as file:
            file.write(calls[:-4])
        done = self.stave("import", "appendonly.aof", "--dir", "store", code=3)
        self.assertIn(b"cut off", done.stderr)
        self.assertEqual(self.contents("store"), {0: {b"k0": (b"v", None), b"k1": (b"v", None)}})

    def test_every_form_brings_everything_back(self):
        server = self.redis()
        data = fill(server, 6, 300)
        server.client(0).save()
        self.stave("import", os.path.join(server.directory, "dump.rdb"), "--dir", "store")
        for name in ("all.json", "all.ndjson", "all.stave"):
            with self.subTest(name=name):
                self.stave("snapshot", name, "--dir", "store")
                self.assertFalse(os.path.exists(self.path(name + ".partial")))
                self.stave("load", name, "--dir", "copy-" + name)
                self.assertEqual(self.contents("copy-" + name), data)
        with open(self.path("all.json"), encoding="utf-8") as file:
            document = json.load(file)
        self.assertEqual((document["version"], document["count"]), (2, sum(len(d) for d in data.values())))
        with open(self.path("all.ndjson"), "rb") as file:
            self.stave("load", "-", "--dir", "piped", stdin=file)
        self.assertEqual(self.contents("piped"), data)
        self.stave("load", "-", "--dir", "nothing", stdin=subprocess.DEVNULL)
        # The form is the same again, not only what it means; in which order a large hash or set comes is chance.
        def lines_of(store):
            entries = [json.loads(line) for line in self.stave("snapshot", "-", "--ndjson", "--dir", store).stdout.splitlines()]
            for entry in entries:
                if entry.get("type") == "set":
                    for name in ("value", "value_base64"):
                        if name in entry:
                            entry[name].sort()
            return {json.dumps(entry, sort_keys=True) for entry in entries}

        again = [lines_of(store) for store in ("store", "copy-all.stave", "copy-all.json", "piped")]
        for lines in again[1:]:
            self.assertTrue(lines == again[0], sorted(lines ^ again[0])[:2])
        done = self.stave("snapshot", "no", "--binary1", "--dir", "store", code=1)
        self.assertIn(b"version 2", done.stderr)
        self.assertFalse(os.path.exists(self.path("no")))

    def test_deadlines_of_fields_go_through_every_form(self):
        later = FAR + 5
        lines = [
            {"key": "all", "type": "hash", "value": {"f": "v", "g": "w"}, "fields_expire_at": {"f": later, "g": later + 1}},
            {"key": "kept", "type": "hash", "value": {"f": "v"}, "fields_expire_at": {"f": later}, "expires_at": later + 2},
            {"key": "raw", "type": "hash", "value_base64": {"/w==": "YQ=="}, "fields_expire_at_base64": {"/w==": later}, "expires_at": later - 2},
            {"key": "some", "type": "hash", "value": {"f": "v", "g": "w"}, "fields_expire_at": {"f": later}},
        ]
        gone = [{"key": "gone", "type": "hash", "value": {"f": "v"}, "fields_expire_at": {"f": 5}},
                {"key": "gone too", "type": "hash", "value": {"f": "v", "g": "w"}, "fields_expire_at": {"f": later, "g": later}, "expires_at": 5}]

        def read(store):
            return sorted((json.loads(line) for line in self.stave("snapshot", "-", "--ndjson", "--dir", store).stdout.splitlines()),
                          key=lambda entry: entry["key"])
        self.stave("load", "-", "--dir", "store", input=b"".join(json.dumps(line).encode() + b"\n" for line in lines + gone))
        self.assertEqual(read("store"), lines)
        for name in ("all.json", "all.ndjson", "all.stave"):
            self.stave("snapshot", name, "--dir", "store")
            self.stave("load", name, "--dir", "copy-" + name)
            self.assertEqual(read("copy-" + name), lines)

    def test_the_simple_form_is_that_of_other_programs(self):
        entries = [(b"user:1", b"Alice"), (b"\xff", b""), (b"", b"\0" * 300)]
        with open(self.path("theirs.bin"), "wb") as file:
            file.write(struct.pack(">IIQI", 0x4B56DB, 1, 1705314600, len(entries)))
            for key, value in entries:
                file.write(struct.pack(">I", len(key)) + key + struct.pack(">I", len(value)) + value)
        self.stave("load", "theirs.bin", "--dir", "store")
        self.assertEqual(self.contents("store"), {0: {key: (value, None) for key, value in entries}})
        self.stave("snapshot", "ours.bin", "--binary1", "--dir", "store")
        with open(self.path("ours.bin"), "rb") as file:
            magic, version, moment, count = struct.unpack(">IIQI", file.read(20))
            read = []
            for _ in range(count):
                key = file.read(*struct.unpack(">I", file.read(4)))
                read.append((key, file.read(*struct.unpack(">I", file.read(4)))))
            self.assertEqual(file.read(), b"")
        self.assertEqual((magic, version), (0x4B56DB, 1))
        self.assertLess(abs(moment - time.time()), 600)
        self.assertEqual(sorted(read), sorted(entries))

    def test_damaged_files_are_refused_by_name_and_offset(self):
        server = self.redis()
        fill(server, 7, 5)
        server.client(0).save()
        with open(os.path.join(server.directory, "dump.rdb"), "rb") as file:
            dump = bytearray(file.read())
        dump[len(dump) // 2] ^= 1
        with open(self.path("bad.rdb"), "wb") as file:
            file.write(dump)
        done = self.stave("import", "bad.rdb", "--dir", "store", code=1)
        self.assertRegex(done.stderr, rb"bad\.rdb.*\d")
        self.assertIn(b"no", self.stave("load", "missing", "--dir", "store", code=1).stderr)
        self.stave("load", code=2)

    def test_a_file_that_cannot_be_read_leaves_no_store_behind(self):
        os.mkdir(self.path("empty"))
        for bad in (b"no snapshot", b"REDIS0011\xfa\xff\xff\xff", b'{"stave": 1, "keys": [', b"*1\r\n:12\r\nnonsense\r\n"):
            with open(self.path("bad"), "wb") as file:
                file.write(bad)
            for tool in ("import", "load"):
                with self.subTest(bad=bad, tool=tool):
                    self.stave(tool, "bad", "--dir", "made/for/this", code=1)
                    self.assertFalse(os.path.exists(self.path("made")))
                    # What was there stays.
                    self.stave(tool, "bad", "--dir", "empty", code=1)
                    self.assertTrue(os.path.exists(self.path("empty")))

    def test_a_server_can_be_loaded_over_the_wire(self):
        server = self.redis()
        data = fill(server, 8, 200)
        server.client(0).save()
        other = self.redis("--port", "0")
        # The client speaks TCP only.
        port = free_port()
        other.client(0).config_set("port", port)
        self.stave("import", os.path.join(server.directory, "dump.rdb"), "--connect", "127.0.0.1:%d" % port)
        for database, entries in data.items():
            client = other.client(database)
            self.assertEqual(client.dbsize(), len(entries))
            for key, (value, expiry) in entries.items():
                self.assertEqual(read_from_redis(client, key), value)
                self.assertEqual(client.pexpiretime(key), -1 if expiry is None else expiry)


if __name__ == "__main__":
    unittest.main()
