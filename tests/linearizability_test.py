"""Clients of several threads beside each other, with kills: what they saw can be put into one order.

Plain commands, MULTI, WATCH loops, scripts and blocking pops on small groups of keys; each group's history, across kills and
restarts, is checked by tests/linearizability.py against a model of a few lines. STAVE_SEED repeats the choices (not the
timing), STAVE_ROUNDS makes it longer.
"""

import os
import random
import shutil
import tempfile
import threading
import time
import unittest

import redis

from linearizability import NEVER, Operation, by_group, explain
from server_test import PATIENCE, SANITIZED, Server

SEED = int(os.environ.get("STAVE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
ROUNDS = int(os.environ.get("STAVE_ROUNDS", "0")) or (2 if SANITIZED else 6)
CLIENTS = 6
GROUPS = 8
MOVE = "local v = redis.call('GET', KEYS[1]) redis.call('SET', KEYS[2], v or '') redis.call('INCR', KEYS[3]) return v"


def step(state, call, result):
    """A group: two strings, a counter, a queue."""
    first, second, counter, queue = state
    name, *arguments = call
    unseen = result is ...
    match name:
        case "get":
            return state if unseen or result == (first, second)[arguments[0]] else None
        case "set":
            slot, value = arguments
            return (value, second, counter, queue) if slot == 0 else (first, value, counter, queue)
        case "incr":
            return (first, second, counter + 1, queue) if unseen or result == counter + 1 else None
        case "multi":  # SET first, SET second, INCR, GET first
            value, = arguments
            return (value, value, counter + 1, queue) if unseen or result == [True, True, counter + 1, value] else None
        case "swap":  # WATCH both; if they were as read, exchange them
            seen = arguments[0]
            if unseen:  # it may have been refused as well, which changes nothing: a second operation stands for that
                return (second, first, counter, queue) if seen == (first, second) else None
            if result is None:
                return state
            return (second, first, counter, queue) if seen == (first, second) else None
        case "script":
            return (first, first or b"", counter + 1, queue) if unseen or result == first else None
        case "push":
            return (first, second, counter, queue + (arguments[0],)) if unseen or result > 0 else None
        case "pop":
            if unseen:
                return (first, second, counter, queue[1:])
            if result is None:
                return state if not queue else None
            return (first, second, counter, queue[1:]) if queue and queue[0] == result else None
    raise AssertionError(name)


class Client(threading.Thread):
    def __init__(self, number, port, seed, stop, history):
        super().__init__(daemon=True)
        self.number, self.port, self.stop, self.history = number, port, stop, history
        self.random = random.Random(seed)
        self.values = 0

    def value(self):
        self.values += 1
        return b"%d.%d.%d" % (self.number, self.random.randrange(1 << 30), self.values)

    def run(self):
        connection = redis.Redis(port=self.port, socket_timeout=PATIENCE, single_connection_client=True)
        try:
            while not self.stop.is_set():
                self.one(connection)
        except (redis.exceptions.ConnectionError, redis.exceptions.WatchError, redis.exceptions.TimeoutError, OSError):
            pass  # killed: what was under way is in the history, unanswered

    def record(self, call, run):
        group, rest = call[0], call[1:]
        begin = time.monotonic()
        operation = Operation(self.number, begin, NEVER, (group, *rest), ...)
        self.history.append(operation)
        result = run()
        operation.result = result
        operation.end = time.monotonic()

    def one(self, connection):
        group = self.random.randrange(GROUPS)
        keys = ["g%d:%s" % (group, part) for part in ("a", "b", "n", "q")]
        kind = self.random.choice(["get", "get", "set", "incr", "multi", "swap", "script", "push", "push", "pop", "blpop"])
        slot = self.random.randrange(2)
        if kind == "get":
            self.record((group, "get", slot), lambda: connection.get(keys[slot]))
        elif kind == "set":
            value = self.value()
            self.record((group, "set", slot, value), lambda: connection.set(keys[slot], value))
        elif kind == "incr":
            self.record((group, "incr"), lambda: connection.incr(keys[2]))
        elif kind == "multi":
            value = self.value()
            pipe = connection.pipeline(transaction=True).set(keys[0], value).set(keys[1], value).incr(keys[2]).get(keys[0])
            self.record((group, "multi", value), pipe.execute)
        elif kind == "swap":
            self.swap(connection, group, keys)
        elif kind == "script":
            self.record((group, "script"), lambda: connection.eval(MOVE, 3, keys[0], keys[1], keys[2]))
        elif kind == "push":
            value = self.value()
            self.record((group, "push", value), lambda: connection.rpush(keys[3], value))
        elif kind == "pop":
            self.record((group, "pop"), lambda: connection.lpop(keys[3]))
        else:
            self.record((group, "pop"), lambda: (connection.blpop(keys[3], timeout=0.05) or (None, None))[1])

    def swap(self, connection, group, keys):
        with connection.pipeline(transaction=True) as pipe:
            try:
                pipe.watch(keys[0], keys[1])
            except redis.WatchError as lost:
                raise redis.exceptions.ConnectionError(str(lost)) from lost
            seen = (pipe.get(keys[0]), pipe.get(keys[1]))
            pipe.multi()
            for key, value in zip(keys, reversed(seen)):
                pipe.set(key, value) if value is not None else pipe.delete(key)

            def run():
                try:
                    return pipe.execute()
                except redis.WatchError as refused:
                    if "ConnectionError" in str(refused):  # nobody knows
                        raise redis.exceptions.ConnectionError(str(refused)) from refused
                    return None
            self.record((group, "swap", seen), run)


class LinearizabilityTest(unittest.TestCase):
    def test_the_checker_finds_what_cannot_be(self):
        initial = (None, None, 0, ())
        op = lambda begin, end, call, result: Operation(0, begin, end, call, result)
        self.assertIsNone(explain([op(0, 1, ("incr",), 1), op(0.5, 2, ("incr",), 2)], initial, step))
        self.assertIsNone(explain([op(0, 3, ("incr",), 2), op(1, 2, ("incr",), 1)], initial, step))
        self.assertIsNotNone(explain([op(0, 1, ("incr",), 2), op(2, 3, ("incr",), 1)], initial, step))
        self.assertIsNotNone(explain([op(0, 1, ("incr",), 1), op(0, 1, ("incr",), 1)], initial, step))
        self.assertIsNone(explain([op(0, NEVER, ("set", 0, b"x"), ...), op(5, 6, ("get", 0), b"x")], initial, step))
        self.assertIsNone(explain([op(0, NEVER, ("set", 0, b"x"), ...), op(5, 6, ("get", 0), None)], initial, step))
        # Seen, and then not any more.
        self.assertIsNotNone(explain([op(0, NEVER, ("set", 0, b"x"), ...), op(5, 6, ("get", 0), b"x"), op(7, 8, ("get", 0), None)], initial, step))
        self.assertIsNotNone(explain([op(0, 1, ("push", b"x"), 1), op(2, 3, ("pop",), b"x"), op(2, 3, ("pop",), b"x")], initial, step))
        self.assertIsNotNone(explain([op(0, 1, ("push", b"x"), 1), op(2, 3, ("pop",), None)], initial, step))

    def test_what_clients_saw_across_kills_has_one_order(self):
        directory = tempfile.mkdtemp(prefix="stave-linear-")
        self.addCleanup(shutil.rmtree, directory)
        chance = random.Random(SEED)
        states = {group: {(None, None, 0, ())} for group in range(GROUPS)}
        histories = []
        for round_number in range(ROUNDS):
            server = Server(directory + "/data", "--threads", "3")
            stop = threading.Event()
            history = []
            clients = [Client(number, server.port, chance.randrange(1 << 32), stop, history) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(0.15 + 0.2 * chance.random())
            kill = round_number % 2 == 0
            if kill:
                server.end(9)
            stop.set()
            for client in clients:
                client.join(PATIENCE)
                self.assertFalse(client.is_alive())
            if not kill:
                server.end()
            histories.extend(history)
        self.assertGreater(len(histories), 200)
        for group, operations in by_group(histories, lambda operation: operation.call[0]).items():
            for operation in operations:
                operation.call = operation.call[1:]
            with self.subTest(seed=SEED, group=group, operations=len(operations)):
                self.assertIsNone(explain(operations, next(iter(states[group])), step))


if __name__ == "__main__":
    unittest.main()
