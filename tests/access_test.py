"""Users and what they may do, through both doors: every way in (RESP, MULTI, channels, SORT, HTTP), files of users, and
who watches.

Usage: STAVE_BIN=<path to stave> python3 access_test.py.
"""

import base64
import hashlib
import http.client
import os
import shutil
import signal
import tempfile
import time
import unittest

from package_index_test import Server, free_port
from pubsub_test import Peer

os.environ["HTTP_PORT"] = "0"


class Access(unittest.TestCase):
    def serve(self, *options):
        directory = tempfile.mkdtemp(prefix="stave-access-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.directory = directory
        self.server = Server(os.path.join(directory, "data"))
        self.server.start("--sync", "os", *options)
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))
        return self.server.port

    def peer(self, *first):
        peer = Peer(self.server.port, *first)
        self.addCleanup(peer.__exit__)
        return peer

    def setuser(self, *rules):
        with Peer(self.server.port) as admin:
            self.assertEqual(admin.ask("ACL", "SETUSER", *rules), "+OK")

    def denied(self, peer, words, what="NOPERM"):
        answer = peer.ask(*words)
        self.assertIsInstance(answer, str)
        self.assertTrue(answer.startswith("-" + what), (words, answer))
        return answer


class Rights(Access):
    def test_a_user_may_do_what_its_rules_say_and_nothing_else(self):
        self.serve()
        self.setuser("bob", "on", ">pw", "+@read", "+set", "~data:*", "%R~shared:*", "(+incr", "~count)", "-@dangerous")
        bob = self.peer("AUTH", "bob", "pw")
        self.assertEqual(bob.ask("SET", "data:a", "1"), "+OK")
        self.assertEqual(bob.ask("GET", "data:a"), "1")
        self.assertIsNone(bob.ask("GET", "shared:a"))
        self.assertEqual(self.denied(bob, ("SET", "shared:a", "1")), "-NOPERM No permissions to access a key")
        self.assertEqual(bob.ask("INCR", "count"), 1)
        self.denied(bob, ("INCR", "data:a"))
        self.assertEqual(self.denied(bob, ("DEL", "data:a")),
                         "-NOPERM User bob has no permissions to run the 'del' command")
        self.denied(bob, ("CONFIG", "GET", "port"))
        self.denied(bob, ("ACL", "LIST"))
        self.denied(bob, ("KEYS", "*"))
        self.denied(bob, ("MGET", "data:a", "other"))
        self.denied(bob, ("COPY", "data:a", "shared:a"))
        self.denied(bob, ("MONITOR",))
        # SORT looks where no rule can follow it.
        self.setuser("bob", "+sort")
        self.assertEqual(bob.ask("SORT", "data:list"), [])
        self.assertEqual(self.denied(bob, ("SORT", "data:list", "BY", "secret_*"), "ERR"),
                         "-ERR BY option of SORT denied due to insufficient ACL permissions.")
        self.assertEqual(self.denied(bob, ("SORT", "data:list", "GET", "secret_*"), "ERR"),
                         "-ERR GET option of SORT denied due to insufficient ACL permissions.")
        self.denied(bob, ("SORT", "data:list", "STORE", "shared:a"))
        self.assertEqual(bob.ask("SORT", "data:list", "STORE", "data:b"), 0)

    def test_an_old_value_is_told_only_to_who_may_read(self):
        self.serve()
        self.setuser("writer", "on", "nopass", "+set", "%W~*")
        writer = self.peer("AUTH", "writer", "any")
        self.assertEqual(writer.ask("SET", "a", "1"), "+OK")
        self.denied(writer, ("SET", "a", "2", "GET"))
        self.denied(writer, ("SET", "a", "2", "PX", "1000", "get"))

    def test_a_transaction_is_looked_at_when_it_is_queued_and_when_it_is_run(self):
        self.serve()
        self.setuser("bob", "on", "nopass", "+@all", "~a*")
        bob = self.peer("AUTH", "bob", "x")
        self.assertEqual(bob.ask("MULTI"), "+OK")
        self.denied(bob, ("SET", "b", "1"))
        self.assertTrue(bob.ask("EXEC").startswith("-EXECABORT"))
        self.assertEqual(bob.ask("MULTI"), "+OK")
        self.assertEqual(bob.ask("SET", "a1", "1"), "+QUEUED")
        self.assertEqual(bob.ask("INCR", "a2"), "+QUEUED")
        self.setuser("bob", "-set")
        answer = bob.ask("EXEC")
        self.assertTrue(answer[0].startswith("-NOPERM ACLs rules changed between the moment the transaction"), answer)
        self.assertEqual(answer[1], 1)
        with Peer(self.server.port) as admin:
            self.assertIsNone(admin.ask("GET", "a1"))
            log = admin.ask("ACL", "LOG")
        entries = [dict(zip(entry[::2], entry[1::2])) for entry in log]
        self.assertEqual([(e["reason"], e["context"], e["object"], e["username"]) for e in entries],
                         [("command", "multi", "set", "bob"), ("key", "multi", "b", "bob")])

    def test_a_script_may_do_what_its_user_may(self):
        self.serve()
        self.setuser("bob", "on", ">pw", "+eval", "+get", "+set", "%R~*", "~own:*")
        bob = self.peer("AUTH", "bob", "pw")
        call = "return redis.call(unpack(ARGV))"
        self.assertEqual(bob.ask("EVAL", call, "0", "SET", "own:a", "1"), "+OK")
        self.assertEqual(bob.ask("EVAL", call, "0", "GET", "own:a"), "1")
        for words, why in ((("SET", "other", "1"), "No permissions to access a key"),
                           (("INCR", "own:a"), "User bob has no permissions to run the 'incr' command")):
            self.assertIn("ACL failure in script: " + why, self.denied(bob, ("EVAL", call, "0", *words), "ERR"))
            self.assertIsNone(bob.ask("EVAL", "return redis.acl_check_cmd(unpack(ARGV))", "0", *words))
        self.assertEqual(bob.ask("EVAL", "return redis.acl_check_cmd('GET', 'other')", "0"), 1)
        # One that takes long goes on elsewhere, as the same user.
        long = "for i = 1, 2e7 do end return redis.call(unpack(ARGV))"
        self.assertEqual(bob.ask("EVAL", long, "0", "GET", "own:a"), "1")
        self.assertIn("ACL failure in script", self.denied(bob, ("EVAL", long, "0", "SET", "other", "1"), "ERR"))
        with Peer(self.server.port) as admin:
            self.assertEqual(admin.ask("GET", "own:a"), "1")
            self.assertIn("lua", str(admin.ask("ACL", "LOG")))

    def test_rights_change_for_who_is_connected(self):
        self.serve()
        self.setuser("bob", "on", "nopass", "+get", "~*")
        bob = self.peer("AUTH", "bob", "x")
        self.assertIsNone(bob.ask("GET", "a"))
        self.setuser("bob", "resetkeys")
        self.denied(bob, ("GET", "a"))
        self.setuser("bob", "~a")
        self.assertIsNone(bob.ask("GET", "a"))
        # Off: who is in stays in, nobody else gets in.
        self.setuser("bob", "off")
        self.assertIsNone(bob.ask("GET", "a"))
        self.assertTrue(self.peer().ask("AUTH", "bob", "x").startswith("-WRONGPASS"))
        with Peer(self.server.port) as admin:
            self.assertEqual(admin.ask("ACL", "DELUSER", "bob", "nobody"), 1)
        with self.assertRaises((EOFError, ConnectionError)):
            bob.ask("GET", "a")
            bob.ask("GET", "a")

    def test_who_may_nothing_learns_nothing(self):
        self.serve()
        self.setuser("none", "on", "nopass")
        none = self.peer("AUTH", "none", "x")
        for words in (("GET", "a"), ("EXISTS", "a"), ("DBSIZE",), ("INFO",), ("CLIENT", "LIST"), ("CONFIG", "GET", "*"),
                      ("ACL", "WHOAMI"), ("PING",), ("SCAN", "0"), ("SUBSCRIBE", "a"), ("COMMAND", "LIST"), ("MULTI",),
                      ("RANDOMKEY",), ("OBJECT", "ENCODING", "a"), ("DEBUG", "OBJECT", "a"), ("STAVE.HISTORY", "a")):
            self.denied(none, words)

    def test_databases_are_kept_apart(self):
        self.serve()
        self.setuser("two", "on", "nopass", "+@all", "~*", "&*", "db=2")
        two = self.peer("AUTH", "two", "x")
        self.denied(two, ("GET", "a"))
        self.denied(two, ("KEYS", "*"))
        self.denied(two, ("SELECT", "1"))
        self.assertEqual(two.ask("SELECT", "2"), "+OK")
        self.assertEqual(two.ask("SET", "a", "1"), "+OK")
        self.denied(two, ("MOVE", "a", "3"))
        self.denied(two, ("COPY", "a", "b", "DB", "0"))
        self.denied(two, ("SWAPDB", "2", "0"))
        self.denied(two, ("FLUSHALL",))
        self.assertEqual(two.ask("FLUSHDB"), "+OK")
        self.setuser("two", "alldbs")
        self.assertEqual(two.ask("SELECT", "0"), "+OK")

    def test_channels_are_named_and_who_may_not_listen_any_more_is_cut_off(self):
        self.serve()
        self.setuser("bob", "on", "nopass", "+@pubsub", "+ping", "&news.*", "&exact")
        bob = self.peer("AUTH", "bob", "x")
        self.assertEqual(self.denied(bob, ("SUBSCRIBE", "secret")), "-NOPERM No permissions to access a channel")
        self.denied(bob, ("PSUBSCRIBE", "news.a*"))
        self.denied(bob, ("PUBLISH", "secret", "x"))
        self.assertEqual(bob.ask("PSUBSCRIBE", "news.*"), ["psubscribe", "news.*", 1])
        other = self.peer("AUTH", "bob", "x")
        self.assertEqual(other.ask("SUBSCRIBE", "exact"), ["subscribe", "exact", 1])
        self.setuser("bob", "resetchannels", "&news.*")
        with self.assertRaises((EOFError, ConnectionError)):
            other.read()
        self.assertEqual(bob.ask("PING"), ["pong", ""])

    def test_passwords_are_kept_as_hashes_and_guesses_are_noted(self):
        self.serve()
        digest = hashlib.sha256(b"pw").hexdigest()
        self.setuser("bob", "on", ">pw", "+ping")
        with Peer(self.server.port) as admin:
            line = [line for line in admin.ask("ACL", "LIST") if "bob" in line]
            self.assertEqual(line, [f"user bob on sanitize-payload #{digest} resetchannels -@all +ping"])
            self.assertTrue(admin.ask("AUTH", "bob", "guess").startswith("-WRONGPASS"))
            entry = admin.ask("ACL", "LOG", "1")[0]
            self.assertEqual(dict(zip(entry[::2], entry[1::2]))["reason"], "auth")
            self.assertEqual(admin.ask("ACL", "LOG", "RESET"), "+OK")
            self.assertEqual(admin.ask("ACL", "LOG"), [])
            self.assertEqual(len(admin.ask("ACL", "GENPASS")), 64)
            self.assertEqual(admin.ask("ACL", "DRYRUN", "bob", "GET", "a"),
                             "User bob has no permissions to run the 'get' command")
        bob = self.peer("HELLO", "3", "AUTH", "bob", "pw")
        self.assertEqual(bob.ask("PING"), "+PONG")


class Files(Access):
    def test_users_stand_in_a_file_of_their_own(self):
        path = os.path.join(tempfile.mkdtemp(prefix="stave-users-"), "users.acl")
        self.addCleanup(shutil.rmtree, os.path.dirname(path), ignore_errors=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("user default on >root ~* &* +@all\nuser bob on >pw ~* +get\n")
        self.serve("--aclfile", path)
        admin = self.peer("AUTH", "root")
        self.assertEqual(admin.ask("ACL", "USERS"), ["bob", "default"])
        bob = self.peer("AUTH", "bob", "pw")
        self.assertIsNone(bob.ask("GET", "a"))
        self.assertEqual(admin.ask("ACL", "SETUSER", "eve", "on", ">pw", "(~a %R~b +@all)"), "+OK")
        self.assertEqual(admin.ask("ACL", "SAVE"), "+OK")
        before = admin.ask("ACL", "LIST")
        self.server.stop(signal.SIGKILL)
        self.server.start("--sync", "os", "--aclfile", path)
        admin = self.peer("AUTH", "root")
        self.assertEqual(admin.ask("ACL", "LIST"), before)
        bob = self.peer("AUTH", "bob", "pw")
        with open(path, "w", encoding="utf-8") as file:
            file.write("user default on >root ~* &* +@all\nuser eve on +nonsense\n")
        self.assertIn("nonsense", admin.ask("ACL", "LOAD"))
        self.assertEqual(admin.ask("ACL", "LIST"), before)
        with open(path, "w", encoding="utf-8") as file:
            file.write("user default on >root ~* &* +@all\n")
        self.assertEqual(admin.ask("ACL", "LOAD"), "+OK")
        with self.assertRaises((EOFError, ConnectionError)):
            bob.ask("GET", "a")
            bob.ask("GET", "a")

    def test_users_stand_in_the_configuration_and_are_written_back(self):
        directory = tempfile.mkdtemp(prefix="stave-users-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        path = os.path.join(directory, "stave.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("# ours\nuser bob on >pw ~* +get\nmaxclients 500\n")
        self.serve("--config", path)
        with Peer(self.server.port) as admin:
            self.assertEqual(admin.ask("ACL", "SETUSER", "eve", "on", "nopass", "+@all", "~*"), "+OK")
            self.assertEqual(admin.ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 512kb 30"), "+OK")
            self.assertEqual(admin.ask("CONFIG", "GET", "pubsub-output-buffer-hard-limit")[1], "1048576")
            self.assertEqual(admin.ask("CONFIG", "REWRITE"), "+OK")
            users = admin.ask("ACL", "LIST")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("# ours\n", text)
        self.assertNotIn(">pw", text)
        self.server.stop(signal.SIGTERM)
        self.server.start("--sync", "os", "--config", path)
        with Peer(self.server.port) as admin:
            self.assertEqual(admin.ask("ACL", "LIST"), users)
            self.assertEqual(admin.ask("CONFIG", "GET", "pubsub-output-buffer-hard-limit")[1], "1048576")


class Watching(Access):
    def test_a_watcher_sees_every_command_and_no_password(self):
        self.serve("--threads", "2")
        watcher = self.peer("MONITOR")
        others = [self.peer() for _ in range(4)]
        for i, other in enumerate(others):
            self.assertEqual(other.ask("SET", f"k{i}", 'a"\r\n\x01'), "+OK")
            line = watcher.read()
            self.assertRegex(line, r'^\+\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "k%d" "a\\"\\r\\n\\x01"$' % i)
        other = others[0]
        other.ask("AUTH", "bob", "secret")
        other.ask("HELLO", "3", "AUTH", "default", "secret", "SETNAME", "x")
        other.ask("ACL", "SETUSER", "bob", "on", ">secret")
        other.ask("CONFIG", "SET", "requirepass", "")
        other.ask("GET", "a")
        lines = [watcher.read() for _ in range(3)]
        self.assertNotIn("secret", " ".join(lines))
        self.assertIn('"AUTH" "(redacted)" "(redacted)"', lines[0])
        self.assertIn('"SETNAME" "x"', lines[1])
        self.assertIn('"GET" "a"', lines[2])
        self.assertIn("flags=O", others[1].ask("CLIENT", "LIST"))
        watcher.send("RESET")
        while (line := watcher.read()) != "+RESET":
            self.assertIn("127.0.0.1", line)
        other.ask("GET", "a")
        self.assertEqual(watcher.ask("PING"), "+PONG")

    def test_clients_are_listed_and_ended_by_filters(self):
        self.serve()
        self.setuser("bob", "on", "nopass", "+@all", "~*")
        bobs = [self.peer("AUTH", "bob", "x") for _ in range(3)]
        admin = self.peer()
        self.assertEqual(admin.ask("CLIENT", "LIST", "USER", "bob").count("id="), 3)
        ids = [bob.ask("CLIENT", "ID") for bob in bobs]
        self.assertEqual(admin.ask("CLIENT", "LIST", "ID", *ids[:2], "USER", "bob").count("id="), 2)
        self.assertEqual(admin.ask("CLIENT", "KILL", "ID", ids[0], ids[1], "USER", "default"), 0)
        self.assertEqual(admin.ask("CLIENT", "KILL", "ID", ids[0], ids[1]), 2)
        self.assertEqual(admin.ask("CLIENT", "KILL", "USER", "bob", "MAXAGE", "1000"), 0)
        self.assertEqual(admin.ask("CLIENT", "KILL", "USER", "bob"), 1)
        self.assertEqual(admin.ask("CLIENT", "KILL", "USER", "nobody"), "-ERR No such user 'nobody'")

    def test_large_calls_and_answers_are_kept(self):
        self.serve()
        peer = self.peer()
        self.assertEqual(peer.ask("CONFIG", "SET", "commandlog-request-larger-than", "5000", "commandlog-reply-larger-than",
                                  "5000"), "+OK")
        self.assertEqual(peer.ask("SET", "a", "x" * 10000), "+OK")
        self.assertEqual(len(peer.ask("GET", "a")), 10000)
        self.assertEqual(peer.ask("COMMANDLOG", "LEN", "large-request"), 1)
        entry = peer.ask("COMMANDLOG", "GET", "-1", "large-reply")[0]
        self.assertGreater(entry[2], 10000)
        self.assertEqual(entry[3], ["GET", "a"])
        self.assertEqual(peer.ask("COMMANDLOG", "RESET", "large-reply"), "+OK")
        self.assertEqual(peer.ask("COMMANDLOG", "LEN", "large-reply"), 0)

    def test_clients_that_take_most_make_room(self):
        self.serve("--maxmemory-clients", "4mb")
        peer = self.peer()
        self.assertEqual(peer.ask("SET", "big", "x" * 3_000_000), "+OK")
        greedy = self.peer()
        for _ in range(20):
            greedy.send("GET", "big")
        for _ in range(200):
            peer.ask("PING")
            if "evicted_clients:1" in peer.ask("INFO", "stats"):
                break
            time.sleep(0.05)
        self.assertIn("evicted_clients:1", peer.ask("INFO", "stats"))


class Http(Access):
    def ask(self, method, path, user=None, body=None, kind="application/octet-stream"):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60)
        headers = {"Content-Type": kind} if body is not None else {}
        if user is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, text

    def test_the_same_users_come_through_the_other_door(self):
        self.http = free_port()
        self.serve("--http-port", str(self.http))
        while self.ask("GET", "/readyz", None)[0] != 200:  # the Redis port opens a moment before
            time.sleep(0.01)
        self.setuser("bob", "on", ">pw", "+@read", "+@connection", "~data:*", "-@dangerous")
        self.assertEqual(self.ask("PUT", "/db/data:a", None, b"1")[0], 201)
        self.assertEqual(self.ask("GET", "/db/data:a", "bob:pw"), (200, b"1"))
        self.assertEqual(self.ask("GET", "/db/data:a", "bob:no")[0], 401)
        self.assertEqual(self.ask("GET", "/db/other", "bob:pw")[0], 403)
        self.assertEqual(self.ask("PUT", "/db/data:a", "bob:pw", b"2")[0], 403)
        self.assertEqual(self.ask("DELETE", "/db/data:a", "bob:pw")[0], 403)
        self.assertEqual(self.ask("DELETE", "/db?match=*&confirm=true", "bob:pw")[0], 403)
        self.assertEqual(self.ask("GET", "/db?values=true", "bob:pw")[0], 403)
        batch = b'{"operations":[{"op":"get","key":"data:a"},{"op":"set","key":"data:a","value":"3"}]}'
        self.assertEqual(self.ask("POST", "/db/_batch", "bob:pw", batch, "application/json")[0], 403)
        for words, status in ((b'["GET","data:a"]', 200), (b'["GET","other"]', 403), (b'["SET","data:a","3"]', 403)):
            got, text = self.ask("POST", "/command", "bob:pw", words, "application/json")
            self.assertEqual(got, status, (words, text))
        self.assertEqual(self.ask("GET", "/metrics", "bob:pw")[0], 403)
        with Peer(self.server.port) as admin:
            self.assertEqual(admin.ask("ACL", "DELUSER", "bob"), 1)
            self.assertEqual(admin.ask("GET", "data:a"), "1")
        self.assertEqual(self.ask("GET", "/db/data:a", "bob:pw")[0], 401)


if __name__ == "__main__":
    unittest.main()
