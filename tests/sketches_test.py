#!/usr/bin/env python3
"""Bitmaps, places, HyperLogLogs and Bloom filters through python3-redis: what redis-server 7.0 does not have, against models; errors
within what was asked; and that all of it is there after a kill, a restart, an image, cleaning, and in snapshots of both kinds.

Usage: STAVE_BIN=<path to stave> python3 sketches_test.py.
"""

import math
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import redis

from package_index_test import Server

os.environ["HTTP_PORT"] = "0"
STAVE = os.environ["STAVE_BIN"]


class Sketches(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-sketches-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = Server(self.directory)
        self.start()
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))

    def start(self, *options):
        self.server.start("--threads", "2", *options)
        self.client = redis.Redis(port=self.server.port, socket_timeout=60)

    def restart(self, how=signal.SIGTERM, *options):
        self.server.stop(how)
        self.start(*options)

    def test_a_sketch_that_memory_does_not_hold_is_refused_before_it_is_made(self):
        self.restart(signal.SIGTERM, "--maxmemory", "64mb")
        resident = lambda: int(next(line for line in open("/proc/%d/status" % self.server.process.pid) if line.startswith("VmHWM")).split()[1])
        before = resident()
        for call in ("CMS.INITBYDIM c 10000000 8", "CF.RESERVE f 200000000", "TOPK.RESERVE t 10 4000000 8 0.9", "BF.RESERVE b 0.001 100000000", "BF.INSERT b2 CAPACITY 100000000 ITEMS x", "CF.INSERT f2 CAPACITY 200000000 ITEMS x"):
            with self.assertRaisesRegex(redis.ResponseError, "Insufficient memory", msg=call):
                self.client.execute_command(*call.split())
        self.assertLess(resident() - before, 32 << 10, "KiB")
        self.assertEqual(self.client.dbsize(), 0)
        self.assertTrue(self.client.execute_command("CMS.INITBYDIM", "c", "100000", "8"))

    def test_bitop_has_the_newer_operations(self):
        generator = random.Random(1)
        ask = self.client.execute_command
        for _ in range(50):
            values = [generator.randbytes(generator.randrange(0, 40)) for _ in range(generator.randrange(2, 5))]
            size = max(map(len, values))
            first, *others = (int.from_bytes(value.ljust(size, b"\0"), "big") for value in values)
            joined = 0
            once, twice = first, 0
            for other in others:
                joined |= other
                once, twice = once | other, twice | (once & other)
            names = ["b%d" % i for i in range(len(values))]
            self.client.mset(dict(zip(names, values)))
            for operation, expected in (("DIFF", first & ~joined), ("DIFF1", joined & ~first), ("ANDOR", first & joined), ("ONE", once & ~twice)):
                self.assertEqual(ask("BITOP", operation, "to", *names), size)
                self.assertEqual(self.client.get("to") or b"", expected.to_bytes(size, "big"), operation)
        for operation in ("DIFF", "DIFF1", "ANDOR"):
            with self.assertRaisesRegex(redis.ResponseError, "BITOP %s must be called with at least two source keys" % operation):
                ask("BITOP", operation, "to", "b0")

    def test_a_large_bitmap_is_changed_counted_and_kept(self):
        generator = random.Random(2)
        bits = set()
        for _ in range(60):
            at = generator.randrange(4_000_000)
            self.assertEqual(self.client.setbit("big", at, 1), 1 if at in bits else 0)
            bits.add(at)
        for _ in range(2):
            self.assertEqual(self.client.bitcount("big"), len(bits))
            self.assertEqual(self.client.bitpos("big", 1), min(bits))
            self.assertTrue(all(self.client.getbit("big", at) == 1 for at in bits))
            self.restart(signal.SIGKILL)

    def test_a_large_string_is_changed_in_parts_and_kept(self):
        generator = random.Random(4)
        model = bytearray(generator.randbytes(300_000))
        self.client.set("s", bytes(model))
        for i in range(400):
            kind = generator.randrange(4)
            at = generator.randrange(len(model))
            if kind == 0:
                piece = generator.randbytes(generator.randrange(1, 9000 if i % 20 == 0 else 30))
                self.assertEqual(self.client.setrange("s", at, piece), max(len(model), at + len(piece)))
                model[at : at + len(piece)] = piece
            elif kind == 1:
                piece = generator.randbytes(generator.randrange(1, 200))
                model += piece
                self.assertEqual(self.client.append("s", piece), len(model))
            elif kind == 2:
                bit = generator.randrange(2)
                old = model[at] >> 7 & 1
                self.assertEqual(self.client.setbit("s", at * 8, bit), old)
                model[at] = model[at] & 0x7F | bit << 7
            else:
                self.assertEqual(self.client.getrange("s", at, at + 5000), bytes(model[at : at + 5001]))
            if i % 130 == 129:
                self.restart(signal.SIGKILL if i % 2 else signal.SIGTERM)
        self.assertEqual(self.client.get("s"), bytes(model))
        self.assertEqual(self.client.bitcount("s"), sum(byte.bit_count() for byte in model))
        self.client.setrange("s", 0, b"later")
        self.assertTrue(self.client.restore("t", 0, self.client.dump("s")))
        self.assertEqual(self.client.get("t"), b"later" + bytes(model[5:]))
        self.client.set("s", "small")
        self.assertEqual(self.client.get("s"), b"small")

    def test_a_sparse_bitmap_takes_little(self):
        self.assertEqual(self.client.setbit("sparse", 4294967295, 1), 0)
        self.assertEqual(self.client.bitcount("sparse"), 1)
        self.assertEqual(self.client.strlen("sparse"), 1 << 29)
        self.assertLess(self.client.memory_usage("sparse"), 65536)
        self.restart(signal.SIGKILL)
        self.assertEqual(self.client.bitpos("sparse", 1), 4294967295)
        self.assertEqual(self.client.bitcount("sparse"), 1)

    def resident(self, name):
        with open("/proc/%d/status" % self.server.process.pid) as status:
            return int(next(line for line in status if line.startswith(name)).split()[1]) << 10

    def test_holes_are_not_filled_when_memory_is_full(self):
        self.restart(signal.SIGTERM, "--maxmemory", "20mb", "--maxmemory-policy", "noeviction", "--sync", "os")
        self.assertEqual(self.client.setbit("sparse", 4000000000, 1), 0)
        self.client.execute_command("BF.RESERVE", "filter", "0.001", "1000")
        refused = None
        for i in range(0, 12000, 100):
            pipeline = self.client.pipeline(transaction=False)
            for j in range(i, i + 100):
                pipeline.setbit("sparse", j * 32768, 1)
            answers = pipeline.execute(raise_on_error=False)
            refused = next((answer for answer in answers if isinstance(answer, Exception)), None)
            if refused:
                break
        self.assertIsInstance(refused, redis.ResponseError)
        self.assertIn("command not allowed when used memory > 'maxmemory'.", str(refused))
        filled = self.client.bitcount("sparse") - 1
        self.assertLess(filled * 4096, 20 << 20)
        with self.assertRaisesRegex(redis.ResponseError, "command not allowed"):
            self.client.setrange("sparse", 400000000, "x")
        # A filter that is there does not grow either, and says so before it has taken much.
        with self.assertRaisesRegex((redis.ResponseError, redis.exceptions.RedisError), "command not allowed"):
            for i in range(3000):
                self.client.execute_command("BF.MADD", "filter", *("%d-%d" % (i, j) for j in range(1000)))
        # What is there may change, shrink and go.
        self.assertEqual(self.client.setbit("sparse", 0, 0), 1)
        self.assertEqual(self.client.bitcount("sparse"), filled)
        self.assertEqual(self.client.delete("sparse"), 1)
        for _ in range(200):
            try:
                self.client.setbit("sparse", 4000000000, 1)
                break
            except redis.ResponseError:
                time.sleep(0.05)  # its pages are swept up behind it
        self.assertEqual(self.client.setbit("sparse", 5, 1), 0)

    def test_who_only_refuses_a_long_string_or_compares_it_does_not_put_it_together(self):
        self.client.setbit("sparse", 4294967295, 1)  # half a GiB
        self.client.rpush("list", "1", "2")
        before = self.resident("VmHWM")
        ask = self.client.execute_command
        wrong = "LPUSH sparse x|LRANGE sparse 0 -1|HGET sparse f|HSET sparse f v|SADD sparse m|SINTER sparse|SUNIONSTORE to sparse|ZADD sparse 1 m|ZSCORE sparse m|ZUNIONSTORE to 1 sparse|XADD sparse * f v|XLEN sparse|BF.EXISTS sparse x|SORT sparse|GEOADD sparse 1 1 m"
        for call in wrong.split("|"):
            with self.assertRaisesRegex(redis.ResponseError, "WRONGTYPE|Operation against", msg=call):
                ask(*call.split())
        for call in ("INCR sparse", "DECRBY sparse 3", "INCRBYFLOAT sparse 1.5", "INCREX sparse BYINT 1"):
            with self.assertRaisesRegex(redis.ResponseError, "not an integer|not a valid float", msg=call):
                ask(*call.split())
        self.assertEqual(ask("DELIFEQ", "sparse", "x"), 0)
        self.assertEqual(ask("DELEX", "sparse", "IFEQ", "x"), 0)
        self.assertIsNone(ask("SET", "sparse", "new", "IFEQ", "x"))
        self.assertLess(self.resident("VmHWM") - before, 64 << 20)
        self.assertEqual(self.client.strlen("sparse"), 1 << 29)
        self.assertTrue(ask("SET", "sparse", "new", "IFNE", "x"))
        self.assertEqual(self.client.get("sparse"), b"new")
        # One of the same length is compared.
        self.client.set("s", b"a" * 20000)
        self.client.setrange("s", 10000, "b")
        value = b"a" * 10000 + b"b" + b"a" * 9999
        self.assertEqual(ask("DELIFEQ", "s", b"a" * 20000), 0)
        self.assertTrue(ask("SET", "s", "short", "IFEQ", value))

    def test_a_polygon_finds_what_lies_in_it(self):
        generator = random.Random(3)
        places = {"m%d" % i: (generator.uniform(-40, 40), generator.uniform(-40, 40)) for i in range(800)}
        for member, (longitude, latitude) in places.items():
            self.client.execute_command("GEOADD", "map", longitude, latitude, member)
        self.client.set_response_callback("GEOSEARCH", lambda reply, **options: reply)
        corners = [(-30, -30), (30, -25), (5, 0), (25, 30), (-20, 20)]

        def inside(longitude, latitude):
            crossed = False
            for (ax, ay), (bx, by) in zip(corners, corners[-1:] + corners[:-1]):
                if (ay > latitude) != (by > latitude) and longitude < (bx - ax) * (latitude - ay) / (by - ay) + ax:
                    crossed = not crossed
            return crossed

        flat = [part for corner in corners for part in corner]
        found = self.client.execute_command("GEOSEARCH", "map", "BYPOLYGON", len(corners), *flat)
        self.assertEqual(sorted(found), sorted(member.encode() for member, place in places.items() if inside(*place)))
        near = self.client.execute_command("GEOSEARCH", "map", "BYPOLYGON", len(corners), *flat, "ASC", "COUNT", 3, "WITHDIST", "WITHCOORD")
        self.assertEqual(len(near), 3)
        self.assertEqual(sorted(float(row[1]) for row in near), [float(row[1]) for row in near])
        for wrong in (["BYPOLYGON", 2, 0, 0, 1, 1], ["BYPOLYGON", 4, 0, 0, 1, 1, 2, 2], ["BYPOLYGON", "x", 0, 0], ["FROMLONLAT", 0, 0, "BYPOLYGON", 3, *flat[:6]]):
            with self.assertRaises(redis.ResponseError):
                self.client.execute_command("GEOSEARCH", "map", *wrong, "ASC")
        self.assertEqual(self.client.execute_command("GEOSEARCHSTORE", "in", "map", "BYPOLYGON", len(corners), *flat), len(found))

    def test_a_hyperloglog_that_is_broken_is_refused(self):
        self.client.execute_command("PFADD", "h", "a", "b", "c")
        good = self.client.get("h")
        for bad in (good + b"hello", good[:-1], good[:16], b"HYLL\x01" + b"\0" * 10 + b"\x80\x7f\xff\x7f\xff", b"HYLL\x00" + b"\0" * 10 + b"\x80" + b"\xff" * 12288):
            self.client.set("bad", bad)
            for call in (["PFCOUNT", "bad"], ["PFCOUNT", "bad", "h"], ["PFMERGE", "h", "bad"]):
                with self.assertRaisesRegex(redis.ResponseError, "INVALIDOBJ"):
                    self.client.execute_command(*call)
        self.assertEqual(self.client.get("h"), good)
        for bad in (b"HYLX" + good[4:], b"HYLL\x02" + good[5:], b"HYLL\x00" + good[5:], b"", b"HYLL"):
            self.client.set("bad", bad)
            with self.assertRaisesRegex(redis.ResponseError, "WRONGTYPE"):
                self.client.execute_command("PFCOUNT", "bad")

    def fill(self, key, rate, capacity, count):
        self.client.execute_command("BF.RESERVE", key, rate, capacity)
        for begin in range(0, count, 1000):
            self.client.execute_command("BF.MADD", key, *(b"yes:%d" % i for i in range(begin, min(count, begin + 1000))))

    def check(self, key, rate, count):
        there = self.client.execute_command("BF.MEXISTS", key, *(b"yes:%d" % i for i in range(0, count, 7)))
        self.assertEqual(set(there), {1})
        asked = 20_000
        wrong = sum(self.client.execute_command("BF.MEXISTS", key, *(b"no:%d" % i for i in range(asked))))
        self.assertLessEqual(wrong, asked * rate * 1.1 + 3 * math.sqrt(asked * rate) + 1)

    def everywhere(self, client=None):
        client = client or self.client
        return {key: (client.type(key), client.dump(key)) for key in sorted(client.keys("*"))}

    def test_bloom_filters_stay_through_everything(self):
        self.fill("small", 0.01, 100, 100)
        self.fill("grown", 0.001, 1000, 9000)
        self.client.execute_command("BF.INSERT", "fixed", "CAPACITY", 20, "NONSCALING", "ITEMS", *range(20))
        with self.assertRaisesRegex(redis.ResponseError, "non scaling filter is full"):
            for i in range(100):
                self.client.execute_command("BF.ADD", "fixed", "more:%d" % i)
        self.assertEqual(self.client.execute_command("BF.INFO", "grown")[4:6], [b"Number of filters", 4])
        self.assertEqual([self.client.type(key) for key in ("small", "grown")], [b"MBbloom--"] * 2)
        self.client.rename("grown", "renamed")
        self.client.execute_command("COPY", "renamed", "grown")
        self.client.expire("small", 100000)
        self.client.set("text", "x")
        with self.assertRaisesRegex(redis.ResponseError, "WRONGTYPE"):
            self.client.execute_command("BF.ADD", "text", "x")
        with self.assertRaisesRegex(redis.ResponseError, "WRONGTYPE"):
            self.client.get("small")
        self.assertEqual(sorted(self.client.execute_command("SCAN", 0, "TYPE", "mbbloom--", "COUNT", 1000)[1]), [b"fixed", b"grown", b"renamed", b"small"])
        before = self.everywhere()
        steps = [lambda: self.restart(signal.SIGKILL), lambda: self.client.execute_command("STAVE.CHECKPOINT"), lambda: self.restart(signal.SIGKILL),
                 lambda: self.client.execute_command("STAVE.CLEAN", "WAIT"), self.restart, lambda: self.restart(signal.SIGTERM, "--maxmemory", "64mb")]
        for step in steps:
            step()
            self.assertEqual(self.everywhere(), before)
        for key, rate, count in (("small", 0.01, 100), ("grown", 0.001, 9000), ("renamed", 0.001, 9000)):
            self.check(key, rate, count)

    def test_bloom_filters_move(self):
        self.fill("grown", 0.01, 1000, 5000)
        cursor = 0
        while True:
            cursor, piece = self.client.execute_command("BF.SCANDUMP", "grown", cursor)
            if cursor == 0:
                break
            self.assertEqual(self.client.execute_command("BF.LOADCHUNK", "loaded", cursor, piece), b"OK")
        self.check("loaded", 0.01, 5000)
        self.client.restore("restored", 0, self.client.dump("grown"))
        self.assertEqual(self.client.dump("restored"), self.client.dump("loaded"))
        for position, piece in ((1, b"x"), (1, b"\x01\x01" + b"\xff" * 62), (0, b"x"), (2, b""), (5, b"x" * 9), (10 ** 12, b"x")):
            with self.assertRaises(redis.ResponseError):
                self.client.execute_command("BF.LOADCHUNK", "loaded" if position != 1 else "other", position, piece)
        before = self.everywhere()
        for form in ("JSON", "BINARY"):
            name = self.client.execute_command("SNAPSHOT", form)
            name = name.decode().rsplit(" to ", 1)[1]
            target = tempfile.mkdtemp(prefix="stave-sketches-")
            self.addCleanup(shutil.rmtree, target, ignore_errors=True)
            subprocess.run([STAVE, "load", name, "--dir", target], check=True, stdout=subprocess.DEVNULL)
            other = Server(target)
            other.start("--threads", "1")
            try:
                self.assertEqual(self.everywhere(redis.Redis(port=other.port, socket_timeout=60)), before)
            finally:
                other.stop(signal.SIGTERM)

    def test_counts_are_never_too_few_and_seldom_too_many(self):
        generator = random.Random(4)
        error, chance, total = 0.002, 0.01, 60_000
        self.client.execute_command("CMS.INITBYPROB", "c", error, chance)
        self.client.execute_command("CMS.INITBYPROB", "d", error, chance)
        counts = {}
        pairs = []
        for _ in range(total):
            item = "item:%d" % int(generator.paretovariate(0.6))
            counts[item] = counts.get(item, 0) + 1
            pairs += [item, 1]
            if len(pairs) == 2000:
                self.client.execute_command("CMS.INCRBY", generator.choice("cd"), *pairs)
                pairs = []
        self.client.execute_command("CMS.MERGE", "c", 2, "c", "d", "WEIGHTS", 1, 1)
        for _ in range(2):
            self.assertEqual(self.client.execute_command("CMS.INFO", "c")[5], total)
            names = list(counts)
            told = self.client.execute_command("CMS.QUERY", "c", *names)
            self.assertTrue(all(told[i] >= counts[name] for i, name in enumerate(names)))
            wrong = sum(told[i] > counts[name] + error * total for i, name in enumerate(names))
            self.assertLessEqual(wrong, len(names) * chance * 1.5 + 3)
            self.assertEqual(self.client.type("c"), b"CMSk-TYPE")
            self.restart(signal.SIGKILL)
        for call in (["CMS.INCRBY", "none", "a", 1], ["CMS.INCRBY", "c", "a", -1], ["CMS.INITBYDIM", "c", 1, 1], ["CMS.INITBYDIM", "x", 0, 1], ["CMS.INITBYDIM", "x", 10 ** 12, 9],
                     ["CMS.INITBYPROB", "x", 0, 0.5], ["CMS.MERGE", "c", 3, "c", "d"], ["CMS.MERGE", "c", 1, "none"], ["CMS.MERGE", "c", 1, "c", "WEIGHTS", -1]):
            with self.assertRaises(redis.ResponseError):
                self.client.execute_command(*call)
        self.client.execute_command("CMS.INITBYDIM", "x", 3, 2)
        with self.assertRaisesRegex(redis.ResponseError, "width/depth is not equal"):
            self.client.execute_command("CMS.MERGE", "x", 1, "c")

    def test_cuckoo_filters_let_go_what_is_taken_out(self):
        ask = lambda *call: self.client.execute_command(*call)
        ask("CF.RESERVE", "c", 1000)
        count = 6000
        for begin in range(0, count, 1000):
            self.assertEqual(set(ask("CF.INSERT", "c", "ITEMS", *("yes:%d" % i for i in range(begin, begin + 1000)))), {1})
        for i in range(0, count, 3):
            self.assertEqual(ask("CF.DEL", "c", "yes:%d" % i), 1)
        for _ in range(2):
            self.assertEqual(set(ask("CF.MEXISTS", "c", *("yes:%d" % i for i in range(count) if i % 3))), {1})
            self.assertLessEqual(sum(ask("CF.MEXISTS", "c", *("yes:%d" % i for i in range(0, count, 3)))), 20)
            self.assertLessEqual(sum(ask("CF.MEXISTS", "c", *("no:%d" % i for i in range(20_000)))), 80)
            info = ask("CF.INFO", "c")
            self.assertEqual(dict(zip(info[::2], info[1::2]))[b"Number of items deleted"], count // 3)
            self.assertEqual(self.client.type("c"), b"MBbloomCF")
            self.restart(signal.SIGKILL)
        self.assertEqual([ask("CF.ADD", "d", "a"), ask("CF.ADD", "d", "a"), ask("CF.ADDNX", "d", "a"), ask("CF.COUNT", "d", "a")], [1, 1, 0, 2])
        ask("CF.RESERVE", "full", 4, "EXPANSION", 0)
        self.assertIn(-1, ask("CF.INSERT", "full", "ITEMS", *range(20)))
        with self.assertRaisesRegex(redis.ResponseError, "Filter is full"):
            for i in range(40):
                ask("CF.ADD", "full", "more:%d" % i)
        cursor = 0
        while True:
            cursor, piece = ask("CF.SCANDUMP", "c", cursor)
            if cursor == 0:
                break
            ask("CF.LOADCHUNK", "loaded", cursor, piece)
        self.assertEqual(self.client.dump("loaded"), self.client.dump("c"))

    def test_the_heaviest_are_listed_and_stay(self):
        ask = lambda *call: self.client.execute_command(*call)
        generator = random.Random(5)
        ask("TOPK.RESERVE", "t", 20, 500, 5, 0.9)
        counts = {}
        for _ in range(60):
            items = ["item:%d" % min(int(generator.paretovariate(0.8)), 5000) for _ in range(1000)]
            for item in items:
                counts[item] = counts.get(item, 0) + 1
            self.assertEqual(len(ask("TOPK.ADD", "t", *items)), 1000)
        heaviest = sorted(counts, key=counts.get, reverse=True)
        for _ in range(2):
            listed = [item.decode() for item in ask("TOPK.LIST", "t")]
            self.assertEqual(set(listed[:10]), set(heaviest[:10]))
            self.assertEqual(ask("TOPK.QUERY", "t", heaviest[0], "none"), [1, 0])
            pairs = ask("TOPK.LIST", "t", "WITHCOUNT")
            self.assertEqual(pairs[1::2], sorted(pairs[1::2], reverse=True))
            for item, count in zip(listed, pairs[1::2]):
                self.assertTrue(counts[item] - 600 <= count <= counts[item], item)
            self.assertEqual(ask("TOPK.COUNT", "t", listed[3])[0], pairs[7])
            self.assertEqual(self.client.type("t"), b"TopK-TYPE")
            self.assertEqual(self.client.object("ENCODING", "t"), b"raw")
            self.assertEqual(ask("TOPK.INFO", "t"), [b"k", 20, b"width", 500, b"depth", 5, b"decay", b"0.9"])
            self.restart(signal.SIGKILL)
        self.client.restore("again", 0, self.client.dump("t"))
        self.assertEqual(ask("TOPK.LIST", "again", "WITHCOUNT"), pairs)
        ask("TOPK.RESERVE", "small", 2, 50, 5, 1)
        self.assertEqual(ask("TOPK.INCRBY", "small", "foo", 3, "bar", 2, "42", 30), [None, None, b"bar"])
        answers = self.client.pipeline(transaction=False).execute_command("TOPK.INCRBY", "small", "foo", -1, "foo", 1).execute(raise_on_error=False)
        self.assertIsInstance(answers[0][0], redis.ResponseError)
        self.assertEqual(ask("TOPK.COUNT", "small", "foo", "bar"), [4, 2])
        for call in (["TOPK.ADD", "none", "a"], ["TOPK.RESERVE", "t", 3], ["TOPK.RESERVE", "x", 0], ["TOPK.RESERVE", "x", 3, 8, 7], ["TOPK.RESERVE", "x", 3, 8, 7, 1.5], ["TOPK.RESERVE", "x", 3, 8, 7, 0],
                     ["TOPK.RESERVE", "x", 3, 0, 7, 0.9], ["TOPK.LIST", "t", "COUNT"], ["TOPK.INCRBY", "t", "a"], ["TOPK.RESERVE", "x", 4000000000, 4000000000, 4000000000, 0.9], ["CMS.QUERY", "t", "a"]):
            with self.assertRaises(redis.ResponseError, msg=call):
                ask(*call)

    def test_digests_answer_as_documented_and_stay(self):
        ask = lambda *call: self.client.execute_command(*call)
        numbers = lambda *call: [float(number) for number in ask(*call)]
        ask("TDIGEST.CREATE", "t", "COMPRESSION", 1000)
        ask("TDIGEST.ADD", "t", 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5)
        self.assertEqual(numbers("TDIGEST.QUANTILE", "t", 0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1), [1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5])
        self.assertEqual(numbers("TDIGEST.BYRANK", "t", *range(16)), [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, math.inf])
        self.assertEqual(numbers("TDIGEST.BYREVRANK", "t", *range(16)), [5, 5, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 2, 2, 1, -math.inf])
        for told, expected in zip(numbers("TDIGEST.CDF", "t", 0, 1, 2, 3, 4, 5, 6), [0, .5 / 15, 2 / 15, 4.5 / 15, 8 / 15, 12.5 / 15, 1]):
            self.assertAlmostEqual(told, expected)
        ask("TDIGEST.CREATE", "s")
        ask("TDIGEST.ADD", "s", 10, 20, 30, 40, 50, 60)
        self.assertEqual(ask("TDIGEST.RANK", "s", 0, 10, 20, 30, 40, 50, 60, 70), [-1, 0, 1, 2, 3, 4, 5, 6])
        self.assertEqual(ask("TDIGEST.REVRANK", "s", 0, 10, 20, 30, 40, 50, 60, 70), [6, 5, 4, 3, 2, 1, 0, -1])
        ask("TDIGEST.RESET", "s")
        self.assertEqual(ask("TDIGEST.RANK", "s", 1), [-2])
        self.assertEqual([ask("TDIGEST.MIN", "s"), ask("TDIGEST.MAX", "s"), ask("TDIGEST.QUANTILE", "s", .5), ask("TDIGEST.TRIMMED_MEAN", "s", 0, 1)], [b"nan", b"nan", [b"nan"], b"nan"])
        ask("TDIGEST.ADD", "s", 10, 10, 10, 10, 20, 20)
        self.assertEqual(ask("TDIGEST.RANK", "s", 10, 20) + ask("TDIGEST.REVRANK", "s", 10, 20), [2, 5, 4, 1])
        ask("TDIGEST.CREATE", "m")
        ask("TDIGEST.ADD", "m", *range(1, 11))
        self.assertEqual([float(ask("TDIGEST.TRIMMED_MEAN", "m", *cut)) for cut in ((.1, .6), (.3, .9), (0, 1))], [4, 6.5, 5.5])
        generator = random.Random(6)
        every = sorted(generator.lognormvariate(0, 2) for _ in range(50_000))
        shuffled = every[:]
        generator.shuffle(shuffled)
        ask("TDIGEST.CREATE", "large")
        for begin in range(0, len(every), 1000):
            self.assertEqual(ask("TDIGEST.ADD", "large", *(repr(number) for number in shuffled[begin:begin + 1000])), b"OK")
        for _ in range(2):
            for part, told in zip((.01, .1, .5, .9, .99, .999), numbers("TDIGEST.QUANTILE", "large", .01, .1, .5, .9, .99, .999)):
                rank = sum(number < told for number in every) / len(every)
                self.assertLessEqual(abs(rank - part), math.pi * math.sqrt(part * (1 - part)) / 200 + 1e-4)
            self.assertEqual([float(ask("TDIGEST.MIN", "large")), float(ask("TDIGEST.MAX", "large"))], [every[0], every[-1]])
            self.assertEqual(self.client.type("large"), b"TDIS-TYPE")
            info = ask("TDIGEST.INFO", "large")
            info = dict(zip(info[::2], info[1::2]))
            self.assertEqual([info[b"Compression"], info[b"Capacity"], info[b"Observations"]], [100, 610, 50_000])
            self.restart(signal.SIGKILL)
        self.client.restore("again", 0, self.client.dump("large"))
        self.assertEqual(numbers("TDIGEST.QUANTILE", "again", .5), numbers("TDIGEST.QUANTILE", "large", .5))
        ask("TDIGEST.MERGE", "sum", 2, "t", "large")
        info = ask("TDIGEST.INFO", "sum")
        self.assertEqual([info[1], info[13]], [1000, 50_015])
        ask("TDIGEST.MERGE", "sum", 1, "t", "COMPRESSION", 50)
        self.assertEqual([ask("TDIGEST.INFO", "sum")[i] for i in (1, 13)], [50, 50_030])
        ask("TDIGEST.MERGE", "sum", 2, "s", "t", "OVERRIDE")
        self.assertEqual([ask("TDIGEST.INFO", "sum")[i] for i in (1, 13)], [1000, 21])
        ask("TDIGEST.MERGE", "sum", 1, "sum")
        self.assertEqual(ask("TDIGEST.INFO", "sum")[13], 42)
        for call in (["TDIGEST.ADD", "none", 1], ["TDIGEST.ADD", "t", "a"], ["TDIGEST.ADD", "t", 1, "inf"], ["TDIGEST.ADD", "t", "nan"], ["TDIGEST.CREATE", "t"], ["TDIGEST.CREATE", "x", "COMPRESSION", 0],
                     ["TDIGEST.CREATE", "x", "COMPRESSION", 10 ** 20], ["TDIGEST.CREATE", "x", "COMPRESSION", 10 ** 9], ["TDIGEST.CREATE", "x", "SIZE", 5], ["TDIGEST.MERGE", "t", 2, "s"], ["TDIGEST.MERGE", "t", 0, "s"],
                     ["TDIGEST.MERGE", "t", 1, "none"], ["TDIGEST.MERGE", "t", 1, "s", "WEIGHTS"], ["TDIGEST.QUANTILE", "t", 1.1], ["TDIGEST.BYRANK", "t", -1], ["TDIGEST.TRIMMED_MEAN", "t", .6, .1],
                     ["TDIGEST.TRIMMED_MEAN", "t", 0, 2], ["TOPK.LIST", "t"]):
            with self.assertRaises(redis.ResponseError, msg=call):
                ask(*call)
        self.assertEqual(ask("TDIGEST.INFO", "t")[13], 15)

    def test_the_past_of_a_filter_is_kept(self):
        self.fill("f", 0.01, 2000, 3000)
        before = self.client.dump("f")
        self.client.execute_command("BF.MADD", "f", *("later:%d" % i for i in range(100)))
        self.assertNotEqual(self.client.dump("f"), before)
        history = self.client.execute_command("STAVE.HISTORY", "f", "COUNT", 3)
        self.assertIn(b"set_sketch", history[0])
        self.client.execute_command("STAVE.REVERT", "f", "LSN", history[1][history[1].index(b"lsn") + 1])
        self.assertEqual(self.client.dump("f"), before)


if __name__ == "__main__":
    unittest.main()
