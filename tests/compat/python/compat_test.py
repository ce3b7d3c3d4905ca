#!/usr/bin/env python3
"""Python's programs made for Redis, used as their own documentation shows, against a Stave server: python3-redis (with and
without hiredis), Celery, rq; and hiredis from C. By hand (Debian: python3-redis python3-hiredis python3-celery python3-rq
libhiredis-dev):

    STAVE_PORT=6379 /usr/bin/python3 tests/compat/python/compat_test.py
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import redis
from redis.connection import HiredisParser, PythonParser

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = int(os.environ.get("STAVE_PORT", "6379"))

sys.path.insert(0, HERE)


class Client(unittest.TestCase):
    parser = PythonParser

    def setUp(self):
        pool = redis.ConnectionPool(port=PORT, db=2, parser_class=self.parser, decode_responses=True, socket_timeout=20)
        self.client = redis.Redis(connection_pool=pool)
        self.client.flushdb()

    def test_pipelines_and_transactions(self):
        with self.client.pipeline() as pipe:
            answers = pipe.set("a", 1).incr("a").lpush("a", "x").execute(raise_on_error=False)
        self.assertEqual(answers[:2], [True, 2])
        self.assertIsInstance(answers[2], redis.ResponseError)

        def raise_it(pipe):
            value = int(pipe.get("a"))
            pipe.multi()
            pipe.set("a", value + 1)

        threads = [threading.Thread(target=lambda: [self.client.transaction(raise_it, "a") for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.client.get("a"), "202")

    def test_locks(self):
        held, most = [0], [0]

        def work():
            for _ in range(10):
                with self.client.lock("lock", timeout=10, blocking_timeout=20, sleep=0.01):
                    held[0] += 1
                    most[0] = max(most[0], held[0])
                    held[0] -= 1

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(most[0], 1)
        lock = self.client.lock("short", timeout=0.05)
        self.assertTrue(lock.acquire())
        self.assertTrue(lock.extend(10))
        lock.release()
        with self.assertRaises(redis.exceptions.LockError):
            lock.release()

    def test_scripts(self):
        script = self.client.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
        self.client.script_flush()
        self.assertEqual(script(keys=["n"], args=[5]), 5)
        pipe = self.client.pipeline()
        script(keys=["n"], args=[5], client=pipe)
        self.assertEqual(pipe.execute(), [10])

    def test_publish_and_subscribe(self):
        listener = self.client.pubsub(ignore_subscribe_messages=True)
        heard = []
        listener.subscribe(**{"news": lambda message: heard.append(message["data"])})
        listener.psubscribe(**{"n*": lambda message: heard.append(message["pattern"])})
        thread = listener.run_in_thread(sleep_time=0.01)
        while self.client.pubsub_numpat() == 0:
            time.sleep(0.01)
        self.assertEqual(self.client.publish("news", "hello"), 2)
        while len(heard) < 2:
            time.sleep(0.01)
        thread.stop()
        thread.join()
        self.assertEqual(heard, ["hello", "n*"])

    def test_types(self):
        client = self.client
        client.hset("h", mapping={"a": 1, "b": 2})
        self.assertEqual(client.hgetall("h"), {"a": "1", "b": "2"})
        client.zadd("z", {"a": 1.5, "b": 2})
        self.assertEqual(client.zrange("z", 0, -1, withscores=True), [("a", 1.5), ("b", 2.0)])
        client.geoadd("g", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"))
        self.assertEqual(client.geosearch("g", longitude=15, latitude=37, radius=100, unit="km"), ["Catania"])
        identity = client.xadd("s", {"field": "value"})
        client.xgroup_create("s", "group", id="0")
        self.assertEqual(client.xreadgroup("group", "me", {"s": ">"}), [["s", [(identity, {"field": "value"})]]])
        self.assertEqual(client.xpending("s", "group")["pending"], 1)
        self.assertEqual(client.xinfo_stream("s")["length"], 1)
        self.assertEqual(client.pfadd("p", "a", "b"), 1)
        self.assertEqual(client.setbit("bits", 7, 1), 0)
        self.assertEqual(sorted(client.scan_iter(match="[hz]")), ["h", "z"])
        self.assertIn("redis_version", client.info())
        self.assertEqual(client.config_get("maxmemory-policy"), {"maxmemory-policy": "noeviction"})
        self.assertIn("default", client.acl_users())
        self.assertGreater(client.memory_usage("h"), 0)
        self.assertTrue(client.client_list()[0]["addr"])
        self.assertIn("get", client.command())


class ClientWithHiredis(Client):
    parser = HiredisParser


class Workers(unittest.TestCase):
    def setUp(self):
        redis.Redis(port=PORT, db=3).flushdb()
        self.environment = dict(os.environ, STAVE_PORT=str(PORT), PYTHONPATH=HERE)

    def worker(self, *command):
        process = subprocess.Popen([sys.executable, *command], cwd=HERE, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (process.terminate(), process.wait(30)))
        return process

    def test_celery(self):
        import tasks
        from celery import chain, chord, group

        self.worker("-m", "celery", "-A", "tasks", "worker", "--concurrency", "2", "--loglevel", "ERROR", "--without-mingle")
        self.assertEqual(tasks.add.delay(2, 3).get(timeout=60), 5)
        self.assertEqual(sorted(group(tasks.add.s(i, i) for i in range(20))().get(timeout=60)), [2 * i for i in range(20)])
        self.assertEqual(chord([tasks.add.s(i, 1) for i in range(5)])(tasks.total.s()).get(timeout=60), 15)
        self.assertEqual(chain(tasks.add.s(1, 2), tasks.add.s(10))().get(timeout=60), 13)
        self.assertEqual(tasks.third_time.delay().get(timeout=60), 2)
        self.assertEqual(tasks.add.apply_async((1, 1), countdown=1).get(timeout=60), 2)

    def test_rq(self):
        import rq
        import tasks

        connection = redis.Redis(port=PORT, db=3)
        queue = rq.Queue("stave", connection=connection)
        jobs = [queue.enqueue(tasks.multiply, i, 3) for i in range(5)]
        failing = queue.enqueue(tasks.fail)
        dependent = queue.enqueue(tasks.multiply, 7, 7, depends_on=jobs[0])
        self.worker("-c", "import redis, rq; rq.Worker(['stave'], connection=redis.Redis(port=%d, db=3)).work()" % PORT)
        end = time.monotonic() + 60
        while time.monotonic() < end and not (dependent.is_finished and failing.is_failed and all(job.is_finished for job in jobs)):
            time.sleep(0.1)
        self.assertEqual([job.result for job in jobs], [0, 3, 6, 9, 12])
        self.assertEqual(dependent.result, 49)
        self.assertTrue(failing.is_failed)
        self.assertIn("as it should", failing.exc_info)


HIREDIS_CLIENT = r"""
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int good, const char* what) {
  if (good) return;
  fprintf(stderr, "not as expected: %s\n", what);
  exit(1);
}

int main(int argc, char** argv) {
  check(argc == 2, "usage");
  redisContext* c = redisConnect("127.0.0.1", atoi(argv[1]));
  check(c != NULL && c->err == 0, "connect");
  redisReply* r = redisCommand(c, "SET %b %b", "k\0y", (size_t)3, "v\r\n\0", (size_t)4);
  check(r && r->type == REDIS_REPLY_STATUS && strcmp(r->str, "OK") == 0, "SET");
  freeReplyObject(r);
  r = redisCommand(c, "GET %b", "k\0y", (size_t)3);
  check(r && r->type == REDIS_REPLY_STRING && r->len == 4 && memcmp(r->str, "v\r\n\0", 4) == 0, "GET");
  freeReplyObject(r);
  redisAppendCommand(c, "DEL list");
  for (int i = 0; i < 1000; ++i) redisAppendCommand(c, "RPUSH list element-%d", i);
  redisAppendCommand(c, "LRANGE list 0 -1");
  for (int i = 0; i < 1001; ++i) {
    check(redisGetReply(c, (void**)&r) == REDIS_OK && r->type == REDIS_REPLY_INTEGER, "a pipeline");
    freeReplyObject(r);
  }
  check(redisGetReply(c, (void**)&r) == REDIS_OK && r->type == REDIS_REPLY_ARRAY && r->elements == 1000, "LRANGE");
  check(strcmp(r->element[999]->str, "element-999") == 0, "the last element");
  freeReplyObject(r);
  r = redisCommand(c, "INCR list");
  check(r && r->type == REDIS_REPLY_ERROR && strncmp(r->str, "WRONGTYPE", 9) == 0, "an error");
  freeReplyObject(r);
  freeReplyObject(redisCommand(c, "MULTI"));
  freeReplyObject(redisCommand(c, "SET n 1"));
  freeReplyObject(redisCommand(c, "INCR n"));
  r = redisCommand(c, "EXEC");
  check(r && r->type == REDIS_REPLY_ARRAY && r->elements == 2 && r->element[1]->integer == 2, "EXEC");
  freeReplyObject(r);
  redisFree(c);
  puts("all as expected");
  return 0;
}
"""


class Hiredis(unittest.TestCase):
    """hiredis as its README shows it: calls, binary values, a pipeline, errors, a transaction."""

    def test_synchronous_calls_and_pipelines(self):
        with tempfile.TemporaryDirectory() as directory:
            program = os.path.join(directory, "hiredis_client")
            subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-x", "c", "-o", program, "-", "-lhiredis"], input=HIREDIS_CLIENT, text=True, check=True)
            self.assertEqual(subprocess.run([program, str(PORT)], capture_output=True, text=True, check=True).stdout, "all as expected\n")


if __name__ == "__main__":
    unittest.main()
