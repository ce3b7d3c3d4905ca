"""kill -9 under load, again and again (STAVE_KILLS times, 20 unless told): nothing that was acknowledged is lost.

Writers count upwards, each in keys of its own: single SETs, MSETs of two keys, and transactions over two keys and a list, in
pipelines. A writer remembers the last number that was acknowledged and the last it sent. After each kill and restart every
counter stands between the two, the two keys of an MSET are equal, and a transaction has happened as a whole or not at all. Policies take turns: what a server acknowledged survives a kill under each of them.
"""

import os
import random
import shutil
import socket
import tempfile
import threading
import time
import unittest

from package_index_test import Server, command

KILLS = int(os.environ.get("STAVE_KILLS", "20"))
# No HTTP but where a test asks for it: 8080 is everybody's.
os.environ["HTTP_PORT"] = "0"
SEED = int(os.environ.get("STAVE_SEED", str(random.randrange(1 << 32))))
WRITERS = 4


class Writer(threading.Thread):
    def __init__(self, number, port, start, stored):
        """Goes on behind `start`, which was sent and perhaps not stored; `stored` was."""
        super().__init__(daemon=True)
        self.number, self.port = number, port
        self.acknowledged, self.sent = stored, start

    def run(self):
        single, left, right, first, second, queue = (
            b"%s%d" % (name, self.number) for name in (b"single", b"left", b"right", b"first", b"second", b"queue"))
        depth = 1 + 8 * (self.number % 2)
        try:
            with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
                reader = connection.makefile("rb")
                while True:
                    numbers = range(self.sent + 1, self.sent + 1 + depth)
                    self.sent = numbers[-1]
                    connection.sendall(b"".join(
                        command(b"SET", single, b"%d" % n) + command(b"MSET", left, b"%d" % n, right, b"%d" % n) +
                        command(b"MULTI") + command(b"SET", first, b"%d" % n) + command(b"RPUSH", queue, b"%d" % n) +
                        command(b"LTRIM", queue, b"-1", b"-1") + command(b"SET", second, b"%d" % n) + command(b"EXEC") for n in numbers))
                    answers = b"+OK\r\n" * 3 + b"+QUEUED\r\n" * 4 + b"*4\r\n+OK\r\n:"
                    for n in numbers:
                        if reader.read(len(answers)) != answers or not reader.readline() or reader.read(10) != b"+OK\r\n+OK\r\n":
                            return
                        self.acknowledged = n
        except OSError:
            return


class Kill(unittest.TestCase):
    def read(self, port, key):
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            reader = connection.makefile("rb")
            connection.sendall(command(b"LINDEX", key, b"0") if key.startswith(b"queue") else command(b"GET", key))
            header = reader.readline()
            return 0 if header == b"$-1\r\n" else int(reader.readline())

    def test_nothing_acknowledged_is_lost(self):
        print(f"STAVE_SEED={SEED}, {KILLS} kills")
        dice = random.Random(SEED)
        directory = tempfile.mkdtemp(prefix="stave-kill-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        server = Server(directory)
        self.addCleanup(lambda: server.process.poll() is None and server.process.kill())
        counts, stored = [0] * WRITERS, [0] * WRITERS
        total = 0
        for round_number in range(KILLS):
            server.start("--sync", ("always", "interval", "os")[round_number % 3], "--segment-size", "1mb")
            writers = [Writer(i, server.port, counts[i], stored[i]) for i in range(WRITERS)]
            for writer in writers:
                writer.start()
            time.sleep(dice.uniform(0.05, 0.4))
            server.process.kill()
            server.process.wait()
            for writer in writers:
                writer.join()
            server.start()
            for i, writer in enumerate(writers):
                single, left, right, first, second, queue = (
                    self.read(server.port, b"%s%d" % (name, i))
                    for name in (b"single", b"left", b"right", b"first", b"second", b"queue"))
                where = f"kill {round_number}, writer {i}"
                self.assertEqual(left, right, where + ": half an MSET")
                self.assertGreaterEqual(left, writer.acknowledged, where + ": lost")
                self.assertGreaterEqual(single, writer.acknowledged, where + ": lost")
                self.assertEqual((first, second), (queue, queue), where + ": half a transaction")
                self.assertGreaterEqual(first, writer.acknowledged, where + ": lost")
                self.assertLessEqual(first, left, where + ": out of order")
                self.assertLessEqual(single, writer.sent, where)
                self.assertLessEqual(left, single, where + ": out of order")
                total += max(0, writer.acknowledged - counts[i])
                counts[i], stored[i] = max(single, writer.sent), min(single, left, first)
            self.assertEqual(server.stop(15), 0)
        print(f"{total} acknowledged rounds of writes")
        self.assertGreater(total, KILLS)


if __name__ == "__main__":
    unittest.main(verbosity=2)
