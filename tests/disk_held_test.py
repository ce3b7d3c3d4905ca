#!/usr/bin/env python3
"""A disk that takes long over a large value: only those wait for it whose answers come behind it.

Usage: STAVE_BIN=<path to stave> BAD_DISK_LIBRARY=<path to libbad_disk.so> python3 disk_held_test.py.
"""

import os
import random
import signal
import unittest

from disk_error_test import LIBRARY, Redis
from http_support import TestCase

VALUE = random.Random(1).randbytes(6_000_000)
OTHER = random.Random(2).randbytes(6_000_000)


class DiskHeld(TestCase):
    def setUp(self):
        super().setUp()
        self.hold = self.directory / "hold"
        for end in ("waits", "goes"):
            os.mkfifo(f"{self.hold}.{end}")
        # One thread: whoever holds it up holds up everybody.
        self.server = self.serve("--sync", "os", "--threads", "1",
                                 env={**os.environ, "LD_PRELOAD": LIBRARY, "HOLDWRITE": str(self.hold)})
        self.redis = self.client()
        self.assertEqual(self.redis("SET", "small", "1"), b"OK")

    def client(self):
        client = Redis(self.server.redis_port)
        self.addCleanup(client.close)
        return client

    def begin(self, ask):
        """Asks, and returns when the write of what was asked for waits for the disk."""
        self.hold.touch()
        ask()
        with open(f"{self.hold}.waits", "rb"):
            pass

    def end(self):
        with open(f"{self.hold}.goes", "wb"):
            pass

    def send(self, client, *words):
        client.socket.sendall(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word) for word in (w if isinstance(w, bytes) else w.encode() for w in words)))

    def assert_others_served(self):
        other = self.client()
        self.assertEqual(other("GET", "small"), b"1")
        behind = self.client()
        behind.send(("PING",), ("SET", "behind", "2"))
        self.assertEqual(behind.receive(), b"PONG")
        self.assertEqual(other.pipeline(("PING",), ("GET", "small"), ("EXISTS", "none")), [b"PONG", b"1", 0])
        return behind

    def test_commands_that_write_large_values_hold_up_nobody(self):
        self.send(self.redis, "SET", "before", VALUE)
        self.assertEqual(self.redis.receive(), b"OK")
        for words in (("SET", "big", VALUE), ("SET", "big", OTHER, "EX", "1000"), ("MSET", "big", VALUE, "big2", OTHER),
                      ("RENAME", "before", "big"), ("COPY", "big", "copy"), ("APPEND", "big", VALUE), ("GETSET", "big", VALUE)):
            with self.subTest(words=words[:2]):
                asking = self.client()
                self.begin(lambda words=words, asking=asking: self.send(asking, *words))
                behind = self.assert_others_served()
                self.end()
                self.assertEqual(behind.receive(), b"OK")
                self.assertNotIsInstance(asking.receive(), str)
        self.assertEqual(self.redis("GET", "big"), VALUE)
        self.server.end(signal.SIGKILL)
        self.server = self.serve("--sync", "os")
        self.redis = self.client()
        self.assertEqual(self.redis("GET", "big"), VALUE)
        self.assertEqual(self.redis("GET", "big2"), OTHER)
        self.assertEqual(self.redis("GET", "behind"), b"2")

    def test_a_large_value_over_http_holds_up_nobody(self):
        connection = self.server.connection()
        self.addCleanup(connection.close)
        self.begin(lambda: connection.request("PUT", "/db/big", VALUE, {"Content-Type": "application/octet-stream"}))
        other = self.server.connection()
        self.addCleanup(other.close)
        other.request("GET", "/get?key=small")
        self.assertEqual(other.getresponse().read(), b"1")
        behind = self.server.connection()
        self.addCleanup(behind.close)
        behind.request("PUT", "/db/behind", b"2", {"Content-Type": "application/octet-stream"})
        for _ in range(2):
            other.request("GET", "/get?key=small")
            self.assertEqual(other.getresponse().read(), b"1")
        self.end()
        self.assertIn(behind.getresponse().status, (200, 201, 204))
        self.assertIn(connection.getresponse().status, (200, 201, 204))
        self.assertEqual(self.redis("GET", "big"), VALUE)

    def test_others_read_and_change_the_key_meanwhile(self):
        self.begin(lambda: self.send(self.redis, "SET", "big", VALUE))
        reading, changing = self.client(), self.client()
        reading.send(("PING",), ("STRLEN", "big"))
        self.assertEqual(reading.receive(), b"PONG")
        changing.send(("PING",), ("DEL", "big"), ("SET", "big", "new"))
        self.assertEqual(changing.receive(), b"PONG")
        self.end()
        self.assertEqual(self.redis.receive(), b"OK")
        self.assertIn(reading.receive(), (len(VALUE), 3, 0))
        self.assertEqual([changing.receive(), changing.receive()], [1, b"OK"])
        self.assertEqual(self.redis("GET", "big"), b"new")


if __name__ == "__main__":
    unittest.main(verbosity=2)
