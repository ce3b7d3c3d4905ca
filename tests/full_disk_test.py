"""A disk that is really full: a small ext4 on a loop device. Reads go on, deletes and cleaning work, writes resume.

Usage: STAVE_BIN=<path to stave> python3 full_disk_test.py. Needs the right to mount, and is skipped without. STAVE_FULL_DISKS: how
many disks are filled [5].
"""

import os
import random
import signal
import subprocess
import unittest

import redis

from http_support import PATIENCE, Server, TestCase

DISKS = int(os.environ.get("STAVE_FULL_DISKS", "5"))
DISK_BYTES = 40 << 20


class FullDisk(TestCase):
    def mount(self, name):
        image, place = self.directory / (name + ".img"), self.directory / name
        place.mkdir()
        with open(image, "wb") as file:
            file.truncate(DISK_BYTES)
        try:
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True, capture_output=True)
            subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            self.skipTest("cannot mount a file system here: %s %s" % (problem, getattr(problem, "stderr", b"")))
        self.addCleanup(subprocess.run, ["umount", "-l", str(place)], check=True)
        return place

    def start(self, place):
        self.server = Server(place / "data", "--sync", "always", "--segment-size", "1mb", "--disk-reserve", "2mb",
                             "--max-space-amplification", "0")
        self.addCleanup(lambda server: server.process.poll() is None and server.end(signal.SIGKILL), self.server)
        return redis.Redis(port=self.server.redis_port, socket_timeout=PATIENCE)

    def expect_full(self, client):
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "MISCONF"):
            client.set("small", "x")
        self.assertEqual(client.info("persistence")["stave_disk_full"], 1)
        self.assertEqual(client.info("persistence")["stave_read_only"], 0)
        self.assertEqual(self.expect(self.server, 503, "GET", "/readyz").json()["reason"], "disk_full")

    def expect_room(self, client):
        client.set("small", "x")
        self.assertEqual(client.info("persistence")["stave_disk_full"], 0)
        self.expect(self.server, 200, "GET", "/readyz")

    def fill(self, client, generator):
        """Writes until the disk is full; what was acknowledged."""
        held = {}
        for i in range(1 << 20):
            key, value = "key:%d" % i, generator.randbytes(generator.choice((100, 4000, 40000)))
            try:
                client.set(key, value)
            except redis.exceptions.ResponseError as refused:
                self.assertIn("MISCONF", str(refused))
                return held
            held[key] = value
        raise AssertionError("the disk is never full")

    def expect_held(self, client, held):
        for key, value in held.items():
            self.assertEqual(client.get(key), value, key)

    def live_on_a_full_disk(self, number):
        generator = random.Random(number)
        place = self.mount("disk%d" % number)
        client = self.start(place)
        held = self.fill(client, generator)
        self.expect_full(client)
        self.expect_held(client, held)
        if number % 2 == 0:
            # Somebody else takes what is left, to the last byte.
            with open(place / "ballast", "wb", buffering=0) as ballast:
                for block in (1 << 20, 4096):
                    try:
                        while ballast.write(bytes(block)) == block:
                            pass
                    except OSError:
                        pass
        # The end of the process changes nothing; and after it the disk is known to be full before anybody writes.
        self.server.end(generator.choice((signal.SIGKILL, signal.SIGTERM)))
        client = self.start(place)
        if number % 2 == 0:
            self.expect_full(client)
        self.expect_held(client, held)
        if number % 2 == 0:
            (place / "ballast").unlink()
        if number % 3 == 0:
            client.flushall()
            held = {}
        else:
            for key in generator.sample(sorted(held), len(held) * 3 // 4):
                self.assertEqual(client.delete(key), 1)
                del held[key]
        client.execute_command("STAVE.CLEAN", "WAIT")
        self.expect_room(client)
        self.expect_held(client, held)
        del client
        self.server.end(signal.SIGKILL)
        client = self.start(place)
        self.expect_held(client, held)
        self.assertEqual(client.dbsize(), len(held) + 1)
        self.assertEqual(self.server.end(), 0)

    def test_reads_go_on_and_writes_resume(self):
        for number in range(1, DISKS + 1):
            with self.subTest(disk=number):
                self.live_on_a_full_disk(number)

    # Not a byte is free, and what makes room has its own all the same.
    def test_deletes_and_cleaning_need_nothing_that_is_free(self):
        place = self.mount("brim")
        client = self.start(place)
        held = self.fill(client, random.Random(0))
        with open(place / "ballast", "wb", buffering=0) as ballast:
            try:
                while ballast.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        self.expect_full(client)
        self.assertEqual(client.delete(*sorted(held)[:500]), min(500, len(held)))
        client.flushall()
        client.execute_command("STAVE.CLEAN", "WAIT")
        self.expect_room(client)
        self.assertEqual(self.server.end(), 0)


if __name__ == "__main__":
    unittest.main()
