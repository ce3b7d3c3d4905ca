"""The life of the log at the server's door: memory limits under every policy, snapshots, cleaning, checkpoints, live options.

Usage: STAVE_BIN=<path to stave> python3 life_test.py. Real clients (redis-py, redis-cli, sockets) on free loopback ports.
"""

import json
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import redis

from server_test import PATIENCE, SANITIZED, TestCase, command, receive

MB = 1 << 20
OOM = "OOM command not allowed when used memory > 'maxmemory'."
POLICIES = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]
# A sanitizer makes everything ten times as slow, and the data set does not have to be large for it.
SCALE = 1 if SANITIZED else 2
# Each of a database's shards holds at least a page of 64 KiB once it has a key: much smaller limits leave nothing for values.
LIMIT_MB = 10 * SCALE


def value_of(i, size=2000):
    """Bytes that nothing can pack, the same for the same number."""
    return random.Random(i).randbytes(size)


class Load(TestCase):
    def serve_limited(self, policy, megabytes, **options):
        return self.serve("--sync", "os", "--maxmemory", "%dmb" % megabytes, "--maxmemory-policy", policy, "--log-buffer", "1mb",
                          "--segment-size", "4mb", **options)

    def used(self, client):
        return client.info("memory")["used_memory"]

    def within(self, client, megabytes):
        self.assertLessEqual(self.used(client), megabytes * MB * 1.05)

    def load(self, client, numbers, megabytes, ttl=None):
        """Sets k<i>; memory holds after every batch."""
        numbers = list(numbers)
        for begin in range(0, len(numbers), 1000):
            pipeline = client.pipeline(transaction=False)
            for i in numbers[begin:begin + 1000]:
                pipeline.set("k%d" % i, value_of(i), ex=ttl and ttl(i))
            self.assertEqual(set(pipeline.execute()), {True})
            self.within(client, megabytes)

    def read(self, client, numbers):
        """The values of k<i>, None for absent ones."""
        numbers = list(numbers)
        for begin in range(0, len(numbers), 200):
            part = numbers[begin:begin + 200]
            pipeline = client.pipeline(transaction=False)
            for i in part:
                pipeline.get("k%d" % i)
            yield from zip(part, pipeline.execute())


class Spill(Load):
    def test_ten_times_the_memory_is_loaded_and_read_back_right(self):
        megabytes = LIMIT_MB
        count = 10 * megabytes * MB // 2000
        server = self.serve_limited("spill", megabytes)
        client = server.client()
        self.load(client, range(count), megabytes)
        self.assertEqual(client.dbsize(), count)
        order = list(range(count))
        random.Random(7).shuffle(order)
        for number, (i, value) in enumerate(self.read(client, order)):
            self.assertEqual(value, value_of(i), i)
            if number % 1000 == 0:
                self.within(client, megabytes)
        self.within(client, megabytes)
        memory = client.info("memory")
        self.assertEqual(memory["maxmemory_policy"], "noeviction")
        self.assertEqual(memory["stave_maxmemory_policy"], "spill")
        self.assertGreater(memory["stave_spilled_keys"], count // 2)
        self.assertGreater(memory["stave_fetched_values"], count // 2)
        self.assertEqual(client.info("stats")["evicted_keys"], 0)
        # Everything is there after a restart too, within the same memory.
        self.assertEqual(server.end(), 0)
        client = self.serve_limited("spill", megabytes).client()
        self.assertEqual(client.dbsize(), count)
        for i, value in self.read(client, order[:count // 10]):
            self.assertEqual(value, value_of(i), i)
        self.within(client, megabytes)

    def test_the_limit_can_be_lowered_while_everything_is_in_memory(self):
        server = self.serve("--sync", "os", "--log-buffer", "1mb")
        client = server.client()
        count = 8000
        self.load(client, range(count), 1 << 20)
        client.config_set("maxmemory", "8mb")
        self.assertEqual(client.config_get("maxmemory")["maxmemory"], str(8 * MB))
        # Whoever writes next makes room, a step at a time.
        for i in range(2000):
            client.set("another", i)
        self.within(client, 8)
        for i, value in self.read(client, range(count)):
            self.assertEqual(value, value_of(i), i)


class NoEviction(Load):
    def test_writes_are_refused_and_everything_else_goes_on(self):
        server = self.serve_limited("noeviction", 12)
        client = server.client()
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "command not allowed when used memory"):
            for i in range(100000):
                client.set("k%d" % i, value_of(i))
        last = i
        self.assertGreater(last, 2000)
        self.within(client, 12)
        refusal = b"-%s\r\n" % OOM.encode()
        for call in (["SET", "new", "x"], ["APPEND", "k1", "x"], ["SETRANGE", "k1", "4000", "x"], ["INCR", "n"], ["MSET", "a", "1", "b", "2"],
                     ["SETNX", "new", "x"], ["GETSET", "k1", "x"], ["COPY", "k1", "k1copy"], ["SETEX", "k1", "100", "x"]):
            self.ask(server, command(*call), refusal)
        done = subprocess.run(["redis-cli", "-p", str(server.port), "SET", "new", "x"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.stdout.strip(), OOM)
        self.assertEqual(client.get("k1"), value_of(1))
        self.assertEqual(client.expire("k1", 100), True)
        self.assertEqual(client.persist("k1"), True)
        self.assertEqual(client.rename("k1", "renamed"), True)
        self.assertEqual(client.dbsize(), last)
        # What is deleted makes room.
        for i in range(2, last):
            client.delete("k%d" % i)
        self.assertTrue(client.set("new", "x"))


class Eviction(Load):
    def test_keys_go_and_those_that_stay_are_right_under_every_policy(self):
        for policy in POLICIES:
            with self.subTest(policy=policy):
                self.evict(policy)

    def evict(self, policy):
        megabytes = 16
        volatile = policy.startswith("volatile")
        server = self.serve_limited(policy, megabytes, directory=self.directory / policy)
        client = server.client()
        kept = range(1_000_000, 1_000_500)
        if volatile:
            self.load(client, kept, megabytes)
        count = 4 * megabytes * MB // 2000
        self.load(client, range(count), megabytes, ttl=(lambda i: 10_000 + i) if volatile else None)
        for i, value in self.read(client, range(count)):
            self.assertIn(value, (None, value_of(i)), i)
        # Room is made for what the process takes besides, too, whenever that grows. From here on nothing goes any more.
        client.config_set("maxmemory", "100mb")
        held = absent = 0
        for i, value in self.read(client, range(count)):
            if value is None:
                absent += 1
            else:
                self.assertEqual(value, value_of(i), i)
                held += 1
        self.assertGreater(held, 500)
        self.assertGreater(absent, count // 2)
        if volatile:
            for i, value in self.read(client, kept):
                self.assertEqual(value, value_of(i), i)
        if policy == "volatile-ttl":
            # The first to die went first: of the last thousand nearly all are there.
            last = sum(value is not None for _, value in self.read(client, range(count - 1000, count)))
            self.assertGreater(last, 900)
        self.assertEqual(client.info("stats")["evicted_keys"], absent)
        self.assertEqual(client.dbsize(), held + (len(kept) if volatile else 0))
        # Evicted is evicted: nothing comes back.
        self.assertEqual(server.end(), 0)
        client = self.serve_limited(policy, 100, directory=self.directory / policy).client()
        self.assertEqual(client.dbsize(), held + (len(kept) if volatile else 0))

    def test_writes_are_refused_when_no_key_expires(self):
        server = self.serve_limited("volatile-lru", 6)
        client = server.client()
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "command not allowed when used memory"):
            for i in range(20000):
                client.set("k%d" % i, value_of(i))
        self.assertEqual(client.info("stats")["evicted_keys"], 0)
        self.assertIn("there is nothing left to take out", client.execute_command("MEMORY", "DOCTOR").decode())
        client.config_set("maxmemory-policy", "allkeys-lru")
        self.assertTrue(client.set("new", "x"))


class Snapshots(TestCase):
    def setUp(self):
        super().setUp()
        self.snapshots = self.directory / "data" / "snapshots"

    def test_save_and_bgsave_write_the_usual_file(self):
        server = self.serve("--sync", "os", "--snapshot-file", "all.json")
        client = server.client()
        client.mset({"a": "1", "b": "2"})
        self.assertTrue(client.save())
        document = json.loads((self.snapshots / "all.json").read_text())
        self.assertEqual(document["data"], {"a": "1", "b": "2"})
        client.set("c", "3")
        before = client.info("persistence")["rdb_saves"]
        self.assertTrue(client.bgsave())
        self.await_saves(client, before + 1)
        self.assertEqual(json.loads((self.snapshots / "all.json").read_text())["data"], {"a": "1", "b": "2", "c": "3"})
        persistence = client.info("persistence")
        self.assertEqual(persistence["rdb_last_bgsave_status"], "ok")
        self.assertEqual(persistence["rdb_changes_since_last_save"], 0)
        self.assertEqual(int(client.lastsave().timestamp()), persistence["rdb_last_save_time"])
        self.assertEqual(os.listdir(self.snapshots), ["all.json"])

    def await_saves(self, client, count):
        deadline = time.monotonic() + PATIENCE
        while client.info("persistence")["rdb_saves"] < count:
            self.assertLess(time.monotonic(), deadline)

    def test_the_simple_binary_form_loads_back(self):
        server = self.serve("--sync", "os")
        client = server.client()
        client.mset({"k%d" % i: "v%d" % i for i in range(1000)})
        self.assertIn(b"Wrote 1000 keys", client.execute_command("SNAPSHOT", "copy.stave"))
        self.assertEqual(server.end(), 0)
        head = (self.snapshots / "copy.stave").read_bytes()[:8]
        self.assertEqual(struct.unpack(">II", head), (0x4B56DB, 2))

    def test_clients_cannot_write_elsewhere(self):
        client = self.serve("--sync", "os").client()
        for name in ("../evil", "/etc/evil", "a/../../evil", ".evil", "evil.partial", ""):
            with self.assertRaises(redis.exceptions.ResponseError):
                client.execute_command("SNAPSHOT", name, "JSON", "x") if not name else client.execute_command("SNAPSHOT", name)
        with self.assertRaises(redis.exceptions.ResponseError):
            client.config_set("dbfilename", "../evil")
        with self.assertRaises(redis.exceptions.ResponseError):
            client.config_set("snapshot-dir", "/etc")
        self.assertFalse((self.directory / "evil").exists())

    def test_save_holds_up_only_who_asked(self):
        server = self.serve("--sync", "os", "--threads", "1")
        client = server.client()
        pipeline = client.pipeline(transaction=False)
        for i in range(100000 * SCALE):
            pipeline.set("key:%d" % i, "x" * 100)
        pipeline.execute()
        with server.socket() as saver:
            saver.sendall(command("SAVE") + command("GET", "key:1") + command("SAVE"))
            answered = 0
            saver.setblocking(False)
            while True:
                self.assertTrue(client.ping())
                try:
                    if saver.recv(1, socket.MSG_PEEK):
                        break
                except BlockingIOError:
                    answered += 1
            saver.settimeout(PATIENCE)
            expected = b"+OK\r\n$100\r\n" + b"x" * 100 + b"\r\n+OK\r\n"
            self.assertEqual(receive(saver, len(expected)), expected)
        # One thread serves both, and it was free while the file was written.
        self.assertGreater(answered, 0)
        self.assertEqual(client.info("commandstats")["cmdstat_save"]["calls"], 2)

    def test_a_client_that_leaves_and_a_server_that_stops_in_the_middle(self):
        server = self.serve("--sync", "os", "--threads", "1")
        client = server.client()
        pipeline = client.pipeline(transaction=False)
        for i in range(50000):
            pipeline.set("key:%d" % i, "x" * 100)
        pipeline.execute()
        for _ in range(5):
            with server.socket() as saver:
                saver.sendall(command("SAVE") + command("STAVE.CHECKPOINT") + command("STAVE.CLEAN", "WAIT"))
        self.assertTrue(client.ping())
        with server.socket() as saver:
            saver.sendall(command("SNAPSHOT", "last.json"))
            self.assertEqual(server.end(), 0)
        self.assertFalse([name for name in os.listdir(self.snapshots) if name.endswith(".partial")])
        self.assertEqual(self.serve("--sync", "os").client().dbsize(), 50000)

    def test_a_snapshot_under_load_is_one_moment(self):
        server = self.serve("--sync", "os", "--threads", "2")
        client = server.client()
        client.mset({"left": 0, "right": 0})
        client.mset({"pad:%d" % i: "x" * 50 for i in range(20000)})
        stop = threading.Event()

        def write():
            writer = server.client()
            number = 0
            while not stop.is_set():
                number += 1
                writer.mset({"left": number, "right": number})

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for i in range(5):
                client.execute_command("SNAPSHOT", "moment%d.json" % i)
        finally:
            stop.set()
            thread.join()
        for i in range(5):
            data = json.loads((self.snapshots / ("moment%d.json" % i)).read_text())["data"]
            self.assertEqual(data["left"], data["right"])
            self.assertEqual(len(data), 20002)

    def test_the_schedule_is_live_and_takes_redis_form(self):
        server = self.serve("--sync", "os", environment={"STAVE_SNAPSHOT_EVERY": "1h"})
        client = server.client()
        self.assertEqual(client.config_get("snapshot-every")["snapshot-every"], "3600000")
        self.assertEqual(client.config_get("save")["save"], "")
        client.set("a", "1")
        client.config_set("save", "3600 1 1 1")
        self.assertEqual(client.config_get("save")["save"], "3600 1 1 1")
        self.await_saves(client, 1)
        self.assertTrue((self.snapshots / "snapshot.stave").exists())

    def test_a_redis_configuration_is_understood(self):
        config = self.directory / "redis.conf"
        config.write_text("save 900 1\nsave 300 10\ndbfilename dump.json\nmaxmemory 100mb\nmaxmemory-policy allkeys-lru\nappendfsync everysec\n")
        client = self.serve("--config", str(config)).client()
        self.assertEqual(client.config_get("save", "maxmemory*", "snapshot-file"),
                         {"save": "900 1 300 10", "maxmemory": str(100 * MB), "maxmemory-policy": "allkeys-lru",
                          "maxmemory-clients": "0", "snapshot-file": "dump.json"})


class Upkeep(TestCase):
    def test_cleaning_gives_space_back_and_loses_nothing(self):
        server = self.serve("--sync", "os", "--segment-size", "1mb", "--compression", "none", "--max-space-amplification", "0")
        client = server.client()
        for round_number in range(20):
            pipeline = client.pipeline(transaction=False)
            for i in range(500):
                pipeline.set("k%d" % i, value_of(i + round_number))
            pipeline.execute()
        before = client.info("stave")
        report = client.execute_command("STAVE.CLEAN", "WAIT")
        report = dict(zip(report[::2], report[1::2])) if isinstance(report, list) else report
        self.assertGreater(report[b"freed_bytes"], 10 * MB)
        after = client.info("stave")
        self.assertLess(after["segments"], before["segments"] / 3)
        self.assertGreaterEqual(after["cleaner_runs"], 1)
        for i in range(500):
            self.assertEqual(client.get("k%d" % i), value_of(i + 19))
        self.assertIn(client.execute_command("STAVE.CLEAN"), (b"Cleaning started", b"Cleaning is already going on"))
        self.assertEqual(server.end(signal.SIGKILL), -signal.SIGKILL)
        client = self.serve("--sync", "os").client()
        for i in range(500):
            self.assertEqual(client.get("k%d" % i), value_of(i + 19))

    def test_bgrewriteaof_is_understood(self):
        client = self.serve("--sync", "os").client()
        self.assertTrue(client.bgrewriteaof())

    def test_a_checkpoint_makes_the_next_start_read_an_image(self):
        server = self.serve("--sync", "os")
        client = server.client()
        client.mset({"k%d" % i: i for i in range(1000)})
        client.execute_command("STAVE.CHECKPOINT")
        self.assertEqual(client.info("persistence")["stave_checkpoints"], 1)
        self.assertEqual(server.end(signal.SIGKILL), -signal.SIGKILL)
        client = self.serve("--sync", "os").client()
        persistence = client.info("persistence")
        self.assertEqual(persistence["stave_recovered_image_keys"], 1000)
        self.assertLess(persistence["stave_recovered_records"], 10)
        self.assertEqual(client.get("k999"), b"999")

    def test_threads_that_somebody_waits_for_come_first(self):
        server = self.serve("--sync", "os", "--segment-size", "1mb", "--log-buffer", "1mb", "--compression", "none")
        client = server.client()
        for name in ("SAVE", "STAVE.CHECKPOINT"):
            client.execute_command(name)
        client.execute_command("BGSAVE")
        # The cleaner fills the log's buffer again and again: its own thread must not be the one that it starts.
        for begin in range(0, 4000, 1000):
            client.mset({"k%d" % i: value_of(i, 1000) for i in range(begin, begin + 1000)})
        client.execute_command("STAVE.CLEAN", "WAIT")
        priorities = {}
        for task in pathlib.Path("/proc/%d/task" % server.process.pid).iterdir():
            name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(")", 1)
            priorities.setdefault(name, set()).add(int(fields.split()[16]))
        usual = os.getpriority(os.PRIO_PROCESS, server.process.pid)
        for name in ("stave-io-0", "stave-log", "stave-keeper"):
            self.assertEqual(priorities[name], {usual}, name)
        for name in ("stave-upkeep", "stave-errand", "stave-snapshot"):
            self.assertEqual(priorities[name], {min(usual + 10, 19)}, name)

    def test_options_of_the_log_are_live(self):
        server = self.serve("--sync", "os")
        client = server.client()
        for name, value, shown in [("compression", "zstd", "zstd"), ("compression-level", "7", "7"), ("max-space-amplification", "1.5", "1.5"),
                                   ("clean-rate", "10mb", str(10 * MB)), ("checkpoint-bytes", "1gb", str(1 << 30)),
                                   ("checkpoint-interval", "5m", "300000"), ("history-age", "7d", "604800000"),
                                   ("history-bytes", "1gb", str(1 << 30)), ("snapshot-every", "30m", "1800000")]:
            client.config_set(name, value)
            self.assertEqual(client.config_get(name)[name], shown)
        stave = client.info("stave")
        self.assertEqual((stave["compression"], stave["compression_level"], stave["max_space_amplification"]), ("zstd", 7, 1.5))
        text = json.dumps({"name": "somebody", "text": "the same words again and again " * 20})
        client.mset({"t%d" % i: text for i in range(100)})
        stave = client.info("stave")
        self.assertGreater(stave["compression_ratio"], 2)
        # What was packed one way is read under any other.
        client.config_set("compression", "none")
        self.assertEqual(server.end(), 0)
        self.assertEqual(self.serve("--compression", "lz4").client().get("t99"), text.encode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
