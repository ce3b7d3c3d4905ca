"""What tests of several servers in one group share: the servers, something to write, what is compared."""

import os
import pathlib
import random
import re
import shutil
import signal
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
PATIENCE = 60
READY = re.compile(r"is ready on 127\.0\.0\.1:(\d+)(?:, \S+ \(TLS\))? and https?://127\.0\.0\.1:(\d+)")


class Node:
    """A server in a directory, which may end and begin again on the same ports."""

    def __init__(self, directory, *arguments):
        self.directory, self.arguments = str(directory), arguments
        self.port, self.http = free_port(), free_port()
        self.lines = []
        self.start()

    def start(self, *more):
        ports = ("--port", str(self.port), "--http-port", str(self.http))
        self.process = subprocess.Popen([STAVE, "serve", "--bind", "127.0.0.1", *ports, "--dir", self.directory, *self.arguments, *more],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ready = threading.Event()
        self.readers = [threading.Thread(target=self.read, args=(stream,)) for stream in (self.process.stdout, self.process.stderr)]
        for reader in self.readers:
            reader.start()
        if not self.ready.wait(PATIENCE):
            raise AssertionError("no server: " + "".join(self.lines))

    def read(self, stream):
        for line in stream:
            self.lines.append(line)
            match = READY.search(line)
            if match:
                self.port, self.http = int(match.group(1)), int(match.group(2))
                self.ready.set()
        if not self.ready.is_set() and stream is self.process.stdout:
            self.ready.set()

    def client(self, **options):
        return redis.Redis(port=self.port, socket_timeout=PATIENCE, **options)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        for reader in self.readers:
            reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port


def load(client, chance, steps):
    """A bit of everything."""
    for _ in range(steps):
        n = chance.randrange(200)
        pipeline = client.pipeline(transaction=chance.random() < 0.2)
        what = chance.randrange(16)
        if what == 0:
            pipeline.hset("h%d" % n, mapping={"f%d" % i: chance.randbytes(20) for i in range(chance.choice((3, 200)))})
        elif what == 1:
            pipeline.rpush("l%d" % n, *[chance.randbytes(30) for _ in range(chance.choice((2, 150)))])
            pipeline.lpop("l%d" % chance.randrange(200))
        elif what == 2:
            pipeline.sadd("s%d" % n, *["m%d" % chance.randrange(1000) for _ in range(20)])
            pipeline.srem("s%d" % n, "m%d" % chance.randrange(1000))
        elif what == 3:
            pipeline.zadd("z%d" % n, {"m%d" % chance.randrange(500): chance.random() for _ in range(20)})
        elif what == 4:
            pipeline.xadd("x%d" % n, {"a": chance.randbytes(10), "b": "2"})
            pipeline.execute_command("XGROUP", "CREATE", "x%d" % n, "g%d" % chance.randrange(10000), "0")
        elif what == 5:
            pipeline.pfadd("p%d" % n, *["e%d" % chance.randrange(10000) for _ in range(10)])
        elif what == 6:
            pipeline.set("t%d" % n, chance.randbytes(40), px=chance.randrange(200, 100_000))
        elif what == 7:
            pipeline.delete("%s%d" % (chance.choice("hlszxk"), n))
        elif what == 8:
            pipeline.setrange("big%d" % (n % 5), chance.randrange(300_000), chance.randbytes(2000))
        elif what == 9:
            pipeline.setbit("bits%d" % n, chance.randrange(5000), 1)
        elif what == 10:
            pipeline.rename("k%d" % n, "k%d" % chance.randrange(200))
        elif what == 11:
            pipeline.execute_command("BF.ADD", "bf%d" % (n % 10), "e%d" % chance.randrange(1000))
        elif what == 12:
            pipeline.expire("h%d" % n, 1000)
            pipeline.persist("h%d" % chance.randrange(200))
        else:
            pipeline.mset({"k%d" % chance.randrange(200): chance.randbytes(chance.choice((5, 300, 3000))) for _ in range(5)})
        pipeline.execute(raise_on_error=False)


def offset(client):
    return client.info("replication")["master_repl_offset"]


def contents(client):
    """Every key of the database, its type, its bytes and its deadline."""
    found = {}
    for key in client.scan_iter(count=1000):
        pipeline = client.pipeline(transaction=True)
        pipeline.type(key)
        pipeline.dump(key)
        pipeline.execute_command("PEXPIRETIME", key)
        kind, value, deadline = pipeline.execute()
        if kind != b"none":
            found[key] = (kind, value, deadline)
    return found


class GroupTest(unittest.TestCase):
    """A group of servers in a directory of its own, which ends with the test."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="stave-replication-"))
        self.nodes = []

    def tearDown(self):
        for node in self.nodes:
            node.end(signal.SIGKILL)
        shutil.rmtree(self.directory)

    def node(self, name, *arguments):
        node = Node(self.directory / name, *arguments)
        self.nodes.append(node)
        return node

    def pair(self, *arguments):
        leader = self.node("leader", "--segment-size", "1mb", *arguments)
        load(leader.client(), random.Random(1), 300)
        follower = self.node("follower", "--segment-size", "2mb", "--follow", leader.address, *arguments)
        return leader, follower

    def caught_up(self, leader, follower):
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            try:
                if follower.client().info("replication").get("role") == "slave" and offset(follower.client()) == offset(leader.client()):
                    return
            except redis.exceptions.ConnectionError:
                pass
            time.sleep(0.02)
        self.fail("it does not catch up: %s\n%s" % (follower.client().info("replication"), "".join(follower.lines[-20:])))

    def assert_same(self, leader, follower):
        """Once nothing is written any more."""
        for _ in range(10):
            self.caught_up(leader, follower)
            ours, theirs = contents(leader.client()), contents(follower.client())
            if ours == theirs:
                return
            time.sleep(0.2)  # something was past its time in between
        different = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
        self.fail("different: %s" % different[:10])

    def get(self, node, path):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (node.http, path), timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
