"""Ten thousand clients that wait: blocked on a thousand lists, and subscribed to one channel. Served in order, at rest for nothing.

Usage: STAVE_BIN=<path to stave> python3 crowd_test.py. Where the limit of descriptors allows fewer clients, fewer are tried
(STAVE_CROWD chooses).
"""

import os
import resource
import selectors
import socket
import tempfile
import shutil
import time
import unittest

from server_test import PATIENCE, Server, command

LISTS = 1000


def crowd():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = int(os.environ.get("STAVE_CROWD", "10000"))
    # The server keeps some for its files.
    room = wanted if hard == resource.RLIM_INFINITY else max(0, hard - 1000)
    return min(wanted, room) // 10 * 10


class Crowd:
    """Many connections, each with what came in on it."""

    def __init__(self, port, count):
        self.selector = selectors.DefaultSelector()
        self.received = {}
        self.connections = []
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            self.connections.append(connection)
            self.received[connection] = b""
            self.selector.register(connection, selectors.EVENT_READ)

    def read_until(self, done):
        deadline = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > deadline:
                raise AssertionError("the answers did not come")
            for key, _ in self.selector.select(1):
                data = key.fileobj.recv(65536)
                if not data:
                    raise AssertionError("a connection was closed")
                self.received[key.fileobj] += data

    def close(self):
        self.selector.close()
        for connection in self.connections:
            connection.close()


class CrowdTest(unittest.TestCase):
    def setUp(self):
        self.count = crowd()
        if self.count < 100:
            self.skipTest("the limit of descriptors is too low")
        directory = tempfile.mkdtemp(prefix="stave-crowd-")
        self.addCleanup(shutil.rmtree, directory)
        self.server = Server(directory + "/data", "--maxclients", str(self.count + 100), "--sync", "os", "--threads", "2")
        self.addCleanup(self.server.end)
        self.client = self.server.client()

    def wait_for(self, field, section, value):
        deadline = time.monotonic() + PATIENCE
        while self.client.info(section)[field] != value:
            self.assertLess(time.monotonic(), deadline, "%s is %s, not %s" % (field, self.client.info(section)[field], value))
            time.sleep(0.01)

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.server.process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_blocked_clients_are_served_in_order_and_cost_nothing_at_rest(self):
        lists = min(LISTS, self.count // 10)
        waves = self.count // lists
        crowd_of_all = Crowd(self.server.port, lists * waves)
        self.addCleanup(crowd_of_all.close)
        for wave in range(waves):
            for i in range(lists):
                crowd_of_all.connections[wave * lists + i].sendall(command("BLPOP", "list:%d" % i, "0"))
            self.wait_for("blocked_clients", "clients", (wave + 1) * lists)
        self.assertEqual(self.client.info("clients")["total_blocking_keys"], lists)
        before = self.cpu_seconds()
        time.sleep(2)
        self.assertLess(self.cpu_seconds() - before, 0.5, "waiting is not working")
        pipe = self.client.pipeline(transaction=False)
        for i in range(lists):
            pipe.rpush("list:%d" % i, *["v%d" % wave for wave in range(waves)])
        self.assertEqual(set(pipe.execute()), {waves})
        expected = {}
        for wave in range(waves):
            for i in range(lists):
                name, value = b"list:%d" % i, b"v%d" % wave
                expected[crowd_of_all.connections[wave * lists + i]] = b"*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(name), name, len(value), value)
        total = sum(map(len, expected.values()))
        crowd_of_all.read_until(lambda: sum(map(len, crowd_of_all.received.values())) >= total)
        self.assertEqual(crowd_of_all.received, expected)
        self.assertEqual(self.client.dbsize(), 0)
        self.wait_for("blocked_clients", "clients", 0)

    def test_subscribers_of_one_channel_all_hear_everything_in_order(self):
        crowd_of_all = Crowd(self.server.port, self.count)
        self.addCleanup(crowd_of_all.close)
        for connection in crowd_of_all.connections:
            connection.sendall(command("SUBSCRIBE", "news"))
        welcome = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
        crowd_of_all.read_until(lambda: all(len(data) == len(welcome) for data in crowd_of_all.received.values()))
        messages = [b"message %d" % i for i in range(5)]
        for message in messages:
            self.assertEqual(self.client.publish("news", message), self.count)
        expected = welcome + b"".join(b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$%d\r\n%s\r\n" % (len(m), m) for m in messages)
        crowd_of_all.read_until(lambda: sum(map(len, crowd_of_all.received.values())) >= self.count * len(expected))
        self.assertEqual(set(crowd_of_all.received.values()), {expected})


if __name__ == "__main__":
    unittest.main()
