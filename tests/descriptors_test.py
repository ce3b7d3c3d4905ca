"""Clients that connect and sit there: they share what descriptors the store does not need, and never stop it.

Usage: STAVE_BIN=<path to stave> python3 descriptors_test.py. The server may have 256 descriptors; the clients try to have more.
"""

import contextlib
import os
import resource
import select
import socket
import time
import unittest

import redis

from http_support import PATIENCE, TestCase
from sockets import receive_all

LIMIT = 256


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


class Crowd:
    """Connections that say nothing. Those that the server turned away are told apart by what it said."""

    def __init__(self, port, count):
        self.sockets = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(count)]
        self.answers = []

    def look(self):
        """Returns once the server has answered or closed what it turns away: how many are left."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            ready, _, _ = select.select(self.sockets, [], [], 1)
            if not ready and len(self.sockets) < LIMIT * 3 // 4:
                return len(self.sockets)
            for connection in ready:
                self.answers.append(receive_all(connection))
                connection.close()
                self.sockets.remove(connection)
        raise AssertionError("the server is never done with turning them away")

    def leave(self):
        for connection in self.sockets:
            connection.close()
        self.sockets = []


class Descriptors(TestCase):
    def start(self):
        server = self.serve("--sync", "always", "--segment-size", "64kb",
                            "--http-idle-timeout", "600000", "--http-header-timeout", "600000", preexec_fn=few_descriptors)
        client = redis.Redis(port=server.redis_port, socket_timeout=PATIENCE, single_connection_client=True)
        self.addCleanup(client.close)
        return server, client

    def work(self, client, name):
        """Writes so much that the log goes over to further segments, and what else needs a file now and then."""
        before = client.info("persistence")["stave_log_segments"]
        for i in range(400):
            client.set("%s:%d" % (name, i), os.urandom(2000))  # does not compress
        state = client.info("persistence")
        self.assertGreater(state["stave_log_segments"], before + 5)
        self.assertIn(b"lsn", client.execute_command("STAVE.CHECKPOINT"))
        client.execute_command("STAVE.CLEAN", "WAIT")
        client.set("last", name)
        state = client.info("persistence")
        self.assertEqual((state["stave_read_only"], state["stave_disk_full"]), (0, 0))

    def await_new_ones(self, port, hello, answer):
        """Connections come back when others have left."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection, contextlib.suppress(ConnectionError):
                connection.sendall(hello)
                if connection.recv(64).startswith(answer):
                    return
            self.assertLess(time.monotonic(), deadline, "nobody is let in any more")

    # 1,100 idle connections under 1,024 descriptors made the store read-only until it was started again.
    def test_idle_http_connections_leave_the_store_its_own(self):
        server, client = self.start()
        self.work(client, "before")
        crowd = Crowd(server.port, LIMIT + 100)
        self.addCleanup(crowd.leave)
        left = crowd.look()
        self.assertGreater(left, LIMIT // 4)
        for answer in crowd.answers:
            self.assertTrue(answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: " in answer or answer == b"", answer)
        self.assertTrue(any(crowd.answers))
        self.work(client, "meanwhile")
        # They are the Redis door's as well: there is one budget.
        with socket.create_connection(("127.0.0.1", server.redis_port), timeout=PATIENCE) as connection:
            self.assertEqual(receive_all(connection), b"-ERR max number of clients reached\r\n")
        crowd.leave()
        self.await_new_ones(server.redis_port, b"PING\r\n", b"+PONG")
        self.expect(server, 200, "GET", "/readyz")
        self.work(client, "after")
        self.assertEqual(server.end(), 0)

    def test_idle_redis_connections_leave_the_store_its_own(self):
        server, client = self.start()
        crowd = Crowd(server.redis_port, LIMIT + 100)
        self.addCleanup(crowd.leave)
        left = crowd.look()
        self.assertGreater(left, LIMIT // 4)
        self.assertEqual(set(crowd.answers), {b"-ERR max number of clients reached\r\n"})
        self.work(client, "meanwhile")
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            self.assertTrue(receive_all(connection).startswith(b"HTTP/1.1 503 "))
        crowd.leave()
        self.await_new_ones(server.port, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"HTTP/1.1 200 ")
        self.work(client, "after")
        self.assertEqual(server.end(), 0)


if __name__ == "__main__":
    unittest.main()
