#!/usr/bin/env python3
"""A disk that fails under a server: every command, through either door, gets its own answer, and connections stay.

Usage: STAVE_BIN=<path to stave> BAD_DISK_LIBRARY=<path to libbad_disk.so> python3 disk_error_test.py.
"""

import os
import pathlib
import socket
import subprocess
import unittest

from http_support import PATIENCE, TestCase

LIBRARY = os.environ["BAD_DISK_LIBRARY"]
KEYS = 40


class Failure(str):
    """An error reply."""


class Redis:
    """One connection, by hand: what was answered to what, in order."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, *commands):
        parts = [[str(word).encode() for word in words] for words in commands]
        self.socket.sendall(b"".join(
            b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words) for words in parts))

    def receive(self):
        line = self.file.readline()
        if not line:
            raise EOFError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.receive() for _ in range(int(rest))]
        if kind == b":":
            return int(rest)
        return Failure(rest.decode()) if kind == b"-" else rest

    def __call__(self, *words):
        self.send(words)
        return self.receive()

    def pipeline(self, *commands):
        self.send(*commands)
        return [self.receive() for _ in commands]

    def close(self):
        self.file.close()
        self.socket.close()


def read_response(stream):
    """Status, request's name, and the body of what succeeded."""
    status = int(stream.readline().split()[1])
    headers = {}
    for line in iter(stream.readline, b"\r\n"):
        name, value = line.decode().split(":", 1)
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers["content-length"]))
    return status, headers["x-request-id"], body if status == 200 else None


class DiskError(TestCase):
    def setUp(self):
        super().setUp()
        self.flag = self.directory / "failing"
        self.server = self.serve("--sync", "always", env={**os.environ, "LD_PRELOAD": LIBRARY, "FAILSYNC": str(self.flag)})
        self.redis = self.client()
        for i in range(KEYS):
            self.assertEqual(self.redis("SET", "k%d" % i, "v%d" % i), b"OK")
        self.flag.touch()

    def client(self):
        client = Redis(self.server.redis_port)
        self.addCleanup(client.close)
        return client

    def assert_refused(self, answer):
        self.assertIsInstance(answer, Failure)
        self.assertTrue(answer.startswith("MISCONF "), answer)

    def fail_a_write(self):
        self.assert_refused(self.redis("SET", "lost", "1"))

    def test_a_pipeline_in_flight_gets_one_answer_for_each_command(self):
        answers = self.redis.pipeline(("GET", "k0"), ("SET", "lost", "1"), ("GET", "k1"), ("GET", "lost"), ("PING",), ("STRLEN", "k2"))
        self.assertEqual([answers[0], answers[2], answers[4], answers[5]], [b"v0", b"v1", b"PONG", 2])
        self.assert_refused(answers[1])
        self.assert_refused(answers[3])
        self.assertEqual(self.redis("PING"), b"PONG")

    def test_what_is_confirmed_is_read_and_what_is_not_is_refused(self):
        self.fail_a_write()
        names = ["k%d" % i for i in range(KEYS)]
        names.insert(KEYS // 2, "lost")
        answers = self.redis.pipeline(*(("GET", name) for name in names))
        for name, answer in zip(names, answers):
            if name == "lost":
                self.assert_refused(answer)
            else:
                self.assertEqual(answer, b"v" + name[1:].encode())
        for words in (("KEYS", "*"), ("SCAN", "0", "COUNT", "1000"), ("DBSIZE",), ("MGET", "k0", "lost"), ("EXISTS", "lost"), ("INCR", "lost")):
            self.assert_refused(self.redis(*words))
        answers = self.redis.pipeline(("GET", "k0"), ("KEYS", "*"), ("GET", "k1"), ("SET", "k2", "new"), ("GET", "k2"))
        self.assertEqual([answers[0], answers[2], answers[4]], [b"v0", b"v1", b"v2"])
        self.assert_refused(answers[1])
        self.assert_refused(answers[3])
        self.assertIn(b"stave_read_only:1", self.redis("INFO", "persistence"))
        self.assertIn(b"stave_read_only:1", self.redis("INFO"))

    def test_what_makes_files_of_the_data_says_that_it_cannot(self):
        self.fail_a_write()
        for words in (("SAVE",), ("SNAPSHOT", "one"), ("BGSAVE",), ("STAVE.CHECKPOINT",), ("STAVE.CLEAN",), ("STAVE.CLEAN", "WAIT"),
                      ("BGREWRITEAOF",), ("STAVE.BACKUP", "b"), ("STAVE.COMMIT",)):
            with self.subTest(words=words):
                self.assert_refused(self.redis(*words))
        snapshots = pathlib.Path(self.server.directory) / "snapshots"
        self.assertEqual([path.name for path in snapshots.glob("*")] if snapshots.exists() else [], [])

    def test_every_client_keeps_its_connection(self):
        others = [self.client() for _ in range(10)]
        for i, other in enumerate(others):
            other.send(("SET", "other%d" % i, "1"), ("GET", "k%d" % i))
        for i, other in enumerate(others):
            self.assert_refused(other.receive())
            self.assertEqual(other.receive(), b"v%d" % i)
            self.assertEqual(other("GET", "k0"), b"v0")

    def test_requests_over_http_get_an_answer_each_on_the_same_connection(self):
        connection = self.server.connection()
        self.addCleanup(connection.close)

        def ask(method, path, body=None):
            connection.request(method, path, body=body, headers={"Content-Type": "application/octet-stream"} if body else {})
            response = connection.getresponse()
            response.read()
            return response.status, response.getheader("Connection")

        self.assertEqual(ask("PUT", "/db/lost", b"1"), (500, None))
        own_socket = connection.sock
        self.assertEqual(ask("GET", "/db/k0"), (200, None))
        self.assertEqual(ask("GET", "/db/lost"), (500, None))
        self.assertEqual(ask("GET", "/db?limit=1000"), (500, None))
        self.assertEqual(ask("GET", "/db/k1"), (200, None))
        self.assertIs(connection.sock, own_socket)

    def test_a_pipeline_over_http_gets_one_answer_for_each_request(self):
        self.fail_a_write()
        paths = ["/db/k0", "/db/lost", "/db/k1", "/db/lost", "/db/lost", "/db/k2"]
        with self.server.socket() as connection:
            connection.sendall(b"".join(b"GET %s HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: r%d\r\n\r\n" % (path.encode(), i)
                                        for i, path in enumerate(paths)))
            with connection.makefile("rb") as stream:
                got = [read_response(stream) for _ in paths]
        self.assertEqual(got, [(200, "r0", b"v0"), (500, "r1", None), (200, "r2", b"v1"), (500, "r3", None), (500, "r4", None),
                               (200, "r5", b"v2")])

    # The interim answer was appended to the one before it, which waits for the disk and is replaced when that fails.
    def test_a_body_that_waits_to_be_asked_for_behind_an_answer_in_doubt_is_asked_for(self):
        head = b"PUT /db/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 1\r\n"
        with self.server.socket() as connection:
            connection.sendall(head % b"lost" + b"\r\nx" + head % b"k0" + b"Expect: 100-continue\r\n\r\n")
            with connection.makefile("rb") as stream:
                self.assertEqual(read_response(stream)[0], 500)
                self.assertEqual(stream.readline().split()[1], b"100")
                self.assertEqual(stream.readline(), b"\r\n")
                connection.sendall(b"y")
                self.assertEqual(read_response(stream)[0], 503)
        self.assertEqual(self.redis("PING"), b"PONG")

    def test_a_shell_whose_exit_failed_is_left_by_a_second_one(self):
        self.flag.unlink()
        with subprocess.Popen([os.environ["STAVE_BIN"], "shell", "--create", str(self.directory / "own")], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, "LD_PRELOAD": LIBRARY, "FAILSYNC": str(self.flag)}) as shell:
            shell.stdin.write(b"SET a 1\n")
            shell.stdin.flush()
            self.assertEqual(shell.stdout.readline(), b"OK\n")
            self.flag.touch()
            out, errors = shell.communicate(b"EXIT\nGET a\nSNAPSHOT\nEXIT\n", PATIENCE)
        lines = out.decode().splitlines()
        self.assertEqual(shell.returncode, 1, (out, errors))
        self.assertEqual(len(lines), 4, out)
        self.assertIn("Input/output error", lines[0])
        self.assertIn("the store is closed", lines[1])
        self.assertIn("the store is closed", lines[2])
        self.assertEqual(lines[3], "Goodbye!")


if __name__ == "__main__":
    unittest.main(verbosity=2)
