"""HOTKEYS: which keys cost most, over a tracking and over windows, through pipelines, transactions and scripts.

Usage: STAVE_BIN=<path to stave> python3 hot_keys_test.py.
"""

import os
import shutil
import signal
import tempfile
import time
import unittest

from package_index_test import Server
from pubsub_test import Peer

os.environ["HTTP_PORT"] = "0"


def pairs(flat):
    return dict(zip(flat[::2], flat[1::2]))


class HotKeys(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-hot-keys-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = Server(self.directory)
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))
        self.server.start("--threads", "2", "--sync", "os")
        self.peer = Peer(self.server.port)
        self.addCleanup(self.peer.__exit__)

    def report(self):
        answer = self.peer.ask("HOTKEYS", "GET")
        self.assertEqual(len(answer), 1)
        return pairs(answer[0])

    def test_what_cannot_be_asked_is_refused(self):
        for call, word in (("", "wrong number"), ("METRICS 0", "METRICS count"), ("METRICS -1", "METRICS count"), ("METRICS x CPU", "METRICS count"), ("COUNT 5", "METRICS parameter is required"),
                           ("METRICS 2 CPU", "METRICS count does not match"), ("METRICS 3 CPU NET", "METRICS count"), ("METRICS 1 GPU", "METRICS no valid metrics"), ("METRICS 2 CPU CPU", "METRICS CPU"),
                           ("METRICS 2 NET NET", "METRICS NET"), ("METRICS 1 CPU NET", "syntax error"), ("METRICS 1 CPU COUNT 0", "COUNT must be between 1 and 64"), ("METRICS 1 CPU COUNT 65", "COUNT must be between"),
                           ("METRICS 1 CPU COUNT", "COUNT must be between"), ("METRICS 1 CPU SAMPLE 0", "SAMPLE ratio must be positive"), ("METRICS 1 CPU DURATION 0", "DURATION"), ("METRICS 1 CPU SLOTS 1 0", "SLOTS"), ("METRICS 1 CPU FOO", "syntax error")):
            self.assertIn(word, self.peer.ask("HOTKEYS", "START", *call.split()), call)
        self.assertEqual(self.peer.ask("HOTKEYS", "GET"), [])
        self.assertIsNone(self.peer.ask("HOTKEYS", "STOP"))

    def test_a_tracking_tells_the_keys_of_most_bytes_and_time(self):
        other = Peer(self.server.port)  # of whom nobody asked anything when it came
        self.addCleanup(other.__exit__)
        other.ask("PING")
        self.assertEqual(self.peer.ask("HOTKEYS", "START", "METRICS", "3", "CPU", "NET", "LATER", "COUNT", "3"), "+OK")
        self.assertIn("already in progress", self.peer.ask("HOTKEYS", "START", "METRICS", "1", "CPU"))
        for i in range(50):
            other.ask("SET", "cold%d" % i, "x")
        other.ask("SET", "large", "x" * 100000)
        for _ in range(5):
            other.ask("GET", "large")
        self.peer.ask("MULTI")
        self.peer.ask("SET", "queued", "y" * 50000)
        self.peer.ask("EXEC")
        self.peer.ask("EVAL", "redis.call('set', KEYS[1], string.rep('z', 20000))", "1", "scripted")
        self.assertIn("stop tracking first", self.peer.ask("HOTKEYS", "RESET"))
        self.assertEqual(self.peer.ask("HOTKEYS", "STOP"), "+OK")
        other.ask("SET", "after", "x" * 200000)
        report = self.report()
        self.assertEqual(report["tracking-active"], 0)
        self.assertEqual(report["sample-ratio"], 1)
        self.assertEqual(report["selected-slots"], [])
        by_bytes = pairs(report["by-net-bytes"])
        self.assertEqual(list(by_bytes), ["large", "queued", "scripted"])
        self.assertGreaterEqual(by_bytes["large"], 600000)
        self.assertLess(by_bytes["large"], 601000)
        self.assertGreaterEqual(report["total-net-bytes"], sum(by_bytes.values()))
        self.assertLessEqual(len(report["by-cpu-time-us"]), 6)
        self.assertIn("total-cpu-time-user-ms", report)
        self.assertEqual(self.peer.ask("HOTKEYS", "RESET"), "+OK")
        self.assertEqual(self.peer.ask("HOTKEYS", "GET"), [])

    def test_a_tracking_ends_by_itself(self):
        self.peer.ask("HOTKEYS", "START", "METRICS", "1", "NET", "DURATION", "1")
        self.peer.ask("SET", "early", "x")
        while self.report()["tracking-active"] == 1:
            time.sleep(0.05)
        self.peer.ask("SET", "late", "x" * 1000)
        report = self.report()
        self.assertEqual(report["collection-duration-ms"], 1000)
        self.assertEqual(list(pairs(report["by-net-bytes"])), ["early"])
        self.assertNotIn("by-cpu-time-us", report)

    def test_windows_tell_the_most_called_keys(self):
        for option, value in (("hotkeys-top-k", "2"), ("hotkeys-sampling-percentage", "100"), ("hotkeys-window-seconds", "1")):
            self.assertEqual(self.peer.ask("CONFIG", "SET", option, value), "+OK")
        self.peer.ask("SELECT", "5")
        found = []
        while not found or found[0]["key"] != "hot":
            for _ in range(100):
                self.peer.ask("GET", "hot")
            for i in range(20):
                self.peer.ask("GET", "cold%d" % i)
            found = [pairs(entry) for entry in self.peer.ask("HOTKEYS", "GET")]
        self.assertLessEqual(len(found), 2)
        self.assertEqual(found[0]["db"], 5)
        self.assertGreater(found[0]["qps"], found[-1]["qps"])
        self.peer.ask("FLUSHALL")
        self.assertEqual(self.peer.ask("HOTKEYS", "GET"), [])
        self.assertEqual(self.peer.ask("CONFIG", "SET", "hotkeys-top-k", "0"), "+OK")
        self.assertEqual(self.peer.ask("HOTKEYS", "GET"), [])


if __name__ == "__main__":
    unittest.main()
