"""The Redis door over TLS and over sockets of the file system: redis-cli, Python's ssl, certificates of clients that name
users, certificates replaced while the server runs.

Usage: STAVE_BIN=<path to stave> python3 tls_test.py.
"""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from package_index_test import Server, command, free_port

os.environ["HTTP_PORT"] = "0"


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Tls(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-tls-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=authority", "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))
        for name in ("server", "second", "bob"):
            openssl("req", *key, "-subj", f"/CN={name}", "-keyout", self.path(name + ".key"), "-out", self.path(name + ".csr"))
            openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("ca.pem"), "-CAkey", self.path("ca.key"),
                    "-CAcreateserial", "-days", "2", "-out", self.path(name + ".pem"))

    def path(self, name):
        return os.path.join(self.directory, name)

    def serve(self, *options, clients="no"):
        self.server = Server(self.path("data"))
        self.port = free_port()
        self.server.start("--sync", "os", "--tls-port", str(self.port), "--tls-cert-file", self.path("server.pem"), "--tls-key-file",
                          self.path("server.key"), "--tls-ca-cert-file", self.path("ca.pem"), "--tls-auth-clients", clients, *options)
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))

    def connect(self, certificate=None, **more):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        context.check_hostname = False
        if certificate is not None:
            context.load_cert_chain(self.path(certificate + ".pem"), self.path(certificate + ".key"))
        for name, value in more.items():
            setattr(context, name, value)
        plain = socket.create_connection(("127.0.0.1", self.port), 60)
        wrapped = context.wrap_socket(plain)
        self.addCleanup(wrapped.close)
        return wrapped

    @staticmethod
    def ask(connection, *words):
        connection.sendall(command(*[word if isinstance(word, bytes) else word.encode() for word in words]))
        line = b""
        while not line.endswith(b"\r\n"):
            piece = connection.recv(1)
            if not piece:
                raise EOFError
            line += piece
        if line[:1] != b"$" or line == b"$-1\r\n":
            return line[:-2].decode()
        size = int(line[1:]) + 2
        body = b""
        while len(body) < size:
            piece = connection.recv(size - len(body))
            if not piece:
                raise EOFError
            body += piece
        return body[:-2]

    def test_redis_cli_speaks_tls(self):
        self.serve()
        done = subprocess.run(["redis-cli", "--tls", "--cacert", self.path("ca.pem"), "--sni", "server", "-p", str(self.port), "SET", "a", "1"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.stdout, "OK\n", done.stderr)

    def test_values_of_all_sizes_pass_and_pipelines_too(self):
        self.serve("--threads", "2")
        connection = self.connect()
        for size in (0, 1, 100, 16_000, 16_384, 16_385, 65_536, 1_000_000, 20_000_000):
            value = os.urandom(size)
            self.assertEqual(self.ask(connection, "SET", "a", value), "+OK")
            self.assertEqual(self.ask(connection, "GET", "a"), value)
        # More than a record, and answers that are read late.
        count = 20_000
        sender = threading.Thread(target=connection.sendall, args=(command(b"ECHO", b"0123456789") * count,))
        sender.start()
        time.sleep(0.3)
        got = b""
        while len(got) < count * 17:
            got += connection.recv(1 << 16)
        sender.join()
        self.assertEqual(got, b"$10\r\n0123456789\r\n" * count)

    def test_what_is_not_tls_is_closed_and_harms_nobody(self):
        self.serve()
        good = self.connect()
        for text in (b"PING\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70_000, b""):
            with socket.create_connection(("127.0.0.1", self.port), 60) as bad:
                try:
                    bad.sendall(text)
                    bad.shutdown(socket.SHUT_WR)
                    while bad.recv(1 << 16):
                        pass
                except OSError:
                    pass
        self.assertEqual(self.ask(good, "PING"), "+PONG")

    def test_clients_must_show_a_certificate_and_are_its_user(self):
        self.serve("--tls-auth-clients-user", "CN", "--requirepass", "root", clients="yes")
        with self.assertRaises((ssl.SSLError, ConnectionError, EOFError)):
            self.ask(self.connect(), "PING")
        stranger = self.connect("second")
        self.assertTrue(self.ask(stranger, "PING").startswith("-NOAUTH"))
        self.assertEqual(self.ask(stranger, "AUTH", "root"), "+OK")
        self.assertEqual(self.ask(stranger, "ACL", "SETUSER", "bob", "on", ">never", "+get", "+acl|whoami", "~*"), "+OK")
        bob = self.connect("bob")
        self.assertEqual(self.ask(bob, "ACL", "WHOAMI"), b"bob")
        self.assertTrue(self.ask(bob, "SET", "a", "1").startswith("-NOPERM"))
        self.assertEqual(self.ask(stranger, "ACL", "SETUSER", "bob", "off"), "+OK")
        self.assertTrue(self.ask(self.connect("bob"), "PING").startswith("-NOAUTH"))

    def subject(self):
        connection = self.connect()
        return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]

    def test_certificates_are_replaced_while_it_runs(self):
        self.serve()
        old = self.connect()
        self.assertEqual(self.subject(), "server")
        for end in (".pem", ".key"):
            shutil.copy(self.path("second" + end), self.path("server" + end))
        self.server.process.send_signal(signal.SIGHUP)
        for _ in range(200):
            if self.subject() == "second":
                break
            time.sleep(0.05)
        self.assertEqual(self.subject(), "second")
        self.assertEqual(self.ask(old, "PING"), "+PONG")
        answer = self.ask(old, "CONFIG", "SET", "tls-cert-file", self.path("bob.pem"))
        self.assertTrue(answer.startswith("-ERR CONFIG SET failed"), answer)
        self.assertEqual(self.subject(), "second")
        self.assertEqual(self.ask(old, "CONFIG", "SET", "tls-cert-file", self.path("bob.pem"), "tls-key-file", self.path("bob.key")), "+OK")
        self.assertEqual(self.subject(), "bob")
        self.assertEqual(self.ask(old, "CONFIG", "SET", "tls-protocols", "TLSv1.3"), "+OK")
        with self.assertRaises(ssl.SSLError):
            self.connect(maximum_version=ssl.TLSVersion.TLSv1_2)
        self.assertTrue(self.ask(old, "CONFIG", "SET", "tls-protocols", "SSLv3").startswith("-ERR"))

    def test_a_socket_of_the_file_system_serves_and_goes(self):
        path = self.path("s.sock")
        self.serve("--unixsocket", path, "--unixsocketperm", "700")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o700)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            self.assertEqual(self.ask(connection, "SET", "a", b"x" * 1_000_000), "+OK")
            self.assertEqual(len(self.ask(connection, "GET", "a")), 1_000_000)
            self.assertIn(f"addr={path}:0".encode(), self.ask(connection, "CLIENT", "INFO"))
        # One that a server which was killed has left is no obstacle.
        self.server.stop(signal.SIGKILL)
        self.assertTrue(os.path.exists(path))
        self.serve("--unixsocket", path)
        done = subprocess.run(["redis-cli", "-s", path, "PING"], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.stdout, "PONG\n")
        self.server.stop(signal.SIGTERM)
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    unittest.main()
