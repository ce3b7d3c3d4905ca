"""The past through a real server: backups while it works, a FLUSHALL undone, points restored beside an oracle.

Usage: STAVE_BIN=<path to stave> python3 past_test.py. Every server listens on a free loopback port and ends with its test.
"""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import redis

from server_test import PATIENCE, STAVE, Server

SEED = int(os.environ.get("STAVE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


def stave(*arguments, code=0):
    done = subprocess.run([STAVE, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


class PastTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="stave-past-"))
        self.addCleanup(shutil.rmtree, self.root)
        self.servers = []

    def tearDown(self):
        for server in self.servers:
            server.end()
            server.process.stderr.close()

    def serve(self, name, *arguments):
        server = Server(self.root / name, *arguments)
        self.servers.append(server)
        return server

    def contents(self, name):
        server = self.serve(name)
        client = server.client()
        keys = list(client.scan_iter(count=1000))
        values = dict(zip(keys, client.mget(keys))) if keys else {}
        server.end()
        return values

    def last_version(self, client, key):
        return client.execute_command("STAVE.HISTORY", key, "COUNT", "1")[0][1]

    def test_a_flushall_is_undone_while_the_server_runs(self):
        client = self.serve("db", "--history-bytes", "1gb").client()
        for i in range(2000):
            client.set("user:%d" % i, "value %d" % i)
        client.delete("user:7")
        client.flushall()
        client.set("fresh", "1")
        entries = client.execute_command("STAVE.HISTORY", "user:5")
        self.assertEqual([entry[5] for entry in entries], [b"flush", b"set"])
        flush = entries[0][1]
        # One key at once, in place; then everything, beside the server.
        self.assertEqual(client.execute_command("STAVE.REVERT", "user:5", "LSN", flush - 1), 1)
        self.assertEqual(client.get("user:5"), b"value 5")
        stave("restore", self.root / "db", self.root / "undone", "--to-lsn", flush)
        undone = self.contents("undone")
        self.assertEqual(undone, {b"user:%d" % i: b"value %d" % i for i in range(2000) if i != 7})
        self.assertEqual(client.dbsize(), 2)

    def test_a_backup_is_where_the_tool_says(self):
        server = self.serve("db")
        server.client().set("a", "1")
        address = "127.0.0.1:%d" % server.port
        said = stave("backup", "monday", "--connect", address)
        place = self.root / "db" / "backups" / "monday"
        self.assertTrue(said.startswith(str(place) + " holds"), said)
        self.assertIn("is whole", stave("backup", "verify", place))
        # A path means what it says, or nothing.
        self.assertIn("monday", stave("backup", "db/backups/monday", "--connect", address, code=1))
        self.assertIn(str(place) + " holds", stave("backup", place, "--connect", address))
        self.assertEqual(os.listdir(self.root / "db" / "backups"), ["monday"])

    def test_a_moment_before_the_store_was_made_is_refused(self):
        server = self.serve("db")
        server.client().set("a", "1")
        server.end()
        self.assertIn("no store yet", stave("restore", self.root / "db", self.root / "early", "--to-time", "2001-01-01T00:00:00Z", code=1))
        self.assertFalse((self.root / "early").exists())

    def test_a_backup_is_made_verified_added_to_and_restored(self):
        server = self.serve("db", "--segment-size", "64kb", "--compression", "none", "--backup-dir", str(self.root))
        client = server.client()
        backup = self.root / "backup"
        for name in ("/elsewhere", "../elsewhere", str(self.root / ".." / "elsewhere"), ""):
            with self.assertRaisesRegex(Exception, "below"):
                client.execute_command("STAVE.BACKUP", name)
        for i in range(500):
            client.set("a%d" % i, "x" * 300)
        stave("backup", backup, "--connect", "127.0.0.1:%d" % server.port)
        self.assertIn("is whole", stave("backup", "verify", backup))
        point = self.last_version(client, "a499") + 400
        for i in range(500):
            client.set("b%d" % i, "y" * 300)
        self.assertIn("of which", stave("backup", backup, "--connect", "127.0.0.1:%d" % server.port))
        client.set("later", "1")
        self.assertIn("holds something else", stave("backup", self.root / "db", "--connect", "127.0.0.1:%d" % server.port, code=1))
        stave("restore", backup, self.root / "all")
        stave("restore", backup, self.root / "half", "--to-lsn", point)
        stave("restore", backup, self.root / "log", "--log", self.root / "db")
        self.assertEqual(len(self.contents("half")), 500)
        self.assertEqual(len(self.contents("all")), 1000)
        self.assertEqual(len(self.contents("log")), 1001)
        self.assertIn("not empty", stave("restore", backup, self.root / "all", code=1))
        server.end()
        # Nobody has it now: the tool opens it itself.
        stave("backup", backup, "--dir", self.root / "db")
        stave("restore", backup, self.root / "closed")
        self.assertEqual(len(self.contents("closed")), 1001)
        segment = sorted(backup.glob("*.seg"))[1]
        bytes_ = bytearray(segment.read_bytes())
        bytes_[len(bytes_) // 2] ^= 4
        segment.unlink()  # it may be the store's own file, too
        segment.write_bytes(bytes_)
        self.assertIn(segment.name, stave("backup", "verify", backup, code=1))
        self.assertIn(segment.name, stave("restore", backup, self.root / "damaged", code=1))
        self.assertFalse((self.root / "damaged" / "STAVE").exists())

    def test_points_under_load_are_restored_as_an_oracle_saw_them(self):
        """Two threads write to keys of their own, so the versions of a key are in the order of its writes; what a key
        held at a point is its last version before it."""
        print("STAVE_SEED=%d" % SEED)
        server = self.serve("db", "--history-bytes", "1gb", "--segment-size", "64kb", "--backup-dir", str(self.root))
        stop = threading.Event()

        def write(number):
            client = server.client()
            chance = random.Random(SEED + number)
            for step in range(4000):
                if stop.is_set():
                    return
                key = "t%d:k%d" % (number, chance.randrange(50))
                if chance.random() < 0.2:
                    client.delete(key)
                else:
                    client.set(key, "%d:%s" % (step, "z" * chance.randrange(200)))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        backup = self.root / "backup"
        client = server.client()
        for _ in range(3):
            client.execute_command("STAVE.BACKUP", str(backup))
        for thread in threads:
            thread.join()
        stop.set()
        histories = {}
        for number in range(2):
            for k in range(50):
                key = "t%d:k%d" % (number, k)
                histories[key] = client.execute_command("STAVE.HISTORY", key, "COUNT", "1000000")
        points = sorted(entry[1] for entries in histories.values() for entry in entries)
        self.assertGreater(len(points), 1000)
        chance = random.Random(SEED)
        for attempt in range(4):
            point = chance.choice(points)
            expected = {}
            for key, entries in histories.items():
                for entry in entries:
                    if entry[1] < point:
                        if entry[5] == b"set":
                            expected[key.encode()] = client.execute_command("STAVE.GETAT", key, "LSN", entry[1])
                        break
            name = "point%d" % attempt
            stave("restore", backup, self.root / name, "--log", self.root / "db", "--to-lsn", point)
            self.assertEqual(self.contents(name), expected)

    def test_backups_are_made_by_themselves_and_the_oldest_give_way(self):
        server = self.serve("db", "--backup-every", "1s", "--backup-keep", "2")
        client = server.client()
        client.set("k", "v")
        status = lambda: dict(zip(*[iter(client.execute_command("STAVE.BACKUP", "STATUS"))] * 2))
        deadline = time.monotonic() + PATIENCE
        while status()[b"made"] < 4:
            self.assertLess(time.monotonic(), deadline, status())
            time.sleep(0.05)
        client.config_set("backup-every", "0")
        while status()[b"running"]:
            time.sleep(0.05)
        now = status()
        self.assertEqual((now[b"last_status"], now[b"failed"], now[b"kept"]), (b"ok", 0, 2))
        kept = sorted((self.root / "db" / "backups").iterdir())
        self.assertEqual(len(kept), 2)
        self.assertEqual(str(kept[-1]).encode(), now[b"last_directory"])
        for place in kept:
            stave("backup", "verify", place)
        made = client.info("persistence")["stave_backup_last_time"]
        server.end()
        # A start knows of them.
        self.assertEqual(self.serve("db").client().info("persistence")["stave_backup_last_time"], made)
        stave("restore", kept[-1], self.root / "new")
        self.assertEqual(self.contents("new"), {b"k": b"v"})

    def test_a_backup_goes_through_a_pipe_and_comes_back(self):
        server = self.serve("db")
        client = server.client()
        client.set("k", "v" * 100_000)
        archive = self.root / "monday.tar"
        told = stave("backup", "--pipe", "cat > '%s'" % archive, "--connect", "127.0.0.1:%d" % server.port)
        self.assertIn("has everything up to LSN", told)
        self.assertEqual(list((self.root / "db" / "backups").iterdir()), [], "nothing is left of it here")
        with archive.open("rb") as stream:
            done = subprocess.run([STAVE, "restore", "-", str(self.root / "new")], stdin=stream, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.contents("new"), {b"k": b"v" * 100_000})
        self.assertEqual(sorted(path.name for path in self.root.iterdir()), ["db", "monday.tar", "new"])
        # A reader that fails, half an archive, and none at all are told.
        told = stave("backup", "--pipe", "head -c 100 >/dev/null; exit 3", "--connect", "127.0.0.1:%d" % server.port, code=1)
        self.assertIn("exit code 3", told)
        half = archive.read_bytes()[:len(archive.read_bytes()) // 2]
        for bad in (half, b"", b"no archive" * 1000):
            done = subprocess.run([STAVE, "restore", "-", str(self.root / "bad")], input=bad, capture_output=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 1, done)
            self.assertFalse((self.root / "bad").exists())
        # What one that was killed left goes with the next, once nobody can be sending it any more.
        old, new = (self.root / "db" / "backups" / ("pipe-1-%d" % ms) for ms in (1, int(time.time() * 1000)))
        for left in (old, new):
            client.execute_command("STAVE.BACKUP", left.name)
        stave("backup", "--pipe", "cat >/dev/null", "--connect", "127.0.0.1:%d" % server.port)
        self.assertFalse(old.exists())
        self.assertTrue(new.exists())
        shutil.rmtree(new)
        server.end()
        # And of a store that no server has.
        stave("backup", "--dir", self.root / "db", "--pipe", "cat > '%s'" % archive)
        self.assertGreater(archive.stat().st_size, 1000)


if __name__ == "__main__":
    unittest.main()
