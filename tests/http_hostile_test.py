"""Hostile and broken input at the HTTP door: each with the status it gets, and the server goes on serving others.

Usage: STAVE_BIN=<path to stave> python3 http_hostile_test.py
"""

import re
import resource
import socket
import threading
import unittest

import http_support
from http_support import BYTES, SANITIZED
from sockets import receive_all, receive_until

CLIENTS = 10_000
OCTETS = b"Content-Type: application/octet-stream\r\n"


class Hostile(http_support.TestCase):
    def refused(self, server, status, code, sent):
        """The server answers with this status and ends the connection, or needs no more to be told."""
        with server.socket() as connection:
            try:
                connection.sendall(sent)
            except (BrokenPipeError, ConnectionResetError):
                pass
            got = receive_all(connection)
        self.assertTrue(got.startswith(b"HTTP/1.1 %d " % status), "%r got %r" % (sent[:100], got[:200]))
        self.assertIn(b'"code":"%s"' % code, got)
        self.assertIn(b"Connection: close", got)
        self.expect(server, 200, "GET", "/healthz")

    def test_lengths_that_can_be_read_in_two_ways_are_refused(self):
        server = self.serve()
        head = b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\n" + OCTETS
        for lengths, body in (
            (b"Content-Length: 3\r\nContent-Length: 5\r\n", b"hello"),
            (b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
            (b"Content-Length: 5, 5\r\n", b"hello"),
        ):
            self.assert_400(server, head + lengths + b"\r\n" + body)
        for lengths in (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"):
            self.assert_400(server, head + lengths + b"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        for length in (b"-5", b"+5", b"0x5", b"5 5", b"", b"five", b"99999999999999999999999"):
            self.assert_400(server, head + b"Content-Length: " + length + b"\r\n\r\nhello")
        self.refused(server, 501, b"transfer_encoding", head + b"Transfer-Encoding: gzip\r\n\r\n")
        self.assert_400(server, b"PUT /db/a HTTP/1.0\r\n" + OCTETS + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        self.expect(server, 404, "GET", "/db/a")

    def assert_400(self, server, sent):
        with server.socket() as connection:
            connection.sendall(sent)
            got = receive_all(connection)
        self.assertRegex(got, rb"\AHTTP/1\.[01] 400 ", repr(sent))
        self.assertEqual(len(re.findall(rb"(?m)^HTTP/1", got)), 1, "nothing behind it may be taken for a request")
        self.expect(server, 200, "GET", "/healthz")

    def test_heads_that_are_not_clear_are_refused(self):
        server = self.serve()
        host = b"Host: localhost\r\n"
        self.refused(server, 400, b"obsolete_folding", b"GET / HTTP/1.1\r\n" + host + b"X: a\r\n b\r\n\r\n")
        self.refused(server, 400, b"repeated_header", b"GET / HTTP/1.1\r\n" + host + host + b"\r\n")
        self.refused(server, 505, b"http_version", b"GET / HTTP/2.0\r\n" + host + b"\r\n")
        for head in (b"GET / HTTP/1.1\r\n\r\n", b"GET /\r\n" + host + b"\r\n", b"GET  / HTTP/1.1\r\n" + host + b"\r\n",
                     b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", b"GET / HTTP/1.1\r\n" + host + b"X\x00: a\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + host + b"X: a\x00b\r\n\r\n", b"GET / HTTP/1.1\n" + host + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + host + b"X: a\rb\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"*1\r\n$4\r\nPING\r\n", b"GET db/a HTTP/1.1\r\n" + host + b"\r\n"):
            with server.socket() as connection:
                connection.sendall(head)
                got = receive_all(connection) if b"GET db" not in head else receive_until(connection, b"\r\n\r\n")
            self.assertTrue(got.startswith(b"HTTP/1.1 400 "), "%r got %r" % (head, got[:200]))
        self.expect(server, 501, "BREW", "/db/a")
        self.expect(server, 405, "DELETE", "/healthz")
        self.expect(server, 404, "GET", "/nothing/here")

    def test_heads_and_lines_that_are_too_long_are_refused(self):
        server = self.serve("--http-max-url", "4kb", "--http-max-header", "8kb", "--sync", "os")
        self.refused(server, 414, b"url_too_long", b"GET /db/" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.refused(server, 414, b"url_too_long", b"GET /db/" + b"a" * 100_000)
        self.refused(server, 431, b"head_too_large", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n")
        self.refused(server, 431, b"head_too_large", b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 3000)

    def test_bodies_that_are_too_long_are_refused_before_they_come(self):
        server = self.serve("--proto-max-bulk-len", "1mb", "--http-max-json", "64kb", "--sync", "os")
        head = b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\n" + OCTETS
        self.refused(server, 413, b"too_large", head + b"Content-Length: 1048577\r\n\r\n")
        self.refused(server, 413, b"too_large", head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 17)
        self.refused(server, 413, b"too_large", head + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n")
        self.assert_400(server, head + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n")
        self.assert_400(server, head + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n")
        self.assert_400(server, head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n")
        self.assert_400(server, head + b"Transfer-Encoding: chunked\r\n\r\n3;" + b"x" * 70_000)
        self.expect(server, 413, "POST", "/command", b"[" + b'"a",' * 20_000 + b'"a"]')
        self.expect(server, 404, "GET", "/db/a")

    def test_a_truncated_body_stores_nothing(self):
        server = self.serve()
        with server.socket() as connection:
            connection.sendall(b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\n" + OCTETS + b"Content-Length: 100\r\n\r\nhalf")
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(connection), b"")
        self.expect(server, 404, "GET", "/db/a")

    def test_slow_clients_are_told_and_closed(self):
        server = self.serve("--http-header-timeout", "1s", "--http-body-timeout", "1s", "--http-idle-timeout", "1s", "--sync", "os")
        with server.socket() as connection:
            connection.sendall(b"GET /db/a HTTP/1.1\r\nHost: loc")
            self.assertTrue(receive_all(connection).startswith(b"HTTP/1.1 408 "))
        with server.socket() as connection:
            connection.sendall(b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\n" + OCTETS + b"Content-Length: 100\r\n\r\nhalf")
            self.assertTrue(receive_all(connection).startswith(b"HTTP/1.1 408 "))
        with server.socket() as connection:  # said nothing at all
            self.assertEqual(receive_all(connection), b"")
        with server.socket() as connection:  # idle after a request
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(receive_all(connection).count(b"HTTP/1.1 "), 1)
        self.expect(server, 404, "GET", "/db/a")

    def test_a_client_that_does_not_read_is_closed_and_harms_nobody(self):
        server = self.serve("--http-body-timeout", "1s", "--sync", "os")
        self.expect(server, 201, "PUT", "/db/a", b"x" * 30_000_000, BYTES)
        with server.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"GET /db/a HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
            self.expect(server, 200, "HEAD", "/db/a")
            while b"stave_http_timeouts_total 1" not in self.ask(server, "GET", "/metrics").body:
                pass
        self.assertLess(server.resident_bytes(), 30_000_000 * 3 + (1 << 27) if not SANITIZED else 1 << 62)

    def test_too_many_connections_are_told(self):
        server = self.serve("--http-max-connections", "3", "--sync", "os")
        held = [server.socket() for _ in range(3)]
        for connection in held:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            receive_until(connection, b"alive")
        with server.socket() as connection:
            got = receive_all(connection)
        self.assertTrue(got.startswith(b"HTTP/1.1 503 "))
        self.assertIn(b"too_many_connections", got)
        for connection in held:
            connection.close()

    def test_memory_for_bodies_has_a_limit(self):
        server = self.serve("--http-max-memory", "1mb", "--sync", "os")
        with server.socket() as first:
            first.sendall(b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\n" + OCTETS + b"Content-Length: 900000\r\n\r\n" + b"x" * 100)
            while self.ask(server, "GET", "/metrics").body.count(b"stave_http_body_bytes 900000") == 0:
                pass
            self.refused(server, 503, b"overloaded", b"PUT /db/b HTTP/1.1\r\nHost: localhost\r\n" + OCTETS + b"Content-Length: 900000\r\n\r\n")
            first.sendall(b"x" * 899_900)
            self.assertTrue(receive_until(first, b"\r\n\r\n").startswith(b"HTTP/1.1 201 "))
        self.expect(server, 201, "PUT", "/db/b", b"x" * 900_000, BYTES)

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is its own")
    def test_ten_thousand_idle_connections_cost_little(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        clients = min(CLIENTS, hard - 300)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, clients + 300)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.serve("--http-max-connections", "20000", "--sync", "os")
        before = server.resident_bytes()
        held = []
        for i in range(clients):
            connection = socket.socket()
            connection.bind(("127.0.%d.1" % (i % 8 + 1), 0))  # a source port each, for eight addresses
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            held.append(connection)
        for connection in held:
            self.assertTrue(receive_until(connection, b"alive").startswith(b"HTTP/1.1 200 "))
        self.assertLess((server.resident_bytes() - before) / clients, 16 * 1024)
        for connection in held:
            connection.close()
        self.expect(server, 200, "GET", "/healthz")

    def test_requests_behind_one_that_ends_the_connection_are_not_taken(self):
        server = self.serve()
        with server.socket() as connection:
            connection.sendall(b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70000\r\n\r\n" + b"GET /set?key=smuggled&value=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertTrue(receive_all(connection).startswith(b"HTTP/1.1 415 "))
        self.expect(server, 404, "GET", "/db/smuggled")

    def test_many_threads_of_nonsense_leave_it_standing(self):
        import random
        seed = random.randrange(1 << 32)
        print("seed", seed)
        server = self.serve("--http-header-timeout", "2s", "--http-body-timeout", "2s", "--sync", "os")
        words = [b"GET ", b"PUT ", b"/db/a", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"Host: localhost", b"Content-Length: 5", b"Content-Length: -1",
                 b"Transfer-Encoding: chunked", b"hello", b"5\r\nhello\r\n", b"0\r\n\r\n", b": ", b"\x00", b"\xff", b" ", b"Expect: 100-continue", OCTETS]

        def nonsense(number):
            chance = random.Random(seed + number)
            for _ in range(60):
                with server.socket() as connection:
                    try:
                        connection.sendall(b"".join(chance.choice(words) for _ in range(chance.randrange(1, 20))))
                        connection.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass
                    receive_all(connection)

        threads = [threading.Thread(target=nonsense, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.expect(server, 200, "GET", "/readyz")
        self.assertEqual(server.end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
