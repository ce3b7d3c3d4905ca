#!/usr/bin/env python3
"""The Python module as its users meet it: imported from packaging/python, over the shared library.

Usage: python_test.py path/to/libstave.so [unittest arguments]
"""
import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

LIBRARY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else os.path.abspath("build/release/libstave.so")
PACKAGE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "packaging", "python"))
os.environ["STAVE_LIBRARY"] = LIBRARY
sys.dont_write_bytecode = True
sys.path.insert(0, PACKAGE)

import stave  # noqa: E402


class PythonModule(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.place = scratch.name
        self.store = self.open()
        self.addCleanup(lambda: self.store.close())

    def path(self, name):
        return os.path.join(self.place, name)

    def open(self):
        return stave.open(self.path("data"), segment_bytes=1 << 20, history_bytes=1 << 20)

    def reopen(self):
        self.store.close()
        self.store = self.open()

    def test_a_store_is_a_dict_that_stays(self):
        store = self.store
        store["user:1"] = "Alice"
        store[b"k\0\xff"] = bytes(range(256))
        store["empty"] = b""
        self.reopen()
        store = self.store
        self.assertEqual(store["user:1"], b"Alice")
        self.assertEqual(store[b"k\0\xff"], bytes(range(256)))
        self.assertEqual(store["empty"], b"")
        self.assertEqual(len(store), 3)
        self.assertEqual(set(store), {b"user:1", b"k\0\xff", b"empty"})
        self.assertIn("user:1", store)
        self.assertNotIn("none", store)
        self.assertNotIn(7, store)
        self.assertIsNone(store.get("none"))
        self.assertEqual(store, store)
        self.assertNotEqual(store, store.database(1))
        self.assertEqual(store.get("none", b"x"), b"x")
        with self.assertRaises(KeyError):
            store["none"]
        with self.assertRaises(KeyError):
            del store["none"]
        with self.assertRaises(TypeError):
            store["a"] = 7
        del store["empty"]
        self.assertEqual(store.pop("user:1"), b"Alice")
        store.update({"a": "1"}, b="2")
        self.assertEqual(store.setdefault("a", b"9"), b"1")
        self.assertEqual(dict(store.items())[b"b"], b"2")
        self.assertEqual(store.get_many(["b", "none", "a"]), [b"2", None, b"1"])
        store.clear()
        self.assertEqual(len(store), 0)
        self.assertEqual(list(store.scan()), [])

    def test_values_change_expire_and_have_versions(self):
        store = self.store
        first = store.set("a", "1")
        self.assertFalse(store.set_if("a", "2", absent=True))
        self.assertFalse(store.set_if("a", "2", version=first + 1))
        self.assertTrue(store.set_if("a", "2", version=first))
        self.assertTrue(store.set_if("a", "3", value_is="2"))
        self.assertTrue(store.set_if("a", "4", present=True))
        with self.assertRaises(TypeError):
            store.set_if("a", "5")
        held = store.get_versioned("a")
        self.assertEqual((held.value, held.expires_at), (b"4", None))
        self.assertGreater(held.version, first)
        self.assertIsNone(store.get_versioned("none"))
        self.assertEqual(store.increment("a", 38), 42)
        self.assertEqual(store.append("a", "!"), 3)
        self.assertEqual(store.get_range("a", -2, -1), b"2!")
        self.assertEqual(store.set_range("a", 5, "x"), 6)
        self.assertEqual(store["a"], b"42!\0\0x")
        store.set("s", "x", ttl=0.001)
        store.set("t", "x", ttl=60)
        self.assertAlmostEqual(store.get_versioned("t").expires_at, time.time() + 60, delta=30)
        store.set("t", "y", keep_ttl=True)
        self.assertIsNotNone(store.get_versioned("t").expires_at)
        self.assertTrue(store.expire("t", None))
        self.assertIsNone(store.get_versioned("t").expires_at)
        self.assertFalse(store.expire("none", 5))
        self.assertTrue(store.expire("t", 60, sliding=True))
        self.assertTrue(store.delete("t"))
        self.assertFalse(store.delete("t"))
        with self.assertRaises(ValueError):
            store.set("a", "b", sync="never")

    def test_failures_are_exceptions_by_kind(self):
        store = self.store
        store["word"] = "x"
        with self.assertRaises(stave.NotANumberError) as caught:
            store.increment("word")
        self.assertIn("integer", str(caught.exception))
        self.assertEqual(caught.exception.code, 4)
        store["max"] = str((1 << 63) - 1)
        with self.assertRaises(stave.OverflowError):
            store.increment("max")
        with self.assertRaises(stave.BusyError):
            self.open()
        for wrong in (lambda: store.increment("n", 1 << 70), lambda: store.database(1 << 32).get("word"), lambda: store.set_range("word", -1, "x"),
                      lambda: store.history("word", -1), lambda: store.batch().increment("n", 1 << 70)):
            with self.assertRaises(stave.OverflowError):
                wrong()
        for wrong in (float("inf"), float("nan"), -5, 0):
            with self.assertRaises(ValueError):
                store.set("a", "b", ttl=wrong)
        for wrong in (lambda: store.execute("SET", "a", True), lambda: store.increment("n", "x"), lambda: store.increment("n", None)):
            with self.assertRaises(TypeError):
                wrong()
        store.list_of("list").append("x")
        with self.assertRaises(stave.WrongTypeError):
            store["list"]
        with self.assertRaises(stave.InvalidArgumentError):
            store.database(99)["a"] = "b"
        with self.assertRaises(stave.TooLargeError):
            store["x" * (1 << 17)] = "b"
        with self.assertRaises(stave.NotFoundError):
            stave.open(self.path("none"), create_if_missing=False)
        for wrong in ({"sync": "never"}, {"memory_policy": "x"}, {"packing": "gzip"}):
            with self.assertRaises(ValueError):
                stave.open(":memory:", **wrong)
        with self.assertRaises(TypeError):
            stave.open(":memory:", no_such_setting=1)
        store.close()
        store.close()
        for use in (lambda: store["a"], lambda: store.execute("PING"), lambda: len(store)):
            with self.assertRaises(stave.StaveError):
                use()

    def test_collections_are_containers(self):
        store = self.store
        profile = store.hash_of("h")
        profile["city"] = "Zurich"
        profile.update({"name": "Alice", "n": "1"})
        self.assertEqual(profile.to_dict(), {b"city": b"Zurich", b"name": b"Alice", b"n": b"1"})
        self.assertEqual(dict(profile), profile.to_dict())
        self.assertIn("city", profile)
        del profile["city"]
        with self.assertRaises(KeyError):
            profile["city"]
        self.assertEqual(len(profile), 2)
        jobs = store.list_of("l")
        jobs.extend(["b", "c"])
        jobs.appendleft("a")
        jobs.append(b"\0")
        self.assertEqual(list(jobs), [b"a", b"b", b"c", b"\0"])
        self.assertEqual((jobs.pop(), jobs.popleft(), jobs[0], jobs[-1], len(jobs)), (b"\0", b"a", b"b", b"c", 2))
        with self.assertRaises(IndexError):
            jobs[5]
        with self.assertRaises(IndexError):
            store.list_of("none").pop()
        tags = store.set_of("s")
        tags.update(["x", "y", "x"])
        tags.add("z")
        tags.discard("none")
        with self.assertRaises(KeyError):
            tags.remove("none")
        tags.remove("z")
        self.assertEqual(set(tags), {b"x", b"y"})
        self.assertEqual(tags | {b"q"}, {b"x", b"y", b"q"})
        self.assertIn("x", tags)
        self.assertEqual(len(tags), 2)
        board = store.sorted_set_of("z")
        board.update({"alice": 310, "bob": 275.5})
        board["carol"] = float("inf")
        self.assertEqual(board.range(descending=True), [(b"carol", float("inf")), (b"alice", 310.0), (b"bob", 275.5)])
        self.assertEqual(board.range_by_score(300, 400), [(b"alice", 310.0)])
        self.assertEqual(board.range_by_score(count=1), [(b"bob", 275.5)])
        self.assertEqual((board["alice"], board.rank("alice"), board.rank("none"), len(board)), (310.0, 1, None, 3))
        del board["carol"]
        self.assertEqual(list(board), [b"bob", b"alice"])
        self.assertEqual(sorted((key, kind) for key, _, kind in store.scan()), [(b"h", "hash"), (b"l", "list"), (b"s", "set"), (b"z", "zset")])
        for collection in (profile, tags, board):
            collection.clear()
        self.assertEqual(len(store), 1)

    def test_batches_and_transactions_are_whole_or_nothing(self):
        store = self.store
        with store.batch() as batch:
            batch.set("a", "10").increment("b", 5).set("e", "x", ttl=60).append("a", "0").delete("none").expire("b", 60)
            batch.hash_set("h", "f", "v").hash_remove("h", "g").list_push("l", "2").list_push("l", "1", front=True)
            batch.set_add("s", "m").set_remove("s", "n").sorted_set_add("z", "m", 2.5).sorted_set_remove("z", "n")
        self.assertEqual((store["a"], store["b"], list(store.list_of("l"))), (b"100", b"5", [b"1", b"2"]))
        self.assertIsNotNone(store.get_versioned("e").expires_at)
        with self.assertRaises(ZeroDivisionError):
            with store.batch() as batch:
                batch.set("a", "lost")
                1 / 0
        self.assertEqual(store["a"], b"100")
        with self.assertRaises(stave.NotANumberError):
            with store.batch() as batch:
                batch.set("a", "lost").increment("e")
        self.assertEqual(store["a"], b"100")

        def move(txn):
            left = txn.increment("a", -30)
            txn.increment("b", 30)
            if left < 0:
                raise ValueError("not enough")
            return left

        self.assertEqual([store.transact(["a", "b"], move) for _ in range(3)], [70, 40, 10])
        with self.assertRaises(ValueError):
            store.transact(["a", "b"], move)
        self.assertEqual((store["a"], store["b"]), (b"10", b"95"))

        def from_within(_txn):
            return store["a"]

        with self.assertRaises(stave.BusyError):
            store.transact(["a"], from_within)
        with self.assertRaises(stave.BusyError):
            store.transact(["a"], lambda txn: store.close())

        kept = []

        def everything(txn):
            kept.append(txn)
            txn["a"] = "x"
            assert "a" in txn and "none" not in txn and txn["a"] == b"x" and txn.get("none") is None
            assert txn.append("a", "y") == 2 and txn.expire("a", 60) and not txn.expire("none", 60)
            assert txn.hash_set("h", "g", "w") and txn.hash_get("h", "g") == b"w" and txn.hash_remove("h", "f")
            assert txn.hash_get_all("h") == {b"g": b"w"} and txn.list_push("l", "3") == 3 and txn.list_pop("l", front=True) == b"1"
            assert txn.list_range("l") == [b"2", b"3"] and txn.set_add("s", "o") and txn.set_contains("s", "o") and txn.set_remove("s", "m")
            assert txn.set_members("s") == {b"o"} and txn.sorted_set_add("z", "o", 1) and txn.sorted_set_score("z", "o") == 1
            assert txn.sorted_set_range("z") == [(b"o", 1.0), (b"m", 2.5)] and txn.sorted_set_remove("z", "m")
            txn.set("t", "x", ttl=60)
            return txn.delete("none")

        self.assertFalse(store.transact(["a", "h", "l", "s", "z", "t"], everything))
        with self.assertRaises(stave.AbortedError):
            kept[0].get("a")

    def test_threads_share_a_store_and_lose_nothing(self):
        def add():
            for _ in range(100):
                self.store.transact(["n"], lambda txn: txn.increment("n"))
                self.store.execute("INCR", "m")

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((self.store["n"], self.store["m"]), (b"400", b"400"))

    def test_commands_of_every_shape(self):
        store = self.store
        self.assertEqual(store.execute("SET", "a", "abc"), b"OK")
        self.assertEqual(store.execute("SETRANGE", "a", 1, "XY"), 3)
        self.assertEqual(store.execute(b"MGET", "a", "none"), [b"aXY", None])
        store.execute("HSET", "h", "f", "v")
        self.assertEqual(store.execute("HGETALL", "h"), {b"f": b"v"})
        store.execute("SADD", "s", "m")
        self.assertEqual(store.execute("SMEMBERS", "s"), {b"m"})
        store.execute("ZADD", "z", 1.5, "m")
        self.assertEqual(store.execute("ZSCORE", "z", "m"), 1.5)
        with self.assertRaises(stave.ReplyError) as caught:
            store.execute("INCR", "a")
        self.assertIn("not an integer", str(caught.exception))
        other = store.database(3)
        other["a"] = "elsewhere"
        self.assertEqual((store["a"], other.execute("GET", "a"), store.execute("GET", "a")), (b"aXY", b"elsewhere", b"aXY"))
        self.assertEqual([store.execute(*words) for words in (["MULTI"], ["GET", "a"], ["EXEC"])], [b"OK", b"QUEUED", [b"aXY"]])
        store.execute("SELECT", 3)
        self.assertEqual(store.execute("GET", "a"), b"aXY")
        with store.session() as session:
            session.execute("SELECT", 3)
            self.assertEqual(session.execute("GET", "a"), b"elsewhere")

    def test_the_past_is_told_shown_and_brought_back(self):
        store = self.store
        first = store.set("a", "1")
        store["a"] = "22"
        del store["a"]
        told = store.history("a")
        self.assertEqual([(one.kind, one.size, one.alive) for one in told], [("delete", 0, False), ("set", 2, True), ("set", 1, True)])
        self.assertEqual(told[2].version, first)
        self.assertEqual(store.history("none"), [])
        self.assertEqual(store.get_at("a", lsn=first), b"1")
        self.assertIsNone(store.get_at("a", time=datetime.datetime.now(datetime.timezone.utc)))
        self.assertTrue(store.revert("a", lsn=first))
        self.assertEqual(store["a"], b"1")
        with self.assertRaises(TypeError):
            store.get_at("a")

    def test_snapshots_backups_and_restores(self):
        store = self.store
        store["a"] = "1"
        store.hash_of("h")["f"] = "v"
        for name, form in (("data.json", None), ("x", "ndjson"), ("data.stave", None)):
            self.assertEqual(store.snapshot(self.path(name), form), 2)
            with stave.open(":memory:") as other:
                self.assertEqual(other.load(self.path(name)), 2)
                self.assertEqual((other["a"], other.hash_of("h")["f"]), (b"1", b"v"))
        with self.assertRaises(ValueError):
            store.snapshot(self.path("x"), "xml")
        with self.assertRaises(stave.NotFoundError):
            store.load(self.path("none"))
        second = store.set("a", "2")
        self.assertGreater(store.backup(self.path("backup")), second)
        stave.restore(self.path("backup"), self.path("before"), lsn=second)
        with stave.open(self.path("before")) as before:
            self.assertEqual(before["a"], b"1")
        with self.assertRaises(stave.ConflictError):
            stave.restore(self.path("backup"), self.path("before"))

    def test_sessions_end_with_their_store(self):
        store = stave.open(":memory:")
        session, other = store.session(), store.database(2).session()
        other.execute("SET", "a", "x")
        del other
        store.close()
        with self.assertRaises(stave.StaveError):
            session.execute("PING")
        session.close()

    def test_a_child_of_fork_has_no_store_and_does_its_parents_no_harm(self):
        self.store["a"] = "1"
        child = os.fork()
        if child == 0:
            code = 1
            try:
                self.store["a"] = "2"
            except stave.StaveError:
                code = 0
            finally:
                self.store.close()
                os._exit(code)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.store["b"] = "2"
        self.reopen()
        self.assertEqual((self.store["a"], self.store["b"]), (b"1", b"2"))

    def test_all_of_it_is_one_version(self):
        self.assertEqual(stave.__version__, stave.library_version())
        for name in ("python/pyproject.toml", "node/package.json"):
            with open(os.path.join(PACKAGE, "..", name), encoding="utf-8") as file:
                self.assertRegex(file.read(), '"?version"?[ :=]+"%s"' % re.escape(stave.library_version()), name)

    def test_what_was_set_outlives_a_kill(self):
        script = (
            "import os, signal, sys, stave\n"
            "store = stave.open(sys.argv[1])\n"
            "store['k'] = 'kept'\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        killed = subprocess.run(
            [sys.executable, "-c", script, self.path("killed")], env={**os.environ, "PYTHONPATH": PACKAGE}, timeout=60, check=False
        )
        self.assertEqual(killed.returncode, -9)
        with stave.open(self.path("killed")) as store:
            self.assertEqual(store["k"], b"kept")

    def test_a_library_that_is_not_there_is_an_import_error_that_says_so(self):
        answer = subprocess.run(
            [sys.executable, "-c", "import stave"], env={"PYTHONPATH": PACKAGE, "STAVE_LIBRARY": "/none.so"}, capture_output=True, text=True,
            timeout=60, check=False,
        )
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("STAVE_LIBRARY", answer.stderr)

    @unittest.skipUnless(shutil.which("mypy"), "mypy is not installed")
    def test_it_is_typed(self):
        checked = subprocess.run(
            ["mypy", "--strict", "--cache-dir", self.path("cache"), "-p", "stave"], cwd=PACKAGE, capture_output=True, text=True, timeout=120,
            check=False,
        )
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_every_function_of_the_table_is_declared_as_the_header_has_it(self):
        from stave import _library  # the names of C's parameters, counted

        with open(os.path.join(PACKAGE, "..", "..", "include", "stave", "stave.h"), encoding="utf-8") as file:
            text = " ".join(line for line in file.read().split("\n"))
        for name, result, *arguments in _library.FUNCTIONS:
            start = text.rfind("stave_%s(" % name)
            self.assertGreaterEqual(start, 0, name)
            depth, commas, at = 0, 0, start + len("stave_%s" % name)
            inside = ""
            while True:
                depth += (text[at] == "(") - (text[at] == ")")
                commas += text[at] == "," and depth == 1
                inside += text[at]
                at += 1
                if depth == 0:
                    break
            self.assertEqual(0 if inside == "(void)" else commas + 1, len(arguments), name)
            self.assertEqual(text[:start].split(";")[-1].split("*/")[-1].strip() == "void", result is None, name)


if __name__ == "__main__":
    unittest.main()
