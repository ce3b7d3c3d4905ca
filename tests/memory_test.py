"""maxmemory: what is accounted holds, and accounts for the process, while many times as much is loaded and read.

Usage: STAVE_BIN=<path to stave> python3 memory_test.py [megabytes [kind [times]]]. Without arguments: the tests, at 64 MB. With:
one campaign and its figures, kind being a size of values in bytes or `mix` (100 B to 100 KB).
"""

import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time
import unittest

from server_test import SANITIZED, Server, command

MB = 1 << 20
CONNECTIONS = 4
HELD = 1.05  # the accounted figure keeps to the limit this well
ACCOUNTED = 0.95  # of what the process grew by
SEED = int(os.environ.get("STAVE_SEED", "2026"))
BYTES = random.Random(1).randbytes(2 * MB)  # nothing packs them
MIX = [100, 100, 1000, 100, 300, 100, 1000, 100, 2000, 100]


def size_of(kind, number):
    if kind != "mix":
        return int(kind)
    return 100_000 if number % 100 == 0 else MIX[number % 10]


def value_of(kind, number):
    begin = number * 7919 % MB
    return BYTES[begin:begin + size_of(kind, number)]


def key_of(number):
    return b"key:%012d" % number


class Campaign:
    """One server with a limit, and some connections that keep it busy."""

    def __init__(self, directory, megabytes, kind, times):
        self.kind = kind
        self.limit = megabytes * MB
        self.server = Server(directory, "--sync", "os", "--maxmemory", "%dmb" % megabytes)
        self.sockets = [self.server.socket() for _ in range(CONNECTIONS)]
        self.files = [connection.makefile("rb", 1 << 20) for connection in self.sockets]
        self.client = self.server.client()
        self.used()
        self.at_first = self.taken()
        self.wanted = times * self.limit
        self.count = 0
        self.figures = []

    def end(self):
        for closing in (*self.files, *self.sockets, self.client):
            closing.close()
        self.server.end()

    def taken(self):
        """Bytes that are the process's own, the log's ring (mapped twice) counted once."""
        text = pathlib.Path("/proc/%d/smaps_rollup" % self.server.process.pid).read_text()
        return 1024 * sum(int(n) for n in re.findall(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", text, re.M))

    def used(self):
        return self.client.info("memory")["used_memory"]

    def measure(self, when):
        """(accounted / limit, accounted / grown), once what came and went is settled."""
        for _ in range(20):
            used, grown = self.used(), self.taken() - self.at_first
            if used <= HELD * self.limit and used >= ACCOUNTED * grown:
                break
            time.sleep(0.25)
        self.figures.append((when, used / self.limit, used / max(grown, 1)))

    def load(self):
        loaded = 0
        for part in range(1, 5):
            while loaded < self.wanted * part / 4:
                sent = []
                for connection in self.sockets:
                    begin, size = self.count, 0
                    pieces = []
                    while size < MB // 4 and len(pieces) < 500:
                        value = value_of(self.kind, self.count)
                        pieces.append(command(b"SET", key_of(self.count), value))
                        self.count += 1
                        size += len(value)
                    connection.sendall(b"".join(pieces))
                    sent.append(self.count - begin)
                    loaded += size
                for answers, count in zip(self.files, sent):
                    expected = b"+OK\r\n" * count
                    if (got := answers.read(len(expected))) != expected:
                        raise AssertionError("SET was answered %r" % got[:200])
            self.measure("loaded %d/4" % part)

    def read(self, how, bytes_wanted):
        chance = random.Random(SEED)
        done = 0
        while done < bytes_wanted:
            asked = []
            for connection in self.sockets:
                # The skewed one: 8 in 10 reads go to the first 3 in 100 keys or so.
                numbers = [int(self.count * chance.random() ** (1 if how == "uniform" else 16)) for _ in range(100)]
                connection.sendall(b"".join(command(b"GET", key_of(number)) for number in numbers))
                asked.append(numbers)
            for answers, numbers in zip(self.files, asked):
                for number in numbers:
                    value = value_of(self.kind, number)
                    expected = b"$%d\r\n%s\r\n" % (len(value), value)
                    if (got := answers.read(len(expected))) != expected:
                        raise AssertionError("GET of %d was answered %r" % (number, got[:200]))
                    done += len(value)
        self.measure("read, " + how)

    def run(self):
        self.load()
        self.read("uniform", self.limit)
        self.read("skewed", self.limit)
        return self.figures


def campaign(megabytes, kind, times):
    directory = tempfile.mkdtemp(prefix="stave-memory-")
    try:
        running = Campaign(pathlib.Path(directory) / "data", megabytes, kind, times)
        try:
            return running.run()
        finally:
            running.end()
    finally:
        shutil.rmtree(directory, True)


@unittest.skipIf(SANITIZED, "a sanitizer's own memory is not the server's")
class Bounds(unittest.TestCase):
    def holds(self, kind, times):
        for when, held, accounted in campaign(64, kind, times):
            with self.subTest(kind=kind, when=when, seed=SEED):
                self.assertLessEqual(held, HELD)
                self.assertGreaterEqual(accounted, ACCOUNTED)

    def test_values_of_a_thousand_bytes_ten_times_the_limit(self):
        self.holds("1000", 10)

    def test_values_of_all_sizes_ten_times_the_limit(self):
        self.holds("mix", 10)

    def test_values_of_a_hundred_bytes_as_many_as_there_is_room_for_keys(self):
        # Keys stay in memory: of these, 10x the limit would be keys beyond it.
        self.holds("100", 1)


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        arguments = sys.argv[1:] + ["1000", "10"][len(sys.argv) - 2:]
        for name, part_of_limit, part_of_growth in campaign(int(arguments[0]), arguments[1], float(arguments[2])):
            print("%-14s accounted / limit %.3f, accounted / grown %.3f" % (name, part_of_limit, part_of_growth), flush=True)
    else:
        unittest.main()
