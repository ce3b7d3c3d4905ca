"""Calls that wait, through sockets: who is answered first over several threads, chains, clients that leave, time, and what
is left after a kill -9.

Usage: STAVE_BIN=<path to stave> python3 waiting_test.py.
"""

import os
import shutil
import signal
import tempfile
import threading
import time
import unittest

from package_index_test import Server
from pubsub_test import Peer

os.environ["HTTP_PORT"] = "0"


class WaitingTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-waiting-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = Server(self.directory)
        self.server.start("--threads", "3", "--sync", "os")
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))
        self.main = self.peer()

    def peer(self, *first):
        peer = Peer(self.server.port, *first)
        self.addCleanup(peer.__exit__)
        return peer

    def waiting(self, *call):
        """A client whose call waits."""
        before = self.blocked()
        peer = self.peer()
        peer.send(*call)
        self.until(lambda: self.blocked() == before + 1)
        return peer

    def blocked(self):
        text = self.main.ask("INFO", "clients")
        return int(next(line for line in text.split("\r\n") if line.startswith("blocked_clients:")).split(":")[1])

    def until(self, holds):
        for _ in range(3000):
            if holds():
                return
            time.sleep(0.01)
        self.fail("it never came to that")

    def test_first_come_first_served_over_all_threads(self):
        peers = [self.waiting("BLPOP", "q", 0) for _ in range(24)]
        for i in range(12):
            self.assertEqual(self.main.ask("RPUSH", "q", f"a{i}", f"b{i}"), 2)
        for i, peer in enumerate(peers):
            # Each push answers two, the first with the first element.
            self.assertEqual(peer.read(), ["q", f"{'ab'[i % 2]}{i // 2}"])
        self.assertEqual(self.main.ask("EXISTS", "q"), 0)

    def test_nothing_is_lost_or_given_twice(self):
        count, takers = 600, 6
        got = [[] for _ in range(takers)]

        def take(i):
            with Peer(self.server.port) as peer:
                while True:
                    _, element = peer.ask("BLPOP" if i % 2 else "BRPOP", "q1", "q2", "q3", 0)
                    if element == "end":
                        return
                    got[i].append(element)

        def give(i):
            with Peer(self.server.port) as peer:
                for n in range(count):
                    peer.ask("RPUSH", f"q{n % 3 + 1}", f"{i}-{n}")

        threads = [threading.Thread(target=take, args=(i,)) for i in range(takers)]
        givers = [threading.Thread(target=give, args=(i,)) for i in range(3)]
        for thread in threads + givers:
            thread.start()
        for thread in givers:
            thread.join(300)
        self.until(lambda: self.blocked() == takers)
        self.assertEqual(self.main.ask("EXISTS", "q1", "q2", "q3"), 0)
        for _ in range(takers):
            self.main.ask("RPUSH", "q1", "end")
        for thread in threads:
            thread.join(60)
        everything = sorted(element for some in got for element in some)
        self.assertEqual(everything, sorted(f"{i}-{n}" for i in range(3) for n in range(count)))

    def test_a_chain_goes_to_its_end_at_once(self):
        length = 20
        last = self.waiting("BLPOP", f"c{length}", 0)
        peers = [self.waiting("BLMOVE", f"c{i}", f"c{i + 1}", "LEFT", "RIGHT", 0) for i in range(length)]
        self.assertEqual(self.main.ask("RPUSH", "c0", "x"), 1)
        self.assertEqual(last.read(), [f"c{length}", "x"])
        self.assertEqual([peer.read() for peer in peers], ["x"] * length)
        self.assertEqual(self.main.ask("DBSIZE"), 0)

    def test_a_script_is_over_first(self):
        peer = self.waiting("BLPOP", "q", 0)
        script = "redis.call('RPUSH', KEYS[1], 'a'); redis.call('LPUSH', KEYS[1], 'b'); return redis.call('LLEN', KEYS[1])"
        self.assertEqual(self.main.ask("EVAL", script, 1, "q"), 2)
        self.assertEqual(peer.read(), ["q", "b"])
        self.assertEqual(self.main.ask("LRANGE", "q", 0, -1), ["a"])

    def test_who_has_left_takes_nothing(self):
        for half in (False, True):
            first = self.waiting("BLPOP", "q", 0)
            second = self.waiting("BLPOP", "q", 0)
            if half:
                first.socket.shutdown(1)
            else:
                first.__exit__()
            self.until(lambda: self.blocked() == 1)
            self.main.ask("RPUSH", "q", "x")
            self.assertEqual(second.read(), ["q", "x"])
        killed = self.waiting("BLPOP", "q", 0)
        self.main.ask("CLIENT", "KILL", "TYPE", "normal")
        self.until(lambda: self.blocked() == 0)
        with self.assertRaises(EOFError):
            killed.read()

    def test_what_comes_behind_waits_too(self):
        peer = self.waiting("BLPOP", "q", 0)
        peer.send("RPUSH", "r", "1")
        peer.send("BLPOP", "r", 0)
        peer.send("PING")
        time.sleep(0.05)
        self.assertEqual(self.main.ask("EXISTS", "r"), 0)
        self.main.ask("RPUSH", "q", "x")
        self.assertEqual([peer.read() for _ in range(4)], [["q", "x"], 1, ["r", "1"], "+PONG"])

    def test_time(self):
        begin = time.monotonic()
        self.assertIsNone(self.main.ask("BLPOP", "q", "0.15"))
        self.assertIsNone(self.main.ask("BZPOPMIN", "q", "0.05"))
        self.assertEqual(self.main.ask("WAIT", 2, 50), 0)
        self.assertGreaterEqual(time.monotonic() - begin, 0.25)
        self.assertEqual(self.main.ask("WAIT", 0, 0), 0)
        peers = [self.waiting("BLPOP", "q", "0.3") for _ in range(5)]
        self.assertEqual([peer.read() for peer in peers], [None] * 5)
        self.assertEqual(self.blocked(), 0)
        self.assertIn("negative", self.main.ask("BLPOP", "q", -1))

    def test_unblock(self):
        peer = self.peer()
        number = peer.ask("CLIENT", "ID")
        for reason, expected in (("TIMEOUT", None), ("ERROR", "-UNBLOCKED client unblocked via CLIENT UNBLOCK")):
            self.assertEqual(self.main.ask("CLIENT", "UNBLOCK", number, reason), 0)
            peer.send("BLPOP", "q", 0)
            self.until(lambda: self.main.ask("CLIENT", "UNBLOCK", number, reason) == 1)
            self.assertEqual(peer.read(), expected)

    def test_a_listener_hears_while_it_waits(self):
        peer = self.peer("HELLO", 3)
        peer.ask("SUBSCRIBE", "news")
        before = self.blocked()
        peer.send("BLPOP", "q", 0)
        self.until(lambda: self.blocked() == before + 1)
        self.main.ask("PUBLISH", "news", "hello")
        self.assertEqual(peer.read(), ["push", "message", "news", "hello"])
        self.main.ask("RPUSH", "q", "x")
        self.assertEqual(peer.read(), ["q", "x"])

    def test_who_waits_does_not_hold_a_pause_up(self):
        peer = self.waiting("BLPOP", "q", 0)
        self.main.ask("RPUSH", "other", "x")
        self.assertEqual(self.main.ask("CLIENT", "PAUSE", 300, "WRITE"), "+OK")
        pusher = self.peer()
        pusher.send("RPUSH", "q", "x")
        self.assertEqual(self.main.ask("EXISTS", "q"), 0)
        self.assertEqual(peer.read(), ["q", "x"])
        self.assertEqual(pusher.read(), 1)

    def test_a_push_and_the_pop_it_made_possible_are_there_or_not_together(self):
        """Elements go from one list through waiting moves to another while the server is killed: each is in exactly one of
        both, and what was told is there."""
        self.server.stop(signal.SIGKILL)
        for _ in range(3):
            self.server.start("--threads", "3")
            known = Peer(self.server.port)
            done = set(known.ask("LRANGE", "done", 0, -1))
            known.__exit__()
            told, pushed = set(), []
            ending = threading.Event()

            def move():
                try:
                    with Peer(self.server.port) as peer:
                        while True:
                            told.add(peer.ask("BLMOVE", "todo", "done", "LEFT", "RIGHT", 0))
                except (OSError, EOFError):
                    pass

            def push(i):
                try:
                    with Peer(self.server.port) as peer:
                        for n in range(100000):
                            if ending.is_set():
                                return
                            peer.ask("RPUSH", "todo", f"{len(done)}-{i}-{n}")
                            pushed.append(f"{len(done)}-{i}-{n}")
                except (OSError, EOFError):
                    pass

            threads = [threading.Thread(target=move) for _ in range(4)]
            threads += [threading.Thread(target=push, args=(i,)) for i in range(2)]
            for thread in threads:
                thread.start()
            self.until(lambda: len(told) > 200)
            self.server.stop(signal.SIGKILL)
            ending.set()
            for thread in threads:
                thread.join(60)
            self.server.start("--threads", "3")
            with Peer(self.server.port) as peer:
                here, there = peer.ask("LRANGE", "todo", 0, -1), peer.ask("LRANGE", "done", 0, -1)
                peer.ask("DEL", "todo")
            self.assertEqual(len(here) + len(there), len(set(here) | set(there)))
            self.assertLessEqual(told, set(there))
            self.assertLessEqual(set(pushed), set(here) | set(there))
            self.server.stop(signal.SIGKILL)

    def test_many_who_wait_cost_no_time(self):
        peers = []
        for i in range(200):
            peer = self.peer()
            peer.send("BLPOP", f"q{i % 20}", 0 if i % 2 else 1000)
            peers.append(peer)
        self.until(lambda: self.blocked() == len(peers))

        def spent():
            with open(f"/proc/{self.server.process.pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])

        before = spent()
        time.sleep(1)
        self.assertLessEqual(spent() - before, 20)  # hundredths of a second


if __name__ == "__main__":
    unittest.main()
