#!/usr/bin/env python3
"""Change streams through both doors: once and in order over restarts, kill -9 and cleaning, filters, waiting, consumers, what is gone, rights,
slow readers, messages, and the same on a follower.

Usage: STAVE_BIN=<path to stave> python3 changes_test.py.
"""

import base64
import json
import random
import shutil
import signal
import socket
import tempfile
import threading
import unittest

import redis

import http_support

PATIENCE = http_support.PATIENCE
OLDEST = "-"


def fields(change):
    """A change as a dictionary, from the flat list that the older protocol has."""
    return {change[i].decode(): change[i + 1] for i in range(0, len(change), 2)}


def read(client, since=OLDEST, *options):
    position, changes = client.execute_command("STAVE.CHANGES", "FROM", since, *options)
    return position, [fields(change) for change in changes]


def read_all(client, since=OLDEST, *options):
    found = []
    while True:
        since, changes = read(client, since, "COUNT", 500, *options)
        found += changes
        if not changes:
            return since, found


def short(change):
    return "%s %d %s" % (change["kind"].decode(), change["db"], (change["key"] or b"").decode())


class Events:
    """A stream of GET /changes or GET /subscribe, read event by event, or line by line."""

    def __init__(self, server, path, lines=False, headers=None):
        self.connection = server.connection()
        self.lines = lines
        self.connection.request("GET", path, headers={**({"Accept": "application/x-ndjson"} if lines else {}), **(headers or {})})
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def next(self):
        """(id, data) of the next event, or (None, object) of a line; None: the stream has ended."""
        if self.lines:
            line = self.answer.readline()
            return (None, json.loads(line)) if line else None
        got, data = None, None
        while True:
            line = self.answer.readline()
            if not line:
                return None
            line = line.rstrip(b"\n")
            if not line:
                return got, data
            name, _, value = line.partition(b": ")
            if name == b"id":
                got = int(value)
            elif name == b"data":
                data = json.loads(value)

    def next_change(self):
        while True:
            event = self.next()
            if event is None or (event[1] is not None and "position" not in event[1]):
                return event

    def close(self):
        self.answer.close()  # which has the socket
        self.connection.close()


class TestCase(http_support.TestCase):
    servers = 0

    def serve(self, *arguments, **popen):
        """Each in a directory of its own."""
        self.servers += 1
        server = http_support.Server(self.directory / ("data%d" % self.servers), *(arguments or self.arguments), **popen)
        self.addCleanup(lambda: server.process.poll() is None and server.end(signal.SIGKILL))
        return server

    def client(self, server, **options):
        client = redis.Redis(port=server.redis_port, socket_timeout=PATIENCE, **options)
        self.addCleanup(client.close)
        return client

    def events(self, server, path, **options):
        events = Events(server, path, **options)
        self.addCleanup(events.close)
        return events


class Told(TestCase):
    def test_what_happens_is_told_in_order_with_kinds_types_and_values(self):
        server = self.serve("--sync", "always")
        client = self.client(server)
        client.set("s", "1")
        client.hset("h", mapping={"f": "v"})
        client.rpush("l", "a", "b")
        client.sadd("set", "m")
        client.zadd("z", {"m": 1.5})
        client.xadd("x", {"a": "b"}, id="1-1")
        client.hset("large", mapping={"f%d" % i: "x" * 50 for i in range(200)})
        client.hset("large", "f7", "y")
        client.expire("s", 1000)
        client.delete("h")
        client.rename("l", "l2")
        client.swapdb(0, 1)
        client.flushdb()
        _, changes = read_all(client, OLDEST, "VALUES")
        self.assertEqual([short(c) for c in changes], [
            "set 0 s", "set 0 h", "set 0 l", "set 0 set", "set 0 z", "set 0 x", "change 0 large", "change 0 large", "set_expiry 0 s", "delete 0 h"] +
            [short(c) for c in changes[10:12]] + ["swap 0 ", "flush 0 "])
        self.assertEqual(sorted(short(c) for c in changes[10:12]), ["delete 0 l", "set 0 l2"])
        self.assertEqual(changes[10]["batch"], changes[11]["batch"])
        self.assertEqual([c["last"] for c in changes[10:12]], [0, 1])
        self.assertEqual([c["type"] for c in changes[:7]], [b"string", b"hash", b"list", b"set", b"zset", b"stream", b"hash"])
        self.assertEqual([c["value"] for c in changes[:8]], [b"1", [b"f", b"v"], [b"a", b"b"], [b"m"], [b"m", b"1.5"], [[b"1-1", [b"a", b"b"]]], None, None])
        self.assertEqual(changes[12]["with"], 1)
        self.assertGreater(changes[8]["expires"], changes[8]["time"])
        lsns = [c["lsn"] for c in changes]
        self.assertEqual(lsns, sorted(set(lsns)))

    def test_what_leaves_by_itself_is_told(self):
        server = self.serve()
        client = self.client(server)
        client.set("k", "v", px=30)
        position, seen = OLDEST, []
        while len(seen) < 2:
            position, changes = read(client, position, "BLOCK", PATIENCE * 1000)
            seen += changes
        self.assertEqual([short(c) for c in seen], ["set 0 k", "expire 0 k"])

    def test_filters(self):
        server = self.serve()
        client = self.client(server)
        other = self.client(server, db=1)
        for i in range(10):
            client.set("user:%d" % i, "x")
            client.hset("hash:%d" % i, "f", "v")
            other.set("user:%d" % i, "y")
        client.delete("user:0", "hash:0")
        with client.pipeline(transaction=True) as pipeline:
            pipeline.set("user:a", "1").set("other", "1").set("user:b", "1").set("another", "1")
            pipeline.execute()
        self.assertEqual(len(read_all(client, OLDEST, "PREFIX", "user:")[1]), 23)
        self.assertEqual(len(read_all(client, OLDEST, "PREFIX", "user:", "DB", 1)[1]), 10)
        self.assertEqual(len(read_all(client, OLDEST, "MATCH", "*:[3-4]")[1]), 6)
        self.assertEqual([short(c) for c in read_all(client, OLDEST, "TYPE", "hash")[1] if c["kind"] != b"set"], ["delete 0 user:0", "delete 0 hash:0"])
        self.assertEqual(len(read_all(client, OLDEST, "TYPE", "hash")[1]), 12)
        marked = [(c["key"], c["last"]) for c in read_all(client, OLDEST, "MATCH", "user:[ab]")[1]]
        self.assertEqual(marked, [(b"user:a", 0), (b"user:b", 1)])
        # What is left out moves the position on all the same.
        position, changes = read(client, OLDEST, "PREFIX", "nothing")
        self.assertEqual(changes, [])
        self.assertEqual(read(client, position)[1], [])
        for wrong in (("FROM", "x"), ("FROM", "0", "COUNT", "0"), ("SINCE", "0"), ("FROM", "0", "PREFIX"), ("FROM", "0", "TYPE", "nope"), ("FROM", "0", "DB", "99"),
                      ("FROM", "0", "PREFIX", "a", "MATCH", "b"), ("CONSUMER", "nobody"), ("FROM", "99999999999")):
            with self.assertRaises(redis.ResponseError, msg=wrong):
                client.execute_command("STAVE.CHANGES", *wrong)

    def test_the_newer_protocol_has_maps(self):
        server = self.serve()
        with socket.create_connection(("127.0.0.1", server.redis_port), PATIENCE) as raw:
            # What is asked in one go with the write may come before it is told.
            raw.sendall(b"HELLO 3\r\nSET a 1\r\n")
            got = b""
            while not got.endswith(b"+OK\r\n"):
                got += raw.recv(65536)
            raw.sendall(b"STAVE.CHANGES FROM - VALUES\r\nECHO end\r\n")
            while not got.endswith(b"$3\r\nend\r\n"):
                got += raw.recv(65536)
        self.assertRegex(got, rb"\*2\r\n:\d+\r\n\*1\r\n%10\r\n\$3\r\nlsn\r\n")
        self.assertIn(b"$5\r\nvalue\r\n$1\r\n1\r\n", got)


class Waits(TestCase):
    def test_a_call_waits_for_what_it_wants_and_not_longer_than_it_said(self):
        for sync in ("always", "os", "interval"):
            with self.subTest(sync=sync):
                server = self.serve("--sync", sync)
                client, writer = self.client(server), self.client(server)
                self.assertEqual(read(client, "$", "BLOCK", 10)[1], [])
                got = []
                waits = threading.Thread(target=lambda: got.append(read(client, "$", "BLOCK", 0, "PREFIX", "wanted")))
                waits.start()
                while not any("b" in one["flags"] for one in writer.client_list()):
                    pass
                for i in range(50):
                    writer.set("other%d" % i, "x")
                writer.set("wanted", "1")
                waits.join(PATIENCE)
                self.assertEqual([short(c) for c in got[0][1]], ["set 0 wanted"])
                server.end()

    def test_client_unblock_and_transactions(self):
        server = self.serve()
        client, other = self.client(server), self.client(server)
        number = client.execute_command("CLIENT", "ID")
        got = []

        def wait():
            try:
                got.append(read(client, "$", "BLOCK", 0))
            except redis.ResponseError as error:
                got.append(str(error))
        for how, expected in (("TIMEOUT", None), ("ERROR", "UNBLOCKED")):
            waits = threading.Thread(target=wait)
            waits.start()
            while not other.execute_command("CLIENT", "UNBLOCK", number, how):
                pass
            waits.join(PATIENCE)
            answer = got.pop()
            if expected:
                self.assertIn(expected, answer)
            else:
                self.assertEqual(answer[1], [])
        with client.pipeline(transaction=True) as pipeline:
            pipeline.set("a", "1")
            pipeline.execute_command("STAVE.CHANGES", "FROM", "$", "BLOCK", 0)
            self.assertEqual(pipeline.execute()[1][1], [])
        with self.assertRaises(redis.ResponseError):
            client.eval("return redis.call('STAVE.CHANGES', 'FROM', '-')", 0)

    def test_a_waiting_client_that_leaves_costs_nothing(self):
        server = self.serve()
        client = self.client(server)
        for _ in range(50):
            gone = redis.Redis(port=server.redis_port, socket_timeout=0.05)
            with self.assertRaises(redis.TimeoutError):
                read(gone, "$", "BLOCK", 0)
            gone.close()
        client.set("a", "1")
        self.assertEqual(read(client, OLDEST, "PREFIX", "a")[1][0]["key"], b"a")

    def test_positions_of_writes(self):
        server = self.serve()
        client = self.client(server, single_connection_client=True)
        self.assertEqual(client.execute_command("STAVE.LASTLSN"), 0)
        client.set("a", "1")
        last = client.execute_command("STAVE.LASTLSN")
        self.assertEqual(client.execute_command("STAVE.WAITLSN", last, 0), 1)
        self.assertEqual(client.execute_command("STAVE.WAITLSN", last + 1, 10), 0)
        self.assertEqual(read(client, last)[1], [])
        client.set("b", "1")
        self.assertEqual([short(c) for c in read(client, last)[1]], ["set 0 b"])
        answer = self.ask(server, "PUT", "/db/c", b"1", http_support.BYTES)
        self.assertEqual(client.execute_command("STAVE.WAITLSN", answer.header("Stave-LSN"), 0), 1)


class Goes(TestCase):
    """On and on, whatever happens to the server."""

    def test_every_change_once_over_kills_restarts_and_cleaning(self):
        directory = tempfile.mkdtemp(prefix="stave-changes-")
        self.addCleanup(shutil.rmtree, directory, True)
        options = ("--sync", "always", "--segment-size", "1mb", "--max-space-amplification", "1.5", "--checkpoint-bytes", "1mb")
        chance = random.Random(5)
        server = http_support.Server(directory, *options)
        acknowledged, position, seen = [], None, []
        try:
            client = redis.Redis(port=server.redis_port, socket_timeout=PATIENCE)
            client.execute_command("STAVE.CONSUMER", "CREATE", "c", "FROM", "-")
            for round_ in range(5):
                stop = threading.Event()

                def write():
                    writer = redis.Redis(port=server.redis_port, socket_timeout=PATIENCE)
                    n = 0
                    try:
                        while not stop.is_set():
                            number = "%d.%d" % (round_, n)
                            with writer.pipeline(transaction=True) as pipeline:
                                for i in range(chance.randrange(1, 4)):
                                    pipeline.set("k%d" % chance.randrange(50), "%s.%d" % (number, i) + "x" * chance.randrange(2000))
                                pipeline.set("n", number)
                                pipeline.execute()
                            acknowledged.append(number)
                            n += 1
                    except redis.RedisError:
                        pass
                    finally:
                        writer.close()
                writer = threading.Thread(target=write)
                writer.start()
                reader = redis.Redis(port=server.redis_port, socket_timeout=PATIENCE)
                enough = len(seen) + 600
                while len(seen) < enough:
                    answer = reader.execute_command("STAVE.CHANGES", *(("CONSUMER", "c") if position is None else ("FROM", position)), "BLOCK", 1000, "COUNT", 70, "VALUES")
                    position = answer[0]
                    seen += [fields(change) for change in answer[1]]
                if round_ % 2:
                    reader.execute_command("STAVE.CONSUMER", "ACK", "c", position)
                if round_ == 2:
                    reader.execute_command("STAVE.CLEAN", "WAIT")
                reader.close()
                if round_ % 2:
                    stop.set()
                    writer.join(PATIENCE)
                    server.end()
                else:
                    server.end(signal.SIGKILL)
                    writer.join(PATIENCE)
                server = http_support.Server(directory, *options)
            client = redis.Redis(port=server.redis_port, socket_timeout=PATIENCE)
            seen += read_all(client, position, "VALUES")[1]
            client.close()
        finally:
            server.end()
        lsns = [c["lsn"] for c in seen]
        self.assertEqual(lsns, sorted(set(lsns)), "in order, each once")
        numbers = [c["value"].decode() for c in seen if c["key"] == b"n"]
        told = set(numbers)
        self.assertEqual(len(numbers), len(told))
        self.assertEqual([n for n in acknowledged if n not in told], [], "nothing acknowledged is missing")
        open_batch = None
        for c in seen:
            if open_batch is not None:
                self.assertEqual(c["batch"], open_batch)
            open_batch = None if c["last"] else c["batch"]
            self.assertEqual(bool(c["last"]), c["key"] == b"n", "a transaction ends with what it set last")

    def test_who_comes_too_late_is_told_so(self):
        server = self.serve("--segment-size", "1mb", "--replica-retention-bytes", "2mb")
        client = self.client(server)
        client.set("a", "1")
        client.execute_command("STAVE.CONSUMER", "CREATE", "slow", "FROM", "-")
        for i in range(60):
            client.mset({"k%d" % n: random.randbytes(5000) for n in range(40)})
        client.execute_command("STAVE.CLEAN", "WAIT")
        for call in (("FROM", "1"), ("CONSUMER", "slow")):
            with self.assertRaisesRegex(redis.ResponseError, "GONE .*oldest position is [0-9]+"):
                client.execute_command("STAVE.CHANGES", *call)
        listed = [fields(c) for c in client.execute_command("STAVE.CONSUMER", "LIST")]
        self.assertEqual([c["behind"] for c in listed], [1])
        answer = self.ask(server, "GET", "/changes?since=1")
        self.assertEqual(answer.status, 410)
        problem = answer.json()
        self.assertEqual(problem["code"], "changes_gone")
        read(client, problem["oldest"], "COUNT", 1)
        with self.assertRaisesRegex(redis.ResponseError, "GONE"):
            read(client, int(problem["oldest"]) - 1)
        self.assertEqual(self.ask(server, "GET", "/changes?consumer=slow").status, 410)
        self.assertEqual(self.ask(server, "GET", "/changes?since=99999999999").status, 409)
        self.assertEqual(self.ask(server, "GET", "/changes?since=x").status, 400)
        self.assertEqual(self.ask(server, "GET", "/changes?consumer=nobody").status, 404)

    def test_consumers(self):
        server = self.serve()
        client = self.client(server)
        self.assertEqual(client.execute_command("STAVE.CONSUMER", "LIST"), [])
        client.set("a", "1")
        begin = client.execute_command("STAVE.CONSUMER", "CREATE", "c", "FROM", "-")
        client.execute_command("STAVE.CONSUMER", "CREATE", "new")
        client.set("b", "1")
        position, changes = client.execute_command("STAVE.CHANGES", "CONSUMER", "c")
        self.assertEqual([fields(c)["key"] for c in changes], [b"a", b"b"])
        self.assertEqual([fields(c)["key"] for c in client.execute_command("STAVE.CHANGES", "CONSUMER", "new")[1]], [b"b"])
        self.assertEqual(client.execute_command("STAVE.CONSUMER", "ACK", "c", position), position)
        self.assertEqual(client.execute_command("STAVE.CONSUMER", "ACK", "c", begin), position)
        self.assertEqual(client.execute_command("STAVE.CHANGES", "CONSUMER", "c")[1], [])
        for wrong in (("CREATE", "c"), ("CREATE", ""), ("CREATE", "d", "FROM"), ("CREATE", "d", "FROM", "x"), ("CREATE", "d", "FROM", "99999999999"), ("ACK", "d", "1"),
                      ("ACK", "c", "99999999999"), ("CREATE", "x" * 256), ("CREATE", "a b"), ("CREATE", b"\xff")):
            with self.assertRaises(redis.ResponseError, msg=wrong):
                client.execute_command("STAVE.CONSUMER", *wrong)
        self.assertEqual(client.execute_command("STAVE.CONSUMER", "DROP", "c"), 1)
        self.assertEqual(client.execute_command("STAVE.CONSUMER", "DROP", "c"), 0)
        self.assertEqual([fields(c)["name"] for c in client.execute_command("STAVE.CONSUMER", "LIST")], [b"new"])


class Http(TestCase):
    def test_events_go_on_and_come_back_with_their_id(self):
        server = self.serve("--sync", "always")
        client = self.client(server)
        client.set("a", "1")
        events = self.events(server, "/changes?since=oldest&values=true")
        self.assertEqual(events.status, 200)
        self.assertEqual(events.answer.getheader("Content-Type"), "text/event-stream")
        number, change = events.next_change()
        self.assertEqual((change["kind"], change["key"], change["value"], change["type"], change["last"]), ("set", "a", "1", "string", True))
        self.assertEqual(str(number), change["lsn"])
        client.hset("h", "f", "v")
        client.set(b"\xff", b"\xfe")
        self.assertEqual(events.next_change()[1]["value"], {"f": "v"})
        number, change = events.next_change()
        self.assertEqual((base64.b64decode(change["key_base64"]), base64.b64decode(change["value_base64"])), (b"\xff", b"\xfe"))
        events.close()
        client.set("later", "1")
        again = self.events(server, "/changes?since=oldest", headers={"Last-Event-ID": str(number)})
        self.assertEqual(again.next_change()[1]["key"], "later")
        client.delete("later")
        self.assertEqual(again.next_change()[1]["kind"], "delete")

    def test_lines_filters_limits_and_an_end(self):
        server = self.serve()
        client = self.client(server)
        for i in range(100):
            client.set("k%d" % i, "v")
            client.lpush("l%d" % i, "v")
        lines = self.events(server, "/changes?since=oldest&prefix=k&limit=30", lines=True)
        self.assertEqual(lines.answer.getheader("Content-Type"), "application/x-ndjson")
        got = []
        while True:
            line = lines.next()
            if line is None:
                break
            got.append(line[1])
        self.assertEqual([line.get("key") for line in got], ["k%d" % i for i in range(30)] + [None])
        rest = self.events(server, "/changes?since=%s&type=string&follow=false" % got[-1]["position"], lines=True)
        keys = []
        while True:
            line = rest.next()
            if line is None:
                break
            keys.append(line[1].get("key"))
        self.assertEqual(keys, ["k%d" % i for i in range(30, 100)] + [None])
        self.assertEqual(self.ask(server, "HEAD", "/changes").status, 200)
        for wrong in ("limit=0", "type=nope", "since=1&consumer=c", "db=77", "nope=1"):
            self.assertEqual(self.ask(server, "GET", "/changes?" + wrong).status, 400, wrong)

    def test_older_clients_get_no_chunks(self):
        server = self.serve()
        self.client(server).set("a", "1")
        with server.socket() as raw:
            raw.sendall(b"GET /changes?since=oldest&limit=1 HTTP/1.0\r\n\r\n")
            got = b""
            while True:
                more = raw.recv(65536)
                if not more:
                    break
                got += more
        head, _, body = got.partition(b"\r\n\r\n")
        self.assertNotIn(b"chunked", head)
        self.assertTrue(body.startswith(b"id: "), body)

    def test_a_reader_that_takes_nothing_costs_little_and_nobody_else(self):
        server = self.serve()
        client = self.client(server)
        client.set("first", "1")
        slow = self.events(server, "/changes?since=oldest&values=true")
        quick = self.events(server, "/changes?since=oldest")
        value = random.randbytes(500_000)
        before = server.resident_bytes()
        for i in range(100):
            client.set("k%d" % (i % 3), value)
        seen = 0
        while seen < 101:
            seen += quick.next_change() is not None
        if not http_support.SANITIZED:  # a sanitizer's memory is its own
            self.assertLess(server.resident_bytes() - before, 60_000_000)
        self.assertEqual(slow.next_change()[1]["key"], "first")
        for i in range(100):
            self.assertEqual(slow.next_change()[1]["key"], "k%d" % (i % 3))

    def test_the_server_ends_while_clients_follow(self):
        server = self.serve()
        events = [self.events(server, "/changes") for _ in range(5)]
        heard = self.events(server, "/subscribe?channel=c")
        self.assertEqual(server.end(), 0)
        for one in events + [heard]:
            while one.next() is not None:
                pass

    def test_messages(self):
        server = self.serve("--sync", "always")
        client = self.client(server)
        heard = self.events(server, "/subscribe?channel=news&pattern=n*")
        self.assertEqual(heard.next(), (None, None))  # it listens
        self.assertEqual(client.publish("news", "hello"), 2)
        self.assertEqual(self.ask(server, "POST", "/publish/news", b"\xff", http_support.BYTES).json(), {"receivers": 2})
        self.assertEqual(self.ask(server, "POST", "/publish/a%2Fb", b"x", http_support.BYTES).json(), {"receivers": 0})
        self.assertEqual(heard.next()[1], {"channel": "news", "message": "hello"})
        self.assertEqual(heard.next()[1], {"channel": "news", "pattern": "n*", "message": "hello"})
        self.assertEqual(heard.next()[1], {"channel": "news", "message_base64": "/w=="})
        heard.close()
        while client.execute_command("PUBSUB", "NUMPAT"):
            pass
        self.assertEqual(self.ask(server, "GET", "/subscribe").status, 400)


class Rights(TestCase):
    def test_keys_that_a_user_may_not_read_are_not_shown(self):
        server = self.serve()
        client = self.client(server)
        client.execute_command("ACL", "SETUSER", "some", "on", ">pw", "~mine:*", "%W~write:*", "&own", "+stave.changes", "+subscribe", "+publish", "db=0")
        client.execute_command("ACL", "SETUSER", "none", "on", ">pw", "~*", "+get")
        some = self.client(server, username="some", password="pw")
        client.set("mine:1", "a")
        client.set("write:1", "b")
        client.set("yours", "c")
        self.client(server, db=1).set("mine:1", "d")
        client.flushdb()
        self.assertEqual([short(c) for c in read_all(some)[1]], ["set 0 mine:1", "flush 0 "])
        with self.assertRaises(redis.exceptions.NoPermissionError):
            read(self.client(server, username="none", password="pw"))
        basic = {"Authorization": "Basic " + base64.b64encode(b"some:pw").decode()}
        lines = self.events(server, "/changes?since=oldest&values=true&limit=2", lines=True, headers=basic)
        self.assertEqual([lines.next()[1].get("key"), lines.next()[1].get("kind")], ["mine:1", "flush"])
        nobody = {"Authorization": "Basic " + base64.b64encode(b"none:pw").decode()}
        self.assertEqual(self.ask(server, "GET", "/changes", headers=nobody).status, 403)
        self.assertEqual(self.ask(server, "GET", "/subscribe?channel=other", headers=basic).status, 403)
        self.assertEqual(self.ask(server, "POST", "/publish/other", b"x", {**basic, **http_support.BYTES}).status, 403)
        heard = self.events(server, "/subscribe?channel=own", headers=basic)
        self.assertEqual(heard.next(), (None, None))
        # Rights that are taken end what goes on.
        follows = self.events(server, "/changes?since=oldest", headers=basic)
        self.assertEqual(follows.next_change()[1]["key"], "mine:1")
        self.assertEqual(follows.next_change()[1]["kind"], "flush")
        client.execute_command("ACL", "SETUSER", "some", "-stave.changes", "resetchannels")
        client.set("mine:2", "e")
        while True:
            event = follows.next()
            if event is None:
                break
            self.assertIsNone((event[1] or {}).get("key"), "nothing is shown that may not be seen any more")
        self.assertIsNone(heard.next())


class Followed(TestCase):
    def test_a_follower_tells_the_same_at_the_same_positions(self):
        leader = self.serve()
        client = self.client(leader)
        client.set("a", "1")
        client.execute_command("STAVE.CONSUMER", "CREATE", "c", "FROM", "-")
        follower = self.serve("--follow", "127.0.0.1:%d" % leader.redis_port)
        reader = self.client(follower)
        for i in range(200):
            with client.pipeline(transaction=True) as pipeline:
                pipeline.set("k%d" % i, "v").hset("h", "f%d" % i, "v")
                pipeline.execute()
        last, changes = read_all(client)
        self.assertEqual(reader.execute_command("STAVE.WAITLSN", changes[-1]["lsn"], PATIENCE * 1000), 1)
        self.assertEqual(read_all(reader)[1], changes)
        self.assertEqual(len(fields(reader.execute_command("STAVE.CONSUMER", "LIST")[0])), 6)
        self.assertEqual([fields(c)["key"] for c in reader.execute_command("STAVE.CHANGES", "CONSUMER", "c", "COUNT", 1)[1]], [b"a"])
        with self.assertRaises(redis.ReadOnlyError):
            reader.execute_command("STAVE.CONSUMER", "ACK", "c", changes[0]["lsn"])
        got = []
        waits = threading.Thread(target=lambda: got.append(read(reader, changes[-1]["lsn"], "BLOCK", 0)))
        waits.start()
        client.set("z", "1")
        waits.join(PATIENCE)
        self.assertEqual([short(c) for c in got[0][1]], ["set 0 z"])
        client.execute_command("STAVE.CONSUMER", "ACK", "c", changes[-1]["lsn"])
        while fields(reader.execute_command("STAVE.CONSUMER", "LIST")[0])["position"] != changes[-1]["lsn"]:
            pass
        reader.execute_command("REPLICAOF", "NO", "ONE")
        self.assertEqual(fields(reader.execute_command("STAVE.CONSUMER", "LIST")[0])["position"], changes[-1]["lsn"])
        reader.execute_command("STAVE.CONSUMER", "DROP", "c")


if __name__ == "__main__":
    unittest.main()
