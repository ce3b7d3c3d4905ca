#!/usr/bin/env python3
"""The C API through a foreign-function interface: the shared library and ctypes, nothing else.

Usage: ffi_test.py path/to/libstave.so [unittest arguments]
"""
import ctypes as c
import os
import subprocess
import sys
import tempfile
import unittest

LIBRARY = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "build/libstave.so"


class Bytes(c.Structure):
    _fields_ = [("data", c.c_char_p), ("size", c.c_size_t)]


class Value(c.Structure):
    _fields_ = [("data", c.c_void_p), ("size", c.c_size_t)]


class Element(c.Structure):
    _fields_ = [("data", c.c_void_p), ("size", c.c_size_t), ("score", c.c_double)]


class WriteOptions(c.Structure):
    _fields_ = [("database", c.c_int32), ("sync", c.c_int32), ("ttl", c.c_int32), ("reserved0", c.c_int32),
                ("ttl_ms", c.c_int64), ("reserved", c.c_int64 * 4)]


NOT_FOUND, WRONG_TYPE, NOT_A_NUMBER, OVERFLOW, BUSY, INVALID, ABORTED = 2, 3, 4, 5, 8, 1, 16
FRONT, BACK, ASCENDING, DESCENDING, WITHOUT_MIN = 0, 1, 0, 1, 1
VISIT = c.CFUNCTYPE(None, c.c_void_p, c.c_size_t, c.c_void_p, c.c_size_t, c.c_void_p)
WORK = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p)

lib = c.CDLL(LIBRARY)
P, Z, CP = c.c_void_p, c.c_size_t, c.c_char_p
for name, result, *arguments in [
    ("stave_open", P, CP, P, P), ("stave_close", c.c_int, P, P), ("stave_free", None, P), ("stave_size", c.c_int, P, c.c_int, P, P),
    ("stave_error_code", c.c_int, P), ("stave_error_message", CP, P), ("stave_error_free", None, P), ("stave_error_name", CP, c.c_int),
    ("stave_get", c.c_int, P, c.c_int, CP, Z, P, P, P), ("stave_set", c.c_int, P, CP, Z, CP, Z, P, P, P),
    ("stave_mget", c.c_int, P, c.c_int, P, Z, P, P), ("stave_mset", c.c_int, P, P, P, Z, P, P),
    ("stave_delete", c.c_int, P, CP, Z, P, P, P), ("stave_exists", c.c_int, P, c.c_int, CP, Z, P, P),
    ("stave_increment", c.c_int, P, CP, Z, c.c_int64, P, P, P), ("stave_append", c.c_int, P, CP, Z, CP, Z, P, P, P),
    ("stave_get_range", c.c_int, P, c.c_int, CP, Z, c.c_int64, c.c_int64, P, P, P),
    ("stave_set_range", c.c_int, P, CP, Z, c.c_uint64, CP, Z, P, P, P), ("stave_expire", c.c_int, P, CP, Z, P, P),
    ("stave_set_if", c.c_int, P, CP, Z, CP, Z, c.c_int, c.c_uint64, CP, Z, P, P, P),
    ("stave_get_versioned", c.c_int, P, c.c_int, CP, Z, P, P, P, P, P),
    ("stave_scan", c.c_int, P, c.c_int, P, CP, Z, Z, VISIT, P, P), ("stave_flush", c.c_int, P, c.c_int, P), ("stave_sync", c.c_int, P, P),
    ("stave_batch_new", P), ("stave_batch_free", None, P), ("stave_batch_set", c.c_int, P, CP, Z, CP, Z),
    ("stave_batch_delete", c.c_int, P, CP, Z), ("stave_batch_increment", c.c_int, P, CP, Z, c.c_int64),
    ("stave_batch_commit", c.c_int, P, P, P, P), ("stave_transact", c.c_int, P, P, Z, WORK, P, P, P),
    ("stave_txn_get", c.c_int, P, CP, Z, P, P), ("stave_txn_set", c.c_int, P, CP, Z, CP, Z),
    ("stave_hash_set", c.c_int, P, CP, Z, CP, Z, CP, Z, P, P, P), ("stave_hash_set_many", c.c_int, P, CP, Z, P, P, Z, P, P, P),
    ("stave_hash_get", c.c_int, P, c.c_int, CP, Z, CP, Z, P, P, P), ("stave_hash_get_all", c.c_int, P, c.c_int, CP, Z, P, P, P),
    ("stave_hash_remove", c.c_int, P, CP, Z, CP, Z, P, P, P), ("stave_hash_size", c.c_int, P, c.c_int, CP, Z, P, P),
    ("stave_list_push_many", c.c_int, P, CP, Z, c.c_int, P, Z, P, P, P), ("stave_list_pop", c.c_int, P, CP, Z, c.c_int, P, P, P, P),
    ("stave_list_range", c.c_int, P, c.c_int, CP, Z, c.c_int64, c.c_int64, P, P, P),
    ("stave_set_add_many", c.c_int, P, CP, Z, P, Z, P, P, P), ("stave_set_contains", c.c_int, P, c.c_int, CP, Z, CP, Z, P, P),
    ("stave_set_remove", c.c_int, P, CP, Z, CP, Z, P, P, P), ("stave_set_members", c.c_int, P, c.c_int, CP, Z, P, P, P),
    ("stave_sorted_set_add", c.c_int, P, CP, Z, CP, Z, c.c_double, P, P, P),
    ("stave_sorted_set_add_many", c.c_int, P, CP, Z, P, P, Z, P, P, P),
    ("stave_sorted_set_score", c.c_int, P, c.c_int, CP, Z, CP, Z, P, P), ("stave_sorted_set_rank", c.c_int, P, c.c_int, CP, Z, CP, Z, c.c_int, P, P),
    ("stave_sorted_set_range", c.c_int, P, c.c_int, CP, Z, c.c_int64, c.c_int64, c.c_int, P, P, P),
    ("stave_sorted_set_range_by_score", c.c_int, P, c.c_int, CP, Z, c.c_double, c.c_double, c.c_int, c.c_uint64, c.c_int, P, P, P),
    ("stave_txn_hash_set", c.c_int, P, CP, Z, CP, Z, CP, Z, P), ("stave_txn_list_pop", c.c_int, P, CP, Z, c.c_int, P, P),
    ("stave_txn_set_add", c.c_int, P, CP, Z, CP, Z, P), ("stave_txn_sorted_set_add", c.c_int, P, CP, Z, CP, Z, c.c_double, P),
    ("stave_session_new", P, P), ("stave_session_free", None, P), ("stave_execute", P, P, P, Z), ("stave_reply_free", None, P),
    ("stave_reply_kind", c.c_int, P), ("stave_reply_text", P, P, P), ("stave_reply_integer", c.c_int64, P),
    ("stave_reply_count", Z, P), ("stave_reply_at", P, P, Z), ("stave_version", CP),
]:
    function = getattr(lib, name)
    function.restype = result
    function.argtypes = arguments


class StaveError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Store:
    """As thin as a binding can be."""

    def __init__(self, directory):
        error = P()
        self.handle = lib.stave_open(directory.encode(), None, c.byref(error))
        if not self.handle:
            self.raise_(error)

    @staticmethod
    def raise_(error):
        code, message = lib.stave_error_code(error), lib.stave_error_message(error).decode()
        lib.stave_error_free(error)
        raise StaveError(code, message)

    def call(self, function, *arguments, may_miss=False):
        error = P()
        code = function(self.handle, *arguments, c.byref(error))
        if code == 0 or (may_miss and code == NOT_FOUND):
            return code
        self.raise_(error)

    def close(self):
        self.call(lib.stave_close)

    def size(self, database=0):
        keys = c.c_uint64()
        self.call(lib.stave_size, database, c.byref(keys))
        return keys.value

    def set(self, key, value, **options):
        version = c.c_uint64()
        how = c.byref(WriteOptions(**options)) if options else None
        self.call(lib.stave_set, key, len(key), value, len(value), how, c.byref(version))
        return version.value

    @staticmethod
    def take(data, size):
        value = c.string_at(data, size.value)
        lib.stave_free(data)
        return value

    def get(self, key, database=0):
        data, size = P(), Z()
        if self.call(lib.stave_get, database, key, len(key), c.byref(data), c.byref(size), may_miss=True) == NOT_FOUND:
            return None
        return self.take(data, size)

    def elements(self, function, *arguments):
        """What a call hands out as an array: (bytes, score) of each."""
        data, count = c.POINTER(Element)(), Z()
        self.call(function, *arguments, c.byref(data), c.byref(count))
        got = [(c.string_at(data[i].data, data[i].size), data[i].score) for i in range(count.value)]
        lib.stave_free(data)
        return got

    def increment(self, key, by=1):
        result = c.c_int64()
        self.call(lib.stave_increment, key, len(key), by, None, c.byref(result))
        return result.value


def bytes_array(items):
    return (Bytes * len(items))(*[Bytes(item, len(item)) for item in items])


class Ffi(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.store = Store(self.directory.name)
        self.addCleanup(lambda: self.store.handle and self.store.close())

    def reopen(self):
        self.store.close()
        self.store = Store(self.directory.name)

    def test_any_bytes_are_kept_over_a_restart(self):
        key, value = b"k\0\xff\r\n", bytes(range(256))
        self.store.set(key, value)
        self.store.set(b"empty", b"")
        self.reopen()
        self.assertEqual(self.store.get(key), value)
        self.assertEqual(self.store.get(b"empty"), b"")
        self.assertIsNone(self.store.get(b"none"))
        self.assertEqual(self.store.size(), 2)

    def test_errors_have_stable_numbers_and_a_sentence(self):
        self.store.set(b"a", b"word")
        with self.assertRaises(StaveError) as caught:
            self.store.increment(b"a")
        self.assertEqual(caught.exception.code, NOT_A_NUMBER)
        self.assertIn("integer", str(caught.exception))
        self.store.set(b"max", b"9223372036854775807")
        with self.assertRaises(StaveError) as caught:
            self.store.increment(b"max")
        self.assertEqual(caught.exception.code, OVERFLOW)
        with self.assertRaises(StaveError) as caught:
            Store(self.directory.name)
        self.assertEqual(caught.exception.code, BUSY)
        for options in [{"database": 99}, {"ttl": 77}, {"sync": -1}, {"ttl": 2, "ttl_ms": -5}]:
            with self.assertRaises(StaveError) as caught:
                self.store.set(b"a", b"b", **options)
            self.assertEqual(caught.exception.code, INVALID)
        self.assertEqual(lib.stave_error_name(5), b"overflow")

    def test_many_at_once(self):
        keys, values = [b"a", b"b", b"c"], [b"1", b"", b"\0\0"]
        self.store.call(lib.stave_mset, bytes_array(keys), bytes_array(values), 3, None)
        found = (Value * 4)()
        self.store.call(lib.stave_mget, 0, bytes_array([b"c", b"none", b"b", b"a"]), 4, found)
        got = []
        for one in found:
            got.append(None if not one.data else c.string_at(one.data, one.size))
            lib.stave_free(one.data)
        self.assertEqual(got, [b"\0\0", None, b"", b"1"])

    def test_conditions_ranges_and_expiries(self):
        done, length = c.c_int(), c.c_uint64()
        call = self.store.call
        call(lib.stave_set_if, b"a", 1, b"x", 1, 0, 0, None, 0, None, c.byref(done))
        self.assertEqual(done.value, 1)
        call(lib.stave_set_if, b"a", 1, b"y", 1, 0, 0, None, 0, None, c.byref(done))
        self.assertEqual(done.value, 0)
        call(lib.stave_append, b"a", 1, b"yz", 2, None, c.byref(length))
        self.assertEqual(length.value, 3)
        call(lib.stave_set_range, b"a", 1, 5, b"!", 1, None, c.byref(length))
        data, size = P(), Z()
        call(lib.stave_get_range, 0, b"a", 1, -4, -1, c.byref(data), c.byref(size))
        self.assertEqual(Store.take(data, size), b"z\0\0!")
        call(lib.stave_expire, b"a", 1, c.byref(WriteOptions(ttl=3, ttl_ms=9_000_000_000_000)))
        version, expires = c.c_uint64(), c.c_int64()
        call(lib.stave_get_versioned, 0, b"a", 1, c.byref(data), c.byref(size), c.byref(version), c.byref(expires))
        lib.stave_free(data)
        self.assertEqual(expires.value, 9_000_000_000_000)
        self.assertEqual(call(lib.stave_expire, b"none", 4, None, may_miss=True), NOT_FOUND)
        self.store.set(b"gone", b"x", ttl=3, ttl_ms=1)
        self.assertIsNone(self.store.get(b"gone"))

    def test_scan_shows_every_key(self):
        for i in range(500):
            self.store.set(b"k%d" % i, b"v", sync=3)
        seen, cursor = set(), c.c_uint64()
        visit = VISIT(lambda key, key_size, value, value_size, context: seen.add(c.string_at(key, key_size)))
        while True:
            self.store.call(lib.stave_scan, 0, c.byref(cursor), b"k*", 2, 50, visit, None)
            if cursor.value == 0:
                break
        self.assertEqual(seen, {b"k%d" % i for i in range(500)})
        self.store.call(lib.stave_flush, -1)
        self.assertEqual(self.store.size(), 0)

    def test_batches_are_whole_or_nothing(self):
        batch = lib.stave_batch_new()
        lib.stave_batch_set(batch, b"a", 1, b"5", 1)
        lib.stave_batch_increment(batch, b"a", 1, 10)
        lib.stave_batch_delete(batch, b"b", 1)
        self.store.set(b"b", b"word")
        self.store.call(lib.stave_batch_commit, batch, None)
        self.assertEqual((self.store.get(b"a"), self.store.get(b"b")), (b"15", None))
        self.store.set(b"b", b"word")
        lib.stave_batch_set(batch, b"b", 1, b"word", 4)
        lib.stave_batch_increment(batch, b"b", 1, 1)
        with self.assertRaises(StaveError) as caught:
            self.store.call(lib.stave_batch_commit, batch, None)
        self.assertEqual(caught.exception.code, NOT_A_NUMBER)
        self.assertEqual((self.store.get(b"a"), self.store.get(b"b")), (b"15", b"word"))
        lib.stave_batch_free(batch)

    def test_a_transaction_runs_a_function_of_the_caller(self):
        def work(txn, context):
            data, size = P(), Z()
            assert lib.stave_txn_get(txn, b"a", 1, c.byref(data), c.byref(size)) == 0
            value = Store.take(data, size)
            assert lib.stave_txn_set(txn, b"a", 1, value + b"!", len(value) + 1) == 0
            # A key that was not named may be used; when it cannot be had at once, the function is run again.
            if lib.stave_txn_set(txn, b"b", 1, b"y", 1) != 0:
                return 1
            return 1 if value == b"x!" else 0

        self.store.set(b"a", b"x")
        self.store.call(lib.stave_transact, bytes_array([b"a"]), 1, WORK(work), None, None)
        self.assertEqual(self.store.get(b"a"), b"x!")
        self.assertEqual(self.store.get(b"b"), b"y")
        with self.assertRaises(StaveError) as caught:
            self.store.call(lib.stave_transact, bytes_array([b"a"]), 1, WORK(work), None, None)
        self.assertEqual(caught.exception.code, ABORTED)
        self.assertEqual(self.store.get(b"a"), b"x!")

    def test_collections_of_any_bytes_are_kept_over_a_restart(self):
        call, number, yes, data, size = self.store.call, c.c_uint64(), c.c_int(), P(), Z()
        fields, values = [b"f\0", b"", b"n"], [b"\xff", b"v", b"42"]
        call(lib.stave_hash_set_many, b"h", 1, bytes_array(fields), bytes_array(values), 3, None, c.byref(number))
        self.assertEqual(number.value, 3)
        call(lib.stave_hash_set, b"h", 1, b"n", 1, b"43", 2, None, c.byref(yes))
        self.assertEqual(yes.value, 0)
        call(lib.stave_list_push_many, b"l", 1, FRONT, bytes_array([b"b", b"a"]), 2, None, c.byref(number))
        call(lib.stave_list_push_many, b"l", 1, BACK, bytes_array([b"\0"]), 1, None, c.byref(number))
        self.assertEqual(number.value, 3)
        call(lib.stave_set_add_many, b"s", 1, bytes_array([b"x", b"x", b"\0\0"]), 3, None, c.byref(number))
        self.assertEqual(number.value, 2)
        scores = (c.c_double * 2)(float("inf"), -0.5)
        call(lib.stave_sorted_set_add_many, b"z", 1, bytes_array([b"top", b"low"]), scores, 2, None, c.byref(number))
        call(lib.stave_sorted_set_add, b"z", 1, b"mid", 3, 7.25, None, None)
        self.reopen()
        call = self.store.call
        found = [data for data, _ in self.store.elements(lib.stave_hash_get_all, 0, b"h", 1)]
        self.assertEqual(dict(zip(found[::2], found[1::2])), {b"f\0": b"\xff", b"": b"v", b"n": b"43"})
        call(lib.stave_hash_get, 0, b"h", 1, b"f\0", 2, c.byref(data), c.byref(size))
        self.assertEqual(Store.take(data, size), b"\xff")
        self.assertEqual(call(lib.stave_hash_get, 0, b"h", 1, b"none", 4, c.byref(data), c.byref(size), may_miss=True), NOT_FOUND)
        self.assertEqual([e for e, _ in self.store.elements(lib.stave_list_range, 0, b"l", 1, 0, -1)], [b"a", b"b", b"\0"])
        call(lib.stave_list_pop, b"l", 1, BACK, None, c.byref(data), c.byref(size))
        self.assertEqual(Store.take(data, size), b"\0")
        self.assertEqual({e for e, _ in self.store.elements(lib.stave_set_members, 0, b"s", 1)}, {b"x", b"\0\0"})
        call(lib.stave_set_contains, 0, b"s", 1, b"\0\0", 2, c.byref(yes))
        self.assertEqual(yes.value, 1)
        everything = [(b"low", -0.5), (b"mid", 7.25), (b"top", float("inf"))]
        self.assertEqual(self.store.elements(lib.stave_sorted_set_range, 0, b"z", 1, 0, -1, ASCENDING), everything)
        self.assertEqual(self.store.elements(lib.stave_sorted_set_range, 0, b"z", 1, 0, 1, DESCENDING), everything[:0:-1])
        self.assertEqual(self.store.elements(lib.stave_sorted_set_range_by_score, 0, b"z", 1, -0.5, 9, WITHOUT_MIN, 9, ASCENDING), everything[1:2])
        call(lib.stave_sorted_set_rank, 0, b"z", 1, b"mid", 3, ASCENDING, c.byref(number))
        self.assertEqual(number.value, 1)
        score = c.c_double()
        call(lib.stave_sorted_set_score, 0, b"z", 1, b"low", 3, c.byref(score))
        self.assertEqual(score.value, -0.5)
        self.assertEqual(self.store.elements(lib.stave_set_members, 0, b"none", 4), [])
        for function, *arguments in [(lib.stave_hash_set, b"l", 1, b"f", 1, b"v", 1, None, None), (lib.stave_set_remove, b"h", 1, b"f", 1, None, None)]:
            with self.assertRaises(StaveError) as caught:
                call(function, *arguments)
            self.assertEqual(caught.exception.code, WRONG_TYPE)
        with self.assertRaises(StaveError) as caught:
            call(lib.stave_sorted_set_add, b"z", 1, b"m", 1, float("nan"), None, None)
        self.assertEqual(caught.exception.code, INVALID)

    def test_a_transaction_over_collections_is_whole_or_nothing(self):
        def work(gives_up):
            def run(txn, context):
                data, size = P(), Z()
                assert lib.stave_txn_list_pop(txn, b"jobs", 4, FRONT, c.byref(data), c.byref(size)) == 0
                job = Store.take(data, size)
                assert lib.stave_txn_hash_set(txn, b"running", 7, job, len(job), b"me", 2, None) == 0
                assert lib.stave_txn_set_add(txn, b"seen", 4, job, len(job), None) == 0
                assert lib.stave_txn_sorted_set_add(txn, b"by time", 7, job, len(job), 5.0, None) == 0
                return gives_up
            return WORK(run)

        keys = bytes_array([b"jobs", b"running", b"seen", b"by time"])
        self.store.call(lib.stave_list_push_many, b"jobs", 4, BACK, bytes_array([b"one"]), 1, None, None)
        with self.assertRaises(StaveError) as caught:
            self.store.call(lib.stave_transact, keys, 4, work(1), None, None)
        self.assertEqual(caught.exception.code, ABORTED)
        self.assertEqual((self.store.elements(lib.stave_list_range, 0, b"jobs", 4, 0, -1), self.store.size()), ([(b"one", 0.0)], 1))
        self.store.call(lib.stave_transact, keys, 4, work(0), None, None)
        self.assertEqual(self.store.size(), 3)
        self.assertEqual(self.store.elements(lib.stave_sorted_set_range, 0, b"by time", 7, 0, -1, ASCENDING), [(b"one", 5.0)])

    def test_any_command_with_its_reply(self):
        session = lib.stave_session_new(self.store.handle)

        def run(*arguments):
            reply = lib.stave_execute(session, bytes_array(arguments), len(arguments))
            answer = read(reply)
            lib.stave_reply_free(reply)
            return answer

        def read(reply):
            kind = lib.stave_reply_kind(reply)
            if kind == 0:
                return None
            if kind == 3:
                return lib.stave_reply_integer(reply)
            if kind == 5:
                return [read(lib.stave_reply_at(reply, i)) for i in range(lib.stave_reply_count(reply))]
            size = Z()
            text = c.string_at(lib.stave_reply_text(reply, c.byref(size)), size.value)
            return ("error", text) if kind == 2 else text

        self.assertEqual(run(b"SET", b"a", b"1\0"), b"OK")
        self.assertEqual(run(b"MGET", b"a", b"b"), [b"1\0", None])
        self.assertEqual(run(b"STRLEN", b"a"), 2)
        self.assertEqual(run(b"NOSUCH")[0], "error")
        lib.stave_session_free(session)

    def test_the_library_shows_its_public_names_only(self):
        listing = subprocess.run(["nm", "-D", "-C", "--defined-only", LIBRARY], capture_output=True, text=True, check=True)
        names = [line.split(maxsplit=2)[2] for line in listing.stdout.splitlines()]
        self.assertIn("stave_open", [name.split("@")[0] for name in names])
        inside = [name for name in names if any(f"stave::{part}::" in name for part in ("log", "keyspace", "base", "store", "commands"))
                  and not name.startswith("stave::Store::")]
        self.assertEqual(inside, [])
        self.assertTrue(lib.stave_version())


if __name__ == "__main__":
    unittest.main()
