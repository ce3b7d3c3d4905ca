#!/usr/bin/env python3
"""Redis' Sentinel watches a group of three servers and fails it over, while clients made for Sentinel write.

Usage: STAVE_BIN=<path to stave> python3 sentinel_test.py. Skipped where there is no redis-server, which is Sentinel, too.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
import unittest

import redis
import redis.sentinel

from replication_support import PATIENCE, SANITIZED, GroupTest, free_port

NAME = "mymaster"
REDIS = shutil.which("redis-server")
DOWN_MS = 3000 if SANITIZED else 1000


@unittest.skipUnless(REDIS, "there is no redis-server")
class Sentinels(GroupTest):
    def setUp(self):
        super().setUp()
        self.watchers = []
        options = ("--min-replicas-durable", "1", "--segment-size", "1mb")
        self.group = [self.node("n0", *options)]
        self.group += [self.node("n%d" % i, *options, "--follow", self.group[0].address) for i in (1, 2)]
        self.eventually(lambda: self.group[0].client().info("replication")["connected_slaves"] == 2)

    def tearDown(self):
        for process, _ in self.watchers:
            process.kill()
            process.wait(PATIENCE)
        super().tearDown()

    def eventually(self, what):
        deadline = time.time() + 2 * PATIENCE
        last = None
        while time.time() < deadline:
            try:
                if what():
                    return
            except redis.exceptions.RedisError as error:
                last = error
            time.sleep(0.05)
        self.fail("it never came true (%s)\n%s" % (last, "\n".join("".join(node.lines[-15:]) for node in self.nodes)))

    def watch(self, count=3):
        for i in range(count):
            port = free_port()
            directory = self.directory / ("watcher%d" % i)
            os.mkdir(directory)
            path = directory / "sentinel.conf"
            path.write_text("port %d\nbind 127.0.0.1\ndir %s\nlogfile %s\n" % (port, directory, directory / "log") +
                            "sentinel monitor %s 127.0.0.1 %d 2\n" % (NAME, self.group[0].port) +
                            "sentinel down-after-milliseconds %s %d\n" % (NAME, DOWN_MS) +
                            "sentinel failover-timeout %s 6000\nsentinel parallel-syncs %s 2\n" % (NAME, NAME))
            process = subprocess.Popen([REDIS, str(path), "--sentinel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.watchers.append((process, port))

    def settled(self):
        """The watchers agree on a leader, and both others follow it."""
        leaders = set()
        for _, port in self.watchers:
            watcher = redis.Redis(port=port, socket_timeout=PATIENCE)
            leaders.add(watcher.sentinel_get_master_addr_by_name(NAME))
            state = watcher.sentinel_master(NAME)
            replicas = watcher.sentinel_slaves(NAME)
            good = [one for one in replicas if not one["is_sdown"] and not one["is_disconnected"] and one["master-link-status"] == "ok"]
            if state["num-other-sentinels"] != len(self.watchers) - 1 or state["is_sdown"] or len(good) != 2:
                return False
        if len(leaders) != 1:
            return False
        port = leaders.pop()[1]
        leader = next(node for node in self.group if node.port == port)
        return leader.client().info("replication")["role"] == "master" and leader.client().info("replication")["connected_slaves"] == 2

    def leader(self):
        port = redis.Redis(port=self.watchers[0][1], socket_timeout=PATIENCE).sentinel_get_master_addr_by_name(NAME)[1]
        return next(node for node in self.group if node.port == port)

    def test_sentinels_fail_over_and_nothing_acknowledged_is_lost(self):
        self.watch()
        self.eventually(self.settled)
        sentinel = redis.sentinel.Sentinel([("127.0.0.1", port) for _, port in self.watchers], socket_timeout=2)
        stop = threading.Event()
        acknowledged = {}

        def write(number):
            client = sentinel.master_for(NAME, socket_timeout=2)
            count = 0
            while not stop.is_set():
                count += 1
                try:
                    client.set("n%d" % number, count)
                    acknowledged[number] = count
                except redis.exceptions.RedisError:
                    time.sleep(0.02)

        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(2 if SANITIZED else 3):
                before = self.leader()
                seen = dict(acknowledged)
                before.end(signal.SIGKILL)
                self.eventually(lambda: self.leader() is not before)
                self.eventually(lambda: all(acknowledged.get(number, 0) > seen.get(number, 0) for number in range(3)))
                before.start()
                self.eventually(self.settled)
        finally:
            stop.set()
            for writer in writers:
                writer.join()
        leader = self.leader()
        for number, count in acknowledged.items():
            self.assertGreaterEqual(int(leader.client().get("n%d" % number)), count)
        for node in self.group:
            if node is not leader:
                self.assert_same(leader, node)
        # One that an operator asks for.
        before = self.leader()
        redis.Redis(port=self.watchers[0][1], socket_timeout=PATIENCE).execute_command("SENTINEL", "FAILOVER", NAME)
        self.eventually(lambda: self.leader() is not before)
        self.eventually(self.settled)

    def test_servers_are_asked_as_sentinels_are(self):
        sentinel = redis.sentinel.Sentinel([("127.0.0.1", node.port) for node in reversed(self.group)], socket_timeout=PATIENCE)
        leader = ("127.0.0.1", self.group[0].port)
        self.assertEqual(sentinel.discover_master(NAME), leader)
        for node in self.group:
            client = node.client(decode_responses=True)
            self.assertEqual(client.sentinel_get_master_addr_by_name(NAME), leader)
            self.assertIsNone(client.sentinel_get_master_addr_by_name("another"))
            self.assertEqual([client.sentinel_master(NAME)[field] for field in ("name", "ip", "port", "is_master", "is_sdown")],
                             [NAME, "127.0.0.1", self.group[0].port, True, False])
            self.assertEqual(client.sentinel_sentinels(NAME), [])
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "No such master"):
                client.sentinel_slaves("another")
        followers = {node.port for node in self.group[1:]}
        self.assertEqual({one["port"] for one in self.group[0].client().sentinel_slaves(NAME)}, followers)
        self.assertEqual([one["port"] for one in self.group[1].client().sentinel_slaves(NAME)], [self.group[1].port])
        sentinel.master_for(NAME).set("a", "1")
        self.assertEqual(sentinel.slave_for(NAME).get("a"), b"1")
        self.group[2].client().config_set("group-name", "other")
        self.assertIsNone(self.group[2].client(decode_responses=True).sentinel_get_master_addr_by_name(NAME))
        # Handing over, they find the one that leads now.
        self.group[0].client().execute_command("FAILOVER", "TO", "127.0.0.1", self.group[1].port)
        self.eventually(lambda: self.group[1].client().info("replication")["role"] == "master")
        self.eventually(lambda: self.group[0].client(decode_responses=True).sentinel_get_master_addr_by_name(NAME) == ("127.0.0.1", self.group[1].port))


if __name__ == "__main__":
    unittest.main()
