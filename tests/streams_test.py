"""Streams through a real server: pages, groups, restarts, snapshots, redis-server's dumps, memory that is too small, other doors.

Usage: STAVE_BIN=<path to stave> python3 streams_test.py. Every server listens on a free loopback port and ends with its test.
"""

import json
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import redis

from exchange_test import STAVE, RedisServer
from server_test import SANITIZED, TestCase

ENTRIES = 3000 if SANITIZED else 20000


def fields(i):
    return {b"field": b"value %d" % i, b"number": b"%d" % i}


def fill(client, key, count, first=1):
    for begin in range(first, first + count, 1000):
        pipeline = client.pipeline(transaction=False)
        for i in range(begin, min(begin + 1000, first + count)):
            pipeline.xadd(key, fields(i), id="%d-0" % i)
        pipeline.execute()


def everything(client, key):
    """All that is known of a stream but how it is kept."""
    told = client.execute_command("XINFO", "STREAM", key, "FULL", "COUNT", "0")
    return {name.decode(): value for name, value in zip(told[::2], told[1::2]) if not name.startswith(b"radix")}


class Streams(TestCase):
    OPTIONS = ("--sync", "os", "--segment-size", "256kb", "--log-buffer", "64kb")

    def restart(self, server, how, *options):
        server.end(how)
        return self.serve(*(options or self.OPTIONS))

    def make_groups(self, client, key, count):
        client.xgroup_create(key, "g", 0)
        client.xgroup_create(key, "idle", "$")
        for i in range(count // 100):
            taken = client.xreadgroup("g", "consumer %d" % (i % 3), {key: ">"}, count=100)
            ids = [entry for entry, _ in taken[0][1]]
            self.assertEqual(client.xack(key, "g", *ids[::2]), 50)

    def test_all_of_a_large_stream_is_there_after_every_kind_of_restart(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        fill(client, "s", ENTRIES)
        self.make_groups(client, "s", ENTRIES // 2)
        client.xdel("s", "5-0", "%d-0" % ENTRIES, "7-7")
        client.xtrim("s", minid="3-0", approximate=False)
        before = everything(client, "s")
        self.assertEqual(before["length"], ENTRIES - 4)
        self.assertEqual(client.xlen("s"), ENTRIES - 4)
        for round_number, how in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL)):
            if round_number == 1:
                client.execute_command("STAVE.CHECKPOINT")
            if round_number == 2:
                client.execute_command("STAVE.CLEAN", "WAIT")
            server = self.restart(server, how)
            client = server.client()
            self.assertEqual(everything(client, "s"), before)
        self.assertEqual(client.xrange("s", "100-0", "101-0"), [(b"100-0", fields(100)), (b"101-0", fields(101))])
        self.assertEqual(client.xrevrange("s", count=1), [(b"%d-0" % (ENTRIES - 1), fields(ENTRIES - 1))])
        # Groups go, and what they held with them.
        self.assertEqual(client.xgroup_destroy("s", "g"), 1)
        self.assertEqual(client.xtrim("s", maxlen=10, approximate=False), ENTRIES - 14)
        server = self.restart(server, signal.SIGKILL)
        self.assertEqual([group["name"] for group in server.client().xinfo_groups("s")], [b"idle"])
        self.assertEqual(server.client().xlen("s"), 10)

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is its own")
    def test_a_stream_larger_than_memory_is_read_and_trimmed(self):
        options = (*self.OPTIONS, "--maxmemory", "16mb", "--maxmemory-policy", "spill", "--compression", "none")
        server = self.serve(*options)
        client = server.client()
        noise = "x" * 300
        count = 100000
        for begin in range(0, count, 1000):
            pipeline = client.pipeline(transaction=False)
            for i in range(begin, begin + 1000):
                pipeline.xadd("s", {"noise": noise, "n": i}, id="%d-1" % (i + 1))
            pipeline.execute()
        self.assertGreater(client.info("memory")["stave_spilled_keys"], 10000)
        self.assertEqual(client.xlen("s"), count)
        server = self.restart(server, signal.SIGKILL, *options)
        client = server.client()
        behind, seen = "0", 0
        while True:
            part = client.xread({"s": behind}, count=1000)
            if not part:
                break
            for entry, values in part[0][1]:
                self.assertEqual(values[b"n"], b"%d" % seen)
                seen += 1
                behind = entry
        self.assertEqual(seen, count)
        self.assertEqual(client.xtrim("s", maxlen=1000, approximate=False), count - 1000)
        self.assertEqual(client.xrange("s", count=1)[0][0], b"%d-1" % (count - 999))

    def test_snapshots_hold_all_of_it(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        fill(client, "s", 1000)
        self.make_groups(client, "s", 500)
        client.xadd(b"bytes\xff", {b"\xff": b"\x00"}, id="1-1")
        client.xgroup_create("empty", "g", "$", mkstream=True)
        keys = ("s", b"bytes\xff", "empty")
        before = {key: everything(client, key) for key in keys}
        server.end(signal.SIGTERM)
        for form in ((), ("--json",), ("--ndjson",)):
            with tempfile.TemporaryDirectory() as home:
                made = subprocess.run([STAVE, "snapshot", "-", *form, "--dir", str(self.directory / "data")], capture_output=True, check=True)
                subprocess.run([STAVE, "import", "-", "--dir", home], input=made.stdout, capture_output=True, check=True)
                other = self.serve(*self.OPTIONS, directory=home)
                self.assertEqual({key: everything(other.client(), key) for key in keys}, before, form)
                other.end(signal.SIGTERM)

    def test_dumps_go_to_redis_and_come_back(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        peer = RedisServer(home.name, "--sanitize-dump-payload", "yes")
        self.addCleanup(peer.kill)
        theirs = peer.client(0)
        self.addCleanup(theirs.close)
        fill(client, "plain", 500)
        client.xgroup_create("plain", "g", "77-0")
        theirs.restore("plain", 0, client.dump("plain"))
        self.assertEqual(theirs.xrange("plain"), client.xrange("plain"))
        for i in range(1, 400):
            theirs.xadd("s", fields(i) if i % 5 else {"other": i}, id="%d-%d" % (i // 3 + 1, i))
        theirs.xdel("s", "2-3", "7-20")
        theirs.xgroup_create("s", "g", 0)
        theirs.xreadgroup("g", "c", {"s": ">"}, count=250)
        theirs.xack("s", "g", "1-1", "3-6")
        client.restore("s", 0, theirs.dump("s"))
        for ask in (("XRANGE", "s", "-", "+"), ("XPENDING", "s", "g"), ("XLEN", "s")):
            self.assertEqual(client.execute_command(*ask), theirs.execute_command(*ask))
        ours, told = everything(client, "s"), everything(theirs, "s")
        for name in ("length", "last-generated-id", "max-deleted-entry-id", "entries-added", "recorded-first-entry-id"):
            self.assertEqual(ours[name], told[name])
        # What has consumers is of a version that this redis-server does not take; here it comes back.
        client.restore("again", 0, client.dump("s"))
        self.assertEqual(everything(client, "again"), ours)

    def test_transactions_and_copies_hold_all_of_it(self):
        client = self.serve(*self.OPTIONS).client()
        fill(client, "s", 2000)
        with client.pipeline(transaction=True) as pipeline:
            pipeline.xadd("s", {"in": "a transaction"}, id="9999-1").xgroup_create("s", "g", 0).xreadgroup("g", "c", {"s": ">"}, count=5).xlen("s")
            answers = pipeline.execute()
        self.assertEqual(answers[0], b"9999-1")
        self.assertEqual(len(answers[2][0][1]), 5)
        self.assertEqual(answers[3], 2001)
        client.copy("s", "t")
        client.rename("s", "u")
        self.assertEqual(everything(client, "t"), everything(client, "u"))
        client.delete("u")
        self.assertEqual(client.xlen("t"), 2001)
        self.assertGreater(client.memory_usage("t"), 2001 * 15)

    def test_no_entry_is_given_twice_to_many_at_once(self):
        server = self.serve(*self.OPTIONS)
        fill(server.client(), "s", 2000)
        server.client().xgroup_create("s", "g", 0)
        got = [[] for _ in range(4)]

        def consume(number):
            client = server.client()
            while True:
                taken = client.xreadgroup("g", "c%d" % number, {"s": ">"}, count=7)
                if not taken:
                    return
                ids = [entry for entry, _ in taken[0][1]]
                got[number] += ids
                self.assertEqual(client.xack("s", "g", *ids), len(ids))

        threads = [threading.Thread(target=consume, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        every = [entry for ids in got for entry in ids]
        self.assertEqual(len(every), 2000)
        self.assertEqual(len(set(every)), 2000)
        self.assertEqual(server.client().xpending("s", "g")["pending"], 0)

    def test_what_is_read_of_several_streams_is_bounded_together(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        ask = client.execute_command
        client.set_response_callback("XREAD", lambda reply, **options: reply)
        client.set_response_callback("XREADGROUP", lambda reply, **options: reply)
        keys = ["s1", "s2", "s3"]
        for key in keys:
            fill(client, key, 100)
            client.xgroup_create(key, "g", 0)

        def counts(reply):
            return {key.decode(): len(entries) for key, entries in reply or []}

        zeros, fresh = ["0"] * 3, [">"] * 3
        self.assertEqual(counts(ask("XREAD", "COUNT", 50, "STREAMS", *keys, *zeros)), {"s1": 50, "s2": 50, "s3": 50})
        self.assertEqual(counts(ask("XREAD", "COUNT", 50, "MAXCOUNT", 80, "STREAMS", *keys, *zeros)), {"s1": 50, "s2": 30})
        self.assertEqual(counts(ask("XREAD", "MAXCOUNT", 7, "STREAMS", *keys, *zeros)), {"s1": 7})
        self.assertEqual(counts(ask("XREAD", "MAXCOUNT", 5, "MAXSIZE", 100000, "STREAMS", *keys, *zeros)), {"s1": 5})
        self.assertEqual(counts(ask("XREAD", "MAXSIZE", 1, "STREAMS", *keys, *zeros)), {"s1": 1})
        self.assertEqual(counts(ask("XREAD", "MAXCOUNT", 7, "STREAMS", "s1", "0")), {"s1": 7})
        several = counts(ask("XREAD", "MAXSIZE", 2000, "STREAMS", *keys, *zeros))
        self.assertEqual(list(several), ["s1"])
        self.assertTrue(20 <= several["s1"] <= 40, several)
        group = ["XREADGROUP", "GROUP", "g", "c"]
        self.assertEqual(counts(ask(*group, "COUNT", 50, "MAXCOUNT", 80, "STREAMS", *keys, *fresh)), {"s1": 50, "s2": 30})
        self.assertEqual(counts(ask(*group, "MAXSIZE", 1, "STREAMS", *keys, *fresh)), {"s1": 1})
        self.assertEqual([client.xpending(key, "g")["pending"] for key in keys], [51, 30, 0])
        self.assertEqual(counts(ask(*group, "MAXCOUNT", 60, "STREAMS", *keys, *zeros)), {"s1": 51, "s2": 9, "s3": 0})
        for wrong in (["MAXCOUNT", 0], ["MAXCOUNT", -1], ["MAXCOUNT", "x"], ["MAXSIZE", 0], ["COUNT", 5, "MAXCOUNT", 4]):
            for call in (["XREAD", *wrong, "STREAMS", "s1", "0"], [*group, *wrong, "STREAMS", "s1", ">"]):
                with self.assertRaises(redis.ResponseError, msg=call):
                    ask(*call)

    def test_what_was_given_back_is_taken_over(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        ask = client.execute_command
        for name in ("XREADGROUP", "XPENDING", "XINFO GROUPS", "XINFO CONSUMERS", "XAUTOCLAIM"):
            client.set_response_callback(name, lambda reply, **options: reply)
        fill(client, "s", 6)
        client.xgroup_create("s", "g", 0)
        ask("XREADGROUP", "GROUP", "g", "a", "COUNT", 6, "STREAMS", "s", ">")
        client.xack("s", "g", "6-0")
        self.assertEqual(ask("XNACK", "s", "g", "FAIL", "IDS", 3, "2-0", "4-0", "9-9"), 2)
        self.assertEqual(ask("XNACK", "s", "g", "SILENT", "IDS", 1, "1-0"), 1)
        self.assertEqual(ask("XNACK", "s", "g", "FATAL", "IDS", 1, "3-0"), 1)
        self.assertEqual(ask("XNACK", "s", "g", "FAIL", "IDS", 1, "4-0", "RETRYCOUNT", 7), 1)
        self.assertEqual(ask("XNACK", "s", "g", "FAIL", "IDS", 2, "6-0", "7-0", "FORCE"), 1)
        given_back = [[b"1-0", b"", -1, 0], [b"2-0", b"", -1, 1], [b"3-0", b"", -1, 2 ** 63 - 1], [b"4-0", b"", -1, 7], [b"6-0", b"", -1, 0]]
        for how in (None, signal.SIGKILL, signal.SIGTERM):
            if how:
                server = self.restart(server, how)
                client = server.client()
                ask = client.execute_command
                for name in ("XREADGROUP", "XPENDING", "XINFO GROUPS", "XINFO CONSUMERS", "XAUTOCLAIM"):
                    client.set_response_callback(name, lambda reply, **options: reply)
            pending = ask("XPENDING", "s", "g", "-", "+", 10)
            self.assertEqual([row for row in pending if row[1] == b""], given_back)
            self.assertEqual(ask("XPENDING", "s", "g"), [6, b"1-0", b"6-0", [[b"a", b"1"]]])
            self.assertEqual(len(ask("XINFO", "CONSUMERS", "s", "g")), 1)
            self.assertEqual(ask("XINFO", "GROUPS", "s")[0][3], 1)
            group = everything(client, "s")["groups"][0]
            self.assertEqual(dict(zip(group[::2], group[1::2]))[b"nacked-count"], 5)
        client.restore("copy", 0, client.dump("s"))
        self.assertEqual([row for row in ask("XPENDING", "copy", "g", "-", "+", 10) if row[1] == b""], given_back)
        # First what was given back, then what is idle, then what is new; the idle is told of what was pending only.
        ask("XADD", "s", "7-0", "f", "v")
        client.xdel("s", "2-0")
        reply = ask("XREADGROUP", "GROUP", "g", "b", "COUNT", 2, "CLAIM", 60000, "STREAMS", "s", ">")
        self.assertEqual([entry[0] for entry in reply[0][1]], [b"1-0", b"3-0"])
        self.assertEqual([entry[3] for entry in reply[0][1]], [0, 2 ** 63 - 1])
        reply = ask("XREADGROUP", "GROUP", "g", "b", "NOACK", "CLAIM", 60000, "STREAMS", "s", ">")
        self.assertEqual([(entry[0], len(entry)) for entry in reply[0][1]], [(b"4-0", 4), (b"6-0", 4), (b"7-0", 2)])
        self.assertEqual([(row[0], row[1], row[3]) for row in ask("XPENDING", "s", "g", "-", "+", 10)],
                         [(b"1-0", b"b", 1), (b"3-0", b"b", 2 ** 63 - 1), (b"4-0", b"b", 8), (b"5-0", b"a", 1), (b"6-0", b"b", 1)])
        self.assertIsNone(ask("XREADGROUP", "GROUP", "g", "b", "CLAIM", 60000, "STREAMS", "s", ">"))
        reply = ask("XREADGROUP", "GROUP", "g", "a", "COUNT", 1, "CLAIM", 0, "STREAMS", "s", ">")
        self.assertEqual(len(reply[0][1]), 1)
        for wrong in (["XNACK", "s", "g", "LATER", "IDS", 1, "1-0"], ["XNACK", "s", "g", "FAIL", "IDS", 2, "1-0"], ["XNACK", "s", "g", "FAIL", "IDS", 0, "1-0"], ["XNACK", "s", "none", "FAIL", "IDS", 1, "1-0"],
                      ["XNACK", "s", "g", "FAIL", "IDS", 1, "1-0", "RETRYCOUNT", -1], ["XREAD", "CLAIM", 5, "STREAMS", "s", "0"], ["XREADGROUP", "GROUP", "g", "a", "CLAIM", -1, "STREAMS", "s", ">"]):
            with self.assertRaises(redis.ResponseError, msg=wrong):
                ask(*wrong)

    def test_who_waits_takes_over_what_becomes_idle_meanwhile(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        ask = client.execute_command
        client.set_response_callback("XREADGROUP", lambda reply, **options: reply)
        fill(client, "s", 2)
        client.xgroup_create("s", "g", 0)
        ask("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">")
        client.xack("s", "g", "2-0")
        for block in (60000, 0):
            reply = ask("XREADGROUP", "GROUP", "g", "b", "BLOCK", block, "CLAIM", 300, "STREAMS", "s", ">")
            self.assertEqual([entry[0] for entry in reply[0][1]], [b"1-0"])
            self.assertGreaterEqual(reply[0][1][0][2], 300)
        client.xack("s", "g", "1-0")
        self.assertIsNone(ask("XREADGROUP", "GROUP", "g", "b", "BLOCK", 50, "CLAIM", 10, "STREAMS", "s", ">"))
        # What is given back is there at once.
        ask("XADD", "s", "3-0", "f", "v")
        ask("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">")
        other = server.client()
        timer = threading.Timer(0.2, lambda: other.execute_command("XNACK", "s", "g", "FAIL", "IDS", 1, "3-0"))
        timer.start()
        reply = ask("XREADGROUP", "GROUP", "g", "b", "BLOCK", 0, "CLAIM", 3600000, "STREAMS", "s", ">")
        timer.join()
        self.assertEqual([entry[0] for entry in reply[0][1]], [b"3-0"])

    def test_what_is_sent_again_is_not_added_again(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        ask = client.execute_command
        first = ask("XADD", "s", "IDMP", "p", "1", "*", "f", "v")
        self.assertEqual(ask("XADD", "s", "IDMP", "p", "1", "*", "f", "other"), first)
        self.assertNotEqual(ask("XADD", "s", "IDMP", "q", "1", "*", "f", "v"), first)
        auto = ask("XADD", "s", "IDMPAUTO", "p", "*", "f", "v", "g", "w")
        self.assertEqual(ask("XADD", "s", "NOMKSTREAM", "IDMPAUTO", "p", "MAXLEN", "~", 1000, "*", "f", "v", "g", "w"), auto)
        self.assertNotEqual(ask("XADD", "s", "IDMPAUTO", "p", "*", "f", "vg", "g", "w"), auto)
        self.assertEqual(client.xlen("s"), 4)

        def told(key="s"):
            found = everything(client, key)
            return [found[name] for name in ("idmp-duration", "idmp-maxsize", "pids-tracked", "iids-tracked", "iids-added", "iids-duplicates")]

        self.assertEqual(told(), [100, 100, 2, 4, 4, 2])
        # As many as are wished for of each producer, of thousands: in pages.
        ask("XADD", "large", "IDMP", "p", "0", "*", "f", "v")
        self.assertEqual(ask("XCFGSET", "large", "IDMP-MAXSIZE", 500, "IDMP-DURATION", 3600), b"OK")
        ids = {}
        for begin in range(0, 3000, 500):
            pipeline = client.pipeline(transaction=False)
            for i in range(begin, begin + 500):
                pipeline.execute_command("XADD", "large", "IDMP", "p%d" % (i % 3), "name %d" % i, "*", "f", "value %d" % i)
            ids.update(zip(range(begin, begin + 500), pipeline.execute()))
        self.assertEqual(told("large")[:5], [3600, 500, 3, 1500, 3001])
        client.copy("large", "copy")
        for how in (signal.SIGKILL, signal.SIGTERM, None):
            if how:
                server = self.restart(server, how)
                client = server.client()
                ask = client.execute_command
            else:
                client.rename("copy", "large")
            for i in (1500, 2000, 2999):
                self.assertEqual(ask("XADD", "large", "IDMP", "p%d" % (i % 3), "name %d" % i, "*", "f", "again"), ids[i])
            self.assertEqual(ask("XADD", "s", "IDMP", "p", "1", "*", "f", "v"), first)
            self.assertEqual(client.xlen("large"), 3001)
        self.assertNotEqual(ask("XADD", "large", "IDMP", "p%d" % (1499 % 3), "name 1499", "*", "f", "long ago"), ids[1499])
        # What has been told once is forgotten when it is told otherwise, or is too old.
        ask("XCFGSET", "s", "IDMP-DURATION", 100)
        self.assertEqual(ask("XADD", "s", "IDMP", "p", "1", "*", "f", "v"), first)
        ask("XCFGSET", "s", "IDMP-DURATION", 1)
        self.assertEqual(told()[:4], [1, 100, 0, 0])
        first = ask("XADD", "s", "IDMP", "p", "1", "*", "f", "v")
        time.sleep(1.1)
        self.assertEqual(told()[2:4], [0, 0])
        self.assertNotEqual(ask("XADD", "s", "IDMP", "r", "1", "*", "f", "v"), first)
        self.assertNotEqual(ask("XADD", "s", "IDMP", "p", "1", "*", "f", "v"), first)
        self.assertEqual(told()[2:4], [2, 2])
        client.restore("dumped", 0, client.dump("s"))
        self.assertEqual(client.xlen("dumped"), client.xlen("s"))
        for wrong in (["XADD", "s", "IDMP", "p", "1", "1-1", "f", "v"], ["XADD", "s", "IDMP", "", "1", "*", "f", "v"], ["XADD", "s", "IDMP", "p", "", "*", "f", "v"], ["XADD", "s", "IDMP", "p", "1", "IDMPAUTO", "p", "*", "f", "v"],
                      ["XADD", "s", "IDMP", "p" * 2000, "1", "*", "f", "v"], ["XCFGSET", "s"], ["XCFGSET", "s", "IDMP-DURATION", 0], ["XCFGSET", "s", "IDMP-DURATION", 86401], ["XCFGSET", "s", "IDMP-MAXSIZE", 10001],
                      ["XCFGSET", "s", "IDMP-MAXSIZE"], ["XCFGSET", "none", "IDMP-MAXSIZE", 5]):
            with self.assertRaises(redis.ResponseError, msg=wrong):
                ask(*wrong)

    def test_clients_speak_both_protocols(self):
        server = self.serve(*self.OPTIONS)
        client = server.client()
        client.xadd("s", {"f": "v"}, id="1-1")
        self.assertEqual(client.xread({"s": "0"}), [[b"s", [(b"1-1", {b"f": b"v"})]]])
        with self.assertRaisesRegex(redis.ResponseError, "NOGROUP"):
            client.xreadgroup("g", "c", {"s": ">"})
        with self.assertRaisesRegex(redis.ResponseError, "equal or smaller"):
            client.xadd("s", {"f": "v"}, id="1-1")
        now = client.xadd("s", {"f": "v"})
        self.assertGreater(int(now.split(b"-")[0]), 1_700_000_000_000)


if __name__ == "__main__":
    unittest.main()
