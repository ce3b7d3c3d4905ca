"""The main job on real input: the whole Debian package index of this machine, one key per package.

Loaded through `redis-cli --pipe`, read back and compared byte for byte; the server killed with SIGKILL, restarted, compared
again. Bytes go in and out as they are.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from ports import free_port

STAVE = os.environ["STAVE_BIN"]
# No HTTP but where a test asks for it: 8080 is everybody's.
os.environ["HTTP_PORT"] = "0"


def package_index():
    """{name: paragraph} of everything apt knows; of what is installed where apt has no lists."""
    text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout
    index = {}
    for paragraph in text.split(b"\n\n"):
        if paragraph.startswith(b"Package: "):
            index[paragraph[9:].split(b"\n", 1)[0]] = paragraph
    return index


class Server:
    def __init__(self, directory):
        self.directory = directory

    def start(self, *options):
        self.port = free_port()
        self.process = subprocess.Popen([STAVE, "serve", "--port", str(self.port), "--dir", self.directory, *options],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the server does not answer")

    def stop(self, sig):
        self.process.send_signal(sig)
        return self.process.wait(60)


def command(*arguments):
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in arguments)


class PackageIndex(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="stave-index-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.server = Server(self.directory)
        self.server.start()
        self.addCleanup(lambda: self.server.process.poll() is None and self.server.stop(signal.SIGKILL))

    def compare(self, index):
        """Reads every key back in pipelines of 500 and compares the bytes."""
        names = list(index)
        with socket.create_connection(("127.0.0.1", self.server.port), 30) as connection:
            reader = connection.makefile("rb")
            for begin in range(0, len(names), 500):
                some = names[begin:begin + 500]
                connection.sendall(b"".join(command(b"GET", name) for name in some))
                for name in some:
                    header = reader.readline()
                    self.assertTrue(header.startswith(b"$"), (name, header))
                    size = int(header[1:])
                    self.assertGreaterEqual(size, 0, name)
                    self.assertEqual(reader.read(size + 2)[:-2], index[name], name)
            connection.sendall(command(b"DBSIZE"))
            self.assertEqual(reader.readline(), b":%d\r\n" % len(index))

    def test_index_is_loaded_killed_restarted_and_the_same(self):
        index = package_index()
        self.assertGreater(len(index), 100)
        load = b"".join(command(b"SET", name, text) for name, text in index.items())
        pipe = subprocess.run(["redis-cli", "-p", str(self.server.port), "--pipe"], input=load, capture_output=True, check=True)
        self.assertIn(b"errors: 0, replies: %d" % len(index), pipe.stdout)
        self.compare(index)
        self.server.stop(signal.SIGKILL)
        self.server.start()
        self.compare(index)
        self.assertEqual(self.server.stop(signal.SIGTERM), 0)
        self.server.start()
        self.compare(index)


if __name__ == "__main__":
    unittest.main(verbosity=2)
