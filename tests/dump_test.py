"""DUMP and RESTORE between Stave and a real redis-server: both ways, every encoding, and bytes that are none.

Usage: STAVE_BIN=<path to stave> python3 dump_test.py [unittest arguments]
"""

import random
import struct
import tempfile
import time
import unittest

import redis

from exchange_test import HIGH, LOW, RedisServer, random_collection, random_string, read_from_redis, store_in_redis
from server_test import TestCase

VERSION = 9
BAD_DATA = "Bad data format"


def make_table():
    """CRC-64 of Jones, reflected."""
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95ac9329ac4bc9b5 if crc & 1 else 0)
        table.append(crc)
    return table


TABLE = make_table()


def sealed(body, version=VERSION):
    body += struct.pack("<H", version)
    crc = 0
    for byte in body:
        crc = TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    return body + struct.pack("<Q", crc)


# --- encodings that servers of today read and no longer write -------------------------------------

def length(number):
    if number < 64:
        return bytes([number])
    if number < 1 << 14:
        return struct.pack(">H", 0x4000 | number)
    return b"\x80" + struct.pack(">I", number)


def string(text):
    return length(len(text)) + text


def integer_of(text):
    """The integer that a text is kept as; None: it is kept as it is."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if b"%d" % number == text and -2**63 <= number < 2**63 else None


def ziplist(elements):
    body = b""
    before = 0
    last = 10
    for text in elements:
        entry = bytes([before]) if before < 254 else b"\xfe" + struct.pack("<I", before)
        number = integer_of(text)
        if number is None:
            if len(text) < 64:
                entry += bytes([len(text)])
            elif len(text) < 1 << 14:
                entry += struct.pack(">H", 0x4000 | len(text))
            else:
                entry += b"\x80" + struct.pack(">I", len(text))
            entry += text
        elif 0 <= number <= 12:
            entry += bytes([0xf1 + number])
        else:
            for head, size in ((0xfe, 1), (0xc0, 2), (0xf0, 3), (0xd0, 4), (0xe0, 8)):
                if -1 << (8 * size - 1) <= number < 1 << (8 * size - 1):
                    entry += bytes([head]) + number.to_bytes(size, "little", signed=True)
                    break
        last = 10 + len(body)
        body += entry
        before = len(entry)
    return struct.pack("<IIH", len(body) + 11, last, min(len(elements), 65535)) + body + b"\xff"


def zipmap(fields):
    def size(number):
        return bytes([number]) if number < 254 else b"\xfe" + struct.pack("<I", number)
    body = b"".join(size(len(name)) + name + size(len(value)) + b"\0" + value for name, value in fields.items())
    return bytes([min(len(fields), 254)]) + body + b"\xff"


def digits(score):
    return b"%.17g" % score


def old_encodings(kind, elements):
    """Payloads of the collection in encodings of earlier versions."""
    if kind == "hash":
        flat = [text for pair in elements.items() for text in pair]
        yield b"\x04" + length(len(elements)) + b"".join(map(string, flat))
        yield b"\x0d" + string(ziplist(flat))
        yield b"\x09" + string(zipmap(elements))
    elif kind == "list":
        yield b"\x01" + length(len(elements)) + b"".join(map(string, elements))
        yield b"\x0a" + string(ziplist(elements))
        nodes = [elements[i:i + 7] for i in range(0, len(elements), 7)]
        yield b"\x0e" + length(len(nodes)) + b"".join(string(ziplist(node)) for node in nodes)
    elif kind == "set":
        yield b"\x02" + length(len(elements)) + b"".join(map(string, elements))
        if all(integer_of(text) is not None for text in elements):
            numbers = sorted(int(text) for text in elements)
            yield b"\x0b" + string(struct.pack("<II%dq" % len(numbers), 8, len(numbers), *numbers))
    elif kind == "zset":
        ordered = sorted(elements.items(), key=lambda pair: (pair[1], pair[0]))
        marks = {float("inf"): b"\xfe", float("-inf"): b"\xff"}
        yield b"\x03" + length(len(ordered)) + b"".join(
            string(member) + (marks.get(score) or bytes([len(digits(score))]) + digits(score)) for member, score in ordered)
        yield b"\x05" + length(len(ordered)) + b"".join(string(member) + struct.pack("<d", score) for member, score in ordered)
        yield b"\x0c" + string(ziplist([text for member, score in ordered for text in (member, digits(score))]))


class Dumps(TestCase):
    def setUp(self):
        super().setUp()
        self.stave = self.serve("--sync", "os").client()
        self.addCleanup(self.stave.close)

    def redis(self, *options):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        server = RedisServer(home.name, *options)
        self.addCleanup(server.kill)
        client = server.client(0)
        self.addCleanup(client.close)
        return client

    def through_stave(self, payload):
        """What Stave makes of a payload, as a payload."""
        self.assertEqual(self.stave.restore("k", 0, payload, replace=True), b"OK")
        return self.stave.dump("k")

    def back_in(self, server, payload):
        """The value of a payload in a redis-server."""
        server.restore("back", 0, payload, replace=True)
        return read_from_redis(server, "back")

    def test_what_redis_dumps_restores_here_and_the_other_way_round(self):
        for seed, options in enumerate(((), LOW, HIGH, ("--sanitize-dump-payload", "yes"), ("--rdbcompression", "no"))):
            server = self.redis(*options)
            rng = random.Random(seed)
            for number in range(200):
                with self.subTest(options=options, seed=seed, number=number):
                    value = random_collection(rng) if rng.random() < 0.9 else random_string(rng)
                    server.delete("k")
                    store_in_redis(server, "k", value)
                    ours = self.through_stave(server.dump("k"))
                    self.assertEqual(self.back_in(server, ours), value)
                    # And what is ours comes back to us as it was; in which order a large set comes is chance.
                    self.assertEqual(self.back_in(server, self.through_stave(ours)), value)
                    self.assertEqual(self.stave.type("k"), server.type("k"))

    def test_encodings_of_earlier_versions_restore(self):
        server = self.redis("--sanitize-dump-payload", "yes")
        rng = random.Random(9)
        for number in range(150):
            kind, elements = random_collection(rng)
            for body in old_encodings(kind, elements):
                with self.subTest(number=number, type=body[0]):
                    payload = sealed(body)
                    # That the payload is right is what redis-server says.
                    self.assertEqual(self.back_in(server, payload), (kind, elements))
                    self.assertEqual(self.back_in(server, self.through_stave(payload)), (kind, elements))

    def test_every_version_from_6_to_12_restores_and_no_later_one(self):
        for version in range(6, 13):
            self.assertEqual(self.stave.restore("k", 0, sealed(b"\x01\x01\x01a", version), replace=True), b"OK")
        with self.assertRaisesRegex(redis.ResponseError, "DUMP payload version or checksum are wrong"):
            self.stave.restore("k", 0, sealed(b"\x01\x01\x01a", 13), replace=True)

    def test_collections_keep_the_options_of_restore(self):
        payload = sealed(b"\x01\x01\x01a")
        self.stave.restore("k", 100000, payload)
        self.assertGreater(self.stave.pttl("k"), 50000)
        with self.assertRaisesRegex(redis.ResponseError, "BUSYKEY"):
            self.stave.restore("k", 0, payload)
        self.stave.restore("k", 1, payload, replace=True, absttl=True)
        self.assertEqual(self.stave.exists("k"), 0)
        self.assertIsNone(self.stave.dump("k"))

    def test_damage_is_refused_or_harmless(self):
        server = self.redis("--sanitize-dump-payload", "yes")
        rng = random.Random(10)
        accepted = refused = 0
        for _ in range(150):
            kind, elements = random_collection(rng)
            server.delete("k")
            store_in_redis(server, "k", (kind, elements))
            bodies = [server.dump("k")[:-10], *old_encodings(kind, elements)]
            for body in bodies:
                if len(body) > 20000:
                    continue
                body = bytearray(body)
                for _ in range(rng.randrange(1, 4)):
                    body[rng.randrange(len(body))] = rng.randrange(256)
                if rng.random() < 0.2:
                    del body[rng.randrange(1, len(body)):]
                try:
                    self.stave.restore("k", 0, sealed(bytes(body)), replace=True)
                except redis.ResponseError as error:
                    self.assertIn(BAD_DATA, str(error))
                    refused += 1
                    continue
                accepted += 1
                # What was taken for a value is one.
                value = self.back_in(server, self.stave.dump("k"))
                self.assertIsNotNone(value)
                self.assertEqual(self.back_in(server, self.through_stave(self.stave.dump("k"))), value)
        self.assertGreater(refused, 100)
        self.assertGreater(accepted, 20)
        self.assertTrue(self.stave.ping())

    def test_fields_that_expire_keep_their_deadlines(self):
        later = int(time.time() * 1000) + 10**7
        self.stave.hset("h", mapping={"f": "v", "g": "w"})
        self.assertEqual(self.stave.execute_command("HPEXPIREAT", "h", later, "FIELDS", 1, "f"), [1])
        payload = self.stave.dump("h")
        self.stave.restore("copy", 0, payload)
        self.assertEqual(self.stave.execute_command("HPEXPIRETIME", "copy", "FIELDS", 2, "f", "g"), [later, -1])
        self.assertEqual(self.stave.dump("copy"), payload)
        # All of them expire: the key goes with the last, or when it is told to.
        self.stave.execute_command("HPEXPIREAT", "h", later + 5, "FIELDS", 1, "g")
        for ttl in (0, 5 * 10**6):
            self.stave.restore("copy", ttl, self.stave.dump("h"), replace=True)
            self.assertEqual(self.stave.execute_command("HPEXPIRETIME", "copy", "FIELDS", 2, "f", "g"), [later, later + 5])
            self.assertEqual(self.stave.pttl("copy") > 0, ttl > 0)
        # As redis-server 7.4 dumps a small one and a large one.
        def tuples(deadline):
            def text(word):
                return bytes([0x80 + len(word)]) + word + bytes([len(word) + 1])
            body = text(b"f") + text(b"v") + b"\xf4" + struct.pack("<q", deadline) + b"\x09" + text(b"g") + text(b"w") + b"\0\x01"
            return struct.pack("<IH", len(body) + 7, 6) + body + b"\xff"
        for body in (b"\x19" + struct.pack("<q", later) + string(tuples(later)),
                     b"\x18" + struct.pack("<q", later) + b"\x02\x01\x01f\x01v\x00\x01g\x01w"):
            self.stave.restore("copy", 0, sealed(body, 12), replace=True)
            self.assertEqual(self.stave.hgetall("copy"), {b"f": b"v", b"g": b"w"})
            self.assertEqual(self.stave.execute_command("HPEXPIRETIME", "copy", "FIELDS", 2, "f", "g"), [later, -1])
        # Fields whose time is up are not there, and a key of nothing else is not made.
        past = later - 2 * 10**7
        body = b"\x18" + struct.pack("<q", past) + b"\x02\x01\x01f\x01v\x00\x01g\x01w"
        self.stave.restore("copy", 0, sealed(body, 12), replace=True)
        self.assertEqual(self.stave.hgetall("copy"), {b"g": b"w"})
        self.stave.restore("copy", 0, sealed(body.replace(b"\x02\x01\x01f", b"\x01\x01\x01f")[:-5], 12), replace=True)
        self.assertEqual(self.stave.exists("copy"), 0)

    def test_snapshots_of_a_server_hold_everything_and_load_into_another(self):
        rng = random.Random(11)
        redis_server = self.redis()
        for number in range(100):
            store_in_redis(redis_server, "k", random_collection(rng))
            self.stave.restore("k%d" % number, 0, redis_server.dump("k"))
            redis_server.delete("k")
        self.stave.execute_command("PEXPIRE", "k0", 10**9, "SLIDING")
        self.stave.pexpire("k1", 10**9)
        later = int(time.time() * 1000) + 10**8
        self.stave.hset("h", mapping={"f": "v", "g": "w"})
        self.stave.execute_command("HPEXPIREAT", "h", later, "FIELDS", 2, "f", "g")
        held = {key: read_from_redis(self.stave, key) for key in self.stave.keys()}
        self.stave.execute_command("SNAPSHOT", "all.json", "JSON")
        self.stave.execute_command("SAVE")
        for name in ("all.json", "snapshot.stave"):
            with self.subTest(name=name):
                other = self.serve("--sync", "os", directory=self.directory / ("other-" + name))
                done = self.run_stave("load", str(self.directory / "data" / "snapshots" / name), "--connect", "127.0.0.1:%d" % other.port)
                self.assertEqual(done.returncode, 0, done.stderr)
                client = other.client()
                self.addCleanup(client.close)
                self.assertEqual({key: read_from_redis(client, key) for key in client.keys()}, held)
                self.assertGreater(client.pttl("k0"), 9 * 10**8)
                self.assertAlmostEqual(client.pexpiretime("k1"), self.stave.pexpiretime("k1"), delta=5)
                self.assertEqual(client.execute_command("HPEXPIRETIME", "h", "FIELDS", 1, "f"), [later])
                self.assertEqual(client.pexpiretime("h"), -1)

    def test_what_has_no_place_is_refused(self):
        for payload in (sealed(b"\x15\x00\x01"), sealed(b"\x18" + bytes(9)), sealed(b"\x06\x00"), sealed(b"\x01\x00"),
                        sealed(b"\x02\x02\x01a\x01a"), sealed(b"\x04\x02\x01a\x01b\x01a\x01c"), sealed(b"")):
            with self.assertRaisesRegex(redis.ResponseError, BAD_DATA):
                self.stave.restore("k", 0, payload)


if __name__ == "__main__":
    unittest.main()
