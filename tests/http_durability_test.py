"""What the HTTP door said with a 2xx is on disk: after SIGTERM with requests in flight, after kill -9; and large values
pass through without being held twice.

Usage: STAVE_BIN=<path to stave> python3 http_durability_test.py
"""

import hashlib
import http.client
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import unittest

import http_support
from http_support import BYTES, PATIENCE, SANITIZED, ask_over
from sockets import receive_all, receive_until

CLIENTS = 200
MEGA = 1 << 20
KILLS = int(os.environ.get("STAVE_KILLS", "5"))


class Ends(http_support.TestCase):
    def load(self, server, confirmed, stop_after, ended):
        """Clients that PUT until the server is gone; `confirmed` holds what a 2xx was received for."""
        lock = threading.Lock()

        def run(number):
            connection = server.connection()
            try:
                for i in range(100_000):
                    key = "c%d:%d" % (number, i)
                    answer = ask_over(connection, "PUT", "/db/" + key, key, BYTES)
                    if answer.status == 201:
                        with lock:
                            confirmed.append(key)
                            if len(confirmed) == stop_after:
                                ended.set()
            except (OSError, http.client.HTTPException):
                pass  # the server is gone: this request was never confirmed
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        return threads

    def end_under_load(self, signal_number):
        server = self.serve("--sync", "always", "--http-threads", "2")
        confirmed, reached = [], threading.Event()
        threads = self.load(server, confirmed, 500, reached)
        self.assertTrue(reached.wait(PATIENCE))
        code = server.end(signal_number)
        for thread in threads:
            thread.join()
        again = self.serve("--sync", "always")
        connection = again.connection()
        lost = [key for key in confirmed if ask_over(connection, "GET", "/db/" + key).body != key.encode()]
        connection.close()
        self.assertEqual(lost, [])
        self.assertGreaterEqual(len(confirmed), 500)
        again.end()
        return code

    def test_sigterm_with_200_requests_in_flight_loses_nothing_that_was_confirmed(self):
        self.assertEqual(self.end_under_load(signal.SIGTERM), 0)

    def test_kill_9_loses_nothing_that_was_confirmed(self):
        for _ in range(KILLS):
            self.assertEqual(self.end_under_load(signal.SIGKILL), -signal.SIGKILL)

    def test_a_request_whose_body_is_on_its_way_is_finished_before_the_end(self):
        server = self.serve("--sync", "always")
        with server.socket() as connection:
            connection.sendall(b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                               b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
            receive_until(connection, b"Continue\r\n\r\n")
            server.process.send_signal(signal.SIGTERM)
            while True:  # until new connections are refused: then it is stopping
                try:
                    server.socket().close()
                except OSError:
                    break
            connection.sendall(b"0123456789")
            got = receive_until(connection, b"\r\n\r\n")
        self.assertTrue(got.startswith(b"HTTP/1.1 201 "), got)
        self.assertIn(b"Connection: close", got)
        self.assertEqual(server.end(None), 0)
        self.assertEqual(self.expect(self.serve(), 200, "GET", "/db/a").body, b"0123456789")


class Sizes(http_support.TestCase):
    def put_stream(self, server, path, size, headers=None):
        digest = hashlib.sha256()
        block = os.urandom(MEGA)

        def pieces():
            for i in range(size // MEGA):
                piece = i.to_bytes(8, "little") + block[8:]
                digest.update(piece)
                yield piece

        connection = server.connection()
        connection.request("PUT", path, body=pieces(), headers={**BYTES, **(headers or {"Content-Length": str(size)})},
                           encode_chunked=headers is not None)
        response = connection.getresponse()
        response.read()
        connection.close()
        self.assertIn(response.status, (201, 204))
        return digest.hexdigest()

    def get_stream(self, server, path):
        digest, size = hashlib.sha256(), 0
        connection = server.connection()
        connection.request("GET", path)
        response = connection.getresponse()
        while piece := response.read(MEGA):
            digest.update(piece)
            size += len(piece)
        connection.close()
        return digest.hexdigest(), size

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is its own")
    def test_a_value_of_512_mb_goes_in_and_out_with_little_memory_beside_it(self):
        server = self.serve("--sync", "os")
        size = 512 * MEGA
        empty = server.resident_bytes()
        extra = lambda: (server.resident_bytes("VmHWM") - empty - size) // MEGA
        sent = self.put_stream(server, "/db/large", size)
        received = extra()
        self.assertEqual(self.get_stream(server, "/db/large"), (sent, size))
        print("512 MiB: %d MiB beside the value at most after PUT, %d MiB after GET" % (received, extra()))
        self.assertLess(extra(), 64)

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is its own")
    def test_a_large_value_of_unknown_length_and_one_from_the_disk_are_held_once(self):
        server = self.serve("--sync", "os")
        size = 256 * MEGA
        empty = server.resident_bytes()
        extra = lambda: (server.resident_bytes("VmHWM") - empty - size) // MEGA
        sent = self.put_stream(server, "/db/large", size, {"Transfer-Encoding": "chunked"})
        received = extra()
        # Now the budget is too small for the value: it leaves memory, and is read from the log when it is asked for.
        with socket.create_connection(("127.0.0.1", server.redis_port), timeout=PATIENCE) as administrator:
            administrator.sendall(b"CONFIG SET maxmemory 64mb\r\n")
            self.assertEqual(administrator.recv(100), b"+OK\r\n")
        for i in range(2000):
            self.expect(server, 201, "PUT", "/db/small%d" % i, b"x", BYTES)
            if server.resident_bytes() < size // 2:
                break
        self.assertLess(server.resident_bytes(), size // 2, "it has left memory")
        self.assertEqual(self.get_stream(server, "/db/large"), (sent, size))
        print("256 MiB: %d MiB beside the value at most after a chunked PUT, %d MiB after a GET from the disk" % (received, extra()))
        self.assertLess(extra(), 64)

    def test_a_value_that_is_overwritten_or_deleted_while_it_is_sent_is_sent_to_its_end(self):
        server = self.serve("--sync", "os")
        size = 20 * MEGA
        self.expect(server, 201, "PUT", "/db/a", b"a" * size, BYTES)
        connection = server.connection()
        connection.request("GET", "/db/a")
        response = connection.getresponse()
        self.assertEqual(response.read(MEGA), b"a" * MEGA)
        self.expect(server, 204, "PUT", "/db/a", b"b" * size, BYTES)
        self.expect(server, 204, "DELETE", "/db/a")
        self.assertEqual(response.read(), b"a" * (size - MEGA))
        self.expect(server, 404, "GET", "/db/a")
        connection.close()


class Tls(http_support.TestCase):
    def make_certificate(self, name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(self.directory / "key.pem"),
                        "-out", str(self.directory / "cert.pem")], check=True, capture_output=True)

    def ask_tls(self, server, method, path, body=None, headers=None):
        context = ssl.create_default_context(cafile=str(self.directory / "cert.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=PATIENCE, context=context)
        try:
            answer = ask_over(connection, method, path, body, headers)
            answer.subject = dict(pair[0] for pair in connection.sock.getpeercert()["subject"])["commonName"] if connection.sock else None
            return answer
        finally:
            connection.close()

    def serve_tls(self):
        self.make_certificate("first")
        return self.serve("--tls-cert-file", str(self.directory / "cert.pem"), "--tls-key-file", str(self.directory / "key.pem"), "--sync", "os")

    def test_values_pass_through_tls_and_the_certificate_is_renewed_on_sighup(self):
        server = self.serve_tls()
        self.assertTrue(server.url.startswith("https://"))
        value = os.urandom(3 * MEGA)
        self.assertEqual(self.ask_tls(server, "PUT", "/db/a", value, BYTES).status, 201)
        answer = self.ask_tls(server, "GET", "/db/a")
        self.assertEqual((answer.status, answer.body == value, answer.subject), (200, True, "first"))
        self.make_certificate("second")
        server.process.send_signal(signal.SIGHUP)
        while not any("read again" in line for line in server.errors):
            self.assertIsNone(server.process.poll())
        self.assertEqual(self.ask_tls(server, "GET", "/version").subject, "second")
        (self.directory / "key.pem").write_text("nonsense", encoding="utf-8")
        server.process.send_signal(signal.SIGHUP)
        while not any("stays as it was" in line for line in server.errors):
            self.assertIsNone(server.process.poll())
        self.assertEqual(self.ask_tls(server, "GET", "/version").subject, "second")
        self.assertEqual(server.end(), 0)

    def test_what_is_not_tls_is_closed_and_harms_nobody(self):
        server = self.serve_tls()
        with server.socket() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            receive_all(connection)
        with server.socket():
            self.assertEqual(self.ask_tls(server, "GET", "/healthz").status, 200)
        self.assertEqual(server.end(), 0)

    def test_a_certificate_that_cannot_be_read_is_refused_at_the_start(self):
        done = subprocess.run([http_support.STAVE, "serve", "--port", "-1", "--http-port", "-1", "--dir", str(self.directory / "data"), "--tls-cert-file",
                               "/nowhere/cert.pem", "--tls-key-file", "/nowhere/key.pem"], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("TLS", done.stderr)


class OtherClients(http_support.TestCase):
    def node(self, script, server, folder):
        environment = {**os.environ, "STAVE_URL": server.url, "STAVE_TOKEN": "sesame"}
        done = subprocess.run(["node", str(pathlib.Path(__file__).parent / "http" / script)], env=environment, cwd=folder, capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_fetch_of_node_works(self):
        server = self.serve("--requirepass", "sesame", "--sync", "os")
        self.assertIn("fetch: ok", self.node("fetch.mjs", server, str(self.directory)))

    def test_the_client_of_upstash_works(self):
        folder = os.environ.get("STAVE_UPSTASH") or str(self.directory)
        if not os.environ.get("STAVE_UPSTASH"):
            got = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "@upstash/redis@1"], cwd=folder, capture_output=True,
                                 text=True, timeout=PATIENCE, check=False) if self.has_npm() else None
            if got is None or got.returncode != 0:
                self.skipTest("npm cannot install @upstash/redis here")
        server = self.serve("--requirepass", "sesame", "--sync", "os")
        (pathlib.Path(folder) / "upstash.mjs").write_text((pathlib.Path(__file__).parent / "http" / "upstash.mjs").read_text(encoding="utf-8"), encoding="utf-8")
        environment = {**os.environ, "STAVE_URL": server.url, "STAVE_TOKEN": "sesame"}
        done = subprocess.run(["node", "upstash.mjs"], env=environment, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("upstash: ok", done.stdout)

    def has_npm(self):
        import shutil
        return shutil.which("npm") is not None


if __name__ == "__main__":
    unittest.main(verbosity=1)
