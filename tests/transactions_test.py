"""MULTI and WATCH through python3-redis and by hand: concurrent loops, many threads of the server, blocks too large for one
message, pipelines that come in pieces, limits.

Usage: STAVE_BIN=<path to stave> python3 transactions_test.py.
"""

import os
import shutil
import signal
import socket
import tempfile
import threading
import time
import unittest

import redis

from package_index_test import Server, command

os.environ["HTTP_PORT"] = "0"
CLIENTS = 8
ROUNDS = 100


class Transactions(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-transactions-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = Server(self.directory)
        self.start()
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))

    def start(self, *options):
        self.server.start("--threads", "3", "--sync", "os", *options)
        self.client = redis.Redis(port=self.server.port, socket_timeout=60)

    def restart(self, *options):
        self.assertEqual(self.server.stop(signal.SIGTERM), 0)
        self.start(*options)

    def together(self, work):
        """Runs `work(number, client)` in as many threads as there are clients; each has a connection of its own."""
        problems = []

        def run(number):
            try:
                with redis.Redis(port=self.server.port, socket_timeout=60) as client:
                    work(number, client)
            except Exception as problem:  # noqa: BLE001 - told by the main thread
                problems.append(problem)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])

    def test_watch_loops_lose_no_update(self):
        retries = [0] * CLIENTS

        def count(number, client):
            for _ in range(ROUNDS):
                while True:
                    with client.pipeline() as pipe:
                        try:
                            pipe.watch("counter", "list")
                            now = int(pipe.get("counter") or 0)
                            pipe.multi()
                            pipe.set("counter", now + 1)
                            pipe.rpush("list", now)
                            pipe.execute()
                            break
                        except redis.WatchError:
                            retries[number] += 1

        self.together(count)
        self.assertEqual(self.client.get("counter"), b"%d" % (CLIENTS * ROUNDS))
        self.assertEqual(self.client.lrange("list", 0, -1), [b"%d" % i for i in range(CLIENTS * ROUNDS)])
        self.restart()
        self.assertEqual(self.client.get("counter"), b"%d" % (CLIENTS * ROUNDS))
        self.assertEqual(self.client.llen("list"), CLIENTS * ROUNDS)

    def test_nobody_sees_half_of_it(self):
        names = ["account%d" % i for i in range(16)]
        self.client.mset({name: 100 for name in names})
        done = threading.Event()

        def move(number, client):
            if number < 2:
                while not done.is_set():
                    self.assertEqual(sum(map(int, client.mget(names))), 1600)
                    with client.pipeline() as pipe:
                        for name in names:
                            pipe.get(name)
                        self.assertEqual(sum(map(int, pipe.execute())), 1600)
                return
            try:
                for i in range(ROUNDS):
                    with client.pipeline() as pipe:
                        pipe.decrby(names[(i * 7 + number) % 16], 5)
                        pipe.incrby(names[(i * 5 + 3 * number) % 16], 5)
                        pipe.execute()
            finally:
                if number == CLIENTS - 1:
                    done.set()

        self.together(move)

    def test_everything_a_pipeline_does_is_one_transaction_with_its_errors(self):
        with self.client.pipeline() as pipe:
            pipe.set("a", "word").incr("a").hset("h", mapping={"f": 1, "g": 2}).lrange("none", 0, -1).get("a")
            answers = pipe.execute(raise_on_error=False)
        self.assertEqual(answers[0], True)
        self.assertIsInstance(answers[1], redis.ResponseError)
        self.assertEqual(answers[2:], [2, [], b"word"])
        with self.assertRaisesRegex(redis.ResponseError, "unknown command 'NOSUCH'"):
            with self.client.pipeline() as pipe:
                pipe.set("a", "other").execute_command("NOSUCH")
                pipe.execute()
        self.assertEqual(self.client.get("a"), b"word")

    def test_ROLLBACK_undoes_all_of_it(self):
        with self.client.client() as client:
            client.execute_command("MULTI", "ROLLBACK")
            client.execute_command("SET", "a", "word")
            client.execute_command("INCR", "a")
            with self.assertRaisesRegex(redis.exceptions.ExecAbortError, "command 2 \\('incr'\\) failed"):
                client.execute_command("EXEC")
        self.assertFalse(self.client.exists("a"))

    def test_large_and_many(self):
        large = os.urandom(6 << 20)
        with self.client.pipeline() as pipe:
            for i in range(3):
                pipe.set("large%d" % i, large)
            for i in range(20_000):
                pipe.set("small%d" % i, i)
            pipe.get("large1")
            answers = pipe.execute()
        self.assertEqual(len(answers), 20_004)
        self.assertEqual(answers[-1], large)
        self.restart()
        self.assertEqual(self.client.get("large2"), large)
        self.assertEqual(self.client.get("small19999"), b"19999")

    def test_it_comes_in_pieces(self):
        text = b"".join([command(b"WATCH", b"k"), command(b"MULTI"), command(b"SET", b"k", b"v" * 70_000), command(b"GET", b"k"),
                         command(b"STRLEN", b"k"), command(b"EXEC"), command(b"PING")])
        expected = b"+OK\r\n+OK\r\n" + b"+QUEUED\r\n" * 3 + b"*3\r\n+OK\r\n$70000\r\n" + b"v" * 70_000 + b"\r\n:70000\r\n+PONG\r\n"
        for step in (1, 7, 1000, 50_000):
            with socket.create_connection(("127.0.0.1", self.server.port), 60) as connection:
                pieces = [text[i:i + step] for i in range(0, 200, step)] + [text[-(-200 // step) * step:]]
                for piece in pieces:
                    connection.sendall(piece)
                self.assertEqual(connection.makefile("rb").read(len(expected)), expected)

    def test_values_on_the_disk_take_part(self):
        self.restart("--maxmemory", "24mb")
        value = lambda i: b"%03d," % i * 15_000
        for i in range(800):
            self.client.set("k%d" % i, value(i))
        for i in range(0, 800, 80):
            with self.client.pipeline() as pipe:
                for j in range(i, i + 20):
                    pipe.get("k%d" % j)
                pipe.append("k%d" % i, "x")
                answers = pipe.execute()
            for j in range(20):
                self.assertEqual(answers[j], value(i + j))
        self.assertEqual(self.client.getrange("k80", -1, -1), b"x")

    def test_a_queue_that_is_too_large_is_refused_and_the_connection_goes_on(self):
        self.client.config_set("client-query-buffer-limit", 2 << 20)
        with self.client.client() as client:
            client.execute_command("MULTI")
            with self.assertRaisesRegex(redis.ResponseError, "no room to queue"):
                for _ in range(10):
                    client.execute_command("SET", "a", "x" * 500_000)
            with self.assertRaises(redis.exceptions.ExecAbortError):
                client.execute_command("EXEC")
            self.assertEqual(client.execute_command("EXISTS", "a"), 0)

    def test_who_leaves_in_the_middle_has_done_nothing(self):
        for i in range(50):
            with socket.create_connection(("127.0.0.1", self.server.port), 60) as connection:
                connection.sendall(command(b"MULTI") + command(b"SET", b"gone", b"1") * (i + 1))
                connection.recv(5)
        self.assertFalse(self.client.exists("gone"))
        # The server hears of the last of them when it comes to it.
        end = time.monotonic() + 30
        while any(client["multi"] != "-1" for client in self.client.client_list()):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        self.assertFalse(self.client.exists("gone"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
