"""The HTTP door from outside: what each row of its table does, what it refuses, and that the documents tell the same.

Usage: STAVE_BIN=<path to stave> python3 http_test.py [--write: docs/http.md's table, from /openapi.json]
"""

import base64
import concurrent.futures
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import unittest

import redis

import http_support
from http_support import BYTES, JSON, PATIENCE, REPOSITORY, Server, ask_over
from sockets import receive_all, receive_until

DOCS = REPOSITORY / "docs" / "http.md"
TABLE = re.compile(r"(<!-- table: [^\n]*-->\n)(.*?)(<!-- end of table -->)", re.DOTALL)
VERBS = ("get", "head", "put", "post", "delete", "patch")


def table_of(document):
    """The Markdown table of docs/http.md."""
    rows = ["|request|body|answers|does|", "|-|-|-|-|"]
    for path, operations in document["paths"].items():
        for verb in VERBS:
            if verb not in operations:
                continue
            operation = operations[verb]
            bodies = ", ".join("`%s`" % kind for kind in operation.get("requestBody", {}).get("content", {}))
            rows.append("|`%s %s`|%s|%s|%s|" % (verb.upper(), path, bodies, ", ".join(operation["responses"]), operation["summary"]))
    return "\n".join(rows) + "\n"


class Keys(http_support.TestCase):
    def test_a_value_comes_back_byte_for_byte_with_its_type_and_version(self):
        server = self.serve()
        value = bytes(range(256)) * 3
        created = self.expect(server, 201, "PUT", "/db/a", value, BYTES)
        self.assertRegex(created.header("ETag"), r'^"\d+"$')
        got = self.expect(server, 200, "GET", "/db/a")
        self.assertEqual((got.body, got.header("Content-Type")), (value, "application/octet-stream"))
        self.assertEqual(got.header("ETag"), created.header("ETag"))
        head = self.expect(server, 200, "HEAD", "/db/a")
        self.assertEqual((head.body, head.header("Content-Length"), head.header("ETag")), (b"", str(len(value)), created.header("ETag")))
        self.expect(server, 204, "POST", "/db/a", b"new", BYTES)
        self.assertEqual(self.expect(server, 200, "GET", "/db/a").body, b"new")
        self.expect(server, 204, "DELETE", "/db/a")
        self.problem(server, 404, "not_found", "GET", "/db/a")
        self.problem(server, 404, "not_found", "DELETE", "/db/a")

    def test_a_key_that_an_endless_script_has_locked_is_refused_and_holds_no_thread(self):
        server = self.serve("--busy-reply-threshold", "200")
        ends = redis.Redis(port=server.redis_port)
        ends.set("a", "1")

        def loop():
            with self.assertRaises(redis.RedisError):
                redis.Redis(port=server.redis_port).eval("while true do end", 1, "a")

        with concurrent.futures.ThreadPoolExecutor() as pool:
            script = pool.submit(loop)
            while True:
                got = self.ask(server, "GET", "/db/a")
                if got.status == 503:
                    break
                self.assertEqual(got.status, 200)
            self.problem(server, 503, "busy", "GET", "/db/a")
            self.problem(server, 503, "busy", "PUT", "/db/a", b"x", BYTES)
            self.problem(server, 503, "busy", "GET", "/keys")
            self.problem(server, 503, "busy", "POST", "/db/_batch", json.dumps({"operations": [{"op": "get", "key": "a"}]}).encode(), JSON)
            self.expect(server, 200, "GET", "/healthz")
            ends.execute_command("SCRIPT", "KILL")
            script.result(PATIENCE)
        self.expect(server, 200, "GET", "/db/a")

    def test_the_content_type_survives_a_restart_and_goes_with_the_value(self):
        server = self.serve()
        self.expect(server, 201, "PUT", "/db/doc", b'{"a": [1, 2]}', JSON)
        self.expect(server, 201, "PUT", "/db/raw", b'{"a": [1, 2]}', BYTES)
        self.assertEqual(server.end(), 0)
        server = self.serve()
        self.assertEqual(self.expect(server, 200, "GET", "/db/doc").header("Content-Type"), "application/json")
        self.assertEqual(self.expect(server, 200, "GET", "/db/raw").header("Content-Type"), "application/octet-stream")
        redis.Redis(port=server.redis_port).set("doc", "plain")
        self.assertEqual(self.expect(server, 200, "GET", "/db/doc").header("Content-Type"), "application/octet-stream")

    def test_json_is_checked_and_can_be_asked_for(self):
        server = self.serve()
        self.problem(server, 400, "invalid_json", "PUT", "/db/a", b'{"a":', JSON)
        self.problem(server, 400, "invalid_json", "PUT", "/db/a", b'"\xff"', JSON)
        self.problem(server, 400, "invalid_json", "PUT", "/db/a", b"", JSON)
        self.problem(server, 400, "invalid_json", "PUT", "/db/a", b"[" * 1000 + b"]" * 1000, JSON)
        self.expect(server, 201, "PUT", "/db/n", b" 12 ", BYTES)
        self.assertEqual(self.expect(server, 200, "GET", "/db/n?format=json").header("Content-Type"), "application/json")
        self.expect(server, 201, "PUT", "/db/t", b"text", BYTES)
        self.problem(server, 409, "not_json", "GET", "/db/t?format=json")
        large = json.dumps(["x" * 1000] * 1000).encode()
        self.expect(server, 201, "PUT", "/db/large", large, BYTES)
        got = self.expect(server, 200, "GET", "/db/large?format=json")
        self.assertEqual((got.body, got.header("Content-Type")), (large, "application/json"))
        self.expect(server, 204, "PUT", "/db/large", large[:-1], BYTES)
        self.problem(server, 409, "not_json", "GET", "/db/large?format=json")

    def test_only_the_two_content_types_are_taken(self):
        server = self.serve()
        for headers in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
            self.problem(server, 415, "unsupported_type", "PUT", "/db/a", b"v", headers)
        self.problem(server, 415, "unsupported_encoding", "PUT", "/db/a", b"v", {**BYTES, "Content-Encoding": "gzip"})
        self.expect(server, 201, "PUT", "/db/a", b"1", {"Content-Type": "Application/JSON; charset=utf-8"})

    def test_keys_are_binary_safe_and_percent_encoded(self):
        server = self.serve()
        client = redis.Redis(port=server.redis_port)
        for path, key in (("a%2Fb", b"a/b"), ("a/b", b"a/b"), ("%00", b"\0"), ("%FF%FE", b"\xff\xfe"), ("%2E%2E", b".."), ("..", b".."),
                          ("%25", b"%"), ("a+b", b"a+b"), ("%5Fbatch", b"_batch"), ("a//b", b"a//b"), ("caf%C3%A9", "café".encode())):
            self.assertIn(self.ask(server, "PUT", "/db/" + path, key, BYTES).status, (201, 204), path)
            self.assertEqual(client.get(key), key)
            self.assertEqual(self.expect(server, 200, "GET", "/db/" + path).body, key)
        for path in ("%", "%2", "%zz", "a%"):
            self.problem(server, 400, "malformed_key", "GET", "/db/" + path)
        self.problem(server, 404, "no_such_path", "GET", "/db/")
        self.problem(server, 413, "too_large", "GET", "/db/x", b"x" * 70000)

    def test_expiries_are_set_kept_and_told(self):
        server = self.serve()
        client = redis.Redis(port=server.redis_port)
        self.expect(server, 201, "PUT", "/db/a?ttl=60s", b"1", BYTES)
        self.assertTrue(50_000 < client.pttl("a") <= 60_000)
        self.assertRegex(self.expect(server, 200, "GET", "/db/a").header("Stave-Expires-At"), r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
        self.expect(server, 204, "PUT", "/db/a?keep_ttl=true", b"2", BYTES)
        self.assertGreater(client.pttl("a"), 50_000)
        self.expect(server, 200, "PATCH", "/db/a", b'{"increment": 1}', JSON)
        self.assertGreater(client.pttl("a"), 50_000)
        self.expect(server, 204, "PUT", "/db/a", b"3", BYTES)
        self.assertEqual(client.pttl("a"), -1)
        self.expect(server, 204, "PUT", "/db/a?expires_at=2100-01-01T00:00:00Z", b"3", BYTES)
        self.assertEqual(client.expiretime("a"), 4102444800)
        self.expect(server, 204, "PUT", "/db/a?expires_at=1000", b"3", BYTES)
        self.problem(server, 404, "not_found", "GET", "/db/a")
        for query in ("ttl=0", "ttl=-1", "ttl=soon", "ttl=99999999999999d", "ttl=1s&expires_at=9999999999", "sliding=true",
                      "expires_at=yesterday", "expires_at=2100-13-01T00:00:00Z", "db=16", "db=-1", "db=x", "durability=maybe"):
            self.assertEqual(self.ask(server, "PUT", "/db/a?" + query, b"v", BYTES).status, 400, query)
        self.problem(server, 400, "unknown_parameter", "PUT", "/db/a?tll=1", b"v", BYTES)
        self.problem(server, 400, "malformed_query", "PUT", "/db/a?ttl=1&ttl=2", b"v", BYTES)

    def test_databases_are_apart_and_durability_is_taken(self):
        server = self.serve()
        self.expect(server, 201, "PUT", "/db/a?db=3&durability=always", b"three", BYTES)
        self.problem(server, 404, "not_found", "GET", "/db/a")
        self.assertEqual(self.expect(server, 200, "GET", "/db/a?db=3").body, b"three")
        self.assertEqual(redis.Redis(port=server.redis_port, db=3).get("a"), b"three")

    def test_preconditions_hold_or_nothing_happens(self):
        server = self.serve()
        first = self.expect(server, 201, "PUT", "/db/a", b"1", {**BYTES, "If-None-Match": "*"}).header("ETag")
        refused = self.problem(server, 412, "precondition_failed", "PUT", "/db/a", b"2", {**BYTES, "If-None-Match": "*"})
        self.assertEqual(refused.json()["version"], first.strip('"'))
        second = self.expect(server, 204, "PUT", "/db/a", b"2", {**BYTES, "If-Match": first}).header("ETag")
        self.assertNotEqual(first, second)
        self.problem(server, 412, "precondition_failed", "PUT", "/db/a", b"3", {**BYTES, "If-Match": first})
        self.problem(server, 412, "precondition_failed", "DELETE", "/db/a", headers={"If-Match": '"1", W/%s' % second})
        self.problem(server, 412, "precondition_failed", "PATCH", "/db/a", b'{"increment":1}', {**JSON, "If-Match": first})
        self.expect(server, 304, "GET", "/db/a", headers={"If-None-Match": "W/" + second})
        self.expect(server, 200, "GET", "/db/a", headers={"If-None-Match": first})
        self.problem(server, 412, "precondition_failed", "GET", "/db/a", headers={"If-Match": first})
        self.problem(server, 412, "precondition_failed", "GET", "/db/none", headers={"If-Match": "*"})
        self.assertIsNone(self.ask(server, "PUT", "/db/none", b"", {**BYTES, "If-Match": "*"}).json()["version"])
        self.problem(server, 400, "invalid_precondition", "GET", "/db/a", headers={"If-Match": "2"})
        self.expect(server, 204, "DELETE", "/db/a", headers={"If-Match": '"7", ' + second})

    def test_one_of_many_compare_and_sets_wins_each_round(self):
        server = self.serve()
        self.expect(server, 201, "PUT", "/db/count", b"0", BYTES)
        rounds, writers = 30, 8

        def add():
            connection = server.connection()
            done = 0
            while done < rounds:
                got = ask_over(connection, "GET", "/db/count")
                put = ask_over(connection, "PUT", "/db/count", str(int(got.body) + 1), {**BYTES, "If-Match": got.header("ETag")})
                self.assertIn(put.status, (204, 412))
                done += put.status == 204
            connection.close()

        with concurrent.futures.ThreadPoolExecutor(writers) as pool:
            for future in [pool.submit(add) for _ in range(writers)]:
                future.result()
        self.assertEqual(self.expect(server, 200, "GET", "/db/count").body, str(rounds * writers).encode())

    def test_a_range_is_a_part_of_the_value(self):
        server = self.serve()
        for size in (10, 1_000_000):
            value = bytes(i % 251 for i in range(size))
            self.ask(server, "PUT", "/db/a", value, BYTES)
            for header, begin, end in (("bytes=0-0", 0, 1), ("bytes=2-4", 2, 5), ("bytes=5-", 5, size), ("bytes=-3", size - 3, size), ("bytes=1-99999999", 1, size)):
                got = self.expect(server, 206, "GET", "/db/a", headers={"Range": header})
                self.assertEqual(got.body, value[begin:end])
                self.assertEqual(got.header("Content-Range"), "bytes %d-%d/%d" % (begin, end - 1, size))
            for header in ("bytes=3-2", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=x-"):
                self.assertEqual(self.expect(server, 200, "GET", "/db/a", headers={"Range": header}).body, value)
            for header in ("bytes=%d-" % size, "bytes=-0"):
                refused = self.problem(server, 416, "range_not_satisfiable", "GET", "/db/a", headers={"Range": header})
                self.assertEqual(refused.header("Content-Range"), "bytes */%d" % size)
        tag = self.expect(server, 200, "HEAD", "/db/a").header("ETag")
        self.expect(server, 206, "GET", "/db/a", headers={"Range": "bytes=0-1", "If-Range": tag})
        self.expect(server, 200, "GET", "/db/a", headers={"Range": "bytes=0-1", "If-Range": '"1"'})

    def test_of_a_string_in_pages_no_more_is_read_than_is_asked_for(self):
        server = self.serve()
        client = redis.Redis(port=server.redis_port, socket_timeout=http_support.PATIENCE)
        client.setbit("a", 4294967295, 1)  # half a GiB
        size = 1 << 29
        before = server.resident_bytes("VmHWM")
        for begin, end in ((0, 10), (size - 3, size), (size - 8000, size), (100_000, 300_000)):
            got = self.expect(server, 206, "GET", "/db/a", headers={"Range": "bytes=%d-%d" % (begin, end - 1)})
            self.assertEqual(got.body, b"\0" * (end - begin - 1) + (b"\1" if end == size else b"\0"))
            self.assertEqual(got.header("Content-Range"), "bytes %d-%d/%d" % (begin, end - 1, size))
        tag = self.expect(server, 200, "HEAD", "/db/a").header("ETag")
        self.expect(server, 304, "GET", "/db/a", headers={"If-None-Match": tag})
        self.expect(server, 412, "GET", "/db/a", headers={"If-Match": '"1"'})
        self.expect(server, 206, "GET", "/db/a", headers={"Range": "bytes=0-1", "If-Range": tag})
        self.problem(server, 416, "range_not_satisfiable", "GET", "/db/a", headers={"Range": "bytes=%d-" % size})
        self.problem(server, 409, "not_a_number", "PATCH", "/db/a", b'{"increment": 1}', JSON)
        if not http_support.SANITIZED:
            self.assertLess(server.resident_bytes("VmHWM") - before, 64 << 20)
        client.set("b", b"x" * 20_000)
        client.setrange("b", 10_000, "y")
        value = b"x" * 10_000 + b"y" + b"x" * 9_999
        self.assertEqual(self.expect(server, 200, "GET", "/db/b").body, value)
        self.assertEqual(self.expect(server, 200, "HEAD", "/db/b").header("Content-Length"), "20000")
        self.assertEqual(self.expect(server, 206, "GET", "/db/b", headers={"Range": "bytes=9999-10001"}).body, b"xyx")

    def test_gzip_on_request_has_a_tag_of_its_own(self):
        import gzip
        server = self.serve()
        value = b"the same again and " * 500
        plain = self.expect(server, 201, "PUT", "/db/a", value, BYTES).header("ETag")
        got = self.expect(server, 200, "GET", "/db/a", headers={"Accept-Encoding": "br, gzip;q=0.5"})
        self.assertEqual((got.header("Content-Encoding"), gzip.decompress(got.body)), ("gzip", value))
        self.assertNotEqual(got.header("ETag"), plain)
        self.expect(server, 304, "GET", "/db/a", headers={"If-None-Match": got.header("ETag")})
        self.expect(server, 204, "PUT", "/db/a", b"2", {**BYTES, "If-Match": got.header("ETag")})
        self.assertIsNone(self.expect(server, 200, "GET", "/db/a", headers={"Accept-Encoding": "gzip;q=0"}).header("Content-Encoding"))

    def test_a_patch_adds_and_appends(self):
        server = self.serve()
        self.assertEqual(self.expect(server, 201, "PATCH", "/db/n", b'{"increment": 5}', JSON).json()["value"], 5)
        self.assertEqual(self.expect(server, 200, "PATCH", "/db/n", b'{"increment": -7}', JSON).json()["value"], -2)
        self.assertEqual(self.expect(server, 200, "PATCH", "/db/n", b'{"increment": 0.5}', JSON).json()["value"], -1.5)
        self.problem(server, 409, "not_a_number", "PATCH", "/db/n", b'{"increment": 1}', JSON)
        self.expect(server, 201, "PUT", "/db/max", b"9223372036854775807", BYTES)
        self.problem(server, 409, "overflow", "PATCH", "/db/max", b'{"increment": 1}', JSON)
        self.assertEqual(self.expect(server, 201, "PATCH", "/db/s", b'{"append": "ab"}', JSON).json()["length"], 2)
        self.assertEqual(self.expect(server, 200, "PATCH", "/db/s", b'{"append_base64": "AP8="}', JSON).json()["length"], 4)
        self.assertEqual(self.expect(server, 200, "GET", "/db/s").body, b"ab\0\xff")
        for body in (b"{}", b"[]", b'{"increment": "5"}', b'{"increment": 1, "append": ""}', b'{"append": 5}', b'{"increment": 99999999999999999999}', b'{"append_base64": "!"}'):
            self.assertIn(self.ask(server, "PATCH", "/db/n2", body, JSON).status, (400, 201), body)
        self.problem(server, 400, "invalid_json", "PATCH", "/db/n", b"{", JSON)


class Collections(http_support.TestCase):
    def test_every_key_is_listed_once_across_pages(self):
        server = self.serve()
        client = redis.Redis(port=server.redis_port)
        client.mset({"user:%03d" % i: "v%d" % i for i in range(500)})
        client.mset({"other:%d" % i: "x" for i in range(50)})
        seen, cursor = [], ""
        while cursor is not None:
            page = self.expect(server, 200, "GET", "/db?limit=37&prefix=user:&values=true" + (cursor and "&cursor=" + cursor)).json()
            seen += page["keys"]
            cursor = page["cursor"]
        self.assertEqual(sorted((k["key"], k["value"]) for k in seen), [("user:%03d" % i, "v%d" % i) for i in range(500)])
        self.assertTrue(all(set(k) >= {"type", "version", "size", "content_type"} for k in seen))
        self.assertEqual(len(self.expect(server, 200, "GET", "/db?match=other:*&limit=10000").json()["keys"]), 50)
        lines = self.expect(server, 200, "GET", "/db?limit=10000", headers={"Accept": "application/x-ndjson"})
        self.assertEqual(lines.header("Content-Type"), "application/x-ndjson")
        self.assertEqual(len([json.loads(line) for line in lines.body.splitlines()]), 550)
        for query in ("limit=0", "limit=10001", "cursor=x", "values=maybe"):
            self.problem(server, 400, "invalid_parameter", "GET", "/db?" + query)

    def test_what_is_not_text_is_listed_in_base64(self):
        server = self.serve()
        redis.Redis(port=server.redis_port).set(b"\xff\0", b"\xfe")
        entry = self.expect(server, 200, "GET", "/db?values=true").json()["keys"][0]
        self.assertEqual((base64.b64decode(entry["key_base64"]), base64.b64decode(entry["value_base64"])), (b"\xff\0", b"\xfe"))

    def test_a_collection_is_deleted_only_when_confirmed(self):
        server = self.serve()
        client = redis.Redis(port=server.redis_port)
        client.mset({"a:%d" % i: "" for i in range(2000)} | {"b:%d" % i: "" for i in range(10)})
        self.problem(server, 400, "not_confirmed", "DELETE", "/db?match=a:*")
        self.problem(server, 400, "invalid_parameter", "DELETE", "/db?confirm=true")
        self.assertEqual(self.expect(server, 200, "DELETE", "/db?match=a:*&confirm=true").json(), {"deleted": 2000})
        self.assertEqual(client.dbsize(), 10)
        self.assertEqual(self.expect(server, 200, "DELETE", "/db?match=*&confirm=true").json(), {"deleted": 10})

    def batch(self, server, status, *operations):
        return self.expect(server, status, "POST", "/db/_batch", json.dumps({"operations": operations}), JSON).json()

    def test_a_batch_is_done_whole(self):
        server = self.serve()
        results = self.batch(
            server, 200,
            {"op": "set", "key": "a", "value": "1", "ttl": "1h"}, {"op": "increment", "key": "a", "by": 4},
            {"op": "get", "key": "a"}, {"op": "set", "key": "doc", "json": {"x": [1]}},
            {"op": "append", "key": "log", "value_base64": "AAE="}, {"op": "delete", "key": "none"},
            {"op": "expire", "key": "doc", "ttl": 60}, {"op": "check", "key": "doc", "if_match": "*"})["results"]
        self.assertEqual([r["status"] for r in results], ["created", "replaced", "found", "created", "created", "absent", "found", "found"])
        self.assertEqual((results[1]["value"], results[2]["value"], results[4]["length"]), ("5", "5", 2))
        self.assertEqual(self.expect(server, 200, "GET", "/db/doc").header("Content-Type"), "application/json")
        self.assertTrue(0 < redis.Redis(port=server.redis_port).ttl("a") <= 3600)

    def test_a_batch_that_fails_changes_nothing(self):
        server = self.serve()
        version = self.expect(server, 201, "PUT", "/db/a", b"text", BYTES).header("ETag").strip('"')
        refused = self.batch(server, 412, {"op": "set", "key": "b", "value": "1"}, {"op": "set", "key": "a", "value": "2", "if_match": "1"})
        self.assertEqual((refused["code"], refused["index"], refused["version"]), ("precondition_failed", 1, version))
        self.assertEqual(self.batch(server, 409, {"op": "set", "key": "b", "value": "1"}, {"op": "increment", "key": "a"})["index"], 1)
        self.problem(server, 404, "not_found", "GET", "/db/b")
        for operation in ({}, {"op": "fly", "key": "a"}, {"op": "get"}, {"op": "set", "key": "a"}, {"op": "set", "key": "a", "value": "x", "json": 1},
                          {"op": "get", "key": "a", "key_base64": "YQ=="}, {"op": "append", "key": "a", "value_base64": "?"}, 7):
            self.assertEqual(self.batch(server, 400, operation)["index"], 0)
        self.problem(server, 400, "invalid_document", "POST", "/db/_batch", b"{}", JSON)
        self.assertEqual(self.batch(server, 200)["results"], [])

    def test_short_forms_do_what_they_say(self):
        server = self.serve()
        self.assertTrue(self.expect(server, 201, "GET", "/set?key=foo&value=a+b%2B&ttl=60").json()["created"])
        self.assertFalse(self.expect(server, 200, "GET", "/set?key=foo&value=bar").json()["created"])
        self.assertEqual(self.expect(server, 200, "GET", "/get?key=foo").body, b"bar")
        self.assertEqual(self.expect(server, 200, "GET", "/keys?pattern=f*").json(), ["foo"])
        self.assertEqual(self.expect(server, 200, "GET", "/delete?key=foo").json(), {"deleted": 1})
        self.problem(server, 404, "not_found", "GET", "/get?key=foo")
        self.problem(server, 400, "invalid_parameter", "GET", "/get")
        self.expect(server, 405, "HEAD", "/set?key=a&value=b")


class Elements(http_support.TestCase):
    """What a key of many elements holds: fields, items, members, scores."""

    def patch(self, server, status, path, document):
        return self.expect(server, status, "PATCH", path, json.dumps(document), JSON)

    def test_a_hash_is_an_object_and_its_fields_are_bytes(self):
        server = self.serve()
        self.assertEqual(self.patch(server, 201, "/db/user:1/fields", {"name": "Alice", "age": 7, "bin": {"base64": "AP8="}}).json()["added"], 3)
        whole = self.expect(server, 200, "GET", "/db/user:1")
        self.assertEqual((whole.json(), whole.header("Content-Type")), ({"name": "Alice", "age": "7", "bin": {"base64": "AP8="}}, "application/json"))
        self.assertEqual(self.expect(server, 200, "GET", "/db/user:1/fields/bin").body, b"\0\xff")
        self.expect(server, 201, "PUT", "/db/user:1/fields/a%20b/c", b"\xfe" * 5_000_000, BYTES)
        got = self.expect(server, 200, "GET", "/db/user:1/fields/a%20b/c")
        self.assertEqual((got.body, got.header("Content-Type")), (b"\xfe" * 5_000_000, "application/octet-stream"))
        self.assertEqual(self.expect(server, 200, "HEAD", "/db/user:1/fields/name").header("Content-Length"), "5")
        self.expect(server, 204, "DELETE", "/db/user:1/fields/a%20b/c")
        head = self.expect(server, 200, "HEAD", "/db/user:1")
        self.assertEqual((head.header("Content-Length"), head.header("Content-Type")), (str(len(whole.body)), "application/json"))
        rows = self.expect(server, 200, "GET", "/db/user:1/fields").json()
        # Five megabytes made pages of it, and their order is each store's own.
        self.assertIn({"field": "name", "value": "Alice"}, rows["fields"])
        self.assertEqual((len(rows["fields"]), rows["size"], rows["cursor"]), (3, 3, None))
        self.expect(server, 201, "PUT", "/db/user:1/fields/%ff", b"x", BYTES)
        self.problem(server, 406, "not_utf8", "GET", "/db/user:1")
        self.assertIn({"field_base64": "/w==", "value": "x"}, self.expect(server, 200, "GET", "/db/user:1/fields").json()["fields"])
        self.problem(server, 404, "not_found", "GET", "/db/user:1/fields/none")
        self.problem(server, 415, "unsupported_type", "PATCH", "/db/user:1/fields", b"{}", BYTES)
        self.problem(server, 405, "method_not_allowed", "POST", "/db/user:1/fields", b"{}", JSON)
        self.problem(server, 400, "unknown_parameter", "GET", "/db/user:1/fields?match=a")

    def test_a_list_is_a_queue(self):
        server = self.serve()
        self.assertEqual(self.expect(server, 201, "POST", "/db/jobs/items", b'{"items": ["a", "b", 3]}', JSON).json()["size"], 3)
        self.assertEqual(self.expect(server, 200, "POST", "/db/jobs/items?side=front", b"\xff", BYTES).json()["size"], 4)
        self.assertEqual(self.expect(server, 200, "GET", "/db/jobs").json(), [{"base64": "/w=="}, "a", "b", "3"])
        self.assertEqual(self.expect(server, 200, "GET", "/db/jobs/items?offset=-2").json(), {"items": ["b", "3"], "offset": 2, "size": 4})
        self.expect(server, 204, "PUT", "/db/jobs/items/-1", b"three", BYTES)
        self.assertEqual(self.expect(server, 200, "GET", "/db/jobs/items/3").body, b"three")
        self.assertEqual(self.expect(server, 200, "DELETE", "/db/jobs/items?count=2").json()["items"], [{"base64": "/w=="}, "a"])
        self.assertEqual(self.expect(server, 200, "DELETE", "/db/jobs/items?side=back").json()["items"], ["three"])
        self.assertEqual(self.expect(server, 200, "DELETE", "/db/jobs/items").json(), {"items": ["b"], "size": 0, "version": None})
        self.problem(server, 404, "not_found", "DELETE", "/db/jobs/items")

    def test_sets_and_sorted_sets(self):
        server = self.serve()
        self.expect(server, 201, "PUT", "/db/tags/members/beta%2F1")
        self.expect(server, 204, "GET", "/db/tags/members/beta/1")
        self.assertEqual(self.patch(server, 200, "/db/tags/members", {"add": ["x"], "remove": ["beta/1"]}).json()["size"], 1)
        self.assertEqual(self.expect(server, 200, "GET", "/db/tags").json(), ["x"])
        self.assertEqual(self.patch(server, 201, "/db/board/scores", {"alice": 310, "bob": 275.5, "top": "inf", "low": -1e20}).json()["added"], 4)
        self.assertEqual(self.expect(server, 200, "GET", "/db/board").json(), [["low", -1e20], ["bob", 275.5], ["alice", 310], ["top", "inf"]])
        self.assertEqual(self.expect(server, 200, "GET", "/db/board/scores?order=desc&limit=2").json(),
                         {"scores": [["top", "inf"], ["alice", 310]], "matching": 4, "size": 4})
        self.assertEqual(self.expect(server, 200, "GET", "/db/board/scores?min=(275.5&max=%2Binf").json()["matching"], 2)
        self.expect(server, 204, "PUT", "/db/board/scores/bob", b"320", JSON)
        self.assertEqual(self.expect(server, 200, "GET", "/db/board/scores/bob?order=desc").json(), {"score": 320, "rank": 1})
        self.expect(server, 204, "DELETE", "/db/board/scores/bob")
        self.problem(server, 404, "not_found", "DELETE", "/db/board/scores/bob")

    def test_another_type_is_a_conflict_and_listings_tell_types(self):
        server = self.serve()
        self.expect(server, 201, "PUT", "/db/a", b"text", BYTES)
        self.patch(server, 201, "/db/h/fields", {"a": 1})
        for path in ("/db/a/fields", "/db/a/items", "/db/a/members/x", "/db/h/scores/a"):
            self.problem(server, 409, "wrong_type", "GET", path)
        self.problem(server, 409, "wrong_type", "PATCH", "/db/h/members", b'{"add": ["x"]}', JSON)
        keys = self.expect(server, 200, "GET", "/db").json()["keys"]
        self.assertEqual({k["key"]: (k["type"], k["content_type"]) for k in keys},
                         {"a": ("string", "application/octet-stream"), "h": ("hash", "application/json")})
        self.expect(server, 204, "DELETE", "/db/h")
        self.problem(server, 404, "not_found", "GET", "/db/h")

    def test_a_word_in_a_key_is_escaped(self):
        server = self.serve()
        self.expect(server, 201, "PUT", "/db/orders%2Fitems", b"a string", BYTES)
        self.patch(server, 201, "/db/a%2Ffields%2Fb/fields", {"x": "y"})
        self.assertEqual(sorted(self.expect(server, 200, "GET", "/keys").json()), ["a/fields/b", "orders/items"])
        self.assertEqual(self.expect(server, 200, "GET", "/db/a%2Ffields/b/fields/x").body, b"y")

    def test_one_of_many_compare_and_sets_on_a_field_wins_each_round(self):
        server = self.serve()
        self.expect(server, 201, "PUT", "/db/h/fields/count", b"0", BYTES)
        rounds, writers = 20, 6

        def add():
            connection = server.connection()
            done = 0
            while done < rounds:
                got = ask_over(connection, "GET", "/db/h/fields/count")
                put = ask_over(connection, "PUT", "/db/h/fields/count", str(int(got.body) + 1), {**BYTES, "If-Match": got.header("ETag")})
                self.assertIn(put.status, (204, 412))
                done += put.status == 204
            connection.close()

        with concurrent.futures.ThreadPoolExecutor(writers) as pool:
            for future in [pool.submit(add) for _ in range(writers)]:
                future.result()
        self.assertEqual(self.expect(server, 200, "GET", "/db/h/fields/count").body, str(rounds * writers).encode())

    def test_what_does_not_fit_into_memory_is_read_from_the_disk(self):
        server = self.serve("--sync", "os", "--maxmemory", "32mb")
        value = "v" * 1000
        for i in range(120):
            self.patch(server, 201, "/db/h%d/fields" % i, {"f%d" % j: value for j in range(400)})
        for i in range(0, 120, 7):
            self.assertEqual(len(self.expect(server, 200, "GET", "/db/h%d" % i).json()), 400)
            self.assertEqual(self.expect(server, 200, "GET", "/db/h%d/fields/f399" % i).body, value.encode())
            self.assertEqual(self.patch(server, 200, "/db/h%d/fields" % i, {"f0": None, "g": "1"}).json()["size"], 400)
            self.assertGreater(int(self.expect(server, 200, "HEAD", "/db/h%d" % (119 - i)).header("Content-Length")), 400_000)

    def test_all_of_it_is_there_after_a_restart(self):
        server = self.serve("--sync", "always")
        self.patch(server, 201, "/db/h/fields", {"a": "1", "b": "2"})
        self.expect(server, 201, "POST", "/db/l/items", b'["a", "b"]', JSON)
        self.patch(server, 201, "/db/s/members", {"add": ["m"]})
        tag = self.patch(server, 201, "/db/z/scores?ttl=1h", {"m": 0.1}).header("ETag")
        server.end(signal.SIGKILL)
        server = self.serve()
        self.assertEqual([self.expect(server, 200, "GET", "/db/" + key).json() for key in "hlsz"], [{"a": "1", "b": "2"}, ["a", "b"], ["m"], [["m", 0.1]]])
        got = self.expect(server, 200, "GET", "/db/z/scores/m")
        self.assertEqual(got.header("ETag"), tag)
        self.assertTrue(got.header("Stave-Expires-At"))


class Commands(http_support.TestCase):
    def test_commands_pipelines_and_base64(self):
        server = self.serve()
        ask = lambda path, body, **headers: self.ask(server, "POST", path, json.dumps(body), headers)
        self.assertEqual(ask("/command", ["SET", "a", 1]).json(), {"result": "OK"})
        self.assertEqual(ask("/", ["GET", "a"]).json(), {"result": "1"})
        self.assertEqual(ask("/command", ["GET", "none"]).json(), {"result": None})
        self.assertEqual(ask("/command", ["MGET", "a", "none"]).json(), {"result": ["1", None]})
        self.assertEqual(ask("/command?db=2", ["GET", "a"]).json(), {"result": None})
        refused = ask("/command", ["INCR"])
        self.assertEqual((refused.status, refused.json()["error"]), (400, "ERR wrong number of arguments for 'incr' command"))
        self.assertEqual(ask("/pipeline", [["INCR", "a"], ["NOPE"], ["GET", "a"]]).json(),
                         [{"result": 2}, {"error": "ERR unknown command 'NOPE', with args beginning with: "}, {"result": "2"}])
        encoded = ask("/pipeline", [["SET", "a", "OK"], ["GET", "a"], ["PING"]], **{"Upstash-Encoding": "base64"}).json()
        self.assertEqual(encoded, [{"result": "OK"}, {"result": "T0s="}, {"result": "UE9ORw=="}])
        self.assertEqual(ask("/pipeline", []).json(), [])
        self.assertEqual(len(ask("/pipeline", [["INCR", "n"]] * 5000).json()), 5000)
        for body in ({}, [], [[]], [["GET", None]], ["GET", ["a"]], "GET", 5):
            self.assertEqual(ask("/command", body).status, 400, body)
        self.assertEqual(ask("/command", ["SELECT", "1"]).status, 400)

    def test_a_transaction_is_whole_or_nothing(self):
        server = self.serve()
        ask = lambda body: self.ask(server, "POST", "/transaction", json.dumps(body))
        done = ask([["SET", "a", "1", "EX", "60"], ["INCRBY", "a", "4"], ["GET", "a"], ["SET", "b", "x", "NX"], ["MGET", "a", "b", "c"], ["DEL", "b"], ["TTL", "a"]])
        self.assertEqual([r["result"] for r in done.json()], ["OK", 5, "5", "OK", ["5", "x", None], 1, 60])
        refused = ask([["SET", "a", "text"], ["INCR", "a"]])
        self.assertEqual(refused.status, 400)
        self.assertTrue(refused.json()["error"].startswith("EXECABORT "))
        self.assertEqual(redis.Redis(port=server.redis_port).get("a"), b"5")
        self.assertEqual(ask([["SWAPDB", "0", "1"]]).status, 400)
        self.assertEqual(self.ask(server, "POST", "/multi-exec", b'[["GET","a"]]').json(), [{"result": "5"}])


class Platforms(http_support.TestCase):
    def test_probes_and_versions(self):
        server = self.serve()
        self.assertEqual(self.expect(server, 200, "GET", "/healthz").json(), {"status": "alive"})
        self.assertEqual(self.expect(server, 200, "GET", "/readyz").json(), {"status": "ready"})
        self.assertEqual(self.expect(server, 200, "GET", "/version").json()["name"], "stave")
        self.assertIn(b"stave_http_requests_total", self.expect(server, 200, "GET", "/metrics").body)
        page = self.expect(server, 200, "GET", "/docs")
        self.assertIn(b"/db/{key}", page.body)
        self.assertNotRegex(page.body.decode(), r'(?:src|href)="(?:https?:)?//')

    def test_without_a_password_it_does_not_listen_to_everybody(self):
        done = subprocess.run([http_support.STAVE, "serve", "--port", "-1", "--http-port", "-1", "--http-bind", "0.0.0.0", "--dir", str(self.directory / "data")],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("password", done.stderr)

    def test_a_port_that_is_taken_is_told_at_the_start(self):
        server = self.serve()
        done = subprocess.run([http_support.STAVE, "serve", "--port", "-1", "--http-port", str(server.port), "--dir", str(self.directory / "other")],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot listen on 127.0.0.1:%d" % server.port, done.stderr)

    def test_the_password_is_the_token_but_probes_are_open(self):
        server = self.serve("--requirepass", "sesame", "--sync", "os")
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic c2VzYW1l"}):
            refused = self.problem(server, 401, "unauthorized", "GET", "/db/a", headers=headers)
            self.assertIn("Bearer", refused.header("WWW-Authenticate"))
        right = {"Authorization": "Bearer sesame"}
        self.expect(server, 201, "PUT", "/db/a", b"v", {**BYTES, **right})
        self.assertEqual(self.ask(server, "POST", "/command", b'["GET","a"]', right).json(), {"result": "v"})
        for path in ("/healthz", "/readyz", "/version", "/openapi.json", "/docs"):
            self.expect(server, 200, "GET", path)
        self.problem(server, 401, "unauthorized", "GET", "/metrics")
        # The body of who may not write is not taken: its length alone is enough.
        with server.socket() as connection:
            connection.sendall(b"PUT /db/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 400000000\r\n\r\n")
            self.assertTrue(receive_all(connection).startswith(b"HTTP/1.1 401 "))

    def test_wrong_tokens_are_slowed_down_over_both_doors_and_never_logged(self):
        server = self.serve("--requirepass", "sesame", "--sync", "os", "--loglevel", "debug", "--http-access-log", "text")
        known = server.connection()
        right = {"Authorization": "Bearer sesame"}
        self.assertEqual(http_support.ask_over(known, "GET", "/db/a", headers=right).status, 404)
        answer = None
        while answer is None or answer.status == 401:  # each wrong one is slower than the last
            answer = self.ask(server, "GET", "/db/a", headers={"Authorization": "Bearer wrong-guess"})
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["retryable"]), (429, "too_many_attempts", True))
        self.assertGreaterEqual(int(answer.header("Retry-After")), 1)
        # Who had shown it goes on; who comes from there anew, through whichever door, waits and is then let in.
        self.assertEqual(http_support.ask_over(known, "GET", "/db/a", headers=right).status, 404)
        known.close()
        with socket.create_connection(("127.0.0.1", server.redis_port), timeout=PATIENCE) as connection:
            connection.sendall(b"AUTH sesame\r\n")
            self.assertEqual(connection.recv(5), b"+OK\r\n")
        self.expect(server, 404, "GET", "/db/a", headers=right)
        self.assertEqual(server.end(), 0)
        for secret in ("sesame", "wrong-guess"):
            self.assertNotIn(secret, "".join(server.output + server.errors))

    def test_what_is_for_administrators_is_refused(self):
        server = self.serve()
        for command in ('["CONFIG","GET","dir"]', '["shutdown"]', '["DEBUG","OBJECT","a"]'):
            refused = self.problem(server, 400, "command_failed", "POST", "/command", command.encode(), JSON)
            self.assertIn("administrators", refused.json()["error"])
        self.expect(server, 200, "GET", "/healthz")

    def test_pages_of_other_origins_get_nothing_unless_they_may(self):
        server = self.serve()
        evil = {"Origin": "https://evil.example"}
        self.problem(server, 403, "origin_not_allowed", "GET", "/db/a", headers=evil)
        self.problem(server, 403, "origin_not_allowed", "POST", "/command", b'["PING"]', evil)
        self.problem(server, 403, "origin_not_allowed", "GET", "/set?key=a&value=b", headers={"Sec-Fetch-Site": "cross-site"})
        self.problem(server, 421, "host_not_allowed", "GET", "/db/a", headers={"Host": "evil.example"})
        self.expect(server, 404, "GET", "/db/a", headers={"Host": "localhost:8080"})
        self.assertIsNone(self.expect(server, 204, "OPTIONS", "/db/a", headers={**evil, "Access-Control-Request-Method": "PUT"}).header("Access-Control-Allow-Origin"))
        server.end()
        server = self.serve("--http-cors-origins", "https://good.example", "--sync", "os")
        good = {"Origin": "https://good.example"}
        self.assertEqual(self.expect(server, 404, "GET", "/db/a", headers=good).header("Access-Control-Allow-Origin"), "https://good.example")
        flight = self.expect(server, 204, "OPTIONS", "/db/a", headers={**good, "Access-Control-Request-Method": "PUT"})
        self.assertIn("PUT", flight.header("Access-Control-Allow-Methods"))
        self.problem(server, 403, "origin_not_allowed", "GET", "/db/a", headers=evil)

    def test_the_access_log_has_a_line_for_each_request(self):
        server = self.serve("--http-access-log", "json", "--sync", "os")
        self.expect(server, 201, "PUT", "/db/a", b"v", {**BYTES, "X-Request-Id": "mine-1"})
        answer = self.expect(server, 404, "GET", "/db/%22%0a")
        self.assertEqual(server.end(), 0)
        lines = [json.loads(line) for line in server.output]
        self.assertEqual([(l["method"], l["target"], l["status"]) for l in lines], [("PUT", "/db/a", 201), ("GET", "/db/%22%0a", 404)])
        self.assertEqual((lines[0]["request_id"], lines[1]["request_id"]), ("mine-1", answer.header("X-Request-Id")))

    def test_stopping_and_a_full_disk_are_told_by_readiness(self):
        server = self.serve("--disk-reserve", "1000gb", "--sync", "os")
        self.ask(server, "PUT", "/db/a", b"v", BYTES)
        refused = self.expect(server, 503, "GET", "/readyz").json()
        self.assertEqual(refused["reason"], "disk_full")
        self.assertEqual(self.problem(server, 507, "no_space", "PUT", "/db/a", b"v", BYTES).json()["retryable"], True)


class Documents(http_support.TestCase):
    def document(self, server):
        return self.expect(server, 200, "GET", "/openapi.json").json()

    def test_the_table_in_the_docs_is_that_of_the_router(self):
        document = self.document(self.serve())
        self.assertEqual(TABLE.search(DOCS.read_text(encoding="utf-8")).group(2), table_of(document), "run http_test.py --write")

    def test_both_lists_take_either_name_of_the_filter(self):
        server = self.serve()
        for key in ("user:1", "user:2", "other"):
            self.expect(server, 201, "PUT", "/db/" + key, "x", {"Content-Type": "application/octet-stream"})
        for name in ("match", "pattern"):
            self.assertEqual(sorted(self.expect(server, 200, "GET", "/keys?%s=user:*" % name).json()), ["user:1", "user:2"])
            listed = self.expect(server, 200, "GET", "/db?%s=user:*" % name).json()["keys"]
            self.assertEqual(len(listed), 2, listed)

    def test_every_reference_of_openapi_leads_somewhere(self):
        document = self.document(self.serve())
        self.assertTrue(document["openapi"].startswith("3.1."))
        schemas = document["components"]["schemas"]
        used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
        self.assertEqual(used, set(schemas))
        ids = [o["operationId"] for operations in document["paths"].values() for o in operations.values()]
        self.assertEqual(len(ids), len(set(ids)))

    def test_the_router_knows_what_openapi_names_and_nothing_else(self):
        server = self.serve()
        for path, operations in self.document(server)["paths"].items():
            there = path.replace("{key}", "some%20key")
            allowed = self.expect(server, 204, "OPTIONS", there).header("Allow").split(", ")
            self.assertEqual(set(v.lower() for v in allowed) - {"options", "head"}, set(operations) - {"head"})
            for verb in ("GET", "PUT", "POST", "DELETE", "PATCH"):
                # What goes on for ever ends where it is told to.
                asked = there + "?follow=false" if path == "/changes" else there
                known = self.ask(server, verb, asked).status != 405
                self.assertEqual(known, verb.lower() in operations, "%s %s" % (verb, path))

    def check(self, schema, value, schemas, where):
        """As much of JSON Schema as openapi.cc uses."""
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
        if "type" in schema:
            wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            self.assertTrue(any(isinstance(value, kinds[kind]) for kind in wanted), "%s: %r is not %s" % (where, value, wanted))
        if "anyOf" in schema:
            def fits(inner):
                try:
                    self.check(inner, value, schemas, where)
                    return True
                except self.failureException:
                    return False
            self.assertTrue(any(fits(inner) for inner in schema["anyOf"]), "%s: %r is none of %s" % (where, value, schema["anyOf"]))
        for inner, one in zip(schema.get("prefixItems", ()), value if isinstance(value, list) else ()):
            self.check(inner, one, schemas, where + "[]")
        if "enum" in schema:
            self.assertIn(value, schema["enum"], where)
        for name in schema.get("required", ()):
            self.assertIn(name, value, where)
        if isinstance(value, dict):
            for name, inner in value.items():
                if name in schema.get("properties", {}):
                    self.check(schema["properties"][name], inner, schemas, where + "." + name)
        if isinstance(value, list) and "items" in schema:
            for inner in value:
                self.check(schema["items"], inner, schemas, where + "[]")

    def curl(self, server, *arguments):
        done = subprocess.run(["curl", "-sS", "-i", "--path-as-is", "--max-time", str(PATIENCE), *arguments], capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100"):
            head, _, body = body.partition(b"\r\n\r\n")
        return int(head.split()[1]), dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]), body

    def test_curl_gets_what_every_row_promises(self):
        server = self.serve()
        document = self.document(server)
        octets, text = ["-H", "Content-Type: application/octet-stream"], ["-H", "Content-Type: application/json"]
        examples = {
            "putKey": ["/db/a", 201, *octets, "--data-binary", "1"], "getKey": ["/db/a", 200], "headKey": ["/db/a", 200, "-I"],
            "postKey": ["/db/a", 204, *octets, "--data-binary", "2"], "patchKey": ["/db/a", 200, *text, "-d", '{"increment": 5}'],
            "listVersions": ["/db/a/history?limit=10", 200], "deleteKey": ["/db/a", 204], "listKeys": ["/db", 200], "deleteKeys": ["/db?match=zz*&confirm=true", 200],
            "batch": ["/db/_batch", 200, *text, "-d", '{"operations": [{"op": "set", "key": "x", "value": "1"}, {"op": "get", "key": "x"}]}'],
            "shortSet": ["/set?key=foo&value=bar", 201], "shortGet": ["/get?key=foo", 200], "shortKeys": ["/keys?pattern=*", 200],
            "shortDelete": ["/delete?key=foo", 200], "command": ["/command", 200, "-d", '["SET", "a", "1"]'],
            "upstashCommand": ["/", 200, "-d", '["GET", "a"]'], "pipeline": ["/pipeline", 200, "-d", '[["INCR", "a"], ["NOPE"]]'],
            "transaction": ["/transaction", 200, "-d", '[["INCR", "a"], ["GET", "a"]]'],
            "upstashTransaction": ["/multi-exec", 200, "-d", '[["GET", "a"]]'], "health": ["/healthz", 200], "readiness": ["/readyz", 200],
            "putField": ["/db/h/fields/name", 201, *octets, "-d", "Alice"], "getField": ["/db/h/fields/name", 200],
            "patchFields": ["/db/h/fields", 200, *text, "-d", '{"city": "Zurich", "n": 7}'], "listFields": ["/db/h/fields?limit=10", 200],
            "deleteField": ["/db/h/fields/city", 204],
            "pushItems": ["/db/l/items?side=back", 201, *text, "-d", '{"items": ["a", "b", {"base64": "/w=="}]}'],
            "listItems": ["/db/l/items?offset=0&limit=10", 200], "getItem": ["/db/l/items/-1", 200], "putItem": ["/db/l/items/0", 204, *octets, "-d", "z"],
            "popItems": ["/db/l/items?count=2", 200], "putMember": ["/db/s/members/beta", 201], "getMember": ["/db/s/members/beta", 204],
            "patchMembers": ["/db/s/members", 200, *text, "-d", '{"add": ["x"], "remove": ["y"]}'], "listMembers": ["/db/s/members", 200],
            "deleteMember": ["/db/s/members/x", 204], "putScore": ["/db/z/scores/alice", 201, *text, "-d", "310"],
            "patchScores": ["/db/z/scores", 200, *text, "-d", '{"bob": 275.5, "top": "inf"}'], "getScore": ["/db/z/scores/top?order=desc", 200],
            "listScores": ["/db/z/scores?min=(1&order=desc&limit=10", 200], "deleteScore": ["/db/z/scores/bob", 204],
            "streamChanges": ["/changes?since=oldest&limit=2", 200], "subscribe": ["/subscribe", 400], "publish": ["/publish/news", 200, "-d", "hello"],
            "version": ["/version", 200], "metrics": ["/metrics", 200], "openapi": ["/openapi.json", 200], "documentation": ["/docs", 200], "start": ["/", 303],
        }
        operations = {o["operationId"]: (verb, path, o) for path, by_verb in document["paths"].items() for verb, o in by_verb.items()}
        self.assertEqual(set(operations), set(examples), "an example for every row, a row for every example")
        for name, (path, wanted, *arguments) in examples.items():
            verb, _, operation = operations[name]
            method = [] if "-I" in arguments else ["-X", verb.upper()]
            status, headers, body = self.curl(server, *method, *arguments, server.url + path)
            self.assertEqual(status, wanted, "%s: %r" % (name, body))
            promised = operation["responses"][str(status)].get("content", {})
            kind = headers.get("Content-Type", "").partition(";")[0]
            if promised and "*/*" not in promised:
                self.assertIn(kind, promised, name)
                if kind == "application/json":
                    self.check(promised[kind].get("schema", {}), json.loads(body), document["components"]["schemas"], name)
            elif not promised:
                self.assertEqual(body, b"", name)


class Streams(http_support.TestCase):
    def test_pipelined_requests_are_answered_in_their_order(self):
        server = self.serve("--sync", "always")
        count = 300
        with server.socket() as connection:
            connection.sendall(b"".join(
                b"PUT /db/k%d HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\n%03d"
                b"GET /db/k%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % (i, i, i) for i in range(count)) +
                b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            got = receive_all(connection)
        self.assertEqual(re.findall(rb"\r\n\r\n(\d{3})", got), [b"%03d" % i for i in range(count)])
        self.assertEqual(got.count(b"HTTP/1.1 201 Created"), count)

    def test_requests_may_come_byte_by_byte_and_chunked(self):
        server = self.serve()
        request = (b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"3;x=y\r\n[1,\r\n2\r\n2]\r\n0\r\nTrailer: x\r\n\r\nGET /db/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        with server.socket() as connection:
            for i in range(len(request)):
                connection.sendall(request[i:i + 1])
            got = receive_all(connection)
        self.assertTrue(got.startswith(b"HTTP/1.1 201 "), got)
        self.assertTrue(got.endswith(b"[1,2]"), got)

    def test_a_client_that_expects_100_gets_it_before_the_body_or_a_refusal(self):
        server = self.serve()
        head = b"PUT /db/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        with server.socket() as connection:
            connection.sendall(head % b"application/octet-stream")
            self.assertEqual(receive_until(connection, b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.sendall(b"hello")
            self.assertTrue(receive_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 201 "))
        with server.socket() as connection:
            connection.sendall(head % b"text/plain")
            self.assertTrue(receive_all(connection).startswith(b"HTTP/1.1 415 "))

    def test_http_1_0_is_answered_and_closed(self):
        server = self.serve()
        with server.socket() as connection:
            connection.sendall(b"GET /version HTTP/1.0\r\n\r\n")
            got = receive_all(connection)
        self.assertTrue(got.startswith(b"HTTP/1.0 200 OK"))
        self.assertIn(b"Connection: close", got)

    def test_both_doors_show_the_same_under_eight_writers(self):
        server = self.serve("--sync", "always", "--http-threads", "2", "--threads", "2")
        errors = []

        def over_http(number):
            connection, client = server.connection(), redis.Redis(port=server.redis_port)
            for i in range(60):
                key, value = "h%d:%d" % (number, i), b"%d" % i
                put = ask_over(connection, "PUT", "/db/%s?ttl=1h" % key, value, BYTES)
                if put.status != 201 or client.get(key) != value or not 0 < client.ttl(key) <= 3600 or client.type(key) != b"string":
                    errors.append(key)
            connection.close()

        def over_redis(number):
            connection, client = server.connection(), redis.Redis(port=server.redis_port)
            for i in range(60):
                key, value = "r%d:%d" % (number, i), b"%d" % i
                client.set(key, value, px=3_600_000)
                got = ask_over(connection, "GET", "/db/" + key)
                version = client.object("encoding", key)
                if got.body != value or got.header("Stave-Expires-At") is None or version is None:
                    errors.append(key)
                before = got.header("ETag")
                client.append(key, "!")
                after = ask_over(connection, "GET", "/db/" + key)
                if after.body != value + b"!" or int(after.header("ETag").strip('"')) <= int(before.strip('"')):
                    errors.append(key)
            connection.close()

        threads = [threading.Thread(target=over_http if i % 2 else over_redis, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        cli = subprocess.run(["redis-cli", "-p", str(server.redis_port), "DBSIZE"], capture_output=True, text=True, check=True)
        self.assertEqual(cli.stdout.strip(), "480")


def write_docs():
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder)
        connection = server.connection()
        table = table_of(ask_over(connection, "GET", "/openapi.json").json())
        server.end()
    DOCS.write_text(TABLE.sub(lambda m: m.group(1) + table + m.group(3), DOCS.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write_docs()
    else:
        unittest.main(verbosity=1)
