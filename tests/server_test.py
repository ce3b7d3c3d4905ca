"""The server from outside: real clients, bad clients, and how it starts, stops and comes back.

Usage: STAVE_BIN=<path to stave> python3 server_test.py. Every server listens on a free loopback port and ends with its test.
"""

import contextlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import redis

from sockets import receive_all

STAVE = os.environ["STAVE_BIN"]
# No HTTP but where a test asks for it: 8080 is everybody's.
os.environ["HTTP_PORT"] = "0"
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
READY = re.compile(r"is ready on 127\.0\.0\.1:(\d+)")
SANITIZED = bool(os.environ.get("STAVE_SANITIZED"))  # a sanitizer's own memory is not the server's
PATIENCE = 60  # seconds until a hanging test gives up


class Server:
    """One `stave serve`."""

    def __init__(self, directory, *arguments, environment=None, **popen):
        self.directory = str(directory)
        self.process = subprocess.Popen(
            [STAVE, "serve", "--port", "-1", "--bind", "127.0.0.1", "--dir", self.directory, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}, **popen)
        self.ready_line = self.process.stdout.readline()
        match = READY.search(self.ready_line)
        if not match:
            self.process.wait(PATIENCE)
            raise AssertionError("no server: %r %s" % (self.ready_line, self.process.stderr.read()))
        self.port = int(match.group(1))
        self.log = []
        self._reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr))
        self._reader.start()

    def client(self, **options):
        return redis.Redis(port=self.port, socket_timeout=PATIENCE, **options)

    def socket(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return connection

    def end(self, signal_number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.process.pid) as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()


def command(*arguments):
    parts = [a if isinstance(a, bytes) else str(a).encode() for a in arguments]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def receive(connection, count):
    got = b""
    while len(got) < count:
        piece = connection.recv(count - len(got))
        if not piece:
            break
        got += piece
    return got


class TestCase(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="stave-server-"))
        self.addCleanup(shutil.rmtree, self.directory, True)

    def serve(self, *arguments, **options):
        server = Server(options.pop("directory", self.directory / "data"), *arguments, **options)
        self.addCleanup(lambda: server.process.poll() is None and server.end(signal.SIGKILL))
        return server

    def run_stave(self, *arguments, environment=None, **options):
        return subprocess.run([STAVE, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                              env={**os.environ, **(environment or {})}, **options)

    def ask(self, server, sent, expected):
        with server.socket() as connection:
            connection.sendall(sent)
            self.assertEqual(receive(connection, len(expected)), expected)

    def refused(self, server, sent, error):
        """The server answers `error`, closes, and goes on serving others."""
        with server.socket() as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(sent)
            self.assertIn(error, receive_all(connection))
        self.assertTrue(server.client().ping())


class RealClients(TestCase):
    def test_redis_cli_sets_and_gets(self):
        server = self.serve("--sync", "os")
        def cli(*arguments, **options):
            return subprocess.run(["redis-cli", "-p", str(server.port), *arguments], capture_output=True, text=True,
                                  timeout=PATIENCE, **options).stdout
        self.assertEqual(cli("SET", "a", "hello world"), "OK\n")
        self.assertEqual(cli("GET", "a"), "hello world\n")
        self.assertEqual(cli("-3", "GET", "nothing"), "\n")
        piped = "".join("SET key:%d %d\r\n" % (i, i) for i in range(20000))
        self.assertIn("errors: 0, replies: 20000", cli("--pipe", input=piped))
        self.assertEqual(cli("DBSIZE"), "20001\n")

    def test_redis_py_works_with_pipelines_of_ten_thousand(self):
        server = self.serve("--sync", "os", "--threads", "2")
        client = server.client()
        pipeline = client.pipeline(transaction=False)
        for i in range(10000):
            pipeline.set("k%d" % i, "v%d" % i)
        self.assertEqual(pipeline.execute(), [True] * 10000)
        for i in range(10000):
            pipeline.get("k%d" % i)
        self.assertEqual(pipeline.execute(), [b"v%d" % i for i in range(10000)])

    def test_time_goes_on_in_a_pipeline_after_a_command_that_takes_long(self):
        # Quick commands that came together see one moment; what takes long, or is long, begins another.
        client = self.serve("--sync", "os").client()
        pipeline = client.pipeline(transaction=False)
        for _ in range(3):
            pipeline.set("k", "v", px=20)
            pipeline.execute_command("DEBUG", "SLEEP", "0.03")
            pipeline.get("k").pttl("k")
        self.assertEqual(pipeline.execute()[2::4], [None] * 3)
        for _ in range(3):
            pipeline.set("k", "v", px=100000).pttl("k")
            pipeline.execute_command("DEBUG", "SLEEP", "0.03")
            pipeline.pttl("k")
        answers = pipeline.execute()
        for before, after in zip(answers[1::4], answers[3::4]):
            self.assertGreaterEqual(before - after, 30)

    def test_redis_benchmark_runs(self):
        server = self.serve("--sync", "os")
        done = subprocess.run(["redis-benchmark", "-p", str(server.port), "-n", "20000", "-P", "16", "-q", "-t", "ping,set,get,incr,mset"],
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("ERR", done.stdout + done.stderr)

    def test_resp3_after_hello(self):
        server = self.serve("--sync", "os")
        with server.socket() as connection:
            connection.sendall(command("GET", "nothing"))
            self.assertEqual(receive(connection, 5), b"$-1\r\n")
            connection.sendall(command("HELLO", "3") + command("GET", "nothing"))
            got = receive(connection, 4)
            self.assertEqual(got[:1], b"%")
            while not got.endswith(b"\r\n_\r\n"):
                got += receive(connection, 1)
            self.assertIn(b"$5\r\nproto\r\n:3\r\n", got)

    def test_inline_commands(self):
        server = self.serve("--sync", "os")
        self.ask(server, b"SET a 'b \\'c'\r\nGET a\nPING\r\n\r\nECHO \"\\x41\\n\"\r\n", b"+OK\r\n$4\r\nb 'c\r\n+PONG\r\n$2\r\nA\n\r\n")

    def test_a_half_closed_client_still_gets_its_answers(self):
        server = self.serve("--sync", "always")
        with server.socket() as connection:
            connection.sendall(b"".join(command("SET", "k%d" % i, "v") for i in range(1000)))
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(connection), b"+OK\r\n" * 1000)

    def test_requests_cut_anywhere(self):
        server = self.serve("--sync", "os")
        sent = command("SET", "key", "x" * 50) + b"GET key\r\n" + command("STRLEN", "key")
        with server.socket() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(sent)):
                connection.sendall(sent[i:i + 1])
            expected = b"+OK\r\n$50\r\n" + b"x" * 50 + b"\r\n:50\r\n"
            self.assertEqual(receive(connection, len(expected)), expected)

    def test_large_values_both_ways(self):
        server = self.serve("--sync", "os")
        client = server.client()
        value = os.urandom(1 << 20) * 40
        client.set("big", value)
        self.assertEqual(client.get("big"), value)
        client.mset({"a": value[: 5 << 20], "b": value[: 3 << 20]})
        self.assertEqual([len(v) for v in client.mget("a", "b")], [5 << 20, 3 << 20])

    def test_large_arguments_among_others_cut_anywhere(self):
        """Those of 4 MiB and more are received apart from the rest of their command."""
        a, b = random.Random(1).randbytes(5_000_000), random.Random(2).randbytes(4_194_304)
        words = [(b"SET", b"x", b"1"), (b"SET", b"a", a), (b"MSET", b"m", a, b"n", b"small", b"o", b), (b"STRLEN", b"o"),
                 (b"SETRANGE", b"n", b"2", b), (b"GETSET", b"x", b), (b"APPEND", b"a", b), (b"EXISTS", b"x", a, b"a"),
                 (b"SET", b"last", b, b"EX", b"1000"), (b"PING",)]
        stream = b"".join(b"*%d\r\n" % len(call) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in call) for call in words)
        expected = b"+OK\r\n+OK\r\n+OK\r\n:%d\r\n:%d\r\n$1\r\n1\r\n:%d\r\n:2\r\n+OK\r\n+PONG\r\n" % (
            len(b), 2 + len(b), len(a) + len(b))
        server = self.serve("--sync", "os")
        for pieces in (1, 7, 400):
            server.client().flushall()
            connection = server.socket()
            self.addCleanup(connection.close)
            cuts = sorted(random.Random(pieces).randrange(len(stream)) for _ in range(pieces - 1))
            for begin, end in zip([0, *cuts], [*cuts, len(stream)]):
                connection.sendall(stream[begin:end])
            received = b""
            while len(received) < len(expected):
                received += connection.recv(1 << 16) or self.fail(received)
            self.assertEqual(received, expected)
            client = server.client()
            self.assertEqual(client.mget("a", "m", "n", "o", "x", "last"), [a + b, a, b"sm" + b, b, b, b])
            client.close()
            # Half a large argument, and then nobody.
            half = server.socket()
            half.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$5000000\r\n" + a[:3_000_000])
            half.close()
            wrong = server.socket()
            wrong.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$5000000\r\n" + a + b"xx")
            self.assertIn(b"-ERR Protocol error: expected CR LF after bulk", receive_all(wrong))
            wrong.close()
            self.assertEqual(server.client().exists("half"), 0)

    def test_an_endless_pipeline_does_not_starve_the_others(self):
        server = self.serve("--sync", "os", "--threads", "1")
        stop = threading.Event()

        def flood():
            with server.socket() as connection:
                batch = command("SET", "flood", "x" * 20) * 10000
                while not stop.is_set():
                    connection.sendall(batch)
                    receive(connection, 5 * 10000)

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            client = server.client()
            for i in range(300):
                self.assertTrue(client.ping())
        finally:
            stop.set()
            thread.join()


class BadClients(TestCase):
    def test_protocol_errors_close_one_connection_and_harm_nobody_else(self):
        server = self.serve("--sync", "os")
        bystander = server.client()
        bystander.set("safe", "1")
        for sent, error in [
            (b"*1048577\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
            (b"*1\r\n$-5\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
            (b"*1\r\n$99999999999\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
            (b"*1\r\nPING\r\n", b"-ERR Protocol error: expected '$', got 'P'\r\n"),
            (b"*1\r\n$4\r\nPINGxx", b"-ERR Protocol error: expected CR LF after bulk\r\n"),
            (b"x" * 70000, b"-ERR Protocol error: too big inline request\r\n"),
            (b"SET a \"b\r\n", b"-ERR Protocol error: unbalanced quotes in request\r\n"),
            (b"*1" + b"1" * 70000, b"-ERR Protocol error: too big mbulk count string\r\n"),
            (os.urandom(20) + b"\0\xff\r\n*x\r\n" * 1000, b"-ERR"),
        ]:
            self.refused(server, sent, error)
        self.assertEqual(bystander.get("safe"), b"1")

    def test_the_commands_before_an_error_are_answered(self):
        server = self.serve("--sync", "os")
        with server.socket() as connection:
            connection.sendall(command("SET", "a", "1") + command("GET", "a") + b"*x\r\n")
            self.assertEqual(receive_all(connection), b"+OK\r\n$1\r\n1\r\n-ERR Protocol error: invalid multibulk length\r\n")

    def test_a_browser_is_sent_away(self):
        server = self.serve("--sync", "os")
        for sent in (b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSET a b\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\nSET a b\r\n"):
            with server.socket() as connection:
                connection.sendall(sent)
                receive_all(connection)
        self.assertIsNone(server.client().get("a"))
        self.assertEqual(server.end(), 0)
        self.assertIn("speaks HTTP", "".join(server.log))

    def test_announced_sizes_take_no_memory(self):
        server = self.serve("--sync", "os")
        server.client().ping()
        before = server.resident_bytes()
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                connection = stack.enter_context(server.socket())
                connection.sendall(b"*1000000\r\n$500000000\r\nabc")
            server.client().ping()
            self.assertLess(server.resident_bytes() - before, 64 << 20)

    def test_an_unfinished_command_over_the_query_limit_is_closed(self):
        server = self.serve("--sync", "os", "--client-query-buffer-limit", "1mb")
        with server.socket() as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"*1000\r\n" + b"$10000\r\n%s\r\n" % (b"x" * 10000) * 500)
            self.assertEqual(receive_all(connection), b"")
        self.assertEqual(server.client().info("stats")["client_query_buffer_limit_disconnections"], 1)

    def test_a_client_that_never_reads_is_dropped_and_blocks_nobody(self):
        server = self.serve("--sync", "os", "--threads", "1", "--output-buffer-hard-limit", "8mb")
        client = server.client()
        client.set("big", b"x" * 100000)
        before = server.resident_bytes()
        with server.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            closed = False
            request = command("GET", "big") * 100
            for _ in range(100):
                try:
                    connection.sendall(request)
                except (BrokenPipeError, ConnectionResetError):
                    closed = True
                    break
                self.assertTrue(client.ping())
            self.assertTrue(closed)
        self.assertLess(server.resident_bytes() - before, 64 << 20)
        self.assertEqual(client.info("stats")["client_output_buffer_limit_disconnections"], 1)

    def test_ten_thousand_idle_connections_are_cheap(self):
        count = 10000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < count + 500:
            count = hard - 500
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 400) if hard != resource.RLIM_INFINITY else count + 400, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.serve("--sync", "os", "--maxclients", str(count + 10))
        client = server.client()
        client.ping()
        before = server.resident_bytes()
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(server.socket()) for _ in range(count)]
            for connection in connections[::100]:
                connection.sendall(b"PING\r\n")
                self.assertEqual(receive(connection, 7), b"+PONG\r\n")
            self.assertGreaterEqual(client.info("clients")["connected_clients"], count)
            self.assertLess((server.resident_bytes() - before) / count, 65536 if SANITIZED else 4096)
            self.assertEqual(client.set("a", "b"), True)

    def test_too_many_clients_are_told_so(self):
        server = self.serve("--sync", "os", "--maxclients", "2")
        with server.socket() as first, server.socket() as second:
            for connection in (first, second):
                connection.sendall(b"PING\r\n")
                self.assertEqual(receive(connection, 7), b"+PONG\r\n")
            with server.socket() as third:
                self.assertEqual(receive_all(third), b"-ERR max number of clients reached\r\n")
            self.assertEqual(server.process.poll(), None)


class Access(TestCase):
    def test_auth_is_needed_and_limits_are_tight_before_it(self):
        server = self.serve("--sync", "os", "--requirepass", "hunter2")
        with self.assertRaises(redis.exceptions.AuthenticationError):
            server.client().ping()
        client = server.client(password="hunter2")
        self.assertTrue(client.ping())
        for sent, error in [(b"*11\r\n", b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
                            (b"*1\r\n$16385\r\n", b"-ERR Protocol error: unauthenticated bulk length\r\n")]:
            with server.socket() as connection:
                connection.sendall(sent)
                self.assertEqual(receive_all(connection), error)
        # AUTH lifts the limits within one pipeline.
        self.ask(server, command("AUTH", "hunter2") + command("SET", "a", "x" * 50000), b"+OK\r\n+OK\r\n")

    def test_wrong_passwords_are_slowed_down_and_never_logged(self):
        server = self.serve("--sync", "os", "--requirepass", "hunter2", "--loglevel", "debug")
        with server.socket() as connection:
            for _ in range(5):
                connection.sendall(command("AUTH", "wrong-guess"))
                self.assertEqual(receive(connection, 9), b"-WRONGPAS")
                while not connection.recv(1) == b"\n":
                    pass
            connection.sendall(command("AUTH", "hunter2"))
            self.assertEqual(receive(connection, 5), b"+OK\r\n")
            connection.sendall(command("CONFIG", "SET", "requirepass", "new-secret"))
            self.assertEqual(receive(connection, 5), b"+OK\r\n")
            connection.sendall(command("CONFIG", "GET", "requirepass"))
            self.assertEqual(receive(connection, 36), b"*2\r\n$11\r\nrequirepass\r\n$8\r\n********\r\n")
        self.assertTrue(server.client(password="new-secret").ping())
        self.assertEqual(server.end(), 0)
        log = "".join(server.log)
        for secret in ("hunter2", "wrong-guess", "new-secret"):
            self.assertNotIn(secret, log)

    def test_a_config_set_that_is_refused_leaves_the_password_as_it_was(self):
        server = self.serve("--sync", "os", "--requirepass", "hunter2")
        client = server.client(password="hunter2")
        for name, value in [("maxclients", "nonsense"), ("no-such-option", "1")]:
            with self.assertRaises(redis.exceptions.ResponseError):
                client.execute_command("CONFIG", "SET", "requirepass", "changed", name, value)
        self.assertTrue(server.client(password="hunter2").ping())
        with self.assertRaisesRegex(redis.exceptions.ResponseError, "WRONGPASS"):
            server.client(password="changed").ping()

    def test_protected_mode_refuses_to_listen_to_everybody_without_a_password(self):
        done = self.run_stave("serve", "--bind", "0.0.0.0", "--port", "-1", "--dir", str(self.directory / "data"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("password", done.stderr)
        self.assertFalse((self.directory / "data").exists())


class Clients(TestCase):
    def test_one_client_lists_and_kills_another(self):
        server = self.serve("--sync", "os", "--threads", "2")
        client = server.client()
        with server.socket() as victim:
            victim.sendall(command("CLIENT", "SETNAME", "victim"))
            self.assertEqual(receive(victim, 5), b"+OK\r\n")
            listed = {entry["name"]: entry for entry in client.client_list()}
            self.assertIn("victim", listed)
            self.assertEqual(listed["victim"]["addr"], "%s:%d" % victim.getsockname())
            self.assertEqual(client.client_kill_filter(_id=listed["victim"]["id"]), 1)
            self.assertEqual(receive_all(victim), b"")
        self.assertTrue(client.ping())

    def test_a_pause_holds_commands_back_and_unpause_lets_them_go(self):
        server = self.serve("--sync", "os", "--threads", "2")
        client = server.client()
        with server.socket() as held:
            self.assertTrue(client.execute_command("CLIENT", "PAUSE", "60000", "WRITE"))
            held.sendall(command("GET", "a") + b"SET a 1\r\n" + command("GET", "a"))
            self.assertEqual(receive(held, 5), b"$-1\r\n")
            held.settimeout(0.2)
            with self.assertRaises(socket.timeout):
                held.recv(1)
            held.settimeout(PATIENCE)
            self.assertEqual(client.info("clients")["blocked_clients"], 1)
            client.execute_command("CLIENT", "UNPAUSE")
            self.assertEqual(receive(held, 12), b"+OK\r\n$1\r\n1\r\n")
            self.assertEqual(client.info("clients")["blocked_clients"], 0)
            # Who goes away meanwhile is not counted for ever.
            client.execute_command("CLIENT", "PAUSE", "60000", "WRITE")
            held.sendall(command("SET", "a", "2"))
            until = time.monotonic() + PATIENCE
            while client.info("clients")["blocked_clients"] != 1:
                self.assertLess(time.monotonic(), until)
        client.execute_command("CLIENT", "UNPAUSE")
        while client.info("clients")["blocked_clients"] != 0:
            self.assertLess(time.monotonic(), until)

    def test_reply_modes(self):
        server = self.serve("--sync", "os")
        self.ask(server, command("CLIENT", "REPLY", "SKIP") + command("SET", "a", "1") + command("GET", "a") +
                 command("CLIENT", "REPLY", "OFF") + command("SET", "a", "2") + command("CLIENT", "REPLY", "ON") + command("GET", "a"),
                 b"$1\r\n1\r\n+OK\r\n$1\r\n2\r\n")

    def test_quit_answers_and_closes(self):
        server = self.serve("--sync", "os")
        with server.socket() as connection:
            connection.sendall(command("QUIT") + command("SET", "a", "1"))
            self.assertEqual(receive_all(connection), b"+OK\r\n")
        self.assertIsNone(server.client().get("a"))

    def test_silent_clients_are_closed_after_the_timeout(self):
        server = self.serve("--sync", "os", "--timeout", "1")
        with server.socket() as connection:
            self.assertEqual(receive_all(connection), b"")


class Durability(TestCase):
    def check_kill(self, sync):
        for round_number in range(3):
            server = self.serve("--sync", sync)
            client = server.client()
            base = round_number * 1000
            self.assertEqual(client.dbsize(), base)
            for i in range(500):
                client.set("k%d" % (base + i), "v%d" % (base + i))
            pipeline = client.pipeline(transaction=False)
            for i in range(500, 1000):
                pipeline.set("k%d" % (base + i), "v%d" % (base + i))
            pipeline.execute()
            server.end(signal.SIGKILL)
        server = self.serve("--sync", sync)
        self.assertEqual(server.client().mget(["k%d" % i for i in range(3000)]), [b"v%d" % i for i in range(3000)])

    def test_kill_9_loses_nothing_that_was_acknowledged_with_sync_always(self):
        self.check_kill("always")

    def test_kill_9_loses_nothing_that_was_acknowledged_with_sync_os(self):
        self.check_kill("os")

    def test_kill_9_under_load_loses_nothing_that_was_acknowledged(self):
        server = self.serve("--sync", "always", "--threads", "2")
        acknowledged = [0] * 8
        started = threading.Barrier(9)

        def write(number):
            client = server.client()
            started.wait()
            with contextlib.suppress(redis.exceptions.RedisError):
                while True:
                    client.set("c%d" % number, acknowledged[number] + 1)
                    acknowledged[number] += 1

        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        started.wait()
        watcher = server.client()
        while sum(acknowledged) < 2000:
            watcher.ping()
        server.end(signal.SIGKILL)
        for thread in threads:
            thread.join()
        again = self.serve("--sync", "always").client()
        for number, count in enumerate(acknowledged):
            self.assertGreaterEqual(int(again.get("c%d" % number)), count)

    def test_sigterm_ends_in_good_order(self):
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            server = self.serve("--sync", "os")
            server.client().set("a%d" % signal_number, "1")
            with server.socket() as idle:
                self.assertEqual(server.end(signal_number), 0)
                self.assertEqual(receive_all(idle), b"")
        client = self.serve().client()
        self.assertEqual(client.dbsize(), 2)

    def test_shutdown_ends_in_good_order(self):
        server = self.serve("--sync", "os")
        client = server.client()
        client.set("a", "1")
        with contextlib.suppress(redis.exceptions.ConnectionError):
            client.shutdown()
        self.assertEqual(server.process.wait(PATIENCE), 0)
        self.assertEqual(self.serve().client().get("a"), b"1")


class Starting(TestCase):
    def test_prints_one_line_when_ready(self):
        server = self.serve("--sync", "os")
        self.assertRegex(server.ready_line, r"^Stave \S+ is ready on 127\.0\.0\.1:\d+, ")

    def test_a_port_in_use_is_said(self):
        server = self.serve()
        done = self.run_stave("serve", "--port", str(server.port), "--bind", "127.0.0.1", "--dir", str(self.directory / "other"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("Address already in use", done.stderr)

    def test_a_directory_in_use_is_said(self):
        server = self.serve()
        done = self.run_stave("serve", "--port", "-1", "--dir", server.directory)
        self.assertEqual(done.returncode, 1)
        self.assertIn(server.directory, done.stderr)
        self.assertTrue(server.client().ping())

    def test_a_directory_without_permission_is_said(self):
        place = self.directory / "closed"
        place.mkdir()
        options = {}
        if os.getuid() == 0:
            self.directory.chmod(0o755)
            place.chmod(0o700)
            options = {"user": "nobody"}
            if subprocess.run([STAVE, "version"], capture_output=True, user="nobody").returncode != 0:
                self.skipTest("nobody may not run the program here")
        else:
            place.chmod(0o500)
        done = self.run_stave("serve", "--port", "-1", "--dir", str(place / "data"), **options)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ermission", done.stderr)

    def test_bad_options_exit_with_2_and_touch_nothing(self):
        data = self.directory / "data"
        config = self.directory / "stave.conf"
        config.write_text("port 7000\nprot 1\n")
        for arguments, environment, sentence in [
            (["--port", "abc"], {}, "port cannot be \"abc\""),
            (["--port", "70000"], {}, "from -1 to 65535"),
            (["--sync", "sometimes"], {}, "one of: always interval os"),
            (["--segment-size", "1"], {}, "segment-size"),
            (["--log-buffer", "5mb"], {}, "power of two"),
            (["--no-such-option", "1"], {}, "no-such-option"),
            (["--config", str(config)], {}, "line 2"),
            (["--config", str(self.directory / "missing")], {}, "missing"),
            ([], {"STAVE_MAXCLIENTS": "many"}, "STAVE_MAXCLIENTS"),
            ([], {"REQUIREPASS": "secret"}, "STAVE_PASSWORD"),
        ]:
            done = self.run_stave("serve", "--dir", str(data), *arguments, environment=environment)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(sentence, done.stderr + done.stdout)
            self.assertFalse(data.exists())

    def test_flags_win_over_environment_over_file(self):
        config = self.directory / "stave.conf"
        config.write_text("# mine\nmaxclients 100\ntimeout 1h\nslowlog-max-len 7\n")
        server = self.serve("--config", str(config), "--timeout", "2h", environment={"STAVE_MAXCLIENTS": "200", "STAVE_TIMEOUT": "3h", "KEY_MAX_BYTES": "nonsense"})
        client = server.client()
        self.assertEqual(client.config_get("maxclients"), {"maxclients": "200"})
        self.assertEqual(client.config_get("timeout"), {"timeout": "7200"})
        self.assertEqual(client.config_get("slowlog-max-len"), {"slowlog-max-len": "7"})
        client.config_set("maxclients", 300)
        client.config_rewrite()
        self.assertIn("# mine\nmaxclients 300\n", config.read_text())

    def test_config_answers_what_clients_ask(self):
        client = self.serve("--sync", "os").client()
        self.assertEqual(client.config_get("save"), {"save": ""})
        self.assertEqual(client.config_get("appendonly"), {"appendonly": "yes"})
        self.assertEqual(client.config_get("appendfsync"), {"appendfsync": "no"})
        client.config_set("appendfsync", "always")
        self.assertEqual(client.config_get("sync"), {"sync": "always"})
        for name, value in (("port", "1"), ("no-such-option", "1"), ("maxclients", "many"), ("appendonly", "no")):
            with self.assertRaises(redis.exceptions.ResponseError):
                client.config_set(name, value)

    def test_a_redis_conf_is_taken_as_it_is(self):
        config = self.directory / "redis.conf"
        config.write_text("bind 127.0.0.1 -::1\nprotected-mode yes\ntcp-backlog 511\ndaemonize yes\nsupervised auto\npidfile /run/r.pid\n"
                          "loglevel notice\nlogfile /var/log/r.log\ndatabases 16\nalways-show-logo no\nstop-writes-on-bgsave-error yes\n"
                          "rdbcompression yes\ndbfilename dump.rdb\nreplica-serve-stale-data yes\nappendonly no\nappendfsync everysec\n"
                          "aof-use-rdb-preamble yes\nslowlog-max-len 77\nhz 10\nrename-command CONFIG \"\"\n")
        refused = self.run_stave("serve", "--port", "-1", "--http-port", "0", "--dir", str(self.directory / "no"), str(config))
        self.assertEqual(refused.returncode, 2)
        self.assertIn("line 20: rename-command: ", refused.stderr)
        config.write_text(config.read_text().replace("rename-command", "# rename-command"))
        server = self.serve("--http-port", "0", str(config))
        self.assertEqual(server.client().config_get("slowlog-max-len"), {"slowlog-max-len": "77"})
        self.assertEqual(server.client().config_get("appendfsync"), {"appendfsync": "everysec"})
        server.end()
        told = [line for line in server.log if "mean nothing here" in line]
        self.assertEqual(len(told), 1, server.log)
        self.assertIn("pidfile, logfile", told[0])
        self.assertTrue(any("appendonly is always" in line for line in server.log))

    def test_a_misspelt_word_is_answered_with_the_one_that_was_meant(self):
        for arguments, meant in ((["srve"], "Did you mean serve?"), (["serve", "--prot", "1"], "Did you mean --port?"),
                                 (["serve", "--maxmemmory=1gb"], "Did you mean --maxmemory?")):
            done = self.run_stave(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(meant, done.stderr)

    def test_memory_is_limited_by_what_there_is_unless_told(self):
        client = self.serve("--http-port", "0").client()
        memory = client.info("memory")
        self.assertIn(memory["stave_maxmemory_source"], ("cgroup", "machine"))
        total = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) * 1024
        self.assertGreater(memory["maxmemory"], 0)
        self.assertLessEqual(memory["maxmemory"], total * 3 // 4)
        client.config_set("maxmemory", "100mb")
        self.assertEqual(client.info("memory")["stave_maxmemory_source"], "option")
        client = self.serve("--http-port", "0", "--maxmemory", "0", directory=self.directory / "other").client()
        self.assertEqual(client.info("memory")["maxmemory"], 0)
        self.assertEqual(client.info("memory")["stave_maxmemory_source"], "option")

    def test_the_policy_spill_is_told_as_clients_of_redis_understand_it(self):
        client = self.serve("--http-port", "0").client()
        self.assertEqual(client.config_get("*maxmemory-policy"), {"maxmemory-policy": "noeviction", "stave-maxmemory-policy": "spill"})
        self.assertEqual(client.info("memory")["maxmemory_policy"], "noeviction")
        # What is set back after a failure is the policy that was there, not what it is told as.
        with self.assertRaises(redis.exceptions.ResponseError):
            client.execute_command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxclients", "many")
        self.assertEqual(client.config_get("stave-maxmemory-policy"), {"stave-maxmemory-policy": "spill"})
        client.config_set("maxmemory-policy", "noeviction")
        self.assertEqual(client.config_get("stave-maxmemory-policy"), {"stave-maxmemory-policy": "noeviction"})
        client.config_set("stave-maxmemory-policy", "spill")
        self.assertEqual(client.config_get("stave-maxmemory-policy"), {"stave-maxmemory-policy": "spill"})

    def test_the_log_tells_who_did_what_as_json_lines(self):
        server = self.serve("--http-port", "0", "--log-format", "json", "--loglevel", "info", environment={"STAVE_PASSWORD": "secret"})
        for _ in range(3):
            with self.assertRaises(redis.exceptions.ResponseError):
                server.client(password='wro"ng').ping()
        client = server.client(password="secret")
        client.set("a", 1)
        client.flushall()
        client.execute_command("STAVE.BACKUP", "b")
        client.execute_command("STAVE.PURGE", "a")
        client.flushdb()
        client.config_set("maxmemory", "100mb")
        server.end()
        lines = [json.loads(line) for line in server.log]
        self.assertEqual({frozenset(line) for line in lines}, {frozenset(("time", "level", "message"))})
        self.assertEqual({line["level"] for line in lines}, {"info", "warning"})
        messages = [line["message"] for line in lines]
        self.assertEqual(sum("wrong password" in message for message in messages), 1, messages)
        for part in ("FLUSHALL by 127.0.0.1:", "FLUSHDB of database 0 by 127.0.0.1:", "backup up to LSN", "STAVE.PURGE", "changed maxmemory"):
            self.assertTrue(any(part in message for message in messages), (part, messages))
        self.assertFalse(any("secret" in message or "wro" in message.replace("wrong password", "") for message in messages))

    def test_version_help_and_reference(self):
        self.assertRegex(self.run_stave("version").stdout, r"^stave \d+\.\d+\.\d+\n$")
        for arguments in (["help"], ["--help"], ["serve", "--help"]):
            done = self.run_stave(*arguments)
            self.assertEqual(done.returncode, 0)
            self.assertIn("serve" if len(arguments) == 1 else "--sync", done.stdout)
        committed = (REPOSITORY / "docs/reference/options.md").read_text()
        self.assertEqual(self.run_stave("options").stdout, committed, "run: build/stave options > docs/reference/options.md")


if __name__ == "__main__":
    unittest.main()
