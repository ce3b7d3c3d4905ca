"""Channels through python3-redis and by hand: every kind of listener, both protocols, several threads of the server, the
order of messages, listeners that do not read.

Usage: STAVE_BIN=<path to stave> python3 pubsub_test.py.
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


class Peer:
    """A connection on which everything that comes is seen as it comes."""

    def __init__(self, port, *first):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        if first:
            self.ask(*first)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, *words):
        self.socket.sendall(command(*[word if isinstance(word, bytes) else str(word).encode() for word in words]))

    def read(self):
        line = self.file.readline()
        if not line:
            raise EOFError
        kind, rest = line[:1], line[1:-2]
        if line == b"*-1\r\n":
            return None
        if kind in b"*>%":
            count = int(rest) * (2 if kind == b"%" else 1)
            return ([] if kind != b">" else ["push"]) + [self.read() for _ in range(count)]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        return int(rest) if kind == b":" else None if kind == b"_" else line[:-2].decode()

    def ask(self, *words):
        self.send(*words)
        return self.read()


class PubSub(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-pubsub-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = Server(self.directory)
        self.server.start("--threads", "3", "--sync", "always")
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))
        self.client = redis.Redis(port=self.server.port, socket_timeout=60, decode_responses=True)

    def peer(self, *first):
        peer = Peer(self.server.port, *first)
        self.addCleanup(peer.__exit__)
        return peer

    def test_a_real_client_hears_channels_and_patterns(self):
        with self.client.pubsub() as heard:
            heard.subscribe("news", "weather")
            heard.psubscribe("n*")
            for kind, name in (("subscribe", "news"), ("subscribe", "weather"), ("psubscribe", "n*")):
                told = heard.get_message(timeout=60)
                self.assertEqual((told["type"], told["channel"]), (kind, name))
            self.assertEqual(self.client.publish("news", "first"), 2)
            self.assertEqual(self.client.publish("weather", "rain"), 1)
            self.assertEqual(self.client.publish("nobody's", "second"), 1)
            self.assertEqual(self.client.publish("silence", ""), 0)
            told = [heard.get_message(timeout=60) for _ in range(4)]
            self.assertEqual([(m["type"], m["pattern"], m["channel"], m["data"]) for m in told],
                             [("message", None, "news", "first"), ("pmessage", "n*", "news", "first"),
                              ("message", None, "weather", "rain"), ("pmessage", "n*", "nobody's", "second")])
            self.assertEqual(sorted(self.client.pubsub_channels()), ["news", "weather"])
            self.assertEqual(self.client.pubsub_channels("w*"), ["weather"])
            self.assertEqual(self.client.pubsub_numsub("news", "none"), [("news", 1), ("none", 0)])
            self.assertEqual(self.client.pubsub_numpat(), 1)
        deadline = time.monotonic() + 60
        while self.client.pubsub_numpat() != 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.client.pubsub_channels(), [])

    def test_the_older_protocol_has_a_mode_of_its_own(self):
        peer = self.peer()
        self.assertEqual(peer.ask("SUBSCRIBE", "a"), ["subscribe", "a", 1])
        peer.send("SUBSCRIBE", "a", "b")
        self.assertEqual([peer.read(), peer.read()], [["subscribe", "a", 1], ["subscribe", "b", 2]])
        self.assertEqual(peer.ask("PSUBSCRIBE", "x*"), ["psubscribe", "x*", 3])
        self.assertEqual(peer.ask("SSUBSCRIBE", "s"), ["ssubscribe", "s", 1])
        self.assertEqual(peer.ask("GET", "a"), "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                         "RESET are allowed in this context")
        self.assertEqual(peer.ask("PING"), ["pong", ""])
        self.assertEqual(peer.ask("PING", "x"), ["pong", "x"])
        self.assertIn("flags=P db=0 sub=2 psub=1 ssub=1 ", self.peer().ask("CLIENT", "LIST", "TYPE", "pubsub"))
        self.assertEqual(peer.ask("UNSUBSCRIBE", "a"), ["unsubscribe", "a", 2])
        self.assertEqual(peer.ask("UNSUBSCRIBE"), ["unsubscribe", "b", 1])
        self.assertEqual(peer.ask("UNSUBSCRIBE"), ["unsubscribe", None, 1])
        self.assertEqual(peer.ask("PUNSUBSCRIBE"), ["punsubscribe", "x*", 0])
        self.assertEqual(peer.ask("SUNSUBSCRIBE", "none"), ["sunsubscribe", "none", 1])
        self.assertEqual(peer.ask("SUNSUBSCRIBE"), ["sunsubscribe", "s", 0])
        self.assertEqual(peer.ask("GET", "a"), None)
        self.assertEqual(peer.ask("SUBSCRIBE", "a"), ["subscribe", "a", 1])
        self.assertEqual(peer.ask("RESET"), "+RESET")
        self.assertEqual(peer.ask("ECHO", "x"), "x")
        self.assertEqual(self.client.publish("a", "m"), 0)

    def test_pushes_come_between_answers(self):
        peer = self.peer("HELLO", "3")
        self.assertEqual(peer.ask("SUBSCRIBE", "a"), ["push", "subscribe", "a", 1])
        self.assertEqual(peer.ask("SET", "k", "v"), "+OK")
        self.client.publish("a", "one")
        self.assertEqual(peer.read(), ["push", "message", "a", "one"])
        self.assertEqual(peer.ask("GET", "k"), "v")
        self.assertEqual(peer.ask("PING"), "+PONG")
        # To oneself, behind the answer.
        self.assertEqual(peer.ask("PUBLISH", "a", "two"), 1)
        self.assertEqual(peer.read(), ["push", "message", "a", "two"])
        for words, answer in ((["MULTI"], "+OK"), (["PING", "abc"], "+QUEUED"), (["PUBLISH", "a", "bar"], "+QUEUED"),
                              (["PUBLISH", "a", "vaz"], "+QUEUED"), (["EXEC"], ["abc", 1, 1])):
            self.assertEqual(peer.ask(*words), answer)
        self.assertEqual([peer.read(), peer.read()], [["push", "message", "a", "bar"], ["push", "message", "a", "vaz"]])
        peer.send("CLIENT", "REPLY", "OFF")
        peer.send("PUBLISH", "a", "three")
        self.assertEqual(peer.read(), ["push", "message", "a", "three"])

    def test_shard_channels_stand_for_themselves(self):
        peer = self.peer("HELLO", "3")
        peer.ask("SSUBSCRIBE", "a")
        peer.ask("PSUBSCRIBE", "*")
        other = self.peer()
        self.assertEqual(other.ask("SPUBLISH", "a", "sharded"), 1)
        self.assertEqual(peer.read(), ["push", "smessage", "a", "sharded"])
        self.assertEqual(other.ask("PUBLISH", "a", "plain"), 1)
        self.assertEqual(peer.read(), ["push", "pmessage", "*", "a", "plain"])
        self.assertEqual(other.ask("PUBSUB", "SHARDCHANNELS"), ["a"])
        self.assertEqual(other.ask("PUBSUB", "SHARDNUMSUB", "a", "b"), ["a", 1, "b", 0])
        self.assertEqual(other.ask("PUBSUB", "CHANNELS"), [])

    def test_a_transaction_is_told_of_once_it_has_happened(self):
        peer = self.peer("SUBSCRIBE", "a")
        other = self.peer()
        for words in (["SET", "word", "x"], ["MULTI", "ROLLBACK"], ["PUBLISH", "a", "no"], ["INCR", "word"]):
            other.ask(*words)
        self.assertIn("-EXECABORT", other.ask("EXEC"))
        for words in (["WATCH", "word"], ["SET", "word", "y"], ["MULTI"], ["PUBLISH", "a", "nor this"]):
            other.ask(*words)
        self.assertIsNone(other.ask("EXEC"))
        for words in (["MULTI", "ROLLBACK"], ["SET", "word", "z"], ["PUBLISH", "a", "yes"]):
            other.ask(*words)
        self.assertEqual(other.ask("EXEC"), ["+OK", 1])
        self.assertEqual(peer.read(), ["message", "a", "yes"])

    def test_all_listeners_hear_all_messages_in_the_order_of_each_publisher(self):
        publishers, messages, listeners = 4, 500, 12
        peers = [self.peer("SUBSCRIBE", "c") for _ in range(listeners)]

        def publish(number):
            with Peer(self.server.port) as peer:
                peer.socket.sendall(b"".join(command(b"PUBLISH", b"c", b"%d:%d" % (number, i)) for i in range(messages)))
                for _ in range(messages):
                    self.assertEqual(peer.read(), listeners)

        threads = [threading.Thread(target=publish, args=(number,)) for number in range(publishers)]
        for thread in threads:
            thread.start()
        heard = [[peer.read()[2] for _ in range(publishers * messages)] for peer in peers]
        for thread in threads:
            thread.join()
        for one in heard:
            self.assertEqual(one, heard[0])
            for number in range(publishers):
                mine = [int(text.split(":")[1]) for text in one if text.startswith("%d:" % number)]
                self.assertEqual(mine, list(range(messages)))

    def test_who_does_not_read_is_disconnected_and_the_others_hear_on(self):
        self.client.config_set("pubsub-output-buffer-hard-limit", 1 << 20)
        lazy = self.peer()
        lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.ask("SUBSCRIBE", "c")
        eager = self.peer("SUBSCRIBE", "c")
        read = [0]

        def listen():
            while eager.read()[2] != "end":
                read[0] += 1

        thread = threading.Thread(target=listen)
        thread.start()
        text = "m" * 50_000
        sent = 0
        deadline = time.monotonic() + 60
        while self.client.publish("c", text) == 2 and time.monotonic() < deadline:
            sent += 1
        self.assertLess(sent, 1000)
        self.assertEqual(self.client.publish("c", "end"), 1)
        thread.join()
        self.assertEqual(read[0], sent + 1)
        self.assertEqual([client["addr"] for client in self.client.client_list() if "P" in client["flags"]],
                         ["%s:%d" % eager.socket.getsockname()])
        self.assertGreater(int(self.client.info("stats")["client_output_buffer_limit_disconnections"]), 0)

    def test_many_listeners_come_and_go(self):
        peers = [self.peer("SUBSCRIBE", "c") for _ in range(200)]
        for peer in peers[::2]:
            peer.__exit__()
        deadline = time.monotonic() + 60
        while self.client.publish("c", "x") != 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(self.client.publish("c", "last"), 100)
        for peer in peers[1::2]:
            while peer.read()[2] != "last":
                pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
