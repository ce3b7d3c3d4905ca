#!/usr/bin/env python3
"""Answers that wait for followers, handing over, followers of followers, TLS between them: real processes.

Usage: STAVE_BIN=<path to stave> python3 replication_durability_test.py.
"""

import os
import random
import signal
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request

import redis

from replication_support import PATIENCE, SANITIZED, GroupTest, free_port, load


class Asking(threading.Thread):
    """One call, of which it can be said whether it was answered."""

    def __init__(self, node, *words):
        super().__init__()
        self.node, self.words = node, words
        self.answer = self.error = None
        self.start()

    def run(self):
        try:
            self.answer = self.node.client().execute_command(*self.words)
        except redis.exceptions.RedisError as error:
            self.error = error


class Durability(GroupTest):
    def eventually(self, what, why=""):
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            try:
                if what():
                    return
            except redis.exceptions.ConnectionError:
                pass
            time.sleep(0.02)
        self.fail(why or "it never came true")

    def put(self, node, path, expected):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (node.http, path), data=b"v", method="PUT", headers={"Content-Type": "application/octet-stream"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        self.assertEqual(status, expected)

    def test_without_followers_nothing_is_written_that_is_to_reach_them(self):
        leader = self.node("leader")
        client = leader.client()
        client.set("before", "1")
        client.config_set("min-replicas-durable", "1")
        for words in (("SET", "a", "b"), ("DEL", "before"), ("LPUSH", "l", "a"), ("EVAL", "return redis.call('set', 'a', 'b')", "0")):
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "NOREPLICAS|Not enough good replicas", msg=words):
                client.execute_command(*words)
        with self.assertRaises(redis.exceptions.ResponseError):
            client.pipeline(transaction=True).set("a", "b").execute()
        # Queued while it was allowed.
        client.config_set("min-replicas-durable", "0")
        pipeline = client.connection_pool.get_connection("MULTI")
        for words, answer in ((("MULTI",), b"OK"), (("SET", "a", "b"), b"QUEUED")):
            pipeline.send_command(*words)
            self.assertEqual(pipeline.read_response(), answer)
        client.config_set("min-replicas-durable", "1")
        pipeline.send_command("EXEC")
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "Not enough good replicas"):
            pipeline.read_response()
        self.put(leader, "/db/a", 503)
        self.assertEqual(client.exists("a"), 0)
        client.config_set("min-replicas-durable", "0")
        self.assertEqual(client.get("before"), b"1")
        self.assertIsNone(client.get("a"))
        # Only for this session, and only for this write.
        self.assertEqual(client.execute_command("STAVE.SYNC", "REPLICAS", "1"), b"OK")
        self.assertEqual(client.execute_command("STAVE.SYNC"), b"default replicas:1")
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "Not enough good replicas"):
            client.set("a", "b")
        leader.client().set("c", "d")
        self.put(leader, "/db/a?durability=replicas:1", 503)
        self.put(leader, "/db/a?durability=replicas:0", 400)
        self.put(leader, "/db/e?durability=os", 201)
        # As Redis knows it: they have to be there, and are not waited for.
        client = leader.client()
        client.config_set("min-replicas-to-write", "1")
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "Not enough good replicas"):
            client.set("a", "b")

    def test_answers_wait_for_followers_and_others_do_not_wait_with_them(self):
        leader, follower = self.pair()
        self.caught_up(leader, follower)
        client = leader.client()
        client.set("old", "1")
        client.config_set("min-replicas-durable", "1")
        client.config_set("min-replicas-timeout", "0")
        for i in range(50):
            client.set("k", i)
            self.assertEqual(follower.client().get("k"), b"%d" % i)
        self.put(leader, "/db/h", 201)
        follower.process.send_signal(signal.SIGSTOP)
        try:
            writer = Asking(leader, "SET", "k", "new")
            self.eventually(lambda: int(leader.client().info("replication")["slave0"]["lag_bytes"]) > 0)
            reader = Asking(leader, "GET", "k")
            # Neither is answered, and nobody else waits.
            for _ in range(20):
                self.assertEqual(leader.client().get("old"), b"1")
                time.sleep(0.01)
            self.assertIsNone(writer.answer)
            self.assertIsNone(reader.answer)
        finally:
            follower.process.send_signal(signal.SIGCONT)
        writer.join(PATIENCE)
        reader.join(PATIENCE)
        self.assertTrue(writer.answer)
        self.assertEqual(reader.answer, b"new")
        # What nobody can wait for any longer becomes an error; what it did stays.
        client.config_set("min-replicas-timeout", "300")
        follower.process.send_signal(signal.SIGSTOP)
        try:
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "Followers did not say in time"):
                client.set("k", "unsure")
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "Followers did not say in time"):
                client.get("k")
            self.put(leader, "/db/h", 504)
        finally:
            follower.process.send_signal(signal.SIGCONT)
        self.eventually(lambda: follower.client().get("k") == b"unsure")
        self.eventually(lambda: self.answered(client, "k") == b"unsure")
        # A session may ask for more than the store does.
        client.config_set("min-replicas-durable", "0")
        client.execute_command("STAVE.SYNC", "REPLICAS", "1")
        client.set("s", "1")
        self.assertEqual(follower.client().get("s"), b"1")
        self.put(leader, "/db/h2?durability=replicas:1", 201)
        self.assertEqual(follower.client().get("h2"), b"v")

    def answered(self, client, key):
        try:
            return client.get(key)
        except redis.exceptions.ResponseError:
            return None

    def test_waiting_takes_its_time(self):
        leader = self.node("leader")
        client = leader.client()
        client.set("a", "1")
        begun = time.time()
        self.assertEqual(client.execute_command("WAIT", 1, 300), 0)
        self.assertGreater(time.time() - begun, 0.25)
        self.assertEqual(client.execute_command("WAIT", 0, 0), 0)
        self.assertEqual(client.execute_command("WAITAOF", 1, 0, 0), [1, 0])
        waiting = Asking(leader, "WAIT", 1, PATIENCE * 1000)
        follower = self.node("follower", "--follow", leader.address)
        waiting.join(PATIENCE)
        self.assertEqual(waiting.answer, 1)
        # The last one leaves: who waits goes on waiting.
        self.caught_up(leader, follower)
        follower.process.send_signal(signal.SIGSTOP)
        client.set("c", "1")
        waiting = threading.Thread(target=lambda: counts.append(client.execute_command("WAIT", 1, PATIENCE * 1000)))
        counts = []
        waiting.start()
        follower.end(signal.SIGKILL)
        self.eventually(lambda: leader.client().info("replication")["connected_slaves"] == 0)
        self.assertEqual(counts, [])
        follower.start()
        waiting.join(PATIENCE)
        self.assertEqual(counts, [1])
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "WAIT cannot be used with replica instances"):
            follower.client().execute_command("WAIT", 0, 0)
        # It does not clean.
        for words in (("STAVE.CLEAN",), ("BGREWRITEAOF",)):
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "follows another one", msg=words):
                follower.client().execute_command(*words)

    def test_handing_over_loses_nothing(self):
        first, second = self.pair("--sync", "os")
        self.caught_up(first, second)
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "is not a replica"):
            first.client().execute_command("FAILOVER", "TO", "127.0.0.1", 1)
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "No failover in progress"):
            first.client().execute_command("FAILOVER", "ABORT")
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "requires both a timeout and target"):
            first.client().execute_command("FAILOVER", "TO", "127.0.0.1", second.port, "FORCE")
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "not valid when server is a replica"):
            second.client().execute_command("FAILOVER")
        nodes = [first, second]
        stop = threading.Event()
        acknowledged = {}

        def write(number):
            count = 0
            while not stop.is_set():
                for node in nodes:
                    try:
                        client = node.client()
                        while not stop.is_set():
                            count += 1
                            client.set("n%d" % number, count)
                            acknowledged[number] = count
                    except redis.exceptions.RedisError:
                        pass

        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(2 if SANITIZED else 4):
                leader, follower = nodes
                self.eventually(lambda: leader.client().info("replication")["connected_slaves"] == 1)
                time.sleep(0.2)
                self.assertEqual(leader.client().execute_command("FAILOVER"), b"OK")
                self.eventually(lambda: follower.client().info("replication")["role"] == "master", "".join(leader.lines[-20:]))
                self.eventually(lambda: leader.client().info("replication")["role"] == "slave", "".join(leader.lines[-20:]))
                nodes.reverse()
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        self.assert_same(*nodes)
        for number, count in acknowledged.items():
            self.assertGreaterEqual(int(nodes[0].client().get("n%d" % number)), count)

    def test_who_leads_again_cleans_what_the_other_left(self):
        nodes = list(self.pair("--sync", "os"))
        self.caught_up(*nodes)
        kept = {}
        for turn in range(3 if SANITIZED else 7):
            leader, follower = nodes
            client = leader.client()
            for i in range(300):
                key = b"kept%d_%d" % (turn, i)
                kept[key] = random.randbytes(2000)
                client.set(key, kept[key])
            for i in range(600):
                client.set("churn%d" % (i % 100), random.randbytes(2000))
            self.eventually(lambda: leader.client().info("replication")["connected_slaves"] == 1)
            self.assertEqual(leader.client().execute_command("FAILOVER"), b"OK")
            self.eventually(lambda: follower.client().info("replication")["role"] == "master", "".join(leader.lines[-20:]))
            self.eventually(lambda: leader.client().info("replication")["role"] == "slave", "".join(leader.lines[-20:]))
            nodes.reverse()
            self.eventually(lambda: nodes[0].client().info("replication")["connected_slaves"] == 1)
            nodes[0].client().execute_command("STAVE.CLEAN", "WAIT")
            for node in nodes:
                node.client().execute_command("STAVE.CHECKPOINT")
        self.assert_same(*nodes)
        for node in nodes:
            node.end(signal.SIGKILL)
        nodes[0].start()
        for key, value in kept.items():
            self.assertEqual(nodes[0].client().get(key), value, key)

    def test_who_cleaned_behind_the_cut_begins_anew(self):
        self.clean_behind_the_cut(1)

    def test_who_has_nothing_of_before_the_cut_begins_anew(self):
        self.clean_behind_the_cut(4)

    def clean_behind_the_cut(self, rounds):
        leader, follower = self.pair("--sync", "os")
        client = leader.client()
        for _ in range(4):
            for i in range(1000):
                client.set("k%d" % i, random.randbytes(1500))
        self.caught_up(leader, follower)
        self.assertEqual(client.execute_command("WAITAOF", 1, 1, 30000), [1, 1])
        follower.end(signal.SIGKILL)
        for _ in range(rounds):
            client.execute_command("STAVE.CLEAN", "WAIT")
            for i in range(1000 if rounds > 1 else 0):
                client.set("k%d" % i, random.randbytes(1500))
        client.set("nobody has this", "1")
        leader.end(signal.SIGKILL)
        follower.start()
        follower.client().execute_command("REPLICAOF", "NO", "ONE")
        follower.client().set("new", "1")
        leader.start("--follow", "127.0.0.1:%d" % follower.port)
        self.assert_same(follower, leader)
        self.assertIsNone(leader.client().get("nobody has this"))
        self.assertEqual(leader.client().get("new"), b"1")
        self.assertTrue([name for name in os.listdir(leader.directory) if name.endswith(".cut")], "what was cut is kept")

    def test_handing_over_is_given_up_in_time(self):
        leader, follower = self.pair("--sync", "os")
        self.caught_up(leader, follower)
        client = leader.client()
        follower.process.send_signal(signal.SIGSTOP)
        try:
            client.set("a", "1")
            self.assertEqual(client.execute_command("FAILOVER", "TIMEOUT", "300"), b"OK")
            self.assertEqual(client.info("replication")["master_failover_state"], "waiting-for-sync")
            self.eventually(lambda: client.info("replication")["master_failover_state"] == "no-failover")
            client.set("a", "2")
            self.assertEqual(client.execute_command("FAILOVER"), b"OK")
            writer = Asking(leader, "SET", "a", "3")
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "already in progress"):
                client.execute_command("FAILOVER")
            self.assertEqual(client.execute_command("FAILOVER", "ABORT"), b"OK")
            writer.join(PATIENCE)
            self.eventually(lambda: client.info("replication")["master_failover_state"] == "no-failover")
        finally:
            follower.process.send_signal(signal.SIGCONT)
        client.set("a", "4")
        self.assert_same(leader, follower)
        self.assertEqual(client.info("replication")["role"], "master")

    def test_a_follower_feeds_others(self):
        first, second = self.pair("--sync", "os")
        third = self.node("third", "--sync", "os", "--follow", second.address)
        load(first.client(), random.Random(3), 200)
        self.assert_same(first, second)
        self.assert_same(second, third)
        self.assertEqual(second.client().info("replication")["connected_slaves"], 1)
        self.assertEqual(first.client().info("replication")["stave_term"], third.client().info("replication")["stave_term"])
        # The middle one restarts, and then leads.
        second.end(signal.SIGKILL)
        load(first.client(), random.Random(4), 50)
        second.start()
        self.assert_same(first, second)
        self.assert_same(second, third)
        first.end(signal.SIGKILL)
        second.client().execute_command("REPLICAOF", "NO", "ONE")
        load(second.client(), random.Random(5), 50)
        self.assert_same(second, third)
        self.assertEqual(second.client().info("replication")["stave_term"], third.client().info("replication")["stave_term"])
        first.start()
        first.client().execute_command("REPLICAOF", "127.0.0.1", third.port)
        self.assert_same(third, first)
        # Nobody follows who follows him.
        with self.subTest("a circle"):
            second.client().execute_command("REPLICAOF", "127.0.0.1", third.port)
            self.eventually(lambda: "follows the one that asks" in second.client().info("replication").get("stave_trouble", "") or
                            "follows the one that asks" in "".join(second.lines))

    def test_followers_speak_tls(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.directory)

        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=ca")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "node.key", "-out", "node.csr", "-subj", "/CN=node")
        openssl("x509", "-req", "-in", "node.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out", "node.crt", "-days", "2")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-out", "other.crt", "-days", "2", "-subj", "/CN=other")
        at = lambda name: str(self.directory / name)
        port = free_port()
        tls = ("--tls-cert-file", at("node.crt"), "--tls-key-file", at("node.key"))
        leader = self.node("leader", "--sync", "os", "--tls-port", str(port), *tls, "--tls-ca-cert-file", at("ca.crt"), "--requirepass", "pw")
        leader.client = lambda **options: redis.Redis(port=leader.port, password="pw", socket_timeout=PATIENCE, **options)
        load(leader.client(), random.Random(1), 100)
        follower = self.node("follower", "--sync", "os", "--follow", "127.0.0.1:%d" % port, "--tls-replication", "yes", *tls,
                             "--tls-ca-cert-file", at("ca.crt"), "--masterauth", "pw")
        self.assert_same(leader, follower)
        load(leader.client(), random.Random(2), 100)
        self.assert_same(leader, follower)
        # A leader that nobody vouches for is not followed.
        follower.end()
        follower.arguments = tuple(at("other.crt") if word == at("ca.crt") else word for word in follower.arguments)
        follower.start()
        self.eventually(lambda: follower.client().info("replication")["master_link_status"] == "down" and
                        "does not follow" in "".join(follower.lines))

    def test_what_n_followers_have_survives_the_loss_of_any_node(self):
        """Three nodes, one of them killed at a time, the one that has most leads: nothing acknowledged is lost."""
        options = ("--min-replicas-durable", "1", "--min-replicas-timeout", "0", "--segment-size", "1mb")
        nodes = [self.node("n0", *options)]
        nodes += [self.node("n%d" % i, *options, "--follow", nodes[0].address) for i in (1, 2)]
        leader = [nodes[0]]
        stop = threading.Event()
        acknowledged = {}
        shown = {}

        def write(number):
            count = 0
            while not stop.is_set():
                try:
                    client = redis.Redis(port=leader[0].port, socket_timeout=2)
                    while not stop.is_set():
                        count += 1
                        client.set("n%d" % number, count)
                        acknowledged[number] = count
                        client.rpush("list%d" % number, count)
                except redis.exceptions.RedisError:
                    time.sleep(0.01)

        def read():
            while not stop.is_set():
                try:
                    client = redis.Redis(port=leader[0].port, socket_timeout=2)
                    while not stop.is_set():
                        for number in range(3):
                            value = client.get("n%d" % number)
                            if value is not None:
                                shown[number] = max(shown.get(number, 0), int(value))
                except redis.exceptions.RedisError:
                    time.sleep(0.01)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(3)] + [threading.Thread(target=read)]
        self.eventually(lambda: nodes[0].client().info("replication")["connected_slaves"] == 2)
        for thread in threads:
            thread.start()
        chance = random.Random(9)
        failovers = 0
        try:
            for _ in range(3 if SANITIZED else 8):
                time.sleep(0.3 + 0.5 * chance.random())
                victim = leader[0] if chance.random() < 0.7 else chance.choice([n for n in nodes if n is not leader[0]])
                victim.end(signal.SIGKILL)
                if victim is leader[0]:
                    rest = [node for node in nodes if node is not victim]

                    def most(node):
                        info = node.client().info("replication")
                        return int(info["stave_term"]), int(info["master_repl_offset"])

                    rest.sort(key=most, reverse=True)
                    rest[0].client().execute_command("REPLICAOF", "NO", "ONE")
                    rest[1].client().execute_command("REPLICAOF", "127.0.0.1", rest[0].port)
                    leader[0] = rest[0]
                    failovers += 1
                    for number, count in list(acknowledged.items()):
                        self.assertGreaterEqual(self.value(rest[0], "n%d" % number), count)
                    for number, count in list(shown.items()):
                        self.assertGreaterEqual(self.value(rest[0], "n%d" % number), count)
                    victim.start()
                    victim.client().execute_command("REPLICAOF", "127.0.0.1", rest[0].port)
                else:
                    victim.start()
                self.eventually(lambda: leader[0].client().info("replication")["connected_slaves"] == 2,
                                "\n".join("".join(node.lines[-10:]) for node in nodes))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertGreater(failovers, 0)
        for number, count in acknowledged.items():
            self.assertGreaterEqual(self.value(leader[0], "n%d" % number), count)
        for node in nodes:
            if node is not leader[0]:
                self.assert_same(leader[0], node)

    def value(self, node, key):
        """Which may have to wait for a follower to come."""
        found = []
        self.eventually(lambda: found.append(int(redis.Redis(port=node.port, socket_timeout=PATIENCE).get(key) or 0)) or True)
        return found[0]


if __name__ == "__main__":
    unittest.main()
