"""What the tests of the HTTP door share: a server on free ports, requests through http.client, raw bytes.

A server listens on ports that the system chose, says which in its first line, and ends with its test.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

STAVE = os.environ["STAVE_BIN"]
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
SANITIZED = bool(os.environ.get("STAVE_SANITIZED"))
READY = re.compile(r"is ready on 127\.0\.0\.1:(\d+) and (https?)://127\.0\.0\.1:(\d+)")
PATIENCE = 60  # seconds until a hanging test gives up
BYTES = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}


class Server:
    def __init__(self, directory, *arguments, **popen):
        self.directory = str(directory)
        self.process = subprocess.Popen(
            [STAVE, "serve", "--port", "-1", "--bind", "127.0.0.1", "--http-port", "-1", "--dir", self.directory, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)
        match = READY.search(self.process.stdout.readline())
        if not match:
            self.process.wait(PATIENCE)
            raise AssertionError("no server: " + self.process.stderr.read())
        self.redis_port, self.port = int(match.group(1)), int(match.group(3))
        self.url = "%s://127.0.0.1:%d" % (match.group(2), self.port)
        self.output, self.errors = [], []
        self._readers = [threading.Thread(target=into.extend, args=(stream,))
                         for into, stream in ((self.output, self.process.stdout), (self.errors, self.process.stderr))]
        for reader in self._readers:
            reader.start()

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def socket(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def resident_bytes(self, name="VmRSS"):
        for line in pathlib.Path("/proc/%d/status" % self.process.pid).read_text(encoding="utf-8").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(name)

    def end(self, signal_number=signal.SIGTERM):
        """Its exit code; None: it was signalled already."""
        if signal_number is not None and self.process.poll() is None:
            self.process.send_signal(signal_number)
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return self.headers.get(name)


def ask_over(connection, method, path, body=None, headers=None):
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())


class TestCase(unittest.TestCase):
    arguments = ("--sync", "os")

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="stave-http-"))
        self.addCleanup(shutil.rmtree, self.directory, True)

    def serve(self, *arguments, **popen):
        server = Server(self.directory / "data", *(arguments or self.arguments), **popen)
        self.addCleanup(lambda: server.process.poll() is None and server.end(signal.SIGKILL))
        return server

    def ask(self, server, method, path, body=None, headers=None):
        connection = server.connection()
        try:
            return ask_over(connection, method, path, body, headers)
        finally:
            connection.close()

    def expect(self, server, status, method, path, body=None, headers=None):
        answer = self.ask(server, method, path, body, headers)
        self.assertEqual(answer.status, status, "%s %s: %r" % (method, path, answer.body[:300]))
        return answer

    def problem(self, server, status, code, method, path, body=None, headers=None):
        answer = self.expect(server, status, method, path, body, headers)
        self.assertEqual(answer.header("Content-Type"), "application/problem+json")
        told = answer.json()
        self.assertEqual((told["status"], told["code"]), (status, code))
        self.assertIsInstance(told["retryable"], bool)
        self.assertTrue(told["detail"])
        return answer
