"""Scripts and functions at a server's door, through python3-redis: scripts that never end and who waits for them, many clients
at once, ends in the middle.

Usage: STAVE_BIN=<path to stave> python3 scripts_test.py.
"""

import os
import shutil
import signal
import tempfile
import threading
import time
import unittest

import redis

from package_index_test import Server

os.environ["HTTP_PORT"] = "0"
FOREVER = "while true do end"
WRITES_FOREVER = "redis.call('SET', KEYS[1], 'x') while true do end"
LIBRARY = """#!lua name=lib
redis.register_function('put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)
redis.register_function('loop', function(keys, args) while true do end end)
"""


class Scripts(unittest.TestCase):
    threads = "1"

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-scripts-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = Server(self.directory)
        self.start()
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))

    def start(self):
        self.server.start("--threads", self.threads, "--busy-reply-threshold", "300")
        self.client = self.connect()

    def connect(self):
        return redis.Redis(port=self.server.port, socket_timeout=60, decode_responses=True)

    def begin(self, *call):
        """Sends a call whose answer is waited for elsewhere; returns where that will be, and when."""
        answer = []

        def run():
            try:
                answer.append(self.connect().execute_command(*call))
            except redis.RedisError as problem:
                answer.append(str(problem))

        thread = threading.Thread(target=run)
        thread.start()
        return answer, thread

    def until_busy(self, key):
        """Until a command on that key is refused because of a script."""
        for _ in range(600):
            try:
                self.client.get(key)
            except redis.RedisError as problem:
                if "busy running a script" in str(problem):
                    return
                raise
            time.sleep(0.01)
        self.fail("nobody said that the server is busy")

    def test_a_script_that_never_ends_is_ended(self):
        self.client.set("a", "1")
        answer, thread = self.begin("EVAL", FOREVER, "1", "a")
        self.until_busy("a")
        # Whoever needs other keys goes on, and so does what needs none.
        self.assertTrue(self.client.ping())
        others = 0
        for i in range(64):
            try:
                others += self.client.set("other%d" % i, "1") is True
            except redis.RedisError as problem:
                self.assertIn("BUSY", str(problem))
        self.assertGreater(others, 32)
        with self.assertRaisesRegex(redis.RedisError, "FUNCTION KILL|SCRIPT KILL|busy"):
            self.client.execute_command("FUNCTION", "KILL")
        self.assertEqual(self.client.execute_command("SCRIPT", "KILL"), "OK")
        thread.join(30)
        self.assertIn("Script killed by user with SCRIPT KILL", answer[0])
        self.assertEqual(self.client.get("a"), "1")
        with self.assertRaisesRegex(redis.RedisError, "No scripts in execution"):
            self.client.execute_command("SCRIPT", "KILL")

    def test_one_that_has_written_is_not_ended_but_by_the_end(self):
        answer, thread = self.begin("EVAL", WRITES_FOREVER, "1", "a")
        self.until_busy("a")
        with self.assertRaisesRegex(redis.RedisError, "already executed write"):
            self.client.execute_command("SCRIPT", "KILL")
        self.server.stop(signal.SIGKILL)
        thread.join(30)
        self.start()
        self.assertIsNone(self.client.get("a"))

    def test_whoever_waits_is_served_when_the_script_is_done(self):
        self.client.config_set("busy-reply-threshold", "60000")
        self.assertEqual(self.client.config_get("lua-time-limit"), {"lua-time-limit": "60000"})
        script = "for i = 1, tonumber(ARGV[1]) do local x = i * 2 end redis.call('SET', KEYS[1], 'done') return 'done'"
        answer, thread = self.begin("EVAL", script, "1", "a", "60000000")
        time.sleep(0.2)
        got, waiting = self.begin("GET", "a")
        self.assertTrue(self.client.ping())
        thread.join(60)
        waiting.join(60)
        self.assertEqual(answer, ["done"])
        self.assertIn(got[0], ("done", None))
        self.assertEqual(self.client.get("a"), "done")

    def test_within_multi_it_is_undone(self):
        pipe = self.connect().pipeline()
        pipe.set("a", "1")
        pipe.eval(FOREVER, 1, "a")
        with self.assertRaisesRegex(redis.RedisError, "busy-reply-threshold"):
            pipe.execute()
        self.assertIsNone(self.client.get("a"))

    def test_functions_stay(self):
        self.assertEqual(self.client.execute_command("FUNCTION", "LOAD", LIBRARY), "lib")
        self.assertEqual(self.client.execute_command("FCALL", "put", 1, "a", "1"), "OK")
        self.server.stop(signal.SIGKILL)
        self.start()
        self.assertEqual(self.client.execute_command("FCALL", "put", 1, "b", "2"), "OK")
        self.assertEqual(self.client.mget("a", "b"), ["1", "2"])
        answer, thread = self.begin("FCALL", "loop", "1", "a")
        self.until_busy("a")
        stats = self.client.execute_command("FUNCTION", "STATS")
        self.assertEqual(stats[0], "running_script")
        self.assertEqual(stats[1][:2], ["name", "loop"])
        self.client.execute_command("FUNCTION", "KILL")
        thread.join(30)
        self.assertIn("FUNCTION KILL", answer[0])
        self.client.flushall()
        self.server.stop(signal.SIGTERM)
        self.start()
        self.assertEqual(self.client.execute_command("FCALL", "put", 1, "a", "3"), "OK")

    def test_many_at_once_lose_nothing(self):
        add = self.client.register_script("local n = redis.call('GET', KEYS[1]) or 0 redis.call('SET', KEYS[1], n + 1) "
                                          "redis.call('INCR', 'undeclared' .. ARGV[1]) return n + 1")
        problems = []

        def work(number):
            try:
                with self.connect() as client:
                    for i in range(200):
                        add(keys=["sum"], args=[i % 10], client=client)
            except Exception as problem:  # noqa: BLE001 - told by the main thread
                problems.append(problem)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        self.assertEqual(self.client.get("sum"), "1200")
        self.assertEqual(sum(int(self.client.get("undeclared%d" % i)) for i in range(10)), 1200)

    def test_locks_of_python_redis_work(self):
        with self.client.lock("lock", timeout=10):
            self.assertFalse(self.connect().lock("lock").acquire(blocking=False))
        self.assertIsNone(self.client.get("lock"))

    def test_what_is_published_comes_when_it_has_happened(self):
        listener = self.connect().pubsub()
        listener.subscribe("c")
        self.assertEqual(listener.get_message(timeout=10)["type"], "subscribe")
        self.assertEqual(self.client.eval("redis.call('SET', 'a', '1') return redis.call('PUBLISH', 'c', 'm')", 0), 1)
        message = listener.get_message(timeout=10)
        self.assertEqual((message["channel"], message["data"]), ("c", "m"))
        listener.close()


class ScriptsOnSeveralThreads(Scripts):
    threads = "3"


if __name__ == "__main__":
    unittest.main()
