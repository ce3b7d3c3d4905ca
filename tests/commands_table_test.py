"""Every command and subcommand with its arity, the positions of its keys, what is done with them, and its access
categories: beside a list that is checked in, and beside redis-server's where it knows the command too. A row that is not
in the list fails: who adds a command looks at its rights.

Usage: STAVE_BIN=<path to stave> python3 commands_table_test.py; with --write the list is made anew.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import redis

from package_index_test import Server, free_port

os.environ["HTTP_PORT"] = "0"

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "commands_table.txt")
RIGHTS = {"access": "read", "insert": "write", "delete": "write", "update": "write"}

# What Stave decides otherwise, or Redis 7.0 did not have yet, each with its reason.
OTHERWISE = {
    "debug": "what it can do are rows of their own here, each in these categories",
    "georadius": "what STORE names is looked at where it is named",
    "georadiusbymember": "likewise",
    "multi": "MULTI ROLLBACK",
    "pfdebug": "some of what it shows it makes first",
    "pfselftest": "it reads",
    "sort": "whether it writes depends on STORE, and BY and GET are looked at when it is run",
    "sort_ro": "BY and GET are looked at when it is run",
    "spublish": "a shard's channel is a channel here, in one place with the others",
    "ssubscribe": "likewise",
    "sunsubscribe": "likewise",
    "wait": "Redis 7.2 calls it blocking",
    "xautoclaim": "it answers with entries, so it reads",
    "xclaim": "likewise",
    "xreadgroup": "it notes to whom it gave what, so it writes",
    "zrank": "WITHSCORE, of Redis 7.2",
    "zrevrank": "WITHSCORE, of Redis 7.2",
}


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def key_specification(spec):
    fields = {text(spec[i]): spec[i + 1] for i in range(0, len(spec), 2)}
    rights = sorted({RIGHTS[text(flag).lower()] for flag in fields["flags"] if text(flag).lower() in RIGHTS})

    def words(part):
        inner = {text(part[i]): part[i + 1] for i in range(0, len(part), 2)}
        numbers = {text(inner["spec"][i]): text(inner["spec"][i + 1]) for i in range(0, len(inner["spec"]), 2)}
        return text(inner["type"]) + "(" + " ".join(f"{k}={numbers[k]}" for k in sorted(numbers)) + ")"
    return "/".join([words(fields["begin_search"]), words(fields["find_keys"]), "+".join(rights) or "names"])


def rows(connection):
    """Lines by name."""
    found = {}

    def add(row):
        name = text(row[0]).lower()
        categories = " ".join(sorted(text(word) for word in row[6]))
        keys = " ".join(key_specification(spec) for spec in row[8])
        found[name] = f"arity {row[1]} | keys {row[3]} {row[4]} {row[5]} | {keys or 'none'} | {categories}"
        for sub in row[9]:
            add(sub)
    connection.send_command("COMMAND")
    for row in connection.read_response():
        add(row)
    return found


def stave_rows():
    with tempfile.TemporaryDirectory(prefix="stave-table-") as directory:
        server = Server(os.path.join(directory, "data"))
        server.start("--sync", "os")
        try:
            return rows(redis.Connection(port=server.port))
        finally:
            server.stop(signal.SIGKILL)


def redis_rows():
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="stave-table-") as directory:
        peer = subprocess.Popen(["redis-server", "--port", str(port), "--save", "", "--dir", directory], stdout=subprocess.DEVNULL)
        try:
            for _ in range(200):
                try:
                    return rows(redis.Connection(port=port))
                except redis.ConnectionError:
                    time.sleep(0.05)
            raise RuntimeError("redis-server does not answer")
        finally:
            peer.kill()
            peer.wait()


def listed():
    with open(LIST, encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(": ", 1) for line in file if not line.startswith("#"))


class Table(unittest.TestCase):
    def test_every_row_is_what_was_decided(self):
        self.maxDiff = None
        self.assertEqual(stave_rows(), listed())

    def test_rows_that_redis_has_too_are_the_same(self):
        own, peers = stave_rows(), redis_rows()
        both = sorted(set(own) & set(peers))
        self.assertGreater(len(both), 150)
        differ = {name: (own[name], peers[name]) for name in both if own[name] != peers[name] and name not in OTHERWISE}
        self.assertEqual(differ, {}, "\n".join(f"{name}\n  {a}\n  {b}" for name, (a, b) in differ.items()))


if __name__ == "__main__":
    if "--write" in sys.argv:
        with open(LIST, "w", encoding="utf-8") as out:
            out.write("# Made by commands_table_test.py --write, and looked at.\n")
            for name, line in sorted(stave_rows().items()):
                out.write(f"{name}: {line}\n")
    else:
        unittest.main()
