#!/usr/bin/env python3
"""A leader and a follower, real processes: catching up, kill -9 of either under load, taking over, hostile peers.

Usage: STAVE_BIN=<path to stave> python3 replication_test.py.
"""

import os
import random
import signal
import socket
import struct
import threading
import time
import unittest
import urllib.error
import urllib.request

import redis

from replication_support import PATIENCE, SANITIZED, GroupTest, load


class Replication(GroupTest):
    def test_a_follower_has_what_its_leader_has_and_refuses_writers(self):
        leader, follower = self.pair("--sync", "os")
        load(leader.client(), random.Random(2), 300)
        self.assert_same(leader, follower)
        client = follower.client()
        for words in (("SET", "a", "b"), ("DEL", "k1"), ("FLUSHALL",), ("XADD", "x1", "*", "a", "b"), ("LPOP", "l1"),
                      ("EVAL", "return redis.call('set', 'a', 'b')", "0")):
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "read only replica", msg=words):
                client.execute_command(*words)
        with self.assertRaises(redis.exceptions.ResponseError):
            client.pipeline(transaction=True).get("k1").set("a", "b").execute()
        request = urllib.request.Request("http://127.0.0.1:%d/db/a" % follower.http, data=b"b", method="PUT", headers={"Content-Type": "application/octet-stream"})
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=PATIENCE)
        role = client.execute_command("ROLE")
        self.assertEqual([role[0], role[1], role[2], role[3]], [b"slave", b"127.0.0.1", leader.port, b"connected"])
        role = leader.client().execute_command("ROLE")
        self.assertEqual((role[0], len(role[2]), role[2][0][1]), (b"master", 1, str(follower.port).encode()))
        info = client.info("replication")
        self.assertEqual((info["master_link_status"], info["master_sync_in_progress"], info["stave_lag_bytes"]), ("up", 0, 0))
        self.assertEqual(leader.client().info("replication")["slave0"]["state"], "online")
        self.assertEqual(self.get(follower, "/readyz")[0], 200)
        self.assertIn("stave_replication_follows 1", self.get(follower, "/metrics")[1])
        self.assertIn("stave_replication_followers 1", self.get(leader, "/metrics")[1])
        # A deadline that is past hides the key, and the leader's record removes it.
        leader.client().set("soon", "1", px=50)
        time.sleep(0.3)
        self.assertIsNone(client.get("soon"))
        # Whole databases, swapped and emptied.
        leader.client(db=3).set("there", "1")
        leader.client().swapdb(0, 3)
        self.caught_up(leader, follower)
        self.assertEqual(client.get("there"), b"1")
        leader.client().flushdb()
        self.caught_up(leader, follower)
        self.assertEqual(client.dbsize(), 0)
        # A leader that is gone: what is there is shown, and the follower is not ready for long.
        leader.end(signal.SIGKILL)
        self.assertEqual(follower.client(db=3).dbsize() > 0, True)
        client.config_set("replica-max-lag", "300")
        time.sleep(0.6)
        self.assertEqual(self.get(follower, "/readyz")[0], 503)
        self.assertEqual(client.info("replication")["master_link_status"], "down")

    def test_waiting_counts_followers(self):
        leader, follower = self.pair("--sync", "always")
        self.caught_up(leader, follower)
        client = leader.client()
        for i in range(20):
            client.set("w%d" % i, "1")
            self.assertEqual(client.execute_command("WAIT", 1, 10_000), 1)
            self.assertEqual(follower.client().get("w%d" % i), b"1")
            self.assertEqual(client.execute_command("WAITAOF", 1, 1, 10_000), [1, 1])
        begun = time.time()
        self.assertEqual(client.execute_command("WAIT", 2, 300), 1)
        self.assertGreater(time.time() - begun, 0.25)
        follower.process.send_signal(signal.SIGSTOP)
        client.set("late", "1")
        self.assertEqual(client.execute_command("WAIT", 1, 300), 0)
        follower.process.send_signal(signal.SIGCONT)
        self.assertEqual(client.execute_command("WAIT", 1, 20_000), 1)
        follower.end()
        client.set("alone", "1")
        self.assertEqual(client.execute_command("WAIT", 1, 200), 0)

    def test_kill_of_either_under_load_loses_nothing_that_was_acknowledged(self):
        leader, follower = self.pair("--sync", "os")
        stop = threading.Event()
        acknowledged = []

        def write(number):
            chance = random.Random(number)
            client = None
            count = 0
            while not stop.is_set():
                try:
                    client = client or leader.client()
                    count += 1
                    client.set("ack:%d" % number, count)
                    acknowledged.append((number, count))
                    load(client, chance, 3)
                except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
                    client = None
                    time.sleep(0.02)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        try:
            for round_number in range(3 if SANITIZED else 6):
                time.sleep(0.4)
                node = follower if round_number % 2 == 0 else leader
                node.end(signal.SIGKILL)
                if round_number == 2:
                    time.sleep(0.5)
                node.start()
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        self.assert_same(leader, follower)
        for number, count in acknowledged:
            self.assertGreaterEqual(int(follower.client().get("ack:%d" % number)), count)

    def test_a_follower_takes_over_and_the_former_leader_follows(self):
        leader, follower = self.pair("--sync", "os")
        self.assert_same(leader, follower)
        # What only the leader has: one that is only stopped may find it in its socket.
        follower.end()
        leader.client().set("nobody has this", "1")
        leader.end(signal.SIGKILL)
        follower.start()
        client = follower.client()
        self.assertEqual(client.execute_command("REPLICAOF", "NO", "ONE"), b"OK")
        self.assertEqual(client.info("replication")["role"], "master")
        client.set("new", "1")
        load(client, random.Random(5), 100)
        # The same --follow as before changes nothing about what was decided since.
        follower.end()
        follower.start()
        client = follower.client()
        self.assertEqual(client.info("replication")["role"], "master")
        leader.start()
        other = leader.client()
        self.assertEqual(other.get("nobody has this"), b"1")
        self.assertIn(b"OK", other.execute_command("REPLICAOF", "127.0.0.1", follower.port))
        self.assert_same(follower, leader)
        self.assertIsNone(leader.client().get("nobody has this"))
        self.assertTrue([name for name in os.listdir(leader.directory) if name.endswith(".cut")], "what was cut is kept")
        # And back again, after a restart.
        leader.end()
        leader.start()
        load(client, random.Random(6), 50)
        self.assert_same(follower, leader)

    def test_terms_that_a_machine_led_alone_keep_nobody_from_leading_it(self):
        leader, follower = self.pair("--sync", "os")
        self.assert_same(leader, follower)
        leader.end(signal.SIGKILL)
        self.assertEqual(follower.client().execute_command("REPLICAOF", "NO", "ONE"), b"OK")
        # Brought back by whoever restarts it, twice, before anybody tells it that it leads no more.
        for _ in range(2):
            leader.start()
            leader.client().set("nobody has this", "1")
            leader.end(signal.SIGKILL)
        leader.start()
        self.assertIn(b"OK", leader.client().execute_command("REPLICAOF", "127.0.0.1", follower.port))
        self.assert_same(follower, leader)
        self.assertIsNone(leader.client().get("nobody has this"))
        # And by mistake.
        leader.client().execute_command("REPLICAOF", "NO", "ONE")
        self.assertIn(b"OK", leader.client().execute_command("REPLICAOF", "127.0.0.1", follower.port))
        follower.client().set("still", "here")
        self.assert_same(follower, leader)

    def test_a_follower_catches_up_on_a_log_that_was_cleaned(self):
        leader, follower = self.pair("--sync", "os", "--checkpoint-bytes", "1mb")
        client = leader.client()
        for _ in range(6):
            follower.end()
            for i in range(2000):
                client.set("again%d" % (i % 50), random.randbytes(2000))
            client.execute_command("STAVE.CLEAN", "WAIT")
            follower.start()
            self.caught_up(leader, follower)
            self.assertIsNone(follower.process.poll())
        self.assert_same(leader, follower)

    def test_a_follower_whose_user_goes_is_let_go(self):
        leader = self.node("leader", "--sync", "os")
        admin = leader.client()
        admin.execute_command("ACL", "SETUSER", "copier", "on", ">pw", "+stave.follow", "+ping")
        follower = self.node("follower", "--follow", leader.address, "--masteruser", "copier", "--masterauth", "pw")
        admin.set("before", "1")
        self.caught_up(leader, follower)
        self.assertEqual(admin.info("replication")["connected_slaves"], 1)
        admin.execute_command("ACL", "DELUSER", "copier")
        deadline = time.time() + PATIENCE
        while admin.info("replication")["connected_slaves"] != 0:
            self.assertLess(time.time(), deadline)
            time.sleep(0.05)
        admin.set("after", "1")
        time.sleep(0.5)
        self.assertIsNone(follower.client().get("after"))

    def test_a_store_of_its_own_is_not_given_up(self):
        leader = self.node("leader")
        other = self.node("other")
        other.client().set("mine", "1")
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "data of its own"):
            other.client().execute_command("REPLICAOF", "127.0.0.1", leader.port)
        self.assertEqual(other.client().set("mine", "2"), True)
        other.client().flushall()
        leader.client().set("theirs", "1")
        other.client().execute_command("REPLICAOF", "127.0.0.1", leader.port)
        self.assert_same(leader, other)

    def test_strangers(self):
        leader = self.node("leader", "--requirepass", "secret")
        client = leader.client(password="secret")
        client.set("a", "1")
        client.execute_command("ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@read")

        def connect(*words):
            stream = socket.create_connection(("127.0.0.1", leader.port), timeout=PATIENCE)
            for call in words:
                stream.sendall(b"*%d\r\n" % len(call) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in call))
                line = stream.recv(200)
            self.addCleanup(stream.close)
            return stream, line

        self.assertTrue(connect(("STAVE.FOLLOW", "1"))[1].startswith(b"-NOAUTH"))
        self.assertTrue(connect(("AUTH", "reader", "pw"), ("STAVE.FOLLOW", "1"))[1].startswith(b"-NOPERM"))
        self.assertTrue(connect(("AUTH", "secret"), ("STAVE.FOLLOW", "2"))[1].startswith(b"-ERR"))
        before = client.info("memory")["used_memory"]
        chance = random.Random(3)
        for round_number in range(8):
            stream, line = connect(("AUTH", "secret"), ("STAVE.FOLLOW", "1"))
            self.assertEqual(line, b"+CONTINUE\r\n")
            header = bytearray(64)
            struct.pack_into("<IBBHIIQQQQ", header, 0, 0x31465253, 1, 0, 0, 0xFFFFFFFF, 0, 1 << 60, 1 << 60, 1 << 60, 1 << 60)
            stream.sendall(bytes(header) if round_number % 2 else chance.randbytes(chance.randrange(1, 5000)))
            if round_number % 4 == 0:
                stream.close()
                continue
            stream.settimeout(20)
            got = b""
            try:
                while True:
                    piece = stream.recv(4096)
                    if not piece:
                        break
                    got += piece
            except ConnectionResetError:
                pass
            except socket.timeout:
                pass
            self.assertNotIn(b"\x04\x00", got[4:6])
            stream.close()
        self.assertEqual(client.get("a"), b"1")
        self.assertLess(client.info("memory")["used_memory"] - before, 4 << 20)
        follower = self.node("follower", "--follow", leader.address, "--masterauth", "secret")
        for _ in range(200):
            if follower.client().get("a") == b"1":
                break
            time.sleep(0.05)
        self.assertEqual(follower.client().get("a"), b"1")


if __name__ == "__main__":
    unittest.main()
