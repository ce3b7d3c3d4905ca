#!/usr/bin/env python3
"""A Stave that follows a redis-server: every type, broken links, kill -9, full and partial syncs, hostile masters.

Usage: STAVE_BIN=<path to stave> python3 follow_redis_test.py. Without redis-server only the hostile masters are there.
"""

import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import redis

from ports import free_port

STAVE = os.environ["STAVE_BIN"]
SANITIZED = bool(os.environ.get("STAVE_SANITIZED"))
PATIENCE = 120
REDIS = shutil.which("redis-server")


def await_that(what, condition):
    """Until it holds; errors of a connection are a no."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if condition():
                return
        except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
            pass
        if time.monotonic() > end:
            raise AssertionError("in vain: " + what)
        time.sleep(0.02)


class Master:
    """A redis-server."""

    def __init__(self, directory, *options):
        self.directory, self.port, self.options = str(directory), free_port(), options
        os.makedirs(self.directory, exist_ok=True)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [REDIS, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.directory, "--save", "", "--repl-backlog-size", "64mb",
             "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes", *self.options], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        await_that("redis-server answers", lambda: self.answers())

    def answers(self):
        try:
            return self.client().ping()
        except redis.AuthenticationError:
            return True

    def client(self, **options):
        return redis.Redis(port=self.port, socket_timeout=PATIENCE, **options)

    def end(self):
        self.process.kill()
        self.process.wait()


class Node:
    """A Stave in a directory."""

    def __init__(self, directory, *arguments):
        self.directory, self.arguments = str(directory), arguments
        self.port, self.http = free_port(), free_port()
        self.log = open(self.directory + ".log", "ab+")
        self.start()

    def start(self, *more):
        ports = ("--port", str(self.port), "--http-port", str(self.http))
        self.process = subprocess.Popen([STAVE, "serve", "--bind", "127.0.0.1", *ports, "--dir", self.directory, *self.arguments, *more],
                                        stdout=self.log, stderr=self.log)

    def client(self, **options):
        return redis.Redis(port=self.port, socket_timeout=PATIENCE, **options)

    def info(self):
        return self.client().info("replication")

    def said(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as lines:
            return lines.read()

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(PATIENCE)

    def close(self):
        self.end(signal.SIGKILL)
        self.log.close()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port


class Wire:
    """A way to the master that can be cut."""

    def __init__(self, port):
        self.target = port
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.pairs, self.lock, self.ended = [], threading.Lock(), False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.server.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                if self.ended:
                    return
                continue
            with self.lock:
                self.pairs += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
        except OSError:
            pass
        for one in (a, b):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for one in pairs:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def close(self):
        self.ended = True
        self.server.close()
        self.cut()


LIBRARY = "#!lua name=%s\nredis.register_function('%s', function(keys, args) return redis.call('SET', keys[1], args[1]) end)"


def fill(client, chance):
    """Every type, small and large, in several databases, some of it with deadlines; functions."""
    client.function_load(LIBRARY % ("first", "f1"))
    for database in (0, 3):
        client.execute_command("SELECT", database)
        pipeline = client.pipeline(transaction=False)
        for i in range(300):
            pipeline.set("s%d" % i, chance.randbytes(chance.choice((3, 60, 3000))))
            pipeline.set("n%d" % i, i * 1000003)
            pipeline.set("e%d" % i, "soon", px=chance.choice((50, 300, 10_000_000)))
        for name, count in (("small", 5), ("large", 3000)):
            pipeline.hset("h" + name, mapping={"f%d" % i: chance.randbytes(10) for i in range(count)})
            pipeline.rpush("l" + name, *["e%d" % i for i in range(count)])
            pipeline.sadd("t" + name, *["m%d" % i for i in range(count)])
            pipeline.sadd("i" + name, *range(count))
            pipeline.zadd("z" + name, {"m%d" % i: chance.random() * 100 for i in range(count)})
            pipeline.pfadd("p" + name, *["e%d" % i for i in range(count)])
            for i in range(count):
                pipeline.xadd("x" + name, {"n": i, "v": "a"})
            pipeline.xgroup_create("x" + name, "group", "0")
            pipeline.xreadgroup("group", "alice", {"x" + name: ">"}, count=3)
            pipeline.geoadd("g" + name, [13.3 + i / 1000 for i in range(2)] + ["place"])
            pipeline.expire("z" + name, 1000)
        pipeline.set("big", bytes(3_000_000))
        pipeline.execute()
    client.execute_command("SELECT", 0)


def write(client, chance, steps):
    """A bit of everything that a master hands on in its own ways."""
    for _ in range(steps):
        n = chance.randrange(40)
        if chance.random() < 0.1:
            client.execute_command("SELECT", chance.choice((0, 0, 3)))
        pipeline = client.pipeline(transaction=chance.random() < 0.3)
        for _ in range(chance.randrange(1, 6)):
            what = chance.randrange(30)
            pipeline.incr("count")
            pipeline.rpush("list", chance.randrange(1000))
            if what == 0:
                pipeline.spop("tlarge", chance.randrange(1, 4))
            elif what == 1:
                pipeline.set("k%d" % n, "v", px=chance.choice((1, 20, 100_000)))
            elif what == 2:
                pipeline.expire("k%d" % n, chance.choice((-1, 1, 1000)))
            elif what == 3:
                pipeline.getex("k%d" % n, ex=100)
            elif what == 4:
                pipeline.xadd("xlarge", {"a": chance.random()}, maxlen=2000)
            elif what == 5:
                pipeline.xreadgroup("group", "bob", {"xlarge": ">"}, count=2)
            elif what == 6:
                pipeline.execute_command("XAUTOCLAIM", "xlarge", "group", "carol", 0, "0", "COUNT", 2)
            elif what == 7:
                pipeline.eval("redis.call('SET', KEYS[1], redis.call('TIME')[2]) return redis.call('INCRBYFLOAT', KEYS[1], '0.5')", 1, "lua%d" % n)
            elif what == 8:
                pipeline.hincrbyfloat("hf", "f%d" % n, 0.25)
            elif what == 9:
                pipeline.incrbyfloat("float", 0.1)
            elif what == 10:
                pipeline.lpop("llarge", 2)
            elif what == 11:
                pipeline.lmove("llarge", "lother", "LEFT", "RIGHT")
            elif what == 12:
                pipeline.zincrby("zlarge", 0.5, "m%d" % n)
            elif what == 13:
                pipeline.zpopmin("zlarge", 2)
            elif what == 14:
                pipeline.sort("ismall", store="sorted", alpha=True)
            elif what == 15:
                pipeline.copy("hsmall", "hcopy%d" % n, replace=True)
            elif what == 16:
                pipeline.unlink("hcopy%d" % n)
            elif what == 17:
                pipeline.setrange("range", chance.randrange(10000), "xyz")
            elif what == 18:
                pipeline.setbit("bits", chance.randrange(9000), 1)
                pipeline.execute_command("BITFIELD", "bits", "INCRBY", "u8", "#%d" % n, 3)
            elif what == 19:
                pipeline.pfadd("phll", chance.random())
            elif what == 20:
                pipeline.zunionstore("zu", ["zsmall", "zlarge"])
            elif what == 21:
                pipeline.sinterstore("si", ["tsmall", "tlarge"])
            elif what == 22:
                pipeline.xack("xlarge", "group", "0-1")
            elif what == 23:
                pipeline.xtrim("xlarge", maxlen=1500)
            elif what == 24:
                pipeline.append("app", "z")
                pipeline.persist("k%d" % n)
            elif what == 25:
                pipeline.publish("channel", "hello")
            elif what == 26:
                pipeline.hdel("hlarge", "f%d" % chance.randrange(3000))
            elif what == 27:
                pipeline.linsert("lsmall", "BEFORE", "e1", "new")
                pipeline.ltrim("lsmall", 0, 20)
            elif what == 28:
                pipeline.xgroup_createconsumer("xlarge", "group", "c%d" % n)
            else:
                pipeline.mset({"m%d" % i: chance.random() for i in range(5)})
        pipeline.execute(raise_on_error=False)
    client.execute_command("SELECT", 0)


def value_of(client, key):
    kind = client.type(key)
    if kind == b"string":
        value = client.get(key)
    elif kind == b"hash":
        value = sorted(client.hgetall(key).items())
    elif kind == b"list":
        value = client.lrange(key, 0, -1)
    elif kind == b"set":
        value = sorted(client.smembers(key))
    elif kind == b"zset":
        value = client.zrange(key, 0, -1, withscores=True)
    elif kind == b"stream":
        info = client.xinfo_stream(key)
        groups = [{name: group[name] for name in ("name", "consumers", "pending", "last-delivered-id")} for group in client.xinfo_groups(key)]
        pending = [[(one["message_id"], one["consumer"], one["times_delivered"]) for one in client.xpending_range(key, group["name"], "-", "+", 10000)]
                   for group in groups]
        value = (client.xrange(key), info["last-generated-id"], info["entries-added"], groups, pending)
    else:
        value = None
    return kind, value, client.execute_command("PEXPIRETIME", key)


class FollowTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="stave-redis-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        self.chance = random.Random(int(os.environ.get("SEED", "7")))

    def node(self, *arguments, name="stave"):
        node = Node(self.root / name, *arguments)
        self.addCleanup(node.close)
        return node

    def await_served(self, node):
        await_that("it is served: " + node.said()[-2000:], lambda: node.process.poll() is None and node.client().ping())


@unittest.skipUnless(REDIS, "no redis-server here")
class RedisTest(FollowTest):
    def master(self, *options):
        master = Master(self.root / "redis", *options)
        self.addCleanup(master.end)
        return master

    def await_same(self, master, node):
        """Until the node has all that the master had when this was called."""
        client = master if isinstance(master, redis.Redis) else master.client()
        offset = client.info("replication")["master_repl_offset"]
        await_that("all of it is there", lambda: self.applied(node) >= offset)

    @staticmethod
    def applied(node):
        info = node.info()
        return info["slave_repl_offset"] if info.get("master_link_status") == "up" else -1

    def compare(self, master, node, databases=(0, 3)):
        """Key by key. What expires meanwhile may be there or not."""
        self.await_same(master, node)
        for database in databases:
            there, here = master.client(db=database), node.client(db=database)
            now = int(time.time() * 1000)
            lasting = set()
            for key in there.scan_iter(count=1000):
                kind, value, deadline = expected = value_of(there, key)
                if deadline == -2 or 0 < deadline < now + 60_000:
                    continue
                lasting.add(key)
                self.assertEqual(expected, value_of(here, key), "database %d, key %s" % (database, key))
            extra = {key for key in here.scan_iter(count=1000) if key not in lasting and here.pttl(key) > 60_000 or here.pttl(key) == -1} - lasting
            self.assertEqual(set(), {key for key in extra if not there.exists(key)})
        self.assertEqual(sorted(one[1] for one in master.client().function_list()), sorted(one[1] for one in node.client().function_list()))

    def load_while(self, master, what, steps=40):
        """Writes to the master until `what` has returned."""
        over = threading.Event()

        def work(seed):
            client, chance = master.client(), random.Random(seed)
            while not over.is_set():
                write(client, chance, steps)

        writers = [threading.Thread(target=work, args=(self.chance.random(),)) for _ in range(2)]
        for writer in writers:
            writer.start()
        try:
            what()
        finally:
            over.set()
            for writer in writers:
                writer.join()

    def follow_under_load(self, *options):
        master = self.master(*options)
        fill(master.client(), self.chance)
        node = self.node("--follow", "127.0.0.1:%d" % master.port)
        self.load_while(master, lambda: self.await_served(node))
        self.compare(master, node)
        self.load_while(master, lambda: time.sleep(1))
        master.client().function_load(LIBRARY % ("second", "f2"))
        master.client().function_delete("first")
        master.client().execute_command("SWAPDB", 0, 3)
        self.compare(master, node)
        self.assertEqual((1, 1), (node.info()["stave_full_syncs"], master.client().info("stats")["sync_full"]))
        return master, node

    def test_every_type_under_load_from_memory(self):
        master, node = self.follow_under_load("--repl-diskless-sync", "yes")
        info = node.info()
        self.assertEqual(("slave", "127.0.0.1", master.port, "up", 0, 1),
                         tuple(info[name] for name in ("role", "master_host", "master_port", "master_link_status", "master_sync_in_progress", "slave_read_only")))
        self.assertEqual([b"slave", b"127.0.0.1", master.port, b"connected"], node.client().execute_command("ROLE")[:4])
        slave = master.client().info("replication")["slave0"]
        self.assertEqual((node.port, "online"), (slave["port"], slave["state"]))
        self.assertEqual(1, master.client().execute_command("WAIT", 1, PATIENCE * 1000))
        with urllib.request.urlopen("http://127.0.0.1:%d/readyz" % node.http, timeout=PATIENCE) as answer:
            self.assertEqual(200, answer.status)
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % node.http, timeout=PATIENCE) as answer:
            self.assertIn("stave_redis_connected 1", answer.read().decode())

    def test_every_type_under_load_from_a_file(self):
        master, node = self.follow_under_load("--repl-diskless-sync", "no")
        master.client().flushall()
        self.compare(master, node)
        self.assertEqual(0, node.client().dbsize())

    def test_only_the_master_writes(self):
        master = self.master()
        master.client().set("a", "1")
        node = self.node("--follow", "127.0.0.1:%d" % master.port)
        self.await_served(node)
        client = node.client()
        for call in (("SET", "a", "2"), ("DEL", "a"), ("FLUSHALL",), ("EVAL", "return redis.call('SET', 'a', '2')", 0), ("FUNCTION", "FLUSH"),
                     ("SWAPDB", 0, 1), ("MSET", "a", 1, "b", 2), ("EXPIRE", "a", 1)):
            with self.assertRaises(redis.ResponseError, msg=call) as refusal:
                client.execute_command(*call)
            self.assertIn("read only replica", str(refusal.exception))
        request = urllib.request.Request("http://127.0.0.1:%d/keys/a" % node.http, b"2", method="PUT")
        with self.assertRaises(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=PATIENCE)
        self.assertEqual(b"1", client.get("a"))

    def test_the_master_decides_when_a_key_dies(self):
        master = self.master()
        there = master.client()
        there.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        node = self.node("--follow", "127.0.0.1:%d" % master.port)
        self.await_served(node)
        here = node.client()
        there.set("k", "1", px=100)
        self.await_same(master, node)
        await_that("it is not shown", lambda: here.get("k") is None)
        self.assertEqual(1, here.dbsize(), "it was removed, though the master has not said so")
        there.get("k")  # which removes it there
        self.await_same(master, node)
        self.assertEqual(0, here.dbsize())

    def test_cut_links_lose_and_repeat_nothing(self):
        master = self.master()
        fill(master.client(), self.chance)
        wire = Wire(master.port)
        self.addCleanup(wire.close)
        node = self.node("--follow", "127.0.0.1:%d" % wire.port)
        self.await_served(node)

        def cut():
            for _ in range(10):
                time.sleep(self.chance.random() / 2)
                before = master.client().info("stats")["sync_partial_ok"]
                wire.cut()
                await_that("it goes on", lambda: master.client().info("stats")["sync_partial_ok"] > before)

        self.load_while(master, cut, steps=5)
        self.compare(master, node)
        stats = master.client().info("stats")
        self.assertEqual(1, stats["sync_full"])
        self.assertGreaterEqual(stats["sync_partial_ok"], 10)

    def test_kill_9_loses_and_repeats_nothing(self):
        master = self.master()
        fill(master.client(), self.chance)
        node = self.node("--follow", "127.0.0.1:%d" % master.port)
        self.await_served(node)

        def kill():
            for _ in range(10):
                time.sleep(self.chance.random())
                node.end(signal.SIGKILL)
                node.start()
                self.await_served(node)

        self.load_while(master, kill, steps=5)
        for _ in range(3):
            master.client().execute_command("SWAPDB", 0, 3)
            master.client().function_load(LIBRARY % ("second", "f2"), replace=True)
            node.end(signal.SIGKILL)
            node.start()
            self.await_served(node)
        self.compare(master, node)
        self.assertEqual(1, master.client().info("stats")["sync_full"])

    def test_full_again_where_the_master_forgot(self):
        master = self.master("--repl-backlog-size", "16kb")
        fill(master.client(), self.chance)
        node = self.node("--follow", "127.0.0.1:%d" % master.port)
        self.await_served(node)
        node.end()
        master.client().set("more", bytes(1_000_000))
        master.client().delete("big")
        write(master.client(), self.chance, 50)
        node.start()
        self.await_served(node)
        await_that("it is up", lambda: node.info()["master_link_status"] == "up")
        self.compare(master, node)
        self.assertEqual(2, master.client().info("stats")["sync_full"])

    def test_no_one_makes_it_ordinary_and_stays(self):
        master = self.master()
        master.client().set("a", "1")
        follow = ("--follow", "127.0.0.1:%d" % master.port)
        node = self.node(*follow)
        self.await_served(node)
        self.assertEqual(b"OK", node.client().execute_command("REPLICAOF", "NO", "ONE"))
        self.assertEqual("master", node.info()["role"])
        node.client().set("b", "own", px=50)
        await_that("keys expire by themselves", lambda: node.client().dbsize() == 1)
        master.client().set("c", "1")
        node.end()
        node.start()
        self.await_served(node)
        self.assertEqual(("master", 0), (node.info()["role"], node.client().exists("c")))
        node.client().set("own", "2")
        # Told again it begins anew, and does not go on from where it was.
        node.client().execute_command("REPLICAOF", "127.0.0.1", master.port)
        await_that("it follows", lambda: node.info().get("master_link_status") == "up")
        self.assertEqual([b"a", b"c"], sorted(node.client().keys()))
        self.assertEqual(2, master.client().info("stats")["sync_full"])

    def test_a_running_store_follows_and_keeps_its_data_until_then(self):
        node = self.node()
        self.await_served(node)
        node.client().set("mine", "1")
        # Nobody answers there, and it is not known what will.
        port = free_port()
        with self.assertRaises(redis.ResponseError):
            node.client().execute_command("REPLICAOF", "127.0.0.1", port)
        self.assertEqual(b"1", node.client().get("mine"))
        master = self.master("--requirepass", "secret")
        there = master.client(password="secret")
        there.set("theirs", "1")
        node.client().config_set("masterauth", "wrong")
        with self.assertRaises(redis.ResponseError):
            node.client().execute_command("REPLICAOF", "127.0.0.1", master.port)
        node.client().config_set("masterauth", "")
        node.client().execute_command("REPLICAOF", "127.0.0.1", master.port)
        await_that("it says why", lambda: "password" in node.info().get("stave_trouble", ""))
        self.assertEqual(b"1", node.client().get("mine"))
        node.client().config_set("masterauth", "secret")
        await_that("it follows", lambda: node.info().get("master_link_status") == "up")
        self.assertEqual([b"theirs"], node.client().keys())
        # A password that has changed meanwhile is asked for at the next connection, and told of.
        there.config_set("requirepass", "other")
        there.execute_command("CLIENT", "KILL", "TYPE", "REPLICA")
        await_that("it says why", lambda: "AUTH" in node.info().get("stave_trouble", ""))
        self.assertEqual([b"theirs"], node.client().keys())
        node.client().config_set("masterauth", "other")
        await_that("it is up again", lambda: node.info()["master_link_status"] == "up")

    def test_what_cannot_be_applied_stops_it(self):
        master = self.master()
        node = self.node("--follow", "127.0.0.1:%d" % master.port, "--databases", "4")
        self.await_served(node)
        there = master.client()
        there.set("before", "1")
        there.execute_command("SELECT", 9)
        there.set("a", "1")
        await_that("it stops", lambda: node.info()["stave_stopped"] == 1)
        self.assertIn("database 9", node.info()["stave_trouble"])
        self.assertIn("database 9", node.said())
        self.assertEqual(b"1", node.client().get("before"))
        node.end()
        node.arguments = (*node.arguments[:2], "--databases", "16")
        node.start()
        self.await_served(node)
        self.await_same(master, node)
        self.assertEqual(b"1", node.client(db=9).get("a"))
        self.assertEqual(1, there.info("stats")["sync_full"])

    def test_a_stave_follows_the_follower(self):
        master = self.master()
        fill(master.client(), self.chance)
        node = self.node("--follow", "127.0.0.1:%d" % master.port)
        self.await_served(node)
        second = self.node("--follow", node.address, name="second")
        self.await_served(second)
        master.client().set("through", "both")
        await_that("it comes through", lambda: second.client().get("through") == b"both")

    def test_the_tool_copies_and_catches_up(self):
        master = self.master()
        fill(master.client(), self.chance)
        directory = str(self.root / "moved")
        call = [STAVE, "follow-redis", "127.0.0.1:%d" % master.port, "--dir", directory, "--until-caught-up"]
        done = subprocess.run(call, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("Caught up at offset", done.stdout)
        write(master.client(), self.chance, 100)
        done = subprocess.run(call, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(0, done.returncode, done.stderr)
        going = subprocess.Popen(call[:-1], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(going.kill)
        await_that("it follows", lambda: master.client().info("replication")["connected_slaves"] == 1)
        going.send_signal(signal.SIGTERM)
        out, _ = going.communicate(timeout=PATIENCE)
        self.assertEqual(0, going.returncode)
        self.assertIn("Stopped at offset", out)
        node = self.node(name="moved")
        self.await_served(node)
        self.compare(master, node)
        self.assertEqual(1, master.client().info("stats")["sync_full"])


class FakeMaster:
    """Greets a replica as a master does, and then does what `scene` does with the connection."""

    def __init__(self, scene, answers=True):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.scene, self.answers, self.ended = scene, answers, False
        self.reached = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            stream = connection.makefile("rb")
            while True:
                head = stream.readline()
                if not head:
                    return
                words = []
                for _ in range(int(head[1:])):
                    size = int(stream.readline()[1:])
                    words.append(stream.read(size + 2)[:-2])
                if words[0] == b"STAVE.FOLLOW":
                    connection.sendall(b"-ERR unknown command 'STAVE.FOLLOW', with args beginning with: '1' \r\n")
                elif words[0] == b"PSYNC":
                    self.reached.set()
                    self.scene(connection)
                    while connection.recv(4096):
                        pass
                    return
                elif self.answers:
                    connection.sendall(b"+PONG\r\n" if words[0] == b"PING" else b"+OK\r\n")
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def close(self):
        self.server.close()


FULL = b"+FULLRESYNC " + b"a" * 40 + b" 1000\r\n"
EMPTY = bytes.fromhex("524544495330303131ff")  # version 11, nothing in it; the checksum follows: none
EMPTY_RDB = EMPTY + bytes(8)


class HostileTest(FollowTest):
    def follow(self, scene, answers=True):
        """A store with data of its own that is told to follow such a master."""
        fake = FakeMaster(scene, answers)
        self.addCleanup(fake.close)
        node = self.node("--maxmemory", "500mb")
        self.await_served(node)
        node.client().set("mine", "1")
        node.client().execute_command("REPLICAOF", "127.0.0.1", fake.port)
        await_that("it comes", fake.reached.is_set if answers else lambda: node.info()["role"] == "slave")
        return node

    def refused(self, scene, sentence, answers=True):
        node = self.follow(scene, answers)
        await_that("it says " + sentence, lambda: sentence in node.info().get("stave_trouble", ""))
        self.assertEqual("down", node.info()["master_link_status"])
        self.assertEqual(b"1", node.client().get("mine"), "the data was given up")
        with open("/proc/%d/status" % node.process.pid, encoding="ascii") as lines:
            peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        if not SANITIZED:
            self.assertLess(peak, 400_000, "KiB")
        left = [name for name in os.listdir(node.directory) if name.startswith("redis-copy")]
        self.assertEqual([], left)
        node.client().execute_command("REPLICAOF", "NO", "ONE")
        node.client().set("mine", "2")
        self.assertEqual(0, node.end())

    def test_garbage_for_a_snapshot(self):
        self.refused(lambda c: c.sendall(FULL + b"$1000\r\n" + b"x" * 1000), "not a Redis snapshot")

    def test_a_snapshot_of_two_to_the_sixty_bytes(self):
        self.refused(lambda c: c.sendall(FULL + b"$%d\r\n" % 2**60 + EMPTY_RDB + b"y" * 100), "goes on after its end")

    def test_a_string_of_two_to_the_sixty_bytes(self):
        text = b"REDIS0011\x00\x03key\x81" + (2**60).to_bytes(8, "big")
        self.refused(lambda c: c.sendall(FULL + b"$%d\r\n" % 2**61 + text), "the limit is")

    def test_a_snapshot_that_ends_in_the_middle(self):
        def scene(connection):
            connection.sendall(FULL + b"$1000\r\nREDIS0011")
            connection.shutdown(socket.SHUT_RDWR)

        self.refused(scene, "closed the connection")

    def test_a_damaged_snapshot(self):
        self.refused(lambda c: c.sendall(FULL + b"$18\r\n" + EMPTY + b"damaged!"), "fails its checksum")

    def test_a_value_of_a_module(self):
        text = b"REDIS0011\x07\x03key" + b"\x81" + (12345 << 10).to_bytes(8, "big") + b"\x00" + b"\xff" + bytes(8)
        self.refused(lambda c: c.sendall(FULL + b"$EOF:" + b"m" * 40 + b"\r\n" + text + b"m" * 40), "module")

    def test_a_line_without_end(self):
        self.refused(lambda c: c.sendall(b"+" * 100_000), "no end")

    def test_an_answer_that_is_none(self):
        self.refused(lambda c: c.sendall(b"+HELLO\r\n"), "makes no sense")

    def test_one_that_refuses(self):
        self.refused(lambda c: c.sendall(b"-NOPERM this user has no permissions to run the 'psync' command\r\n"), "NOPERM")

    def test_one_that_never_answers(self):
        self.refused(None, "said nothing", answers=False)

    def stream_of(self, commands, sentence):
        """What a master sends behind a good snapshot."""
        def scene(connection):
            connection.sendall(FULL + b"$%d\r\n" % len(EMPTY_RDB) + EMPTY_RDB + commands)

        node = self.follow(scene)
        await_that("it says " + sentence, lambda: sentence in node.info().get("stave_trouble", ""))
        self.assertEqual(1, node.info()["stave_stopped"])
        self.assertEqual(b"good", node.client().get("before"))
        self.assertEqual(0, node.client().exists("within"))
        return node

    GOOD = b"*3\r\n$3\r\nSET\r\n$6\r\nbefore\r\n$4\r\ngood\r\n"

    def test_a_command_that_is_not_known_stops_it(self):
        node = self.stream_of(self.GOOD + b"*2\r\n$9\r\nJSON.NEWS\r\n$1\r\na\r\n", "JSON.NEWS")
        self.assertIn("has given up", node.said())

    def test_a_transaction_with_one_that_fails_does_nothing(self):
        self.stream_of(self.GOOD + b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$6\r\nwithin\r\n$1\r\n1\r\n*3\r\n$5\r\nLPUSH\r\n$6\r\nbefore\r\n$1\r\n1\r\n"
                       b"*1\r\n$4\r\nEXEC\r\n", "LPUSH")

    def test_a_word_of_two_to_the_sixty_bytes(self):
        self.stream_of(self.GOOD + b"*3\r\n$3\r\nSET\r\n$%d\r\n" % 2**60, "announces a word")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    unittest.main(verbosity=2)
