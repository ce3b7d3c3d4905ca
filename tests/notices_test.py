"""Keyspace notifications and CLIENT TRACKING, by hand over sockets: what is told, in which order, over several threads of the
server; and beside redis-server, if there is one, the same events for the same commands.

Usage: STAVE_BIN=<path to stave> python3 notices_test.py.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from package_index_test import Server, free_port
from pubsub_test import Peer

os.environ["HTTP_PORT"] = "0"

# Each line is a command; `new` and `keymiss` are told as well.
COMMANDS = """
SET opt KEEPTTL EX 100|SET opt KEEPTTL PX 100000 KEEPTTL|SETEX opt 100 KEEPTTL|PSETEX opt 100000 keepttl|SET opt2 GET|SET opt3 GET GET|MSET KEEPTTL 1 opt KEEPTTL
SET a 1|SET a 2 EX 100|SET a 3 KEEPTTL|SET b 1 GET|SETEX a 100 v|SETNX c 1|SETNX c 1|GETSET g 1|MSET m1 1 m2 2|MSETNX m3 1 m4 2|GET nokey
MGET a nokey2 nokey3|EXISTS nokey a|TTL nokey|GETDEL nokey|GETDEL m1|GETEX m2 EX 100|GETEX m2 PERSIST|GETEX m2 PERSIST|APPEND ap x|SETRANGE sr 0 abc
INCR i|INCRBY i 0|DECR i|INCRBYFLOAT f 1.5|SETBIT bit 7 1|BITFIELD bit SET u8 0 5|BITOP AND dst bit a|BITOP AND dst nokey nokey
BITOP AND dst nokey nokey|PFADD hll a b|PFADD hll a b|PFMERGE hll2 hll|EXPIRE a 100|PERSIST a|PERSIST a|EXPIRE a -1|RENAME b b2|RENAME b2 g
RENAMENX g i|RENAMENX g zz|MOVE zz 1|COPY i i2|COPY i i2 REPLACE|COPY i i3 DB 2|RPUSH l a b c d e|LPUSH l z|LPUSHX l q|LPUSHX nol q|LINSERT l BEFORE a b
LSET l 0 x|LSET l 0 x|LREM l 0 b|LREM l 0 nope|LTRIM l 0 100|LTRIM l 0 3|LPOP l|RPOP l|LMOVE l l2 LEFT RIGHT|RPOPLPUSH l l2|RPUSH one x
LMOVE one l3 LEFT LEFT|LMPOP 2 nokey l2 LEFT COUNT 1|LMPOP 1 l2 RIGHT COUNT 10|LPOP l3 5|RPUSH l3 a b c|BLPOP nokey l3 0.01|BRPOP l3 0.01
BLMOVE l3 l4 LEFT LEFT 0.01|HSET h a 1 b 2|HSET h a 1|HSETNX h d 4|HINCRBY h a 1|HINCRBYFLOAT h a 1.5|HDEL h nope|HDEL h a b d|SADD s a b c d
SADD s a|SREM s a|SMOVE s s2 b|SMOVE s s2 nope|SPOP s2|SADD sa 1 2 3|SADD sb 2 3 4|SINTERSTORE sd sa sb|SDIFFSTORE sd sa sa|SDIFFSTORE sd sa sa
ZADD z 1 a 2 b|ZADD z 1 a|ZADD z INCR 1 a|ZINCRBY z 1 a|ZREM z a|ZPOPMIN z|ZADD z 1 a 2 b 3 c|ZPOPMAX z|ZMPOP 1 z MIN|ZREMRANGEBYSCORE z 0 100
ZADD z2 1 a 2 b|ZUNIONSTORE z3 2 z z2|ZRANGESTORE z4 z2 0 -1|ZRANGESTORE z4 nokey 0 -1|GEOADD geo 13 38 x 15 37 y
GEOSEARCHSTORE geo2 geo FROMLONLAT 15 37 BYRADIUS 1000 km|SORT sa STORE so|SORT nokey STORE so|XADD st 1-1 a b|XADD st MAXLEN 1 3-1 a b|XTRIM st MAXLEN 0
XADD st 4-1 a b|XDEL st 4-1|XSETID st 9-1|XGROUP CREATE st g 0|XGROUP CREATECONSUMER st g c1|XADD st 10-1 a b|XREADGROUP GROUP g c2 STREAMS st >|XGROUP DELCONSUMER st g c1
XGROUP DESTROY st g|DEL st g nokey|UNLINK sa sb sa|MULTI|SET tx 1|DEL tx|LPUSH tl a|LPOP tl|GET nokey|EXEC
EVAL return{redis.call('set',KEYS[1],1),redis.call('lpush',KEYS[2],1),redis.call('get','nokey')} 2 ev1 ev2|SWAPDB 0 1|FLUSHDB|SET a b|FLUSHALL
"""


class Told:
    """A connection that hears all events of a server, up to a message on a channel of its own."""

    def __init__(self, port):
        self.peer = Peer(port, "PSUBSCRIBE", "__key*__:*")
        self.peer.ask("SUBSCRIBE", "fence")
        self.other = Peer(port)

    def until_now(self):
        self.other.ask("PUBLISH", "fence", "x")
        told = []
        while True:
            message = self.peer.read()
            if message[-2:] == ["fence", "x"]:
                return told
            told.append(tuple(message[-2:]))

    def close(self):
        self.peer.__exit__()
        self.other.__exit__()


class Notices(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-notices-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = Server(self.directory)
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))

    def start(self, *options):
        self.server.start("--threads", "3", "--sync", "always", *options)

    def peer(self, *first):
        peer = Peer(self.server.port, *first)
        self.addCleanup(peer.__exit__)
        return peer

    def told(self):
        told = Told(self.server.port)
        self.addCleanup(told.close)
        return told

    # --- notifications ----------------------------------------------------------------------------------------------

    def test_events_are_those_of_redis_and_come_in_its_order(self):
        redis_server = shutil.which("redis-server")
        if redis_server is None:
            self.skipTest("there is no redis-server")
        port = free_port()
        process = subprocess.Popen([redis_server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", self.directory], stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.start()
        for _ in range(200):
            try:
                Peer(port, "PING").__exit__()
                break
            except OSError:
                time.sleep(0.05)
        both = [(Peer(at, "CONFIG", "SET", "notify-keyspace-events", "KEAmn"), Told(at)) for at in (port, self.server.port)]
        for line in COMMANDS.replace("\n", "|").split("|"):
            if not line:
                continue
            theirs, ours = [(peer.ask(*line.split(" ")), told.until_now()) for peer, told in both]
            if line != "SPOP s2":
                self.assertEqual(theirs[1], ours[1], line)
        for peer, told in both:
            peer.__exit__()
            told.close()

    def test_the_option_is_checked_and_kept_as_redis_prints_it(self):
        self.start()
        peer = self.peer()
        for given, kept in (("KElg", "glKE"), ("gxEKlm", "glxKEm"), ("g$lshzxetdKE", "AKE"), ("AKEmn", "AKEmn"), ("", "")):
            self.assertEqual(peer.ask("CONFIG", "SET", "notify-keyspace-events", given), "+OK")
            self.assertEqual(peer.ask("CONFIG", "GET", "notify-keyspace-events"), ["notify-keyspace-events", kept])
        self.assertIn("-ERR CONFIG SET failed", peer.ask("CONFIG", "SET", "notify-keyspace-events", "KQ"))

    def test_what_expires_and_is_evicted_is_told(self):
        self.start("--notify-keyspace-events", "KEx")
        told = self.told()
        peer = self.peer()
        peer.ask("SET", "soon", "x", "PX", "30")
        deadline = time.monotonic() + 60
        heard = []
        while len(heard) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
            heard += told.until_now()
        self.assertEqual(heard, [("__keyspace@0__:soon", "expired"), ("__keyevent@0__:expired", "soon")])
        # Overwritten before it was noticed that it had died.
        peer.ask("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        peer.ask("SET", "dead", "x", "PX", "1")
        time.sleep(0.05)
        peer.ask("CONFIG", "SET", "notify-keyspace-events", "Ex$n")
        peer.ask("SET", "dead", "y")
        self.assertEqual(told.until_now(), [("__keyevent@0__:expired", "dead"), ("__keyevent@0__:new", "dead"), ("__keyevent@0__:set", "dead")])
        peer.ask("CONFIG", "SET", "notify-keyspace-events", "Ee", "maxmemory-policy", "allkeys-random", "maxmemory", "4mb")
        gone = []
        for i in range(3000):
            peer.ask("SET", "k%d" % i, "x" * 4000)
            if i % 100 == 0:
                gone += told.until_now()
                if gone:
                    break
        self.assertTrue(gone and all(event[0] == "__keyevent@0__:evicted" for event in gone), gone[:3])
        self.assertIsNone(peer.ask("GET", gone[0][1]))

    def test_what_was_undone_is_not_told(self):
        self.start("--notify-keyspace-events", "KEA")
        told = self.told()
        peer = self.peer()
        peer.ask("MULTI", "ROLLBACK")
        peer.ask("SET", "a", "text")
        peer.ask("LPUSH", "a", "x")
        self.assertTrue(peer.ask("EXEC").startswith("-"))
        peer.ask("SET", "b", "1")
        self.assertEqual(told.until_now(), [("__keyspace@0__:b", "set"), ("__keyevent@0__:set", "b")])

    def test_what_a_call_did_that_nobody_asked_about_is_not_told_of_the_next(self):
        self.start()
        peer = self.peer()
        peer.ask("XADD", "st", "1-1", "f", "v")
        peer.ask("XGROUP", "CREATE", "st", "g", "0")
        peer.ask("XREADGROUP", "GROUP", "g", "c", "STREAMS", "st", ">")
        peer.ask("CONFIG", "SET", "notify-keyspace-events", "KEA")
        told = self.told()
        peer.ask("HSET", "h", "f", "v")
        self.assertEqual(told.until_now(), [("__keyspace@0__:h", "hset"), ("__keyevent@0__:hset", "h")])

    def test_many_writers_lose_no_event_and_those_of_one_key_come_in_order(self):
        self.start("--notify-keyspace-events", "E$l")
        told = self.told()
        count, writers = 300, 4

        def write(number):
            with Peer(self.server.port) as peer:
                for _ in range(count):
                    peer.ask("INCR", "n%d" % number)
                    peer.ask("RPUSH", "shared", number)
                    peer.ask("LPOP", "shared")

        threads = [threading.Thread(target=write, args=(i,)) for i in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        heard = told.until_now()
        for number in range(writers):
            self.assertEqual(heard.count(("__keyevent@0__:incrby", "n%d" % number)), count)
        length = 0
        for event in heard:
            length += {"__keyevent@0__:rpush": 1, "__keyevent@0__:lpop": -1}.get(event[0], 0)
            self.assertGreaterEqual(length, 0, "popped before it was pushed")
        self.assertEqual(length, 0)

    def test_calls_that_wait_are_told_behind_what_they_waited_for(self):
        self.start("--notify-keyspace-events", "El")
        told = self.told()
        waiter, peer = self.peer(), self.peer()
        waiter.send("BLMOVE", "in", "out", "LEFT", "RIGHT", "0")
        while peer.ask("INFO", "clients").find("blocked_clients:1") < 0:
            time.sleep(0.01)
        peer.ask("RPUSH", "in", "x")
        self.assertEqual(waiter.read(), "x")
        self.assertEqual(told.until_now(), [("__keyevent@0__:rpush", "in"), ("__keyevent@0__:rpush", "out"), ("__keyevent@0__:lpop", "in")])

    def test_a_stream_that_expires_ends_the_wait_of_its_groups(self):
        self.start()
        peer, waiter = self.peer(), self.peer()
        peer.ask("XGROUP", "CREATE", "st", "g", "0", "MKSTREAM")
        waiter.send("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "st", ">")
        while peer.ask("INFO", "clients").find("blocked_clients:1") < 0:
            time.sleep(0.01)
        peer.ask("PEXPIRE", "st", "30")
        self.assertIn("NOGROUP", waiter.read())

    # --- copies that clients keep -----------------------------------------------------------------------------------

    def test_a_client_hears_of_the_first_change_of_what_it_read(self):
        self.start()
        reader, writer = self.peer("HELLO", "3"), self.peer()
        self.assertEqual(reader.ask("CLIENT", "TRACKING", "ON"), "+OK")
        writer.ask("SET", "a", "1")
        for change in (("SET", "a", "2"), ("APPEND", "a", "x"), ("EXPIRE", "a", "100"), ("DEL", "a"), ("RPUSH", "a", "x")):
            reader.ask("EXISTS", "a")
            writer.ask(*change)
            self.assertEqual(reader.read(), ["push", "invalidate", ["a"]], change)
            writer.ask("EXPIRE", "a", "99")
        reader.ask("LRANGE", "a", "0", "-1")
        writer.ask("FLUSHDB")
        self.assertEqual(reader.read(), ["push", "invalidate", None])
        self.assertEqual(reader.ask("PING"), "+PONG")
        info = writer.ask("INFO", "everything")
        for field in ("tracking_clients:1", "tracking_total_keys:0", "tracking_total_items:0", "tracking_total_prefixes:0"):
            self.assertIn(field, info)
        self.assertEqual(reader.ask("CLIENT", "TRACKING", "OFF"), "+OK")
        self.assertIn("tracking_clients:0", writer.ask("INFO", "clients"))

    def test_options_of_tracking(self):
        self.start()
        writer = self.peer()
        target = self.peer("SUBSCRIBE", "__redis__:invalidate")
        number = writer.ask("CLIENT", "LIST").split("cmd=subscribe")[0].rsplit("id=", 1)[1].split(" ")[0]
        reader = self.peer()
        reader.ask("CLIENT", "TRACKING", "ON", "REDIRECT", number)
        self.assertEqual(reader.ask("CLIENT", "GETREDIR"), int(number))
        self.assertEqual(reader.ask("CLIENT", "TRACKINGINFO"), ["flags", ["on"], "redirect", int(number), "prefixes", []])
        reader.ask("GET", "a")
        writer.ask("SET", "a", "1")
        self.assertEqual(target.read(), ["message", "__redis__:invalidate", ["a"]])

        prefixes = self.peer("HELLO", "3")
        prefixes.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "x:", "PREFIX", "y:", "NOLOOP")
        self.assertIn("overlaps", prefixes.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "x:y"))
        writer.ask("SET", "z:1", "1")
        writer.ask("SET", "y:1", "1")
        self.assertEqual(prefixes.read(), ["push", "invalidate", ["y:1"]])
        prefixes.ask("SET", "x:1", "1")
        self.assertEqual(prefixes.ask("PING"), "+PONG")

        opted = self.peer("HELLO", "3")
        opted.ask("CLIENT", "TRACKING", "ON", "OPTIN")
        opted.ask("GET", "o1")
        self.assertEqual(opted.ask("CLIENT", "CACHING", "YES"), "+OK")
        opted.ask("GET", "o2")
        opted.ask("GET", "o3")
        for key in ("o1", "o3", "o2"):
            writer.ask("SET", key, "1")
        self.assertEqual(opted.read(), ["push", "invalidate", ["o2"]])
        self.assertIn("-ERR CLIENT CACHING NO", opted.ask("CLIENT", "CACHING", "NO"))

    def test_changes_of_one_turn_are_one_message_to_who_follows_prefixes(self):
        self.server.start("--threads", "1", "--sync", "os")
        writer, reader = self.peer(), self.peer("HELLO", "3")
        reader.ask("CLIENT", "TRACKING", "ON", "BCAST")
        writer.ask("MULTI")
        for key in ("a", "b", "a", "c"):
            writer.ask("SET", key, "1")
        writer.ask("EXEC")
        self.assertEqual(reader.read(), ["push", "invalidate", ["a", "b", "c"]])
        # What tells of everything stands for itself.
        for call in (("SET", "d", "1"), ("FLUSHALL",), ("SET", "e", "1")):
            writer.send(*call)
        told = [reader.read()[2]]
        while told[-1] is None or "e" not in told[-1]:
            told.append(reader.read()[2])
        self.assertIn(None, told)

    def test_opting_out_leaves_out_one_read(self):
        self.start()
        reader, writer = self.peer("HELLO", "3"), self.peer()
        reader.ask("CLIENT", "TRACKING", "ON", "OPTOUT")
        reader.ask("GET", "o1")
        self.assertEqual(reader.ask("CLIENT", "CACHING", "NO"), "+OK")
        reader.ask("GET", "o2")
        reader.ask("GET", "o3")
        for key in ("o2", "o1", "o3"):
            writer.ask("SET", key, "1")
        self.assertEqual([reader.read()[2] for _ in range(2)], [["o1"], ["o3"]])
        # It holds for a whole transaction.
        reader.ask("CLIENT", "CACHING", "NO")
        for call in (("MULTI",), ("GET", "o1"), ("GET", "o2"), ("EXEC",), ("GET", "o3")):
            reader.ask(*call)
        for key in ("o1", "o2", "o3"):
            writer.ask("SET", key, "2")
        self.assertEqual(reader.read()[2], ["o3"])
        self.assertIn("optout", str(reader.ask("CLIENT", "TRACKINGINFO")))

    def test_a_client_is_told_when_its_messages_go_nowhere_any_more(self):
        self.start()
        target, writer = self.peer(), self.peer()
        number = str(target.ask("CLIENT", "ID"))
        target.ask("SUBSCRIBE", "__redis__:invalidate")
        reader = self.peer("HELLO", "3")
        reader.ask("CLIENT", "TRACKING", "ON", "REDIRECT", number)
        reader.ask("GET", "a")
        self.assertEqual(writer.ask("CLIENT", "KILL", "ID", number), 1)
        while "id=%s " % number in writer.ask("CLIENT", "LIST"):
            time.sleep(0.01)
        writer.ask("SET", "a", "1")
        self.assertEqual(reader.read(), ["push", "tracking-redir-broken", int(number)])
        self.assertEqual(reader.ask("CLIENT", "GETREDIR"), int(number))
        self.assertIn("broken_redirect", str(reader.ask("CLIENT", "TRACKINGINFO")))

    def test_what_is_told_stays_configured(self):
        path = os.path.join(self.directory, "stave.conf")
        with open(path, "w") as file:
            file.write("notify-keyspace-events Ex\n")
        self.start("--config", path)
        peer = self.peer()
        self.assertEqual(peer.ask("CONFIG", "GET", "notify-keyspace-events"), ["notify-keyspace-events", "xE"])
        for given, kept in (("KEA", "AKE"), ("gK$", "g$K"), ("", "")):
            self.assertEqual(peer.ask("CONFIG", "SET", "notify-keyspace-events", given), "+OK")
            self.assertEqual(peer.ask("CONFIG", "REWRITE"), "+OK")
            self.server.stop(signal.SIGTERM)
            self.start("--config", path)
            peer = self.peer()
            self.assertEqual(peer.ask("CONFIG", "GET", "notify-keyspace-events"), ["notify-keyspace-events", kept])

    def test_the_table_is_bounded_and_gives_up_keys_with_a_word(self):
        self.start("--tracking-table-max-keys", "10")
        reader, other = self.peer("HELLO", "3"), self.peer()
        reader.ask("CLIENT", "TRACKING", "ON")
        told = 0
        for i in range(100):
            reader.send("GET", "k%d" % i)
            answer = reader.read()
            while isinstance(answer, list):
                told += 1
                answer = reader.read()
        self.assertIn("tracking_total_keys:10\r\n", other.ask("INFO", "stats"))
        while told < 90:
            self.assertEqual(reader.read()[1], "invalidate")
            told += 1
        self.assertEqual(reader.ask("PING"), "+PONG")

    def test_no_client_keeps_what_is_old(self):
        """Readers with a cache that trusts what it is told, writers on other threads: what is cached when all is quiet is what is
        there."""
        self.start()
        keys = ["c%d" % i for i in range(5)]
        stop = threading.Event()

        def write():
            with Peer(self.server.port) as peer:
                for i in range(4000):
                    peer.ask("SET", keys[i % 5], i)
            stop.set()

        caches = []

        def read():
            peer = self.peer("HELLO", "3")
            peer.ask("CLIENT", "TRACKING", "ON")
            cache = {}

            def answer():
                while True:
                    got = peer.read()
                    if not isinstance(got, list):
                        return got
                    for key in got[2]:
                        cache.pop(key, None)

            while not stop.is_set():
                for key in keys:
                    if key not in cache:
                        peer.send("GET", key)
                        cache[key] = answer()
                    peer.send("PING")
                    answer()
            caches.append((peer, cache, answer))

        threads = [threading.Thread(target=write)] + [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(0.2)
        with Peer(self.server.port) as peer:
            for reader, cache, answer in caches:
                reader.send("PING")
                answer()
                for key, value in cache.items():
                    self.assertEqual(value, peer.ask("GET", key), key)


if __name__ == "__main__":
    unittest.main()
